"""Reading shards: what went in comes out, by the window; of many as of one."""

import os
import pickle
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soxr

from avtools.datasets import jpeg
from avtools.datasets.packed import Packed, encode_sound, pack
from avtools.datasets.shard_writer import write_shard
from avtools.datasets.shards import Shards
from tests.datasets.shard_clips import FPS, RATE, SECONDS, STEP, levels, pictures, sound


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
