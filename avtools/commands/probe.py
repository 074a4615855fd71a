"""One row a stream: what it is, what its channels mean and how sure that is, what is wrong.

Marks in the file (SA3D, Opus, .amb, a mark of avtools) stand unless the sound is clearly against
them; without them the sound itself is looked at. First-order ambisonics shows its convention in
the energy of X, Y and Z together against that of W: the same for SN3D (AmbiX), twice for FuMa,
three times for N3D. How sure that is stands in `confidence`; below 0.5 the convention is left
open.

Problems begin with one of these words: empty, silent, dead channel, silent channel, missing Z,
dual mono, near mono, inverted polarity, identical channels, clipping, dc offset, nan, shuffled
channels, 5.1-tagged ambisonics, no spatial metadata, contradicts metadata. In brackets stand
remarks, which are never a fault: unmarked ambisonics, fuma levels, head-locked stereo, not
ambisonic, no ambisonics, panned mono, one-sided, out of phase, over full scale. What can't be
told from sound alone is left from right, front from back, or a single inverted channel of
ambisonics.

--check prints the same rows and answers with its exit status: 1 if a stream has a problem, 3 if
nothing is wrong but what the channels mean can't be told, 0 otherwise.
"""

from functools import partial
from typing import Annotated

import typer

from avtools.commands.options import Inputs, Manner, Rows
from avtools.errors import AvtoolsError

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
      avtools probe clips/ --format json | jq 'select(.convention == "fuma")'
      avtools probe --check upload.mp4 && echo good
    """
    from avtools.each import write_rows

    return write_rows(inputs, rows, COLUMNS, partial(probed, inputs, rows.jobs == 1), check)


def probed(inputs: Inputs, bar: bool, item):
    """The row of one stream of a file after the other."""
    from avtools.stream.batch import UNSURE

    for stream in streams_of(inputs, item.path):
        row = {"file": item.path, "stream": stream.index, "kind": stream.kind}
        if stream.kind == "audio":
            yield [row | sound_row(inputs, item.path, stream, bar)]
        elif stream.kind == "video":
            yield [row | picture_row(stream)]
        else:
            told = {} if stream.kind != "unknown audio" else {"status": UNSURE}
            yield [row | {"duration": stream.duration} | told]


def streams_of(inputs: Inputs, path: str) -> list:
    """WAV, and whatever comes through a pipe, has one stream and needs no FFmpeg to say so."""
    import os
    import stat

    from avtools.stream.files import StreamFacts
    from avtools.stream.wav import is_wire

    if path == "-" and stat.S_ISREG(os.fstat(0).st_mode):
        path = "/dev/fd/0"
    if not os.path.isfile(path):
        return [StreamFacts(0, "audio")]
    with open(path, "rb") as file:
        if is_wire(file.read(12)):
            return [StreamFacts(0, "audio")]
    from avtools.stream.streams import list_streams

    found = list_streams(path)
    if inputs.stream is not None:
        found = [s for s in found if s.index == inputs.stream]
        if not found:
            raise AvtoolsError(f"{path}: no stream {inputs.stream}")
    return found


def sound_row(inputs: Inputs, path: str, stream, bar: bool) -> dict:
    from dataclasses import replace

    from avtools.dsp.layout import Survey
    from avtools.stream.batch import FINE, NO, UNSURE
    from avtools.stream.progress import shown

    chosen = replace(inputs, stream=stream.index if stream.spatial is not None else inputs.stream)
    with chosen.open(path) as sound, shown(sound, path, bar) as sound:
        survey = Survey(sound.channels, sound.rate)
        for x in sound.blocks:
            survey.add(x)
        report = survey.report(
            label=sound.label,
            marked="fuma" if sound.label == "fuma" else sound.marks.get("convention"),
            picture_360=None if stream.spatial is None else stream.spatial.is_360,
            head_locked=sound.marks.get("head_locked"),
        )
    convention, confidence = report.convention, report.confidence
    marked = sound.marks.get("convention")
    if marked and marked != convention and "contradicts metadata" not in report.problems:
        # Doubt is no contradiction: the mark stands, with what speaks for it.
        convention, confidence = marked, round(report.probabilities.get(marked, 0.5), 3)
    return {
        "channels": sound.channels,
        "rate": sound.rate,
        "duration": report.seconds,
        "layout": report.layout,
        "convention": convention,
        "confidence": confidence,
        "problems": report.problems + [f"({remark})" for remark in report.remarks],
        "status": {"faulty": NO, "fine": FINE, "unsure": UNSURE}[report.verdict],
    }


def picture_row(stream) -> dict:
    from avtools.dsp.ambisonics import order_of
    from avtools.stream.batch import FINE, NO

    spatial, problems = stream.spatial, []
    width, height = stream.size
    is_wide = width == 2 * height or width == height
    layout = spatial.projection or (None if is_wide else "flat")
    if spatial.is_360 and spatial.stereo != "mono":
        layout += f" {spatial.stereo}"
    has_field = any(order_of(n) or n == 6 for n in stream.sounds)
    if is_wide and has_field and not spatial.is_360:
        problems = ["no spatial metadata"]
    return {
        "rate": stream.rate,
        "duration": stream.duration,
        "layout": layout,
        "confidence": 1.0 if spatial.is_360 else None,
        "problems": problems,
        "status": NO if problems else FINE,
    }
