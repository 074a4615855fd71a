"""From which side of the picture a sound comes: what is heard, and the line that ties it to x.

How many pixels a delay or a difference in level is worth depends on the camera's angle of view,
on the microphones, and on who mixed the sound. So each cue has a straight line, x = a + b cue,
that starts as an ordinary recording has it, and is learned wherever the picture shows x. What is
left over around the line says how much the cue is worth: one that tells nothing ends up broad.

x is counted in widths of the picture from its middle, + to the right.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import tee

import numpy as np

from avtools.dsp.gcc import REACH, correlation, phase_transform
from avtools.dsp.sphere import angles, unit_vectors
from avtools.dsp.stft import fast_size, frames_of, hann, spectra
from avtools.dsp.vertex import vertex

MOST_DELAY = 0.9e-3  # seconds
LOW, HIGH = 150.0, 8000.0
LEAST_STRENGTH = 0.12
SILENT = -100.0  # dB, from which on down nothing sounds
CENTRED_DELAY, CENTRED_BALANCE = 2e-6, 0.02  # s, dB: both channels are one
# Peaks of one correlation that are listened to, and how far apart they are at least, seconds.
PEAKS, APART = 2, 1.2e-4
# Part of what is heard that comes from elsewhere.
ELSEWHERE = 0.3
# How much the cues say against each other: levels differ in a room for many reasons.
WORTH = {"delay": 1.0, "balance": 0.4}


@dataclass(frozen=True)
class Heard:
    """What one window of the sound says."""

    level: float  # dB
    offers: dict[str, list[tuple]] = field(default_factory=dict)  # cue -> (value, strength 0...1)


def hear_stereo(blocks, rate: int, step: Fraction) -> Iterator[Heard]:
    """A window every `step` seconds, two steps long."""
    hop = max(32, round(rate * step))
    size = 2 * hop
    most = min(int(MOST_DELAY * rate), size - REACH - 1)
    padded = fast_size(size + most + REACH)
    hertz = np.arange(padded // 2 + 1) * rate / padded
    band = ((hertz >= LOW) & (hertz <= min(HIGH, 0.45 * rate))).astype(np.float32)
    window = hann(size)
    for frames in frames_of((x[:2] for x in blocks), size, hop):
        bins = spectra(frames.samples, window, padded)
        cross, weight = phase_transform(bins[0], bins[1], band)
        total = np.maximum(weight.sum(-1), 1e-9)[:, None]
        curves = correlation(cross, most, padded) / total
        powers = (np.abs(bins) ** 2 * band).sum(-1) / size**2
        for curve, (left, right), two in zip(curves, powers.T, bins.swapaxes(0, 1), strict=True):
            yield _heard(curve, most, rate, float(left), float(right), two, band)


def _heard(curve, most: int, rate: int, left: float, right: float, two, band) -> Heard:
    level = 10 * np.log10(max((left + right) / 2, 1e-12))
    if level < SILENT:
        return Heard(level)
    delays = [(lag / rate * 1e3, height) for lag, height in _peaks(curve, most, APART * rate)]
    # The mean over frequencies, of which the loud ones count more, but not alone.
    a, b = np.abs(two[0]) ** 2 + 1e-9, np.abs(two[1]) ** 2 + 1e-9
    weight = band * (a + b) ** 0.3
    balance = float((weight * 10 * np.log10(a / b)).sum() / weight.sum())
    if not delays or (abs(delays[0][0]) < 1e3 * CENTRED_DELAY and abs(balance) < CENTRED_BALANCE):
        return Heard(level)
    return Heard(level, {"delay": delays, "balance": [(balance, 1.0)]})


def _peaks(curve: np.ndarray, most: int, apart: float) -> list[tuple[float, float]]:
    """Lags in samples and heights of the highest peaks."""
    found, left = [], curve.copy()
    lags = np.arange(-most, most + 1)
    for _ in range(PEAKS):
        k = int(left.argmax())
        if left[k] < LEAST_STRENGTH:
            break
        if 0 < k < 2 * most and curve[k] >= max(curve[k - 1], curve[k + 1]):
            shift = float(vertex(*curve[k - 1 : k + 2]))
            found.append((k - most + shift, min(1.0, float(curve[k]))))
        left[abs(lags - lags[k]) <= max(1.0, apart)] = -1
    return found


def hear_field(blocks, rate: int, step: Fraction) -> Iterator[Heard]:
    """The same of first-order ambisonics: offers are azimuth and elevation in degrees.

    Levels are those of W: what the listener weighs is how distinct a direction is, and onsets.
    """
    from avtools.dsp.listening import FoaListener

    field, whole = tee(x.copy() for x in blocks)  # a block is valid until the next is asked for
    levels = hear_level((x[:1] for x in whole), rate, step)
    listener = FoaListener(rate=rate, hop=max(32, round(rate * step)), slots=2, most=3)
    for row, loud in zip(listener.through(field), levels, strict=False):
        where = angles(row.directions) if len(row.directions) else ((), ())
        offers = [
            ((float(azimuth), float(elevation)), float(share))
            for azimuth, elevation, share in zip(*where, row.shares, strict=True)
            if share > row.chance
        ]
        yield Heard(loud.level, {"direction": offers} if offers else {})


def hear_level(blocks, rate: int, step: Fraction) -> Iterator[Heard]:
    """The level alone, of any number of channels."""
    hop = max(32, round(rate * step))
    for frames in frames_of(blocks, 2 * hop, hop):
        for power in np.square(frames.samples, dtype=float).mean(axis=(0, 2)):
            yield Heard(float(10 * np.log10(max(power, 1e-12))))


class Loudness:
    """How sure it is that somebody speaks, from the level: against the loudest not long ago."""

    def __init__(self, range_db: float = 25.0):
        self.range, self.loudest = range_db, -np.inf

    def through(self, level: float) -> float:
        self.loudest = max(level, self.loudest - 0.02)
        if level < SILENT:
            return 0.0
        return float(np.clip(1 + (level - self.loudest) / self.range, 0, 1))


class Line:
    """x = a + b cue, and the spread around it: Bayesian linear regression that slowly forgets."""

    def __init__(self, slope: float, slope_spread: float, spread: float, middle_spread=0.06):
        """What is believed at first, of `slope` with its deviation, and of what is left over."""
        self.prior = np.diag([(spread / middle_spread) ** 2, (spread / slope_spread) ** 2])
        self.start = np.array([0.0, slope])
        self.spread = spread
        self.moments, self.sums, self.square, self.count = np.zeros((2, 2)), np.zeros(2), 0.0, 0.0

    FIRST = 8.0  # windows that the spread believed at first is worth
    KEEP = 0.9994  # of what was learned, from window to window: 2 minutes

    def learn(self, cue: float, x: float, weight: float) -> None:
        row = np.array([1.0, cue])
        keep = self.KEEP**weight
        self.moments = keep * self.moments + weight * np.outer(row, row)
        self.sums = keep * self.sums + weight * row * x
        self.square = keep * self.square + weight * x * x
        self.count = keep * self.count + weight
        self._solved = None

    _solved = None

    def _solve(self):
        if self._solved is None:
            known = self.prior + self.moments
            line = np.linalg.solve(known, self.prior @ self.start + self.sums)
            error = self.square - 2 * line @ self.sums + line @ self.moments @ line
            away = line - self.start
            error += away @ self.prior @ away
            variance = (self.FIRST * self.spread**2 + max(error, 0)) / (self.FIRST + self.count)
            self._solved = line, variance, np.linalg.inv(known)
        return self._solved

    def place(self, cue: float) -> tuple[float, float]:
        """The x of a cue, and its variance."""
        line, variance, inverse = self._solve()
        row = np.array([1.0, cue])
        return float(row @ line), float(variance * (1 + row @ inverse @ row))


class Elsewhere:
    """Where sounds come from that are not of the face: other sources have places of their own.

    A density over x, flat until something else is known.
    """

    PLACES = np.linspace(-0.8, 0.8, 33)
    SPREAD = 0.05
    FIRST = 25.0  # windows that the flat density is worth
    LEAST = 0.4

    def __init__(self):
        self.counts = np.full(len(self.PLACES), self.FIRST / len(self.PLACES))
        self.of_face, self.of_others = (1 - ELSEWHERE) * self.FIRST, ELSEWHERE * self.FIRST

    def learn(self, x: float, weight: float, share: float) -> None:
        """A cue at x that is of the face with the chance `share`."""
        near = np.exp(-((self.PLACES - x) ** 2) / (2 * self.SPREAD**2))
        total = float(near.sum())
        if total > 0.5:
            self.counts = Line.KEEP * self.counts + weight * (1 - share) * near / total
        self.of_face = Line.KEEP * self.of_face + weight * share
        self.of_others = Line.KEEP * self.of_others + weight * (1 - share)

    @property
    def part(self) -> float:
        """Of all cues, those that are not of the face."""
        return float(np.clip(self.of_others / (self.of_face + self.of_others), 0.1, 0.8))

    def density(self, x: float) -> float:
        step = self.PLACES[1] - self.PLACES[0]
        flat = float(np.interp(x, self.PLACES, self.counts)) / (self.counts.sum() * step)
        # 1 is a source that may be anywhere in the picture.
        return max(self.LEAST, flat * len(self.PLACES) * step)


class StereoEar:
    """Two channels: says how likely a sound's x is."""

    def __init__(self):
        # A spaced pair or a head, seen by lenses of 60 to 95 degrees: -0.6 to -1.3 widths a ms.
        # In level 4 to 12 dB from edge to edge by heads, 20 and more by panning.
        self.lines = {"delay": Line(-0.95, 0.3, 0.03), "balance": Line(-0.05, 0.025, 0.12)}
        self.others = {cue: Elsewhere() for cue in self.lines}

    def likely(self, heard: Heard, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Logarithms, `(1, columns)`; x and y from 0 to 1. 0 is what a deaf ear says."""
        total = np.zeros(len(x))
        for cue, offers in heard.offers.items():
            total += WORTH[cue] * self._of(cue, offers, x - 0.5)
        return total[None]

    def _of(self, cue: str, offers: list, x: np.ndarray) -> np.ndarray:
        """Of a source at x against one that is not of the face."""
        line, others = self.lines[cue], self.others[cue]
        ratio = np.full(len(x), others.part)
        whole = sum(strength for _, strength in offers)
        for value, strength in offers:
            middle, variance = line.place(value)
            ratio += (
                (1 - others.part)
                * strength
                / whole
                * (_normal(x - middle, variance) / others.density(middle))
            )
        return np.log(ratio)

    def learn(self, heard: Heard, x: float, y: float, weight: float) -> None:
        """The source of this sound is seen at x."""
        x -= 0.5
        for cue, offers in heard.offers.items():
            line, others = self.lines[cue], self.others[cue]
            places = [line.place(value) for value, _ in offers]
            shares = [self._share(others, *place, x) for place in places]
            best = max(s * strength for s, (_, strength) in zip(shares, offers, strict=True))
            total = max(sum(s * w for s, (_, w) in zip(shares, offers, strict=True)), 1e-9)
            for (value, strength), (place, _), share in zip(offers, places, shares, strict=True):
                others.learn(place, weight * strength, share)
                # Twice the share: doubtful cues, if they are many, would bend the line to them.
                line.learn(value, x, weight * best * share * strength * share / total)

    def _share(self, others: Elsewhere, middle: float, variance: float, x: float) -> float:
        """How surely this cue is of the source at x and not of another."""
        # Broader than the line is sure: else a wrong first slope would shut out what mends it.
        face = (1 - others.part) * float(_normal(x - middle, variance + 0.05**2))
        return face / (face + others.part * others.density(middle))


def _normal(away, variance: float):
    return np.exp(-(away**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


class FieldEar:
    """First-order ambisonics and an equirectangular picture: directions are places in it."""

    SPREAD = 12.0  # degrees

    def likely(self, heard: Heard, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Logarithms, `(rows, columns)`."""
        if not heard.offers:
            return np.zeros((1, 1))
        grid = unit_vectors(360 * (0.5 - x)[None], 180 * (0.5 - y)[:, None])
        density = np.full(grid.shape[:2], ELSEWHERE)
        kappa = 1 / np.deg2rad(self.SPREAD) ** 2
        for (azimuth, elevation), share in heard.offers["direction"]:
            cosine = grid @ unit_vectors(azimuth, elevation)
            # Against a density of 1 / 4 pi: that of a sound from anywhere.
            density += (1 - ELSEWHERE) * share * 2 * kappa * np.exp(kappa * (cosine - 1))
        return np.log(density)

    def learn(self, heard: Heard, x: float, y: float, weight: float) -> None:
        """Nothing to learn."""


class DeafEar:
    """Says nothing: what is left where a sound has no sides."""

    def likely(self, heard: Heard, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.zeros((1, 1))

    def learn(self, heard: Heard, x: float, y: float, weight: float) -> None:
        """Nothing to learn."""
