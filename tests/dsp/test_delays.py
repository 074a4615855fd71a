import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avtools.dsp.delays import DelayFinder, delay_to_azimuth
from avtools.dsp.room import diffuse
from avtools.dsp.room_responses import array_responses, convolve
from avtools.dsp.smoothing import Smoother, keep_for
from tests.dsp.test_gcc import delayed
from tests.dsp.test_stft import split
from tests.scenes import RATE, noise

PAIR = np.array([[0, 0.1, 0], [0, -0.1, 0]])  # metres: left and right, 0.2 m apart


def gathered(finder: DelayFinder, *blocks):
    """Times, delays, strengths and curves of all windows."""
    parts = list(finder.through(blocks))
    names = ("times", "delays", "strengths", "curves")
    return [np.concatenate([getattr(p, name) for p in parts]) for name in names]


def finder(**more) -> DelayFinder:
    return DelayFinder(**({"rate": RATE, "size": 4800, "hop": 2400, "most": 50} | more))


def windows_of_delays(samples, snr_db: float, rng, size: int = 4800) -> np.ndarray:
    """`(2, windows x size)`: in window k white noise, in the second channel later by `samples[k]`,
    each channel with noise of its own. Cut out of longer ones: nothing wraps round."""
    x = rng.standard_normal((len(samples), size + 800))
    pair = np.stack([x, delayed(x, samples)])[..., 400:-400]
    pair = pair + 10 ** (-snr_db / 20) * rng.standard_normal(pair.shape)
    return (0.1 * pair.reshape(2, -1)).astype(np.float32)


def test_precision_is_near_what_is_possible():
    """At most three times the Cramer-Rao bound, over 500 windows of 100 ms at 20 dB.

    Both channels hold the same white Gaussian noise, S, and their own, N. At each frequency their
    coherence is C = (S / (S + N))^2, and the phase of the cross-spectrum, -w d, tells of d as much
    as 2 w^2 C / (1 - C) (Fisher information). C / (1 - C) = SNR^2 / (1 + 2 SNR), and of N samples
    N / 2 frequencies between 0 and pi are independent: in all

        J = (N / pi) integral_0^pi w^2 SNR^2 / (1 + 2 SNR) dw = N pi^2 / 3 SNR^2 / (1 + 2 SNR)

    and no unbiased estimate has a variance below 1 / J: 0.0011 samples here. A Hann window costs a
    factor of 1.4, the upper quarter of the band that fades out 1.1, and that whitening lets weak
    frequencies speak as loudly as others the rest.
    """
    rng = np.random.default_rng(0)
    d, snr = rng.uniform(-20, 20, 500), 100.0
    x = windows_of_delays(d, 20, rng)
    bound = (4800 * np.pi**2 / 3 * snr**2 / (1 + 2 * snr)) ** -0.5
    found = gathered(finder(hop=4800), x)[1][:, 0] * RATE
    error = np.sqrt(np.mean((found - d) ** 2))
    assert 0.0011 < bound < 0.0012
    assert bound < error < 3 * bound


@pytest.mark.parametrize("part", [0, 0.1, 0.25, 0.37, 0.5, 0.63, 0.9])
def test_bias_is_far_below_a_thousandth_of_a_sample(part):
    rng = np.random.default_rng(1)
    x = windows_of_delays(np.full(40, 3 + part), 200, rng)
    found = gathered(finder(hop=4800), x)[1][:, 0] * RATE
    assert abs(found.mean() - (3 + part)) < 5e-4
    assert found.std() < 2e-4


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 192000])
@pytest.mark.parametrize("azimuth", [-90, -37, 0, 5, 37, 80])
def test_a_wave_past_two_microphones(rate, azimuth):
    """Left leads -> a positive delay -> a positive azimuth; the place is exact at every rate."""
    u = np.sin(np.deg2rad(azimuth))
    d = 0.2 * u / 343.0
    x = noise(1, rate // 2)[:, 0]
    pair = np.stack([x, delayed(x, d * rate)]).astype(np.float32)
    most = int(0.2 / 343 * rate) + 2
    found = finder(rate=rate, size=rate // 10, hop=rate // 20, most=most, threshold=0.0)
    _, delays, strengths, _ = gathered(found, pair)
    # The sound's own end comes round: the outermost windows hold that, too.
    assert np.abs(delays[1:-1, 0] - d).max() < 3e-3 / rate + 2e-8
    near = np.abs(delay_to_azimuth(delays[1:-1, 0], 0.2) - azimuth).max()
    assert near < (0.5 if abs(azimuth) < 89 else 3)  # sine is flat at the side
    assert strengths.min() > 0.9


def test_azimuth_of_a_delay():
    d = 0.2 / 343.0
    assert np.allclose(delay_to_azimuth(np.array([d, -d, d / 2, 0]), 0.2), [90, -90, 30, 0])
    assert delay_to_azimuth(1.1 * d, 0.2) == 90
    assert np.isnan(delay_to_azimuth(np.nan, 0.2))


def diffuse_pair(seconds: float, seed: int = 0) -> np.ndarray:
    """Isotropic noise at two microphones."""
    rng = np.random.default_rng(seed)
    field = array_responses(diffuse(0.0, seconds, rng), PAIR, RATE)
    x = convolve(rng.standard_normal(256), field)
    return (0.2 * x / x.std()).astype(np.float32)


def one_silent() -> np.ndarray:
    return np.stack([noise(1, 2 * RATE)[:, 0], np.zeros(2 * RATE, np.float32)])


NOTHING = {
    "independent noise": lambda: noise(2, 40 * RATE).T,
    "noise from everywhere": lambda: diffuse_pair(10.0),
    "silence": lambda: np.zeros((2, 2 * RATE), np.float32),
    "a silent channel": one_silent,
    "a constant": lambda: np.full((2, 2 * RATE), 0.5, np.float32),
}


WINDOWS = [(4800, 2400), (2048, 1024), (512, 160)]


@pytest.mark.parametrize("what", NOTHING)
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("smooth", [0.0, 0.5])
def test_no_delay_where_nothing_is_common(what, window, smooth):
    """Chance may make one row in a thousand; one in a hundred is not exceeded, nor by what a
    running mean begins with."""
    size, hop = window
    x = NOTHING[what]()
    found = finder(size=size, hop=hop, smooth=smooth)
    _, delays, strengths, _ = gathered(found, x[:, : x.shape[1] // hop * hop])
    assert np.isfinite(delays).mean() <= 0.01
    assert np.isfinite(delays[:50]).sum() <= 1
    assert np.median(strengths) < (0.1 if size > 512 or smooth else 0.2)
    assert np.isfinite(strengths).all()


def test_windows_that_overlap_count_as_fewer():
    """Sixteen means of nearly the same samples are no sixteen tests."""
    found = finder(size=512, hop=32, smooth=0.01)
    assert np.isfinite(gathered(found, noise(2, 10 * RATE).T)[1]).mean() <= 0.01


@pytest.mark.parametrize("what", ["silence", "a silent channel", "a constant"])
def test_silence_has_no_delay_at_any_threshold(what):
    _, delays, strengths, curves = gathered(finder(threshold=0.0), NOTHING[what]())
    assert np.isnan(delays).all() and not strengths.any() and not curves.any()


def test_threshold_zero_always_tells_a_delay():
    _, delays, strengths, _ = gathered(finder(threshold=0.0), noise(2, 4 * RATE).T)
    assert np.isfinite(delays).mean() > 0.95  # a peak at the very edge is none
    assert np.abs(delays[np.isfinite(delays)]).max() < 50 / RATE
    _, high, _, _ = gathered(finder(threshold=float(np.median(strengths))), noise(2, 4 * RATE).T)
    assert np.isclose(np.isfinite(high).mean(), 0.5, atol=0.06)


def test_strength_falls_with_noise():
    means = []
    for snr in (60, 20, 0, -10):
        x = windows_of_delays(np.full(30, 5.3), snr, np.random.default_rng(2))
        means.append(gathered(finder(hop=4800), x)[2].mean())
    assert means == sorted(means, reverse=True)
    assert means[0] > 0.95 and means[1] > 0.8 and means[3] < 0.2


def test_smoothing_finds_what_noise_hides():
    """In windows of 10 ms at -4 dB few rows tell the delay; averaged over a second all do."""
    x = windows_of_delays(np.full(200, -7.4), -4, np.random.default_rng(3), size=480)
    found = []
    for smooth in (0.0, 1.0):
        delays = gathered(finder(size=480, hop=480, smooth=smooth), x)[1][50:, 0] * RATE
        found.append(np.mean(np.abs(delays - -7.4) < 0.5))
    assert found[0] < 0.3 and found[1] > 0.95


def test_running_means():
    """The first are plain means; then the past fades; `worth` is one over the sum of squared
    weights."""
    x = np.random.default_rng(9).standard_normal((1, 60, 3))
    smoother = Smoother(keep_for(2.0, 0.25))
    (first,), (rest,) = smoother.through(x[:, :20]), smoother.through(x[:, 20:])
    keep = np.exp(-0.25 / 2.0)
    weights = np.array([1.0])
    for k, row in enumerate(np.concatenate([first, rest], axis=1)[0]):
        if k:
            new = max(1 / (k + 1), 1 - keep)
            weights = np.append((1 - new) * weights, new)
        assert np.allclose(row, weights @ x[0, : k + 1])
    assert np.isclose(smoother.worth[-1], 1 / (weights**2).sum())
    assert np.isclose(smoother.worth[-1], (1 + keep) / (1 - keep), rtol=0.01)
    assert Smoother(keep_for(0.0, 0.25)).through(x)[0] is x


def test_a_delay_that_changes_is_followed():
    x = np.concatenate([windows_of_delays(np.full(10, d), 30, np.random.default_rng(d))
                        for d in (4, 9)], axis=1)  # fmt: skip
    times, delays, _, _ = gathered(finder(hop=4800), x)
    assert np.allclose(delays[:, 0] * RATE, np.where(times < 1, 4, 9), atol=0.02)


def test_pairs():
    """Three microphones, of which each hears the sound 6 samples after the one before."""
    x = noise(1, 2 * RATE)[:, 0]
    three = np.stack([delayed(x, d) for d in (0, 6, 12)]).astype(np.float32)
    found = finder(pairs=((0, 1), (0, 2), (1, 2), (2, 0)))
    _, delays, _, curves = gathered(found, three)
    assert np.allclose(delays[1:-1] * RATE, [6, 12, 6, -12], atol=5e-3)
    assert curves.shape == (len(delays), 4, 101)
    assert np.abs(curves[:, 1] - curves[:, 3, ::-1]).max() < 1e-5  # the other way round


def test_curves_have_their_peak_at_the_delay():
    x = windows_of_delays([-20, 0, 31], 60, np.random.default_rng(4))
    curves = gathered(finder(hop=4800), x)[3][:, 0]
    assert (curves.argmax(axis=-1) - 50).tolist() == [-20, 0, 31]
    assert np.abs(curves).max() <= 1.001


def test_a_delay_beyond_the_range_is_not_told():
    """The flank of a peak outside stands at the edge; two samples more hold it."""
    x = windows_of_delays(np.full(20, 20.4), 60, np.random.default_rng(5))
    assert np.isnan(gathered(finder(hop=4800, most=20), x)[1]).all()
    delays = gathered(finder(hop=4800, most=22), x)[1] * RATE
    assert np.allclose(delays, 20.4, atol=0.02)


def test_only_the_band_that_was_asked_for():
    """Low sound comes later by 5, high sound earlier by 8: --low and --high choose."""
    rng = np.random.default_rng(6)
    bins = np.fft.rfft(rng.standard_normal(RATE))
    low = np.arange(len(bins)) < 4000  # Hz: the sound is a second long
    d = np.where(low, 5, -8) * 2 * np.pi * np.arange(len(bins)) / RATE
    pair = np.stack([np.fft.irfft(b, RATE) for b in (bins, bins * np.exp(-1j * d))])
    for band, want in (({"high": 3500.0}, 5), ({"low": 4500.0}, -8)):
        delays = gathered(finder(**band), pair.astype(np.float32))[1] * RATE
        assert np.allclose(delays[1:-1], want, atol=0.05)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 3000),
    st.sampled_from([(256, 64), (256, 256), (256, 700), (100, 33)]),
    st.sampled_from([0.0, 0.01]),
    st.lists(st.integers(0, 3000), max_size=6),
)
def test_any_split_into_blocks_gives_the_same_rows(length, window, smooth, cuts):
    x = noise(2, length).T
    size, hop = window
    found = finder(size=size, hop=hop, most=20, smooth=smooth, threshold=0.0)
    whole, parts = gathered(found, x), gathered(found, *split(x, cuts))
    assert np.array_equal(whole[0], parts[0])
    for a, b in zip(whole[1:], parts[1:], strict=True):
        assert np.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True)


def test_rows_come_while_the_sound_goes_on():
    """The first window is told before the second block is asked for."""
    asked = []

    def blocks():
        for k in range(3):
            asked.append(k)
            yield noise(2, 4800, seed=k).T

    first = next(finder(hop=4800).through(blocks()))
    assert first.times.tolist() == [0.05] and asked == [0]


def test_not_a_number_is_skipped():
    x = windows_of_delays(np.full(20, 3.3), 40, np.random.default_rng(7))
    x[0, 30_000], x[1, 31_000] = np.nan, np.inf
    delays = gathered(finder(hop=4800), x)[1] * RATE
    assert np.allclose(delays, 3.3, atol=0.05)


def test_levels_do_not_matter():
    x = windows_of_delays(np.full(20, 3.3), 40, np.random.default_rng(8))
    told = [gathered(finder(hop=4800), np.float32(gain) * x) for gain in (1e-4, 1, 1e4)]
    for delays in (t[1] for t in told):
        assert np.allclose(delays * RATE, 3.3, atol=0.05)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"most": 4800}, "need a window longer"),
        ({"low": 3000.0, "high": 3000.1}, "no frequency"),
        ({"low": 30_000.0}, "no frequency"),
    ],
)
def test_nonsense_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        finder(**wrong)
