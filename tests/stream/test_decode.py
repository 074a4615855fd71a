"""Sound out of every container: at the time it is heard, after a seek too, and damage in words."""

import shutil
import subprocess
from fractions import Fraction

import av
import numpy as np
import pytest

from avtools import cli, errors
from avtools.stream import decode, timeline
from avtools.stream.files import open_sound
from avtools.stream.streams import list_streams

RATE = 48000
TONE = "aevalsrc=0.3*sin(2*PI*(300+40*t)*t)+0.1*(random(0)-0.5):s={rate}:d={seconds}"
PICTURE = ["-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d={seconds}", "-c:v", "libx264"]


def ffmpeg(*arguments):
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg binary to make the files with")
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"this ffmpeg can't make it: {made.stderr.strip().splitlines()[-1]}")


def make(path, *coding, seconds=2.0, rate=RATE, picture=False):
    with_picture = [a.format(seconds=seconds) for a in PICTURE] if picture else []
    tone = TONE.format(rate=rate, seconds=seconds)
    ffmpeg("-f", "lavfi", "-i", tone, *with_picture, *coding, path)
    return path


def samples(path, **window) -> np.ndarray:
    with open_sound(str(path), **window) as sound:
        return np.concatenate([x.copy() for x in sound.blocks], axis=-1)


def as_decoded(path) -> np.ndarray:
    """Every decoded frame after the other, whatever its time."""
    with av.open(str(path)) as container:
        frames = container.decode(container.streams.audio[0])
        return np.concatenate([f.to_ndarray().reshape(1, -1) for f in frames], axis=-1)


@pytest.fixture
def said(capsys, monkeypatch):
    monkeypatch.setitem(errors.speaker, "level", errors.NORMAL)
    return lambda: capsys.readouterr().err.splitlines()


# Time


@pytest.mark.parametrize(
    ("name", "codec"), [("g.mkv", "pcm_s16le"), ("g.mkv", "aac"), ("g.mp4", "aac"), ("g.ts", "aac")]
)
def test_what_follows_a_gap_keeps_its_time(tmp_path, said, name, codec):
    """A click at 0.5 s and at 4 s, and no sound at all between 1.5 and 3.7 s."""
    path, click = tmp_path / name, "aevalsrc=0.5*(between(t\\,0.5\\,0.6)+between(t\\,4\\,4.1))"
    gap = ["-af", "aselect=not(between(t\\,1.5\\,3.7))", "-c:a", codec]
    video = [a.format(seconds=5) for a in PICTURE]
    ffmpeg("-f", "lavfi", "-i", f"{click}:s={RATE}:d=5", *video, *gap, path)
    loud = np.flatnonzero(np.abs(samples(path)[0]) > 0.25)
    later = loud[loud > loud[0] + RATE]
    assert (later[0] - loud[0]) / RATE == pytest.approx(3.5, abs=0.001)
    (warning,) = said()
    assert "filled with silence" in warning


@pytest.mark.parametrize("codec", ["aac", "libmp3lame", "libvorbis"])
@pytest.mark.parametrize("name", ["c.mkv", "c.flv"])
def test_a_coarse_clock_changes_no_sample(tmp_path, said, name, codec):
    """At 44.1 kHz no frame begins on a whole millisecond."""
    if name == "c.flv" and codec == "libvorbis":
        pytest.skip("FLV holds no Vorbis")
    path = make(tmp_path / name, "-c:a", codec, seconds=20, rate=44100, picture=True)
    assert np.array_equal(samples(path), as_decoded(path))
    assert said() == []


def timed(path, times_ms):
    """Matroska with 100 ms of PCM at each of these times: the k-th at level (k + 1) / 100."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for k, time in enumerate(times_ms):
            level = np.full((1, RATE // 10), (k + 1) * 32768 // 100, np.int16)
            frame = av.AudioFrame.from_ndarray(level, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, None, Fraction(1, RATE)
            for packet in stream.encode(frame):
                packet.pts = packet.dts = time
                packet.time_base = Fraction(1, 1000)
                out.mux(packet)
    return path


def levels(path) -> list[int]:
    """The level in the middle of every 100 ms, in hundredths."""
    x = samples(path)[0]
    assert len(x) % (RATE // 10) == 0
    return np.rint(100 * x[RATE // 20 :: RATE // 10]).astype(int).tolist()


def test_jitter_adds_and_drops_nothing(tmp_path, said):
    path = timed(tmp_path / "j.mkv", [0, 112, 190, 308, 400, 511, 590])
    assert levels(path) == [1, 2, 3, 4, 5, 6, 7]
    assert said() == []


def test_gaps_are_filled_to_the_sample(tmp_path, said):
    path = timed(tmp_path / "g.mkv", [0, 100, 400, 500, 800])
    assert levels(path) == [1, 2, 0, 0, 3, 4, 0, 0, 5]
    assert len(said()) == 1


def test_what_comes_twice_is_heard_once(tmp_path, said):
    path = timed(tmp_path / "o.mkv", [0, 100, 100, 200, 300])
    assert levels(path) == [1, 2, 4, 5]
    assert "overlaps" in said()[0]


@pytest.mark.parametrize("jump_ms", [40_000_000, 864_000_000])
def test_a_broken_clock_makes_no_hours_of_silence(tmp_path, said, jump_ms):
    path = timed(tmp_path / "b.mkv", [0, 100, 200 + jump_ms, 300 + jump_ms])
    assert levels(path) == [1, 2, 3, 4]
    assert "jump" in said()[0]


def test_many_gaps_are_bounded_in_all(tmp_path, monkeypatch, said):
    monkeypatch.setattr(timeline, "MOST_SILENCE_SECONDS", 1.0)
    path = timed(tmp_path / "m.mkv", [0, 700, 1400, 2100])
    assert levels(path) == [1, *[0] * 6, 2, 3, 4]
    assert len(said()) == 2


def test_a_clock_that_hardly_runs_drops_a_second_at_most(tmp_path):
    path = timed(tmp_path / "s.mkv", range(40))
    assert samples(path).shape[-1] >= 3 * RATE  # of 4 s


# Seeking


SEEKABLE = {
    "a.m4a": ["aac"], "b.m4a": ["alac"], "c.flac": ["flac"], "d.ogg": ["libopus"],
    "e.ogg": ["libvorbis"], "f.mp3": ["libmp3lame"], "f2.mp3": ["libmp3lame", "-q:a", "3"],
    "g.wav": ["adpcm_ms"], "h.wav": ["adpcm_ima_wav"], "i.aiff": ["pcm_s16be"],
    "j.caf": ["pcm_s16be"], "k.caf": ["alac"], "l.mka": ["aac"], "m.mka": ["libopus"],
    "n.mp4": ["ac3"], "o.mp4": ["aac", "-movflags", "frag_keyframe+empty_moov"],
    "p.aac": ["aac"], "q.w64": ["pcm_s16le"], "r.au": ["pcm_s16be"], "s.mov": ["pcm_s24le"],
    "t.mp4": ["libopus"], "u.ts": ["aac"], "v.avi": ["libmp3lame"], "w.aiff": ["adpcm_ima_qt"],
}  # fmt: skip


@pytest.mark.parametrize("name", SEEKABLE)
def test_a_start_gives_what_is_there(tmp_path, name):
    path = make(tmp_path / name, "-c:a", *SEEKABLE[name], seconds=46)
    whole = samples(path)
    for start in (21.0, 33.3337, 42.5):
        at = round(start * RATE)
        part = samples(path, start=start, duration=2)
        assert np.array_equal(part, whole[:, at : at + 2 * RATE]), start


def test_some_starts_are_sought(tmp_path):
    path = make(tmp_path / "a.m4a", "-c:a", "aac", seconds=46)
    with open(path, "rb") as file:
        sound = decode.decode_sound(file.fileno(), str(path), b"", True, start=42.5)
        assert 40 * RATE < sound.skipped < 42.5 * RATE
        sound.close()


# What nobody knows


@pytest.fixture(scope="module")
def unknown_picture(tmp_path_factory):
    path = make(
        tmp_path_factory.mktemp("unknown") / "u.mp4", "-ac", "2", "-c:a", "aac", picture=True
    )
    return swapped(path, b"avc1")


def swapped(path, codec: bytes):
    data = bytearray(path.read_bytes())
    at = data.index(codec, data.index(b"stsd"))
    data[at : at + 4] = b"zzzz"
    path.write_bytes(data)
    return path


def test_an_unknown_picture_is_a_row(unknown_picture):
    picture, sound = list_streams(str(unknown_picture))
    assert (picture.kind, picture.rate, picture.duration) == ("video", 10.0, 2.0)
    assert (sound.kind, sound.sounds) == ("audio", (2,))


def test_an_unknown_sound_is_a_row(tmp_path, capfd):
    path = swapped(make(tmp_path / "u.m4a", "-c:a", "alac"), b"alac")
    assert [s.kind for s in list_streams(str(path))] == ["unknown audio"]
    assert cli.status(["convert", str(path), "-o", str(tmp_path / "o.wav")]) == 2
    assert capfd.readouterr().err.count("\n") == 1
    assert cli.status(["probe", "--check", str(path)]) == 3  # it can't be told
    capfd.readouterr()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_an_unknown_picture_is_not_written(unknown_picture, tmp_path, capfd, suffix):
    output = tmp_path / f"o{suffix}"
    assert cli.status(["flip", str(unknown_picture), "-o", str(output)]) == 2
    assert "unknown coding" in capfd.readouterr().err
    assert not output.exists()


# Damage


FUZZED = {
    "a.mp4": ["aac"], "b.mkv": ["libopus"], "c.flac": ["flac"], "d.ogg": ["libvorbis"],
    "e.m4a": ["alac"], "f.caf": ["pcm_s16be"], "g.aiff": ["pcm_s16be"], "h.mp3": ["libmp3lame"],
    "i.ts": ["aac"], "j.wav": ["adpcm_ms"], "k.opus": ["libopus"], "l.wav": ["adpcm_ima_wav"],
}  # fmt: skip
PICTURED = (".mp4", ".mkv", ".ts")
MUTATIONS = 30


def damaged(data: bytes, rng) -> bytes:
    """A few bytes changed (half of the times in the header), a piece gone, or the end."""
    data, kind = bytearray(data), rng.integers(5)
    reach = len(data) if kind < 2 else min(len(data), 1500)
    if kind < 4:
        for at in rng.integers(0, reach, rng.integers(1, 12)):
            data[at] = rng.choice([0, 255, 127, 128, rng.integers(256)])
    if kind == 3:
        at = int(rng.integers(len(data)))
        del data[at : at + int(rng.integers(1, 400))]
    if kind == 4:
        del data[int(rng.integers(len(data))) :]
    return bytes(data)


@pytest.mark.parametrize("name", FUZZED)
def test_damage_is_told_in_one_line(tmp_path, capfd, monkeypatch, name):
    monkeypatch.setattr(timeline, "MOST_SILENCE_SECONDS", 5.0)
    picture = name.endswith(PICTURED)
    whole = make(tmp_path / name, "-c:a", *FUZZED[name], seconds=0.4, picture=picture).read_bytes()
    rng, path = np.random.default_rng(list(name.encode())), tmp_path / f"x{name}"
    for k in range(MUTATIONS):
        path.write_bytes(damaged(whole, rng))
        for command in (["probe", str(path)], ["convert", str(path), "-o", f"{tmp_path}/o.wav"]):
            code = cli.status(command)
            said = capfd.readouterr().err
            assert code in (0, 2), (k, command[0], code, said)
            assert "Traceback" not in said, (k, command[0])
            errors_said = [line for line in said.splitlines() if ": warning: " not in line]
            assert len(errors_said) <= (code == 2), (k, command[0], said)
