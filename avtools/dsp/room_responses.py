"""Impulse responses of a room to a receiver, out of its arrivals (see `avtools.dsp.room`).

An arrival falls between two samples, so each becomes a short band-limited pulse: sinc(x) under a
Hann window of 2 SIDE samples. It is flat, and its delay true, up to 1 - 2 / SIDE of half the rate
(21 kHz at 48 kHz). Arrivals are added into the response by their sample, tap by tap, so the work
goes with arrivals x taps of the pulse and no table of all is held.
"""

import math

import numpy as np

from avtools.dsp.dialect import like, namespace
from avtools.dsp.heads import SPEED_OF_SOUND
from avtools.dsp.room import Arrivals

# Samples of a pulse on either side of its arrival.
SIDE = 16


def foa_responses(arrivals: Arrivals, rate: float, taps: int | None = None):
    """First-order ambisonics, (..., 4, taps): AmbiX W, Y, Z, X, SN3D. `taps`: as many as needed.

    The first tap is the moment the sound was made; of a pulse within SIDE samples of it, what
    would ring before is cut off.
    """
    xp = namespace(arrivals.times)
    x, y, z = (arrivals.directions[..., axis] for axis in range(3))
    gains = xp.stack([xp.ones_like(x), y, z, x], axis=-2) * arrivals.amplitudes[..., None, :]
    return _pulses(arrivals.times[..., None, :], gains, rate, taps)


def array_responses(arrivals: Arrivals, positions, rate: float, taps: int | None = None):
    """Omnidirectional microphones, (..., microphones, taps).

    `positions` (microphones, 3) in metres around the receiver's place: every arrival is a plane
    wave there, that comes earlier to those nearer to its origin.
    """
    xp = namespace(arrivals.times)
    positions = like(arrivals.times, positions)
    if positions.ndim != 2 or positions.shape[1] != 3 or not bool(xp.all(xp.isfinite(positions))):
        raise ValueError(f"positions {tuple(positions.shape)}, expected finite (microphones, 3)")
    ahead = sum(
        positions[:, None, axis] * arrivals.directions[..., None, :, axis] for axis in range(3)
    )
    times = arrivals.times[..., None, :] - ahead / SPEED_OF_SOUND
    return _pulses(times, arrivals.amplitudes[..., None, :], rate, taps)


def _pulses(times, gains, rate: float, taps: int | None):
    """(..., channels, taps): pulses at `times` with `gains`, which broadcast to (..., channels, n).

    sin(pi (k - part)) is (-1)^(k + 1) sin(pi part) at every tap k: one sine serves all of them.
    """
    if not 0 < rate < math.inf:
        raise ValueError(f"rate {rate} Hz, expected more than 0")
    xp = namespace(times, gains)
    place = times * rate
    if taps is None:
        taps = math.ceil(float(xp.max(place))) + SIDE + 1 if place.shape[-1] else SIDE
    if taps < 1:
        raise ValueError(f"{taps} taps, expected 1 or more")
    # Outside the response: just beyond its margins, where no tap of a pulse reaches it.
    whole = xp.clip(xp.floor(place), -SIDE - 1, taps + SIDE)
    part = xp.clip(place - xp.floor(place), 1e-12, None)  # 0/0 at the peak otherwise
    margin, width = 2 * SIDE, taps + 4 * SIDE + 1
    shape = (*np.broadcast_shapes(tuple(times.shape), tuple(gains.shape))[:-1], width)
    rows = math.prod(shape[:-1])
    first = _row_starts(xp.asarray(whole, dtype=xp.int64) + margin, (*shape[:-1], -1), width)
    scaled, total = gains * (xp.sin(math.pi * part) / math.pi), 0
    for k in range(1 - SIDE, SIDE + 1):
        x = k - part
        pulse = (-1) ** (k + 1) / x * xp.cos(x * (math.pi / 2 / SIDE)) ** 2
        weights = xp.reshape(scaled * pulse, (-1,))
        total = total + xp.bincount(first + k, weights, rows * width)
    return xp.reshape(total, shape)[..., margin : margin + taps]


def _row_starts(index, shape: tuple[int, ...], width: int):
    """Flat places (rows x n,) of samples (..., channels or 1, n) in rows of `width` samples."""
    xp = namespace(index)
    index = xp.broadcast_to(index, (*shape[:-1], index.shape[-1]))
    index = xp.reshape(index, (-1, index.shape[-1]))
    row = xp.cumsum(xp.ones_like(index[:, :1]), axis=0) - 1
    return xp.reshape(index + row * width, (-1,))


def convolve(dry, responses):
    """Dry sound (..., samples) in a room (..., channels, taps): (..., channels, samples).

    As many samples come out as dry ones and taps together, less one. By one FFT over the whole:
    for scenes of seconds, not for hours.
    """
    xp = namespace(dry, responses)
    if not dry.shape[-1] or not responses.shape[-1]:
        raise ValueError("no samples to convolve, expected at least one on both sides")
    length = dry.shape[-1] + responses.shape[-1] - 1
    size = 1 << (length - 1).bit_length()
    spectrum = xp.fft.rfft(dry[..., None, :], n=size) * xp.fft.rfft(responses, n=size)
    return xp.fft.irfft(spectrum, n=size)[..., :length]
