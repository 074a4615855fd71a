"""The scene turns, not the listener: +yaw takes the front to the left (as if the camera panned
right), +pitch takes it down (the camera tilts up), +roll lowers the left side. The turns are made
in the order yaw, pitch, roll: R = Rx(-roll) Ry(pitch) Rz(yaw), with x front, y left, z up; the
same triple means the same to ffmpeg's v360=e:e. --order names another order.

--inverse turns the scene back, as a head tracker needs it: the angles are then the head's.
--convention iem takes the angles of the IEM SceneRotator (roll lifts the left side; roll, pitch,
yaw), sparta those of the SPARTA rotator (angles of the head: +yaw takes the front to the right).

--track FILE is a CSV of the times in seconds at which angles are known, with a line of names:
time,yaw,pitch,roll (pitch and roll may be missing). Between two times the scene turns along the
shortest way at one speed, without clicks; before the first and after the last it rests. Angles of
the options are added as a turn that comes after those of the track.

What comes out is AmbiX, whatever came in. The first channel, W, is never changed. Stereo that is
locked to the head (channels 5 and 6 of such a track) stays as it is.
"""

from functools import partial
from typing import Annotated

import typer

from avtools.commands.options import CRF, FROM, Crf, From, Inputs, Manner, Outputs, one_of
from avtools.errors import AvtoolsError

CONVENTIONS = ("avtools", "iem", "sparta")


def rotate_foa(
    inputs: Inputs,
    outputs: Outputs,
    manner: Manner,
    yaw: Annotated[float, typer.Option(help="Degrees; + takes the front to the left.")] = 0.0,
    pitch: Annotated[float, typer.Option(help="Degrees; + takes the front down.")] = 0.0,
    roll: Annotated[float, typer.Option(help="Degrees; + lowers the left side.")] = 0.0,
    order: Annotated[
        str,
        typer.Option(help="Which turn comes first: ypr, yrp, pyr, pry, ryp or rpy."),
    ] = "ypr",
    inverse: Annotated[
        bool, typer.Option("--inverse", help="Turn the other way round: the angles are the head's.")
    ] = False,
    convention: Annotated[
        str, typer.Option(help="Whose angles these are: avtools, iem or sparta.")
    ] = "avtools",
    track: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Turn over time: CSV with time,yaw,pitch,roll."),
    ] = None,
    from_: From = "auto",
    picture: Annotated[
        bool,
        typer.Option("--picture", help="Turn the equirectangular picture too (re-encodes it)."),
    ] = False,
    crf: Crf = None,
):
    """Turn the sound field of first-order ambisonics.

    \b
    Examples:
      avtools rotate-foa in.wav --yaw 90 -o out.wav
      avtools rotate-foa in.wav --yaw 90 | avtools convert --to binaural -o out.wav
      avtools rotate-foa 360.mp4 --yaw -30 --picture -o turned.mp4
      avtools rotate-foa in.wav --track head.csv --inverse -o out.wav
    """
    import math

    from avtools.each import filter_each

    one_of("--from", from_, FROM)
    if crf is not None and not picture:
        raise AvtoolsError("--crf goes with --picture")
    crf = CRF if crf is None else crf
    one_of("--convention", convention, CONVENTIONS)
    from avtools.dsp.rotation import ORDERS, rotation_matrix

    one_of("--order", order, ORDERS)
    if convention != "avtools" and order != "ypr":
        raise AvtoolsError(f"--order {order}: --convention {convention} has its own order")
    for name, angle in (("yaw", yaw), ("pitch", pitch), ("roll", roll)):
        if not math.isfinite(angle):
            raise AvtoolsError(f"--{name} {angle}: expected degrees")
    turned_by = partial(rotation_matrix, order=order, convention=convention, inverse=inverse)
    turn = turned_by(yaw, pitch, roll)
    if track is None:
        at = None
    else:
        from avtools.stream.tracks import Track

        at = Track.read(track, turned_by, turn)
    return filter_each(
        inputs,
        outputs,
        partial(rotated, turn=turn, at=at, from_=from_),
        also=[] if track is None else [track],
        picture=partial(turned_picture, turn=turn, at=at, crf=CRF if crf is None else crf)
        if picture
        else None,
    )


def rotated(sound, turn, at=None, from_: str = "auto"):
    """The sound field turned by a matrix, or along a track."""
    from avtools.dsp.rotation import rotate_blocks, rotate_blocks_along
    from avtools.stream.conventions import first_order

    sound = first_order(sound, from_)
    if at is not None:
        return sound.through(rotate_blocks_along, at, sound.rate)
    return sound.through(rotate_blocks, turn)


def turned_picture(spatial, video: str, turn, at, crf: int):
    """What is true of the turned picture, and what turns it."""
    from avtools.stream import picture
    from avtools.stream.projection import check_turnable
    from avtools.stream.video import video_facts

    facts = video_facts(video)
    check_turnable(spatial, facts.width, facts.height, video)
    if at is not None:
        return spatial, picture.turn_along(at.one, spatial.stereo, crf)
    return spatial, picture.turn(turn, spatial.stereo, crf)
