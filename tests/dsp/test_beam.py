"""Beams against the theory of their patterns."""

import numpy as np
import pytest

from avtools.dsp.ambisonics import encode
from avtools.dsp.beam import PATTERNS, beam_blocks_along, beam_gains, beams
from avtools.dsp.rotation import foa_matrix, rotation_matrix
from avtools.dsp.sphere import angle_between, angles, fibonacci, unit_vectors
from tests.scenes import noise

RATE = 48000
SPHERE = fibonacci(700)
random = np.random.default_rng(4)


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_are_those_of_theory(name):
    p = PATTERNS[name]
    waves = encode(*angles(SPHERE)).T  # (4, directions): a plane wave each
    for azimuth, elevation in ((0, 0), (30, 10), (-135, -60), (0, 90)):
        towards = unit_vectors(azimuth, elevation)
        (heard,) = beams(waves, towards[None], p)
        angle = np.deg2rad(angle_between(SPHERE, towards))
        theory = p + (1 - p) * np.cos(angle)
        audible = np.abs(theory) > 0.01
        assert audible.sum() > 600
        decibels = 20 * np.log10(np.abs(heard[audible] / theory[audible]))
        assert np.abs(decibels).max() < 0.1
        assert (np.sign(heard[audible]) == np.sign(theory[audible])).all()
        assert np.abs(heard[~audible]).max(initial=0) < 0.0101
        (ahead,) = beams(encode(azimuth, elevation)[:, None], towards[None], p)
        assert ahead == pytest.approx(1)


def energy_through(p, half=SPHERE):
    return np.mean((p + (1 - p) * half[:, 0]) ** 2)


def test_each_pattern_is_the_best_of_its_kind():
    """Hypercardioid: least of a diffuse field; supercardioid: most front against back."""
    fine = fibonacci(20_000)
    front, back = fine[fine[:, 0] > 0], fine[fine[:, 0] < 0]
    every = np.linspace(0, 1, 1001)
    least = every[np.argmin([energy_through(p, fine) for p in every])]
    assert least == pytest.approx(PATTERNS["hypercardioid"], abs=2e-3)
    assert energy_through(0.25, fine) == pytest.approx(1 / 4, abs=1e-3)  # -6.0 dB
    sides = [energy_through(p, front) / energy_through(p, back) for p in every]
    assert every[np.argmax(sides)] == pytest.approx(PATTERNS["supercardioid"], abs=2e-3)


def test_max_re_is_the_supercardioid():
    """The longest energy vector, sum of g^2 u over sum of g^2: 1 / sqrt 3 at first order."""
    fine, every = fibonacci(20_000), np.linspace(0, 1, 1001)
    gains = every[:, None] + (1 - every[:, None]) * fine[:, 0]
    length = (gains**2 @ fine[:, 0]) / (gains**2).sum(axis=1)
    assert every[length.argmax()] == pytest.approx(PATTERNS["max-re"], abs=2e-3)
    assert length.max() == pytest.approx(3**-0.5, abs=1e-3)
    assert PATTERNS["max-re"] == PATTERNS["supercardioid"]


def test_turning_the_scene_is_turning_the_beam():
    foa, towards = random.standard_normal((4, 50)), unit_vectors(*random.uniform(-80, 80, (2, 3)))
    for triple in random.uniform([-180, -90, -180], [180, 90, 180], (10, 3)):
        turn = rotation_matrix(*triple)
        turned = beams(foa_matrix(turn) @ foa, towards @ turn.T, 0.3)
        assert np.allclose(turned, beams(foa, towards, 0.3))


def moving(seconds):
    """Two beams: one turns by 1,000 degrees a second, one rests."""
    turning = unit_vectors(1000 * seconds, 20)
    return np.stack([turning, np.broadcast_to(unit_vectors(-30), turning.shape)], axis=1)


def joined(parts):
    return np.concatenate([y.copy() for y in parts], axis=1)


def test_moving_beams_are_the_same_for_any_split():
    x = noise(4, 7000).T
    whole = joined(beam_blocks_along([x], moving, 0.25, RATE))
    for seed in range(5):
        cuts = np.sort(np.random.default_rng(seed).integers(0, 7000, 20))
        split = np.split(x, cuts, axis=1)  # blocks of no samples among them
        assert np.array_equal(joined(beam_blocks_along(split, moving, 0.25, RATE)), whole)
    still = beams(x, unit_vectors([-30.0]), 0.25)
    assert np.abs(whole[1] - still[0]).max() < 1e-6


def test_a_moving_beam_errs_as_little_as_it_says():
    x = noise(4, 7000).T
    exact = [beams(x[:, k, None], moving(np.array([k / RATE]))[0], 0.25) for k in range(7000)]
    made = joined(beam_blocks_along([x], moving, 0.25, RATE))
    bound = 4e-6 * np.linalg.norm(x[1:], axis=0).max()
    assert 1e-6 * np.abs(x).max() < np.abs(made - np.concatenate(exact, axis=1)).max() < bound


def test_a_beam_that_follows_hears_one_level_and_no_clicks():
    s = np.ones(9000, np.float32)
    turning = encode(1000 * np.arange(9000) / RATE, 20).T.astype(np.float32)
    heard = joined(beam_blocks_along([turning * s], moving, 0.25, RATE))
    assert np.abs(heard[0] - 1).max() < 1e-5
    assert heard[1].min() < 0.1 and np.abs(np.diff(heard[1])).max() < 5e-4


def test_omni_passes_by_what_is_no_number_elsewhere():
    x = noise(4, 100).T.copy()
    x[1:] = np.nan
    heard = joined(beam_blocks_along([x], moving, 1.0, RATE))
    assert np.array_equal(heard, x[[0, 0]])


def test_no_such_pattern():
    with pytest.raises(ValueError, match="expected 0 to 1"):
        beam_gains(unit_vectors(0), 1.1)


def test_torch_gives_the_same():
    torch = pytest.importorskip("torch")
    foa = random.standard_normal((3, 4, 20)).astype(np.float32)
    towards = unit_vectors(*random.uniform(-80, 80, (2, 3, 5))).astype(np.float32)
    ours = beams(foa, towards, 0.25)
    theirs = beams(torch.tensor(foa), torch.tensor(towards), 0.25)
    assert ours.shape == (3, 5, 20) and np.abs(ours - theirs.numpy()).max() < 1e-5
