"""Where a view looks: the turn that brings a direction to the front, at rest or over time.

Rows of a table jitter, and a camera that jitters with them is unpleasant. So the direction is
followed by a low-pass: in each step of a fixed grid of times it goes the same share of the way
that is left, along the great circle, and what is left of a turn falls as exp(-t / smooth). The
grid does not depend on the frames or on the blocks of samples: picture and sound, which ask for
different times and take turns in asking, get one and the same path.
"""

import math
from collections.abc import Callable

import numpy as np

from avtools.dsp.rotation import rotation_matrix
from avtools.dsp.sphere import angles, between

STEP = 0.01  # seconds
# What went before is kept this long for whoever asks later: an encoder looks frames ahead.
KEPT_STEPS = round(3600 / STEP)
# The low-pass starts so many times its `smooth` before the first time asked for: what it was
# before is forgotten by then to 2e-9.
LEAD = 20
AT_ONCE = 4096
MOST_TRAIL = 2000


def look_at(azimuth_deg, elevation_deg, roll_deg=0.0) -> np.ndarray:
    """The turn of the scene, `(..., 3, 3)`, that brings a direction to the front, upright.

    Its rows are the view's front (the direction), left (sin -az, cos az, 0) and up (front x left),
    which is Ry(elevation) Rz(-azimuth): yaw takes the direction over the x axis, pitch takes it
    down to the front. A roll lowers the left side of what is seen.
    """
    yaw, pitch, roll = np.broadcast_arrays(-np.asarray(azimuth_deg), elevation_deg, roll_deg)
    return rotation_matrix(yaw, pitch, roll)


class Rest:
    """One turn at all times."""

    moves = False

    def __init__(self, turn: np.ndarray):
        self.turn = turn

    def one(self, seconds: float) -> np.ndarray:
        return self.turn


class Gaze:
    """Follows a direction: seconds `(n,)` -> the turns `(n, 3, 3)` of the view.

    `direction_at` gives unit vectors `(n, 3)` for seconds `(n,)` that never fall from call to
    call; here times may fall by up to an hour.
    """

    moves = True

    def __init__(
        self,
        direction_at: Callable[[np.ndarray], np.ndarray],
        smooth: float = 0.5,
        roll_deg: float = 0.0,
    ):
        self._direction_at = direction_at
        self._smooth, self._roll = smooth, roll_deg
        self._first = 0  # step of the first direction that is kept
        self._kept = np.empty((0, 3), np.float32)
        self._state: np.ndarray | None = None
        self.trail = Trail()

    def __call__(self, seconds: np.ndarray) -> np.ndarray:
        azimuth, elevation = angles(self.directions(seconds))
        return look_at(azimuth, elevation, self._roll)

    def one(self, seconds: float) -> np.ndarray:
        return self(np.array([float(seconds)]))[0]

    def directions(self, seconds: np.ndarray) -> np.ndarray:
        """The smoothed direction, `(n, 3)`."""
        place = np.asarray(seconds, float) / STEP
        before = np.floor(place)
        self._extend(int(before.min()), int(before.max()) + 1)
        k = np.clip(before.astype(int) - self._first, 0, len(self._kept) - 2)
        part = np.clip(place - self._first - k, 0, 1)[:, None]
        made = (1 - part) * self._kept[k] + part * self._kept[k + 1]
        return made / np.linalg.norm(made, axis=-1, keepdims=True)

    def _extend(self, first: int, last: int) -> None:
        """Follow the direction up to this step, and no further: the table may still be growing."""
        following = self._first + len(self._kept)
        if not len(self._kept) or last - following > KEPT_STEPS:
            following = first if not len(self._kept) else last
            following -= math.ceil(LEAD * self._smooth / STEP) + 1
            self._first, self._kept, self._state = following, self._kept[:0], None
        while following <= last:
            steps = np.arange(following, min(following + AT_ONCE, last + 1))
            made = self._smoothed(self._direction_at(steps * STEP))
            self.trail.add(steps * STEP, made)
            self._kept = np.concatenate([self._kept, made.astype(np.float32)])[-KEPT_STEPS:]
            following = int(steps[-1]) + 1
            self._first = following - len(self._kept)

    def _smoothed(self, directions: np.ndarray) -> np.ndarray:
        if self._smooth <= 0:
            return directions
        if self._state is None:
            self._state = directions[0]
        share = -math.expm1(-STEP / self._smooth)
        made = np.empty_like(directions)
        now = self._state.tolist()
        for k, goal in enumerate(directions.tolist()):
            made[k] = now = _nearer(now, goal, share)
        self._state = made[-1]
        return made


def _nearer(now: list, goal: list, share: float) -> list:
    """`share` of the way from one unit vector to another; plain numbers are quickest here."""
    (a, b, c), (x, y, z) = now, goal
    sine = math.hypot(b * z - c * y, c * x - a * z, a * y - b * x)
    cosine = a * x + b * y + c * z
    if sine < 1e-7:
        # The same direction; or the opposite one, to which `between` knows a way.
        if cosine > 0:
            return goal
        return between(np.array([now]), np.array([goal]), np.array([[share]]))[0].tolist()
    angle = math.atan2(sine, cosine)
    p, q = math.sin((1 - share) * angle) / sine, math.sin(share * angle) / sine
    a, b, c = p * a + q * x, p * b + q * y, p * c + q * z
    length = math.hypot(a, b, c)
    return [a / length, b / length, c / length]


class Trail:
    """A path as a picture shows it: of any number of directions, a bounded number of them."""

    def __init__(self):
        self._every, self._seen = 1, 0
        self._times: list[float] = []
        self._directions: list[np.ndarray] = []

    def add(self, seconds: np.ndarray, directions: np.ndarray) -> None:
        chosen = slice(-self._seen % self._every, None, self._every)
        self._seen += len(seconds)
        self._times += seconds[chosen].tolist()
        self._directions += list(directions[chosen])
        while len(self._times) > MOST_TRAIL:
            del self._times[1::2], self._directions[1::2]
            self._every *= 2

    def after(self, first: float) -> np.ndarray:
        """Unit vectors `(n, 3)` from this time on."""
        pairs = zip(self._times, self._directions, strict=True)
        return np.array([d for t, d in pairs if t >= first]).reshape(-1, 3)
