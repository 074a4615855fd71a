"""Delay between channels by the generalised cross-correlation with phase transform (GCC-PHAT),
in windows over time, one row a window and pair of channels.

A delay is positive where the first channel of the pair leads: for stereo, where the sound comes
from the left. It is found between samples, to some thousandths of a sample in a good recording.
With --spacing METRES (the distance between the two microphones) it becomes an azimuth, +90 on
the side of the first; two microphones can't tell front from back.

strength is the height of the correlation's peak: 1 for one source without echo and noise, near 0
where the channels have nothing in common. The delay is left empty where chance could make such a
peak (once in a thousand windows), below a strength of 0.1 and in silence; --threshold sets another
level, 0 none. A peak at the very edge of what --max-delay allows is left out too.

--smooth SECONDS averages the correlation over time: surer and steadier, but slower to follow a
source that moves (--threshold 0.05 then shows weaker ones, too). --low and --high limit the
frequencies; the uppermost quarter of the band fades out in any case.

--features FILE writes the correlation itself: an array (windows, pairs, lags), the lags from
-max-delay to +max-delay in samples, scaled to -1...1; .npz adds `time`, `lag` (seconds) and `pair`.
With --window 512s --hop 160s it stands beside a log-mel spectrogram of that hop.
"""

from typing import Annotated

import typer

from avtools.commands.options import (
    Features,
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
    checked_spacing,
    finite,
    option,
    span,
)
from avtools.errors import AvtoolsError

COLUMNS = ("file", "time", "pair", "delay", "azimuth", "strength")


def gcc_phat(
    inputs: Inputs,
    rows: Rows,
    manner: Manner,
    pairs: Annotated[
        str | None,
        option("--pairs", metavar="LIST", help="Channels, as in 0-1,0-2; by default all pairs."),
    ] = None,
    max_delay: Annotated[
        str | None,
        option(
            "--max-delay",
            metavar="TIME",
            help="Look within this: seconds, or samples as in 48s; 0.001 by default, or what "
            "--spacing allows.",
        ),
    ] = None,
    spacing: Annotated[
        float | None,
        option("--spacing", metavar="METRES", help="Between the microphones: gives an azimuth."),
    ] = None,
    window: Window = "0.1",
    hop: Hop = "0.05",
    smooth: Smooth = 0.0,
    low: Low = 50.0,
    high: High = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="STRENGTH", show_default=False, help="No delay below it (0...1).", max=1.0
        ),
    ] = None,
    features: Features = None,
    plot: Plot = None,
):
    """Find the delay between channels over time (GCC-PHAT).

    \b
    Examples:
      avtools gcc-phat talk.wav
      avtools gcc-phat talk.wav --spacing 0.2 --smooth 0.3 --plot talk.png
      avtools gcc-phat array.wav --pairs 0-1,0-2 --max-delay 0.0005 --format json
      avtools gcc-phat clips/ --window 512s --hop 160s --features lags/ -o delays.csv
    """
    from functools import partial

    from avtools.each import write_rows

    wish = {
        "pairs": parse_pairs(pairs),
        "max_delay": max_delay,
        "spacing": checked_spacing(spacing, 1000),
        "window": window,
        "hop": hop,
        "smooth": finite("--smooth", smooth),
        "low": low,
        "high": high,
        "threshold": None if threshold is None else finite("--threshold", threshold),
    }
    check_beside(features, plot)
    work = partial(found, inputs, wish, features, plot, bar=rows.jobs == 1, watched=rows.is_watched)
    beside = {"--features": features, "--plot": plot}
    return write_rows(inputs, rows, COLUMNS, work, beside=beside, over_time=True)


def found(inputs: Inputs, wish: dict, features, plot, item, bar: bool, watched: bool):
    """The rows of one file."""
    from contextlib import ExitStack

    import numpy as np

    from avtools.each import array_beside, picture_beside, strip_below
    from avtools.stream.progress import shown

    with ExitStack() as stack:
        sound = stack.enter_context(inputs.open(item.path))
        finder = finder_for(sound, wish)
        names = [f"{a}-{b}" for a, b in finder.pairs]
        lags = np.arange(-finder.most, finder.most + 1) / finder.rate
        axes, shape = {"lag": lags, "pair": np.array(names)}, (len(names), len(lags))

        def picture():
            from avtools.plot.delay import DelayMap

            return DelayMap(lags, names, item.path, wish["spacing"])

        def strip():
            from avtools.plot.strip import DelayStrip

            return DelayStrip(lags[-1], names)

        array = stack.enter_context(array_beside(features, item, shape, axes))
        drawn = stack.enter_context(picture_beside(plot, item, picture))
        below = stack.enter_context(strip_below(watched, strip))
        sound = stack.enter_context(shown(sound, item.path, bar))
        begin = inputs.begin(item.path)
        for part in finder.through(sound.blocks):
            times = part.times + begin
            if array:
                array.add(times, part.curves)
            if drawn:
                drawn.add(times, part.curves, part.delays)
            if below:
                for time, delays, weight in zip(times, part.delays, part.strengths, strict=True):
                    below.add(time, delays, weight)
            yield rows_of(item.path, times, names, part, wish["spacing"])


def rows_of(path: str, times, names: list[str], part, spacing: float | None) -> list[dict]:
    from avtools.dsp.delays import delay_to_azimuth

    angles = part.delays if spacing is None else delay_to_azimuth(part.delays, spacing)
    columns = (times, part.delays, angles, part.strengths)
    return [
        {
            "file": path,
            "time": round(time, 6),
            "pair": name,
            "delay": round(delay, 9),
            "azimuth": None if spacing is None else round(azimuth, 2),
            "strength": round(strength, 4),
        }
        for time, *each in zip(*(c.tolist() for c in columns), strict=True)
        for name, delay, azimuth, strength in zip(names, *each, strict=True)
    ]


def finder_for(sound, wish: dict):
    """What looks for delays in this sound."""
    from avtools.dsp.delays import SPEED_OF_SOUND, DelayFinder

    rate, spacing = sound.rate, wish["spacing"]
    size = span("--window", wish["window"], rate, least=32)
    if wish["max_delay"] is not None:
        most = span("--max-delay", wish["max_delay"], rate)
    else:
        most = span("--max-delay", "0.001", rate)
        if spacing is not None:
            # A sample more: the peak of a source at the very side must not lie on the edge.
            most = int(spacing / SPEED_OF_SOUND * rate) + 2
    pairs = pairs_in(sound, wish["pairs"])
    if spacing is not None and len(pairs) > 1:
        raise AvtoolsError(
            f"{sound.name}: --spacing is of one pair, and there are {len(pairs)}; choose one, as "
            "in --pairs 0-1 (doa --array is for more)"
        )
    if most >= size:
        raise AvtoolsError(
            f"--window {wish['window']}: {size} samples, too short for delays of {most}"
        )
    low, high = band(wish["low"], wish["high"], rate)
    try:
        return DelayFinder(
            rate=rate,
            size=size,
            hop=span("--hop", wish["hop"], rate),
            most=most,
            pairs=pairs,
            low=low,
            high=high,
            smooth=wish["smooth"],
            threshold=wish["threshold"],
        )
    except ValueError as error:
        raise AvtoolsError(f"{sound.name}: {error}") from error


def parse_pairs(text: str | None) -> list[tuple[int, int]] | None:
    if text is None:
        return None
    pairs = []
    for part in text.split(","):
        first, dash, second = part.strip().partition("-")
        both = [n for n in (first, second) if n.isascii() and n.isdigit() and len(n) < 6]
        if not dash or len(both) < 2 or int(first) == int(second):
            raise AvtoolsError(f"--pairs {text}: expected two channels each, as in 0-1,0-2")
        pairs.append((int(first), int(second)))
    return pairs


def pairs_in(sound, wanted: list[tuple[int, int]] | None) -> list[tuple[int, int]]:
    from itertools import combinations

    if sound.channels < 2:
        raise AvtoolsError(f"{sound.name}: 1 channel, but a delay is between 2")
    for c in (c for pair in wanted or () for c in pair):
        if c >= sound.channels:
            raise AvtoolsError(
                f"{sound.name}: no channel {c}: its {sound.channels} channels count from 0"
            )
    return wanted or list(combinations(range(sound.channels), 2))
