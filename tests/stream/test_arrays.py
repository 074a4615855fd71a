import os

import numpy as np
import pytest

from avtools.errors import AvtoolsError
from avtools.stream.arrays import check_array_name, rows_file

random = np.random.default_rng(0)
VALUES = random.standard_normal((10, 2, 3)).astype(np.float32)
TIMES = 0.05 * np.arange(10)


def written(path, *, cuts=(3, 3, 7), axes=None):
    axes = {"lag": np.arange(3) / 10, "pair": np.array(["0-1", "0-2"])} if axes is None else axes
    with rows_file(str(path), (2, 3), axes) as rows:
        for times, values in zip(np.split(TIMES, cuts), np.split(VALUES, cuts), strict=True):
            rows.add(times, values)


def test_npy_holds_the_rows(tmp_path):
    written(tmp_path / "x.npy")
    made = np.load(tmp_path / "x.npy")
    assert made.dtype == np.float32 and np.array_equal(made, VALUES)
    assert os.listdir(tmp_path) == ["x.npy"]
    assert np.load(tmp_path / "x.npy", mmap_mode="r")[9, 1, 2] == VALUES[9, 1, 2]


def test_npz_says_what_the_axes_mean(tmp_path):
    written(tmp_path / "x.npz")
    made = np.load(tmp_path / "x.npz", allow_pickle=False)
    assert sorted(made) == ["features", "lag", "pair", "time"]
    assert np.array_equal(made["features"], VALUES) and np.array_equal(made["time"], TIMES)
    assert made["time"].dtype == np.float64
    assert made["lag"].tolist() == [0, 0.1, 0.2] and made["pair"].tolist() == ["0-1", "0-2"]
    assert os.listdir(tmp_path) == ["x.npz"]


@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_no_rows_are_an_empty_array(tmp_path, ending):
    path = tmp_path / f"x.{ending}"
    with rows_file(str(path), (2, 3), {}):
        pass
    made = np.load(path)
    made = made if ending == "npy" else made["features"]
    assert made.shape == (0, 2, 3)


@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_a_run_that_fails_leaves_nothing(tmp_path, ending):
    path = tmp_path / f"x.{ending}"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), rows_file(str(path), (2, 3), {}) as rows:
        rows.add(TIMES, VALUES)
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == [path.name]


def test_folders_are_made(tmp_path):
    written(tmp_path / "a" / "b" / "x.NPY")
    assert np.array_equal(np.load(tmp_path / "a" / "b" / "x.NPY"), VALUES)


def test_a_million_rows_have_room_in_the_header(tmp_path):
    with rows_file(str(tmp_path / "x.npy"), (), {}) as rows:
        for _ in range(20):
            rows.add(np.zeros(50_000), np.ones(50_000))
    assert np.load(tmp_path / "x.npy", mmap_mode="r").shape == (1_000_000,)


def test_rows_of_another_shape_are_refused(tmp_path):
    with (
        pytest.raises(ValueError, match=r"rows of \(3, 2\), expected \(2, 3\)"),
        rows_file(str(tmp_path / "x.npy"), (2, 3), {}) as rows,
    ):
        rows.add(TIMES, VALUES.transpose(0, 2, 1))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["x.npy", "x.NPZ", "folder/", None])
def test_right_names(name):
    check_array_name("--features", name)


@pytest.mark.parametrize("name", ["x.wav", "x", "npy", "x.npy.txt"])
def test_wrong_names(name, tmp_path):
    with pytest.raises(AvtoolsError, match=r"--features .*: expected the ending .npy or .npz"):
        check_array_name("--features", name)
    check_array_name("--features", str(tmp_path))  # a folder that is there
