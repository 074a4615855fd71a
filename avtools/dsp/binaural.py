"""First-order ambisonics for two ears: filters out of any set of head-related impulse responses.

A plane wave from direction u reaches the four channels with the gains y(u) = (1, y, z, x) (AmbiX:
W, Y, Z, X, SN3D). Filters w(f) (4 numbers an ear) send it to the ear as y(u).w(f); the head would
have made it H(u, f). Four numbers can't match hundreds, so:

- Below about 1.5 kHz, where the head is small against the wave and its response is smooth, and
  where hearing uses the phase: least squares of the complex difference.
- Above, hearing ignores the phase of the fine structure, and matching it costs level and colour
  (least squares loses the high end). There only magnitudes count, | |y.w| - |H| |: MagLS,
  Schörkhuber, Zaunschirm & Höldrich, "Binaural rendering of ambisonic signals via magnitude least
  squares", DAGA 2018. Frequency by frequency, the phase is that which the filter one bin below
  produced:

      w(f_k) = argmin sum_u weight(u) | y(u).w - |H(u, f_k)| e^(i angle(y(u).w(f_(k-1)))) |^2

- Then one gain a frequency, the same for both ears, gives a diffuse field the power it has in the
  measured set.
"""

import math
from collections.abc import Iterable, Iterator

import numpy as np

from avtools.dsp.ambisonics import encode
from avtools.dsp.heads import even_directions, spherical_head_hrirs, unit_vectors

# Where least squares gives way to magnitudes, in Hz: first order follows a head's phase to about
# 650 Hz and its level to about here.
MAGNITUDE_FROM = 1500.0
# Tikhonov's share of the mean power of the four channels: a set all on one plane (no Z) still has
# a solution, and 0.04 % of a gain is not heard.
REGULARISATION = 1e-4
# What precedes the first arrival at the near ear, in seconds: magnitudes alone don't make a filter
# causal, and what is cut before its rise shows at low frequencies (KEMAR below 1.5 kHz: an error
# of 2.2 dB with 0.25 ms, 1.4 dB with 1 ms).
RISE = 1e-3
# Samples of one FFT in a long block: the arrays of four channels stay in a second-level cache.
FFT_SAMPLES = 4096


def encoding(directions_deg: np.ndarray) -> np.ndarray:
    """(n, 2) azimuth and elevation in degrees -> (n, 4), a plane wave's gains W, Y, Z, X (SN3D)."""
    return encode(*np.asarray(directions_deg, float).T)


def density_weights(directions_deg: np.ndarray) -> np.ndarray:
    """(n,): the share of the sphere that each direction stands for, roughly; they sum to 1.

    A grid measured ring by ring crowds at the poles, and repeats count twice. Each direction is
    weighted by 1 / its neighbours, counted with the bell exp(kappa (cos angle - 1)). The bell
    covers 2 pi / kappa of the sphere: with kappa = n / 8 as much as four of n even directions.
    """
    points = unit_vectors(directions_deg)
    kappa = max(2.0, len(points) / 8)
    rows = range(0, len(points), 512)  # no n x n matrix at once
    neighbours = [np.exp(kappa * (points[i : i + 512] @ points.T - 1)).sum(axis=1) for i in rows]
    weights = 1 / np.concatenate(neighbours)
    return weights / weights.sum()


def _validate(directions_deg: np.ndarray, hrirs: np.ndarray, rate: float) -> None:
    if hrirs.ndim != 3 or hrirs.shape[1] != 2 or not hrirs.shape[2]:
        raise ValueError(f"responses of shape {hrirs.shape}, expected (directions, 2, taps)")
    if directions_deg.shape != (len(hrirs), 2):
        raise ValueError(
            f"directions of shape {directions_deg.shape}, expected ({len(hrirs)}, 2) for as many"
            " responses"
        )
    if len(hrirs) < 4:
        raise ValueError(f"{len(hrirs)} directions, expected at least 4 for four channels")
    if not np.all(np.isfinite(hrirs)) or not np.any(hrirs):
        raise ValueError("responses that are silent or not finite")
    if not rate > 0:
        raise ValueError(f"rate {rate} Hz, expected more than 0")


def _onsets(hrirs: np.ndarray) -> np.ndarray:
    """(directions, 2): the first tap that reaches half of the response's peak."""
    size = np.abs(hrirs)
    return np.argmax(size >= size.max(axis=-1, keepdims=True) / 2, axis=-1)


def _about_the_centre(hrirs: np.ndarray, rise: int) -> tuple[np.ndarray, int, int]:
    """The responses (bins, directions, 2) on the clock of the head's centre, and how many taps the
    filters need before that time and in all.

    The mean arrival over the sphere is when the sound would have passed the centre of the head.
    Seen from there phases turn least, and MagLS, which carries them upwards unturned, is compact.
    """
    start = max(0, int(_onsets(hrirs).min()) - rise)
    hrirs = hrirs[..., start:]  # whatever silence the file began with, the grid below is the same
    onsets, taps = _onsets(hrirs), hrirs.shape[-1]
    centre, first = round(float(onsets.mean())), int(onsets.min())
    length = taps - first + rise
    size = 1 << math.ceil(math.log2(2 * length))
    padded = np.pad(hrirs, ((0, 0), (0, 0), (0, size - taps)))
    response = np.fft.rfft(np.roll(padded, -centre, axis=-1))
    return np.ascontiguousarray(np.moveaxis(response, -1, 0)), centre - first + rise, length


def _least_squares(basis: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(4, n): from responses at the directions to filters, (Y'WY + r)^-1 Y'W."""
    weighted = basis.T * weights
    gram = weighted @ basis
    gram += REGULARISATION * np.trace(gram) / 4 * np.eye(4)
    return np.linalg.solve(gram, weighted)


def _share(frequencies: np.ndarray, corner: float) -> np.ndarray:
    """(bins,): how far magnitudes rule, 0 to 1 over half an octave, so that no bin jumps."""
    return np.clip(2 * np.log2(np.maximum(frequencies, 1e-9)) - 2 * np.log2(corner) + 0.5, 0, 1)


def _fit(
    response: np.ndarray, basis: np.ndarray, solve: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """(bins, 4, 2): filters for the responses (bins, directions, 2).

    `share` (bins,) is 0 where the complex response is to be matched, 1 where its magnitude is.
    """
    filters = solve @ response
    for k in range(1, len(filters)):
        if share[k]:
            made = basis @ filters[k - 1]
            phase = made / np.maximum(np.abs(made), 1e-30)
            magnitude = solve @ (np.abs(response[k]) * phase)
            filters[k] += share[k] * (magnitude - filters[k])
    return filters


def binaural_filters(
    directions_deg: np.ndarray,
    hrirs: np.ndarray,
    rate: float,
    magnitude_from: float = MAGNITUDE_FROM,
) -> np.ndarray:
    """Impulse responses (2 ears, 4 channels W Y Z X, taps), float32, for `convolve_blocks`.

    `directions_deg` (n, 2): azimuth and elevation; `hrirs` (n, 2, taps): left and right ear, on one
    clock. From `magnitude_from` Hz up only magnitudes are matched (infinity: never).
    The delay common to the set is removed: the near ear hears a source beside it 1 ms (`RISE`)
    after the signal, what the filters need to rise.
    """
    directions, hrirs = np.asarray(directions_deg, float), np.asarray(hrirs, float)
    _validate(directions, hrirs, rate)
    rise = math.ceil(RISE * rate)
    response, before, length = _about_the_centre(hrirs, rise)
    size = 2 * (len(response) - 1)
    share = _share(np.fft.rfftfreq(size, 1 / rate), magnitude_from)
    basis, weights = encoding(directions), density_weights(directions)
    filters = _fit(response, basis, _least_squares(basis, weights), share)

    wanted = (weights[:, None] * np.abs(response) ** 2).sum(axis=(1, 2))
    made = (weights[:, None] * np.abs(basis @ filters) ** 2).sum(axis=(1, 2))
    filters *= np.sqrt(wanted / np.maximum(made, 1e-30))[:, None, None]

    impulses = np.roll(np.fft.irfft(filters, size, axis=0), before, axis=0)[:length]
    return np.ascontiguousarray(_faded(impulses, rise).T, dtype=np.float32)


def _faded(impulses: np.ndarray, rise: int) -> np.ndarray:
    """(taps, 4, 2) with both ends brought to 0: the first half of the rise, the last eighth."""
    rise, fall = max(1, rise // 2), max(1, len(impulses) // 8)
    window = np.ones((len(impulses), 1, 1))
    window[:rise, 0, 0] = np.sin(np.pi / 2 * (np.arange(rise) + 0.5) / rise) ** 2
    window[-fall:, 0, 0] *= np.cos(np.pi / 2 * (np.arange(fall) + 0.5) / fall) ** 2
    return impulses * window


def spherical_head_filters(rate: float) -> np.ndarray:
    """`binaural_filters` of the spherical head: what is used where nobody measured one."""
    directions = even_directions()
    return binaural_filters(directions, spherical_head_hrirs(directions, rate), rate)


def convolve_blocks(blocks: Iterable[np.ndarray], filters: np.ndarray) -> Iterator[np.ndarray]:
    """A stream of (channels, samples) through `filters` (outputs, channels, taps).

    Each block leaves as (outputs, as many samples), float32, before the next is read: no latency
    but that of the filters themselves. The output is as long as the input; what would ring on
    after the last sample (taps - 1 samples) is cut. Every split into blocks gives the same samples,
    to the rounding of float32.

    Overlap-save: an FFT of `size` samples, of which the first taps - 1 are old, multiplied with the
    filters' spectra, is right in all but those first taps - 1.
    """
    filters = np.asarray(filters, np.float32)
    if filters.ndim != 3 or not filters.size:
        raise ValueError(f"filters of shape {filters.shape}, expected (outputs, channels, taps)")
    channels, taps = filters.shape[1:]
    largest = max(FFT_SAMPLES, 1 << math.ceil(math.log2(4 * taps)))
    spectra = {}
    past = np.zeros((channels, taps - 1), np.float32)
    for x in blocks:
        if x.ndim != 2 or len(x) != channels:
            raise ValueError(f"a block of shape {x.shape}, expected ({channels}, samples)")
        out = np.empty((len(filters), x.shape[1]), np.float32)
        for start in range(0, x.shape[1], largest - taps + 1):
            new = x[:, start : start + largest - taps + 1]
            line = np.concatenate([past, new], axis=1, dtype=np.float32)
            size = 1 << (line.shape[1] - 1).bit_length()
            if size not in spectra:
                spectra[size] = np.fft.rfft(filters, size)
            made = _filtered(line, filters, spectra[size], size)
            out[:, start : start + new.shape[1]] = made
            past = line[:, line.shape[1] - taps + 1 :]
        yield out


def _filtered(line: np.ndarray, filters: np.ndarray, spectra: np.ndarray, size: int) -> np.ndarray:
    """(channels, old and new samples) -> (outputs, new samples)."""
    taps = filters.shape[-1]
    with np.errstate(invalid="ignore", over="ignore"):
        product = (np.fft.rfft(line, size) * spectra).sum(axis=1)
        out = np.fft.irfft(product, size)[:, taps - 1 : line.shape[1]]
        if np.isfinite(out[:, 0]).all():
            return out
        # A sample that is no number spoils a whole FFT: here it is kept to the taps it reaches.
        rows = [
            [np.convolve(x, h, "valid") for x, h in zip(line, ear, strict=True)] for ear in filters
        ]
        return np.array(rows).sum(axis=1)
