"""Clips whose pictures and sound are known, for shards."""

import numpy as np

from avtools.datasets.packed import Packed, pack

RATE, FPS, SECONDS = 8000, 6, 3
STEP = 1 / 32768  # of 16 bits


def pictures(number: int = 0, seconds: int = SECONDS) -> np.ndarray:
    """Grey frames: that of tick k has the level 10 k + `number`."""
    levels = 10 * np.arange(seconds * FPS) + number
    return np.broadcast_to(levels[:, None, None, None], (len(levels), 24, 32, 3)).astype(np.uint8)


def sound(number: int = 0, channels: int = 2, seconds: int = SECONDS) -> np.ndarray:
    draw = np.random.default_rng(number)
    return draw.uniform(-0.9, 0.9, (channels, seconds * RATE)).astype(np.float32)


def clip(number: int = 0, key: str | None = None, **more) -> Packed:
    meta = {"source": f"talk {number // 2}", "label": number} | more
    return pack(key or f"a/clip-{number}", pictures(number), FPS, sound(number), RATE, meta)


def levels(frames: np.ndarray) -> list[int]:
    assert np.ptp(frames, axis=(1, 2, 3)).max() <= 2
    return [round(float(x)) for x in frames.mean(axis=(1, 2, 3))]
