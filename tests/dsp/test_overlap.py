import numpy as np
import pytest

from avtools.dsp.overlap import two_waves
from avtools.dsp.sphere import angle_between, fibonacci


def wave(direction, snapshots, rng, power=1.0):
    """`(n, 4)` spectra of a plane wave, W, Y, Z, X."""
    x, y, z = direction
    s = rng.standard_normal((snapshots, 2)) @ [1, 1j] * (power / 2) ** 0.5
    return s[:, None] * np.array([1, y, z, x])


def test_any_two_directions_come_out_exactly():
    rng = np.random.default_rng(0)
    ways = fibonacci(12)
    for k, first in enumerate(ways):
        for second in ways[:k]:
            foa = wave(first, 2000, rng) + wave(second, 2000, rng, 0.25)
            found, powers, purity = two_waves(foa)
            assert purity > 0.999
            order = np.argsort(-powers)
            assert angle_between(found[order[0]], first) < 0.01
            assert angle_between(found[order[1]], second) < 0.01
            # Their chance correlation over 2000 snapshots stays in the powers.
            assert np.allclose(powers[order], [1, 0.25], rtol=0.15)


def test_one_wave_and_diffuse_sound_are_not_two():
    rng = np.random.default_rng(1)
    one = wave([1, 0, 0], 32, rng)
    assert two_waves(one)[2] < 1e-6
    diffuse = (rng.standard_normal((500, 32, 4, 2)) @ [1, 1j]) * [1, *[3**-0.5] * 3]
    purity = two_waves(diffuse)[2]
    assert np.median(purity) < 0.6 and (purity**16).mean() < 1e-2


def test_silence():
    ways, powers, purity = two_waves(np.zeros((3, 8, 4), np.complex64))
    assert np.isfinite(ways).all() and np.isfinite(powers).all() and (purity == 0).all()


def test_torch_says_the_same():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(2)
    foa = np.stack(
        [wave(a, 64, rng) + wave(b, 64, rng, 0.5) for a, b in zip(fibonacci(9), fibonacci(9)[::-1])]  # noqa: B905
    )[[0, 1, 2, 3, 5, 6, 7, 8]]
    for mine, theirs in zip(two_waves(foa), two_waves(torch.from_numpy(foa)), strict=True):
        # Which of the two comes first is up to the signs of the eigenvectors.
        theirs = theirs.numpy()
        if mine.ndim == 2:
            mine, theirs = np.sort(mine), np.sort(theirs)
        if mine.ndim == 3:
            mine, theirs = mine.sum(1), theirs.sum(1)
        assert np.allclose(mine, theirs, atol=1e-5)
