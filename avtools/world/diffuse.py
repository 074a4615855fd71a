"""Sound from everywhere: noise that several microphones share just as a diffuse field has it."""

import numpy as np
import torch
from torch.nn.functional import interpolate

from avtools.dsp.stft import fast_size
from avtools.world.hashing import hashed, white, whole
from avtools.world.responses import tensor

# Noise has nothing below this; pink noise would be mostly there.
LOWEST = 30.0  # Hz
# What is drawn by chance has a number of its own.
NOISE, TAIL = 1, 2


def keys_of(scenes, purpose: int, parts: int) -> torch.Tensor:
    """(b, parts) keys of independent noises."""
    keys = whole(scenes.noise_key)[:, None]
    return hashed(keys, purpose, torch.arange(parts))


def spread(microphones, bins: int) -> torch.Tensor:
    """The microphones' `diffuse` at as many frequencies from 0 to half the rate."""
    known = tensor(microphones.diffuse(), microphones.device)
    return interpolate(known, size=bins, mode="linear", align_corners=True)


def noise(microphones, samples: int) -> torch.Tensor:
    """(b, channels, samples) from everywhere; its spectrum white to pink by `Scenes.hiss`."""
    scenes, device = microphones.scenes, microphones.device
    size = fast_size(samples)
    bins = size // 2 + 1
    keys = keys_of(scenes, NOISE, microphones.channels).to(device)
    spectra = torch.view_as_complex(white(keys, 2 * bins, device).unflatten(-1, (-1, 2)))
    hertz = torch.arange(bins, device=device) * (microphones.rate / size)
    octaves = torch.log(hertz.clamp_min(LOWEST) / LOWEST)
    slope = torch.exp(tensor(-scenes.hiss / 2, device)[:, None] * octaves) * (hertz >= LOWEST)
    shaped = spectra * (spread(microphones, bins) * slope[:, None])
    return microphones.joined(torch.fft.irfft(shaped, n=size)[..., :samples])


def at_ratio(sound: torch.Tensor, noise: torch.Tensor, ratio_db: np.ndarray) -> torch.Tensor:
    """The noise as many dB (b,) below the sound, both (b, channels, samples), in energy."""
    wanted = energy(sound) * tensor(10.0 ** (-np.asarray(ratio_db) / 10), sound.device)
    return noise * torch.sqrt(wanted / energy(noise).clamp_min(1e-20))[:, None, None]


def energy(sound: torch.Tensor) -> torch.Tensor:
    """(b,) of all channels."""
    return sound.square().sum(dim=(1, 2))
