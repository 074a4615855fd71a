"""Shards: what goes in comes out, nothing is half-written, no damage passes for a clip."""

import io
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from avtools.datasets import jpeg
from avtools.datasets.packed import Packed, encode_sound, pack
from avtools.datasets.shard_writer import ShardWriter, index_shard, merge, write_shard
from avtools.datasets.shards import Shards
from avtools.datasets.tar import LONGEST, member_name
from tests.scenes import ROOT

RATE, FPS, SECONDS = 8000, 6, 3
STEP = 1 / 32768  # of 16 bits


def pictures(number: int = 0, seconds: int = SECONDS) -> np.ndarray:
    """Grey frames: that of tick k has the level 10 k + `number`."""
    levels = 10 * np.arange(seconds * FPS) + number
    return np.broadcast_to(levels[:, None, None, None], (len(levels), 24, 32, 3)).astype(np.uint8)


def sound(number: int = 0, channels: int = 2, seconds: int = SECONDS) -> np.ndarray:
    draw = np.random.default_rng(number)
    return draw.uniform(-0.9, 0.9, (channels, seconds * RATE)).astype(np.float32)


def clip(number: int = 0, key: str | None = None, **more) -> Packed:
    meta = {"source": f"talk {number // 2}", "label": number} | more
    return pack(key or f"a/clip-{number}", pictures(number), FPS, sound(number), RATE, meta)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return write_shard(tmp_path_factory.mktemp("shards") / "train-000000.tar", map(clip, range(4)))


@pytest.fixture
def copy(made, tmp_path) -> Path:
    """The shard and its index, to be spoilt."""
    for path in (made, made.with_suffix(".idx")):
        shutil.copy(path, tmp_path)
    return tmp_path / made.name


def levels(frames: np.ndarray) -> list[int]:
    assert np.ptp(frames, axis=(1, 2, 3)).max() <= 2
    return [round(float(x)) for x in frames.mean(axis=(1, 2, 3))]


# ---- what goes in comes out -------------------------------------------------------------------


def test_a_clip_comes_back_whole(made):
    shards = Shards(made.parent)
    assert len(shards) == 4 and shards.keys == [f"a/clip-{n}" for n in range(4)]
    assert shards.sources == ["talk 0", "talk 0", "talk 1", "talk 1"]
    assert shards.seconds.tolist() == [SECONDS] * 4
    for number in range(4):
        sample = shards.read(number)
        assert levels(sample.frames) == [10 * k + number for k in range(18)]
        assert sample.sound.dtype == np.float32
        assert np.abs(sample.sound - sound(number)).max() <= STEP
        assert (sample.key, sample.fps, sample.rate) == (f"a/clip-{number}", FPS, RATE)
        assert sample.meta["label"] == number and sample.meta["source"] == f"talk {number // 2}"
        assert sample.meta == shards.meta(number)


@pytest.mark.parametrize("start", [0, 1 / 6, 0.5, 7 / 6, 1.2345, 2 - 1 / RATE])
def test_a_window_has_the_sound_to_the_sample(made, start):
    got = Shards(made.parent).read(1, start, 1.0)
    first = round(start * RATE)
    assert np.abs(got.sound - sound(1)[:, first : first + RATE]).max() <= STEP
    assert got.frames.shape[0] == FPS


@pytest.mark.parametrize("fps", [6, 3, 2, 12, 25, 30000 / 1001])
@pytest.mark.parametrize("start", [0, 1 / 6, 1.0, 1.1, 1.9999])
def test_frames_are_those_shown_at_the_times_asked_for(made, fps, start):
    got = Shards(made.parent).read(0, start, 1.0, fps=fps)
    exact, per = Fraction(start).limit_denominator(10**6), Fraction(fps).limit_denominator(1001)
    times = [exact + k / per for k in range(100) if k / per < 1]
    assert levels(got.frames) == [10 * int(t * FPS) for t in times]


def test_frames_at_odd_times_and_from_late_on(tmp_path):
    jpegs = [jpeg.encode(frame) for frame in pictures()[:3]]
    flac = encode_sound(sound(), RATE)
    write_shard(tmp_path / "x.tar", [Packed("odd", jpegs, [0.4, 0.5, 1.7], flac, {})])
    shards = Shards(tmp_path / "x.tar")
    shown = levels(shards.read(0, 0.0, 2.0, fps=10).frames)
    assert shown == [0] * 5 + [10] * 12 + [20] * 3
    assert shards.source(0) == "odd"


def test_ticks_of_ten_seconds_are_not_lost_to_rounding(tmp_path):
    ten = pack("ten", pictures(0, 4)[:, :8, :8], 24, sound(0, 1, 1), RATE, {})
    write_shard(tmp_path / "x.tar", [ten])
    for k in range(24):
        got = Shards(tmp_path / "x.tar").read(0, k / 24, 1 / 24)
        assert levels(got.frames) == [10 * k]


@pytest.mark.parametrize("rate", [4000, 11025, 16000])
@pytest.mark.parametrize("start", [0.0, 1.0, 1.23456])
def test_another_rate_is_that_of_the_whole_clip(tmp_path, rate, start):
    write_shard(tmp_path / "x.tar", [pack("x", pictures(0)[:1], 6, sound(3), RATE, {}, bits=24)])
    whole = soxr.resample(sound(3).T, RATE, rate, quality="HQ").T
    got = Shards(tmp_path / "x.tar").read(0, start, 1.5, rate=rate).sound
    first = round(start * rate)
    assert got.shape == (2, round(1.5 * rate))
    assert np.abs(got - whole[:, first : first + got.shape[1]]).max() < 1e-4


def test_the_last_window_at_another_rate_is_full(tmp_path):
    write_shard(tmp_path / "x.tar", [pack("x", pictures(0)[:1], 6, sound(), RATE, {})])
    got = Shards(tmp_path / "x.tar").read(0, 2.0, 1.0, rate=11025)
    assert got.sound.shape == (2, 11025) and got.sound[:, -1].any()


def test_pictures_are_made_to_the_size_asked_for(tmp_path):
    # A smooth picture: half as large, its mean over 2x2 pixels is known.
    y, x = np.mgrid[:64, :96]
    waves = [128 + 90 * np.sin(x / 9 + c) * np.cos(y / 11) for c in range(3)]
    picture = np.stack(waves, axis=-1).astype(np.uint8)
    write_shard(tmp_path / "x.tar", [pack("x", [picture], 1, sound(), RATE, {}, quality=95)])
    shards = Shards(tmp_path / "x.tar")
    for size, shape in ((None, (64, 96)), (32, (32, 48)), ((40, 30), (30, 40)), (128, (128, 192))):
        assert shards.read(0, size=size).frames.shape == (3, *shape, 3)
    half = picture.reshape(32, 2, 48, 2, 3).mean(axis=(1, 3))
    assert np.abs(shards.read(0, size=32).frames[0] - half).mean() < 2.5
    assert np.abs(shards.read(0).frames[0] - picture.astype(float)).mean() < 2.5


def test_pack_shrinks_to_the_short_side_and_blows_nothing_up():
    tall = np.zeros((1, 300, 200, 3), np.uint8)

    def shape(**more):
        return jpeg.shape(pack("x", tall, 1, sound(), RATE, {}, **more).jpegs[0])

    assert shape(size=100) == (150, 100) and shape(size=256) == (300, 200)
    assert shape(size=(64, 48)) == (48, 64)


@pytest.mark.parametrize("channels", [1, 4, 8])
def test_all_channels_and_24_bits(tmp_path, channels):
    given = sound(5, channels)
    write_shard(tmp_path / "x.tar", [pack("x", pictures(), 6, given, RATE, {}, bits=24)])
    got = Shards(tmp_path / "x.tar").read(0)
    assert np.abs(got.sound - given).max() <= 2**-23
    assert got.meta["sound"] == {"rate": RATE, "channels": channels, "samples": 24000, "bits": 24}


def test_sound_beyond_full_scale_is_clipped_and_a_rate_can_be_given():
    loud = np.array([[2.0, -2.0, 0.5, 0.0] * 500], np.float32)
    x, _ = soundfile.read(io.BytesIO(encode_sound(loud, RATE)))
    assert x[:3] == pytest.approx([1, -1, 0.5], abs=2 * STEP)
    packed = pack("x", pictures(), 6, sound(), RATE, {}, new_rate=16000)
    assert soundfile.info(io.BytesIO(packed.flac)).samplerate == 16000
    assert soundfile.info(io.BytesIO(packed.flac)).frames == 48000


# ---- the tar ----------------------------------------------------------------------------------

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


# ---- whole or not at all ----------------------------------------------------------------------


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
from tests.datasets.test_shards import clip
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


# ---- damage -----------------------------------------------------------------------------------


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


# ---- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, words",
    [
        ({"sound": sound(0, 9)}, "1 to 8 channels"),
        ({"sound": sound()[:, :0]}, "without samples"),
        ({"sound": sound() * np.nan}, "NaN"),
        ({"sound": (sound() * 99).astype(np.int16)}, "int16"),
        ({"rate": 0}, "0 Hz"),
        ({"fps": 0}, "more than 0"),
        ({"fps": float("inf")}, "more than 0"),
        ({"frames": pictures()[..., :1]}, "height, width, 3"),
        ({"frames": pictures()[:, :0]}, "pixels a side"),
        ({"frames": pictures() / 255}, "float64"),
        ({"frames": []}, "0 pictures"),
        ({"meta": {"sound": 1}}, "meta holds sound"),
        ({"meta": {"x": object()}}, "object in meta"),
        ({"key": ""}, "without a key"),
        ({"bits": 20}, "20 bits"),
    ],
)
def test_what_cannot_be_packed_is_said(tmp_path, change, words):
    parts = {"key": "k", "frames": pictures(), "fps": 6, "sound": sound(), "rate": RATE, "meta": {}}
    with pytest.raises(ValueError, match=words):
        write_shard(tmp_path / "x.tar", [pack(**parts | change)])
    assert not list(tmp_path.iterdir())


def test_a_member_too_large_for_the_index_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("avtools.datasets.tar.LARGEST", 1000)
    with pytest.raises(ValueError, match="less than 4 GiB"):
        write_shard(tmp_path / "x.tar", [clip()])


def test_odd_pictures_and_times_are_refused():
    frame, flac = jpeg.encode(pictures()[0]), encode_sound(sound(), RATE)
    other = jpeg.encode(np.zeros((8, 8, 3), np.uint8))
    for jpegs, times, words in (
        ([frame] * 2, [0], "2 pictures and 1 times"),
        ([frame] * 2, [1, 1], "do not rise"),
        ([frame, other], [0, 1], "2 sizes"),
        ([frame[:20]], [0], "k: "),
    ):
        with pytest.raises(ValueError, match=words):
            Packed("k", jpegs, times, flac, {}).text()
    with pytest.raises(ValueError, match="cannot be read as FLAC"):
        Packed("k", [frame], [0], b"RIFF", {}).text()


@pytest.mark.parametrize(
    "start, seconds", [(-0.1, 1), (0, 3.1), (2.5, 1), (0, 0), (float("nan"), 1)]
)
def test_a_window_outside_the_clip_is_refused(made, start, seconds):
    with pytest.raises(ValueError, match=r"a/clip-0: .* in a clip of 3 s"):
        Shards(made).read(0, start, seconds)


def test_numbers_are_those_of_a_list(made):
    shards = Shards(made)
    assert shards.key(-1) == "a/clip-3" and shards.read(-1).key == "a/clip-3"
    with pytest.raises(IndexError, match="clip 4 of 4"):
        shards.read(4)


# ---- many shards ------------------------------------------------------------------------------


def test_many_shards_are_one_list_and_files_are_not_kept_open(tmp_path):
    for n in range(100):
        flac, frames = encode_sound(sound(n, 1)[:, :800], RATE), [jpeg.encode(pictures(n)[0])]
        write_shard(tmp_path / f"s-{n:03d}.tar", [Packed(f"k{n}", frames, [0], flac, {})])
    shards = Shards(tmp_path)
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for n in range(100):
        assert shards.read(n).key == f"k{n}" and levels(shards.read(n).frames) == [n]
    if before:
        assert len(os.listdir("/proc/self/fd")) <= before + 64
    again = pickle.loads(pickle.dumps(shards))
    assert not again._open  # another process must open files of its own
    assert (again.read(7).frames == shards.read(7).frames).all() and again.keys == shards.keys
    listed = Shards([tmp_path / "s-005.tar", tmp_path / "s-002.tar"])
    assert listed.keys == ["k5", "k2"]
