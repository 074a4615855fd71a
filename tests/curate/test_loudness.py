import numpy as np
import pytest

from avtools.curate.loudness import loudness

RATE = 16000
SINE = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)[None].astype(np.float32)


def test_known_levels():
    figures = loudness(np.concatenate([0.1 * SINE, 0.01 * SINE]), RATE).figures
    assert figures["level_db"] == pytest.approx(-23.01, abs=0.01)
    assert figures["peak_db"] == pytest.approx(-20, abs=0.01)
    assert figures["active"] == 1 and figures["clipped"] == 0


def test_silence_and_little_sound():
    assert loudness(1e-4 * SINE, RATE).reasons == ("silent: -83 dBFS, expected -60 or more",)
    assert loudness(0 * SINE, RATE).reasons[0].startswith("silent: -200 dBFS")
    assert loudness(SINE[:, :0], RATE).reasons == ("silent: no samples",)
    mostly = np.pad(0.5 * SINE[:, : RATE // 20], ((0, 0), (0, RATE)))
    assert loudness(mostly, RATE).reasons[0].startswith("mostly silent: sound in 5 % of the time")
    assert loudness(mostly, RATE, least_active=0.01).passed


def test_clipping_is_counted():
    assert loudness(SINE * 0.98, RATE).passed
    verdict = loudness(np.clip(2 * SINE, -1, 1), RATE)
    # |2 sin| > 0.985 for 1 - 2/pi asin(0.4925) of the time.
    assert verdict.figures["clipped"] == pytest.approx(0.672, abs=0.01)
    assert verdict.reasons[0].startswith("clipping: 67")


def test_what_is_no_number_is_passed_over():
    x = 0.1 * SINE.copy()
    x[0, :1600] = np.nan
    verdict = loudness(x, RATE)
    assert verdict.passed
    assert verdict.figures["level_db"] == pytest.approx(-23.47, abs=0.01)
    assert verdict.figures["active"] == pytest.approx(0.9)
    x[0, :1600], x[0, 5] = 0.01, np.inf
    assert loudness(x, RATE).passed


def test_shapes():
    with pytest.raises(ValueError, match=r"expected \(channels, samples\)"):
        loudness(SINE[0], RATE)
