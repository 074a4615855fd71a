"""A plane wave is found where it is, and counts where it sounds."""

import numpy as np
import pytest

from avtools.datasets.clip import Event
from avtools.tasks import doa
from tests.tasks.given import Given, noise, plane_wave, rng


def wave(azimuth: float, told: float) -> Given:
    truth = [Event(0.0, 2.0, "noise", "0", told, 0.0)]
    return Given("x", plane_wave(azimuth, 2.0), truth)


def test_a_plane_wave_is_found():
    row = doa.examine((wave(37, 37),), "signal", rng())
    assert row["direction_error_deg"] < 0.5
    assert (row["recall"], row["precision"], row["f_score"]) == (1, 1, 1)


def test_elsewhere_is_an_error():
    row = doa.examine((wave(37, -60),), "signal", rng())
    assert row["direction_error_deg"] == pytest.approx(97, abs=0.5)
    assert (row["recall"], row["precision"], row["f_score"]) == (0, 0, 0)


def test_the_front():
    assert doa.examine((wave(37, 37),), "front", rng())["direction_error_deg"] == pytest.approx(37)


def test_what_is_not_yet_sounding_is_not_missed():
    late = Given("x", plane_wave(37, 2.0), [Event(1.0, 2.0, "noise", "0", 37.0)])
    late.given[:, :16000] = 0
    row = doa.examine((late,), "signal", rng())
    assert row["recall"] == 1 and row["precision"] == 1


def test_directions_are_those_nearest_to_the_middle():
    events = [Event(0.1 * k, 0.1 * k + 0.1, "voice", "0", 10.0 * k, 0.0) for k in range(10)]
    np.testing.assert_allclose(doa.sounding(events, 0.25, 0.75), [[50, 0]])
    np.testing.assert_allclose(doa.sounding(events, 0.62, 0.62), [[60, 0]])
    assert doa.sounding(events, 2, 3).shape == (0, 2)


def test_a_truth_without_directions_is_refused():
    with pytest.raises(ValueError, match="no truth of directions"):
        doa.examine((Given("x", noise(4)),), "signal", rng())
