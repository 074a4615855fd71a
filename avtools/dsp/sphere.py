"""Directions: azimuth and elevation in degrees, unit vectors x front, y left, z up."""

import numpy as np

from avtools.dsp.dialect import namespace


def unit_vectors(azimuth_deg, elevation_deg=0.0) -> np.ndarray:
    """`(..., 3)` of angles `(...)`."""
    azimuth, elevation = np.broadcast_arrays(np.deg2rad(azimuth_deg), np.deg2rad(elevation_deg))
    flat = np.cos(elevation)
    return np.stack([np.cos(azimuth) * flat, np.sin(azimuth) * flat, np.sin(elevation)], axis=-1)


def angles(vectors):
    """Azimuth in (-180, 180] and elevation, degrees `(...)`, of vectors `(..., 3)` of any length.

    A vector of length 0 gives 0, 0.
    """
    xp = namespace(vectors)
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    degrees = 180 / np.pi
    azimuth = xp.atan2(y, x) * degrees
    azimuth = xp.where(azimuth <= -180, azimuth + 360, azimuth)
    return azimuth, xp.atan2(z, xp.hypot(x, y)) * degrees


def rounded_azimuth(degrees: float) -> float:
    """For tables: hundredths of a degree, in (-180, 180]."""
    value = round(degrees, 2)
    return 180.0 if value == -180 else value


def angle_between(first, second):
    """Degrees `(...)` between vectors `(..., 3)`; exact for small angles, too."""
    xp = namespace(first, second)
    cross = xp.linalg.cross(*xp.broadcast_arrays(first, second))
    dot = xp.sum(first * second, axis=-1)
    return xp.atan2(xp.linalg.vector_norm(cross, axis=-1), dot) * (180 / np.pi)


def between(first: np.ndarray, second: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Along the great circle from `first` (part 0) to `second` (part 1), all `(n, 3)`, `(n, 1)`.

    Between opposite directions, where every way is the shortest, over the left or the front.
    """
    angle = np.deg2rad(angle_between(first, second))[:, None]
    sine = np.sin(angle)
    plain = sine < 1e-7
    safe = np.where(plain, 1, sine)
    mixed = np.where(
        plain, first, (np.sin((1 - part) * angle) * first + np.sin(part * angle) * second) / safe
    )
    opposite = (plain & (angle > 1))[:, 0]
    if opposite.any():
        mixed[opposite] = _over(first[opposite], part[opposite])
    return mixed / np.linalg.norm(mixed, axis=-1, keepdims=True)


def _over(first: np.ndarray, part: np.ndarray) -> np.ndarray:
    left, front = np.array([0.0, 1, 0]), np.array([1.0, 0, 0])
    via = np.where(np.abs(first @ left)[:, None] < 0.9, left, front)
    via = via - (via * first).sum(-1, keepdims=True) * first
    via /= np.linalg.norm(via, axis=-1, keepdims=True)
    return np.cos(np.pi * part) * first + np.sin(np.pi * part) * via


def angle_apart(first_deg, second_deg):
    """The way from the second azimuth to the first, in [-180, 180) degrees."""
    return (first_deg - second_deg + 180) % 360 - 180


def fibonacci(count: int) -> np.ndarray:
    """`(count, 3)` unit vectors spread evenly over the sphere."""
    k = np.arange(count) + 0.5
    z = 1 - 2 * k / count
    azimuth = np.pi * (1 + 5**0.5) * k
    flat = np.sqrt(1 - z * z)
    return np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), z], axis=-1)
