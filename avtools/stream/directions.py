"""Directions over time out of a table: what doa and track-faces print, or anybody's CSV.

The table has columns `time` and `azimuth`, and may have `elevation`, `source`, `confidence` and
`file`. It is read no further than the sound or picture that follows it has come, so that it can
arrive through a pipe from a tool that is still at work.
"""

import csv
import json
import math
import os
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter

import numpy as np

from avtools.dsp.sphere import between, unit_vectors
from avtools.errors import AvtoolsError, note, reason, warn

# Rows of a source that lie further apart than this (seconds): it rests, and turns to the new
# direction in the last such time before it.
GAP = 1.0
FRONT = np.array([1.0, 0.0, 0.0])
LONGEST_LINE = 10_000


@dataclass(frozen=True)
class Row:
    time: float
    direction: np.ndarray  # unit vector
    source: str
    confidence: float


class Directions:
    """Followed directions: seconds `(n,)` that do not fall from call to call -> `(n, k, 3)`."""

    def __init__(self, name: str, rows: Iterator[Row], sources: list[str] | None):
        self.name = name
        self.sources = sources
        self.rows = rows if sources is not None else _one_after_another(rows)
        count = 1 if sources is None else len(sources)
        self.paths = [_Path() for _ in range(count)]
        self.read_to = -math.inf
        self.begin: float | None = None  # the first time that was asked for

    @classmethod
    def open(cls, source: str, path: str, sources: list[str] | None = None) -> "Directions":
        """Of the table `source` (`-`: standard input) the rows that are about the file `path`.

        `sources`: what stands in its column `source`, each followed by itself. None: one
        direction, which stays with a source as long as there are rows of it, then goes over to
        the most confident of those that are there.
        """
        name = "the table on standard input" if source == "-" else source
        return cls(name, read_rows(source, name, path), sources)

    @property
    def count(self) -> int:
        return len(self.paths)

    def at(self, seconds: np.ndarray) -> np.ndarray:
        """Unit vectors `(n, k, 3)`: between rows along the great circle, outside them at rest."""
        if len(seconds) == 0:
            return np.empty((0, self.count, 3))
        if self.begin is None:
            self.begin = float(seconds[0])
        self._read(float(seconds[-1]) + GAP)
        for path in self.paths:
            path.forget(float(seconds[0]))
        return np.stack([path.at(seconds) for path in self.paths], axis=1)

    def _read(self, until: float) -> None:
        """Read past this time; one that follows anybody, until there is somebody."""
        while self.read_to <= until or (self.sources is None and not self.paths[0].known):
            row = next(self.rows, None)
            if row is None:
                self.read_to = math.inf
                return self._check()
            self.read_to = row.time
            if self.sources is None:
                self.paths[0].add(row)
            else:
                for source, path in zip(self.sources, self.paths, strict=True):
                    if source == row.source:
                        if not path.known and row.time > self.begin + GAP:
                            # Nobody knows for how long it will be silent: it waits in front.
                            path.add(replace(row, time=-math.inf, direction=FRONT))
                        path.add(row)
        return None

    def _check(self) -> None:
        for k, path in enumerate(self.paths):
            if not path.known:
                what = "row with a direction" if self.sources is None else "row of source "
                what += "" if self.sources is None else self.sources[k]
                raise AvtoolsError(f"{self.name}: no {what}")


class _Path:
    """The rows of one source that are still needed."""

    def __init__(self):
        self.known: deque[Row] = deque()

    def add(self, row: Row) -> None:
        self.known.append(row)

    def forget(self, before: float) -> None:
        while len(self.known) > 1 and self.known[1].time <= before:
            self.known.popleft()

    def at(self, seconds: np.ndarray) -> np.ndarray:
        if not self.known:
            return np.broadcast_to(FRONT, (len(seconds), 3))
        times = np.array([row.time for row in self.known])
        directions = np.array([row.direction for row in self.known])
        after = np.searchsorted(times, seconds, side="right")
        last = np.clip(after - 1, 0, None)
        following = np.clip(after, None, len(times) - 1)
        begins = np.maximum(times[last], times[following] - GAP)
        length = np.maximum(times[following] - begins, 1e-9)
        part = np.clip((seconds - begins) / length, 0, 1)[:, None]
        # At rest to the last bit: how far the table has been read must not be heard.
        way = between(directions[last], directions[following], part)
        return np.where((part > 0) & (following > last)[:, None], way, directions[last])


def _one_after_another(rows: Iterator[Row]) -> Iterator[Row]:
    """Of the rows of each time the one of the source that is followed at that time."""
    followed, seen = None, -math.inf
    for time, group in groupby(rows, key=attrgetter("time")):
        there = {row.source: row for row in group}
        if followed not in there and time - seen > GAP:
            if followed is not None:
                note(f"source {followed} is gone at {time:g} s: another one is followed")
            followed = max(there.values(), key=attrgetter("confidence")).source
        if followed in there:
            seen = time
            yield there[followed]


def read_rows(source: str, name: str, path: str) -> Iterator[Row]:
    """The rows about one file, as they come; those without a direction are passed over."""
    wanted = _about_in(source, name, path)
    latest = None
    for where, cells in _cells(source, name):
        about = _about(cells)
        if latest is None:
            wanted, latest = wanted or about, -math.inf
            _tell_if_other(name, wanted, path)
        if about != wanted:
            if about == _same(path):
                raise AvtoolsError(
                    f"{where}: about {path} only after rows about another file: save the table "
                    "and name its FILE, it can then be searched first"
                )
            continue
        time, azimuth = (_number(where, cells, c) for c in ("time", "azimuth"))
        if time is None:
            raise AvtoolsError(f"{where}: no time")
        if azimuth is None:
            continue
        if time < latest:
            raise AvtoolsError(f"{where}: time {time:g} comes after {latest:g}")
        latest = time
        elevation = _number(where, cells, "elevation") or 0.0
        if abs(elevation) > 90:
            raise AvtoolsError(f"{where}: elevation {elevation:g}, expected -90 to 90")
        confidence = _number(where, cells, "confidence")
        yield Row(
            time,
            unit_vectors(azimuth, elevation),
            _label(cells.get("source")),
            1.0 if confidence is None else confidence,
        )


def _about_in(source: str, name: str, path: str) -> str | None:
    """Which file's rows are meant; None for those of the first file, which is all a pipe can say.

    The rows of the sound itself; else, where the table is about one file only, those.
    """
    if source == "-" or not os.path.isfile(source):
        return None
    only = None
    for _, cells in _cells(source, name):
        about = _about(cells)
        if about == _same(path):
            return about
        if only not in (None, about):
            only = ""
        elif only is None:
            only = about
    if only == "":
        raise AvtoolsError(f"{name}: about several files, but none of them is {path}")
    return only


def _tell_if_other(name: str, about: str, path: str) -> None:
    """Rows about a file of another name may be meant, as a video's for its sound; or not."""
    names = {os.path.splitext(os.path.basename(p))[0] for p in (about, path)}
    if "-" not in (about, path) and len(names) > 1:
        warn(f"{name}: its rows are about {os.path.basename(about)}, taken for {path}")


def _about(cells: dict) -> str:
    return _same(str(cells.get("file") or "-"))


def _same(path: str) -> str:
    """One name for one file, however it was written."""
    return path if path == "-" else os.path.abspath(path)


def _label(source: object) -> str:
    return "" if source is None else str(source).strip()


def _number(where: str, cells: dict, column: str) -> float | None:
    value = cells.get(column)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    with suppress(TypeError, ValueError, OverflowError):
        number = float(value)
        if math.isfinite(number) and abs(number) < 1e9:
            return number
    raise AvtoolsError(f"{where}: {column} {str(value)[:40]!r}, expected a number")


def _cells(source: str, name: str) -> Iterator[tuple[str, dict]]:
    """(where it stands, column -> cell) of each row of CSV or JSON Lines."""
    try:
        with _opened(source) as lines:
            numbered = enumerate(_limited(name, lines), 1)
            number, first = next(((n, line) for n, line in numbered if line.strip()), (0, ""))
            if first.lstrip().startswith("{"):
                yield from _json(name, first, number, numbered)
            else:
                yield from _csv(name, first, number, numbered)
    except OSError as error:
        raise AvtoolsError(f"{name}: {reason(error)}") from error
    except UnicodeDecodeError as error:
        raise AvtoolsError(f"{name}: not text, expected a table with time and azimuth") from error


def _opened(source: str):
    if source == "-":
        return open(0, newline="", encoding="utf-8-sig", errors="surrogateescape", closefd=False)
    return open(source, newline="", encoding="utf-8-sig", errors="surrogateescape")


def _limited(name: str, lines) -> Iterator[str]:
    while line := lines.readline(LONGEST_LINE):
        if len(line) >= LONGEST_LINE:
            raise AvtoolsError(f"{name}: a line of over {LONGEST_LINE} characters, not a table")
        yield line


def _csv(name: str, first: str, number: int, numbered) -> Iterator[tuple[str, dict]]:
    header = [c.strip().lower() for c in next(csv.reader([first]), [])]
    if not {"time", "azimuth"} <= set(header):
        raise AvtoolsError(f"{name}: its first line must name the columns time and azimuth")
    rows = csv.reader(line for _, line in numbered)  # a name may go over several lines
    try:
        for row in rows:
            if any(cell.strip() for cell in row):
                where = f"{name}: line {number + rows.line_num}"
                yield where, dict(zip(header, row, strict=False))
    except csv.Error as error:
        raise AvtoolsError(f"{name}: not a CSV table ({reason(error)})") from error


def _json(name: str, first: str, number: int, numbered) -> Iterator[tuple[str, dict]]:
    line, n = first, number
    while True:
        try:
            cells = json.loads(line)
        except (ValueError, RecursionError):
            cells = None
        if not isinstance(cells, dict):
            raise AvtoolsError(f"{name}: line {n}: not an object of JSON Lines")
        yield f"{name}: line {n}", {key.strip().lower(): cells[key] for key in cells}
        n, line = next(((n, x) for n, x in numbered if x.strip()), (0, ""))
        if not line:
            return


def stdin_is_free(towards: str | None, inputs: list) -> None:
    """Standard input can't be both the table and a sound."""
    if towards == "-" and (any(item.is_stdin for item in inputs) or not inputs):
        raise AvtoolsError(
            "--towards - reads the table from standard input: name the FILE of the sound"
        )
    if towards == "-" and sys.stdin is not None and sys.stdin.isatty():
        raise AvtoolsError("--towards -: standard input is a terminal: pipe a table in")
