"""Batches: the same for any number of workers and after a resume, picture and sound in step."""

import hashlib
import multiprocessing
import os
import subprocess
import sys

import numpy as np
import pytest

from avtools.datasets.batches import Batches
from avtools.datasets.packed import pack
from avtools.datasets.shard_writer import ShardWriter, write_shard
from avtools.datasets.shards import Shards
from tests.scenes import ROOT

RATE, FPS, SECONDS, CLIPS = 4800, 6, 4, 11


def clip(number: int, channels: int = 2, seconds: int = SECONDS, size=(16, 24)):
    """Frame k is bright where k % 5 == number % 5, and so is the sound while it is shown loud."""
    ticks = np.arange(seconds * FPS)
    on = ticks % 5 == number % 5
    frames = np.where(on, 200, 20)[:, None, None, None] * np.ones((1, *size, 3))
    sound = np.repeat(np.where(on, 0.5, 0.0), RATE // FPS)[None] * np.ones((channels, 1))
    meta = {"label": number, "source": f"s{number}"}
    return pack(f"c{number}", frames.astype(np.uint8), FPS, sound, RATE, meta)


@pytest.fixture(scope="module")
def shards(tmp_path_factory) -> Shards:
    folder = tmp_path_factory.mktemp("batches")
    with ShardWriter(folder, "train", clips=4) as writer:
        for number in range(CLIPS):
            writer.append(clip(number))
    return Shards(folder)


def batches(shards, **more) -> Batches:
    return Batches(shards, **{"seed": 5, "batch": 4, "seconds": 2} | more)


def digest(batch: dict) -> str:
    sums = hashlib.sha256(repr(batch["keys"]).encode())
    for name in ("frames", "sound", "numbers", "starts", "draws"):
        sums.update(np.ascontiguousarray(batch[name]).tobytes())
    return sums.hexdigest()


def test_shapes_and_labels(shards):
    got = batches(shards, size=(12, 8), rate=2400, fps=3)[0]
    assert got["frames"].shape == (4, 6, 8, 12, 3) and got["frames"].dtype == np.uint8
    assert got["sound"].shape == (4, 2, 4800) and got["sound"].dtype == np.float32
    assert got["keys"] == [f"c{n}" for n in got["numbers"]]
    assert [m["label"] for m in got["meta"]] == got["numbers"].tolist()


def test_picture_and_sound_are_in_step(shards):
    for step in range(12):
        got = batches(shards)[step]
        bright = got["frames"].mean(axis=(2, 3, 4)) > 100
        loud = got["sound"].reshape(4, 2, 12, RATE // FPS)
        assert bright.any(axis=1).all()
        # To the sample: a frame's sound is loud from the first to the last.
        assert (np.abs(loud - 0.5 * bright[:, None, :, None]) < 1e-3).all()


def test_windows_are_drawn_anew_each_epoch_and_from_everywhere(shards):
    stream, seen = batches(shards, batch=CLIPS), {}
    for step in range(40):
        got = stream[step]
        for number, start in zip(got["numbers"], got["starts"], strict=True):
            seen.setdefault(int(number), []).append(float(start))
    for starts in seen.values():
        assert len(starts) == 40 and len(set(starts)) > 5
    every = {round(s * FPS) for starts in seen.values() for s in starts}
    assert every == set(range(13))
    assert len({tuple(starts) for starts in seen.values()}) == CLIPS


def test_each_epoch_has_each_clip_and_ranks_differ(shards):
    ranks = [batches(shards, rank=rank, world=2, batch=2) for rank in range(2)]
    stream = [key for step in range(11) for r in ranks for key in r[step]["keys"]]
    for epoch in range(4):
        assert sorted(stream[epoch * CLIPS : (epoch + 1) * CLIPS]) == sorted(shards.keys)


def test_one_epoch_ends_with_what_is_left(shards):
    ranks = [batches(shards, rank=rank, world=2, epochs=1) for rank in range(2)]
    assert len(ranks[0]) == 2
    parts = [r[step]["keys"] for step in range(2) for r in ranks]
    assert [len(p) for p in parts] == [4, 4, 3, 0]
    assert sorted(key for part in parts for key in part) == sorted(shards.keys)
    assert ranks[1][1]["frames"].shape == (0, 12, 16, 24, 3)
    with pytest.raises(IndexError):
        ranks[0][2]
    assert len(batches(shards)) == 3 and batches(shards, batch=4, epochs=2)[5]["sound"].any()


def test_the_same_in_another_process_without_torch(shards, tmp_path):
    wanted = [digest(batches(shards)[step]) for step in (7, 2)]
    code = (
        "import sys; from tests.datasets.test_batches import *\n"
        f"stream = batches(Shards({os.path.dirname(shards.tars[0])!r}))\n"
        "print(*[digest(stream[s]) for s in (7, 2)]); assert 'torch' not in sys.modules"
    )
    environment = dict(os.environ, PYTHONHASHSEED="77")
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == wanted, done.stderr


def test_any_number_of_workers_and_a_resume_give_the_same_bytes(shards):
    data = pytest.importorskip("torch.utils.data")
    stream = batches(shards)
    # Processes that get the stream by pickling, made by one that has torch: its import takes long.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch.utils.data"])

    def digests(start: int, stop: int, workers: int) -> list[str]:
        loader = data.DataLoader(
            stream,
            batch_size=None,
            sampler=range(start, stop),
            num_workers=workers,
            multiprocessing_context=context if workers else None,
        )
        arrays = ("frames", "sound", "numbers", "starts", "draws")
        return [digest(b | {k: b[k].numpy() for k in arrays}) for b in loader]

    plain = [digest(stream[step]) for step in range(9)]
    assert len(set(plain)) == 9
    assert digests(0, 9, 0) == plain
    assert digests(0, 9, 1) == plain
    assert digests(0, 4, 0) + digests(4, 9, 2) == plain


# ---- what does not fit ------------------------------------------------------------------------


def spoilt(tmp_path, number: int) -> Shards:
    path = write_shard(tmp_path / "x.tar", [clip(n) for n in range(6)])
    shards = Shards(path)
    row, data = shards.records[number], bytearray(path.read_bytes())
    data[int(row["offset"]) + 512 + int(row["flac"]) // 2] ^= 1
    path.write_bytes(data)
    return shards


def test_a_damaged_clip_stops_unless_it_is_to_be_skipped(tmp_path, capsys):
    shards = spoilt(tmp_path, 3)
    with pytest.raises(ValueError, match=r"x\.tar: c3: its sound is damaged"):
        for step in range(2):
            batches(shards, batch=3)[step]
    stream, again = (batches(shards, batch=3, damaged="skip") for _ in range(2))
    keys = [key for step in range(4) for key in stream[step]["keys"]]
    assert sorted(keys) == sorted(["c0", "c1", "c2", "c4", "c4", "c5"] * 2)
    assert [digest(again[s]) for s in (3, 0)] == [digest(stream[s]) for s in (3, 0)]
    err = capsys.readouterr().err
    assert err.count("c3: its sound is damaged") == 2 and "another clip takes its place" in err


def test_nothing_but_damage_stops_in_the_end(tmp_path):
    path = write_shard(tmp_path / "x.tar", [clip(0)])
    shards = Shards(path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match="damaged clips in a row"):
        batches(shards, damaged="skip")[0]


def test_clips_that_are_too_short_are_left_out(tmp_path):
    made = [clip(0, seconds=1), clip(1), clip(2, seconds=2)]
    shards = Shards(write_shard(tmp_path / "x.tar", made))
    assert batches(shards).clips.tolist() == [1, 2]
    assert set(batches(shards)[0]["keys"]) == {"c1", "c2"}
    with pytest.raises(ValueError, match=r"no clip of 5 s: the longest is 4 s"):
        batches(shards, seconds=5)


def test_clips_that_differ_need_a_choice(tmp_path):
    sizes = Shards(write_shard(tmp_path / "a.tar", [clip(0), clip(1, size=(24, 16))]))
    with pytest.raises(ValueError, match="2 sizes"):
        batches(sizes)
    assert batches(sizes, size=(8, 8))[0]["frames"].shape == (4, 12, 8, 8, 3)
    channels = Shards(write_shard(tmp_path / "b.tar", [clip(0), clip(1, channels=4)]))
    with pytest.raises(ValueError, match="2, 4 channels"):
        batches(channels)


@pytest.mark.parametrize(
    "wrong", [{"batch": 0}, {"rank": 1}, {"seconds": 0}, {"damaged": "no"}, {"epochs": 0}]
)
def test_impossible_wishes_are_refused(shards, wrong):
    with pytest.raises(ValueError, match="expected"):
        batches(shards, **wrong)
