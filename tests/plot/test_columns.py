"""Columns: the same as one binning with the last step, for any number of rows in any batches."""

import numpy as np
import pytest

from avtools.plot.columns import HELD_ROWS, Columns, Strongest, shortest_hop


def binned(times, step, start):
    return np.floor((times - start) / step).astype(int)


@pytest.mark.parametrize("rows", [1, 2, 7, 64, 65, 257, 1000, 5003])
@pytest.mark.parametrize("batch", [1, 13, 5003])
def test_sums_and_means_are_those_of_one_binning(rows, batch):
    rng = np.random.default_rng(rows)
    times = 3.0 + 0.1 * np.arange(rows)
    x = rng.random((rows, 2, 3))
    columns = Columns((2, 3), most=64)
    for i in range(0, rows, batch):
        columns.add(times[i : i + batch], x[i : i + batch])
    step, (start, end) = columns.step, columns.span
    place = binned(times, step, start)
    expected = np.zeros((place.max() + 1, 2, 3))
    np.add.at(expected, place, x)
    count = np.bincount(place)
    assert columns.used == len(count) <= 64 and columns.count.sum() == rows
    assert end - start == pytest.approx(len(count) * step)
    np.testing.assert_allclose(columns.total, expected, rtol=1e-12)
    np.testing.assert_allclose(columns.mean, expected / count[:, None, None], rtol=1e-12)


def test_steps_are_the_hop_times_a_power_of_two_and_no_column_is_empty():
    for rows in (30, 64, 65, 3000):
        columns = Columns(most=64)
        columns.add(0.5 + 0.02 * np.arange(rows), np.ones(rows))
        doublings = np.log2(columns.step / 0.02)
        assert doublings == pytest.approx(round(doublings), abs=1e-6)
        assert (columns.count > 0).all()
        assert rows <= 64 or columns.used > 32
        np.testing.assert_array_equal(columns.mean, 1.0)


def test_a_row_is_found_at_its_time():
    columns = Columns(most=128)
    for k in range(10_000):
        columns.add(0.1 * k, float(k == 7_000))
    at = int(np.argmax(columns.total))
    assert abs(columns.times[at] - 700.0) <= columns.step / 2
    assert columns.total.sum() == 1


def test_a_gap_is_nan():
    columns = Columns()
    columns.add([0, 1, 2, 7], [1.0, 2, 3, 4])
    np.testing.assert_array_equal(columns.mean, [1, 2, 3, np.nan, np.nan, np.nan, np.nan, 4])


def test_numbers_that_are_none_do_no_harm():
    columns = Columns((2,))
    columns.add([0, 1, np.nan, np.inf], [[1, np.nan], [np.inf, 2], [9, 9], [9, 9]])
    np.testing.assert_array_equal(columns.total, [[1, 0], [0, 2]])


def test_a_leap_in_time_and_a_step_back():
    columns = Columns(most=8)
    columns.add([0.0, 0.1], [1.0, 1.0])
    assert columns.used == 2
    columns.add([1e9, -5.0], [1.0, 1.0])
    assert columns.used <= 8 and columns.total.sum() == 4 and columns.total[0] == 3


def test_memory_does_not_grow():
    columns = Columns((4,), most=16)
    sizes = set()
    for k in range(40):
        columns.add(np.arange(HELD_ROWS) + k * HELD_ROWS, np.ones((HELD_ROWS, 4)))
        sizes.add((columns._total.nbytes, columns._count.nbytes, columns.held_rows))
    assert len(sizes) == 1 and columns.count.sum() == 40 * HELD_ROWS


def test_rows_are_copied_when_they_come():
    columns, row = Columns((2,)), np.ones(2)
    columns.add(0.0, row)
    row[:] = 5
    np.testing.assert_array_equal(columns.total, [[1, 1]])


@pytest.mark.parametrize("rows", [1, 100, 3001])
def test_the_strongest_of_each_column_stays(rows):
    rng = np.random.default_rng(rows)
    times, keys = np.arange(rows) * 0.5, rng.random((rows, 2))
    values = rng.random((rows, 2, 3))
    values[rng.random((rows, 2)) < 0.3] = np.nan
    kept = Strongest((2, 3), most=32)
    for i in range(0, rows, 17):
        kept.add(times[i : i + 17], values[i : i + 17], keys[i : i + 17])
    place = binned(times, kept.step, kept.span[0])
    for column in range(kept.used):
        for cell in range(2):
            here = np.flatnonzero((place == column) & np.isfinite(values[:, cell, 0]))
            best = here[np.argmax(keys[here, cell])] if len(here) else None
            expected = [np.nan] * 3 if best is None else values[best, cell]
            np.testing.assert_array_equal(kept.kept[column, cell], expected)


def test_a_strength_that_is_not_known_is_the_weakest():
    kept = Strongest((1, 1), most=4)
    kept.add([0.0, 0.0, 1.0], [[[1.0]], [[2.0]], [[3.0]]], [[0.1], [np.nan], [np.nan]])
    np.testing.assert_array_equal(kept.kept[:, 0, 0], [1, 3])


def test_the_hop_of_times_that_repeat():
    assert shortest_hop(np.array([0.3, 0.1, 0.1, 0.6])) == pytest.approx(0.2)
    assert shortest_hop(np.array([5.0])) == 1.0


@pytest.mark.parametrize("wrong", [{"hop": 0}, {"hop": np.nan}, {"most": 7}])
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        Columns(**wrong)
    with pytest.raises(ValueError, match="expected"):
        Strongest((1, 1)).add(0.0, [1.0])
