"""Clips of shards, read at random: a window of one clip costs two reads, and no walk through a tar.

What is read is held against the index and the checksums: a tar that was cut off, exchanged or
damaged is a `Damaged`, which names the shard and the clip.
"""

import os
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avtools.datasets import jpeg
from avtools.datasets.shard_clip import SLACK, Clip, Tar, naming, ticks
from avtools.datasets.shard_index import index_path, read_index
from avtools.errors import reason

OPEN_TARS = 64


@dataclass(frozen=True)
class Sample:
    """A window of a clip."""

    key: str
    frames: np.ndarray  # RGB uint8 (frames, height, width, 3)
    sound: np.ndarray  # float32 (channels, samples)
    fps: float
    rate: int
    meta: dict  # the clip's JSON, without what only the reader needs


class Shards:
    """All clips of some shards: a folder's in the order of their names, or those listed.

    Of a folder, `split` takes the shards whose names start with it and a dash ("train"). Files
    are opened when first read, in each process for itself; pickling takes the index along.
    """

    def __init__(
        self, where: str | os.PathLike | Iterable[str | os.PathLike], split: str | None = None
    ):
        if isinstance(where, str | os.PathLike):
            where = _tars_of(Path(where), split)
        self.tars = [os.fspath(tar) for tar in where]
        if not self.tars:
            raise ValueError("no shards: expected at least one")
        indices = [read_index(index_path(tar)) for tar in self.tars]
        self.records = np.concatenate([index.records for index in indices])
        self._tar_sizes = [index.tar_size for index in indices]
        self._bounds = np.cumsum([0] + [len(index.records) for index in indices])
        self._text = b"".join(index.text for index in indices)
        lengths = self.records["key"].astype(np.int64) + self.records["source"]
        self._words = np.cumsum(lengths) - lengths  # where the key of each clip starts
        self._open: OrderedDict[int, Tar] = OrderedDict()

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        return f"Shards({len(self)} clips in {len(self.tars)} tars)"

    def __getitem__(self, number: int) -> Sample:
        """A whole clip as it is stored; `read` takes a part of it."""
        return self.read(number)

    def __getstate__(self) -> dict:
        return self.__dict__ | {"_open": OrderedDict()}

    def key(self, number: int) -> str:
        number = self._number(number)
        return self._word(self._words[number], self.records["key"][number])

    def source(self, number: int) -> str:
        number = self._number(number)
        row = self.records[number]
        return self._word(self._words[number] + row["key"], row["source"])

    def tar(self, number: int) -> str:
        """The path of the shard that a clip lies in."""
        return self.tars[self._shard(self._number(number))]

    @property
    def keys(self) -> list[str]:
        return [self.key(number) for number in range(len(self))]

    @property
    def sources(self) -> list[str]:
        return [self.source(number) for number in range(len(self))]

    @property
    def seconds(self) -> np.ndarray:
        """How long each clip is."""
        return self.records["samples"] / self.records["rate"]

    def _number(self, number: int) -> int:
        """A clip's number, as lists take them: -1 is the last."""
        if not -len(self) <= number < len(self):
            raise IndexError(f"clip {number} of {len(self)}")
        return int(number) % len(self)

    def _word(self, start: int, length: int) -> str:
        start = int(start)
        return self._text[start : start + int(length)].decode("utf-8", "surrogatepass")

    def meta(self, number: int) -> dict:
        """A clip's JSON alone, without what only the reader needs."""
        number = self._number(number)
        with naming(self._where(number)):
            return self._clip(number).told()

    def read(
        self,
        number: int,
        start: float = 0.0,
        seconds: float | None = None,
        fps: float | None = None,
        rate: int | None = None,
        size: jpeg.Size = None,
        out: np.ndarray | None = None,
    ) -> Sample:
        """`seconds` of a clip from `start` on, seconds from its first sample; None: to its end.

        The frames are those shown at start + k / fps: the last that began by then, or the first.
        The sound begins with the sample nearest to `start`. None as fps, rate, size: as stored.
        `out` is where the frames are to go, if it matters.
        """
        number = self._number(number)
        row = self.records[number]
        fps, rate = fps or float(row["fps"]), rate or int(row["rate"])
        seconds = self._checked(number, start, seconds, fps, rate)
        times = ticks(start, seconds, fps)
        shape = (len(times), *jpeg.fitted(int(row["height"]), int(row["width"]), size), 3)
        out = np.empty(shape, np.uint8) if out is None else out
        if out.shape != shape or out.dtype != np.uint8:
            raise ValueError(f"frames uint8 {shape} do not fit {out.dtype} {out.shape}")
        with naming(self._where(number)):
            clip = self._clip(number)
            clip.see(times, out)
            sound = clip.hear(start, seconds, rate)
            return Sample(self.key(number), out, sound, fps, rate, clip.told())

    def _checked(
        self, number: int, start: float, seconds: float | None, fps: float, rate: int
    ) -> float:
        """How long the window is, which must lie in the clip."""
        row = self.records[number]
        length = int(row["samples"]) / int(row["rate"])
        seconds = length - start if seconds is None else seconds
        if not (start >= 0 and seconds > 0 and start + seconds <= length + SLACK):
            raise ValueError(
                f"{self.key(number)}: {seconds:g} s from {start:g} s on, in a clip of {length:g} s"
            )
        if not (fps > 0 and rate > 0):
            raise ValueError(f"{fps} frames a second, {rate} Hz: expected more than 0")
        return seconds

    def _where(self, number: int) -> str:
        return f"{self.tar(number)}: {self.key(number)}"

    def _shard(self, number: int) -> int:
        return int(np.searchsorted(self._bounds, number, "right")) - 1

    def _clip(self, number: int) -> Clip:
        """The sound, the JSON and the place of the pictures of a clip, by one read."""
        shard = self._shard(number)
        tar = self._open.pop(shard, None) or Tar(self.tars[shard], self._tar_sizes[shard])
        self._open[shard] = tar
        if len(self._open) > OPEN_TARS:
            self._open.popitem(last=False)
        return Clip(tar, self.records[number], self.key(number))


def _tars_of(path: Path, split: str | None) -> list[Path]:
    """The shards of a folder, or the one named; each must have its index."""
    if path.suffix == ".tar":
        if path.exists() and not index_path(path).exists():
            raise ValueError(f"{path}: has no index: write one with index_shard")
        return [path]
    try:
        names = sorted(name for name in os.listdir(path) if name[0] != ".")
    except OSError as error:
        raise ValueError(f"{path}: {reason(error)}, expected a folder of shards") from error
    names = [name for name in names if not split or name.startswith(f"{split}-")]
    tars = {name.removesuffix(".tar") for name in names if name.endswith(".tar")}
    indices = {name.removesuffix(".idx") for name in names if name.endswith(".idx")}
    for name in sorted(tars ^ indices):
        if name in tars:
            raise ValueError(f"{path / name}.tar: has no index: write one with index_shard")
        raise ValueError(f"{path / name}.idx: the index of a shard that is not there")
    if not tars:
        raise ValueError(f"{path}: no shards ({f'{split}-' if split else ''}*.tar) in this folder")
    return [path / f"{name}.tar" for name in sorted(tars)]
