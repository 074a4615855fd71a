"""Scenes set up by hand, for tests of pictures."""

import dataclasses

import numpy as np

from avtools.world.drawing import draw
from avtools.world.motion import directions, half_sizes, seen_at
from avtools.world.scenes import LOOKS, SHOWS, Scenes
from avtools.world.sights import seen

STILL = ("azimuth", "elevation", "tilt", "swing", "drift", "bob", "near")
# The fields of things, which are repeated where there is more than one.
OF_THINGS = (
    *("present", "drawn", "heard", "mimes", "sound", "show", "look", "pick", "key", "tint"),
    *("pitch", "bright", "level", "distance", "period", "phase", "size"),
    *("onsets", "lengths", "strengths", "tones", "vowels", *STILL),
)


def staged(kind: str = "stereo", count: int = 1, things: int = 1, **fields) -> Scenes:
    """Easy scenes whose things stand still, upright and straight ahead, but for `fields`."""
    scenes = draw(kind, "easy", np.arange(count), 3.0)
    some = {name: np.repeat(getattr(scenes, name), things, axis=1) for name in OF_THINGS}
    some |= {name: np.zeros((count, things)) for name in STILL}
    scenes = dataclasses.replace(scenes, **some)
    shapes = {name: getattr(scenes, name).shape for name in fields}
    given = {name: np.broadcast_to(value, shapes[name]).copy() for name, value in fields.items()}
    return dataclasses.replace(scenes, **given)


def playing(show: str, look: str, onsets, lengths: float = 0.4, **fields) -> Scenes:
    """One thing that sounds at these times only."""
    fields = {"look": LOOKS.index(look), "show": SHOWS.index(show), "size": 24.0} | fields
    shape = (1, 1, len(onsets))
    return dataclasses.replace(
        staged(**fields),
        onsets=np.asarray(onsets, float).reshape(shape),
        lengths=np.full(shape, lengths),
        strengths=np.ones(shape),
        tones=np.ones(shape),
        vowels=np.full((*shape, 2), 0.5),
    )


def bodies(scenes: Scenes, size: tuple[int, int], times):
    """Masks (b, t, h, w), and x, y and half the size of each thing (b, s, t), in pixels."""
    _, masks = seen(scenes, size, times, masks=True)
    azimuth, elevation, _ = directions(scenes, times)
    x, y = seen_at(scenes, azimuth, elevation, size, times)
    return masks.numpy(), x, y, half_sizes(scenes, azimuth, elevation, size)


def middle(mask: np.ndarray) -> np.ndarray:
    """x and y in pixels."""
    y, x = np.nonzero(mask)
    return np.array([x.mean() + 0.5, y.mean() + 0.5])
