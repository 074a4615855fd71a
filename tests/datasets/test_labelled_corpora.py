"""EigenScape, UCF101 and HMDB51: one class for each clip."""

import pytest

from avtools.datasets import check_leaks, open_dataset
from avtools.datasets.eigenscape import read
from avtools.errors import AvtoolsError
from tests.datasets.trees import eigenscape, hmdb51, text, ucf101


def test_eigenscape_is_cut_and_folded_by_recording(tmp_path):
    root = str(eigenscape(tmp_path))
    assert open_dataset(root, "eigenscape", seconds=0.1).name == "eigenscape"
    dataset = read(root, fold=1, seconds=0.1)
    assert dataset.labels == ["Beach", "BusyStreet"]
    # A quarter of a second has two whole tenths.
    assert [c.key for c in dataset if c.source == "Beach.1"] == ["Beach.1-0", "Beach.1-0.1"]
    assert {c.source for c in dataset.split("test")} == {
        f"{b}.{n}" for b in dataset.labels for n in (1, 2)
    }
    assert {c.source[-1] for c in read(root, 2, 0.1).split("test")} == {"3"}
    assert {c.source[-1] for c in read(root, 4, 0.1).split("test")} == {"8"}
    assert not check_leaks(dataset)
    heard, rate = dataset.clips[1].hear()
    assert heard.shape == (4, 800) and rate == 8000  # the first order of 25 channels
    for choice in ({"fold": 5}, {"seconds": 0.0}):
        with pytest.raises(ValueError, match=r"fold|seconds"):
            read(root, **choice)
    with pytest.raises(AvtoolsError, match="without a single clip"):
        read(root)  # no recording of thirty seconds


def test_ucf_test_lines_have_no_number(tmp_path, capsys):
    dataset = open_dataset(ucf101(tmp_path))
    assert dataset.name == "ucf101" and dataset.labels == ["HandstandPushups"]
    assert {c.key.partition("/")[2]: c.split for c in dataset} == {
        "v_HandStandPushups_g01_c01": "test",
        "v_HandStandPushups_g01_c02": "test",
        "v_HandStandPushups_g02_c01": "train",
    }
    assert {c.source for c in dataset} == {"v_HandStandPushups_g01", "v_HandStandPushups_g02"}
    assert "1 of 4 clips are not there" in capsys.readouterr().err
    assert dataset.clips[0].sound == dataset.clips[0].video
    with pytest.raises(AvtoolsError, match=r"trainlist02.txt: No such file"):
        open_dataset(tmp_path, fold=2)
    with pytest.raises(ValueError, match="fold 4"):
        open_dataset(tmp_path, fold=4)


def test_hmdb_marks_and_names_that_look_like_comments(tmp_path, capsys):
    dataset = open_dataset(hmdb51(tmp_path))
    assert dataset.name == "hmdb51" and dataset.labels == ["clap"]
    assert {c.key: (c.split, c.source) for c in dataset} == {
        "clap/#20_Rhythm_clap_u_nm_np1_fr_goo_0": ("train", "#20_Rhythm"),
        "clap/April_09_clap_u_nm_np1_ba_goo_0": ("test", "April_09"),
        "clap/April_09_clap_u_nm_np1_ba_goo_1": (None, "April_09"),
    }
    assert "1 of 4 clips are not there" in capsys.readouterr().err
    text(tmp_path / "testTrainMulti_7030_splits/clap_test_split1.txt", "a.avi 3\n")
    with pytest.raises(AvtoolsError, match="expected a name and 0, 1 or 2"):
        open_dataset(tmp_path)
