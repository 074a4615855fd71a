"""What flip --check and align360 share: an answer for each input as a row, or acted upon."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated

from avtools.commands.options import Outputs, Rows, option
from avtools.errors import AvtoolsError

# Options of Outputs that tables have, too.
OF_TABLES = ("output", "jobs")


@dataclass(frozen=True)
class TableForm:
    """How a row looks, of a tool whose outputs are else sounds."""

    format: Annotated[
        str | None,
        option(
            "--format",
            metavar="NAME",
            help="Of the table: table, csv or json (JSON Lines); by default a table on a terminal, "
            "else CSV.",
        ),
    ] = None
    no_header: Annotated[
        bool, option("--no-header", help="Leave out the table's line of names.")
    ] = False


def rows_of(outputs: Outputs, form: TableForm, tool: str) -> Rows:
    """The options of a table; refuses those of sounds. `tool`: what makes sounds, as --fix."""
    for f in fields(Outputs):
        if f.name not in OF_TABLES and getattr(outputs, f.name) != f.default:
            name = f.name.replace("_", "-")
            raise AvtoolsError(f"--{name} goes with {tool}")
    format_ = "auto" if form.format is None else form.format
    return Rows(format_, form.no_header, outputs.output, outputs.jobs)


class Aside:
    """Rows on standard error, beside the sounds on standard output."""

    def __init__(self, columns: tuple[str, ...], form: TableForm):
        if form.format not in ("json", None, "auto", "csv"):
            raise AvtoolsError(f"--format {form.format}: beside sounds expected csv or json")
        self.columns, self.form = columns, form
        self.has_names = form.format == "json" or form.no_header

    def begin(self) -> None:
        """The line of names. Before the first row it comes by itself, but several processes do
        not know which row is the first."""
        if not self.has_names:
            self._write(",".join(self.columns) + "\n")
            self.has_names = True

    def say(self, row: dict) -> None:
        import io

        from avtools.stream.tables import Table

        self.begin()
        line = io.BytesIO()
        form = "json" if self.form.format == "json" else "csv"
        table = Table(self.columns, form, header=False, out=line)
        table.add(row)
        table.finish()
        self._write(line.getvalue().decode("utf-8", "surrogateescape"))

    @staticmethod
    def _write(text: str) -> None:
        import sys

        sys.stderr.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stderr.flush()


def check_plots(inputs, plot: str | None, also: Sequence[str] = ()) -> None:
    """Refuse to draw several inputs into one file, or over what is read: an input, a list of them,
    or a file of `also`."""
    from avtools.each import BESIDE
    from avtools.stream import targets

    if plot is not None:
        items = inputs.items()
        targets.check_beside("--plot", plot, items)
        drawn = [targets.beside(plot, item, BESIDE["--plot"]) for item in items]
        targets.refuse_doubles(drawn)
        targets.refuse_same([*(item.path for item in items), *inputs.lists, *also], drawn)


def picture_of(outputs: Outputs, video: str | None) -> str | None:
    """The picture that goes into the output, where that is a video."""
    from os.path import splitext

    from avtools.stream.files import VIDEO_SUFFIXES

    is_video = splitext(outputs.output or "")[1].lower() in VIDEO_SUFFIXES
    return video if is_video else None


@contextlib.contextmanager
def read_twice(item):
    """Gives what takes an input back to its beginning. Of standard input only a file can: a pipe
    is kept in one on disk, which takes its place."""
    import os

    if not item.is_stdin:
        yield lambda: None
        return
    import shutil
    import stat
    import tempfile

    if not stat.S_ISREG(os.fstat(0).st_mode):
        with tempfile.TemporaryFile(prefix="avtools-") as kept, os.fdopen(os.dup(0), "rb") as pipe:
            shutil.copyfileobj(pipe, kept, 1 << 20)
            kept.flush()
            kept.seek(0)
            os.dup2(kept.fileno(), 0)
    start = os.lseek(0, 0, os.SEEK_CUR)
    yield lambda: os.lseek(0, start, os.SEEK_SET)
