"""Boxes of the face that sounds, over time: from the faces in one picture, and the sound.

Each face of the reference picture is followed on its own (`face_path`), by its looks and, as far
as it is held for what sounds, by where the sound comes from (`heard_sides`). What sounds is the
face whose mouth moves with the sound's level and whose place goes with the sound's; it changes
seldom. All is decided some seconds later than it is seen, so that a face that was hidden is put
where the way to its return leads.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from avtools.signal.face_path import PATCH, VISIBLE, Path, Place, Step
from avtools.signal.heard_sides import Heard, Loudness

STEP = Fraction(2, 25)  # seconds: two ticks of the other tools
AHEAD, BLOCK = 36, 12  # steps that are waited for; steps that leave together
# Steps over which mouth and sound are compared.
TOGETHER = 75
LEAST_TOGETHER = 16
# Where the mouth is in a face's patch.
MOUTH = (slice(0.62, 1.0), slice(0.22, 0.78))
MOUTH_SIZE = 12, 9
# How much is said by a mouth that moves with the sound, by one that is open now, and by a place
# that the sound comes from: for who sounds, and for where a face is; how seldom it changes.
MOUTH_WORTH, OPEN_WORTH, PLACE_WORTH, SIDE_WORTH, CHANGE = 3.0, 8.0, 2.5, 0.8, 0.12
# Who talks at all comes more often to sound next: by how its mouth went with the sound so far.
TALKER_WORTH, TALKER_KEEP = 15.0, 0.98
MOST_OPEN = 2.0  # standard deviations that count
# A mouth that changes by so many grey levels moves.
MOVES = 6.0
# Of the level, below which the sound does not change.
LEAST_POWER = 1e-3
SURE = 0.6  # of a place, from which on it teaches the ear
MOST_FACES = 8
SIDES = 64, 640  # pixels that the pictures may be wide


@dataclass(frozen=True)
class Box:
    """Shares of the picture's width and height; x, y is the top left."""

    step: int
    x: float
    y: float
    width: float
    height: float
    confidence: float
    face: int
    is_seen: bool
    is_round: bool = False  # x goes on across the seam of a 360 picture


def small_size(size: tuple[int, int], boxes: np.ndarray) -> tuple[int, int]:
    """Width and height at which pictures of this size are to be given to `track`."""
    share = min(1.0, max(float(np.min(boxes[:, 2])), 1.0) / size[0])
    width = int(np.clip(PATCH / share, SIDES[0], max(SIDES[0], min(SIDES[1], size[0]))))
    width = min(width, size[0])
    return width, max(1, round(width * size[1] / size[0]))


def track(
    pictures: Iterable[tuple[float, np.ndarray]],
    heard: Iterable[Heard],
    reference: np.ndarray,
    boxes: Sequence[Sequence[float]],
    ear,
    is_round: bool = False,
) -> Iterator[list[Box]]:
    """Boxes of what sounds, a list of steps that are known together.

    `pictures` (seconds, RGB uint8), one for each STEP; `reference` is a picture of that size in
    which there are faces in `boxes` (x, y, width, height; its pixels), the likeliest first.
    """
    boxes = np.asarray(boxes, float).reshape(-1, 4)[:MOST_FACES]
    if not len(boxes):
        raise ValueError("no boxes, expected those of one face or more")
    stage = Stage([Path(reference, box, is_round) for box in boxes], ear)
    sounds = _Windows(heard)
    for time, picture in pictures:
        step = round(time / float(STEP))
        stage.forward(step, picture, sounds.at(step))
        if len(stage.steps) >= AHEAD + BLOCK:
            yield stage.smoothed(BLOCK)
    if stage.steps:
        yield stage.smoothed(len(stage.steps))


def at_times(
    steps: Iterable[list[Box]], hop: float, end: float | None = None
) -> Iterator[list[Box]]:
    """The boxes in the middle of each `hop` seconds: `step` counts those.

    Between two steps of one face a box is between theirs. `end` in seconds, where it is known.
    """
    last, count = None, None
    for boxes in steps:
        made = []
        for box in boxes:
            here = box.step * float(STEP)
            if count is None:  # the picture may begin after the sound
                count = max(0, round(here / hop))
            while (count + 0.5) * hop <= here + 1e-9:
                made.append(_between(last or box, box, (count + 0.5) * hop, count))
                count += 1
            last = box
        yield made
    if last is None:
        return
    over = (last.step + 1) * float(STEP)  # a step lasts until the next
    while (count + 0.5) * hop < (over if end is None else min(over, end)) - 1e-9:
        yield [replace(last, step=count)]
        count += 1


def _between(first: Box, second: Box, time: float, count: int) -> Box:
    span = (second.step - first.step) * float(STEP)
    part = (time - first.step * float(STEP)) / span if span else 1.0
    near = first if part < 0.5 else second
    if first.face != second.face:
        return replace(near, step=count)
    # In a 360 picture the shorter way may lead across the seam.
    across = second.x - first.x
    across -= round(across) if near.is_round else 0
    moved = {"x": first.x + part * across}
    for name in ("y", "width", "height", "confidence"):
        a, b = getattr(first, name), getattr(second, name)
        moved[name] = a + part * (b - a)
    return replace(near, step=count, **moved)


class _Windows:
    """The window of sound around a step: two steps long, they begin at every step."""

    def __init__(self, heard: Iterable[Heard]):
        self.heard, self.index, self.now = iter(heard), -1, None

    def at(self, step: int) -> Heard:
        while self.index < max(0, step - 1):
            self.index += 1
            self.now = next(self.heard, Heard(-np.inf))
        return self.now


@dataclass(frozen=True)
class Moment:
    """Who sounds at a step: chances with all until then, what was said of it, who comes next."""

    step: int
    past: np.ndarray
    look: np.ndarray
    next: np.ndarray


class Stage:
    """All faces, and which of them sounds."""

    def __init__(self, paths: list[Path], ear):
        self.paths, self.ear = paths, ear
        self.mouths = [Mouth() for _ in paths]
        self.loudness = Loudness()
        # The likeliest face is a little likelier to sound.
        self.past = _share(-0.3 * np.arange(len(paths)))
        self.next = np.full(len(paths), 1 / len(paths))
        self.steps: deque[Moment] = deque()

    def forward(self, step: int, picture: np.ndarray, heard: Heard) -> None:
        active = self.loudness.through(heard.level)
        self.next = _share(TALKER_WORTH * np.array([mouth.talks for mouth in self.mouths]))
        before = (1 - CHANGE) * self.past + CHANGE * self.next
        says = np.zeros(len(self.paths))
        for k, path in enumerate(self.paths):
            sound = active * self.ear.likely(heard, path.x, path.y)
            place = path.agrees(PLACE_WORTH * sound)
            patch = path.forward(picture, SIDE_WORTH * sound, float(before[k]))
            self.mouths[k].add(patch, active, path.steps[-1].likeness > VISIBLE)
            says[k] = place + active * self.mouths[k].says()
        look = np.exp(says - says.max())
        self.past = _normal(before * look)
        for k, path in enumerate(self.paths):
            self._teach(heard, path, active * float(self.past[k]))
        self.steps.append(Moment(step, self.past, look, self.next))

    def _teach(self, heard: Heard, path: Path, weight: float) -> None:
        step = path.steps[-1]
        if step.likeness > VISIBLE and weight > 0.3:
            self.ear.learn(heard, step.x / path.columns, step.y / path.rows, weight)

    def smoothed(self, count: int) -> list[Box]:
        """The oldest steps; they are forgotten then."""
        future, chances = np.ones(len(self.paths)), []
        for moment in reversed(self.steps):
            chances.append(_normal(moment.past * future))
            future = moment.look * future
            future = _normal((1 - CHANGE) * future + CHANGE * float(moment.next @ future))
        ways = [path.smoothed(count) for path in self.paths]
        made = []
        for chance, *found in zip(chances[: -count - 1 : -1], *ways, strict=True):
            face = int(chance.argmax())
            made.append(self._box(face, float(chance[face]), *found[face]))
        return made

    def _box(self, face: int, chance: float, place: Place, seen: Step) -> Box:
        # What is hidden may be right, and is never as sure as what is seen.
        sure = chance * place.sureness * (0.5 + 0.5 * min(1.0, seen.likeness))
        return Box(
            step=self.steps.popleft().step,
            x=place.x - place.width / 2,
            y=place.y - place.height / 2,
            width=place.width,
            height=place.height,
            confidence=min(1.0, sure),
            face=face,
            is_seen=seen.likeness > VISIBLE,
            is_round=self.paths[0].is_round,
        )


class Mouth:
    """Does a mouth move with the sound, and is it open now?

    Of the mouth's pixels each goes with the level as much as it does; that way of changing, added
    up over the pixels, is how it opens, be it dark inside or full of teeth.
    """

    def __init__(self):
        self.looks: deque[np.ndarray | None] = deque(maxlen=TOGETHER)
        self.levels: deque[float] = deque(maxlen=TOGETHER)
        self.talks = 0.0

    def add(self, patch: np.ndarray, level: float, is_seen: bool) -> None:
        import cv2

        height, width = patch.shape[:2]
        rows, columns = (
            slice(int(part.start * n), round(part.stop * n))
            for part, n in zip(MOUTH, (height, width), strict=True)
        )
        # One size, though the face may come nearer.
        grey = np.ascontiguousarray(patch[rows, columns].mean(-1))
        look = cv2.resize(grey, MOUTH_SIZE, interpolation=cv2.INTER_AREA)
        self.looks.append(look.ravel() if is_seen else None)
        self.levels.append(level)

    def says(self) -> float:
        """For this face, as a logarithm; 0 where nothing is known."""
        seen = [k for k, look in enumerate(self.looks) if look is not None]
        if len(seen) < LEAST_TOGETHER or self.looks[-1] is None:
            return 0.0
        look = np.stack([self.looks[k] for k in seen])
        level = np.array(self.levels)[seen]
        look, level = look - look.mean(0), level - level.mean()
        change, power = float((look**2).sum()), float((level**2).sum())
        if change <= 0 or power < LEAST_POWER * len(seen):
            return 0.0
        way = look.T @ level
        share = float(way @ way) / (change * power) * min(1.0, change / (look.size * MOVES**2))
        opened = look @ way
        self.talks = TALKER_KEEP * self.talks + (1 - TALKER_KEEP) * share
        now = float(np.clip(opened[-1] / max(opened.std(), 1e-9), -MOST_OPEN, MOST_OPEN))
        return MOUTH_WORTH * share + OPEN_WORTH * share**0.5 * now


def _share(logarithms: np.ndarray) -> np.ndarray:
    return _normal(np.exp(logarithms - logarithms.max()))


def _normal(chances: np.ndarray) -> np.ndarray:
    return chances / chances.sum()
