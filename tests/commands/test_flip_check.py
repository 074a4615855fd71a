"""flip --check and --fix, as a person runs them: left and right of sight and sound."""

import csv
import io
import json
import shutil

import av
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
    noise,
    one_line,
    save,
    shell,
)

SCENE = ("--preset", "easy", "--seed", 500000, "--seconds", 6, "--fps", 12.5, "--lossless", "-q")
HEADER = "file,verdict,flipped,confidence"


def rows_of(text: bytes) -> list[dict]:
    return list(csv.DictReader(io.StringIO(text.decode())))


def verdict_of(done) -> str:
    """Of one input; the exit status says the same."""
    (row,) = rows_of(done.stdout)
    assert done.returncode == {"aligned": 0, "flipped": 1, "unsure": 3}[row["verdict"]], row
    return row["verdict"]


def check(*arguments, **more):
    return avtools("flip", "--check", *arguments, **more)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A stereo scene, its sound, and a video whose sound is flipped."""
    folder = tmp_path_factory.mktemp("sides")
    made = avtools("synth", *SCENE, "--size", "320x180", "-o", folder / "scene.mp4")
    assert made.returncode == 0, made.stderr
    assert avtools("convert", folder / "scene.mp4", "-o", folder / "scene.wav").returncode == 0
    assert avtools("flip", folder / "scene.mp4", "-o", folder / "flipped.mp4").returncode == 0
    return folder


@pytest.fixture(scope="module")
def sphere(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sphere")
    made = avtools("synth", *SCENE, "--kind", 360, "--size", "320x160", "-o", folder / "360.mp4")
    assert made.returncode == 0, made.stderr
    return folder / "360.mp4"


@pytest.fixture(scope="module")
def pairs(scene, tmp_path_factory):
    """Sounds of every kind, and a folder with the picture of each."""
    folder = tmp_path_factory.mktemp("pairs")
    x = load(scene / "scene.wav")
    middle = x.mean(axis=1, keepdims=True)
    sounds = {
        "aligned": x,
        "centred": middle + 0.05 * np.abs(middle).max() * noise(2, len(x)),
        "dead": x * np.float32([1, 0]),
        "dual": middle[:, [0, 0]],
        "flipped": x[:, ::-1],
        "mono": middle,
        "silent": 0 * x,
    }
    for name in ("sounds", "pictures"):
        (folder / name).mkdir()
    for name, sound in sounds.items():
        save(folder / "sounds" / f"{name}.wav", sound)
        (folder / "pictures" / f"{name}.mp4").symlink_to(scene / "scene.mp4")
    return folder


def test_what_each_sound_is(pairs):
    done = check(pairs / "sounds", "--video", pairs / "pictures")
    rows = {row["file"].split("/")[-1]: row for row in rows_of(done.stdout)}
    verdicts = {name.split(".")[0]: row["verdict"] for name, row in rows.items()}
    unsure = dict.fromkeys(("centred", "dead", "dual", "mono", "silent"), "unsure")
    assert verdicts == unsure | {"aligned": "aligned", "flipped": "flipped"}
    assert done.returncode == 1  # the gravest answer is flipped
    told = done.stderr.decode().splitlines()
    assert len(told) == 3 and all("warning" in line for line in told)
    assert "dead channel right" in told[0] and "mono.wav: 1 channel" in told[2]
    assert "dual.wav: both channels are the same" in told[1]
    sure = {name: float(row["confidence"]) for name, row in rows.items()}
    assert sure["aligned.wav"] > 0.9 and sure["mono.wav"] == sure["silent.wav"] == 0
    spread = check(pairs / "sounds", "--video", pairs / "pictures", "--jobs", 2)
    assert spread.stdout == done.stdout and spread.returncode == 1


def test_exchanged_channels_invert_the_answer(tmp_path, scene):
    """To the last digit: the probability becomes one less itself."""
    noisy = load(scene / "scene.wav")
    noisy += 0.6 * noise(2, len(noisy))
    sound = save(tmp_path / "noisy.wav", noisy)
    (before,) = rows_of(check(sound, "--video", scene / "scene.mp4").stdout)
    done = shell(f"avtools flip {sound} | avtools flip --check --video {scene}/scene.mp4")
    (after,) = rows_of(done.stdout)
    assert after["file"] == "-" and after["confidence"] == before["confidence"]
    assert float(after["flipped"]) == pytest.approx(1 - float(before["flipped"]), abs=1.1e-4)
    assert verdict_of(check(scene / "flipped.mp4")) == "flipped"


def test_rows_in_every_form(tmp_path, scene):
    done = check(scene / "scene.mp4", "-v", "--no-header", "-o", tmp_path / "rows.csv")
    assert done.returncode == 0 and done.stdout == b""
    assert (tmp_path / "rows.csv").read_text().startswith(f"{scene}/scene.mp4,aligned,0.0")
    assert f"{scene}/scene.mp4: 0.0 to 5.9 s: flipped 0.0" in done.stderr.decode()
    done = check(scene / "flipped.mp4", "--format", "json", "--start", 1, "--duration", 4, "-v")
    row = json.loads(done.stdout)
    assert ",".join(row) == HEADER and row["verdict"] == "flipped" and row["flipped"] > 0.95
    assert "1.0 to 5.0 s: flipped" in done.stderr.decode()


def test_the_gravest_status_counts(tmp_path, pairs, scene):
    videos = ("--video", pairs / "pictures")
    aligned, unsure, flipped = (
        pairs / "sounds" / f"{n}.wav" for n in ("aligned", "mono", "flipped")
    )
    assert check(aligned, unsure, *videos, "-q").returncode == 3
    done = check(tmp_path / "none.wav", flipped, aligned, *videos)
    assert done.returncode == 2 and len(rows_of(done.stdout)) == 2
    assert done.stderr.decode().count("\n") == 1


@needs_ffmpeg
def test_without_motion_it_is_unsure(tmp_path, scene):
    still = f"{tmp_path}/still.mp4"
    freeze = "trim=end_frame=1,tpad=stop_mode=clone:stop_duration=6"
    shell(f"ffmpeg -v error -i {scene}/scene.mp4 -vf {freeze} -c:a copy -strict -2 {still}")
    assert verdict_of(check(still)) == "unsure"


@needs_ffmpeg
def test_pictures_of_other_shapes_and_times(tmp_path, scene):
    """Portrait; frames at uneven times; a sound that ends early, or late."""
    into = f"ffmpeg -v error -i {scene}/scene.mp4 -c:a copy -strict -2"
    shell(f"{into} -vf scale=90:160 {tmp_path}/portrait.mp4")
    shell(f"{into} -vf 'select=not(mod(n*n\\,7))+gt(n\\,40)' -fps_mode vfr {tmp_path}/vfr.mp4")
    for name in ("portrait", "vfr"):
        assert verdict_of(check(tmp_path / f"{name}.mp4")) == "aligned", name
    x = load(scene / "scene.wav")
    for name, sound in (("short", x[: 4 * RATE]), ("long", np.concatenate([x, x[:, ::-1]]))):
        path = save(tmp_path / f"{name}.wav", sound)
        done = check(path, "--video", scene / "scene.mp4")
        assert verdict_of(done) == "aligned", name
        assert "picture 6.0 s: what lies beyond is left out" in done.stderr.decode()


def packets(path, kind: str) -> bytes:
    return shell(f"ffmpeg -v error -i {path} -map 0:{kind} -c copy -f md5 -").stdout


@needs_ffmpeg
def test_fix_turns_what_is_flipped_and_nothing_else(tmp_path, scene):
    folder = tmp_path / "in"
    folder.mkdir()
    for name, source in (("a", "scene"), ("b", "flipped")):
        shutil.copy(scene / f"{source}.mp4", folder / f"{name}.mp4")
    shell(
        f"ffmpeg -v error -i {scene}/scene.mp4 -c:v copy -ac 1 -c:a flac -strict -2 {folder}/c.mp4"
    )
    done = avtools("flip", "--fix", folder, "-d", tmp_path / "out", "--plot", f"{tmp_path}/plots/")
    assert done.returncode == 0 and done.stdout == b""
    said = [line for line in done.stderr.decode().splitlines() if "warning" not in line]
    assert said[0] == HEADER
    assert [line.split(",")[1] for line in said[1:]] == ["aligned", "flipped", "unsure"]
    for name in "abc":
        old, new = folder / f"{name}.mp4", tmp_path / "out" / f"{name}.mp4"
        assert packets(old, "v") == packets(new, "v")
        assert (packets(old, "a") == packets(new, "a")) == (name != "b")
        assert (tmp_path / "plots" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
    assert verdict_of(check(tmp_path / "out" / "b.mp4")) == "aligned"


@needs_ffmpeg
def test_fix_leaves_every_byte_of_what_is_aligned(tmp_path, scene):
    old, new = tmp_path / "scene.flac", tmp_path / "out.flac"
    shell(f"ffmpeg -v error -i {scene}/scene.wav -metadata title=choir -sample_fmt s16 {old}")
    done = avtools("flip", "--fix", old, "--video", scene / "scene.mp4", "-o", new)
    assert done.returncode == 0 and b"aligned" in done.stderr
    assert new.read_bytes() == old.read_bytes()


def test_fix_in_pipes(tmp_path, scene):
    """The samples of the scene come out, whichever way round they went in."""
    x = load(scene / "scene.wav")
    for before in ("cat", "avtools flip"):
        done = shell(f"{before} < {scene}/scene.wav | avtools flip --fix --video {scene}/scene.mp4")
        assert done.returncode == 0
        assert np.array_equal(load_bytes(done.stdout, tmp_path), x)
        header, row = done.stderr.decode().splitlines()
        assert header == HEADER and row.split(",")[:2] == [
            "-",
            "aligned" if before == "cat" else "flipped",
        ]
    out = tmp_path / "out.mp4"
    fix = ("flip", "--fix", scene / "scene.wav", "--format", "json", "--video")
    done = avtools(*fix, scene / "flipped.mp4", "-o", out)
    assert json.loads(done.stderr)["verdict"] == "aligned" and verdict_of(check(out)) == "aligned"


@needs_ffmpeg
def test_mirrored_ambisonics(tmp_path, sphere):
    assert verdict_of(check(sphere)) == "aligned"
    mirrored = tmp_path / "mirrored.mp4"
    assert avtools("flip", sphere, "-o", mirrored).returncode == 0
    assert verdict_of(check(mirrored)) == "flipped"
    fixed = tmp_path / "fixed.mp4"
    assert avtools("flip", "--fix", mirrored, "-o", fixed).returncode == 0
    assert read_spatial(fixed).is_360 and read_spatial(fixed).ambisonic_order == 1
    assert verdict_of(check(fixed)) == "aligned"
    plain = tmp_path / "plain.mp4"
    shutil.copy(mirrored, plain)
    write_spatial(plain, Spatial())
    assert read_spatial(plain) == Spatial()
    assert b"--equirect" in check(plain).stderr
    done = check(plain, "--equirect")
    assert verdict_of(done) == "flipped" and done.stderr == b""


def test_ambisonics_with_channels_that_are_missing(tmp_path, sphere):
    """Height tells nothing about sides; without one of the others nothing tells."""
    x = tmp_path / "x.wav"
    assert avtools("convert", sphere, "-o", x).returncode == 0
    w, y, z, forward = load(x).T
    folder, nothing = tmp_path / "in", 0 * w
    folder.mkdir()
    for name, channels in (
        ("flat", (w, y, nothing, forward)),
        ("none W", (nothing, y, z, forward)),
        ("none X", (w, y, z, nothing)),
    ):
        save(folder / f"{name}.wav", np.stack(channels, axis=1))
    done = check(folder, "--video", sphere)
    assert [row["verdict"] for row in rows_of(done.stdout)] == ["aligned", "unsure", "unsure"]
    assert done.returncode == 3
    told = done.stderr.decode().splitlines()
    assert len(told) == 2 and "dead channel W" in told[0] and "dead channel X" in told[1]
    three = save(tmp_path / "wxy.wav", np.stack((w, forward, y), axis=1))
    assert verdict_of(check(three, "--video", sphere, "--from", "wxy")) == "aligned"


def test_fields_with_flat_pictures_and_stereo_with_spheres(tmp_path, scene, sphere):
    left, right = load(scene / "scene.wav").T
    w, y = (left + right) / 2, (left - right) / 2
    for name, side in (("a", y), ("b", -y)):
        save(tmp_path / f"{name}.wav", np.stack([w, side, 0 * w, np.abs(w)], axis=1))
    done = check(tmp_path / "a.wav", tmp_path / "b.wav", "--video", scene / "scene.mp4")
    assert [row["verdict"] for row in rows_of(done.stdout)] == ["aligned", "flipped"]
    done = check(scene / "scene.wav", "--video", sphere)
    assert verdict_of(done) == "unsure" and done.stderr.count(b"\n") == 1
    assert b"stereo can't be told apart" in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--check", "scene.wav"), "scene.wav: no video stream: name the picture, --video FILE"),
        (("--check", "mute.mp4"), "mute.mp4: no audio stream"),
        (("--check", "scene.wav", "--video", "none.mp4"), "none.mp4: No such file"),
        (("--check", "scene.wav", "--video", "."), None),
        (("--check", "alone.wav", "--video", "."), "no video of the name"),
        (("--check", "three.wav", "--video", "scene.mp4"), "3 channels"),
        (("--check", "scene.mp4", "--equirect"), "320 x 180"),
        (("--check", "scene.mp4", "--start", "20"), "its picture is over"),
        (("--check", "scene.mp4", "--model", "net"), "expected one of signal"),
        (("--check", "scene.mp4", "--codec", "aac"), "--codec goes with --fix"),
        (("--check", "scene.mp4", "--fix"), "only one of --check, --fix and --picture"),
        (("--check", "scene.mp4", "flipped.mp4", "--plot", "x.png"), "2 inputs need a folder"),
        (("--fix", "scene.mp4", "flipped.mp4"), "give --directory DIR"),
        (("--fix", "scene.mp4", "flipped.mp4", "-d", "o", "--plot", "x.png"), "need a folder"),
        (("--fix", "scene.mp4", "-o", "x.wav", "--format", "table"), "expected csv or json"),
        (("--fix", "scene.wav", "-o", "x.wav"), "no video stream"),
        (("scene.mp4", "--video", "scene.mp4"), "--video goes with --check or --fix"),
    ],
)
def test_refusals(tmp_path, scene, inputs, options, words):
    done = avtools("flip", *options, cwd=inputs)
    if words is None:
        assert verdict_of(done) == "aligned"
    else:
        assert words in one_line(done) and done.stdout == b""
    assert not (inputs / "x.wav").exists() and not (inputs / "x.png").exists()


@pytest.fixture(scope="module")
def inputs(scene, tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    for name in ("scene.mp4", "scene.wav", "flipped.mp4"):
        shutil.copy(scene / name, folder / name)
    save(folder / "three.wav", noise(3, 6 * RATE))
    save(folder / "alone.wav", noise(2))
    with av.open(str(folder / "mute.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        out.mux(stream.encode(av.VideoFrame(64, 36, "yuv420p")))
        out.mux(stream.encode(None))
    return folder


def test_standard_input(scene):
    """A pipe has no picture; a video as a file on standard input has both."""
    done = shell(f"cat {scene}/scene.wav | avtools flip --check")
    assert "a pipe's picture is not read: name one, --video FILE" in one_line(done)
    with (scene / "flipped.mp4").open("rb") as file:
        assert verdict_of(check(stdin=file)) == "flipped"
    done = shell("script -qec 'avtools flip --check' /dev/null")
    assert done.returncode == 2 and b"name a file or pipe a sound in" in done.stdout


@needs_ffmpeg
def test_memory_does_not_grow_with_length(tmp_path):
    peaks = []
    for seconds in (20, 200):
        path = tmp_path / f"{seconds}.mkv"
        done = shell(
            f"ffmpeg -v error -f lavfi -i testsrc=s=64x36:r=5:d={seconds} -f lavfi -i "
            f"anoisesrc=d={seconds}:r=8000 -ac 2 -c:v mpeg4 -c:a pcm_s16le {path}"
        )
        assert done.returncode == 0, done.stderr
        told = measured("flip", "--check", "-q", path, "-o", tmp_path / "x.csv").communicate()[1]
        assert ",unsure," in (tmp_path / "x.csv").read_text()
        peaks.append(float(told))
    assert peaks[1] < peaks[0] + 15, peaks


@needs_ffmpeg
def test_rates_that_leave_nothing_to_hear(tmp_path, scene):
    for rate, code in ((300, 2), (4000, 0)):
        shell(f"ffmpeg -v error -i {scene}/scene.wav -ar {rate} {tmp_path}/{rate}.wav")
        done = check(tmp_path / f"{rate}.wav", "--video", scene / "scene.mp4")
        assert done.returncode == code, done.stderr
        assert code == 0 or "300 Hz, expected at least 4000" in one_line(done)
