import numpy as np
import pytest

from avtools.dsp.gcc import REACH, correlation, peak, phase_transform

random = np.random.default_rng(4)


def delayed(x, samples):
    """`x` `(..., n)` later by `samples` `(...)`, whole or not; what leaves comes in in front."""
    n = x.shape[-1]
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(n) * np.asarray(samples)[..., None])
    return np.fft.irfft(np.fft.rfft(x) * turn, n)


def fade(bins: int) -> np.ndarray:
    """All frequencies but the uppermost quarter, which fades out."""
    part = np.clip((np.arange(bins) / (bins - 1) - 0.75) * 4, 0, 1)
    return np.cos(np.pi / 2 * part) ** 2


def curve_of(first, second, lags: int = 60, use=None):
    size = first.shape[-1]
    use = fade(size // 2 + 1) if use is None else use
    cross, weight = phase_transform(np.fft.rfft(first), np.fft.rfft(second), use)
    return correlation(cross, lags, size) / weight.sum(-1)[..., None]


@pytest.mark.parametrize("seed", range(5))
def test_a_wave_that_comes_round_is_found_between_samples(seed):
    """A cyclic delay has no noise of window edges: what is left is the error of interpolation."""
    draw = np.random.default_rng(seed)
    d = draw.uniform(-30, 30, 50)
    x = draw.standard_normal((50, 1024))
    lag, height = peak(curve_of(x, delayed(x, d)), 32)
    assert np.abs(lag - d).max() < 1e-3
    assert np.all((height > 0.99) & (height < 1.0005))


def test_the_first_leads_where_the_lag_is_positive():
    x = random.standard_normal(512)
    late = np.roll(x, 7)
    assert np.isclose(peak(curve_of(x, late), 20)[0], 7, atol=1e-3)
    assert np.isclose(peak(curve_of(late, x), 20)[0], -7, atol=1e-3)


def test_every_frequency_speaks_alike():
    """Filtering both channels alike changes nothing: the spectrum is whitened."""
    x = random.standard_normal(1024)
    steep = np.fft.irfft(np.fft.rfft(x) / (1 + np.arange(513) / 50), 1024)
    plain, filtered = (curve_of(s, np.roll(s, 3)) for s in (x, steep))
    assert np.abs(plain - filtered).max() < 0.01
    assert plain.argmax() == 60 + 3 and plain.max() > 0.995


def test_sign_and_gain_of_a_channel():
    x = random.standard_normal(1024)
    assert np.allclose(curve_of(x, 1e-4 * np.roll(x, 3)), curve_of(x, np.roll(x, 3)), atol=1e-3)
    assert np.allclose(curve_of(x, -np.roll(x, 3)), -curve_of(x, np.roll(x, 3)), atol=1e-6)


def test_the_curve_is_the_inverse_transform_at_its_lags():
    x, y = random.standard_normal((2, 256))
    cross, _ = phase_transform(np.fft.rfft(x), np.fft.rfft(y))
    whole = np.fft.irfft(cross, 256) * 128
    assert np.allclose(correlation(cross, 40, 256), whole[np.arange(-40, 41)])


def test_only_the_frequencies_in_use_speak():
    """Below: delayed by 5; above: by -8. Each half tells its own."""
    x = random.standard_normal(2048)
    low = np.arange(1025) < 400
    bins = np.fft.rfft(x)
    turn = np.where(low, 5, -8) * 2 * np.pi * np.arange(1025) / 2048
    y = np.fft.irfft(bins * np.exp(-1j * turn), 2048)
    for use, lag in ((low, 5), (~low & (fade(1025) > 0.9), -8)):
        assert np.isclose(peak(curve_of(x, y, use=use.astype(float)), 20)[0], lag, atol=0.02)


def test_silence_has_no_weight_and_no_number_that_is_none():
    x, none = random.standard_normal(256), np.zeros(256)
    for pair in ((x, none), (none, x), (none, none)):
        cross, weight = phase_transform(*np.fft.rfft(pair))
        assert not weight.any() and not cross.any()
    assert np.isfinite(peak(np.zeros(121), 32)).all()


@pytest.mark.parametrize("place", [-0.5, -0.49, -0.011, 0.0, 1e-9, 0.011, 0.25, 0.5])
def test_peak_of_a_band_limited_pulse(place):
    """sinc(x / 3)^2 has two thirds of the band: its samples hold it exactly, and its top is 1."""
    lags = np.arange(-60, 61)
    lag, height = peak(np.sinc((lags - 4 - place) / 3) ** 2, 20)
    assert np.isclose(lag, 4 + place, atol=1e-5) and np.isclose(height, 1, atol=1e-5)


def test_peak_stays_within_its_range():
    lags = np.arange(-60, 61)
    beyond = np.sinc((lags - 20.6) / 3) ** 2 + 0.6 * np.sinc((lags + 3.0) / 3) ** 2
    assert peak(beyond, 20)[0] == 20
    assert np.isclose(peak(beyond, 18)[0], -3, atol=0.1)


def test_peak_of_many_curves_at_once():
    curves = random.standard_normal((3, 5, 2 * (10 + REACH) + 1))
    lag, height = peak(curves, 10)
    assert lag.shape == height.shape == (3, 5)
    alone = [[peak(c, 10) for c in row] for row in curves]
    assert np.allclose(np.moveaxis(np.array(alone), -1, 0), [lag, height])


def test_too_few_lags_are_refused():
    with pytest.raises(ValueError, match=f"{20 + REACH} are needed"):
        peak(np.zeros(2 * (19 + REACH) + 1), 20)
