"""Pairs of least total cost: those of scipy, and by hand."""

import numpy as np
import pytest

from avtools.metrics.assignment import assign

random = np.random.default_rng(5)


def test_the_nearest_is_not_always_the_right_one():
    rows, columns = assign([[1, 2], [1, 9]])
    assert (rows == [0, 1]).all() and (columns == [1, 0]).all()


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 5), (7, 4), (12, 12), (40, 30)])
def test_total_is_that_of_scipy(shape):
    from scipy.optimize import linear_sum_assignment

    for kind in range(20):
        cost = random.standard_normal(shape) * 10
        cost = np.round(cost) if kind % 2 else cost  # ties
        rows, columns = assign(cost)
        theirs = linear_sum_assignment(cost)
        assert (rows == np.sort(rows)).all() and len(set(columns)) == len(rows) == min(shape)
        assert cost[rows, columns].sum() == pytest.approx(cost[theirs].sum())


def test_nothing_to_pair():
    for shape in [(0, 3), (3, 0), (0, 0)]:
        rows, columns = assign(np.zeros(shape))
        assert len(rows) == len(columns) == 0


def test_refusals():
    with pytest.raises(ValueError, match=r"expected \(rows, columns\)"):
        assign([1, 2])
    with pytest.raises(ValueError, match="not a number"):
        assign([[1, np.nan]])
