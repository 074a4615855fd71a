"""Sound with holes keeps its times, windows are the same however a format seeks, and damaged media
files are read or refused in one line."""

import numpy as np
import pytest

from avtools.cli import status
from tests.scenes import RATE, avtools, load, needs_ffmpeg, shell

CLICKS = "if(between(t,0.5,0.52)+between(t,4,4.02),0.5*sin(2*PI*1000*t),0)"


@needs_ffmpeg
@pytest.mark.parametrize(("ending", "codec"), [("mkv", "flac"), ("mp4", "aac"), ("ts", "aac")])
def test_a_hole_in_the_sound_stays_a_hole(tmp_path, ending, codec):
    source = tmp_path / f"gap.{ending}"
    made = shell(
        "ffmpeg -v error -f lavfi -i testsrc2=s=64x64:r=10:d=5 "
        f"-f lavfi -i \"aevalsrc='{CLICKS}|{CLICKS}':s={RATE}:d=5\" "
        "-filter_complex \"[1]aselect='not(between(t,2,3))'[a]\" -map 0:v -map '[a]' "
        f"-c:a {codec} -pix_fmt yuv420p {source}"
    )
    assert made.returncode == 0, made.stderr
    done = avtools("flip", source, "-o", tmp_path / "out.mp4")
    assert done.returncode == 0 and done.stderr.decode().count("filled with silence") == 1
    assert avtools("convert", tmp_path / "out.mp4", "-o", tmp_path / "out.wav").returncode == 0
    heard = np.flatnonzero(np.abs(load(tmp_path / "out.wav")[:, 0]) > 0.15) / RATE
    first = heard[0]
    second = heard[heard > 2][0]
    assert abs(second - first - 3.5) < 0.003


@needs_ffmpeg
@pytest.mark.parametrize("codec", ["adpcm_ms", "adpcm_ima_wav"])
def test_a_window_of_adpcm_is_where_it_should_be(tmp_path, codec):
    """Its clock lies, so it is not sought."""
    file = tmp_path / "x.wav"
    shell(f"ffmpeg -v error -f lavfi -i anoisesrc=d=40:r=16000:seed=3 -c:a {codec} {file}")
    avtools("convert", file, "-o", tmp_path / "all.wav")
    avtools("convert", file, "--start", "30.5", "--duration", "1", "-o", tmp_path / "part.wav")
    want = load(tmp_path / "all.wav")[488_000:504_000]
    assert np.array_equal(load(tmp_path / "part.wav"), want)


MEDIA = {
    "a.mp4": "-f lavfi -i testsrc2=s=64x64:r=10:d=0.5 {} -c:a aac -pix_fmt yuv420p",
    "a.mkv": "-f lavfi -i testsrc2=s=64x64:r=10:d=0.5 {} -c:a libopus -pix_fmt yuv420p",
    "a.ts": "-f lavfi -i testsrc2=s=64x64:r=10:d=0.5 {} -c:a aac -pix_fmt yuv420p",
    "a.flac": "{}",
    "a.ogg": "{} -c:a libvorbis",
    "a.m4a": "{} -c:a alac",
    "a.caf": "{} -c:a pcm_s16le",
    "a.aiff": "{}",
    "a.mp3": "{}",
}


@needs_ffmpeg
@pytest.mark.parametrize("name", MEDIA)
def test_damaged_media_are_read_or_refused(tmp_path, name, capfd):
    sound = f"-f lavfi -i anoisesrc=d=0.5:r={RATE} -ac 2"
    made = shell(f"ffmpeg -v error {MEDIA[name].format(sound)} {tmp_path}/{name}")
    assert made.returncode == 0, made.stderr
    good = np.frombuffer((tmp_path / name).read_bytes(), np.uint8)
    random = np.random.default_rng(9)
    for k in range(40):
        data = good.copy()
        for at in random.integers(0, len(data) if k % 2 else 600, random.integers(1, 12)):
            data[at % len(data)] = random.integers(256)
        path = tmp_path / f"{k}-{name}"
        path.write_bytes(data[: random.integers(len(data)) if k % 5 == 0 else None].tobytes())
        out = tmp_path / "out.wav"
        for run in (["probe", str(path)], ["convert", str(path), "-o", str(out)]):
            answer = status(run)
            told = capfd.readouterr().err
            assert answer in (0, 2), told
            assert sum("warning:" not in line for line in told.splitlines()) == (answer == 2), told
