"""A head: a rigid sphere, exactly as Duda & Martens have it, for sounds that move (see dsp.heads).

The response at incidence i is a series, H(i, f) = sum_m P_m(cos i) r_m(f). The two ears lie
opposite each other, cos i is y at the left one and -y at the right one (y: the left part of the
direction), and P_m(-y) = (-1)^m P_m(y): the even orders are what both ears have in common, the odd
ones their difference,

    left, right = sum over even m of P_m(y) r_m  +-  sum over odd m of P_m(y) r_m

So a moving sound needs polynomials of y only, whatever the number of frequencies; no table of
directions is interpolated. Sources are far ones (the sphere's response at infinite distance),
1 / r strong.
"""

import math
from functools import lru_cache

import numpy as np
import torch

from avtools.dsp.heads import HEAD_RADIUS, SPEED_OF_SOUND, sphere_response
from avtools.world.gliding import Knots, slopes
from avtools.world.microphones import DIFFUSE, TwoEars
from avtools.world.responses import RING, Pulses, band_gains, fractions, tensor

# Terms of the series that are smaller than this are left out.
SMALLEST = 1e-5
# Degrees between the pulses that reflections become.
STEP = 2.0
# Samples of such a pulse before its time, and behind its end, in which it is faded.
LEAD, FADE = 16, 16


@lru_cache(maxsize=8)
def series(size: int, rate: int) -> np.ndarray:
    """r_m(f) for the bins of an FFT of `size` samples: complex (orders, bins).

    r_m = (2m + 1) / 2 times the integral of H(i) P_m(cos i) over cos i, by Gauss's rule, which is
    exact up to twice the orders that count.
    """
    hertz = np.fft.rfftfreq(size, 1 / rate)
    count = math.ceil(1.3 * math.pi * rate * HEAD_RADIUS / SPEED_OF_SOUND) + 24
    cosines, weights = np.polynomial.legendre.leggauss(count)
    response = sphere_response(np.degrees(np.arccos(cosines)), hertz)
    orders = np.polynomial.legendre.legvander(cosines, count - 1)
    terms = (orders * weights[:, None]).T @ response * (np.arange(count) + 0.5)[:, None]
    last = np.flatnonzero(np.abs(terms).max(axis=1) > SMALLEST)[-1]
    return terms[: last + 1] * band_gains(hertz / rate)


def legendre(y: torch.Tensor, orders: int) -> tuple[torch.Tensor, torch.Tensor]:
    """P_m(y) and P'_m(y), (..., orders): (m+1) P_(m+1) = (2m+1) y P_m - m P_(m-1) and
    P'_(m+1) = P'_(m-1) + (2m+1) P_m."""
    values, rises = [torch.ones_like(y), y], [torch.zeros_like(y), torch.ones_like(y)]
    for m in range(1, orders - 1):
        values.append(((2 * m + 1) * y * values[m] - m * values[m - 1]) / (m + 1))
        rises.append(rises[m - 1] + (2 * m + 1) * values[m])
    return torch.stack(values[:orders], -1), torch.stack(rises[:orders], -1)


class Head(TwoEars):
    """The heads of a batch of scenes; all are alike."""

    @property
    def radius(self) -> float:
        """Samples."""
        return HEAD_RADIUS / SPEED_OF_SOUND * self.rate

    def reach(self) -> tuple[int, int]:
        """Samples that responses reach back and ahead: waves creep round to the far side and on."""
        return math.ceil(1.5 * math.pi * self.radius) + RING, math.ceil(self.radius) + RING

    def aim(self, places: np.ndarray, knots: Knots) -> None:
        """At the places (b, s, knots + 4, 3) of what will be heard, two knots beyond either end."""
        metres = np.linalg.norm(places, axis=-1, keepdims=True)
        left, gain = places[..., 1:2] / metres, 1 / metres
        moving = (left[..., 2:-2, :], slopes(left), gain[..., 2:-2, :], slopes(gain))
        self.moving = [tensor(x, self.device) for x in moving]
        terms = series(knots.size, self.rate)
        # Complex numbers as pairs of real ones: the polynomials are real.
        pairs = np.stack([terms.real, terms.imag], axis=-1).reshape(len(terms), -1)
        self.terms = tensor(pairs, self.device)

    def filtered(self, spectra: torch.Tensor, rows, thing: int):
        """A thing's spectra (rows, knots, bins) through its responses, and through their slopes.

        (rows, knots, 2, bins) each: what the ears have in common, and half their difference.
        """
        y, y_slope, gain, gain_slope = (x[rows, thing] for x in self.moving)
        values, rises = legendre(y[..., 0], len(self.terms))
        moved = gain_slope * values + gain * y_slope * rises
        return tuple(self._through(spectra, w) for w in (gain * values, moved))

    def _through(self, spectra: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        made = [weights[..., odd::2] @ self.terms[odd::2] for odd in (0, 1)]
        response = torch.view_as_complex(torch.stack(made, dim=-2).unflatten(-1, (-1, 2)))
        return response * spectra[..., None, :]

    def ears(self, sound: torch.Tensor) -> torch.Tensor:
        """Left and right of what was `filtered`."""
        return self.joined(sound)

    def diffuse(self) -> np.ndarray:
        """How strong sound from everywhere, of strength 1, is in half the sum and half the
        difference of left and right: amplitudes (1, 2, DIFFUSE).

        The mean of P_m P_n over the sphere is 1 / (2m + 1) for m = n, and 0 else.
        """
        terms = series(2 * (DIFFUSE - 1), self.rate)
        power = np.abs(terms) ** 2 / (2 * np.arange(len(terms)) + 1)[:, None]
        return np.sqrt(np.stack([power[::2].sum(axis=0), power[1::2].sum(axis=0)]))[None]

    def pulses(self, places: torch.Tensor) -> Pulses:
        """Of reflections at `places` (b, ..., n, 3), both ears: (b, ..., 2, n)."""
        metres = torch.linalg.vector_norm(places, dim=-1)
        left = (places[..., 1] / metres).clamp(-1, 1)
        incidence = torch.rad2deg(torch.acos(torch.stack([left, -left], dim=-2)))
        kinds = torch.round(incidence / STEP).long()
        metres = metres[..., None, :].expand(kinds.shape)
        lead = LEAD + math.ceil(self.radius)
        table = head_pulses(self.rate, lead)
        return Pulses(metres * (self.rate / SPEED_OF_SOUND), 1 / metres, kinds, table, lead)


@lru_cache(maxsize=8)
def head_pulses(rate: int, lead: int) -> np.ndarray:
    """(incidences, FRACTIONS, taps): responses of one ear, STEP degrees apart."""
    taps = lead + math.ceil(1.5 * math.pi * HEAD_RADIUS / SPEED_OF_SOUND * rate) + FADE
    size = 1 << math.ceil(math.log2(4 * taps))
    terms = series(size, rate)
    cosines = np.cos(np.radians(np.arange(0, 180 + STEP, STEP)))
    response = np.polynomial.legendre.legvander(cosines, len(terms) - 1) @ terms
    shift = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size * (lead + fractions()[:, None]))
    window = np.ones(taps)
    fade = np.sin(np.pi / 2 * (np.arange(FADE) + 0.5) / FADE) ** 2
    window[: FADE // 2] = fade[::2]
    window[-FADE:] = fade[::-1]
    return np.fft.irfft(response[:, None] * shift, n=size)[..., :taps] * window
