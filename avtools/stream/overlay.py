"""Draw on the frames of a video: what was found, shown where it was found.

`overlaid` writes a film whose frames `draw(seconds, picture)` has drawn on; all else stays: every
frame's time, the sound's packets, the marks of 360. Pictures are uint8 (height, width, 3) RGB,
upright, in pixels of the source; of a stereoscopic picture each eye's comes by itself, the left
one first, so that what is drawn has the coordinates that it was found at.

`box`, `bar` and `heat` draw into the picture that they are given, and give it back.
"""

import math
import os
from collections.abc import Callable
from fractions import Fraction
from functools import partial

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from avtools.errors import AvtoolsError
from avtools.stream import deliver
from avtools.stream.batch import Item
from avtools.stream.film import is_film
from avtools.stream.frametime import exchanges_axes
from avtools.stream.picture import Picture, View
from avtools.stream.remux import FORMATS
from avtools.stream.sound import Sound
from avtools.stream.targets import refuse_same
from avtools.stream.video import rgb
from avtools.stream.view import eye_of, left_eye

Draw = Callable[[float, np.ndarray], np.ndarray]

# Seen on any ground by people with any colour vision: Okabe and Ito's orange, sky blue, green,
# yellow and purple.
COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (204, 121, 167))
DARK = (16, 16, 16)
RIGHT_OF = {"left": "right", "right": "left", "top": "bottom"}
# FFmpeg's numbers of colour matrices; where nothing is said, BT.601 is taken both ways.
MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
}
SAMPLES = {8, 9, 10, 12, 14, 16}  # bits of one
FULL = 2  # FFmpeg's number of the range 0 to 255
FAR = 30_000  # pixels beyond which OpenCV need not draw


def overlaid(
    source: str,
    target: str,
    draw: Draw,
    crf: int = 18,
    sound: Sound | None = None,
    base: float | Fraction = 0,
    bar: bool = False,
) -> None:
    """Write the video `source` to `target` with its frames drawn on.

    `base` is the time on the video's own clock from which the seconds of `draw` count
    (Together.base); those of earlier frames are negative. `sound` replaces the video's own.
    """
    if not is_film(target):
        raise AvtoolsError(
            f"{target}: an overlay is a video, expected an ending of {', '.join(FORMATS)}"
        )
    refuse_same([source], [target])
    item = Item(source, os.path.basename(source), target)
    form = deliver.Form(picture=partial(_drawn_picture, draw=draw, base=base, crf=crf))
    if sound is None:
        deliver.copy_video(item, form)
    else:
        deliver.deliver(sound, item, form, bar)


def _drawn_picture(spatial, video: str, draw: Draw, base: float | Fraction, crf: int):
    """What stays true of the picture, and what draws on it."""
    return spatial, drawn(draw, left_eye(spatial), base, crf)


def drawn(draw: Draw, eye: str = "whole", base: float | Fraction = 0, crf: int = 18) -> Callable:
    """The picture drawn on: a factory for a remuxer. `eye` names the left one's part of it."""
    made = []

    def factory(source, output) -> Picture:
        made.append(source)
        if len(made) > 1:  # analyses look at the first video stream alone
            return Picture(source, output, lambda view: [], crf)
        return DrawnPicture(source, output, draw, eye, base, crf)

    return factory


class DrawnPicture(Picture):
    """One video stream whose frames are drawn on."""

    def __init__(self, source, output, draw: Draw, eye: str, base: float | Fraction, crf: int):
        super().__init__(source, output, lambda view: [], crf)
        self._draw, self._eye, self._base = draw, eye, float(base)
        self._to_rgb, self._from_rgb = VideoReformatter(), VideoReformatter()

    def changed(self, frame, view: View):
        matrix = self._matrix
        upright = rgb(self._as_rgb(frame), None, matrix)
        before = upright.copy()
        seconds = round(view.time - self._base, 6)
        parts = [self._eye] + ([RIGHT_OF[self._eye]] if self._eye in RIGHT_OF else [])
        for part in parts:
            seen = _part(upright, part)
            seen[:] = _checked(self._draw(seconds, np.ascontiguousarray(seen)), seen)
        made = self._as_encoded(_stored(upright, matrix), frame)
        _restore(made, frame, _stored((upright != before).any(axis=-1, keepdims=True), matrix))
        return made

    def _as_rgb(self, frame):
        encoder = self.stream.codec_context
        if frame.format.is_rgb and (frame.width, frame.height) == (encoder.width, encoder.height):
            return frame
        colours = {} if frame.format.is_rgb else _colours("src", frame)
        # A stream whose pictures change their size is shown at the first one's.
        return self._to_rgb.reformat(frame, encoder.width, encoder.height, "rgb24", **colours)

    def _as_encoded(self, picture: np.ndarray, frame):
        encoder = self.stream.codec_context
        made = av.VideoFrame.from_ndarray(picture, format="rgb24")
        if not av.VideoFormat(encoder.pix_fmt).is_rgb:
            like = encoder if frame.format.is_rgb else frame
            colours = _colours("dst", like)
            made = self._from_rgb.reformat(
                made, format=encoder.pix_fmt, interpolation=Interpolation.AREA, **colours
            )
        else:
            made = self._from_rgb.reformat(made, format=encoder.pix_fmt)
        made.pts, made.time_base, made.duration = frame.pts, frame.time_base, frame.duration
        return made


def _colours(side: str, like) -> dict:
    """How R, G and B are mixed to Y, Cb and Cr in frames like this one, for a reformatter."""
    is_full = int(like.color_range) == FULL
    return {
        f"{side}_colorspace": MATRICES.get(int(like.colorspace), Colorspace.ITU601),
        f"{side}_color_range": ColorRange.JPEG if is_full else ColorRange.MPEG,
    }


def _restore(made, frame, touched: np.ndarray) -> None:
    """Where nothing was drawn, the very samples of `frame`: on the way to RGB and back luma comes
    out 1 darker, and colours blur. `touched` is (height, width, 1) of truth."""
    from cv2 import INTER_AREA, resize

    given, taken = _planes(frame), _planes(made)
    if given is None or [p.shape for p in given] != [p.shape for p in taken or ()]:
        return  # the encoder holds pictures in another form
    if frame.format.name != made.format.name:
        return
    mask = touched[..., 0].astype(np.float32)
    for old, new in zip(given, taken, strict=True):
        size = new.shape[::-1]
        part = mask if mask.shape == new.shape else resize(mask, size, interpolation=INTER_AREA)
        np.copyto(new, old, where=part == 0)


def _planes(frame) -> list[np.ndarray] | None:
    """The samples of each component (rows, columns), where each has a plane of its own."""
    form, parts = frame.format, frame.format.components
    bits = {c.bits for c in parts}
    if form.has_palette or len({c.plane for c in parts}) < len(parts) or not bits <= SAMPLES:
        return None
    kind = np.uint8 if bits == {8} else np.uint16
    found = []
    for plane in frame.planes:
        lines = np.frombuffer(plane, kind, plane.line_size * plane.height // kind().itemsize)
        found.append(lines.reshape(plane.height, -1)[:, : plane.width])
    return found


def _part(picture: np.ndarray, part: str) -> np.ndarray:
    if part == "bottom":
        return picture[picture.shape[0] // 2 :]
    return eye_of(picture, part)


def _checked(made: np.ndarray, like: np.ndarray) -> np.ndarray:
    if made.shape != like.shape or made.dtype != np.uint8:
        raise ValueError(f"a picture {made.shape} {made.dtype}, expected {like.shape} uint8")
    return made


def _stored(upright: np.ndarray, matrix: tuple[int, ...] | None) -> np.ndarray:
    """The picture as a file holds it that says by its matrix how it is shown: undoes `rgb`."""
    if matrix is None:
        return upright
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    sideways = exchanges_axes(matrix)
    if sideways:
        a, d = c, b
    picture = upright[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
    return np.ascontiguousarray(picture.transpose(1, 0, 2) if sideways else picture)


# ---- what is drawn ------------------------------------------------------------------------------


def box(
    picture: np.ndarray,
    place: tuple[float, float, float, float],
    label: str = "",
    colour: tuple[int, int, int] = COLOURS[0],
) -> np.ndarray:
    """A rectangle at `place` (x, y, width, height in pixels, from the top left), and its label."""
    import cv2

    if not np.isfinite(place).all():
        return picture
    x, y, width, height = place
    left, top, right, bottom = (_pixel(v) for v in (x, y, x + width, y + height))
    stroke = _stroke(picture)
    cv2.rectangle(picture, (left, top), (right, bottom), DARK, stroke + 2)
    cv2.rectangle(picture, (left, top), (right, bottom), colour, stroke)
    return _labelled(picture, left, top, label, colour) if label else picture


def bar(
    picture: np.ndarray,
    x: float,
    label: str = "",
    colour: tuple[int, int, int] = COLOURS[1],
) -> np.ndarray:
    """A line from top to bottom at `x` pixels from the left: a direction without its height."""
    import cv2

    if not math.isfinite(x):
        return picture
    column, height, stroke = _pixel(x), picture.shape[0], _stroke(picture)
    cv2.line(picture, (column, 0), (column, height - 1), DARK, stroke + 2)
    cv2.line(picture, (column, 0), (column, height - 1), colour, stroke)
    return _labelled(picture, column, height, label, colour) if label else picture


def heat(picture: np.ndarray, values: np.ndarray, alpha: float = 0.7) -> np.ndarray:
    """A map (rows, columns) of 0 to 1 laid over the whole picture: the more, the less clear.

    Where it is 0 the picture shows as it is, where it is 1 by 1 - `alpha`.
    """
    import cv2

    if values.ndim != 2 or not values.size:
        raise ValueError(f"a map of shape {values.shape}, expected (rows, columns)")
    height, width = picture.shape[:2]
    known = np.clip(np.nan_to_num(values.astype(np.float32), posinf=1.0, neginf=0.0), 0, 1)
    over = cv2.resize(known, (width, height), interpolation=cv2.INTER_LINEAR)
    # Lightness rises evenly with the value, and grey print and any colour vision keep the order.
    shades = cv2.applyColorMap(np.rint(over * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    over *= np.float32(alpha)
    picture[:] = cv2.blendLinear(picture, shades[..., ::-1].copy(), 1 - over, over)
    return picture


def _labelled(picture: np.ndarray, x: int, y: int, label: str, colour) -> np.ndarray:
    """The text on a ground of the colour, above (x, y) where there is room, in the picture."""
    import cv2

    height, width = picture.shape[:2]
    scale, font = max(0.35, height / 1000), cv2.FONT_HERSHEY_SIMPLEX
    weight = max(1, round(scale * 1.6))
    text = label.encode("ascii", "replace").decode()  # the font knows no other letters
    (wide, high), below = cv2.getTextSize(text, font, scale, weight)
    pad = max(2, round(4 * scale))
    tall = high + below + 2 * pad
    left = max(0, min(x, width - wide - 2 * pad))
    top = max(0, min(y - tall, height - tall))
    right, bottom = left + wide + 2 * pad, top + tall
    cv2.rectangle(picture, (left, top), (right, bottom), colour, cv2.FILLED)
    cv2.putText(
        picture, text, (left + pad, top + pad + high), font, scale, DARK, weight, cv2.LINE_AA
    )
    return picture


def _pixel(value: float) -> int:
    return round(max(-FAR, min(FAR, value)))


def _stroke(picture: np.ndarray) -> int:
    return max(1, round(min(picture.shape[:2]) / 240))
