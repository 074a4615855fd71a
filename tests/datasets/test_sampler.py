"""Which clips a step sees: a pure function, each clip once an epoch, whatever the batch."""

from collections import Counter

import numpy as np
import pytest

from avtools.datasets.sampler import ORDER, clips_at, mix, order, positions, uniform


def test_mixing_is_splitmix64():
    assert int(mix(0)) == 0xE220A8397B1DCDAF  # the published first number of the seed 0
    # The state moves on by the golden ratio: that of the seed g is the second number of seed 0.
    assert int(mix(0x9E3779B97F4A7C15)) == 0x6E789E6AA1B965F4


def test_mixing_takes_any_whole_numbers():
    assert int(mix(-1)) == int(mix(2**64 - 1)) == int(mix(np.int64(-1)))
    words = [(0, 1), (1, 0), (0, 0), (1, 1), (0, 0, 0)]
    assert len({int(mix(*w)) for w in words}) == len(words)
    assert mix(3, np.arange(5), 7).tolist() == [int(mix(3, n, 7)) for n in range(5)]


def mixed(*words: int) -> int:
    """The same in Python's whole numbers, which know neither 64 bits nor machines."""
    state = 0
    for word in words:
        state = ((state ^ word) + 0x9E3779B97F4A7C15) % 2**64
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB % 2**64
        state ^= state >> 31
    return state


@pytest.mark.parametrize("seed, epoch", [(1, 0), (1, 1), (2, 0), (-3, 10**6)])
def test_an_epoch_is_the_same_order_everywhere(seed, epoch):
    wanted = sorted(range(50), key=lambda n: mixed(seed % 2**64, ORDER, epoch, n))
    assert order(seed, epoch, 50).tolist() == wanted


def test_epochs_and_seeds_have_orders_of_their_own():
    assert len({tuple(order(seed, epoch, 10)) for seed in range(5) for epoch in range(5)}) == 25


def test_all_orders_are_equally_likely():
    seen = Counter(tuple(order(9, epoch, 4).tolist()) for epoch in range(4800))
    assert len(seen) == 24
    chi = sum((n - 200) ** 2 / 200 for n in seen.values())
    assert chi < 49.7  # of 23 degrees of freedom: exceeded once in a thousand


def test_draws_are_uniform_and_do_not_know_of_each_other():
    clips, epochs = np.meshgrid(np.arange(300), np.arange(300))
    u = uniform(5, 2, epochs, clips)
    assert u.min() >= 0 and u.max() < 1
    assert np.abs(np.histogram(u, 10, (0, 1))[0] / u.size - 0.1).max() < 0.005
    for shifted in (u[1:, :], u[:, 1:], uniform(6, 2, epochs, clips), uniform(5, 1, epochs, clips)):
        same = u[: shifted.shape[0], : shifted.shape[1]]
        assert abs(np.corrcoef(same.ravel(), shifted.ravel())[0, 1]) < 0.015


@pytest.mark.parametrize("count", [1, 5, 12, 100])
@pytest.mark.parametrize("batch, world", [(1, 1), (4, 1), (3, 2), (7, 3), (16, 4)])
def test_each_clip_once_an_epoch_and_ranks_apart(count, batch, world):
    steps = 3 * count  # at least three epochs
    seen = []
    for step in range(steps):
        parts = [positions(step, batch, rank, world) for rank in range(world)]
        seen += np.concatenate(parts).tolist()
    assert seen == list(range(steps * batch * world))  # no place twice, none left out
    epochs, clips = clips_at(7, np.array(seen[: 3 * count]), count)
    for epoch in range(3):
        assert sorted(clips[epochs == epoch]) == list(range(count))


def test_a_step_needs_no_other_step():
    forwards = [clips_at(3, positions(s, 5, 1, 2), 17) for s in range(40)]
    backwards = [clips_at(3, positions(s, 5, 1, 2), 17) for s in reversed(range(40))]
    for (_, a), (_, b) in zip(forwards, reversed(backwards), strict=True):
        assert a.tolist() == b.tolist()


def test_without_shuffling_clips_come_as_they_are():
    epochs, clips = clips_at(0, positions(2, 3), 7, shuffle=False)
    assert epochs.tolist() == [0, 1, 1] and clips.tolist() == [6, 0, 1]


@pytest.mark.parametrize("wrong", [{"rank": 2}, {"rank": -1}, {"batch": 0}, {"step": -1}])
def test_impossible_places_are_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        positions(**{"step": 0, "batch": 1, "rank": 0, "world": 2} | wrong)
