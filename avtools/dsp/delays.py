"""Delay over time between channels of a sound: GCC-PHAT of short windows, as a stream."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from avtools.dsp.gcc import REACH, correlation, peak, phase_transform
from avtools.dsp.smoothing import Smoother, keep_for
from avtools.dsp.stft import fast_size, frames_of, hann, spectra

SPEED_OF_SOUND = 343.0  # m/s, dry air of 20 degrees C
# Above three quarters of the band the frequencies fade out: the correlation can then be
# interpolated well from its samples, at the price of a tenth in precision.
FADE_FROM = 0.75
# A window whose frequencies are nearly all this far below its strongest one says nothing.
LEAST_WEIGHT = 1e-3
# A constant is taken out of so many frequencies of a window; beyond, it is below gcc.FLOOR.
CONSTANT = 16
# Between two microphones even diffuse sound agrees somewhat, at low frequencies.
LEAST_STRENGTH = 0.1
# Of windows without a common sound, one in so many is taken for one that has it.
FALSE_ALARMS = 1000
# Of the spectra of one window.
MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class Delays:
    """Some windows in a row."""

    times: np.ndarray  # (windows,) seconds, their middles
    delays: np.ndarray  # (windows, pairs) seconds, + where the first channel leads; NaN: no source
    strengths: np.ndarray  # (windows, pairs) 0...1, the height of the peak
    curves: np.ndarray  # (windows, pairs, 2 lags + 1) correlation at -lags ... lags samples


@dataclass(frozen=True)
class DelayFinder:
    """How delays are looked for; `through(blocks)` does it."""

    rate: int
    size: int  # samples of a window
    hop: int
    most: int  # samples of delay to look within
    pairs: Sequence[tuple[int, int]] = ((0, 1),)
    low: float = 50.0  # Hz
    high: float = np.inf
    smooth: float = 0.0  # seconds
    threshold: float | None = None  # of strength; None: what chance can't reach

    def __post_init__(self):
        if self.most + 1 > self.size:
            raise ValueError(
                f"delays up to {self.most} samples need a window longer than {self.size}"
            )
        if len(self.pairs) * self.padded * 16 > MOST_BYTES:
            raise ValueError(
                f"{len(self.pairs)} pairs in windows of {self.size} samples are too many at once; "
                "choose some with --pairs, or a shorter --window"
            )
        if not self.band.any():
            raise ValueError(f"no frequency of a window lies between {self.low} and {self.high} Hz")

    @cached_property
    def padded(self) -> int:
        """Size of the transform: a lag that is looked at never meets the window's other end."""
        return fast_size(self.size + self.most + REACH)

    @cached_property
    def band(self) -> np.ndarray:
        """The weight of each frequency, `(bins,)`."""
        part = np.arange(self.padded // 2 + 1) / (self.padded / 2)
        fading = np.clip((part - FADE_FROM) / (1 - FADE_FROM), 0, 1)
        hertz = part * self.rate / 2
        inside = (hertz >= self.low) & (hertz <= self.high) & (part > 0)
        return (np.cos(np.pi / 2 * fading) ** 2 * inside).astype(np.float32)

    @cached_property
    def leak(self) -> np.ndarray:
        """What a constant leaves in the lowest frequencies of a window, over what it has at 0 Hz.

        The same in both channels, it would seem a sound without delay. At 0 Hz itself it stays:
        whatever lies far below it is rounding.
        """
        count = CONSTANT * self.padded // self.size
        part = spectra(np.ones(self.size, np.float32), hann(self.size), self.padded)[:count]
        return np.where(np.arange(len(part)) > 0, part / part[0], 0)

    def through(self, blocks: Iterable[np.ndarray]) -> Iterator[Delays]:
        """The delays of each window of a sound `(channels, samples)`, as soon as it is whole."""
        band, window, size = self.band, hann(self.size), self.padded
        first, second = np.array(self.pairs).T
        used = np.unique([first, second])
        first, second = (as_slice(np.searchsorted(used, c)) for c in (first, second))
        used = as_slice(used)
        smoother = Smoother(keep_for(self.smooth, self.hop / self.rate))
        for frames in frames_of(blocks, self.size, self.hop):
            bins = spectra(frames.samples[used], window, size)
            bins[..., : len(self.leak)] -= bins[..., :1] * self.leak
            cross, weight = phase_transform(bins[first], bins[second], band)
            curve = correlation(cross, self.most + REACH, size)
            total = weight.sum(-1)
            # How many frequencies speak, and independently of each other: see `chance`.
            voices = total**2 / np.maximum(np.einsum("...k,...k->...", weight, weight), 1e-30)
            voices *= frames.lengths / (1.5 * self.padded)
            curve, total, voices = smoother.through(curve, total, voices)
            least = self.threshold
            if least is None:
                least = self.chance(voices, smoother.worth)
            yield self._found(frames.times(self.rate), curve, total, least)

    def _found(self, times, curve, total, least) -> Delays:
        heard = total > LEAST_WEIGHT * self.band.sum()
        curve = np.where(heard[..., None], curve / np.where(heard, total, 1)[..., None], 0)
        lag, height = peak(curve, self.most)
        strength = np.clip(np.where(heard, height, 0.0), 0.0, 1.0)
        # A peak at the very edge is the flank of one beyond.
        found = heard & (strength >= least) & (np.abs(lag) < self.most)
        return Delays(
            times,
            np.where(found, lag / self.rate, np.nan).T,
            strength.T,
            np.moveaxis(curve[..., REACH : curve.shape[-1] - REACH], 0, 1),
        )

    def chance(self, voices, windows=1.0):
        """The strength that sounds without anything in common reach once in FALSE_ALARMS windows,
        of curves that are each worth the mean of so many windows.

        Their phases are random: with n independent frequencies each lag is normal with variance
        1 / (2 n), and the highest of many lags is sqrt(2 ln(lags x FALSE_ALARMS)) deviations up.
        Weights w count as (sum w)^2 / sum w^2 frequencies; those of a transform padded with zeros
        tell partly the same, and so do those under a Hann window (1.5).
        """
        # Averaging adds windows; those that overlap tell partly the same.
        new = min(1.0, 1.5 * self.hop / self.size)
        independent = voices * np.maximum(1.0, windows * new)
        tail = np.sqrt(2 * np.log((2 * self.most + 1) * FALSE_ALARMS))
        return np.maximum(LEAST_STRENGTH, tail / np.sqrt(2 * np.maximum(independent, 1e-9)))


def as_slice(channels: np.ndarray) -> slice | np.ndarray:
    """Channels in a row as a slice, which numpy takes without a copy; others as they are."""
    low, count = int(channels[0]), len(channels)
    return slice(low, low + count) if (channels == low + np.arange(count)).all() else channels


def delay_to_azimuth(delay, spacing: float):
    """Degrees, + towards the first microphone (left); two microphones `spacing` metres apart.

    NaN where a delay is longer than any sound takes from one to the other.
    """
    sine = np.asarray(delay) * SPEED_OF_SOUND / spacing
    sine = np.where(np.abs(sine) > 1.1, np.nan, np.clip(sine, -1.0, 1.0))
    return np.rad2deg(np.arcsin(sine))
