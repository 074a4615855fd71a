"""Scenes for evaluation stay that, whoever reads or curates the folder they are in."""

from types import SimpleNamespace

import pytest

from avtools.curate.factory import Order, Run
from avtools.datasets import Clip, check_leaks, open_dataset
from avtools.synth.files import make
from avtools.synth.manifest import settle
from avtools.synth.recipe import items_of
from tests.synth.test_files import recipe_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Scenes for training, validation and evaluation, of the same habits."""
    folder = str(tmp_path_factory.mktemp("scenes"))
    for habit in (7, 9):
        recipe = recipe_of(habits=(habit,))
        for item in items_of(recipe, [habit, 1_000_000 + habit], "wav", None, folder, None):
            make(recipe, item)
    settle(folder)
    return folder


def test_a_folder_of_scenes_is_read_by_its_manifest(folder, capsys):
    clips = {clip.key: clip for clip in open_dataset(folder)}
    said = {key: (c.source, c.channel, c.split, c.convention) for key, c in clips.items()}
    assert said == {
        "easy-000007": ("7", "7", "train", "stereo"),
        "easy-000009": ("9", "9", "val", "stereo"),
        "easy-1000007": ("7-test", "7", "test", "stereo"),
        "easy-1000009": ("9-test", "9", "test", "stereo"),
    }
    assert not check_leaks(clips.values())
    assert {e.label for e in clips["easy-000007"].events()} and capsys.readouterr().err == ""


def test_what_a_manifest_does_not_list_is_left_out_and_told(folder, tmp_path, capsys):
    (tmp_path / "manifest.csv").write_text(
        "file,truth,seed,source,split\na.wav,a.csv,1000000,7-test,test\n"
    )
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(b"")
    assert [clip.key for clip in open_dataset(str(tmp_path))] == ["a"]
    assert "does not list 1 files, as b.wav: left out" in capsys.readouterr().err


def test_no_clip_that_is_for_tests_is_ever_learned_from():
    """Nor what shares a source with it, nor a source that holds a copy of it."""
    footage = [
        Clip("a", "one", "a.wav", None, split="test"),
        Clip("b", "one", "b.wav", None),
        Clip("c", "two", "c.wav", None, split="train"),
        Clip("d", "three", "d.wav", None, split="test"),
        Clip("e", "four", "e.wav", None, split="train"),
    ]
    order = Order("m.csv", SimpleNamespace(seed=0))
    run = Run(order, footage, None, None)
    run.first_sources = {"two": "two", "three": "two"}
    splits = [run.split(clip) for clip in footage]
    assert splits == ["test", "test", "test", "test", "train"]
