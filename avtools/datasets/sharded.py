"""Clips in shards, as any other dataset's: for looking through them; training reads `Shards`.

A clip's split is what its shard's name begins with (train-000000.tar).
"""

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from avtools.datasets.clip import SPLITS, Clip, span
from avtools.datasets.dataset import Dataset, collected, names_in
from avtools.errors import AvtoolsError

if TYPE_CHECKING:
    import numpy as np

    from avtools.datasets.shards import Shards

SIGNS = "*.tar with *.idx"


@dataclass(frozen=True, slots=True)
class ShardedClip(Clip):
    """`sound` and `video` name the tar that holds both, or are None where it lacks one."""

    shards: "Shards | None" = field(default=None, compare=False, repr=False)
    number: int = 0

    def hear(
        self, rate: int | None = None, start: float = 0.0, duration: float | None = None
    ) -> "tuple[np.ndarray, int]":
        first, length = span(self, start, duration)
        sample = self.shards.read(self.number, first, length, rate=rate)
        return sample.sound, sample.rate

    def see(
        self,
        fps: float | None = 6.0,
        size: tuple[int, int] | None = None,
        start: float = 0.0,
        duration: float | None = None,
    ) -> "np.ndarray":
        first, length = span(self, start, duration)
        return self.shards.read(self.number, first, length, fps=fps, size=size).frames


def fits(root: str) -> bool:
    if os.path.isfile(root):
        return root.endswith(".tar")
    names = set(names_in(root))
    return any(n.endswith(".tar") and n.removesuffix(".tar") + ".idx" in names for n in names)


def read(root: str) -> Dataset:
    from avtools.datasets.shards import Shards

    try:
        shards = Shards(root)
        clips = [_clip(shards, number) for number in range(len(shards))]
    except ValueError as error:
        raise AvtoolsError(str(error)) from error
    return collected("shards", root, clips)


def _clip(shards: "Shards", number: int) -> ShardedClip:
    tar, known = shards.tar(number), shards.meta(number)
    begins = os.path.basename(tar).partition("-")[0]
    return ShardedClip(
        key=shards.key(number),
        source=shards.source(number),
        sound=tar,
        video=tar,
        duration=float(shards.seconds[number]),
        convention=known.get("convention"),
        split=begins if begins in SPLITS else None,
        label=known.get("label"),
        channel=known.get("channel"),
        has_height=known.get("has_height", True),
        shards=shards,
        number=number,
    )
