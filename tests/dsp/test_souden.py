"""Souden's filters: against torchaudio's, and by what they are for."""

import numpy as np
import pytest

from avtools.dsp.mvdr import psd
from avtools.dsp.souden import filtered, souden_filters, wiener_filters


def covariances(channels: int, *shape: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, *shape, channels, 3 * channels))
    x = x[0] + 1j * x[1]
    return x @ np.conj(np.swapaxes(x, -1, -2)) / (3 * channels)


def wave(channels: int, *shape: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((*shape, channels)) + 1j * rng.standard_normal((*shape, channels))


@pytest.mark.parametrize("channels", [2, 4])
def test_mvdr_is_torchaudios_for_every_reference(channels):
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("torchaudio").functional.mvdr_weights_souden
    wanted, rest = covariances(channels, 7), covariances(channels, 7, seed=3)
    got = souden_filters(wanted, rest)
    for u in range(channels):
        want = theirs(torch.tensor(wanted), torch.tensor(rest), u, diagonal_loading=False).numpy()
        assert np.abs(got[..., u] - want).max() < 1e-6


def test_numpy_and_torch_agree():
    torch = pytest.importorskip("torch")
    wanted, rest = covariances(3, 2, 5), covariances(3, 2, 5, seed=3)
    for make in (souden_filters, wiener_filters):
        theirs = make(torch.tensor(wanted), torch.tensor(rest)).numpy()
        assert np.abs(make(wanted, rest) - theirs).max() < 1e-10


def test_a_lone_wave_goes_through_mvdr_as_each_channel_has_it():
    s, rest = wave(4, 6), covariances(4, 6)
    filters = souden_filters(s[..., :, None] * np.conj(s[..., None, :]), rest)
    passed = np.einsum("bcu,bc->bu", np.conj(filters), s)
    assert np.abs(passed - s).max() < 1e-5


def test_for_one_wave_wiener_is_soudens_with_trade_one():
    s, rest = wave(3, 6), covariances(3, 6)
    one = s[..., :, None] * np.conj(s[..., None, :])
    assert np.abs(wiener_filters(one, rest) - souden_filters(one, rest, trade=1)).max() < 1e-5


def test_both_parts_of_wiener_add_up_to_what_came_in():
    wanted, rest = covariances(2, 9), covariances(2, 9, seed=3)
    x = wave(2, 5, 9).transpose(2, 0, 1)
    parts = [filtered(wiener_filters(a, b, 0), x) for a, b in ((wanted, rest), (rest, wanted))]
    assert np.abs(sum(parts) - x).max() < 1e-9


def test_the_other_of_two_waves_is_removed():
    rng = np.random.default_rng(0)
    sources = rng.standard_normal((2, 400, 9)) + 1j * rng.standard_normal((2, 400, 9))
    images = [wave(2, 9, seed=k)[None] * sources[k][..., None] for k in range(2)]
    images = [np.moveaxis(i, -1, 0) for i in images]
    got = filtered(souden_filters(psd(images[0]), psd(images[1])), sum(images))
    left = np.abs(got - images[0]) ** 2
    assert 10 * np.log10(left.sum() / (np.abs(images[1]) ** 2).sum()) < -40


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="channels, channels"):
        souden_filters(covariances(2, 3), covariances(3, 3))
