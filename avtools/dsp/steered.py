"""Sources heard by microphone arrays, row after row (SRP-PHAT: see steering.py)."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from avtools.dsp.array_grid import Sight, centred, chosen_pairs, pair_positions
from avtools.dsp.array_sound import ArraySound, Phases
from avtools.dsp.delays import SPEED_OF_SOUND
from avtools.dsp.listening import Heard
from avtools.dsp.steering import Steering

__all__ = ["ArrayListener", "pair_positions"]

# Pairs that are steered: all of 11 microphones.
MOST_PAIRS = 55
# The largest share in sound from everywhere falls with sqrt(bins x pairs): times that, what it
# mostly stays below and what it does not reach. On top stands what the model lacks (see
# `mean_phasor`), which counts the more, the closer the microphones are. Measured in diffuse noise
# and noise of the microphones: 2 to 11 of them, 2 cm to 1 m apart, windows of 0.1 to 1 s.
USUAL, FAR = 4.5, 7.0
INEXACT, LEAST_INEXACT = 0.2, 0.003
LEAST_SURE = 0.05


@dataclass(frozen=True, eq=False)
class ArrayListener:
    """Sources heard by microphones, the slots of a window together."""

    rate: int
    hop: int  # samples from row to row
    slots: int  # hops that a window is long
    positions: np.ndarray  # (m, 3) metres: where the microphones are
    most: int  # peaks that are looked for
    least: float = 0.02  # share of a peak
    low: float = 200.0
    high: float = 8000.0

    def __post_init__(self):
        object.__setattr__(self, "positions", centred(self.positions))
        _ = self.sound  # refuses an empty band

    @cached_property
    def sight(self) -> Sight:
        return Sight(self.positions)

    @cached_property
    def sure(self) -> float:
        """Share that makes a source in the long run: above what diffuse sound mostly has."""
        band = self.steering.spacing * len(self.steering.bins)
        bins = max(1.0, self.slots * self.hop / self.rate * band)
        return float(np.clip(self._by_chance(USUAL, bins), LEAST_SURE, 1.0))

    def _by_chance(self, factor: float, bins: float) -> float:
        """A share that comes about by chance in so many independent bins of each pair."""
        pairs, worth = len(self.sound.pairs), self.steering.worth
        return factor / (bins * worth) ** 0.5 + INEXACT * (1 / worth - 1 / pairs) + LEAST_INEXACT

    @property
    def birth(self) -> float:
        """Share that may begin a track."""
        return self.sure

    @property
    def elevation_known(self) -> bool:
        return self.sight.elevation_known

    @cached_property
    def sound(self) -> ArraySound:
        pairs = chosen_pairs(self.positions, MOST_PAIRS)
        ends = self.positions[pairs]
        longest = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1).max() / SPEED_OF_SOUND
        return ArraySound(self.rate, self.hop, pairs, float(longest), self.low, self.high)

    @cached_property
    def steering(self) -> Steering:
        sound = self.sound
        return Steering(
            self.sight, sound.pairs, np.flatnonzero(sound.used), sound.rate / sound.size
        )

    def through(self, blocks: Iterable[np.ndarray]) -> Iterator[Heard]:
        """A row each hop once a window is full, or the only one of a sound that is shorter."""
        held: deque[Phases] = deque(maxlen=self.slots)
        samples, count = 0, 0

        def counted():
            nonlocal samples
            for x in blocks:
                if len(x) != len(self.positions):
                    raise ValueError(f"{len(x)} channels, but {len(self.positions)} microphones")
                samples += x.shape[-1]
                yield x

        for slot in self.sound.through(counted()):
            held.append(slot)
            count += 1
            if len(held) == self.slots:
                yield self._heard(held, count * self.hop - self.slots * self.hop / 2)
        if 0 < count < self.slots:
            yield self._heard(held, samples / 2)

    def _heard(self, held: deque[Phases], middle: float) -> Heard:
        first, *others = [slot for slot in held if slot.square] or [held[0]]
        heard = sum(others, first)
        time, total = middle / self.rate, float(heard.weight.sum())
        if not total:
            none = np.empty((0, 3))
            return Heard(time, none, np.empty(0), 0.0, 1.0, none, np.empty(0))
        directions, shares, power = self.steering.find(
            (heard.cross / total).astype(np.complex64),
            (heard.weight / total).astype(np.float32),
            self.most,
            self.least,
        )
        above = power > 0
        return Heard(
            time,
            directions,
            shares,
            total,
            self._chance(heard),
            self.steering.grid[above],
            total * power[above].astype(float) ** 2,  # side lobes are only half as tall
        )

    def _chance(self, heard: Phases) -> float:
        """The share that sound from everywhere, or noise of the microphones, does not reach."""
        # Weights w count as (sum w)^2 / sum w^2 of equal ones.
        bins = float(heard.weight.sum()) ** 2 / heard.square
        return min(1.0, self._by_chance(FAR, bins))
