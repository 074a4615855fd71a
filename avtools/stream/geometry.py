"""Where the microphones of an array are: a small file of x, y, z in metres, one row a channel.

CSV with a header that names x, y and z (and may name channel, which then says to which channel,
from 0, a row belongs), or without one just three numbers a row; empty lines and what follows a #
don't count. Or JSON: [[x, y, z], ...]. x front, y left, z up.
"""

import csv
import json
import math
from contextlib import suppress
from itertools import pairwise

import numpy as np

from avtools.dsp.array_grid import centred
from avtools.errors import AvtoolsError, reason

LARGEST = 1_000_000  # bytes
AXES = ("x", "y", "z")


def read_geometry(path: str, channels: int) -> np.ndarray:
    """`(channels, 3)` metres around their mean, of the microphones of a sound."""
    text = _read(path)
    rows = _json_rows(path, text) if text.lstrip().startswith(("[", "{")) else _rows(path, text)
    if len(rows) != channels:
        raise AvtoolsError(f"{path}: {_microphones(len(rows))}, but the sound has {channels}")
    try:
        return centred(rows)
    except ValueError as error:
        raise AvtoolsError(f"{path}: {error}") from error


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise AvtoolsError(f"{path}: over a megabyte, expected a line for each microphone")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise AvtoolsError(f"{path}: {reason(error)}") from error
    except UnicodeDecodeError as error:
        raise AvtoolsError(f"{path}: not text, expected a line x,y,z for each channel") from error


def _json_rows(path: str, text: str) -> list[list[float]]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AvtoolsError(f"{path}: no JSON: {reason(error)}") from error
    if not isinstance(rows, list) or not all(isinstance(r, list) and len(r) == 3 for r in rows):
        raise AvtoolsError(f"{path}: expected a JSON list of [x, y, z]")
    return [[_metres(f"{path}: row {k}", value) for value in row] for k, row in enumerate(rows, 1)]


def _rows(path: str, text: str) -> list[list[float]]:
    lines = [(f"{path}: line {n}", cells) for n, cells in _cells(path, text)]
    if not lines:
        return []
    names = [cell.lower() for cell in lines[0][1]]
    if any(_is_number(name) for name in names):
        names = list(AXES)
    else:
        _check_header(lines[0][0], names)
        lines = lines[1:]
    placed: dict[int, list[float]] = {}
    for where, cells in lines:
        if len(cells) != len(names):
            raise AvtoolsError(f"{where}: {len(cells)} cells, expected {','.join(names)}")
        row = dict(zip(names, cells, strict=True))
        channel = _channel(where, row["channel"]) if "channel" in row else len(placed)
        if channel in placed:
            raise AvtoolsError(f"{where}: channel {channel} a second time")
        placed[channel] = [_metres(where, row[axis]) for axis in AXES]
    order = sorted(placed)
    for before, after in pairwise([-1, *order]):
        if after != before + 1:
            raise AvtoolsError(f"{path}: no channel {before + 1} (they count from 0)")
    return [placed[channel] for channel in order]


def _cells(path: str, text: str) -> list[tuple[int, list[str]]]:
    """(line, its cells) of all lines that hold something but a comment."""
    lines = [line.partition("#")[0] for line in text.splitlines()]
    reader = csv.reader(lines, skipinitialspace=True)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise AvtoolsError(f"{path}: line {reader.line_num}: {error}") from error
    return [(number, cells) for number, cells in rows if any(cells)]


def _check_header(where: str, names: list[str]) -> None:
    for axis in AXES:
        if axis not in names:
            raise AvtoolsError(f"{where}: no column {axis}, expected x,y,z in metres")
    for name in (*AXES, "channel"):
        if names.count(name) > 1:
            raise AvtoolsError(f"{where}: two columns {name}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _channel(where: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise AvtoolsError(f"{where}: channel {text[:40]!r}, expected 0, 1, ...")
    return int(text)


def _metres(where: str, value) -> float:
    number = math.nan
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        with suppress(ValueError, OverflowError):
            number = float(value)
    if not math.isfinite(number) or abs(number) > 1e6:
        raise AvtoolsError(f"{where}: {str(value)[:40]!r}, expected a number of metres")
    return number


def _microphones(count: int) -> str:
    return "1 microphone" if count == 1 else f"{count} microphones"
