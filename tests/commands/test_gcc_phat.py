"""gcc-phat, as a person runs it."""

import csv
import io
import json
import os
import pty
import subprocess
import threading

import numpy as np
import pytest

from avtools.cli import status
from avtools.stream.wav import Header, header_bytes
from tests.dsp.test_gcc import delayed
from tests.pipes.test_streams import measured, peak_mib
from tests.scenes import (
    DATA,
    RATE,
    avtools,
    command,
    load,
    needs_data,
    noise,
    one_line,
    save,
    shell,
)

COLUMNS = "file,time,pair,delay,azimuth,strength"


def pair(*samples: float, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    """`(frames, 1 + len(samples))`: noise, and the same later by each of `samples`."""
    x = noise(1, round(seconds * rate))[:, 0]
    return np.stack([x, *(delayed(x, s) for s in samples)], axis=1).astype(np.float32)


def rows(*arguments, **more) -> list[dict]:
    """The table, numbers as numbers and None where a field is empty."""
    done = avtools("gcc-phat", *arguments, "--format", "json", **more)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def column(found: list[dict], name: str, pair_name: str = "0-1") -> np.ndarray:
    return np.array([r[name] for r in found if r["pair"] == pair_name], float)


@pytest.mark.parametrize("azimuth", [37, -60])
def test_the_azimuth_of_a_plane_wave(tmp_path, azimuth):
    """A wave from the left meets the left microphone first: all signs are positive then."""
    d = 0.2 * np.sin(np.deg2rad(azimuth)) / 343.0
    save(tmp_path / "x.wav", pair(d * RATE))
    found = rows(tmp_path / "x.wav", "--spacing", "0.2")[1:-1]
    assert len(found) >= 16
    assert np.abs(column(found, "azimuth") - azimuth).max() < 0.5
    assert np.abs(column(found, "delay") - d).max() < 0.01 / RATE
    assert column(found, "strength").min() > 0.9
    assert np.allclose(column(found, "time"), 0.1 + 0.05 * np.arange(len(found)))


def test_csv_has_a_header_once_and_no_azimuth_without_a_spacing(tmp_path):
    for name in ("a.wav", "b.wav"):
        save(tmp_path / name, pair(5))
    done = avtools("gcc-phat", "a.wav", "b.wav", cwd=tmp_path)
    text = done.stdout.decode()
    assert text.startswith(COLUMNS + "\n") and text.count("file") == 1
    found = list(csv.DictReader(io.StringIO(text)))
    assert [r["file"] for r in found] == ["a.wav"] * 19 + ["b.wav"] * 19
    assert {r["azimuth"] for r in found} == {""} and {r["pair"] for r in found} == {"0-1"}
    bare = avtools("gcc-phat", "a.wav", "b.wav", "--no-header", cwd=tmp_path).stdout.decode()
    assert bare == text.split("\n", 1)[1]


@needs_data
def test_a_real_array_of_microphones(tmp_path):
    """The first channel lags by 6 to 9 samples, in a room with echoes: in long windows, in its
    loud word, and in the band of speech. (A faint sound before the word is heard most at high
    frequencies and comes from further aside, 10 samples: short windows show that, too.)"""
    files = [DATA / f"xiongyihui+tdoa/audio/alexa-0{k}.wav" for k in (1, 2)]
    save(tmp_path / "x.wav", np.concatenate([load(f) for f in files], axis=1))
    for more in (
        ["--window", "1"],
        ["--start", "1.3"],
        ["--start", "1.3", "--window", "2048s", "--hop", "1024s"],
        ["--high", "4000"],
        ["--high", "8000"],
    ):
        delays = column(rows(tmp_path / "x.wav", *more), "delay") * RATE
        assert np.isfinite(delays).mean() > 0.25
        assert -9 <= np.nanmedian(delays) <= -6, more
    faint = column(rows(tmp_path / "x.wav", "--duration", "1"), "delay") * RATE
    assert -11 <= np.nanmedian(faint) <= -9


@pytest.mark.parametrize("rate", [8000, 44100, 192000])
def test_other_rates(tmp_path, rate):
    save(tmp_path / "x.wav", pair(-3.5, seconds=0.5, rate=rate), rate)
    found = rows(tmp_path / "x.wav")
    assert np.allclose(column(found, "delay")[1:-1] * rate, -3.5, atol=0.02)
    assert found[0]["time"] == 0.05 and len(found) == 9


def test_strength_and_what_is_left_empty(tmp_path):
    """One source: near 1. Noise without anything in common: low, and no delay. Both follow each
    other in one file here, and after them comes silence."""
    x = np.concatenate([pair(7), noise(2, RATE, seed=3), np.zeros((RATE, 2), np.float32)])
    save(tmp_path / "x.wav", x)
    found = rows(tmp_path / "x.wav", "--hop", "0.1")
    one, other, none = found[:10], found[10:20], found[20:]
    assert np.allclose(column(one, "delay") * RATE, 7, atol=0.02)
    assert column(one, "strength").min() > 0.9
    assert np.isnan(column(other, "delay")).all() and column(other, "strength").max() < 0.1
    assert np.isnan(column(none, "delay")).all() and not column(none, "strength").any()
    always = rows(tmp_path / "x.wav", "--hop", "0.1", "--threshold", "0")
    assert np.isfinite(column(always[:20], "delay")).sum() >= 19
    assert np.isnan(column(always[20:], "delay")).all()
    never = rows(tmp_path / "x.wav", "--hop", "0.1", "--threshold", "1")
    assert np.isnan(column(never, "delay")).all()


def test_pairs_of_three_channels(tmp_path):
    save(tmp_path / "x.wav", pair(6, 15))
    found = rows(tmp_path / "x.wav", "--pairs", "0-1,0-2,1-2")[3:-3]
    assert [r["pair"] for r in found[:3]] == ["0-1", "0-2", "1-2"]
    for name, samples in (("0-1", 6), ("0-2", 15), ("1-2", 9)):
        assert np.allclose(column(found, "delay", name) * RATE, samples, atol=0.02)
    assert rows(tmp_path / "x.wav") == rows(tmp_path / "x.wav", "--pairs", "0-1,0-2,1-2")
    back = rows(tmp_path / "x.wav", "--pairs", "2-0", "--duration", "0.5")[1:-1]
    assert np.allclose(column(back, "delay", "2-0") * RATE, -15, atol=0.02)
    chosen = rows(tmp_path / "x.wav", "--channels", "2,0", "--duration", "0.5")[1:-1]
    assert np.allclose(column(chosen, "delay") * RATE, -15, atol=0.02)


def test_how_far_is_looked(tmp_path):
    """48 samples and a millisecond are one; what lies beyond is not found, further on it is."""
    save(tmp_path / "x.wav", pair(60))
    looks = [rows(tmp_path / "x.wav", "--max-delay", most) for most in ("48s", "0.001", "64s")]
    assert looks[0] == looks[1]
    assert np.isnan(column(looks[0], "delay")).mean() > 0.9
    assert np.allclose(column(looks[2], "delay")[1:-1] * RATE, 60, atol=0.02)


def test_bands(tmp_path):
    """Low sound later by 5 samples, high sound earlier by 8."""
    bins = np.fft.rfft(noise(1, RATE)[:, 0])
    hertz = np.arange(len(bins))
    turn = np.exp(-2j * np.pi * hertz / RATE * np.where(hertz < 4000, 5, -8))
    x = np.stack([np.fft.irfft(b, RATE) for b in (bins, bins * turn)], axis=1)
    save(tmp_path / "x.wav", x.astype(np.float32))
    for band, samples in ((["--high", "3500"], 5), (["--low", "4500"], -8)):
        delays = column(rows(tmp_path / "x.wav", *band), "delay")[1:-1]
        assert np.allclose(delays * RATE, samples, atol=0.05)


def test_smoothing(tmp_path):
    """The delay of a source in noise, in windows too short to tell it alone."""
    x = pair(-4.5, seconds=3) + 1.5 * noise(2, 3 * RATE, seed=5)
    save(tmp_path / "x.wav", x)
    short = ["--window", "0.01", "--hop", "0.01"]
    plain = column(rows(tmp_path / "x.wav", *short), "delay") * RATE
    smooth = column(rows(tmp_path / "x.wav", *short, "--smooth", "0.5"), "delay") * RATE
    assert np.mean(np.abs(plain[100:] + 4.5) < 0.3) < 0.3
    assert np.mean(np.abs(smooth[100:] + 4.5) < 0.3) > 0.95


def test_times_are_those_of_the_file(tmp_path):
    save(tmp_path / "x.wav", pair(5, seconds=3))
    found = rows(tmp_path / "x.wav", "--start", "1.5", "--duration", "0.5")
    assert np.allclose(column(found, "time"), 1.55 + 0.05 * np.arange(9))
    sparse = rows(tmp_path / "x.wav", "--window", "0.1", "--hop", "0.7")
    assert column(sparse, "time").tolist() == [0.05, 0.75, 1.45, 2.15, 2.85]
    assert np.allclose(column(sparse, "delay")[1:-1] * RATE, 5, atol=0.02)
    samples = rows(tmp_path / "x.wav", "--window", "4800s", "--hop", "33600s")
    assert samples == sparse


def test_features_and_pictures_of_several_files(tmp_path):
    for name, samples in (("in/a.wav", 5), ("in/deep/b.wav", -11)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        save(tmp_path / name, pair(samples))
    run = ("in", "--features", "lags/", "--plot", "seen/", "--jobs", "2")
    done = avtools("gcc-phat", *run, cwd=tmp_path)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert done.stdout.count(b"\n") == 1 + 2 * 19
    for name, samples in (("a", 5), ("deep/b", -11)):
        array = np.load(tmp_path / f"lags/{name}.npy")
        assert array.shape == (19, 1, 2 * 48 + 1) and array.dtype == np.float32
        assert np.all(array[1:-1].argmax(-1) == 48 + samples)
        assert np.abs(array).max() <= 1.001 and array[1:-1].max(-1).min() > 0.9
        assert (tmp_path / f"seen/{name}.png").read_bytes().startswith(b"\x89PNG")
    assert done.stdout == avtools("gcc-phat", "in", cwd=tmp_path).stdout


def test_features_know_their_axes(tmp_path):
    save(tmp_path / "x.wav", pair(5, -7))
    more = ("--window", "512s", "--hop", "160s", "--start", "0.5", "--max-delay", "20s")
    found = rows(tmp_path / "x.wav", *more, "--features", tmp_path / "x.npz")
    made = np.load(tmp_path / "x.npz")
    assert sorted(made) == ["features", "lag", "pair", "time"]
    assert made["features"].shape == (len(found) // 3, 3, 41)
    assert made["pair"].tolist() == ["0-1", "0-2", "1-2"]
    assert np.allclose(made["lag"], np.arange(-20, 21) / RATE)
    assert np.allclose(made["time"], column(found, "time"), atol=1e-6)
    best = made["lag"][made["features"].argmax(-1)] * RATE
    assert np.allclose(np.median(best, axis=0), [5, -7, -12])


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_plot(tmp_path, ending):
    save(tmp_path / "x.wav", pair(5))
    picture = tmp_path / f"x.{ending}"
    found = rows(tmp_path / "x.wav", "--spacing", "0.2", "--plot", picture)
    assert len(found) == 19
    head = {"png": b"\x89PNG\r\n\x1a\n", "svg": b"<?xml"}[ending]
    assert picture.read_bytes().startswith(head) and picture.stat().st_size > 5000


BAD = {
    # what: samples, rate; rows that come of it, whether they tell a delay
    "a silent channel": (noise(2, RATE) * np.float32([1, 0]), RATE, 19, False),
    "one millisecond": (noise(2, 48), RATE, 1, False),
    "one sample": (noise(2, 1), RATE, 1, False),
    "no sample": (noise(2, 0), RATE, 0, False),
    "a constant": (np.full((RATE, 2), 0.5, np.float32), RATE, 19, False),
    "a constant, cut": (np.full((RATE + 1500, 2), 0.5, np.float32), RATE, 20, False),
    "192 kHz": (noise(2, 48_000), 192_000, 4, False),
    "8 kHz": (noise(2, 8000), 8000, 19, False),
    "a full-scale square wave": (
        np.repeat(np.sign(np.sin(np.arange(RATE) / 17.1 + 1e-3))[:, None], 2, 1).astype(np.float32),
        RATE,
        19,
        True,
    ),
}


def in_process(tmp_path, *arguments) -> tuple[int, str]:
    """The exit status and the table, without the start of a process."""
    code = status(["gcc-phat", *map(str, arguments), "-o", str(tmp_path / "rows.csv")])
    made = tmp_path / "rows.csv"
    return code, made.read_text() if made.exists() else ""


@pytest.mark.parametrize("what", BAD)
def test_sounds_that_say_little(tmp_path, what, capfd):
    samples, rate, count, tells = BAD[what]
    path = save(tmp_path / "x.wav", samples, rate)
    features = tmp_path / "x.npy"
    code, text = in_process(tmp_path, path, "--features", features, "--spacing", "0.2")
    found = list(csv.DictReader(io.StringIO(text)))
    assert code == 0 and len(found) == count and text.startswith(COLUMNS + "\n")
    assert all(bool(r["delay"]) == bool(r["azimuth"]) == tells for r in found)
    assert all(0 <= float(r["strength"]) <= 1 and float(r["time"]) > 0 for r in found)
    assert len(np.load(features)) == count and np.isfinite(np.load(features)).all()
    told = capfd.readouterr().err
    assert not told, told


def test_what_is_not_a_number_is_told_once_and_skipped(tmp_path, capfd):
    x = pair(5)
    x[12_000:12_100, 0], x[30_000, 1] = np.nan, np.inf
    code, text = in_process(tmp_path, save(tmp_path / "x.wav", x))
    found = list(csv.DictReader(io.StringIO(text)))
    assert code == 0 and len(found) == 19
    assert np.allclose([float(r["delay"]) * RATE for r in found[1:-1]], 5, atol=0.1)
    told = capfd.readouterr().err
    assert told.count("\n") == 1 and "first at 0.250 s" in told


WRONG = [
    (["mono.wav"], "mono.wav: 1 channel, but a delay is between 2"),
    (["text.wav"], "text.wav: not a sound"),
    (["no.wav"], "no.wav: No such file"),
    (["x.wav", "--pairs", "0-2"], "no channel 2: its 2 channels count from 0"),
    (["x.wav", "--pairs", "0-0"], "expected two channels each"),
    (["x.wav", "--pairs", "0:1"], "expected two channels each"),
    (["x.wav", "--max-delay", "0"], "--max-delay 0: expected"),
    (["x.wav", "--max-delay", "6000s"], "too short for delays of 6000"),
    (["x.wav", "--max-delay", "1e9"], "--max-delay 1e9: expected"),
    (["x.wav", "--window", "long"], "--window long: expected seconds"),
    (["x.wav", "--window", "nan"], "--window nan: expected seconds"),
    (["x.wav", "--hop", "0"], "--hop 0: expected"),
    (["x.wav", "--hop", "-1"], "--hop"),
    (["x.wav", "--spacing", "0"], "--spacing 0: expected metres"),
    (["x.wav", "--spacing", "nan"], "--spacing nan: expected metres"),
    (["x.wav", "--low", "9000", "--high", "100"], "nothing lies between 9000 and 100 Hz"),
    (["x.wav", "--low", "3000", "--high", "3000.1"], "no frequency of a window"),
    (["x.wav", "--low", "nan"], "nothing lies between nan"),
    (["x.wav", "--threshold", "2"], "--threshold"),
    (["x.wav", "--threshold", "nan"], "--threshold nan"),
    (["x.wav", "--smooth", "-1"], "--smooth"),
    (["x.wav", "--smooth", "nan"], "--smooth nan"),
    (["x.wav", "--features", "x.csv"], "expected the ending .npy or .npz"),
    (["x.wav", "--plot", "x.txt"], "x.txt"),
    (["x.wav", "--plot", "x.wav"], "x.wav"),
    (["x.wav", "x.wav", "--features", "x.npy"], "2 inputs need a folder"),
    (["x.wav", "x.wav", "--plot", "x.png"], "2 inputs need a folder"),
    (["x.wav", "--format", "xml"], "--format xml"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG, ids=lambda v: " ".join(v))
def test_what_can_t_be_done_is_said_in_one_line(tmp_path, arguments, said, monkeypatch, capfd):
    """And nothing is written: not even the files that were asked for beside the table."""
    monkeypatch.chdir(tmp_path)
    save("x.wav", noise(2, RATE))
    save("mono.wav", noise(1, RATE))
    (tmp_path / "text.wav").write_text("no sound\n" * 30)
    assert status(["gcc-phat", *arguments]) == 2
    out, told = capfd.readouterr()
    assert said in told and told.count("\n") == 1 and told.startswith("avtools gcc-phat: "), told
    assert out in ("", COLUMNS + "\n")
    assert sorted(os.listdir()) == ["mono.wav", "text.wav", "x.wav"]


def test_one_bad_file_does_not_stop_the_rest(tmp_path):
    save(tmp_path / "a.wav", noise(1))
    save(tmp_path / "b.wav", pair(5))
    done = avtools("gcc-phat", "a.wav", "b.wav", "--features", "lags/", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count(b"\n") == 1 and b"a.wav" in done.stderr
    assert done.stdout.count(b"b.wav") == 19 and os.listdir(tmp_path / "lags") == ["b.npy"]


def test_a_wrong_ending_is_refused_before_work():
    """Standard input is not even waited for."""
    process = subprocess.Popen(command("gcc-phat", "--plot", "x.doc"), stdin=subprocess.PIPE,
                               stderr=subprocess.PIPE)  # fmt: skip
    assert process.wait(20) == 2
    assert b"x.doc" in process.stderr.read()
    process.stdin.close()
    process.stderr.close()


def test_several_outputs_of_one_name_are_refused(tmp_path):
    save(tmp_path / "x.wav", noise(2))
    line = one_line(avtools("gcc-phat", "x.wav", "-o", "y.png", "--plot", "y.png", cwd=tmp_path))
    assert "named for two outputs" in line
    assert os.listdir(tmp_path) == ["x.wav"]


def test_a_pipe_from_another_tool(tmp_path):
    """flip swaps the channels, and so turns the sign of every delay."""
    save(tmp_path / "x.wav", pair(8))
    done = shell(f"avtools flip {tmp_path}/x.wav | avtools gcc-phat --no-header")
    found = [line.split(",") for line in done.stdout.decode().splitlines()]
    assert {f[0] for f in found} == {"-"} and len(found) == 19
    assert np.allclose([float(f[3]) * RATE for f in found[1:-1]], -8, atol=0.02)


def test_the_first_rows_leave_before_the_last_samples_arrive():
    process = subprocess.Popen(command("gcc-phat", "--no-header"), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)  # fmt: skip
    x = pair(5, seconds=2)
    process.stdin.write(header_bytes(Header("pcm_f32le", 2, RATE, None)) + x.tobytes())
    process.stdin.flush()
    timer = threading.Timer(20, process.kill)  # a tool that waits for more fails, not hangs
    timer.start()
    first = process.stdout.readline()
    assert first.startswith(b"-,0.05,0-1,0.0001")
    assert process.poll() is None
    process.stdin.write(x.tobytes())
    process.stdin.close()
    assert process.stdout.read().count(b"\n") == 79 - 1
    assert process.wait(20) == 0
    timer.cancel()
    process.stdout.close()


def peak_of_minutes(minutes: int, channels: int, *arguments) -> float:
    """MiB that a tool takes for a sound of so many minutes in a pipe."""
    process = measured(*arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    process.stdin.write(header_bytes(Header("pcm_f32le", channels, 8000, None)))
    block = noise(channels, 30 * 8000).tobytes()
    for _ in range(2 * minutes):
        process.stdin.write(block)
    process.stdin.close()
    process.stdin = None
    return peak_mib(process)


def test_memory_does_not_grow_with_length(tmp_path):
    """Ten minutes cost what one costs, also with an array and a picture beside the rows."""
    beside = ("--features", tmp_path / "x.npz", "--plot", tmp_path / "x.png")
    peaks = [peak_of_minutes(m, 2, "gcc-phat", *beside) for m in (1, 10)]
    assert peaks[1] < peaks[0] + 20, peaks
    assert len(np.load(tmp_path / "x.npz")["features"]) == 600 * 20 - 1


def on_a_terminal(*arguments, **more) -> str:
    """What a person sees on a terminal of 80 columns."""
    near, far = pty.openpty()
    size = dict(os.environ, COLUMNS="80", TERM="xterm", NO_COLOR="1", PYTHONUTF8="1")
    process = subprocess.Popen(command(*arguments), stdin=subprocess.DEVNULL, stdout=far,
                               stderr=subprocess.PIPE, env=size, **more)  # fmt: skip
    os.close(far)
    seen = b""
    try:
        while piece := os.read(near, 65536):
            seen += piece
    except OSError:  # Linux says so that the other end has gone
        pass
    os.close(near)
    told = process.communicate(timeout=60)[1]
    assert process.returncode == 0 and not told, told
    return seen.decode().replace("\r\n", "\n")


def test_on_a_terminal_rows_stand_in_columns_above_a_strip(tmp_path):
    save(tmp_path / "x.wav", np.concatenate([pair(20), pair(-20)]))
    text = on_a_terminal("gcc-phat", tmp_path / "x.wav", "--hop", "0.1")
    lines = text.splitlines()
    assert lines[0].split() == COLUMNS.split(",")
    assert lines[2].split()[:3] == ["x.wav", "0.15", "0-1"]
    assert len({line.index("0-1") for line in lines[1:20]}) == 1
    assert all(len(line) <= 80 for line in lines)
    strip = lines[21:]
    assert strip[0].startswith("0-1")
    bars = strip[0].split(maxsplit=1)[1]
    levels = ["▁▂▃▄▅▆▇█".index(c) for c in bars.replace(" ", "")]
    assert min(levels[:5]) > 3.5 > max(levels[-5:])  # the first leads, then the second
    assert "the first channel leads by 1 ms" in text
