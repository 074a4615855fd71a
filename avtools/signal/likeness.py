"""Where in a picture something looks like the thing in a box of another picture.

The box is cut into parts, and each part is looked for on its own, a pixel to all sides of where it
belongs: a part that something covers then costs its own share and no more, and a mouth that opens
or a head that leans changes little. A part is judged by the mean square of its difference from
the picture, against its own variety: flat parts fit nearly everywhere, and say little.
"""

from itertools import pairwise

import numpy as np

COLUMNS, ROWS = 3, 4  # parts of a box
# Difference that any part may have (coding, light), in grey levels, and as a share of its variety.
NOISE, LENIENCE = 14.0, 0.35
# How much of the box is looked at: its corners show what is behind a head.
WITHIN = 0.86
# Of what was seen last against what was seen first, at each look.
FRESHNESS = 0.06


class Likeness:
    """One thing. Pictures are float32 RGB, and always of the same size."""

    def __init__(self, picture: np.ndarray, box: np.ndarray, is_round: bool = False):
        """`box`: x, y, width, height in pixels of the picture. `is_round`: its edges meet."""
        self.is_round = is_round
        self.width = max(2 * COLUMNS, round(float(box[2]) * WITHIN))
        self.height = max(2 * ROWS, round(float(box[3]) * WITHIN))
        middle = box[0] + box[2] / 2, box[1] + box[3] / 2
        self.first = self.cut(picture, *middle)
        self.last = self.first.copy()

    @property
    def offset(self) -> tuple[float, float]:
        """From the index of a pixel to the thing's middle, x and y (a pixel's edge is whole)."""
        return self.width / 2 - self.width // 2, self.height / 2 - self.height // 2

    def cut(self, picture: np.ndarray, x: float, y: float, scale: float = 1.0) -> np.ndarray:
        """The patch with its middle at x, y, of a thing `scale` times as large."""
        import cv2

        reach = 2 * int(max(self.width, self.height) * scale) + 4
        wide = self._padded(picture, reach)
        # 0 of a patch is the middle of its first pixel.
        left = x + reach - (self.width / 2 - 0.5) * scale - 0.5
        top = y + reach - (self.height / 2 - 0.5) * scale - 0.5
        turn = np.array([[scale, 0, left], [0, scale, top]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (self.width, self.height)
        return cv2.warpAffine(wide, turn, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)

    def _padded(self, picture: np.ndarray, n: int) -> np.ndarray:
        import cv2

        if not self.is_round:
            return cv2.copyMakeBorder(picture, n, n, n, n, cv2.BORDER_REPLICATE)
        tall = cv2.copyMakeBorder(picture, n, n, 0, 0, cv2.BORDER_REPLICATE)
        return cv2.copyMakeBorder(tall, 0, 0, n, n, cv2.BORDER_WRAP)

    def resize(self, scale: float) -> float:
        """The thing is so many times as large from now on; in whole pixels: how many, then."""
        import cv2

        size = (
            max(2 * COLUMNS, round(self.width * scale)),
            max(2 * ROWS, round(self.height * scale)),
        )
        became = (size[0] * size[1] / (self.width * self.height)) ** 0.5
        self.width, self.height = size
        self.first = cv2.resize(self.first, size, interpolation=cv2.INTER_LINEAR)
        self.last = cv2.resize(self.last, size, interpolation=cv2.INTER_LINEAR)
        return became

    def everywhere(self, picture: np.ndarray) -> np.ndarray:
        """`(height, width)`, 0 to 1: how much like the thing it is with its middle there.

        There: at the pixel's index plus `offset`.
        """
        half = max(self.width, self.height) // 2 + 2
        return self._within(self._padded(picture, half), half)

    def near(self, picture: np.ndarray, left: int, top: int, right: int, bottom: int) -> np.ndarray:
        """The same of a part of the picture, which is all that is worked on."""
        half = max(self.width, self.height) // 2 + 2
        rows, columns = picture.shape[:2]
        y = np.clip(np.arange(top - half, bottom + half), 0, rows - 1)
        x = np.arange(left - half, right + half)
        x = x % columns if self.is_round else np.clip(x, 0, columns - 1)
        return self._within(np.ascontiguousarray(picture[np.ix_(y, x)]), half)

    def _within(self, wide: np.ndarray, half: int) -> np.ndarray:
        import cv2

        rows, columns = wide.shape[0] - 2 * half, wide.shape[1] - 2 * half
        total = np.zeros((rows, columns), np.float32)
        for top, left, part, spread in self._parts(self.last):
            found = cv2.matchTemplate(wide, part, cv2.TM_SQDIFF) / part.size
            fit = np.exp(-np.maximum(found, 0) / (2 * spread))
            fit = cv2.dilate(fit, np.ones((3, 3), np.uint8))
            # Of a thing with its middle in pixel (0, 0), the part begins here in `wide`.
            y = half - self.height // 2 + top
            x = half - self.width // 2 + left
            total += fit[y : y + rows, x : x + columns]
        return total / (COLUMNS * ROWS)

    def here(self, patch: np.ndarray) -> float:
        """The same of one patch."""
        return float(self.fits(patch).mean())

    def fits(self, patch: np.ndarray) -> np.ndarray:
        """`(ROWS, COLUMNS)`, of each part."""
        fits = []
        for top, left, part, spread in self._parts(self.last):
            there = patch[top : top + part.shape[0], left : left + part.shape[1]]
            fits.append(np.exp(-float(((there - part) ** 2).mean()) / (2 * spread)))
        return np.array(fits).reshape(ROWS, COLUMNS)

    def refresh(self, patch: np.ndarray) -> None:
        """Follow slow changes of its look, in the parts that are seen now."""
        rows, columns = self._edges()
        seen = np.repeat(np.repeat(self.fits(patch) > 0.6, np.diff(rows), 0), np.diff(columns), 1)
        anchored = 0.5 * self.first + 0.5 * patch
        self.last += FRESHNESS * seen[..., None] * (anchored - self.last)

    def _edges(self):
        rows = np.linspace(0, self.height, ROWS + 1).round().astype(int)
        return rows, np.linspace(0, self.width, COLUMNS + 1).round().astype(int)

    def _parts(self, patch: np.ndarray):
        rows, columns = self._edges()
        for top, bottom in pairwise(rows):
            for left, right in pairwise(columns):
                part = np.ascontiguousarray(patch[top:bottom, left:right])
                spread = NOISE**2 + LENIENCE * float(part.var(axis=(0, 1)).mean())
                yield top, left, part, spread
