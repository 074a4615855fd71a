"""Impulse responses made of pulses, each at its own time between two samples.

A pulse is looked up in a table: one row for each kind of pulse (a direction of incidence on a head)
and each of some parts of a sample by which it comes later. So a response of some dozens of
reflections costs as many rows added at their places, for a whole batch at once.
"""

import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch

# Samples within which the ringing of a band-limited pulse dies away: -60 dB with `band_end`.
RING = 32
# Steps of a sample by which pulses are shifted, and samples of a plain one on either side.
FRACTIONS = 32
SIDE = 16
# Of half the rate: where the band begins to end. A gentle end keeps ringing short.
BAND_END = 0.9


def tensor(values, device) -> torch.Tensor:
    """float32, rounded before it is sent."""
    return torch.as_tensor(np.ascontiguousarray(values, np.float32), device=device)


def band_gains(cycles: np.ndarray) -> np.ndarray:
    """(bins,) 1, and down to 0 over the last tenth of the band. `cycles` a sample."""
    fall = np.clip((2 * cycles - BAND_END) / (1 - BAND_END), 0, 1)
    return np.cos(np.pi / 2 * fall) ** 2


def fractions() -> np.ndarray:
    return np.arange(FRACTIONS) / FRACTIONS


@cache
def plain_pulses() -> np.ndarray:
    """(1, FRACTIONS, 2 SIDE): a sinc under a Hann window, SIDE - 1 samples before its peak."""
    x = np.arange(1 - SIDE, SIDE + 1) - fractions()[:, None]
    return (np.sinc(x) * np.cos(np.pi / 2 / SIDE * x) ** 2)[None]


@dataclass(frozen=True)
class Pulses:
    """Arrivals, (..., n), and the pulses they are heard as."""

    delays: torch.Tensor  # samples
    gains: torch.Tensor
    kinds: torch.Tensor | None  # rows of the table; None: the only one
    table: np.ndarray  # (kinds, parts of a sample, taps)
    lead: int  # samples of a pulse before its own time

    @property
    def taps(self) -> int:
        return self.table.shape[-1]

    def chosen(self, index) -> "Pulses":
        """Some of the arrivals: places along the first axes."""
        kinds = None if self.kinds is None else self.kinds[index]
        return replace(self, delays=self.delays[index], gains=self.gains[index], kinds=kinds)

    def responses(self, size: int) -> torch.Tensor:
        """(..., size), added up; what lies before the first sample stands at the end."""
        device, shape = self.delays.device, self.delays.shape[:-1]
        _, parts, taps = self.table.shape
        place = torch.round(self.delays * parts).long()
        rows = place % parts + (0 if self.kinds is None else self.kinds * parts)
        table = tensor(self.table, device).flatten(0, 1)
        pulses = table[rows.flatten()] * self.gains.reshape(-1, 1)
        first = torch.div(place, parts, rounding_mode="floor") - self.lead
        places = (first[..., None] + torch.arange(taps, device=device)) % size
        out = torch.zeros((math.prod(shape), size), device=device)
        rows = (len(out), -1)
        return out.scatter_add_(1, places.reshape(rows), pulses.reshape(rows)).view(*shape, size)
