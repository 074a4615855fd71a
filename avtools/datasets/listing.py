"""Lists and tables as people keep them: with a BOM or without, CRLF, comments, a header or none."""

import csv
import math
from collections.abc import Iterator

from avtools.errors import AvtoolsError, reason

LONGEST_LINE = 100_000
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def lines(path: str, comments: bool = True, any_names: bool = False) -> Iterator[str]:
    """The lines of a list without blanks at their ends; empty ones and comments (#) left out.

    `any_names`: names of files stand in it, which need not be UTF-8, as Python has them then.
    """
    for line in _lines(path, any_names):
        line = line.strip()
        if line and not (comments and line.startswith("#")):
            yield line


def rows(
    path: str, comments: bool = True, any_names: bool = False, exact: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of a CSV, without empty lines and comments (#).

    Blanks around cells are a person's layout; `exact`: a program wrote it, and they are of names.
    """
    reader = csv.reader(_lines(path, any_names), skipinitialspace=not exact, strict=True)
    try:
        for cells in reader:
            cells = cells if exact else [cell.strip() for cell in cells]
            if any(cells) and not (comments and cells[0].startswith("#")):
                yield reader.line_num, cells
    except csv.Error as error:
        raise AvtoolsError(f"{path}: line {reader.line_num}: not CSV ({error})") from error


def table(
    path: str, needed: tuple[str, ...], any_names: bool = False, exact: bool = False
) -> Iterator[tuple[str, dict[str, str]]]:
    """(where, row) of a CSV whose first line names its columns, in any order and case.

    A file's name may begin with #: below the names a line is a comment only where it has not as
    many cells as they are.
    """
    header: list[str] | None = None
    for number, cells in rows(path, False, any_names, exact):
        if cells[0].startswith("#") and (header is None or len(cells) != len(header)):
            continue
        if header is None:
            header = [cell.strip().lower() for cell in cells]
            missing = [column for column in needed if column not in header]
            if missing:
                raise AvtoolsError(f"{path}: no column {', '.join(missing)} in its first line")
            continue
        cells += [""] * (len(header) - len(cells))
        yield f"{path}: line {number}", dict(zip(header, cells, strict=False))
    if header is None:
        raise AvtoolsError(f"{path}: empty, expected a line of names: {', '.join(needed)}")


def number(text: str | None, where: str) -> float:
    value = float(text) if text is not None and is_number(text) else math.nan
    if not math.isfinite(value):
        raise AvtoolsError(f"{where}: {(text or '')[:40]!r} where a number is expected")
    return value


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def degrees(text: str | None, where: str) -> float:
    """An azimuth in (-180, 180]."""
    azimuth = number(text, where)
    # What is in the circle stays to the last digit.
    return azimuth if -180 < azimuth <= 180 else 180.0 - (180.0 - azimuth) % 360.0


def _lines(path: str, any_names: bool) -> Iterator[str]:
    coded = {"encoding": "utf-8-sig", "errors": "surrogateescape" if any_names else "strict"}
    try:
        # A name in quotes may hold a carriage return: ends of lines are left to the CSV reader.
        with open(path, newline="", **coded) as file:
            if file.buffer.peek(2)[:2] in UTF_16:
                raise AvtoolsError(f"{path}: not a text file in UTF-8")
            while line := file.readline(LONGEST_LINE):
                if len(line) >= LONGEST_LINE:
                    raise AvtoolsError(f"{path}: a line of over {LONGEST_LINE} characters")
                yield line
    except OSError as error:
        raise AvtoolsError(f"{path}: {reason(error)}") from error
    except UnicodeDecodeError as error:
        raise AvtoolsError(f"{path}: not a text file in UTF-8") from error
