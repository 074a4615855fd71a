"""Two sounds and a noise, each a few spectra that come and go, heard by two channels.

The spectrum x(t, f) of two channels is taken as a sum of Gaussian parts with the covariances
v_k(t, f) R_k(f). The power v_k is a sum of a few spectra, each with a loudness over time:
v_k = sum_b T_k(f, b) H_k(b, t): notes, strokes and vowels come again, and all frequencies of one
rise together, also the low ones, at which no direction can be heard. R_k(f) says how a part arrives
at the channels, echoes included; of what moves the phase along its way is taken out first.
(Multichannel non-negative matrix factorisation: Sawada, Kameoka, Araki, Ueda, IEEE Trans. ASLP 21,
2013; R by the EM algorithm of Duong, Vincent, Gribonval, IEEE Trans. ASLP 18, 2010.)

With C = sum_k v_k R_k and y = C^-1 x the likelihood grows by

    T, H:  times the root of  sum y* R_k y  over  sum tr(C^-1 R_k),  weighted by the other one
    R_k:   plus R_k <v_k (y y* - C^-1)> R_k, the mean over time

All 2 x 2 matrices are Hermitian: two real numbers and a complex one, so no solver is needed.
"""

from dataclasses import dataclass

import numpy as np

ROUNDS = 50
LOADING = 0.005
# How much another's word of whose a bin is counts, and how sure it can be.
TRUST, LEAST = 0.7, 0.02
TINY = np.float32(1e-12)
QUIET = np.float32(1e-6)  # power of what no part explains, against the mean


@dataclass
class Parts:
    """The parts, the noise last."""

    spectra: list[np.ndarray]  # (bins, b) of each part
    loudness: list[np.ndarray]  # (b, windows)
    arrivals: np.ndarray  # (parts, bins, 2, 2)
    turns: list[np.ndarray | None]  # (windows, bins) on the circle, of each part

    def powers(self) -> list[np.ndarray]:
        """v_k, (windows, bins)."""
        return [h.T @ t.T for t, h in zip(self.spectra, self.loudness, strict=True)]

    def powers_owned(self, owned: np.ndarray) -> list[np.ndarray]:
        """The same, where besides it is known how likely a bin is the first sound's.

        Both are evidence of the same bin, so that they multiply: few spectra can't say everything
        of a voice, and a direction nothing of low bins.
        """
        first = np.clip(owned, LEAST, 1 - LEAST).astype(np.float32)
        share = (first, 1 - first, np.float32(0.5))
        return [p * s**TRUST for p, s in zip(self.powers(), share, strict=True)]

    def refine(self, x: np.ndarray, rounds: int = ROUNDS, keep_loudness: bool = False) -> None:
        """`x` (2, windows, bins), of mean power about 1."""
        for _ in range(rounds):
            powers = self.powers()
            inverse = self._inverse(powers)
            y0, y1 = _times(inverse, x)
            seen = (y0.real**2 + y0.imag**2, y1.real**2 + y1.imag**2, y0 * np.conj(y1))
            for k, power in enumerate(powers):
                self._refine_part(k, power, seen, inverse, keep_loudness)

    def _inverse(self, powers):
        """C^-1: its diagonal and the upper corner, (windows, bins) each."""
        a = b = QUIET
        c = 0
        for k, power in enumerate(powers):
            r = self.arrivals[k]
            a, b = a + power * r[:, 0, 0].real, b + power * r[:, 1, 1].real
            c = c + power * self._corner(k)
        # No part is more coherent than LOADING lets it be: what is less is a rounding error.
        scale = 1 / np.maximum(a * b - c.real**2 - c.imag**2, LOADING * a * b)
        return b * scale, a * scale, -c * scale

    def _corner(self, k: int):
        corner = self.arrivals[k][:, 0, 1]
        return corner if self.turns[k] is None else corner * self.turns[k]

    def _refine_part(self, k: int, power, seen, inverse, keep_loudness: bool) -> None:
        r, (p0, p1, cross), (i0, i1, tied) = self.arrivals[k], seen, inverse
        if self.turns[k] is not None:
            back = np.conj(self.turns[k])
            cross, tied = cross * back, tied * back
        r0, r1, corner = r[:, 0, 0].real, r[:, 1, 1].real, np.conj(r[:, 0, 1])
        more = np.maximum(p0 * r0 + p1 * r1 + 2 * (corner * cross).real, 0)
        less = np.maximum(i0 * r0 + i1 * r1 + 2 * (corner * tied).real, TINY)
        change = np.empty_like(r)
        change[:, 0, 0] = (power * (p0 - i0)).mean(axis=0)
        change[:, 1, 1] = (power * (p1 - i1)).mean(axis=0)
        change[:, 0, 1] = (power * (cross - tied)).mean(axis=0)
        change[:, 1, 0] = np.conj(change[:, 0, 1])
        new = r + r @ change @ r
        size = np.clip((new[:, 0, 0] + new[:, 1, 1]).real / 2, 0.1, 10)
        spectra, loudness = self.spectra[k], self.loudness[k]
        if not keep_loudness:
            loudness = loudness * _root(spectra.T @ more.T, spectra.T @ less.T)
        spectra = spectra * _root(more.T @ loudness.T, less.T @ loudness.T)
        whole = np.ones(spectra.shape[1]) if keep_loudness else spectra.sum(axis=0) + TINY
        self.spectra[k] = (spectra / whole * size[:, None]).astype(np.float32)
        self.loudness[k] = (loudness * whole[:, None]).astype(np.float32)
        self.arrivals[k] = (1 - LOADING) * new / size[:, None, None] + LOADING * np.eye(2)

    def images(self, x: np.ndarray, owned: np.ndarray) -> list[np.ndarray]:
        """What of `x` (2, windows, bins) each part is: v_k R_k C^-1 x.

        `owned` (windows, bins): the share of the first sound as it is known otherwise.
        """
        powers = self.powers_owned(owned)
        y0, y1 = _times(self._inverse(powers), x)
        made = []
        for k, power in enumerate(powers):
            r, corner = self.arrivals[k], self._corner(k)
            one = power * (r[:, 0, 0].real * y0 + corner * y1)
            other = power * (np.conj(corner) * y0 + r[:, 1, 1].real * y1)
            made.append(np.stack([one, other]))
        return made


def _times(inverse, x: np.ndarray):
    i0, i1, tied = inverse
    return i0 * x[0] + tied * x[1], np.conj(tied) * x[0] + i1 * x[1]


def _root(more: np.ndarray, less: np.ndarray) -> np.ndarray:
    """A step, not longer than tenfold: where nothing is heard, both are rounding errors."""
    return np.clip(np.sqrt((more + TINY) / (less + TINY)), 0.1, 10)


def start(
    x: np.ndarray, loud: np.ndarray, arrivals: np.ndarray, turns: np.ndarray | None, count: int
) -> Parts:
    """Parts to begin with: `loud` (2, windows) is how loud the two sounds are over time.

    The `count` spectra of each, and their loudness, are spread by chance around what is known,
    always in the same way.
    """
    rng = np.random.default_rng(count)
    power = (np.abs(x) ** 2).mean(axis=0) + QUIET
    spectra, loudness = [], []
    for level in loud:
        mean = (power * level[:, None]).mean(axis=0) / max(float(level.mean()), float(TINY))
        spectra.append(rng.uniform(0.3, 1.7, (len(mean), count)) * mean[:, None])
        spread = rng.uniform(0.3, 1.7, (count, len(level)))
        loudness.append(spread * level / count + 1e-4)
    # What is there in the quietest windows is noise.
    spectra.append(2 * np.percentile(power, 15, axis=0)[:, None] + QUIET)
    loudness.append(np.ones((1, len(power))))
    return Parts(
        [s.astype(np.float32) for s in spectra],
        [h.astype(np.float32) for h in loudness],
        np.array(arrivals, np.complex64),
        [None, None, None] if turns is None else [*turns, None],
    )
