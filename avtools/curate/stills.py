"""Still pictures: clips in which nothing moves, and slide shows.

Frames are made small (64 x 36 cells, by means over areas, so that grain averages out) and grey.
Where two frames differ by more than coding and grain do, a cell has changed:

  coding    up to 4 levels of 255 in an H.264 still, where a keyframe comes in anew;
  grain     its size is seen in the difference itself, less its local mean: the median of that is
            the same all over the picture, while what moves has edges and leaves most cells alone.
            Five standard deviations of it, but no more than 20 levels, are put down to grain;
  light     a brightness or contrast that changes everywhere alike (flicker) is no movement.

A pair of frames shows movement if more than `least_area` of its cells changed; a slow pan, if a
twentieth of them changed within six frames; something very small, if the same two cells changed in
many pairs. It is a cut if many changed and the two pictures have
little in common, unlike those beside it, and so is each pair of a fade: what stands between is a
mixture of the pictures before and after. A clip is still if few pairs show movement (poor coding
moves a little at each keyframe), and a slide show if there are cuts besides. A picture with film
grain on it is still.

A small thing that moves (a logo, a waveform) is no smaller than the mouth of a speaker far from the
camera, so it counts as movement: `moving_area` tells how much of the picture ever moves, for those
who want to ask for more. A slow zoom over a photograph counts as movement too. Keyframes alone tell
a still from the rest; a slide show they can't be told from many cuts, and it takes frames in a row.
"""

import numpy as np

from avtools.curate.verdict import Verdict

CELLS = 64 * 36  # about
CODING_LEVELS = 4.0
GRAIN_DEVIATIONS = 5.0
MOST_GRAIN_LEVELS = 20.0
CUT_AREA = 0.25
CUT_CORRELATION = 0.6
SLOW, SLOW_AREA = 6, 0.05
FADE = 4  # frames before and after that a picture may be mixed of
MIXED = 0.97  # of its variance
LEAST_SHARE = 0.1  # of either picture in a mixture
IN_A_ROW = 12  # frames: with fewer, every one may stand after a cut
NAMES = ("moving", "moving_area", "cuts")


def stills(
    frames: np.ndarray,
    *,
    least_area: float = 0.002,
    least_moving: float = 0.2,
) -> Verdict:
    """Frames in order of time, uint8 `(n, height, width, 3)` or `(n, height, width)`.

    Figures: `moving`, the share of pairs of frames that show movement; `moving_area`, the share of
    the picture that moved in any of them; `cuts`. With fewer than two frames nothing is known.
    """
    if frames.ndim not in (3, 4) or frames.dtype != np.uint8 or 0 in frames.shape[1:]:
        raise ValueError(f"frames {frames.dtype} {frames.shape}, expected uint8 (n, h, w, 3)")
    if len(frames) < 2:
        return Verdict(dict.fromkeys(NAMES, float("nan")))
    small = shrunk(frames)
    moved = changed(small)
    area = moved.mean(axis=(1, 2))
    cut = _alone((area > CUT_AREA) & (_likeness(small, 1) < CUT_CORRELATION)) | _fading(small)
    shown = ((area > least_area) & ~cut) | _slow(small, cut)
    figures = {
        "moving": max(float(shown.mean()), _again(moved[~cut]) * float((~cut).mean())),
        "moving_area": float(moved[~cut].any(axis=0).mean()) if not cut.all() else float("nan"),
        "cuts": float(cut[0] + np.count_nonzero(cut[1:] & ~cut[:-1])),
    }
    in_a_row = len(frames) >= IN_A_ROW
    if figures["moving"] >= least_moving or (cut.any() and not in_a_row):
        return Verdict(figures)
    kind = "slide show" if cut.any() else "still picture"
    said = f"movement in {100 * figures['moving']:.0f} % of the time, expected"
    return Verdict(figures, (f"{kind}: {said} {100 * least_moving:g} %",))


def shrunk(frames: np.ndarray, cells: int = CELLS) -> np.ndarray:
    """Grey float32 `(n, rows, columns)`, each cell the mean over whole pixels."""
    n, height, width = frames.shape[:3]
    step = max(1, min(round((height * width / cells) ** 0.5), height, width))
    rows, across = height // step, width // step
    x = frames[:, : rows * step, : across * step]
    if x.ndim == 4:
        x = x[..., 1]  # green is most of the brightness
    x = x.reshape(n, rows, step, across, step)
    return x.sum(axis=(2, 4), dtype=np.uint32).astype(np.float32) / step**2


def changed(small: np.ndarray, lag: int = 1) -> np.ndarray:
    """Which cells differ between each frame and a later one, `(n - lag, rows, columns)`.

    Grain is as different from frame to frame as over any time, so it is always measured there:
    what moves differs the more the later.
    """
    difference = _beyond_light(small, 1)
    spread = np.median(abs(_rough(difference))[:, ::2, ::2], axis=(1, 2)) / 0.6745
    if lag > 1:
        difference = _beyond_light(small, lag)
        spread = np.lib.stride_tricks.sliding_window_view(spread, lag).max(axis=1)
    # White noise less the mean of itself and four neighbours keeps 4/5 of its variance.
    grain = np.minimum(GRAIN_DEVIATIONS * spread / 0.8**0.5, MOST_GRAIN_LEVELS)
    return abs(difference) > np.maximum(CODING_LEVELS, grain)[:, None, None]


def _beyond_light(small: np.ndarray, lag: int) -> np.ndarray:
    """Differences without what another brightness and contrast of the first would explain.

    These are told by the three quarters of the cells that changed least, since what moves would
    pull at them.
    """
    first = small[:-lag]
    difference = small[lag:] - first
    difference -= np.median(difference[:, ::2, ::2], axis=(1, 2), keepdims=True)
    size = abs(difference)
    calm = size <= np.quantile(size[:, ::2, ::2], 0.75, axis=(1, 2), keepdims=True)
    centred = first - first.mean(axis=(1, 2), keepdims=True, where=calm)
    power = (centred * centred).sum(axis=(1, 2), where=calm)
    contrast = (difference * centred).sum(axis=(1, 2), where=calm) / np.maximum(power, 1e-6)
    difference -= contrast[:, None, None] * centred
    return difference - np.median(difference[:, ::2, ::2], axis=(1, 2), keepdims=True)


def _slow(small: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """Pairs of frames in a stretch without cuts over which much has changed, `(n - 1,)`."""
    shown = np.zeros(len(cut), bool)
    if len(small) > SLOW:
        area = changed(small, SLOW).mean(axis=(1, 2))
        cuts = np.lib.stride_tricks.sliding_window_view(cut, SLOW).any(axis=1)
        for k in np.flatnonzero((area > SLOW_AREA) & ~cuts):
            shown[k : k + SLOW] = True
    return shown


def _rough(x: np.ndarray) -> np.ndarray:
    """What is left of a picture without the mean of each cell and its four neighbours."""
    p = np.pad(x, ((0, 0), (1, 1), (1, 1)), mode="edge")
    around = p[:, :-2, 1:-1] + p[:, 2:, 1:-1] + p[:, 1:-1, :-2] + p[:, 1:-1, 2:] + x
    return x - around / 5


def _again(moved: np.ndarray) -> float:
    """The share of the pairs `(n, rows, columns)` in which one place changed, two cells large.

    Grain falls anywhere; what is small and moves does so in one place, again and again.
    """
    often = np.sort(moved.reshape(len(moved), -1).sum(axis=0))
    return float(often[-2:][0] / len(moved)) if moved.size else 0.0


def _alone(unlike: np.ndarray) -> np.ndarray:
    """Without those in a row: a fast pan is unlike all the time, and no cut."""
    beside = np.pad(unlike, 1)
    return unlike & ~beside[:-2] & ~beside[2:]


def _likeness(small: np.ndarray, lag: int) -> np.ndarray:
    """Correlation of each frame with the one `lag` later, `(n - lag,)`."""
    x = _unit(small)
    return np.einsum("nc,nc->n", x[lag:], x[:-lag])


def _unit(small: np.ndarray) -> np.ndarray:
    """`(n, cells)` without their means, of length 1."""
    x = small.reshape(len(small), -1)
    x = x - x.mean(axis=1, keepdims=True)
    return x / np.maximum(np.sqrt(np.einsum("nc,nc->n", x, x)), 1e-3)[:, None]


def _fading(small: np.ndarray) -> np.ndarray:
    """Pairs of frames near one that is a mixture of two unlike ones, `(n - 1,)`.

    Of unit vectors a, b (before, after) and x with r = a·b, p = a·x and q = b·x, the part of x in
    their plane is (p - r q) a + (q - r p) b over 1 - r², of the squared length
    (p² + q² - 2 r p q) / (1 - r²). Where nearly all of it is of one, there is no mixture.
    """
    found = np.zeros(len(small) - 1, bool)
    if len(small) <= 2 * FADE:
        return found
    x = _unit(small)
    before, after, middle = x[: -2 * FADE], x[2 * FADE :], x[FADE:-FADE]
    r, p, q = (
        np.einsum("nc,nc->n", *pair)
        for pair in ((before, after), (before, middle), (after, middle))
    )
    mixed = (p * p + q * q - 2 * r * p * q) / np.maximum(1 - r * r, 1e-6)
    one, other = p - r * q, q - r * p
    both = np.minimum(one, other) > LEAST_SHARE * (one + other)
    for k in np.flatnonzero((r < CUT_CORRELATION) & (mixed > MIXED) & both):
        found[k + FADE - 2 : k + FADE + 2] = True
    return found
