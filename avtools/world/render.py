"""Scenes seen and heard: batches for training, with no file in between."""

from dataclasses import dataclass

import numpy as np

from avtools.world.bank import Bank
from avtools.world.ears import heard
from avtools.world.images import Images
from avtools.world.scenes import Scenes
from avtools.world.sights import seen
from avtools.world.sounds import dry


@dataclass(frozen=True)
class Rendering:
    """What a camera and microphones take of b scenes: torch tensors on one device.

    `frames` (b, t, height, width, 3) uint8, of `times` (t,) seconds; `sound` (b, channels, n)
    float32. Where things are at these times: `avtools.world.motion.directions(scenes, times)`.
    """

    scenes: Scenes
    times: np.ndarray
    frames: object
    sound: object
    rate: int


def render(
    scenes: Scenes,
    size: tuple[int, int] = (128, 128),
    fps: float = 6.0,
    rate: int = 16000,
    device: str = "cpu",
    bank: Bank | None = None,
    images: Images | None = None,
    hrirs=None,
) -> Rendering:
    """Sound and picture of the whole batch; picture k is of the time k / fps.

    `size` (width, height). `bank`, `images`: the user's own sounds and pictures instead of the
    world's. `hrirs`: (directions, responses) of a head at `rate`.
    """
    scenes = scenes if bank is None else bank.scored(scenes)
    times = np.arange(max(1, round(scenes.seconds * fps))) / fps
    emitted = dry(scenes, rate, device, bank)
    sound = heard(scenes, emitted, rate, hrirs)
    frames = seen(scenes, size, times, device, images=images, bank=bank)
    return Rendering(scenes, times, frames, sound, rate)
