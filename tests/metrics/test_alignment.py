"""Alignment of 360 degree sound: plain and weighted errors, consensus, strata of confidence."""

import numpy as np
import pytest

from avtools.metrics import alignment as a

ANGLES = np.arange(-180, 180, 10)


def peak_at(angle, sure=1.0):
    """All that is not sure lies evenly on the circle."""
    flat = np.full(len(ANGLES), (1 - sure) / len(ANGLES))
    return flat + sure * (angle == ANGLES)


def test_plain_errors_wrap():
    assert a.alignment_error([170, 0, 5], [-170, 180, np.nan]) == pytest.approx(
        [20, 180, np.nan], nan_ok=True
    )


def test_weighted_errors():
    rows = [peak_at(0), peak_at(170), peak_at(0, 0), peak_at(30, 0.5)]
    found = a.weighted_alignment_error([0, -170, 0, 0], ANGLES, rows)
    # Flat: 90 wherever the truth is. Half flat, half 30: between them.
    assert found == pytest.approx([0, 20, 90, (90 + 30) / 2])


def test_consensus_is_bayes_rule():
    odds = np.log([[9, 1, 1], [4, 1, 2]])
    assert a.consensus(odds) == pytest.approx(np.array([36, 1, 2]) / 39)
    one_window = a.consensus(odds[:1])
    assert one_window == pytest.approx(np.array([9, 1, 1]) / 11)
    assert a.consensus(np.zeros((5, 4))) == pytest.approx([0.25] * 4)
    assert a.consensus(np.array([[800.0, -800], [800, 0]])) == pytest.approx([1, 0])
    assert a.consensus(np.zeros((7, 5, 4))).shape == (7, 4)


def test_strata_are_all_half_and_a_tenth():
    confidence = np.arange(30) / 30
    chosen = a.strata(confidence)
    assert [chosen[name].sum() for name in ("low", "medium", "high")] == [30, 15, 3]
    assert chosen["high"][-3:].all() and chosen["medium"][-15:].all()
    assert a.strata([0.4])["high"].all()


def test_evaluate():
    truth = np.zeros(20)
    answer = np.arange(20.0) * 5  # the surer, the nearer
    confidence = 1 - answer / 100
    answered = answer < 50
    sure = [peak_at(t, c) for t, c in zip(truth, confidence, strict=True)]
    found = a.evaluate(truth, answer, confidence, ANGLES, sure, answered)
    assert found["error_deg"] == found["error_low_deg"] == pytest.approx(47.5)
    assert found["error_median_deg"] == pytest.approx(47.5)
    assert found["error_answered_deg"] == found["error_medium_deg"] == pytest.approx(22.5)
    assert found["error_high_deg"] == pytest.approx(2.5)
    assert found["answered"] == 0.5
    assert found["confidence_spearman"] == pytest.approx(1)
    assert found["weighted_low_deg"] == pytest.approx(90 * 0.475)
    assert found["weighted_high_deg"] == pytest.approx(90 * 0.025)


def test_abstentions_and_no_clips():
    found = a.evaluate([0, 0, 0], [10, np.nan, 30], [0.9, 0.1, 0.5])
    assert found["answered"] == pytest.approx(2 / 3) and found["error_deg"] == pytest.approx(20)
    assert "weighted_low_deg" not in found
    assert all(np.isnan(v) for v in a.evaluate([], [], []).values())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([0, 1], [0], [1]), "2 truth, 1 answer: expected as many"),
        (([np.nan], [0], [1]), "truth: a value that is not a number"),
        (([0], [0], [np.nan]), "confidence: a value that is not a number"),
        (([0], [0], [1], ANGLES, [peak_at(0) * 2]), "add up to 1"),
        (([0], [0], [1], ANGLES, [peak_at(0)[1:]]), "one of 36 angles for each of 1 clips"),
        (([0], [0], [1], None, [peak_at(0)]), "one of 0 angles"),
        (([0], [0], [1], None, None, [0.5]), "answered: expected one of true and false"),
    ],
)
def test_refusals(arguments, words):
    with pytest.raises(ValueError, match=words):
        a.evaluate(*arguments)
