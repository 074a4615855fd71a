"""Faces from a table: CSV or JSON Lines with file,time,x,y,width,height and maybe confidence.

That is what `avtools track-faces` writes, and what any other detector can be made to write: x, y is
the top left corner, in pixels of the source; a row without x says that there is no face.
"""

import csv
import json
import math
import os
from array import array
from collections.abc import Iterator, Sequence

import numpy as np

from avtools.faces.detector import Found, checked, found

COLUMNS = ("file", "time", "x", "y", "width", "height")
LEAST_REACH = 0.05  # seconds from a frame to the rows that speak of it
LONGEST_LINE = 100_000


class Listed:
    """The rows of a table, by file and time."""

    def __init__(self, path: str):
        self.path = path
        try:
            with open(path, newline="", encoding="utf-8-sig") as lines:
                self.files = _gathered(_rows(path, lines))
        except OSError as error:
            why = error.strerror or error
            raise ValueError(f"{path}: {why}, expected a table of {','.join(COLUMNS)}") from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{path}: not a table of {','.join(COLUMNS)}") from error
        if not self.files:
            raise ValueError(f"{path}: no rows, expected {','.join(COLUMNS)}")

    def detect(
        self,
        frames: np.ndarray,
        *,
        file: str = "",
        times: Sequence[float] | None = None,
        size: tuple[int, int] | None = None,
    ) -> list[Found]:
        """`file` and `times` say which rows; without `size` the frames are the source's own size.

        A row speaks of the frames up to half a row's step away, and the nearest rows speak.
        """
        height, width = checked(frames).shape[1:3]
        if times is None or len(times) != len(frames):
            raise ValueError("boxes from a file need the time of each frame")
        rows = self._of(file)
        shrink = (width / size[0], height / size[1]) * 2 if size else (1.0,) * 4
        return [_at(rows, time, np.array(shrink)) for time in times]

    def _of(self, file: str) -> np.ndarray:
        """The rows of a file, `(n, 6)`, by its path or by as much of it as the table has."""
        wanted = os.path.normpath(file)
        if wanted in self.files:
            return self.files[wanted]
        ends = [name for name in self.files if _is_end(name, wanted) or _is_end(wanted, name)]
        if len(ends) > 1:
            raise ValueError(f"{self.path}: {' and '.join(ends[:2])} may both be {file}")
        return self.files[ends[0]] if ends else np.zeros((0, 6))


def _is_end(end: str, whole: str) -> bool:
    return whole.endswith(os.sep + end)


def _at(rows: np.ndarray, time: float, shrink: np.ndarray) -> Found:
    if not len(rows):
        return found([], [])
    steps = np.diff(np.unique(rows[:, 0]))
    reach = max(LEAST_REACH, np.median(steps) / 2 if len(steps) else 0.0)
    away = abs(rows[:, 0] - time)
    near = (away <= reach * 1.001) & (away <= away.min() + 1e-6) & np.isfinite(rows[:, 1])
    return found(rows[near, 1:5] * shrink, rows[near, 5])


def _gathered(rows: Iterator[tuple[str, list[float]]]) -> dict[str, np.ndarray]:
    """File -> time, x, y, width, height, confidence `(n, 6)`, in order of time."""
    held: dict[str, array] = {}
    for file, numbers in rows:
        held.setdefault(os.path.normpath(file), array("d")).extend(numbers)
    tables = {name: np.array(values).reshape(-1, 6) for name, values in held.items()}
    return {name: t[np.argsort(t[:, 0], kind="stable")] for name, t in tables.items()}


def _rows(path: str, lines) -> Iterator[tuple[str, list[float]]]:
    start = lines.read(1)
    lines.seek(0)
    for number, row in _objects(path, lines) if start == "{" else _records(path, lines):
        where = f"{path}: line {number}"
        if not row.get("file"):
            raise ValueError(f"{where}: no file, expected {','.join(COLUMNS)}")
        values = [_number(where, row, name) for name in (*COLUMNS[1:], "confidence")]
        time, *box, confidence = values
        if time is None:
            raise ValueError(f"{where}: no time, expected seconds")
        if None in box:
            yield row["file"], [time, *[math.nan] * 5]
            continue
        if box[2] <= 0 or box[3] <= 0:
            raise ValueError(f"{where}: {box[2]:g} x {box[3]:g} pixels, expected more than 0")
        yield row["file"], [time, *box, 1.0 if confidence is None else confidence]


def _records(path: str, lines) -> Iterator[tuple[int, dict]]:
    reader = csv.DictReader(_limited(path, lines))
    names = [name.strip().lower() for name in reader.fieldnames or ()]
    if missing := [name for name in COLUMNS if name not in names]:
        raise ValueError(f"{path}: no column {missing[0]}, expected {','.join(COLUMNS)}")
    reader.fieldnames = names
    for row in reader:
        yield reader.line_num, row


def _objects(path: str, lines) -> Iterator[tuple[int, dict]]:
    for number, line in enumerate(_limited(path, lines), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}: line {number}: not JSON, expected an object") from error
        if not isinstance(row, dict) or not isinstance(row.get("file", ""), str):
            raise ValueError(f"{path}: line {number}: expected an object with {','.join(COLUMNS)}")
        yield number, row


def _limited(path: str, lines) -> Iterator[str]:
    while line := lines.readline(LONGEST_LINE):
        if len(line) >= LONGEST_LINE:
            raise ValueError(f"{path}: a line of over {LONGEST_LINE} characters, not a table")
        yield line


def _number(where: str, row: dict, name: str) -> float | None:
    value = row.get(name)
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{where}: {name} {value!r}, expected a number")
    return number
