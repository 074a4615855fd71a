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
