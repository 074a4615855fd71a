"""Pictures to JPEG and back, at the stored size or another.

simplejpeg was the fastest of what was tried (18 pictures of 256x256 in 3.5 ms on one core; cv2
4.1, PyAV 4.4, torchvision 4.5, PIL 5.8), decodes into a given array, shrinks while it decodes, and
says when data is cut off, which cv2 does not.
"""

from collections.abc import Sequence

import numpy as np

Size = int | Sequence[int] | None

QUALITY = 85
LONGEST_SIDE = 65500  # what libjpeg takes
REDUCTIONS = (8, 4, 2)  # what the inverse transform can shrink by while it decodes


def fitted(height: int, width: int, size: Size) -> tuple[int, int]:
    """(height, width) of a picture brought to `size`.

    `size` is (width, height), as everywhere; or a number: the length of the shorter side, the
    shape kept. None leaves it.
    """
    if size is None:
        return height, width
    if isinstance(size, int | np.integer):
        if size < 1:
            raise ValueError(f"size {size}: expected at least 1 pixel")
        short = min(height, width)
        return max(1, round(height * size / short)), max(1, round(width * size / short))
    wide, high = (int(n) for n in size)
    if wide < 1 or high < 1:
        raise ValueError(f"size {wide}x{high}: expected at least 1x1")
    return high, wide


def encode(picture: np.ndarray, size: Size = None, quality: int = QUALITY) -> bytes:
    """RGB uint8 (height, width, 3) as JPEG, colour at half the resolution as cameras store it."""
    import simplejpeg

    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ValueError(
            f"a picture of shape {picture.shape}, {picture.dtype}:"
            " expected (height, width, 3), uint8"
        )
    height, width = fitted(*picture.shape[:2], size) if picture.size else (0, 0)
    if not 1 <= min(height, width) <= max(height, width) <= LONGEST_SIDE:
        raise ValueError(
            f"{width}x{height}: expected a picture of 1 to {LONGEST_SIDE} pixels a side"
        )
    if (height, width) != picture.shape[:2]:
        picture = _resized(picture, height, width)
    picture = np.ascontiguousarray(picture)
    return simplejpeg.encode_jpeg(picture, quality, colorsubsampling="420")


def shape(jpeg: bytes) -> tuple[int, int]:
    """(height, width) of the picture stored."""
    import simplejpeg

    return simplejpeg.decode_jpeg_header(jpeg)[:2]


def decode_into(jpeg: bytes, out: np.ndarray) -> None:
    """Fill RGB uint8 `out` (height, width, 3), which must lie in one piece; scaled where needed.

    ValueError for data that is no JPEG or has no end.
    """
    import simplejpeg

    height, width = simplejpeg.decode_jpeg_header(jpeg)[:2]
    high, wide = out.shape[:2]
    if (height, width) == (high, wide):
        simplejpeg.decode_jpeg(jpeg, buffer=out)
        return
    for factor in REDUCTIONS:
        if high * factor <= height and wide * factor <= width:
            smaller = {"min_height": -(-height // factor), "min_width": -(-width // factor)}
            break
    else:
        smaller = {}
    picture = simplejpeg.decode_jpeg(jpeg, **smaller)
    out[:] = picture if picture.shape == out.shape else _resized(picture, high, wide)


def _resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    import cv2

    # The mean over a pixel's area has no aliases; between pixels it would only be the nearest.
    shrinks = height < picture.shape[0] or width < picture.shape[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(picture, (width, height), interpolation=way)
