"""Sources heard by microphone arrays: steered response power with phase transform (SRP-PHAT).

A far source in the direction u reaches the second microphone of a pair later than the first by
d(u) = (p1 - p2).u / c, and puts the phase -w d(u) between them. The mean phasor X(w) of a pair over
a window, weighted by W(w), is taken for a sum of plane waves and diffuse sound:

    X(w) = W(w) [ sum_j s_j exp(-i w d(u_j)) + (1 - sum_j s_j) D(w) ]

D is the mean phasor of sound from everywhere, about its coherence sinc(2 f |p1 - p2| / c): see
`mean_phasor`. Directions u_j are found one after another,
each where the steered power of what is not yet explained,

    sum over pairs and w of Re [ rest(w) exp(i w d(u)) ],

is highest: on a grid, then by Newton's method. After each the shares s_j are fitted again by least
squares. So the side lobes of a source, which are explained with it, are no sources; and neither is
the coherence of any sound between close microphones at low frequencies, though its power is highest
at right angles to the array.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from avtools.dsp.array_grid import Sight
from avtools.dsp.delays import SPEED_OF_SOUND
from avtools.dsp.stft import fast_size

# Directions of the grid. Where the lobes of a large array are finer, they are blurred at first.
MOST_POINTS = 10_000
COARSEST, FINEST_LINE = np.deg2rad(5.0), np.deg2rad(0.5)
# Lags for each half wave of the highest frequency, between which the grid interpolates linearly.
FINENESS = 6
# Newton's steps for a new direction, and for all of them after it.
STEPS, ROUNDS = 1, 2
# Two sources are at least this far apart (radians), and no closer than the array resolves.
APART = np.deg2rad(15.0)
# A source with less than this part of the strongest share may be what the model lacks of that one.
WEAKEST = 0.1
# Maxima that turn out to be the flank of a source, before it is said that there are no more.
TRIES = 3


@dataclass(frozen=True, eq=False)
class Steering:
    """Directions and shares out of mean phasors; `find` does it."""

    sight: Sight
    pairs: np.ndarray  # (pairs, 2) microphones
    bins: np.ndarray  # (bins,) whole numbers one after another: multiples of
    spacing: float  # Hz

    @cached_property
    def turns(self) -> np.ndarray:
        """`(bins,)` radians a second."""
        return 2 * np.pi * self.spacing * self.bins

    @cached_property
    def between(self) -> np.ndarray:
        """`(pairs, 3)` seconds: times a direction, by how much the second comes later."""
        first, second = (self.sight.positions[k] for k in self.pairs.T)
        return (first - second) / SPEED_OF_SOUND

    @cached_property
    def lengths(self) -> np.ndarray:
        return np.linalg.norm(self.between, axis=1)

    @cached_property
    def coherence(self) -> np.ndarray:
        """`(pairs, bins)` of sound from everywhere."""
        return np.sinc(self.turns / np.pi * self.lengths[:, None])

    @cached_property
    def worth(self) -> float:
        """How many pairs of far distant microphones would tell as much: close ones tell less."""
        return float((1 - self.coherence**2).mean(axis=1).sum())

    @cached_property
    def diffuse(self) -> np.ndarray:
        """Mean phasors `(pairs, bins)` of sound from everywhere."""
        return mean_phasor(self.coherence, len(self.sight.positions)).astype(np.float32)

    @cached_property
    def lobe(self) -> float:
        """Radians from a source to where its power first vanishes, at the highest frequency."""
        return float(np.pi / (self.turns[-1] * self.lengths.max()))

    @cached_property
    def step(self) -> float:
        """Radians between directions of the grid."""
        is_line = self.sight.kind == "line"
        finest = FINEST_LINE if is_line else 1.07 * np.sqrt(4 * np.pi / MOST_POINTS)
        return float(np.clip(self.lobe / 2, finest, COARSEST))

    @cached_property
    def blur(self) -> float:
        """Seconds: how far off a direction is on the grid, as a delay.

        Frequencies that turn much in this time can't be seen there.
        """
        return self.step * float(self.lengths.max()) / 2

    @cached_property
    def grid(self) -> np.ndarray:
        return self.sight.grid(self.step)

    @cached_property
    def curve_size(self) -> int:
        return fast_size(2 * FINENESS * int(self.bins[-1]))

    @cached_property
    def places(self) -> tuple[int, np.ndarray, np.ndarray]:
        """Where on the curve of each pair a direction of the grid lies, `(pairs, points)`.

        The lag in the middle, whole lags from the first on, and what is left of them.
        """
        lags_a_second = self.curve_size * self.spacing
        lags = self.between @ self.grid.T * lags_a_second
        whole = np.floor(lags).astype(np.int32)
        reach = int(np.ceil(self.lengths.max() * lags_a_second)) + 2
        return reach, whole + reach, (lags - whole).astype(np.float32)

    def power(self, rest: np.ndarray) -> np.ndarray:
        """Steered power `(points,)` of phasors `(pairs, bins)` on the grid, mean over pairs."""
        reach, whole, part = self.places
        full = np.zeros((len(rest), self.curve_size // 2 + 1), np.complex64)
        full[:, self.bins] = rest * self._seen(self.blur)
        curve = np.fft.irfft(full, n=self.curve_size) * np.float32(self.curve_size / 2)
        curve = np.concatenate([curve[:, -reach:], curve[:, : reach + 2]], axis=1)
        total = np.zeros(whole.shape[1], np.float32)
        for heights, k, p in zip(curve, whole, part, strict=True):
            total += heights[k] + p * np.diff(heights)[k]
        return total / len(rest)

    def _seen(self, blur: float) -> np.ndarray:
        return np.exp(-((self.turns * blur) ** 2) / 2)

    def waves(self, directions: np.ndarray) -> np.ndarray:
        """Phasors `(n, pairs, bins)` of plane waves from directions `(n, 3)`."""
        angles = ((directions @ self.between.T)[..., None] * self.turns).astype(np.float32)
        waves = np.empty(angles.shape, np.complex64)
        # Several times as fast as exp of complex numbers.
        np.cos(angles, out=waves.real)
        np.negative(np.sin(angles), out=waves.imag)
        return waves

    def find(self, cross: np.ndarray, weight: np.ndarray, most: int, least: float):
        """Directions `(n, 3)`, shares `(n,)`, the largest first, and the power on the grid.

        `cross` `(pairs, bins)` mean phasors, `weight` `(bins,)` their weights: 1 in sum.
        """
        found, shares, flanks = np.empty((0, 3)), np.empty(0), []
        rest = cross - weight * self.diffuse
        first = power = self.power(rest)
        while len(found) < most and len(flanks) < TRIES:
            start = self._highest(power, [*found, *flanks])
            if start is None:
                break
            new = self._climbed(rest, weight, start)
            if (found @ new > np.cos(self.apart)).any():
                flanks.append(start)
                continue
            more, fitted, rest_now = self._settled(cross, weight, np.vstack([found, new]))
            if fitted[-1] < max(least, WEAKEST * fitted.max()):
                break
            found, shares, rest = more, fitted, rest_now
            power = self.power(rest)
        kept = np.argsort(-shares, kind="stable")
        kept = kept[shares[kept] >= least]
        return found[kept], np.clip(shares[kept], 0, 1), first

    @cached_property
    def apart(self) -> float:
        return min(np.pi / 2, max(APART, self.lobe))

    def _highest(self, power: np.ndarray, taken: list) -> np.ndarray | None:
        """The highest local maximum away from what is taken."""
        free = np.ones(len(power), bool)
        for direction in taken:
            free &= self.grid @ direction < np.cos(self.apart)
        while free.any():
            k = np.where(free, power, -np.inf).argmax()
            if power[k] <= 0:
                break
            about = self.grid @ self.grid[k] > np.cos(1.6 * self.step)
            if power[k] >= power[about].max():
                return self.grid[k]
            free[about] = False
        return None

    def _climbed(self, rest, weight, start) -> np.ndarray:
        """The maximum of the power near a point of the grid: blurred still more, then less."""
        here, none, blur = start[None], np.zeros(1), 2 * self.blur
        while blur * self.turns[-1] > 0.5:
            seen = self._seen(blur)
            here = self._stepped(rest * seen, weight * seen, here, self.waves(here), none)
            blur /= 2
        for _ in range(STEPS):
            here = self._stepped(rest, weight, here, self.waves(here), none)
        return here[0]

    def _settled(self, cross, weight, directions):
        """Directions and shares that fit together, and what they leave unexplained."""
        for _ in range(ROUNDS):
            waves, shares, rest = self._fitted(cross, weight, directions)
            directions = self._stepped(rest, weight, directions, waves, shares)
        _, shares, rest = self._fitted(cross, weight, directions)
        return directions, shares, rest

    def _fitted(self, cross, weight, directions):
        """Waves, the shares that fit best, and the rest: least squares over bins and pairs."""
        waves = self.waves(directions)
        beyond = (waves - self.diffuse).reshape(len(waves), -1)
        known = (cross - weight * self.diffuse).ravel()
        weights = np.tile(weight, len(self.pairs))
        gram = ((beyond.conj() * weights) @ beyond.T).real
        shares = np.linalg.lstsq(gram, (beyond.conj() @ known).real, rcond=1e-6)[0]
        rest = known - weights * (shares @ beyond)
        return waves, shares, rest.reshape(cross.shape)

    def _stepped(self, rest, weight, directions, waves, shares):
        """A step of Newton's method of all directions `(n, 3)` at once.

        Each climbs the power of what the others leave: of the rest and its own share, whose part
        is s W exp(-i w d) exp(i w d) = s W here.
        """
        steered = rest * waves.conj() + (shares[:, None] * weight)[:, None, :]
        slope = -(steered.imag @ self.turns) @ self.between
        bend = np.einsum("np,pi,pj->nij", -(steered.real @ self.turns**2), *[self.between] * 2)
        ways = self.sight.ways(directions)
        flat = ways @ bend @ ways.swapaxes(-1, -2)
        if self.sight.kind == "space":
            # A tangent leaves the sphere, on the way back to which the power falls by slope.u.
            inwards = np.einsum("ni,ni->n", slope, directions)
            flat -= inwards[:, None, None] * np.eye(2)
        size, axes = np.linalg.eigh(flat)
        along = ((ways @ slope[..., None]).swapaxes(1, 2) @ axes)[:, 0]
        move = along / np.maximum(np.abs(size), 1e-30)
        move *= np.minimum(1, self.step / np.maximum(np.linalg.norm(move, axis=1), 1e-30))[:, None]
        return self.sight.moved(directions, ways, (axes @ move[..., None])[..., 0])


def mean_phasor(coherence: np.ndarray, microphones: int) -> np.ndarray:
    """Of the phases between microphones in sound of this (real) coherence, as ArraySound weights.

    Without weights it would be about pi / 4 of a small coherence. But loud bins weigh more, in
    which two microphones agree better: so much the more, the fewer others are loud with them.
    The factor was fitted to diffuse noise, white and pink, in arrays of 2 to 11 microphones.
    """
    return coherence * (1 + (1.05 * microphones**-0.5 - 0.29) * (1 - coherence**2))
