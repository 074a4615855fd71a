"""Where in the picture things move, over time, with what the camera itself does taken out.

Pictures are compared with the one before, at low resolution. A camera that shakes or pans moves
everything at once: the shift, turn and zoom that explain most of the change are found by weighted
least squares on the brightness' slopes, and only what they leave is movement. What all cells have
(film grain, the codec's refreshed pictures) is taken off, too.

Time goes in ticks of 1/25 s from the first sample of sound on. The change from one picture to the
next is spread evenly over the ticks between them, so that pictures of any rate, a changing one
too, give the same amount in all.
"""

from collections.abc import Iterable, Iterator

import numpy as np

TICKS = 25
COLUMNS, COLUMNS_360 = 48, 96
WIDTH = 192
# A change that takes longer is no movement, but another picture.
LONGEST = 0.5
# Rounds of weighted least squares, and the change (in grey levels) from which a pixel counts less.
ROUNDS, TRUST = 3, 4.0
# Where more than this share of the cells changes by more than so much, there was a cut.
CUT_SHARE, CUT_CHANGE = 0.5, 12.0
# Grey levels that some cell must change by in some tick for anything to move.
DISTINCT = 1.0
LUMA = np.array([77, 150, 29], np.uint16)


def small_size(width: int, height: int, is_360: bool = False) -> tuple[int, int]:
    """The size (width, height) to decode pictures at: whole cells."""
    if is_360:
        return WIDTH, WIDTH // 2
    cell = WIDTH // COLUMNS
    rows = min(max(round(COLUMNS * height / width), 8), 2 * COLUMNS)
    return WIDTH, rows * cell


def columns_of(is_360: bool) -> int:
    return COLUMNS_360 if is_360 else COLUMNS


def movement(
    pictures: Iterable[tuple[float, np.ndarray]], is_360: bool = False
) -> Iterator[np.ndarray]:
    """Blocks (ticks, rows, columns) of one second, the last may be shorter: change in each cell.

    In grey levels of 255 a tick, the mean over the cell. `pictures`: times in seconds and RGB
    pictures of `small_size`, uint8 (height, width, 3).
    """
    before, since, held = None, 0.0, None
    first = 0  # the tick that held begins with
    for time, picture in pictures:
        grey = _grey(picture, is_360)
        if held is None:
            held = np.zeros((2 * TICKS, *_pooled(grey, is_360).shape), np.float32)
        while time * TICKS >= first + TICKS:  # nothing to come reaches into this second
            if since * TICKS < first + TICKS and time - since <= LONGEST:
                break
            yield held[:TICKS].copy()
            held = np.concatenate([held[TICKS:], np.zeros_like(held[:TICKS])])
            first += TICKS
        if before is not None and 0 < time - since <= LONGEST and time > 0:
            _spread(held, _moved(before, grey, is_360), since * TICKS - first, time * TICKS - first)
        while time * TICKS >= first + TICKS:
            yield held[:TICKS].copy()
            held = np.concatenate([held[TICKS:], np.zeros_like(held[:TICKS])])
            first += TICKS
        before, since = grey, time
    if held is not None:
        last = int(np.ceil(since * TICKS - 1e-6)) - first
        if last > 0:
            yield held[:last].copy()


def distinct(motion: np.ndarray) -> np.ndarray:
    """Movements (ticks, rows, columns) of a window; none where the picture is still: what a codec
    leaves in one stays below one grey level everywhere."""
    return motion if motion.max(initial=0) >= DISTINCT else np.zeros_like(motion)


def _grey(picture: np.ndarray, is_360: bool) -> np.ndarray:
    """Brightness, softened so that its slopes say how far a shift of a pixel changes it."""
    import cv2

    grey = (picture @ LUMA >> 8).astype(np.float32)
    if not is_360:
        return cv2.GaussianBlur(grey, (3, 3), 0.8)
    # The right edge goes on at the left one.
    wide = np.concatenate([grey[:, -1:], grey, grey[:, :1]], axis=1)
    return cv2.GaussianBlur(wide, (3, 3), 0.8)[:, 1:-1]


def _pooled(values: np.ndarray, is_360: bool) -> np.ndarray:
    cell = WIDTH // columns_of(is_360)
    rows, columns = values.shape[0] // cell, values.shape[1] // cell
    return values.reshape(rows, cell, columns, cell).mean(axis=(1, 3))


def _spread(held: np.ndarray, moved: np.ndarray, start: float, end: float) -> None:
    """Add what moved from `start` to `end`, in ticks, each tick its share."""
    for tick in range(max(int(start), 0), int(np.ceil(end))):
        share = (min(end, tick + 1) - max(start, tick)) / (end - start)
        held[tick] += share * moved


def _moved(before: np.ndarray, now: np.ndarray, is_360: bool) -> np.ndarray:
    """Change in each cell (rows, columns) that the camera does not explain."""
    left = _unexplained(before, now, is_360)
    change = _pooled(np.abs(left), is_360)
    if (change > CUT_CHANGE).mean() > CUT_SHARE:
        return np.zeros_like(change)
    return np.maximum(change - np.median(change), 0.0)


def _unexplained(before: np.ndarray, now: np.ndarray, is_360: bool) -> np.ndarray:
    """The change of brightness less that of the camera's shift, turn and zoom.

    A scene that moves by (u, v) changes brightness I by -(Ix u + Iy v), with
    u = a + c x - b y, v = d + c y + b x: shift (a, d), turn b, zoom c. Over the sphere turns about
    the vertical shift all rows alike, and only these are looked for.
    """
    change = now - before
    mean = (now + before) / 2
    across, down = _slopes(mean, is_360)
    parts = [across, down]
    if not is_360:
        height, width = mean.shape
        x = np.linspace(-0.5, 0.5, width, dtype=np.float32)
        y = (np.linspace(-0.5, 0.5, height, dtype=np.float32) * (height / width))[:, None]
        parts += [down * x - across * y, across * x + down * y]
    slopes = np.stack([p.ravel() for p in parts])
    flat, weight = change.ravel(), None
    left = flat
    for _ in range(ROUNDS):
        weight = 1 / (1 + (left / TRUST) ** 2)
        weighted = slopes * weight
        system = weighted @ slopes.T
        system[np.diag_indices(len(parts))] += 1e-3 * np.trace(system) / len(parts) + 1e-6
        left = flat - np.linalg.solve(system, weighted @ flat) @ slopes
    return left.reshape(change.shape)


def _slopes(picture: np.ndarray, is_360: bool) -> tuple[np.ndarray, np.ndarray]:
    """Changes of brightness a pixel to the right and down."""
    across, down = np.zeros_like(picture), np.zeros_like(picture)
    across[:, 1:-1] = (picture[:, 2:] - picture[:, :-2]) / 2
    if is_360:  # the right edge goes on at the left one
        across[:, 0] = (picture[:, 1] - picture[:, -1]) / 2
        across[:, -1] = (picture[:, 0] - picture[:, -2]) / 2
    down[1:-1] = (picture[2:] - picture[:-2]) / 2
    return across, down
