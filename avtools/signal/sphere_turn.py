"""By how much the sound of a 360 picture is turned against it: evidence for every rotation.

The readings are those of `turn.readings`. Where sound comes from, h, and where things move, s, are
written in spherical harmonics (degree l, order m); a rotation mixes those of one degree, so

    score(R) = sum over ticks of the integral of h(x) s(R^-1 x)
             = sum of C(l, m, n) D(l, m, n; R),    C(l, m, n) = sum over ticks of h*(l, m) s(l, n)

and C is all that has to be kept of a recording. With R = Rz(a) Ry(b) Rz(c),
D = exp(-i m a) d(l, m, n; b) exp(-i n c), where d = exp(-i b Jy) is the sum of exp(-i k b) times
the projection on the eigenvector k of Jy, the generator of turns about y. So the score is a
trigonometric series in a, b and c: one Fourier transform gives it for rotations of every kind, and
the series itself for those between.
"""

from functools import cache

import numpy as np

from avtools.dsp.rotation import matrices, rotation_matrix
from avtools.signal.hearing import COLUMNS, ROWS
from avtools.signal.turn import READINGS, readings

# Both maps are softened by 6 to 10 degrees, which leaves little of higher degrees.
DEGREE = 10
ORDERS = np.arange(-DEGREE, DEGREE + 1)
# Of the first search: rotations 360 / GRID degrees apart.
GRID = 48
# Degrees by which the search goes on from there, each as long as it leads higher.
STEPS = (4.0, 2.0, 1.0, 0.5, 0.25)
# Degrees from which on a rotation is another answer.
OTHER = 30.0
# The first readings are of the quick parts: how high they reach by chance is heard from the same
# sound beside movements of other moments, so many times.
QUICK, SHIFTS = 2, 5
# No reading decides alone.
MOST_LEAD = 2.0
# How likely the best is right (within 15 degrees): a constant, and so much for each of the leads.
# Fitted to synthetic clips of 10 s turned at random, and as many with another clip's picture.
CONSTANT, PER_LEAD, PER_CHANCE = -1.56, 2.88, 0.092


class SphereTurn:
    """Evidence for all rotations of the sound against the picture."""

    def __init__(self):
        orders = len(ORDERS)
        self.products = np.zeros((READINGS, DEGREE + 1, orders, orders), np.complex128)
        self.by_chance = np.zeros((SHIFTS, QUICK, *self.products.shape[1:]), np.complex128)

    def add(self, heard: np.ndarray, motion: np.ndarray) -> None:
        """Maps of sound (ticks, ROWS, COLUMNS) and movements (ticks, 2 ROWS, COLUMNS)."""
        ticks = len(heard)
        if heard.shape != (ticks, ROWS, COLUMNS) or motion.shape != (ticks, 2 * ROWS, COLUMNS):
            raise ValueError(
                f"maps of sound {heard.shape} and of movements {motion.shape}, expected"
                f" (ticks, {ROWS}, {COLUMNS}) and (ticks, {2 * ROWS}, {COLUMNS})"
            )
        if not ticks:
            return
        for reading, (a, b) in enumerate(readings(heard, motion)):
            # What is heard is a sum over each cell, what is seen a mean: that one times the area.
            h, s = _coefficients(a), _coefficients(b * np.cos(_elevations())[:, None])
            h = h.conj().swapaxes(1, 2)
            self.products[reading] += h @ s
            for k in range(SHIFTS if reading < QUICK else 0):
                later = (k + 1) * ticks // (SHIFTS + 1)
                self.by_chance[k, reading] += h @ np.roll(s, later, axis=1)

    @property
    def spread(self) -> np.ndarray:
        """(READINGS, 1, 1, 1): standard deviations of the scores over all rotations.

        Degree 0 is the same for all; the mean square of D is 1 / (2 l + 1).
        """
        share = 1 / (2 * np.arange(1, DEGREE + 1) + 1)
        spread = np.sqrt((np.abs(self.products[:, 1:]) ** 2).sum(axis=(2, 3)) @ share)
        return np.where(spread > 0, spread, np.inf)[:, None, None, None]

    @property
    def standardised(self) -> np.ndarray:
        """Products of each reading for scores of mean 0 and standard deviation 1."""
        products = self.products / self.spread
        products[:, 0] = 0
        return products

    def best(self) -> tuple[float, float, float, float]:
        """Degrees (yaw, pitch, roll) as `rotation_matrix` takes them, and confidence 0 to 1."""
        from avtools.stream.picture import yaw_pitch_roll

        products = self.standardised
        if not products.any():
            return 0.0, 0.0, 0.0, 0.0
        series = _series(products.sum(axis=0))
        best = _refined(series, _rotations()[_all_over(series).argmax()])
        other, chance = self._leads(products, best)
        likely = CONSTANT + PER_LEAD * other + PER_CHANCE * chance
        return *yaw_pitch_roll(best), float(1 / (1 + np.exp(-likely)))

    def _leads(self, products: np.ndarray, best: np.ndarray) -> tuple[float, float]:
        """By how much more speaks for `best` than for any other answer, in the readings' mean;
        and, of the quick ones together, than for the best of movements of other moments."""
        leads = [_lead(_series(p), best) for p in products]
        quick = _score(_series(products[:QUICK].sum(axis=0)), best[None])[0]
        by_chance = self.by_chance / self.spread[:QUICK]
        by_chance[:, :, 0] = 0
        highest = [_all_over(_series(p)).max() for p in by_chance.sum(axis=1)]
        return float(np.clip(leads, -MOST_LEAD, MOST_LEAD).mean()), float(quick - np.mean(highest))

    def curve(self, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
        """(COLUMNS,): what speaks for the yaws 0, 360 / COLUMNS, ... with these other angles."""
        yaws = np.arange(COLUMNS) * (360 / COLUMNS)
        rotations = rotation_matrix(yaws, np.full(COLUMNS, pitch), np.full(COLUMNS, roll))
        return _score(_series(self.standardised.sum(axis=0)), rotations)


def _lead(series: np.ndarray, best: np.ndarray) -> float:
    """By how much a reading speaks more for `best` than for any other answer."""
    turns = (_rotations() * best).sum(axis=(1, 2))  # 1 + 2 cos of the angle between
    others = turns < 1 + 2 * np.cos(np.deg2rad(OTHER))
    return float(_score(series, best[None])[0] - _all_over(series)[others].max())


def _refined(series: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """The highest place near a rotation (3, 3), by small turns about all axes."""
    ways = np.stack(np.meshgrid(*[(-1, 0, 1)] * 3), axis=-1).reshape(-1, 3)
    for step in STEPS:
        half = np.deg2rad(step) / 2 * ways
        small = np.concatenate([np.ones((len(ways), 1)), half], axis=1)
        small = matrices(small / np.linalg.norm(small, axis=1, keepdims=True))
        for _ in range(GRID):  # never that far
            around = small @ rotation
            highest = int(_score(series, around).argmax())
            rotation = around[highest]
            if not ways[highest].any():
                break
    return rotation


def _series(products: np.ndarray) -> np.ndarray:
    """Coefficients of exp(-i (k b + m a + n c)), (k, m, n), of products (l, m, n)."""
    return np.einsum("lkmn,lmn->kmn", _projections(), products)


def _all_over(series: np.ndarray) -> np.ndarray:
    """Scores of all `_rotations()`."""
    spread = np.zeros((GRID,) * 3, np.complex128)
    spread[np.ix_(*[ORDERS % GRID] * 3)] = series
    return np.fft.fftn(spread)[: GRID // 2 + 1].real.ravel()


def _score(series: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Of rotations (n, 3, 3)."""
    r = rotations
    b = np.arctan2(np.hypot(r[:, 0, 2], r[:, 1, 2]), r[:, 2, 2])
    # Where b is 0 or 180 degrees, a and c turn about one axis, and a is taken as 0.
    plain = np.sin(b) > 1e-6
    a = np.where(plain, np.arctan2(r[:, 1, 2], r[:, 0, 2]), 0)
    c = np.where(plain, np.arctan2(r[:, 2, 1], -r[:, 2, 0]), np.arctan2(r[:, 1, 0], r[:, 1, 1]))
    k, m, n = (np.exp(-1j * angle[:, None] * ORDERS) for angle in (b, a, c))
    return np.einsum("kmn,rk,rm,rn->r", series, k, m, n, optimize=True).real


@cache
def _rotations() -> np.ndarray:
    """(n, 3, 3), all over: Rz(a) Ry(b) Rz(c) of every b, a and c of a grid."""
    angle = np.arange(GRID) * (360 / GRID)
    nothing = np.zeros((GRID // 2 + 1, GRID))
    b, c = nothing + angle[: GRID // 2 + 1, None], nothing + angle
    a = rotation_matrix(angle, 0 * angle, 0 * angle)
    turns = a[None, :, None] @ rotation_matrix(c, b, nothing)[:, None]
    return turns.reshape(-1, 3, 3)


@cache
def _projections() -> np.ndarray:
    """(l, k, m, n): on the eigenvectors of Jy with the eigenvalues k, for each degree l."""
    made = np.zeros((DEGREE + 1, *[len(ORDERS)] * 3), np.complex128)
    for degree in range(DEGREE + 1):
        m = np.arange(-degree, degree)
        # J+ takes order m to m + 1; Jy = (J+ - J-) / 2i.
        up = np.diag(np.sqrt(degree * (degree + 1) - m * (m + 1)), -1)
        _, vectors = np.linalg.eigh((up - up.T) / 2j)
        used = slice(DEGREE - degree, DEGREE + degree + 1)
        made[degree, used, used, used] = np.einsum("mk,nk->kmn", vectors, vectors.conj())
    return made


def _coefficients(maps: np.ndarray) -> np.ndarray:
    """(l, ticks, m): sums of maps (ticks, ROWS, COLUMNS) times Y*(l, m)."""
    across = _waves()
    # Along azimuth first: every degree has the same waves there.
    return np.einsum("trm,lmr->ltm", maps @ across, _legendre(), optimize=True)


@cache
def _waves() -> np.ndarray:
    """(COLUMNS, m): exp(-i m azimuth)."""
    azimuth = 2 * np.pi * (0.5 - (np.arange(COLUMNS) + 0.5) / COLUMNS)
    return np.exp(-1j * azimuth[:, None] * ORDERS).astype(np.complex64)


def _elevations() -> np.ndarray:
    """Radians, of the rows."""
    return np.pi * (0.5 - (np.arange(ROWS) + 0.5) / ROWS)


@cache
def _legendre() -> np.ndarray:
    """(l, m, ROWS): what is left of Y(l, m) without its wave along azimuth.

    Of the usual sign, (-1)^m for m > 0, with the mean square over the sphere that belongs to it:
    P(m, m) = -sqrt(1 + 1 / 2m) cos(elevation) P(m - 1, m - 1), and from there upwards in l by
    x P(l, m) = A(l + 1) P(l + 1, m) + A(l) P(l - 1, m), A(l)^2 = (l^2 - m^2) / (4 l^2 - 1).
    """
    x, flat = np.sin(_elevations()), np.cos(_elevations())
    made = np.zeros((DEGREE + 1, len(ORDERS), ROWS))
    highest = np.full(ROWS, np.sqrt(1 / (4 * np.pi)))
    for m in range(DEGREE + 1):
        below, at = np.zeros(ROWS), highest
        for degree in range(m, DEGREE + 1):
            made[degree, DEGREE + m], made[degree, DEGREE - m] = at, (-1) ** m * at
            grow, keep = (np.sqrt((n * n - m * m) / (4 * n * n - 1)) for n in (degree + 1, degree))
            below, at = at, (x * at - keep * below) / grow
        highest = -np.sqrt(1 + 1 / (2 * m + 2)) * flat * highest
    return made.astype(np.float32)
