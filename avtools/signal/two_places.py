"""Where two sounds at once come from, over time, and what share of the sound each of them has.

Of echoes the direction says nothing. So bins (short spectra's, one frequency each) count as far as
they rise above what is left of the sound before them: the direct sound comes first.

A place is a delay between two channels, or an azimuth in first-order ambisonics. Of each bin it is
known how likely it is from every place, against a bin that comes from everywhere. The two places
of a slot of time are those that make its bins most likely, each bin being from one of the two or
from anywhere; over time places move by single steps, and each step costs something, so that the
best way through all slots is found by dynamic programming (Viterbi): slots in which one of the two
is silent are bridged by those in which it sounds.
"""

from dataclasses import dataclass

import numpy as np

from avtools.dsp.beam import PATTERNS
from avtools.dsp.intensity import energy, intensity

# Hz in which bins are looked at: delays of lower ones are all alike.
LOW, HIGH = 200.0, 4000.0
# What of a bin's power is still expected of the past one window (32 ms) later.
LEFT = 0.7
# Windows of a slot, and how many of its bins count: the strongest.
SLOT, KEPT = 4, 120
# Of all bins this many come from anywhere: so many where it is asked whose they are, and so many
# where places are looked for.
ANYWHERE, STRAY = 0.3, 0.15
# How much a full slot says, against the price of a step.
EVIDENCE, STEP = 10.0, 2.5
# How steep shares of the first sound, from 0 to 1, become odds.
STEEP = 8.0
TINY = 1e-9


@dataclass(frozen=True)
class Delays:
    """Places of a pair of channels: seconds by which the first, the left one, leads."""

    hertz: np.ndarray  # of the bins
    longest: float = 1.1e-3  # microphones 0.38 m apart
    concentration: float = 5.0
    is_round = False
    apart = 6  # steps between two places, at least

    @property
    def values(self) -> np.ndarray:
        return np.linspace(-self.longest, self.longest, 45)

    def seen(self, spectra: np.ndarray) -> np.ndarray:
        """What a bin says: the phase of left against right, `(windows, bins)` on the circle."""
        cross = spectra[0] * np.conj(spectra[1])
        return cross / np.maximum(np.abs(cross), TINY)

    def density(self, seen: np.ndarray, bins: np.ndarray, places: np.ndarray) -> np.ndarray:
        """How likely, against 1 for sound from anywhere: von Mises around the place's phase."""
        turns = np.exp(-2j * np.pi * self.hertz[bins] * places)
        cosine = (seen * turns).real.astype(np.float32)
        k = self.concentration
        return np.exp(k * (cosine - 1)) * np.float32(np.sqrt(2 * np.pi * k))

    def looks(self, spectra: np.ndarray, ways: np.ndarray) -> np.ndarray:
        """The two channels that separation works on: those that there are."""
        return spectra

    def turns(self, ways: np.ndarray) -> np.ndarray | None:
        """The phase `(2, windows, bins)` of the first channel against the second, of each way."""
        return np.exp(2j * np.pi * self.hertz * ways[:, :, None]).astype(np.complex64)

    def coherence(self, ways: np.ndarray) -> np.ndarray:
        """Covariances (2, 2, 2) to begin with, of sound from either way, its phase taken out."""
        return np.stack([np.array([[1, 0.9], [0.9, 1]])] * 2)

    def diffuse(self) -> np.ndarray:
        """The same of sound from everywhere, `(bins, 2, 2)`: at microphones 0.22 m apart."""
        both = 0.8 * np.sinc(2 * self.hertz * 0.22 / 343.0)
        one = np.ones_like(both)
        return np.stack([one, both, both, one], axis=-1).reshape(-1, 2, 2)


@dataclass(frozen=True)
class Azimuths:
    """Places around first-order ambisonics: radians, to the left."""

    hertz: np.ndarray
    concentration: float = 5.0
    is_round = True
    apart = 6

    @property
    def values(self) -> np.ndarray:
        return np.deg2rad(np.arange(-180.0, 180.0, 5.0))

    def seen(self, spectra: np.ndarray) -> np.ndarray:
        """The part of the energy that flows from a horizontal direction: x + jy, 1 at most."""
        flow = intensity(spectra)
        return (flow[0] + 1j * flow[1]) / np.maximum(energy(spectra), TINY)

    def density(self, seen: np.ndarray, bins: np.ndarray, places: np.ndarray) -> np.ndarray:
        """k exp(k u) / sinh k of u = the part along the direction (see dsp/mvdr.py)."""
        along = (seen * np.exp(-1j * places)).real.astype(np.float32)
        k = self.concentration
        return np.float32(2 * k) * np.exp(k * (along - 1))

    def looks(self, spectra: np.ndarray, ways: np.ndarray) -> np.ndarray:
        """A hypercardioid towards each way."""
        p = PATTERNS["hypercardioid"]
        w, y, _, x = spectra
        beams = [p * w + (1 - p) * (np.cos(a)[:, None] * x + np.sin(a)[:, None] * y) for a in ways]
        return np.stack(beams).astype(spectra.dtype)

    def turns(self, ways: np.ndarray) -> None:
        return None

    def coherence(self, ways: np.ndarray) -> np.ndarray:
        p = PATTERNS["hypercardioid"]
        other = p + (1 - p) * float(np.mean(np.cos(ways[0] - ways[1])))
        gains = np.array([[1, other], [other, 1]])
        return 0.95 * gains[:, :, None] * gains[:, None] + 0.05 * np.eye(2)

    def diffuse(self) -> np.ndarray:
        return np.broadcast_to(0.3 * np.eye(2), (len(self.hertz), 2, 2))


def rising(spectra: np.ndarray) -> np.ndarray:
    """Root of the power `(windows, bins)` by which bins rise above what is left of the past."""
    power = (np.abs(spectra) ** 2).sum(axis=0)
    past, rise = np.zeros(power.shape[1]), np.empty_like(power)
    for k, now in enumerate(power):
        rise[k] = np.maximum(now - past, 0)
        past = LEFT * np.maximum(past, now)
    return np.sqrt(rise)


def two_ways(places, seen: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The places of two sounds at each window `(2, windows)`; `weights` `(windows, bins)`."""
    windows = len(seen)
    used = np.flatnonzero((places.hertz > LOW) & (places.hertz < HIGH))
    if not weights[:, used].any():
        middle = places.values[[len(places.values) * 2 // 3, len(places.values) // 3]]
        return np.repeat(middle[:, None], windows, axis=1)
    way = places.values[best_ways(_slot_scores(places, seen, weights, used), places)]
    if places.is_round:
        way = np.unwrap(way, axis=1)
    return _smooth(way, windows)


def _slot_scores(places, seen: np.ndarray, weights: np.ndarray, used: np.ndarray) -> np.ndarray:
    """How well any two places explain each slot, `(slots, places, places)`."""
    values, slots = places.values, max(1, len(seen) // SLOT)
    scores = np.zeros((slots, len(values), len(values)), np.float32)
    totals = np.zeros(slots)
    for s in range(slots):
        part = slice(s * SLOT, (s + 1) * SLOT)
        weight, what = np.sqrt(weights[part][:, used].ravel()), seen[part][:, used].ravel()
        best = np.argsort(-weight, kind="stable")[:KEPT]
        bins = used[best % len(used)]
        one = _widened(places.density(what[best, None], bins[:, None], values[None]), places)
        one *= np.float32((1 - STRAY) / 2)
        both = np.log(one[:, :, None] + one[:, None] + np.float32(STRAY))
        scores[s] = np.tensordot(weight[best].astype(np.float32), both, 1)
        totals[s] = weight[best].sum()
    return scores * np.float32(EVIDENCE / max(np.percentile(totals, 80), totals.max() / 100, TINY))


def _widened(density: np.ndarray, places) -> np.ndarray:
    """The best of a place and its neighbours.

    Echoes spread a loud sound: two places on both sides of it must not explain that better than one
    does, or the other sound is never looked for.
    """
    edges = np.concatenate([density[:, -1:], density, density[:, :1]], axis=1)
    if not places.is_round:
        edges[:, 0], edges[:, -1] = density[:, 0], density[:, -1]
    return np.maximum(np.maximum(edges[:, :-2], edges[:, 2:]), density)


def best_ways(scores: np.ndarray, places) -> np.ndarray:
    """Steps `(2, slots)` of the best way; at the beginning the first is the one on the left."""
    count, step = scores.shape[1], np.arange(scores.shape[1])
    gap = step[:, None] - step[None]
    if places.is_round:
        gap = (gap + count // 2) % count - count // 2
    scores = np.where((np.abs(gap) if places.is_round else gap) < places.apart, -1e6, scores)
    moves = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
    total, back = scores[0].astype(float), []
    for now in scores[1:]:
        if places.is_round:
            shifted = [np.roll(total, (-a, -b), (0, 1)) for a, b in moves]
        else:
            held = np.pad(total, 1, constant_values=-1e9)
            shifted = [held[1 + a : 1 + a + count, 1 + b : 1 + b + count] for a, b in moves]
        options = np.stack(
            [s - STEP * (abs(a) + abs(b)) for s, (a, b) in zip(shifted, moves, strict=True)]
        )
        choice = options.argmax(axis=0)
        back.append(choice)
        total = np.take_along_axis(options, choice[None], 0)[0] + now
    at = np.array(np.unravel_index(total.argmax(), total.shape))
    way = [at]
    for choice in reversed(back):
        at = (at + moves[choice[tuple(at)]]) % count
        way.append(at)
    return np.array(way[::-1]).T


def _smooth(way: np.ndarray, windows: int) -> np.ndarray:
    from scipy.ndimage import gaussian_filter1d

    middles = (np.arange(way.shape[1]) + 0.5) * SLOT - 0.5
    way = gaussian_filter1d(way, 2.0, axis=1, mode="nearest")
    return np.stack([np.interp(np.arange(windows), middles, w) for w in way])


def shares(places, seen: np.ndarray, ways: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """How much of what sounds at each window is the first of the two, `(windows,)`, 0 to 1."""
    from scipy.ndimage import gaussian_filter1d

    bins = np.arange(len(places.hertz))
    soft = [places.density(seen, bins, way[:, None]) * (1 - ANYWHERE) / 2 for way in ways]
    whole = soft[0] + soft[1] + ANYWHERE
    # Delays of low bins are hard to tell apart.
    weights = weights * np.minimum(1, places.hertz / 500)
    one, other = (gaussian_filter1d((weights * s / whole).sum(1), 1.5) + TINY for s in soft)
    return one / (one + other)


def owned(
    places, seen: np.ndarray, ways: np.ndarray, power: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Which share of each bin's power is the first sound's, `(windows, bins)`, 0 to 1.

    What rises belongs to where it comes from: as the window says on the whole, and as the bin says
    itself, low ones hardly. What was there before, and fades, belongs to whom it belonged then.
    """
    share = shares(places, seen, ways, weights)
    odds = np.exp(STEEP * (share - 0.5))[:, None] * np.ones(len(places.hertz))
    bins = np.arange(len(places.hertz))
    one, other = (
        places.density(seen, bins, way[:, None]) * (1 - ANYWHERE) / 2 + ANYWHERE / 2 for way in ways
    )
    odds *= (one / other) ** np.minimum(1, places.hertz / 500)
    risen = odds / (1 + odds)
    mine, past = np.full(power.shape[1], 0.5), np.zeros(power.shape[1])
    made = np.empty_like(power)
    for k, now in enumerate(power):
        new = np.clip(1 - past / np.maximum(now, TINY**2), 0, 1)
        mine = new * risen[k] + (1 - new) * mine
        made[k], past = mine, LEFT * np.maximum(past, now)
    return made
