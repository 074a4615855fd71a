"""Where a run writes: told before any work."""

import os

import pytest

from avtools.curate import places
from avtools.errors import AvtoolsError


def test_nothing_that_is_read_is_written_and_nothing_twice(tmp_path):
    read, other, link = (tmp_path / name for name in ("io.csv", "x.csv", "link.csv"))
    read.touch()
    link.symlink_to("io.csv")
    os.link(read, tmp_path / "hard.csv")
    for name in ("io.csv", "link.csv", "hard.csv", "./io.csv", f"../{tmp_path.name}/io.csv"):
        with pytest.raises(AvtoolsError, match=r"--output .*an input"):
            places.refuse_same([None, str(read)], {"--output": str(tmp_path / name)})
    places.refuse_same([str(read)], {"--output": str(other), "--per-channel": None})
    with pytest.raises(AvtoolsError, match=r"--per-channel .* --output"):
        places.refuse_same([], {"--output": str(other), "--per-channel": f"{tmp_path}/./x.csv"})


def test_the_path_of_an_input(tmp_path):
    path = str(tmp_path / "a,b.csv")
    (tmp_path / "a,b.csv").touch()
    assert places.file_of(path) == places.file_of(f"boxes:{path}") == path
    (tmp_path / "c.onnx").touch()
    assert places.file_of(f"onnx:{tmp_path}/c.onnx,rgb") == f"{tmp_path}/c.onnx"
    assert places.file_of("haar") == "haar"


def test_places_are_made_and_tried(tmp_path):
    (tmp_path / "file").touch()
    places.have_places([str(tmp_path / "m.csv"), None], {"--contact": str(tmp_path / "a/b")})
    assert (tmp_path / "a/b").is_dir() and not list((tmp_path / "a/b").iterdir())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "file"]
    for folder in (tmp_path / "file", tmp_path / "file/below", "/proc/none", "a\0b"):
        with pytest.raises(AvtoolsError, match="--to-shards"):
            places.have_places([], {"--to-shards": str(folder)})
    with pytest.raises(AvtoolsError, match=r"x\.csv"):
        places.have_places(["/proc/x.csv"], {})
    with pytest.raises(AvtoolsError, match="a folder"):
        (tmp_path / "d.csv").mkdir()
        places.check_table("--output", str(tmp_path / "d.csv"))
