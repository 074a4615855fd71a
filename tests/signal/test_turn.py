"""By how much the sound is turned: known yaws are found, over the whole circle, and kept small."""

import numpy as np
import pytest

from avtools.signal.hearing import COLUMNS, field_maps
from avtools.signal.motion import movement
from avtools.signal.turn import (
    MOST_PARTS,
    NEAR_DEG,
    READINGS,
    STEP_DEG,
    Turn,
    apart,
    best_yaw,
    signs,
    turn_evidence,
)
from tests.signal.strokes import RATE, bursts, lamp, wave

SECONDS = 4
TIME = np.arange(SECONDS * RATE) / RATE


def passing(time):
    """From 60 degrees on the right to 60 on the left."""
    return -60 + 120 / SECONDS * time


def behind(time):
    """From 140 over 180 to -140: across the edges of the picture."""
    return 140 + 80 / SECONDS * time


def still(time):
    return 25 + 0 * time


def seen(path, elevation: float = 0.0) -> np.ndarray:
    return np.concatenate(list(movement(lamp(SECONDS, path, elevation), is_360=True)))


def heard(sound: np.ndarray) -> np.ndarray:
    return np.concatenate(list(field_maps([sound], RATE)))


def turned(path, yaw: float = 0.0, elevation: float = 0.0) -> np.ndarray:
    return heard(wave(bursts(SECONDS), path(TIME) + yaw, elevation))


def turn_of(sound: np.ndarray, motion: np.ndarray) -> Turn:
    turn, count = Turn(), min(len(sound), len(motion))
    turn.add(*turn_evidence(sound[:count], motion[:count]))
    return turn


@pytest.fixture(scope="module")
def passing_by() -> np.ndarray:
    return seen(passing)


@pytest.mark.parametrize("path, elevation", [(passing, -20), (behind, 35), (still, 0)])
def test_what_is_heard_where_it_is_seen_is_not_turned(path, elevation):
    turn = turn_of(turned(path, 0, elevation), seen(path, elevation))
    assert apart(best_yaw(turn.curve), 0) < 1
    assert signs(turn)[3] == 1  # every second agrees


@pytest.mark.parametrize("yaw", [2.0, 91.9, 140.5, 180.0, -179.0, -91.0])
def test_the_sound_is_turned_by_what_it_is_turned_by(passing_by, yaw):
    found = best_yaw(turn_of(turned(passing, yaw), passing_by).curve)
    assert -180 <= found <= 180
    assert apart(found, yaw) < 1


def test_every_reading_finds_it(passing_by):
    turn = turn_of(turned(passing, 70), passing_by)
    assert turn.standardised.shape == (SECONDS, READINGS, COLUMNS)
    assert apart(best_yaw(turn.standardised.sum(axis=0)), 70).max() < 6


def test_elevations_must_agree():
    """Of two lamps with the same rhythm the one at the height of the sound counts."""
    high, low = seen(lambda t: 80 + 0 * t, 45), seen(lambda t: -80 + 0 * t, -45)
    both = high + low
    assert apart(best_yaw(turn_of(turned(still, 0, 45), both).curve), -55) < 2
    assert apart(best_yaw(turn_of(turned(still, 0, -45), both).curve), 105) < 2


def test_what_moves_in_time_with_the_sound_counts_most():
    """Two lamps, one of them with another rhythm."""
    other = np.concatenate(
        list(movement(lamp(SECONDS, lambda t: -100 + 0 * t, seed=5), is_360=True))
    )
    turn = turn_of(turned(still, 15), seen(still) + other)
    assert apart(best_yaw(turn.curve), 15) < 2


def peaks(yaws) -> np.ndarray:
    """Curves (..., COLUMNS) with one peak each."""
    return np.exp(
        -0.5 * (apart(np.asarray(yaws)[..., None], np.arange(COLUMNS) * STEP_DEG) / 12) ** 2
    )


def test_the_best_yaw_lies_between_the_steps():
    yaws = np.linspace(-179.9, 179.9, 97)
    found = best_yaw(peaks(yaws))
    assert found.shape == (97,) and (found >= -180).all() and (found < 180).all()
    assert apart(found, yaws).max() < 0.1


@pytest.mark.parametrize(
    "a, b, expected", [(170, -170, 20), (0, 180, 180), (-90, -90, 0), (359, 0, 1)]
)
def test_angles_are_apart_the_shorter_way(a, b, expected):
    assert apart(a, b) == apart(b, a) == expected


def parts_of(yaws) -> np.ndarray:
    """(seconds, READINGS, COLUMNS) with a little noise."""
    noise = np.random.default_rng(0).standard_normal((len(yaws), READINGS, COLUMNS))
    return (peaks(yaws)[:, None] + 0.1 * noise).astype(np.float32)


@pytest.mark.parametrize("at_once", [1, 10, 13, 6000])
def test_hours_are_kept_in_little(at_once):
    seconds = parts_of(np.random.default_rng(1).normal(63, 20, 6000))
    turn, most = Turn(), 0
    for k in range(0, len(seconds), at_once):
        turn.add(seconds[k : k + at_once], np.ones((at_once, READINGS)))
        most = max(most, len(turn.parts))
    assert most <= 2 * MOST_PARTS
    assert np.sum(turn.parts, axis=0) == pytest.approx(seconds.sum(axis=0), rel=1e-3, abs=0.05)
    assert best_yaw(turn.curve) == pytest.approx(63, abs=1)


def test_what_is_kept_of_hours_is_of_equal_lengths():
    """So that each part counts alike for how many of them agree."""
    turn = Turn()
    for _ in range(300):
        turn.add(np.ones((10, READINGS, COLUMNS), np.float32), np.ones((10, READINGS)))
    lengths = [int(p[0, 0]) for p in turn.parts]
    assert sum(lengths) == 3000
    assert set(lengths[:-1]) == {4} and lengths[-1] <= 4


def test_signs_lie_in_their_ranges(passing_by):
    sounds = [
        turned(passing),
        heard(0.1 * np.random.default_rng(0).standard_normal((4, len(TIME))).astype(np.float32)),
        turned(lambda t: 30 + 0 * t),
    ]
    for sound in sounds:
        height, sharp, own, agree, together = signs(turn_of(sound, passing_by))
        assert 0 < height <= np.sqrt(COLUMNS - 1)
        assert 0 < sharp <= 2 * height
        assert np.log(0.3) <= own <= np.log(0.3 + NEAR_DEG + STEP_DEG)
        assert 0 <= agree <= 1
        assert -1 <= together <= 1


@pytest.mark.parametrize("yaw", [0.0, 90.0])
def test_still_seconds_neither_agree_nor_disagree(yaw):
    found = Turn([np.stack([peaks(yaw)] * READINGS)] * 4, most=np.ones(READINGS))
    alone = signs(found)
    found.parts += [np.zeros((READINGS, COLUMNS))] * 6
    assert alone[3] == 1 and signs(found) == pytest.approx(alone)


def test_quick_parts_that_go_together_are_told(passing_by):
    own, other = turned(passing), heard(wave(bursts(SECONDS, seed=5), passing(TIME)))
    assert signs(turn_of(own, passing_by))[4] > 1.3 * signs(turn_of(other, passing_by))[4]


@pytest.mark.parametrize("at", range(130, 300, 5))
def test_a_reading_without_a_peak_beside_it_is_far_away(at):
    """What only rises or falls near the best yaw: as far as one looks, and no further."""
    slope = np.cos(np.deg2rad(np.arange(COLUMNS) * STEP_DEG - at))
    turn = Turn([np.stack([peaks(90.0)] * (READINGS - 1) + [slope])], most=np.ones(READINGS))
    others = (READINGS - 1) * np.log(0.3 + apart(best_yaw(turn.curve), 90))
    far = np.exp(READINGS * signs(turn)[2] - others) - 0.3
    assert 15 < far < NEAR_DEG + STEP_DEG


def test_nothing_says_nothing():
    quiet = np.array([0.0, 0.0, np.log(NEAR_DEG), 0.0, 0.0])
    assert signs(Turn()) == pytest.approx(quiet)
    assert Turn().curve == pytest.approx(np.zeros(COLUMNS))
    maps, motion = np.zeros((60, 24, 96)), np.zeros((60, 48, 96))
    for turn in (turn_of(maps, motion), turn_of(maps, motion + 1), turn_of(maps + 1, motion)):
        assert len(turn.parts) == 3
        assert signs(turn) == pytest.approx(quiet)
