"""A flat view out of an equirectangular picture: what a camera standing in the sphere would see.

The projection is the gnomonic one: straight lines stay straight. The pixel in column i of W has
its centre at x = ((2i + 1) / W - 1) tan(fov / 2), and looks along (1, -x, y) in the view's own
axes (x front, y left, z up); pixels are square. Its colour is read where that ray meets the
sphere: column W (0.5 - azimuth / 360) of the picture, row H (0.5 - elevation / 180).

OpenCV reads the pixels. A view that moves needs new places for every frame: from 3840 x 1920 to
1280 x 720 a frame takes 27 ms (at rest 16), with FFmpeg's v360, which makes its map anew, 90 to
170. Against the exact picture of detail up to a third of Nyquist: lanczos 54.5 dB, cubic 49.5,
linear 45.7; v360 (cubic, the grid of its input mended as in picture.py) 51.9.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np

from avtools.errors import AvtoolsError
from avtools.stream.picture import Filters, Picture, View, check_upright

# Which part of a picture the left eye sees, as FFmpeg's crop takes it.
LEFT_EYE = {
    "whole": None,
    "top": "iw:ih/2:0:0",
    "left": "iw/2:ih:0:0",
    "right": "iw/2:ih:iw/2:0",
}
RIGHT_IS_LEFT = 4  # the code of st3d for two pictures side by side, the right eye's first
REACH = 4  # pixels that lanczos looks to each side
WIDEST = 32_000  # what OpenCV can read from
FINEST = 2560  # columns up to which a view is read more finely than it is shown
# Less than this part of a pixel of the view nobody sees move; half a pixel would judder.
STILL = 0.02


@dataclass(frozen=True)
class Flat:
    """A flat picture: its size in pixels, the angle between its left and right edges."""

    width: int
    height: int
    fov: float

    @property
    def slope(self) -> float:
        """Half the picture's width at distance 1."""
        return math.tan(math.radians(self.fov) / 2)

    @property
    def vertical_fov(self) -> float:
        return 2 * math.degrees(math.atan(self.slope * self.height / self.width))

    @property
    def pixel(self) -> float:
        """The angle of a pixel in the middle, radians."""
        return 2 * self.slope / self.width

    def fineness(self, columns: int) -> int:
        """How many times finer a sphere of so many columns is to be read, then averaged.

        Where a pixel of the view is larger than two of the sphere, reading one place of it would
        let fine detail flicker. That is in the middle of wide views: towards the edges a pixel
        is ever smaller.
        """
        wanted = math.ceil(self.pixel / (2 * math.pi / columns) / 2)
        return max(1, min(wanted, FINEST // self.width))

    def seen_at(self, direction: np.ndarray) -> tuple[float, float]:
        """Column and row (edges of pixels are whole numbers) of a ray (3,) that lies in front."""
        x, y = -direction[1] / direction[0], direction[2] / direction[0]
        scale = self.width / (2 * self.slope)
        return self.width / 2 + x * scale, self.height / 2 - y * scale

    def places(
        self, turn: np.ndarray, columns: int, rows: int, width: int, height: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where each of `columns` x `rows` is read in an equirectangular `width` x `height`.

        Two float32 `(rows, columns)`, 0 being the first pixel's centre. `turn` brings the middle
        of the view to the front, so that its transpose takes rays of the view to the sphere.
        """
        x = ((2 * np.arange(columns) + 1) / columns - 1) * self.slope
        y = (1 - (2 * np.arange(rows) + 1) / rows) * self.slope * self.height / self.width
        front, left, up = np.asarray(turn, np.float32)
        across = front[:, None] - left[:, None] * x.astype(np.float32)
        upwards = up[:, None] * y.astype(np.float32)
        sx, sy, sz = (across[k] + upwards[k][:, None] for k in range(3))
        azimuth = np.arctan2(sy, sx)
        elevation = np.arctan2(sz, np.hypot(sx, sy))
        return (
            width * (0.5 - azimuth / np.float32(2 * np.pi)) - np.float32(0.5),
            height * (0.5 - elevation / np.float32(np.pi)) - np.float32(0.5),
        )


def flattened(picture: np.ndarray, flat: Flat, turn: np.ndarray) -> np.ndarray:
    """The view `(height, width[, 3])` of a whole equirectangular picture `(H, W[, 3])`."""
    reader = _Reader(flat, picture.shape[1])
    return reader.read(picture, turn, flat.width, flat.height)


def left_eye(spatial) -> str:
    """Which part of a picture with this metadata the left eye sees: a name of `LEFT_EYE`."""
    if spatial.stereo == "left-right":
        return "right" if spatial.st3d and spatial.st3d[12] == RIGHT_IS_LEFT else "left"
    return {"mono": "whole", "top-bottom": "top"}[spatial.stereo]


def eye_of(picture: np.ndarray, eye: str) -> np.ndarray:
    """That part of a picture `(H, W, ...)`."""
    height, width = picture.shape[:2]
    halves = {"top": np.s_[: height // 2], "left": np.s_[:, : width // 2]}
    return picture[(halves | {"right": np.s_[:, width // 2 :], "whole": np.s_[:]})[eye]]


def cut(
    turn_at: Callable[[float], np.ndarray], flat: Flat, eye: str = "whole", crf: int = 18
) -> Callable:
    """The view turned by `turn_at(seconds)`, on the source's clock: a factory for a remuxer."""
    return lambda source, output: FlatPicture(source, output, turn_at, flat, eye, crf)


class FlatPicture(Picture):
    """One video stream on its way into a flat view."""

    def __init__(self, source, output, turn_at: Callable, flat: Flat, eye: str, crf: int):
        crop = LEFT_EYE[eye]
        chain = [("crop", crop)] if crop else []
        super().__init__(source, output, lambda view: chain, crf, (flat.width, flat.height))
        # Matroska's word for the place of two eyes: here is only one, and no sphere.
        source.metadata.pop("stereo_mode", None)
        self._turn_at, self._flat = turn_at, flat
        wanted = self.stream.codec_context.pix_fmt
        self._planes = _Form(wanted if _is_readable(wanted) else _readable_for(wanted))
        self._finish = None if wanted == self._planes.pix_fmt else Filters()
        self._reader: _Reader | None = None

    def changed(self, frame, view: View):
        check_upright(view)
        sphere = self._graph.through(frame, self._chain(view), self._planes)
        if sphere.width > WIDEST:
            raise AvtoolsError(f"a picture {sphere.width} wide, expected at most {WIDEST}")
        if self._reader is None or self._reader.width != sphere.width:
            self._reader = _Reader(self._flat, sphere.width)
        made = self._flat_frame(sphere, np.asarray(self._turn_at(view.time), float))
        if self._finish is not None:
            made = self._finish.through(made, [], self.stream.codec_context)
        return made

    def _flat_frame(self, sphere, turn: np.ndarray):
        made = av.VideoFrame(self._flat.width, self._flat.height, sphere.format.name)
        for given, taken in zip(sphere.planes, made.planes, strict=True):
            into = _array(taken, sphere.format)
            plane = _array(given, sphere.format)
            into[:] = self._reader.read(plane, turn, taken.width, taken.height)
        made.pts, made.time_base, made.duration = sphere.pts, sphere.time_base, sphere.duration
        made.colorspace, made.color_range = sphere.colorspace, sphere.color_range
        return made


@dataclass(frozen=True)
class _Form:
    """What a graph is asked for, as an encoder would ask."""

    pix_fmt: str
    sample_aspect_ratio: Fraction = Fraction(1, 1)


def _is_readable(name: str) -> bool:
    """Each component in a plane of its own, in bytes or in pairs of them, the lower one first."""
    form = av.VideoFormat(name)
    parts, bits = form.components, {c.bits for c in form.components}
    return (
        len({c.plane for c in parts}) == len(parts)
        and not form.has_palette
        and (bits == {8} or (min(bits) > 8 and max(bits) <= 16 and not form.is_big_endian))
    )


def _readable_for(name: str) -> str:
    form = av.VideoFormat(name)
    deep = max(c.bits for c in form.components) > 8
    if form.is_rgb or form.has_palette:
        return "gbrp16le" if deep else "gbrp"
    return "yuv444p16le" if deep else "yuv444p"


def _array(plane, form) -> np.ndarray:
    """The pixels of a plane, `(height, width)`; what is written to them is in the frame."""
    kind = np.uint8 if form.components[0].bits == 8 else np.uint16
    lines = np.frombuffer(plane, kind, plane.line_size * plane.height // np.dtype(kind).itemsize)
    return lines.reshape(plane.height, -1)[:, : plane.width]


class _Reader:
    """Reads planes of spheres of one width along one turn, until another turn comes."""

    def __init__(self, flat: Flat, width: int):
        self.flat, self.width = flat, width
        self._fine = flat.fineness(width)
        self._turn: np.ndarray | None = None
        self._places: dict[tuple[int, ...], tuple[np.ndarray, np.ndarray]] = {}

    def read(self, plane: np.ndarray, turn: np.ndarray, columns: int, rows: int) -> np.ndarray:
        """The view in `columns` x `rows`; chroma is coarser than luma."""
        # A turn by an angle is at most that angle x sqrt(2) away, as matrices are.
        if self._turn is None or np.linalg.norm(turn - self._turn) > STILL * self.flat.pixel:
            self._turn, self._places = turn, {}
        fine = self._fine
        key = (columns * fine, rows * fine, plane.shape[1], plane.shape[0])
        if key not in self._places:
            margin = min(REACH, *plane.shape[:2])
            x, y = self.flat.places(self._turn, *key)
            self._places[key] = x + np.float32(margin), y + np.float32(margin)
        seen = cv2.remap(
            _surrounded(plane), *self._places[key], cv2.INTER_LANCZOS4, None, cv2.BORDER_REPLICATE
        )
        if fine == 1:
            return seen
        return cv2.resize(seen, (columns, rows), interpolation=cv2.INTER_AREA)


def _surrounded(plane: np.ndarray) -> np.ndarray:
    """The sphere goes on beyond the edges: across the seam, and over the poles half a turn on."""
    height, width = plane.shape[:2]
    n = min(REACH, height, width)
    made = np.empty((height + 2 * n, width + 2 * n, *plane.shape[2:]), plane.dtype)
    inner = made[:, n : n + width]
    inner[n : n + height] = plane
    inner[:n] = np.roll(plane[:n], width // 2, axis=1)[::-1]
    inner[n + height :] = np.roll(plane[height - n :], width // 2, axis=1)[::-1]
    made[:, :n], made[:, n + width :] = inner[:, width - n :], inner[:, :n]
    return made
