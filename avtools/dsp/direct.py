"""Direct sound in first-order ambisonics: which directions the undisturbed first waves come from.

In a room most of the energy comes from everywhere, some time after the sound itself. What comes
straight from a source shows itself in three ways, and each bin of a short spectrum (10.7 ms, so
short that the direct sound is often over before the first reflection) is weighted by them:

- directness: a lone plane wave has |intensity| = energy; overlapping waves have less,
- onset: it rises above what is left of the sound before it, while reverberation only decays,
- loudness, but little: energy to the power 0.3, else a few loud moments would decide; with less,
  what a codec leaves in quiet bins would speak as loud as the sound.

Where two sounds fill the same bins neither is direct in this sense. Blocks of bins in which there
are two waves and nothing else (see overlap.py) are heard as both.

The exponents were chosen on simulated rooms (tests/bench/rooms.py with other seeds).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from avtools.dsp.dialect import namespace
from avtools.dsp.intensity import SILENT, energy, intensity
from avtools.dsp.onset import onsets
from avtools.dsp.overlap import two_waves
from avtools.dsp.stft import fast_size, frames_of, hann, spectra

SECONDS = 0.0107  # of a short spectrum
LOUDNESS, DIRECTNESS, ONSET = 0.3, 8, 3
# Windows and bins that are looked at together for two waves, and how these count.
TOGETHER, BESIDE = 4, 8
PURITY, GAIN = 16, 100.0
# A wave that is this much weaker than the other counts less, in proportion.
BALANCE = 0.1
# Of each slot of time only the strongest bins are kept, so many a second.
KEPT = 500
# What lies so far below the whole spectrum may have leaked from other frequencies.
LEAKAGE = 1e-6


def directed(foa):
    """Unit vectors `(..., windows, bins, 3)`, directness and energy `(..., windows, bins)`.

    Of AmbiX spectra `(..., 4, windows, bins)`; each over a bin and its neighbours, since a bin
    alone often seems a plane wave by chance.
    """
    xp = namespace(foa)
    vector, whole = beside(intensity(foa)), beside(energy(foa))
    length = xp.linalg.vector_norm(vector, axis=-3)
    tiny = 1e-30
    unit = vector / xp.clip(length, tiny, None)[..., None, :, :]
    return xp.moveaxis(unit, -3, -1), length / xp.clip(whole, tiny, None), whole


def beside(values):
    """The sum of each bin and its two neighbours, `(..., bins)`."""
    xp = namespace(values)
    first, last = values[..., :1] * 0, values[..., -1:] * 0
    return (
        values
        + xp.concat([values[..., 1:], last], axis=-1)
        + xp.concat([first, values[..., :-1]], axis=-1)
    )


@dataclass(frozen=True)
class Slot:
    """The strongest direct sound of a stretch of time."""

    directions: np.ndarray  # (n, 3) unit vectors
    weights: np.ndarray  # (n,)


@dataclass(frozen=True)
class DirectSound:
    """How direct sound is looked for; `through(blocks)` does it."""

    rate: int
    hop: int  # samples of a slot
    low: float = 200.0
    high: float = 6000.0

    def __post_init__(self):
        if not self.used.any():
            raise ValueError(f"no frequency lies between {self.low:g} and {self.high:g} Hz")

    @cached_property
    def size(self) -> int:
        return fast_size(max(16, round(SECONDS * self.rate)))

    @cached_property
    def step(self) -> int:
        return self.size // 4

    @cached_property
    def used(self) -> np.ndarray:
        hertz = np.arange(self.size // 2 + 1) * (self.rate / self.size)
        return (hertz >= self.low) & (hertz <= self.high) & (hertz > 0)

    def through(self, blocks: Iterable[np.ndarray]) -> Iterator[Slot]:
        """The slots of AmbiX `(4, samples)`, each `hop` samples long, as soon as they are over."""
        window, past, slot, overlap = hann(self.size), None, 0, Overlap()
        held: list[tuple[np.ndarray, np.ndarray]] = []
        kept = max(8, round(KEPT * self.hop / self.rate))
        for frames in frames_of((x[:4] for x in blocks), self.size, self.step):
            if frames.lengths[-1] < self.size and frames.starts[0]:
                break  # the end cuts it: that edge is no onset
            foa = spectra(frames.samples, window)
            unit, weights, past = self._weighted(foa, past)
            slots = (frames.starts + frames.lengths // 2) // self.hop
            ways, powers, ends = overlap.through(foa[..., self.used], slots)
            for here in np.unique(slots):
                while slot < here:
                    yield strongest(held, kept)
                    held, slot = [], slot + 1
                held.append((unit[slots == here], weights[slots == here]))
                held.append((ways[ends == here], powers[ends == here]))
        if held:
            yield strongest(held, kept)

    def _weighted(self, foa, past):
        """Directions and weights `(windows, bins)`; what is left of the sound after them."""
        total = energy(foa).sum(-1, keepdims=True)
        unit, directness, whole = directed(foa[..., self.used])
        heard = (whole > SILENT) & (whole > LEAKAGE * total)
        onset, past = onsets(whole, past, self.step / self.rate)
        weights = whole**LOUDNESS * directness**DIRECTNESS * onset**ONSET
        return unit, np.where(heard, weights, 0), past


class Overlap:
    """Two waves at once, in blocks of TOGETHER windows of the stream."""

    def __init__(self):
        self.foa = None  # the windows of a block that is not yet whole
        self.slots = np.empty(0, int)

    def through(self, foa: np.ndarray, slots: np.ndarray):
        """Directions `(blocks, n, 3)`, weights `(blocks, n)`, and each block's last slot."""
        foa = foa if self.foa is None else np.concatenate([self.foa, foa], axis=1)
        slots = np.concatenate([self.slots, slots])
        count, bands = foa.shape[1] // TOGETHER, max(1, foa.shape[2] // BESIDE)
        whole, width = count * TOGETHER, foa.shape[2] // bands
        self.foa, self.slots = foa[:, whole:], slots[whole:]
        blocks = foa[:, :whole, : bands * width].reshape(4, count, TOGETHER, bands, width)
        blocks = blocks.transpose(1, 3, 2, 4, 0).reshape(count, bands, TOGETHER * width, 4)
        ways, powers, purity = two_waves(blocks)
        weaker = powers.min(-1) / np.maximum(powers.max(-1), 1e-30)
        sure = GAIN * purity**PURITY * np.minimum(1, weaker / BALANCE)
        heard = powers.max(-1) > SILENT
        # As loud as the three bins that stand for one wave.
        weights = np.where(heard, sure, 0)[..., None] * (3 * np.maximum(powers, 0)) ** LOUDNESS
        shape = (count, 2 * bands)
        return (
            ways.reshape(*shape, 3),
            weights.reshape(shape),
            slots[TOGETHER - 1 : whole : TOGETHER],
        )


def strongest(parts: list[tuple[np.ndarray, np.ndarray]], kept: int) -> Slot:
    if not parts:
        return Slot(np.empty((0, 3)), np.empty(0))
    directions = np.concatenate([d.reshape(-1, 3) for d, _ in parts])
    weights = np.concatenate([w.reshape(-1) for _, w in parts])
    best = np.flatnonzero(weights > 0)
    if len(best) > kept:
        best = best[np.argsort(-weights[best], kind="stable")[:kept]]
    return Slot(directions[best].astype(np.float64), weights[best].astype(np.float64))
