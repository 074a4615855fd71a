"""The way of a face, drawn: bounded however long it is, and on a film only where the box is."""

import numpy as np
import pytest

from avtools.plot.faces import MOST_ROWS, FaceFilm, FacePicture


def test_a_long_way_is_thinned_evenly():
    way = FacePicture("x", 640)
    for k in range(5 * MOST_ROWS):
        way.add(0.1 * k, k, 10.0, True, 0)
    rows = np.array(way.rows).reshape(-1, 5)
    assert MOST_ROWS / 2 <= len(rows) <= MOST_ROWS
    assert np.ptp(np.diff(rows[:, 0])) < 1e-6 and rows[-1, 0] > 0.499 * MOST_ROWS
    assert np.array_equal(rows[:, 2] - rows[:, 1], np.full(len(rows), 10.0))


@pytest.mark.parametrize("is_round", [False, True])
def test_a_box_goes_on_at_the_left_edge_of_360_pictures_alone(monkeypatch, is_round):
    drawn = []

    def draw_once(source, target, draw, crf, base, bar):
        drawn.append(draw(0.1, np.zeros((90, 160, 3), np.uint8)))

    monkeypatch.setattr("avtools.stream.overlay.overlaid", draw_once)
    film = FaceFilm(0.1, is_round)
    for seconds in (0.05, 0.15):
        film.add(seconds, (150.0, 40.0, 28.0, 36.0), 0.9)
    film.save("in.mp4", "out.mp4", 18, 0, False)
    assert drawn[0][:, 140:].any() and drawn[0][45:, :30].any() == is_round


def test_a_box_is_between_its_rows_and_of_one_face():
    film = FaceFilm(0.1)
    rows = np.array([[0.0, 10, 5, 20, 20, 1], [0.1, 20, 5, 20, 20, 1], [0.2, 90, 5, 20, 20, 1]])
    assert film._at(rows, 0.05)[0] == pytest.approx(15)
    assert film._at(rows, 0.16)[0] == 90 and film._at(rows, 0.14)[0] == 20
    assert film._at(rows, 0.25)[0] == 90 and film._at(rows, 0.4) is None
