import numpy as np
import torch

from avtools.dsp.stft import fast_size
from avtools.world.gliding import Knots, moving_gains, slopes, spans


def noise(*shape):
    return torch.tensor(np.random.default_rng(0).standard_normal(shape), dtype=torch.float32)


def test_a_response_that_stays_is_a_convolution():
    """Two samples ahead and five back, at every moment, the first and the last too."""
    sound, response = noise(3, 1000), np.random.default_rng(1).standard_normal(8)
    knots = Knots(1000, 64, past=5, future=2)
    spectrum = torch.tensor(np.fft.rfft(np.roll(np.pad(response, (0, knots.size - 8)), -2)))
    made = knots.sound(knots.spectra(sound)[:, :, None] * spectrum.to(torch.complex64))
    true = [np.convolve(x, response)[2:1002] for x in sound.numpy()]
    np.testing.assert_allclose(made[:, 0], true, atol=1e-4)


def test_between_knots_a_gain_is_the_cubic_that_has_its_slopes():
    """A cubic over time comes out as it is, where the gain is a filter and where it is a gain."""
    times = np.arange(-2, 19) * 32 / 512
    gains = 0.3 + times - 4 * times**2 + 2.5 * times**3
    held, rising = gains[2:-2], slopes(gains[:, None])[:, 0]
    at = np.arange(512) / 512
    true = 0.3 + at - 4 * at**2 + 2.5 * at**3
    knots, sound = Knots(512, 32, 0, 0), torch.ones(1, 512)
    spectra = knots.spectra(sound)[:, :, None]
    shaped = [torch.tensor(x, dtype=torch.float32)[None, :, None, None] for x in (held, rising)]
    made = knots.sound(*(spectra * x for x in shaped))
    np.testing.assert_allclose(made[0, 0], true, atol=1e-6)
    made = moving_gains(sound, *(x[..., 0] for x in shaped), 32)
    np.testing.assert_allclose(made[0, 0], true, atol=1e-6)


def test_spans_are_whole_hops_and_make_the_same_sound():
    assert list(spans(1000, 64, 300)) == [(0, 256), (256, 256), (512, 256), (768, 232)]
    assert list(spans(10, 64, 1)) == [(0, 10)]
    sound = noise(2, 1000)
    whole = Knots(1000, 64, 5, 2)
    made = whole.sound(whole.spectra(sound)[:, :, None])
    parts = [Knots(n, 64, 5, 2, first) for first, n in spans(1000, 64, 300)]
    joined = torch.cat([p.sound(p.spectra(sound)[:, :, None]) for p in parts], dim=-1)
    np.testing.assert_allclose(joined, made, atol=1e-6)
    np.testing.assert_allclose(made[:, 0], sound, atol=1e-6)
    assert parts[1].places(beyond=1)[0] == 256 - 64


def test_slopes_are_true_to_the_fourth_order():
    k = np.arange(-2.0, 12)
    np.testing.assert_allclose(slopes((k**4)[:, None])[:, 0], 4 * k[2:-2] ** 3)


def test_sizes_are_fast_and_large_enough():
    knots = Knots(100, 64, 31, 10)
    assert knots.size == fast_size(169) >= 169
    assert knots.count == 3 and len(knots.cycles) == knots.size // 2 + 1
