"""A sound is turned by a yaw, and the row says by how much the answer misses it."""

import numpy as np
import pytest

from avtools.tasks import align360
from avtools.tasks.summary import gathered
from avtools.tasks.task import chance
from tests.tasks.given import Given, plane_wave


def front_of(clip, sound, rate) -> align360.Guess:
    """Of a sound that comes from the front: by how much it was turned."""
    w, y, _, x = sound
    return align360.Guess(float(np.rad2deg(np.arctan2((w * y).sum(), (w * x).sum()))), confidence=1)


def examined(model: str, count: int = 1) -> list[dict]:
    return [
        align360.examine((Given(f"{k}", plane_wave(0)),), model, chance(0, "align360", f"{k}"))
        for k in range(count)
    ]


def test_the_yaw_is_the_truth(monkeypatch):
    monkeypatch.setattr(align360, "listened", front_of)
    rows = examined("signal", 20)
    assert max(row["error_deg"] for row in rows) < 0.01
    assert np.ptp([row["truth"] for row in rows]) > 180


def test_none_errs_by_the_yaw():
    for row in examined("none", 10):
        assert row["error_deg"] == pytest.approx(abs(row["truth"]))


def test_chance_errs_by_90_degrees():
    errors = [row["error_deg"] for row in examined("chance", 400)]
    assert np.mean(errors) == pytest.approx(90, abs=8) and max(errors) <= 180


def test_strata_are_of_the_most_confident():
    error, confidence = np.arange(20.0), np.linspace(1, 0, 20)
    rows = [
        {"error_deg": e, "weighted_deg": 2 * e, "confidence": c, "answered": int(e < 5)}
        for e, c in zip(error, confidence, strict=True)
    ]
    columns = gathered(rows)
    found = {score.name: score.of(columns) for score in align360.TASK.scores}
    assert found["error_deg"] == 9.5 and found["error_median_deg"] == 9.5
    assert found["error_medium_deg"] == 4.5 and found["error_high_deg"] == 0.5
    assert found["weighted_deg"] == 19 and found["weighted_high_deg"] == 1
    assert found["error_answered_deg"] == 2 and found["answered"] == 0.25
    assert found["confidence_spearman"] == pytest.approx(1)


@pytest.mark.parametrize("confidence", [0.2, 0.6, 0.99])
def test_probabilities_say_what_confidence_says(confidence):
    places = np.arange(96) * 3.75
    curve = 3 * np.exp(-(((places - 120) / 20) ** 2)) + np.sin(np.deg2rad(7 * places))
    likely = align360.probabilities(curve, confidence)
    near = abs(places - places[curve.argmax()]) <= 3
    assert likely.sum() == pytest.approx(1) and likely[near].sum() == pytest.approx(confidence)
    assert likely.argmax() == curve.argmax()


def test_knowing_nothing_errs_by_90_and_being_sure_by_the_error():
    curve = np.exp(-(((np.arange(96) * 3.75 - 120) / 20) ** 2))
    assert align360.weighted_error(curve, 0.0, 77.0) == pytest.approx(90, abs=0.1)
    assert align360.weighted_error(curve, 1.0, 60.0) == pytest.approx(60, abs=0.5)
    assert align360.weighted_error(np.zeros(96), 0.9, 10.0) == pytest.approx(90, abs=0.1)
    assert align360.weighted_error(None, 0.9, 10.0) is None


def test_stereo_is_refused():
    with pytest.raises(ValueError, match="2 channels, expected 4"):
        align360.examine((Given("x", plane_wave(0)[:2]),), "none", chance(0, "", ""))
