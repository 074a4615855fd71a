"""Beams that adapt: minimum variance without distortion (MVDR), in Souden's form.

Among all weights that leave the wanted sound as the reference channel has it, these let the least
of the rest through: h = (N^-1 S / tr(N^-1 S)) u, with the covariances S of what is wanted and N of
the rest (Souden, Benesty, Affes, IEEE Trans. ASLP 18, 2010). The stream knows neither, and finds
both blindly, in short windows of the sound:

**Mask.** With the intensity I = Re(conj(W) (X, Y, Z)) and E = (|W|^2 + |X|^2 + |Y|^2 + |Z|^2) / 2,

    2 (E - I . d) = |W - d . (X, Y, Z)|^2 + |what of (X, Y, Z) is across d|^2

is the energy that a plane wave from d leaves unexplained, so u = I . d / E says in one number how
direct a bin is and how well its direction agrees: 1 for a lone wave from d, cos(angle) for one
from elsewhere. Waves from anywhere spread u evenly over -1 ... 1 (Archimedes). Wanted waves come
with the density k exp(k u) / (2 sinh k) of von Mises and Fisher. Both taken as equally likely, a
bin is wanted with the probability

    m = 1 / (1 + exp(k (1 - u)) / (2 k)),   which is 1/2 at 30 degrees for k = 30.

**Bands.** Gains of coincident channels don't depend on the frequency, so covariances are summed
over bands as wide as 250 Hz. Echoes of the wanted sound then lose their phase relation to it, and
the beam does not use them to cancel it; and the weights need no more than a few windows to settle.
They are real, since a plane wave is in phase in all channels.

**Rest.** N is the running mean of (1 - m) x x^T, with a share of an isotropic field (1 for W, 1/3
for each of X, Y, Z) for safety. Where nothing but this is known, the weights are exactly those of
the hypercardioid; they are, too, where the wanted wave alone leaks into N.

**Wanted.** S is that of a plane wave, a a^T with a = (1, y, z, x). Its direction is d, moved to
the mean direction of what the mask lets in. Measured instead, S would hold diffuse sound as well,
and the trace would count that: the beam would grow softer.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from avtools.dsp.beam import beam_gains
from avtools.dsp.dialect import like, namespace
from avtools.dsp.intensity import energy, intensity
from avtools.dsp.smoothing import Smoother, keep_for
from avtools.dsp.stft import Frames, fast_size, frames_of, hann, spectra

WINDOW_SECONDS, LEAST_WINDOW = 0.04, 16
BAND_HERTZ = 250.0
MOST_BANDS = 400
CONCENTRATION = 30.0
SMOOTH = 1.0  # seconds: the time constant of N; the wanted direction follows twice as fast
LOADING = 0.02
# How much of all energy speaks for the direction that was asked for. While the wanted sound rests,
# the mask lets in next to nothing, but all of it from elsewhere: the beam must not go there.
TRUST = 0.02
ISOTROPIC = np.diag([1, 1 / 3, 1 / 3, 1 / 3])
TINY = 1e-30


def psd(spectrum, mask=None):
    """Covariances `(..., bins, channels, channels)` of spectra `(..., channels, windows, bins)`.

    Averaged over the windows, with the weights `mask` `(..., windows, bins)` if there are any.
    """
    xp = namespace(spectrum)
    x = xp.moveaxis(spectrum, -3, -1)  # (..., windows, bins, channels)
    x = xp.moveaxis(x, -3, -1)  # (..., bins, channels, windows)
    other = xp.conj(xp.moveaxis(x, -1, -2))
    if mask is None:
        return xp.matmul(x, other) / x.shape[-1]
    share = mask / (xp.sum(mask, axis=-2, keepdims=True) + 1e-10)
    return xp.matmul(x * xp.moveaxis(share, -2, -1)[..., None, :], other)


def souden_weights(speech, noise, reference: int = 0, loading: float = 1e-7):
    """MVDR weights `(..., channels)` of covariances `(..., channels, channels)`.

    The output is sum(conj(weights) x): the wanted sound as channel `reference` has it. `loading`
    is the share of its own trace that the diagonal of `noise` gets, so that it has an inverse.
    """
    xp = namespace(speech, noise)
    if speech.shape[-2:] != noise.shape[-2:] or speech.shape[-1] != speech.shape[-2]:
        raise ValueError(
            f"covariances of {tuple(speech.shape)} and {tuple(noise.shape)}, expected "
            "(..., channels, channels) of both"
        )
    safety = loading * xp.real(_trace(noise)) + TINY
    safe = noise + safety[..., None, None] * like(noise, np.eye(noise.shape[-1]))
    filters = xp.linalg.solve(safe, speech)
    return filters[..., :, reference] / (_trace(filters)[..., None] + TINY)


def _trace(matrices):
    return sum(matrices[..., c, c] for c in range(matrices.shape[-1]))


def wanted(foa, directions):
    """The probability `(..., windows, bins)` that a bin comes from its window's direction.

    `foa` `(..., 4, windows, bins)` spectra of AmbiX, `directions` `(..., windows, 3)`.
    """
    return _mask(_along(intensity(foa), directions), energy(foa))


def _along(vectors, directions):
    """`(..., windows, bins)`: vectors `(..., 3, windows, bins)` along the windows' directions."""
    return sum(vectors[..., c, :, :] * directions[..., c, None] for c in range(3))


def _mask(along, whole):
    xp = namespace(along)
    explained = along / xp.where(whole > TINY, whole, 1 + 0 * whole)
    return 1 / (1 + xp.exp(CONCENTRATION * (1 - explained)) / (2 * CONCENTRATION))


def window_size(rate: int) -> int:
    """Samples of a window: even, and quick to transform."""
    return fast_size(max(LEAST_WINDOW, round(WINDOW_SECONDS * rate)))


def bands(bins: int, rate: int) -> np.ndarray:
    """Triangles `(bands, bins)` that add up to 1 at each of the frequencies 0 ... rate / 2."""
    count = min(MOST_BANDS, max(2, round(rate / 2 / BAND_HERTZ) + 1))
    place = np.linspace(0, count - 1, bins)
    return np.clip(1 - np.abs(place - np.arange(count)[:, None]), 0, None)


def mvdr_blocks(
    blocks: Iterable[np.ndarray],
    at: Callable[[np.ndarray], np.ndarray],
    rate: int,
    smooth: float = SMOOTH,
) -> Iterator[np.ndarray]:
    """Adaptive beams `(beams, samples)` of AmbiX blocks; `at(seconds (n,))` -> `(n, beams, 3)`.

    As long as the input and aligned with it; every split into blocks gives the same samples. What
    is not a number is taken as silence. One window of samples is held.
    """
    size = window_size(rate)
    hop, window = size // 2, np.sqrt(hann(size))
    find = _finder(bands(hop + 1, rate), hop / rate, smooth)
    last, is_first = None, True
    for frames in frames_of(_framed(blocks, hop), size, hop, as_is=True):
        # In double precision no square overflows, however loud the samples are. Half a window of
        # zeros comes before them: the middle of a window is where it starts, counted without it.
        foa = spectra(frames.samples.astype(np.float64), window)
        weights = find(foa, np.moveaxis(at(frames.starts / rate), 0, 1))
        heard = np.fft.irfft((weights * foa).sum(axis=1), n=size) * window
        if last is None:
            last = np.zeros((len(heard), hop))
        y, last = _overlapped(heard, last, frames)
        y = y[:, hop:] if is_first else y
        is_first = False
        if y.shape[1]:
            yield y


def _framed(blocks: Iterable[np.ndarray], hop: int) -> Iterator[np.ndarray]:
    """Zeros before and after, so that each sample lies in two windows."""
    yield np.zeros((4, hop), np.float32)
    for x in blocks:
        yield x[:4]
    yield np.zeros((4, hop), np.float32)


def _overlapped(heard: np.ndarray, last: np.ndarray, frames: Frames):
    """Finished samples out of windows `(beams, windows, size)`, and the half that must wait."""
    hop = last.shape[1]
    y = heard[:, :, :hop] + np.concatenate([last[:, None], heard[:, :-1, hop:]], axis=1)
    # The very last window, if it is cut, reaches past the sound by what it lacks.
    whole = int((frames.lengths - hop).sum())
    return y.reshape(len(y), -1)[:, :whole].astype(np.float32), heard[:, -1, hop:]


def _finder(bank: np.ndarray, hop_seconds: float, smooth: float) -> Callable:
    """What finds weights `(beams, 4, windows, bins)`, window after window.

    It takes spectra `(4, windows, bins)` and directions `(beams, windows, 3)`.
    """
    past_noise = Smoother(keep_for(smooth, hop_seconds))
    past_wanted = Smoother(keep_for(smooth / 2, hop_seconds))

    def find(foa: np.ndarray, directions: np.ndarray) -> np.ndarray:
        flow, whole = intensity(foa), energy(foa)
        along = _along(flow, directions)
        mask = _mask(along, whole)
        (noise,) = past_noise.through(_covariances(foa, 1 - mask, bank))
        across = flow - along[:, None] * np.moveaxis(directions, -1, 1)[..., None]
        agreeing = (mask * along + TRUST * whole)[:, None]
        shares = np.concatenate([mask[:, None] * across, agreeing], axis=1)
        (shares,) = past_wanted.through(np.moveaxis(shares @ bank.T, 1, -1))
        waves = beam_gains(_refined(directions, shares), 0.5) * 2
        level = np.maximum(_trace(noise) / 2, TINY)[..., None, None]
        rest = noise / level + LOADING * ISOTROPIC
        weights = souden_weights(waves[..., None] * waves[..., None, :], rest)
        return np.moveaxis(weights, -1, 1) @ bank

    return find


def _covariances(foa: np.ndarray, weight: np.ndarray, bank: np.ndarray) -> np.ndarray:
    """Real parts, `(beams, windows, bands, 4, 4)`, weighted by `(beams, windows, bins)`."""
    made = np.empty((*weight.shape[:2], len(bank), 4, 4))
    for i in range(4):
        for j in range(i + 1):
            product = foa[i].real * foa[j].real + foa[i].imag * foa[j].imag
            made[..., i, j] = made[..., j, i] = (weight * product) @ bank.T
    return made


def _refined(directions: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Unit vectors `(beams, windows, bands, 3)`: towards the wanted sound as it was found.

    `shares` `(beams, windows, bands, 4)`: its intensity across the direction (x, y, z), and along
    it. The first is that of directions past: what of it lies along the present one is left out.
    """
    d = directions[:, :, None]
    across, along = shares[..., :3], shares[..., 3:]
    across = across - (across * d).sum(-1, keepdims=True) * d
    moved = d + across / np.maximum(along, TINY)
    return moved / np.linalg.norm(moved, axis=-1, keepdims=True)
