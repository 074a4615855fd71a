"""What stands out in each window of a sound, row after row: the directions of possible sources."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from avtools.dsp.direct import DirectSound
from avtools.dsp.peaks import find_peaks

# Of a window only the strongest count: all pairs of them are compared.
MOST_WAVES = 500


@dataclass(frozen=True)
class Heard:
    """One window of a sound."""

    time: float  # seconds, its middle
    directions: np.ndarray  # (n, 3) unit vectors of what stands out, the strongest first
    shares: np.ndarray  # (n,) 0...1, of all that was heard
    total: float  # how much that is, in any unit that stays the same
    chance: float  # a share that sound from nowhere does not reach
    cloud: np.ndarray  # (k, 3) unit vectors of everything, for a picture of it
    weights: np.ndarray  # (k,)


@dataclass(frozen=True)
class FoaListener:
    """Direct sound in first-order ambisonics, the slots of a window together."""

    rate: int
    hop: int  # samples from row to row
    slots: int  # hops that a window is long
    most: int  # peaks that are looked for
    least: float = 0.02  # share of a peak
    low: float = 200.0
    high: float = 6000.0
    # Shares that may begin a track, and that make it a source in the long run.
    birth = 0.08
    sure = 0.08

    @cached_property
    def direct(self) -> DirectSound:
        return DirectSound(self.rate, self.hop, self.low, self.high)

    def __post_init__(self):
        _ = self.direct.used  # refuses an empty band

    def through(self, blocks: Iterable[np.ndarray]) -> Iterator[Heard]:
        """A row each hop once a window is full, or the only one of a sound that is shorter."""
        held: deque = deque(maxlen=self.slots)
        samples, count = 0, 0

        def counted():
            nonlocal samples
            for x in blocks:
                samples += x.shape[-1]
                yield x

        for slot in self.direct.through(counted()):
            held.append(slot)
            count += 1
            if len(held) == self.slots:
                end = min(count * self.hop, samples)  # the last slot may be cut
                yield self._heard(held, ((count - self.slots) * self.hop + end) / 2)
        if 0 < count < self.slots:
            yield self._heard(held, samples / 2)

    def _heard(self, held, middle: float) -> Heard:
        cloud = np.concatenate([slot.directions for slot in held])
        weights = np.concatenate([slot.weights for slot in held])
        if len(weights) > MOST_WAVES:
            best = np.argsort(-weights, kind="stable")[:MOST_WAVES]
            cloud, weights = cloud[best], weights[best]
        directions, shares = find_peaks(cloud, weights, self.most, self.least)
        return Heard(
            middle / self.rate,
            directions,
            shares,
            float(weights.sum()),
            chance(weights),
            cloud,
            weights,
        )


def chance(weights: np.ndarray) -> float:
    """The share of all weights that the densest place of random directions does not reach.

    Weights w count as n = (sum w)^2 / sum w^2 of equal ones. The mean share of a place is 0.012
    (see peaks.py); what it is above that falls with sqrt(n). Measured in 21,600 windows of diffuse
    noise, white to brown, at 8 to 48 kHz and 0.1 to 2 s: at most 1.66 / sqrt(n).
    """
    square = float((weights**2).sum())
    return 0.012 + 1.7 * square**0.5 / float(weights.sum()) if square > 0 else 1.0
