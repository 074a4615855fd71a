"""Faces with known ways, mouths and sounds: patches of their own texture on a textured ground."""

import numpy as np

from avtools.signal.heard_sides import Heard
from avtools.signal.track_faces import STEP

WIDTH, HEIGHT = 160, 90
FACE = (28, 36)  # pixels across and down
FPS = 12.5
SLOPE = -0.9  # widths of the picture a millisecond


def texture(seed: int, height: int, width: int, grain: float = 2.0) -> np.ndarray:
    import cv2

    x = np.random.default_rng(seed).standard_normal((height, width, 3))
    x = cv2.GaussianBlur(x, (0, 0), grain)
    return np.clip(128 + 45 * x / x.std(), 0, 255)


def face(seed: int, opened: float = 0.0) -> np.ndarray:
    """A face of this seed with its mouth open by 0 to 1."""
    width, height = FACE
    patch = texture(seed, height, width)
    tall = 2 + int(6 * opened)
    patch[30 - tall // 2 : 30 + tall // 2, 9:19] = (30, 10, 10)
    return patch


def put(ground: np.ndarray, patch: np.ndarray, x: float, y: float) -> None:
    """A patch with its middle at x, y, between pixels too; a ground may go round."""
    import cv2

    height, width = ground.shape[:2]
    left, top = x - patch.shape[1] / 2, y - patch.shape[0] / 2
    for shift in (-width, 0, width):
        turn = np.array([[1, 0, left + shift], [0, 1, top]])
        cv2.warpAffine(patch, turn, (width, height), dst=ground, borderMode=cv2.BORDER_TRANSPARENT)


def pictures(ways, opened=None, cover=None, size=(WIDTH, HEIGHT)):
    """(seconds, RGB) at every step, of faces whose middles go along `ways` [(n, 2)].

    `opened` [(n,)] are their mouths; `cover(step)` gives columns (left, right) that a board hides.
    """
    ground = texture(99, size[1], size[0], 6.0)
    for k in range(len(ways[0])):
        shown = ground.copy()
        for seed, way in enumerate(ways):
            put(shown, face(seed, 0.0 if opened is None else opened[seed][k]), *way[k])
        if cover is not None and (hidden := cover(k)) is not None:
            shown[:, hidden[0] : hidden[1]] = (90, 100, 110)
        yield k * float(STEP), shown.round().astype(np.uint8)


def box(x: float, y: float) -> list[float]:
    return [x - FACE[0] / 2, y - FACE[1] / 2, *FACE]


def swing(count: int, middle: float, reach: float, period: float = 6.0, y: float = 45.0):
    """A way: x swings around `middle`."""
    t = np.arange(count) * float(STEP)
    return np.stack([middle + reach * np.sin(2 * np.pi * t / period), np.full(count, y)], axis=1)


def syllables(count: int, seed: int) -> np.ndarray:
    """How loud a voice is at every step, 0 to 1."""
    rng = np.random.default_rng(seed)
    x = np.convolve(rng.random(count + 4), np.ones(3) / 3, "same")[2:-2]
    return np.clip(3 * (x - 0.45) + 0.4, 0, 1)


def heard(xs: np.ndarray, loudness: np.ndarray, width: int = WIDTH, slope: float = SLOPE):
    """What a pair of microphones hears of a sound that is at these columns at every step.

    The first window, two steps long, has its middle at step 1.
    """
    rng = np.random.default_rng(7)
    for x, loud in zip(xs[1:], loudness[1:], strict=True):
        delay = (x / width - 0.5) / slope + 0.01 * rng.standard_normal()
        level = 30 * (loud - 1)
        yield Heard(level, {"delay": [(delay, 0.7)], "balance": [(8 * delay, 1.0)]})
