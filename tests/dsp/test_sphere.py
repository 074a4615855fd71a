"""Directions: there and back, distances, ways over the sphere."""

import numpy as np
import pytest

from avtools.dsp.sphere import (
    angle_apart,
    angle_between,
    angles,
    between,
    fibonacci,
    unit_vectors,
)

FRONT, LEFT, UP = np.eye(3)
random = np.random.default_rng(2)


def test_the_axes():
    assert np.allclose(unit_vectors(0), FRONT)
    assert np.allclose(unit_vectors(90), LEFT)
    assert np.allclose(unit_vectors(123, 90), UP)
    assert unit_vectors([0, 90, 180], 10).shape == (3, 3)


def test_angles_and_back():
    azimuth, elevation = random.uniform([-180, -90], [180, 90], (500, 2)).T
    a, e = angles(unit_vectors(azimuth, elevation) * random.uniform(0.1, 9, (500, 1)))
    assert np.allclose(a, azimuth) and np.allclose(e, elevation)


def test_behind_is_plus_180_and_nowhere_is_0():
    behind = np.array([[-1, 0.0, 0], [-1, -0.0, 0], [-1, -1e-30, 0]])
    for kind in (np.float64, np.float32):
        azimuth, elevation = angles(behind.astype(kind))
        assert (azimuth == 180).all() and (elevation == 0).all()
    assert [float(a) for a in angles(np.zeros(3))] == [0, 0]


def test_angle_between():
    assert np.allclose(angle_between(FRONT, np.array([FRONT, LEFT, -FRONT])), [0, 90, 180])
    # The arc cosine of the product would give 0 here.
    assert angle_between(unit_vectors(10), unit_vectors(10 + 1e-7)) == pytest.approx(1e-7, rel=1e-6)
    assert angle_between(3 * FRONT, 7 * UP) == pytest.approx(90)


def test_a_way_is_the_shortest_and_even():
    first, second = (unit_vectors(*random.uniform([-180, -90], [180, 90], (50, 2)).T) for _ in "ab")
    whole = angle_between(first, second)
    for part in (0.0, 0.25, 0.7, 1.0):
        there = between(first, second, np.full((50, 1), part))
        assert np.allclose(np.linalg.norm(there, axis=-1), 1)
        assert np.allclose(angle_between(first, there), part * whole, atol=1e-6)
        assert np.allclose(angle_between(there, second), (1 - part) * whole, atol=1e-6)


@pytest.mark.parametrize("start", [FRONT, LEFT, UP, unit_vectors(33, -20)])
def test_to_the_opposite_and_to_itself(start):
    part = np.linspace(0, 1, 9)[:, None]
    here = np.broadcast_to(start, (9, 3))
    assert np.allclose(between(here, here, part), start)
    way = between(here, -here, part)
    assert np.allclose(angle_between(here, way), 180 * part[:, 0], atol=1e-6)


def test_angle_apart():
    assert angle_apart(170, -170) == -20 and angle_apart(-170, 170) == 20
    assert angle_apart(180, 0) == -180 and angle_apart(30, 390) == 0


def test_points_are_even_on_the_sphere():
    points = fibonacci(500)
    assert np.allclose(np.linalg.norm(points, axis=1), 1)
    assert np.abs(points.mean(axis=0)).max() < 2e-3
    assert np.allclose(points.T @ points / 500, np.eye(3) / 3, atol=2e-3)
    apart = angle_between(points[:, None], points[None]) + 999 * np.eye(500)
    # Each has 4 pi / 500: were they hexagons, their centres would lie 9.8 degrees apart.
    assert apart.min() > 6.5 and apart.min(axis=1).max() < 10


def test_torch_gives_the_same():
    torch = pytest.importorskip("torch")
    v, w = (random.standard_normal((20, 3)) for _ in "vw")
    assert np.allclose(angle_between(torch.tensor(v), torch.tensor(w)), angle_between(v, w))
    for ours, theirs in zip(angles(v), angles(torch.tensor(v)), strict=True):
        assert np.allclose(ours, theirs)
