"""A clip in 96 bytes by which its copies are known: re-encoded, resampled, scaled, a bit louder.

Sound, 512 bits. The energy of all channels in 17 bands (120 to 3400 Hz, evenly wide on the mel
scale) and 33 stretches of time that overlap by half; a bit says whether the difference of two
neighbouring bands grows from a stretch to the next, as in Haitsma and Kalker's fingerprints
(ISMIR 2002). Levels, equalisers and codecs cancel out, and so does whatever stays the same, as the
colour of a room: other clips of one source agree in half of the bits, by chance.

Picture, 256 bits: of each quarter of the clip the mean picture, 32 x 32 and grey, and of its cosine
transform the signs of the 64 lowest terms but the constant one. Clips of one source may well look
alike; it is there so that one music under two pictures is not taken for one clip.

Times are shares of the clip, so a copy must begin where its original does, within some 50 ms.
"""

from itertools import pairwise

import numpy as np

from avtools.dsp.mel import mel_filters
from avtools.dsp.stft import fast_size, hann

BANDS, STRETCHES = 17, 33
SOUND_BITS = (BANDS - 1) * (STRETCHES - 1)
LOW, HIGH = 120.0, 3400.0
SECONDS = 0.128
# Dither: what lies so far below the loudest of the clip is the codec's.
FAINTEST = 1e-6
QUARTERS, SIDE, TERMS = 4, 32, 8
A_QUARTER = 4  # frames, about
PICTURE_BITS = QUARTERS * TERMS * TERMS
BYTES = (SOUND_BITS + PICTURE_BITS) // 8


def signature(sound: np.ndarray, rate: int, frames: np.ndarray) -> str:
    """Hexadecimal, 2 x BYTES digits, of a sound `(channels, samples)` and uint8 RGB frames.

    `frames` `(n, height, width, 3)` lie evenly over the clip; four or more, best all that are kept.
    """
    bits = np.concatenate([sound_bits(sound, rate), picture_bits(frames)])
    return np.packbits(bits).tobytes().hex()


def sound_bits(sound: np.ndarray, rate: int) -> np.ndarray:
    """`(SOUND_BITS,)` bool."""
    if sound.ndim != 2 or not len(sound):
        raise ValueError(f"sound of shape {sound.shape}, expected (channels, samples)")
    if rate < 2 * LOW:
        raise ValueError(f"{rate} samples a second, expected {2 * LOW:g} or more")
    levels = np.log10(_energy(sound, rate))
    growth = np.diff(np.diff(levels, axis=1), axis=0)
    return (growth > 0).ravel()


def _energy(sound: np.ndarray, rate: int) -> np.ndarray:
    """`(STRETCHES, BANDS)`, each a mean over time under a triangle, and over a band."""
    # Short clips are cut finer: padding would be alike in all of them.
    longest = 2 * sound.shape[1] // (STRETCHES + 3)
    size = fast_size(max(16, min(round(SECONDS * rate), longest)))
    hop = size // 2
    sound = np.nan_to_num(sound.astype(np.float32, copy=False), posinf=0, neginf=0)
    least = size + (STRETCHES + 1) * hop
    if sound.shape[1] < least:
        sound = np.pad(sound, ((0, 0), (0, least - sound.shape[1])))
    windows = np.lib.stride_tricks.sliding_window_view(sound, size, axis=1)[:, ::hop]
    filters = mel_filters(size // 2 + 1, rate, BANDS, LOW, min(HIGH, rate / 2))
    spectra = np.fft.rfft(windows * hann(size))
    power = (spectra.real**2 + spectra.imag**2).sum(axis=0)
    bands = power @ filters.T
    middle = (np.arange(len(bands)) + 0.5) / len(bands) * (STRETCHES + 1)
    triangles = np.clip(1 - abs(middle - np.arange(1, STRETCHES + 1)[:, None]), 0, None)
    triangles /= triangles.sum(axis=1, keepdims=True)
    energy = triangles.astype(np.float32) @ bands
    return energy + FAINTEST * energy.max() + 1e-20


def picture_bits(frames: np.ndarray) -> np.ndarray:
    """`(PICTURE_BITS,)` bool."""
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not frames.size:
        raise ValueError(f"frames {frames.dtype} {frames.shape}, expected uint8 (n, h, w, 3)")
    # A quarter without a frame of its own takes the nearest one.
    edges = np.linspace(0, len(frames), QUARTERS + 1)
    means = []
    for first, last in pairwise(edges):
        chosen = frames[int(first) : max(int(last), int(first) + 1)]
        means.append(_reduced(chosen[:: max(1, len(chosen) // A_QUARTER)]))
    basis = np.cos(np.pi / SIDE * np.outer(np.arange(TERMS + 1), np.arange(SIDE) + 0.5))
    terms = basis @ np.stack(means) @ basis.T
    lowest = np.concatenate(
        [terms[:, :TERMS, :TERMS].reshape(QUARTERS, -1)[:, 1:], terms[:, TERMS, :1]], axis=1
    )
    return (lowest > 0).ravel()


def _reduced(frames: np.ndarray) -> np.ndarray:
    """The mean of some frames, grey, `(SIDE, SIDE)`: exact means over areas, whatever the size."""
    grey = frames.astype(np.float32).mean(axis=0) @ np.full(3, 1 / 3, np.float32)
    return _areas(grey.shape[0]) @ grey @ _areas(grey.shape[1]).T


def _areas(length: int) -> np.ndarray:
    """`(SIDE, length)`: the share that each pixel has in each of SIDE equal parts."""
    edges = np.linspace(0, length, SIDE + 1)
    pixels = np.arange(length)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.clip(overlap, 0, None) * (SIDE / length)
