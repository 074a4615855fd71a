"""What a camera with an ordinary lens sees that stands in the middle of an equirectangular
picture: a flat, rectilinear (gnomonic) view, in which straight lines are straight. --azimuth and
--elevation are the direction in the middle of the view, --fov is the angle between its left and
right edges; its height follows from --size, since the pixels are square. --roll lowers the left
side of what is seen. Of a stereoscopic picture the left eye's is taken.

The sound turns with the view: what is in the middle of the picture is heard in front. It is the
turn of rotate-foa --yaw -AZIMUTH --pitch ELEVATION --roll ROLL. --sound says what becomes of it:
stereo (two cardioids to the sides, L = (W + Y) / 2), binaural (for headphones; a spherical head,
or the measured one of --hrir) or foa (first-order AmbiX). Stereo that is locked to the head
(channels 5 and 6 of such a track) is kept with foa only. Sound that is not ambisonic can't be
turned: mono and stereo stay as they are, with a warning.

--towards TABLE turns the view over time: the table (CSV or JSON Lines, - is standard input) names
columns time, azimuth and elevation, as those of doa and track-faces do, and may name source and
file. Between its rows the view turns along the great circle, before the first and after the last
it rests. --source follows one source of the table; without it the view stays with a source as long
as there are rows of it, then goes over to another. --smooth makes a calm camera of jittery rows:
after so many seconds 63 % of a sudden turn is done. Times are those of the file. The horizon stays
level; a view that is led over the zenith spins there.

Every frame keeps its time. The picture is encoded again (--crf) in its own codec where that can
be; marks of 360 are taken off, since the view is flat. SA3D stays with --sound foa. Into a pipe or
a sound file goes the sound alone. --plot draws the view on the first frame of the 360 picture, and
its way where it moves, beside the view itself.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

from avtools.commands.options import (
    CRF,
    FROM,
    Crf,
    From,
    Inputs,
    Manner,
    Outputs,
    one_of,
    option,
)
from avtools.errors import AvtoolsError, warn
from avtools.numbers import is_number

SOUNDS = ("stereo", "binaural", "foa")
SMOOTH = 0.25
NARROWEST, WIDEST = 1.0, 170.0
SMALLEST, LARGEST = 16, 8192
LONGEST_SMOOTH = 60.0


def nfov(
    inputs: Inputs,
    outputs: Outputs,
    manner: Manner,
    azimuth: Annotated[
        float, option("--azimuth", help="Degrees; + is left.", show_default=True)
    ] = 0.0,
    elevation: Annotated[
        float, option("--elevation", help="Degrees; + is up.", show_default=True)
    ] = 0.0,
    roll: Annotated[
        float,
        option("--roll", help="Degrees; + lowers the left side of the view.", show_default=True),
    ] = 0.0,
    fov: Annotated[
        float,
        option(
            "--fov", help="Degrees between the left and right edges: 1 to 170.", show_default=True
        ),
    ] = 90.0,
    size: Annotated[
        str,
        option("--size", metavar="WxH", help="Pixels of the view, even.", show_default=True),
    ] = "1280x720",
    towards: Annotated[
        str | None,
        option(
            "--towards", metavar="TABLE", help="Follow its time,azimuth,elevation (- is stdin)."
        ),
    ] = None,
    source: Annotated[
        str | None,
        option(
            "--source", metavar="N", help="Which source of the table: the one there by default."
        ),
    ] = None,
    smooth: Annotated[
        float | None,
        option(
            "--smooth",
            metavar="SECONDS",
            help=f"Calm the way of --towards: {SMOOTH} by default, 0 is not at all.",
        ),
    ] = None,
    from_: From = "auto",
    sound: Annotated[
        str,
        option(
            "--sound",
            metavar="NAME",
            help="What the turned sound becomes: stereo, binaural, foa.",
            show_default=True,
        ),
    ] = "stereo",
    hrir: Annotated[
        str | None,
        option(
            "--hrir", metavar="FILE|DIR", help="The head of --sound binaural: SOFA, or WAV files."
        ),
    ] = None,
    crf: Crf = None,
    plot: Annotated[
        str | None,
        option("--plot", metavar="FILE", help="Draw where the view lies: .png, .svg or .pdf."),
    ] = None,
):
    """Cut a flat view out of a 360° video, its sound turned to match.

    \b
    Examples:
      avtools nfov 360.mp4 --azimuth 40 --elevation 10 -o view.mp4
      avtools nfov 360.mp4 --fov 120 --size 1920x1080 --sound binaural -o view.mp4
      avtools doa 360.mp4 | avtools nfov 360.mp4 --towards - -o follow.mp4
      avtools nfov 360.mp4 --azimuth 90 --sound foa | avtools intensity
    """
    from avtools.each import filter_each

    one_of("--from", from_, FROM)
    one_of("--sound", sound, SOUNDS)
    if hrir is not None and sound != "binaural":
        raise AvtoolsError("--hrir goes with --sound binaural")
    for name, given in (("source", source), ("smooth", smooth)):
        if given is not None and towards is None:
            raise AvtoolsError(f"--{name} goes with --towards")
    if towards is not None and (azimuth or elevation):
        raise AvtoolsError("--towards says where to look: leave out --azimuth and --elevation")
    wish = Wish(
        azimuth=checked("azimuth", azimuth, -360, 360),
        elevation=checked("elevation", elevation, -90, 90),
        roll=checked("roll", roll, -360, 360),
        fov=checked("fov", fov, NARROWEST, WIDEST),
        size=parse_size(size),
        towards=towards,
        source=source,
        smooth=SMOOTH if smooth is None else checked("smooth", smooth, 0, LONGEST_SMOOTH),
        from_=from_,
        sound=sound,
        hrir=hrir,
        crf=CRF if crf is None else crf,
        plot=plot,
    )
    check_beside(inputs, outputs, wish)
    also = [path for path in (towards, plot) if path not in (None, "-")]
    return filter_each(inputs, outputs, one=partial(view_one, inputs, wish), also=also)


@dataclass(frozen=True)
class Wish:
    """What is asked of each input; it travels to other processes."""

    azimuth: float
    elevation: float
    roll: float
    fov: float
    size: tuple[int, int]
    towards: str | None
    source: str | None
    smooth: float
    from_: str
    sound: str
    hrir: str | None
    crf: int
    plot: str | None


def checked(name: str, value: float, low: float, high: float) -> float:
    if not low <= value <= high:  # also what is not a number
        raise AvtoolsError(f"--{name} {value:g}: expected {low:g} to {high:g}")
    return value


def parse_size(text: str) -> tuple[int, int]:
    parts = text.lower().split("x")
    if len(parts) == 2 and all(map(is_number, parts)):
        width, height = map(int, parts)
        if width % 2 or height % 2:
            even = f"{width + width % 2}x{height + height % 2}"
            raise AvtoolsError(f"--size {text}: expected even numbers, as in {even}")
        if all(SMALLEST <= n <= LARGEST for n in (width, height)):
            return width, height
    raise AvtoolsError(
        f"--size {text}: expected WIDTHxHEIGHT, {SMALLEST} to {LARGEST} each, as in 1280x720"
    )


def check_beside(inputs, outputs, wish: Wish) -> None:
    """The table and the drawing against the inputs."""
    from avtools.stream.targets import refuse_same

    items = inputs.items()
    if wish.towards is not None:
        from avtools.stream.directions import stdin_is_free

        stdin_is_free(wish.towards, items)
        if wish.towards == "-" and len(items) > 1:
            raise AvtoolsError(f"--towards - is for one input, not for {len(items)}: name a file")
        refuse_same([wish.towards], [] if outputs.output is None else [outputs.output])
    if wish.plot is not None:
        from avtools.plot.figure import check_plot

        check_plot(wish.plot)
        if len(items) > 1:
            raise AvtoolsError(f"--plot draws one input, not {len(items)}")
        refuse_same([item.path for item in items], [wish.plot])


def view_one(inputs, wish: Wish, form, bar: bool, item) -> None:
    """The picture and the sound of an input share one way over time."""
    from avtools.each import is_video
    from avtools.stream import deliver

    has_picture = is_video(item)
    look = look_of(item, wish)
    save = drawing(item, wish, look, is_checked=has_picture) if wish.plot else None
    if has_picture:
        form = replace(form, picture=partial(flat_picture, wish=wish, look=look))
    if has_picture and is_silent(item):
        deliver.copy_video(item, form)
    else:
        with inputs.open(item.path) as sound:
            view_sound(sound, inputs, wish, look, form, bar, item)
    if save:
        save()


def view_sound(sound, inputs, wish: Wish, look, form, bar: bool, item) -> None:
    """Deliver the sound as the view hears it, with its picture where the form has one."""
    from avtools.stream import deliver

    if not is_flat(sound, wish.from_):
        begin = inputs.begin(item.path) if look.moves else 0.0
        return deliver.deliver(heard(sound, wish, look, begin), item, form, bar)
    what = "mono" if sound.channels == 1 else "stereo"
    warn(f"{sound.name}: its sound is {what}, not ambisonic: it stays as it is")
    if form.picture and untouched(inputs, form):
        return deliver.copy_video(item, form)
    return deliver.deliver(sound, item, form, bar)


def look_of(item, wish: Wish):
    """Where the view of one input looks."""
    from avtools.stream.gaze import Gaze, Rest, look_at

    if wish.towards is None:
        return Rest(look_at(wish.azimuth, wish.elevation, wish.roll))
    from avtools.stream.directions import Directions

    sources = None if wish.source is None else [wish.source]
    directions = Directions.open(wish.towards, item.path, sources)
    return Gaze(lambda seconds: directions.at(seconds)[:, 0], wish.smooth, wish.roll)


def is_flat(sound, from_: str) -> bool:
    """Mono and stereo, unless somebody says that they are more."""
    return sound.channels <= 2 and from_ == "auto"


def untouched(inputs, form) -> bool:
    """Nothing is asked of the sound: its packets may be copied."""
    asked = (form.codec, form.bitrate, form.gain, inputs.channels)
    return not any(asked) and inputs.stream is None


def is_silent(item) -> bool:
    """A video without sound: its view has none either."""
    from avtools.stream.deliver import picture_path
    from avtools.stream.streams import list_streams

    kinds = {facts.kind for facts in list_streams(picture_path(item.path))}
    return "video" in kinds and not kinds & {"audio", "unknown audio"}


def heard(sound, wish: Wish, look, begin: float):
    """The sound turned as the view is, in the layout asked for."""
    from avtools.dsp.ambisonics import STEREO, mix_blocks
    from avtools.dsp.rotation import rotate_blocks, rotate_blocks_along
    from avtools.stream.conventions import first_order

    sound = first_order(sound, wish.from_)
    if wish.sound != "foa" and sound.channels > 4:
        warn(f"{sound.name}: its head-locked stereo is left out (--sound foa keeps it)")
        sound = sound.through(first_four, channels=4)
    if look.moves:
        sound = sound.through(rotate_blocks_along, lambda t: look(t + begin), sound.rate)
    else:
        sound = sound.through(rotate_blocks, look.one(0.0))
    if wish.sound == "binaural":
        from avtools.commands.convert import binaural

        return binaural(sound, wish.hrir)
    if wish.sound == "stereo":
        marks = {k: v for k, v in sound.marks.items() if k == "source"}
        return sound.through(mix_blocks, STEREO["wy"], channels=2, label="", marks=marks)
    return sound


def first_four(blocks):
    for x in blocks:
        yield x[:4]


def flat_picture(spatial, video: str, wish: Wish, look):
    """What is true of the view, and what cuts it."""
    from avtools.stream.clock import file_begins
    from avtools.stream.projection import check_turnable
    from avtools.stream.spatial import Spatial
    from avtools.stream.video import video_facts
    from avtools.stream.view import Flat, cut, left_eye

    facts = video_facts(video)
    check_turnable(spatial, facts.width, facts.height, video)
    true = Spatial(ambisonic_order=spatial.ambisonic_order, head_locked=spatial.head_locked)
    base = file_begins(video)
    flat = Flat(*wish.size, wish.fov)
    return true, cut(lambda time: look.one(time - base), flat, left_eye(spatial), wish.crf)


def drawing(item, wish: Wish, look, is_checked: bool):
    """What is to be drawn is read before the work; what is given back draws it after."""
    from avtools.plot.view import ViewPicture
    from avtools.stream.clock import file_begins
    from avtools.stream.deliver import picture_path
    from avtools.stream.projection import check_turnable
    from avtools.stream.spatial import read_spatial
    from avtools.stream.video import frames
    from avtools.stream.view import Flat, eye_of, left_eye

    video = picture_path(item.path)
    time, sphere = next(frames(video), (0.0, None))
    time -= file_begins(video)
    if sphere is None:
        raise AvtoolsError(f"{video}: no frame that can be decoded, and --plot draws on one")
    spatial = read_spatial(video)
    if not is_checked:
        check_turnable(spatial, sphere.shape[1], sphere.shape[0], video)
    shown = eye_of(sphere, left_eye(spatial))
    picture = ViewPicture(item.path, shown, Flat(*wish.size, wish.fov), look.one(time))
    return lambda: picture.save(wish.plot, look.trail.after(time) if look.moves else None)
