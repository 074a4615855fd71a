"""Active intensity of first-order ambisonics in windows over time: where the sound comes from, how
directly, how loud. One row a window, or one a window and band with --bands.

The direction is that towards the source; --sense away gives the physical flow of energy, which
points from the source to the listener. It is the energy-weighted mean of all frequencies between
--low and --high: for several sources at once, or in a reverberant room, doa says more.

directness is the length of the mean intensity over the mean energy: 1 for one plane wave, 0 for
diffuse sound (diffuseness is 1 - directness). level is the mean square of W in dB: 0 for a square
wave of full scale, -3 for a sine. In silence (below -120 dB) only the time is told; sound without
any direction has none.

--bands octave, third (of an octave), edges such as 200,800,3200 (which need no --low and --high),
or bins for each frequency of the transform: a row for each, with its middle in Hz in a further
column, band.

--features FILE writes what networks take as "FOA-IV": an array (windows, 7, mels) of log-mel
powers of W, Y, Z, X (in dB of the sum of squares of the unscaled spectrum, not below -100), then
the mel-banded intensity along y, z, x, over the energy. With --normalise unit that is (|W|^2 +
|X|^2 + |Y|^2 + |Z|^2) / 2, so that a single plane wave has length 1; with seld |W|^2 + (|X|^2 +
|Y|^2 + |Z|^2) / 3 as in the DCASE baselines, where it has 3/4. .npz adds `time` and `mel` (the
bands' middles in Hz).
"""

import math
from itertools import pairwise
from typing import Annotated

from avtools.commands.options import (
    FROM,
    Features,
    From,
    High,
    Hop,
    Inputs,
    Low,
    Manner,
    Plot,
    Rows,
    Smooth,
    Window,
    band,
    check_beside,
    finite,
    one_of,
    option,
    span,
)
from avtools.errors import AvtoolsError

COLUMNS = ("file", "time", "azimuth", "elevation", "directness", "level")
MOST_BANDS = 4096


def intensity(
    inputs: Inputs,
    rows: Rows,
    manner: Manner,
    from_: From = "auto",
    window: Window = "0.1",
    hop: Hop = "0.05",
    smooth: Smooth = 0.0,
    low: Low = 50.0,
    high: High = None,
    bands: Annotated[
        str | None,
        option("--bands", metavar="NAME", help="octave, third, bins, or edges in Hz."),
    ] = None,
    sense: Annotated[
        str,
        option(
            "--sense",
            metavar="NAME",
            show_default=True,
            help="towards the source, or away from it as energy flows.",
        ),
    ] = "towards",
    features: Features = None,
    mels: Annotated[
        int,
        option(
            "--mels",
            metavar="N",
            min=1,
            max=1024,
            show_default=True,
            help="Mel bands of --features.",
        ),
    ] = 64,
    normalise: Annotated[
        str,
        option(
            "--normalise",
            metavar="NAME",
            show_default=True,
            help="What the intensity of --features is divided by: unit or seld.",
        ),
    ] = "unit",
    plot: Plot = None,
):
    """Say where the sound of first-order ambisonics comes from, and how directly.

    \b
    Examples:
      avtools intensity foa.wav
      avtools intensity 360.mp4 --hop 0.5 --window 0.5 --plot where.png
      avtools intensity foa.wav --bands octave --format json
      avtools intensity clips/ --window 0.04 --hop 0.02 --features iv/ -o rows.csv
    """
    from functools import partial

    from avtools.each import write_rows

    one_of("--from", from_, FROM)
    one_of("--sense", sense, ("towards", "away"))
    one_of("--normalise", normalise, ("unit", "seld"))
    wish = {
        "from": from_,
        "window": window,
        "hop": hop,
        "smooth": finite("--smooth", smooth),
        "low": low,
        "high": high,
        "bands": checked_bands(bands),
        "sense": 1 if sense == "towards" else -1,
        "mels": mels,
        "normalise": normalise,
    }
    check_beside(features, plot)
    work = partial(
        flowing, inputs, wish, features, plot, bar=rows.jobs == 1, watched=rows.is_watched
    )
    columns = COLUMNS if bands is None else (*COLUMNS, "band")
    beside = {"--features": features, "--plot": plot}
    return write_rows(inputs, rows, columns, work, beside=beside, over_time=True)


def flowing(inputs: Inputs, wish: dict, features, plot, item, bar: bool, watched: bool):
    """The rows of one file."""
    from contextlib import ExitStack

    from avtools.dsp.intensity import features as features_of
    from avtools.dsp.mel import middles
    from avtools.each import array_beside, picture_beside, strip_below
    from avtools.stream.conventions import first_order
    from avtools.stream.progress import shown

    with ExitStack() as stack:
        sound = first_order(stack.enter_context(inputs.open(item.path)), wish["from"])
        finder = finder_for(sound, wish)
        mels = finder.mels(wish["mels"])
        axes = {"mel": middles(wish["mels"], *finder.whole)}

        def picture():
            from avtools.plot.azimuth import AzimuthTrack

            return AzimuthTrack(item.path, "level (dB)")

        def strip():
            from avtools.plot.strip import AzimuthStrip

            return AzimuthStrip()

        array = stack.enter_context(array_beside(features, item, (7, wish["mels"]), axes))
        drawn = stack.enter_context(picture_beside(plot, item, picture))
        below = stack.enter_context(strip_below(watched, strip))
        sound = stack.enter_context(shown(sound, item.path, bar))
        begin = inputs.begin(item.path)
        for part in finder.through(sound.blocks):
            times = part.times + begin
            if array:
                array.add(times, features_of(part.foa, mels, wish["normalise"]))
            if drawn:
                draw(drawn, times, part, finder)
            if below:
                power = 10 ** (part.level / 10) * part.directness
                for time, azimuth, weight in zip(times, part.azimuth, power, strict=True):
                    below.add(time, azimuth, weight)
            yield rows_of(item.path, times, part, finder, wish["bands"])


def middle_of(low: float, high: float, kind: str | None) -> float:
    """What a band is called by: octaves and thirds by the standard, 1000 Hz times powers of 2."""
    parts = {"octave": 1, "third": 3}.get(kind)
    if parts is None:
        return (low + high) / 2
    return 1000 * 2 ** (round(parts * math.log2(math.sqrt(low * high) / 1000)) / parts)


def rows_of(path: str, times, part, finder, kind: str | None) -> list[dict]:
    from avtools.dsp.sphere import rounded_azimuth

    columns = (part.azimuth, part.elevation, part.directness, part.level)
    middle = [round(middle_of(low, high, kind), 3) for low, high in finder.edges]
    return [
        {
            "file": path,
            "time": round(time, 6),
            "azimuth": rounded_azimuth(azimuth),
            "elevation": round(elevation, 2),
            "directness": round(directness, 4),
            "level": round(level, 2),
        }
        | ({"band": hertz} if kind else {})
        for time, *each in zip(times.tolist(), *(c.tolist() for c in columns), strict=True)
        for hertz, azimuth, elevation, directness, level in zip(middle, *each, strict=True)
    ]


def draw(picture, times, part, finder) -> None:
    """The direction of every frequency as energy, that of the window as a dot."""
    import numpy as np

    from avtools.dsp.intensity import intensity
    from avtools.dsp.sphere import angles

    low, high = finder.whole
    used = (finder.hertz >= low) & (finder.hertz <= high) & (finder.hertz > 0)
    vectors = np.moveaxis(intensity(part.foa)[..., used], 0, -1)
    azimuth, elevation = angles(finder.sense * vectors)
    energy = np.linalg.norm(vectors, axis=-1)
    loudest = part.level.argmax(axis=1)
    for k, time in enumerate(times):
        picture.add_energy(time, azimuth[k], elevation[k], energy[k])
        one = k, loudest[k]
        picture.add_row(time, None, part.azimuth[one], part.elevation[one], part.level[one])


def finder_for(sound, wish: dict):
    """What looks at this sound."""
    from avtools.dsp.intensity import FlowFinder, band_edges

    rate = sound.rate
    size = span("--window", wish["window"], rate, least=32)
    low, high = band(wish["low"], wish["high"], rate)
    kind = wish["bands"]
    if kind is not None and kind[0].isdigit():
        low, high = 0.0, rate / 2  # the edges say it themselves
    edges = ((low, high),) if kind is None else band_edges(kind, low, high, rate / size)
    if not 0 < len(edges) <= MOST_BANDS:
        raise AvtoolsError(
            f"--bands {kind}: {len(edges)} bands between {low:g} and {high:g} Hz, "
            f"expected 1 to {MOST_BANDS}"
        )
    try:
        return FlowFinder(
            rate=rate,
            size=size,
            hop=span("--hop", wish["hop"], rate),
            edges=edges,
            smooth=wish["smooth"],
            sense=wish["sense"],
        )
    except ValueError as error:
        raise AvtoolsError(f"{sound.name}: {error}; a longer --window has more") from error


def checked_bands(bands: str | None) -> str | None:
    if bands is None or bands in ("octave", "third", "bins"):
        return bands
    try:
        edges = [float(e) for e in bands.split(",")]
    except ValueError:
        edges = []
    if len(edges) < 2 or not all(0 <= a < b < 1e6 for a, b in pairwise(edges)):
        raise AvtoolsError(
            f"--bands {bands}: expected octave, third, bins or rising edges, as in 200,800,3200"
        )
    return bands
