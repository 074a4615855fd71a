"""By how many degrees is the sound of a 360 video turned against its picture? The sound is
first-order ambisonics, the picture equirectangular; both in one file, or the sound alone and the
picture by --video. What is heard from a direction when something there moves speaks for a turn that
brings both together: over the whole recording, over all turns, for things that move about and for
those that stay and move in time with their sound.

yaw is the turn of the sound: after rotate-foa --yaw 180 the answer is 180. pitch and roll are 0
unless --pitch-roll looks for any rotation, as after a camera that was mounted upside down; a
single thing that stays where it is can't tell these. confidence is the probability that the answer
is right within 3 degrees (15 with --pitch-roll). verdict: aligned within --tolerance, misaligned,
or unsure, which is the answer where nothing moves, the sound comes from everywhere, or sight and
sound go different ways.

--check answers scripts by the exit status: 0 aligned, 1 misaligned, 3 unsure.

--apply sends on the sound turned back by the answer, as rotate-foa --yaw -ANSWER does: to standard
output, or into the file or video that -o names (its picture is copied). The row then goes to
standard error. Sound whose answer is unsure stays as it is, with a warning. Since the answer needs
all of the sound, a pipe's sound is kept on disk until it is known.

The whole recording makes one answer; --start and --duration choose a part, and of less than three
seconds the confidence is low. Pictures carry the mark of 360 that cameras and players use (avtools
convert --spherical writes it); without it one that is twice as wide as high is taken for 360 with a
warning, which --equirect spares. Of pictures with two eyes the left one is looked at. --plot draws
the evidence for every turn, and the sound on the picture before and after it is turned back.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from avtools.commands.options import (
    FROM,
    SIGNAL,
    Equirect,
    From,
    Inputs,
    Manner,
    Model,
    Outputs,
    Plot,
    Video,
    check_beside,
    one_of,
    option,
)
from avtools.errors import AvtoolsError, warn
from avtools.verdicts import TableForm

COLUMNS = ("file", "yaw", "pitch", "roll", "confidence", "verdict")
TOLERANCE = 15.0


def align360(
    inputs: Inputs,
    outputs: Outputs,
    form: TableForm,
    manner: Manner,
    model: Model = SIGNAL,
    video: Video = None,
    equirect: Equirect = False,
    from_: From = "auto",
    check: Annotated[
        bool,
        option("--check", help="Exit status 0 if aligned, 1 if misaligned, 3 if unsure."),
    ] = False,
    apply: Annotated[
        bool, option("--apply", help="Send on the sound, turned back by the answer.")
    ] = False,
    tolerance: Annotated[
        float,
        option("--tolerance", metavar="DEGREES", help="Aligned within so much.", show_default=True),
    ] = TOLERANCE,
    pitch_roll: Annotated[
        bool, option("--pitch-roll", help="Look for any rotation, not only about the vertical.")
    ] = False,
    plot: Plot = None,
):
    """Say by how much the sound of a 360 video is turned against its picture.

    \b
    Examples:
      avtools align360 360.mp4
      avtools align360 foa.wav --video 360.mp4
      avtools align360 clips/ --format json --jobs 4
      avtools align360 360.mp4 --check || avtools align360 360.mp4 --apply -o fixed.mp4
      avtools rotate-foa foa.wav --yaw 180 | avtools align360 --video 360.mp4
    """
    from avtools.each import filter_each, write_rows
    from avtools.verdicts import Aside, check_plots, picture_of, rows_of

    one_of("--from", from_, FROM)
    one_of("--model", model, (SIGNAL,))
    if check and apply:
        raise AvtoolsError("give only one of --check and --apply")
    if not 0 <= tolerance <= 180:
        raise AvtoolsError(f"--tolerance {tolerance:g}: expected degrees from 0 to 180")
    check_beside(None, plot)
    wish = Wish(video, equirect, from_, check, tolerance, pitch_roll, plot)
    from avtools.stream.targets import videos_of

    also = videos_of(video, inputs.items())
    if not apply:
        rows = rows_of(outputs, form, "--apply")
        work = partial(answered, inputs, wish, bar=rows.jobs == 1)
        beside = {"--plot": plot}
        return write_rows(inputs, rows, COLUMNS, work, answers=True, beside=beside, also=also)
    check_plots(inputs, plot, also)
    aside = Aside(COLUMNS, form)
    if outputs.jobs > 1 and not outputs.dry_run:
        aside.begin()
    one = partial(applied, inputs, wish, aside)
    return filter_each(inputs, outputs, one=one, also=also, video=picture_of(outputs, video))


@dataclass(frozen=True)
class Wish:
    """What is asked of each input; it travels to other processes."""

    video: str | None
    equirect: bool
    from_: str
    check: bool
    tolerance: float
    pitch_roll: bool
    plot: str | None


def answered(inputs: Inputs, wish: Wish, item, bar: bool):
    """The row of one input."""
    yield [row_of(item, wish, answer_to(inputs, wish, item, bar))]


def row_of(item, wish: Wish, answer) -> dict:
    from avtools.stream.batch import FINE, NO, UNSURE

    status = {"aligned": FINE, "misaligned": NO, "unsure": UNSURE}[answer.verdict]
    return {
        "file": item.path,
        "yaw": answer.yaw,
        "pitch": answer.pitch,
        "roll": answer.roll,
        "confidence": round(answer.confidence, 4),
        "verdict": answer.verdict,
        "status": status if wish.check else FINE,
    }


def answer_to(inputs: Inputs, wish: Wish, item, bar: bool):
    from dataclasses import replace

    from avtools.each import picture_beside
    from avtools.sighted import Drawing, Powers, even_rate
    from avtools.signal.align360 import align
    from avtools.signal.motion import small_size
    from avtools.stream.progress import shown
    from avtools.stream.together import field_of, together

    powers = Powers()
    with together(inputs, item, wish.video, wish.equirect, kind="360") as both:
        field = field_of(both, wish.from_).through(powers.watch)
        size = small_size(*both.size, is_360=True)
        with (
            picture_beside(wish.plot, item, Drawing) as drawing,
            shown(even_rate(field), item.path, bar) as sound,
        ):
            answer = align(
                sound.blocks, sound.rate, both.pictures(size), wish.tolerance, wish.pitch_roll
            )
            if powers.mislead(sound.name):
                answer = replace(answer, verdict="unsure", confidence=0.0)
            if drawing:
                drawing.show(drawn(answer, both, wish.tolerance, item.path))
    return answer


def drawn(answer, both, tolerance: float, title: str):
    from avtools.plot.align360 import TurnPicture
    from avtools.signal.turn import STEP_DEG

    return TurnPicture(
        answer.curve,
        STEP_DEG,
        answer.yaw,
        answer.confidence,
        answer.verdict,
        next((picture for _, picture in both.pictures()), None),
        answer.heard,
        title,
        answer.pitch,
        answer.roll,
        tolerance,
    )


def applied(inputs: Inputs, wish: Wish, aside, form, bar: bool, item) -> None:
    """Answer, then send the sound through the turn that undoes what was found."""
    from avtools.commands.rotate_foa import rotated
    from avtools.dsp.rotation import rotation_matrix
    from avtools.stream import deliver
    from avtools.verdicts import read_twice

    with read_twice(item) as again:
        answer = answer_to(inputs, wish, item, bar)
        again()
        angles = (answer.yaw, answer.pitch, answer.roll)
        if answer.verdict == "unsure":
            warn(f"{item.path}: unsure by how much its sound is turned: it stays as it is")
            angles = (0.0, 0.0, 0.0)
        turn = rotation_matrix(*angles, inverse=True)
        if not any(angles[1:]):  # to the last bit what rotate-foa --yaw -ANSWER does
            turn = rotation_matrix(-angles[0])
        with inputs.open(item.path) as sound:
            deliver.deliver(rotated(sound, turn, from_=wish.from_), item, form, bar)
    aside.say(row_of(item, wish, answer))
