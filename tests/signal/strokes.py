"""Things seen and heard at once, with known places: for tests of what compares sight and sound."""

from collections.abc import Callable, Iterator

import numpy as np

from avtools.signal.motion import small_size

RATE, FPS = 16000, 25
FADING = 0.06  # seconds
SIZE = small_size(960, 480, is_360=True)


def strokes(seconds: float, seed: int = 0) -> np.ndarray:
    """Moments in seconds, irregular as a rhythm is."""
    apart = np.random.default_rng(seed).uniform(0.25, 0.6, int(4 * seconds) + 1)
    times = 0.15 + np.cumsum(apart)
    return times[times < seconds - 0.15]


def levels(times: np.ndarray, seconds: float, seed: int = 0) -> np.ndarray:
    """How loud and how bright at these times: each stroke dies away."""
    since = np.asarray(times)[:, None] - strokes(seconds, seed)
    return np.where(since >= 0, np.exp(-np.maximum(since, 0) / FADING), 0).sum(axis=1)


def bursts(seconds: float, seed: int = 0) -> np.ndarray:
    """(samples,) of noise in strokes."""
    level = levels(np.arange(round(seconds * RATE)) / RATE, seconds, seed)
    noise = np.random.default_rng(seed + 100).standard_normal(len(level))
    return (0.2 * level * noise).astype(np.float32)


def wave(mono: np.ndarray, azimuth, elevation=0.0) -> np.ndarray:
    """AmbiX (4, samples) of a far source; the angles in degrees, constant or (samples,)."""
    a, e = np.deg2rad(azimuth), np.deg2rad(elevation)
    gains = (1 + 0 * a, np.sin(a) * np.cos(e), np.sin(e) + 0 * a, np.cos(a) * np.cos(e))
    return np.stack([mono * g for g in gains]).astype(np.float32)


def texture(width: int, height: int, seed: int = 3) -> np.ndarray:
    """(height, width) of grey, about 110, smooth, the same at the left and right edges."""
    from scipy.ndimage import gaussian_filter

    grain = np.random.default_rng(seed).standard_normal((height, width))
    soft = gaussian_filter(grain, 4, mode=("nearest", "wrap"))
    return (110 + 25 * soft / soft.std()).astype(np.float32)


def coloured(grey: np.ndarray) -> np.ndarray:
    """RGB (height, width, 3) uint8."""
    return np.repeat(np.clip(np.rint(grey), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def lamp(
    seconds: float,
    azimuth: Callable[[float], float],
    elevation: float = 0.0,
    seed: int | None = 0,
) -> Iterator[tuple[float, np.ndarray]]:
    """Times and equirectangular pictures: a lamp that glows with the strokes, where `azimuth`
    says at each time. Without a seed nothing moves."""
    width, height = SIZE
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    back = texture(width, height)
    times = np.arange(round(seconds * FPS)) / FPS
    glow = np.zeros(len(times)) if seed is None else 90 * levels(times, seconds, seed)
    for time, bright in zip(times, glow, strict=True):
        across = np.abs(x - (0.5 - azimuth(time) / 360) * width)
        across = np.minimum(across % width, width - across % width)
        down = np.abs(y - (0.5 - elevation / 180) * height)
        spot = np.exp(-0.5 * (across / 4) ** 2) * np.exp(-0.5 * (down / 4) ** 2)[:, None]
        yield time, coloured(back + bright * spot)
