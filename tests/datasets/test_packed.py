"""Packing clips: sizes, channels and rates; what cannot be packed is said."""

import io

import numpy as np
import pytest
import soundfile

from avtools.datasets import jpeg
from avtools.datasets.packed import Packed, encode_sound, pack
from avtools.datasets.shard_writer import write_shard
from avtools.datasets.shards import Shards
from tests.datasets.shard_clips import RATE, STEP, clip, pictures, sound


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
