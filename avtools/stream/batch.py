"""Many files: what is to be read, in what order, by how many processes, and what came of it.

One bad file does not stop the rest: it is said on stderr and remembered in the exit status.
"""

import csv
import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from avtools.errors import QUIET, AvtoolsError, reason, say
from avtools.stream.files import SOUND_SUFFIXES, VIDEO_SUFFIXES

FINE, NO, FAILED, UNSURE, BUG = 0, 1, 2, 3, 70
# Of many answers the gravest counts.
GRAVITY = {BUG: 4, FAILED: 3, NO: 2, UNSURE: 1, FINE: 0}


@dataclass(frozen=True)
class Item:
    """One input: where it is, and its name below the folder that results go to."""

    path: str
    relative: str
    target: str | None = None  # where its result goes; None is standard output
    refusal: str | None = None  # why it can't be worked on

    @property
    def is_stdin(self) -> bool:
        return self.path == "-"


def find_inputs(
    files: Iterable[str],
    files_from: str | None = None,
    null: bool = False,
    shard: str | None = None,
) -> list[Item]:
    """Files, folders, manifests and lists, in a stable order; else standard input."""
    named = list(files)
    if files_from is not None:
        if files_from == "-" and "-" in named:
            raise AvtoolsError("standard input can't be both the list of files and a sound")
        named += read_list(files_from, null)
    elif not named:
        if sys.stdin is not None and sys.stdin.isatty():
            raise AvtoolsError(
                "no FILE, and standard input is a terminal: name a file or pipe a sound in"
            )
        named = ["-"]
    items = [item for name in named for item in _expand(name)]
    for item in items:
        if "\0" in item.path:
            raise AvtoolsError(f"{item.path!r}: a name with NUL in it (--null separates by NUL)")
    if not items and files_from is None:
        raise AvtoolsError(f"{named[0]}: no sound or video files in this folder")
    if shard:
        items = only_shard(items, *parse_shard(shard))
    return items


def read_list(source: str, null: bool) -> list[str]:
    try:
        if source == "-":
            data = sys.stdin.buffer.read()
        else:
            data = Path(source).read_bytes()
    except OSError as error:
        raise AvtoolsError(f"{source}: {reason(error)}") from error
    names = data.split(b"\0") if null else data.splitlines()
    return [os.fsdecode(n) for n in names if n.strip()]


def _expand(name: str) -> Iterator[Item]:
    if name != "-" and os.path.isdir(name):
        yield from _walk(name)
    elif name.lower().endswith(".csv"):
        yield from _manifest(name)
    else:
        yield Item(name, _below(name))


def _below(name: str) -> str:
    """The part of a name that may be put below another folder: no root, no way up."""
    path = os.path.normpath(name)
    return os.path.basename(path) if os.path.isabs(path) or path.startswith("..") else path


def _walk(folder: str) -> Iterator[Item]:
    known = SOUND_SUFFIXES | VIDEO_SUFFIXES

    def refuse(error: OSError):
        raise AvtoolsError(f"{error.filename}: {reason(error)}")

    for here, folders, names in os.walk(folder, onerror=refuse):
        folders.sort()
        folders[:] = [f for f in folders if not f.startswith(".")]
        for name in sorted(names):
            path = os.path.join(here, name)
            wanted = not name.startswith(".") and os.path.splitext(name)[1].lower() in known
            if wanted and os.path.isfile(path):  # a named pipe would wait for ever
                yield Item(path, os.path.relpath(path, folder))


def _manifest(name: str) -> Iterator[Item]:
    """A CSV with a column `file`: paths from the manifest's own folder."""
    try:
        with open(name, newline="", encoding="utf-8-sig", errors="surrogateescape") as lines:
            rows = csv.DictReader(lines)
            if "file" not in (rows.fieldnames or []):
                raise AvtoolsError(f"{name}: a manifest needs a column `file`")
            for row in rows:
                if row["file"]:
                    path = os.path.join(os.path.dirname(name), row["file"])
                    yield Item(path, _below(row["file"]))
    except OSError as error:
        raise AvtoolsError(f"{name}: {reason(error)}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise AvtoolsError(f"{name}: not a CSV manifest ({reason(error)})") from error


def parse_shard(text: str) -> tuple[int, int]:
    number, slash, count = text.partition("/")
    if slash and is_number(number) and is_number(count) and 1 <= int(number) <= int(count):
        return int(number), int(count)
    raise AvtoolsError(f"--shard {text}: expected I/N with I from 1 to N, as in 2/8")


def is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def only_shard(items: list[Item], number: int, count: int) -> list[Item]:
    """By a hash of the relative path: the same on every machine, whatever else is in the folder."""

    def shard_of(item: Item) -> int:
        digest = hashlib.blake2b(os.fsencode(item.relative), digest_size=8).digest()
        return int.from_bytes(digest) % count + 1

    return [item for item in items if shard_of(item) == number]


def gravest(codes: Iterable[int]) -> int:
    return max(codes, key=GRAVITY.__getitem__, default=FINE)


def run_each(
    items: list[Item],
    work: Callable[[Item], object],
    take: Callable[[object], int | None] = lambda result: None,
    jobs: int = 1,
) -> int:
    """`work` on every item, `take` on every result in the order of the items; the exit status.

    With one item an error is the caller's to tell.
    """

    def answered(item: Item) -> int:
        return take(work(item)) or FINE

    if len(items) == 1:
        return answered(items[0])
    if jobs > 1:
        from avtools.stream.workers import in_processes

        outcomes = in_processes(items, work, min(jobs, len(items)))
        answers = (code or take(result) or FINE for result, code in outcomes)
    else:
        answers = (code or result for result, code in (attempt(answered, i) for i in items))
    return gravest([FINE, *answers])


def attempt(work: Callable[[Item], object], item: Item) -> tuple[object, int]:
    """The result and 0; or None and the exit status of a failure, which is said here."""
    try:
        return work(item), FINE
    except AvtoolsError as error:
        say(str(error), QUIET)
    except BrokenPipeError:
        raise
    except OSError as error:
        say(f"{error.filename or item.path}: {reason(error)}", QUIET)
    except Exception:
        import traceback

        traceback.print_exc()
        say(f"{item.path}: a bug in avtools; please report it with the lines above", QUIET)
        return None, BUG
    return None, FAILED
