"""How far one sound is from another: the figures of upmixing and of mix-and-separate.

Conventions
- Sounds are `(channels, samples)` or `(samples,)`, of one shape, aligned to the sample. Published
  figures are for 16 kHz; nothing is resampled here.
- Spectra: windows of 400 samples (periodic Hann, 25 ms) in the middle of transforms of 512, every
  160 samples (10 ms), centred on their times; the sound is mirrored at both ends. That is what
  the papers' code asks of librosa 0.7, and nothing is scaled.
- L1 (Yang, Russell and Salamon, CVPR 2020) is a mean over channels, frequencies and windows.
  The paper leaves open how a complex number is taken: here the mean also runs over real and
  imaginary parts (the modulus would give 1.41 to 2 times as much). With L = M + D and R = M - D
  and the same M on both sides, `complex_l1` of L - R alone is twice that of left and right.
- "STFT", ENV, WAV and SNR (Gao and Grauman, CVPR 2019, 2.5D Visual Sound, and the code that its
  successors share) are sums over channels: "STFT" of the mean *square* of the differences of real
  and imaginary parts, in spite of the name L2; ENV of the root mean square of the differences of
  Hilbert envelopes; WAV of the mean square of the differences of samples (tables often show it
  times 1000). SNR is in dB over all channels together, with 1e-4 added above and below.
- `normalise` divides each of the two sounds by its own peak over all channels first, as the
  published figures on FAIR-Play have it; a silent sound stays silent.
- Lower is better, but for SNR. NaN and infinity are refused.
"""

from collections.abc import Iterator

import numpy as np

from avtools.metrics.checks import finite, sounds

SIZE, HOP, WINDOW = 512, 160, 400
# Windows transformed at once: 8 MB of spectra, however long the sound is.
AT_ONCE = 2048
# What keeps the ratio of two silences a number: -40 dB of a sound of power 1.
LEAST_POWER = 1e-4


def validate(reference, estimate) -> tuple[np.ndarray, np.ndarray]:
    """Both as `(channels, samples)` float64."""
    reference, estimate = sounds(reference, estimate)
    if reference.ndim > 2:
        raise ValueError(f"sounds of shape {reference.shape}: expected (channels, samples)")
    return np.atleast_2d(reference), np.atleast_2d(estimate)


def stft(x, size: int = SIZE, hop: int = HOP, window: int = WINDOW) -> np.ndarray:
    """Spectra `(..., size // 2 + 1, windows)` of sounds `(..., samples)`."""
    parts = [np.moveaxis(part, -2, -1) for part in _spectra(x, size, hop, window)]
    return np.concatenate(parts, axis=-1)


def complex_l1(reference, estimate) -> float:
    """Mean absolute difference of real and imaginary parts: upmixing in the first paper."""
    return _mean_of_spectra(
        *validate(reference, estimate), lambda a, b: (abs((a - b).real) + abs((a - b).imag)) / 2
    )


def magnitude_l1(reference, estimate) -> float:
    """Mean absolute difference of magnitudes: separation in the first paper."""
    return _mean_of_spectra(*validate(reference, estimate), lambda a, b: abs(abs(a) - abs(b)))


def squared_l2(reference, estimate, normalise: bool = False) -> float:
    """Sum over channels of the mean squared difference of real and imaginary parts: "STFT"."""
    reference, estimate = _pair(reference, estimate, normalise)
    mean = _mean_of_spectra(reference, estimate, lambda a, b: abs(a - b) ** 2 / 2)
    return mean * len(reference)


def envelope_distance(reference, estimate, normalise: bool = False) -> float:
    """Sum over channels of the root mean squared difference of Hilbert envelopes: ENV."""
    reference, estimate = _pair(reference, estimate, normalise)
    difference = envelope(reference) - envelope(estimate)
    return float(np.sqrt((difference**2).mean(axis=-1)).sum())


def wave_distance(reference, estimate, normalise: bool = False) -> float:
    """Sum over channels of the mean squared difference of samples: WAV."""
    reference, estimate = _pair(reference, estimate, normalise)
    return float(((reference - estimate) ** 2).mean(axis=-1).sum())


def snr(reference, estimate, normalise: bool = False) -> float:
    """Power of the reference over that of the difference, dB, both raised by 1e-4."""
    reference, estimate = _pair(reference, estimate, normalise)
    signal, noise = (reference**2).mean(), ((reference - estimate) ** 2).mean()
    return float(10 * np.log10((signal + LEAST_POWER) / (noise + LEAST_POWER)))


def envelope(x) -> np.ndarray:
    """Magnitude of the analytic signal, `(..., samples)`.

    The analytic signal has no negative frequencies, and the positive ones twice as large, so that
    its real part is the sound: constant and half the rate stay as they are.
    """
    x = finite("sound", x)
    count = x.shape[-1]
    gain = np.zeros(count)
    gain[: count // 2 + 1] = 2
    gain[0] = 1
    if count % 2 == 0:
        gain[count // 2] = 1
    return abs(np.fft.ifft(np.fft.fft(x) * gain))


def peak_normalised(x) -> np.ndarray:
    """A sound with its highest peak over all channels at 1; silence stays silent."""
    x = finite("sound", x)
    return x / max(1e-20, abs(x).max(initial=0))


def evaluate(reference, estimate, normalise: bool = False) -> dict[str, float]:
    """All of them; both L1 are of the sounds as they are, without `normalise`."""
    reference, estimate = validate(reference, estimate)
    return {
        "complex_l1": complex_l1(reference, estimate),
        "magnitude_l1": magnitude_l1(reference, estimate),
        "stft": squared_l2(reference, estimate, normalise),
        "env": envelope_distance(reference, estimate, normalise),
        "wav": wave_distance(reference, estimate, normalise),
        "snr_db": snr(reference, estimate, normalise),
    }


def _pair(reference, estimate, normalise: bool) -> tuple[np.ndarray, np.ndarray]:
    reference, estimate = validate(reference, estimate)
    if normalise:
        return peak_normalised(reference), peak_normalised(estimate)
    return reference, estimate


def _mean_of_spectra(reference, estimate, difference) -> float:
    total, count = 0.0, 0
    for a, b in zip(_spectra(reference), _spectra(estimate), strict=True):
        total += difference(a, b).sum()
        count += a.size
    return float(total / count)


def _spectra(x, size=SIZE, hop=HOP, window=WINDOW) -> Iterator[np.ndarray]:
    """`(..., windows, bins)`, some windows at a time."""
    x = finite("sound", x)
    if not 1 <= window <= size or hop < 1:
        raise ValueError(f"windows of {window} in {size} every {hop}: expected 1 <= window <= size")
    if not x.ndim or not x.shape[-1]:
        raise ValueError(f"a sound of shape {x.shape}: expected at least one sample")
    shape = np.zeros(size)
    before = (size - window) // 2
    shape[before : before + window] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    ends = [(0, 0)] * (x.ndim - 1) + [(size // 2, size // 2)]
    x = np.pad(x, ends, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(x, size, axis=-1)[..., ::hop, :]
    for first in range(0, windows.shape[-2], AT_ONCE):
        yield np.fft.rfft(windows[..., first : first + AT_ONCE, :] * shape)
