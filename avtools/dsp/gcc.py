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
REACH = 24
STEPS = 3


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
    shift = 0 * near[..., 0]
    height = near[..., REACH]
    for _ in range(STEPS):
        value, slope, bend = _interpolated(near, shift)
        down = bend < 0
        step = xp.where(down, -slope / xp.where(down, bend, -1 + 0 * bend), 0 * bend)
        step = xp.clip(step, -0.4, 0.4)
        shift, height = xp.clip(shift + step, -1.0, 1.0), value + slope * step / 2
    return shift, height


def _interpolated(near, shift):
    """The curve and its first two derivatives at `shift` `(...)`, interpolated from its samples.

    The kernel is k(u) = sinc(u) cos^2(pi u / 2 (REACH + 1)) at u = n - shift. All its sines are
    those of `shift` with the signs and constants of n, since sin(pi n - x) = -(-1)^n sin(x).
    """
    xp = namespace(near)
    n = np.arange(-REACH, REACH + 1)
    u = like(near, n) - shift[..., None]
    # Where sin(pi u) / (pi u) and its derivatives would cancel, their series stands.
    small = xp.abs(u) < 0.02
    square = (np.pi * u) ** 2
    sign = like(near, 1 - 2 * (n % 2))
    sine = sign * (-xp.sin(np.pi * shift) / np.pi)[..., None]
    cosine = sign * xp.cos(np.pi * shift)[..., None]
    over = 1 / xp.where(small, 1 + 0 * u, u)
    s0 = xp.where(small, 1 - square / 6, sine * over)
    s1 = xp.where(small, -(np.pi**2) * u * (1 / 3 - square / 30), (cosine - s0) * over)
    s2 = xp.where(small, -(np.pi**2) * (1 / 3 - square / 10), -(np.pi**2) * s0 - 2 * s1 * over)
    rate = np.pi / (REACH + 1)
    turn, still = xp.sin(rate * shift)[..., None], xp.cos(rate * shift)[..., None]
    wave, lift = like(near, np.cos(rate * n)), like(near, np.sin(rate * n))
    w0 = 0.5 + 0.5 * (wave * still + lift * turn)
    w1 = -0.5 * rate * (lift * still - wave * turn)
    w2 = rate**2 * (0.5 - w0)
    value = xp.sum(near * (s0 * w0), axis=-1)
    # d/dt of k(n - t) is -k'(n - t).
    slope = -xp.sum(near * (s1 * w0 + s0 * w1), axis=-1)
    bend = xp.sum(near * (s2 * w0 + 2 * s1 * w1 + s0 * w2), axis=-1)
    return value, slope, bend
