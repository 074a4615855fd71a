"""How far sounds are apart: by hand, against other makers' transforms, and of perfect estimates."""

import numpy as np
import pytest

from avtools.metrics import spectrograms as s

random = np.random.default_rng(1)
SOUND = random.standard_normal((2, 16000)) * 0.2
OTHER = SOUND + random.standard_normal(SOUND.shape) * 0.05


def test_stft_is_that_of_torch():
    torch = pytest.importorskip("torch")
    for samples in (400, 1001, 16000):
        theirs = torch.stft(
            torch.tensor(SOUND[:, :samples]),
            512,
            160,
            400,
            torch.hann_window(400, dtype=torch.float64),
            center=True,
            pad_mode="reflect",
            return_complex=True,
        ).numpy()
        assert np.allclose(s.stft(SOUND[:, :samples]), theirs, atol=1e-12)


def test_envelope_is_that_of_scipy_and_of_a_swelling_tone():
    from scipy.signal import hilbert

    for samples in (7, 8, 1000, 1001):
        assert np.allclose(s.envelope(SOUND[:, :samples]), abs(hilbert(SOUND[:, :samples])))
    t = np.arange(16000) / 16000
    swell = 1 + 0.5 * np.cos(2 * np.pi * 3 * t)
    assert np.allclose(s.envelope(swell * np.sin(2 * np.pi * 440 * t)), swell)


def test_a_perfect_estimate():
    found = s.evaluate(SOUND, SOUND)
    assert all(found[name] == 0 for name in ("complex_l1", "magnitude_l1", "stft", "env", "wav"))
    power = (SOUND**2).mean()
    assert found["snr_db"] == pytest.approx(10 * np.log10((power + 1e-4) / 1e-4))


def test_definitions_over_whole_spectra():
    a, b = s.stft(SOUND), s.stft(OTHER)
    parts = np.stack([(a - b).real, (a - b).imag])
    assert s.complex_l1(SOUND, OTHER) == pytest.approx(abs(parts).mean())
    assert s.magnitude_l1(SOUND, OTHER) == pytest.approx(abs(abs(a) - abs(b)).mean())
    channels = [(parts[:, c] ** 2).mean() for c in (0, 1)]
    assert s.squared_l2(SOUND, OTHER) == pytest.approx(sum(channels))
    wave = [((SOUND - OTHER)[c] ** 2).mean() for c in (0, 1)]
    assert s.wave_distance(SOUND, OTHER) == pytest.approx(sum(wave))


def test_long_sounds_are_worked_on_in_parts(monkeypatch):
    whole = s.evaluate(SOUND, OTHER)
    monkeypatch.setattr(s, "AT_ONCE", 7)
    assert s.stft(SOUND).shape == (2, 257, 101)
    assert s.evaluate(SOUND, OTHER) == pytest.approx(whole)


def test_by_hand():
    one, two = np.full((2, 1000), 0.5), np.full((2, 1000), 0.2)
    assert s.wave_distance(one, two) == pytest.approx(2 * 0.09)
    assert s.envelope_distance(one, two) == pytest.approx(2 * 0.3)
    assert s.snr(one, two) == pytest.approx(10 * np.log10(0.2501 / 0.0901))
    # A constant in the middle of a sound: the window sums to 200 at frequency 0.
    assert s.stft(one)[0, 0, 3] == pytest.approx(100)


def test_phase_counts_in_the_complex_l1_only():
    assert s.magnitude_l1(SOUND, -SOUND) == 0
    assert s.complex_l1(SOUND, -SOUND) == pytest.approx(2 * s.complex_l1(SOUND, 0 * SOUND))


def test_l1_of_the_difference_is_twice_that_of_left_and_right():
    middle, side, wrong = random.standard_normal((3, 4000))
    truth, guess = (np.stack([middle + d, middle - d]) for d in (side, wrong))
    of_difference = s.complex_l1(truth[0] - truth[1], guess[0] - guess[1])
    assert of_difference == pytest.approx(2 * s.complex_l1(truth, guess))


def test_normalising_forgives_gain_and_only_gain():
    for metric in (s.squared_l2, s.envelope_distance, s.wave_distance):
        assert metric(SOUND, 0.3 * SOUND, normalise=True) == pytest.approx(0, abs=1e-12)
        assert metric(SOUND, 0.3 * SOUND) > 1e-3
        left_only = SOUND * [[1], [0]]
        assert metric(SOUND, left_only, normalise=True) > 1e-3
    assert abs(s.peak_normalised(SOUND)).max() == 1
    silence = np.zeros((2, 100))
    assert (s.peak_normalised(silence) == 0).all()
    assert s.snr(silence, silence, normalise=True) == 0


@pytest.mark.parametrize("samples", [1, 2, 100, 300])
def test_short_sounds(samples):
    found = s.evaluate(SOUND[:, :samples], OTHER[:, :samples])
    assert np.isfinite(list(found.values())).all()


@pytest.mark.parametrize(
    ("reference", "estimate", "words"),
    [
        (np.zeros((2, 9)), np.zeros((1, 9)), r"\(2, 9\).*\(1, 9\): expected the same"),
        (np.zeros((2, 0)), np.zeros((2, 0)), "at least one sample"),
        (np.zeros((1, 2, 9)), np.zeros((1, 2, 9)), r"expected \(channels, samples\)"),
        (np.full((2, 9), np.nan), np.zeros((2, 9)), "reference: a value that is not a number"),
        (np.zeros((2, 9)), np.full((2, 9), np.inf), "estimate: an infinite value"),
        ([["a"]], [["b"]], "reference: expected an array of numbers"),
    ],
)
def test_refusals(reference, estimate, words):
    for metric in (s.evaluate, s.complex_l1, s.magnitude_l1, s.squared_l2, s.snr):
        with pytest.raises(ValueError, match=words):
            metric(reference, estimate)


def test_windows_that_do_not_fit():
    with pytest.raises(ValueError, match="windows of 600 in 512"):
        s.stft(SOUND, window=600)
