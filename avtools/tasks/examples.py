"""Which examples a dataset has for a task: windows of its clips, alone or several together."""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from avtools.datasets.clip import Clip
from avtools.tasks.task import chance

# Of a clip's end so much is still an example.
LEAST_SHARE = 0.5


@dataclass(frozen=True)
class Example:
    key: str
    source: str  # examples of one source are not independent of each other
    clips: tuple[Clip, ...]

    @property
    def path(self) -> str:
        """What it is called where something goes wrong."""
        return self.key

    @contextmanager
    def taken(self) -> Iterator[tuple[Clip, ...]]:
        yield self.clips


def examples(
    clips: Sequence[Clip],
    seconds: float,
    takes: int,
    count: int | None,
    seed: int,
    length: Callable[[Clip], float | None],
) -> list[Example]:
    """Windows of `seconds`; with `count` so many, spread over the clips by chance.

    `length` says how long a clip is of which the dataset does not say it.
    """
    if count is None:
        chosen = ((k, w) for k, clip in enumerate(clips) for w in _windows(clip, seconds, length))
    else:
        chosen = _spread(clips, seconds, seed, length)
    found = (_example(clips, index, window, seconds, takes, seed) for index, window in chosen)
    return sorted(islice(found, count), key=lambda example: example.key)


def _spread(clips, seconds: float, seed: int, length: Callable) -> Iterator[tuple[int, Clip]]:
    """All windows by chance: of each clip one, then of each another, and the number of the clip."""
    waiting = deque((k, None) for k in chance(seed, "examples", "").permutation(len(clips)))
    while waiting:
        index, left = waiting.popleft()
        if left is None:  # how long a clip is may have to be looked up: not before its turn
            left = list(_windows(clips[index], seconds, length))
            chance(seed, "windows", clips[index].key).shuffle(left)
        yield index, left.pop()
        if left:
            waiting.append((index, left))


def _windows(clip: Clip, seconds: float, length: Callable) -> Iterator[Clip]:
    whole = clip.duration if clip.duration is not None else length(clip)
    count = 1 if whole is None else math.floor(whole / seconds + 1 - LEAST_SHARE)
    if count <= 1:  # the only one keeps the clip's name
        yield clip if whole is not None and whole <= seconds else _first(clip, seconds)
        return
    for k in range(count):
        yield clip.window(k * seconds, min(seconds, whole - k * seconds))


def _first(clip: Clip, seconds: float) -> Clip:
    return replace(clip.window(0.0, seconds), key=clip.key)


def _example(clips, index: int, window: Clip, seconds: float, takes: int, seed: int) -> Example:
    """The window, and beginnings of clips of other sources beside it."""
    beside = []
    if takes > 1:
        beside = list(islice(_others(clips, index, chance(seed, "beside", window.key)), takes - 1))
        if len(beside) < takes - 1:
            raise ValueError(f"{window.key}: no clip of another source to go with it")
        beside = [_first(clip, window.duration or seconds) for clip in beside]
    together = (window, *beside)
    return Example("+".join(c.key for c in together), group_of(window), together)


def _others(clips, index: int, rng: np.random.Generator) -> Iterator[Clip]:
    tried = {index}
    for _ in range(50 * len(clips)):
        other = int(rng.integers(len(clips)))
        if other not in tried:
            tried.add(other)
            if group_of(clips[other]) != group_of(clips[index]):
                yield clips[other]
        if len(tried) == len(clips):
            return


def group_of(clip: Clip) -> str:
    """What the clip shares with others: its maker, where that is known, else its source."""
    return clip.channel or clip.source
