"""Sounds of a known power in first-order ambisonics, each as all four channels have it.

How a sound arrives, R_k(f), is its mean covariance where it is the loudest, with the field turned
so that the sound stays in front while it moves. Then the Wiener filter v_k R_k (sum v R)^-1 takes
it out (see dsp/souden.py).
"""

import numpy as np

from avtools.dsp.souden import filtered, wiener_filters

# Windows that are worked on at once: their covariances are held.
AT_ONCE = 16
LOADING = 0.01
TINY = 1e-9


def field_images(foa: np.ndarray, powers: list[np.ndarray], ways: np.ndarray) -> list[np.ndarray]:
    """Spectra (4, windows, bins) of each of the `ways` (sounds, windows), azimuths in radians.

    `foa` (4, windows, bins) AmbiX; `powers` (windows, bins) of the sounds, and of the noise.
    """
    whole = sum(powers) + TINY
    turns = [*(_turns(way) for way in ways), None]
    arrivals = [
        _arrival(foa, power / whole, power, turn) for power, turn in zip(powers, turns, strict=True)
    ]
    made = [np.empty_like(foa) for _ in ways]
    for start in range(0, foa.shape[1], AT_ONCE):
        some = slice(start, start + AT_ONCE)
        parts = [
            power[some, :, None, None] * (r[None] if turn is None else _turned(r, turn[some]))
            for power, r, turn in zip(powers, arrivals, turns, strict=True)
        ]
        total = sum(parts)
        for k, out in enumerate(made):
            filters = wiener_filters(parts[k], total - parts[k], LOADING)
            out[:, some] = filtered(filters, foa[:, some])
    return made


def _turns(way: np.ndarray) -> np.ndarray:
    """(windows, 4, 4): what turns the front of W, Y, Z, X to an azimuth."""
    turn = np.zeros((len(way), 4, 4), np.float32)
    turn[:, 0, 0] = turn[:, 2, 2] = 1
    turn[:, 1, 1] = turn[:, 3, 3] = np.cos(way)
    turn[:, 1, 3] = np.sin(way)
    turn[:, 3, 1] = -np.sin(way)
    return turn


def _turned(arrival: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """(windows, bins, 4, 4)."""
    return turn[:, None] @ arrival[None] @ np.swapaxes(turn, 1, 2)[:, None]


def _arrival(foa, share, power, turn) -> np.ndarray:
    """(bins, 4, 4): the mean covariance of a sound of power 1, in front."""
    x = np.moveaxis(foa, 0, -1)[..., None]  # (windows, bins, 4, 1)
    if turn is not None:
        x = np.swapaxes(turn, 1, 2)[:, None] @ x
    x = np.moveaxis(x[..., 0], 0, -1)  # (bins, 4, windows)
    found = (x * share.T[:, None]) @ np.conj(np.swapaxes(x, 1, 2))
    found = found / (power.sum(axis=0) + TINY)[:, None, None]
    size = np.einsum("bii->b", found).real / 4
    return found + (0.02 * size + TINY)[:, None, None] * np.eye(4)
