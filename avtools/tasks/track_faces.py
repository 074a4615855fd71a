"""Where is the face that sounds, given the faces of one picture? Against a truth with boxes.

The faces' true boxes are given of one picture, the one that shows most of them, biggest first. From
then on, and before, a box is asked for at every time at which a face sounds; of several the loudest
counts.
"""

from collections import defaultdict

import numpy as np

from avtools.datasets.clip import Clip
from avtools.datasets.listing import table
from avtools.tasks.task import Columns, Score, Task, heard, mean

BOX = ("x", "y", "width", "height")
COLUMNS = ("ap50", "iou", "share_hit", "x_error_percent", "y_error_percent")
# Of a face so much must be seen for its box to be given.
SEEN = 0.3
HIT_IOU = 0.5


def examine(clips: tuple[Clip, ...], model: str, rng: np.random.Generator) -> dict:
    from avtools.metrics import boxes

    sound, rate = heard(clips[0], (2, 4))
    faces = faces_of(truth_rows(clips[0]))
    size = clips[0].see(fps=1, duration=1e-3).shape[2:0:-1]
    times, truth = asked(faces)
    time, given = reference(faces)
    if model == "still":
        found, sure = np.repeat(given[:1], len(times), axis=0), np.ones(len(times))
    else:
        made = followed(clips[0], sound, rate, size, (time, given), model == "signal")
        nearest = abs(made[0] - times[:, None]).argmin(axis=1)
        found, sure = (values[nearest] for values in made[1:])
    if len(sound) == 4:
        found = around(found, truth, size[0])
    figures = boxes.evaluate(truth, found, size, sure)
    return {name: figures[name] for name in COLUMNS} | {
        "hit": (np.nan_to_num(boxes.iou(truth, found)) >= HIT_IOU).astype(float),
        "sure": sure,
    }


def truth_rows(clip: Clip) -> list[dict]:
    """Of the times within the clip, its beginning being 0 s."""
    if clip.truth is None:
        raise ValueError(f"no truth with boxes of faces ({', '.join(BOX)})")
    rows = [row for _, row in table(clip.truth.path, (*BOX, "time", "look", "sounding"))]
    timed = [(float(row["time"]) - clip.start, row) for row in rows]
    end = float("inf") if clip.duration is None else clip.duration
    # Times are written to the millisecond: those of a window that begins there belong to it.
    return [row | {"time": round(t, 6)} for t, row in timed if -1e-6 <= t < end - 1e-6]


def faces_of(rows: list[dict]) -> dict[float, list[dict[str, float]]]:
    """Time -> the faces in the picture then."""
    faces = defaultdict(list)
    for row in rows:
        if row["look"] == "face" and all(_number(row[name]) is not None for name in BOX):
            named = {name: _number(row.get(name)) for name in (*BOX, "visible", "loudness")}
            if named["visible"] != 0:
                sounds = row["sounding"] not in ("", "0")
                faces[float(row["time"])].append(named | {"sounds": sounds})
    return dict(sorted(faces.items()))


def asked(faces: dict[float, list[dict]]) -> tuple[np.ndarray, np.ndarray]:
    """Times, and the box (n, 4) of the loudest of the faces that sound then."""
    found = {}
    for time, there in faces.items():
        if sounding := [face for face in there if face["sounds"]]:
            loudest = max(sounding, key=lambda face: face["loudness"] or 0.0)
            found[time] = [loudest[name] for name in BOX]
    if not found:
        raise ValueError("a truth without a face that sounds and is seen, expected one")
    return np.array(list(found)), np.array(list(found.values()))


def reference(faces: dict[float, list[dict]]) -> tuple[float, np.ndarray]:
    """The time at which most is seen of the faces, and their boxes (k, 4) then, biggest first."""

    def shown(face: dict) -> float:
        return 1.0 if face["visible"] is None else face["visible"]

    time = max(faces, key=lambda t: sum(map(shown, faces[t])))
    there = [face for face in faces[time] if shown(face) > SEEN] or faces[time]
    given = np.array([[face[name] for name in BOX] for face in there])
    return time, given[np.argsort(-given[:, 2] * given[:, 3], kind="stable")]


def around(found: np.ndarray, truth: np.ndarray, width: float) -> np.ndarray:
    """Boxes (n, 4) in a picture that goes on at its edges, each where it is nearest to the truth.

    Ends of boxes may lie beyond the picture on either side.
    """
    middle = (truth - found)[:, 0] + (truth - found)[:, 2] / 2
    return found + np.outer(width * np.round(middle / width), [1, 0, 0, 0])


def followed(
    clip: Clip,
    sound: np.ndarray,
    rate: int,
    size: tuple[int, int],
    reference: tuple[float, np.ndarray],
    listens: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times (n,), boxes (n, 4) in pixels of the source, and confidences (n,)."""
    from avtools.signal import heard_sides
    from avtools.signal.track_faces import STEP, small_size, track

    time, given = reference
    small = small_size(size, given)
    fps = float(1 / STEP)
    there = round(time * fps) / fps
    shown = clip.see(fps, small, there, 1 / fps)[0]
    is_360 = len(sound) == 4
    if not listens:
        ear, windows = heard_sides.DeafEar(), iter(())
    elif is_360:
        ear, windows = heard_sides.FieldEar(), heard_sides.hear_field(iter([sound]), rate, STEP)
    else:
        ear, windows = heard_sides.StereoEar(), heard_sides.hear_stereo(iter([sound]), rate, STEP)
    scale = np.array([*small, *small]) / [*size, *size]
    made = track(clip.shown(fps, small), windows, shown, given * scale, ear, is_360)
    steps = [box for some in made for box in some]
    boxes = np.array([[b.x, b.y, b.width, b.height] for b in steps]) * [*size, *size]
    return (
        np.array([b.step * float(STEP) for b in steps]),
        boxes,
        np.array([b.confidence for b in steps]),
    )


def things(rows: list[dict]) -> tuple[int, ...]:
    """Of a scene's truth: the faces that sound while they are seen."""
    found = {
        int(row["source"])
        for row in rows
        if row.get("look") == "face"
        and str(row.get("sounding")) not in ("", "0", "None")
        and (_number(row.get("visible")) or 0) > SEEN
    }
    return tuple(sorted(found))


def _number(value) -> float | None:
    try:
        return None if value in (None, "") else float(value)
    except ValueError:
        return None


def _average_precision(columns: Columns) -> float:
    """Of all frames together, one box in each."""
    from avtools.metrics.boxes import ranked_precision

    hit, sure = (np.concatenate(list(columns[name])) for name in ("hit", "sure"))
    return ranked_precision(hit, sure, len(sure))


TASK = Task(
    name="track-faces",
    kinds=("stereo", "360"),
    models=("signal", "picture", "still"),
    columns=COLUMNS,
    examine=examine,
    scores=(
        Score("ap50_of_all", _average_precision),
        *(mean(name) for name in COLUMNS[:3]),
        *(mean(name, higher_is_better=False) for name in COLUMNS[3:]),
    ),
    things=things,
    wanted="a face that sounds while it is seen, in a truth with boxes",
)
