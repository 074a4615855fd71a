import numpy as np
import pytest

from avtools.curate.stereo import stereo

ONE, OTHER = np.random.default_rng(0).standard_normal((2, 20000)).astype(np.float32) * 0.1


def reasons(left, right):
    return stereo(np.stack([left, right])).reasons


def test_two_sounds_pass_with_known_figures():
    verdict = stereo(np.stack([ONE + 0.5 * OTHER, ONE - 0.5 * OTHER]))
    assert verdict.passed
    assert verdict.figures["side_db"] == pytest.approx(-6, abs=0.2)  # M = ONE, S = OTHER / 2
    assert verdict.figures["correlation"] == pytest.approx(0.75 / 1.25, abs=0.02)
    assert stereo(np.stack([2 * ONE, ONE])).figures["difference_db"] == pytest.approx(6.02, abs=0.1)


def test_what_is_none_is_named():
    assert reasons(ONE, ONE) == ("dual mono",)
    assert reasons(ONE, ONE + 1e-2 * OTHER)[0].startswith("near mono: side -4")
    assert reasons(ONE, -ONE) == ("inverted polarity",)
    assert reasons(ONE, 0 * ONE) == ("dead channel 1",)
    assert reasons(1e-5 * OTHER, ONE) == ("silent channel 0",)
    assert stereo(ONE[None]).reasons == ("mono: 1 channel, expected 2",)
    assert stereo(np.zeros((8, 10))).reasons == ("not stereo: 8 channels, expected 2",)


def test_silence_is_not_for_this_test_to_say():
    verdict = stereo(np.zeros((2, 1000), np.float32))
    assert verdict.passed and np.isnan(verdict.figures["correlation"])


def test_shapes():
    with pytest.raises(ValueError, match=r"expected \(channels, samples\)"):
        stereo(ONE)
