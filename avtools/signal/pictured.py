"""Which of several sounds is the one in the picture: whose rhythm and place go with what moves.

Something that sounds moves when its sound begins and ends: mouths open, sticks come down, bodies
swell. So the change of each sound's level is held against the movement of each cell of the
picture (see synchrony.py), and where a sound comes from against where the cell is. How wide the
picture is, and how far apart the ears are, is not known to the degree: places only speak against
cells far from them.
"""

import numpy as np

from avtools.dsp.heads import HEAD_RADIUS, SPEED_OF_SOUND
from avtools.signal.motion import TICKS
from avtools.signal.synchrony import synchrony

# A sound's evidence is the mean of so many cells: those that go best with it.
BEST = 4
# How much a place can say, as a correlation, and how far off (in sines of azimuth) it says half.
PLACE, NEAR = 0.25, 0.3
# Seconds between the ears for sound from the side: a head's.
EARS = (1 + np.pi / 2) * HEAD_RADIUS / SPEED_OF_SOUND
# Correlations below this are chance.
CHANCE = 0.25
# Of a sound field: movement counts so near the sound (standard deviation in degrees), in the rows
# that go best with it; and what it weighs there that they go together, and that things move at all.
BESIDE, BEST_ROWS, TOGETHER, MOVED = 30.0, 2, 0.17, 0.42
# What correlations anywhere in the picture weigh beside that.
ALL_ROUND = 0.2
# How far from --at a movement counts, in shares of the picture's width.
AROUND = 0.08


def levels_of(power: np.ndarray, hop_seconds: float, ticks: int) -> np.ndarray:
    """Level at each tick `(ticks, sounds)` of power `(sounds, windows)`, window 0 around time 0."""
    times = np.arange(power.shape[1]) * hop_seconds
    middles = (np.arange(ticks) + 0.5) / TICKS
    return np.sqrt(np.stack([np.interp(middles, times, p) for p in power], axis=1))


def cell_sines(columns: int, fov: float) -> np.ndarray:
    """Sine of the azimuth in the middle of each column."""
    across = (0.5 - (np.arange(columns) + 0.5) / columns) * 2 * np.tan(np.deg2rad(fov / 2))
    return across / np.hypot(1, across)


def cell_azimuths(columns: int) -> np.ndarray:
    """Radians, of a picture of everything around."""
    return 2 * np.pi * (0.5 - (np.arange(columns) + 0.5) / columns)


def agreement(movement: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """How well each sound goes with each cell `(sounds, rows, columns)`, -1 to 1.

    `movement` (ticks, rows, columns); `levels` (ticks, sounds).
    """
    from scipy.ndimage import uniform_filter

    softened = uniform_filter(movement.astype(np.float32), (0, 3, 3))
    change = np.diff(levels, axis=0, append=levels[-1:])
    found = [synchrony(softened, np.abs(change) ** 2), synchrony(softened, np.maximum(change, 0))]
    return (found[0] + found[1] + synchrony(softened, levels)) / 3


def far_off(ways: np.ndarray, columns: int, fov: float) -> np.ndarray:
    """How much each sound's place speaks against each column `(sounds, columns)`, 0 to 1.

    `ways` (sounds, windows): delays in seconds.
    """
    away = np.abs(ways.mean(axis=1)[:, None] / EARS - cell_sines(columns, fov))
    return 1 - 1 / (1 + (away / NEAR) ** 2)


def followed(
    movement: np.ndarray, levels: np.ndarray, ways: np.ndarray, hop_seconds: float
) -> np.ndarray:
    """(sounds,): how well what moves where a sound is goes with it, and how much moves there.

    `ways` (sounds, windows): azimuths in radians, each window so many seconds after the one before;
    the sound may go round while it lasts.
    """
    from scipy.ndimage import uniform_filter1d

    ticks = (np.arange(len(movement)) + 0.5) / TICKS
    times = np.arange(ways.shape[1]) * hop_seconds
    softened = uniform_filter1d(movement.astype(np.float32), 3, axis=1)
    total, made = max(float(softened.sum()), 1e-30), []
    for k, way in enumerate(np.exp(1j * ways)):
        here = np.interp(ticks, times, way.real) + 1j * np.interp(ticks, times, way.imag)
        apart = np.angle(here[:, None] * np.exp(-1j * cell_azimuths(movement.shape[2])))
        near = np.exp(-0.5 * (np.rad2deg(apart) / BESIDE) ** 2)
        moved = np.einsum("trc,tc->tr", softened, near)
        goes = np.sort(agreement(moved[:, :, None], levels[:, k : k + 1])[0, :, 0])
        made.append(TOGETHER * goes[-BEST_ROWS:].mean() + MOVED * moved.sum() / total)
    return np.array(made)


def evidence(
    movement: np.ndarray,
    levels: np.ndarray,
    far: np.ndarray | None = None,
    at: float | None = None,
) -> tuple[np.ndarray, float]:
    """(sounds,): how much says that a sound is seen; and the best correlation of all.

    `far` as `far_off` gives it, None where places say nothing. `at`: what is meant lies here, a
    share of the picture's width.
    """
    if len(movement) < TICKS // 2:
        return np.zeros(levels.shape[1]), 0.0
    found = agreement(movement, levels)
    columns = movement.shape[2]
    if at is not None:
        beside = (np.arange(columns) + 0.5) / columns - at
        found = found * np.exp(-0.5 * (beside / AROUND) ** 2)
    if far is not None:
        total = found - PLACE * far[:, None]
    else:
        total = found
    flat = np.sort(total.reshape(len(total), -1), axis=1)
    best = np.sort(found.reshape(len(found), -1), axis=1)[:, -BEST:].mean(axis=1)
    return flat[:, -BEST:].mean(axis=1), float(best.max())
