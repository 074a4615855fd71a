"""Rooms: reflections that move with what sounds, and a diffuse tail behind them.

**Reflections.** Images of up to ORDER reflections (see `avtools.dsp.room`), each at its own place,
and so with its own delay, direction and strength at every microphone; beta^n from Eyring's formula.
First reflections keep the sign, those of second ones are drawn. Every STEP seconds the response is
made anew, and cross-faded: this is what moving reflections are allowed to do in steps, while the
direct sound glides.

**Tail.** All other images, as noise: their energy a second is (4 pi c / V) 10^(-6 t / RT60) at a
time t after the sound was made, times the share that images of more than ORDER reflections have in
it. In the direction u a path of d metres meets floor(d |u_i| / L_i + U_i) walls of the axis i; U_i,
from 0 to 1, says where in the room it begins. For U drawn evenly that is one of two numbers, by
chance in proportion to the fraction. The share is the mean over u and U of beta^(2n) for n > ORDER
against that for all n.

Things in a room have the same tail, but APART seconds later from each to the next: noise, shifted,
has nothing in common with itself, as the tails of places apart have.
"""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import torch

from avtools.dsp.heads import SPEED_OF_SOUND
from avtools.dsp.room import SIXTY_DB, image_sources, wall_reflection
from avtools.dsp.sphere import fibonacci
from avtools.dsp.stft import fast_size
from avtools.world.diffuse import TAIL, keys_of, spread
from avtools.world.gliding import Knots, spans
from avtools.world.hashing import hashed, white, whole
from avtools.world.microphones import at_once, places_at, sounding
from avtools.world.responses import tensor

ORDER = 2
STEP = 0.25
APART = 0.001
# Seconds by which a reflection may be heard before the direct sound: half a metre.
AHEAD = 0.0015
SIGNS = 3
# Directions, and lengths of path, at which the share of the tail is known.
WAYS, LENGTHS = 48, 32
# Samples by which coherence, a filter without a beginning, may reach round the ends of a transform.
MARGIN = 512


@cache
def lattice() -> np.ndarray:
    """(n, 3): the cells of all images of 1 to ORDER reflections; the source itself before them."""
    axis = np.arange(-ORDER, ORDER + 1)
    cells = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    order = np.abs(cells).sum(axis=1)
    return cells[np.argsort(order, kind="stable")][: (order <= ORDER).sum()]


def reverberation(microphones, dry: torch.Tensor) -> torch.Tensor:
    """What the walls send back of (b, s, n): (b, channels, n). Every scene has RT60 > 0."""
    scenes = microphones.scenes
    walls = [wall_reflection(*x) for x in zip(scenes.room, scenes.rt60, strict=True)]
    walls = np.array(walls)
    return reflections(microphones, dry, walls) + tail(microphones, dry, walls)


def reflections(microphones, dry: torch.Tensor, walls: np.ndarray) -> torch.Tensor:
    """The early part, of walls that reflect so much (b,)."""
    hop = round(STEP * microphones.rate)
    longest = at_once(microphones.device) // (dry.shape[0] * dry.shape[1])
    parts = spans(dry.shape[-1], hop, longest)
    return torch.cat([_reflected(microphones, dry, walls, hop, *part) for part in parts], dim=-1)


def _reflected(microphones, dry, walls, hop: int, first: int, samples: int) -> torch.Tensor:
    scenes, rate = microphones.scenes, microphones.rate
    seconds = Knots(samples, hop, 0, 0, first).places() / rate
    pulses = _pulses(microphones, tensor(places_at(scenes, seconds), dry.device), walls)
    reach = _longest(scenes) / SPEED_OF_SOUND * rate
    # What comes by the shorter way to one of the ears may come before the direct sound.
    ahead = math.ceil(AHEAD * rate) + pulses.lead
    knots = Knots(samples, hop, math.ceil(reach) + pulses.taps, ahead, first)
    shape = (len(dry), knots.count, microphones.channels, len(knots.cycles))
    total = dry.new_zeros(shape, dtype=torch.complex64)
    for thing, rows in sounding(scenes):
        heard = torch.fft.rfft(pulses.chosen((rows, thing)).responses(knots.size))
        heard *= knots.spectra(dry[rows, thing])[:, :, None]
        total[rows] += heard
    return knots.sound(total)


def _longest(scenes) -> float:
    """Metres that the farthest image may be farther away than its source."""
    return float(np.sqrt(((ORDER * scenes.room) ** 2).sum(axis=1)).max())


def _pulses(microphones, places: torch.Tensor, walls: np.ndarray):
    """All reflections of things at `places` (b, s, t, 3), by their time after the direct sound."""
    scenes, cells = microphones.scenes, lattice()
    walls, *room = (tensor(x, places.device) for x in (walls, scenes.room, scenes.receiver))
    walls, room, ears = (x[:, None, None] for x in (walls, *room))
    images = image_sources(room, ears + places, ears, walls, cells)
    metres = images.times[..., None] * SPEED_OF_SOUND
    pulses = microphones.pulses((images.directions * metres)[..., 1:, :])
    order = torch.as_tensor(np.abs(cells[1:]).sum(axis=1), device=places.device)
    left = walls[..., None, None] ** order * _signs(scenes, order)[:, None, None, None]
    direct = images.times[..., None, :1] * microphones.rate
    return replace(pulses, delays=pulses.delays - direct, gains=pulses.gains * left)


def _signs(scenes, order: torch.Tensor) -> torch.Tensor:
    """(b, n) of images: those of first reflections are positive."""
    keys, which = (whole(x, order.device) for x in (scenes.noise_key, range(len(order))))
    drawn = hashed(keys[:, None], SIGNS, which)
    return torch.where(order < 2, 1.0, 1.0 - 2.0 * (drawn & 1))


def tail(microphones, dry: torch.Tensor, walls: np.ndarray) -> torch.Tensor:
    """The late part."""
    scenes, rate, device = microphones.scenes, microphones.rate, microphones.device
    taps = math.ceil(float(scenes.rt60.max()) * rate)
    together = _together(dry, scenes, round(APART * rate))
    size = fast_size(together.shape[-1] + taps + MARGIN)
    noise = white(keys_of(scenes, TAIL, microphones.channels).to(device), taps, device)
    noise *= decay(scenes, walls, taps, rate, device)[:, None]
    spectra = torch.fft.rfft(noise, n=size)
    spectra *= spread(microphones, spectra.shape[-1])
    spectra *= torch.fft.rfft(together, n=size)[:, None]
    return microphones.joined(torch.fft.irfft(spectra, n=size)[..., : dry.shape[-1]])


def _together(dry: torch.Tensor, scenes, apart: int) -> torch.Tensor:
    """(b, n) all things, each `apart` samples later than the one before."""
    total = dry.new_zeros((len(dry), dry.shape[-1]))
    for thing, rows in sounding(scenes):
        later = min(thing * apart, dry.shape[-1])
        total[rows, later:] += dry[rows, thing, : dry.shape[-1] - later]
    return total


def decay(scenes, walls: np.ndarray, taps: int, rate: int, device) -> torch.Tensor:
    """(b, taps) amplitudes for noise as `white` makes it (its mean square is 1/3)."""
    share, step = later_share(scenes.room, walls, device)
    # The things' mean distance stands for the time that the direct sound took.
    heard = scenes.sounding
    distance = (scenes.distance * heard).sum(axis=1) / np.maximum(heard.sum(axis=1), 1)
    seconds = torch.arange(taps, device=device) / rate
    metres = seconds * SPEED_OF_SOUND + tensor(distance, device)[:, None]
    place = (metres / step[:, None]).clamp(max=LENGTHS - 1.001)
    below = place.long()
    low, high = (share.gather(1, below + k) for k in (0, 1))
    rt60 = tensor(scenes.rt60, device)[:, None]
    level = 3 * 4 * math.pi * SPEED_OF_SOUND / rate / tensor(scenes.room.prod(axis=1), device)
    energy = torch.exp(metres * (-SIXTY_DB / SPEED_OF_SOUND) / rt60) * level[:, None]
    energy = energy * torch.lerp(low, high, place - below) * (seconds <= rt60)
    return torch.sqrt(energy)


def later_share(room: np.ndarray, walls: np.ndarray, device) -> tuple[torch.Tensor, torch.Tensor]:
    """What images of more than ORDER reflections have of the energy at LENGTHS lengths of path:
    (b, LENGTHS), and the metres between these (b,)."""
    ways = np.abs(fibonacci(WAYS)) / room[:, None]
    step = 4 * room.max(axis=1) / (LENGTHS - 1)
    met = np.arange(LENGTHS)[:, None, None] * (ways * step[:, None, None])[:, None]
    met = tensor(met, device)
    low = met.floor()
    part, base = met - low, low.sum(dim=-1)
    loss = tensor(2 * np.log(walls), device)[:, None, None]
    every, later = 0.0, 0.0
    for corner in range(8):
        ups = [corner >> axis & 1 for axis in range(3)]
        chance = 1.0
        for axis, up in enumerate(ups):
            chance = chance * (part[..., axis] if up else 1 - part[..., axis])
        count = base + sum(ups)
        energy = chance * torch.exp(loss * count)
        every, later = every + energy, later + energy * (count > ORDER)
    return later.mean(dim=-1) / every.mean(dim=-1).clamp_min(1e-30), tensor(step, device)
