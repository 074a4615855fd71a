"""Where a view looks: known turns, the low-pass in closed form, one path for whoever asks."""

import numpy as np
import pytest

from avtools.dsp.rotation import rotation_matrix
from avtools.dsp.sphere import angle_between, unit_vectors
from avtools.stream.clock import sound_begins
from avtools.stream.gaze import MOST_TRAIL, Gaze, look_at

DRAW = np.random.default_rng(3)
RANDOM = [tuple(d) for d in DRAW.uniform([-180, -89, -180], [180, 89, 180], (6, 3)).round(1)]


@pytest.mark.parametrize(("azimuth", "elevation", "roll"), [(0, 0, 0), (40, 10, 0), *RANDOM])
def test_the_view_stands_on_its_own_axes(azimuth, elevation, roll):
    """Front is the direction, left is level, up is upright; then the roll."""
    front, a = unit_vectors(azimuth, elevation), np.deg2rad(azimuth)
    left = np.array([-np.sin(a), np.cos(a), 0])
    basis = np.stack([front, left, np.cross(front, left)])
    turn = look_at(azimuth, elevation, roll)
    assert np.allclose(look_at(azimuth, elevation), basis)
    assert np.allclose(turn @ front, [1, 0, 0])
    assert np.allclose(turn, rotation_matrix(-azimuth, elevation, roll))
    assert np.allclose(turn[1:] @ left, [np.cos(np.deg2rad(roll)), -np.sin(np.deg2rad(roll))])


def step(at: float, first: float, then: float, elevation: float = 0.0):
    """A direction that jumps; it refuses to be asked for times that fall."""
    asked = [-np.inf]

    def directions(seconds):
        assert seconds[0] >= asked[0] and (np.diff(seconds) > 0).all()
        asked[0] = seconds[-1]
        return unit_vectors(np.where(seconds < at, first, then), elevation)

    return directions


@pytest.mark.parametrize("turn", [20, 90, 179])
def test_what_is_left_of_a_turn_falls_as_it_should(turn):
    gaze = Gaze(step(1.0, 0, turn), smooth=0.4)
    # The grid's first step into the jump is made at 1.0 itself, one step early.
    for after in (0.1, 0.4, 1.2):
        left = angle_between(gaze.directions(np.array([1.0 + after]))[0], unit_vectors(turn))
        assert left == pytest.approx(turn * np.exp(-(after + 0.01) / 0.4), rel=0.02)


def test_it_goes_along_the_great_circle_and_round_an_opposite():
    gaze = Gaze(step(0.5, 0, 120, elevation=40), smooth=0.3)
    way = gaze.directions(np.arange(0, 3, 0.02))
    ends = unit_vectors([0, 120], 40)
    assert np.abs(way @ np.cross(*ends)).max() < 1e-6
    assert np.allclose(np.linalg.norm(way, axis=1), 1)
    away = Gaze(step(0.5, 0, 180), smooth=0.3).directions(np.arange(0, 5, 0.01))
    assert angle_between(away[-1], unit_vectors(180)) < 0.1
    assert angle_between(away[1:], away[:-1]).max() < 180 * 0.01 / 0.3 * 1.1


def test_without_smoothing_it_is_there_at_once():
    gaze = Gaze(step(1.0, 10, 50), smooth=0)
    assert np.allclose(gaze.directions(np.array([0.5, 1.01])), unit_vectors([10, 50]))


def jitter(seconds):
    return unit_vectors(30 * np.sin(3 * seconds), 20 * np.cos(5 * seconds))


def test_every_way_of_asking_gives_the_same_path():
    """All at once; sample by sample; frames and blocks that take turns, one a little behind."""
    times = np.arange(0, 20, 0.05)
    whole = Gaze(jitter).directions(times)
    one = Gaze(jitter)
    assert (
        np.abs(np.concatenate([one.directions(times[k : k + 1]) for k in range(400)]) - whole).max()
        < 1e-6
    )
    both = Gaze(jitter)
    seen = []
    for k in range(0, 400, 40):
        seen.append(both.directions(times[k : k + 40]))
        late = np.clip(times[k] - 3 + np.arange(0, 1, 0.3), 0, None)
        assert np.abs(both.directions(late) - Gaze(jitter).directions(late)).max() < 1e-6
    assert np.abs(np.concatenate(seen) - whole).max() < 1e-6
    # A later start has forgotten what it did not see.
    start = Gaze(jitter).directions(times[300:])
    assert np.abs(start - whole[300:]).max() < 1e-6


def test_only_what_is_needed_is_asked_of_the_table():
    """A table that is still being written is not waited for."""
    asked = []

    def directions(seconds):
        asked.append(seconds[-1])
        return unit_vectors(0 * seconds)

    gaze = Gaze(directions)
    for time in (0.0, 0.033, 2.5):
        gaze.one(time)
        assert asked[-1] <= time + 0.011


def test_memory_and_a_clock_that_jumps():
    gaze = Gaze(lambda s: unit_vectors(0.001 * s))
    gaze.one(0.0)
    gaze.one(3.0e8)  # years: not followed step by step
    assert np.allclose(gaze.directions(np.array([3.0e8])), unit_vectors(3.0e5), atol=1e-3)
    gaze = Gaze(lambda s: unit_vectors(0 * s), smooth=0)
    for hour in range(1, 4):
        gaze.directions(np.array([3000.0 * hour]))
    assert len(gaze._kept) <= 360_000 and len(gaze.trail.after(0)) <= MOST_TRAIL


def test_the_trail_is_the_way():
    gaze = Gaze(lambda s: unit_vectors(np.minimum(s, 90)), smooth=0)
    gaze.directions(np.array([0.0]))
    gaze.directions(np.array([100.0]))
    trail = gaze.trail.after(0.0)
    assert MOST_TRAIL / 2 <= len(trail) <= MOST_TRAIL
    assert angle_between(trail[0], unit_vectors(0)) < 0.3
    assert angle_between(trail[-1], unit_vectors(90)) < 0.3
    assert angle_between(trail[1:], trail[:-1]).max() < 0.3


def test_a_turn_has_its_roll_at_all_times():
    gaze = Gaze(step(9.0, 30, 0), roll_deg=20)
    assert np.allclose(gaze.one(1.0), look_at(30, 0, 20), atol=1e-6)


def test_sound_that_is_no_videos_begins_at_zero():
    assert sound_begins("-") == 0 and sound_begins("nowhere.wav") == 0
