import numpy as np
import pytest

from avtools.curate.production import production
from avtools.dsp.room import shoebox
from avtools.dsp.room_responses import foa_responses

RATE, N = 16000, 64000


def voice(rng):
    t = np.arange(N) / RATE
    hertz = rng.uniform(110, 200) * np.arange(1, 25)
    loud = 1 / (1 + ((hertz - 500) / 400) ** 2)  # one formant
    phase = 2 * np.pi * hertz[:, None] * t + np.arange(1, 25)[:, None] * 3 * np.sin(4 * t)
    x = loud @ np.sin(phase)
    return x * np.clip(np.sin(2 * np.pi * 1.5 * t + rng.uniform(0, 6)) + 0.5, 0, None)


def scene(seed):
    """Two sources in a room, one of noise and one of tones; W's rms is 1."""
    rng = np.random.default_rng(seed)
    total = 0
    for x in (rng.standard_normal(N), voice(rng)):
        place = rng.uniform([0.5, 0.5, 0.5], [5.5, 4.5, 2.5])
        h = foa_responses(shoebox([6, 5, 3], place, [3.1, 2.4, 1.4], 0.4, rng), RATE)
        size = N + h.shape[1]
        wet = np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(h, size), size)[:, :N]
        total = total + wet / wet[0].std()
    return total / total[0].std()


def spoken(seed):
    x = voice(np.random.default_rng(seed + 100))
    return x / x.std()


def gains(azimuth_deg, elevation_deg=0.0):
    a, e = np.deg2rad([azimuth_deg, elevation_deg])
    return np.array([[1], [np.sin(a) * np.cos(e)], [np.sin(e)], [np.cos(a) * np.cos(e)]])


@pytest.mark.parametrize("seed", range(4))
def test_rooms_pass(seed):
    verdict = production(0.05 * scene(seed), RATE)
    assert verdict.passed and verdict.figures["undirected"] < 0.13


@pytest.mark.parametrize("seed", range(4))
def test_a_voice_in_w_alone_is_found(seed):
    foa = scene(seed)
    foa[0] += 2**0.5 * spoken(seed)
    verdict = production(0.05 * foa, RATE)
    assert verdict.reasons[0].startswith("head-locked: ")
    assert verdict.reasons[0].endswith("% of the sound has no direction, expected at most 20 %")


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_dry_voice_exactly_in_front_is_found_and_elsewhere_kept(seed):
    verdict = production(0.05 * (scene(seed) + 2 * spoken(seed) * gains(0)), RATE)
    assert verdict.reasons[0].partition(" % ")[2].startswith("of the sound is dry and exactly in")
    for azimuth, elevation in ((2, 0), (0, 2), (90, 0), (180, 0)):
        aside = scene(seed) + 2 * spoken(seed) * gains(azimuth, elevation)
        assert production(0.05 * aside, RATE).passed


def test_figures_of_pure_cases():
    x = 0.1 * np.random.default_rng(0).standard_normal(N)
    assert production(x * gains(0), RATE).figures == pytest.approx({"undirected": 0, "in_front": 1})
    alone = production(x * [[1], [0], [0], [0]], RATE).figures
    assert alone == pytest.approx({"undirected": 1, "in_front": 0})
    # Two loudspeakers' worth of the same sound left and right cancel in Y: W alone is left.
    both = production(x * (gains(90) + gains(-90)), RATE).figures
    assert both["undirected"] == pytest.approx(1)


def test_silence_and_shapes():
    assert production(np.zeros((4, N)), RATE).passed
    assert np.isnan(production(np.zeros((4, 10)), RATE).figures["undirected"])
    with pytest.raises(ValueError, match=r"expected \(4, samples\)"):
        production(np.zeros((2, N)), RATE)


def test_unrelated_channels_are_no_voice_over():
    """Much of W has no X, Y and Z beside it, and much of them no W: that is no sound field."""
    talks = spoken(0)
    answers = np.roll(talks, RATE // 3)  # two who take turns
    foa = np.stack([talks, answers, answers, -answers])
    verdict = production(0.05 * foa, RATE)
    assert verdict.passed and verdict.figures["undirected"] > 0.2
