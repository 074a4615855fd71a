"""A sound on its way through a tool: blocks of samples and the few facts that travel with them.

A block is a float32 array `(channels, samples)`: a view of interleaved memory, valid until the
next block is asked for (the reader fills the same buffer again). A stage that must remember
samples copies them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from avtools.dsp.stft import LOUDEST
from avtools.errors import warn

Blocks = Iterator[np.ndarray]

# NaN and overflow in a sound are told by `watched`, in our words, not as numpy's warnings.
np.seterr(all="ignore")

# Bytes that one block may take: large enough that Python's cost per block disappears, small
# enough to stay in a second-level cache and in a 1 MiB pipe.
BLOCK_BYTES = 1 << 18


def block_frames(channels: int, bytes_a_sample: int = 4) -> int:
    return max(1, BLOCK_BYTES // (channels * bytes_a_sample))


@dataclass
class Sound:
    blocks: Blocks
    rate: int
    channels: int
    frames: int | None = None  # exact, or None where nobody knows before the end
    name: str = "-"
    label: str = ""  # what the container calls the channels: "stereo", "5.1", "ambisonic 1", …
    codec: str = "pcm_f32le"  # how the source holds it, in FFmpeg's words
    bits: int = 32  # of one sample in the source
    skipped: int = 0  # frames that were passed over by seeking
    marks: dict = field(default_factory=dict)  # our private chunk: convention, order, source
    close: Callable[[], None] = lambda: None

    def through(
        self, function: Callable[..., Iterable[np.ndarray]], *arguments, **facts
    ) -> "Sound":
        """The sound after `function(blocks, *arguments)`; `facts` are those that it changes."""
        return replace(self, blocks=iter(function(self.blocks, *arguments)), **facts)

    def __enter__(self) -> "Sound":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def window(blocks: Blocks, skip: int, count: int | None) -> Blocks:
    """The `count` frames after the first `skip`; reads no further than it must."""
    left = count
    if count == 0:
        return
    for x in blocks:
        if skip >= x.shape[-1]:
            skip -= x.shape[-1]
            continue
        x, skip = x[..., skip:], 0
        if left is not None:
            x = x[..., :left]
            left -= x.shape[-1]
        if x.shape[-1]:
            yield x
        if left == 0:
            return


def choose(blocks: Blocks, channels: list[int]) -> Blocks:
    """Only these channels, in this order."""
    for x in blocks:
        yield x[channels]


def watched(blocks: Blocks, name: str, rate: int, seen: int = 0) -> Blocks:
    """The same blocks; says once where a value is not a number or infinite.

    `seen` frames of the sound lie before the first block.
    """
    told = False
    for x in blocks:
        if not told:
            flat = x.T.reshape(-1)  # no copy: blocks are views of interleaved memory
            # One dot product is far cheaper than asking each sample; it errs only by overflow.
            if not np.isfinite(np.dot(flat, flat)):
                for odd, what in (
                    (~np.isfinite(x).all(axis=0), "NaN or infinite samples"),
                    ((np.abs(x) > LOUDEST).any(axis=0), "samples beyond 1e9"),
                ):
                    if not told and (told := bool(odd.any())):
                        when = (seen + int(odd.argmax())) / rate
                        warn(f"{name}: {what}, first at {when:.3f} s")
        seen += x.shape[-1]
        yield x


def clipped(blocks: Blocks, name: str, bits: int) -> Blocks:
    """Samples as integers of so many bits can hold them; says how many were too loud.

    Rounded here, since FFmpeg cuts; beyond 24 bits a float has no more to give. +1 itself is one
    step above the top: that is no clipping anybody could hear, and is not counted.
    """
    count, scale = 0, np.float32(2.0 ** (bits - 1))
    top = np.float32(1) - 1 / scale if bits <= 24 else np.float32(1)
    for x in blocks:
        x = np.nan_to_num(x, posinf=2.0, neginf=-2.0)
        count += int(np.count_nonzero(np.abs(x) > 1))
        yield np.clip(np.rint(x * scale) / scale if bits <= 24 else x, -1, top)
    if count:
        warn(f"{name}: {count} samples clipped; lower them with --gain")


def amplified(blocks: Blocks, factor: float) -> Blocks:
    for x in blocks:
        yield x * np.float32(factor)
