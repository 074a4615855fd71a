"""Known distances, and a position that is + to the left."""

import numpy as np
import pytest

from avtools.datasets.clip import Event
from avtools.tasks import upmix
from avtools.tasks.summary import gathered
from tests.tasks.given import RATE, Given, noise, rng


def panned(left: float, right: float, lead: int, seconds: float = 0.5, seed: int = 0) -> np.ndarray:
    """Noise with these gains, `lead` samples earlier on the left."""
    x = noise(1, seconds + 0.01, seed)[0]
    count = round(seconds * RATE)
    at = 80
    return np.stack([left * x[at + lead : at + lead + count], right * x[at : at + count]])


def test_a_perfect_answer_and_a_copy(monkeypatch):
    sound = panned(1.0, 0.4, 4)
    clip = Given("x", sound)
    mono = upmix.examine((clip,), "mono", rng())
    monkeypatch.setattr(upmix, "upmixed", lambda *_: sound)
    perfect = upmix.examine((clip,), "signal", rng())
    for name in ("complex_l1", "stft", "env", "wav"):
        assert perfect[name] < 1e-7 < mono[name]
    assert perfect["snr_db"] > mono["snr_db"]


def test_the_copy_misses_what_differs():
    sound = noise(2)
    peaks = abs(sound).max(), abs(sound.mean(axis=0)).max()
    difference = sound / peaks[0] - sound.mean(axis=0) / peaks[1]
    row = upmix.examine((Given("x", sound),), "mono", rng())
    assert row["wav"] == pytest.approx((difference**2).mean(axis=1).sum(), rel=1e-4)


@pytest.mark.parametrize("left, right, lead", [(1, 0.5, 0), (1, 1, 5), (0.9, 0.6, 3)])
def test_positions_are_odd(left, right, lead):
    to_left = upmix.positions(panned(left, right, lead), [0.0])
    to_right = upmix.positions(panned(left, right, lead)[::-1], [0.0])
    assert to_left > 0.1
    np.testing.assert_allclose(to_left, -to_right, atol=1e-6)


def test_the_lead_is_found_to_a_part_of_a_sample():
    assert upmix._lead(panned(1, 1, 5)) == pytest.approx(5 / RATE, abs=0.05 / RATE)


def event(start, end, azimuth, source="0", onscreen=True) -> Event:
    return Event(start, end, "voice", source, azimuth, 0.0, 1.0, onscreen)


def test_only_one_that_is_seen_counts():
    clip = Given(
        "x", events=[event(0, 1, 20), event(0.5, 1, -20, "1"), event(1, 1.5, 30, "1", False)]
    )
    at, azimuth = upmix.seen_alone(clip, 2.0)
    assert at == [0.0] and azimuth == pytest.approx([20])
    short = Given("y", events=[event(0, 0.3, 20)])
    assert upmix.seen_alone(short, 1.0)[0] == []


def test_an_output_that_follows_has_a_correlation_of_1():
    sides = np.linspace(-1, 1, 9)
    rows = []
    for k, side in enumerate(sides):
        sound = panned(10 ** (side * 0.25), 10 ** (-side * 0.25), round(4 * side), seed=k)
        clip = Given(f"{k}", sound, [event(0, 0.5, 40 * side)])
        rows.append(upmix.examine((clip,), "mono", rng()))
        rows[-1]["position"] = upmix.positions(sound, [0.0])
    follows = upmix.TASK.scores[-1]
    assert follows.of(gathered(rows)) > 0.97
    for row in rows:
        row["position"] = np.zeros(1)
    assert np.isnan(follows.of(gathered(rows)))
