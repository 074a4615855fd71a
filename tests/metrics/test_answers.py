"""Yes or no: accuracy, abstention, ranking and calibration, by hand and against scikit-learn."""

import numpy as np
import pytest

from avtools.metrics import answers as a

random = np.random.default_rng(8)


def example(count=400, steps=None):
    probability = random.uniform(0, 1, count)
    if steps:
        probability = np.round(probability * steps) / steps
    return random.uniform(0, 1, count) < probability, probability


def test_accuracy_among_the_answered():
    truth = [1, 1, 0, 0, 1]
    probability = [0.9, 0.4, 0.2, 0.6, np.nan]
    assert a.accuracy(truth, probability) == 0.5
    assert a.accuracy(truth, probability, answered=[1, 0, 1, 1, 1]) == pytest.approx(2 / 3)
    assert a.share_answered(truth, probability) == 0.8
    assert a.share_answered(truth, probability, answered=[1, 0, 1, 0, 1]) == 0.4
    assert a.accuracy([True, False], [0.5, 0.5]) == 0.5  # neither says anything
    assert np.isnan(a.accuracy([1], [0.9], answered=[0]))


@pytest.mark.parametrize("steps", [None, 5])
def test_ranking_is_that_of_scikit_learn(steps):
    metrics = pytest.importorskip("sklearn.metrics")
    for _ in range(10):
        truth, score = example(60, steps)
        assert a.roc_auc(truth, score) == pytest.approx(metrics.roc_auc_score(truth, score))
        theirs = metrics.average_precision_score(truth, score)
        assert a.average_precision(truth, score) == pytest.approx(theirs)


def test_ranking_by_hand():
    assert a.roc_auc([0, 0, 1, 1], [1, 2, 3, 4]) == 1 == a.average_precision([0, 1], [-9, 9])
    assert a.roc_auc([0, 0, 1, 1], [4, 3, 2, 1]) == 0
    assert a.roc_auc([0, 1, 1], [5, 5, 5]) == 0.5
    assert a.average_precision([1, 0, 1, 0], [4, 3, 2, 1]) == pytest.approx((1 + 2 / 3) / 2)
    assert a.average_precision([0, 1, 1], [5, 5, 5]) == pytest.approx(2 / 3)
    assert np.isnan(a.roc_auc([1, 1], [0, 1])) and np.isnan(a.average_precision([0], [1]))


def test_brier():
    assert a.brier_score([1, 0, 1], [1, 0, 1]) == 0
    assert a.brier_score([1, 0], [0.5, 0.5]) == 0.25
    assert a.brier_score([1, 0, 1], [0.8, 0.3, np.nan]) == pytest.approx((0.04 + 0.09) / 2)


def test_reliability_by_hand():
    table = a.reliability([0, 1, 1, 1, 0], [0.1, 0.15, 0.5, 1.0, 0.99], bins=4)
    assert (table.count == [2, 0, 1, 2]).all()
    assert table.low == pytest.approx([0, 0.25, 0.5, 0.75]) and table.high[-1] == 1
    assert table.mean_probability == pytest.approx([0.125, np.nan, 0.5, 0.995], nan_ok=True)
    assert table.share_true == pytest.approx([0.5, np.nan, 1, 0.5], nan_ok=True)
    error = a.calibration_error([0, 1, 1, 1, 0], [0.1, 0.15, 0.5, 1.0, 0.99], bins=4)
    assert error == pytest.approx((2 * 0.375 + 1 * 0.5 + 2 * 0.495) / 5)


def test_calibration_of_good_and_bad_tools():
    truth, probability = example(200000)
    assert a.calibration_error(truth, probability) < 0.005
    assert a.calibration_error(truth, np.full(len(truth), 0.5)) < 0.005
    bold = np.where(probability > 0.5, 1.0, 0.0)  # right in 75 %
    assert a.calibration_error(truth, bold) == pytest.approx(0.25, abs=0.005)
    assert a.calibration_error([1, 0], [1, 0]) == 0 and a.calibration_error([0, 1], [1, 0]) == 1


def test_what_chance_alone_makes_of_a_perfect_tool():
    few, many = (
        np.mean([a.calibration_error(*example(n)) for _ in range(100)]) for n in (100, 1000)
    )
    assert few == pytest.approx(0.1, abs=0.03) and many == pytest.approx(0.03, abs=0.01)


def test_bins_of_equal_mass():
    truth, probability = example(1500)
    table = a.reliability(truth, probability**4, equal_mass=True)
    assert len(table.count) == 15 and (abs(table.count - 100) <= 1).all()
    same = a.reliability([0, 1, 1], [0.3, 0.3, 0.3], equal_mass=True)
    assert (same.count == [3]).all() and same.share_true == pytest.approx([2 / 3])
    two = a.reliability([0, 1, 0, 1], [0.6, 0.6, 1, 1], bins=2, equal_mass=True)
    assert (two.count == [2, 2]).all() and two.mean_probability == pytest.approx([0.6, 1])
    assert a.calibration_error(*example(100000), equal_mass=True) < 0.01


def test_the_most_confident():
    assert (a.most_confident([0.1, 0.9, 0.5, 0.9], 0.5) == [0, 1, 0, 1]).all()
    assert (a.most_confident([1, 1, 1], 0.3) == [1, 0, 0]).all()
    assert a.most_confident(np.arange(300), 0.1).sum() == 30
    assert not a.most_confident([], 0.1).any()


def test_evaluate():
    found = a.evaluate([1, 0, 1, 0], [1, 0, 1, 0], answered=[1, 1, 1, 0])
    assert found == {
        "accuracy": 1,
        "answered": 0.75,
        "accuracy_forced": 1,
        "average_precision": 1,
        "roc_auc": 1,
        "brier": 0,
        "calibration_error": 0,
        "calibration_error_equal_mass": 0,
    }
    assert all(np.isnan(v) for v in a.evaluate([], []).values())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([1, 0], [0.5]), "2 truth, 1 probability: expected as many"),
        (([1], [1.5]), r"beyond 0\.\.\.1"),
        (([2], [0.5]), "truth: expected one of true and false"),
        (([1], [0.5], [1, 1]), "1 truth, 2 answered"),
        (([1], [[0.5]]), "probability: shape"),
        (([1], [0.5], None, 0), "0 bins"),
    ],
)
def test_refusals(arguments, words):
    with pytest.raises(ValueError, match=words):
        a.evaluate(*arguments)
