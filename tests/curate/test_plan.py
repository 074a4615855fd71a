"""The draw of clips: stable, spread, without overlap, at most so many of a source."""

from itertools import pairwise

import pytest

from avtools.curate import plan
from avtools.curate.packing import shards_of
from avtools.datasets.clip import Clip


def footage(*keys: str, source: str | None = None, **more) -> list[Clip]:
    return [Clip(k, source or k, f"/x/{k}.mp4", f"/x/{k}.mp4", **more) for k in keys]


def drawn(
    clips: list[Clip], seconds: float | dict, clip: float = 10, most: int = 12, seed: int = 0
):
    """The plan of footage that lasts so long."""
    lengths = seconds if isinstance(seconds, dict) else {c.key: seconds for c in clips}
    facts = {plan.files_key(c): {"reason": None, "seconds": lengths[c.key]} for c in clips}
    rows = plan.planned(plan.by_source(clips), facts.get, clip, most, seed)
    return [planned for some in rows for planned in some]


@pytest.mark.parametrize("seconds, count", [(120.0, 12), (95.0, 9), (3600.0, 12), (10.0, 1)])
def test_clips_lie_in_slots_and_do_not_overlap(seconds, count):
    for seed in range(20):
        clips = [p.clip for p in drawn(footage("a"), seconds, seed=seed)]
        assert len(clips) == count and all(c.duration == 10 for c in clips)
        assert all(c.start % 10 == 0 and c.start + 10 <= seconds for c in clips)
        assert all(a.start + 10 <= b.start for a, b in pairwise(clips))


def test_every_slot_has_its_turn():
    starts = [p.clip.start for seed in range(500) for p in drawn(footage("a"), 400, seed=seed)]
    counts = [starts.count(10 * k) for k in range(40)]
    assert min(counts) > 100 and max(counts) < 200  # 150 each on average, with a deviation of 10


def test_the_draw_depends_on_the_seed_alone_so_that_copies_are_found():
    one = {p.clip.key: p.clip.start for p in drawn(footage("a", "b"), 500)}
    more = {p.clip.key: p.clip.start for p in drawn(footage("a", "aa", "b", "c"), 500)}
    assert one.items() <= more.items()
    starts = [{p.clip.start for p in drawn(footage("a"), 500, seed=s)} for s in (0, 1)]
    assert len(starts[0] & starts[1]) < 8
    assert list(one)[:3] == ["a@30", "a@80", "a@90"]  # on every machine, for ever
    for seconds in (500.03, 500.5, 507):  # re-encoded: a bit longer
        assert [p.clip.start for p in drawn(footage("b"), seconds)] == sorted(starts[0])


@pytest.mark.parametrize("seed", range(10))
def test_a_copy_cut_off_at_its_end_gives_the_same_clips_as_far_as_it_goes(seed):
    whole = {p.clip.start for p in drawn(footage("a"), 500, seed=seed)}
    for seconds in (497, 470, 401.5, 250):
        cut = {p.clip.start for p in drawn(footage("b"), seconds, seed=seed)}
        assert {start for start in whole if start + 10 <= seconds} <= cut and len(cut) == 12
    short = {p.clip.start for p in drawn(footage("b"), 60, seed=seed)}
    assert short == {0, 10, 20, 30, 40, 50}


def test_lengths_that_are_about_right_count_as_right():
    (one,) = drawn(footage("a"), 9.98)
    assert one.clip.duration == 9.98 and one.reason is None
    two = drawn(footage("a"), 19.95)
    assert [(p.clip.start, p.clip.duration) for p in two] == [(0, 10), (10, 9.95)]
    (short,) = drawn(footage("a"), 6.0)
    assert (short.clip.start, short.clip.duration) == (0, 6)
    (none,) = drawn(footage("a"), 4.9)
    assert none.reason == "too short: 4.9 s, expected 10 s"


def test_a_source_of_many_files_gives_no_more_than_its_share():
    clips = footage(*"abcde", source="all")
    found = drawn(clips, {"a": 100, "b": 10, "c": 10, "d": 3, "e": 1000}, most=7)
    counts = {k: sum(p.clip.key[0] == k and not p.reason for p in found) for k in "abcde"}
    assert sum(counts.values()) == 7
    assert counts["b"] == counts["c"] == 1 and counts["d"] == 0
    assert abs(counts["a"] - counts["e"]) <= 1  # each its turn
    assert sum(p.reason is not None for p in found) == 1


def test_clips_of_a_dataset_stay_within_their_window():
    clips = footage("a", start=100.0, duration=10.0)
    (only,) = drawn(clips, 500)
    assert (only.clip.key, only.clip.start, only.clip.duration) == ("a@0", 100, 10)
    five = drawn(clips, 500, clip=4)
    assert all(100 <= p.clip.start <= 106 for p in five) and len(five) == 2
    (cut,) = drawn(clips, 107)
    assert (cut.clip.start, cut.clip.duration) == (100, 7)  # the file ends before


def test_parts_are_all_and_none_twice_and_cut_no_source():
    names = [f"s{k}" for k in range(1000)]
    parts = [[n for n in names if plan.in_part(n, (i, 8))] for i in range(1, 9)]
    assert sorted(name for part in parts for name in part) == sorted(names)
    assert all(90 < len(part) < 160 for part in parts)


def test_shards_mix_sources_and_are_the_same_in_any_order(tmp_path):
    kept = [(f"s{k // 12}@{k % 12}", "train", "x") for k in range(300)]
    kept += [(f"v@{k}", "val", "x") for k in range(3)]
    shards = shards_of(kept, tmp_path, "2-of-4-")
    assert [s.name for s in shards][-2:] == ["train-2-of-4-000004.tar", "val-2-of-4-000000.tar"]
    sizes = [len(s.clips) for s in shards]
    assert sum(sizes) == 303 and sizes[-1] == 3 and max(sizes) <= 128
    assert sorted(c for s in shards for c in s.clips) == sorted(c for c, _, _ in kept)
    assert len({c.partition("@")[0] for c in shards[0].clips}) > 15
    assert shards_of(kept[::-1], tmp_path, "2-of-4-") == shards
    changed = [("s0@0", "train", "y"), *kept[1:]]
    assert (
        sum(a != b for a, b in zip(shards, shards_of(changed, tmp_path, "2-of-4-"), strict=True))
        == 1
    )
