"""FAIR-Play and YouTube-ASMR."""

import h5py
import numpy as np
import pytest

from avtools.datasets import open_dataset
from avtools.datasets.fair_play import read
from avtools.errors import AvtoolsError
from tests.datasets.trees import fair_play, sound, text, youtube_asmr


def splits(dataset) -> dict[str, str | None]:
    return {clip.key: clip.split for clip in dataset}


def official(root, fold: int = 1) -> None:
    """As they were published: absolute paths of somebody else's disk, as bytes."""
    folder = root / f"splits/split{fold}"
    folder.mkdir(parents=True)
    lists = {"train": (1, 2), "val": (3,), "test": (4, 5, 6)}
    for name, numbers in lists.items():
        paths = [f"/private/home/rhgao/binaural_audios/{k:06d}.wav".encode() for k in numbers]
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file["audio"] = np.array(paths)


def test_fair_play_lines_of_mp3_mean_wav(tmp_path, capsys):
    dataset = open_dataset(fair_play(tmp_path))
    assert dataset.name == "fair-play" and len(dataset) == 6 and dataset.missing == 1
    assert "1 of 7 clips are not there" in capsys.readouterr().err
    assert splits(dataset) == {
        "000001": "train",
        "000002": "train",
        "000003": "train",
        "000004": "val",
        "000005": "test",
        "000006": None,  # no list names it
    }
    clip = dataset.split("val")[0]
    assert clip.sound == str(tmp_path / "binaural_audios/000004.wav")
    assert clip.video == str(tmp_path / "videos/000004.mp4")
    assert clip.convention == "stereo" and clip.hear()[0].shape[0] == 2


def test_fair_plays_official_splits_are_not_preferred_and_said_to_leak(tmp_path, capsys):
    root = fair_play(tmp_path)
    official(root)
    assert splits(open_dataset(root))["000006"] is None
    assert "share scenes" not in capsys.readouterr().err
    found = splits(read(str(root), lists="splits"))
    assert found["000001"] == "train" and found["000003"] == "val" and found["000006"] == "test"
    assert "share scenes" in capsys.readouterr().err


def test_fair_plays_folds_count_from_one(tmp_path):
    root = fair_play(tmp_path)
    official(root, 10)
    assert splits(read(str(root), 10, "splits"))["000004"] == "test"
    for fold, lists in ((0, None), (6, None), (11, "splits")):
        with pytest.raises(ValueError, match="fold"):
            read(str(root), fold, lists)
    with pytest.raises(AvtoolsError, match=r"split2/train\.txt: No such file"):
        read(str(root), 2)
    text(root / "splits/split1/train.h5", "no HDF5")
    with pytest.raises(AvtoolsError, match="expected a list in HDF5"):
        read(str(root), 1, "splits")
    text(root / "splits/split2/train.h5", b"")
    with h5py.File(root / "splits/split2/train.h5", "w") as file:
        file["video"] = np.zeros(2)
    with pytest.raises(AvtoolsError, match="no list `audio`"):
        read(str(root), 2, "splits")


def test_fair_play_in_part(tmp_path):
    root = fair_play(tmp_path)
    (root / "videos/000002.mp4").unlink()
    dataset = open_dataset(root)
    assert "000002" not in splits(dataset) and dataset.missing == 2
    for path in (root / "videos").iterdir():
        path.unlink()
    assert [clip.video for clip in open_dataset(root)] == [None] * 6
    text(root / "binaural_audios/000001.wav", "version https://git-lfs.github.com/spec/v1\noid")
    with pytest.raises(AvtoolsError, match="git lfs pull"):
        open_dataset(root)


def test_asmr_ids_hold_anything_and_milliseconds_are_cut(tmp_path, capsys):
    dataset = open_dataset(youtube_asmr(tmp_path))
    assert dataset.name == "youtube-asmr" and dataset.missing == 1
    assert "1 of 3 clips are not there" in capsys.readouterr().err
    assert splits(dataset) == {
        "_a_b-c-d_e__0_8119": "test",
        "AbCdEfGhIjK_2029_12030": "train",
    }
    assert {clip.source for clip in dataset} == {"_a_b-c-d_e_", "AbCdEfGhIjK"}
    clip = dataset.split("test")[0]
    assert clip.sound.endswith(".flac") and clip.video.endswith(".mp4")
    assert clip.convention == "stereo" and clip.start == 0


def test_asmr_as_the_downloader_lays_it_out(tmp_path):
    """It puts the name of the list between; lists may have no header."""
    key = "AbCdEfGhIjK_0_1000"
    text(tmp_path / f"data/validation/video/{key}.mp4", "")
    sound(tmp_path / f"data/validation/audio/{key}.flac")
    text(tmp_path / "validation.csv", "AbCdEfGhIjK,0.0,1.0\n")
    assert splits(open_dataset(tmp_path)) == {key: "val"}
    text(tmp_path / "validation.csv", "AbCdEfGhIjK,0.0,1.0\nAbCdEfGhIjK,zero,1.0\n")
    with pytest.raises(AvtoolsError, match=r"validation.csv: line 2: 'zero' where a number"):
        open_dataset(tmp_path)
