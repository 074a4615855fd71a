"""The drawing of a view: its outline and its way lie where they are."""

import numpy as np
import pytest

from avtools.dsp.sphere import angles, unit_vectors
from avtools.plot.view import ViewPicture, outline, unbroken
from avtools.stream.gaze import look_at
from avtools.stream.view import Flat


def test_the_outline_of_a_quarter_of_the_horizon():
    azimuth, elevation = outline(Flat(1280, 720, 90), np.eye(3))
    assert np.allclose((azimuth.max(), azimuth.min()), (45, -45), atol=0.01)
    middle = np.abs(azimuth) < 0.5
    half = Flat(1280, 720, 90).vertical_fov / 2
    assert np.abs(np.abs(elevation[middle]) - half).max() < 0.01


@pytest.mark.parametrize("view", [(40, 10, 0), (175, -20, 30)])
def test_the_corners_are_the_views_corners(view):
    flat, turn = Flat(640, 360, 100), look_at(*view)
    azimuth, elevation = outline(flat, turn)
    for x, y in ((-1, 1), (1, 1), (1, -1), (-1, -1)):
        ray = turn.T @ np.array([1, -x * flat.slope, y * flat.slope * 360 / 640])
        a, e = angles(ray)
        apart = np.hypot((azimuth - a + 180) % 360 - 180, elevation - e)
        assert np.nanmin(apart) < 1e-6


def test_a_line_over_the_seam_is_broken_there():
    azimuth, elevation = unbroken(unit_vectors([170, 179, -179, -170]))
    assert np.isnan(azimuth).tolist() == [False, False, True, False, False]
    assert len(azimuth) == len(elevation)


@pytest.mark.parametrize("name", ["v.png", "v.svg", "v.pdf"])
def test_it_is_saved(tmp_path, name):
    sphere = np.zeros((100, 200, 3), np.uint8)
    sphere[:, :100] = 200  # the left half of the world
    picture = ViewPicture("a$b$.mp4", sphere, Flat(160, 90, 90), look_at(90, 0))
    assert picture.view.mean() == 200
    picture.save(tmp_path / name, unit_vectors([90, 120, 200]))
    assert (tmp_path / name).stat().st_size > 5000
