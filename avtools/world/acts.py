"""What things do at given times, for the eye: numbers (b, s, t), of the score that is heard.

A mouth opens, a body pulses, a stick hits its body at each onset, a bow is drawn over it to and
fro with each event. A silent mover does nothing of this, unless it mimes.
"""

from dataclasses import dataclass

import numpy as np

from avtools.world.bank import loudness
from avtools.world.draws import Draws
from avtools.world.looks import AFTERGLOW, growth
from avtools.world.scenes import SHOWS, Scenes
from avtools.world.score import shapes

# Seconds in which a stick comes down, and in which it is on its way up again.
DOWN, UP = 0.2, 0.09
# Half the way of a bow, in half sizes.
STROKE = 0.45
# Seconds in which an eye shuts.
BLINK = 0.1
# Of a sound of the user's: a look at it each 10 ms; a bow crosses its way in 0.5 s of the loudest.
LOOK, CROSSING = 0.01, 0.5


@dataclass(frozen=True)
class Acts:
    """Of every thing at every time, (b, s, t)."""

    level: np.ndarray  # 0 to 1: how much it shows of its sound
    grown: np.ndarray  # its size against that in silence
    lids: np.ndarray  # 0 open to 1 shut, of a face's eyes
    lift: np.ndarray  # of a stick: 0 on the body to 1 at rest
    drawn: np.ndarray  # place of a bow, between about -STROKE and STROKE


def acts(scenes: Scenes, times, bank=None) -> Acts:
    """`times` (t,) or (b, t). `bank`: the sounds that the things play instead of their own;
    `scenes` are then `bank.scored(scenes)`, whose events are those of these sounds."""
    times = np.asarray(times, float)
    t = times[:, None, :] if times.ndim == 2 else times
    plays = scenes.present & (scenes.heard | scenes.mimes)
    level = np.asarray(loudness(scenes, t, bank, AFTERGLOW)) * plays[..., None]
    lift, drawn = np.ones_like(level), np.zeros_like(level)
    strikes, bows = (
        plays & scenes.drawn & (scenes.show == SHOWS.index(show)) for show in ("strike", "bow")
    )
    if strikes.any():
        there = scenes.strengths[strikes] > 0
        onsets = np.where(there, scenes.onsets[strikes], np.inf)
        lift[strikes] = _lift(onsets, np.broadcast_to(t, level.shape)[strikes])
    if bows.any():
        at = np.broadcast_to(t, level.shape)[bows]
        drawn[bows] = (
            _bowed(scenes, bows, at) if bank is None else _bowed_to(scenes, bank, bows, at)
        )
    return Acts(level, growth(scenes, times, bank), _lids(scenes, t), lift, drawn)


def _lift(onsets: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(n, t) of onsets (n, e), inf for none: it falls faster and faster, and springs back."""
    lift = np.ones_like(times)
    for k in range(onsets.shape[1]):
        since = times - onsets[:, k, None]
        falls = 1 - np.clip(1 + since / DOWN, 0, 1) ** 2
        springs = 1 - np.exp(-np.clip(since, 0, None) / UP)
        lift = np.minimum(lift, np.where(since < 0, falls, springs))
    return lift


def _bowed(scenes: Scenes, chosen: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(n, t): each event draws the bow to the other side, as fast as it is loud."""
    rise, hold, decay = (x[chosen] for x in shapes(scenes))
    onsets, played = scenes.onsets[chosen], scenes.strengths[chosen] > 0
    ways = np.where(np.cumsum(played, axis=1) % 2, 1.0, -1.0) * played
    place = np.full_like(times, -STROKE)
    for k in range(onsets.shape[1]):
        since = np.clip(times - onsets[:, k, None], 0, None)
        up, until, down = (x[:, k, None] for x in (rise, hold, decay))
        # The integral of the event's envelope: a part that rises as sin^2, one that holds, a decay.
        risen = np.minimum(since, up)
        risen = risen / 2 - up / (2 * np.pi) * np.sin(np.pi * risen / up)
        held = np.clip(since, up, np.maximum(until, up)) - up
        fading = down * (1 - np.exp(-np.clip(since - until, 0, None) / down))
        whole = up / 2 + np.maximum(until - up, 0) + down
        place = place + 2 * STROKE * ways[:, k, None] * (risen + held + fading) / whole
    return place


def _bowed_to(scenes: Scenes, bank, chosen: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(n, t) of the user's sounds: to and fro, as fast as they are loud."""
    grid = np.arange(0.0, scenes.seconds + 2 * LOOK, LOOK)
    loud = np.asarray(loudness(scenes, grid, bank))[chosen]
    turns = np.cumsum(loud, axis=1) * LOOK / (2 * CROSSING)
    at = np.clip(times / LOOK, 0, loud.shape[1] - 1.001)
    low = at.astype(int)
    first = np.take_along_axis(turns, low, axis=1)
    gone = first + (at - low) * (np.take_along_axis(turns, low + 1, axis=1) - first)
    return STROKE * (1 - 4 * np.abs((gone + 0.5) % 1 - 0.5))


def _lids(scenes: Scenes, t: np.ndarray) -> np.ndarray:
    """Eyes blink every few seconds."""
    draws = Draws(scenes.key.ravel(), "blink")
    period, phase = (
        draws.uniform(name, *ends).reshape(*scenes.key.shape, 1)
        for name, ends in (("period", (2.2, 5.0)), ("phase", (0.0, 1.0)))
    )
    beside = np.abs((t / period + phase) % 1 - 0.5) * period
    return np.clip(1.3 - beside / BLINK, 0, 1)
