"""A folder's layout is told from its files."""

import pytest

from avtools.datasets import DATASETS, layout_of, open_dataset
from avtools.errors import AvtoolsError
from tests.datasets.trees import TREES, empty, fair_play, starss, text, ucf101


@pytest.mark.parametrize("name", TREES)
def test_every_layout_is_known_by_its_files_alone(tmp_path, name):
    root = TREES[name](tmp_path / "UCF-101")
    assert layout_of(str(root)) == name
    if name != "eigenscape":  # its clips of thirty seconds are too much for a tiny tree
        dataset = open_dataset(f"{name}:{root}")
        assert dataset.name == name and len({c.key for c in dataset}) == len(dataset)
        assert open_dataset(root).clips == dataset.clips


def test_every_reader_has_a_tree_here():
    assert {*TREES, "shards", "manifest", "plain"} == set(DATASETS)


def test_another_layout_than_said(tmp_path):
    root = ucf101(tmp_path)
    with pytest.raises(AvtoolsError, match="not fair-play: no binaural_audios"):
        open_dataset(f"fair-play:{root}")
    with pytest.raises(ValueError, match="expected one of fair-play"):
        open_dataset(root, "kinetics")
    with pytest.raises(ValueError, match="ucf101 has no choice 'subset': fold"):
        open_dataset(root, subset="all")
    with pytest.raises(AvtoolsError, match="no such file or folder"):
        open_dataset(tmp_path / "none")


def test_a_folder_with_two_layouts_asks(tmp_path):
    root = starss(fair_play(tmp_path))
    with pytest.raises(AvtoolsError, match=r"fair-play or starss\? Say which, as in fair-play:"):
        open_dataset(root)
    assert open_dataset(root, "starss").name == "starss"


def test_nothing_there_says_what_was_looked_for(tmp_path):
    text(tmp_path / "notes.txt", "nothing")
    with pytest.raises(AvtoolsError) as told:
        open_dataset(tmp_path)
    for name in DATASETS:
        assert f"{name}: " in str(told.value)
    assert "\n" not in str(told.value)


# ---- plain folders ----------------------------------------------------------------------------


def test_a_plain_folder_pairs_sound_and_picture(tmp_path):
    empty(tmp_path / "a.mp4", tmp_path / "a.wav", tmp_path / "maker/b.mkv", tmp_path / "c.flac")
    empty(tmp_path / "d.wav", tmp_path / "d.flac", tmp_path / "d.mp4", tmp_path / ".hidden.wav")
    dataset = open_dataset(tmp_path)
    assert dataset.name == "plain"
    found = {c.key: c for c in dataset}
    assert sorted(found) == ["a", "c", "d.flac", "d.mp4", "d.wav", "maker/b"]
    assert found["a"].sound.endswith("a.wav") and found["a"].video.endswith("a.mp4")
    assert found["maker/b"].sound == found["maker/b"].video
    assert (found["maker/b"].channel, found["a"].channel) == ("maker", None)
    assert found["c"].video is None and found["c"].source == "c"


def test_one_file_is_a_dataset_too(tmp_path):
    empty(tmp_path / "a.mp4")
    assert [c.key for c in open_dataset(tmp_path / "a.mp4")] == ["a"]


# ---- scenes below or beside -------------------------------------------------------------------

HEADER = "file,truth,source,split,seed,channel,convention\n"


def scenes(folder, *rows: str):
    """A folder as synth leaves it: of each row the file, and the manifest."""
    empty(*(folder / row.partition(",")[0] for row in rows))
    text(folder / "manifest.csv", HEADER + "".join(f"{row}\n" for row in rows))
    return folder


@pytest.fixture
def parent(tmp_path):
    scenes(tmp_path / "p/eval", "0.mp4,,7-test,test,1000000,7,ambix")
    scenes(tmp_path / "p/train", "0.mp4,,7,train,3,7,ambix", "1.mp4,,9,val,4,9,ambix")
    empty(tmp_path / "p/mine/a.mp4", tmp_path / "p/b.mp4")
    return tmp_path / "p"


def test_scenes_deeper_down_keep_their_split(parent):
    found = {
        c.key: (c.source, c.split, c.channel, c.convention) for c in open_dataset(f"{parent}/")
    }
    assert found == {
        "eval/0": ("eval/7-test", "test", "7", "ambix"),
        "train/0": ("train/7", "train", "7", "ambix"),
        "train/1": ("train/9", "val", "9", "ambix"),
        "mine/a": ("mine/a", None, "mine", None),
        "b": ("b", None, None, None),
    }
    # Nor do they lose it where the folder's layout is said to be another.
    assert [c.split for c in open_dataset(parent / "eval", "plain")] == ["test"]


def test_a_scene_that_is_named_alone_keeps_its_split(parent, monkeypatch):
    (clip,) = open_dataset(parent / "eval/0.mp4")
    assert (clip.key, clip.source, clip.split) == ("0", "7-test", "test")
    monkeypatch.chdir(parent)
    found = [*open_dataset("eval/0.mp4"), *open_dataset("train/0.mp4")]
    assert [(c.key, c.split) for c in found] == [("eval/0", "test"), ("train/0", "train")]
    monkeypatch.chdir(parent / "eval")
    assert [(c.key, c.split) for c in open_dataset("0.mp4")] == [("0", "test")]


def test_scenes_that_are_not_listed_are_left_out_and_told(parent, capsys):
    empty(parent / "eval/x.mp4", parent / "eval/more/y.mp4")
    assert [c.key for c in open_dataset(parent) if c.key.startswith("eval")] == ["eval/0"]
    assert "eval/manifest.csv: does not list 2 files" in capsys.readouterr().err
    assert len(open_dataset(parent / "eval/x.mp4")) == 0
    assert "does not list 1 files, as" in capsys.readouterr().err


def test_a_scene_with_its_sound_apart_is_one_clip(tmp_path):
    empty(tmp_path / "e/0.wav", tmp_path / "e/0.mp4")
    text(tmp_path / "e/manifest.csv", "file,sound,truth,seed,split\n0.mp4,0.wav,,1000000,test\n")
    (clip,) = open_dataset(tmp_path)
    assert (clip.key, clip.split) == ("e/0", "test") and clip.sound.endswith("0.wav")


def test_other_manifests_say_nothing_of_a_plain_folder(tmp_path):
    empty(tmp_path / "a/x.mp4", tmp_path / "a/y.mp4")
    text(tmp_path / "a/manifest.csv", "file,split\nx.mp4,test\n")
    assert {c.key: c.split for c in open_dataset(tmp_path)} == {"a/x": None, "a/y": None}
