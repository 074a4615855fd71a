"""Where things are and where they are seen, by known answers."""

import dataclasses

import numpy as np
import pytest

from avtools.world.drawing import draw
from avtools.world.motion import directions, half_sizes, seen_at, shaken, wrapped


def still(kind: str, azimuth: float, elevation: float = 0.0, **more):
    """One scene with one thing that rests there."""
    s = draw(kind, "easy", [0], 3.0)
    zero = np.zeros((1, 1))
    facts = {"swing": zero, "drift": zero, "bob": zero, "near": zero} | more
    return dataclasses.replace(s, azimuth=zero + azimuth, elevation=zero + elevation, **facts)


@pytest.mark.parametrize(
    ("azimuth", "elevation", "x", "y"),
    [
        (0, 0, 480, 240),
        (90, 0, 240, 240),
        (-90, 45, 720, 120),
        (180, 0, 0, 240),
        (-179, 0, 957.3, 240),
    ],
)
def test_equirectangular_places(azimuth, elevation, x, y):
    s = still("360", azimuth, elevation)
    seen = seen_at(s, *directions(s, [0.0])[:2], (960, 480), [0.0])
    assert np.allclose([v[0, 0, 0] for v in seen], [x, y], atol=0.05)


def test_a_pinhole_sees_the_edge_of_its_view_at_the_edge():
    s = still("stereo", 35.0, fov=np.array([70.0]))
    x, y = seen_at(s, *directions(s, [0.0])[:2], (640, 360), [0.0])
    assert np.allclose([x, y], [[[[0.0]]], [[[180.0]]]], atol=1e-9)  # left is the left edge
    s = still("stereo", 0.0, 20.0, fov=np.array([90.0]))
    _, y = seen_at(s, *directions(s, [0.0])[:2], (640, 360), [0.0])
    assert np.isclose(y[0, 0, 0], 180 - 320 * np.tan(np.deg2rad(20)))


def test_behind_a_camera_there_is_nothing():
    s = still("stereo", 120.0)
    assert np.isnan(seen_at(s, *directions(s, [0.0])[:2], (640, 360), [0.0])[0]).all()


def test_half_sizes():
    s = still("stereo", 0.0, size=np.array([[20.0]]), fov=np.array([90.0]))
    got = half_sizes(s, *directions(s, [0.0])[:2], (640, 360))
    assert np.isclose(got[0, 0, 0], 320 * np.tan(np.deg2rad(10)))
    s = still("360", 0.0, size=np.array([[20.0]]))
    assert np.isclose(half_sizes(s, *directions(s, [0.0])[:2], (960, 480))[0, 0, 0], 10 / 180 * 480)


def test_movement_is_smooth_and_as_wide_as_drawn():
    s = draw("stereo", "hard", np.arange(50), 10.0)
    azimuth, _, distance = directions(s, np.arange(0, 10, 0.01))
    reach = np.abs(azimuth - s.azimuth[..., None]).max(-1)
    assert (reach <= np.abs(s.swing) + 1e-9).all()
    # At most swing * 2 pi / period a second.
    fastest = np.abs(np.diff(azimuth)).max(-1) / 0.01
    assert (fastest <= np.abs(s.swing) * 2 * np.pi / s.period + 1e-6).all()
    assert (distance > 0.7).all()


def test_the_camera_shakes_as_far_as_its_preset_says():
    s = draw("stereo", "hard", np.arange(50), 10.0)
    left, up = shaken(s, np.arange(0, 10, 0.04))
    assert (np.abs(left) <= s.shake[:, None] + 1e-9).all() and np.abs(left).max() > 0.8
    assert (np.abs(up) <= s.shake[:, None] + 1e-9).all()
    assert not np.any(shaken(draw("stereo", "easy", [0], 3.0), [0.5]))


def test_times_may_differ_from_scene_to_scene():
    s = draw("360", "real", np.arange(3), 3.0)
    each = np.array([[0.0, 1.0], [0.5, 0.7], [2.0, 2.9]])
    together = directions(s, each)
    for i in range(3):
        alone = directions(s.chosen([i]), each[i])
        assert all(np.allclose(a[i : i + 1], b) for a, b in zip(together, alone, strict=True))
    x, _ = seen_at(s, *together[:2], (960, 480), each)
    y, _ = seen_at(s.chosen([1]), *directions(s.chosen([1]), each[1])[:2], (960, 480), each[1])
    assert np.allclose(x[1:2], y)


def test_degrees_wrap_to_180_on_the_left():
    assert wrapped(np.array([180.0, -180.0, 181.0, 540.0, -0.5])).tolist() == [
        180,
        180,
        -179,
        180,
        -0.5,
    ]
