"""Mono to two ears: L = M + D, R = M - D, so that (L + R) / 2 is the mono sound as it was.

A head that hears L and R of a source has D = M (L - R) / (L + R). Low sounds differ in time: with
a delay t between the ears, L / R = e^(j w t) gives D = j tan(w t / 2) M. High ones differ in
level: with L / R = a, D = (a - 1) / (a + 1) M, and a = 10^(d / 20) of a difference of d dB makes
that tanh(d ln 10 / 40). Between the two it goes over from one to the other.

Delay and level difference grow with the sine of the lateral angle, as around a rigid sphere of a
head's size (dsp.heads): 0.75 ms (below 700 Hz) and about 10 dB (on average above) at one side.
tan goes no further than 1, a quarter of a period between the ears: beyond it the mono sound would
have had to cancel itself. It bends smoothly, or moving tones would sound rough.

What rings on in a room comes from everywhere: it stays in the middle. So only the part of M that
exceeds what is left of the sound before is moved.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from avtools.dsp.stft import fast_size, finite, hann

DELAY_SECONDS, LEVEL_DB = 0.75e-3, 10.0
# Hz: delay below the first, level above the second.
CROSSOVER = (500.0, 1000.0)
MOST = 1.0
# Seconds from one window to the next, and windows that overlap everywhere.
STEP, OVERLAP = 0.008, 4
# Hz to both sides over which power is averaged before it is asked how much of it is new.
AROUND = 125.0
# A room's response: seconds from where on it counts, in which it falls by 60 dB, and its energy
# against that of the sound itself.
LATE, RT60, ROOM = 0.025, 0.5, 0.18


def head_gains(lateral: np.ndarray, hertz: np.ndarray) -> np.ndarray:
    """D / M of places (..., frequencies) or (..., 1) at `hertz` (frequencies,); complex64.

    Odd in `lateral`: a mirrored place exchanges the ears.
    """
    angle = np.clip(np.pi * DELAY_SECONDS * hertz * lateral, -1.5, 1.5)
    late = np.tan(angle)
    late = late / (1 + (late / MOST) ** 4) ** 0.25
    loud = np.tanh(LEVEL_DB * np.log(10) / 40 * lateral)
    low, high = np.log(CROSSOVER)
    part = np.clip((np.log(np.maximum(hertz, 1.0)) - low) / (high - low), 0, 1)
    part = np.sin(np.pi / 2 * part) ** 2
    return (part * loud + 1j * (1 - part) * late).astype(np.complex64)


def evened(blocks: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """Copies in blocks of `size` samples each, whatever came in; the last may be shorter.

    Then nothing that follows can depend on how a sound was split.
    """
    held, count = [], 0
    for x in blocks:
        held.append(np.array(x, np.float32))
        count += x.shape[-1]
        if count >= size:
            whole = np.concatenate(held, axis=-1)
            for start in range(0, count - size + 1, size):
                yield whole[:, start : start + size]
            rest = whole[:, count - count % size :].copy()
            held, count = [rest], rest.shape[-1]
    if count:
        yield np.concatenate(held, axis=-1)


def block_size(rate: int) -> int:
    """Samples of about a second, a whole number of steps."""
    hop = _hop(rate)
    return hop * max(1, round(rate / hop))


def panned(
    blocks: Iterable[np.ndarray],
    rate: int,
    lateral: Callable[[np.ndarray], np.ndarray],
    middles: np.ndarray,
) -> Iterator[np.ndarray]:
    """Mono blocks (1, samples) of `block_size` each -> (2, samples), left and right.

    `lateral` gives places (n, bands) at times (n,) in seconds, `middles` (bands,) are the bands'
    middle frequencies in Hz.
    """
    side = _Side(rate, lateral, middles)
    early = side.late  # samples of the result that lie before the sound
    waiting = np.zeros(0, np.float32)
    for x in blocks:
        waiting = np.concatenate([waiting, x[0]])
        lacking = -x.shape[-1] % side.hop
        moved = side(np.pad(finite(x)[0], (0, lacking)))
        ready, early = moved[early:][: len(waiting)], max(0, early - len(moved))
        yield _two_ears(waiting[: len(ready)], ready)
        waiting = waiting[len(ready) :]
    if len(waiting):
        rest = side(np.zeros(side.late + side.hop, np.float32))[early:]
        yield _two_ears(waiting, rest[: len(waiting)])


def _two_ears(mono: np.ndarray, side: np.ndarray) -> np.ndarray:
    return np.stack([mono + side, mono - side])


class _Side:
    """D of a mono sound, `late` samples after it.

    The root of a Hann window stands before and after the change, scaled so that their products,
    shifted by a quarter of a window, add up to 1.
    """

    def __init__(self, rate: int, lateral: Callable, middles: np.ndarray):
        self.rate, self.lateral, self.hop = rate, lateral, _hop(rate)
        self.size = OVERLAP * self.hop
        self.late = self.size - self.hop
        self.padded = fast_size(2 * self.size)  # room for what the gains smear in time
        self.hertz = np.arange(self.padded // 2 + 1) * (rate / self.padded)
        self.spread = _spread(self.hertz, middles)
        self.window = np.sqrt(hann(self.size)) * np.float32((2 / OVERLAP) ** 0.5)
        self.direct = _Direct(self.hertz, self.hop / rate)
        self.held, self.tail = np.zeros((2, self.late), np.float32)
        self.done = 0  # windows so far

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """As many samples as come in, which is a whole number of steps."""
        held = np.concatenate([self.held, samples])
        starts = np.arange(0, len(samples), self.hop)
        spectra = np.fft.rfft(
            held[starts[:, None] + np.arange(self.size)] * self.window, self.padded
        )
        middles = (self.done * self.hop + starts - self.late + self.size / 2) / self.rate
        gains = head_gains((self.lateral(middles) @ self.spread).astype(np.float32), self.hertz)
        gains *= self.direct(np.abs(spectra) ** 2)
        made = np.zeros(len(held), np.float32)
        made[: self.late] = self.tail
        parts = np.fft.irfft(spectra * gains, self.padded)[:, : self.size] * self.window
        for start, part in zip(starts, parts, strict=True):
            made[start : start + self.size] += part
        self.held, self.tail = held[len(samples) :], made[len(samples) :]
        self.done += len(starts)
        return made[: len(samples)]


def _hop(rate: int) -> int:
    return max(1, round(STEP * rate))


def _spread(hertz: np.ndarray, middles: np.ndarray) -> np.ndarray:
    """(bands, frequencies): from the bands' middles evenly, over the logarithm of frequency."""
    at = np.log(np.maximum(hertz, 1.0))
    return np.array([np.interp(at, np.log(middles), one) for one in np.eye(len(middles))])


class _Direct:
    """How much of each bin's power, 0...1, is not what rings on of the sound before."""

    def __init__(self, hertz: np.ndarray, seconds: float):
        bins = len(hertz)
        around = max(1, round(AROUND / max(hertz[1], 1e-9)))
        self.low = np.maximum(np.arange(bins) - around, 0)
        self.high = np.minimum(np.arange(bins) + around + 1, bins)
        self.fade = 10 ** (-6 * seconds / RT60)
        self.late = max(1, round(LATE / seconds))
        # A steady sound's room: ROOM = strength (1 + fade + fade^2 + ...).
        self.strength = ROOM * (1 - self.fade)
        self.recent: list[np.ndarray] = []
        self.ringing = np.zeros(bins)

    def __call__(self, power: np.ndarray) -> np.ndarray:
        """Of windows in a row (windows, bins)."""
        total = np.cumsum(np.pad(power, ((0, 0), (1, 0))), axis=1, dtype=float)
        soft = (total[:, self.high] - total[:, self.low]) / (self.high - self.low)
        rings = np.empty_like(soft)
        for now, ringing in zip(soft, rings, strict=True):
            self.recent.append(now)
            if len(self.recent) > self.late:
                self.ringing = self.fade * self.ringing + self.strength * self.recent.pop(0)
            ringing[:] = self.ringing
        return np.clip(1 - rings / np.maximum(soft, 1e-30), 0, 1).astype(np.float32)
