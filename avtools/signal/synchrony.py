"""Which movements go with a sound: correlation over time, at several lags.

Both are taken as roots or logarithms before, so that one loud moment does not decide, and without
their slow part: what lies still while something sounds, or moves on evenly, says nothing here.
"""

from collections.abc import Sequence

import numpy as np

from avtools.signal.motion import TICKS

# Ticks over which the slow part is averaged.
SLOW = TICKS + 6
LAGS = (-2, -1, 0, 1, 2)
# Softened by this much (standard deviation in ticks): sight and sound need not agree to the tick.
SOFT = 1.0


def quick(values: np.ndarray) -> np.ndarray:
    """`(ticks, ...)` without its slow part, softened a little."""
    from scipy.ndimage import gaussian_filter1d, uniform_filter1d

    values = np.asarray(values, np.float32)
    fast = values - uniform_filter1d(values, SLOW, axis=0, mode="nearest")
    return gaussian_filter1d(fast, SOFT, axis=0, mode="nearest")


def synchrony(motion: np.ndarray, sound: np.ndarray, lags: Sequence[int] = LAGS) -> np.ndarray:
    """(bands, ...) in -1 to 1: the best correlation of movements (ticks, ...) with (ticks, bands).

    `lags`: by how many ticks the picture may come after the sound (before it, below 0).
    """
    if len(motion) != len(sound):
        raise ValueError(f"{len(motion)} ticks of movement, {len(sound)} of sound: expected equal")
    moved = quick(np.sqrt(np.maximum(motion, 0))).reshape(len(motion), -1)
    heard = quick(np.sqrt(np.maximum(sound, 0)))
    best = np.full((heard.shape[1], moved.shape[1]), -1.0, np.float32)
    for lag in lags:
        if abs(lag) < len(moved):
            seen = moved[max(lag, 0) : len(moved) + min(lag, 0)]
            with_it = heard[max(-lag, 0) : len(heard) + min(-lag, 0)]
            best = np.maximum(best, _correlation(with_it, seen))
    return best.reshape(heard.shape[1], *motion.shape[1:])


def _correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of columns (ticks, m) with (ticks, n): (m, n), 0 where one does not change."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    size = np.sqrt((a**2).sum(axis=0))[:, None] * np.sqrt((b**2).sum(axis=0))
    return a.T @ b / np.maximum(size, 1e-12)
