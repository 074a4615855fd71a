"""Of a mixture, what the picture shows: a talker out of two, the player without the street. The
output has the channels of the input, the source as it is heard at each ear, echoes included.

Two sounds and a noise are told apart by where they come from (delays between two channels, or
directions in first-order ambisonics) and by their spectra, which come and go together; each is
taken out by the Wiener filter of all channels, which for a sound from one place is Souden's MVDR
with a mask behind it. The pictured one is the sound whose rhythm goes with what moves and whose
place is where that is seen. Where this is not clear, the output holds a share of both. --model
signal is this method, which needs no network.

--at says which of several things in the picture is meant: degrees (+ is left; --fov is how much the
picture spans), 25% or 480px from the left edge. Without it the one that goes best with the sound is
taken. --rest OUT writes all else: both files add up to the input.

--video A --video B, for one mixture and two pictures, takes out what each shows and writes them
under the names of the pictures, with -d DIR; --rest is then what neither shows. Pictures may be cut
out of a larger one: only their rhythm counts.

Stereo and ambisonics (of a picture of 360 degrees or an ordinary one) are taken. Ambisonics comes
out as AmbiX. Work goes on in stretches of 12 s that overlap; what comes out lies 20 s behind. Where
nothing in the picture goes with the sound, a warning says so, and the stronger sound is taken.
Samples that are no numbers become zeros.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

from avtools.commands.options import (
    FROM,
    SIGNAL,
    Equirect,
    Fov,
    From,
    Inputs,
    Manner,
    Model,
    Outputs,
    checked_fov,
    one_of,
    option,
)
from avtools.errors import AvtoolsError, note, warn


def separate(
    inputs: Inputs,
    outputs: Outputs,
    manner: Manner,
    model: Model = SIGNAL,
    video: Annotated[
        list[str] | None,
        option(
            "--video",
            metavar="FILE|DIR",
            help="The picture, or a folder of them by stem; twice for two pictures of one mixture.",
        ),
    ] = None,
    rest: Annotated[
        str | None, option("--rest", metavar="FILE", help="Write here what is left of the input.")
    ] = None,
    at: Annotated[
        str | None,
        option(
            "--at",
            metavar="AZIMUTH|X",
            help="Where in the picture it is: degrees (+ is left), or 25% or 480px from the left.",
        ),
    ] = None,
    from_: From = "auto",
    fov: Fov = None,
    equirect: Equirect = False,
):
    """Take what the picture shows out of a mixture.

    \b
    Examples:
      avtools separate concert.mp4 --rest street.wav -o player.wav
      avtools separate two.mp4 --at 30 -o left_one.mp4
      avtools separate both.wav --video anna.mp4 --video ben.mp4 -d voices/
      avtools separate 360.mp4 --at=-90 | avtools convert --to binaural -o right.wav
    """
    from avtools.each import filter_each
    from avtools.stream import targets

    one_of("--model", model, (SIGNAL,))
    one_of("--from", from_, FROM)
    pictures = tuple(video or ())
    check_pictures(pictures, outputs, at)
    items = inputs.items()
    beside = [path for video in pictures for path in targets.videos_of(video, items)]
    made = []
    if items and (rest is not None or len(pictures) == 2):
        made = outputs_of(items, outputs, pictures, rest)
        read = [*beside, *inputs.lists, items[0].path]
        targets.refuse_same(read, made[1:] if outputs.in_place else made)
    wish = Wish(pictures, tuple(made[1:]), parse_at(at), from_, checked_fov(fov), equirect)
    work = partial(filter_each, inputs, one=partial(separate_one, inputs, wish), also=beside)
    return into_several(items[0], outputs, made, work) if made else work(outputs)


def check_pictures(pictures: tuple[str, ...], outputs: Outputs, at: str | None) -> None:
    if len(pictures) > 2:
        raise AvtoolsError(f"{len(pictures)} pictures: expected one or two --video")
    if pictures and outputs.in_place:
        raise AvtoolsError("--video and --in-place don't go together: name the --output")
    if len(pictures) == 2 and (outputs.directory is None or outputs.output is not None):
        raise AvtoolsError("two pictures make two outputs: give --directory DIR, not --output")
    if len(pictures) == 2 and at is not None:
        raise AvtoolsError("--at is for one picture, not for two")


def outputs_of(items, outputs: Outputs, pictures: tuple[str, ...], rest) -> list[str | None]:
    """Where each picture's sound goes, and then the rest, if it is wanted: all of one input."""
    from avtools.stream import targets

    if len(items) > 1:
        what = "two pictures are" if rest is None else "--rest is"
        raise AvtoolsError(f"{what} for one input, not for {len(items)}")
    if rest == "-":
        raise AvtoolsError("--rest -: expected a file of its own")
    o = outputs
    if len(pictures) == 2:
        if items[0].is_stdin:
            raise AvtoolsError("two pictures: the sound is read twice, so it has to be a FILE")
        made = [targets.named_after(video, items[0], o.directory, o.suffix) for video in pictures]
        if made[0] == made[1]:
            raise AvtoolsError(f"--video: by the names of both pictures it would be {made[0]}")
    else:
        chosen = targets.assign(items, o.output, o.directory, o.suffix, o.in_place)
        made = [item.target for item in chosen]
    made += [] if rest is None else [rest]
    targets.refuse_doubles(["/dev/stdout" if path is None else path for path in made])
    return made


def into_several(item, outputs: Outputs, made: list[str | None], work) -> int:
    """One input with several outputs: left alone where all of them exist, and each is told of."""
    import os

    from avtools.stream.batch import FINE
    from avtools.stream.targets import announce

    if outputs.skip_existing and all(path and os.path.exists(path) for path in made):
        return FINE
    first = {"output": made[0], "directory": None, "suffix": None, "skip_existing": False}
    code = work(replace(outputs, **({"skip_existing": False} if outputs.in_place else first)))
    if outputs.dry_run:
        announce([replace(item, target=path) for path in made[1:]])
    return code


@dataclass(frozen=True)
class Wish:
    """What is asked of each input; it travels to other processes."""

    videos: tuple[str, ...]
    others: tuple[str, ...]  # what is written besides an input's own target
    at: tuple[float, str] | None  # how much, and of what: degrees, % or px
    from_: str
    fov: float
    equirect: bool


def parse_at(text: str | None) -> tuple[float, str] | None:
    import math

    if text is None:
        return None
    unit = next((u for u in ("%", "px") if text.strip().endswith(u)), "")
    try:
        number = float(text.strip().removesuffix(unit))
    except ValueError:
        number = math.nan
    least, most = {"": (-360, 360), "%": (0, 100), "px": (0, 1e6)}[unit]
    if not least <= number <= most:  # also what is not a number
        raise AvtoolsError(f"--at {text}: expected degrees, or 25% or 480px from the left")
    return number, unit


def separate_one(inputs, wish: Wish, form, bar: bool, item) -> None:
    """One input: what each picture shows, then the rest."""
    from contextlib import ExitStack

    from avtools.signal.spool import Spool
    from avtools.stream.deliver import check_target, deliver
    from avtools.stream.together import together

    targets = [item.target, *wish.others]
    forms = [form_of(form, k, target, wish) for k, target in enumerate(targets)]
    for one, target in zip(forms[1:], targets[1:], strict=True):
        check_target(target, one)
    if inputs.is_windowed and any(map(is_film, targets)):
        raise AvtoolsError("--start and --duration can't cut a picture; take sound: -o out.wav")
    with ExitStack() as stack:
        views = [
            stack.enter_context(together(inputs, item, v, wish.equirect, keep_sound=True))
            for v in wish.videos or (None,)
        ]
        sound = channels_of(views[0], wish.from_)
        spools = [stack.enter_context(Spool(sound.channels)) for _ in targets[1:]]
        first = sound.through(taken_out, sound, views, wish, spools)
        deliver(first, replace(item, target=targets[0]), forms[0], bar)
        for spool, one, target in zip(spools, forms[1:], targets[1:], strict=True):
            waiting = replace(sound, blocks=spool.blocks(), frames=spool.frames)
            deliver(waiting, replace(item, target=target), one, bar)


def is_film(target: str | None) -> bool:
    import os

    from avtools.stream.files import VIDEO_SUFFIXES

    return os.path.splitext(target or "")[1].lower() in VIDEO_SUFFIXES


def form_of(form, place: int, target: str | None, wish: Wish):
    """A video that is written has the picture that was looked at."""
    if not (is_film(target) and wish.videos):
        return form
    return replace(form, video=wish.videos[min(place, len(wish.videos) - 1)])


def channels_of(both, from_: str):
    """Two channels, or first-order ambisonics."""
    from avtools.stream.together import field_of

    sound = both.sound
    if sound.channels == 1 and from_ == "auto":
        raise AvtoolsError(
            f"{sound.name}: 1 channel, but what comes from where is told by 2 (or ambisonics)"
        )
    if sound.channels == 2 and from_ == "auto":
        return sound
    return field_of(both, from_)


def taken_out(blocks, sound, views, wish: Wish, spools):
    """What the first picture shows; all else waits in the spools."""
    from avtools.sighted import Powers
    from avtools.signal.motion import movement, small_size
    from avtools.signal.separate import Found, separate_blocks

    known, found, powers = wanted(sound, views, wish), Found(), Powers()
    blocks = powers.watch(blocks)
    seen = [movement(v.pictures(size=small_size(*v.size, v.is_360)), v.is_360) for v in views]
    for made in separate_blocks(blocks, sound.rate, seen, known, found):
        for spool, waiting in zip(spools, made[1:], strict=False):
            spool.add(waiting)
        yield made[0]
    if powers.mislead(sound.name):
        return
    if not found.is_seen and not found.is_silent:
        warn(f"{sound.name}: nothing in the picture goes with the sound: the stronger one is taken")
    elif found.count:
        note(f"{sound.name}: synchrony {found.synchrony:.2f}, certainty {found.certainty:.2f}")


def wanted(sound, views, wish: Wish):
    """What is known of the picture, for the separation."""
    from avtools.signal.separate import Wish as Known

    view = views[0]
    return Known(
        is_field=sound.channels == 4,
        is_360=view.is_360,
        fov=wish.fov,
        is_placed=len(views) == 1,
        at=None if wish.at is None else share_of(wish, view),
    )


def share_of(wish: Wish, view) -> float:
    """--at as a share of the picture's width, from the left."""
    import math

    number, unit = wish.at
    if unit:
        share = number / (100 if unit == "%" else view.size[0])
    elif view.is_360:
        share = (0.5 - number / 360) % 1
    else:
        half = math.radians(wish.fov / 2)
        if abs(number) >= 90:
            raise AvtoolsError(f"--at {number:g}: beside or behind the camera")
        share = 0.5 - math.tan(math.radians(number)) / (2 * math.tan(half))
    if not 0 <= share <= 1:
        raise AvtoolsError(
            f"--at {number:g}{unit}: lies beside the picture of {view.video} "
            f"({view.size[0]} pixels, {wish.fov:g} degrees)"
        )
    return share
