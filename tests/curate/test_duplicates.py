from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from avtools.curate.duplicates import first_of_each, first_sources, matches
from avtools.curate.factory import Order, Outcome, Run
from avtools.curate.plan import Planned
from avtools.curate.settings import Settings
from avtools.curate.signature import BYTES, SOUND_BITS
from avtools.datasets.clip import Clip
from avtools.datasets.splits import split_of


def random_bits(count, seed=0):
    return np.random.default_rng(seed).integers(0, 2, (count, 8 * BYTES), dtype=np.uint8)


def flipped(bits, sound, picture=0.0, seed=1):
    """With exactly these shares of the bits changed."""
    rng, bits = np.random.default_rng(seed), bits.copy()
    for row in bits:
        for first, last, part in ((0, SOUND_BITS, sound), (SOUND_BITS, 8 * BYTES, picture)):
            row[rng.choice(np.arange(first, last), round(part * (last - first)), False)] ^= 1
    return bits


def text(bits):
    return [np.packbits(row).tobytes().hex() for row in bits]


def test_copies_are_found_and_others_are_not():
    bits = random_bits(3000)
    copies = flipped(bits[:100], 0.08, 0.05)
    first = first_of_each(text(np.concatenate([bits, copies])))
    assert np.array_equal(first[3000:], np.arange(100))
    assert (first[:3000] == -1).all()


def test_how_many_are_found_with_many_flipped_bits():
    """0.89 of those with 17 % flipped, by the formula of the module."""
    bits = random_bits(300)
    first = first_of_each(text(np.concatenate([bits, flipped(bits, 0.17)])))
    assert 0.8 < np.mean(first[300:] == np.arange(300)) < 0.97


def test_one_sound_under_two_pictures_is_two_clips():
    bits = random_bits(50)
    music = flipped(bits, 0.01, 0.4)
    look = flipped(bits, 0.4, 0.01)
    assert (first_of_each(text(np.concatenate([bits, music, look]))) == -1).all()


def test_the_first_in_order_stays_whatever_the_chain():
    a = random_bits(1)
    b = flipped(a, 0.05, seed=2)
    c = flipped(b, 0.05, seed=3)
    other = random_bits(1, seed=9)
    assert first_of_each(text(np.concatenate([other, c, a, b]))).tolist() == [-1, -1, 1, 1]


def test_many_of_one_kind():
    """A hundred thousand pairs of them, but each is compared with a few."""
    same = np.repeat(random_bits(1), 500, axis=0)
    first = first_of_each(text(same))
    assert first[0] == -1 and (first[1:] == 0).all()
    one, _ = matches(np.packbits(same, axis=1).view(np.uint64))
    assert len(one) < 500 * 40 * 100


def test_clips_without_a_signature():
    bits = text(random_bits(2))
    assert first_of_each(["", bits[0], "", bits[1], bits[0]]).tolist() == [-1, -1, -1, -1, 1]
    assert first_of_each([]).tolist() == [] and first_of_each([""]).tolist() == [-1]


@pytest.mark.parametrize("wrong", ["xyz", "ab", "ab" * BYTES + "cd"])
def test_what_is_no_signature_is_refused(wrong):
    with pytest.raises(ValueError, match="a signature"):
        first_of_each([wrong, "00" * BYTES])


def test_sources_that_share_clips_hang_together():
    pairs = [("d", "c"), ("b", "a"), ("e", "d"), ("x", "x"), ("e", "c")]
    first = first_sources("zabcdex", pairs)
    assert first == {"d": "c", "c": "c", "e": "c", "b": "a", "a": "a", "x": "x"}
    assert first_sources("abcd", [("d", "b"), ("d", "c"), ("c", "a")]) == dict.fromkeys("abcd", "a")
    chain = [f"{k:05}" for k in range(20_000)]
    assert set(first_sources(chain, ((b, a) for a, b in pairwise(chain))).values()) == {"00000"}
    assert set(first_sources(chain, pairwise(chain)).values()) == {"00000"}


def test_a_split_keeps_copies_on_one_side():
    """100 sources, each with two trimmed copies: their other clips are of the same footage."""
    names = [f"{'abc'[k % 3]}{k // 3}" for k in range(300)]
    run = Run(Order("m.csv", Settings()), [Clip(n, n, n, n) for n in names], None, None)
    assert len({run.split(c) for n in names for c in run.sources[n]}) == 3
    assert any(split_of(f"a{k}") != split_of(f"c{k}") for k in range(100))

    run = Run(Order("m.csv", Settings()), [Clip(n, n, n, n) for n in names], None, None)
    run.planned = lambda: (Planned(replace(c, key=f"{c.key}@0")) for (c,) in run.sources.values())
    run.alike = {f"{x}{k}@0": f"a{k}@0" for k in range(100) for x in "bc"}
    for k in range(100):
        assert {run.split(run.sources[f"{x}{k}"][0]) for x in "abc"} == {split_of(f"a{k}")}


@pytest.mark.parametrize(
    "said, split",
    [
        ((None, "train", None), "train"),
        ((None, "train", "val"), "val"),
        (("val", "train", None), "val"),
        (("train", "test", "val"), "test"),
    ],
)
def test_what_datasets_say_of_any_linked_source_counts(said, split):
    footage = [Clip(n, n, n, n, split=s) for n, s in zip("abc", said, strict=True)]
    run = Run(Order("m.csv", Settings()), footage, None, None)
    run.first_sources = dict.fromkeys("abc", "a")
    assert {run.split(clip) for clip in footage} == {split}
    run = Run(Order("m.csv", Settings()), footage, None, None)
    run.first_sources = {}
    assert [run.split(c) for c in footage] == [c.split or split_of(c.key) for c in footage]


def test_a_list_of_what_to_keep_leaves_the_splits_alone():
    """A copy that is not on the list still shows which sources are one; nor is it the first."""
    names = "abc"
    bits = text(random_bits(1))
    record = {"stamp": [], "reason": None, "stage": "full", "figures": {"signature": bits[0]}}
    work = SimpleNamespace(clips={f"{n}@0": record for n in names})
    footage = [Clip(n, n, n, n, split="test" if n == "a" else None) for n in names]
    order = Order("m.csv", Settings(tests=("duplicates",)), keep=frozenset("bc"))
    run = Run(order, footage, work, None)
    run.planned = lambda: (Planned(replace(c, key=f"{c.key}@0")) for c in footage)
    assert {run.split(c) for c in footage} == {"test"}
    assert run.copies == {"c@0": "b@0"}
    whys = [fate.reason for _, _, fate in run.fates()]
    assert whys == ["not on the list", None, "duplicate of b@0"]


def test_duplicates_are_counted_together():
    outcome = Outcome()
    for why in ("duplicate of a:b@0", "duplicate of c@0", "too short: 1 s", None):
        outcome.add({"kept": "no" if why else "yes", "reason": why})
    assert outcome.reasons == {"duplicate": 2, "too short": 1} and outcome.kept == 1
