"""Stereo: the two channels change places. Ambisonics of any order: the sound field is mirrored
left-right, which changes the sign of the channels that are odd in azimuth (Y at first order).
Both are exact: flipping twice gives back every bit.

A video keeps its picture as it is, packet for packet, and gets the flipped sound. With --picture
the picture is mirrored too, which re-encodes it; in stereoscopic pictures the eyes change places
as well, as they must.

The channels keep their convention: FuMa in, FuMa out.

--check flips nothing: it looks and listens, and says whether left and right of the sound are
exchanged against the picture. Where the sound is, by level and delay between the channels, must go
with what moves in time with it. Ambisonics is compared with a 360 picture (--equirect where the
file does not say that it is one), stereo with an ordinary one; the picture of a sound file is named
by --video. verdict is aligned, flipped or unsure; flipped is a probability that was calibrated on
scenes whose truth is known; confidence is how far it is from one half, 0 to 1. With -v there is a
line for each ten seconds, too. Sound without sides (mono, two equal channels, silent or centred),
pictures in which nothing moves in time with it, and whatever else does not tell, are unsure. The
exit status is 0 if aligned, 1 if flipped, 3 if unsure. --plot draws both positions over time.

--fix checks each input and writes it: flipped where the answer is flipped, unchanged else. The row
of the answer goes to standard error. A pipe's sound is kept on disk until the answer is known.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer

from avtools.commands.options import (
    CRF,
    FROM,
    SIGNAL,
    Crf,
    Equirect,
    From,
    Inputs,
    Manner,
    Outputs,
    Plot,
    Video,
    check_beside,
    one_of,
    option,
)
from avtools.errors import AvtoolsError, note, warn
from avtools.verdicts import TableForm

COLUMNS = ("file", "verdict", "flipped", "confidence")


def flip(
    inputs: Inputs,
    outputs: Outputs,
    form: TableForm,
    manner: Manner,
    from_: From = "auto",
    picture: Annotated[
        bool, typer.Option("--picture", help="Mirror the picture as well (re-encodes it).")
    ] = False,
    crf: Crf = None,
    check: Annotated[
        bool,
        option("--check", help="Say if sight and sound disagree: exit 0 no, 1 yes, 3 unsure."),
    ] = False,
    fix: Annotated[
        bool, option("--fix", help="Flip what --check finds flipped, copy the rest.")
    ] = False,
    video: Video = None,
    equirect: Equirect = False,
    model: Annotated[
        str | None,
        option("--model", metavar="NAME", help="What answers: signal (no network), the default."),
    ] = None,
    plot: Plot = None,
):
    """Swap left and right; mirror ambisonics left-right. Or check if that is needed.

    \b
    Examples:
      avtools flip talk.wav -o flipped.wav
      avtools flip clips/ -d flipped/ --jobs 4
      avtools flip 360.mp4 --picture -o mirrored.mp4
      avtools flip --check talk.mp4
      avtools flip --check clips/ --format json | jq 'select(.verdict == "flipped").file'
      avtools flip --fix clips/ -d fixed/
    """
    from avtools.each import filter_each, write_rows

    one_of("--from", from_, FROM)
    if crf is not None and not picture:
        raise AvtoolsError("--crf goes with --picture")
    crf = CRF if crf is None else crf
    if not check and not fix:
        refuse_those_of_check(video=video, equirect=equirect, model=model, plot=plot, **vars(form))
        return filter_each(
            inputs,
            outputs,
            partial(flipped, from_=from_),
            picture=partial(mirrored_picture, crf=crf) if picture else None,
        )
    if picture or (check and fix):
        raise AvtoolsError("give only one of --check, --fix and --picture")
    one_of("--model", model or SIGNAL, (SIGNAL,))
    check_beside(None, plot)
    wish = Wish(video, equirect, from_, plot)
    from avtools.stream.targets import videos_of

    also = videos_of(video, inputs.items())
    from avtools.verdicts import Aside, check_plots, picture_of, rows_of

    if check:
        rows = rows_of(outputs, form, "--fix")
        work = partial(checked, inputs, wish, bar=rows.jobs == 1)
        beside = {"--plot": plot}
        return write_rows(inputs, rows, COLUMNS, work, answers=True, beside=beside, also=also)
    check_plots(inputs, plot, also)
    aside = Aside(COLUMNS, form)
    if outputs.jobs > 1 and not outputs.dry_run:
        aside.begin()
    one = partial(fixed, inputs, wish, aside)
    return filter_each(inputs, outputs, one=one, also=also, video=picture_of(outputs, video))


def refuse_those_of_check(**given) -> None:
    for name, value in given.items():
        if value not in (None, False):
            raise AvtoolsError(f"--{name.replace('_', '-')} goes with --check or --fix")


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


@dataclass(frozen=True)
class Wish:
    """What is asked of each check; it travels to other processes."""

    video: str | None
    equirect: bool
    from_: str
    plot: str | None


def checked(inputs: Inputs, wish: Wish, item, bar: bool):
    """The row of one input."""
    yield [row_of(item, answer_to(inputs, wish, item, bar))]


def row_of(item, answer) -> dict:
    from avtools.stream.batch import FINE, NO, UNSURE

    return {
        "file": item.path,
        "verdict": answer.verdict,
        "flipped": round(answer.flipped, 4),
        "confidence": round(answer.confidence, 4),
        "status": {"aligned": FINE, "flipped": NO, "unsure": UNSURE}[answer.verdict],
    }


def answer_to(inputs: Inputs, wish: Wish, item, bar: bool):
    from avtools.each import picture_beside
    from avtools.sighted import Drawing, Powers, even_rate
    from avtools.signal.flip import check
    from avtools.signal.motion import small_size
    from avtools.stream.progress import shown
    from avtools.stream.together import together

    powers = Powers()
    with together(inputs, item, wish.video, wish.equirect) as both:
        with (
            picture_beside(wish.plot, item, Drawing) as drawing,
            shown(even_rate(sides_of(both, wish.from_, powers)), item.path, bar) as sound,
        ):
            is_field = sound.channels == 4
            shots = both.pictures(small_size(*both.size, is_360=is_field))
            answer = check(sound.blocks, sound.rate, shots, is_field)
            if powers.mislead(sound.name):
                answer = doubted(answer)
            if drawing:
                drawing.show(drawn(answer, both.begin, item.path))
        for part in answer.windows:
            span = f"{both.begin + part.start:.1f} to {both.begin + part.end:.1f} s"
            note(f"{item.path}: {span}: flipped {part.flipped:.4f}")
    return answer


def doubted(answer):
    """Nothing speaks for either."""
    from dataclasses import replace

    windows = tuple(replace(part, flipped=0.5) for part in answer.windows)
    return replace(answer, verdict="unsure", flipped=0.5, confidence=0.0, windows=windows)


def drawn(answer, begin: float, title: str):
    from avtools.plot.flip import SidesPicture

    track = answer.track
    return SidesPicture(
        begin + track.times,
        track.heard,
        track.heard_weight,
        track.seen,
        track.seen_weight,
        [(begin + part.start, begin + part.end, part.flipped) for part in answer.windows],
        answer.verdict,
        answer.flipped,
        title,
    )


def sides_of(both, from_: str, powers):
    """The sound to check: two channels, or four with a 360 picture. One channel has no sides."""
    from avtools.dsp.ambisonics import STEREO, mix_blocks
    from avtools.stream.together import field_of

    sound = both.sound
    if from_ == "auto" and sound.channels == 1:
        warn(f"{sound.name}: 1 channel has neither left nor right")
        return sound.through(doubled, channels=2)
    if from_ != "auto" or sound.channels != 2:
        sound = field_of(both, from_).through(powers.watch)
        if both.is_360:
            return sound
        width, height = both.size
        if width == 2 * height:
            warn(f"{sound.name}: nothing marks its picture as 360; if it is, say --equirect")
        # Two cardioids to the sides hear it as microphones beside the camera do.
        return sound.through(mix_blocks, STEREO["wy"], channels=2)
    if both.is_360:
        warn(f"{sound.name}: stereo can't be told apart against a picture all around")
        return sound.through(centred)
    return sound.through(powers.watch)


def doubled(blocks):
    for x in blocks:
        yield x[[0, 0]]


def centred(blocks):
    for x in blocks:
        yield x.mean(axis=0, keepdims=True)[[0, 0]]


def fixed(inputs: Inputs, wish: Wish, aside, form, bar: bool, item) -> None:
    """Check, then write the input as it is or flipped."""
    from dataclasses import replace

    from avtools.each import is_video
    from avtools.stream import deliver
    from avtools.verdicts import read_twice

    with read_twice(item) as again:
        answer = answer_to(inputs, wish, item, bar)
        again()
        given = (form.codec, form.bitrate, inputs.channels, inputs.stream, form.video)
        is_plain = set(given) == {None} and not form.gain and not inputs.is_windowed
        change = answer.verdict == "flipped"
        if not change and is_plain and is_same_form(item):
            deliver.copy_file(item)
        elif not change and is_plain and is_video(item):
            deliver.copy_video(item, replace(form, copy_sound=True))
        else:
            with inputs.open(item.path) as sound:
                sound = flipped(sound, wish.from_) if change else sound
                deliver.deliver(sound, item, form, bar)
    aside.say(row_of(item, answer))


def is_same_form(item) -> bool:
    """From a file into one of the same kind: its bytes may be copied."""
    import os

    if item.target is None or not os.path.isfile(item.path):
        return False
    endings = {os.path.splitext(path)[1].lower() for path in (item.path, item.target)}
    return len(endings) == 1
