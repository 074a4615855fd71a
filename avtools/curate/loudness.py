"""Silence and loudness: how loud a clip is, how much of it has sound, how much of it is clipped."""

import numpy as np

from avtools.curate.verdict import Verdict
from avtools.dsp.tally import CHUNK, Facts, Tally

WINDOW_SECONDS = 0.05
# Lossy coding and resampling leave the flat tops of clipped waves a little above and below 1.
CLIPPED = 0.985


def loudness(
    sound: np.ndarray,
    rate: int,
    *,
    least_db: float = -60.0,
    active_db: float = -65.0,
    least_active: float = 0.1,
    most_clipped: float = 0.01,
) -> Verdict:
    """A sound `(channels, samples)`; left out if silent, mostly silent or clipped.

    Figures: `level_db`, the rms of the loudest channel against full scale; `peak_db`; `active`, the
    share of windows of 50 ms above `active_db`; `clipped`, the share of moments at which a channel
    is at full scale. Samples that are no numbers count as 0 here (`complete.numbers` tells them).
    """
    facts, size = counted(sound), max(1, round(WINDOW_SECONDS * rate))
    if not facts.frames:
        return Verdict(
            {n: float("nan") for n in ("level_db", "peak_db", "active", "clipped")},
            ("silent: no samples",),
        )
    sound = np.nan_to_num(sound, posinf=0, neginf=0) if facts.bad_samples else sound
    levels = window_levels(sound, size)
    figures = {
        "level_db": max(-200.0, float(facts.level_db.max())),
        "peak_db": 20 * float(np.log10(max(facts.peak.max(), 1e-10))),
        "active": float((levels > active_db).mean()),
        "clipped": float((np.abs(sound) >= CLIPPED).any(axis=0).mean()),
    }
    reasons = []
    if figures["level_db"] < least_db:
        reasons.append(f"silent: {figures['level_db']:.0f} dBFS, expected {least_db:g} or more")
    elif figures["active"] < least_active:
        reasons.append(
            f"mostly silent: sound in {100 * figures['active']:.0f} % of the time, expected "
            f"{100 * least_active:g} %"
        )
    if figures["clipped"] > most_clipped:
        reasons.append(
            f"clipping: {100 * figures['clipped']:.1f} % of the time at full scale, expected at "
            f"most {100 * most_clipped:g} %"
        )
    return Verdict(figures, tuple(reasons))


def counted(sound: np.ndarray) -> Facts:
    """Levels, peaks and covariance of `(channels, samples)`."""
    if sound.ndim != 2 or not len(sound):
        raise ValueError(f"sound of shape {sound.shape}, expected (channels, samples)")
    tally = Tally(len(sound))
    x = np.ascontiguousarray(sound.T, np.float32)
    whole = len(x) // CHUNK * CHUNK
    if whole:
        tally.add(x[:whole].reshape(-1, CHUNK, len(sound)))
    if whole < len(x):
        tally.add(x[None, whole:])
    return tally.facts()


def window_levels(sound: np.ndarray, size: int) -> np.ndarray:
    """dB against full scale of the loudest channel in each window of `size` samples."""
    size = min(size, sound.shape[1])
    x = sound[:, : sound.shape[1] // size * size].reshape(len(sound), -1, size)
    power = np.einsum("cws,cws->cw", x, x, dtype=np.float64) / size
    return 10 * np.log10(power.max(axis=0) + 1e-20)
