import numpy as np
import pytest
import torch

from avtools.dsp.heads import even_directions, sphere_response, spherical_head_hrirs
from avtools.dsp.sphere import fibonacci
from avtools.world.diffuse import at_ratio
from avtools.world.head import Head
from avtools.world.measured import Measured, ResponseSet
from avtools.world.microphones import DIFFUSE
from avtools.world.pair import Pair, arrivals
from tests.world.hearing import RATE, scene

HERTZ = np.linspace(0, RATE / 2, DIFFUSE)
SOME = slice(5, None, 40)


def sums_and_differences(left, right):
    """Rms over directions (n, bins) of half the sum and half the difference."""
    return [np.sqrt((np.abs(x / 2) ** 2).mean(axis=0)) for x in (left + right, left - right)]


@pytest.mark.parametrize("pattern", [0.0, 0.5, 0.8])
def test_a_pair_in_a_diffuse_field(pattern):
    s = scene("pair", pattern=pattern, spacing=0.25, splay=50.0)
    far = fibonacci(4000) * 1000.0
    gains, metres = arrivals(s, far[None])
    phase = np.exp(-2j * np.pi * HERTZ[SOME] * (metres[0] - 1000.0)[..., None] / 343.0)
    left, right = np.moveaxis(1000.0 * gains[0, ..., None] * phase, 1, 0)
    found = Pair(s, RATE, "cpu").diffuse()[0][:, SOME]
    np.testing.assert_allclose(found, sums_and_differences(left, right), atol=0.01)


def test_a_head_in_a_diffuse_field():
    y = fibonacci(2000)[:, 1]
    sides = [sphere_response(np.degrees(np.arccos(side * y)), HERTZ[SOME]) for side in (1, -1)]
    found = Head(scene("head"), RATE, "cpu").diffuse()[0][:, SOME]
    inside = HERTZ[SOME] < 7000  # where the band does not end yet
    true = np.array(sums_and_differences(*sides))
    np.testing.assert_allclose(found[:, inside], true[:, inside], rtol=0.01)


def test_a_measured_head_in_a_diffuse_field():
    grid = even_directions(8.0)
    responses = ResponseSet(grid, spherical_head_hrirs(grid, RATE))
    found = Measured(scene("head"), RATE, "cpu", responses).diffuse()[0][:, SOME]
    sphere = Head(scene("head"), RATE, "cpu").diffuse()[0][:, SOME]
    inside = HERTZ[SOME] < 7000
    np.testing.assert_allclose(found[:, inside], sphere[:, inside], rtol=0.04)


def test_noise_at_a_ratio():
    sound, noise = torch.ones(3, 2, 50), torch.full((3, 2, 50), 7.0)
    scaled = at_ratio(sound, noise, np.array([0.0, 20.0, np.inf]))
    np.testing.assert_allclose(scaled[:, 0, 0], [1, 0.1, 0], rtol=1e-6)
