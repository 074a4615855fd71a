"""What a directed microphone would hear that stands in the middle of first-order ambisonics:
y = p W + (1 - p) (the part of X, Y, Z along the direction), with the gain 1 towards --azimuth and
--elevation. --pattern says how much is heard beside it:

hypercardioid (p = 1/4), the default: of sound from all sides alike it lets the least through, 6.0
dB less than W does, and so, on the average, of a disturbing sound from nobody knows where. What
comes from behind is 6 dB down, nothing comes from 109 degrees off.

supercardioid (p = 0.366): 5.7 dB; the back is 11 dB down, nothing comes from 125 degrees off; of
all patterns it hears the most of the half in front against the half behind. max-re is the same:
at first order, p = 1 / (1 + sqrt 3) also makes the longest energy vector.

cardioid (p = 1/2): 4.8 dB, nothing from behind. figure-eight (p = 0): nothing from the sides.
omni (p = 1): W itself.

mvdr adapts to the sound (minimum variance, distortionless response): it finds from where other
sounds come and turns its deaf spots there, up to three at a time, in bands of 250 Hz. Where nothing
disturbs, it is the hypercardioid. What comes from within 30 degrees is taken as wanted, and the
beam moves to where it really comes from; from 40 degrees on it is removed. --smooth is how long it
remembers what disturbed: shorter follows faster, longer is more thorough. Of two talkers 60 degrees
apart in the open, the other is 23 dB down (hypercardioid: 4 dB). Echoes come from everywhere: with
0.5 s of reverberation it is hardly better than the hypercardioid. It works in windows of 40 ms;
samples that are no numbers are taken as silence.

Several beams: --azimuth 30,-30 gives a channel each, in this order; one --elevation is that of all.
What comes out is plain sound, not ambisonic. Stereo that is locked to the head (channels 5 and 6 of
such a track) is left out.

--towards TABLE moves the beam: the table (CSV or JSON Lines, - is standard input) names columns
time, azimuth and elevation, as those of doa and track-faces do, and may name source and file.
Between its rows the beam turns along the great circle, before the first and after the last it
rests; gains change without clicks. --source 1,2 follows these sources, each in a channel; without
it one beam stays with a source as long as there are rows of it, then goes over to another. Times
count from the beginning of the file, also with --start. Of a table about several files the
rows with the name of this one count; one about another file is taken for this one, and that is
said.

--plot draws the patterns, and the way of beams that move.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from avtools.commands.options import FROM, From, Inputs, Manner, Outputs, one_of, option
from avtools.errors import AvtoolsError, warn

MVDR = "mvdr"
NAMES = "hypercardioid supercardioid max-re cardioid figure-eight omni mvdr"
MOST_BEAMS = 64
SMOOTH, LONGEST_SMOOTH = 1.0, 60.0
PLOT_STEP = 0.02  # seconds


def beamform(
    inputs: Inputs,
    outputs: Outputs,
    manner: Manner,
    azimuth: Annotated[
        str | None,
        option("--azimuth", metavar="DEGREES", help="+ is left; several as in 30,-30. Default: 0."),
    ] = None,
    elevation: Annotated[
        str | None,
        option("--elevation", metavar="DEGREES", help="+ is up; one, or one a beam. Default: 0."),
    ] = None,
    pattern: Annotated[
        str,
        option("--pattern", metavar="NAME", help=NAMES.replace(" ", ", ") + ".", show_default=True),
    ] = "hypercardioid",
    towards: Annotated[
        str | None,
        option(
            "--towards", metavar="TABLE", help="Follow its time,azimuth,elevation (- is stdin)."
        ),
    ] = None,
    source: Annotated[
        str | None,
        option(
            "--source",
            metavar="LIST",
            help="Which sources of the table, a beam each; by default one beam, on the one there.",
        ),
    ] = None,
    smooth: Annotated[
        float | None,
        option(
            "--smooth", metavar="SECONDS", help=f"How long mvdr remembers. Default: {SMOOTH:g}."
        ),
    ] = None,
    from_: From = "auto",
    plot: Annotated[
        str | None,
        option("--plot", metavar="FILE", help="Draw the beams: .png, .svg or .pdf."),
    ] = None,
):
    """Listen in a direction of first-order ambisonics.

    \b
    Examples:
      avtools beamform foa.wav --azimuth 30 --elevation 10 -o out.wav
      avtools beamform foa.wav --azimuth 30,-30 --pattern mvdr -o talkers.wav
      avtools doa foa.wav | avtools beamform foa.wav --towards - -o followed.wav
      avtools beamform 360.mp4 --azimuth=-90 --pattern cardioid -o right.mp4
    """
    from avtools.each import filter_each

    one_of("--from", from_, FROM)
    one_of("--pattern", pattern, tuple(NAMES.split()))
    if towards is None and source is not None:
        raise AvtoolsError("--source goes with --towards")
    if towards is not None and not (azimuth is None and elevation is None):
        raise AvtoolsError("--towards says where to listen: leave out --azimuth and --elevation")
    if smooth is not None and pattern != MVDR:
        raise AvtoolsError("--smooth goes with --pattern mvdr")
    wish = Wish(
        directions=parse_directions(azimuth, elevation) if towards is None else (),
        towards=towards,
        sources=parse_sources(source),
        pattern=pattern,
        smooth=SMOOTH if smooth is None else checked_smooth(smooth),
        begin=inputs.begin,
        from_=from_,
        plot=plot,
    )
    check_beside(inputs, wish)
    also = [path for path in (towards, plot) if path not in (None, "-")]
    return filter_each(inputs, outputs, partial(formed, wish=wish), also=also)


@dataclass(frozen=True)
class Wish:
    """What is asked of each input."""

    directions: tuple[tuple[float, float], ...]  # azimuth and elevation of each beam at rest
    towards: str | None
    sources: list[str] | None
    pattern: str
    smooth: float
    begin: Callable[[str], float]  # time of the first sample of a file
    from_: str
    plot: str | None


def parse_directions(azimuth: str | None, elevation: str | None) -> tuple:
    azimuth, elevation = ("0" if text is None else text for text in (azimuth, elevation))
    azimuths = parse_degrees("--azimuth", azimuth, 360)
    elevations = parse_degrees("--elevation", elevation, 90)
    count = max(len(azimuths), len(elevations))
    if any(len(angles) not in (1, count) for angles in (azimuths, elevations)):
        raise AvtoolsError(
            f"--azimuth {azimuth} --elevation {elevation}: {len(azimuths)} and {len(elevations)} "
            "angles, expected as many, or one for all"
        )
    if count > MOST_BEAMS:
        raise AvtoolsError(f"--azimuth: {count} beams, expected {MOST_BEAMS} at most")
    each = (a * (count if len(a) == 1 else 1) for a in (azimuths, elevations))
    return tuple(zip(*each, strict=True))


def parse_degrees(name: str, text: str, most: float) -> list[float]:
    angles = []
    for part in text.split(","):
        try:
            angle = float(part)
        except ValueError:
            angle = float("nan")
        if not -most <= angle <= most:  # also what is not a number
            raise AvtoolsError(
                f"{name} {text}: expected degrees from -{most:g} to {most:g}, several as in 30,-30"
            )
        angles.append(angle)
    return angles


def parse_sources(text: str | None) -> list[str] | None:
    if text is None:
        return None
    sources = [part.strip() for part in text.split(",")]
    if not all(sources) or len(sources) > MOST_BEAMS:
        raise AvtoolsError(f"--source {text}: expected up to {MOST_BEAMS} sources, as in 1,2")
    return sources


def checked_smooth(smooth: float) -> float:
    if not 0 <= smooth <= LONGEST_SMOOTH:  # also what is not a number
        raise AvtoolsError(f"--smooth {smooth:g}: expected seconds from 0 to {LONGEST_SMOOTH:g}")
    return smooth


def check_beside(inputs, wish: Wish) -> None:
    """The table and the drawing against the inputs."""
    if wish.plot is None and wish.towards != "-":
        return
    what = "--towards -" if wish.towards == "-" else "--plot"
    if inputs.files_from == "-":
        raise AvtoolsError(f"{what} is for one input: name it, not --files-from -")
    items = inputs.items()
    if wish.towards is not None:
        from avtools.stream.directions import stdin_is_free

        stdin_is_free(wish.towards, items)
    if len(items) > 1:
        raise AvtoolsError(f"{what} is for one input, not for {len(items)}")
    if wish.plot is not None:
        from avtools.plot.figure import check_plot
        from avtools.stream.targets import refuse_same

        check_plot(wish.plot)
        tables = [] if wish.towards is None else [wish.towards]
        refuse_same([*tables, *(item.path for item in items)], [wish.plot])


def formed(sound, wish: Wish):
    """The beams of a sound, a channel each."""
    from avtools.dsp.ambisonics import mix_blocks
    from avtools.dsp.beam import PATTERNS, beam_blocks_along, beam_gains
    from avtools.dsp.mvdr import mvdr_blocks
    from avtools.stream.conventions import first_order

    sound = first_order(sound, wish.from_)
    if sound.channels > 4:
        warn(f"{sound.name}: its head-locked stereo is left out")
    at, count = look_of(sound, wish)
    picture = None if wish.plot is None else drawing(sound, wish)
    if picture is not None and wish.towards is not None:
        at = watched_way(at, picture, wish.begin(path_of(sound)))
    facts = {"channels": count, "label": "", "marks": marks_of(sound, count)}
    if wish.pattern == MVDR:
        sound = sound.through(mvdr_blocks, at, sound.rate, wish.smooth, **facts)
    elif wish.towards is not None:
        sound = sound.through(beam_blocks_along, at, PATTERNS[wish.pattern], sound.rate, **facts)
    else:
        import numpy as np

        from avtools.stream.sound import choose

        gains = beam_gains(at(np.zeros(1))[0], PATTERNS[wish.pattern])
        sound = sound.through(choose, slice(4)).through(mix_blocks, gains, **facts)
    return sound if picture is None else sound.through(drawn, picture, wish.plot)


def look_of(sound, wish: Wish):
    """Where to listen: seconds of the sound `(n,)` -> `(n, beams, 3)`; and how many beams."""
    import numpy as np

    if wish.towards is None:
        from avtools.dsp.sphere import unit_vectors

        rest = unit_vectors(*np.array(wish.directions).T)
        return lambda seconds: np.broadcast_to(rest, (len(seconds), *rest.shape)), len(rest)
    from avtools.stream.directions import Directions

    path = path_of(sound)
    directions, begin = Directions.open(wish.towards, path, wish.sources), wish.begin(path)
    return lambda seconds: directions.at(seconds + begin), directions.count


def path_of(sound) -> str:
    return "-" if sound.name == "standard input" else sound.name


def marks_of(sound, count: int) -> dict:
    """Beams are not ambisonic; so many that they could pass for it are marked against that."""
    from avtools.dsp.ambisonics import order_of

    marks = {k: v for k, v in sound.marks.items() if k == "source"}
    return marks | ({"convention": "beams"} if order_of(count) else {})


def drawing(sound, wish: Wish):
    """The picture that is drawn at the end."""
    from avtools.dsp.beam import PATTERNS
    from avtools.plot.beam import BeamPattern

    p = PATTERNS.get(wish.pattern)  # None: mvdr has none of its own
    beams = [(f"{wish.pattern} {a:g}°, {e:g}°", a, e, p) for a, e in wish.directions]
    if wish.towards is not None:
        beams = [(f"{wish.pattern}, source {s}", 0, 0, p) for s in wish.sources or ["any"]]
    return BeamPattern(beams, sound.name, PLOT_STEP)


def watched_way(at, picture, start: float):
    """`at`, with the directions shown to the picture every so often."""
    import numpy as np

    from avtools.dsp.sphere import angles

    last = -1.0

    def seen(seconds):
        nonlocal last
        found = at(seconds)
        cells = np.floor(seconds / PLOT_STEP)
        for k in np.flatnonzero(np.diff(cells, prepend=last) > 0):
            for beam, (azimuth, elevation) in enumerate(zip(*angles(found[k]), strict=True)):
                picture.add(seconds[k] + start, beam, azimuth, elevation)
        last = cells[-1]
        return found

    return seen


def drawn(blocks, picture, path: str):
    """The same blocks; the picture is drawn when all have passed."""
    yield from blocks
    picture.save(path)
