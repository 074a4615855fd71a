"""beamform, as a person runs it: patterns of theory, rotation, tables, and what is refused."""

import json

import numpy as np
import pytest
import soundfile

from avtools.cli import status
from avtools.dsp.beam import PATTERNS
from avtools.dsp.sphere import angle_between, fibonacci, unit_vectors
from tests.scenes import (
    RATE,
    avtools,
    load,
    load_bytes,
    needs_ffmpeg,
    noise,
    one_line,
    plane_wave,
    save,
    shell,
)


def run(*arguments, **more) -> bytes:
    done = avtools("beamform", *arguments, **more)
    assert done.returncode == 0, done.stderr
    assert done.stderr == b"", done.stderr
    return done.stdout


def heard(tmp_path, x, *options, rate=RATE) -> np.ndarray:
    save(tmp_path / "x.wav", x, rate)
    return load_bytes(run(tmp_path / "x.wav", *options), tmp_path)


def level(x) -> float:
    return 20 * np.log10(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_are_those_of_theory(tmp_path, pattern):
    """A plane wave a moment from each of many directions, all in one file."""
    size, sphere = 200, fibonacci(150)
    tone = np.sin(2 * np.pi * np.arange(size) / 20)
    waves = [np.outer(tone, [1, y, z, x]) for x, y, z in sphere]
    options = ("--azimuth", -50, "--elevation", 20, "--pattern", pattern)
    made = heard(tmp_path, 0.5 * np.concatenate(waves).astype(np.float32), *options)
    assert made.shape == (150 * size, 1)
    p, angle = PATTERNS[pattern], np.deg2rad(angle_between(sphere, unit_vectors(-50, 20)))
    theory = np.abs(p + (1 - p) * np.cos(angle))
    found = np.abs(made.reshape(150, size)).max(axis=1) / 0.5
    audible = theory > 0.01
    assert np.abs(20 * np.log10(found[audible] / theory[audible])).max() < 0.1
    assert (found[~audible] < 0.0101).all()


def test_the_default_is_the_hypercardioid_ahead(tmp_path):
    x = noise(4)
    want = x[:, 0] / 4 + 3 / 4 * x[:, 3]
    assert np.abs(heard(tmp_path, x)[:, 0] - want).max() < 1e-6


@pytest.mark.parametrize("pattern", ["hypercardioid", "mvdr"])
def test_turning_the_scene_is_turning_the_beam(tmp_path, pattern):
    x = plane_wave(30, frames=RATE) + plane_wave(130, 20, frames=RATE, seed=1)
    save(tmp_path / "x.wav", x + 0.1 * noise(4, RATE, 2))
    turned = shell(
        f"avtools rotate-foa {tmp_path}/x.wav --yaw 40 "
        f"| avtools beamform --azimuth 70 --pattern {pattern}"
    )
    assert turned.returncode == 0, turned.stderr
    plain = run(tmp_path / "x.wav", "--azimuth", 30, "--pattern", pattern)
    plain, turned = (load_bytes(data, tmp_path) for data in (plain, turned.stdout))
    assert plain.shape == (RATE, 1) and np.abs(plain - turned).max() < 1e-5


@pytest.mark.parametrize("pattern", ["cardioid", "mvdr"])
def test_several_beams_are_channels_in_the_order_asked(tmp_path, pattern):
    x = plane_wave(30, frames=RATE) + plane_wave(-90, frames=RATE, seed=1)
    both = heard(tmp_path, x, "--azimuth", "-90,30", "--pattern", pattern)
    for k, azimuth in enumerate((-90, 30)):
        one = heard(tmp_path, x, f"--azimuth={azimuth}", "--pattern", pattern)
        assert np.abs(both[:, k] - one[:, 0]).max() < 1e-6
    high = heard(tmp_path, x, "--azimuth", "30", "--elevation", "-10,0,45", "--pattern", pattern)
    assert high.shape == (RATE, 3) and np.abs(high[:, 1] - both[:, 1]).max() < 1e-6


def test_mvdr_removes_another_sound(tmp_path):
    s, other = (plane_wave(a, frames=2 * RATE, seed=k) for k, a in enumerate((20, 100)))
    other[: RATE // 2] = 0
    s[RATE // 4 : RATE // 2] = 0

    def rest(*options) -> float:
        y = heard(tmp_path, s + other, "--azimuth", 20, *options)
        return level((y - s[:, :1])[RATE:]) - level(s[RATE:, 0])

    assert rest() == pytest.approx(20 * np.log10(0.25 + 0.75 * np.cos(np.radians(80))), abs=0.2)
    assert rest("--pattern", "mvdr") < -14
    assert rest("--pattern", "mvdr", "--smooth", 10) < -14.5


# ---- tables -----------------------------------------------------------------------------------


def turning(frames=2 * RATE, seed=0):
    """A wave that goes from 0 to 120 degrees in two seconds."""
    a = np.deg2rad(60 * np.arange(frames) / RATE)
    w = noise(1, frames, seed)[:, 0]
    return np.stack([w, w * np.sin(a), 0 * w, w * np.cos(a)], axis=1).astype(np.float32)


def rows(*lines) -> str:
    return "\n".join(["time,source,azimuth,elevation", *lines, ""])


FOLLOWS = rows(*(f"{t},7,{60 * t},0" for t in (0, 0.5, 1, 1.5, 2)))


@pytest.mark.parametrize("pattern", ["hypercardioid", "mvdr"])
def test_a_beam_follows_a_moving_wave(tmp_path, pattern):
    (tmp_path / "t.csv").write_text(FOLLOWS)
    x = turning()
    y = heard(tmp_path, x, "--towards", tmp_path / "t.csv", "--pattern", pattern)
    error = level(y - x[:, :1]) - level(x[:, 0])
    assert error < (-100 if pattern == "hypercardioid" else -40)
    fixed = heard(tmp_path, x, "--azimuth", 0)
    assert level(fixed[-4800:, 0]) < level(y[-4800:, 0]) - 10


def test_times_are_those_of_the_file(tmp_path):
    (tmp_path / "t.csv").write_text(FOLLOWS)
    options = ("--towards", tmp_path / "t.csv", "--start", 0.7, "--duration", 0.5)
    y = heard(tmp_path, turning(), *options)
    assert np.abs(y - turning()[round(0.7 * RATE) : round(1.2 * RATE), :1]).max() < 1e-5


def test_a_table_on_standard_input(tmp_path):
    save(tmp_path / "x.wav", turning())
    lines = [json.dumps({"time": t, "azimuth": 60 * t}) for t in (0, 1, 2)]
    for text in (FOLLOWS, "\n".join(lines)):
        data = run(tmp_path / "x.wav", "--towards", "-", input=text.encode())
        assert np.abs(load_bytes(data, tmp_path) - turning()[:, :1]).max() < 1e-5


def test_sources_of_a_table(tmp_path):
    lines = [f"{t},{s},{a},0" for t in (0, 1, 2) for s, a in ((1, 60 * t), (2, -90))]
    (tmp_path / "t.csv").write_text(rows(*lines))
    y = heard(tmp_path, turning(), "--towards", tmp_path / "t.csv", "--source", "2,1")
    x = turning()
    assert np.abs(y[:, 1] - x[:, 0]).max() < 1e-5
    assert np.abs(y[:, 0] - (x[:, 0] - 3 * x[:, 1]) / 4).max() < 1e-5
    one = heard(tmp_path, turning(), "--towards", tmp_path / "t.csv")
    assert one.shape[1] == 1 and np.abs(one[:, 0] - y[:, 1]).max() < 1e-6


def test_of_several_inputs_each_has_its_rows(tmp_path):
    (tmp_path / "in").mkdir()
    lines = ["file,time,azimuth"]
    for name, azimuth in (("a", 80), ("b", -80)):
        path = save(tmp_path / "in" / f"{name}.wav", plane_wave(azimuth))
        lines.append(f"{path},0,{azimuth}")
    (tmp_path / "t.csv").write_text("\n".join(lines))
    for jobs in (1, 2):
        options = ("--towards", tmp_path / "t.csv", "-d", tmp_path / f"out{jobs}", "--jobs", jobs)
        run(tmp_path / "in", *options)
        for name in "ab":
            y = load(tmp_path / f"out{jobs}" / f"{name}.wav")
            assert np.abs(y - plane_wave(0)[:, :1]).max() < 1e-5


# ---- what comes in, what goes out -------------------------------------------------------------


def test_what_comes_in_in_other_forms(tmp_path):
    w, y, z, x = plane_wave(40).T
    fuma = np.stack([w / 2**0.5, x, y, z], 1)
    made = heard(tmp_path, fuma, "--from", "fuma", "--azimuth", 40)
    assert np.abs(made[:, 0] - w).max() < 1e-6
    third = np.concatenate([plane_wave(40), noise(12)], axis=1)
    made = heard(tmp_path, third, "--channels", "0-3", "--azimuth", 40)
    assert np.abs(made[:, 0] - w).max() < 1e-6
    six = save(tmp_path / "six.wav", np.concatenate([plane_wave(40), noise(2)], axis=1))
    done = avtools("beamform", six, "--from", "ambix+stereo", "--azimuth", 40)
    assert done.stderr.decode().endswith("its head-locked stereo is left out\n")
    assert np.abs(load_bytes(done.stdout, tmp_path)[:, 0] - w).max() < 1e-6


@needs_ffmpeg
def test_a_video_keeps_its_picture_and_no_marks_of_ambisonics(tmp_path):
    save(tmp_path / "foa.wav", 0.5 * plane_wave(90, frames=RATE))
    shell(f"ffmpeg -v error -f lavfi -i testsrc=s=64x32:d=1 {tmp_path}/p.mp4")
    made = avtools("convert", tmp_path / "foa.wav", "--video", tmp_path / "p.mp4", "--spherical",
                   "mono", "--codec", "flac", "-o", tmp_path / "360.mp4")  # fmt: skip
    assert made.returncode == 0, made.stderr
    for azimuths, channels in (("90", 1), ("0,90,180,-90", 4)):
        done = avtools("beamform", tmp_path / "360.mp4", "--azimuth", azimuths,
                       "-o", tmp_path / "out.mp4")  # fmt: skip
        assert done.returncode == 0, done.stderr
        told = avtools("probe", tmp_path / "out.mp4", "--format", "json").stdout.decode()
        facts = [json.loads(line) for line in told.splitlines()]
        assert [row["kind"] for row in facts] == ["video", "audio"]
        assert (
            facts[1]["channels"] == channels and b"SA3D" not in (tmp_path / "out.mp4").read_bytes()
        )


@pytest.mark.parametrize("pattern", ["cardioid", "mvdr"])
@pytest.mark.parametrize("rate", [8000, 192_000])
def test_short_steady_and_broken_sounds(tmp_path, pattern, rate):
    options = ("--azimuth", 30, "--pattern", pattern)
    moment = plane_wave(30, frames=rate // 1000)
    assert np.abs(heard(tmp_path, moment, *options, rate=rate) - moment[:, :1]).max() < 1e-5
    square = np.sign(np.sin(np.arange(3000)))[:, None] * np.sign(plane_wave(30, frames=1))
    for x in (0 * square, np.ones((3000, 4)), square, square * [1, 1, 0, 1], square * [0, 1, 1, 1]):
        y = heard(tmp_path, x.astype(np.float32), *options, rate=rate)
        assert y.shape == (3000, 1) and np.isfinite(y).all() and np.abs(y).max() < 4
        assert y.any() == x.any()
    broken = plane_wave(30, frames=rate)
    broken[100, 2] = np.nan
    save(tmp_path / "x.wav", broken, rate)
    done = avtools("beamform", tmp_path / "x.wav", *options)
    assert b"warning" in done.stderr and b"NaN" in done.stderr
    y = load_bytes(done.stdout, tmp_path)
    later = slice(rate // 2, None)
    assert np.abs(y[later] - broken[later, :1]).max() < 1e-3


def test_a_sound_of_no_samples(tmp_path):
    soundfile.write(tmp_path / "x.wav", np.zeros((0, 4), np.float32), RATE, subtype="FLOAT")
    for pattern in ("cardioid", "mvdr"):
        done = avtools("beamform", tmp_path / "x.wav", "--pattern", pattern)
        assert done.returncode == 0 and load_bytes(done.stdout, tmp_path).shape == (0, 1)
    (tmp_path / "y.wav").write_bytes(b"")
    assert "empty" in one_line(avtools("beamform", tmp_path / "y.wav"))


def test_what_is_drawn(tmp_path):
    save(tmp_path / "x.wav", turning(4800))
    (tmp_path / "t.csv").write_text(FOLLOWS)
    moving = ("--towards", tmp_path / "t.csv", "--source", "7", "--pattern", "mvdr")
    for k, options in enumerate((("--azimuth", "30,-30"), moving)):
        picture = tmp_path / f"{k}.png"
        data = run(tmp_path / "x.wav", *options, "--plot", picture)
        assert load_bytes(data, tmp_path).shape[0] == 4800
        assert picture.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_what_is_not_ambisonic_is_refused(tmp_path, channels):
    line = one_line(avtools("beamform", save(tmp_path / "x.wav", noise(channels))))
    assert f"{channels} channel" in line and "x.wav" in line


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--azimuth nan", "expected degrees"),
        ("--azimuth left", "expected degrees"),
        ("--azimuth 400", "from -360 to 360"),
        ("--azimuth=", "expected degrees"),
        ("--azimuth 30,,20", "expected degrees"),
        ("--elevation 90.1", "from -90 to 90"),
        ("--elevation=-inf", "from -90 to 90"),
        ("--azimuth 1,2,3 --elevation 1,2", "3 and 2 angles, expected as many"),
        ("--azimuth " + ",".join("1" * 65), "64 at most"),
        ("--pattern sharp", "expected one of hypercardioid"),
        ("--smooth 1", "--smooth goes with --pattern mvdr"),
        ("--pattern mvdr --smooth nan", "expected seconds from 0 to 60"),
        ("--source 1", "--source goes with --towards"),
        ("--towards t.csv --source 1,,2", "expected up to 64 sources"),
        ("--towards t.csv --azimuth 0", "leave out --azimuth"),
        ("--towards t.csv", "t.csv: No such file"),
        ("--towards=", "No such file"),
        ("--towards x.wav", "time and azimuth"),
        ("--from x", "expected one of auto"),
        ("--plot x.txt", "expected a name ending in .png"),
        ("--plot x.png x.wav", "--plot is for one input"),
        ("--towards - x.wav", "--towards - is for one input"),
        ("--towards - -o y.wav --files-from -", "not --files-from -"),
    ],
)
def test_nonsense_is_refused_in_a_line(tmp_path, monkeypatch, capfd, options, said):
    save(tmp_path / "x.wav", noise(4, 100))
    monkeypatch.chdir(tmp_path)
    assert status(["beamform", "x.wav", *options.split()]) == 2
    line = capfd.readouterr().err
    assert said in line and line.count("\n") == 1, line
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.wav"]


def test_the_sound_and_the_table_can_not_both_come_through_the_pipe():
    assert "name the FILE" in one_line(avtools("beamform", "--towards", "-"))
