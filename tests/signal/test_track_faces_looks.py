"""A thing is found again where it is: whole, half covered, larger, mirrored not at all."""

import numpy as np
import pytest

from avtools.signal.likeness import Likeness
from tests.signal.talking import FACE, box, face, put, texture


def shown(x: float, y: float, cover: int = 0, seed: int = 0) -> np.ndarray:
    ground = texture(99, 90, 160, 6.0)
    put(ground, face(seed), x, y)
    if cover:
        left = int(x - FACE[0] / 2)
        ground[:, left : left + cover] = 100
    return ground.astype(np.float32)


@pytest.fixture(scope="module")
def likeness():
    return Likeness(shown(50, 40), np.array(box(50, 40)))


def best(likeness: Likeness, picture: np.ndarray):
    where = likeness.everywhere(picture)
    row, column = np.unravel_index(where.argmax(), where.shape)
    dx, dy = likeness.offset
    return column + dx, row + dy, float(where.max())


@pytest.mark.parametrize("x,y", [(100, 50), (14, 18), (146, 70)])
def test_found_where_it_is(likeness, x, y):
    found_x, found_y, sure = best(likeness, shown(x, y))
    assert abs(found_x - x) <= 1 and abs(found_y - y) <= 1 and sure > 0.9


def test_half_of_it_is_enough(likeness):
    found_x, found_y, sure = best(likeness, shown(100, 50, cover=FACE[0] // 2))
    assert abs(found_x - 100) <= 1 and abs(found_y - 50) <= 1 and 0.3 < sure < 0.8


def test_another_face_is_another(likeness):
    assert best(likeness, shown(100, 50, seed=3))[2] < 0.4


def test_a_part_of_the_picture_is_as_the_whole(likeness):
    picture = shown(100, 50)
    whole = likeness.everywhere(picture)
    assert np.allclose(likeness.near(picture, 60, 20, 130, 80), whole[20:80, 60:130], atol=1e-3)


def test_across_the_seam():
    picture = shown(2, 40)
    likeness = Likeness(shown(50, 40), np.array(box(50, 40)), is_round=True)
    assert best(likeness, picture)[0] == pytest.approx(2, abs=1)
    part = likeness.near(picture, -20, 20, 20, 60)
    assert np.allclose(part[:, 20:], likeness.everywhere(picture)[20:60, :20], atol=1e-3)


def test_larger():
    import cv2

    likeness = Likeness(shown(50, 40), np.array(box(50, 40)))
    patch = likeness.cut(shown(50, 40), 50, 40)
    assert likeness.here(patch) > 0.99
    picture = cv2.resize(shown(50, 40), (240, 135), interpolation=cv2.INTER_LINEAR)
    assert likeness.here(likeness.cut(picture, 75, 60, 1.5)) > 0.8
    became = likeness.resize(1.5)
    assert became == pytest.approx(1.5, rel=0.03)
    assert best(likeness, picture)[:2] == pytest.approx((75, 60), abs=1)


def test_it_follows_slow_changes_of_light():
    likeness = Likeness(shown(50, 40), np.array(box(50, 40)))
    frozen = Likeness(shown(50, 40), np.array(box(50, 40)))
    for k in range(60):
        picture = shown(50, 40) - 0.6 * k
        likeness.refresh(likeness.cut(picture, 50, 40))
    patch = likeness.cut(picture, 50, 40)
    assert likeness.here(patch) > frozen.here(patch) + 0.05
