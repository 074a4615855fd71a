"""When things sound, and how loudly: one score serves the ear and the eye.

An event (a syllable, a note, a stroke) begins at `onsets`, rises over a part of its length, holds,
and dies away exponentially. What is seen of it follows the same envelope.
"""

import numpy as np

from avtools.dsp.dialect import like, namespace
from avtools.world.scenes import SOUNDS, Scenes

# Of each sound: how it rises, holds and decays, as shares of its events' lengths.
RISE = np.array([0.35, 0.4, 0.12, 0.01, 0.005, 0.4])
HOLD = np.array([0.65, 0.7, 0.75, 0.01, 0.005, 0.75])
DECAY = np.array([0.12, 0.12, 0.1, 0.25, 0.12, 0.12])
# The shortest rise: what a click's spectrum bears.
SHORTEST = 0.002
assert len(RISE) == len(HOLD) == len(DECAY) == len(SOUNDS)


def shapes(scenes: Scenes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Seconds in which each event rises, until it starts to fall, and of its decay: (b, s, e)."""
    length, kind = scenes.lengths, scenes.sound[..., None]
    return (
        np.maximum(RISE[kind] * length, SHORTEST),
        np.maximum(HOLD[kind] * length, SHORTEST),
        DECAY[kind] * length,
    )


def strokes(onsets, rise, hold, decay, strengths, times):
    """Envelopes from 0 to 1 at `times` (t,): events (..., e) -> (..., t). Arrays or tensors.

    Each rises as sin^2 and falls as exp(-x / decay); the strongest counts. One event after the
    other, so that no table of events x times is held.
    """
    xp = namespace(onsets, times)
    total = 0.0
    for k in range(onsets.shape[-1]):
        one = [x[..., k, None] for x in (onsets, rise, hold, decay, strengths)]
        start, up, until, down, strength = one
        since = times - start
        risen = xp.sin(xp.clip(since / up, 0.0, 1.0) * (np.pi / 2)) ** 2
        fallen = xp.exp(-xp.clip(since - until, 0.0, None) / down)
        heard = strength * risen * fallen
        total = heard if k == 0 else xp.maximum(total, heard)
    return total


def envelope(scenes: Scenes, times, decay: float = 0.0):
    """How loud each thing's own sound is, 0 to 1: (b, s, t), of `times` (t,), array or tensor.

    Silent movers have an envelope, too: what they would sound like (see `mimes`). `decay`:
    seconds in which events die away at least, for the eye to see short ones.
    """
    rise, hold, fall = shapes(scenes)
    events = (scenes.onsets, rise, hold, np.maximum(fall, decay), scenes.strengths)
    return strokes(*(like(times, x) for x in events), times)
