"""A measured head: a set of head-related impulse responses, between whose directions sounds move.

Responses of neighbouring directions differ most in delay, and a mean of two delays is no delay in
between. So every response is first freed of the delay that its ear would have in free air, -a y / c
for the part y of the direction towards the ear; it is put back for the true direction. What is left
is a smooth function on the sphere, for which a sum of CENTRES bells exp(WIDTH (cos angle - 1)) is
found by least squares. Where nothing was measured within GAP degrees, the nearest response stands.

A sphere's own responses, measured every 6 or 10 degrees, come back with an error of 0.05 dB (rms,
200 to 7000 Hz, all directions; 0.7 dB at the worst, in notches behind the head) and 0.003 ms;
measured every 15 degrees with 0.3 dB.
"""

import math

import numpy as np
import torch

from avtools.dsp.binaural import density_weights
from avtools.dsp.heads import HEAD_RADIUS, SPEED_OF_SOUND, unit_vectors
from avtools.dsp.sphere import fibonacci
from avtools.world.gliding import Knots, slopes
from avtools.world.microphones import DIFFUSE, TwoEars
from avtools.world.responses import RING, Pulses, band_gains, tensor
from avtools.world.scenes import Scenes

CENTRES, WIDTH, GAP = 400, 20.0, 15.0
# Tikhonov's share of the mean power of the bells.
REGULARISATION = 1e-6
# Responses from so far towards an ear tell the delay that all have in common.
FACING = 0.5
LEAST = 4
FINE = 16
# Seconds: more is a room's.
LONGEST = 0.25


class ResponseSet:
    """Directions (n, 2) in degrees and responses (n, 2, taps), left before right."""

    def __init__(self, directions, impulses):
        directions, self.impulses = np.asarray(directions, float), np.asarray(impulses, float)
        if directions.ndim != 2 or self.impulses.shape[:-1] != (len(directions), 2):
            raise ValueError(
                f"directions {directions.shape} and responses {self.impulses.shape}, expected "
                "(n, 2) and (n, 2, taps)"
            )
        heard = np.isfinite(self.impulses).all() and np.any(self.impulses, axis=(1, 2)).all()
        if len(directions) < LEAST or not heard:
            raise ValueError(
                f"expected finite responses to {LEAST} directions or more, none of them silent"
            )
        self.points = unit_vectors(directions)
        self.facing = np.stack([self.points[:, 1], -self.points[:, 1]], axis=1)
        self.weights = density_weights(directions)
        self._bells: dict[tuple, torch.Tensor] = {}

    @property
    def taps(self) -> int:
        return self.impulses.shape[-1]

    def shared_delay(self, radius: float) -> float:
        """Samples from the first tap to the arrival at the middle of a head of `radius` samples.

        The peak of the mean of what comes from the side of its ear, to 1 / FINE of a sample.
        """
        known = self.facing >= min(FACING, self.facing.max())
        turns = 2j * np.pi * np.arange(self.taps + 1) / (2 * self.taps)
        later = np.exp(-turns * radius * self.facing[known][:, None])
        mean = (np.fft.rfft(self.impulses[known], n=2 * self.taps) * later).mean(axis=0)
        fine = np.fft.irfft(mean, n=2 * self.taps * FINE)[: self.taps * FINE]
        return float(np.abs(fine).argmax() / FINE)

    def bells(self, size: int, radius: float, device) -> torch.Tensor:
        """(CENTRES, 2, bins) amplitudes of the bells, complex as pairs of real numbers."""
        if (size, radius) not in self._bells:
            cycles = np.arange(size // 2 + 1) / size
            delays = self.shared_delay(radius) - radius * self.facing
            spectra = np.fft.rfft(self.impulses, n=size) * band_gains(cycles)
            spectra *= np.exp(2j * np.pi * cycles * delays[..., None])
            centres = fibonacci(CENTRES)
            cosines = centres @ self.points.T
            empty = cosines.max(axis=1) < math.cos(math.radians(GAP))
            points = np.concatenate([self.points, centres[empty]])
            spectra = np.concatenate([spectra, spectra[cosines.argmax(axis=1)[empty]]])
            bells = np.exp(WIDTH * (points @ centres.T - 1))
            square = bells.T @ bells
            square += REGULARISATION * np.trace(square) / CENTRES * np.eye(CENTRES)
            found = np.linalg.solve(square, bells.T @ spectra.reshape(len(points), -1))
            pairs = np.stack([found.real, found.imag], axis=-1).reshape(CENTRES, -1)
            self._bells[size, radius] = tensor(pairs, device)
        return self._bells[size, radius]


class Measured(TwoEars):
    """The same measured head in every scene of a batch."""

    def __init__(self, scenes: Scenes, rate: int, device, responses: ResponseSet):
        super().__init__(scenes, rate, device)
        if responses.taps > LONGEST * rate:
            raise ValueError(
                f"responses of {responses.taps / rate:.3g} s, expected those of a head, of at most "
                f"{LONGEST} s"
            )
        self.responses = responses
        self.radius = HEAD_RADIUS / SPEED_OF_SOUND * rate  # samples
        self.shared = responses.shared_delay(self.radius)

    def reach(self) -> tuple[int, int]:
        """Samples that responses reach back and ahead."""
        ahead = math.ceil(max(self.shared, self.radius)) + RING
        return self.responses.taps + math.ceil(self.radius) + RING, ahead

    def aim(self, places: np.ndarray, knots: Knots) -> None:
        """At the places (b, s, knots + 4, 3) of what will be heard, two knots beyond either end."""
        metres = np.linalg.norm(places, axis=-1, keepdims=True)
        gain, directions = 1 / metres, places / metres
        moving = (gain[..., 2:-2, :], slopes(gain), directions[..., 2:-2, :], slopes(directions))
        self.moving = [tensor(x, self.device) for x in moving]
        self.turns = tensor(2 * np.pi * self.radius * knots.cycles, self.device)
        self.centres = tensor(fibonacci(CENTRES), self.device)
        self.bells = self.responses.bells(knots.size, self.radius, self.device)

    def filtered(self, spectra: torch.Tensor, rows, thing: int):
        """A thing's spectra (rows, knots, bins) through its responses, and through their slopes.

        With the bells' sum a and h = g a e^(j w y) the slope is (g' a + g a' + j w y' g a) e^(j w
        y). (rows, knots, 2, bins) each.
        """
        gain, gain_slope, way, way_slope = (x[rows, thing] for x in self.moving)
        bells = torch.exp(WIDTH * (way @ self.centres.T - 1))
        rising = WIDTH * (way_slope @ self.centres.T) * bells
        shape, slope = (self._summed(w) for w in (gain * bells, gain_slope * bells + gain * rising))
        sides = torch.tensor([[1.0], [-1.0]], device=self.device)
        y, y_slope = (sides * x[..., None, 1:2] for x in (way, way_slope))
        phase = self.turns * y
        earlier = torch.polar(torch.ones_like(phase), phase) * spectra[..., None, :]
        slope += shape * torch.complex(torch.zeros_like(phase), self.turns * y_slope)
        return shape * earlier, slope * earlier

    def _summed(self, weights: torch.Tensor) -> torch.Tensor:
        return torch.view_as_complex((weights @ self.bells).unflatten(-1, (2, -1, 2)))

    def diffuse(self) -> np.ndarray:
        """How strong sound from everywhere, of strength 1, is in half the sum and half the
        difference of left and right: amplitudes (1, 2, DIFFUSE).
        """
        size = 2 * (DIFFUSE - 1)
        left, right = np.moveaxis(np.fft.rfft(self.responses.impulses[..., :size], n=size), 1, 0)
        both = np.abs(np.stack([left + right, left - right]) / 2) ** 2
        return np.sqrt(np.einsum("n,cnf->cf", self.responses.weights, both))[None]

    def pulses(self, places: torch.Tensor) -> Pulses:
        """Of reflections at `places` (b, ..., n, 3), both ears: (b, ..., 2, n).

        Each is heard as the nearest direction that was measured.
        """
        points = tensor(self.responses.points, self.device)
        kinds = 2 * torch.argmax(places @ points.T, dim=-1)
        kinds = torch.stack([kinds, kinds + 1], dim=-2)
        metres = torch.linalg.vector_norm(places, dim=-1)[..., None, :].expand(kinds.shape)
        lead = math.ceil(self.shared)
        delays = metres * (self.rate / SPEED_OF_SOUND) + (lead - self.shared)
        table = self.responses.impulses.reshape(-1, 1, self.responses.taps)
        return Pulses(delays, 1 / metres, kinds, table, lead)
