"""Time difference of arrival: the generalised cross-correlation with phase transform.

A sound that reaches the second microphone d samples after the first has the cross-spectrum
conj(A) B = |A|^2 exp(-j w d). The phase transform keeps only the phase, so that every frequency
speaks alike; its inverse transform then has a peak at lag d of height 1 for one plane wave
without noise, and stays near 0 for sounds that have nothing in common.

The peak is not at a sample: it is found as the maximum of the band-limited correlation, by
Newton's method on its interpolation with a windowed sinc.
"""

import numpy as np

from avtools.dsp.dialect import like, namespace

# Frequencies below -60 dB of the strongest product say little and fade out.
FLOOR = 1e-6
# Lags on each side of the peak that take part in the interpolation.
REACH = 16
STEPS = 4


def phase_transform(first, second, use=None):
    """Whitened cross-spectra and their weights, both `(..., bins)`, of two spectra.

    `use` `(bins,)`: 1 for the frequencies that take part, 0 for others.
    """
    xp = namespace(first)
    cross = xp.conj(first) * second
    size = xp.abs(cross)
    floor = FLOOR * xp.max(size, axis=-1, keepdims=True) + 1e-30
    scale = 1 / (size + floor)
    if use is not None:
        scale = scale * like(first, use)
    return cross * scale, size * scale


def correlation(cross, lags: int, size: int):
    """Correlation at the lags -lags ... lags, `(..., 2 lags + 1)`, of whitened cross-spectra.

    `size` is that of the transform. Not yet divided by the sum of the weights.
    """
    xp = namespace(cross)
    curve = xp.fft.irfft(cross, n=size)
    return xp.concat([curve[..., size - lags :], curve[..., : lags + 1]], axis=-1) * (size / 2)


def peak(curve, most: int):
    """Lag and height of the highest peak within ±most, each `(...)`.

    `curve` `(..., 2 lags + 1)` with lags >= most + REACH: what lies beyond is used for the
    interpolation only.
    """
    xp = namespace(curve)
    lags = (curve.shape[-1] - 1) // 2
    if lags < most + REACH:
        raise ValueError(f"{lags} lags, but {most + REACH} are needed to look within {most}")
    inner = curve[..., lags - most : lags + most + 1]
    best = xp.argmax(inner, axis=-1)
    index = best[..., None] + (lags - most - REACH) + _counting(best, 2 * REACH + 1)
    near = xp.take_along_axis(curve, index, axis=-1)
    lag, height = _refined(near)
    lag = xp.clip(lag + (best - most), -most, most)
    return lag, height


def _counting(array, count: int):
    xp = namespace(array)
    if xp is np:
        return np.arange(count)
    return xp.arange(count, device=array.device)


def _refined(near):
    """The maximum of the interpolation within ±1 of the middle of `near` `(..., 2 REACH + 1)`."""
    xp = namespace(near)
    offsets = like(near, np.arange(-REACH, REACH + 1))
    shift = 0 * near[..., 0]
    for _ in range(STEPS):
        value, slope, bend = _kernel(offsets - shift[..., None])
        # d/dt of sum r[n] h(n - t) is -sum r[n] h'(n - t).
        first = -xp.sum(near * slope, axis=-1)
        second = xp.sum(near * bend, axis=-1)
        step = xp.where(second < 0, -first / xp.where(second < 0, second, -1 + 0 * second), 0.0)
        shift = xp.clip(shift + xp.clip(step, -0.4, 0.4), -1.0, 1.0)
    value, _, _ = _kernel(offsets - shift[..., None])
    return shift, xp.sum(near * value, axis=-1)


def _kernel(u):
    """Windowed sinc sinc(u) cos^2(pi u / 2 (REACH + 1)), and its first two derivatives."""
    xp = namespace(u)
    pi = np.pi
    small = xp.abs(u) < 1e-3
    v = xp.where(small, 1e-3 + 0 * u, u)
    sine, cosine = xp.sin(pi * v), xp.cos(pi * v)
    s0 = sine / (pi * v)
    s1 = (cosine - s0) / v
    s2 = -pi * sine / v - 2 * s1 / v
    # Near 0: sinc = 1 - (pi u)^2 / 6, whose terms above would cancel.
    s0 = xp.where(small, 1 - (pi * u) ** 2 / 6, s0)
    s1 = xp.where(small, -(pi**2) * u / 3, s1)
    s2 = xp.where(small, -(pi**2) / 3 + 0 * u, s2)
    rate = pi / (REACH + 1)
    inside = xp.abs(u) < REACH + 1
    turn = rate * u
    w0 = xp.where(inside, 0.5 + 0.5 * xp.cos(turn), 0.0)
    w1 = xp.where(inside, -0.5 * rate * xp.sin(turn), 0.0)
    w2 = xp.where(inside, -0.5 * rate**2 * xp.cos(turn), 0.0)
    return s0 * w0, s1 * w0 + s0 * w1, s2 * w0 + 2 * s1 * w1 + s0 * w2
