"""Active intensity of first-order ambisonics: where sound comes from, and how directly.

For a plane wave from the unit vector d, AmbiX (SN3D) holds W = s and (X, Y, Z) = s d. So
Re(conj(W) (X, Y, Z)) = |s|^2 d points towards the source; the flow of energy points the other way.
Waves from several directions add up to a shorter vector, diffuse sound to none.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from avtools.dsp.dialect import like, namespace
from avtools.dsp.mel import mean_filters, mel_filters
from avtools.dsp.smoothing import Smoother, keep_for
from avtools.dsp.sphere import angles
from avtools.dsp.stft import frames_of, hann, spectra

W, Y, Z, X = range(4)
NORMALISATIONS = ("unit", "seld")
# Below these a band is silent: absolutely (full scale is 1), and against the whole window, whose
# rounding errors are no sound.
SILENT, ROUNDING = 1e-12, 1e-11
# Less directness is rounding: the sound has no direction.
NOWHERE = 1e-6


def intensity(foa):
    """Towards the source: x, y, z `(..., 3, windows, bins)` of AmbiX `(..., 4, windows, bins)`."""
    xp = namespace(foa)
    w = xp.conj(foa[..., W, :, :])
    return xp.stack([xp.real(w * foa[..., c, :, :]) for c in (X, Y, Z)], axis=-3)


def energy(foa, normalisation: str = "unit"):
    """What the length of the intensity is compared with, `(..., windows, bins)`.

    unit: (|W|^2 + |X|^2 + |Y|^2 + |Z|^2) / 2; a lone plane wave then has |I| / E = 1.
    seld: |W|^2 + (|X|^2 + |Y|^2 + |Z|^2) / 3, as the DCASE baselines have it; a plane wave: 3/4.
    """
    xp = namespace(foa)
    square = xp.real(foa) ** 2 + xp.imag(foa) ** 2
    directed = square[..., Y, :, :] + square[..., Z, :, :] + square[..., X, :, :]
    if normalisation == "unit":
        return (square[..., W, :, :] + directed) / 2
    if normalisation == "seld":
        return square[..., W, :, :] + directed / 3
    raise ValueError(f"normalisation {normalisation!r}: expected one of {NORMALISATIONS}")


def features(foa, filters, normalisation: str = "unit"):
    """Log-mel powers in dB of W, Y, Z, X, then mel-banded intensity y, z, x, each over its energy.

    `(..., windows, 7, mels)` of spectra `(..., 4, windows, bins)`; `filters` `(mels, bins)`. The
    intensity of a band is the weighted mean of its frequencies, so that a lone plane wave keeps
    its length.
    """
    xp = namespace(foa)
    square = xp.real(foa) ** 2 + xp.imag(foa) ** 2
    power = xp.matmul(square, like(foa, np.asarray(filters).T))
    levels = 10 * xp.log10(xp.clip(power, 1e-10, None))
    vector = intensity(foa) / xp.clip(energy(foa, normalisation), 1e-20, None)[..., None, :, :]
    mean = xp.matmul(vector, like(foa, mean_filters(np.asarray(filters)).T))
    vectors = xp.stack([mean[..., c, :, :] for c in (1, 2, 0)], axis=-3)
    return xp.moveaxis(xp.concat([levels, vectors], axis=-3), -3, -2)


@dataclass(frozen=True)
class Flow:
    """Some windows in a row."""

    times: np.ndarray  # (windows,) seconds
    azimuth: np.ndarray  # (windows, bands) degrees; NaN where silent or from nowhere
    elevation: np.ndarray
    directness: np.ndarray  # (windows, bands) 0...1
    level: np.ndarray  # (windows, bands) dB, 0 for a mean square of 1; -inf where silent
    foa: np.ndarray  # (4, windows, bins) the spectra


@dataclass(frozen=True)
class FlowFinder:
    """How intensity is looked at; `through(blocks)` does it."""

    rate: int
    size: int  # samples of a window
    hop: int
    edges: tuple[tuple[float, float], ...]  # Hz, of each band
    smooth: float = 0.0  # seconds
    sense: int = 1  # 1: towards the source, -1: with the flow of energy

    def __post_init__(self):
        for (low, high), band in zip(self.edges, self.bands, strict=True):
            if not band.any():
                raise ValueError(f"no frequency of a window lies between {low:g} and {high:g} Hz")

    @cached_property
    def hertz(self) -> np.ndarray:
        return np.arange(self.size // 2 + 1) * (self.rate / self.size)

    @cached_property
    def bands(self) -> np.ndarray:
        """`(bands, bins)`: which frequencies each band has. 0 Hz is no sound."""
        low, high = np.array(self.edges).T[..., None]
        # A frequency on an edge belongs to the upper band, the very last to the last.
        upper = (self.hertz < high) | ((high == self.edges[-1][1]) & (self.hertz <= high))
        return ((self.hertz >= low) & upper & (self.hertz > 0)).astype(np.float32)

    def scale(self, lengths: np.ndarray) -> np.ndarray:
        """From the sum of squares of a one-sided spectrum to the mean square (Parseval).

        A window that the end cuts, of so many samples, is as loud as what there is of it.
        """
        return 2 / (self.size * np.maximum(self.weight[lengths - 1], 1e-30))

    @cached_property
    def weight(self) -> np.ndarray:
        """`(size,)`: what a window gives, in all, to its first samples' squares."""
        return np.cumsum(hann(self.size).astype(np.float64) ** 2)

    @property
    def whole(self) -> tuple[float, float]:
        """From the lowest edge to the highest."""
        return self.edges[0][0], self.edges[-1][1]

    def mels(self, count: int) -> np.ndarray:
        return mel_filters(len(self.hertz), self.rate, count, *self.whole)

    def through(self, blocks: Iterable[np.ndarray]) -> Iterator[Flow]:
        """The flow in each window of AmbiX `(4, samples)`, as soon as it is whole."""
        window, smoother = hann(self.size), Smoother(keep_for(self.smooth, self.hop / self.rate))
        summing = self.bands.T
        for frames in frames_of(blocks, self.size, self.hop):
            foa = spectra(frames.samples[:4], window)
            # Under a Hann window a constant has -1/2 of its 0 Hz in the next bin, too.
            foa[..., 1] += foa[..., 0] / 2
            scale = self.scale(frames.lengths)
            whole = energy(foa)
            total = whole.sum(-1) * scale
            vector = (intensity(foa) @ summing) * scale[:, None]
            flow = [
                np.moveaxis(vector, 0, -1)[None],
                ((whole @ summing) * scale[:, None])[None],
                ((np.abs(foa[W]) ** 2 @ summing) * scale[:, None])[None],
                total[None],
            ]
            vector, all_of_it, power, total = (a[0] for a in smoother.through(*flow))
            yield self._found(frames.times(self.rate), vector, all_of_it, power, total, foa)

    def _found(self, times, vector, whole, power, total, foa) -> Flow:
        silent = (whole < SILENT) | (whole < ROUNDING * total[:, None])
        azimuth, elevation = angles(self.sense * vector)
        directness = np.linalg.norm(vector, axis=-1) / np.where(silent, 1, whole)
        none = np.where(silent, np.nan, 0)
        nowhere = np.where(directness < NOWHERE, np.nan, none)
        return Flow(
            times,
            azimuth + nowhere,
            elevation + nowhere,
            np.clip(directness, 0, 1) + none,
            np.where(silent, -np.inf, 10 * np.log10(np.maximum(power, 1e-30))),
            foa,
        )


def band_edges(
    kind: str, low: float, high: float, step: float = 1.0
) -> tuple[tuple[float, float], ...]:
    """The bands between two frequencies in Hz; none without a multiple of `step` in it.

    `octave` and `third` (of an octave) stand around 1000 Hz, as the standard has them, cut at both
    ends; `bins` are the multiples of `step` themselves, those of a transform; else edges:
    `200,800,3200`.
    """
    if kind == "bins":
        first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
        middles = range(max(first, 1), last + 1)
        return tuple(((k - 0.5) * step, (k + 0.5) * step) for k in middles)
    if kind in ("octave", "third"):
        parts = {"octave": 1, "third": 3}[kind]
        least = int(np.floor(parts * np.log2(max(low, 1.0) / 1000)))
        most = int(np.ceil(parts * np.log2(high / 1000)))
        edges = 1000 * 2.0 ** ((np.arange(least, most + 2) - 0.5) / parts)
    else:
        edges = np.array([float(e) for e in kind.split(",")])
    inside = np.clip(edges, low, high).tolist()
    return tuple((a, b) for a, b in pairwise(inside) if np.ceil(max(a, step) / step) * step < b)
