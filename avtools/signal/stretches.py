"""A sound of any length in stretches that overlap, each with what was seen meanwhile."""

from collections.abc import Iterable, Iterator

import numpy as np

from avtools.dsp.stft import finite
from avtools.signal.motion import TICKS

# Seconds of a stretch, and from one to the next. The last one may be longer.
SPAN, STEP = 12, 8


def stretches(
    blocks: Iterable[np.ndarray], rate: int, *seen: Iterable[np.ndarray]
) -> Iterator[tuple[np.ndarray, list[np.ndarray], bool]]:
    """(samples (channels, n), movements (ticks, rows, columns) of each picture, the last one?).

    What is not a number in the sound becomes zeros. Pictures that end early stand still from there
    on; those that never come have no cells.
    """
    held, count, pictures = [], 0, [_Seen(s) for s in seen]
    span, step = SPAN * rate, STEP * rate
    for x in blocks:
        held.append(finite(x).copy())
        count += x.shape[1]
        while count >= span + step:
            whole = np.concatenate(held, axis=1)
            yield whole[:, :span], [p.take(SPAN * TICKS, STEP * TICKS) for p in pictures], False
            held, count = [whole[:, step:]], count - step
    if count:
        held = np.concatenate(held, axis=1)
        ticks = held.shape[1] * TICKS // rate
        yield held, [p.take(ticks, ticks) for p in pictures], True


class _Seen:
    """Movement that is asked for in stretches."""

    def __init__(self, blocks: Iterable[np.ndarray]):
        self.blocks = iter(blocks)
        self.held = None

    def take(self, ticks: int, step: int) -> np.ndarray:
        """The next `ticks`; the one after begins `step` later."""
        while self.held is None or len(self.held) < ticks:
            more = next(self.blocks, None)
            if more is None:
                break
            self.held = more if self.held is None else np.concatenate([self.held, more])
        if self.held is None:
            return np.zeros((ticks, 0, 0), np.float32)
        taken = self.held[:ticks]
        self.held = self.held[step:]
        still = np.zeros((ticks - len(taken), *taken.shape[1:]), np.float32)
        return np.concatenate([taken, still])
