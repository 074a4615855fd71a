"""The common clock of sight and sound: ticks of 1/25 s from the first sample on, in blocks of one
second, and windows of several seconds made of them."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from avtools.dsp.stft import Frames, frames_of
from avtools.signal.motion import TICKS

# Windows of a long recording, in seconds, and the least that the last may last alone.
WINDOW, LEAST = 10, 5


def each_tick(
    blocks: Iterable[np.ndarray],
    rate: int,
    size: int,
    hop: int,
    facts: Callable[[Frames], tuple[np.ndarray, ...]],
) -> Iterator[tuple[np.ndarray, ...]]:
    """What `facts` says of short windows of the sound, summed over each tick, second by second.

    `facts` gives arrays (windows, ...) for a batch of windows of `size` samples every `hop`. A
    window belongs to the tick that its middle lies in. Only whole ticks of the sound count.
    """
    held: list[np.ndarray] | None = None
    first, samples = 0, 0

    def counted():
        nonlocal samples
        for x in blocks:
            samples += x.shape[-1]
            yield x

    for frames in frames_of(counted(), size, hop):
        arrays = facts(frames)
        ticks = ((frames.starts + frames.lengths / 2) * TICKS / rate).astype(int) - first
        if held is None:
            held = [np.zeros((0, *a.shape[1:]), np.float32) for a in arrays]
        lacking = max(0, ticks[-1] + 1 - len(held[0]))
        held = [np.concatenate([h, np.zeros((lacking, *h.shape[1:]), np.float32)]) for h in held]
        starts = np.flatnonzero(np.diff(ticks, prepend=-1))
        for h, a in zip(held, arrays, strict=True):
            h[ticks[starts]] += np.add.reduceat(a, starts, axis=0)
        while ticks[-1] >= TICKS:  # windows to come lie in later seconds
            yield tuple(h[:TICKS] for h in held)
            held, first, ticks = [h[TICKS:] for h in held], first + TICKS, ticks - TICKS
    whole = samples * TICKS // rate - first
    if held is not None and whole > 0:
        rest = [np.zeros((whole, *h.shape[1:]), np.float32) for h in held]
        for r, h in zip(rest, held, strict=True):
            r[: len(h)] = h[:whole]
        for start in range(0, whole, TICKS):
            yield tuple(r[start : start + TICKS] for r in rest)


def in_step(*streams: Iterable) -> Iterator[tuple[np.ndarray, ...]]:
    """Arrays of the same ticks out of streams of blocks (or tuples of them) of one second each.

    Ends with the shortest.
    """
    for parts in zip(*streams, strict=False):
        arrays = [a for p in parts for a in (p if isinstance(p, tuple) else (p,))]
        count = min(map(len, arrays))
        yield tuple(a[:count] for a in arrays)
        if count < TICKS:
            return


def windows(
    seconds: Iterable[tuple[np.ndarray, ...]], length: int = WINDOW, least: int = LEAST
) -> Iterator[tuple[float, tuple[np.ndarray, ...]]]:
    """(start in seconds, arrays of its ticks) of windows `length` seconds long, one by one.

    What is left at the end makes a window of its own from `least` seconds on, else it belongs to
    the one before.
    """
    held: list[tuple[np.ndarray, ...]] = []
    start = 0.0
    for second in seconds:
        held.append(second)
        # Only the very last second may be shorter than one.
        if len(held) == length + least and len(second[0]) == TICKS:
            yield start, _joined(held[:length])
            held, start = held[length:], start + length
    if held:
        yield start, _joined(held)


def _joined(parts: list[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))
