"""Which output belongs to which input: names, formats kept or changed, nothing written twice.

Decided for the whole call before anything is read.
"""

import contextlib
import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import replace

from avtools.errors import AvtoolsError
from avtools.stream.batch import Item
from avtools.stream.files import SOUND_SUFFIXES, VIDEO_SUFFIXES


def assign(
    items: Sequence[Item],
    output: str | None,
    directory: str | None,
    suffix: str | None = None,
    in_place: bool = False,
    video: str | None = None,
) -> list[Item]:
    """The items with their targets. What concerns the whole call is refused here; what concerns
    one item is that item's refusal, told when its turn comes."""
    if sum([output is not None, directory is not None, in_place]) > 1:
        raise AvtoolsError("give only one of --output, --directory and --in-place")
    if suffix and directory is None:
        raise AvtoolsError("--suffix goes with --directory")
    if video is not None and in_place:
        raise AvtoolsError("--video and --in-place don't go together: name the --output")
    if in_place or directory is not None:
        if any(item.is_stdin for item in items):
            raise AvtoolsError("standard input has no name to write to: use --output")
    elif len(items) != 1:
        what = "1 input gives 1 output" if output else "several sounds can't go to one pipe"
        raise AvtoolsError(f"{len(items)} inputs: {what}; give --directory DIR")
    if in_place:
        return [replace(item, target=item.path) for item in items]
    if directory is None:
        chosen = [replace(items[0], target=None if output in (None, "-") else output)]
    else:
        chosen = [_below(directory, item, suffix, video) for item in items]
        _refuse_doubles(chosen)
    sources = [i.path for i in items] + videos_of(video, items)
    refuse_same(sources, [item.target for item in chosen], "; --in-place replaces it")
    return chosen


def _below(directory: str, item: Item, suffix: str | None, video: str | None) -> Item:
    try:
        name = _renamed(item, suffix, video)
    except AvtoolsError as error:
        return replace(item, refusal=str(error))
    return replace(item, target=os.path.join(directory, name))


def _renamed(item: Item, suffix: str | None, video: str | None) -> str:
    stem, ending = os.path.splitext(item.relative)
    if video is not None:
        ending = os.path.splitext(video_for(video, item))[1]
    extra, dot, format = (suffix or "").rpartition(".")
    return f"{stem}{extra}.{format}" if dot else f"{stem}{suffix or ''}{ending}"


def named_after(video: str, item: Item, directory: str, suffix: str | None = None) -> str:
    """A result that has the name of a picture (or of the folder it is in), and the format and the
    subfolder of the input."""
    stem = os.path.basename(os.path.abspath(video))
    if not os.path.isdir(video):
        stem = os.path.splitext(stem)[0]
    folder, name = os.path.split(item.relative)
    relative = os.path.join(folder, stem + os.path.splitext(name)[1])
    return os.path.join(directory, _renamed(replace(item, relative=relative), suffix, None))


def videos_of(video: str | None, items: Sequence[Item]) -> list[str]:
    """The pictures that --video names for these inputs; what is missing is told in its turn."""
    if video is None:
        return []
    if not os.path.isdir(video):
        return [video]
    found = []
    for item in items:
        with contextlib.suppress(AvtoolsError):
            found.append(video_for(video, item))
    return found


def video_for(video: str, item: Item) -> str:
    """The video of a sound: the one named, or the one in the folder with the sound's name."""
    if not os.path.isdir(video):
        return video
    stem = os.path.splitext(item.relative)[0]
    for name in (stem, os.path.basename(stem)):
        for ending in sorted(VIDEO_SUFFIXES):
            if os.path.isfile(path := os.path.join(video, name + ending)):
                return path
    raise AvtoolsError(f"{item.path}: no video of the name {os.path.basename(stem)} in {video}")


def _refuse_doubles(items: Sequence[Item]) -> None:
    first: dict[str, str] = {}
    for item in items:
        if item.target is None:
            continue
        other = first.setdefault(item.target, item.path)
        if other != item.path:
            raise AvtoolsError(f"{other} and {item.path} would both be written to {item.target}")


def refuse_same(sources: Sequence[str], targets: Sequence[str | None], advice: str = "") -> None:
    """Inputs are never written to: not even as another's output, or through standard output."""
    known = {_identity(0 if source == "-" else source) for source in sources} - {None}
    for target in targets:
        if _identity(1 if target is None else target) in known:
            what = "standard output" if target is None else target
            raise AvtoolsError(f"{what}: is an input itself, write to another file{advice}")


def _identity(file: str | int) -> tuple[int, int] | None:
    """What makes a regular file itself, under whatever name."""
    try:
        facts = os.stat(file)
    except (OSError, ValueError):
        return None
    return (facts.st_dev, facts.st_ino) if stat.S_ISREG(facts.st_mode) else None


def announce(items: Sequence[Item]) -> None:
    """What would be done, a line each."""
    for item in items:
        what = item.refusal or f"{item.path} -> {item.target or 'standard output'}"
        sys.stdout.write(what + "\n")


def is_folder(path: str) -> bool:
    return path.endswith("/") or os.path.isdir(path)


def check_beside(option: str, path: str, items: Sequence[Item]) -> None:
    """A file that is written beside the rows: one a call, or a folder with one an input."""
    if not is_folder(path):
        if len(items) > 1:
            raise AvtoolsError(f"{option} {path}: {len(items)} inputs need a folder, as in {path}/")
    elif any(item.is_stdin for item in items):
        raise AvtoolsError(f"{option} {path}: standard input has no name: name a file")


def beside(path: str, item: Item, ending: str) -> str:
    """The file itself, or the one in the folder with the name of the input and this ending."""
    if not is_folder(path):
        return path
    return os.path.join(path, os.path.splitext(item.relative)[0] + ending)


def refuse_doubles(outputs: Sequence[str]) -> None:
    seen = set()
    for path in map(os.path.realpath, outputs):
        if path in seen:
            raise AvtoolsError(f"{path}: named for two outputs")
        seen.add(path)


def refuse_media(path: str | None) -> None:
    """A table in a file that says it is sound or film would only be found out much later."""
    ending = os.path.splitext(path or "")[1].lower()
    if ending in SOUND_SUFFIXES | VIDEO_SUFFIXES:
        raise AvtoolsError(f"{path}: rows go into a table: .csv, .json or .jsonl, not {ending}")
