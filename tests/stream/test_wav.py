"""The header: every form that is read, and that nothing damaged does more than say so."""

import os
import struct

import numpy as np
import pytest
import soundfile

from avtools.errors import AvtoolsError
from avtools.stream.sound import Sound
from avtools.stream.wav import UNKNOWN, Header, NotWire, header_bytes
from avtools.stream.wire import read_wire, write_wire
from tests.scenes import noise

RATE = 48000


def read_bytes(data: bytes, pipe: bool = False) -> tuple[Sound, np.ndarray]:
    """What the reader makes of bytes: from a regular file, or from a pipe."""
    if pipe:
        out, back = os.pipe()
        assert len(data) <= 65536, "more would block"
        os.write(back, data)
        os.close(back)
        fd = out
    else:
        fd = os.memfd_create("wav")
        os.write(fd, data)
        os.lseek(fd, 0, os.SEEK_SET)
    try:
        sound = read_wire(fd, "x.wav")
        parts = [x.T.copy() for x in sound.blocks]
        return sound, np.concatenate(parts) if parts else np.zeros((0, sound.channels), np.float32)
    finally:
        os.close(fd)


def written(x: np.ndarray, codec: str = "pcm_f32le", known: bool = True, **facts) -> bytes:
    frames = len(x) if known else None
    sound = Sound(iter([x.T]), RATE, x.shape[1], frames, **facts)
    fd = os.memfd_create("wav")
    try:
        write_wire(fd, sound, codec)
        os.lseek(fd, 0, os.SEEK_SET)
        return os.read(fd, 1 << 30)
    finally:
        os.close(fd)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("format", ["WAV", "WAVEX", "RF64"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_what_libsndfile_writes_is_read_as_libsndfile_reads_it(tmp_path, subtype, format, channels):
    path = tmp_path / "x.wav"
    soundfile.write(path, noise(channels, 3000), RATE, subtype=subtype, format=format)
    want = soundfile.read(path, dtype="float32", always_2d=True)[0]
    for pipe in (False, True):
        data = path.read_bytes()
        if pipe and len(data) > 65536:
            continue
        sound, x = read_bytes(data, pipe)
        assert (sound.rate, sound.channels, sound.frames) == (RATE, channels, 3000)
        assert np.array_equal(x, want)


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f64le"])
def test_what_we_write_is_read_by_libsndfile(tmp_path, codec):
    x = noise(2, 1001)
    path = tmp_path / "x.wav"
    path.write_bytes(written(x, codec))
    y = soundfile.read(path, always_2d=True)[0]
    step = {"pcm_u8": 2**-7, "pcm_s16le": 2**-15, "pcm_s24le": 2**-23}.get(codec, 2**-31)
    assert y.shape == x.shape
    assert np.abs(y - x).max() <= step / 2 + 1e-12


@pytest.mark.parametrize("known", [True, False])
def test_float_is_kept_to_the_bit_and_sizes_are_true(known):
    x = noise(5, 777)
    x[3, 2] = 17.5
    data = written(x, known=known)
    sound, y = read_bytes(data)
    assert sound.frames == 777
    assert np.array_equal(x, y)
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8


@pytest.mark.parametrize("size", [UNKNOWN, 0xFFFFFFF0, 0x7FFFF000, UNKNOWN - UNKNOWN % 12])
@pytest.mark.parametrize("pipe", [False, True])
def test_unknown_lengths_mean_until_the_end(size, pipe):
    x = noise(3, 500)
    data = bytearray(header_bytes(Header("pcm_f32le", 3, RATE, None)))
    data[-4:] = struct.pack("<I", size)
    sound, y = read_bytes(bytes(data) + x.tobytes(), pipe)
    assert np.array_equal(x, y)
    assert sound.frames == (None if pipe else 500)


def test_marks_travel_and_others_skip_them(tmp_path):
    marks = {"convention": "ambix", "order": 1, "source": "čaj ☕.wav"}
    data = written(noise(4, 10), marks=marks)
    assert read_bytes(data)[0].marks == marks
    path = tmp_path / "x.wav"
    path.write_bytes(data)
    assert soundfile.info(path).frames == 10


def test_marks_that_are_not_ours_say_nothing():
    wrong = [{"convention": []}, {"convention": "mp3"}, {"order": "x"}, {"order": True}, [1], 7,
             {"head_locked": 1}, {"source": "x" * 999}, {"other": "thing"}]  # fmt: skip
    for marks in wrong:
        header = Header("pcm_f32le", 4, RATE, 160, marks=marks)
        assert read_bytes(header_bytes(header) + bytes(160))[0].marks == {}


def test_what_follows_the_data_is_not_sound():
    x = noise(2, 100)
    data = written(x) + b"LIST" + struct.pack("<I", 4) + b"INFO"
    for pipe in (False, True):
        assert np.array_equal(read_bytes(data, pipe)[1], x)


def test_truncated_data_is_kept_with_a_warning(capfd):
    x = noise(2, 100)
    data = written(x)[:-20]
    for pipe in (False, True):
        y = read_bytes(data, pipe)[1]
        assert np.array_equal(y, x[:97])
        assert "truncated" in capfd.readouterr().err


def test_integers_clip_and_say_so(capfd):
    x = np.array([[0.5], [1.0], [1.5], [-3.0]], np.float32)
    y = read_bytes(written(x, "pcm_s16le"))[1]
    assert np.allclose(y[:, 0], [0.5, 1 - 2**-15, 1 - 2**-15, -1])
    assert "2 samples clipped" in capfd.readouterr().err


def test_four_gibibytes_need_rf64_and_a_pipe_does_not_get_it():
    size = 5 << 30
    spare = header_bytes(Header("pcm_f32le", 4, RATE, size), spare=True)
    assert spare[:4] == b"RF64" and struct.unpack("<Q", spare[28:36])[0] == size
    small = header_bytes(Header("pcm_f32le", 4, RATE, 1600), spare=True)
    assert small[:4] == b"RIFF" and len(small) == len(spare)


BAD = {
    "empty": b"",
    "three bytes": b"RIF",
    "header cut": header_bytes(Header("pcm_f32le", 2, RATE, 80))[:30],
    "no data": header_bytes(Header("pcm_f32le", 2, RATE, 80))[:-8],
    "0 channels": b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 1, 0, 48000, 0, 0, 16),
    "0 Hz": b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 1, 2, 0, 0, 4, 16),
    "data first": b"RIFF\0\0\0\0WAVEdata\x04\0\0\0\0\0\0\0",
    "huge fmt": b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\x7f",
    "odd bits": b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 1, 2, 48000, 0, 4, 13),
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("pipe", [False, True])
def test_damage_is_one_clear_error(what, pipe):
    with pytest.raises(AvtoolsError, match=r"x\.wav: .*(WAV|Hz|channels)"):
        read_bytes(BAD[what], pipe)


def mutated(seed: np.ndarray, random: np.random.Generator) -> bytes:
    """A valid file with some of its bytes changed, removed, doubled, or cut short."""
    data = seed.copy()
    for _ in range(random.integers(1, 6)):
        # Half of the damage goes to the header, where it matters most.
        reach = min(len(data), 80) if random.random() < 0.5 else len(data)
        if reach == 0:
            break
        at, kind = random.integers(reach), random.integers(5)
        if kind == 0:
            data[at] = random.integers(256)
        elif kind == 1:
            data[at : at + 4] = random.choice([0, 255, 127, 128])
        elif kind == 2:
            data = np.delete(data, slice(at, at + random.integers(1, 40)))
        elif kind == 3:
            data = np.insert(data, at, data[at : at + random.integers(1, 40)])
        else:
            data = data[: random.integers(len(data) + 1)]
    return data.tobytes()


def test_twenty_thousand_damaged_files():
    """Each is read or refused in words: no other exception, no flood of samples, no wait."""
    random = np.random.default_rng(7)
    seeds = [
        np.frombuffer(written(noise(c, 40), codec, known, marks=marks), np.uint8)
        for c, codec, known, marks in [
            (1, "pcm_s16le", True, {}),
            (2, "pcm_f32le", False, {"convention": "ambix", "order": 1}),
            (4, "pcm_s24le", True, {"source": "a.wav"}),
            (3, "pcm_f64le", True, {}),
        ]
    ]
    rf64 = header_bytes(Header("pcm_f32le", 2, RATE, 5 << 30), spare=True) + bytes(80)
    seeds.append(np.frombuffer(rf64, np.uint8))
    read = refused = 0
    for k in range(20_000):
        data = mutated(seeds[k % len(seeds)], random)
        try:
            sound, x = read_bytes(data, pipe=k % 4 == 0)
        except (AvtoolsError, NotWire):
            refused += 1
        else:
            read += 1
            assert x.nbytes <= 8 * len(data)
            assert sound.channels >= 1 and sound.rate >= 1
    assert read > 2000 and refused > 2000  # the damage reaches both
