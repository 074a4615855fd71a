"""What a reader gives: clips, where they are from, and how many of those listed were not there."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from avtools.datasets.clip import SPLITS, Clip
from avtools.errors import AvtoolsError, warn


@dataclass(frozen=True)
class Dataset:
    name: str
    root: str
    clips: Sequence[Clip]
    missing: int = 0  # clips that the dataset's lists name and that are not on the disk

    def __len__(self) -> int:
        return len(self.clips)

    def __iter__(self) -> Iterator[Clip]:
        return iter(self.clips)

    def split(self, name: str) -> list[Clip]:
        if name not in SPLITS:
            raise ValueError(f"split {name!r}: expected one of {', '.join(SPLITS)}")
        return [clip for clip in self.clips if clip.split == name]

    @property
    def labels(self) -> list[str]:
        """The classes of whole clips, sorted."""
        return sorted({clip.label for clip in self.clips if clip.label is not None})


def collected(name: str, root: str, clips: Iterable[Clip], missing: int = 0) -> Dataset:
    """Sorted by key; no key twice; says how much is missing."""
    clips = sorted(clips, key=lambda clip: clip.key)
    for before, after in pairwise(clips):
        if before.key == after.key:
            raise AvtoolsError(f"{root}: two clips are called {after.key}")
    if missing:
        warn(f"{root}: {missing} of {missing + len(clips)} clips are not there: left out")
    if not clips:
        raise AvtoolsError(f"{root}: a {name} dataset without a single clip that is there")
    return Dataset(name, root, clips, missing)


def files_in(folder: str, suffixes: Iterable[str]) -> dict[str, str]:
    """Name without ending -> path, of the files with these endings. One look at the folder.

    Where a name has several endings, the one that comes first in `suffixes` counts.
    """
    ranks = {suffix: rank for rank, suffix in enumerate(suffixes)}
    found: dict[str, tuple[int, str]] = {}
    for name in names_in(folder):
        stem, suffix = os.path.splitext(name)
        rank = ranks.get(suffix.lower())
        if rank is not None and rank < found.get(stem, (len(ranks),))[0]:
            found[stem] = rank, os.path.join(folder, name)
    return {stem: path for stem, (_, path) in found.items()}


def names_in(folder: str, hidden: bool = False) -> list[str]:
    """Sorted; hidden ones (macOS leaves `._x.wav` beside `x.wav`) are not there. Nor is anything
    where there is no such folder."""
    try:
        return sorted(n for n in os.listdir(folder) if hidden or not n.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


def first_folder(root: str, *names: str) -> str | None:
    """The first of these places below `root` that is a folder; "" is the root itself."""
    places = (os.path.join(root, *name.split("/")) if name else root for name in names)
    return next((place for place in places if os.path.isdir(place)), None)


def path_of(files: dict[str, str], stem: str) -> str | None:
    """None where nothing of the kind is there at all: that sense is not part of this copy.

    Where others are there and this one is not, the clip is incomplete: KeyError.
    """
    return files[stem] if files else None
