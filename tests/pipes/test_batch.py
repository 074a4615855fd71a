"""Many files: folders, lists, manifests, jobs, shards, names, and one bad one among them."""

import os

import numpy as np
import pytest

from tests.scenes import avtools, load, noise, one_line, save


@pytest.fixture
def folder(tmp_path):
    """Five sounds in two folders, one of them bad; and things that are no sounds."""
    inside = tmp_path / "in"
    (inside / "sub").mkdir(parents=True)
    for k, name in enumerate(["b.wav", "a.wav", "sub/c.wav", "sub/é ü.wav"]):
        save(inside / name, noise(2, seed=k))
    (inside / "bad.wav").write_bytes(b"RIFF....WAVEnothing")
    (inside / "notes.txt").write_text("no sound")
    (inside / ".hidden.wav").write_text("no sound")
    return inside


def names(folder) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


GOOD = ["a.wav", "b.wav", "sub/c.wav", "sub/é ü.wav"]


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_bad_file_does_not_stop_the_rest(tmp_path, folder, jobs):
    done = avtools("flip", folder, "-d", tmp_path / "out", "--jobs", jobs)
    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1 and "bad.wav" in done.stderr.decode()
    assert names(tmp_path / "out") == GOOD
    for name in GOOD:
        assert np.array_equal(load(tmp_path / "out" / name), load(folder / name)[:, ::-1])


def test_suffix_and_format(tmp_path, folder):
    avtools("flip", folder, "-d", tmp_path / "out", "--suffix", "_x.flac", "-q")
    assert names(tmp_path / "out") == ["a_x.flac", "b_x.flac", "sub/c_x.flac", "sub/é ü_x.flac"]
    avtools("flip", folder / "a.wav", "-d", tmp_path / "two", "--suffix", "_y")
    assert names(tmp_path / "two") == ["a_y.wav"]


def test_skip_existing_and_dry_run(tmp_path, folder):
    (folder / "bad.wav").unlink()
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.wav").write_bytes(b"mine")
    said = avtools("flip", folder, "-d", out, "-n")
    assert said.stdout.decode().splitlines()[0] == f"{folder}/a.wav -> {out}/a.wav"
    assert names(out) == ["a.wav"]
    assert avtools("flip", folder, "-d", out, "--skip-existing").returncode == 0
    assert (out / "a.wav").read_bytes() == b"mine" and names(out) == GOOD


def test_lists_and_manifests(tmp_path, folder):
    listed = f"{folder}/a.wav\n{folder}/sub/é ü.wav\n".encode()
    done = avtools("flip", "--files-from", "-", "-d", tmp_path / "1", input=listed)
    assert done.returncode == 0 and len(names(tmp_path / "1")) == 2
    done = avtools("flip", "--files-from", "-", "-0", "-d", tmp_path / "2",
                   input=listed.replace(b"\n", b"\0"))  # fmt: skip
    assert done.returncode == 0 and names(tmp_path / "2") == names(tmp_path / "1")
    manifest = folder / "list.csv"
    manifest.write_text("label,file\nx,a.wav\ny,sub/c.wav\n")
    assert avtools("flip", manifest, "-d", tmp_path / "3").returncode == 0
    assert names(tmp_path / "3") == ["a.wav", "sub/c.wav"]
    manifest.write_text("path\na.wav\n")
    assert "column `file`" in one_line(avtools("flip", manifest, "-d", tmp_path / "4"))


def test_shards_are_all_and_none_twice(tmp_path, folder):
    (folder / "bad.wav").unlink()
    for k in range(20):
        save(folder / f"n{k}.wav", noise(2, 100))
    parts = []
    for i in (1, 2, 3):
        out = tmp_path / f"out{i}"
        assert avtools("flip", folder, "-d", out, "--shard", f"{i}/3").returncode == 0
        parts += names(out) if out.exists() else []
    assert sorted(parts) == sorted(GOOD + [f"n{k}.wav" for k in range(20)])
    for wrong in ("0/3", "4/3", "x", "1/0", "1"):
        assert "--shard" in one_line(avtools("flip", folder, "-d", tmp_path, "--shard", wrong))


def test_what_can_t_be_told_apart_is_refused(tmp_path, folder):
    assert "--directory" in one_line(avtools("flip", folder / "a.wav", folder / "b.wav"))
    assert "--directory" in one_line(avtools("flip", folder, "-o", tmp_path / "x.wav"))
    os.makedirs(tmp_path / "other")
    save(tmp_path / "other" / "a.wav", noise(2))
    both = one_line(avtools("flip", folder, tmp_path / "other", "-d", tmp_path / "out"))
    assert "would both be written" in both
    assert "only one of" in one_line(avtools("flip", folder, "-d", "x", "-o", "y"))
    assert "--suffix" in one_line(avtools("flip", folder / "a.wav", "--suffix", "_x"))


def test_in_place(folder):
    before = load(folder / "a.wav")
    assert avtools("flip", folder / "a.wav", folder / "b.wav", "--in-place").returncode == 0
    assert np.array_equal(load(folder / "a.wav"), before[:, ::-1])


def test_window_and_channels(tmp_path):
    x = noise(6, 48_000)
    save(tmp_path / "x.wav", x)
    for path in (tmp_path / "x.wav", "-"):
        given = (tmp_path / "x.wav").read_bytes() if path == "-" else None
        done = avtools("convert", path, "--start", "0.25", "--duration", "0.5", "--channels",
                       "4,0-2", "-o", tmp_path / "y.wav", input=given)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert np.array_equal(load(tmp_path / "y.wav"), x[12_000:36_000, [4, 0, 1, 2]])
    for wrong in ("6", "x", "2-1", "-1"):
        assert "channel" in one_line(avtools("convert", tmp_path / "x.wav", "--channels", wrong))
