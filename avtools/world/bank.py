"""The user's own sounds in the place of drawn ones, and how loud anything in a scene is.

Pictures move with `loudness`: of a drawn sound it is its score, of a sound of the user's it is
measured. What strikes at onsets (`scenes.onsets`) finds those of the user's sounds in
`bank.scored(scenes)`, which is to be drawn, heard and written instead of `scenes`.

A thing's `pick` says which sound it has, its `key` from where on: an excerpt of the scene's length
that is not mostly silence. A sound that is too short begins again after a gap.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from avtools.dsp.dialect import like, namespace
from avtools.world.draws import GOLDEN, mixed
from avtools.world.scenes import Scenes
from avtools.world.score import envelope

# Loudness is measured over so many seconds, so many times a second.
SMOOTH, LOUDNESS_HZ = 0.03, 100
SHORTEST, FADE = 0.05, 0.005  # seconds
GAP = (0.3, 0.8)
# A sound is there from this share of its loudest on; what is less than half of an excerpt is tried
# again, this many times.
THERE, ENOUGH, TRIALS = 0.1, 0.5, 8
# An onset: loudness grows so many times over in so many steps, and not again for so many.
GROWTH, STEPS, APART = 2.0, 4, 15


def loudness(scenes: Scenes, times, bank: "Bank | None" = None, decay: float = 0.0):
    """How loud each thing's own sound is, 0 to 1: (b, s, t), of `times` (t,) or (b, 1, t).

    Times may be an array or a tensor. Silent movers have a loudness, too: what they would sound
    like (see `mimes`). `decay`: seconds in which sounds die away at least, for the eye to see
    short ones.
    """
    if bank is None:
        return envelope(scenes, times, decay)
    grid = bank.measured(scenes, decay)
    at = np.asarray(times if namespace(times) is np else times.cpu(), float)
    place = np.clip(at * LOUDNESS_HZ, 0, grid.shape[-1] - 1)
    place = np.broadcast_to(place, (*grid.shape[:-1], place.shape[-1]))
    before = np.minimum(place.astype(int), grid.shape[-1] - 2)
    part = place - before
    low, high = (np.take_along_axis(grid, before + k, axis=-1) for k in (0, 1))
    return like(times, (1 - part) * low + part * high)


@dataclasses.dataclass(frozen=True)
class Excerpts:
    """Which parts of which sounds things play, arrays of one shape; seconds."""

    sound: np.ndarray
    start: np.ndarray  # negative: it begins later
    period: np.ndarray  # after which it begins again


class Bank:
    """Sounds of the user's, mono, at one rate."""

    def __init__(self, sounds: Sequence[np.ndarray], rate: int):
        """`sounds`: float arrays (n,). Those that are silent or very short are left out."""
        if rate < 1000:
            raise ValueError(f"sounds at {rate} Hz, expected 1000 or more")
        arrays = [np.asarray(x, np.float32) for x in sounds]
        for k, x in enumerate(arrays):
            if x.ndim != 1 or not np.isfinite(x).all():
                raise ValueError(f"sound {k}: expected one channel of numbers, got {x.shape}")
        arrays = [_prepared(x, rate) for x in arrays if len(x) >= SHORTEST * rate]
        self._sounds = [x for x in arrays if np.abs(x).max() > 1e-5]
        if not self._sounds:
            raise ValueError("no sound that is at least 0.05 s long and not silent")
        self.rate = rate
        self._lengths = np.array([len(x) / rate for x in self._sounds])
        levels = [_levels(x, rate) for x in self._sounds]
        self._starts = _starts(levels)
        self._levels = np.concatenate(levels)
        self._loudest = np.array([np.argmax(x) for x in levels]) / LOUDNESS_HZ
        there = np.concatenate([x > THERE * np.quantile(x, 0.95) for x in levels])
        self._there = np.concatenate([[0], np.cumsum(there)])
        self._flat: dict = {}

    def __len__(self) -> int:
        return len(self._sounds)

    def chosen(self, scenes: Scenes) -> Excerpts:
        """What each thing (b, s) plays."""
        sound = np.minimum((scenes.pick * len(self)).astype(int), len(self) - 1)
        length, seconds = self._lengths[sound], scenes.seconds
        gap = GAP[0] + (GAP[1] - GAP[0]) * _chance(scenes.key, 1)
        spare = length - seconds
        trials = np.stack([_chance(scenes.key, 3 + k) for k in range(TRIALS)], axis=-1)
        starts = np.clip(spare, 0, None)[..., None] * trials
        # If chance finds silence alone: about the loudest moment.
        last = np.clip(self._loudest[sound] - seconds / 2, 0, np.clip(spare, 0, None))
        starts = np.concatenate([starts, last[..., None]], axis=-1)
        share = self._share(sound[..., None], starts, seconds)
        best = np.argmax(np.minimum(share, ENOUGH), axis=-1)
        start = np.take_along_axis(starts, best[..., None], axis=-1)[..., 0]
        short = spare < 0
        start = np.where(short, -gap * _chance(scenes.key, 2), start)
        return Excerpts(sound, start, np.where(short, length + gap, np.inf))

    def _share(self, sound, starts, seconds: float) -> np.ndarray:
        """How much of each excerpt is no silence, 0 to 1."""
        first, end = self._starts[sound], self._starts[sound + 1]
        low = np.minimum(first + (starts * LOUDNESS_HZ).astype(int), end)
        high = np.minimum(low + max(1, int(seconds * LOUDNESS_HZ)), end)
        return (self._there[high] - self._there[low]) / np.maximum(high - low, 1)

    def measured(self, scenes: Scenes, decay: float = 0.0) -> np.ndarray:
        """Loudness (b, s, t), 0 to 1, LOUDNESS_HZ times a second; 1 where the excerpt is loud."""
        what = self.chosen(scenes)
        times = np.arange(max(2, int(np.ceil(scenes.seconds * LOUDNESS_HZ)) + 1)) / LOUDNESS_HZ
        position = _position(what.start[..., None] + times, what.period[..., None])
        first, end = (self._starts[what.sound + k][..., None] for k in (0, 1))
        place = position * LOUDNESS_HZ
        before = np.clip(np.floor(place).astype(int), 0, end - first - 1)
        after = np.minimum(before + 1, end - first - 1)
        part = np.clip(place - before, 0, 1)
        level = (1 - part) * self._levels[first + before] + part * self._levels[first + after]
        inside = (position >= 0) & (position < self._lengths[what.sound][..., None])
        level = np.where(inside, level, 0.0)
        there = level > THERE * level.max(axis=-1, keepdims=True)
        there |= ~there.any(axis=-1, keepdims=True)
        loud = np.nanquantile(np.where(there, level, np.nan), 0.9, axis=-1, keepdims=True)
        return _lasting(np.clip(level / np.maximum(loud, 1e-9), 0, 1), decay)

    def scored(self, scenes: Scenes) -> Scenes:
        """The scenes with events (`onsets`, `lengths`, `strengths`) where these sounds have them.

        An event is a sudden growth of the loudness.
        """
        level = self.measured(scenes)
        ahead = np.concatenate([level[..., STEPS:], np.repeat(level[..., -1:], STEPS, -1)], -1)
        is_onset = (ahead > GROWTH * level + THERE) & ~_seen_before(ahead > GROWTH * level + THERE)
        e = max(1, int(is_onset.sum(axis=-1).max()))
        order = np.argsort(~is_onset, axis=-1, kind="stable")[..., :e]
        there = np.take_along_axis(is_onset, order, axis=-1)
        # The mean over SMOOTH begins to grow a step before there is anything.
        onsets = np.where(there, (order + STEPS + 1) / LOUDNESS_HZ, scenes.seconds)
        following = np.append(onsets[..., 1:], np.full((*onsets.shape[:2], 1), scenes.seconds), -1)
        lengths = np.clip(following - onsets, 0.1, 1.5)
        tallest = np.stack([np.roll(level, -k, axis=-1) for k in range(APART)]).max(axis=0)
        strengths = np.where(there, np.take_along_axis(tallest, order, axis=-1), 0.0)
        kept = np.arange(e) % scenes.onsets.shape[-1]
        return dataclasses.replace(
            scenes,
            onsets=onsets,
            lengths=lengths,
            strengths=strengths,
            tones=scenes.tones[..., kept],
            vowels=scenes.vowels[..., kept, :],
        )

    def excerpts(self, scenes: Scenes, rows: np.ndarray, rate: int, n: int, device="cpu"):
        """(m, n) float32 tensor: what the things in `rows` (m, 2) play, as strong as it is."""
        import torch

        flat, starts = self._at(rate, str(device))
        what = self.chosen(scenes)
        sound, start, period = (x[tuple(rows.T)] for x in (what.sound, what.start, what.period))
        first, length = starts[sound], starts[sound + 1] - starts[sound]
        period = np.where(np.isfinite(period), np.round(period * rate), 1 << 60)

        def column(x):
            return torch.as_tensor(x.astype(np.int64), device=device)[:, None]

        place = column(np.round(start * rate)) + torch.arange(n, device=device)
        place = torch.where(place < 0, place, place % column(period))
        inside = (place >= 0) & (place < column(length))
        return torch.where(inside, flat[torch.where(inside, place, 0) + column(first)], 0.0)

    def _at(self, rate: int, device: str):
        """All sounds one after the other at another rate, and where each begins."""
        import torch

        if (rate, device) not in self._flat:
            at_rate = [_resampled(x, self.rate, rate) for x in self._sounds]
            flat = torch.as_tensor(np.concatenate(at_rate), device=device)
            self._flat[rate, device] = flat, _starts(at_rate)
        return self._flat[rate, device]


def _starts(arrays) -> np.ndarray:
    return np.concatenate([[0], np.cumsum([len(x) for x in arrays])])


def _chance(keys: np.ndarray, place: int) -> np.ndarray:
    """0 to 1 of keys, one for each place."""
    places = np.full(1, place, np.uint64) * GOLDEN
    bits = mixed(mixed(keys.astype(np.uint64) * GOLDEN) + places)
    return (bits >> np.uint64(11)) * 2.0**-53


def _prepared(x: np.ndarray, rate: int) -> np.ndarray:
    """Without mean, faded at both ends: it stops and begins again in the midst of a scene."""
    fade = np.sin(np.linspace(0, np.pi / 2, max(1, round(FADE * rate)))) ** 2
    x = (x - x.mean(dtype=float)).astype(np.float32)
    x[: len(fade)] *= fade
    x[-len(fade) :] *= fade[::-1]
    return x


def _levels(x: np.ndarray, rate: int) -> np.ndarray:
    """RMS about every hundredth of a second of a sound."""
    total = np.concatenate([[0.0], np.cumsum(np.square(x, dtype=float))])
    middle = np.arange(int(np.ceil(len(x) / rate * LOUDNESS_HZ)) + 1) / LOUDNESS_HZ * rate
    half = SMOOTH / 2 * rate
    low, high = (np.clip(middle + k * half, 0, len(x)).astype(int) for k in (-1, 1))
    return np.sqrt(np.maximum(total[high] - total[low], 0) / (2 * half))


def _position(times: np.ndarray, period: np.ndarray) -> np.ndarray:
    """Seconds from the beginning of a sound that is played again and again."""
    return np.where((times < 0) | np.isinf(period), times, np.mod(times, period))


def _lasting(level: np.ndarray, decay: float) -> np.ndarray:
    """Levels (..., t) that fall by no more than exp(-t / decay): running maxima of logarithms."""
    if not decay:
        return level
    rise = np.arange(level.shape[-1]) / (LOUDNESS_HZ * decay)
    logs = np.log(np.maximum(level, 1e-9)) + rise
    return np.maximum(level, np.exp(np.maximum.accumulate(logs, axis=-1) - rise))


def _seen_before(is_there: np.ndarray) -> np.ndarray:
    """Where it was so within the last APART steps."""
    before = np.zeros_like(is_there)
    for k in range(1, min(APART, is_there.shape[-1] - 1) + 1):
        before[..., k:] |= is_there[..., :-k]
    return before


def _resampled(x: np.ndarray, rate: int, other: int) -> np.ndarray:
    """At another rate, by its spectrum. Both ends are faded, so going round costs nothing."""
    if other == rate:
        return x
    n = max(1, round(len(x) * other / rate))
    spectrum = np.fft.rfft(x)
    kept = np.zeros(n // 2 + 1, spectrum.dtype)
    both = min(len(kept), len(spectrum), (min(n, len(x)) + 1) // 2)
    kept[:both] = spectrum[:both]
    return (np.fft.irfft(kept, n) * (n / len(x))).astype(np.float32)
