"""How hard scenes are: every parameter of every preset, in one table.

Pairs are the ends of a range. Angles in degrees, times in seconds, levels in dB.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    sources: tuple[int, int]  # things that sound, at least and at most
    mover: float  # chance of a silent mover
    mimes: float  # chance that a silent mover also shows what a sounding thing would
    off_screen: float  # share of the sounding things that can't be seen; one always can
    still: float  # chance that a thing stays where it is
    period: tuple[float, float]  # seconds of one swing from side to side and back
    reach: tuple[float, float]  # of the swing, as a share of half the field of view
    pauses: float  # chance, for each five seconds, that a source falls silent for a while
    rt60: tuple[float, float] | None  # None: no walls
    snr: tuple[float, float]
    mismatch: float  # gain error between channels, at most, either way
    level: tuple[float, float]  # of a source against the others
    occluder: float  # chance of a pillar in front of everything
    shake: tuple[float, float]  # of the camera
    habit: float  # chance that a thing follows the habits of its channel
    background: float  # contrast of what lies behind, 0 to 1


PRESETS = {
    # One source, always seen, no walls, nothing else that moves.
    "easy": Preset(
        sources=(1, 1),
        mover=0.0,
        mimes=0.0,
        off_screen=0.0,
        still=0.3,
        period=(4.0, 9.0),
        reach=(0.3, 0.85),
        pauses=0.0,
        rt60=None,
        snr=(30.0, 30.0),
        mismatch=0.0,
        level=(0.0, 0.0),
        occluder=0.0,
        shake=(0.0, 0.0),
        habit=0.0,
        background=0.5,
    ),
    # What people film: a room, some noise, a passer-by, a voice from beside the camera.
    "real": Preset(
        sources=(1, 3),
        mover=0.5,
        mimes=0.3,
        off_screen=0.2,
        still=0.4,
        period=(5.0, 14.0),
        reach=(0.2, 0.85),
        pauses=0.4,
        rt60=(0.2, 0.8),
        snr=(5.0, 30.0),
        mismatch=1.0,
        level=(-6.0, 0.0),
        occluder=0.15,
        shake=(0.0, 0.4),
        habit=0.5,
        background=0.8,
    ),
    "hard": Preset(
        sources=(2, 5),
        mover=0.8,
        mimes=0.6,
        off_screen=0.3,
        still=0.2,
        period=(1.5, 6.0),
        reach=(0.3, 0.95),
        pauses=0.8,
        rt60=(0.4, 1.2),
        snr=(0.0, 15.0),
        mismatch=1.5,
        level=(-10.0, 0.0),
        occluder=0.6,
        shake=(0.2, 1.5),
        habit=0.5,
        background=1.0,
    ),
}
