"""Directions: known angles, wrapping, pairs, recall."""

import numpy as np
import pytest

from avtools.metrics import directions as d

random = np.random.default_rng(6)
NOBODY = [np.nan, np.nan]


def test_azimuths_the_shorter_way_round():
    assert d.azimuth_error(170, -170) == 20
    assert d.azimuth_error([0, 0, 350, -540, 90], [180, -180, 10, 180, np.nan]) == pytest.approx(
        [180, 180, 20, 0, np.nan], nan_ok=True
    )


def test_angles_over_the_sphere():
    assert d.direction_error([0, 0], [[0, 0], [90, 0], [180, 0], [0, 90], [0, -30]]) == (
        pytest.approx([0, 90, 180, 90, 30])
    )
    assert d.direction_error([123, 90], [-20, 90]) == pytest.approx(0, abs=1e-12)  # both are up
    assert d.direction_error([0, 60], [180, 60]) == pytest.approx(60)  # over the top
    assert d.direction_error([10, 20], [10 + 1e-7, 20]) == (
        pytest.approx(1e-7 * np.cos(np.deg2rad(20)), rel=1e-5)
    )


def test_the_dot_product_says_the_same_and_shapes_broadcast():
    a, b = (
        np.stack([random.uniform(-400, 400, n), random.uniform(-90, 90, n)], -1) for n in (7, 5)
    )

    def unit(x):
        azimuth, elevation = np.deg2rad(x).T
        flat = np.cos(elevation)
        return np.stack([np.cos(azimuth) * flat, np.sin(azimuth) * flat, np.sin(elevation)], -1)

    found = d.direction_error(a[:, None], b)
    assert found.shape == (7, 5)
    assert np.allclose(found, np.rad2deg(np.arccos(unit(a) @ unit(b).T)))
    assert np.allclose(found, d.direction_error(b, a[:, None]))


def test_chance_is_90_degrees():
    a, b = (np.stack([random.uniform(-180, 180, 20000), np.zeros(20000)], axis=-1) for _ in "ab")
    assert d.evaluate(a, b)["direction_error_deg"] == pytest.approx(90, abs=1.5)


def test_one_source_a_row():
    truth = [[0, 0], [90, 0], [180, 0], [10, 0], NOBODY]
    found = d.evaluate(truth, [[10, 0], [90, 40], [-150, 0], NOBODY, [5, 5]])
    assert found == pytest.approx(
        {
            "direction_error_deg": (10 + 40 + 30) / 3,
            "direction_error_median_deg": 30,
            "azimuth_error_deg": (10 + 0 + 30) / 3,
            "azimuth_error_median_deg": 10,
            "within_20_deg": 1 / 3,
            "answered": 3 / 4,
        }
    )
    assert d.evaluate(truth, truth)["direction_error_deg"] == 0
    silent = d.evaluate(truth, [NOBODY] * 5)
    assert silent["answered"] == 0 and np.isnan(silent["direction_error_deg"])


def test_pairs_add_up_to_the_least():
    # The nearest to 0 is 5, but then 10 would go to 100.
    rows, columns, errors = d.match([[0, 0], [10, 0]], [[5, 0], [-100, 0], [11, 0]])
    assert (rows == [0, 1]).all() and (columns == [0, 2]).all()
    assert errors == pytest.approx([5, 1])
    assert [len(x) for x in d.match([], [[1, 2]])] == [0, 0, 0]


def test_frames():
    references = [[[0, 0], [90, 0]], [[0, 0]], [], [[45, 0], NOBODY]]
    estimates = [[[85, 0], [3, 0]], [[40, 0], [170, 0]], [], np.zeros((0, 2))]
    found = d.evaluate_frames(references, estimates)
    assert found == pytest.approx(
        {
            "direction_error_deg": (3 + 5 + 40) / 3,
            "direction_error_median_deg": 5,
            "recall": 2 / 4,
            "precision": 2 / 4,
            "f_score": 0.5,
            "frame_recall": 2 / 4,
        }
    )
    assert d.evaluate_frames(references, estimates, within_deg=60)["recall"] == 3 / 4
    perfect = d.evaluate_frames(references, references)
    assert perfect["recall"] == perfect["precision"] == perfect["frame_recall"] == 1
    empty = d.evaluate_frames([[]], [[]])
    assert empty["frame_recall"] == 1 and np.isnan(empty["recall"])


@pytest.mark.parametrize(
    ("reference", "estimate", "words"),
    [
        ([[0, 0]], [[0, 0], [1, 1]], r"expected \(n, 2\)"),
        ([[0, 0, 0]], [[0, 0, 0]], r"expected \(\.\.\., 2\): azimuth, elevation"),
        ([[0, 120]], [[0, 0]], "an elevation beyond 90"),
        ([[0, 0]], [[np.inf, 0]], "estimate: an infinite value"),
        (0, 0, r"shape \(\), expected"),
    ],
)
def test_refusals(reference, estimate, words):
    with pytest.raises(ValueError, match=words):
        d.evaluate(reference, estimate)


def test_frames_of_other_numbers():
    with pytest.raises(ValueError, match="1 frames of references, 2 of estimates"):
        d.evaluate_frames([[]], [[], []])
    with pytest.raises(ValueError, match=r"expected \(n, 2\)"):
        d.match([0, 0], [[0, 0]])
