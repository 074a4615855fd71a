"""How far to the left what is seen to sound lies: for each band of the sound, at each tick.

A mouth opens and closes, a body swells, a stick falls as the sound becomes louder or softer: what
goes together with the sound is how fast its level changes, up or down, and not the level itself.
A cell of the picture counts by how much it moves now, and exponentially by how well its movement
went with these changes over some seconds around; the place is the mean of what counts. What
would move by chance pulls it to the middle, so that it stays there where nothing fits.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np

from avtools.signal.motion import TICKS
from avtools.signal.synchrony import synchrony

# Seconds before and after the one that is judged, from which its cells' synchrony is known.
SIDE = 2
# Of the synchrony with all of the sound against that with the band alone.
WHOLE = 0.4
# e^(SHARPNESS r) is the weight of synchrony r; CHANCE is the r of what has nothing to do with it.
SHARPNESS, CHANCE = 10.0, 0.05
# Movement, in grey levels, counts to this power; STILL is that of a picture in which nothing moves.
POWER, STILL = 1.5, 10.0
# Softening of movements: cells, and ticks while a thing goes on to the next cell.
SOFT_CELLS, SOFT_TICKS = 1.0, 8.0
SOFT_LEVEL = 0.7


@dataclass(frozen=True)
class Places:
    """Of the ticks of one second."""

    lateral: np.ndarray  # (ticks, bands): 1 left, -1 right, the sine of the lateral angle
    sureness: np.ndarray  # (ticks,): 0...1, of what moves, how much goes with the sound
    weight: np.ndarray  # (rows, columns): where in the picture that is


def leftness(rows: int, columns: int, fov: float, is_360: bool) -> np.ndarray:
    """(rows, columns): the left part of the unit vector towards each cell, 1 at the left.

    `fov` is the horizontal angle of an ordinary picture, whose cells are square.
    """
    x = (columns - 1 - 2 * np.arange(columns)) / columns  # exactly odd, as a mirror has it
    y = (rows - 1 - 2 * np.arange(rows))[:, None] / rows
    if is_360:
        return np.sin(np.pi * x) * np.cos(np.pi / 2 * y)
    x = np.tan(np.deg2rad(fov) / 2) * x
    y = np.tan(np.deg2rad(fov) / 2) * rows / columns * y
    return x / np.sqrt(1 + x**2 + y**2)


def lateral_places(
    motion: Iterable[np.ndarray], levels: Iterable[np.ndarray], fov: float, is_360: bool = False
) -> Iterator[Places]:
    """Second by second, some seconds after they were heard; ends with the sound.

    `motion` and `levels` are what `movement` and `envelopes` give. After the last picture nothing
    moves.
    """
    before, now = None, None
    for later in chain(_judged(_seconds(motion, levels, is_360)), [None]):
        if now is not None:
            left = leftness(*now[0].shape[1:], fov, is_360)
            yield _placed(before, now, later, left)
        before, now = now, later


def _seconds(motion, levels, is_360: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Softened movements and levels of the same ticks."""
    from scipy.ndimage import gaussian_filter1d

    shape = (1, 2)
    for level, seen in zip(levels, chain(motion, repeat(None)), strict=False):
        shape = shape if seen is None else seen.shape[1:]
        cells = np.zeros((len(level), *shape), np.float32)
        if seen is not None:
            count = min(len(level), len(seen))
            cells[:count] = seen[:count]
        for axis, mode in ((1, "constant"), (2, "wrap" if is_360 else "constant")):
            cells = gaussian_filter1d(cells, SOFT_CELLS, axis=axis, mode=mode)
        yield cells, level


def _judged(seconds: Iterable) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(movements, synchrony (bands, rows, columns)) of each second, from those around it."""
    held: list = []
    due, fits = 0, None
    for second in seconds:
        held.append(second)
        if len(held) > 2 * SIDE:
            fits = _synchrony(held)
            yield from ((cells, fits) for cells, _ in held[due : SIDE + 1])
            held, due = held[1:], SIDE
    if held:
        fits = _synchrony(held) if fits is None else fits
        yield from ((cells, fits) for cells, _ in held[due:])


def _synchrony(held: list) -> np.ndarray:
    """(bands, rows, columns): how well movements go with the changes of each band's level."""
    from scipy.ndimage import gaussian_filter1d

    motion, level = (np.concatenate(parts) for parts in zip(*held, strict=True))
    whole = np.sqrt(np.square(level).sum(axis=1, keepdims=True))
    # Roots of amplitudes: near to loudness, and not deaf to soft sounds.
    loudness = np.sqrt(np.concatenate([level, whole], axis=1))
    loudness = gaussian_filter1d(loudness, SOFT_LEVEL, axis=0, mode="nearest")
    change = np.diff(loudness, axis=0, prepend=loudness[:1])
    fits = synchrony(motion, np.square(change), lags=(0,))
    return WHOLE * fits[-1:] + (1 - WHOLE) * fits[:-1]


def _placed(before, now, later, left: np.ndarray) -> Places:
    """Of a second between two others, which may be missing: (movements, synchrony) each."""
    cells, fits = now
    moving = _moving(before, cells, later) ** POWER
    # Synchrony belongs to the middle of its second; between two middles it goes over evenly.
    phase = ((np.arange(len(cells)) + 0.5) / TICKS - 0.5)[:, None, None, None]
    earlier, afterwards = (fits if beside is None else beside[1] for beside in (before, later))
    beside = np.where(phase < 0, earlier, afterwards)
    fits = (1 - np.abs(phase)) * fits + np.abs(phase) * beside
    weight = np.exp(SHARPNESS * fits) * moving[:, None]
    total = weight.sum(axis=(2, 3))
    chance = np.exp(SHARPNESS * CHANCE) * moving.sum(axis=(1, 2))[:, None] + STILL
    return Places(
        lateral=(weight * left).sum(axis=(2, 3)) / (total + chance),
        sureness=(total / (total + chance)).mean(axis=1),
        weight=weight.mean(axis=(0, 1)),
    )


def _moving(before, cells: np.ndarray, later) -> np.ndarray:
    """Movements (ticks, rows, columns), float64, softened over time with those beside them."""
    from scipy.ndimage import gaussian_filter1d

    earlier, afterwards = ([] if beside is None else [beside[0]] for beside in (before, later))
    whole = np.concatenate([*earlier, cells, *afterwards]).astype(float)
    soft = gaussian_filter1d(whole, SOFT_TICKS, axis=0, mode="nearest", truncate=3.0)
    start = len(earlier[0]) if earlier else 0
    return soft[start : start + len(cells)]
