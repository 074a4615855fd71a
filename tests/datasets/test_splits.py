"""Splits by source: stable, without leaks, the same on every machine."""

from collections import Counter

import pytest

from avtools.datasets import Clip, check_leaks, split_by_source, split_of


def clips(sources: int, each: int = 3) -> list[Clip]:
    return [Clip(f"{s}-{k}", f"s{s}", None, None) for s in range(sources) for k in range(each)]


def test_shares_are_met_on_average():
    counts = Counter(split_of(f"s{k}") for k in range(20000))
    for name, share in (("train", 0.8), ("val", 0.1), ("test", 0.1)):
        # Four standard deviations of a count of 20,000.
        assert abs(counts[name] / 20000 - share) < 4 * (share * (1 - share) / 20000) ** 0.5


def test_all_clips_of_a_source_stand_on_one_side_and_stay_there():
    few, many = split_by_source(clips(200)), split_by_source(reversed(clips(1000)))
    assert not check_leaks(many)
    assert {c.key: c.split for c in few}.items() <= {c.key: c.split for c in many}.items()
    assert {c.split for c in few} == {"train", "val", "test"}


def test_the_same_on_every_machine():
    found = [split_of(f"s{k}") for k in range(8)]
    assert found == ["train", "train", "train", "test", "train", "train", "val", "train"]
    assert [split_of(f"s{k}", seed=1) for k in range(200)] != [
        split_of(f"s{k}") for k in range(200)
    ]


def test_shares_may_be_nothing():
    assert {split_of(f"s{k}", (1, 0, 0)) for k in range(500)} == {"train"}
    assert {split_of(f"s{k}", (0.5, 0.5, 0)) for k in range(500)} == {"train", "val"}
    assert {split_of(f"s{k}", (0, 0, 1)) for k in range(500)} == {"test"}
    for shares in ((0.5, 0.5), (0.9, 0.2, -0.1), (0.5, 0.1, 0.1)):
        with pytest.raises(ValueError, match="add up to 1"):
            split_of("s", shares)


def test_leaks_are_named():
    leaky = [
        Clip("a", "s1", None, None, split="test"),
        Clip("b", "s1", None, None, split="train"),
        Clip("c", "s2", None, None, split="train"),
        Clip("d", "s2", None, None, split=None),
    ]
    leaky += [Clip("e", "s3", None, None), Clip("f", "s3", None, None)]
    assert check_leaks(leaky) == {"s1": ["train", "test"], "s2": ["train", "none"]}
