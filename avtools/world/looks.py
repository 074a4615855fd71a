"""The shapes of things: what is drawn, and what the truth's boxes are.

An outline is a polygon whose centroid is the origin, u to the viewer's right, v up. Its unit is
half the thing's size: its height or its width, whichever is more, is 2.
"""

import functools

import numpy as np

from avtools.world.bank import loudness
from avtools.world.scenes import FACE_SHAPE, LOOKS, SHOWS, Scenes

# The square on which a thing is painted reaches from -REACH to REACH; no outline goes further.
REACH = 1.2
# Points across the square at which distances to the outlines are known.
FINE = 97
# How much a body grows while it pulses, and the least decay of that, in seconds: the eye misses
# what is shorter than a picture.
GROWTH, AFTERGLOW = 0.15, 0.12
# A bell's outline from the top: height, half width. Below hangs its clapper.
BELL = (
    (1.0, 0.0),
    (0.985, 0.1),
    (0.92, 0.15),
    (0.87, 0.36),
    (0.74, 0.53),
    (0.4, 0.62),
    (0.0, 0.65),
    (-0.3, 0.7),
    (-0.5, 0.82),
    (-0.6, 0.93),
    (-0.7, 0.93),
    (-0.73, 0.19),
    (-0.87, 0.2),
    (-0.97, 0.12),
    (-1.0, 0.0),
)


def growth(scenes: Scenes, times, bank=None) -> np.ndarray:
    """The size of every body against that in silence, (b, s, t), of `times` (t,) or (b, t)."""
    times = np.asarray(times, float)
    t = times[:, None, :] if times.ndim == 2 else times
    pulses = scenes.present & (scenes.heard | scenes.mimes) & (scenes.show == SHOWS.index("pulse"))
    if not pulses.any():
        return np.ones((*pulses.shape, t.shape[-1]))
    return 1 + GROWTH * pulses[..., None] * np.asarray(loudness(scenes, t, bank, AFTERGLOW))


def outlines(points: int = 64) -> np.ndarray:
    """(looks, points, 2): every outline as so many points, evenly spaced along it."""
    return np.stack([_resampled(outline(look), points) for look in LOOKS])


def _resampled(polygon: np.ndarray, points: int) -> np.ndarray:
    closed = np.concatenate([polygon, polygon[:1]])
    length = np.concatenate([[0], np.linalg.norm(np.diff(closed, axis=0), axis=1).cumsum()])
    at = np.arange(points) * length[-1] / points
    return np.stack([np.interp(at, length, axis) for axis in closed.T], axis=1)


@functools.cache
def outline(look: str) -> np.ndarray:
    """(n, 2), clockwise or counter-clockwise."""
    points = {"face": _face, "disc": _disc, "box": _box, "star": _star, "bell": _bell}[look]()
    points = points - centroid(points)
    return points * 2 / np.ptp(points, axis=0).max()


def centroid(polygon: np.ndarray) -> np.ndarray:
    """(2,) of the area within (n, 2)."""
    x, y = polygon.T
    u, v = np.roll(polygon, -1, axis=0).T
    cross = x * v - u * y
    return np.array([((x + u) * cross).sum(), ((y + v) * cross).sum()]) / (3 * cross.sum())


def _symmetric(heights: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Out of half widths from the top down."""
    left = np.stack([-widths, heights], axis=1)
    right = np.stack([widths, heights], axis=1)[::-1]
    points = np.concatenate([left, right])
    apart = np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1) > 1e-9
    return points[apart]


def _face() -> np.ndarray:
    """An egg with ears, as wide as FACE_SHAPE says."""
    height = np.cos(np.linspace(0, np.pi, 61))
    head = (1 - np.abs(height) ** 2.4).clip(0) ** (1 / 2.1) * (1 + 0.08 * height)
    ear = np.sqrt((1 - ((height - 0.02) / 0.2) ** 2).clip(0))
    wide = np.maximum(0.92 * head, np.where(ear > 0, 0.84 + 0.16 * ear, 0))
    return _symmetric(height, FACE_SHAPE * wide / wide.max())


def _disc() -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _box() -> np.ndarray:
    """Its corners are rounded."""
    angle = np.linspace(0, np.pi / 2, 6)
    corners = []
    for quarter, (u, v) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        turned = angle + quarter * np.pi / 2
        middle = np.array([u * 0.88, v * 0.66])
        corners.append(middle + 0.12 * np.stack([np.cos(turned), np.sin(turned)], axis=1))
    return np.concatenate(corners)


def _star() -> np.ndarray:
    """Of eight points, so that it reaches as far to all four sides."""
    angle = np.arange(16) * np.pi / 8
    radius = np.where(np.arange(16) % 2, 0.56, 1.0)
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _bell() -> np.ndarray:
    return _symmetric(*np.array(BELL).T)


@functools.cache
def distances() -> np.ndarray:
    """(looks, FINE, FINE) from each point of the square to the outline, positive inside, float32.

    Rows from the top; the first and last points lie on the square's edges.
    """
    line = np.linspace(-REACH, REACH, FINE)
    points = np.stack(np.meshgrid(line, -line), axis=-1).reshape(-1, 2)
    fields = [_distance(points, outline(look)).reshape(FINE, FINE) for look in LOOKS]
    return np.stack(fields).astype(np.float32)


def _distance(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """(n,) of points (n, 2): to the nearest side, negative outside."""
    nearest = np.full(len(points), np.inf)
    inside = np.zeros(len(points), bool)
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        along, away = b - a, points - a
        part = np.clip(away @ along / (along @ along), 0, 1)
        gap = away - part[:, None] * along
        nearest = np.minimum(nearest, (gap**2).sum(axis=1))
        # A ray to the right crosses the sides of a polygon an odd number of times from inside.
        crosses = (a[1] > points[:, 1]) != (b[1] > points[:, 1])
        rise = b[1] - a[1] if b[1] != a[1] else 1.0
        inside ^= crosses & (points[:, 0] < a[0] + (points[:, 1] - a[1]) * along[0] / rise)
    return np.where(inside, 1.0, -1.0) * np.sqrt(nearest)
