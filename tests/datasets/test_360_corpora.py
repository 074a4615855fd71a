"""YT-360 and YouTube-360."""

import cv2
import numpy as np
import pytest

from avtools.datasets import Clip, open_dataset
from avtools.datasets.yt360 import KEPT, segmentation
from avtools.errors import AvtoolsError
from tests.datasets.trees import barred, empty, number_in, text, youtube360, yt360
from tests.scenes import direction, plane_wave, save


def test_yt360_ids_are_eleven_characters(tmp_path, capsys):
    dataset = open_dataset(yt360(tmp_path))
    assert dataset.name == "yt360"
    assert {clip.key: (clip.source, clip.split) for clip in dataset} == {
        "-a-b-c-d-e--12": ("-a-b-c-d-e-", "train"),
        "AbCdEfGhIjK-0": ("AbCdEfGhIjK", "train"),
        "AbCdEfGhIjK-130": ("AbCdEfGhIjK", "train"),
        "tttttttttt_-20": ("tttttttttt_", "test"),
    }
    # One that YouTube has lost, one whose sound is not there.
    assert dataset.missing == 2 and "2 of 6 clips are not there" in capsys.readouterr().err
    clip = dataset.clips[1]
    assert clip.sound.endswith("audio/AbCdEfGhIjK-0.m4a") and clip.convention == "youtube"


def test_yt360_without_its_lists_has_no_splits(tmp_path):
    empty(tmp_path / "video/AbCdEfGhIjK-0.mp4", tmp_path / "audio/AbCdEfGhIjK-0.m4a")
    dataset = open_dataset(tmp_path)
    assert [clip.split for clip in dataset] == [None] and dataset.missing == 0


def test_yt360_segmentation_is_things_before_stuff(tmp_path):
    folder = tmp_path / "segmentation/AbCdEfGhIjK-0"
    empty(tmp_path / "video/AbCdEfGhIjK-0.mp4")
    folder.mkdir(parents=True)
    # A person and no thing three times; behind them: hidden, grass, banner, nothing.
    for number, thing in ((1, 0), (3, 2)):
        things = np.array([[thing, 80], [80, 80]], np.uint8)
        stuff = np.array([[7, 46], [1, 54]], np.uint8)
        assert cv2.imwrite(str(folder / f"things-{number:04d}.png"), things)
        assert cv2.imwrite(str(folder / f"stuff-{number:04d}.png"), stuff)
    clip = open_dataset(tmp_path).clips[0]
    assert segmentation(clip, 0.0).tolist() == [[0, 126], [81, 255]]
    assert segmentation(clip, 0.49)[0, 0] == 0  # the second is missing: the one before
    assert segmentation(clip, 0.5)[0, 0] == 2 and segmentation(clip, 9.0)[0, 0] == 2
    assert len(set(KEPT)) == 32 and max(KEPT) < 134
    with pytest.raises(AvtoolsError, match="without segmentation"):
        segmentation(Clip("k", "k", None, None), 0.0)


def test_youtube360_takes_splits_from_its_subsets(tmp_path, capsys):
    root = youtube360(tmp_path)
    dataset = open_dataset(root)
    assert dataset.name == "youtube360"
    assert {c.key: c.split for c in dataset} == {"-076WPWoCRE": "train", "0DhWUtlWcA0": "test"}
    assert dataset.missing == 1 and "1 of 3 clips are not there" in capsys.readouterr().err
    assert {c.key: c.has_height for c in dataset} == {"-076WPWoCRE": True, "0DhWUtlWcA0": False}
    clip = dataset.clips[0]
    assert clip.convention == "ambix" and clip.sound.endswith("-076WPWoCRE.m4a")
    assert clip.video.endswith("/-076WPWoCRE.mp4")  # the small one, not -hr
    clean = open_dataset(root, subset="YT-Clean")
    assert {c.key: c.split for c in clean} == {"0DhWUtlWcA0": "train", "0_FbaigWRaM": "test"}
    # Of a fold whose lists are not there all are taken, without a split.
    assert {c.split for c in open_dataset(root, fold=2)} == {None}
    for choice in ({"fold": 4}, {"subset": "YT-Loud"}):
        with pytest.raises(ValueError, match="expected YT-All"):
            open_dataset(root, **choice)


def test_youtube360_as_downloaded_has_youtubes_channels(tmp_path):
    text(tmp_path / "meta/spatialaudiogen_db.lst", "-076WPWoCRE\n")
    empty(tmp_path / "data/orig/-076WPWoCRE.mp4", tmp_path / "data/orig/-076WPWoCRE.m4a")
    clip = open_dataset(tmp_path).clips[0]
    assert clip.convention == "youtube" and clip.sound.endswith(".m4a")
    (tmp_path / "data/orig/-076WPWoCRE.mp4").unlink()
    with pytest.raises(AvtoolsError, match="none of the videos in data/frames"):
        open_dataset(tmp_path)


def test_youtube360_in_pieces(tmp_path):
    """A WAV a second, ten JPEGs a second: joined without a seam, each picture at its time."""
    text(tmp_path / "meta/spatialaudiogen_db.lst", "-076WPWoCRE\n")
    folder = tmp_path / "data/frames/-076WPWoCRE"
    (folder / "ambix").mkdir(parents=True)
    (folder / "video").mkdir()
    wave = plane_wave(-75, 10, 5 * 24000)
    for k in range(5):
        save(folder / f"ambix/{k:06d}.wav", wave[k * 24000 : (k + 1) * 24000], 24000)
    for k in range(50):
        cv2.imwrite(str(folder / f"video/{k:06d}.jpg"), barred(k))
    clip = open_dataset(tmp_path).clips[0]
    heard, rate = clip.hear(None, 1.5, 2.0)
    assert rate == 24000 and np.array_equal(heard, wave[36000:84000].T)
    assert direction(heard.T) == pytest.approx((-75, 10), abs=1e-3)
    whole = clip.hear(16000)[0]
    assert whole.shape == (4, 80000)
    assert np.abs(clip.hear(16000, 3.25, 0.5)[0] - whole[:, 52000:60000]).max() < 2e-4
    assert [number_in(p) for p in clip.see(5, None, 0.7, 1.0)] == [7, 9, 11, 13, 15]
    assert [number_in(p) for p in clip.see(None, (32, 24), 4.75)] == [48, 49]
    assert len(clip.see(6)) == 30
    for beyond in (lambda: clip.hear(None, 9.0), lambda: clip.see(6, None, 9.0)):
        with pytest.raises(AvtoolsError, match="from 9 s on"):
            beyond()
