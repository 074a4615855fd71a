"""The picture of where an upmix put the sound."""

import cv2
import numpy as np
import pytest

from avtools.plot.upmix import PlacesPicture

EDGES = (80.0, 800.0, 12000.0)


def drawn(path, picture, seconds: int = 3) -> np.ndarray:
    places = PlacesPicture("a$b", picture, EDGES)
    for second in range(seconds):
        times = second + (np.arange(25) + 0.5) / 25
        weight = np.zeros((9, 16))
        weight[4, 2] = 1.0
        places.add(times, np.repeat([[0.5, -0.2]], 25, axis=0), weight)
    places.save(str(path))
    return cv2.imread(str(path))


def test_the_brightest_is_where_it_was_seen(tmp_path):
    blue = np.full((90, 160, 3), (20, 60, 120), np.uint8)
    away = np.abs(drawn(tmp_path / "a.png", blue).astype(int) - (120, 60, 20)).sum(axis=2)
    frame = np.argwhere(away <= 8)  # what nothing covers
    (top, left), (bottom, right) = frame.min(axis=0), frame.max(axis=0)
    inside = away[top : bottom + 1, left : right + 1]
    y, x = np.unravel_index(inside.argmax(), inside.shape)
    assert abs(x / (right - left) - 2.5 / 16) < 0.03 and abs(y / (bottom - top) - 0.5) < 0.06


@pytest.mark.parametrize(("picture", "seconds"), [(None, 2), (np.zeros((8, 8, 3), np.uint8), 0)])
def test_nothing_seen_or_heard(tmp_path, picture, seconds):
    assert drawn(tmp_path / "a.png", picture, seconds).std() > 1


def test_a_large_picture_is_made_smaller():
    assert PlacesPicture("", np.zeros((200, 4000, 3), np.uint8), EDGES).picture.shape[1] == 1400
