"""Rotations: known answers, group laws, conventions of others, streams equal to one shot."""

from itertools import pairwise

import numpy as np
import pytest

from avtools.dsp.ambisonics import encode
from avtools.dsp.rotation import (
    ORDERS,
    foa_matrix,
    matrices,
    path,
    quaternion,
    rotate_blocks,
    rotate_blocks_along,
    rotation_matrix,
)
from tests.scenes import direction, noise, plane_wave

FRONT, LEFT, UP = np.eye(3)
random = np.random.default_rng(5)
TRIPLES = random.uniform([-180, -90, -180], [180, 90, 180], (20, 3))


def split(x: np.ndarray, seed: int):
    """`x` `(channels, samples)` in blocks of random lengths."""
    cuts = np.sort(np.random.default_rng(seed).integers(0, x.shape[1], 12))
    return [b for b in np.split(x, cuts, axis=1) if b.shape[1]]


def joined(blocks) -> np.ndarray:
    return np.concatenate([b.copy() for b in blocks], axis=1)


def test_signs():
    assert np.allclose(rotation_matrix(90) @ FRONT, LEFT)
    assert np.allclose(rotation_matrix(0, 90) @ FRONT, -UP)
    assert np.allclose(rotation_matrix(0, 0, 90) @ LEFT, -UP)


def test_default_is_rx_of_minus_roll_ry_rz():
    for yaw, pitch, roll in TRIPLES:
        by_hand = rotation_matrix(0, 0, roll) @ rotation_matrix(0, pitch) @ rotation_matrix(yaw)
        assert np.allclose(rotation_matrix(yaw, pitch, roll), by_hand)


@pytest.mark.parametrize("order", ORDERS)
def test_orders_are_rotations_and_inverse_undoes(order):
    for triple in TRIPLES:
        turn = rotation_matrix(*triple, order=order)
        back = rotation_matrix(*triple, order=order, inverse=True)
        assert np.allclose(turn @ back, np.eye(3))
        assert np.isclose(np.linalg.det(turn), 1)


def test_other_tools_angles():
    """The signs that those tools' users see (their own documentation, measured)."""
    iem = lambda *a: rotation_matrix(*a, convention="iem")  # noqa: E731
    sparta = lambda *a: rotation_matrix(*a, convention="sparta")  # noqa: E731
    assert (iem(30) @ FRONT)[1] > 0 and (sparta(30) @ FRONT)[1] < 0
    assert (iem(0, 30) @ FRONT)[2] < 0 and (sparta(0, 30) @ FRONT)[2] > 0
    assert (iem(0, 0, 30) @ LEFT)[2] > 0 and (sparta(0, 0, 30) @ LEFT)[2] < 0
    for yaw, pitch, roll in TRIPLES:
        product = iem(yaw) @ iem(0, pitch) @ iem(0, 0, roll)
        assert np.allclose(iem(yaw, pitch, roll), product)  # Rz Ry Rx
        assert np.allclose(sparta(yaw, pitch, roll), product.T)


def test_a_plane_wave_goes_where_its_direction_goes():
    for (azimuth, elevation), triple in zip(
        random.uniform([-180, -80], [180, 80], (20, 2)), TRIPLES, strict=True
    ):
        turn = rotation_matrix(*triple)
        a, e = np.deg2rad([azimuth, elevation])
        there = turn @ [np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)]
        want = encode(*np.rad2deg([np.arctan2(there[1], there[0]), np.arcsin(there[2])]))
        assert np.allclose(foa_matrix(turn) @ encode(azimuth, elevation), want)


def test_sound_turns_and_turns_back():
    x = plane_wave(0, 0).T
    (y,) = rotate_blocks([x], rotation_matrix(90))
    assert np.allclose(direction(y.T), (90, 0), atol=1e-3)
    assert np.array_equal(y[0], x[0])  # W to the bit
    (z,) = rotate_blocks([y.copy()], rotation_matrix(-90))
    assert np.abs(z - x).max() < 1e-6


def test_blocks_equal_one_shot():
    x = noise(4, 5000).T
    turn = rotation_matrix(*TRIPLES[0])
    whole = foa_matrix(turn) @ x.astype(np.float64)
    for seed in range(5):
        assert np.abs(joined(rotate_blocks(split(x, seed), turn)) - whole).max() < 1e-6


def test_quaternions_and_matrices_agree():
    for triple in [*TRIPLES, (180, 0, 0), (0, 0, 180), (0, 90, 180), (0, 0, 0)]:
        turn = rotation_matrix(*triple)
        assert np.allclose(matrices(quaternion(turn)), turn)


def test_a_path_goes_the_short_way_at_one_speed():
    turns = np.array([rotation_matrix(*t) for t in TRIPLES[:4]])
    at = path(np.arange(4.0), turns)
    assert np.allclose(at(np.arange(4.0)), turns)
    fine = at(np.linspace(0, 1, 101))
    steps = [np.arccos(np.clip((np.trace(a.T @ b) - 1) / 2, -1, 1))
             for a, b in pairwise(fine)]  # fmt: skip
    assert np.ptp(steps) < 1e-6 and sum(steps) <= np.pi + 1e-6


def test_a_moving_turn_is_the_same_for_any_split_and_has_no_clicks():
    rate = 48000
    at = path(np.array([0.0, 0.03, 0.1]), np.array([np.eye(3), rotation_matrix(90, 20), np.eye(3)]))
    x = plane_wave(0, 0, 6000).T
    whole = joined(rotate_blocks_along([x], at, rate))
    for seed in range(5):
        assert np.array_equal(joined(rotate_blocks_along(split(x, seed), at, rate)), whole)
    exact = np.einsum(
        "nij,jn->in", at(np.arange(6000) / rate)[:, [1, 2, 0]][:, :, [1, 2, 0]], x[1:]
    )
    assert np.abs(whole[1:] - exact).max() < 1e-4 * np.abs(x).max()
    constant = np.ones((4, 6000), np.float32)
    steady = joined(rotate_blocks_along([constant], at, rate))
    assert np.abs(np.diff(steady)).max() < 0.01  # no step: 100 degrees in 30 ms is 0.0012 a sample
