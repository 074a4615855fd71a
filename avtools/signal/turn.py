"""By how much the sound of a 360 picture is turned against it: evidence for every yaw.

At each tick the map of where sound comes from is laid over the map of where things move, turned by
each yaw in turn, and multiplied: one correlation along azimuth, row by row. Several readings of the
maps speak: their quick parts (a thing moves when it is heard: onsets, syllables), their slow parts
(what moves about is heard to move), both as they are, and as they are at loud moments. Elevations
must agree as well.

The evidence is kept second by second, so that their consensus tells how sure the answer is.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from avtools.dsp.vertex import vertex
from avtools.signal.hearing import COLUMNS, ROWS, soft
from avtools.signal.motion import TICKS
from avtools.signal.synchrony import SOFT, quick

# Degrees by which movements are spread: what moves are often the two edges of a thing.
SOFT_MOTION = 6.0
# Standard deviation in ticks of the slow parts.
SLOW = 12.0
READINGS = 6
# Share of the ticks that are not loud.
LOUD = 0.75
# Seconds of evidence that are kept apart; of longer recordings, neighbours are added.
MOST_PARTS = 512
# Peaks nearer than this belong together.
NEAR_DEG = 22.5
STEP_DEG = 360 / COLUMNS


def motion_map(motion: np.ndarray) -> np.ndarray:
    """(ticks, ROWS, COLUMNS) of movements (ticks, 2 ROWS, COLUMNS), softened."""
    pooled = motion.reshape(len(motion), ROWS, -1, COLUMNS).mean(axis=2)
    return soft(pooled, SOFT_MOTION, SOFT_MOTION)


def readings(heard: np.ndarray, motion: np.ndarray):
    """Pairs (heard, seen) of maps (ticks, rows, columns), of sound and of movements.

    Large movements count by their roots in most of them; in two as they are.
    """
    from scipy.ndimage import gaussian_filter1d

    heard, moved = _scaled(heard), _scaled(motion_map(motion))
    seen = _scaled(motion_map(np.sqrt(motion)))
    yield quick(heard), quick(seen)
    yield quick(heard), quick(moved)
    uneven = heard - heard.mean(axis=2, keepdims=True)
    yield tuple(gaussian_filter1d(a, SLOW, axis=0, mode="nearest") for a in (uneven, seen))
    yield heard, gaussian_filter1d(seen, SOFT, axis=0, mode="nearest")
    yield heard, gaussian_filter1d(moved, SOFT, axis=0, mode="nearest")
    loud = heard.sum(axis=(1, 2))
    yield heard * (loud >= np.quantile(loud, LOUD))[:, None, None], seen


def _scaled(maps: np.ndarray) -> np.ndarray:
    total = maps.sum(axis=(1, 2)).mean()
    return maps / total if total > 0 else maps


def turn_evidence(heard: np.ndarray, motion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(seconds, READINGS, COLUMNS): what speaks for each yaw, STEP_DEG apart from 0 on; and
    (seconds, READINGS): as much as could if all went together.

    Of maps of sound (ticks, ROWS, COLUMNS) and movements (ticks, 2 ROWS, COLUMNS).
    """
    made, most = [], []
    seconds = np.arange(0, len(heard), TICKS)
    for a, b in readings(heard, motion):
        # A thing in column c is heard in c - yaw / STEP_DEG: + is to the left.
        product = np.fft.rfft(b, axis=2) * np.conj(np.fft.rfft(a, axis=2))
        by_second = np.add.reduceat(product.sum(axis=1), seconds, axis=0)
        made.append(np.fft.irfft(by_second, n=COLUMNS, axis=1))
        squares = [np.add.reduceat((x**2).sum(axis=(1, 2)), seconds) for x in (a, b)]
        most.append(np.sqrt(squares[0] * squares[1]))
    return np.stack(made, axis=1).astype(np.float32), np.stack(most, axis=1)


@dataclass
class Turn:
    """Evidence for yaws, second by second."""

    parts: list[np.ndarray] = field(default_factory=list)  # (READINGS, COLUMNS) each
    length: int = 1  # seconds of each part, but for the last
    seconds: int = 0
    most: np.ndarray | float = 0.0  # (READINGS,) what all of them could be

    def add(self, seconds: Iterable[np.ndarray], most: np.ndarray) -> None:
        """What `turn_evidence` gives of one window."""
        self.most = self.most + most.sum(axis=0)
        for evidence in seconds:
            if self.seconds % self.length:
                self.parts[-1] = self.parts[-1] + evidence
            else:
                self.parts.append(evidence)
            self.seconds += 1
            if self.seconds == 2 * MOST_PARTS * self.length:
                pairs = zip(self.parts[::2], self.parts[1::2], strict=True)
                self.parts, self.length = [a + b for a, b in pairs], 2 * self.length

    @property
    def standardised(self) -> np.ndarray:
        """(parts, READINGS, COLUMNS): each reading in its own standard deviations over all."""
        if not self.parts:
            return np.zeros((1, READINGS, COLUMNS))
        parts = np.stack(self.parts).astype(np.float64)
        parts = parts - parts.mean(axis=2, keepdims=True)
        spread = parts.sum(axis=0).std(axis=1)
        return parts / np.where(spread > 0, spread, np.inf)[:, None]

    @property
    def curve(self) -> np.ndarray:
        """(COLUMNS,): what speaks for the yaws 0, STEP_DEG, 2 STEP_DEG, ..."""
        return self.standardised.sum(axis=(0, 1))


def best_yaw(curves: np.ndarray) -> np.ndarray:
    """Yaws (...) in -180 to 180 where curves (..., COLUMNS) are highest, between the steps too."""
    best = curves.argmax(axis=-1)
    before, at, after = (
        np.take_along_axis(curves, ((best + d) % COLUMNS)[..., None], axis=-1)[..., 0]
        for d in (-1, 0, 1)
    )
    return ((best + vertex(before, at, after)) * STEP_DEG + 180) % 360 - 180


def apart(a, b):
    """Degrees between two yaws, 0 to 180."""
    return np.abs((np.asarray(a) - b + 180) % 360 - 180)


def signs(turn: Turn) -> np.ndarray:
    """What tells how sure the best yaw is: (5,).

    How high its peak stands, in standard deviations of the curve; how sharp it is; the mean log of
    how many degrees away the readings have their own peaks beside it; how many of the seconds in
    which something is seen and heard agree with it, each asked alone; and the correlation of the
    quick parts of sight and sound.
    """
    parts = turn.standardised
    whole = parts.sum(axis=(0, 1))
    spread = whole.std()
    if not spread > 0:
        return np.array([0.0, 0.0, np.log(NEAR_DEG), 0.0, 0.0])
    yaw, best = best_yaw(whole), int(whole.argmax())
    around = np.take(whole, [best - 2, best + 2], mode="wrap").sum()
    alone = parts.sum(axis=1)
    agree = apart(best_yaw(alone[alone.any(axis=1)]), yaw) < NEAR_DEG
    own = apart(best * STEP_DEG + _beside(parts.sum(axis=0), best), yaw)
    sharp = (2 * whole[best] - around) / spread
    quick_there = sum(part[0] for part in turn.parts)[best] / max(turn.most[0], 1e-30)
    return np.array(
        [whole[best] / spread, sharp, np.log(0.3 + own).mean(), agree.mean(), quick_there]
    )


def _beside(curves: np.ndarray, best: int) -> np.ndarray:
    """Degrees from column `best` to the highest place of each curve near it."""
    reach = int(NEAR_DEG / STEP_DEG)
    near = np.take(curves, best + np.arange(-reach, reach + 1), axis=-1, mode="wrap")
    top = near.argmax(axis=-1).clip(1, 2 * reach - 1)
    before, at, after = (
        np.take_along_axis(near, (top + d)[..., None], axis=-1)[..., 0] for d in (-1, 0, 1)
    )
    return (top - reach + vertex(before, at, after)) * STEP_DEG
