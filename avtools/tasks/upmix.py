"""Mono and a picture to two ears, against the sound that two ears took there.

The mono sound is the mean of the true left and right; its copy in both channels is what a picture
must improve on. Whether the result follows the picture is told over windows of all clips: the
correlation of its position, to the left, with the azimuth of what is seen to sound, where just one
source sounds and is in the picture.
"""

import numpy as np

from avtools.datasets.clip import Clip
from avtools.dsp.vertex import vertex
from avtools.tasks.task import Columns, Score, Task, heard, mean, pictures

# Of the published figures.
RATE = 16000
WINDOW_SECONDS = 0.5
# A source sounds alone in a window where it does for so much of it.
ALONE_SHARE = 0.8
# What a head makes of a sound from the side: as much as a full difference in level or in time.
FULL_DB, FULL_SECONDS = 10.0, 0.66e-3
# Positions that differ by less are rounding: 0.02 dB.
LEAST_APART = 1e-3


def examine(clips: tuple[Clip, ...], model: str, rng: np.random.Generator) -> dict:
    sound, rate = heard(clips[0], (2,))
    mono = sound.mean(axis=0, keepdims=True)
    if model == "signal":
        made = upmixed(clips[0], mono, rate)
    else:
        made = sound if model == "true" else np.repeat(mono, 2, axis=0)
    at, azimuth = seen_alone(clips[0], sound.shape[-1] / rate)
    reference, estimate = resampled(sound, rate), resampled(made, rate)
    return figures(reference, estimate) | {
        "position": positions(estimate, at),
        "azimuth": azimuth,
    }


def upmixed(clip: Clip, mono: np.ndarray, rate: int) -> np.ndarray:
    from avtools.signal.upmix import upmix

    return upmix(mono, rate, pictures(clip, False))


def resampled(sound: np.ndarray, rate: int) -> np.ndarray:
    import soxr

    return sound if rate == RATE else soxr.resample(sound.T, rate, RATE).T


def figures(reference: np.ndarray, estimate: np.ndarray) -> dict[str, float]:
    from avtools.metrics import spectrograms

    return {
        "complex_l1": spectrograms.complex_l1(reference, estimate),
        "stft": spectrograms.squared_l2(reference, estimate, normalise=True),
        "env": spectrograms.envelope_distance(reference, estimate, normalise=True),
        "wav": spectrograms.wave_distance(reference, estimate, normalise=True),
        "snr_db": spectrograms.snr(reference, estimate, normalise=True),
    }


def seen_alone(clip: Clip, seconds: float) -> tuple[list[float], np.ndarray]:
    """Beginnings of the windows in which one source sounds and is seen; its azimuth in each."""
    events = [e for e in clip.events() if e.azimuth is not None]
    at, azimuth = [], []
    for k in range(int(seconds / WINDOW_SECONDS)):
        begin, end = k * WINDOW_SECONDS, (k + 1) * WINDOW_SECONDS
        inside = [(min(e.end, end) - max(e.start, begin), e) for e in events]
        inside = [(length, e) for length, e in inside if length > 1e-6]
        if len({e.source for _, e in inside}) != 1 or not all(e.onscreen for _, e in inside):
            continue
        total = sum(length for length, _ in inside)
        if total >= ALONE_SHARE * WINDOW_SECONDS:
            at.append(begin)
            azimuth.append(sum(length * e.azimuth for length, e in inside) / total)
    return at, np.array(azimuth)


def positions(sound: np.ndarray, at: list[float]) -> np.ndarray:
    """To the left, of windows of a stereo sound: the mean of its differences in level and time,
    each as a part of what a head makes at most."""
    size = round(WINDOW_SECONDS * RATE)
    return np.array([_position(sound[:, (b := round(t * RATE)) : b + size]) for t in at])


def _position(window: np.ndarray) -> float:
    left, right = (window**2).sum(axis=-1) + 1e-12
    return 0.5 * (10 * np.log10(left / right) / FULL_DB + _lead(window) / FULL_SECONDS)


def _lead(window: np.ndarray) -> float:
    """By how many seconds the left channel is earlier, from the peak of the correlation.

    Between the three highest samples of the correlation lies the top of a parabola.
    """
    size, most = 2 * window.shape[-1], round(2 * FULL_SECONDS * RATE)
    left, right = np.fft.rfft(window, size)
    curve = np.roll(np.fft.irfft(np.conj(left) * right, size), most)[: 2 * most + 1]
    top = int(np.argmax(curve[1:-1])) + 1
    return float(top - most + vertex(*curve[top - 1 : top + 2])) / RATE


def _follows(columns: Columns) -> float:
    from avtools.metrics.association import pearson

    position, azimuth = (np.concatenate(list(columns[n])) for n in ("position", "azimuth"))
    if len(position) < 3 or np.ptp(position) < LEAST_APART or np.ptp(azimuth) < 1e-9:
        return np.nan
    return pearson(position, azimuth)


TASK = Task(
    name="upmix",
    kinds=("stereo",),
    models=("signal", "mono", "true"),
    columns=("complex_l1", "stft", "env", "wav", "snr_db"),
    examine=examine,
    scores=(
        *(mean(name, higher_is_better=False) for name in ("complex_l1", "stft", "env", "wav")),
        mean("snr_db"),
        Score("position_r", _follows),
    ),
)
