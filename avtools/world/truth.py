"""What is true of a scene, as tables: where each thing is, sounds and is seen.

Computed from the scene's numbers in float64, never measured on what was rendered, and rounded: the
same on any machine, whatever renders the scene. Two shares come from points in each thing's
outline: how much of it is seen, and its box (of the body, without stick or bow).
"""

import functools

import numpy as np

from avtools.dsp.sphere import angles, unit_vectors
from avtools.world.bank import Bank, loudness
from avtools.world.cues import cues
from avtools.world.looks import FINE, REACH, distances, growth, outlines
from avtools.world.motion import directions, half_sizes, seen_at, shaken, wrapped
from avtools.world.scenes import EARS, LOOKS, SHOWS, SOUNDS, Scenes

COLUMNS = (
    *("file", "time", "source", "role", "sound", "show", "look"),
    *("azimuth", "elevation", "distance", "loudness", "sounding"),
    *("x", "y", "width", "height", "center_x", "center_y", "visible"),
    *("delay", "level_difference"),
)
# A thing sounds from this share of its loudest on: -26 dB.
SOUNDS_FROM = 0.05
# Points on an outline, and within it.
ROUND, WITHIN = 256, 192
# A square's outline as so many points, which are moved in to a frame.
CORNERS = np.clip(2 - np.abs((np.arange(ROUND)[:, None] * 8 / ROUND - [0, 2]) % 8 - 4), -1, 1)


# Times that are worked out at once: memory does not grow with the rows' number.
AT_ONCE = 200


def rows(
    scenes: Scenes,
    index: int,
    size: tuple[int, int],
    hop: float = 0.1,
    file: str = "-",
    bank: Bank | None = None,
    images=None,
) -> list[dict]:
    """The truth table of one scene: a row a thing and hop, of the moment in its middle.

    `size` (width, height) of the picture in pixels; x, y is the box's upper left corner.
    """
    one = scenes.chosen([index])
    count = max(1, int(np.floor(one.seconds / hop + 1e-9)))
    times = (np.arange(count) + 0.5) * hop
    there = [(k, {"file": file} | _kinds(one, k)) for k in np.flatnonzero(one.present[0])]
    table = []
    for some in np.split(times, range(AT_ONCE, count, AT_ONCE)):
        facts = at_times(one, some, size, bank, images)
        table += [
            kind
            | {"time": round(float(time), 6)}
            | {name: _number(values[0, k, t]) for name, values in facts.items()}
            for t, time in enumerate(some)
            for k, kind in there
        ]
    return table


def _kinds(one: Scenes, k: int) -> dict:
    role = "source" if one.heard[0, k] else "mover"
    sound = SOUNDS[one.sound[0, k]] if one.heard[0, k] else None
    show = SHOWS[one.show[0, k]] if one.heard[0, k] or one.mimes[0, k] else None
    return {
        "source": int(k),
        "role": role,
        "sound": sound,
        "show": show if one.drawn[0, k] else None,
        "look": LOOKS[one.look[0, k]] if one.drawn[0, k] else None,
    }


def _number(value) -> float | int | None:
    return None if np.isnan(value) else int(value) if value == int(value) else float(value)


def at_times(
    scenes: Scenes, times: np.ndarray, size: tuple[int, int], bank: Bank | None = None, images=None
) -> dict[str, np.ndarray]:
    """The columns that are numbers, (b, s, t) each, rounded; nan where there is nothing to say.

    `bank` and `images` (`avtools.world.images.Images`) are those that the scenes are rendered with.
    """
    azimuth, elevation, distance = directions(scenes, times)
    loud = np.asarray(loudness(scenes, times, bank)) * scenes.heard[..., None]
    delay, difference = cues(scenes, azimuth, elevation, distance)
    outline = Outlines(scenes, times, size, bank, images)
    left, top, width, height = outline.boxes()
    heard, drawn = scenes.heard[..., None], scenes.visible[..., None] & outline.before
    of_picture = {
        "x": left.round(2),
        "y": top.round(2),
        "width": width.round(2),
        "height": height.round(2),
        "center_x": outline.x.round(2),
        "center_y": outline.y.round(2),
    }
    of_sound = {"delay": delay.round(7), "level_difference": difference.round(2)}
    return {
        "azimuth": wrapped(azimuth.round(3)).round(3),
        "elevation": elevation.round(3),
        "distance": distance.round(3),
        "loudness": loud.round(3),
        "sounding": (loud >= SOUNDS_FROM).astype(float),
        **{k: np.where(drawn, v, np.nan) for k, v in of_picture.items()},
        "visible": np.where(drawn, outline.visible(), 0.0).round(2),
        **{k: np.where(heard, v, np.nan) for k, v in of_sound.items()},
    }


def square_points(count: int = WITHIN) -> np.ndarray:
    """(count, 2) spread evenly from -1 to 1: multiples of powers of the plastic number."""
    k = np.arange(1, count + 1)[:, None]
    return k * np.array([0.7548776662466927, 0.5698402909980532]) % 1 * 2 - 1


@functools.cache
def inner_points() -> np.ndarray:
    """(looks, WITHIN, 2): points spread evenly within each outline."""
    square = square_points(8 * WITHIN) * REACH
    place = np.rint((REACH + square * [1, -1]) * (FINE - 1) / (2 * REACH)).astype(int)
    return np.stack([square[d[place[:, 1], place[:, 0]] > 0][:WITHIN] for d in distances()])


class Outlines:
    """The bodies' outlines in the picture: places of points, and what hides them.

    Coordinates of a thing's own: u to the right, v up, 1 = half its size, before it is tilted.
    """

    def __init__(
        self, scenes: Scenes, times, size: tuple[int, int], bank: Bank | None = None, images=None
    ):
        self.scenes, self.size, self.times = scenes, size, times
        self.azimuth, self.elevation, self.distance = directions(scenes, times)
        self.x, self.y = seen_at(scenes, self.azimuth, self.elevation, size, times)
        self.before = np.isfinite(self.x)
        grown = growth(scenes, times, bank)
        self.half = half_sizes(scenes, self.azimuth, self.elevation, size) * grown
        which = np.full(scenes.look.shape, -1) if images is None else images.replaced(scenes)
        self.is_framed = which >= 0  # a picture of the user's: its frame is its outline
        self.frame = images.extents[which] if self.is_framed.any() else np.ones((*which.shape, 2))
        self.tangent = np.tan(np.deg2rad(scenes.size / 2))[..., None] * grown

    def boxes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Left, top, width and height in pixels, (b, s, t); in 360 the middle is in the picture."""
        x, y, _ = self._placed(self._shaped(outlines(ROUND), CORNERS))
        left, top = x.min(-1), y.min(-1)
        return left, top, x.max(-1) - left, y.max(-1) - top

    def visible(self) -> np.ndarray:
        """The share of each body that is in the picture with nothing before it: (b, s, t)."""
        x, y, ahead = self._placed(self._shaped(inner_points(), square_points()))
        width, height = self.size
        free = (y >= 0) & (y < height) & ~self._behind_pillar(x)
        if not self.scenes.is_360:
            free &= (x >= 0) & (x < width)
        drawn, distance = self.scenes.visible, self.distance
        for k in range(self.scenes.things):
            nearer = (distance[:, k, None] < distance) & drawn[:, k, None, None]
            free &= ~(nearer[..., None] & self._within(k, x, y, ahead))
        return free.mean(-1)

    def _shaped(self, of_looks: np.ndarray, of_frames: np.ndarray) -> np.ndarray:
        """(b, s, p, 2): each thing's own points out of those of looks and of frames."""
        framed = self.frame[:, :, None] * of_frames
        return np.where(self.is_framed[..., None, None], framed, of_looks[self.scenes.look])

    def _placed(self, points: np.ndarray):
        """Pixels x, y (b, s, t, p) of points (b, s, p, 2); in 360 their directions, too."""
        tilt = np.deg2rad(self.scenes.tilt)[..., None]
        u, v = self.scenes.handed[:, None, None] * points[..., 0], points[..., 1]
        right = (u * np.cos(tilt) - v * np.sin(tilt))[:, :, None]
        up = (u * np.sin(tilt) + v * np.cos(tilt))[:, :, None]
        if not self.scenes.is_360:
            half = self.half[..., None]
            return self.x[..., None] + half * right, self.y[..., None] - half * up, None
        ahead, to_right, to_top = self._frame()
        scale = self.tangent[..., None, None]
        points = ahead + scale * (right[..., None] * to_right + up[..., None] * to_top)
        azimuth, elevation = angles(points)
        width, height = self.size
        beside = (self.azimuth[..., None] - azimuth + 180) % 360 - 180
        x = self.x[..., None] + beside / 360 * width
        return x, self.y[..., None] - (elevation - self.elevation[..., None]) / 180 * height, points

    def _frame(self):
        """Directions (b, s, t, 1, 3) of each thing, of its right and of its top."""
        azimuth, elevation = self.azimuth[..., None], self.elevation[..., None]
        return (
            unit_vectors(azimuth, elevation),
            unit_vectors(azimuth - 90, 0.0 * elevation),
            unit_vectors(azimuth, elevation + 90),
        )

    def _within(self, k: int, x: np.ndarray, y: np.ndarray, points) -> np.ndarray:
        """Which points lie within the body of thing k."""
        if self.scenes.is_360:
            ahead, to_right, to_top = (f[:, k, None] for f in self._frame())
            depth = (points * ahead).sum(-1)
            scale = np.maximum(depth, 1e-9) * self.tangent[:, k, None, :, None]
            right, up = (points * to_right).sum(-1) / scale, (points * to_top).sum(-1) / scale
        else:
            depth = 1.0
            half = self.half[:, k, None, :, None]
            right = (x - self.x[:, k, None, :, None]) / half
            up = (self.y[:, k, None, :, None] - y) / half
        tilt = np.deg2rad(self.scenes.tilt)[:, k, None, None, None]
        u = right * np.cos(tilt) + up * np.sin(tilt)
        v = up * np.cos(tilt) - right * np.sin(tilt)
        u = u * self.scenes.handed[:, None, None, None]
        column, row = (np.nan_to_num((REACH + w) * (FINE - 1) / (2 * REACH)) for w in (u, -v))
        inside = (np.abs(u) < REACH) & (np.abs(v) < REACH) & (depth > 0)
        place = [np.clip(np.rint(w), 0, FINE - 1).astype(int) for w in (row, column)]
        look = self.scenes.look[:, k, None, None, None]
        drawn = inside & (distances()[look, place[0], place[1]] > 0)
        wide, tall = (self.frame[:, k, axis][:, None, None, None] for axis in (0, 1))
        framed = (np.abs(u) <= wide) & (np.abs(v) <= tall) & (depth > 0)
        return np.where(self.is_framed[:, k, None, None, None], framed, drawn)

    def _behind_pillar(self, x: np.ndarray) -> np.ndarray:
        s = self.scenes
        left, _ = (v[:, None, :, None] for v in shaken(s, self.times))
        middle, half = s.pillar[:, None, None, None], s.pillar_width[:, None, None, None] / 2
        width = self.size[0]
        if s.is_360:
            azimuth = (0.5 - x / width) * 360 + left
            return np.abs((azimuth - middle + 180) % 360 - 180) < half
        focal = width / 2 / np.tan(np.deg2rad(s.fov / 2))[:, None, None, None]
        azimuth = np.rad2deg(np.arctan((width / 2 - x) / focal)) + left
        return np.abs(azimuth - middle) < half


def facts(scenes: Scenes, index: int) -> dict:
    """What holds for the whole scene: a row of a manifest."""
    s, sounding = scenes, scenes.sounding[index]
    is_pair = s.ears[index] == EARS.index("pair")
    return {
        "kind": "360" if s.is_360 else "stereo",
        "seed": int(s.seeds[index]),
        "channel": int(s.channel[index]),
        "seconds": s.seconds,
        "sources": int(sounding.sum()),
        "seen": int((sounding & s.drawn[index]).sum()),
        "movers": int((s.present[index] & ~s.heard[index]).sum()),
        "ears": EARS[s.ears[index]],
        "spacing": round(float(s.spacing[index]), 4) if is_pair else None,
        "rt60": round(float(s.rt60[index]), 3),
        "snr": round(float(s.snr[index]), 2),
        "fov": round(float(s.fov[index]), 2),
    }
