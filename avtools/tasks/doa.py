"""Where do sounds come from? First-order ambisonics against a truth of directions.

A source is to be found where it sounds in the middle of a window; what is found is right if it
sounds anywhere in the window, which is all that was listened to.
"""

from collections.abc import Iterator

import numpy as np

from avtools.datasets.clip import Clip
from avtools.dsp.sphere import angles
from avtools.tasks.task import Task, heard, mean

# As `avtools doa` listens unless it is told otherwise.
HOP_SECONDS, SLOTS, MOST, MEMORY = 0.1, 5, 4, 4
WINDOW_SECONDS = SLOTS * HOP_SECONDS
COLUMNS = ("direction_error_deg", "recall", "precision", "f_score")


def examine(clips: tuple[Clip, ...], model: str, rng: np.random.Generator) -> dict:
    from avtools.metrics.directions import evaluate_frames

    sound, rate = heard(clips[0], (4,))
    events = [e for e in clips[0].events() if e.azimuth is not None]
    if not events:
        raise ValueError("no truth of directions (azimuth), expected one for each source")
    at_middle, at_all, found = [], [], []
    for time, directions in listened(sound, rate):
        at_middle.append(sounding(events, time, time))
        at_all.append(sounding(events, time - WINDOW_SECONDS / 2, time + WINDOW_SECONDS / 2))
        guess = {"front": np.zeros((1, 2)), "chance": anywhere(rng)}
        found.append(directions if model == "signal" else guess[model])
    asked, told = evaluate_frames(at_middle, found), evaluate_frames(at_all, found)
    recall, precision = asked["recall"], told["precision"]
    both = recall + precision
    return {
        "direction_error_deg": told["direction_error_deg"],
        "recall": recall,
        "precision": precision,
        "f_score": 2 * recall * precision / both if both else 0.0,
    }


def listened(sound: np.ndarray, rate: int) -> Iterator[tuple[float, np.ndarray]]:
    """Times, and (n, 2) azimuths and elevations of what is heard then, as `avtools doa` does."""
    from avtools.dsp.listening import FoaListener
    from avtools.dsp.tracking import Tracker

    listener = FoaListener(rate, round(HOP_SECONDS * rate), SLOTS, MOST)
    memory = MEMORY * WINDOW_SECONDS
    tracker = Tracker(HOP_SECONDS, memory, listener.birth, listener.sure)
    for window in listener.through(iter([sound])):
        found = tracker.add(window.directions, window.shares, window.total, window.chance)
        vectors = np.array([source.direction for source in found]).reshape(-1, 3)
        yield window.time, np.stack(angles(vectors), axis=-1)


def anywhere(rng: np.random.Generator) -> np.ndarray:
    """One direction by chance, all of the sphere alike."""
    return np.array([[rng.uniform(-180, 180), np.rad2deg(np.arcsin(rng.uniform(-1, 1)))]])


def sounding(events: list, start: float, end: float) -> np.ndarray:
    """(n, 2) directions of what sounds from start to end, each where it is nearest to the middle;
    where no elevation is told it is 0."""
    middle = (start + end) / 2
    there = [e for e in events if e.start <= end and e.end > start]
    there.sort(key=lambda e: max(e.start - middle, middle - e.end), reverse=True)
    at = {e.source: (e.azimuth, e.elevation or 0.0) for e in there}
    return np.array(list(at.values())).reshape(-1, 2)


TASK = Task(
    name="doa",
    kinds=("360",),
    models=("signal", "front", "chance"),
    columns=COLUMNS,
    examine=examine,
    scores=(mean(COLUMNS[0], higher_is_better=False), *map(mean, COLUMNS[1:])),
)
