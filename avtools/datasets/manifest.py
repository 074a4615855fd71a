"""A CSV of clips: a line of names, then a row a clip; paths from the CSV's own folder.

    file        sound, video or both; or `sound` and `video` apart
    clip        the clip's name; without it the file's, and the start where several share it
    source      what a split must not cut in two; without it the channel, else the file
    channel, label, split (train, val, test), convention (as --from, or stereo, or mic)
    start, duration or end      seconds
    truth       a table of what sounds when and where (events.py)
    picture_rate  pictures a second, where `video` is a folder of them
    has_height  no: ambisonics without a Z that means anything
    kept        rows that say no are left out

What `avtools synth` and `avtools curate` write is read by this; columns beyond these are passed
over. Rows whose files are not there are skipped and counted. A folder that synth made may stand for
its manifest.csv: files in it that are not listed there are left out, and told.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from avtools.datasets.clip import Clip, Truth
from avtools.datasets.dataset import Dataset, collected, names_in
from avtools.datasets.events import read_events
from avtools.datasets.listing import number, rows, table
from avtools.errors import AvtoolsError, warn

SIGNS = "a CSV with a column `file`"
# In a folder, and the columns by which it is known that synth made it.
OF_FOLDER, OF_SCENES = "manifest.csv", frozenset(("file", "truth", "seed"))
OF_CURATE = frozenset(("clip", "file", "kept", "reason", "stage"))
PATHS = ("file", "sound", "video")
NAMES = frozenset((*PATHS, "truth", "clip", "key", "source", "channel", "label"))
NO = frozenset(("no", "0", "false"))
SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
CONVENTIONS = ("ambix", "ambix+stereo", "fuma", "n3d", "wxy", "xywz", "youtube", "stereo", "mic")


def fits(path: str) -> bool:
    if os.path.isdir(path):
        return _is_of_scenes(os.path.join(path, OF_FOLDER))
    return os.path.isfile(path) and path.lower().endswith(".csv")


def _is_of_scenes(path: str) -> bool:
    return _header(path) >= OF_SCENES


def _header(path: str) -> set[str]:
    try:
        return set(next(rows(path, any_names=True))[1])
    except (AvtoolsError, StopIteration):
        return set()


def read(path: str) -> Dataset:
    root = path
    if os.path.isdir(root):
        path = os.path.join(root, OF_FOLDER)
    clips, missing, listed = _read(path)
    if path != root:
        _tell_others(root, path, listed)
    return collected("manifest", root, clips, missing)


def _read(path: str) -> tuple[list[Clip], int, set[str]]:
    """The clips, how many are missing, and every file that is named at all."""
    there = Folders(os.path.dirname(path))
    clips, missing, listed = [], 0, set()
    for where, row in _table(path):
        listed |= {os.path.normpath(there.path(row[name])) for name in PATHS if row.get(name)}
        if row.get("kept", "").lower() in NO:
            continue
        files = _files(where, row)
        if all(there.has(f) for f in files.values()):
            clips.append(_clip(where, row, {k: there.path(f) for k, f in files.items()}, there))
        else:
            _refuse_coding(path, where, files)
            missing += 1
    # A name that several rows share is told apart by where each begins.
    shared = Counter(clip.key for clip in clips)
    clips = [replace(c, key=f"{c.key}-{c.start:g}") if shared[c.key] > 1 else c for c in clips]
    return clips, missing, listed


def _table(path: str) -> Iterator[tuple[str, dict[str, str]]]:
    header = _header(path)
    exact = header >= OF_SCENES or header >= OF_CURATE  # our own: blanks are of the names
    for where, row in table(path, (), any_names=True, exact=exact):
        yield where, {name: cell if name in NAMES else cell.strip() for name, cell in row.items()}


def scenes_in(folder: str) -> dict[str, list[Clip]] | None:
    """File -> its clips, by the manifest that synth made in this folder; None where there is none.

    A file that is listed but left out has no clips.
    """
    path = os.path.join(folder, OF_FOLDER)
    try:
        facts = os.stat(path)
    except (OSError, ValueError):
        return None
    return _scenes(path, facts.st_ino, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=16)  # the files of a folder may be asked for one by one
def _scenes(path: str, *stamp: int) -> dict[str, list[Clip]] | None:
    if not _is_of_scenes(path):
        return None
    clips, missing, listed = _read(path)
    if missing:
        warn(f"{path}: {missing} of {missing + len(clips)} clips are not there: left out")
    scenes: dict[str, list[Clip]] = {name: [] for name in listed}
    for clip in clips:
        for name in {clip.sound, clip.video} - {None}:
            scenes[os.path.normpath(name)].append(clip)
    return scenes


def _tell_others(root: str, path: str, listed: set[str]) -> None:
    from avtools.stream.batch import find_inputs

    try:
        found = find_inputs([root])
    except AvtoolsError:  # no files at all
        return
    tell_unlisted(path, [i.relative for i in found if os.path.normpath(i.path) not in listed])


def tell_unlisted(path: str, others: list[str]) -> None:
    """Files of which the folder's manifest says nothing: not even whether one may learn of them."""
    if others:
        warn(f"{path}: does not list {len(others)} files, as {others[0]}: left out")


class Folders:
    """Which files are there, by one look at each folder rather than one at each file."""

    def __init__(self, root: str):
        self.root = root
        self._seen: dict[str, set[str]] = {}

    def path(self, name: str) -> str:
        return os.path.join(self.root, name)

    def has(self, name: str) -> bool:
        folder, base = os.path.split(self.path(name))
        if folder not in self._seen:
            self._seen[folder] = set(names_in(folder or ".", hidden=True))
        return base in self._seen[folder]


def _refuse_coding(path: str, where: str, files: dict[str, str]) -> None:
    """Names of files are any bytes; where none is called so, the text is in another coding."""
    for name in files.values():
        try:
            name.encode()
        except UnicodeEncodeError:
            raise AvtoolsError(
                f"{path}: not a text file in UTF-8 (and no file is called as in {where})"
            ) from None


def _files(where: str, row: dict[str, str]) -> dict[str, str]:
    from avtools.datasets.plain import is_video

    files = {kind: row[kind] for kind in ("sound", "video") if row.get(kind)}
    if name := row.get("file"):
        files.setdefault("sound", name)
        if is_video(name):
            files.setdefault("video", name)
    if not files:
        raise AvtoolsError(f"{where}: no file; a manifest needs a column {', '.join(PATHS[:2])}")
    return files


def _file(row: dict[str, str]) -> str:
    return row.get("file") or row.get("video") or row.get("sound") or ""


def _name(row: dict[str, str]) -> str:
    named = row.get("clip") or row.get("key")
    return named or os.path.splitext(os.path.normpath(_file(row)))[0].replace(os.sep, "/")


def _clip(where: str, row: dict[str, str], files: dict[str, str], there: Folders) -> Clip:
    start = number(row["start"], where) if row.get("start") else 0.0
    convention = row.get("convention") or None
    if convention not in (None, *CONVENTIONS):
        raise AvtoolsError(
            f"{where}: convention {convention!r}, expected one of {', '.join(CONVENTIONS)}"
        )
    truth = row.get("truth")
    return Clip(
        key=_name(row),
        source=row.get("source") or row.get("channel") or _file(row),
        sound=files.get("sound"),
        video=files.get("video"),
        start=start,
        duration=_duration(where, row, start),
        convention=convention,
        split=_split(where, row.get("split", "")),
        label=row.get("label") or None,
        channel=row.get("channel") or None,
        truth=Truth(there.path(truth), read_events) if truth else None,
        has_height=row.get("has_height", "").lower() not in NO,
        picture_rate=_picture_rate(where, row.get("picture_rate")),
    )


def _picture_rate(where: str, text: str | None) -> float | None:
    if not text:
        return None
    rate = number(text, where)
    if rate <= 0:
        raise AvtoolsError(f"{where}: picture_rate {text}, expected more than 0")
    return rate


def _duration(where: str, row: dict[str, str], start: float) -> float | None:
    if row.get("duration"):
        duration = number(row["duration"], where)
    elif row.get("end"):
        duration = number(row["end"], where) - start
    else:
        duration = None
    if start < 0 or (duration is not None and duration <= 0):
        raise AvtoolsError(f"{where}: start {start:g}, duration {duration}: expected a stretch")
    return duration


def _split(where: str, text: str) -> str | None:
    if text and text.lower() not in SPLITS:
        raise AvtoolsError(f"{where}: split {text!r}, expected train, val or test")
    return SPLITS[text.lower()] if text else None
