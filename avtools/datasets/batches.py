"""Batches out of shards, addressed by the step: what torch calls a map-style dataset.

    batches = Batches(Shards("shards", "train"), seed=1, batch=32, seconds=3, size=(256, 256))
    DataLoader(batches, batch_size=None, sampler=range(start, stop), num_workers=8,
               multiprocessing_context="spawn")

gives the same batches, byte for byte, for any number of workers and after any resume.
"""

import operator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from avtools.datasets import jpeg, sampler
from avtools.datasets.shard_clip import SLACK, Damaged, ticks
from avtools.datasets.shards import Shards
from avtools.errors import warn

ATTEMPTS = 16  # damaged clips in a row: then it is not the odd clip that is wrong


@dataclass(eq=False)
class Batches:
    """`batches[step]` is a dict:

    - `frames` uint8 (batch, frames, height, width, 3), RGB;
    - `sound` float32 (batch, channels, samples);
    - `keys`, `meta`: lists of each clip's key and its JSON as a dict;
    - `numbers`, `starts`: each clip's number in `shards`, and where its window starts, seconds;
    - `draws` int64: a number for each example that is drawn of (seed, epoch, clip): seed with it
      whatever else is drawn for the example.

    A window starts with a frame, so that picture and sound are of one moment; which frame is
    drawn of (seed, epoch, clip), too. Clips shorter than `seconds` are left out; `clips` has the
    numbers of the others. The order is told in `sampler`.

    `epochs` ends the stream: the last batch is shorter then, on some ranks empty, and each clip
    has come exactly `epochs` times. With `damaged="skip"` a clip that can't be read is warned
    about and another takes its place: the one behind it in the order of numbers.
    """

    shards: Shards
    seed: int = 0
    batch: int = 32
    seconds: float = 3.0
    fps: float | None = None
    rate: int | None = None
    size: jpeg.Size = None
    rank: int = 0
    world: int = 1
    shuffle: bool = True
    epochs: int | None = None
    damaged: Literal["raise", "skip"] = "raise"
    _shape: tuple = field(init=False, repr=False)
    _warned: set = field(init=False, repr=False, default_factory=set)

    def __post_init__(self):
        sampler.positions(0, self.batch, self.rank, self.world)
        if self.damaged not in ("raise", "skip"):
            raise ValueError(f'damaged "{self.damaged}": expected "raise" or "skip"')
        if not self.seconds > 0 or (self.epochs is not None and self.epochs < 1):
            raise ValueError("expected windows of more than 0 seconds, and at least 1 epoch")
        self.clips = np.flatnonzero(self.shards.seconds >= self.seconds - SLACK)
        if not len(self.clips):
            longest = self.shards.seconds.max()
            raise ValueError(f"no clip of {self.seconds:g} s: the longest is {longest:g} s")
        rows = self.shards.records[self.clips]
        self.fps = self.fps or float(_only(rows["fps"], "frames a second: choose by fps="))
        self.rate = self.rate or int(_only(rows["rate"], "Hz: choose by rate="))
        channels = int(_only(rows["channels"], "channels: make shards of one kind"))
        shapes = np.unique(np.stack([rows["height"], rows["width"]], axis=1), axis=0)
        fitted = {jpeg.fitted(int(h), int(w), self.size) for h, w in shapes}
        if len(fitted) > 1:
            raise ValueError(f"pictures of {len(fitted)} sizes: choose by size=(width, height)")
        frames = len(ticks(0, self.seconds, self.fps))
        self._shape = ((frames, *fitted.pop(), 3), (channels, round(self.seconds * self.rate)))

    def __len__(self) -> int:
        """Steps until all clips have come `epochs` times (without `epochs`: once)."""
        return -(-len(self.clips) * (self.epochs or 1) // (self.batch * self.world))

    def __getitem__(self, step: int) -> dict:
        step = operator.index(step)
        if step < 0 or (self.epochs is not None and step >= len(self)):
            raise IndexError(f"step {step}")
        where = sampler.positions(step, self.batch, self.rank, self.world)
        if self.epochs is not None:
            where = where[where < len(self.clips) * self.epochs]
        epochs, at = sampler.clips_at(self.seed, where, len(self.clips), self.shuffle)
        frames_shape, sound_shape = self._shape
        frames = np.empty((len(at), *frames_shape), np.uint8)
        sound = np.empty((len(at), *sound_shape), np.float32)
        read = []
        for k, (epoch, number) in enumerate(zip(epochs, self.clips[at], strict=True)):
            number, start, sample = self._readable(int(epoch), int(number), frames[k])
            sound[k] = sample.sound
            read.append((number, start, sample))
        numbers = np.array([number for number, _, _ in read], np.int64)
        draws = sampler.mix(self.seed, sampler.EXAMPLE, epochs, numbers) >> np.uint64(1)
        return {
            "frames": frames,
            "sound": sound,
            "keys": [sample.key for _, _, sample in read],
            "meta": [sample.meta for _, _, sample in read],
            "numbers": numbers,
            "starts": np.array([start for _, start, _ in read], np.float64),
            "draws": draws.astype(np.int64),
        }

    def _readable(self, epoch: int, number: int, out: np.ndarray) -> tuple:
        """(number, start, sample) of this clip, or of the next that is not damaged."""
        for _ in range(ATTEMPTS):
            start = self.start(epoch, number)
            try:
                return (
                    number,
                    start,
                    self.shards.read(
                        number, start, self.seconds, self.fps, self.rate, self.size, out
                    ),
                )
            except Damaged as error:
                if self.damaged == "raise":
                    raise
                if number not in self._warned:
                    self._warned.add(number)
                    warn(f"{error}: another clip takes its place")
            behind = np.searchsorted(self.clips, number) + 1
            number = int(self.clips[behind % len(self.clips)])
        raise Damaged(f"{ATTEMPTS} damaged clips in a row, the last {self.shards.key(number)}")

    def start(self, epoch: int, number: int) -> float:
        """Where the window of a clip starts in an epoch: at one of its frames, drawn."""
        row = self.shards.records[number]
        fps, first = float(row["fps"]), float(row["first"])
        free = int(row["samples"]) / int(row["rate"]) - self.seconds
        earliest = max(0, int(np.ceil(-first * fps - SLACK)))
        latest = min(int(np.floor((free - first) * fps + SLACK)), int(row["frames"]) - 1)
        if latest < earliest:
            return max(0.0, min(free, first))
        drawn = float(sampler.uniform(self.seed, sampler.START, epoch, number))
        frame = earliest + int(drawn * (latest - earliest + 1))
        return max(0.0, min(free, first + frame / fps))


def _only(values: np.ndarray, what: str):
    """The value that all clips share."""
    found = np.unique(values)
    if len(found) > 1:
        raise ValueError(f"clips of {', '.join(map(str, found[:5]))} {what}")
    return found[0]
