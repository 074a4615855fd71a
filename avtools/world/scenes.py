"""Scenes: everything that chance decides of them, for a batch of scenes at once.

Nothing here depends on sample rate, picture size or device: these are the facts that sound,
picture and truth are made from. Arrays are float64 or whole numbers, (b,) for scenes, (b, s) for
their things, (b, s, e) for the events of these.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SOUNDS = ("voice", "whisper", "harmonic", "pluck", "percussion", "noise")
SHOWS = ("mouth", "pulse", "strike", "bow")
LOOKS = ("face", "disc", "box", "star", "bell")
EARS = ("pair", "head", "foa")
FACE_SHAPE = 0.78  # width of a face / its height


@dataclass(frozen=True)
class Scenes:
    """b scenes with room for s things; where `present` is false there is none."""

    is_360: bool
    seconds: float
    seeds: np.ndarray  # (b,)
    channel: np.ndarray  # (b,)
    handed: np.ndarray  # (b,) 1, or -1 where everything is mirrored
    turn: np.ndarray  # (b,) degrees by which sound and picture are turned together
    # What there is, (b, s).
    present: np.ndarray
    drawn: np.ndarray  # in the picture, if it lies before the camera
    heard: np.ndarray  # false: a silent mover
    mimes: np.ndarray  # silent, but shows what a sound would
    sound: np.ndarray  # place in SOUNDS
    show: np.ndarray  # place in SHOWS
    look: np.ndarray  # place in LOOKS
    pick: np.ndarray  # 0 to 1: which of the user's own sounds or images
    key: np.ndarray  # seed of its noise and texture
    tint: np.ndarray  # (b, s, 3) 0 to 1, red, green, blue
    pitch: np.ndarray  # Hz
    bright: np.ndarray  # 0 to 1, of its sound
    level: np.ndarray  # dB
    # Where it is, (b, s): see avtools.world.motion.
    azimuth: np.ndarray
    swing: np.ndarray
    drift: np.ndarray  # degrees a second
    elevation: np.ndarray
    bob: np.ndarray
    distance: np.ndarray  # metres
    near: np.ndarray  # share of the distance by which it comes nearer
    period: np.ndarray
    phase: np.ndarray  # turns
    size: np.ndarray  # degrees, of its height or width, whichever is more
    tilt: np.ndarray  # degrees, to the left
    # Its events, (b, s, e): see avtools.world.score. No event: strength 0.
    onsets: np.ndarray
    lengths: np.ndarray
    strengths: np.ndarray  # 0 to 1
    tones: np.ndarray  # pitch against the thing's own
    vowels: np.ndarray  # (b, s, e, 2) 0 to 1: first and second formant
    # Ears and room, (b,).
    ears: np.ndarray  # place in EARS
    spacing: np.ndarray  # metres between the microphones of a pair
    pattern: np.ndarray  # of a pair: 0 omnidirectional, 0.5 cardioid
    splay: np.ndarray  # degrees by which each microphone of a pair points outwards
    gains: np.ndarray  # (b, 4) dB, of each channel
    room: np.ndarray  # (b, 3) metres
    receiver: np.ndarray  # (b, 3) metres from the room's corner
    rt60: np.ndarray  # seconds, 0: no walls
    snr: np.ndarray  # dB
    hiss: np.ndarray  # 0 white to 1 pink, of the noise
    noise_key: np.ndarray
    # Camera and picture, (b,).
    fov: np.ndarray  # degrees across
    shake: np.ndarray  # degrees
    shake_rate: np.ndarray  # Hz
    shake_phase: np.ndarray  # (b, 3) turns
    backdrop: np.ndarray  # seed of what lies behind
    backdrop_pick: np.ndarray  # 0 to 1: its style, or which of the user's images
    backdrop_tint: np.ndarray  # (b, 2, 3)
    contrast: np.ndarray  # 0 to 1
    light: np.ndarray  # 0.7 to 1.1
    # A pillar before everything, (b,): its middle and width in degrees; width 0: none.
    pillar: np.ndarray
    pillar_width: np.ndarray
    pillar_tint: np.ndarray  # (b, 3)

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def things(self) -> int:
        return self.present.shape[1]

    @property
    def channels(self) -> int:
        """Of the sound."""
        return 4 if self.is_360 else 2

    @property
    def sounding(self) -> np.ndarray:
        return self.present & self.heard

    @property
    def visible(self) -> np.ndarray:
        return self.present & self.drawn

    def chosen(self, index) -> "Scenes":
        """Some of the scenes: a slice, places or a mask."""
        return self._map(lambda x: x[index])

    def _map(self, change) -> "Scenes":
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        arrays = {k: change(v) for k, v in fields.items() if isinstance(v, np.ndarray)}
        return dataclasses.replace(self, **arrays)

    def mirrored(self) -> "Scenes":
        """Left and right exchanged: what a mirror shows, and its sound."""
        swapped = [1, 0] if not self.is_360 else [0, 1, 2, 3]
        gains = self.gains.copy()
        gains[:, : len(swapped)] = self.gains[:, swapped]
        return dataclasses.replace(
            self,
            handed=-self.handed,
            turn=-self.turn,
            azimuth=-self.azimuth,
            swing=-self.swing,
            drift=-self.drift,
            tilt=-self.tilt,
            pillar=-self.pillar,
            gains=gains,
        )

    def turned(self, degrees: float) -> "Scenes":
        """The whole 360 scene turned to the left, sound and picture together."""
        if not self.is_360:
            raise ValueError("a camera's scene can't be turned: expected 360 scenes")
        return dataclasses.replace(
            self,
            turn=self.turn + degrees,
            azimuth=self.azimuth + degrees,
            pillar=self.pillar + degrees,
        )


def join(parts: Sequence[Scenes]) -> Scenes:
    """One batch out of several of one kind and length."""
    first = parts[0]
    if any((p.is_360, p.seconds) != (first.is_360, first.seconds) for p in parts):
        raise ValueError("scenes of several kinds or lengths, expected one of each")
    arrays = {
        f.name: np.concatenate([getattr(p, f.name) for p in parts])
        for f in dataclasses.fields(first)
        if isinstance(getattr(first, f.name), np.ndarray)
    }
    return dataclasses.replace(first, **arrays)
