"""Each band of the sound is moved to where the picture shows it being made: towards what moves as
the sound changes, a mouth with its syllables, a stick with its strokes. Several things are told
apart by band and by time, moving ones are followed; where nothing in the picture goes with the
sound, it stays in the middle. Nothing is trained, and no weights are needed (--model signal).

L = M + D and R = M - D: the mean of both channels is the sound that came in, sample for sample, so
nothing is lost to those who hear it in mono again. Low sounds get the delay between the ears that
a head of usual size has, those above about 700 Hz the difference in level; what rings on in the
room stays in the middle. It is made for headphones, and does no harm on loudspeakers.

--width 0 is mono; 1, the default, is what a head would hear of a sound at the place that is told,
and on simulated recordings it comes about as near as this can to what two ears took there. The
place is a mean over what may have been the source, nearer to the middle than the source itself:
1.5 or 2 shows it more plainly. --fov is the angle that an ordinary picture spans; a wider one takes
the sound farther to the sides. In a 360 picture angles are known, and sounds are heard as by one
who looks to its middle.

Stereo is refused, unless --downmix says that its mean is to be taken (or --channels 0 one of its
channels); ambisonics belongs to avtools convert --to binaural.

A video keeps its picture as it is, packet for packet (-o out.mp4); into a pipe or a sound file goes
the sound alone. --video names the picture of a sound that has none. Sound that goes on after the
last picture moves to the middle. The result comes some seconds after the sound, and is as long.
--plot draws where each band was put over time, and on the picture what was seen to sound.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

from avtools.commands.options import (
    SIGNAL,
    Equirect,
    Fov,
    Inputs,
    Manner,
    Model,
    Outputs,
    Plot,
    Video,
    check_beside,
    checked_fov,
    one_of,
    option,
)
from avtools.errors import AvtoolsError, warn

WIDTH, WIDEST = 1.0, 4.0
# Where less of the movement than this goes with the sound all along, nothing was seen to sound.
SURE = 0.1


def upmix(
    inputs: Inputs,
    outputs: Outputs,
    manner: Manner,
    model: Model = SIGNAL,
    video: Video = None,
    downmix: Annotated[
        bool, option("--downmix", help="Take the mean of stereo's channels as the mono sound.")
    ] = False,
    width: Annotated[
        float,
        option(
            "--width", metavar="NUMBER", show_default=True, help="How far to the sides: 0 is mono."
        ),
    ] = WIDTH,
    fov: Fov = None,
    equirect: Equirect = False,
    plot: Plot = None,
):
    """Make stereo for headphones out of mono and a picture.

    \b
    Examples:
      avtools upmix talk.mp4 -o wide.mp4
      avtools upmix stereo.mp4 --downmix --width 1.5 -o wide.wav
      avtools convert talk.mp4 --to mono | avtools upmix --video talk.mp4 | sox - -n stat
    """
    from avtools.each import filter_each
    from avtools.stream.targets import videos_of
    from avtools.verdicts import check_plots

    one_of("--model", model, (SIGNAL,))
    if not 0 <= width <= WIDEST:  # also what is not a number
        raise AvtoolsError(f"--width {width:g}: expected 0 to {WIDEST:g}")
    check_beside(None, plot)
    if video is not None and outputs.in_place:
        raise AvtoolsError("--video and --in-place don't go together: name the --output")
    beside = videos_of(video, inputs.items())
    check_plots(inputs, plot, beside)
    wish = Wish(video, downmix, width, checked_fov(fov), equirect, plot)
    return filter_each(inputs, outputs, one=partial(upmix_one, inputs, wish), also=beside)


@dataclass(frozen=True)
class Wish:
    """What is asked of each input; it travels to other processes."""

    video: str | None
    downmix: bool
    width: float
    fov: float
    equirect: bool
    plot: str | None


def upmix_one(inputs, wish: Wish, form, bar: bool, item) -> None:
    """One input: its own picture or another's, into a video where there is one to write."""
    from avtools.each import is_video, picture_beside
    from avtools.stream.deliver import deliver
    from avtools.stream.together import together

    if is_video(item) and wish.video is not None:
        form = replace(form, video=wish.video)
    with together(inputs, item, wish.video, wish.equirect, keep_sound=True) as both:
        mono = one_channel(both.sound, wish.downmix)
        with picture_beside(wish.plot, item, partial(drawing, both)) as picture:
            watch = Watch(both.begin, picture)
            deliver(binaural(mono, both, wish, watch), item, form, bar)
        if not watch.is_silent and watch.sure < SURE:
            warn(
                f"{mono.name}: nothing in the picture goes with the sound: both channels are alike"
            )


class Watch:
    """What is told of the work while it goes on: how sure it was at best, and the drawing."""

    def __init__(self, begin: float, picture):
        self.begin, self.picture = begin, picture
        self.sure, self.is_silent = 0.0, True

    def heard(self, blocks):
        for x in blocks:
            self.is_silent = self.is_silent and not x.any()
            yield x

    def __call__(self, times, places) -> None:
        self.sure = max(self.sure, float(places.sureness.max(initial=0.0)))
        if self.picture is not None:
            self.picture.add(self.begin + times, places.lateral, places.weight)


def one_channel(sound, downmix: bool):
    """The sound, if it is mono or --downmix makes it so."""
    from avtools.dsp.ambisonics import mix_blocks

    marks = {k: v for k, v in sound.marks.items() if k == "source"}
    if sound.channels == 1:
        return replace(sound, marks=marks)
    if sound.channels != 2:
        raise AvtoolsError(
            f"{sound.name}: {sound.channels} channels, expected 1 (--channels chooses; ambisonics "
            "goes through avtools convert --to binaural)"
        )
    if not downmix:
        raise AvtoolsError(
            f"{sound.name}: 2 channels, expected 1: it is stereo already; --downmix takes the mean "
            "of both"
        )
    return sound.through(mix_blocks, half(), channels=1, marks=marks)


def half():
    import numpy as np

    return np.full((1, 2), 0.5)


def binaural(mono, both, wish: Wish, watch: Watch):
    from avtools.signal.motion import small_size
    from avtools.signal.upmix import upmix_blocks

    pictures = both.pictures(size=small_size(*both.size, both.is_360))
    heard = mono.through(watch.heard)
    return heard.through(
        upmix_blocks, mono.rate, pictures, both.is_360, wish.fov, wish.width, watch,
        channels=2, label="stereo",
    )  # fmt: skip


def drawing(both):
    """What is told of the places is gathered here, and drawn at the end."""
    from avtools.plot.upmix import PlacesPicture
    from avtools.signal.loudness import EDGES

    _, picture = next(both.pictures(), (0.0, None))
    return PlacesPicture(both.sound.name, picture, EDGES)
