"""Where things are at any time, and where they are seen: geometry in float64, before any drawing.

A thing swings about its place, azimuth = centre + swing s(t) + drift t, where s is the sum of two
sines, one three times as slow as the other: it speeds up and slows down as people do, and never
jumps. Distance swings likewise. Times are seconds from the beginning of the scene.

**Pictures.** Pixels are counted from the left and upper edges: the middle of the first pixel is at
0.5. A camera is a pinhole, W / 2 tan(fov / 2) pixels from its picture; 360 is equirectangular.
"""

import numpy as np

from avtools.dsp.sphere import unit_vectors
from avtools.world.scenes import Scenes

SLOWER, SHARE = 3.0, 0.25


def wrapped(azimuth: np.ndarray) -> np.ndarray:
    """Degrees in (-180, 180]."""
    return 180.0 - (180.0 - azimuth) % 360.0


def directions(scenes: Scenes, times) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Azimuth, elevation (degrees) and distance (metres) of every thing: (b, s, t) each.

    `times` (t,) or (b, t). Azimuth lies in (-180, 180].
    """
    times = np.asarray(times, float)
    t = times[:, None, :] if times.ndim == 2 else times
    s = _swing(scenes, scenes.phase, t)
    azimuth = scenes.azimuth[..., None] + scenes.swing[..., None] * s + scenes.drift[..., None] * t
    up = _swing(scenes, scenes.phase + 0.37, t)
    elevation = scenes.elevation[..., None] + scenes.bob[..., None] * up
    away = scenes.distance[..., None] * (1 + scenes.near[..., None] * _swing(scenes, 0.61, t))
    return wrapped(azimuth), elevation, away


def _swing(scenes: Scenes, phase, t: np.ndarray) -> np.ndarray:
    """From -1 to 1, (b, s, t)."""
    turns = t / scenes.period[..., None] + np.broadcast_to(phase, scenes.period.shape)[..., None]
    slow = t / (SLOWER * scenes.period[..., None]) + scenes.phase[..., None]
    return (1 - SHARE) * np.sin(2 * np.pi * turns) + SHARE * np.sin(2 * np.pi * slow)


def shaken(scenes: Scenes, times) -> tuple[np.ndarray, np.ndarray]:
    """By how much the camera looks too far left and too far up, degrees: (b, t) each.

    The ears stay where they are. `times` (t,) or (b, t).
    """
    t = np.broadcast_to(np.asarray(times, float), (len(scenes.seeds), np.shape(times)[-1]))
    turns = 2 * np.pi * scenes.shake_rate[:, None] * t
    one, two, three = (scenes.shake_phase[:, k, None] * 2 * np.pi for k in range(3))
    left = np.sin(turns + one) + 0.5 * np.sin(2.3 * turns + two)
    up = np.sin(1.3 * turns + three) + 0.5 * np.sin(2.9 * turns + one)
    size = scenes.shake[:, None] / 1.5
    return size * scenes.handed[:, None] * left, size * up


def seen_at(
    scenes: Scenes, azimuth: np.ndarray, elevation: np.ndarray, size: tuple[int, int], times
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels x and y, (b, s, t), of directions (b, s, t) as the camera sees them at `times`.

    `size` is (width, height). Behind a camera x is nan. In 360 x lies in [0, width).
    """
    width, height = size
    left, up = (x[:, None, :] for x in shaken(scenes, times))
    if scenes.is_360:
        x = (0.5 - (azimuth - left) / 360.0) * width
        return x % width, (0.5 - (elevation - up) / 180.0) * height
    ahead = unit_vectors(azimuth - left, elevation)
    focal = (width / 2 / np.tan(np.deg2rad(scenes.fov / 2)))[:, None, None]
    depth = np.where(ahead[..., 0] > 0.05, ahead[..., 0], np.nan)
    # Up and down is a shift of the picture: the camera's small nods.
    y = height / 2 - focal * (ahead[..., 2] / depth - np.tan(np.deg2rad(up)))
    return width / 2 - focal * ahead[..., 1] / depth, y


def half_sizes(
    scenes: Scenes, azimuth: np.ndarray, elevation: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Half a thing's width in pixels at the middle of the picture's scale, (b, s, t).

    A camera draws things flat, as cardboard that faces it: (px) = focal tan(size / 2). In 360 the
    figure is of the rows, where a degree is as many pixels everywhere.
    """
    half = np.broadcast_to(np.deg2rad(scenes.size / 2)[..., None], azimuth.shape)
    if scenes.is_360:
        return np.rad2deg(half) / 180.0 * size[1]
    focal = (size[0] / 2 / np.tan(np.deg2rad(scenes.fov / 2)))[:, None, None]
    return focal * np.tan(half)
