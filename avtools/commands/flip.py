"""Stereo: the two channels change places. Ambisonics of any order: the sound field is mirrored
left-right, which changes the sign of the channels that are odd in azimuth (Y at first order).
Both are exact: flipping twice gives back every bit.

A video keeps its picture as it is, packet for packet, and gets the flipped sound. With --picture
the picture is mirrored too, which re-encodes it; in stereoscopic pictures the eyes change places
as well, as they must.

The channels keep their convention: FuMa in, FuMa out.
"""

from functools import partial
from typing import Annotated

import typer

from avtools.commands.options import CRF, FROM, Crf, From, Inputs, Manner, Outputs, one_of
from avtools.errors import AvtoolsError


def flip(
    inputs: Inputs,
    outputs: Outputs,
    manner: Manner,
    from_: From = "auto",
    picture: Annotated[
        bool, typer.Option("--picture", help="Mirror the picture as well (re-encodes it).")
    ] = False,
    crf: Crf = None,
):
    """Swap left and right; mirror ambisonics left-right.

    \b
    Examples:
      avtools flip talk.wav -o flipped.wav
      avtools flip clips/ -d flipped/ --jobs 4
      avtools flip 360.mp4 --picture -o mirrored.mp4
    """
    from avtools.each import filter_each

    one_of("--from", from_, FROM)
    if crf is not None and not picture:
        raise AvtoolsError("--crf goes with --picture")
    crf = CRF if crf is None else crf
    return filter_each(
        inputs,
        outputs,
        partial(flipped, from_=from_),
        picture=partial(mirrored_picture, crf=crf) if picture else None,
    )


def flipped(sound, from_: str = "auto"):
    """The sound with left and right exchanged."""
    from avtools.dsp.ambisonics import mirror_matrix, mix_blocks
    from avtools.stream.conventions import COUNTS, convention_of, head_locked, marks_for

    if from_ == "auto" and sound.channels == 1:
        raise AvtoolsError(f"{sound.name}: 1 channel, but left and right need 2 (or ambisonics)")
    if from_ == "auto" and sound.channels == 2:
        matrix, marks = mirror_matrix("stereo", 2), sound.marks
    else:
        convention = convention_of(sound, from_)
        locked = 0 if COUNTS[convention] else head_locked(sound)
        matrix = mirror_matrix(convention, sound.channels, locked)
        marks = marks_for(sound, convention, sound.channels, locked)
    return sound.through(mix_blocks, matrix, marks=marks)


def mirrored_picture(spatial, video: str, crf: int):
    """What is true of the mirrored picture, and what mirrors it."""
    from avtools.stream.picture import mirror
    from avtools.stream.projection import mirrored

    return mirrored(spatial, video), mirror(spatial.stereo, crf)
