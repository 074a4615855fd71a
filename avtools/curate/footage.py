"""What a user names, as clips to cut from; and the lists of what to keep."""

import os
from dataclasses import replace

from avtools.datasets.clip import Clip
from avtools.errors import AvtoolsError


def names_of(files: list[str] | None, files_from: str | None, null: bool) -> list[str]:
    """Every input by its name, of arguments and lists."""
    from avtools.stream.batch import read_list

    names = list(files or [])
    if files_from is not None:
        names += read_list(files_from, null)
    if not names:
        raise AvtoolsError("no FILE: name a folder, videos, a dataset or a manifest")
    if "-" in names:
        raise AvtoolsError("standard input can't be curated: name a folder or files")
    return names


def footage_of(names: list[str]) -> list[Clip]:
    """The clips of all inputs. With several, names from folders begin with the folder's."""
    from avtools.datasets import open_dataset

    footage: list[Clip] = []
    for name in names:
        try:
            dataset = open_dataset(name)
        except ValueError as error:
            raise AvtoolsError(f"{name}: {error}") from error
        if len(names) == 1 or os.path.isfile(dataset.root):
            footage += dataset.clips
        else:
            prefix = os.path.basename(os.path.normpath(dataset.root))
            footage += [_below(prefix, clip) for clip in dataset.clips]
    return footage


def _below(prefix: str, clip: Clip) -> Clip:
    key, source = f"{prefix}/{clip.key}", f"{prefix}/{clip.source}"
    return replace(clip, key=key, source=source, channel=clip.channel or prefix)


def in_part_name(path: str, part: tuple[int, int] | None) -> str:
    """all.csv of part 3 of 8 is all-3-of-8.csv."""
    if part is None:
        return path
    stem, ending = os.path.splitext(path)
    return f"{stem}-{part[0]}-of-{part[1]}{ending}"


def read_keep(path: str | None) -> frozenset[str] | None:
    """A channel, source or clip a line; # begins a comment."""
    if path is None:
        return None
    from avtools.datasets.listing import lines

    listed = frozenset(lines(path, any_names=True))
    if not listed:
        raise AvtoolsError(f"{path}: nothing in it, expected a channel, source or clip a line")
    return listed
