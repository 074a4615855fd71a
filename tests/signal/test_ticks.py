"""The common clock: the same for every split, ending with the shortest, in windows of a rule."""

import numpy as np
import pytest

from avtools.signal.ticks import each_tick, in_step, windows

RATE = 8000


def power(frames):
    """Mean square and count."""
    square = (frames.samples**2).mean(axis=(0, 2))[:, None]
    return square, np.ones_like(square)


def split(x: np.ndarray, sizes) -> list[np.ndarray]:
    return np.split(x, np.cumsum(sizes)[np.cumsum(sizes) < x.shape[1]], axis=1)


def ticks_of(blocks, size=160, hop=80):
    return list(each_tick(blocks, RATE, size, hop, power))


@pytest.mark.parametrize("size, hop", [(160, 80), (300, 77), (640, 320), (100, 500)])
@pytest.mark.parametrize("sizes", [[1] * 40, [7] * 3000, [8000] * 3, [100, 9000, 3, 2000]])
def test_every_split_gives_the_same_ticks(size, hop, sizes):
    x = np.random.default_rng(0).standard_normal((2, 2 * RATE + 1234)).astype(np.float32)
    whole, parts = ticks_of([x], size, hop), ticks_of(split(x, sizes), size, hop)
    assert [len(p[0]) for p in whole] == [len(p[0]) for p in parts] == [25, 25, 3]
    for a, b in zip(whole, parts, strict=True):
        for one, other in zip(a, b, strict=True):
            assert one == pytest.approx(other, rel=1e-4, abs=1e-6)


def test_a_window_counts_in_the_tick_of_its_middle():
    """A click at 0.5 s: tick 12 ends there, tick 13 holds 0.52 to 0.56 s."""
    x = np.zeros((1, RATE), np.float32)
    x[0, round(0.53 * RATE)] = 1
    ((loud, count),) = ticks_of([x], size=80, hop=80)
    assert np.flatnonzero(loud).tolist() == [13]
    assert (count == 4).all()  # 320 samples a tick


def test_windows_longer_than_a_tick_count_in_their_middle():
    """From 0, 0.04, ... on, 0.08 s each: the first one's middle is where tick 1 begins."""
    ((_, count),) = ticks_of([np.ones((1, RATE), np.float32)], size=640, hop=320)
    assert count[0] == 0 and (count[1:25] == 1).all()


@pytest.mark.parametrize(
    "samples, expected",
    [(0, []), (319, []), (320, [1]), (8000, [25]), (8319, [25]), (16320, [25, 25, 1])],
)
def test_only_whole_ticks_count(samples, expected):
    made = ticks_of([np.ones((1, samples), np.float32)])
    assert [len(a) for a, _ in made] == expected


def test_where_no_window_lies_there_is_nothing():
    """Windows further apart than ticks leave some without."""
    ((loud, count),) = ticks_of([np.ones((1, RATE), np.float32)], size=80, hop=800)
    assert count[:, 0].sum() == 10 and set(count[:, 0].tolist()) == {0.0, 1.0}
    assert ((loud > 0) == (count > 0)).all()


def blocks(*lengths, start=0):
    ends = start + np.cumsum(lengths)
    return [np.arange(e - n, e) for e, n in zip(ends, lengths, strict=True)]


@pytest.mark.parametrize(
    "one, other, expected",
    [
        ([25, 25, 10], [25, 25, 25], [25, 25, 10]),
        ([25, 25, 10], [25, 7], [25, 7]),
        ([25, 25], [25], [25]),
        ([25, 7, 25], [25, 25, 25], [25, 7]),
        ([25], [], []),
    ],
)
def test_in_step_ends_with_the_shortest(one, other, expected):
    pairs = [(b, -b) for b in blocks(*other)]
    for first, second in ((blocks(*one), pairs), (pairs, blocks(*one))):
        made = list(in_step(iter(first), iter(second)))
        assert [len(m[0]) for m in made] == expected
        assert all(len(m) == 3 for m in made)
        for m in made:
            assert (np.abs(m[0]) == np.abs(m[1])).all() and (np.abs(m[1]) == np.abs(m[2])).all()


@pytest.mark.parametrize(
    "seconds, expected",
    [
        (0, []),
        (0.04, [(0, 0.04)]),
        (4, [(0, 4)]),
        (10, [(0, 10)]),
        (14.88, [(0, 14.88)]),
        (15, [(0, 10), (10, 15)]),
        (15.2, [(0, 10), (10, 15.2)]),
        (20, [(0, 10), (10, 20)]),
        (24.88, [(0, 10), (10, 24.88)]),
        (37, [(0, 10), (10, 20), (20, 30), (30, 37)]),
    ],
)
def test_windows_of_ten_seconds_and_five_at_least(seconds, expected):
    count = round(25 * seconds)
    parts = [25] * (count // 25) + ([count % 25] if count % 25 else [])
    made = list(windows((b, 2 * b) for b in blocks(*parts)))
    assert [(start, round(start + len(a[0]) / 25, 2)) for start, a in made] == expected
    if made:
        assert np.concatenate([a for _, (a, _) in made]).tolist() == list(range(count))
        assert all((b == 2 * a).all() for _, (a, b) in made)


def test_windows_hold_no_more_than_they_must():
    """A window is there as soon as what is left is sure to make another."""
    taken = 0

    def seconds():
        nonlocal taken
        for b in blocks(*[25] * 100):
            taken += 1
            yield (b,)

    made = windows(seconds())
    next(made)
    assert taken == 15
    next(made)
    assert taken == 25
