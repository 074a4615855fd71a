"""Follow the face that sounds: its box over time, from the faces in one picture of the video and
the sound. The detector looks at that picture alone: the first one with a face (and a second on,
where more of them may show), or the one at --reference SECONDS. From then on, and before, each face
is known by its looks; where nothing like it is seen, since something stands before it, the sound
says where it is, and the way to where it comes out again. With --detector boxes:FILE the boxes come
from a table, as this tool and any other detector can write it.

Of several faces the one is told whose mouth moves with the sound and whose place goes with the
sound's: of stereo by delay and level, and how much of these is how far in the picture is learned
from what is seen; of first-order ambisonics in a 360 picture by direction. Where two talk at once
it is the louder one's box, rather. Mono, silent and centred sound says nothing of sides (a
warning): then the picture and the mouths decide, with less confidence.

Rows: x and y are the top left corner, all in pixels of the source (of the left eye's picture where
there are two); in a 360 picture a box may reach beyond the right edge, where the left one goes on.
azimuth and elevation are of the box's middle, those of an ordinary picture by --fov. confidence
(0...1) is that this face sounds and is here; below --least the box is left empty. Rows come some 4
seconds after what they tell. A video without a face gives no rows, and a warning.

-o with the ending of a video writes it with the boxes drawn on and its own sound, and then --table
takes the rows (--start and --duration go without it);
other endings are the table's. --plot draws the box's way over time.
"""

from dataclasses import dataclass
from typing import Annotated

from avtools.commands.options import (
    CRF,
    FROM,
    SIGNAL,
    Crf,
    Equirect,
    Fov,
    From,
    Hop,
    Inputs,
    Manner,
    Model,
    Plot,
    Rows,
    Video,
    check_beside,
    checked_fov,
    finite,
    one_of,
    option,
    span,
)
from avtools.errors import AvtoolsError, warn

COLUMNS = ("file", "time", "x", "y", "width", "height", "azimuth", "elevation", "confidence")
LEAST = 0.05
# What is left of a confidence where the sound has no sides.
UNHEARD = 0.7


def track_faces(
    inputs: Inputs,
    rows: Rows,
    manner: Manner,
    model: Model = SIGNAL,
    video: Video = None,
    detector: Annotated[
        str,
        option(
            "--detector",
            metavar="NAME",
            show_default=True,
            help="haar, yunet:FILE, onnx:FILE or boxes:FILE.",
        ),
    ] = "haar",
    reference: Annotated[
        float | None,
        option(
            "--reference",
            metavar="SECONDS",
            min=0.0,
            help="The time of the picture with the faces: the first one with a face by default.",
        ),
    ] = None,
    hop: Hop = "0.1",
    fov: Fov = None,
    equirect: Equirect = False,
    from_: From = "auto",
    least: Annotated[
        float,
        option(
            "--least",
            metavar="CONFIDENCE",
            min=0.0,
            max=1.0,
            show_default=True,
            help="No box below it.",
        ),
    ] = LEAST,
    table: Annotated[
        str | None,
        option("--table", metavar="FILE", help="Where the rows go if -o names a video."),
    ] = None,
    crf: Crf = None,
    plot: Plot = None,
):
    """Follow the face that sounds, by eye and by ear.

    \b
    Examples:
      avtools track-faces talk.mp4
      avtools track-faces talk.mp4 -o over.mp4 --table boxes.csv
      avtools track-faces talk.mp4 --reference 12.5 --plot way.png
      avtools track-faces talk.mp4 --detector boxes:faces.csv --format json
      avtools track-faces 360.mp4 | avtools nfov 360.mp4 --towards - -o follow.mp4
    """
    from functools import partial

    from avtools.each import write_rows
    from avtools.stream.targets import videos_of

    one_of("--from", from_, FROM)
    one_of("--model", model, (SIGNAL,))
    check_beside(None, plot)
    wish = Wish(
        video=video,
        detector=detector,
        reference=None if reference is None else finite("--reference", reference),
        hop=span("--hop", hop, 48_000, least=480) / 48_000,
        fov=checked_fov(fov),
        equirect=equirect,
        from_=from_,
        least=finite("--least", least),
        crf=CRF if crf is None else crf,
        film=None,
        plot=plot,
    )
    checked_detector(detector)
    rows, wish = outputs_of(rows, wish, table, inputs, crf)
    work = partial(tracked, inputs, wish, bar=rows.jobs == 1)
    boxes = table_of(detector)
    also = videos_of(video, inputs.items()) + ([] if boxes is None else [boxes])
    return write_rows(
        inputs, rows, COLUMNS, work, beside={"--plot": plot}, over_time=True, also=also
    )


@dataclass(frozen=True)
class Wish:
    """What is asked of each input; it travels to other processes."""

    video: str | None
    detector: str
    reference: float | None
    hop: float
    fov: float
    equirect: bool
    from_: str
    least: float
    crf: int
    film: str | None
    plot: str | None


def checked_detector(spec: str):
    from avtools.faces import detector

    try:
        return detector(spec)
    except ValueError as error:
        raise AvtoolsError(f"--detector: {error}") from error


def table_of(spec: str) -> str | None:
    """The file that a detector reads boxes from."""
    name, _, path = spec.partition(":")
    return path if name == "boxes" else None


def outputs_of(rows: Rows, wish: Wish, table: str | None, inputs: Inputs, crf: int | None):
    """-o is the film's or the table's name, by its ending."""
    from dataclasses import replace

    from avtools.stream.film import is_film

    if rows.output in (None, "-") or not is_film(rows.output):
        for name, given in (("--table", table), ("--crf", crf)):
            if given is not None:
                raise AvtoolsError(f"{name} goes with a video as output, as in -o over.mp4")
        return rows, wish
    from avtools.stream.targets import refuse_doubles, refuse_same

    items = inputs.items()
    if len(items) > 1:
        raise AvtoolsError(f"-o {rows.output} shows one input, not {len(items)}")
    if inputs.is_windowed:
        raise AvtoolsError(
            f"{rows.output}: --start and --duration can't cut a picture; take the table alone"
        )
    sources = [item.path for item in items] + [wish.video or items[0].path]
    refuse_same([*sources, *inputs.lists], [rows.output])
    refuse_doubles([path for path in (rows.output, table, wish.plot) if path not in (None, "-")])
    return replace(rows, output=table), replace(wish, film=rows.output)


def tracked(inputs: Inputs, wish: Wish, item, bar: bool):
    """The rows of one file; the film and the drawing are made of them."""
    from dataclasses import replace

    from avtools.each import picture_beside
    from avtools.plot.faces import FaceFilm, FacePicture
    from avtools.signal.follow_faces import followed, listening
    from avtools.signal.track_faces import at_times
    from avtools.stream.progress import shown
    from avtools.stream.together import together

    with (
        together(inputs, item, wish.video, wish.equirect) as both,
        picture_beside(wish.plot, item, lambda: FacePicture(item.path, both.size[0])) as drawn,
        shown(both.sound, item.path, bar) as sound,
    ):
        heard, ear = listening(replace(both, sound=sound), wish.from_)
        reference = faces_in(both, wish, item)
        film = FaceFilm(wish.hop, both.is_360)
        if reference is None:
            warn(f"{item.path}: {nobody(wish)}")
        else:
            if drawn:
                drawn.show(reference.picture, reference.boxes)
            ways = followed(both, reference, heard, ear)
            for boxes in at_times(ways, wish.hop, both.seconds):
                rows = [row_of(item.path, both, box, heard.told, wish) for box in boxes]
                for box, row in zip(boxes, rows, strict=True):
                    if row["x"] is not None:
                        place = tuple(row[name] for name in ("x", "y", "width", "height"))
                        if wish.film:
                            film.add((box.step + 0.5) * wish.hop, place, row["confidence"])
                        if drawn:
                            drawn.add(row["time"], place[0], place[2], box.is_seen, box.face)
                yield rows
            if not heard.told:
                warn(f"{item.path}: its sound comes from no side, the picture alone decided")
        if wish.film:
            film.save(both.video, wish.film, wish.crf, both.base, bar)


def nobody(wish: Wish) -> str:
    if wish.detector.startswith("boxes:"):
        path = wish.detector.removeprefix("boxes:")
        return f"no boxes of it in {path} (see its column file), no rows"
    if wish.reference is None:
        return "no face found, no rows (--detector takes other finders, and boxes from a file)"
    return f"no face found at {wish.reference:g} s, no rows (--reference takes another time)"


def faces_in(both, wish: Wish, item):
    """The picture with the faces; None where there are none."""
    from avtools.signal.follow_faces import reference_of

    detector = checked_detector(wish.detector)
    at = None if wish.reference is None else wish.reference - both.begin
    try:
        return reference_of(both, detector, item.path, at)
    except ValueError as error:
        raise AvtoolsError(f"{item.path}: {error}") from error


def row_of(path: str, both, box, is_heard: bool, wish: Wish) -> dict:
    """A row; without a box where it would be a guess."""
    confidence = box.confidence * (1.0 if is_heard else UNHEARD)
    time = both.begin + (box.step + 0.5) * wish.hop
    row = dict.fromkeys(COLUMNS) | {"file": path, "time": round(time, 6)}
    row["confidence"] = round(confidence, 4)
    if confidence < wish.least:
        return row
    width, height = both.size
    x = box.x % 1.0 if both.is_360 else box.x
    azimuth, elevation = direction(x + box.width / 2, box.y + box.height / 2, both, wish.fov)
    return row | {
        "x": round(x * width, 2),
        "y": round(box.y * height, 2),
        "width": round(box.width * width, 2),
        "height": round(box.height * height, 2),
        "azimuth": azimuth,
        "elevation": elevation,
    }


def direction(x: float, y: float, both, fov: float) -> tuple[float, float]:
    """Azimuth and elevation of a place, given as shares of the picture."""
    import numpy as np

    from avtools.dsp.sphere import angles, rounded_azimuth, unit_vectors

    if both.is_360:
        ray = unit_vectors(360 * (0.5 - x), 180 * (0.5 - min(max(y, 0.0), 1.0)))
    else:
        width, height = both.size
        slope = 2 * np.tan(np.deg2rad(fov) / 2)
        tall = height / (width * both.facts.aspect)
        ray = np.array([1.0, slope * (0.5 - x), slope * tall * (0.5 - y)])
    azimuth, elevation = angles(ray)
    return rounded_azimuth(float(azimuth)), round(float(elevation), 2)
