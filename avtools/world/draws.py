"""Chance: every draw of a scene is a function of its seed and of the draw's name, of nothing else.

So a scene is the same in whatever batch it stands and on whatever machine, and a new draw leaves
the others as they were. Numbers come from SplitMix64 (Steele, Lea & Flood, 2014), which mixes a
counter: 64-bit whole numbers, the same everywhere.
"""

import zlib

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mixed(x: np.ndarray) -> np.ndarray:
    """Whole numbers (...) of 64 bits as others that look drawn by chance."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


class Draws:
    """Draws of many scenes at once: row i depends on seeds[i] alone."""

    def __init__(self, seeds: np.ndarray, realm: str = "scene"):
        """`seeds` (b,), whole numbers from 0 on; equal seeds of other realms draw otherwise."""
        seeds = np.asarray(seeds, np.uint64)
        self._keys = mixed(seeds * GOLDEN + np.uint64(zlib.crc32(realm.encode()) + 1))
        self.count = len(seeds)

    def whole(self, name: str, *shape: int) -> np.ndarray:
        """(b, *shape) whole numbers of 64 bits."""
        key = mixed(self._keys ^ np.uint64(zlib.crc32(name.encode())))
        places = np.arange(1, 1 + int(np.prod(shape)), dtype=np.uint64)
        return mixed(key[:, None] + places * GOLDEN).reshape(self.count, *shape)

    def uniform(self, name: str, low=0.0, high=1.0, *shape: int) -> np.ndarray:
        """(b, *shape) from [low, high), which may be arrays that broadcast to that."""
        part = (self.whole(name, *shape) >> np.uint64(11)) * 2.0**-53
        return low + (high - low) * part

    def chance(self, name: str, probability, *shape: int) -> np.ndarray:
        """(b, *shape), true with this probability."""
        return self.uniform(name, 0.0, 1.0, *shape) < probability

    def index(self, name: str, weights, *shape: int) -> np.ndarray:
        """(b, *shape) places in `weights` (..., n), drawn in proportion to them."""
        edges = np.cumsum(np.asarray(weights, float), axis=-1)
        part = self.uniform(name, 0.0, 1.0, *shape)[..., None] * edges[..., -1:]
        return np.minimum((part >= edges).sum(axis=-1), edges.shape[-1] - 1)

    def key(self, name: str, *shape: int) -> np.ndarray:
        """(b, *shape) whole numbers below 2^31, int64: seeds of noise and textures."""
        return (self.whole(name, *shape) >> np.uint64(33)).astype(np.int64)
