"""`avtools doa` as a person runs it."""

import csv
import io
import json
import subprocess

import numpy as np
import pytest
import soundfile

from tests.scenes import (
    DATA,
    RATE,
    avtools,
    command,
    needs_data,
    noise,
    one_line,
    plane_wave,
    save,
    shell,
)


def rows_of(done) -> list[dict]:
    assert done.returncode == 0, done.stderr.decode()
    return list(csv.DictReader(io.StringIO(done.stdout.decode())))


def azimuths(rows) -> np.ndarray:
    return np.array([float(r["azimuth"]) for r in rows])


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 192000])
def test_a_plane_wave_is_found_where_it_is(tmp_path, rate):
    save(tmp_path / "x.wav", plane_wave(-137, 33, rate), rate)
    rows = rows_of(avtools("doa", tmp_path / "x.wav"))
    assert len(rows) == 6 and {r["source"] for r in rows} == {"1"}
    assert np.allclose(azimuths(rows), -137, atol=0.2)
    assert np.allclose([float(r["elevation"]) for r in rows], 33, atol=0.2)
    assert np.allclose([float(r["time"]) for r in rows], np.arange(0.25, 0.8, 0.1))
    assert float(rows[-1]["confidence"]) > 0.7


def test_two_at_once(tmp_path):
    both = plane_wave(60, 0, 2 * RATE) + plane_wave(-45, 20, 2 * RATE, 1)
    save(tmp_path / "x.wav", both)
    rows = rows_of(avtools("doa", tmp_path / "x.wav"))
    for wanted in (60, -45):
        near = [r for r in rows if abs(float(r["azimuth"]) - wanted) < 4]
        assert len(near) >= 12 and len({r["source"] for r in near}) == 1
    one = rows_of(avtools("doa", tmp_path / "x.wav", "--sources", 1))
    assert len(one) == len({r["time"] for r in one}) > 10


def test_turned_by_40(tmp_path):
    path = save(tmp_path / "x.wav", plane_wave(12, -8, RATE) + 0.3 * noise(4, RATE, 4))
    plain = rows_of(avtools("doa", path))
    turned = rows_of(shell(f"avtools rotate-foa {path} --yaw 40 | avtools doa"))
    assert len(plain) == len(turned) > 3
    assert np.allclose(azimuths(turned) - azimuths(plain), 40, atol=0.05)


def test_followed_by_a_beam(tmp_path):
    path = save(tmp_path / "x.wav", plane_wave(70, 10, RATE))
    out = tmp_path / "out.wav"
    done = shell(f"avtools doa {path} | avtools beamform {path} --towards - -o {out}")
    assert done.returncode == 0, done.stderr.decode()
    beam, _ = soundfile.read(out)
    w = soundfile.read(path)[0][:, 0]
    assert np.allclose(beam, w, atol=1e-4)


@pytest.mark.parametrize("kind", ["silence", "noise", "short silence"])
def test_abstains(tmp_path, kind):
    x = {
        "silence": np.zeros((RATE, 4)),
        "noise": noise(4, 3 * RATE) * [1, 0.577, 0.577, 0.577],
        "short silence": np.zeros((48, 4)),
    }[kind]
    save(tmp_path / "x.wav", x.astype(np.float32))
    done = avtools("doa", tmp_path / "x.wav")
    assert rows_of(done) == [] and done.stdout.startswith(b"file,time,source")


def test_json_and_least(tmp_path):
    save(tmp_path / "x.wav", plane_wave(30, 0, RATE))
    done = avtools("doa", tmp_path / "x.wav", "--format", "json", "--least", 0.5)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows and all(r["source"] == 1 and r["confidence"] >= 0.5 for r in rows)
    assert rows[0]["azimuth"] == pytest.approx(30, abs=0.05)


def test_conventions(tmp_path):
    w, y, z, x = plane_wave(-20, 10, RATE).T
    save(tmp_path / "x.wav", np.stack([w / 2**0.5, x, y, z], axis=1))
    rows = rows_of(avtools("doa", tmp_path / "x.wav", "--from", "fuma"))
    assert np.allclose(azimuths(rows), -20, atol=0.2)


def test_spaced_pair(tmp_path):
    """37 degrees to the left of two microphones 0.2 m apart: the left one is earlier."""
    rng = np.random.default_rng(0)
    s = np.fft.rfft(rng.standard_normal(2 * RATE) * 0.1)
    delay = 0.2 * np.sin(np.deg2rad(37)) / 343
    f = np.fft.rfftfreq(2 * RATE, 1 / RATE)
    right = np.fft.irfft(s * np.exp(-2j * np.pi * f * delay))
    save(tmp_path / "x.wav", np.stack([np.fft.irfft(s), right], 1).astype(np.float32))
    rows = rows_of(avtools("doa", tmp_path / "x.wav", "--spacing", 0.2))
    assert len(rows) > 10 and np.allclose(azimuths(rows), 37, atol=0.5)
    assert {r["elevation"] for r in rows} == {""} and {r["source"] for r in rows} == {"1"}


def test_array(tmp_path):
    """A tetrahedron of 5 cm; --array says where each microphone is."""
    from avtools.dsp.sphere import unit_vectors

    places = 0.05 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 3**0.5
    rng = np.random.default_rng(0)
    s = np.fft.rfft(rng.standard_normal(RATE) * 0.1)
    f = np.fft.rfftfreq(RATE, 1 / RATE)
    early = places @ unit_vectors(-110, 25) / 343
    mics = np.fft.irfft(s * np.exp(2j * np.pi * f * early[:, None])).T
    save(tmp_path / "x.wav", mics.astype(np.float32))
    np.savetxt(tmp_path / "mics.csv", places, delimiter=",", header="x,y,z", comments="")
    rows = rows_of(avtools("doa", tmp_path / "x.wav", "--array", tmp_path / "mics.csv"))
    assert len(rows) > 3 and np.allclose(azimuths(rows), -110, atol=0.5)
    assert np.allclose([float(r["elevation"]) for r in rows], 25, atol=0.5)


def test_refusals(tmp_path):
    stereo, foa = save(tmp_path / "s.wav", noise(2)), save(tmp_path / "f.wav", noise(4))
    for arguments, words in [
        (["doa", stereo], "--spacing 0.2"),
        (["doa", foa, "--spacing", "0.2"], "--spacing is of 2 microphones"),
        (["doa", foa, "--model", "resnet"], "expected one of signal"),
        (["doa", foa, "--array", tmp_path / "none.csv"], "No such file"),
        (["doa", foa, "--spacing", "0.2", "--array", "x"], "only one of"),
        (["doa", foa, "--low", "9000"], "frequency"),
        (["doa", foa, "--hop", "0"], "--hop 0"),
        (["doa", foa, "--video", "v.mp4"], "--plot"),
        (["doa", foa, "--plot", "x.gif"], ".png"),
        (["doa", foa, "--spacing", "-1"], "expected metres"),
    ]:
        assert words in one_line(avtools(*arguments)), arguments


BAD = {
    "silent channel": lambda: plane_wave(0, 0, RATE) * [1, 0, 1, 1],
    "1 ms": lambda: plane_wave(20, 0, 48),
    "one sample": lambda: plane_wave(20, 0, 1),
    "dc": lambda: np.full((RATE + 1500, 4), 0.5),
    "square": lambda: np.tile(np.sign(np.sin(np.arange(RATE) * 0.05) + 1e-9)[:, None], (1, 4)),
    "huge": lambda: np.where(np.arange(RATE)[:, None] == 9000, 1e30, plane_wave(20, 0, RATE)),
    "nan": lambda: np.where(np.arange(RATE)[:, None] == 9000, np.nan, plane_wave(20, 0, RATE)),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input(tmp_path, kind):
    save(tmp_path / "x.wav", BAD[kind]().astype(np.float32))
    done = avtools("doa", tmp_path / "x.wav")
    rows = rows_of(done)
    assert b"Traceback" not in done.stderr
    if kind in ("nan", "huge"):
        assert done.stderr.count(b"NaN" if kind == "nan" else b"beyond 1e9") == 1
        assert len(rows) == 6 and np.allclose(azimuths(rows), 20, atol=0.5)
    if kind == "dc":
        assert rows == []


def test_first_row_before_the_input_ends(tmp_path):
    path = save(tmp_path / "x.wav", plane_wave(10, 0, 4 * RATE))
    data = path.read_bytes()
    with subprocess.Popen(command("doa"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as tool:
        tool.stdin.write(data[: len(data) // 2])
        tool.stdin.flush()
        assert tool.stdout.readline().startswith(b"file,")
        assert tool.stdout.readline().startswith(b"-,0.25,1,10")
        tool.stdin.write(data[len(data) // 2 :])
        tool.stdin.close()
        assert len(tool.stdout.read().splitlines()) > 30


def test_pictures(tmp_path):
    save(tmp_path / "x.wav", plane_wave(10, 0, RATE))
    assert avtools("doa", tmp_path / "x.wav", "--plot", tmp_path / "p.png").returncode == 0
    assert (tmp_path / "p.png").read_bytes()[:4] == b"\x89PNG"
    save(tmp_path / "y.wav", np.zeros((RATE, 4), np.float32))
    both = [tmp_path / "x.wav", tmp_path / "y.wav"]
    assert "2 inputs need a folder" in one_line(avtools("doa", *both, "--plot", "p.svg"))
    assert avtools("doa", *both, "--plot", f"{tmp_path}/all/").returncode == 0
    assert len(list((tmp_path / "all").glob("*.png"))) == 2


@needs_data
def test_recordings(tmp_path):
    path = next(DATA.glob("GoogleChrome+omnitone/**/3oa_example_ch0-ch7.wav"))
    rows = rows_of(avtools("doa", path, "--channels", "0-3"))
    assert len(rows) > 5
    assert np.allclose(azimuths(rows), 0, atol=2)
    assert np.allclose([float(r["elevation"]) for r in rows], 0, atol=2)
    path = next(DATA.glob("polarch+JSAmbisonics/**/room_1_bf.wav"))
    rows = rows_of(avtools("doa", path, "--from", "fuma"))
    best = max(rows, key=lambda r: float(r["confidence"]))
    assert abs(float(best["azimuth"]) - 13) <= 4 and float(best["confidence"]) > 0.5
