"""Short windows of a stream and their spectra.

Windows begin every `hop` samples from the first sample on. Whole windows only, but for one more
at the end where samples would be left out: its mean is taken off, and what it lacks is zeros.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from avtools.dsp.dialect import like, namespace

# Windows that are worked on at once: enough that Python's cost per batch disappears, few enough
# that a batch of spectra stays in the second-level cache.
BATCH_SAMPLES = 1 << 17
# Bytes; a batch and what is made of it are in blocks of 1 MB and less.
KEPT_BYTES = 16 << 20


@dataclass(frozen=True)
class Frames:
    """Some windows in a row."""

    samples: np.ndarray  # (channels, windows, size), to be read only until the next batch
    starts: np.ndarray  # (windows,) where each begins, in samples from the stream's first
    lengths: np.ndarray  # (windows,) how many samples it has: `size`, but for the very last

    def times(self, rate: int) -> np.ndarray:
        """The middle of each window in seconds."""
        return (self.starts + self.lengths / 2) / rate


# Samples beyond this are errors: the squares of their spectra would be too large for a float.
LOUDEST = 1e9


def hann(size: int) -> np.ndarray:
    """Periodic Hann window: shifted copies at size / 2, size / 4, ... add up to a constant."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)


def fast_size(least: int) -> int:
    """The least even size from `least` on with no prime factor but 2, 3 and 5."""
    best = 1 << max(1, (least - 1).bit_length())
    five = 1
    while five < best:
        three = five
        while three < best:
            quotient = -(-least // three)
            size = three << max(1, (quotient - 1).bit_length())
            best = min(best, size)
            three *= 3
        five *= 5
    return best


def spectra(frames, window, size: int | None = None):
    """Spectra `(..., size // 2 + 1)` of windows `(..., samples)`, padded with zeros to `size`."""
    xp = namespace(frames)
    return xp.fft.rfft(frames * like(frames, window), n=size)


def frames_of(
    blocks: Iterable[np.ndarray], size: int, hop: int, as_is: bool = False
) -> Iterator[Frames]:
    """The windows of a stream as soon as they are whole; what is no sound (NaN) becomes zeros.

    Every split of a sound into blocks gives the same windows. `as_is`: the last one keeps its mean,
    and any number is a sound: for those that are to be put together again.
    """
    if size < 1 or hop < 1:
        raise ValueError(f"windows of {size} samples every {hop}: expected 1 or more")
    keep_memory()
    held, start, at_once, channels = None, 0, 1, 0
    for x in blocks:
        if held is None:
            channels = len(x)
            held = np.empty((channels, 0), np.float32)
            at_once = max(1, BATCH_SAMPLES // (size * channels))
            seen = 0  # samples before those held; the next window begins at `start`
        held = np.concatenate([held, finite(x, np.inf if as_is else LOUDEST)], axis=1)
        if start > seen:  # windows with gaps between them
            gap = min(start - seen, held.shape[1])
            held, seen = held[:, gap:], seen + gap
        count = 0 if seen < start else max(0, (held.shape[1] - size) // hop + 1)
        for first in range(0, count, at_once):
            n = min(at_once, count - first)
            yield _batch(held[:, first * hop :], start + first * hop, n, size, hop)
        start += count * hop
        done = min(count * hop, held.shape[1])
        held, seen = held[:, done:], seen + done
    left = 0 if held is None or seen < start else held.shape[1]
    if left and (start == 0 or left > size - hop):
        padded = np.zeros((channels, 1, size), np.float32)
        # Without its mean: a constant that stops where the sound ends would be a click.
        padded[:, 0, :left] = (
            held if as_is else held - held.mean(axis=1, keepdims=True, dtype=float)
        )
        yield Frames(padded, np.array([start]), np.array([left]))


def _batch(held: np.ndarray, start: int, count: int, size: int, hop: int) -> Frames:
    channels, step = held.strides
    shape, strides = (len(held), count, size), (channels, hop * step, step)
    samples = np.lib.stride_tricks.as_strided(held, shape, strides, writeable=False)
    return Frames(samples, start + hop * np.arange(count), np.full(count, size))


def keep_memory() -> None:
    """Let glibc keep the memory of a batch for the next one.

    It gives blocks above some size back to the system as soon as they are free, and then each
    page of the next batch costs an interrupt: half of all time. The size is that of the largest
    block so far that was given back; this one is never touched, so it costs nothing itself.
    """
    np.empty(KEPT_BYTES, np.uint8)


def finite(x: np.ndarray, loudest: float = LOUDEST) -> np.ndarray:
    """The same samples with zeros where there is no number, or one that no sound has."""
    total = np.einsum("ij,ij->", x, x)  # one pass
    if total < LOUDEST**2:
        return x
    return np.where(np.abs(x) < loudest, x, np.float32(0))
