"""What an array of microphones can tell: its directions, as a grid and as steps in all ways.

A far source in the unit direction u reaches a microphone at p earlier by p.u / c, so directions
with the same p.u at all microphones are one to the array. Three kinds:

- space: the microphones lie in no plane. The whole sphere.
- plane: a direction and its mirror image behind the plane are one. The side that is taken is
  above, in front or on the left, whichever the plane faces most.
- line: only the angle to the line is known. The half-plane through the line that faces front is
  taken, for a line that itself points to the front the one on the left.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from avtools.dsp.sphere import fibonacci

# An array is flat, or a line, when it is thinner than this part of its length.
THIN = 0.02
# A line is level within about 3 degrees.
LEVEL = 0.05
NEAREST, FARTHEST = 0.001, 10.0
UP, FRONT, LEFT = np.array([0.0, 0, 1]), np.array([1.0, 0, 0]), np.array([0.0, 1, 0])


def pair_positions(spacing: float) -> np.ndarray:
    """`(2, 3)`: two microphones `spacing` metres apart, the first on the left."""
    if not NEAREST <= spacing <= FARTHEST:
        raise ValueError(f"microphones {spacing:g} m apart, expected {NEAREST:g} to {FARTHEST:g}")
    return np.array([[0.0, spacing / 2, 0], [0.0, -spacing / 2, 0]])


def centred(positions) -> np.ndarray:
    """Microphones `(m, 3)` around their mean; refused where they are no array."""
    places = np.array(positions, np.float64)
    if places.ndim != 2 or places.shape[1] != 3 or len(places) < 2:
        raise ValueError(f"positions {places.shape}, expected (microphones, 3), 2 or more of them")
    if not np.isfinite(places).all():
        raise ValueError("positions that are no numbers, expected metres")
    first, second = np.array(list(combinations(range(len(places)), 2))).T
    apart = np.linalg.norm(places[first] - places[second], axis=1)
    if apart.max() < NEAREST:
        raise ValueError(
            f"all microphones within {1000 * apart.max():.2g} mm, expected at least "
            f"{1000 * NEAREST:g}: positions are in metres"
        )
    if apart.max() > FARTHEST:
        raise ValueError(
            f"microphones {apart.max():.4g} m apart, expected at most {FARTHEST:g}: positions are "
            "in metres"
        )
    if apart.min() < 1e-6:
        k = int(apart.argmin())
        raise ValueError(f"microphones {first[k]} and {second[k]} in one place (counted from 0)")
    return places - places.mean(axis=0)


def chosen_pairs(positions: np.ndarray, most: int) -> np.ndarray:
    """`(p, 2)` microphones, all pairs or `most` of them.

    Those are taken evenly from the shortest, which alone are never ambiguous, to the longest,
    which are the finest.
    """
    pairs = np.array(list(combinations(range(len(positions)), 2)))
    if len(pairs) <= most:
        return pairs
    lengths = np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=1)
    order = np.argsort(lengths, kind="stable")
    return pairs[np.sort(order[np.linspace(0, len(pairs) - 1, most).round().astype(int)])]


@dataclass(frozen=True, eq=False)
class Sight:
    """The directions that an array tells apart."""

    positions: np.ndarray  # (m, 3) metres around their mean

    @cached_property
    def shape(self) -> tuple[np.ndarray, np.ndarray]:
        """Lengths `(3,)` from the longest, and axes `(3, 3)`, a row each."""
        _, _, axes = np.linalg.svd(self.positions)
        return np.ptp(self.positions @ axes.T, axis=0), axes

    @cached_property
    def kind(self) -> str:
        lengths, _ = self.shape
        thin = lengths < THIN * lengths[0]
        return "line" if thin[1] else "plane" if thin[2] else "space"

    @cached_property
    def axis(self) -> np.ndarray:
        """Of a line: unit vector along it."""
        return self.shape[1][0]

    @cached_property
    def side(self) -> np.ndarray | None:
        """Unit vector into the half that is taken; None for the whole sphere."""
        if self.kind == "space":
            return None
        if self.kind == "line":
            out = FRONT - (FRONT @ self.axis) * self.axis
            if np.linalg.norm(out) < 0.1:
                out = LEFT - (LEFT @ self.axis) * self.axis
            return out / np.linalg.norm(out)
        normal = self.shape[1][2]
        faces = max((UP, FRONT, LEFT), key=lambda way: round(abs(normal @ way), 6))
        return normal * np.copysign(1.0, normal @ faces)

    @property
    def elevation_known(self) -> bool:
        """Not by a level line, as a stereo pair is."""
        return self.kind != "line" or abs(self.axis[2]) > LEVEL

    def grid(self, step: float) -> np.ndarray:
        """`(n, 3)` unit vectors about `step` radians apart."""
        if self.kind == "line":
            angle = np.linspace(0, np.pi, max(3, 1 + round(np.pi / step)))[:, None]
            return np.cos(angle) * self.axis + np.sin(angle) * self.side
        # A point of an even spread has 4 pi / n, and neighbours 1.07 times its square root away.
        sphere = fibonacci(max(12, round(4 * np.pi * (1.07 / step) ** 2)))
        return sphere if self.side is None else sphere[sphere @ self.side >= 0]

    def ways(self, directions: np.ndarray) -> np.ndarray:
        """`(n, k, 3)` unit vectors, or `(k, 3)`: which ways directions `(n, 3)` can go.

        In a plane or line the ways lie in it, since there p.u is a coordinate and nothing else is
        known; over the angle it would be flat at 0 and 180 degrees. In space they are tangents.
        """
        if self.side is not None:
            return self.shape[1][: 1 if self.kind == "line" else 2]
        # The second and third row of the mirror I - 2 v v' / v'v with v = u + sign(u_x) e_x, which
        # takes e_x to u (or -u) and is never near v = 0.
        mirror = directions.copy()
        mirror[:, 0] += np.where(directions[:, 0] < 0, -1.0, 1.0)
        scale = 2 / (mirror**2).sum(axis=1)
        return np.eye(3)[1:] - (scale[:, None] * mirror[:, 1:])[..., None] * mirror[:, None]

    def moved(self, directions: np.ndarray, ways: np.ndarray, move: np.ndarray) -> np.ndarray:
        """Directions `(n, 3)` after moves `(n, k)` along the ways, no farther than they go."""
        if self.side is None:
            there = directions + np.einsum("nk,nki->ni", move, ways)
            return there / np.linalg.norm(there, axis=1, keepdims=True)
        level = directions @ ways.T + move
        level /= np.maximum(1, np.linalg.norm(level, axis=1, keepdims=True))
        out = np.sqrt(np.maximum(0, 1 - (level**2).sum(axis=1, keepdims=True)))
        return level @ ways + out * self.side
