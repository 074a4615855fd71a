"""align360, as a person runs it: sound that was turned on purpose is found and turned back."""

import csv
import io
import json
import shutil

import numpy as np
import pytest

from avtools.stream.spatial import Spatial, read_spatial, write_spatial
from tests.pipes.test_streams import measured
from tests.scenes import (
    RATE,
    avtools,
    load,
    load_bytes,
    needs_ffmpeg,
    needs_sox,
    noise,
    one_line,
    save,
    shell,
)

SCENE = ("--preset", "easy", "--seed", 500000, "--seconds", 6, "--fps", 12.5, "--lossless", "-q")
COLUMNS = ["file", "yaw", "pitch", "roll", "confidence", "verdict"]


def rows_of(text: bytes) -> list[dict]:
    return list(csv.DictReader(io.StringIO(text.decode())))


def row_of(done, status: int = 0) -> dict:
    assert done.returncode == status, (done.returncode, done.stderr)
    (row,) = rows_of(done.stdout)
    return row


def apart(row: dict, yaw: float) -> float:
    return abs((float(row["yaw"]) - yaw + 180) % 360 - 180)


def align(*arguments, **more):
    return avtools("align360", *arguments, **more)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A 360 scene and, beside it, its sound: as it is, turned, and in ways that tell nothing."""
    folder = tmp_path_factory.mktemp("scene")
    size = ("--kind", 360, "--size", "320x160")
    made = avtools("synth", *SCENE, *size, "-o", folder / "360.mp4")
    assert made.returncode == 0, made.stderr
    assert avtools("convert", folder / "360.mp4", "-o", folder / "foa.wav").returncode == 0
    turned = ("rotate-foa", folder / "foa.wav", "--yaw", 90, "-o", folder / "turned.wav")
    assert avtools(*turned).returncode == 0
    turned = ("rotate-foa", folder / "360.mp4", "--yaw", 90, "-o", folder / "turned.mp4")
    assert avtools(*turned).returncode == 0
    return folder


@pytest.fixture(scope="module")
def own(scene) -> float:
    """The answer for the sound as it is: nearly 0."""
    row = row_of(align(scene / "360.mp4", "--check"))
    assert list(row) == COLUMNS and row["pitch"] == row["roll"] == "0.0"
    assert row["verdict"] == "aligned" and float(row["confidence"]) > 0.8 and apart(row, 0) < 5
    return float(row["yaw"])


def test_a_camera_upside_down_is_turned_back(scene, tmp_path):
    """Any rotation: what is found is undone, whichever angles name it."""
    turned, back = tmp_path / "turned.wav", tmp_path / "back.wav"
    roll = ("rotate-foa", scene / "foa.wav", "--yaw", 40, "--roll", 180, "-o", turned)
    assert avtools(*roll).returncode == 0
    call = (turned, "--video", scene / "360.mp4", "--pitch-roll", "--apply", "-o", back)
    done = align(*call)
    (row,) = rows_of(done.stderr)
    assert row["verdict"] == "misaligned" and apart(row, 40) < 10
    assert abs(abs(float(row["roll"])) - 180) < 10 and abs(float(row["pitch"])) < 10
    x, y = (load(path) for path in (scene / "foa.wav", back))
    assert min(np.corrcoef(x[:, c], y[:, c])[0, 1] for c in (1, 3)) > 0.9


@pytest.mark.parametrize("yaw", [180, -135])
def test_a_turn_is_found(scene, own, yaw):
    done = shell(
        f"avtools rotate-foa {scene}/foa.wav --yaw {yaw} | "
        f"avtools align360 --video {scene}/360.mp4 --check"
    )
    row = row_of(done, status=1)
    assert row["file"] == "-" and row["verdict"] == "misaligned"
    assert apart(row, yaw) < 5 and apart(row, own + yaw) <= 1


@needs_sox
@needs_ffmpeg
def test_other_programs_stand_in_the_pipe(scene, own):
    done = shell(
        f"ffmpeg -v error -i {scene}/foa.wav -c:a pcm_f32le -f wav - | avtools rotate-foa --yaw 90"
        f" | sox -t wav - -t wav - vol 0.5 | avtools align360 --video {scene}/360.mp4"
    )
    assert apart(row_of(done), own + 90) <= 1


def test_tolerance_and_forms(tmp_path, scene, own):
    inputs = (scene / "turned.mp4", scene / "360.mp4")
    done = align(*inputs, "--check", "--format", "json", "-o", tmp_path / "rows")
    assert done.returncode == 1 and done.stdout == done.stderr == b""
    first, second = map(json.loads, (tmp_path / "rows").read_text().splitlines())
    assert list(first) == COLUMNS and abs(first["yaw"] - own - 90) <= 1 and second["yaw"] == own
    assert (first["verdict"], second["verdict"]) == ("misaligned", "aligned")
    spread = align(*inputs, "--jobs", 2, "--no-header", "--tolerance", 100)
    rows = list(csv.reader(io.StringIO(spread.stdout.decode())))
    assert [r[1] for r in rows] == [str(first["yaw"]), str(second["yaw"])]
    assert [r[-1] for r in rows] == ["aligned", "aligned"] and spread.returncode == 0


def test_apply_is_the_rotation_by_the_answer(tmp_path, scene, own):
    """From file to file, and through a pipe; the row goes to standard error."""
    video = ("--video", scene / "360.mp4")
    out = tmp_path / "out.wav"
    done = align(scene / "turned.wav", *video, "--apply", "-o", out)
    assert done.returncode == 0 and done.stdout == b""
    (row,) = rows_of(done.stderr)
    assert row["verdict"] == "misaligned" and apart(row, own + 90) <= 1
    back = ("rotate-foa", scene / "turned.wav", f"--yaw={-float(row['yaw'])}")
    wanted = load_bytes(avtools(*back).stdout, tmp_path)
    assert np.abs(wanted - load(out)).max() < 1e-6
    pipe = f"cat {scene}/turned.wav | avtools align360 --apply --video {scene}/360.mp4 --no-header"
    done = shell(pipe)
    assert done.returncode == 0 and np.array_equal(load_bytes(done.stdout, tmp_path), load(out))
    assert done.stderr.decode().split(",")[:2] == ["-", row["yaw"]]
    assert apart(row_of(align(out, *video)), 0) <= 1


def packets(path) -> bytes:
    return shell(f"ffmpeg -v error -i {path} -map 0:v -c copy -f md5 -").stdout


@needs_ffmpeg
def test_apply_to_videos(tmp_path, scene):
    """The picture is copied, and what marks it as 360 stays."""
    wav = ("align360", scene / "turned.wav", "--video", scene / "360.mp4")
    for given in (("align360", scene / "turned.mp4"), wav):
        out = tmp_path / "out.mp4"
        done = avtools(*given, "--apply", "-o", out, "--codec", "flac", "--format", "json")
        assert done.returncode == 0 and done.stdout == b""
        assert json.loads(done.stderr)["verdict"] == "misaligned"
        assert packets(out) == packets(scene / "360.mp4")
        assert read_spatial(out).is_360 and read_spatial(out).ambisonic_order == 1
        assert apart(row_of(align(out, "--check")), 0) <= 1


def test_apply_to_many(tmp_path, scene):
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copy(scene / "turned.mp4", folder / "a.mp4")
    shutil.copy(scene / "360.mp4", folder / "b.mp4")
    planned = align(folder, "--apply", "-d", tmp_path / "out", "-n")
    assert planned.stdout.count(b" -> ") == 2 and planned.stderr == b""
    plots = f"{tmp_path}/plots/"
    done = align(folder, "--apply", "-d", tmp_path / "out", "--jobs", 2, "--plot", plots)
    assert done.returncode == 0
    verdicts = {row["file"][-5:]: row["verdict"] for row in rows_of(done.stderr)}
    assert verdicts == {"a.mp4": "misaligned", "b.mp4": "aligned"}
    rows = rows_of(align(tmp_path / "out", "--check").stdout)
    assert [row["verdict"] for row in rows] == ["aligned"] * 2
    assert all(apart(row, 0) <= 1 for row in rows)
    for name in "ab":
        assert (tmp_path / "plots" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"


@needs_ffmpeg
def test_without_motion_it_is_unsure(tmp_path, scene):
    still = tmp_path / "still.mp4"
    freeze = "trim=end_frame=1,tpad=stop_mode=clone:stop_duration=6"
    shell(f"ffmpeg -v error -i {scene}/360.mp4 -vf {freeze} -an {still}")
    video = ("--equirect", "--video", still)
    assert row_of(align(scene / "turned.wav", *video, "--check"), 3)["verdict"] == "unsure"
    done = align(scene / "turned.wav", *video, "--apply", "-o", tmp_path / "x.wav")
    assert done.returncode == 0
    assert np.array_equal(load(tmp_path / "x.wav"), load(scene / "turned.wav"))
    warning, *table = done.stderr.splitlines(keepends=True)
    assert b"it stays as it is" in warning
    assert rows_of(b"".join(table))[0]["verdict"] == "unsure"


def test_sounds_that_tell_nothing(tmp_path, scene):
    """From everywhere, silent, with a dead channel, or of no time at all; without Z all is well."""
    w, y, z, x = load(scene / "foa.wav").T
    folder, nothing = tmp_path / "in", 0 * w
    folder.mkdir()
    for name, channels in {
        "diffuse": noise(4, len(w)).T * np.float32([[1], [0.577], [0.577], [0.577]]),
        "no W": (nothing, y, z, x),
        "no X": (w, y, z, nothing),
        "no Y": (w, nothing, z, x),
        "no Z": (w, y, nothing, x),
        "nothing": (nothing,) * 4,
        "only W": (w, nothing, nothing, nothing),
        "short": np.zeros((4, 100), np.float32),
    }.items():
        save(folder / f"{name}.wav", np.stack(channels, axis=1))
    done = align(folder, "--video", scene / "360.mp4", "--check")
    rows = {row["file"].split("/")[-1][:-4]: row for row in rows_of(done.stdout)}
    assert len(rows) == 8 and done.returncode == 3
    assert rows.pop("no Z")["verdict"] == "aligned"
    assert {row["verdict"] for row in rows.values()} == {"unsure"}
    told = [line.split("warning: ")[1] for line in done.stderr.decode().splitlines()]
    dead = [line.split("in/")[1].split(": where")[0] for line in told if "dead" in line]
    names = {"no W": "W", "no X": "X", "no Y": "Y", "only W": "Y and X"}
    assert dead == [f"{name}.wav: dead channel {which}" for name, which in names.items()]


def test_a_source_that_keeps_to_the_front_leaves_y_silent(tmp_path, scene):
    """That is no dead channel: X alone is as strong as W."""
    w = load(scene / "foa.wav")[:, 0]
    path = save(tmp_path / "front.wav", np.stack([w, 0 * w, 0 * w, w], axis=1))
    assert align(path, "--video", scene / "360.mp4").stderr == b""


def test_channels_by_name(tmp_path, scene, own):
    w, y, _, x = load(scene / "foa.wav").T
    three = save(tmp_path / "three.wav", np.stack([w, x, y], axis=1))
    video = ("--video", scene / "360.mp4")
    assert "say --from wxy" in one_line(align(three, *video))
    assert apart(row_of(align(three, *video, "--from", "wxy")), own) < 3


@needs_ffmpeg
def test_pictures_of_other_kinds(tmp_path, scene, own):
    """No mark of 360, frames at uneven times, two eyes on top of each other, a longer sound."""
    plain = tmp_path / "plain.mp4"
    shutil.copy(scene / "360.mp4", plain)
    write_spatial(plain, Spatial())
    done = align(plain)
    assert row_of(done)["yaw"] == str(own) and b"nothing marks its picture as 360" in done.stderr
    done = align(plain, "--equirect")
    assert row_of(done)["yaw"] == str(own) and done.stderr == b""
    into = f"ffmpeg -v error -i {scene}/360.mp4 -an"
    shell(f"{into} -vf 'select=not(mod(n*n\\,7))+gt(n\\,40)' -fps_mode vfr {tmp_path}/vfr.mp4")
    assert apart(row_of(align(scene / "foa.wav", "-q", "--video", tmp_path / "vfr.mp4")), own) < 4
    eyes = tmp_path / "eyes.mp4"
    shell(f"{into} -vf 'split[a][b];[b]negate[c];[a][c]vstack' {eyes}")
    sound = ("--video", eyes)
    line = one_line(align(scene / "foa.wav", *sound))
    assert "avtools convert --spherical top-bottom" in line
    write_spatial(eyes, Spatial(projection="equirectangular", stereo="top-bottom"))
    assert apart(row_of(align(scene / "foa.wav", *sound)), own) < 1
    long = save(tmp_path / "long.wav", np.tile(load(scene / "foa.wav"), (2, 1)))
    done = align(long, "--video", scene / "360.mp4")
    assert apart(row_of(done), own) < 1
    assert b"sound 12.0 s, picture 6.0 s: what lies beyond is left out" in done.stderr


@pytest.fixture(scope="module")
def inputs(scene, tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    for name in ("360.mp4", "turned.mp4", "foa.wav"):
        (folder / name).symlink_to(scene / name)
    save(folder / "mono.wav", noise(1, 6 * RATE))
    shell(
        f"cd {folder}; ffmpeg -v error -i 360.mp4 -an -c copy mute.mp4; "
        "ffmpeg -v error -i 360.mp4 -an -vf scale=160:90 -frames 20 flat.mp4; "
        "ffmpeg -v error -i 360.mp4 -an -vf scale=90:160 -frames 20 portrait.mp4"
    )
    return folder


@needs_ffmpeg
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("foa.wav",), "foa.wav: no video stream: name the picture, --video FILE"),
        (("mute.mp4",), "mute.mp4: no audio stream: name the sound as FILE"),
        (("mono.wav", "--video", "360.mp4"), "mono.wav: 1 channel"),
        (("foa.wav", "--video", "flat.mp4", "-q"), "160 x 90, but an equirectangular one is twice"),
        (
            ("foa.wav", "--video", "portrait.mp4", "-q"),
            "90 x 160, but an equirectangular",
        ),
        (("foa.wav", "--video", "flat.mp4", "--equirect", "-q"), "160 x 90"),
        (("foa.wav", "--video", "none.mp4"), "none.mp4: No such file"),
        (("foa.wav", "--video", "."), "no video of the name foa"),
        (("360.mp4", "--model", "net"), "--model net: expected one of signal"),
        (("360.mp4", "--tolerance", "nan"), "expected degrees from 0 to 180"),
        (("360.mp4", "--check", "--codec", "aac"), "--codec goes with --apply"),
        (("360.mp4", "--check", "--apply"), "only one of --check and --apply"),
        (("360.mp4", "--apply", "-o", "x.mp4", "--start", "1"), "can't cut a picture"),
        (("360.mp4", "turned.mp4", "--apply"), "give --directory DIR"),
        (("360.mp4", "turned.mp4", "--apply", "-d", "o", "--plot", "x.png"), "need a folder"),
        (("360.mp4", "--apply", "-o", "x.wav", "--format", "table"), "expected csv or json"),
    ],
)
def test_refusals(inputs, options, words):
    done = align(*options, cwd=inputs)
    assert words in one_line(done) and done.stdout == b""
    assert not list(inputs.glob("x.*"))


def test_standard_input(scene, own):
    done = shell(f"cat {scene}/foa.wav | avtools align360 --check")
    assert "a pipe's picture is not read: name one, --video FILE" in one_line(done)
    with (scene / "turned.mp4").open("rb") as file:
        assert apart(row_of(align(stdin=file)), own + 90) <= 1
    done = shell("script -qec 'avtools align360' /dev/null")
    assert done.returncode == 2 and b"name a file or pipe a sound in" in done.stdout


@needs_ffmpeg
def test_memory_does_not_grow_with_length(tmp_path):
    peaks = []
    for seconds in (20, 200):
        path, out = tmp_path / f"{seconds}.mkv", tmp_path / "x.csv"
        done = shell(
            f"ffmpeg -v error -f lavfi -i testsrc=s=64x32:r=5:d={seconds} -f lavfi -i "
            f"anoisesrc=d={seconds}:r=8000 -af 'pan=4.0|c0=c0|c1=0.7*c0|c2=0*c0|c3=0.7*c0' "
            f"-c:v mpeg4 -c:a pcm_s16le {path}"
        )
        assert done.returncode == 0, done.stderr
        told = measured("align360", path, "--equirect", "-o", out, "-q").communicate()[1]
        assert len(rows_of(out.read_bytes())) == 1
        peaks.append(float(told))
    assert peaks[1] < peaks[0] + 15, peaks
