"""Mono and a picture to two ears: each band of the sound is moved to where it is seen to be made.

Without training: `lateral` says where, `panning` moves it.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import tee

import numpy as np

from avtools.signal.lateral import Places, lateral_places
from avtools.signal.loudness import EDGES, envelopes
from avtools.signal.motion import TICKS, movement
from avtools.signal.panning import block_size, evened, panned

FOV, WIDTH = 75.0, 1.0
# Of the bands that places are told for, Hz.
MIDDLES = np.sqrt(np.array(EDGES[:-1]) * np.array(EDGES[1:]))


def upmix(
    mono: np.ndarray,
    rate: int,
    pictures: Iterable[tuple[float, np.ndarray]],
    is_360: bool = False,
    fov: float = FOV,
    width: float = WIDTH,
) -> np.ndarray:
    """`upmix_blocks` of a whole sound, (1, samples) or (samples,) -> (2, samples)."""
    mono = np.atleast_2d(np.asarray(mono, np.float32))
    made = list(upmix_blocks([mono], rate, pictures, is_360, fov, width))
    return np.concatenate([np.zeros((2, 0), np.float32), *made], axis=1)


def upmix_blocks(
    blocks: Iterable[np.ndarray],
    rate: int,
    pictures: Iterable[tuple[float, np.ndarray]],
    is_360: bool = False,
    fov: float = FOV,
    width: float = WIDTH,
    watch: Callable[[np.ndarray, Places], None] = lambda times, places: None,
) -> Iterator[np.ndarray]:
    """Blocks (1, samples) -> (2, samples) float32: left and right, whose mean is what came in.

    `pictures`: times in seconds since the first sample, and RGB pictures of `small_size`, in order.
    `fov`: degrees across an ordinary picture. `width`: 1 is as wide as a head hears it, 0 mono.
    `watch` is called with the times of each second's ticks and the places there, as soon as they
    are known. The result comes some seconds after the sound. Every split into blocks gives the
    same samples.
    """
    if not 0 < fov < 180 or not width >= 0:
        raise ValueError(f"fov {fov} degrees, width {width}: expected 0 to 180, and 0 or more")
    analysed, sound = tee(_checked(evened(blocks, block_size(rate))))
    found = lateral_places(movement(pictures, is_360), envelopes(analysed, rate), fov, is_360)
    yield from panned(sound, rate, _Trail(_watched(found, watch), width).at, MIDDLES)


def _checked(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    for x in blocks:
        if len(x) != 1:
            raise ValueError(f"{len(x)} channels, expected 1")
        yield x


def _watched(found: Iterable[Places], watch: Callable) -> Iterator[np.ndarray]:
    for second, places in enumerate(found):
        watch(second + (np.arange(len(places.lateral)) + 0.5) / TICKS, places)
        yield places.lateral


class _Trail:
    """Places over time, as far as anybody has asked; those long past are let go."""

    def __init__(self, found: Iterator[np.ndarray], width: float):
        self.found, self.width = found, width
        self.known = np.zeros((0, len(MIDDLES)))
        self.first = 0  # the tick of the first that is known

    def at(self, times: np.ndarray) -> np.ndarray:
        """(n, bands) at times (n,) in seconds, which never go back. The first and last last."""
        ticks = times * TICKS - 0.5  # a tick's place is that of its middle
        while self.first + len(self.known) <= ticks[-1] + 1:
            more = next(self.found, None)
            if more is None:
                break
            self.known = np.concatenate([self.known, np.clip(self.width * more, -1, 1)])
        if not len(self.known):
            return np.zeros((len(ticks), len(MIDDLES)))
        past = int(np.clip(np.floor(ticks[0]) - self.first, 0, len(self.known) - 1))
        self.known, self.first = self.known[past:], self.first + past
        there = self.first + np.arange(len(self.known))
        return np.stack([np.interp(ticks, there, band) for band in self.known.T], axis=1)
