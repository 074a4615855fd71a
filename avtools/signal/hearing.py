"""Where the sound comes from, tick by tick, as evidence over all places at once.

Stereo: how much speaks for each time difference (GCC with phase transform, steered to a grid of
delays) and for each level difference between the ears. Which of them tells depends on microphones
that nobody knows: both are kept, side by side.

First-order ambisonics: a map of the sphere, of the directions of direct sound.

Each bin of the short spectra counts by its loudness, but little, and by its onset: what rises
above the sound before it comes straight from the source, before the room answers.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from avtools.dsp.direct import LEAKAGE, LOUDNESS, ONSET, DirectSound
from avtools.dsp.onset import onsets
from avtools.dsp.stft import Frames, fast_size, hann, spectra
from avtools.signal.motion import TICKS
from avtools.signal.ticks import each_tick

# Delays in seconds and level differences in dB, + is left: symmetric, so that exchanged channels
# give the same evidence in reverse.
DELAYS = np.linspace(-1e-3, 1e-3, 41)
LEVELS = np.linspace(-9.75, 9.75, 40)
# Of a short spectrum and from one to the next, in seconds; frequencies that take part.
SPAN, STEP = 0.0213, 0.005
LOW, HIGH = 200.0, 8000.0
# The sphere's map: rows from top to bottom, columns from azimuth +180 to -180 as in a picture,
# softened by these standard deviations in degrees.
ROWS, COLUMNS = 24, 96
SOFT_AZIMUTH, SOFT_ELEVATION = 8.0, 10.0
# Of a lone source, the share of its map that is left in one column.
LONE = 360 / (COLUMNS * SOFT_AZIMUTH * np.sqrt(2 * np.pi))
# Shares of a second's evidence for one place, below which sound is diffuse, above which it is not.
# Noise from everywhere that goes up and down as these scenes do has up to 0.16 (stereo) and 0.21,
# scenes in rooms (preset real) have 0.27 and 0.32 or more.
DIFFUSE, FOCUSED = 0.2, 0.3


def stereo_evidence(
    blocks: Iterable[np.ndarray], rate: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Blocks of one second: (ticks, DELAYS), (ticks, LEVELS) and (ticks, 1), the amplitude."""
    size, hop = fast_size(round(SPAN * rate)), max(1, round(STEP * rate))
    hertz = np.arange(size // 2 + 1) * (rate / size)
    used = (hertz >= LOW) & (hertz <= HIGH)
    if not used.any():
        raise ValueError(f"{rate} Hz: too low a rate to hear where sounds come from")
    angle = -2 * np.pi * hertz[used, None] * DELAYS
    steering = np.concatenate([np.cos(angle), np.sin(angle)]).astype(np.float32)
    window, past = hann(size), None

    def evidence(frames: Frames) -> tuple[np.ndarray, ...]:
        nonlocal past
        left, right = spectra(frames.samples[:2], window)[..., used]
        power = np.abs(left) ** 2 + np.abs(right) ** 2
        rise, past = onsets(power, past, hop / rate)
        loud = power > LEAKAGE * power.sum(axis=1, keepdims=True)
        weight = np.where(loud & (power > 1e-10), power**LOUDNESS, 0) * rise**ONSET
        cross = left * np.conj(right)
        cross *= weight / np.maximum(np.abs(cross), 1e-20)
        # Re(cross exp(-jwd)): the left first by d has cross = exp(jwd)
        delays = np.concatenate([cross.real, -cross.imag], axis=1) @ steering
        return delays, _levels(left, right, weight), np.sqrt(power.sum(1, keepdims=True)) / size

    yield from each_tick(blocks, rate, size, hop, evidence)


def _levels(left: np.ndarray, right: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(windows, LEVELS): each bin's weight at its level difference, shared by two neighbours."""
    tiny = 1e-12
    level = 10 * np.log10((np.abs(left) ** 2 + tiny) / (np.abs(right) ** 2 + tiny))
    step = LEVELS[1] - LEVELS[0]
    place = np.clip((level - LEVELS[0]) / step, 0, len(LEVELS) - 1)
    below = np.minimum(place.astype(np.int64), len(LEVELS) - 2)
    share = place - below
    flat = below + len(LEVELS) * np.arange(len(place))[:, None]
    count = len(place) * len(LEVELS)
    made = np.bincount(flat.ravel(), (weight * (1 - share)).ravel(), count)
    made += np.bincount(flat.ravel() + 1, (weight * share).ravel(), count)
    return made.reshape(-1, len(LEVELS)).astype(np.float32)


def field_maps(blocks: Iterable[np.ndarray], rate: int) -> Iterator[np.ndarray]:
    """Blocks (ticks, ROWS, COLUMNS) of one second: direct sound over the sphere, AmbiX in.

    `rate` must be a multiple of TICKS.
    """
    if rate % TICKS:
        raise ValueError(f"{rate} Hz: expected a multiple of {TICKS}")
    held = []
    for slot in DirectSound(rate, rate // TICKS).through(blocks):
        held.append(_dots(slot.directions, slot.weights))
        if len(held) == TICKS:
            yield _softened(np.stack(held))
            held = []
    if held:
        yield _softened(np.stack(held))


@dataclass
class Focus:
    """How far the sound of each second comes from one place, or a few."""

    one: float = 0.0
    whole: float = 0.0

    def add(self, places: np.ndarray, most: np.ndarray) -> None:
        """Evidence (ticks, places), and what a lone source would have in one (ticks,)."""
        seconds = np.add.reduceat(places, np.arange(0, len(places), TICKS), axis=0)
        self.one += float(np.abs(seconds).max(axis=1).sum())
        self.whole += float(most.sum())

    @property
    def share(self) -> float:
        """0 where it is diffuse, 1 where it is not."""
        if not self.whole > 0:
            return 0.0
        return min(max((self.one / self.whole - DIFFUSE) / (FOCUSED - DIFFUSE), 0.0), 1.0)


def _dots(directions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(ROWS, COLUMNS): weights of unit vectors (n, 3), shared by the four cells around each."""
    azimuth = np.rad2deg(np.arctan2(directions[:, 1], directions[:, 0]))
    elevation = np.rad2deg(np.arcsin(np.clip(directions[:, 2], -1, 1)))
    column = (0.5 - azimuth / 360) * COLUMNS - 0.5
    row = np.clip((0.5 - elevation / 180) * ROWS - 0.5, 0, ROWS - 1)
    left, top = np.floor(column).astype(int), np.minimum(row.astype(int), ROWS - 2)
    across, down = column - left, row - top
    made = np.zeros((ROWS, COLUMNS), np.float32)
    for right, wide in ((0, 1 - across), (1, across)):
        for below, tall in ((0, 1 - down), (1, down)):
            np.add.at(made, (top + below, (left + right) % COLUMNS), weights * wide * tall)
    return made


def _softened(maps: np.ndarray) -> np.ndarray:
    return soft(maps, SOFT_AZIMUTH, SOFT_ELEVATION)


def soft(maps: np.ndarray, azimuth: float, elevation: float) -> np.ndarray:
    """Maps (..., rows, columns) of the sphere blurred by these standard deviations in degrees."""
    from scipy.ndimage import gaussian_filter1d

    rows, columns = maps.shape[-2:]
    across = gaussian_filter1d(maps, azimuth * columns / 360, axis=-1, mode="wrap")
    return gaussian_filter1d(across, elevation * rows / 180, axis=-2, mode="nearest")
