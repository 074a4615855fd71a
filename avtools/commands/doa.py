"""Where sounds come from, several at once, over time: one row a source and window, with an
identity that stays with the source while it moves, and when it comes back within 20 seconds. Two
sources that cross may change theirs.

First-order ambisonics: in each bin of very short spectra the direction is told by the intensity;
bins count as they are direct (one wave, not many), rising (before the echoes) and loud. Where the
directions gather, there is a source. Two spaced microphones (--spacing METRES, channel 0 on the
left) and arrays (--array FILE) are steered by GCC-PHAT (SRP-PHAT). A pair tells only the angle to
its axis, taken as azimuth -90 to 90 in front; it leaves the elevation empty.

--array FILE is a CSV with a line for each channel, in their order: x,y,z in metres, x front,
y left, z up.

confidence is the geometric mean of two figures: the source's share of the direct sound in the
window, and its amount of direct sound against the usual amount in this recording. A single
source without room and noise has 0.6 to 1, sources in rooms 0.2 to 0.9. Silence and diffuse sound
give no rows: a source must have had more of the direct sound than chance can give to a direction,
or about a tenth of it over several windows. --sources N looks for at most N sources, and no longer
asks for that much: a weak second source is then found earlier, and diffuse sound may give rows of
low confidence. --least drops rows below a confidence.

--hop is the step from row to row. --window is what a row looks at: a longer one is surer of
sources that rest, a shorter one follows those that move. --plot draws the directions over time,
and over the sphere: on the picture, where the input is a 360 video or --video names one.
"""

from typing import Annotated

from avtools.commands.options import (
    FROM,
    SIGNAL,
    From,
    Hop,
    Inputs,
    Manner,
    Model,
    Plot,
    Rows,
    Window,
    check_beside,
    checked_spacing,
    finite,
    one_of,
    option,
    span,
)
from avtools.errors import AvtoolsError

COLUMNS = ("file", "time", "source", "azimuth", "elevation", "confidence")
# Peaks that are looked for where nobody says how many sources there are.
MOST = 4
# Parts that a hop may be taken in, so that windows of any length come out.
MOST_PARTS = 40
# Windows over which evidence for a source is gathered.
MEMORY = 4
# Shares that make a source where --sources says that there is one.
TOLD_BIRTH, TOLD_SURE = 0.04, 0.03


def doa(
    inputs: Inputs,
    rows: Rows,
    manner: Manner,
    model: Model = SIGNAL,
    sources: Annotated[
        int | None,
        option("--sources", metavar="N", min=1, max=8, help="At most so many at a time."),
    ] = None,
    from_: From = "auto",
    spacing: Annotated[
        float | None,
        option("--spacing", metavar="METRES", help="Two microphones so far apart, the left first."),
    ] = None,
    array: Annotated[
        str | None,
        option("--array", metavar="FILE", help="Where each microphone is: CSV of x,y,z, metres."),
    ] = None,
    window: Window = "0.5",
    hop: Hop = "0.1",
    low: Annotated[
        float | None,
        option("--low", metavar="HZ", min=0.0, help="Frequencies from here: 200 by default."),
    ] = None,
    high: Annotated[
        float | None,
        option("--high", metavar="HZ", min=0.0, help="Up to here: 6000, arrays 8000, by default."),
    ] = None,
    least: Annotated[
        float,
        option("--least", metavar="CONFIDENCE", min=0.0, max=1.0, help="Leave out rows below it."),
    ] = 0.0,
    plot: Plot = None,
    video: Annotated[
        str | None,
        option("--video", metavar="FILE", help="The 360 picture to draw on, or a folder of them."),
    ] = None,
):
    """Say where sounds come from, several at once.

    \b
    Examples:
      avtools doa foa.wav
      avtools doa 360.mp4 --plot where.png
      avtools doa foa.wav --sources 2 --format json
      avtools doa stereo.wav --spacing 0.2
      avtools doa mics.wav --array mics.csv
      avtools doa foa.wav | avtools beamform foa.wav --towards - -o out.wav
    """
    from functools import partial

    from avtools.each import write_rows

    one_of("--from", from_, FROM)
    one_of("--model", model, (SIGNAL,))
    if video is not None and plot is None:
        raise AvtoolsError("--video is what --plot draws on: it goes with --plot")
    if spacing is not None and array is not None:
        raise AvtoolsError("give only one of --spacing and --array")
    if (spacing is not None or array is not None) and from_ != "auto":
        raise AvtoolsError("--from is of ambisonics, --spacing and --array of microphones")
    wish = {
        "sources": sources,
        "from": from_,
        "spacing": checked_spacing(spacing, 10),
        "array": array,
        "window": window,
        "hop": hop,
        "low": low,
        "high": high,
        "least": finite("--least", least),
        "video": video,
    }
    check_beside(None, plot)
    work = partial(located, inputs, wish, plot, bar=rows.jobs == 1, watched=rows.is_watched)
    beside, also = {"--plot": plot}, [path for path in (array, video) if path is not None]
    return write_rows(inputs, rows, COLUMNS, work, beside=beside, over_time=True, also=also)


def located(inputs: Inputs, wish: dict, plot: str | None, item, bar: bool, watched: bool):
    """The rows of one file."""
    from contextlib import ExitStack
    from itertools import islice

    from avtools.dsp.tracking import Tracker
    from avtools.each import picture_beside, strip_below
    from avtools.stream.progress import shown

    with ExitStack() as stack:
        sound = stack.enter_context(inputs.open(item.path))
        sound, listener, knows_elevation, every = listener_for(sound, wish)
        told = wish["sources"] is not None
        tracker = Tracker(
            hop=every * listener.hop / listener.rate,
            memory=MEMORY * listener.slots * listener.hop / listener.rate,
            birth=TOLD_BIRTH if told else listener.birth,
            sure=TOLD_SURE if told else listener.sure,
            most=wish["sources"],
        )

        def picture():
            from avtools.plot.direction import DirectionPicture

            return DirectionPicture(item.path, frame(item, wish["video"], inputs.start))

        def strip():
            from avtools.plot.strip import AzimuthStrip

            return AzimuthStrip(tracker.hop)

        drawn = stack.enter_context(picture_beside(plot, item, picture))
        below = stack.enter_context(strip_below(watched, strip))
        sound = stack.enter_context(shown(sound, item.path, bar))
        begin = inputs.begin(item.path)
        for heard in islice(listener.through(sound.blocks), None, None, every):
            chance = 0.0 if told else heard.chance
            found = tracker.add(heard.directions, heard.shares, heard.total, chance)
            time = heard.time + begin
            rows = [row_of(item.path, time, source, knows_elevation) for source in found]
            rows = [row for row in rows if row["confidence"] >= wish["least"]]
            if drawn:
                draw(drawn, time, heard, rows)
            for row in rows if below else ():
                below.add(row["time"], row["azimuth"], row["confidence"])
            yield rows


def row_of(path: str, time: float, source, knows_elevation: bool) -> dict:
    from avtools.dsp.sphere import angles, rounded_azimuth

    azimuth, elevation = angles(source.direction)
    return {
        "file": path,
        "time": round(time, 6),
        "source": source.identity,
        "azimuth": rounded_azimuth(float(azimuth)),
        "elevation": round(float(elevation), 2) if knows_elevation else None,
        "confidence": round(source.confidence, 4),
    }


def draw(picture, time: float, heard, rows: list[dict]) -> None:
    from avtools.dsp.sphere import angles

    picture.add_energy(time, *angles(heard.cloud), heard.weights)
    for row in rows:
        where = row["source"], row["azimuth"]
        picture.add_row(time, *where, row["elevation"], row["confidence"])
        picture.mark(*where, row["elevation"] or 0.0)


def listener_for(sound, wish: dict):
    """The sound as it is listened to, what listens, whether it knows elevations, and which of its
    rows are wanted: every one, every second, ...
    """
    rate = sound.rate
    hop, slots, every = divided(
        span("--window", wish["window"], rate, least=32), span("--hop", wish["hop"], rate, least=32)
    )
    common = {
        "rate": rate,
        "hop": hop,
        "slots": slots,
        "most": MOST if wish["sources"] is None else wish["sources"] + 1,
    } | {edge: wish[edge] for edge in ("low", "high") if wish[edge] is not None}
    try:
        if wish["spacing"] is not None or wish["array"] is not None:
            return *by_array(sound, wish, common), every
        return *by_field(sound, wish, common), every
    except ValueError as error:
        raise AvtoolsError(f"{sound.name}: {error}") from error


def divided(window: int, hop: int) -> tuple[int, int, int]:
    """Samples of a slot, slots of a window, and slots from row to row.

    A slot is a part of the hop, such that the window is within 5 % of so many slots.
    """
    for every in range(1, MOST_PARTS + 1):
        slots = max(1, round(window * every / hop))
        if abs(slots * hop / every - window) <= 0.05 * window or every * 32 >= hop:
            break
    return max(32, round(hop / every)), slots, every


def by_field(sound, wish: dict, common: dict):
    from avtools.dsp.listening import FoaListener
    from avtools.stream.conventions import first_order

    if sound.channels == 2 and wish["from"] == "auto":
        raise AvtoolsError(
            f"{sound.name}: 2 channels; of two spaced microphones say their distance, as in "
            "--spacing 0.2"
        )
    return first_order(sound, wish["from"]), FoaListener(**common), True


def by_array(sound, wish: dict, common: dict):
    from avtools.dsp.steered import ArrayListener, pair_positions

    if wish["array"] is not None:
        from avtools.stream.geometry import read_geometry

        positions = read_geometry(wish["array"], sound.channels)
    else:
        if sound.channels != 2:
            raise AvtoolsError(
                f"{sound.name}: {sound.channels} channels, but --spacing is of 2 microphones "
                "(--channels chooses, --array is for more)"
            )
        positions = pair_positions(wish["spacing"])
    listener = ArrayListener(positions=positions, **common)
    return sound, listener, listener.elevation_known


def frame(item, video: str | None, start: float):
    """The picture that directions are drawn on, or None where there is none that shows them."""
    import os

    from avtools.stream.files import VIDEO_SUFFIXES
    from avtools.stream.targets import video_for

    path = item.path if video is None else video_for(video, item)
    if video is None and os.path.splitext(path)[1].lower() not in VIDEO_SUFFIXES:
        return None
    from avtools.stream.deliver import picture_path
    from avtools.stream.projection import check_turnable
    from avtools.stream.spatial import read_spatial
    from avtools.stream.video import frames, video_facts
    from avtools.stream.view import eye_of, left_eye

    try:
        facts, spatial = video_facts(picture_path(path)), read_spatial(path)
        check_turnable(spatial, facts.width, facts.height, path)
        first = next((picture for _, picture in frames(path, start=facts.start + start)), None)
        return None if first is None else eye_of(first, left_eye(spatial))
    except AvtoolsError:
        if video is not None:
            raise
        return None  # a sound in a box of videos, or a picture that is not of the whole sphere
