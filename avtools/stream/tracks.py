"""A turning head in a file: CSV with a line of names, time,yaw,pitch,roll."""

import csv
import math
from collections.abc import Callable

import numpy as np

from avtools.dsp.rotation import path
from avtools.errors import AvtoolsError, reason

LONGEST_LINE = 10_000
MOST_ROWS = 10_000_000


class Track:
    """Rotation over time: seconds `(n,)` -> matrices `(n, 3, 3)`. Can be sent to processes."""

    def __init__(self, times: np.ndarray, turns: np.ndarray):
        self.times, self.turns = times, turns
        self.at = path(times, turns)

    def __call__(self, seconds: np.ndarray) -> np.ndarray:
        return self.at(seconds)

    def one(self, seconds: float) -> np.ndarray:
        return self.at(np.array([float(seconds)]))[0]

    def __reduce__(self):
        return Track, (self.times, self.turns)

    @classmethod
    def read(cls, name: str, turned_by: Callable, after: np.ndarray) -> "Track":
        times, angles = read_angles(name)
        return cls(times, after @ turned_by(*angles.T))


def read_angles(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Times `(n,)` in seconds, rising, and angles `(n, 3)`: yaw, pitch, roll in degrees."""
    try:
        with open(name, newline="", encoding="utf-8-sig") as lines:
            rows = _rows(name, lines)
            times, angles = zip(*rows, strict=True) if rows else ((), ())
    except OSError as error:
        raise AvtoolsError(f"{name}: {reason(error)}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise AvtoolsError(f"{name}: not a CSV of time,yaw,pitch,roll") from error
    if not times:
        raise AvtoolsError(f"{name}: no rows, expected time,yaw,pitch,roll")
    return np.array(times), np.array(angles)


def _rows(name: str, lines) -> list[tuple[float, tuple[float, float, float]]]:
    reader = csv.reader(_limited(name, lines))
    header = [c.strip().lower() for c in next(reader, [])]
    if "time" not in header or not {"yaw", "pitch", "roll"} & set(header):
        raise AvtoolsError(f"{name}: its first line must name the columns time,yaw,pitch,roll")
    columns = [header.index(c) if c in header else None for c in ("time", "yaw", "pitch", "roll")]
    rows = []
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        where = f"{name}: line {reader.line_num}"
        time, *angles = (_number(where, row, c) for c in columns)
        if rows and time <= rows[-1][0]:
            raise AvtoolsError(f"{where}: time {time:g} does not come after {rows[-1][0]:g}")
        rows.append((time, tuple(angles)))
        if len(rows) > MOST_ROWS:
            raise AvtoolsError(f"{name}: more than {MOST_ROWS} rows")
    return rows


def _limited(name: str, lines):
    while line := lines.readline(LONGEST_LINE):
        if len(line) >= LONGEST_LINE:
            raise AvtoolsError(f"{name}: a line of over {LONGEST_LINE} characters, not a track")
        yield line


def _number(where: str, row: list[str], column: int | None) -> float:
    if column is None:
        return 0.0
    text = row[column].strip() if column < len(row) else ""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) > 1e9:
        raise AvtoolsError(f"{where}: {text[:40]!r} where a number is expected")
    return value
