"""The options that tools share, each said once.

A tool names the groups it takes as parameters (`inputs: Inputs`); avtools/groups.py turns each
into its single options for the command line.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import typer

from avtools import errors
from avtools.errors import AvtoolsError
from avtools.numbers import parse_bitrate, parse_channels

LONGEST_SECONDS = 1e8

Files = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FILE]...",
        show_default=False,
        help="Sounds, videos, folders of them, or CSV manifests with a column `file`; "
        "- or nothing is standard input.",
    ),
]


def option(*names: str, help: str, **more):
    return typer.Option(*names, help=help, show_default=more.pop("show_default", False), **more)


@dataclass(frozen=True)
class Inputs:
    """What comes in."""

    files: Files = None
    files_from: Annotated[
        str | None,
        option("--files-from", metavar="FILE", help="Read names of inputs from FILE (- is stdin)."),
    ] = None
    null: Annotated[
        bool, option("--null", "-0", help="Names in --files-from end in NUL, not newline.")
    ] = False
    shard: Annotated[
        str | None,
        option("--shard", metavar="I/N", help="Take the Ith of N parts of the inputs (1...N)."),
    ] = None
    stream: Annotated[
        int | None,
        option("--stream", metavar="N", help="Take this stream, as `avtools probe` counts them."),
    ] = None
    start: Annotated[float, option("--start", metavar="SECONDS", min=0.0, help="Begin here.")] = 0.0
    duration: Annotated[
        float | None, option("--duration", metavar="SECONDS", min=0.0, help="Take this much.")
    ] = None
    channels: Annotated[
        str | None,
        option("--channels", metavar="LIST", help="Take these channels, from 0: 0-3 or 1,0."),
    ] = None

    def __post_init__(self):
        for name, seconds in (("start", self.start), ("duration", self.duration or 0.0)):
            if not 0 <= seconds <= LONGEST_SECONDS:
                raise AvtoolsError(f"--{name} {seconds}: expected seconds from 0 on")

    @property
    def is_windowed(self) -> bool:
        return self.start > 0 or self.duration is not None

    @cached_property
    def found(self) -> list:
        """Listed once: a list on standard input can't be read again."""
        from avtools.stream.batch import find_inputs

        return find_inputs(self.files or [], self.files_from, self.null, self.shard)

    def items(self) -> list:
        return list(self.found)

    @property
    def lists(self) -> list[str]:
        """The files that name inputs."""
        named = [] if self.files_from in (None, "-") else [self.files_from]
        return named + [f for f in self.files or [] if f.lower().endswith(".csv")]

    def open(self, path: str):
        """The sound of one input, with the window and channels that were asked for."""
        from avtools.stream.files import open_sound

        return open_sound(
            path,
            stream=self.stream,
            start=self.start,
            duration=self.duration,
            channels=parse_channels(self.channels),
        )

    def begin(self, path: str) -> float:
        """The time of the first sample that is taken, on the clock of tables."""
        from avtools.stream.clock import sound_begins

        return self.start + sound_begins(path, self.stream)


@dataclass(frozen=True)
class Outputs:
    """Where the sound goes, and in what form."""

    output: Annotated[
        str | None,
        option("--output", "-o", metavar="FILE", help="Write here; the ending names the format."),
    ] = None
    directory: Annotated[
        str | None,
        option(
            "--directory",
            "-d",
            metavar="DIR",
            help="Write each result here, its name and subfolder kept.",
        ),
    ] = None
    suffix: Annotated[
        str | None,
        option(
            "--suffix",
            metavar="TEXT",
            help="Added to names under -d; with a dot, a format "
            "too: _flipped, .flac or _flipped.flac.",
        ),
    ] = None
    in_place: Annotated[bool, option("--in-place", help="Replace each input by its result.")] = (
        False
    )
    skip_existing: Annotated[
        bool, option("--skip-existing", help="Leave inputs alone whose output exists.")
    ] = False
    dry_run: Annotated[
        bool, option("--dry-run", "-n", help="Say what would be done, and do nothing.")
    ] = False
    jobs: Annotated[int, option("--jobs", metavar="N", min=1, help="Work on N files at once.")] = 1
    codec: Annotated[
        str | None,
        option(
            "--codec",
            metavar="NAME",
            help="FFmpeg's name of the sound's codec: pcm_s16le, flac, aac, libopus, ...",
        ),
    ] = None
    bitrate: Annotated[
        str | None, option("--bitrate", metavar="RATE", help="Of a lossy codec: 256k by default.")
    ] = None
    gain: Annotated[
        float, option("--gain", metavar="DB", help="Make the result louder or, below 0, softer.")
    ] = 0.0
    stream_format: Annotated[
        str,
        option(
            "--stream-format",
            metavar="wav|au",
            help="On a pipe: WAV, or AU for other tools beyond 4 GiB.",
        ),
    ] = "wav"

    @property
    def bits_a_second(self) -> int | None:
        return parse_bitrate(self.bitrate)

    @property
    def is_au(self) -> bool:
        return one_of("--stream-format", self.stream_format, ("wav", "au")) == "au"


@dataclass(frozen=True)
class Rows:
    """How a table is written."""

    format: Annotated[
        str,
        option(
            "--format",
            metavar="NAME",
            help="table, csv or json (JSON Lines); by default a table on a terminal, else CSV.",
        ),
    ] = "auto"
    no_header: Annotated[bool, option("--no-header", help="Leave out the line of names.")] = False
    output: Annotated[
        str | None, option("--output", "-o", metavar="FILE", help="Write the table here.")
    ] = None
    jobs: Annotated[int, option("--jobs", metavar="N", min=1, help="Work on N files at once.")] = 1

    @property
    def chosen_format(self) -> str:
        is_json = (self.output or "").lower().endswith((".json", ".jsonl"))
        return "json" if self.format == "auto" and is_json else self.format

    @property
    def is_watched(self) -> bool:
        """A person reads the rows as they come, of one input after the other."""
        import sys

        to_terminal = self.output in (None, "-") and sys.stdout.isatty()
        return to_terminal and self.jobs == 1 and self.chosen_format in ("auto", "table")


@dataclass(frozen=True)
class Manner:
    quiet: Annotated[bool, option("--quiet", "-q", help="No warnings and no progress.")] = False
    verbose: Annotated[bool, option("--verbose", "-v", help="Say what is assumed.")] = False

    def obey(self) -> None:
        if self.quiet:
            errors.speaker["level"] = errors.QUIET
        elif self.verbose:
            errors.speaker["level"] = errors.VERBOSE


FROM = ("auto", "ambix", "ambix+stereo", "fuma", "n3d", "wxy", "youtube", "xywz")
From = Annotated[
    str,
    option(
        "--from",
        metavar="NAME",
        show_default=True,
        help="How the ambisonic channels are meant: auto, ambix, ambix+stereo, fuma, n3d, wxy, "
        "youtube, xywz.",
    ),
]


Window = Annotated[
    str,
    option(
        "--window",
        metavar="TIME",
        show_default=True,
        help="Length of the windows that are looked at: seconds, or samples as in 2048s.",
    ),
]
Hop = Annotated[
    str,
    option(
        "--hop", metavar="TIME", show_default=True, help="From one window (and row) to the next."
    ),
]
Low = Annotated[
    float, option("--low", metavar="HZ", min=0.0, show_default=True, help="Frequencies from here.")
]
High = Annotated[float | None, option("--high", metavar="HZ", min=0.0, help="Up to here.")]
Plot = Annotated[
    str | None,
    option(
        "--plot", metavar="FILE", help="Draw it: .png, .svg or .pdf; a folder for several inputs."
    ),
]
Features = Annotated[
    str | None,
    option(
        "--features",
        metavar="FILE",
        help="Write arrays too: .npy or .npz; a folder for several inputs.",
    ),
]
Smooth = Annotated[
    float,
    option(
        "--smooth",
        metavar="SECONDS",
        min=0.0,
        max=3600.0,
        show_default=True,
        help="Average over time.",
    ),
]
LONGEST_SPAN = 60.0

CRF = 18
Crf = Annotated[
    int | None,
    option(
        "--crf",
        metavar="N",
        min=0,
        max=63,
        help=f"Quality of the re-encoded picture: {CRF} by default, lower is better.",
    ),
]
Video = Annotated[
    str | None,
    option("--video", metavar="FILE|DIR", help="The picture, or a folder of them by stem."),
]
Equirect = Annotated[
    bool,
    option(
        "--equirect",
        help="The picture is equirectangular 360, though nothing in the file says so.",
    ),
]
SIGNAL = "signal"  # what answers without a network
Model = Annotated[
    str,
    option("--model", metavar="NAME", show_default=True, help="What answers: signal (no network)."),
]
FOV = 75.0
NARROWEST_FOV, WIDEST_FOV = 10.0, 170.0
Fov = Annotated[
    float | None,
    option(
        "--fov",
        metavar="DEGREES",
        help=f"What an ordinary picture spans from left to right: {FOV:g} by default.",
    ),
]


def one_of(name: str, value: str, values: tuple[str, ...]) -> str:
    if value not in values:
        raise AvtoolsError(f"{name} {value}: expected one of {', '.join(values)}")
    return value


def span(name: str, text: str, rate: int, least: int = 1) -> int:
    """Samples of a time that is given in seconds (0.05) or, as sox has it, in samples (2048s)."""
    number = text.strip()
    unit, number = (1, number[:-1]) if number.endswith("s") else (rate, number)
    try:
        samples = float(number) * unit
    except ValueError:
        samples = math.nan
    is_split = unit == 1 and samples % 1  # 0.05s would be seconds to anybody but sox
    if not 0 < samples <= LONGEST_SPAN * rate or is_split:
        raise AvtoolsError(
            f"{name} {text}: expected seconds up to {LONGEST_SPAN:g}, as in 0.05, or samples, as "
            "in 2048s"
        )
    if round(samples) < least:
        raise AvtoolsError(f"{name} {text}: too short, expected {least} samples or more")
    return round(samples)


def check_beside(features: str | None, plot: str | None) -> None:
    """Refuse what can't be written before anything is read."""
    from avtools.stream.targets import is_folder

    if features is not None:
        from avtools.stream.arrays import check_array_name

        check_array_name("--features", features)
    if plot is not None and not is_folder(plot):
        from avtools.plot.figure import check_plot

        check_plot(plot)


def checked_spacing(spacing: float | None, most: float) -> float | None:
    if spacing is not None and not 0.001 <= spacing <= most:
        raise AvtoolsError(f"--spacing {spacing:g}: expected metres from 0.001 to {most:g}")
    return spacing


def checked_fov(fov: float | None) -> float:
    """Degrees; what is not given is what a phone or a camera at a common zoom sees."""
    if fov is None:
        return FOV
    if not NARROWEST_FOV <= fov <= WIDEST_FOV:  # also what is not a number
        raise AvtoolsError(
            f"--fov {fov:g}: expected degrees from {NARROWEST_FOV:g} to {WIDEST_FOV:g}"
        )
    return fov


def finite(name: str, value: float) -> float:
    if not math.isfinite(value):
        raise AvtoolsError(f"{name} {value}: expected a number")
    return value


def band(low: float, high: float | None, rate: int) -> tuple[float, float]:
    """The frequencies that take part, within what the sound can hold."""
    top = rate / 2 if high is None else min(high, rate / 2)
    if not 0 <= low < top:
        raise AvtoolsError(f"nothing lies between {low:g} and {top:g} Hz; see --low and --high")
    return low, top
