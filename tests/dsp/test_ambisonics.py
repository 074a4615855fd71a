"""Conventions: known gains, round trips, mirrors, and NaN that stays where it was."""

import numpy as np
import pytest

from avtools.dsp.ambisonics import (
    STEREO,
    encode,
    from_ambix,
    mirror_matrix,
    mirror_signs,
    mix_blocks,
    order_of,
    to_ambix,
)

ROOT2, ROOT3 = 2**0.5, 3**0.5


def test_a_source_at_the_left_in_each_convention():
    ambix = encode(90.0, 0.0)
    assert np.allclose(ambix, [1, 1, 0, 0])
    assert np.allclose(from_ambix("fuma", 4) @ ambix, [1 / ROOT2, 0, 1, 0])
    assert np.allclose(from_ambix("n3d", 4) @ ambix, [1, ROOT3, 0, 0])
    assert np.allclose(to_ambix("youtube", 6) @ [0, 1, 1, 0, 0, 0], ambix)  # X Y W - Z -
    assert np.allclose(to_ambix("wxy", 3) @ [1, 0, 1], ambix)


@pytest.mark.parametrize("convention", ["fuma", "n3d", "ambix"])
def test_there_and_back(convention):
    assert np.allclose(to_ambix(convention, 4) @ from_ambix(convention, 4), np.eye(4), atol=1e-12)


def test_n3d_at_third_order():
    gains = np.diag(from_ambix("n3d", 16))
    assert np.allclose(gains, np.sqrt([1] + [3] * 3 + [5] * 5 + [7] * 7))


def test_orders():
    assert [order_of(n) for n in (1, 4, 9, 16, 25)] == [0, 1, 2, 3, 4]
    assert [order_of(n) for n in (-1, 0, 2, 3, 5, 6, 8, 15)] == [None] * 8


def test_the_mirror_takes_azimuth_to_minus_azimuth():
    for azimuth, elevation in [(37, 0), (-120, 40), (180, -80)]:
        mirrored = mirror_signs(4) * encode(azimuth, elevation)
        assert np.allclose(mirrored, encode(-azimuth, elevation), atol=1e-7)
        for convention in ("fuma", "n3d"):
            own = from_ambix(convention, 4)
            want = own @ encode(-azimuth, elevation)
            assert np.allclose(
                mirror_matrix(convention, 4) @ own @ encode(azimuth, elevation), want
            )


def test_the_mirror_at_third_order_negates_the_sines():
    # ACN 16 channels by (degree, index): negative indices carry sin(|m| azimuth).
    negated = {(l, m) for l in range(4) for m in range(-l, 0)}  # noqa: E741
    want = [-1 if (l, m) in negated else 1 for l in range(4) for m in range(-l, l + 1)]  # noqa: E741
    assert mirror_signs(16).tolist() == want


def test_stereo_hears_left_on_the_left():
    for pair in STEREO.values():
        left, right = pair @ encode(45.0, 0.0)
        assert left > abs(right)
        assert np.allclose((pair @ encode(0.0, 0.0))[0], (pair @ encode(0.0, 0.0))[1])


def test_mixing_keeps_nan_where_it_was():
    x = np.ones((4, 10), np.float32)
    x[1, 3] = np.nan
    (y,) = mix_blocks([x], from_ambix("fuma", 4))
    assert np.isnan(y[2, 3]) and np.isfinite(np.delete(y, 2, 0)).all()
    (z,) = mix_blocks([x], STEREO["wy"] @ np.diag([1, 0, 1, 1]))
    assert np.isfinite(z).all()


def test_swaps_and_negations_are_exact():
    x = np.random.default_rng(0).standard_normal((6, 1000)).astype(np.float32)
    matrix = mirror_matrix("ambix", 6, head_locked=2)
    (y,) = mix_blocks([np.asfortranarray(x)], matrix)
    assert np.array_equal(y, np.stack([x[0], -x[1], x[2], x[3], x[5], x[4]]))
