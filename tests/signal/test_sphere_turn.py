"""The turn of a sound about any axis is found; where there is none to find, it is not claimed."""

import numpy as np
import pytest

from avtools.dsp.ambisonics import encode
from avtools.dsp.rotation import matrices, rotate_blocks, rotation_matrix
from avtools.dsp.sphere import angles, unit_vectors
from avtools.signal import sphere_turn
from avtools.signal.align360 import SURE
from avtools.signal.hearing import COLUMNS, ROWS, field_maps
from avtools.signal.motion import TICKS
from avtools.signal.sphere_turn import SphereTurn
from avtools.signal.turn import Turn, best_yaw, turn_evidence

SECONDS = 10
PLACES = unit_vectors(np.array([0, 100, -150, 40, -60]), np.array([10, -30, 20, 50, -10]))


def grid(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Directions (rows, COLUMNS, 3) of the middles of cells, and how large these are."""
    elevation = 90 - 180 * (np.arange(rows)[:, None] + 0.5) / rows
    azimuth = 180 - 360 * (np.arange(COLUMNS) + 0.5) / COLUMNS
    return unit_vectors(azimuth, elevation), np.cos(np.deg2rad(elevation))


def bursts(places: int, seed: int = 0) -> np.ndarray:
    """(ticks, places): when each of them sounds and moves."""
    rng = np.random.default_rng(seed)
    starts = rng.random((SECONDS * TICKS, places)) < 0.04
    return np.stack([np.convolve(s, 0.6 ** np.arange(12))[: len(s)] for s in starts.T], axis=1)


def spots(directions: np.ndarray, places: np.ndarray, width_deg: float) -> np.ndarray:
    """(places, rows, columns): a soft spot around each."""
    near = np.tensordot(places, directions, (1, 2)) - 1
    return np.exp(near / np.deg2rad(width_deg) ** 2)


def seen(places: np.ndarray, when: np.ndarray) -> np.ndarray:
    directions, _ = grid(2 * ROWS)
    return np.tensordot(when, spots(directions, places, 5), 1).astype(np.float32)


def heard(places: np.ndarray, when: np.ndarray) -> np.ndarray:
    directions, area = grid(ROWS)
    return np.tensordot(when, spots(directions, places, 9) * area, 1).astype(np.float32)


def apart(first: np.ndarray, second: np.ndarray) -> float:
    """Degrees of the rotation from one to the other."""
    cosine = (np.trace(first @ second.T) - 1) / 2
    return float(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))))


def answer(sound: np.ndarray, motion: np.ndarray) -> tuple[np.ndarray, float]:
    turn = SphereTurn()
    turn.add(sound, motion)
    *triple, confidence = turn.best()
    return rotation_matrix(*triple), confidence


@pytest.mark.parametrize(
    "triple", [(0, 0, 0), (0, 90, 0), (0, 0, -120), (180, 0, 0), (150, -40, 70)]
)
def test_a_turn_about_any_axis_is_found(triple):
    turned, when = rotation_matrix(*triple), bursts(len(PLACES))
    found, confidence = answer(heard(PLACES @ turned.T, when), seen(PLACES, when))
    assert apart(found, turned) < 2 and confidence > 0.9


def test_a_rotated_sound_is_found_as_rotate_foa_rotates_it():
    rate, turned, when = 24000, rotation_matrix(60, -35, 100), bursts(len(PLACES), 1)
    noise = np.random.default_rng(2).normal(size=(len(PLACES), SECONDS * rate))
    level = 0.1 * np.repeat(when, rate // TICKS, axis=0).T
    field = encode(*angles(PLACES)).T @ (level * noise)
    maps = np.concatenate(list(field_maps(rotate_blocks([field.astype(np.float32)], turned), rate)))
    found, confidence = answer(maps, seen(PLACES, when))
    assert apart(found, turned) < 4 and confidence > SURE


def test_one_source_that_goes_around_is_enough_and_one_that_rests_is_not():
    turned, when = rotation_matrix(-70, 20, 30), bursts(1, 3)
    azimuth = np.linspace(0, 300, len(when))
    way = unit_vectors(azimuth, 30 * np.sin(np.deg2rad(2 * azimuth)))
    # A place for each moment.
    when = np.diag(when[:, 0])
    found, confidence = answer(heard(way @ turned.T, when), seen(way, when))
    assert apart(found, turned) < 3 and confidence > SURE
    still = np.broadcast_to(way[0], way.shape)
    found, confidence = answer(heard(still @ turned.T, when), seen(still, when))
    # Nothing tells about turns around the source, but it must be heard where it is seen.
    assert np.degrees(np.arccos(np.clip((found @ way[0]) @ (turned @ way[0]), -1, 1))) < 3
    assert confidence < SURE


def test_another_rhythm_at_other_places_says_nothing():
    said = []
    for seed in range(8):
        places = np.random.default_rng(seed).normal(size=(2, 3, 3))
        places /= np.linalg.norm(places, axis=2, keepdims=True)
        when = [bursts(3, 100 + seed), bursts(3, 200 + seed)]
        said.append(answer(heard(places[0], when[0]), seen(places[1], when[1]))[1])
    assert max(said) < SURE and np.mean(said) < 0.3


def test_the_yaw_is_that_of_the_search_over_yaws():
    turned, when = rotation_matrix(-130), bursts(len(PLACES), 4)
    sound, motion = heard(PLACES @ turned.T, when), seen(PLACES, when)
    yaws, whole = Turn(), SphereTurn()
    yaws.add(*turn_evidence(sound, motion))
    whole.add(sound, motion)
    yaw, pitch, roll, _ = whole.best()
    assert best_yaw(yaws.curve) == pytest.approx(-130, abs=1)
    np.testing.assert_allclose([yaw, pitch, roll], [-130, 0, 0], atol=1.5)
    assert best_yaw(whole.curve()) == pytest.approx(-130, abs=1.5)


def test_the_curve_is_highest_at_the_answer():
    turned, when = rotation_matrix(75, 40, -60), bursts(len(PLACES), 7)
    whole = SphereTurn()
    whole.add(heard(PLACES @ turned.T, when), seen(PLACES, when))
    yaw, pitch, roll, _ = whole.best()
    curve = whole.curve(pitch, roll)
    assert best_yaw(curve) == pytest.approx(yaw, abs=0.5) and yaw == pytest.approx(75, abs=2)
    assert curve.max() > 2 * whole.curve().max()


def test_windows_add_up_in_the_same_memory():
    turned, when = rotation_matrix(30, 60, -20), bursts(len(PLACES), 5)
    sound, motion = heard(PLACES @ turned.T, when), seen(PLACES, when)
    turn = SphereTurn()
    size = turn.products.nbytes + turn.by_chance.nbytes
    for start in range(0, len(sound), 5 * TICKS):
        part = slice(start, start + 5 * TICKS)
        turn.add(sound[part], motion[part])
    assert apart(rotation_matrix(*turn.best()[:3]), turned) < 2
    assert turn.products.nbytes + turn.by_chance.nbytes == size


def test_scores_depend_on_nothing_but_where_a_point_is_taken():
    """One point seen, one heard: the score is highest, and alike, where they meet."""
    first, second = np.zeros((2, 1, ROWS, COLUMNS), np.float32)
    first[0, 5, 20] = second[0, 15, 70] = 1
    products = sphere_turn._coefficients(first).conj().swapaxes(1, 2) @ sphere_turn._coefficients(
        second
    )
    series = sphere_turn._series(products)
    directions, _ = grid(ROWS)
    draws = np.random.default_rng(6).normal(size=(200, 4))
    turns = matrices(draws / np.linalg.norm(draws, axis=1, keepdims=True))
    cosine = np.einsum("i,rij,j->r", directions[5, 20], turns, directions[15, 70])
    # The addition theorem: the sum of (2 l + 1) / 4 pi times Legendre's polynomials.
    degree = np.arange(sphere_turn.DEGREE + 1)
    expected = np.polynomial.legendre.legval(cosine, (2 * degree + 1) / (4 * np.pi))
    np.testing.assert_allclose(sphere_turn._score(series, turns), expected, atol=1e-4)
    all_over, rotations = sphere_turn._all_over(series), sphere_turn._rotations()
    some = np.r_[0:60, 1000:60000:997]
    some = some[some < len(rotations)]
    scores = sphere_turn._score(series, rotations[some])
    np.testing.assert_allclose(all_over[some], scores, atol=1e-5)


def test_nothing_heard_or_seen_is_no_answer():
    sound, motion = np.zeros((250, ROWS, COLUMNS)), np.zeros((250, 2 * ROWS, COLUMNS))
    when = bursts(1)
    for a, b in (
        (sound, motion),
        (heard(PLACES[:1], when), motion),
        (sound, seen(PLACES[:1], when)),
        (sound[:0], motion[:0]),
    ):
        turn = SphereTurn()
        turn.add(np.asarray(a, np.float32), np.asarray(b, np.float32))
        assert turn.best() == (0.0, 0.0, 0.0, 0.0)
    assert SphereTurn().best() == (0.0, 0.0, 0.0, 0.0)


def test_maps_of_other_sizes_are_refused():
    with pytest.raises(ValueError, match="expected"):
        SphereTurn().add(np.zeros((5, ROWS, COLUMNS)), np.zeros((4, 2 * ROWS, COLUMNS)))
