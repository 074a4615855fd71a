"""Shards as a dataset: the same clips, told from the files, heard and seen by the window."""

import numpy as np
import pytest

from avtools.datasets import layout_of, open_dataset
from avtools.datasets.packed import Packed, pack
from avtools.datasets.shard_writer import write_shard
from avtools.datasets.shards import Shards
from avtools.errors import AvtoolsError

RATE, FPS = 8000, 6


def clip(number: int):
    """Three seconds: frame k has the level 10 k + number, sound is its own noise."""
    levels = (10 * np.arange(18) + number).astype(np.uint8)
    frames = np.broadcast_to(levels[:, None, None, None], (18, 16, 16, 3))
    sound = np.random.default_rng(number).uniform(-0.9, 0.9, (2, 3 * RATE)).astype(np.float32)
    meta = {"source": f"talk {number}", "channel": "Ann", "convention": "stereo", "label": "talk"}
    return pack(f"a/{number}", np.ascontiguousarray(frames), FPS, sound, RATE, meta), sound


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("shards")
    write_shard(place / "train-000000.tar", [clip(0)[0], clip(1)[0]])
    write_shard(place / "test-000000.tar", [clip(2)[0]])
    return place


def test_a_folder_of_shards_is_a_dataset(folder):
    assert layout_of(str(folder)) == "shards"
    assert layout_of(str(folder / "train-000000.tar")) == "shards"
    dataset = open_dataset(folder)
    assert [c.key for c in dataset] == ["a/0", "a/1", "a/2"]
    assert [c.key for c in dataset.split("train")] == ["a/0", "a/1"]
    assert [c.source for c in dataset.split("test")] == ["talk 2"]
    assert dataset.labels == ["talk"] and dataset.clips[0].channel == "Ann"
    assert dataset.clips[0].duration == 3.0 and dataset.clips[0].convention == "stereo"
    assert open_dataset(folder).clips == dataset.clips


def test_what_has_no_height_is_known_for_it(tmp_path):
    packed, _ = clip(0)
    flat = Packed("flat", packed.jpegs, packed.times, packed.flac, {"has_height": False})
    write_shard(tmp_path / "train-000000.tar", [flat, packed])
    assert {c.key: c.has_height for c in open_dataset(tmp_path)} == {"flat": False, "a/0": True}


def test_windows_are_heard_and_seen(folder):
    one = open_dataset(folder).clips[1]
    heard, rate = one.hear(start=1.0, duration=0.5)
    assert rate == RATE and np.abs(heard - clip(1)[1][:, 8000:12000]).max() < 1 / 16384
    seen = one.see(start=1.0, duration=0.5)
    assert np.abs(seen[:, 0, 0, 0].astype(int) - [61, 71, 81]).max() <= 2
    later = one.window(1.0, 1.0)
    assert later.key == "a/1-1" and later.hear(duration=0.5)[0].shape == (2, 4000)
    assert np.array_equal(later.hear(duration=0.5)[0], heard)
    with pytest.raises(ValueError, match="lasts 3 s"):
        one.hear(start=4.0)


def test_shards_by_number(folder):
    shards = Shards(folder)
    assert repr(shards) == "Shards(3 clips in 2 tars)"
    assert shards[-1].key == "a/1" and shards[0].frames.shape == (18, 16, 16, 3)
    assert [sample.key for sample in shards] == shards.keys


def test_a_shard_without_its_index_is_told(folder, tmp_path):
    (tmp_path / "train-000000.tar").write_bytes((folder / "train-000000.tar").read_bytes())
    with pytest.raises(AvtoolsError, match="has no index"):
        open_dataset(f"shards:{tmp_path / 'train-000000.tar'}")
