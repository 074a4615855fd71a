"""What a run writes down of its clips is read back as the same clips."""

import csv
import os
from dataclasses import replace

import pytest

from avtools.curate import manifest
from avtools.datasets import open_dataset
from avtools.datasets.clip import Clip
from tests.datasets.trees import empty

KEPT = manifest.Fate(None, "full")


def written(folder, *clips: Clip) -> str:
    path = str(folder / "m.csv")
    rows = [manifest.row_of(clip, KEPT, "train", None, {"level_db": -20.0}) for clip in clips]
    manifest.write(path, lambda: rows, lambda row: None)
    return path


def test_clips_come_back_as_they_were(tmp_path):
    empty(tmp_path / "a.mp4", tmp_path / "b.wav", tmp_path / "pictures/1.jpg")
    video, sound, folder = (str(tmp_path / n) for n in ("a.mp4", "b.wav", "pictures"))
    clips = [
        Clip("a", "s", video, video, 1.5, 10.0, split="train"),
        Clip("b", "s", sound, video, 0.0, 10.0, convention="ambix", has_height=False,
             split="train"),
        Clip("c", "t", sound, folder, 0.0, 10.0, picture_rate=10.0, split="train", label="x"),
    ]  # fmt: skip
    path = written(tmp_path, *clips)
    assert list(open_dataset(path)) == clips
    rows = list(manifest.read(path))
    assert rows[2]["video"] == folder and rows[2]["picture_rate"] == "10"
    # A table of parts, joined.
    manifest.write(path, lambda: rows, lambda row: None)
    assert list(open_dataset(path)) == clips


def test_columns_that_nobody_needs_are_not_there(tmp_path):
    empty(tmp_path / "a.mp4")
    video = str(tmp_path / "a.mp4")
    with open(written(tmp_path, Clip("a", "s", video, video, 0.0, 2.0)), newline="") as lines:
        assert next(csv.reader(lines)) == [*manifest.COLUMNS, "level_db"]


def test_no_figures_are_made_of_what_is_none(tmp_path):
    channels = manifest.Channels()
    clip = Clip("c", "t", "x.wav", "pictures", picture_rate=10.0, has_height=False)
    channels.add(manifest.row_of(clip, KEPT, "train", None, {"level_db": -20.0}))
    channels.write(str(tmp_path / "c.csv"))
    assert (tmp_path / "c.csv").read_text() == "channel,clips,kept,level_db\nt,1,1,-20\n"


@pytest.mark.skipif(os.name == "nt", reason="names are bytes elsewhere")
def test_a_name_that_is_not_utf_8_costs_nobody_the_manifest(tmp_path):
    odd = os.fsdecode(b"caf\xe9.mp4")
    try:
        empty(tmp_path / "a.mp4", tmp_path / odd)
    except OSError:
        pytest.skip("a file system of UTF-8 names")
    clips = [
        Clip(stem, stem, str(tmp_path / name), str(tmp_path / name), 0.0, 2.0, split="train")
        for stem, name in (("a", "a.mp4"), (os.path.splitext(odd)[0], odd))
    ]
    path = written(tmp_path, *clips)
    assert list(open_dataset(path)) == clips
    (accented,) = open_dataset(written(tmp_path, replace(clips[1], label="é")))
    assert accented.label == "é"


@pytest.mark.parametrize("stem", [" a", "a ", " a,b ", "a\rb", "a\nb", "\ra", 'a"b', "#a"])
def test_a_name_comes_back_to_the_last_blank(tmp_path, stem):
    empty(tmp_path / f"{stem}.mp4", tmp_path / "b.mp4")
    clips = [
        Clip(
            name, name, *[str(tmp_path / f"{name}.mp4")] * 2, 0.0, 2.0, split="train", channel=name
        )
        for name in (stem, "b")
    ]
    path = written(tmp_path, *clips)
    assert {c.key: c for c in open_dataset(path)} == {c.key: c for c in clips}
    assert [row["clip"] for row in manifest.read(path)] == [stem, "b"]


def test_channels_of_odd_names_stay_rows(tmp_path):
    channels = manifest.Channels()
    for name in ("a\rb", "c"):
        channels.add(manifest.row_of(Clip(name, "t", "x", "x", channel=name), KEPT, "", None, {}))
    channels.write(str(tmp_path / "c.csv"))
    assert (tmp_path / "c.csv").read_bytes() == b'channel,clips,kept\n"a\rb",1,1\nc,1,1\n'
