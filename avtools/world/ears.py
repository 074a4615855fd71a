"""What microphones hear of a batch of scenes: direct sound, room, noise, and their own errors.

The direct sound of a thing at r metres is 1/r strong (as it was made, at 1 m), and the time that it
takes to the middle of the head is left out, so that sound and picture are in step. Delays between
the ears, and of reflections after the direct sound, are true.

A mirrored or turned scene (`Scenes.handed`, `Scenes.turn`) is rendered as it was before, and what
was heard is then mirrored and turned: noise, reverberation and errors of gain with it, as if the
recording had been.
"""

import dataclasses

import numpy as np
import torch

from avtools.world.cues import cues as cues
from avtools.world.diffuse import at_ratio, noise
from avtools.world.head import Head
from avtools.world.measured import Measured, ResponseSet
from avtools.world.microphones import Ambisonics, at_once
from avtools.world.pair import Pair
from avtools.world.responses import tensor
from avtools.world.reverberation import reverberation
from avtools.world.scenes import EARS, Scenes

# No sample is larger.
LOUDEST = 0.89


def heard(scenes: Scenes, dry: torch.Tensor, rate: int, hrirs=None) -> torch.Tensor:
    """(b, channels, n) float32 of the things' own sounds (b, s, n): stereo, or AmbiX in 360.

    `hrirs`: directions (d, 2) in degrees and responses (d, 2, taps) at `rate`, or the
    `ResponseSet` of them (which keeps what it works out), taken where otherwise a spherical head
    would be.
    """
    if dry.ndim != 3 or tuple(dry.shape[:2]) != scenes.present.shape or not dry.shape[-1]:
        raise ValueError(
            f"sounds {tuple(dry.shape)}, expected {scenes.present.shape} (scenes, things) and some "
            "samples"
        )
    if rate < 1000 or rate % 1:
        raise ValueError(f"rate {rate} Hz, expected a whole number from 1000 on")
    out = dry.new_zeros((len(scenes), scenes.channels, dry.shape[-1]), dtype=torch.float32)
    is_made = hrirs is None or isinstance(hrirs, ResponseSet)
    straight, responses = _straight(scenes), hrirs if is_made else ResponseSet(*hrirs)
    size = max(1, at_once(dry.device) // (dry.shape[1] * dry.shape[2]))
    for kind, has_walls in np.unique([scenes.ears, scenes.rt60 > 0], axis=1).T:
        rows = np.flatnonzero((scenes.ears == kind) & ((scenes.rt60 > 0) == has_walls))
        for some in np.split(rows, range(size, len(rows), size)):
            part = _microphones(straight.chosen(some), int(rate), dry.device, responses)
            out[some] = _recorded(part, dry[some].to(torch.float32))
    return _levelled(_placed(out, scenes))


def _straight(scenes: Scenes) -> Scenes:
    """The scenes as they were before they were mirrored and turned."""
    side = scenes.handed[:, None]
    gains = scenes.gains.copy()
    if not scenes.is_360:
        gains[:, :2] = np.where(side < 0, gains[:, 1::-1], gains[:, :2])
    return dataclasses.replace(
        scenes,
        handed=np.ones(len(scenes)),
        turn=np.zeros(len(scenes)),
        azimuth=side * (scenes.azimuth - scenes.turn[:, None]),
        swing=side * scenes.swing,
        drift=side * scenes.drift,
        gains=gains,
    )


def _microphones(scenes: Scenes, rate: int, device, responses: ResponseSet | None):
    """Those of scenes that all have one kind of ears."""
    kind = EARS[scenes.ears[0]]
    if kind == "head" and responses is not None:
        return Measured(scenes, rate, device, responses)
    return {"pair": Pair, "head": Head, "foa": Ambisonics}[kind](scenes, rate, device)


def _recorded(microphones, dry: torch.Tensor) -> torch.Tensor:
    """All that they hear, as loud as it comes. Either all of the scenes have walls or none."""
    scenes = microphones.scenes
    sound = microphones.direct(dry)
    if scenes.rt60[0] > 0:
        sound += reverberation(microphones, dry)
    sound += at_ratio(sound, noise(microphones, dry.shape[-1]), scenes.snr)
    gains = 10.0 ** (scenes.gains[:, : microphones.channels] / 20)
    return sound * tensor(gains, dry.device)[..., None]


def _placed(sound: torch.Tensor, scenes: Scenes) -> torch.Tensor:
    """What was heard, mirrored and turned as the scenes say."""
    mirrored = tensor(scenes.handed, sound.device)[:, None] < 0
    if not scenes.is_360:
        return torch.where(mirrored[..., None], sound.flip(1), sound)
    w, y, z, x = sound.unbind(1)
    y = torch.where(mirrored, -y, y)
    angle = np.deg2rad(scenes.turn)[:, None]
    cosine, sine = (tensor(f(angle), sound.device) for f in (np.cos, np.sin))
    return torch.stack([w, cosine * y + sine * x, z, cosine * x - sine * y], dim=1)


def _levelled(sound: torch.Tensor) -> torch.Tensor:
    """Every scene made so much quieter that no sample is too large, however it is turned."""
    if sound.shape[1] == 4:
        level = torch.hypot(sound[:, 1], sound[:, 3])
        peak = torch.maximum(level, torch.maximum(sound[:, 0].abs(), sound[:, 2].abs()))
    else:
        peak = sound.abs().amax(dim=1)
    return sound * (LOUDEST / peak.amax(dim=-1).clamp_min(LOUDEST))[:, None, None]
