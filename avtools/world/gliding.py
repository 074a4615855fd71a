"""Filters that move: sound through responses that differ from one moment to the next.

A response is known at knots, `hop` samples apart, as h and as h', its rate of change a hop. Between
two knots it is the cubic that has both at either end (Hermite), so every tap moves smoothly: there
is no step in level or slope at a knot, and so no zipper noise. Of a delay that changes by d seconds
a hop the cubic misses (2 pi f d)^4 / 384: -100 dB at 6 kHz where a source passes two microphones
0.3 m apart at 60 degrees a second, and hops are 256 samples of 16 kHz.

Around each knot the sound of two hops is convolved with h, and again with h', by one FFT each. What
comes out is linear in the spectra: those of several sources are added before they go back.

    y(t) = sum over knots of  a(v) (h * x)(t) + b(v) (h' * x)(t),    v = (t - knot) / hop
    a(v) = (1 - |v|)^2 (1 + 2 |v|),   b(v) = v (1 - |v|)^2           for |v| < 1
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch.nn.functional import pad

from avtools.dsp.stft import fast_size


@dataclass(frozen=True)
class Knots:
    """Of a span of `samples` from `first` on, where responses are known.

    These reach `past` samples back and `future` ahead of a moment.
    """

    samples: int
    hop: int
    past: int
    future: int
    first: int = 0

    @cached_property
    def count(self) -> int:
        return -(-self.samples // self.hop) + 1

    @cached_property
    def size(self) -> int:
        """Of the FFTs: nothing wraps round into the two hops that are kept."""
        return fast_size(2 * self.hop + self.past + self.future)

    @cached_property
    def cycles(self) -> np.ndarray:
        """A sample, of each frequency: (bins,)."""
        return np.arange(self.size // 2 + 1) / self.size

    def places(self, beyond: int = 0) -> np.ndarray:
        """Samples, of all knots and some beyond either end."""
        return self.first + self.hop * np.arange(-beyond, self.count + beyond)

    def spectra(self, sound: torch.Tensor) -> torch.Tensor:
        """Of the whole sound (..., n) around each knot: (..., count, bins)."""
        begin, n = self.first - self.hop - self.past, sound.shape[-1]
        end = self.first + self.count * self.hop + self.future
        around = pad(sound[..., max(begin, 0) : end], (max(-begin, 0), max(end - n, 0)))
        frames = around.unfold(-1, 2 * self.hop + self.past + self.future, self.hop)
        return torch.fft.rfft(frames, n=self.size)

    def sound(self, values: torch.Tensor, slopes: torch.Tensor | None = None) -> torch.Tensor:
        """(b, count, channels, bins) of what was filtered -> (b, channels, samples).

        `values` by the responses, `slopes` by their rates of change a hop; without, the responses
        are cross-faded in straight lines.
        """
        v = torch.arange(-self.hop, self.hop, device=values.device) / self.hop
        near = 1 - v.abs()
        total = self._kept(values) * (near if slopes is None else near**2 * (1 + 2 * v.abs()))
        if slopes is not None:
            total.addcmul_(self._kept(slopes), v * near**2)
        # The second half around each knot and the first around the next.
        joined = total[:, :-1, :, self.hop :] + total[:, 1:, :, : self.hop]
        return joined.transpose(1, 2).flatten(2)[..., : self.samples]

    def _kept(self, spectra: torch.Tensor) -> torch.Tensor:
        return torch.fft.irfft(spectra, n=self.size)[..., self.past : self.past + 2 * self.hop]


def spans(samples: int, hop: int, longest: int) -> Iterator[tuple[int, int]]:
    """First sample and length of parts of a sound, of whole hops and up to `longest` samples."""
    step = max(1, longest // hop) * hop
    for first in range(0, samples, step):
        yield first, min(step, samples - first)


def moving_gains(
    sound: torch.Tensor, gains: torch.Tensor, slopes: torch.Tensor, hop: int
) -> torch.Tensor:
    """(b, samples) through gains known at knots: (b, channels, samples).

    `gains`, `slopes` (b, knots, channels) as for `Knots`.
    """
    u = torch.arange(hop, device=sound.device) / hop
    cubic = [(1 - u) ** 2 * (1 + 2 * u), u * (1 - u) ** 2, u**2 * (3 - 2 * u), -(u**2) * (1 - u)]
    ends = torch.stack([gains[:, :-1], slopes[:, :-1], gains[:, 1:], slopes[:, 1:]], dim=-1)
    smooth = (ends @ torch.stack(cubic)).transpose(1, 2).flatten(2)
    return smooth[..., : sound.shape[-1]] * sound[:, None]


def slopes(values: np.ndarray) -> np.ndarray:
    """Rates of change a knot, (..., n, x) of (..., n + 4, x): to the fourth order of the step."""
    v = np.moveaxis(values, -2, 0)
    return np.moveaxis((8 * (v[3:-1] - v[1:-3]) - (v[4:] - v[:-4])) / 12, 0, -2)
