"""How loud the sound is in each band at each tick: what the movements of its source go with."""

from collections.abc import Iterable, Iterator

import numpy as np

from avtools.dsp.stft import Frames, fast_size, hann, spectra
from avtools.signal.ticks import each_tick

# Bands for all purposes, Hz: voices' pitch and formants, noise and strokes.
EDGES = (80.0, 300.0, 800.0, 2000.0, 5000.0, 12000.0)
# Seconds of a window and from one to the next.
SPAN, STEP = 0.04, 0.01


def envelopes(
    blocks: Iterable[np.ndarray], rate: int, edges: tuple[float, ...] = EDGES
) -> Iterator[np.ndarray]:
    """Blocks (ticks, bands) of one second: root of the mean power of all channels in each band."""
    size = fast_size(round(SPAN * rate))
    hop = max(1, round(STEP * rate))
    window = hann(size)
    hertz = np.arange(size // 2 + 1) * (rate / size)
    low, high = np.array(edges[:-1]), np.array(edges[1:])
    bands = ((hertz[:, None] >= low) & (hertz[:, None] < high)).astype(np.float32)
    scale = 2 / (size * float((window.astype(float) ** 2).sum()))

    def powers(frames: Frames) -> tuple[np.ndarray, ...]:
        square = np.abs(spectra(frames.samples, window)) ** 2
        power = square.mean(axis=0) @ bands * scale
        return power, np.ones((len(power), 1), np.float32)

    for power, count in each_tick(blocks, rate, size, hop, powers):
        yield np.sqrt(power / np.maximum(count, 1))
