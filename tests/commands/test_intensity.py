"""intensity, as a person runs it."""

import csv
import io
import json
import os
import subprocess
import threading

import numpy as np
import pytest

from avtools.cli import status
from avtools.dsp.sphere import angle_apart, angle_between, fibonacci, unit_vectors
from avtools.stream.wav import Header, header_bytes
from tests.commands.test_gcc_phat import on_a_terminal, peak_of_minutes
from tests.scenes import (
    DATA,
    RATE,
    avtools,
    command,
    load,
    needs_data,
    noise,
    one_line,
    plane_wave,
    save,
    shell,
)

COLUMNS = "file,time,azimuth,elevation,directness,level"
EARS = DATA / "GoogleChrome+omnitone/examples/resources"


def rows(*arguments, tool: str = "intensity", **more) -> list[dict]:
    """The table, numbers as numbers and None where a field is empty."""
    done = avtools(tool, *arguments, "--format", "json", **more)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def column(found: list[dict], name: str) -> np.ndarray:
    return np.array([r[name] for r in found], float)


def missed(found: list[dict], direction) -> np.ndarray:
    """The angle in degrees between each row and what is true."""
    vectors = unit_vectors(column(found, "azimuth"), column(found, "elevation"))
    return angle_between(vectors, direction)


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 192000])
def test_plane_waves_over_the_whole_sphere(tmp_path, rate):
    """60 directions and the six along the axes, one after the other: each is found within 0.2."""
    directions = np.concatenate([fibonacci(60), np.eye(3), -np.eye(3)])
    size = round(0.05 * rate)
    gains = np.stack([np.ones(66), *directions[:, [1, 2, 0]].T], axis=1)
    x = noise(1, 66 * size).reshape(66, size, 1) * gains[:, None]
    save(tmp_path / "x.wav", x.reshape(-1, 4).astype(np.float32), rate)
    found = rows(tmp_path / "x.wav", "--window", "0.05", "--hop", "0.05")
    assert missed(found, directions).max() < 0.2
    assert column(found, "directness").min() > 0.999
    assert np.allclose(column(found, "time"), 0.05 * np.arange(66) + 0.025)


def test_csv(tmp_path):
    save(tmp_path / "x.wav", plane_wave(-90, -30, RATE))
    done = avtools("intensity", "x.wav", cwd=tmp_path)
    lines = done.stdout.decode().splitlines()
    assert lines[0] == COLUMNS and len(lines) == 20
    assert lines[1].startswith("x.wav,0.05,-90.0,-30.0,1.0,-1")


@pytest.mark.parametrize("azimuth", [0, 100, 175])
def test_a_turned_sound_in_a_pipe(tmp_path, azimuth):
    """rotate-foa adds its yaw to every azimuth; past 180 it goes on at -180."""
    save(tmp_path / "a.wav", plane_wave(azimuth, 10, RATE // 2) + 0.3 * noise(4, RATE // 2, 3))
    turned = shell(
        f"avtools rotate-foa {tmp_path}/a.wav --yaw 40 | avtools intensity --format json"
    )
    before, after = rows(tmp_path / "a.wav"), [json.loads(r) for r in turned.stdout.splitlines()]
    assert len(before) == len(after) == 9
    turn = angle_apart(column(after, "azimuth"), column(before, "azimuth"))
    assert np.allclose(turn, 40, atol=0.02)
    for name in ("time", "elevation", "directness", "level"):
        assert np.allclose(column(before, name), column(after, name), atol=0.011)


def test_away_is_the_antipode(tmp_path):
    save(tmp_path / "x.wav", plane_wave(37, 20, RATE // 2))
    found = rows(tmp_path / "x.wav", "--sense", "away")
    assert missed(found, -unit_vectors(37.0, 20.0)).max() < 0.05


def test_directness_and_level(tmp_path):
    """One wave; two from opposite sides; two a right angle apart; noise of no direction; silence.

    The level is that of W: a sine of full scale has -3.01 dB, a square wave 0, and two sounds that
    have nothing in common 3.01 more than one.
    """
    n = RATE
    left, right = plane_wave(90, 0, n), plane_wave(-90, 0, n, seed=1)
    front = plane_wave(0, 0, n, seed=2)
    gains = plane_wave(20, 0, 1)[0] / plane_wave(20, 0, 1)[0, 0]
    sine = np.sin(2 * np.pi * 1000 * np.arange(n) / RATE)[:, None] * gains
    square = np.sign(np.sin(2 * np.pi * 1000 * (np.arange(n) + 0.5) / RATE))[:, None] * gains
    parts = [left, left + right, left + front, noise(4, n, 3), sine, square, 0 * left]
    save(tmp_path / "x.wav", np.concatenate(parts).astype(np.float32))
    found = rows(tmp_path / "x.wav", "--window", "1", "--hop", "1", "--low", "0")
    directness, level = column(found, "directness"), column(found, "level")
    assert np.allclose(directness[:3], [1, 0, 0.5**0.5], atol=0.02)
    assert directness[3] < 0.02 and np.allclose(directness[4:6], 1, atol=1e-3)
    assert np.allclose(level[4:6], [-3.01, 0], atol=0.01)
    assert np.allclose(level[:3] - level[0], [0, 3.01, 3.01], atol=0.15)
    assert abs(found[2]["azimuth"] - 45) < 1
    assert [found[6][name] for name in ("azimuth", "elevation", "directness", "level")] == [
        None
    ] * 4


def test_smoothing_brings_diffuse_sound_together(tmp_path):
    save(tmp_path / "x.wav", noise(4, 4 * RATE))
    short = ["--window", "0.01", "--hop", "0.01"]
    plain, smooth = (
        np.median(column(rows(tmp_path / "x.wav", *short, "--smooth", s), "directness")[100:])
        for s in ("0", "1")
    )
    assert smooth < 0.2 * plain


def two_tones(seconds: float = 0.5) -> np.ndarray:
    """A low one at the left, a high one behind."""
    t = np.arange(round(seconds * RATE)) / RATE
    gains = [plane_wave(a, 0, 1)[0] / plane_wave(a, 0, 1)[0, 0] for a in (90, 180)]
    tones = [0.2 * np.sin(2 * np.pi * f * t) for f in (250, 4000)]
    return sum(np.outer(s, g) for s, g in zip(tones, gains, strict=True)).astype(np.float32)


@pytest.mark.parametrize(
    ("bands", "count", "low", "high"),
    [
        ("octave", 10, 250, 4000),
        ("third", 28, 250, 4000),
        ("bins", 2396, 250, 4000),
        ("200,800,1600,6400", 3, 500, 4000),
    ],
)
def test_bands(tmp_path, bands, count, low, high):
    """Each row names the middle of its band; each source is found in its own."""
    save(tmp_path / "x.wav", two_tones())
    found = rows(tmp_path / "x.wav", "--bands", bands, "--hop", "0.2")
    assert list(found[0])[-1] == "band" and len(found) == 3 * count
    window = found[:count]
    middles = column(window, "band")
    assert np.all(np.diff(middles) > 0)
    near = [int(np.abs(np.log(middles / f)).argmin()) for f in (low, high)]
    assert np.allclose(middles[near], (low, high), rtol=0.1)
    assert abs(window[near[0]]["azimuth"] - 90) < 0.1
    assert abs(abs(window[near[1]]["azimuth"]) - 180) < 0.1
    if count == 3:
        assert window[1]["azimuth"] is None and window[1]["level"] is None


def test_only_the_band_that_was_asked_for(tmp_path):
    save(tmp_path / "x.wav", two_tones())
    for band, azimuth in ((["--high", "1000"], 90), (["--low", "1000"], 180)):
        found = rows(tmp_path / "x.wav", *band)
        assert np.allclose(np.abs(column(found, "azimuth")), azimuth, atol=0.1)


def test_other_forms_of_ambisonics(tmp_path):
    foa = plane_wave(40, 15, RATE // 2)
    w, y, z, x = foa.T
    forms = {
        "fuma": np.stack([w / 2**0.5, x, y, z], 1),
        "n3d": foa * np.float32([1, 3**0.5, 3**0.5, 3**0.5]),
        "youtube": np.stack([x, y, w, 0 * w, z, 0 * w], 1),
    }
    for name, sound in forms.items():
        save(tmp_path / "x.wav", sound)
        found = rows(tmp_path / "x.wav", "--from", name)
        assert missed(found, unit_vectors(40.0, 15.0)).max() < 0.2, name
        assert column(found, "directness").min() > 0.999
    save(tmp_path / "x.wav", np.concatenate([foa, noise(12, RATE // 2)], axis=1))
    found = rows(tmp_path / "x.wav", "--channels", "0-3")
    assert missed(found, unit_vectors(40.0, 15.0)).max() < 0.2
    assert "--channels 0-3" in one_line(avtools("intensity", tmp_path / "x.wav"))


@needs_data
def test_a_real_recording():
    """Omnitone's example is straight ahead."""
    file = EARS / "3oa_example_ch0-ch7.wav"
    found = rows(file, "--channels", "0-3", "--start", "0.5", "--duration", "2")
    loud = column(found, "level") > -50
    assert loud.any() and missed(found, np.array([1, 0, 0]))[loud].max() < 2
    assert found[0]["time"] == 0.55


def test_features_of_a_plane_wave(tmp_path):
    """As FOA-IV: four log-mel levels, then y, z, x with the length that the name says."""
    d = unit_vectors(-50.0, 25.0)
    save(tmp_path / "x.wav", plane_wave(-50, 25, RATE))
    for name, length in (("unit", 1.0), ("seld", 0.75)):
        run = ("--normalise", name, "--mels", "40", "--window", "2048s", "--hop", "960s")
        found = rows(tmp_path / "x.wav", *run, "--features", tmp_path / "x.npz")
        made = np.load(tmp_path / "x.npz")
        assert sorted(made) == ["features", "mel", "time"]
        assert made["features"].shape == (len(found), 7, 40)
        assert np.allclose(made["time"], column(found, "time"), atol=1e-6)
        assert len(made["mel"]) == 40 and np.all(np.diff(made["mel"]) > 0)
        assert made["mel"][0] > 50 and made["mel"][-1] < RATE / 2
        vectors = made["features"][:, 4:]
        assert np.allclose(vectors, length * d[[1, 2, 0]][:, None], atol=1e-3)
        assert np.allclose(np.linalg.norm(vectors, axis=1), length, atol=1e-3)


def test_features_and_pictures_of_several_files(tmp_path):
    for name, azimuth in (("in/a.wav", 30), ("in/deep/b.wav", -120)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        save(tmp_path / name, plane_wave(azimuth, 0, RATE))
    run = ("in", "--features", "iv/", "--plot", "seen/", "--jobs", "2")
    done = avtools("intensity", *run, cwd=tmp_path)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert done.stdout == avtools("intensity", "in", cwd=tmp_path).stdout
    for name, azimuth in (("a", 30), ("deep/b", -120)):
        array = np.load(tmp_path / f"iv/{name}.npy")
        assert array.shape == (19, 7, 64) and array.dtype == np.float32
        y, _, x = array[:, 4:].mean((0, 2))
        assert np.isclose(np.rad2deg(np.arctan2(y, x)), azimuth, atol=0.1)
        assert (tmp_path / f"seen/{name}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_plot(tmp_path, ending):
    save(tmp_path / "x.wav", plane_wave(30, 10, RATE))
    picture = tmp_path / f"x.{ending}"
    assert len(rows(tmp_path / "x.wav", "--bands", "octave", "--plot", picture)) == 10 * 19
    head = {"png": b"\x89PNG\r\n\x1a\n", "svg": b"<?xml"}[ending]
    assert picture.read_bytes().startswith(head) and picture.stat().st_size > 5000


def test_times_are_those_of_the_file(tmp_path):
    save(tmp_path / "x.wav", plane_wave(5, 0, 3 * RATE))
    found = rows(tmp_path / "x.wav", "--start", "1.5", "--duration", "0.5")
    assert np.allclose(column(found, "time"), 1.55 + 0.05 * np.arange(9))
    sparse = rows(tmp_path / "x.wav", "--window", "4800s", "--hop", "0.7")
    assert column(sparse, "time").tolist() == [0.05, 0.75, 1.45, 2.15, 2.85]


SQUARE = np.sign(np.sin(np.arange(RATE) / 17.1 + 1e-3))


def huge(x):
    """One sample as no sound has it: it is left out, and told."""
    x[24_000] *= np.float32(1e30) / x[24_000, 0]
    return x


BAD = {
    # what: samples, rate; rows that come of it, whether they tell a direction
    "a silent channel": (plane_wave(40, 0, RATE) * np.float32([1, 1, 0, 1]), RATE, 19, True),
    "no W": (noise(4, RATE) * np.float32([0, 1, 1, 1]), RATE, 19, False),
    "only W": (noise(4, RATE) * np.float32([1, 0, 0, 0]), RATE, 19, False),
    "one millisecond": (plane_wave(40, 0, 48), RATE, 1, True),
    "one sample": (plane_wave(40, 0, 1), RATE, 1, False),
    "no sample": (plane_wave(40, 0, 0), RATE, 0, False),
    "silence": (np.zeros((RATE, 4), np.float32), RATE, 19, False),
    "a constant": (np.full((RATE, 4), 0.5, np.float32), RATE, 19, False),
    "a constant, cut": (np.full((RATE + 1500, 4), 0.5, np.float32), RATE, 20, False),
    "one huge sample": (huge(plane_wave(40, 0, RATE)), RATE, 19, True),
    "192 kHz": (plane_wave(40, 0, 48_000), 192_000, 4, True),
    "8 kHz": (plane_wave(40, 0, 8000), 8000, 19, True),
    "a full-scale square wave": (np.repeat(SQUARE[:, None], 4, 1).astype("f4"), RATE, 19, True),
}


def in_process(tmp_path, *arguments) -> tuple[int, str]:
    """The exit status and the table, without the start of a process."""
    code = status(["intensity", *map(str, arguments), "-o", str(tmp_path / "rows.csv")])
    made = tmp_path / "rows.csv"
    return code, made.read_text() if made.exists() else ""


@pytest.mark.parametrize("what", BAD)
def test_sounds_that_say_little(tmp_path, what, capfd):
    samples, rate, count, tells = BAD[what]
    path = save(tmp_path / "x.wav", samples, rate)
    features = tmp_path / "x.npy"
    code, text = in_process(tmp_path, path, "--features", features)
    found = list(csv.DictReader(io.StringIO(text)))
    assert code == 0 and len(found) == count and text.startswith(COLUMNS + "\n")
    for r in found:
        assert bool(r["azimuth"]) == bool(r["elevation"]) == tells
        assert bool(r["directness"]) == tells or what.endswith(" W")
        assert float(r["time"]) > 0 and (not tells or 0 <= float(r["directness"]) <= 1)
    if tells and "square" not in what:
        assert all(abs(float(r["azimuth"]) - 40) < 0.2 for r in found)
    if what == "a full-scale square wave":
        assert all(abs(float(r["level"])) < 0.05 for r in found)
    assert len(np.load(features)) == count and np.isfinite(np.load(features)).all()
    told = capfd.readouterr().err
    assert not told or ("huge" in what and told.count("beyond 1e9") == 1)


def test_what_is_not_a_number_is_told_once_and_skipped(tmp_path, capfd):
    x = plane_wave(40, 0, RATE)
    x[12_000:12_010], x[30_000, 1] = np.nan, np.inf
    code, text = in_process(tmp_path, save(tmp_path / "x.wav", x))
    found = list(csv.DictReader(io.StringIO(text)))
    assert code == 0 and len(found) == 19
    assert all(abs(float(r["azimuth"]) - 40) < 0.5 for r in found)
    told = capfd.readouterr().err
    assert told.count("\n") == 1 and "first at 0.250 s" in told


WRONG = [
    (["mono.wav"], "1 channel, but first-order ambisonics has 4"),
    (["stereo.wav"], "2 channels, but first-order ambisonics has 4 (W, Y, Z, X)"),
    (["surround.wav"], "tagged 5.1; if this is YouTube's"),
    (["text.wav"], "text.wav: not a sound"),
    (["no.wav"], "no.wav: No such file"),
    (["x.wav", "--from", "amb"], "--from amb: expected one of"),
    (["x.wav", "--from", "wxy"], "4 channels, but wxy has 3"),
    (["x.wav", "--sense", "up"], "--sense up: expected one of towards, away"),
    (["x.wav", "--normalise", "l2"], "--normalise l2: expected one of unit, seld"),
    (["x.wav", "--bands", "bark"], "--bands bark: expected octave, third, bins or rising edges"),
    (["x.wav", "--bands", "800,200"], "expected octave, third, bins or rising edges"),
    (["x.wav", "--bands", "30000,40000"], "0 bands between"),
    (["x.wav", "--bands", "bins", "--window", "1"], "expected 1 to 4096"),
    (["x.wav", "--bands", "51,52", "--window", "64s"], "expected 1 to 4096"),
    (["x.wav", "--window", "0"], "--window 0: expected seconds"),
    (["x.wav", "--hop", "x"], "--hop x: expected"),
    (["x.wav", "--low", "9000", "--high", "100"], "nothing lies between 9000 and 100 Hz"),
    (["x.wav", "--low", "nan"], "nothing lies between nan"),
    (["x.wav", "--smooth", "inf"], "--smooth"),
    (["x.wav", "--mels", "0"], "--mels"),
    (["x.wav", "--features", "x.mat"], "expected the ending .npy or .npz"),
    (["x.wav", "--plot", "x.gif"], "x.gif"),
    (["x.wav", "x.wav", "--features", "x.npy"], "2 inputs need a folder"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=lambda v: " ".join(v))
def test_what_can_t_be_done_is_said_in_one_line(tmp_path, arguments, said, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    names = {1: "mono.wav", 2: "stereo.wav", 4: "x.wav"}
    for channels, name in names.items():
        save(name, noise(channels, RATE // 2))
    # WAVE_FORMAT_EXTENSIBLE says where the loudspeakers of six channels stand: 5.1.
    if "surround.wav" in arguments:
        line = "ffmpeg -v error -f lavfi -i anoisesrc=d=0.1:r=48000 -ac 6 surround.wav"
        if shell(line, cwd=tmp_path).returncode:
            pytest.skip("ffmpeg is not installed")
    (tmp_path / "text.wav").write_text("no sound\n" * 30)
    before = sorted(os.listdir())
    assert status(["intensity", *arguments]) == 2
    out, told = capfd.readouterr()
    assert said in told and told.count("\n") == 1 and told.startswith("avtools intensity: "), told
    assert out == "" or (out.startswith(COLUMNS) and out.count("\n") == 1)
    assert sorted(os.listdir()) == before


def test_the_first_rows_leave_before_the_last_samples_arrive():
    process = subprocess.Popen(command("intensity", "--no-header"), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)  # fmt: skip
    x = plane_wave(37, 20, 2 * RATE)
    process.stdin.write(header_bytes(Header("pcm_f32le", 4, RATE, None)) + x.tobytes())
    process.stdin.flush()
    timer = threading.Timer(20, process.kill)  # a tool that waits for more fails, not hangs
    timer.start()
    assert process.stdout.readline().startswith(b"-,0.05,37.0,20.0,1.0,")
    assert process.poll() is None
    process.stdin.write(x.tobytes())
    process.stdin.close()
    assert process.stdout.read().count(b"\n") == 79 - 1
    assert process.wait(20) == 0
    timer.cancel()
    process.stdout.close()


def test_memory_does_not_grow_with_length(tmp_path):
    """Ten minutes cost what one costs, also with an array and a picture beside the rows."""
    beside = ("--features", tmp_path / "x.npy", "--plot", tmp_path / "x.png")
    peaks = [peak_of_minutes(m, 4, "intensity", *beside) for m in (1, 10)]
    assert peaks[1] < peaks[0] + 20, peaks
    assert np.load(tmp_path / "x.npy", mmap_mode="r").shape == (600 * 20 - 1, 7, 64)


def test_on_a_terminal_rows_stand_in_columns_above_a_strip(tmp_path):
    save(tmp_path / "x.wav", np.concatenate([plane_wave(90, 0, RATE), plane_wave(-90, 0, RATE)]))
    text = on_a_terminal("intensity", tmp_path / "x.wav", "--hop", "0.1")
    lines = text.splitlines()
    assert lines[0].split() == COLUMNS.split(",")
    assert lines[1].split()[:4] == ["x.wav", "0.05", "90", "0"]
    strip = {line.split()[0]: line for line in lines[21:] if line.split()}
    assert "█" in strip["left"] and "█" in strip["right"]
    assert strip["left"].rindex("█") < strip["right"].index("█") + 5  # left, then right
    assert all(len(line) <= 80 for line in lines)


def test_levels_of_a_file_are_those_of_the_sound(tmp_path):
    """24-bit integers and floats say the same."""
    x = plane_wave(40, 0, RATE // 2)
    for subtype in ("PCM_24", "FLOAT"):
        save(tmp_path / f"{subtype}.wav", x, subtype=subtype)
    first, second = (column(rows(tmp_path / f"{s}.wav"), "level") for s in ("PCM_24", "FLOAT"))
    assert np.allclose(first, second, atol=0.011)
    mean_square = (load(tmp_path / "FLOAT.wav")[:, 0] ** 2).mean()
    assert np.allclose(first.mean(), 10 * np.log10(mean_square), atol=0.3)
