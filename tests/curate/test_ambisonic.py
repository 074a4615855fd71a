import numpy as np
import pytest

from avtools.curate.ambisonic import ambisonic
from avtools.dsp.room import shoebox
from avtools.dsp.room_responses import foa_responses

RATE, N = 16000, 48000


def field(seed=0, sources=2):
    """AmbiX of noises in a room, `(4, samples)` float32."""
    rng = np.random.default_rng(seed)
    total = 0
    for k in range(sources):
        room = shoebox(
            [6, 5, 3], rng.uniform([0.5, 0.5, 0.5], [5.5, 4.5, 2.5]), [3, 2.4, 1.4], 0.3, rng
        )
        h = foa_responses(room, RATE)
        x = rng.standard_normal(N) * np.clip(np.sin(np.arange(N) / RATE * (5 + 3 * k)), 0, None)
        size = N + h.shape[1]
        total = total + np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(h, size), size)[:, :N]
    return (0.05 * total / total.std()).astype(np.float32)


def test_a_sound_field_passes_and_its_convention_is_named():
    foa = field()
    verdict = ambisonic(foa, RATE)
    assert verdict.passed and verdict.figures["convention"] == "ambix"
    assert verdict.figures["ambisonic"] > 0.9
    assert verdict.figures["ratio_db"] == pytest.approx(0, abs=1)
    fuma = foa[[0, 3, 1, 2]] * np.array([[0.5**0.5], [1], [1], [1]], np.float32)
    assert ambisonic(fuma, RATE).figures["convention"] == "fuma"
    assert ambisonic(fuma, RATE).figures["ratio_db"] == pytest.approx(3, abs=1)


def test_youtube_s_six_channels_pass():
    w, y, z, x = field(1)
    verdict = ambisonic(np.stack([x, y, w, 0 * w, z, 0 * w]), RATE, label="5.1")
    assert verdict.passed and verdict.figures["convention"] == "youtube"


def test_a_head_locked_pair_beside_the_field():
    six = np.concatenate([field(2), 0.05 * np.random.default_rng(0).standard_normal((2, N))])
    verdict = ambisonic(six.astype(np.float32), RATE, marked="ambix")
    assert verdict.passed and verdict.figures["head_locked"] == 1


def test_missing_height():
    flat = field(3)
    flat[2] = 0
    assert ambisonic(flat, RATE).reasons == ("missing Z: no height",)
    assert ambisonic(flat, RATE, allow_flat=True).passed


def test_what_is_no_field_is_named():
    rng = np.random.default_rng(4)
    stems = 0.1 * rng.standard_normal((4, N)) * [[1], [0.2], [2], [0.5]]
    assert ambisonic(stems, RATE).reasons[0].startswith("not ambisonic: 4 channels that are no")
    copies = np.repeat(stems[:1], 4, axis=0)
    assert "identical channels" in ambisonic(copies, RATE).reasons
    assert ambisonic(stems[:2], RATE).reasons == ("not ambisonic: 2 channels, expected 4",)
    eight = ambisonic(0.1 * rng.standard_normal((8, N)), RATE)
    assert eight.reasons[0].startswith("not ambisonic: 8 channels")
    only_w = field(5) * [[1], [0], [0], [0]]
    assert not ambisonic(only_w, RATE).passed


def test_silence_is_not_for_this_test_to_say():
    assert ambisonic(np.zeros((4, N), np.float32), RATE).passed


def test_another_convention_than_expected_is_named():
    """FuMa has W 3 dB low and X before Y."""
    foa = field()
    fuma = foa[[0, 3, 1, 2]] * np.array([[0.5**0.5], [1], [1], [1]], np.float32)
    reasons = ambisonic(fuma, RATE, expected="ambix").reasons
    assert len(reasons) == 1 and reasons[0].startswith("other convention: fuma, probability 0.")
    assert reasons[0].endswith(", expected ambix")
    assert ambisonic(fuma, RATE, expected="fuma").passed and ambisonic(fuma, RATE).passed
    for seed in range(4):
        assert ambisonic(field(seed), RATE, expected="ambix").passed
    noisy = foa + 0.02 * np.random.default_rng(1).standard_normal(foa.shape)
    assert ambisonic(noisy.astype(np.float32), RATE, expected="ambix").passed
