"""Boxes: overlaps by hand, average precision by hand, frames without a face or an answer."""

import numpy as np
import pytest

from avtools.metrics import boxes as b

NONE = [np.nan] * 4
HERE, THERE = [0, 0, 10, 10], [50, 50, 10, 10]


def test_overlaps():
    assert b.iou(HERE, HERE) == 1
    assert b.iou(HERE, [5, 0, 10, 10]) == pytest.approx(50 / 150)
    assert b.iou(HERE, [10, 0, 10, 10]) == 0 == b.iou(HERE, THERE)
    assert b.iou(HERE, [2, 2, 5, 4]) == pytest.approx(0.2)
    assert np.isnan(b.iou(HERE, NONE))
    table = b.iou(np.array([HERE, THERE])[:, None], np.array([HERE, THERE, [0, 0, 10, 20]]))
    assert table == pytest.approx(np.array([[1, 0, 0.5], [0, 1, 0]]))


def test_one_box_a_frame():
    truth = [HERE, HERE, HERE, NONE, HERE]
    guess = [HERE, [5, 0, 10, 10], NONE, HERE, [0, 2, 10, 10]]
    found = b.evaluate(truth, guess, size=(200, 100))
    assert found == pytest.approx(
        {
            "ap50": 2 / 4 * 2 / 4,  # all equally sure: precision times recall
            "iou": (1 + 1 / 3 + 0 + 2 / 3) / 4,
            "share_hit": 2 / 4,
            "x_error_percent": 100 * (0 + 5 + 0) / 200 / 3,
            "y_error_percent": 100 * (0 + 0 + 2) / 100 / 3,
            "found": 3 / 4,
        }
    )


def test_perfect_and_absent():
    truth = [HERE, THERE, NONE]
    best = b.evaluate(truth, truth, (640, 360))
    assert best["ap50"] == best["iou"] == best["share_hit"] == best["found"] == 1
    assert best["x_error_percent"] == best["y_error_percent"] == 0
    absent = b.evaluate(truth, [NONE] * 3, (640, 360))
    assert absent["ap50"] == absent["iou"] == absent["found"] == 0
    assert np.isnan(absent["x_error_percent"])
    nobody = b.evaluate([NONE], [HERE], (640, 360))
    assert np.isnan([nobody["ap50"], nobody["iou"]]).all()


def test_centres_not_corners():
    x, y = b.centre_error([[0, 0, 10, 10]], [[-5, -5, 20, 20]], (100, 100))
    assert (x, y) == (0, 0)


def test_confidence_ranks_the_boxes():
    truth = [HERE, HERE, HERE, HERE]
    guess = [HERE, THERE, HERE, THERE]
    # Hits first: precision 1 up to a recall of one half, and nothing beyond.
    assert b.average_precision(truth, guess, [0.9, 0.2, 0.8, 0.1]) == pytest.approx(0.5)
    # Errors first: the precision at the end, 2 of 4, holds for all recalls below.
    assert b.average_precision(truth, guess, [0.2, 0.9, 0.1, 0.8]) == pytest.approx(0.25)
    # In turn, hit, miss, hit, miss: 1/4 at 1, 1/4 at 2/3.
    assert b.average_precision(truth, guess, [4, 3, 2, 1]) == pytest.approx(1 / 4 + 1 / 6)


def test_several_boxes_a_frame():
    truth = [[HERE, THERE], np.zeros((0, 4))]
    guess = [[HERE, [1, 0, 10, 10], THERE], [HERE]]
    # HERE twice: the second of them is an error, as is the box where nobody is.
    found = b.average_precision(truth, guess, [[0.9, 0.8, 0.7], [0.6]])
    assert found == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert b.average_precision(truth, [truth[0], []], [[1, 1], []]) == 1


def test_each_reference_is_hit_once_by_the_surest():
    truth = [[[0, 0, 10, 10], [4, 0, 10, 10]]]
    guess = [[[1, 0, 10, 10], [0, 0, 10, 10]]]
    assert b.average_precision(truth, guess, [[0.9, 0.5]]) == pytest.approx(0.5)


def test_the_threshold_is_a_hit():
    half = [[0, 0, 10, 5]]
    assert b.average_precision([HERE], half, [1]) == 1
    assert b.average_precision([HERE], half, [1], least=0.51) == 0
    assert b.share_hit([HERE], half) == 1 and b.share_hit([HERE], half, least=0.51) == 0


def test_the_most_confident_of_each_frame():
    boxes, sure = b.highest([[HERE, THERE], [], [THERE, NONE]], [[0.1, 0.4], [], [0.2, 0.9]])
    assert boxes == pytest.approx(np.array([THERE, NONE, THERE]), nan_ok=True)
    assert sure == pytest.approx([0.4, np.nan, 0.2], nan_ok=True)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: b.mean_iou([HERE], [HERE, HERE]), r"expected \(frames, 4\)"),
        (lambda: b.mean_iou([[0, 0, 1]], [[0, 0, 1]]), "expected x, y, width, height"),
        (lambda: b.iou(HERE, [0, 0, 0, 5]), "second: a width or height of 0"),
        (lambda: b.iou(HERE, [0, 0, np.inf, 5]), "second: an infinite value"),
        (lambda: b.centre_error([HERE], [HERE], (0, 5)), "a picture of 0 x 5"),
        (lambda: b.average_precision([HERE], [HERE, HERE], [1, 1]), "1 frames of references"),
        (lambda: b.average_precision([HERE], [HERE], []), "0 of confidences"),
        (lambda: b.average_precision([HERE], [[HERE, HERE]], [[1]]), "2 boxes, 1 confidences"),
        (lambda: b.average_precision([HERE], [HERE], [np.nan]), "a box without one"),
        (lambda: b.average_precision([[1, 2, 3]], [HERE], [1]), "expected x, y, width, height"),
    ],
)
def test_refusals(call, words):
    with pytest.raises(ValueError, match=words):
        call()
