"""The examples run, as the README shows them, and give the answers that they were made with."""

import csv
import subprocess
import sys

import pytest

from tests.scenes import ROOT, avtools


def test_the_scene_is_heard_and_seen_where_it_was_made(tmp_path):
    run = [sys.executable, ROOT / "examples" / "make_scene.py", tmp_path]
    subprocess.run([*run, "--seconds", "1", "--count", "2"], check=True)
    for number, azimuth in (("", 3.75), ("2", 23.75)):
        scene, picture = tmp_path / f"scene{number}.mp4", tmp_path / f"picture{number}.mp4"
        into = ("--video", picture, "--spherical", "mono", "-o", scene)
        made = avtools("convert", tmp_path / f"foa{number}.wav", *into)
        assert made.returncode == 0, made.stderr
        where = subprocess.run(
            [sys.executable, ROOT / "examples" / "where.py", scene], capture_output=True, check=True
        )
        numbers = where.stdout.decode().splitlines()[1].replace(",", " ").split()[1:]
        heard, up, seen, high = map(float, numbers)
        assert abs(heard - azimuth) < 1 and abs(seen - azimuth) < 1
        assert abs(up - 15) < 1 and abs(high - 15) < 1


def test_curate_keeps_exactly_the_right_scenes(tmp_path):
    """The script itself compares; exit status 1 where anything is not as it was made to be."""
    run = [sys.executable, ROOT / "examples" / "curate_scenes.py", "-d", tmp_path / "scenes"]
    small = ["--count", "4", "--seconds", "3", "--jobs", "1"]
    done = subprocess.run([*run, *small], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 scenes right: 2 kept" in done.stdout and "1 scenes right: 1 kept" in done.stdout
    assert "1 scenes in the middle: 1 " in done.stdout and "DIFFERS" not in done.stdout
    assert done.stdout.count("  fine ") == 26


def test_the_tables_of_the_methods_without_training(tmp_path):
    run = [sys.executable, ROOT / "examples" / "signal_tables.py", "-d", tmp_path]
    small = ["--count", "1", "--seconds", "4", "--seed", "200008", "--jobs", "1"]
    done = subprocess.run([*run, *small], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

    def figures(name: str, model: str = "signal") -> dict[str, float]:
        with open(tmp_path / f"{name}.csv", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["model"] == model]
        return {row["metric"]: float(row["value"] or "nan") for row in rows}

    assert figures("flip")["brier"] < 0.1 and figures("flip-360")["brier"] < 0.25
    assert figures("align360")["error_deg"] < 15
    assert figures("upmix")["complex_l1"] != figures("upmix", "mono")["complex_l1"]
    for name in ("separate", "separate-360"):
        models = ("ideal", "signal")
        ideal, own = (figures(name, m)["si_sdr_improvement_db"] for m in models)
        assert ideal > own
    assert figures("track-faces")["ap50"] > 0.5
    assert "small" in done.stdout and (tmp_path / "flip-reliability.png").stat().st_size > 10_000


@pytest.mark.skipif(not (ROOT / ".venv" / "installed").exists(), reason="tests/run makes .venv")
def test_the_quickstart_runs_to_its_end(tmp_path):
    done = subprocess.run([ROOT / "examples" / "quickstart", tmp_path], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    text = done.stdout.decode()
    assert "differs by at most" in text and (tmp_path / "where.png").stat().st_size > 10_000
    lines = {
        line.split()[0]: line for line in text.splitlines() if ".mp4 " in line and "°" not in line
    }
    assert "scene.mp4,0.75,1,1" in text  # doa: source 1 at some 11 degrees
    for made in ("doa.png", "lamp.wav", "view.mp4", "scenes.png", "shards/train-000000.tar"):
        assert (tmp_path / made).stat().st_size > 10_000
    assert "+63." in lines["both.mp4"] and "-3." in lines["mirrored.mp4"]
