"""Are left and right of the sound exchanged against the picture?

The evidence of sides.py, weighed and summed into log odds. The weights and how the odds grow with
the length were fitted once, by logistic regression on 240 stereo and 212 ambisonic scenes of the
synthetic world (preset real, seeds from 200,000 and 300,000 on) as a whole, in halves and thirds.
Nothing else is learned, and exchanging the channels changes the sign of the log odds exactly.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from avtools.signal.hearing import DELAYS, field_maps, stereo_evidence
from avtools.signal.motion import TICKS, distinct, movement
from avtools.signal.sides import FieldSides, StereoSides, lateral, seconds, spread_motion
from avtools.signal.ticks import in_step, windows

STEREO_WEIGHTS = np.array([11.05, 19.93, 9.12, 9.61, 15.89, 2.4])
FIELD_WEIGHTS = np.array([12.89, 9.56, 1.8, 14.56, 12.89, 11.17])
# Log odds of so many seconds count once; of more, by the power, up to the most.
UNIT, MOST = 10 / 3, 10.0
STEREO_POWER, FIELD_POWER = 0.53, 0.25
# Log odds beyond this were too rare to be measured.
CERTAIN = 7.0
# Less probable answers are none.
SURE = 0.95
# A delay that stands for +90 degrees, to draw sound and picture in one unit.
ASIDE = 0.7e-3


@dataclass(frozen=True)
class Window:
    start: float  # seconds
    end: float
    flipped: float  # probability


@dataclass(frozen=True)
class Track:
    """Where things are, second by second: sines of azimuths, + is left, and weights 0 to 1."""

    times: np.ndarray
    heard: np.ndarray
    heard_weight: np.ndarray
    seen: np.ndarray
    seen_weight: np.ndarray


@dataclass(frozen=True)
class Answer:
    verdict: str  # aligned, flipped or unsure
    flipped: float  # probability
    confidence: float  # 0 where both are as likely, 1 where one is certain
    windows: tuple[Window, ...]
    track: Track


def check(
    blocks: Iterable[np.ndarray],
    rate: int,
    pictures: Iterable[tuple[float, np.ndarray]],
    is_360: bool = False,
) -> Answer:
    """Of stereo sound and a picture, or of AmbiX and an equirectangular one (`is_360`).

    `pictures`: times in seconds from the first sample on, and RGB of `motion.small_size`.
    """
    hearing = (field_maps if is_360 else stereo_evidence)(blocks, rate)
    sides = FieldSides if is_360 else StereoSides
    weights = (FIELD_WEIGHTS, FIELD_POWER) if is_360 else (STEREO_WEIGHTS, STEREO_POWER)
    whole, parts, tracks = sides(), [], []
    for start, (motion, *heard) in windows(in_step(movement(pictures, is_360), hearing)):
        arrays = (distinct(motion), *heard)
        part = sides()
        for evidence in (part, whole):
            evidence.add(*arrays)
        end = start + len(arrays[0]) / TICKS
        parts.append(Window(start, end, probability(part, *weights)))
        tracks.append((field_track if is_360 else stereo_track)(start, *arrays))
    flipped = probability(whole, *weights)
    verdict = "unsure"
    if max(flipped, 1 - flipped) >= SURE:
        verdict = "flipped" if flipped > 0.5 else "aligned"
    return Answer(verdict, flipped, abs(2 * flipped - 1), tuple(parts), joined(tracks))


def probability(sides, weights: np.ndarray, power: float) -> float:
    """That the sound is flipped."""
    signs = sides.signs()
    if not signs.any():
        return 0.5
    growth = (min(seconds(sides), MOST) / UNIT) ** power
    odds = np.clip(growth * (weights @ signs), -CERTAIN, CERTAIN)
    return float(1 / (1 + np.exp(odds)))


def stereo_track(start: float, motion, delays, levels, loud) -> Track:
    """By the delays: the mean of those that stand out, and of the columns that move."""
    heard = np.stack([np.maximum(d, 0).sum(axis=0) ** 4 for d in by_second(delays)])
    seen = np.stack([m.sum(axis=0) for m in by_second(spread_motion(motion).sum(axis=1))])
    return track(start, heard, np.clip(DELAYS / ASIDE, -1, 1), seen**2, lateral())


def field_track(start: float, motion, heard) -> Track:
    sphere = np.sin((0.5 - (np.arange(heard.shape[2]) + 0.5) / heard.shape[2]) * 2 * np.pi)
    sound = np.stack([h.sum(axis=(0, 1)) for h in by_second(heard)])
    seen = np.stack([m.sum(axis=(0, 1)) for m in by_second(motion)])
    return track(start, sound, sphere, seen, sphere)


def by_second(arrays: np.ndarray) -> list[np.ndarray]:
    return np.split(arrays, range(TICKS, len(arrays), TICKS))


def track(start: float, heard, sound_places, seen, picture_places) -> Track:
    def mean(amounts, places):
        total = amounts.sum(axis=1)
        return amounts @ places / np.where(total > 0, total, 1), total

    times = start + np.arange(len(heard)) + 0.5
    return Track(times, *mean(heard, sound_places), *mean(seen, picture_places))


def joined(tracks: list[Track]) -> Track:
    """All of them in a row, the weights against the largest."""
    if not tracks:
        return Track(*[np.zeros(0)] * 5)
    names = ("times", "heard", "heard_weight", "seen", "seen_weight")
    columns = [np.concatenate([getattr(t, name) for t in tracks]) for name in names]
    for k in (2, 4):
        columns[k] = columns[k] / max(float(columns[k].max()), 1e-30)
    return Track(*columns)
