"""Analysers over many files: what they must not overwrite, what goes beside their rows."""

import csv

import numpy as np
import pytest
import soundfile

from tests.scenes import RATE, avtools, noise, one_line, plane_wave, save


@pytest.fixture
def sounds(tmp_path):
    for name in ("a/x", "a/y", "b/x"):
        path = tmp_path / f"{name}.wav"
        path.parent.mkdir(exist_ok=True)
        save(path, noise(2, RATE))
    return tmp_path


def test_what_names_inputs_is_not_written_over(sounds):
    listed = sounds / "list.csv"
    listed.write_text("file\na/x.wav\n")
    assert "is an input" in one_line(avtools("gcc-phat", listed, "-o", listed))
    names = sounds / "names.txt"
    names.write_text(f"{sounds}/a/x.wav\n")
    told = one_line(avtools("gcc-phat", "--files-from", names, "-o", names))
    assert "is an input" in told and names.read_text().endswith("x.wav\n")


def test_tables_and_geometries_are_not_written_over(tmp_path):
    foa = save(tmp_path / "foa.wav", plane_wave(30, 0, RATE))
    table = tmp_path / "table.wav"  # whatever it is called
    table.write_text("time,azimuth,elevation,yaw\n0,30,0,0\n")
    for tool in (["beamform", foa, "--towards", table], ["rotate-foa", foa, "--track", table]):
        assert "is an input" in one_line(avtools(*tool, "-o", table))
    mics = tmp_path / "mics.csv"
    mics.write_text("x,y,z\n0,0.1,0\n0,-0.1,0\n0,0,0.1\n0.1,0,0\n")
    assert "is an input" in one_line(avtools("doa", foa, "--array", mics, "-o", mics))
    assert mics.read_text().startswith("x,y,z")


def test_same_names_beside_the_rows_are_refused(sounds):
    both = (sounds / "a" / "x.wav", sounds / "b" / "x.wav")
    told = one_line(avtools("gcc-phat", *both, "--features", f"{sounds}/out/"))
    assert "named for two outputs" in told and not (sounds / "out").exists()
    assert avtools("gcc-phat", sounds / "a", "--features", f"{sounds}/out/").returncode == 0
    assert len(list((sounds / "out").iterdir())) == 2


def test_processes_give_the_same_rows(sounds):
    alone = avtools("gcc-phat", sounds)
    shared = avtools("gcc-phat", sounds, "--jobs", 2)
    assert alone.returncode == shared.returncode == 0
    assert alone.stdout == shared.stdout and alone.stdout.count(b"\n") == 1 + 3 * 19


def test_a_source_that_begins_late_is_waited_for_in_front(tmp_path):
    """Nobody knows for how long; the table is read no further than the sound has come."""
    save(tmp_path / "foa.wav", plane_wave(0, 0, 4 * RATE))
    rows = ["time,source,azimuth,elevation"] + [f"{t / 10},1,90,0" for t in range(40)]
    rows += ["3.5,2,180,0", "3.9,2,180,0"]
    ordered = sorted(rows[1:], key=lambda r: float(r.split(",")[0]))
    (tmp_path / "t.csv").write_text("\n".join([rows[0], *ordered]) + "\n")
    done = avtools(
        "beamform", tmp_path / "foa.wav", "--towards", tmp_path / "t.csv", "--source", "1,2",
        "--pattern", "cardioid", "-o", tmp_path / "o.wav",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    beams, w = (
        soundfile.read(tmp_path / "o.wav")[0].T,
        soundfile.read(tmp_path / "foa.wav")[0][:, 0],
    )
    begin, end = slice(0, int(2.4 * RATE)), slice(int(3.6 * RATE), None)
    assert np.allclose(beams[0], w / 2, atol=1e-5)
    assert np.allclose(beams[1, begin], w[begin], atol=1e-5)
    assert np.allclose(beams[1, end], 0, atol=1e-5)


def test_spans_that_mislead_are_refused(tmp_path):
    path = save(tmp_path / "x.wav", noise(4, RATE))
    for option, words in [
        (["--hop", "0.05s"], "samples, as in 2048s"),
        (["--window", "4s"], "too short"),
        (["--window", "nan"], "expected seconds"),
    ]:
        assert words in one_line(avtools("intensity", path, *option))


@pytest.mark.parametrize(("window", "hop"), [(0.1, 1), (0.5, 0.35), (0.5, 0.02), (2, 0.1)])
def test_doa_takes_any_window_and_hop(tmp_path, window, hop):
    path = save(tmp_path / "x.wav", plane_wave(70, 0, 4 * RATE))
    done = avtools("doa", path, "--window", window, "--hop", hop)
    rows = list(csv.DictReader(done.stdout.decode().splitlines()))
    times = np.array([float(r["time"]) for r in rows])
    assert abs(times[0] - window / 2) <= 0.05 * window + 0.001
    assert np.allclose(np.diff(times)[:-1], hop, rtol=0.01)  # the end may cut the last
    assert all(abs(float(r["azimuth"]) - 70) < 0.1 for r in rows)


def test_azimuth_is_never_minus_180(tmp_path):
    save(tmp_path / "x.wav", plane_wave(-179.999, 0, RATE))
    for tool in ("doa", "intensity"):
        done = avtools(tool, tmp_path / "x.wav")
        found = {r["azimuth"] for r in csv.DictReader(done.stdout.decode().splitlines())}
        assert found == {"180.0"}
