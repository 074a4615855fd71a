"""Onsets: how far a sound rises above what is left of the sound before it."""

import numpy as np

MOST_ONSET = 10.0
# Seconds in which what a bin held fades to 1/e, as reverberation may.
FADING = 0.07


def onsets(energy: np.ndarray, past, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Energies `(windows, bins)`, one window every so many seconds, over what is left of those
    before; and what is left after them, which is the next call's `past` (None at the beginning).

    What is left is max(E[t], fade E[t - 1], fade^2 E[t - 2], ...): a running maximum, once the
    fading is taken out.
    """
    log = np.log(np.maximum(energy, 1e-30))
    before = log[:1] if past is None else past  # the beginning of a file is no onset
    fade = seconds / FADING
    slope = fade * np.arange(len(log) + 1, dtype=log.dtype)[:, None]
    rising = np.maximum.accumulate(np.concatenate([before, log]) + slope, axis=0) - slope
    return np.exp(np.minimum(log - rising[:-1] + fade, np.log(MOST_ONSET))), rising[-1:]
