"""Left and right of sight against left and right of sound: evidence with a sign.

Stereo: which picture columns move when the sound has which delay and which level between its
channels is counted in a matrix, places of sound by columns of the picture, for each way to look at
time (quick parts: onsets and syllables; all of it; and where the movements are in time with the
loudness). A matrix that puts left with left speaks for aligned, one that puts left with right for
flipped; the kernel that weighs it allows for microphones of any distance and for a head.

360: the map of sound laid over the map of movements against its mirror image.

Every number changes its sign when the channels are exchanged, or the field or the picture
mirrored: the evidence favours no answer.
"""

from dataclasses import dataclass, field

import numpy as np

from avtools.signal.hearing import DELAYS, LEVELS, Focus
from avtools.signal.motion import COLUMNS, TICKS
from avtools.signal.synchrony import quick, synchrony
from avtools.signal.turn import readings

# Of a lens that nobody told of: degrees between the left and right edges of the picture.
FOV = 75.0
# Delays in seconds and levels in dB that a source at +90 degrees may have, and their spreads.
DELAY_SLOPES, DELAY_SPREAD = (0.45e-3, 0.6e-3, 0.75e-3, 0.9e-3), 0.12e-3
LEVEL_SLOPES, LEVEL_SPREAD = (4.0, 8.0, 12.0), 1.5
# Standard deviations in cells by which movements are spread.
SOFT_ROWS, SOFT_COLUMNS = 1.0, 1.5
# Grey levels of a movement that are taken for noise.
FAINT = 0.5
# Ways to look at time.
WAYS = 3


def lateral(columns: int = COLUMNS, fov: float = FOV) -> np.ndarray:
    """Sine of the azimuth in the middle of each column of the picture: + is left."""
    across = 1 - 2 * (np.arange(columns) + 0.5) / columns
    return np.sin(np.arctan(np.tan(np.deg2rad(fov / 2)) * across))


def kernel(places: np.ndarray, slopes: tuple[float, ...], spread: float) -> np.ndarray:
    """(places, COLUMNS): + where sound at a place goes with what is seen in a column, and - where
    it goes with what is seen in the mirrored one."""
    off = places[:, None] - np.multiply.outer(slopes, lateral())[:, None]
    likely = np.exp(-0.5 * (off / spread) ** 2).sum(axis=0)
    return likely - likely[::-1]


KERNELS = (
    kernel(DELAYS, DELAY_SLOPES, DELAY_SPREAD),
    kernel(LEVELS, LEVEL_SLOPES, LEVEL_SPREAD),
)


def spread_motion(motion: np.ndarray) -> np.ndarray:
    """Roots of movements (ticks, rows, columns), softened over the picture."""
    from scipy.ndimage import gaussian_filter1d

    soft = gaussian_filter1d(np.sqrt(motion), SOFT_ROWS, axis=1)
    return gaussian_filter1d(soft, SOFT_COLUMNS, axis=2)


def in_time(motion: np.ndarray, loud: np.ndarray) -> np.ndarray:
    """(rows, columns): how much moves in time with the sound's loudness (ticks, 1)."""
    from scipy.ndimage import gaussian_filter

    together = gaussian_filter(synchrony(motion, loud)[0], 1.0)
    moved = gaussian_filter(np.sqrt(motion).std(axis=0), 1.0)
    return np.maximum(together, 0) ** 2 * moved


@dataclass
class StereoSides:
    """Evidence of a stereo sound and its picture."""

    matrices: list = field(default_factory=list)  # (WAYS, places, COLUMNS) of delays, of levels
    focus: Focus = field(default_factory=Focus)
    ticks: int = 0

    def add(self, motion, delays, levels, loud) -> None:
        """One window: movements (ticks, rows, COLUMNS) and what `stereo_evidence` gives."""
        motion = np.maximum(motion - FAINT, 0)
        columns = spread_motion(motion).sum(axis=1)
        steady = in_time(motion, loud).sum(axis=0)
        made = [
            np.stack(
                [
                    quick(places).T @ quick(columns),
                    places.T @ columns,
                    np.outer(places.sum(axis=0), steady),
                ]
            )
            for places in (delays, levels)
        ]
        past = self.matrices or [0.0] * len(made)
        self.matrices = [a + b for a, b in zip(past, made, strict=True)]
        # All weight is in the levels, and in the delays as far as they agree.
        self.focus.add(delays, levels.sum(axis=1))
        self.ticks += len(motion)

    def signs(self) -> np.ndarray:
        """(2 WAYS,) in -1 to 1: delays' and levels' evidence; + is aligned.

        Channels that have nothing in common have delays by chance, which say nothing.
        """
        if not self.matrices:
            return np.zeros(2 * WAYS)
        delays, levels = (_cosines(m, k) for m, k in zip(self.matrices, KERNELS, strict=True))
        return np.concatenate([self.focus.share * delays, levels])


def _cosines(matrices: np.ndarray, kernel_: np.ndarray) -> np.ndarray:
    size = np.sqrt((matrices.astype(float) ** 2).sum(axis=(1, 2)) * (kernel_**2).sum())
    return (matrices * kernel_).sum(axis=(1, 2)) / np.where(size > 0, size, np.inf)


@dataclass
class FieldSides:
    """Evidence of a sound field and its 360 picture."""

    straight: np.ndarray | float = 0.0  # (READINGS,) sums of products
    mirrored: np.ndarray | float = 0.0
    size: np.ndarray | float = 0.0
    ticks: int = 0

    def add(self, motion: np.ndarray, heard: np.ndarray) -> None:
        """One window: movements (ticks, 2 ROWS, COLUMNS_360) and what `field_maps` gives."""
        made = []
        for a, b in readings(heard, motion):
            size = np.sqrt((a.astype(float) ** 2).sum() * (b.astype(float) ** 2).sum())
            made.append((float((a * b).sum()), float((a[..., ::-1] * b).sum()), size))
        straight, mirrored, size = np.array(made).T
        self.straight, self.mirrored = self.straight + straight, self.mirrored + mirrored
        self.size = self.size + size
        self.ticks += len(motion)

    def signs(self) -> np.ndarray:
        """(READINGS,) in -2 to 2, the difference of two cosines: + is aligned."""
        size = np.asarray(self.size, float)
        return np.atleast_1d((self.straight - self.mirrored) / np.where(size > 0, size, np.inf))


def seconds(sides) -> float:
    return sides.ticks / TICKS
