"""What the tests of the world's ears share: scenes with one thing at a known place, its sound."""

import dataclasses

import numpy as np
import torch

from avtools.world.drawing import draw
from avtools.world.scenes import Scenes

RATE = 16000


def scene(ears: str, count: int = 1, preset: str = "easy", seed: int = 0, **facts) -> Scenes:
    """`count` scenes of a pair, a head or foa in which one thing stands before the microphones.

    No noise, no gain errors; `facts` are fields of Scenes that broadcast to their shapes.
    """
    kind, given = ("360", None) if ears == "foa" else ("stereo", ears)
    drawn = draw(kind, preset, np.arange(seed, seed + count), 1.0, ears=given)
    one = np.zeros_like(drawn.present)
    one[:, 0] = True
    still = dict.fromkeys(("azimuth", "elevation", "swing", "bob", "near", "drift"), 0.0)
    facts = still | {"distance": 1.0, "snr": 300.0, "gains": 0.0, "present": one} | facts
    facts.setdefault("heard", facts["present"])
    shaped = {}
    for name, value in facts.items():
        shape = getattr(drawn, name).shape
        value = np.asarray(value)
        # A list is of scenes, each with one thing.
        value = value[:, None] if value.ndim == 1 and len(shape) == 2 else value
        shaped[name] = np.array(np.broadcast_to(value, shape))
    return dataclasses.replace(drawn, **shaped)


def click(scenes: Scenes, samples: int, at: int, level: float = 0.3) -> torch.Tensor:
    """(b, s, samples): a pulse of the first thing."""
    dry = torch.zeros((*scenes.present.shape, samples))
    dry[:, 0, at] = level
    return dry


def hissing(scenes: Scenes, samples: int, level: float = 0.05, seed: int = 1) -> torch.Tensor:
    """(b, s, samples): white noise of all that sounds, each its own."""
    noise = np.random.default_rng(seed).standard_normal((*scenes.present.shape, samples))
    return torch.tensor(noise * level * scenes.sounding[..., None], dtype=torch.float32)


def tones(hertz: np.ndarray, seconds: np.ndarray, level: float = 0.005) -> np.ndarray:
    """(n,) complex, the analytic sound of many tones at any times."""
    phases = 2 * np.pi * hertz[:, None] * seconds + 1.3 * np.arange(len(hertz))[:, None] ** 2
    return level * np.exp(1j * phases)


def decibels(error, whole) -> float:
    """How far the error lies below the whole, rms."""
    error, whole = np.std(np.asarray(error)), np.std(np.asarray(whole))
    return float(20 * np.log10(max(error, 1e-30) / whole))
