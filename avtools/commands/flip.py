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

from avtools.commands.options import FROM, Crf, From, Inputs, Manner, Outputs, one_of
from avtools.errors import AvtoolsError


def flip(
    inputs: Inputs,
    outputs: Outputs,
    manner: Manner,
    from_: From = "auto",
    picture: Annotated[
        bool, typer.Option("--picture", help="Mirror the picture as well (re-encodes it).")
    ] = False,
    crf: Crf = 18,
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
    return filter_each(
        inputs,
        outputs,
        partial(flipped, from_=from_),
        picture=partial(mirrored_picture, crf=crf) if picture else None,
    )


def flipped(sound, from_: str = "auto"):
    """The sound with left and right exchanged."""
    from avtools.dsp.ambisonics import mirror_matrix, mix_blocks
    from avtools.stream.conventions import convention_of

    if from_ == "auto" and sound.channels == 1:
        raise AvtoolsError(f"{sound.name}: 1 channel, but left and right need 2 (or ambisonics)")
    if from_ == "auto" and sound.channels == 2:
        matrix = mirror_matrix("stereo", 2)
    else:
        convention = convention_of(sound, from_)
        locked = 2 if sound.marks.get("head_locked") is True else 0
        matrix = mirror_matrix(convention, sound.channels, locked)
        sound.marks = sound.marks | {"convention": convention}
    return sound.through(mix_blocks, matrix)


def mirrored_picture(stereo: str, crf: int):
    from avtools.stream.picture import mirror

    return mirror(stereo, crf)
