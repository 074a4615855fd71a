"""One row a stream: what it is, what its channels mean and how sure that is, what is wrong.

Marks in the file (SA3D, Opus, .amb, a mark of avtools) are believed; without them the sound
itself is looked at. First-order ambisonics shows its convention in the energy of X, Y and Z
together against that of W: the same for SN3D (AmbiX), twice for FuMa, three times for N3D. How
sure that is stands in `confidence`; below 0.5 the convention is left open.

Problems and what they mean:
{problems}

--check prints the same rows and answers with its exit status: 1 if a stream has one of the
problems that make a file faulty, 3 if the convention of four channels can't be told, 0 otherwise.
Remarks (in brackets in the list above) are never a fault.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer

from avtools.commands.options import Inputs, Manner, Rows, write_rows

COLUMNS = (
    "file", "stream", "kind", "channels", "rate", "duration", "layout", "convention",
    "confidence", "problems",
)  # fmt: skip


def probe(
    inputs: Inputs,
    rows: Rows,
    manner: Manner,
    check: Annotated[
        bool,
        typer.Option("--check", help="Exit status 1 if something is wrong, 3 if it can't be told."),
    ] = False,
):
    """Say what is in a file and what is wrong with it.

    \b
    Examples:
      avtools probe 360.mp4
      avtools probe clips/ --format json | jq 'select(.problems)'
      avtools probe --check upload.mp4 && echo good
    """
    return write_rows(inputs, rows, COLUMNS, partial(probed, inputs), answers=check)


def probed(inputs: Inputs, item):
    """The rows of one file, a stream after the other."""
    for stream in streams_of(inputs, item.path):
        if stream.kind == "audio":
            yield sound_row(inputs, item.path, stream)
        else:
            yield picture_row(item.path, stream)


@dataclass(frozen=True)
class Stream:
    """What the container says of one stream, and of the file around it."""

    index: int
    kind: str
    rate: float | None = None
    duration: float | None = None
    size: tuple[int, int] | None = None
    spatial: object = None
    wide: bool = False  # some picture of the file is as wide as an equirectangular one


def streams_of(inputs: Inputs, path: str) -> list[Stream]:
    """WAV has one stream and needs no FFmpeg to say so."""
    import os
    import stat

    from avtools.stream.wav import is_wire

    if path == "-" or not os.path.exists(path) or not stat.S_ISREG(os.stat(path).st_mode):
        return [Stream(0, "audio")]
    with open(path, "rb") as file:
        if is_wire(file.read(12)):
            return [Stream(0, "audio")]
    from avtools.stream.decode import streams

    found = streams(path)
    if inputs.stream is not None:
        found = [s for s in found if s["index"] == inputs.stream] or found[:0]
    return [Stream(**s) for s in found]
