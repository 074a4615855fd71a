"""Stereo that is none: mono, the same sound in both channels, a dead channel, swapped phase."""

import numpy as np

from avtools.curate.loudness import counted
from avtools.curate.verdict import Verdict
from avtools.dsp.findings import correlation, dead_channels, deaths, stereo_faults

NAMES = ("side_db", "correlation", "difference_db")


def stereo(sound: np.ndarray) -> Verdict:
    """A sound `(channels, samples)`; left out unless it has two channels that differ.

    Figures: `side_db`, left minus right against left plus right; `correlation` of the channels;
    `difference_db`, how much louder the left one is. Reasons begin with the phrases of
    `avtools.dsp.findings`.
    """
    nothing = dict.fromkeys(NAMES, float("nan"))
    if sound.ndim != 2 or not len(sound):
        raise ValueError(f"sound of shape {sound.shape}, expected (channels, samples)")
    if len(sound) == 1:
        return Verdict(nothing, ("mono: 1 channel, expected 2",))
    if len(sound) != 2:
        return Verdict(nothing, (f"not stereo: {len(sound)} channels, expected 2",))
    facts = counted(sound)
    dead = dead_channels(facts)
    if len(dead) == 2:
        return Verdict(nothing)  # silent: that is for `loudness` to say
    (a, c), (_, b) = facts.covariance
    figures = {
        "side_db": _decibels(a + b - 2 * c, a + b + 2 * c),
        "correlation": float(correlation(facts)[0, 1]),
        "difference_db": _decibels(a, b),
    }
    faults = deaths(facts, dead) if dead else stereo_faults(facts)[0]
    return Verdict(figures, tuple(faults))


def _decibels(over: float, under: float) -> float:
    floor = 1e-10 * (over + under) + 1e-30
    return 10 * float(np.log10(max(over, floor) / max(under, floor)))
