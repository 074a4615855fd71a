"""Two sounds in one: what is ideal, what is nothing, and which scenes are asked of."""

import numpy as np
import pytest

from avtools.tasks import separate
from tests.tasks.given import RATE, Given, noise, rng


def tone(hertz: float, gain: float = 1.0) -> np.ndarray:
    t = np.arange(RATE) / RATE
    return np.tile(gain * np.sin(2 * np.pi * hertz * t), (2, 1)).astype(np.float32)


def examined(first, second, model: str) -> dict:
    return separate.examine((Given("a", first), Given("b", second)), model, rng())


def test_the_ideal_mask_parts_tones():
    row = examined(tone(440), tone(3000), "ideal")
    assert row["si_sdr_db"] > 30 and row["si_sdr_improvement_db"] > 30


def test_the_mixture_gains_nothing_and_both_are_as_loud():
    row = examined(tone(440, 0.1), tone(3000, 0.9), "mixture")
    assert row["si_sdr_improvement_db"] == 0
    assert row["si_sdr_db"] == pytest.approx(0, abs=0.05)


def test_what_a_method_gives_is_held_against_the_first(monkeypatch):
    first, second = noise(2, seed=1), noise(2, seed=2)
    monkeypatch.setattr(separate, "separated", lambda clip, mixture, *_, **__: first)
    right = examined(first, second, "signal")
    assert right["si_sdr_db"] > 100 and right["magnitude_l1"] < 1e-6
    assert examined(second, first, "signal")["si_sdr_improvement_db"] < -10


def test_kinds_do_not_mix():
    with pytest.raises(ValueError, match="2 and 4 channels"):
        examined(noise(2), noise(4), "ideal")
    with pytest.raises(ValueError, match="no sound in the first"):
        examined(0 * noise(2), noise(2), "ideal")


def rows(*azimuths, visible=1) -> list[dict]:
    return [
        {
            "role": "source",
            "source": k,
            "azimuth": azimuth + step,
            "elevation": 0,
            "sounding": 1,
            "visible": visible if k == 0 else 0,
        }
        for k, azimuth in enumerate(azimuths)
        for step in (0, 5)
    ]


def test_two_that_are_far_apart_are_asked_of():
    assert separate.things(rows(10, 50)) == (0, 1)
    assert separate.things(rows(10, 30)) == ()
    assert separate.things(rows(10, 30, -40)) == (0, 2)
    assert separate.things(rows(-175, 170)) == ()
    assert separate.things(rows(10, 50, visible=0)) == ()
