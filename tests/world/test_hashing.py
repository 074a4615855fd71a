"""Chance on a device: the right bits, white and independent noise, the same in any batch."""

import numpy as np
import pytest
import torch

from avtools.world.hashing import hashed, mixed, uniform, white


def lowbias32(x: int) -> int:
    """The hash as its author wrote it, in 32-bit arithmetic."""
    x &= 0xFFFFFFFF
    x ^= x >> 16
    x = x * 0x7FEB352D & 0xFFFFFFFF
    x ^= x >> 15
    x = x * 0x846CA68B & 0xFFFFFFFF
    return x ^ x >> 16


def test_the_bits_are_those_of_the_published_hash():
    values = [0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 123456789]
    assert mixed(torch.tensor(values)).tolist() == [lowbias32(v) for v in values]
    assert mixed(torch.tensor([-1])).item() == lowbias32(0xFFFFFFFF)
    given = torch.tensor([7])
    mixed(given)
    assert given.item() == 7


def test_every_coordinate_and_every_bit_of_the_key_counts():
    keys = torch.tensor([5, 5 + (1 << 40), 6])
    found = hashed(keys[:, None, None], torch.arange(-20, 20)[:, None], torch.arange(-20, 20))
    assert found.shape == (3, 40, 40)
    assert found.min() >= 0 and found.max() < 1 << 32
    # 4800 draws of 2^32: a single pair alike is expected once in 370 times.
    assert len(found.unique()) >= 4799
    assert not (found == found.transpose(1, 2)).any(dim=0).fill_diagonal_(False).any()


def test_numpy_keys_are_taken():
    keys = np.array([[1, 2], [3, 4]])
    assert torch.equal(hashed(keys, 3), hashed(torch.tensor(keys), torch.tensor(3)))


def test_uniform_fills_the_unit_interval():
    u = uniform(hashed(9, torch.arange(100_000)))
    assert u.dtype == torch.float32 and u.min() >= 0 and u.max() < 1
    counts = torch.histc(u, 50, 0, 1)
    assert (counts - 2000).abs().max() < 5 * 2000**0.5
    assert uniform(torch.tensor([0xFFFFFFFF])) < 1


def test_noise_is_white_and_of_known_strength():
    x = white(np.array([1]), 1 << 17)[0].double()
    assert x.mean().abs() < 0.01
    assert x.square().mean() == pytest.approx(1 / 3, rel=0.01)
    power = torch.fft.rfft(x).abs().square()[1:].reshape(64, -1).mean(dim=1)
    # 1024 bins each: 1/32 of their mean is a standard deviation.
    assert (power / power.mean() - 1).abs().max() < 5 / 32


def test_noises_of_neighbouring_keys_have_nothing_in_common_at_any_delay():
    x = white(torch.arange(40), 4096).double()
    spectra = torch.fft.rfft(x, n=8192)
    for step in (1, 7):
        cross = torch.fft.irfft(spectra[step:] * spectra[:-step].conj())
        # Of 300,000 values with standard deviation 1: none beyond 6.
        assert (cross / (4096**0.5 / 3)).abs().max() < 6


def test_noise_does_not_depend_on_length_or_company(monkeypatch):
    import avtools.world.hashing as hashing

    alone = white(torch.tensor([77]), 1000)[0]
    together = white(torch.tensor([[1, 77], [3, 4]]), 3000)
    assert together.shape == (2, 2, 3000)
    assert torch.equal(together[0, 1, :1000], alone)
    monkeypatch.setattr(hashing, "AT_ONCE", {"cpu": 999})
    assert torch.equal(white(torch.tensor([[1, 77], [3, 4]]), 3000), together)
    assert white(torch.tensor([1]), 0).shape == (1, 0)
