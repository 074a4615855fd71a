"""Another sampling rate for a stream, by libsoxr: bit-true to one call on the whole, in steps."""

import numpy as np
import soxr

from avtools.stream.sound import Blocks, Sound


def resampled(sound: Sound, rate: int) -> Sound:
    if rate == sound.rate:
        return sound
    frames = None if sound.frames is None else expected(sound.frames, sound.rate, rate)
    return sound.through(resample_blocks, sound.rate, rate, rate=rate, frames=frames)


def expected(frames: int, old: int, new: int) -> int:
    """How many frames n become: round(n new / old), in whole numbers."""
    return (2 * frames * new + old) // (2 * old)


def resample_blocks(blocks: Blocks, old: int, new: int) -> Blocks:
    """Exactly `expected` frames in all, for any split into blocks."""
    stream, taken, given = None, 0, 0
    for x in blocks:
        if stream is None:
            stream = soxr.ResampleStream(old, new, x.shape[0], dtype="float32", quality="VHQ")
            channels = x.shape[0]
        taken += x.shape[-1]
        y = stream.resample_chunk(np.ascontiguousarray(x.T))
        if len(y):
            given += len(y)
            yield y.T
    if stream is None:
        return
    tail = stream.resample_chunk(np.zeros((0, channels), np.float32), last=True)
    missing = expected(taken, old, new) - given
    if missing > 0:
        y = np.zeros((missing, channels), np.float32)
        y[: len(tail)] = tail[:missing]
        yield y.T
