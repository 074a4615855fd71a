"""What each thing emits: dry, mono, from the scene's numbers alone.

Every kind of sound is made in three steps. Pulses, partials and noise get their colour frame by
frame (`avtools.world.timbre`); every frame is brought to one power; and the score's envelope is
laid on sample by sample, so that onsets are as sharp as it says and sound and picture go together.
"""

import math

import numpy as np
import torch

from avtools.world.bank import LOUDNESS_HZ, Bank, loudness
from avtools.world.excitation import EDGE, Grid
from avtools.world.phrases import Phrases, events_of, played
from avtools.world.scenes import SOUNDS, Scenes
from avtools.world.timbre import TIMBRES, Part

# RMS of a thing of level 0 dB where it is loud, at one metre.
REFERENCE = 0.05
# Where a sound is loud: from this share of its loudest on.
LOUD = 0.5
# Power is counted below this, so that it is the same at any rate from 16 kHz on.
COUNTED_HZ = 7000.0
# Nothing is emitted below: no ear or small loudspeaker has it, and a mean would be a click.
LOWEST_HZ = 50.0
RATES = (4000, 192000)
# Samples that are worked on at once: on a processor they stay in its cache.
AT_ONCE = {"cpu": 1 << 18}
AT_ONCE_ELSEWHERE = 1 << 25


def dry(scenes: Scenes, rate: int, device="cpu", bank: Bank | None = None) -> torch.Tensor:
    """(b, s, n) float32: what each thing emits, zeros where it is silent.

    `bank`: the user's own sounds in the place of drawn ones.
    """
    if not RATES[0] <= rate <= RATES[1]:
        raise ValueError(f"{rate} Hz, expected {RATES[0]} to {RATES[1]}")
    n = round(scenes.seconds * rate)
    if n < 1:
        raise ValueError(f"{scenes.seconds} s at {rate} Hz are no sample")
    out = torch.zeros((len(scenes), scenes.things, n), dtype=torch.float32, device=device)
    grid = Grid(n, rate, out.device)
    for kind, rows in _parts(scenes, out, bank):
        if bank is None:
            made = _made(scenes, rows, kind, grid)
        else:
            made = _played(scenes, rows, bank, grid)
        level = torch.as_tensor(scenes.level[tuple(rows.T)], dtype=torch.float32)
        made *= (REFERENCE * 10 ** (level / 20)).to(out.device)[:, None]
        scene, thing = torch.as_tensor(rows.T, device=out.device)
        out[scene, thing] = made
    return out


def _parts(scenes: Scenes, out: torch.Tensor, bank: Bank | None):
    """Kinds, and the places (m, 2) of things of each that are to be made at once."""
    at_once = max(1, AT_ONCE.get(out.device.type, AT_ONCE_ELSEWHERE) // out.shape[-1])
    of_kinds = {"the user's": scenes.sounding}
    if bank is None:
        sounding = scenes.sounding & played(scenes).any(axis=-1)
        of_kinds = {name: sounding & (scenes.sound == k) for k, name in enumerate(SOUNDS)}
    for kind, there in of_kinds.items():
        rows = np.argwhere(there)
        for first in range(0, len(rows), at_once):
            yield kind, rows[first : first + at_once]


def _played(scenes: Scenes, rows: np.ndarray, bank: Bank, grid: Grid) -> torch.Tensor:
    """(m, n) of the user's sounds, RMS 1 where they are loud."""
    sound = bank.excerpts(scenes, rows, grid.rate, grid.n, grid.device)
    step = max(1, min(grid.n, round(grid.rate / LOUDNESS_HZ)))
    whole = grid.n // step
    middles = (np.arange(whole) + 0.5) * step / grid.rate
    loud = loudness(scenes.chosen(rows[:, 0]), middles, bank)[np.arange(len(rows)), rows[:, 1]]
    loud = torch.as_tensor(loud, dtype=torch.float32, device=grid.device)
    blocks = sound[:, : whole * step].reshape(len(rows), whole, step)
    return sound.mul_(_to_reference(blocks, loud)[:, None])


def _made(scenes: Scenes, rows: np.ndarray, kind: str, grid: Grid) -> torch.Tensor:
    """(m, n) of the things in `rows` (m, 2), all of one kind; RMS 1 where they are loud."""
    at = tuple(rows.T)
    phrases = Phrases(events_of(scenes, rows), grid.device)

    def column(x):
        return torch.as_tensor(x[at], dtype=torch.float32, device=grid.device)[:, None]

    keys = torch.as_tensor(scenes.key[at], device=grid.device)
    part = Part(grid, phrases, keys, column(scenes.pitch), column(scenes.bright))
    spectra = _levelled(grid, TIMBRES[kind](part))
    envelope = phrases.envelope(grid.control_times(), grid.step / grid.rate)
    sound = grid.joined(spectra).reshape(len(rows), -1, grid.step)
    sound *= grid.drawn_out(envelope)
    sound *= _to_reference(sound, envelope)[:, None, None]
    return sound.reshape(len(rows), -1)[:, : grid.n]


def _levelled(grid: Grid, spectra: torch.Tensor) -> torch.Tensor:
    """Every frame at the same power; nothing at the ends of what the rate holds."""
    f = grid.bins()
    low = f**4 / (f**4 + LOWEST_HZ**4)
    high = ((EDGE[1] * grid.rate - f) / ((EDGE[1] - EDGE[0]) * grid.rate)).clamp_(0, 1)
    spectra *= low * torch.sin(high * (torch.pi / 2)) ** 2
    counted = min(len(f), math.ceil(COUNTED_HZ * grid.size / grid.rate))
    power = torch.view_as_real(spectra[..., :counted]).square().sum(dim=(-2, -1))
    return spectra.mul_(power.clamp_(min=1e-20).rsqrt_()[..., None] * grid.size)


def _to_reference(sound: torch.Tensor, envelope: torch.Tensor) -> torch.Tensor:
    """Factors (m,) that bring sounds (m, c, step) to RMS 1 where the envelope is high."""
    power = sound.square().sum(dim=-1) / sound.shape[-1]
    envelope = envelope[:, : power.shape[-1]]
    loud = (envelope >= LOUD * envelope.amax(dim=-1, keepdim=True)).to(power.dtype)
    mean = (power * loud).sum(dim=-1) / loud.sum(dim=-1).clamp_(min=1)
    return mean.clamp_(min=1e-20).rsqrt_()
