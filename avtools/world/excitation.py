"""What sounds are made of before they get their colour: pulses, partials, noise; and the frames
in which they get it.

Time goes by in controls of about a millisecond, a whole number of samples each; 20 of them are the
hop of frames that overlap by half. Frame j has its middle at j hops. A frame is as many seconds
long at any rate, so its spectrum has the same bins, and the noise in a bin is the same number: a
scene sounds the same at 16 and 48 kHz.

Every spectrum is of a density per Hz: white noise is 1 / BAND strong a Hz, and so are pulses.
"""

import math
from dataclasses import dataclass

import torch

from avtools.world.hashing import hashed, mixed, white

CONTROL_HZ = 1000
CONTROLS = 20  # a hop
BAND = 8000.0  # Hz
# Partials end here, as a share of the rate, and the gain of every spectrum goes to 0 before.
HIGHEST, EDGE = 0.499, (0.455, 0.49)
LATEST, FALLS = 0.004, 800.0  # seconds, Hz
TURN = 1 << 32  # phases are whole numbers of this part of a turn: sums of them are exact


@dataclass(frozen=True)
class Grid:
    """Samples, controls and frames of n samples at one rate on one device."""

    n: int
    rate: int
    device: torch.device

    @property
    def step(self) -> int:
        """Samples a control."""
        return max(1, round(self.rate / CONTROL_HZ))

    @property
    def hop(self) -> int:
        return CONTROLS * self.step

    @property
    def size(self) -> int:
        """Samples of a frame."""
        return 2 * self.hop

    @property
    def frames(self) -> int:
        return math.ceil(self.n / self.hop) + 1

    def seconds(self, first: float, count: int, step: int) -> torch.Tensor:
        places = torch.arange(count, device=self.device, dtype=torch.float32)
        return (places + first) * (step / self.rate)

    def middles(self) -> torch.Tensor:
        """The middle of every control, from one hop before the beginning: (c,) seconds."""
        return self.seconds(0.5 - CONTROLS, (self.frames + 1) * CONTROLS, self.step)

    def frame_times(self) -> torch.Tensor:
        return self.seconds(0.0, self.frames, self.hop)

    def control_times(self) -> torch.Tensor:
        """The ends of every control from the beginning on, one more than there are controls."""
        return self.seconds(0.0, (self.frames - 1) * CONTROLS + 1, self.step)

    def bins(self) -> torch.Tensor:
        """Hz."""
        places = torch.arange(self.hop + 1, device=self.device, dtype=torch.float32)
        return places * (self.rate / self.size)

    def window(self) -> torch.Tensor:
        """The root of a Hann window: applied twice, shifted copies add up to 1."""
        places = torch.arange(self.size, device=self.device, dtype=torch.float32)
        return torch.sin(places * (math.pi / self.size))

    def framed(self, x: torch.Tensor) -> torch.Tensor:
        """Samples (m, c * step) from one hop before the beginning -> spectra (m, frames, bins)."""
        hops = x.reshape(len(x), self.frames + 1, self.hop)
        pairs = torch.cat([hops[:, :-1], hops[:, 1:]], dim=-1)
        return torch.fft.rfft(pairs.mul_(self.window()))

    def spread(self) -> torch.Tensor:
        """(bins,) of size 1: frequencies are late by LATEST e^(-f / FALLS), the lower the more.

        Pulses have all partials at once, as no throat or string has; so spread, peaks are 4 dB
        lower. The phase is -2 pi times the sum of the delay over frequency.
        """
        turns = LATEST * FALLS * (1 - torch.exp(-self.bins() / FALLS))
        return torch.polar(torch.ones_like(turns), -2 * math.pi * turns)

    def joined(self, spectra: torch.Tensor) -> torch.Tensor:
        """Spectra (m, frames, bins) -> samples (m, at least n)."""
        frames = torch.fft.irfft(spectra, n=self.size).mul_(self.window())
        halves = frames.reshape(len(spectra), self.frames, 2, self.hop)
        return (halves[:, :-1, 1] + halves[:, 1:, 0]).reshape(len(spectra), -1)

    def drawn_out(self, controls: torch.Tensor) -> torch.Tensor:
        """Values at controls' ends (m, c + 1) -> straight lines between them, (m, c, step)."""
        ramp = torch.arange(self.step, device=self.device, dtype=torch.float32) / self.step
        start = controls[:, :-1, None]
        return torch.addcmul(start, (controls[:, 1:] - controls[:, :-1])[..., None], ramp)


def phases(grid: Grid, frequency: torch.Tensor) -> torch.Tensor:
    """Turns (m, c, step), -0.5 to 0.5 and a bit more, of frequencies (m, c) Hz at `middles`."""
    turns = frequency * (grid.step / grid.rate)
    exact = (turns * TURN).to(torch.int64)
    start = (torch.cumsum(exact, dim=-1) - exact) & (TURN - 1)
    start = (start - TURN // 2).to(torch.float32) / TURN
    ramp = torch.arange(grid.step, device=grid.device, dtype=torch.float32) / grid.step
    phase = torch.addcmul(start[..., None], turns[..., None], ramp)
    return phase


def pulses(grid: Grid, frequency: torch.Tensor) -> torch.Tensor:
    """(m, c * step) all partials of frequencies (m, c) that there is room for, equally strong.

    sum_(k=1..N) cos(2 pi k p) = (sin((2N + 1) pi p) / sin(pi p) - 1) / 2. A partial of a pitch f is
    1/2 strong and alone in f Hz, so pulses get the factor (2 f / BAND)^(1/2).
    """
    phase = phases(grid, frequency)
    phase -= phase.round()
    phase.abs_().clamp_(min=1e-6).mul_(math.pi)
    highest = torch.floor(HIGHEST * grid.rate / frequency)[..., None]
    below = torch.sin(phase)
    x = torch.sin(phase.mul_(2 * highest + 1)).div_(below).sub_(1)
    x *= (0.5 * (2 * frequency / BAND).sqrt())[..., None]
    return x.reshape(len(frequency), -1)


def partials(grid: Grid, frequency: torch.Tensor, ratios, strengths) -> torch.Tensor:
    """(m, c * step) some partials of frequencies (m, c), at any ratios, of power 1 together."""
    size = math.sqrt(2 / sum(s * s for s in strengths))
    total = None
    for ratio, strength in zip(ratios, strengths, strict=True):
        each = ratio * frequency
        heard = (each < EDGE[0] * grid.rate) * (size * strength)
        one = torch.sin(phases(grid, each).mul_(2 * math.pi)).mul_(heard[..., None])
        total = one if total is None else total.add_(one)
    return total.reshape(len(frequency), -1)


def noise(grid: Grid, keys: torch.Tensor) -> torch.Tensor:
    """Spectra (m, frames, bins) of white noise, frame by frame from its own hashes."""
    frames = torch.arange(grid.frames, device=grid.device)
    bins = torch.arange(grid.hop + 1, device=grid.device)
    bits = hashed(keys[:, None, None], frames[:, None], bins)
    # Real and imaginary part: half of the bits each, uniform, which irfft sums to a normal number.
    parts = torch.empty((*bits.shape, 2), dtype=torch.float32, device=grid.device)
    parts[..., 0] = bits & 0xFFFF
    parts[..., 1] = bits >> 16
    # As the root of a Hann window leaves it: size / 2 times the power of a sample.
    power = grid.size / 2 * grid.rate / (2 * BAND)
    parts.sub_(32767.5).mul_(math.sqrt(power / 2) * math.sqrt(12) / 65536)
    return torch.view_as_complex(parts)


def unsteady(grid: Grid, keys: torch.Tensor, rough: float, sway) -> torch.Tensor:
    """Factors (m, c) about 1 by which a pitch is not quite steady, at `middles`.

    `rough`: of its jitter from control to control. `sway`: (Hz, size) of slow waves.
    """
    t = grid.middles()
    total = 1 + rough * white(mixed(keys + 1), len(t), grid.device)
    for k, (hertz, size) in enumerate(sway):
        start = hashed(keys, 100 + k)[:, None].to(torch.float32) * (2 * math.pi / TURN)
        total += size * torch.sin(2 * math.pi * hertz * t + start)
    return total
