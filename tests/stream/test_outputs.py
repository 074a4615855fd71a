"""Outputs: whole or absent, with the rights that they had, through links and into devices."""

import os
import stat
from multiprocessing import get_context

import pytest

from avtools.stream.outputs import SUFFIX, whole


def test_the_name_appears_at_the_end_only(tmp_path):
    target = tmp_path / "x [1]*.txt"
    with whole(target) as temporary:
        temporary.write_text("new")
        assert not target.exists() and temporary.name.startswith(".")
    assert target.read_text() == "new" and os.listdir(tmp_path) == [target.name]


def test_an_error_leaves_the_old_one(tmp_path):
    target = tmp_path / "x.txt"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), whole(target) as temporary:
        temporary.write_text("new")
        raise KeyboardInterrupt
    assert target.read_text() == "old" and os.listdir(tmp_path) == ["x.txt"]


def test_rights_are_the_old_ones_or_the_usual_ones(tmp_path):
    target = tmp_path / "x.txt"
    before = os.umask(0o027)
    try:
        with whole(target):
            pass
        assert stat.S_IMODE(target.stat().st_mode) == 0o640
        target.chmod(0o604)
        with whole(target):
            pass
        assert stat.S_IMODE(target.stat().st_mode) == 0o604
    finally:
        os.umask(before)


def test_links_are_followed(tmp_path):
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "there" / "x.txt")
    with whole(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink() and (tmp_path / "there" / "x.txt").read_text() == "new"


def hold(path, ready, go):
    with whole(path):
        ready.set()
        go.wait(20)


def test_only_abandoned_temporaries_are_removed(tmp_path):
    target = tmp_path / "x.txt"
    dead = tmp_path / f".x.txt.00000000{SUFFIX}"
    dead.touch()
    other = tmp_path / f".y.txt.00000000{SUFFIX}"
    other.touch()
    spawn = get_context("spawn")
    ready, go = spawn.Event(), spawn.Event()
    process = spawn.Process(target=hold, args=(target, ready, go))
    process.start()
    assert ready.wait(20)
    assert not dead.exists() and other.exists()
    with whole(target):
        assert len(list(tmp_path.glob(".x.txt.*"))) == 2  # the other's, and ours
    go.set()
    process.join()
    assert process.exitcode == 0


def test_devices_are_written_directly():
    with whole("/dev/null") as path:
        assert str(path) == "/dev/null"
