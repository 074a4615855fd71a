"""Mel filters: triangles that are evenly wide on the mel scale (HTK's formula)."""

import numpy as np


def mel_of(hertz):
    return 2595.0 * np.log10(1.0 + np.asarray(hertz, float) / 700.0)


def hertz_of(mel):
    return 700.0 * (10.0 ** (np.asarray(mel, float) / 2595.0) - 1.0)


def mel_edges(mels: int, low: float, high: float) -> np.ndarray:
    """Hz, `(mels + 2,)`: band k reaches from edge k to k + 2 and has its top at k + 1."""
    return hertz_of(np.linspace(mel_of(low), mel_of(high), mels + 2))


def middles(mels: int, low: float, high: float) -> np.ndarray:
    return mel_edges(mels, low, high)[1:-1]


def mel_filters(bins: int, rate: int, mels: int, low: float = 0.0, high: float | None = None):
    """`(mels, bins)`: weights up to 1 of the frequencies 0 ... rate / 2 in each mel band."""
    edges = mel_edges(mels, low, high or rate / 2)
    hertz = np.linspace(0, rate / 2, bins)
    rising = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


def mean_filters(filters: np.ndarray) -> np.ndarray:
    """Filters that give the weighted mean of a band; an empty one stays empty."""
    total = filters.sum(-1, keepdims=True)
    return filters / np.where(total > 0, total, 1)
