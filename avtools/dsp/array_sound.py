"""What an array of microphones hears in each stretch of time: phases between the microphones.

Short spectra, each bin weighted by what speaks for direct sound, as in direct.py: it rises above
what is left of the sound before it, and counts by its loudness a little. Of each pair of
microphones only the phase difference is kept (the phase transform), so that every frequency speaks
alike and microphones of unlike gain do no harm.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from avtools.dsp.intensity import ROUNDING, SILENT
from avtools.dsp.onset import onsets
from avtools.dsp.stft import fast_size, frames_of, hann, spectra

# A short spectrum has so many seconds, and no fewer than so many times the longest delay: a wave
# must be in the same window at both ends of the array.
SECONDS, SPANS = 0.016, 8
LOUDNESS, ONSET = 0.125, 2
# A microphone that is 120 dB below the others has no phase.
FAINT = 1e-6


@dataclass(frozen=True)
class Phases:
    """Sums over the short spectra of some time; sums of these are such sums again."""

    cross: np.ndarray  # (pairs, bins) weighted unit phasors, second microphone against the first
    weight: np.ndarray  # (bins,) the weights
    square: float  # the sum of their squares

    def __add__(self, other: "Phases") -> "Phases":
        return Phases(
            self.cross + other.cross, self.weight + other.weight, self.square + other.square
        )


@dataclass(frozen=True, eq=False)
class ArraySound:
    """How the phases are taken; `through(blocks)` does it."""

    rate: int
    hop: int  # samples of a stretch
    pairs: np.ndarray  # (pairs, 2) microphones
    longest: float  # seconds of delay between microphones
    low: float
    high: float

    def __post_init__(self):
        if not self.used.any():
            raise ValueError(f"no frequency lies between {self.low:g} and {self.high:g} Hz")

    @cached_property
    def size(self) -> int:
        return fast_size(max(16, round(max(SECONDS, SPANS * self.longest) * self.rate)))

    @cached_property
    def step(self) -> int:
        return self.size // 4

    @cached_property
    def used(self) -> np.ndarray:
        """Which bins take part: not half the rate, and not the two in which a constant lies."""
        hertz = np.arange(self.size // 2 + 1) * (self.rate / self.size)
        used = (hertz >= self.low) & (hertz <= self.high)
        used[:2] = used[-1] = False
        return used

    def through(self, blocks: Iterable[np.ndarray]) -> Iterator[Phases]:
        """Of each stretch of `hop` samples of a sound `(m, samples)`, as soon as it is over."""
        window, past, slot, some = hann(self.size), None, 0, False
        held = none = self._none()
        for frames in frames_of(blocks, self.size, self.step):
            phases, weights, past = self._weighted(spectra(frames.samples, window), past)
            slots = (frames.starts + frames.lengths // 2) // self.hop
            for here in np.unique(slots):
                while slot < here:
                    yield held
                    held, slot = none, slot + 1
                held = held + self._sum(phases[:, slots == here], weights[slots == here])
                some = True
        if some:
            yield held

    def _none(self) -> Phases:
        count = int(self.used.sum())
        return Phases(np.zeros((len(self.pairs), count), complex), np.zeros(count), 0.0)

    def _sum(self, phases, weights) -> Phases:
        """Of unit phasors `(m, windows, bins)` with weights `(windows, bins)`."""
        # For each bin the sum over windows of w conj(a) b, for all microphones a and b at once.
        first = (phases * weights).conj().transpose(2, 0, 1)
        cross = np.matmul(first, phases.transpose(2, 1, 0))[:, *self.pairs.T].T
        return Phases(cross, weights.sum(0, dtype=float), float((weights**2).sum(dtype=float)))

    def _weighted(self, bins, past):
        """Unit phasors `(m, windows, bins)`, weights, and what is left of the sound after them."""
        size = np.abs(bins)
        total = (size**2).mean(0).sum(-1, keepdims=True)
        bins, size = bins[..., self.used], size[..., self.used]
        whole = (size**2).mean(0)
        heard = (whole > SILENT) & (whole > ROUNDING * total)
        onset, past = onsets(whole, past, self.step / self.rate)
        weights = np.where(heard, whole**LOUDNESS * onset**ONSET, 0)
        return bins / (size + FAINT * np.sqrt(whole) + 1e-30), weights, past
