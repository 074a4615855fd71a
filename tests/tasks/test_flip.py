"""Half of the clips are swapped, and the row knows which."""

import numpy as np
import pytest

from avtools.tasks import flip
from avtools.tasks.summary import gathered
from avtools.tasks.task import chance
from tests.tasks.given import Given, noise, plane_wave, rng


def test_swapping_exchanges_sides():
    stereo = noise(2)
    np.testing.assert_array_equal(flip.swapped(stereo), stereo[[1, 0]])
    np.testing.assert_array_equal(flip.swapped(plane_wave(50)), plane_wave(-50))


def louder_left(clip, sound, rate) -> flip.Guess:
    """What is right where the left channel is the louder one."""
    is_flipped = (sound[0] ** 2).sum() < (sound[1] ** 2).sum()
    return flip.Guess("flipped" if is_flipped else "aligned", 0.9 if is_flipped else 0.1, 0.8)


@pytest.mark.parametrize("order, right", [([1, 0], 0), ([0, 1], 1)])
def test_what_was_done_to_the_sound_is_the_truth(monkeypatch, order, right):
    monkeypatch.setattr(flip, "listened", louder_left)
    sound = (noise(1) * np.array([[1.0], [0.3]], np.float32))[order]
    rows = [
        flip.examine((Given(f"{k}", sound),), "signal", chance(0, "flip", f"{k}"))
        for k in range(40)
    ]
    assert 10 <= sum(row["truth"] for row in rows) <= 30
    assert {row["right"] for row in rows} == {right}
    assert {round(row["brier"], 6) for row in rows} == {0.01 if right else 0.81}


def test_none_knows_nothing():
    row = flip.examine((Given("x", noise(2)),), "none", rng())
    assert (row["verdict"], row["answered"], row["right"], row["brier"]) == (
        "unsure",
        0,
        None,
        0.25,
    )


def test_figures_of_a_calibrated_tool():
    truth = np.repeat([1, 1, 1, 0, 0, 0, 0, 1], 20)  # 75 % where 0.75 is said, 25 % where 0.25
    said = np.repeat([0.75] * 4 + [0.25] * 4, 20)
    columns = gathered([{"truth": t, "flipped": s} for t, s in zip(truth, said, strict=True)])
    scores = {score.name: score for score in flip.TASK.scores}
    assert scores["calibration_error"].of(columns) == pytest.approx(0)
    assert scores["roc_auc"].of(columns) == pytest.approx(0.75)


def test_four_microphones_are_no_sound_field():
    clip = Given("x", noise(4))
    clip.convention = "mic"
    with pytest.raises(ValueError, match="four microphones"):
        flip.examine((clip,), "none", rng())


def test_mono_is_refused():
    with pytest.raises(ValueError, match="1 channel"):
        flip.examine((Given("x", noise(1)),), "none", rng())
