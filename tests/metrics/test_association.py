"""Correlations: those of scipy, invariances, and a hidden direction that is found."""

import numpy as np
import pytest

from avtools.metrics import association as a

random = np.random.default_rng(9)


def test_those_of_scipy():
    from scipy import stats

    for _ in range(10):
        x, y = random.standard_normal((2, 50))
        y += x
        ties = np.round(y)
        assert a.pearson(x, y) == pytest.approx(stats.pearsonr(x, y)[0])
        assert a.spearman(x, ties) == pytest.approx(stats.spearmanr(x, ties)[0])


def test_by_hand_and_invariances():
    x = np.array([1.0, 2, 3, 4])
    assert a.pearson(x, 7 - 3 * x) == -1 and a.pearson(1e200 * x, 1e-200 * x) == pytest.approx(1)
    assert a.pearson(x, [1, 3, 2, 4]) == pytest.approx(0.8)
    assert a.spearman(x, x**9) == 1 and a.pearson(x, x**9) < 0.95
    assert a.spearman(x, -np.exp(x)) == -1


def test_rows_without_a_number_are_left_out():
    x = [1, 2, np.nan, 4, 5]
    y = [2, 4, 6, np.nan, 10]
    assert a.evaluate(x, y) == {"pearson": pytest.approx(1), "spearman": 1, "rows": 3}
    for x, y in ([[], []], [[1], [2]], [[1, 2, 3], [5, 5, 5]]):
        assert np.isnan(a.pearson(x, y)) and np.isnan(a.spearman(x, y))


def test_canonical_correlation_finds_what_is_shared():
    shared = random.standard_normal(4000)
    first, second = random.standard_normal((4000, 5)), random.standard_normal((4000, 3))
    first[:, 2] += 3 * shared
    second[:, 0] -= 2 * shared
    found = a.canonical_correlation(first, second)
    assert found == pytest.approx(3 / 10**0.5 * 2 / 5**0.5, abs=0.02)
    mixed = first @ random.standard_normal((5, 5)) + 7
    assert a.canonical_correlation(mixed, 100 * second) == pytest.approx(found)
    one, other = a.canonical_weights(first, second)
    assert abs(a.pearson(first @ one, second @ other)) == pytest.approx(found)
    # What was learnt from the first half holds on the second.
    one, other = a.canonical_weights(first[:2000], second[:2000])
    held_out = abs(a.pearson(first[2000:] @ one, second[2000:] @ other))
    assert held_out == pytest.approx(found, abs=0.03)


def test_one_column_each_is_pearson():
    x, y = random.standard_normal((2, 60))
    assert a.canonical_correlation(x, y) == pytest.approx(abs(a.pearson(x, y)))
    assert a.canonical_correlation(x, -2 * x + 1) == pytest.approx(1)


def test_columns_that_depend_on_each_other():
    x, y = random.standard_normal((2, 60))
    table = np.stack([x, x, 0 * x + 3, y], axis=1)
    assert a.canonical_correlation(table, x) == pytest.approx(1)
    assert np.isnan(a.canonical_correlation(0 * x + 3, y))
    # Rounding is no column to fit to; a column in small units is one.
    twice = np.stack([x + 1e6, 0.1 * x + x - 0.1 * x, 0 * x + 0.1], axis=1)
    assert a.canonical_correlation(twice[:, [0, 2]], y) == pytest.approx(abs(a.pearson(x, y)))
    assert a.canonical_correlation(twice[:, 1:], y) == pytest.approx(abs(a.pearson(x, y)))
    double = np.stack([x, 3 * x + 1 / 3], axis=1)
    assert a.canonical_correlation(double, y) == pytest.approx(abs(a.pearson(x, y)))
    assert a.canonical_correlation(np.stack([x, 1e-14 * y], axis=1), y) == pytest.approx(1)
    with pytest.raises(ValueError, match="rows are all alike"):
        a.canonical_weights(0 * x + 3, y)


def test_refusals():
    with pytest.raises(ValueError, match="2 reference, 1 estimate"):
        a.pearson([1, 2], [1])
    with pytest.raises(ValueError, match="estimate: an infinite value"):
        a.evaluate([1, 2], [1, np.inf])
    with pytest.raises(ValueError, match="expected"):
        a.canonical_correlation(np.zeros((3, 2)), np.zeros((4, 2)))
