"""The score: one envelope for ear and eye, with known values at known moments."""

import dataclasses

import numpy as np
import pytest
import torch

from avtools.world.drawing import draw
from avtools.world.scenes import SOUNDS
from avtools.world.score import DECAY, HOLD, RISE, SHORTEST, envelope, shapes


def score(sound: str, onsets, lengths, strengths):
    """One scene, one thing with these events."""
    scenes = draw("stereo", "easy", [1], 4.0)
    events = {"onsets": onsets, "lengths": lengths, "strengths": strengths}
    events = {name: np.array(x, float)[None, None] for name, x in events.items()}
    return dataclasses.replace(scenes, sound=np.array([[SOUNDS.index(sound)]]), **events)


@pytest.mark.parametrize("sound", SOUNDS)
def test_an_event_rises_holds_and_dies_away(sound):
    scenes = score(sound, [1.0], [0.8], [0.6])
    k = SOUNDS.index(sound)
    rise, hold = max(RISE[k] * 0.8, SHORTEST), max(HOLD[k] * 0.8, SHORTEST)
    decay = DECAY[k] * 0.8
    times = 1.0 + np.array([-0.5, 0.0, rise / 2, rise, hold, hold + decay, hold + 3 * decay])
    expected = 0.6 * np.array([0, 0, 0.5, 1, 1, np.exp(-1), np.exp(-3)])
    assert envelope(scenes, times)[0, 0] == pytest.approx(expected, abs=1e-9)


def test_rise_and_hold_are_no_shorter_than_a_click_bears():
    rise, hold, _ = shapes(score("percussion", [1.0], [0.1], [1.0]))
    assert rise.item() == SHORTEST and hold.item() == SHORTEST


def test_the_stronger_of_two_events_counts_and_silent_ones_do_not():
    both = score("pluck", [1.0, 1.2, 1.4], [1.0, 1.0, 1.0], [1.0, 0.3, 0.0])
    first = score("pluck", [1.0], [1.0], [1.0])
    second = score("pluck", [1.2], [1.0], [0.3])
    times = np.linspace(0, 4, 500)
    expected = np.maximum(envelope(first, times), envelope(second, times))
    assert np.allclose(envelope(both, times), expected)
    # 1.0 has fallen to 0.45 at 1.2 s: a pluck of 0.3 is not heard beside it.
    assert envelope(both, np.array([1.21])) == pytest.approx(np.exp(-(0.21 - 0.01) / 0.25))


def test_short_sounds_last_for_the_eye():
    scenes = score("percussion", [1.0], [0.2], [1.0])
    at = np.array([1.002 + 0.3])
    assert envelope(scenes, at) == pytest.approx(np.exp(-0.3 / 0.024), abs=1e-6)
    assert envelope(scenes, at, decay=0.3) == pytest.approx(np.exp(-1), rel=0.01)
    # What dies away more slowly by itself stays as it is.
    long = score("pluck", [1.0], [1.2], [1.0])
    assert envelope(long, at, decay=0.1) == pytest.approx(envelope(long, at))


def test_tensors_get_what_arrays_get():
    scenes = draw("360", "hard", [3, 4], 6.0)
    times = np.linspace(0, 6, 50)
    found = envelope(scenes, torch.tensor(times))
    assert isinstance(found, torch.Tensor) and found.shape == (2, scenes.things, 50)
    assert np.allclose(found.numpy(), envelope(scenes, times))
    coarse = envelope(scenes, torch.tensor(times, dtype=torch.float32))
    assert coarse.dtype == torch.float32
    assert np.allclose(coarse.numpy(), envelope(scenes, times), atol=1e-3)


def test_loudness_stays_between_0_and_1_and_scenes_are_not_silent():
    scenes = draw("stereo", "real", np.arange(100), 3.0)
    levels = envelope(scenes, np.linspace(0, 3, 300))
    assert levels.min() >= 0 and levels.max() <= 1
    assert (levels[:, 0].max(axis=-1) >= 0.5).mean() > 0.95
