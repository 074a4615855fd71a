"""Frames at chosen times: the right frame at each tick, however the file is made and read."""

import gc
import io
import math
import os
import shutil
import subprocess
from fractions import Fraction

import av
import numpy as np
import pytest

import avtools.stream.seeking as seeking
from avtools import errors
from avtools.errors import AvtoolsError
from avtools.stream.video import frames, video_facts

WIDTH, HEIGHT = 192, 96
TESTED = "testsrc2=s=192x96:r=25:d={d}"


def ffmpeg(*arguments):
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg binary to make or check the video with")
    return subprocess.run(
        ["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True, capture_output=True
    ).stdout


def encode(path, times, *, codec="libx264", unit=Fraction(1, 1000), bframes=3, group=12):
    """A video whose frame k is shown at times[k] (units) and has the number k written in it."""
    options = {"crf": "1", "sc_threshold": "0"} if codec == "libx264" else {}
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base, stream.codec_context.gop_size = unit, group
        stream.codec_context.max_b_frames = bframes
        for k, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(numbered(k), format="rgb24").reformat(
                format="yuv420p"
            )
            frame.pts, frame.time_base = time, unit
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def numbered(k: int) -> np.ndarray:
    """Twelve bars, white where the number has a one."""
    bits = [(k >> b) & 1 for b in range(12)]
    row = np.repeat(np.array(bits, np.uint8) * 255, WIDTH // 12)
    return np.broadcast_to(row[None, :, None], (HEIGHT, WIDTH, 3)).copy()


def number(picture: np.ndarray) -> int:
    width = picture.shape[1] // 12
    middle = picture[picture.shape[0] // 2, :, 1]
    return sum(int(middle[b * width + width // 2] > 127) << b for b in range(12))


def seen(path, **options) -> list[tuple[float, int]]:
    return [(time, number(picture)) for time, picture in frames(path, **options)]


def shown_at(times: list[Fraction], tick: Fraction) -> int:
    return max(k for k, time in enumerate(times) if time <= tick)


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    """Variable frame rate with B-frames: gaps from 20 to 700 ms. (file, times in seconds)"""
    rng = np.random.default_rng(3)
    gaps = rng.choice([20, 33, 40, 70, 250, 700], 120, p=[0.2, 0.2, 0.3, 0.2, 0.07, 0.03])
    times = [0, *np.cumsum(gaps).tolist()]
    path = encode(tmp_path_factory.mktemp("uneven") / "uneven.mp4", times)
    return path, [Fraction(t, 1000) for t in times]


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """40 s at 5 frames a second with a keyframe every 4 s."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    return encode(path, range(200), unit=Fraction(1, 5), group=20)


def test_without_a_rate_every_frame_comes_at_its_own_time(uneven):
    path, times = uneven
    assert seen(path) == [(float(t), k) for k, t in enumerate(times)]


@pytest.mark.parametrize("rate", [1, 6, 25, 7.5, Fraction(30000, 1001), 200])
def test_a_tick_shows_the_last_frame_before_it(uneven, rate):
    path, times = uneven
    got = seen(path, rate=rate)
    exact = Fraction(rate)
    ticks = [k / exact for k in range(math.ceil((times[-1]) * exact) + 1)]
    expected = [(float(t), shown_at(times, t)) for t in ticks if t <= times[-1]]
    assert got[: len(expected)] == expected
    # What follows is still the last frame, for no longer than it lasts.
    assert all(n == len(times) - 1 for _, n in got[len(expected) :])


@pytest.mark.parametrize("start", [0.0, 0.5, 1.234, 4.0])
@pytest.mark.parametrize("duration", [None, 0.5, 2.0])
def test_a_window_is_cut_from_the_same_frames(uneven, start, duration):
    path, times = uneven
    first, rate = Fraction(str(start)), 6
    end = times[-1] if duration is None else first + Fraction(str(duration))
    got = seen(path, rate=rate, start=start, duration=duration)
    ticks = [first + Fraction(k, rate) for k in range(200) if first + Fraction(k, rate) < end]
    assert got[: len(ticks)] == [(float(t), shown_at(times, t)) for t in ticks]
    assert duration is None or len(got) == len(ticks)
    every = seen(path, start=start, duration=duration)
    assert [t for t, _ in every] == [
        float(t) for t in times if t >= first and (duration is None or t < end)
    ]


def test_ticks_do_not_drift_in_an_hour(tmp_path):
    """A frame each 10 min at 29.97 ticks a second: each tick once, at k / rate to the last bit."""
    path = encode(tmp_path / "slow.mp4", range(7), unit=Fraction(600), group=1, bframes=0)
    rate = Fraction(30000, 1001)
    got = [t for t, _ in frames(path, rate=rate, size=(12, 2), duration=3600)]
    assert len(got) == math.ceil(3600 * rate)
    assert all(t == float(k / rate) for k, t in enumerate(got))


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts", "webm"])
@pytest.mark.parametrize("interval", [1, 6, 13])
def test_seeking_and_reading_through_show_the_same(long, tmp_path, ending, interval, monkeypatch):
    path = tmp_path / f"long.{ending}"
    if ending == "webm":
        ffmpeg(
            "-i", long, "-c:v", "libvpx-vp9", "-g", 20, "-crf", 20, "-deadline", "realtime", path
        )
    else:
        ffmpeg("-i", long, "-c", "copy", path)
    options = {"rate": Fraction(1, interval), "size": (48, 24)}
    sought = list(frames(path, **options))
    later = list(frames(path, **options, start=sought[0][0] + 21.5))
    monkeypatch.setattr(seeking, "SEEKABLE", set())
    through = list(frames(path, **options))
    assert [t for t, _ in sought] == [t for t, _ in through]
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(sought, through, strict=True))
    late = list(frames(path, **options, start=sought[0][0] + 21.5))
    assert [t for t, _ in later] == [t for t, _ in late]
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(later, late, strict=True))


def test_sparse_ticks_decode_a_part_of_the_file_only(long, monkeypatch):
    decoded = []
    units = seeking.FrameClock.units
    monkeypatch.setattr(
        seeking.FrameClock, "units", lambda self, frame: decoded.append(1) or units(self, frame)
    )
    monkeypatch.setattr(seeking, "SEEK_FRAMES", 3)
    assert [n for _, n in seen(long, rate=Fraction(1, 8))] == [0, 40, 80, 120, 160]
    assert len(decoded) < 100


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    ffmpeg("-f", "lavfi", "-i", TESTED.format(d=2), "-bf", 3, "-g", 10, "-pix_fmt", "yuv420p", path)
    return path


def raw(path, *options):
    """What the ffmpeg binary shows."""
    way = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-sws_flags", "bilinear", "-"]
    return np.frombuffer(ffmpeg(*options[:2], "-i", path, *options[2:], *way), np.uint8)


def assert_same_pictures(mine, theirs):
    assert len(mine) == len(theirs)
    # Two versions of libswscale; the next frame is more than 3 off.
    assert max(np.abs(a.astype(int) - b).mean() for a, b in zip(mine, theirs, strict=True)) < 1.5


@pytest.mark.parametrize("start, duration", [(0, 5), (0.52, 1.0), (1.2, 0.4)])
def test_the_ffmpeg_binary_gives_the_same_frames(clip, start, duration):
    mine = [p for _, p in frames(clip, start=start, duration=duration)]
    theirs = raw(clip, "-ss", start, "-t", duration, "-vsync", "passthrough")
    assert_same_pictures(mine, theirs.reshape(-1, HEIGHT, WIDTH, 3))


@pytest.mark.parametrize("rate, start, duration", [(6, 0, 2), (10, 0.5, 1), (4, 1.25, 0.5)])
def test_the_ffmpeg_binary_gives_the_same_ticks(clip, rate, start, duration):
    mine = [p for _, p in frames(clip, rate=rate, start=start, duration=duration)]
    # `round=up` moves each frame to the next tick: a tick shows the last frame before it.
    theirs = raw(clip, "-t", 9, "-vf", f"fps={rate}:round=up:start_time=0")
    first = round(start * rate)
    theirs = theirs.reshape(-1, HEIGHT, WIDTH, 3)[first : first + round(duration * rate)]
    assert_same_pictures(mine, theirs)


def test_a_start_on_the_clock_of_a_transport_stream(tmp_path, uneven):
    path, times = tmp_path / "late.ts", uneven[1]
    ffmpeg("-itsoffset", "3600.5", "-i", uneven[0], "-c", "copy", "-muxdelay", 0, path)
    every = [t for t, _ in frames(path, size=(24, 12))]
    begin = every[0]
    assert begin > 3600
    assert np.allclose(np.array(every) - begin, [float(t) for t in times], atol=1e-4)
    # Ticks count from `start`; those before the first frame have no picture.
    early = [t for t, _ in frames(path, size=(24, 12), rate=1, start=0.0)]
    assert early[0] == math.ceil(begin) and early[1] == early[0] + 1
    own = [t for t, _ in frames(path, size=(24, 12), rate=1)]
    assert own[0] == begin
    assert video_facts(path).start == pytest.approx(begin, abs=1e-6)


def test_frames_before_an_edit_list_are_not_shown(tmp_path):
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    encode(whole, range(50), unit=Fraction(1, 25), group=25)
    ffmpeg("-ss", "0.6", "-i", whole, "-c", "copy", cut)
    got = seen(cut)
    # The copy holds frames from the keyframe at 0 on; what is shown starts at frame 15.
    assert [n for _, n in got] == list(range(15, 50))
    assert got[0][0] == pytest.approx(0, abs=0.04)


@pytest.mark.parametrize("ending", ["gif", "mkv", "avi", "png", "jpg"])
def test_other_containers(tmp_path, ending):
    path = tmp_path / f"clip.{ending}"
    one = ["-frames:v", 1] if ending in ("png", "jpg") else []
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=192x96:r=10:d=2", *one, path)
    every = list(frames(path))
    assert len(every) == (1 if one else 20)
    assert np.diff([t for t, _ in every]) == pytest.approx(0.1)
    reference = raw(path, "-t", 9).reshape(-1, HEIGHT, WIDTH, 3)
    assert np.abs(every[-1][1].astype(int) - reference[-1]).mean() < 1.5
    ticks = list(frames(path, rate=5))
    assert len(ticks) == (1 if one else 10)


def test_a_pipe_is_read_as_a_file_is(uneven, tmp_path):
    path = tmp_path / "clip.mkv"
    ffmpeg("-i", uneven[0], "-c", "copy", path)
    read, write = os.pipe()
    writer = subprocess.Popen(["cat", path], stdout=write)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        assert seen(pipe, rate=6) == seen(path, rate=6)
    writer.wait()
    with open(path, "rb") as file:
        assert seen(file, rate=6, start=2.0) == seen(path, rate=6, start=2.0)
    assert seen(io.BytesIO(path.read_bytes()), rate=6) == seen(path, rate=6)


def test_keyframes_only(long):
    assert [n for _, n in seen(long, keyframes=True)] == list(range(0, 200, 20))
    assert [n for _, n in seen(long, keyframes=True, rate=0.5)][:4] == [0, 0, 20, 20]


def test_a_size_and_the_colours(tmp_path):
    path = tmp_path / "clip.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=red:s=192x96:d=0.2", "-pix_fmt", "yuv420p", path)
    _, picture = next(frames(path, size=(40, 30)))
    assert picture.shape == (30, 40, 3) and picture.dtype == np.uint8
    assert np.abs(picture.astype(int) - [255, 0, 0]).max() < 6


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_a_phone_that_was_held_sideways(tmp_path, angle):
    """The picture comes as the ffmpeg binary turns it."""
    stored, path = tmp_path / "stored.mp4", tmp_path / "phone.mp4"
    ffmpeg("-f", "lavfi", "-i", TESTED.format(d=0.2), "-pix_fmt", "yuv420p", stored)
    ffmpeg("-i", stored, "-c", "copy", "-metadata:s:v", f"rotate={angle}", path)
    facts = video_facts(path)
    sideways = angle != 180
    assert (facts.width, facts.height) == ((HEIGHT, WIDTH) if sideways else (WIDTH, HEIGHT))
    _, picture = next(frames(path))
    shown = raw(path, "-t", 9, "-frames:v", 1).reshape(facts.height, facts.width, 3)
    assert np.abs(picture.astype(int) - shown).mean() < 2
    _, upright = next(frames(stored))
    assert np.array_equal(np.rot90(upright, facts.rotation // 90), picture)
    _, small = next(frames(path, size=(50, 30)))
    assert small.shape == (30, 50, 3)


def test_damage_in_the_middle_is_told_once_and_passed(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(errors.speaker, "level", errors.NORMAL)
    path = tmp_path / "clip.mkv"
    encode(path, range(100), unit=Fraction(1, 25), group=10, bframes=0, codec="mpeg4")
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    for position, size in packets[42:45]:
        start = data.find(bytes(data[position : position + 4]), position)
        data[start + 6 : start + size] = bytes(size - 6)
    path.write_bytes(data)
    got = seen(path)
    assert len(got) > 80 and got[-1] == (99 / 25, 99)
    assert capsys.readouterr().err.count("damaged") <= 1


def test_a_truncated_file_gives_what_is_there(tmp_path):
    path = encode(tmp_path / "clip.mkv", range(50), unit=Fraction(1, 25))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    got = [n for _, n in seen(path)]
    assert 15 < len(got) < 50 and got[:15] == list(range(15))


def test_what_cannot_be_read_is_said_in_one_line(tmp_path):
    sound = tmp_path / "sound.wav"
    with av.open(str(sound), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.rate = 8000
        out.mux(stream.encode(frame))
    with pytest.raises(AvtoolsError, match=r"sound\.wav: no video stream$"):
        next(frames(sound))
    text = tmp_path / "text.mp4"
    text.write_text("no video at all")
    with pytest.raises(AvtoolsError, match=r"text\.mp4: "):
        video_facts(text)
    with pytest.raises(AvtoolsError, match=r"none\.mp4: No such file"):
        video_facts(tmp_path / "none.mp4")
    clip = encode(tmp_path / "clip.mp4", range(5), unit=Fraction(1, 25))
    with pytest.raises(AvtoolsError, match="no video stream 1, it has 1"):
        next(frames(clip, stream=1))
    with pytest.raises(ValueError, match="rate 0"):
        next(frames(clip, rate=0))


def test_the_facts(uneven):
    facts = video_facts(uneven[0])
    assert (facts.width, facts.height, facts.codec, facts.streams) == (192, 96, "h264", 1)
    assert facts.frames == len(uneven[1]) and facts.pixel_format == "yuv420p"
    assert facts.duration == pytest.approx(float(uneven[1][-1]), abs=0.1)
    assert facts.start == 0 and facts.rotation == 0 and facts.aspect == 1


def test_frames_are_let_go_of(clip):
    """However long the video, few frames are in memory: nothing waits for Python's collector."""
    gc.collect()
    gc.disable()
    try:
        for _ in frames(clip, size=(12, 6)):
            pass
        held = sum(isinstance(thing, av.VideoFrame) for thing in gc.get_objects())
    finally:
        gc.enable()
    assert held < 10
