"""The files of shards: tars that others read, never half-written; no damage passes for a clip."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time

import numpy as np
import pytest
import soundfile

from avtools.datasets import jpeg
from avtools.datasets.packed import Packed
from avtools.datasets.shard_writer import ShardWriter, index_shard, merge, write_shard
from avtools.datasets.shards import Shards
from avtools.datasets.tar import LONGEST, member_name
from tests.datasets.shard_clips import RATE, STEP, clip, levels, sound
from tests.scenes import ROOT

# ---- the tar ------------------------------------------------------------------------------------

KEYS = [
    "plain",
    "sub/dir/name",
    "v1.2/talk.final",
    ".hidden",
    "../../up",
    "/abs/olute",
    "50%",
    "a/",
]
KEYS += [
    "日本/語.mp4",
    "__meta__/x",
    "line\nfeed",
    "lone\udce9",
    "x" * 300,
    "x" * 299 + "y",
    "a//b",
]


def test_any_key_is_one_key_for_webdataset(tmp_path):
    webdataset = pytest.importorskip("webdataset")
    path = write_shard(tmp_path / "k.tar", [clip(n % 18, key) for n, key in enumerate(KEYS)])
    shards = Shards(path)
    assert shards.keys == KEYS
    assert [shards.read(n).key for n in range(len(KEYS))] == KEYS
    found = list(webdataset.WebDataset(str(path), shardshuffle=False, empty_check=False))
    assert [json.loads(sample["json"])["key"] for sample in found] == KEYS
    for n, sample in enumerate(found):
        assert {"flac", "json", "mjpg"} <= set(sample)
        known = json.loads(sample["json"])
        first = sample["mjpg"][slice(*known["picture"]["offsets"][:2])]
        grey = np.empty((24, 32, 3), np.uint8)
        jpeg.decode_into(first, grey)
        assert levels(grey[None]) == [n % 18]
        x, rate = soundfile.read(io.BytesIO(sample["flac"]), always_2d=True)
        assert rate == RATE and np.abs(x.T - sound(n % 18)).max() <= STEP


def test_names_stay_in_the_folder_and_below_the_limit():
    names = [member_name(key) for key in KEYS]
    assert len(set(names)) == len(KEYS)
    for name in names:
        assert "." not in name and not name.startswith("/") and not name.endswith("/")
        assert len(name.encode()) <= LONGEST


def test_the_tar_is_plain_and_equal_for_equal_clips(made, tmp_path):
    with tarfile.open(made) as tar:
        members = tar.getmembers()
    assert [m.name for m in members[:3]] == [f"a/clip-0.{x}" for x in ("flac", "json", "mjpg")]
    assert {(m.mtime, m.uid, m.gid, m.uname, m.mode) for m in members} == {(0, 0, 0, "", 0o644)}
    time.sleep(0.01)
    again = write_shard(tmp_path / "other.tar", map(clip, range(4)))
    for suffix in (".tar", ".idx"):
        assert again.with_suffix(suffix).read_bytes() == made.with_suffix(suffix).read_bytes()


def test_the_index_is_that_of_a_walk_through_the_tar(copy):
    index = copy.with_suffix(".idx")
    before = index.read_bytes()
    index.unlink()
    with pytest.raises(ValueError, match=r"train-000000.tar: has no index"):
        Shards(copy.parent)
    assert index_shard(copy) == index and index.read_bytes() == before


def test_a_foreign_tar_is_not_indexed(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.add(__file__, "x.py")
    with pytest.raises(ValueError, match=r"x\.py.*expected the members"):
        index_shard(tmp_path / "x.tar")


# ---- whole or not at all ------------------------------------------------------------------------


def test_a_writer_that_fails_leaves_what_was_there(made, copy):
    def clips():
        yield clip(9)
        raise KeyboardInterrupt

    before = copy.read_bytes(), copy.with_suffix(".idx").read_bytes()
    with pytest.raises(KeyboardInterrupt):
        write_shard(copy, clips())
    with pytest.raises(ValueError, match="without clips"):
        write_shard(copy, [])
    with pytest.raises(ValueError, match="twice"):
        write_shard(copy, [clip(1), clip(1)])
    assert (copy.read_bytes(), copy.with_suffix(".idx").read_bytes()) == before
    assert sorted(p.name for p in copy.parent.iterdir()) == [made.stem + ".idx", made.name]


def test_a_tar_never_has_the_index_of_another(copy, monkeypatch):
    """Stopped between the two renames, the new tar stands alone, and that is said."""
    replace = os.replace

    def stop_at_the_index(a, b):
        if str(b).endswith(".idx"):
            raise KeyboardInterrupt
        replace(a, b)

    monkeypatch.setattr(os, "replace", stop_at_the_index)
    with pytest.raises(KeyboardInterrupt):
        write_shard(copy, [clip(9)])
    with pytest.raises(ValueError, match="has no index"):
        Shards(copy.parent)
    monkeypatch.undo()
    index_shard(copy)
    assert Shards(copy.parent).keys == ["a/clip-9"]


KILLED = """
import sys
from avtools.datasets.shard_writer import ShardWriter
from tests.datasets.shard_clips import clip
with ShardWriter(sys.argv[1], "train", clips=2) as writer:
    for n in range(3):
        writer.append(clip(n))
    print("at it", flush=True)
    sys.stdin.read()
"""


def test_a_killed_writer_leaves_the_shards_it_finished(tmp_path):
    line = [sys.executable, "-c", KILLED, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(line, cwd=ROOT, stdin=pipe, stdout=pipe) as writer:
        assert writer.stdout.readline() == b"at it\n"
        writer.send_signal(signal.SIGKILL)
    assert Shards(tmp_path, "train").keys == ["a/clip-0", "a/clip-1"]
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".tar"] == ["train-000000.tar"]
    with pytest.raises(ValueError, match=r"train-000000\.tar: is there already"):
        ShardWriter(tmp_path, "train")
    with ShardWriter(tmp_path, "train", clips=2, replace=True) as writer:
        for n in range(3):
            writer.append(clip(n))
    names = ["train-000000.idx", "train-000000.tar", "train-000001.idx", "train-000001.tar"]
    assert sorted(p.name for p in tmp_path.iterdir()) == names
    assert Shards(tmp_path).keys == ["a/clip-0", "a/clip-1", "a/clip-2"]


def test_a_writer_that_is_left_by_an_error_drops_what_it_was_at(tmp_path):
    with pytest.raises(RuntimeError), ShardWriter(tmp_path, clips=2) as writer:
        for n in range(3):
            writer.append(clip(n))
        raise RuntimeError
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clips-000000.idx", "clips-000000.tar"]
    assert writer.written == [tmp_path / "clips-000000.tar"]


def test_a_refused_clip_leaves_the_writer_usable(tmp_path):
    with ShardWriter(tmp_path) as writer:
        writer.append(clip(0))
        with pytest.raises(ValueError, match=r"a/clip-1: Out of range float"):
            writer.append(clip(1, level=float("nan")))
        writer.append(clip(2))
    assert Shards(tmp_path).keys == ["a/clip-0", "a/clip-2"]


def test_packed_clips_are_saved_and_merged(made, tmp_path):
    paths = [tmp_path / f"{n}.clip" for n in range(4)]
    for n, path in enumerate(paths):
        clip(n).save(path)
        back = Packed.load(path)
        assert (back.key, back.meta["label"], list(back.jpegs)) == (
            f"a/clip-{n}",
            n,
            list(clip(n).jpegs),
        )
    shard = merge(paths, tmp_path / "merged.tar")
    assert shard.read_bytes() == made.read_bytes()
    data = paths[0].read_bytes()
    for cut in (0, 100, 512, len(data) // 2, len(data) - 1024, len(data) - 1):
        paths[0].write_bytes(data[:cut])
        with pytest.raises(ValueError, match=r"0\.clip"):
            Packed.load(paths[0])


# ---- damage -------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["flac", "json", "mjpg"])
def test_no_damaged_bit_passes(copy, suffix):
    with tarfile.open(copy) as tar:
        member = tar.getmember(f"a/clip-1.{suffix}")
    data, draw = copy.read_bytes(), np.random.default_rng(1)
    for place in draw.integers(0, member.size, 50):
        bad = bytearray(data)
        bad[member.offset_data + place] ^= 1 << int(draw.integers(8))
        copy.write_bytes(bad)
        shards = Shards(copy)
        with pytest.raises(ValueError, match=r"train-000000\.tar: a/clip-1: .*damaged"):
            shards.read(1)
        assert shards.read(0).key == "a/clip-0" and shards.read(2).key == "a/clip-2"


@pytest.mark.parametrize("keep", [0, 1000, 0.5, -1])
def test_a_truncated_tar_names_shard_and_clip(copy, keep):
    data = copy.read_bytes()
    copy.write_bytes(data[: int(keep * len(data)) if 0 < keep < 1 else keep])
    with pytest.raises(ValueError, match=r"train-000000\.tar: a/clip-2: .*cut off"):
        Shards(copy.parent).read(2)


def test_an_exchanged_tar_of_the_same_size_is_noticed(copy, tmp_path):
    other = write_shard(tmp_path / "other.tar", [clip(n) for n in (1, 0, 3, 2)])
    data = other.read_bytes()
    size = copy.stat().st_size
    copy.write_bytes(data[:size].ljust(size, b"\0"))
    with pytest.raises(ValueError, match=r"train-000000\.tar: a/clip-0: something else stands"):
        Shards(copy).read(0)


def test_damaged_and_missing_parts(copy):
    index = copy.with_suffix(".idx")
    data = index.read_bytes()
    for bad in (b"", data[:-1], data[:20], b"x" + data[1:], data[:50] + b"\xff" + data[51:]):
        index.write_bytes(bad)
        with pytest.raises(ValueError, match=r"train-000000\.idx: "):
            Shards(copy.parent)
    index.write_bytes(data)
    shards = Shards(copy.parent)
    copy.unlink()
    with pytest.raises(ValueError, match=r"a/clip-1: .*No such file"):
        shards.read(1)
    with pytest.raises(ValueError, match=r"train-000000\.idx: the index of a shard that is not"):
        Shards(copy.parent)
    with pytest.raises(ValueError, match=r"no shards \(val-\*\.tar\)"):
        Shards(copy.parent, "val")
    with pytest.raises(ValueError, match=r"nowhere.*expected a folder"):
        Shards(copy.parent / "nowhere")
