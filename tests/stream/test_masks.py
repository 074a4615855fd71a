"""Masks in a file: as they were, whole or not at all."""

import numpy as np
import pytest

from avtools.stream.masks import masks_file


def drawn(count: int = 7) -> np.ndarray:
    masks = np.zeros((count, 6, 8), np.uint8)
    for k in range(count):
        masks[k, 1:4, k : k + 2] = k
    return masks


def test_they_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "a.masks.npz"
    masks, times = drawn(), np.arange(7) / 25
    with masks_file(str(path), 7, (6, 8)) as file:
        file.add(times[:3], masks[:3])
        file.add(times[3:], masks[3:])
    with np.load(path) as there:
        assert (there["masks"] == masks).all() and (there["times"] == times).all()
    with masks_file(str(tmp_path / "b.npz"), 7, (6, 8)) as file:
        file.add(times, masks)
    assert (tmp_path / "b.npz").read_bytes() == path.read_bytes()


def test_they_cost_little_room(tmp_path):
    with masks_file(str(tmp_path / "a.npz"), 50, (360, 640)) as file:
        for k in range(50):
            mask = np.zeros((1, 360, 640), np.uint8)
            mask[0, 100:200, 3 * k : 3 * k + 90] = 1
            file.add(np.array([k / 25]), mask)
    assert (tmp_path / "a.npz").stat().st_size < 50 * 360 * 640 / 50


def test_nothing_is_left_of_what_goes_wrong(tmp_path):
    for count, masks in ((7, drawn()[:, :, :5]), (9, drawn()), (7, drawn().astype(int))):
        with (
            pytest.raises(ValueError, match="expected"),
            masks_file(str(tmp_path / "a.npz"), count, (6, 8)) as file,
        ):
            file.add(np.arange(7) / 25, masks)
    assert not list(tmp_path.iterdir())
