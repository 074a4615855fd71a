"""Where a run reads and where it writes: what can't be is refused before the work, not after it."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from avtools.errors import AvtoolsError, reason


def check_table(name: str, path: str) -> None:
    """A CSV that a run is to write."""
    if not path.lower().endswith(".csv"):
        raise AvtoolsError(f"{name} {path}: expected a name that ends in .csv")
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise AvtoolsError(f"{name} {path}: no folder {folder}")
    if os.path.isdir(path):
        raise AvtoolsError(f"{name} {path}: a folder, expected the name of a file")


def refuse_same(inputs: Iterable[str | None], outputs: dict[str, str | None]) -> None:
    """Nothing that is read may be written, nor anything twice. `outputs`: option -> path."""
    read = [path for path in inputs if path is not None]
    written: list[tuple[str, str]] = []
    for name, path in outputs.items():
        if path is None:
            continue
        if any(is_same(path, one) for one in read):
            raise AvtoolsError(f"{name} {path}: is an input as well; take another name")
        for other, taken in written:
            if is_same(path, taken):
                raise AvtoolsError(f"{name} {path}: is what {other} names; take another name")
        written.append((name, path))


def is_same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:  # one of them is not there yet
        return os.path.realpath(one) == os.path.realpath(other)


def file_of(name: str) -> str:
    """The path of an input that may be LAYOUT:PATH, or NAME:PATH,CHOICE of a detector."""
    if os.path.exists(name):
        return name
    path = name.partition(":")[2]
    return path if os.path.exists(path) else path.partition(",")[0] or name


def have_places(tables: Iterable[str | None], folders: dict[str, str | None]) -> None:
    """Make the folders (option -> path) and try to write beside each table and in each folder."""
    for table in tables:
        if table is not None:
            _try(os.path.dirname(os.path.abspath(table)), table)
    for name, folder in folders.items():
        if folder is not None:
            if os.path.exists(folder) and not os.path.isdir(folder):
                raise AvtoolsError(f"{name} {folder}: a file, expected a folder")
            _try(folder, f"{name} {folder}")


def _try(folder: str, said: str) -> None:
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, ValueError) as error:
        raise AvtoolsError(f"{said}: {reason(error)}") from error
