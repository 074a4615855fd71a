"""The way of one face through the pictures: where it may be at each moment, with what is to come.

At every step each place of a coarse picture has a chance: that of the step before, blurred by how
far a face may have moved, times how much the place looks like the face, times how likely the
sound is from there. A face that is hidden looks like nothing anywhere: its chances then spread,
and only the sound holds them together. Going back over the next seconds the same way, what comes
later joins in, so that a face that is hidden for a while is where the way to its return leads.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from avtools.signal.likeness import Likeness

# How much a place speaks for itself as it looks like the face, and from where on.
STEEPNESS, EVEN = 22.0, 0.3
MOST_EVEN = 0.55
ABOVE_OTHERS = 0.1
# Steps: mostly small ones (pixels of the coarse picture), some larger (shares of its width; a
# third of the width a second is fast), seldom anywhere.
SMALL, LARGE, LARGE_SHARE, ANYWHERE = 1.2, 0.02, 0.1, 1e-6
# Of the chances, so much is looked at closely; around it, so many pixels.
KNOWN, MARGIN = 0.999, 8
# The whole picture is looked at every so many steps in any case.
ALL_OVER = 8
PATCH = 26  # pixels across a face
VISIBLE = 0.38  # likeness from which on a face is taken to be seen
SCALES = (0.96, 1.0, 1.04)
SCALE_GAIN, SCALE_STEP = 0.3, 0.06
SMALLEST, LARGEST = 0.5, 2.0  # of the first size
CLOSE = 4  # pixels around the likeliest place that its mean is taken over


@dataclass
class Step:
    """One moment of a path. Places are in pixels of the coarse picture."""

    past: np.ndarray  # chances with all until then
    look: np.ndarray  # of the picture and the sound of this moment
    scale: float
    likeness: float  # at the likeliest place
    x: float
    y: float


@dataclass(frozen=True)
class Place:
    """Shares of the picture's width and height; `sureness` 0 to 1."""

    x: float
    y: float
    width: float
    height: float
    sureness: float


class Path:
    def __init__(self, picture: np.ndarray, box: np.ndarray, is_round: bool = False):
        """`picture` uint8 RGB, in which the face fills `box` (x, y, width, height)."""
        height, width = picture.shape[:2]
        share = min(1.0, max(float(box[2]), 4.0) / width)
        self.columns = int(np.clip(round(PATCH / share), 40, width))
        self.rows = max(24, round(self.columns * height / width))
        self.share = np.array([self.columns / width, self.rows / height])
        small = np.asarray(box, float) * np.tile(self.share, 2)
        self.box = small[2:]
        self.is_round = is_round
        coarse = self.coarse(picture)
        self.likeness = Likeness(coarse, small, is_round)
        self.scale, self.fitted = 1.0, 1.0
        self.steps: deque[Step] = deque()
        self.past = np.full((self.rows, self.columns), 1.0 / (self.rows * self.columns), np.float32)
        self.even = self._even(coarse, small)
        self.count = 0

    def coarse(self, picture: np.ndarray) -> np.ndarray:
        import cv2

        size = (self.columns, self.rows)
        if picture.shape[1::-1] != size:
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        return picture.astype(np.float32)

    def _even(self, coarse: np.ndarray, box: np.ndarray) -> float:
        """Above what the rest of the first picture has of the face's looks."""
        others = self.likeness.everywhere(coarse)
        x, y, width, height = box
        left, right = int(x - width / 4), int(x + 1.25 * width)
        others[max(0, int(y - height / 4)) : int(y + 1.25 * height), max(0, left) : right] = 0
        return float(np.clip(others.max() + ABOVE_OTHERS, EVEN, MOST_EVEN))

    @property
    def x(self) -> np.ndarray:
        """Middles of the grid's columns, 0 to 1."""
        return (np.arange(self.columns) + self.likeness.offset[0]) / self.columns

    @property
    def y(self) -> np.ndarray:
        return (np.arange(self.rows) + self.likeness.offset[1]) / self.rows

    def forward(self, picture: np.ndarray, sound: np.ndarray, trust: float) -> np.ndarray:
        """Take the next picture; the patch where the face likely is.

        `sound`: logarithms that broadcast to (rows, columns). `trust` 0 to 1: that this face is
        what sounds.
        """
        coarse = self.coarse(picture)
        chances = self._moved(self.past)
        heard = np.log1p(trust * np.expm1(np.clip(sound, -20, 20)))
        look = np.exp(heard) * (1 + np.exp(STEEPNESS * (self._seen(coarse, chances) - self.even)))
        look = np.broadcast_to(look, chances.shape).astype(np.float32)
        self.past = _normal(chances * look)
        x, y, _ = self._middle(self.past)
        patch = self.likeness.cut(coarse, x, y, self.scale / self.fitted)
        likeness = self.likeness.here(patch)
        if likeness > VISIBLE:
            self.likeness.refresh(patch)
            self._fit(coarse, x, y, likeness)
        self.steps.append(Step(self.past, look, self.scale, likeness, x, y))
        self.count += 1
        return patch

    def agrees(self, sound: np.ndarray) -> float:
        """How likely a sound is that comes from this face, wherever it may be; a logarithm."""
        chances = self._moved(self.past)
        most = float(sound.max())
        return most + float(np.log((chances * np.exp(sound - most)).sum() / chances.sum() + 1e-12))

    def _seen(self, coarse: np.ndarray, chances: np.ndarray) -> np.ndarray:
        """The likeness, all over or only where the face can be."""
        rows, columns = chances.shape
        known = chances > (1 - KNOWN) / chances.size
        if self.count % ALL_OVER and known.mean() < 0.3:
            down, across = np.flatnonzero(known.any(1)), np.flatnonzero(known.any(0))
            left, right = across[0] - MARGIN, across[-1] + 1 + MARGIN
            top, bottom = max(0, down[0] - MARGIN), min(rows, down[-1] + 1 + MARGIN)
            if not self.is_round:
                left, right = max(0, left), min(columns, right)
            if (right - left) * (bottom - top) < 0.5 * chances.size:
                seen = np.zeros_like(chances)
                there = np.arange(left, right) % columns
                seen[top:bottom, there] = self.likeness.near(coarse, left, top, right, bottom)
                return seen
        return self.likeness.everywhere(coarse)

    def _fit(self, coarse: np.ndarray, x: float, y: float, likeness: float) -> None:
        """Follow the face's size: it comes nearer, or goes away."""
        fits = [likeness if s == 1.0 else self._at(coarse, x, y, s) for s in SCALES]
        best = SCALES[int(np.argmax(fits))]
        scale = self.scale * best ** (SCALE_GAIN if max(fits) > likeness + 0.01 else 0)
        self.scale = float(np.clip(scale, SMALLEST, LARGEST))
        if abs(np.log(self.scale / self.fitted)) > SCALE_STEP:
            self.fitted *= self.likeness.resize(self.scale / self.fitted)

    def _at(self, coarse: np.ndarray, x: float, y: float, scale: float) -> float:
        return self.likeness.here(self.likeness.cut(coarse, x, y, scale * self.scale / self.fitted))

    def _moved(self, chances: np.ndarray) -> np.ndarray:
        """A step of a face, forwards or backwards in time."""
        import cv2

        # Two means over 2 n + 1 pixels in a row have a deviation of about 0.82 n.
        n = max(2, round(LARGE * self.columns / 0.82))
        reach = min(2 * n + 2, self.columns - 1)
        how = cv2.BORDER_WRAP if self.is_round else cv2.BORDER_REFLECT
        wide = cv2.copyMakeBorder(chances, 0, 0, reach, reach, how)
        small = cv2.GaussianBlur(wide, (0, 0), SMALL)
        across = (2 * n + 1, 2 * (n // 3) + 1)  # heads seldom go up and down
        large = cv2.blur(cv2.blur(wide, across), across)
        mixed = ((1 - LARGE_SHARE) * small + LARGE_SHARE * large)[:, reach:-reach]
        return (1 - ANYWHERE) * mixed + ANYWHERE * mixed.mean()

    def smoothed(self, count: int) -> list[tuple[Place, Step]]:
        """The oldest `count` steps, with all that is known since; they are forgotten then."""
        future = np.full_like(self.past, 1.0 / self.past.size)
        found = []
        for k in range(len(self.steps) - 1, -1, -1):
            step = self.steps[k]
            if k < count:
                found.append((self._place(_normal(step.past * future), step), step))
            future = self._moved(_normal(future * step.look))
        for _ in range(min(count, len(self.steps))):
            self.steps.popleft()
        return found[::-1]

    def _place(self, chances: np.ndarray, step: Step) -> Place:
        x, y, mass = self._middle(chances)
        width, height = self.box * step.scale / [self.columns, self.rows]
        return Place(x / self.columns, y / self.rows, float(width), float(height), mass)

    def _middle(self, chances: np.ndarray) -> tuple[float, float, float]:
        """The mean around the likeliest place, and how much of all lies there."""
        row, column = np.unravel_index(int(chances.argmax()), chances.shape)
        down = np.arange(max(0, row - CLOSE), min(self.rows, row + CLOSE + 1))
        across = np.arange(column - CLOSE, column + CLOSE + 1)
        if not self.is_round:
            across = across[(across >= 0) & (across < self.columns)]
        near = chances[np.ix_(down, across % self.columns)]
        mass = float(near.sum())
        dx, dy = self.likeness.offset
        x = float((near.sum(0) @ across) / mass) + dx
        y = float((near.sum(1) @ down) / mass) + dy
        return (x % self.columns if self.is_round else x), y, min(1.0, mass)


def _normal(chances: np.ndarray) -> np.ndarray:
    total = float(chances.sum())
    if not np.isfinite(total) or total <= 0:
        return np.full_like(chances, 1.0 / chances.size)
    return chances / total
