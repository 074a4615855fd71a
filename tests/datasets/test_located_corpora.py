"""TAU 2019, STARSS and DCASE 2025: what sounds when and where."""

import pytest

from avtools.datasets import Event, check_leaks, open_dataset, split_by_source
from avtools.errors import AvtoolsError
from tests.datasets.trees import dcase2025, sound, starss, tau2019, text


def test_tau2019_elevation_stands_before_azimuth(tmp_path):
    dataset = open_dataset(tau2019(tmp_path))
    assert dataset.name == "tau2019"
    clip = dataset.clips[0]
    assert (clip.key, clip.convention) == ("dev/split1_ir0_ov1_1", "ambix")
    assert clip.events() == [
        Event(0.25, 1.5, "knock", azimuth=180.0, elevation=20.0, distance=2.0),
        Event(0.5, 0.75, "phone", azimuth=70.0, elevation=-40.0, distance=1.0),
    ]
    # A recording that is shorter than its minute is heard to the end of it.
    assert clip.duration == 60 and clip.hear(8000)[0].shape == (4, 480000)


def test_tau2019_is_crossed_as_in_the_challenge(tmp_path):
    root = tau2019(tmp_path)

    def splits(fold):
        return [clip.split for clip in open_dataset(root, fold=fold)]

    assert splits(1) == ["test", "val", "train", "train"]
    assert splits(3) == ["train", "train", "test", "val"]
    assert splits(4) == ["val", "train", "train", "test"]
    assert splits(0) == ["train"] * 4 + ["test"]
    with pytest.raises(ValueError, match="fold 5"):
        splits(5)


def test_tau2019_can_be_split_by_room(tmp_path):
    root = tau2019(tmp_path)
    sound(root / "foa_dev/split2_ir3_ov2_51.wav", 4)
    sound(root / "foa_eval/split0_2.wav", 4)
    dataset = open_dataset(root, fold=0)
    assert {c.key: c.source for c in dataset} == {
        **{f"dev/split{k}_ir0_ov1_{k}": "ir0" for k in (1, 2, 3, 4)},
        "dev/split2_ir3_ov2_51": "ir3",
        "eval/split0_1": "eval",
        "eval/split0_2": "eval",
    }
    assert check_leaks(open_dataset(root)) == {"ir0": ["train", "val", "test"]}  # the challenge's
    assert not check_leaks(split_by_source(dataset))


def test_microphones_are_not_taken_for_ambisonics(tmp_path):
    for tree, name in ((tau2019, "tau2019"), (starss, "starss")):
        root = tree(tmp_path / name)
        mic = open_dataset(root, form="mic").clips[0]
        assert mic.convention == "mic" and "mic_dev" in mic.sound and mic.truth
        assert mic.hear()[0].shape[0] == 4
        with pytest.raises(ValueError, match="expected foa or mic"):
            open_dataset(root, form="stereo")


def test_starss_has_no_header_and_distances_in_centimetres(tmp_path):
    dataset = open_dataset(starss(tmp_path))
    assert dataset.name == "starss" and dataset.missing == 0
    train, test = dataset.split("train")[0], dataset.split("test")[0]
    assert (train.source, test.source) == ("sony/room21", "tau/room2")
    assert train.video.endswith(".mp4") and test.video is None
    assert train.events() == [
        Event(0.0, 0.1, "male speech", "0", 90.0, -10.0, 1.5),
        Event(0.1, 0.2, "male speech", "0", 180.0, 0.0, 1.52),
        Event(0.1, 0.2, "music", "1", 5.0, 5.0, 0.9),
    ]
    # STARSS22 has five columns.
    assert test.events() == [Event(1.0, 1.1, "knock", "0", -50.0, 30.0, None)]
    assert test.window(0.05, 1.0).events()[0][:2] == pytest.approx((0.95, 1.0))


def test_damaged_tables_name_the_line(tmp_path):
    clip = open_dataset(starss(tmp_path)).split("train")[0]
    for content, words in (
        ("0,1,0,90\n", "line 1: 4 cells, expected 5 or 6"),
        ("0,1,0,90,0\n\n1,1,0,left,0\n", "line 3: 'left' where a number"),
        ("0,13,0,90,0\n", "class 13, expected 0 to 12"),
    ):
        text(tmp_path / "metadata_dev/dev-train-sony/fold3_room21_mix001.csv", content)
        with pytest.raises(AvtoolsError, match=words):
            clip.events()


def test_a_recording_without_its_table_and_a_table_without_its_recording(tmp_path):
    root = starss(tmp_path)
    (root / "metadata_dev/dev-test-tau/fold4_room2_mix001.csv").unlink()
    text(root / "metadata_dev/dev-test-tau/fold4_room2_mix009.csv", "")
    text(root / "metadata_dev/dev-test-tau/._fold4_room2_mix001.csv", "of a Mac")
    dataset = open_dataset(root)
    assert dataset.missing == 1 and dataset.split("test")[0].events() == []


def test_dcase2025_has_a_header_and_says_what_is_on_screen(tmp_path):
    dataset = open_dataset(dcase2025(tmp_path))
    assert dataset.name == "dcase2025" and len(dataset) == 2
    train, test = dataset.split("train")[0], dataset.split("test")[0]
    assert (train.source, train.convention) == ("tau/room4", "stereo")
    assert train.hear()[0].shape[0] == 2
    assert train.events() == [
        Event(0.3, 0.4, "male speech", "1", 40.0, None, 2.1, True),
        Event(0.4, 0.5, "female speech", "1", -77.0, None, 2.05, False),
    ]
    assert test.events() == []
    text(tmp_path / "metadata_dev/dev-test-sony/fold4_room23_mix001_deg000_start0000.csv", "0,1\n")
    with pytest.raises(AvtoolsError, match="no column frame, class, source, azimuth"):
        test.events()
