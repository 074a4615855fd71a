"""probe, as a person runs it."""

import csv
import io
import json
import os

import numpy as np
import pytest

from tests.commands.test_convert import diffuse
from tests.scenes import RATE, avtools, needs_data, needs_ffmpeg, noise, one_line, save, shell

COLUMNS = "file,stream,kind,channels,rate,duration,layout,convention,confidence,problems"


def rows(*arguments) -> list[dict]:
    done = avtools("probe", *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def speech(seconds: float = 3.0, seed: int = 0) -> np.ndarray:
    """Noise that comes and goes, `(samples,)`."""
    n = round(seconds * RATE)
    pulse = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * np.arange(n) / RATE)
    return noise(1, n, seed)[:, 0] * pulse.astype(np.float32)


def stereo(left, right) -> np.ndarray:
    return np.stack([left, right], 1).astype(np.float32)


A, B = speech(seed=1), speech(seed=2)
FAULTY = {
    "dual mono": stereo(A, A),
    "near mono": stereo(A + 0.01 * B, A - 0.01 * B),
    "inverted polarity": stereo(A, -A),
    "dead channel 1": stereo(A, 0 * A),
    "silent channel 0": stereo(1e-6 * A, A),
    "clipping": stereo(np.clip(8 * A, -1, 1), B),
    "silent": stereo(0 * A, 0 * A),
    "dc offset": stereo(A + 0.1, B + 0.1),
    "nan": stereo(np.where(np.arange(len(A)) == 9, np.nan, A), B),
}


@pytest.mark.parametrize("problem", FAULTY)
def test_faults_are_named_and_answered(tmp_path, problem):
    save(tmp_path / "x.wav", FAULTY[problem])
    (row,) = rows(tmp_path / "x.wav")
    assert problem in row["problems"]
    done = avtools("probe", "--check", tmp_path / "x.wav")
    assert done.returncode == 1 and problem in done.stdout.decode()


def test_nothing_is_wrong_with_good_stereo(tmp_path):
    save(tmp_path / "x.wav", stereo(A + 0.4 * B, 0.4 * A + B))
    (row,) = rows(tmp_path / "x.wav")
    assert row == {
        "file": str(tmp_path / "x.wav"), "stream": 0, "kind": "audio", "channels": 2,
        "rate": RATE, "duration": 3.0, "layout": "stereo", "convention": None,
        "confidence": row["confidence"], "problems": None,
    }  # fmt: skip
    assert row["confidence"] > 0.9
    assert avtools("probe", "--check", tmp_path / "x.wav").returncode == 0


@pytest.mark.parametrize("convention", ["ambix", "fuma", "n3d"])
def test_conventions(tmp_path, convention):
    save(tmp_path / "x.wav", diffuse(convention))
    (row,) = rows(tmp_path / "x.wav")
    assert (row["layout"], row["convention"]) == ("ambisonic 1", convention)
    assert row["confidence"] > 0.5


def test_four_unrelated_channels_are_no_sound_field(tmp_path):
    save(tmp_path / "x.wav", np.stack([speech(seed=k) for k in range(4)], 1))
    (row,) = rows(tmp_path / "x.wav")
    assert row["convention"] is None and "ambisonic" not in row["layout"]


def test_missing_height_and_youtubes_layout(tmp_path):
    ambix = diffuse("ambix")
    save(tmp_path / "flat.wav", ambix * [1, 1, 0, 1])
    assert "missing Z" in rows(tmp_path / "flat.wav")[0]["problems"]


@needs_ffmpeg
def test_five_point_one_that_is_ambisonics(tmp_path):
    w, y, z, x = diffuse("ambix").T
    save(tmp_path / "x.wav", np.stack([x, y, w, 0 * w, z, 0 * w], 1))
    shell(f"ffmpeg -v error -i {tmp_path}/x.wav -b:a 512k {tmp_path}/x.m4a")
    (row,) = rows(tmp_path / "x.m4a")
    assert row["convention"] == "youtube" and "5.1-tagged ambisonics" in row["problems"]


@needs_ffmpeg
def test_video_and_its_marks(tmp_path):
    save(tmp_path / "foa.wav", diffuse("ambix", 2 * RATE))
    shell(
        "ffmpeg -v error -f lavfi -i testsrc2=s=128x64:r=10:d=2 -pix_fmt yuv420p "
        f"{tmp_path}/picture.mp4"
    )
    made = ("convert", tmp_path / "foa.wav", "--video", tmp_path / "picture.mp4")
    assert avtools(*made, "-o", tmp_path / "plain.mp4").returncode == 0
    assert avtools(*made, "--spherical", "mono", "-o", tmp_path / "good.mp4").returncode == 0
    picture, sound = rows(tmp_path / "good.mp4")
    assert (picture["kind"], picture["layout"], picture["rate"]) == ("video", "equirectangular", 10)
    assert (sound["kind"], sound["convention"]) == ("audio", "ambix")
    assert sound["confidence"] > 0.99
    assert avtools("probe", "--check", tmp_path / "good.mp4").returncode == 0
    plain = avtools("probe", "--check", tmp_path / "plain.mp4")
    assert plain.returncode == 1 and b"no spatial metadata" in plain.stdout
    (only,) = rows(tmp_path / "good.mp4", "--stream", "1")
    assert only["stream"] == 1
    assert "no stream 7" in one_line(avtools("probe", tmp_path / "good.mp4", "--stream", "7"))


def test_tables(tmp_path):
    save(tmp_path / "a.wav", noise(2))
    save(tmp_path / "b.wav", noise(1))
    table = avtools("probe", tmp_path / "a.wav", tmp_path / "b.wav").stdout.decode()
    lines = table.splitlines()
    assert lines[0] == COLUMNS and len(lines) == 3
    parsed = list(csv.DictReader(io.StringIO(table)))
    assert [p["channels"] for p in parsed] == ["2", "1"]
    assert parsed[1]["convention"] == ""
    bare = avtools("probe", tmp_path, "--no-header", "--jobs", "2").stdout.decode()
    assert bare.splitlines() == lines[1:]
    avtools("probe", tmp_path / "a.wav", "-o", tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text().splitlines() == lines[:2]
    piped = avtools("probe", input=(tmp_path / "a.wav").read_bytes()).stdout.decode()
    assert piped.splitlines()[1].startswith("-,0,audio,2,48000,0.1,")
    assert "expected one of" in one_line(avtools("probe", tmp_path, "--format", "xml"))


def test_names_with_newlines_and_commas(tmp_path):
    save(tmp_path / "a,b\nc.wav", noise(2))
    table = avtools("probe", tmp_path).stdout.decode()
    (parsed,) = csv.DictReader(io.StringIO(table))
    assert parsed["file"].endswith("a,b\nc.wav") and parsed["channels"] == "2"


@needs_ffmpeg
def test_a_video_as_standard_input_has_all_its_streams(tmp_path):
    shell(
        "ffmpeg -v error -f lavfi -i testsrc2=s=128x64:r=10:d=1 -f lavfi -i anoisesrc=d=1 "
        f"-pix_fmt yuv420p {tmp_path}/v.mp4"
    )
    with (tmp_path / "v.mp4").open("rb") as file:
        table = avtools("probe", stdin=file).stdout.decode()
    assert [row.split(",")[:3] for row in table.splitlines()[1:]] == [
        ["-", "0", "video"],
        ["-", "1", "audio"],
    ]


def test_the_gravest_of_many_answers(tmp_path):
    save(tmp_path / "bad.wav", FAULTY["dual mono"])
    save(tmp_path / "good.wav", stereo(A + 0.4 * B, 0.4 * A + B))
    buried = 0.5 * diffuse("ambix", 3 * RATE) + 0.75 * noise(4, 3 * RATE)
    save(tmp_path / "unclear.wav", np.clip(buried, -1, 1))
    check = lambda *names: avtools("probe", "--check", *(tmp_path / n for n in names)).returncode  # noqa: E731
    assert check("good.wav") == 0
    assert check("unclear.wav") == 3
    assert check("good.wav", "unclear.wav") == 3
    assert check("good.wav", "bad.wav", "unclear.wav") == 1
    (tmp_path / "text.wav").write_text("no sound")
    assert check("bad.wav", "text.wav") == 2


@needs_data
def test_real_recordings():
    from tests.scenes import DATA

    (room,) = rows(DATA / "polarch+JSAmbisonics/examples/IRs/ambisonicRIRs/room_1_bf.wav")
    assert room["convention"] == "fuma"
    picture, sound = rows(DATA / "googlearchive+vrview/examples/video/congo_1024.mp4")
    assert picture["layout"] == "equirectangular top-bottom"
    assert "dual mono" in sound["problems"]
    streams = rows(DATA / "pytorch+torchcodec/test/resources/nasa_13013.mp4")
    assert [s["kind"] for s in streams] == ["video", "audio", "subtitle"] * 2


@pytest.mark.parametrize("width", [60, 160])
def test_tables_for_people_keep_words_whole(tmp_path, width):
    save(tmp_path / "x.wav", FAULTY["clipping"])
    environment = dict(os.environ, COLUMNS=str(width), NO_COLOR="1")
    table = avtools("probe", tmp_path, "--format", "table", env=environment).stdout.decode()
    assert all(len(line) <= width for line in table.splitlines())
    for word in ("x.wav", "channels", "48000", "stereo", "clipping"):
        assert word in table
