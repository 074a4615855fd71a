"""Rows about a sound and about a picture of one file mean the same moment."""

import csv

import pytest

from avtools.stream.clock import file_begins, sound_begins
from tests.scenes import RATE, avtools, needs_ffmpeg, plane_wave, save, shell

pytestmark = needs_ffmpeg


def times(path, *options) -> list[float]:
    done = avtools("intensity", path, "--window", 0.2, "--hop", 0.1, *options)
    return [float(row["time"]) for row in csv.DictReader(done.stdout.decode().splitlines())]


def made(tmp_path, name, options):
    save(tmp_path / "s.wav", plane_wave(10, 0, RATE))
    done = shell(
        f"ffmpeg -v error -f lavfi -i testsrc2=s=128x64:d=2 {options} -i {tmp_path}/s.wav "
        f"-c:v libx264 -c:a flac -strict -2 {tmp_path}/{name}"
    )
    assert done.returncode == 0, done.stderr
    return tmp_path / name


def test_a_sound_that_begins_late(tmp_path):
    path = made(tmp_path, "late.mkv", "-itsoffset 0.5")
    assert sound_begins(str(path)) == pytest.approx(0.5, abs=0.002)
    assert times(path)[0] == pytest.approx(0.6, abs=0.002)
    assert times(path, "--start", 0.2)[0] == pytest.approx(0.8, abs=0.002)


def test_a_container_with_a_clock_of_its_own(tmp_path):
    path = made(tmp_path, "x.mkv", "")
    shell(f"ffmpeg -v error -i {path} -c copy -output_ts_offset 100 {tmp_path}/y.mkv")
    assert file_begins(str(tmp_path / "y.mkv")) == pytest.approx(100, abs=0.01)
    assert times(tmp_path / "y.mkv") == pytest.approx(times(path), abs=0.002)


def test_files_of_sound_begin_at_0(tmp_path):
    save(tmp_path / "s.wav", plane_wave(10, 0, RATE))
    assert times(tmp_path / "s.wav")[0] == 0.1
    assert sound_begins("-") == 0
