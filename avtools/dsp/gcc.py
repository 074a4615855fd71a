"""Time difference of arrival: the generalised cross-correlation with phase transform.

A sound that reaches the second microphone d samples after the first has the cross-spectrum
conj(A) B = |A|^2 exp(-j w d). The phase transform keeps only the phase, so that every frequency
speaks alike; its inverse transform then has a peak at lag d of height 1 for one plane wave
without noise, and stays near 0 for sounds that have nothing in common.

The peak is not at a sample: it is found as the maximum of the band-limited correlation, by
Newton's method on its interpolation with a windowed sinc.
"""

from functools import cache

import numpy as np

from avtools.dsp.dialect import like, namespace

# Frequencies below -60 dB of the strongest product say little and fade out.
FLOOR = 1e-6
# Lags on each side of the peak that take part in the interpolation.
REACH = 24
# Shifts a sample at which a peak is looked for, and how many to either side of the highest sample:
# a band-limited curve may be higher a little beyond the half.
FINE, FARTHEST = 32, 20


def phase_transform(first, second, use=None):
    """Whitened cross-spectra and their weights, both `(..., bins)`, of two spectra.

    `use` `(bins,)`: 1 for the frequencies that take part, 0 for others.
    """
    xp = namespace(first)
    cross = xp.conj(first) * second
    size = xp.abs(cross)
    floor = FLOOR * xp.max(size, axis=-1, keepdims=True) + 1e-30
    scale = (1 if use is None else like(first, use)) / (size + floor)
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
    """The maximum of the interpolation near the middle of `near` `(..., 2 REACH + 1)`.

    The best of a fine grid, then one step of Newton's method. From a distance t it leaves an
    error of about t^3: with t below 1 / (2 FINE), some millionths of a sample.
    """
    xp = namespace(near)
    shifts, *tables = _kernels()
    value = xp.matmul(near, like(near, tables[0].T))
    best = xp.argmax(value, axis=-1)
    height = xp.max(value, axis=-1)
    slope, bend = (xp.sum(near * like(near, table)[best], axis=-1) for table in tables[1:])
    down = bend < 0
    step = xp.where(down, -slope / xp.where(down, bend, -1 + 0 * bend), 0 * bend)
    step = xp.clip(step, -1 / FINE, 1 / FINE)
    return like(near, shifts)[best] + step, height + slope * step / 2


@cache
def _kernels():
    """Shifts from the middle, `(n,)`, and what gives the curve there and its first two
    derivatives, each `(n, 2 REACH + 1)`, out of its samples.

    The kernel is k(u) = sinc(u) cos^2(pi u / 2 (REACH + 1)) at u = sample - shift; the derivatives
    are differences over 2 h and h^2, true to h^2.
    """

    def kernel(shift):
        u = np.arange(-REACH, REACH + 1) - shift
        return np.sinc(u) * np.cos(np.pi / 2 * u / (REACH + 1)) ** 2

    shifts = np.arange(-FARTHEST, FARTHEST + 1) / FINE
    h = 1e-3
    before, here, after = (kernel(shifts[:, None] + d) for d in (-h, 0, h))
    return shifts, here, (after - before) / (2 * h), (after - 2 * here + before) / h**2
