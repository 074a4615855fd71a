"""Two waves in the same bins of first-order ambisonics: where each of them comes from.

The intensity of two sounds that fill the same frequencies points between them. But they leave more
than a mean: with c = (W, Y, Z, X), the covariance Re E[c c^T] of two sounds that have nothing to do
with each other is s1 y1 y1^T + s2 y2 y2^T with y = (1, d) of each direction d. Its two great
eigenvectors a, b span the plane of y1 and y2, and in that plane only these two lie on the cone
w^2 = x^2 + y^2 + z^2: a + t b meets it where a quadratic equation in t says. No search, no grid.

Eigenvalues are taken of the covariance in N3D, in which diffuse sound has four equal ones: as the
third is small against the second, there are two waves and little else.
"""

import numpy as np

from avtools.dsp.dialect import like, namespace

# SN3D to N3D of W, Y, Z, X.
N3D = np.array([1.0, 3**0.5, 3**0.5, 3**0.5])
# A second wave this far below the first is not looked for: rounding has eigenvectors, too.
LEAST = 1e-3


def two_waves(foa):
    """Of AmbiX spectra `(..., n, 4)` that belong together, n of them:

    unit vectors `(..., 2, 3)`, powers of W `(..., 2)`, and purity `(...,)`: 1 where there are two
    waves and nothing else, 0 where there is one, or diffuse sound, or no two that fit.
    """
    xp = namespace(foa)
    scaled = foa * like(foa, N3D)
    flipped = xp.matrix_transpose(xp.conj(scaled))
    covariance = xp.real(xp.matmul(flipped, scaled)) / foa.shape[-2]
    values, vectors = xp.linalg.eigh(covariance)
    first, second, third = values[..., 3], values[..., 2], values[..., 1]
    a, b = (vectors[..., k] / like(foa, N3D) for k in (3, 2))
    ways, meets = _on_the_cone(a, b)
    # The plane's covariance diag(first, second) as s1 y1 y1^T + s2 y2 y2^T.
    y = xp.stack([ways[..., k] for k in (1, 2, 0)], axis=-1)
    y = like(foa, N3D) * xp.concat([0 * y[..., :1] + 1, y], axis=-1)
    along, across = (xp.sum(vectors[..., None, :, k] * y, axis=-1) for k in (3, 2))
    area = along[..., 0] * across[..., 1] - along[..., 1] * across[..., 0]
    area = xp.where(xp.abs(area) < 1e-4, 1e-4 + 0 * area, area)
    powers = [
        (first * across[..., other] ** 2 + second * along[..., other] ** 2) / area**2
        for other in (1, 0)
    ]
    powers = xp.stack(powers, axis=-1)
    purity = 1 - xp.clip(third, 0, None) / xp.clip(second, 1e-30, None)
    there = meets & (second > LEAST * first)
    return ways, powers, xp.where(there, xp.clip(purity, 0, 1), 0 * purity)


def _on_the_cone(a, b):
    """The two directions `(..., 2, 3)` in the plane of a and b `(..., 4)`; where there are any."""
    xp = namespace(a)

    def cone(p, q):
        return p[..., 0] * q[..., 0] - xp.sum(p[..., 1:] * q[..., 1:], axis=-1)

    square, half, constant = cone(b, b), cone(a, b), cone(a, a)
    inside = half**2 - square * constant
    root = xp.sqrt(xp.clip(inside, 0, None))
    square = xp.where(xp.abs(square) < 1e-9, 1e-9 + 0 * square, square)
    t = xp.stack([(root - half) / square, (-root - half) / square], axis=-1)
    point = a[..., None, :] + t[..., None] * b[..., None, :]
    # W must be positive; its sign is that of the whole vector.
    sign = xp.where(point[..., :1] < 0, -1 + 0 * point[..., :1], 1 + 0 * point[..., :1])
    way = sign * xp.stack([point[..., k] for k in (3, 1, 2)], axis=-1)
    length = xp.linalg.vector_norm(way, axis=-1, keepdims=True)
    return way / xp.clip(length, 1e-30, None), inside > 0
