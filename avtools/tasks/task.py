"""What a task is, and what it takes of a clip."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from avtools.datasets.clip import Clip

# Pictures a second that methods look at: the ticks of their analysis.
PICTURES = 25
# What is known of many clips: a column's values, NaN where there is none. A column of arrays, of
# which each clip has its own number, is an array of objects.
Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Score:
    """A figure that many clips have together."""

    name: str
    of: Callable[[Columns], float]
    # The column that it is the mean of: two runs are compared by it, clip by clip.
    column: str | None = None
    higher_is_better: bool = True


@dataclass(frozen=True)
class Task:
    name: str
    kinds: tuple[str, ...]  # of scenes that it takes: stereo, 360
    models: tuple[str, ...]  # the method first, then what it must beat
    columns: tuple[str, ...]  # of a clip's row
    # Clips (as many as `takes`), model, chance -> a row: its columns, and arrays beside them.
    examine: Callable[[tuple[Clip, ...], str, np.random.Generator], dict]
    scores: tuple[Score, ...]
    # Of the rows of a scene's truth, the things that it asks of; none: there is nothing to ask.
    things: Callable[[list[dict]], tuple[int, ...]] | None = None
    wanted: str = ""  # what a truth must have, in words
    takes: int = 1  # clips of different sources that one example is made of
    probability: tuple[str, str] | None = None  # columns: a probability, and whether it is so
    error: tuple[str, str] | None = None  # columns: an error in degrees, and its confidence


def mean(column: str, name: str | None = None, higher_is_better: bool = True) -> Score:
    return Score(name or column, lambda c: average(c[column]), column, higher_is_better)


def average(values: np.ndarray) -> float:
    """Of what is there; NaN where nothing is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan


def middle(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else np.nan


def chance(seed: int, task: str, key: str) -> np.random.Generator:
    """The same for a clip whatever else there is, and whichever model is asked."""
    text = f"{task}\0{key}".encode("utf-8", "surrogateescape")
    digest = hashlib.blake2b(text, digest_size=8).digest()
    return np.random.default_rng([seed, int.from_bytes(digest)])


def heard(clip: Clip, channels: tuple[int, ...]) -> tuple[np.ndarray, int]:
    """The clip's sound (channels, samples), which must have one of these numbers of channels."""
    if clip.convention == "mic" and 4 in channels:
        raise ValueError("four microphones, expected first-order ambisonics or stereo")
    sound, rate = clip.hear()
    if rate % PICTURES:  # ticks are whole samples
        sound, rate = clip.hear(PICTURES * round(rate / PICTURES))
    if len(sound) not in channels:
        names = {2: "2 (left, right)", 4: "4 (W, Y, Z, X)"}
        wanted = " or ".join(names[n] for n in channels)
        raise ValueError(f"{len(sound)} channels, expected {wanted}")
    return sound, rate


def pictures(clip: Clip, is_360: bool) -> Iterator[tuple[float, np.ndarray]]:
    """The clip's pictures with their times, at the size that movement is looked for at."""
    from avtools.signal.motion import small_size

    height, width = clip.see(fps=PICTURES, duration=1 / PICTURES)[0].shape[:2]
    return clip.shown(size=small_size(width, height, is_360))
