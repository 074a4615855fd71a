"""Rows for people and programs: a rich table on a terminal, CSV in a pipe, JSON Lines on request.

A row leaves as soon as it is known; only the rich table, whose columns need all of them, waits
for the end. Rows over time, of which there may be any number, don't: on a terminal they stand
below each other in columns of fixed width.
"""

import csv
import io
import json
import math
import os
import sys
from collections.abc import Mapping, Sequence

from avtools.errors import AvtoolsError

FORMATS = ("auto", "table", "csv", "json")


class Table:
    def __init__(
        self,
        columns: Sequence[str],
        format: str = "auto",
        header: bool = True,
        out=None,
        over_time: bool = False,
    ):
        """`out`: a binary file to write to instead of standard output."""
        if format not in FORMATS:
            raise AvtoolsError(f"--format {format}: expected one of {', '.join(FORMATS)}")
        self.columns, self.header = list(columns), header
        self.format = format
        self.out = sys.stdout.buffer if out is None else out
        if format == "auto":
            self.format = "table" if out is None and sys.stdout.isatty() else "csv"
        self.rows: list[list[str]] = []
        self.over_time = over_time
        self.widths = [11] * len(self.columns)

    def add(self, *rows: Mapping[str, object]) -> None:
        """Rows that leave together."""
        values = [[_clean(row.get(c)) for c in self.columns] for row in rows]
        if self.format == "json":
            named = (dict(zip(self.columns, v, strict=True)) for v in values)
            self._write("".join(json.dumps(n, ensure_ascii=False) + "\n" for n in named))
        elif self.format == "csv":
            self._write(self._header() + _csv_lines(values))
        else:
            short = [[_short(c, x) for c, x in zip(self.columns, v, strict=True)] for v in values]
            if self.over_time:
                self._write(self._in_columns(short))
            else:
                self.rows += short

    def finish(self) -> None:
        if self.format == "csv":
            self._write(self._header())
        if self.format == "table" and self.rows:
            self.out.write(self._drawn().encode("utf-8", "surrogateescape"))
        self.out.flush()

    def _drawn(self) -> str:
        """For a person: a table where it fits, else a paragraph a row; what is empty left out."""
        from rich import box
        from rich.console import Console
        from rich.table import Table as RichTable
        from rich.text import Text

        width = Console().width
        cells = list(zip(self.columns, *self.rows, strict=True))
        kept = [k for k, (_, *column) in enumerate(cells) if any(column)]
        if sum(max(map(len, cells[k])) + 2 for k in kept) > width:
            return self._in_words(width)
        table = RichTable(box=box.SIMPLE_HEAD, show_header=self.header, padding=(0, 1, 0, 0))
        for k in kept:
            table.add_column(self.columns[k])
        for row in self.rows:
            table.add_row(*(Text(row[k]) for k in kept))
        text = io.StringIO()
        Console(file=text, width=width, force_terminal=self.out.isatty()).print(table)
        return text.getvalue()

    def _in_columns(self, rows: list[list[str]]) -> str:
        if self.header:
            rows, self.header = [self.columns, *rows], False
        for row in rows:  # a longer name moves all that come after it
            self.widths = [max(w, len(cell)) for w, cell in zip(self.widths, row, strict=True)]
        return "".join(
            " ".join(f"{cell:<{w}}" for w, cell in zip(self.widths, row, strict=True)).rstrip()
            + "\n"
            for row in rows
        )

    def _in_words(self, width: int) -> str:
        from textwrap import fill

        lines = []
        for first, *more in self.rows:
            named = zip(self.columns[1:], more, strict=True)
            said = ", ".join(f"{name}\u00a0{value}" for name, value in named if value)
            lines.append(fill(f"{first}: {said}", width, subsequent_indent="    "))
        return "\n".join(lines).replace("\u00a0", " ") + "\n"

    def _header(self) -> str:
        """The line of names, the first time that it is asked for."""
        wanted, self.header = self.header, False
        return _csv_lines([self.columns]) if wanted else ""

    def _write(self, text: str) -> None:
        # A name that is not UTF-8 leaves as the bytes that it came as.
        self.out.write(text.encode("utf-8", "surrogateescape"))
        self.out.flush()


def _clean(value: object) -> object:
    """Numbers as numbers, without the noise of binary fractions; what is missing as None."""
    if isinstance(value, str | bool) or value is None:
        return value
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        # + 0.0: nothing is -0.
        return float(f"{value:.9g}") + 0.0 if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return "; ".join(map(str, value)) or None
    return value


def _csv_lines(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv_writer(text).writerows(rows)  # None becomes empty
    return text.getvalue()


def csv_writer(out):
    """Rows end with a line feed; yet a carriage return in a name is put in quotes too, as csv does
    only where it is a part of the rows' own ending."""
    return csv.writer(_LineFeeds(out), lineterminator="\r\n")


class _LineFeeds:
    def __init__(self, out):
        self.out = out

    def write(self, row: str) -> None:
        self.out.write(row.removesuffix("\r\n") + "\n")


def _short(column: str, value: object) -> str:
    """For a person with 80 columns: no folders, six digits."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = os.path.basename(str(value)) if column == "file" else str(value)
    # A name may hold anything, and a terminal obeys some of it.
    return "".join(c if c.isprintable() else "?" for c in text)
