"""Separation: figures by hand, those of mir_eval, and what must not change them."""

import warnings

import numpy as np
import pytest

from avtools.metrics import separation as s

random = np.random.default_rng(3)


def coloured(sources: int, samples: int) -> np.ndarray:
    """Noises through different short filters, so that delays are not all alike."""
    made = random.standard_normal((sources, samples))
    shapes = random.standard_normal((sources, 40)) * np.exp(-np.arange(40) / 8)
    return np.stack([np.convolve(x, h)[:samples] for x, h in zip(made, shapes, strict=True)])


TRUTH = coloured(2, 6000)
ECHO = np.zeros(300)
ECHO[[0, 37, 251]] = 1, 0.4, -0.2
HEARD = np.stack([np.convolve(x, ECHO)[:6000] for x in TRUTH])
LEAKY = np.array([[1, 0.3], [0.15, 1]]) @ HEARD + 0.05 * random.standard_normal((2, 6000))


def mir_eval(*arguments, **more):
    from mir_eval.separation import bss_eval_sources

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bss_eval_sources(*arguments, **more)


@pytest.mark.parametrize("permute", [False, True])
@pytest.mark.parametrize("estimate", [LEAKY, LEAKY[::-1]])
def test_bss_eval_is_that_of_mir_eval(permute, estimate):
    theirs = mir_eval(TRUTH, estimate, compute_permutation=permute)
    ours = s.bss_eval(TRUTH, estimate, permute=permute)
    for a, b in zip(ours, theirs, strict=True):
        assert a == pytest.approx(b, abs=1e-6)


def test_three_sources_in_another_order():
    truth = coloured(3, 3000)
    estimate = truth + 0.2 * coloured(3, 3000)
    theirs = mir_eval(truth, estimate, compute_permutation=False)
    order = [2, 0, 1]
    ours = s.bss_eval(truth, estimate[order], permute=True)
    assert (np.array(order)[ours[3]] == [0, 1, 2]).all()
    for a, b in zip(ours[:3], theirs[:3], strict=True):
        assert a == pytest.approx(b, abs=1e-6)


def test_a_filter_is_forgiven_and_a_longer_delay_is_not():
    truth = TRUTH * (np.arange(6000) < 5000)  # so that nothing of the echoes is cut off
    heard = [np.convolve(x, ECHO)[:6000] for x in truth]
    assert (np.array(s.bss_eval(truth, heard)[:3]) > 100).all()
    assert (s.si_sdr(truth, heard) < 20).all()
    late = np.roll(truth, 600, axis=1)
    assert (s.bss_eval(truth, late)[0] < 0).all()
    assert (np.array(s.bss_eval(truth, late, taps=601)[:3]) > 100).all()


def test_si_sdr_by_hand():
    reference = np.array([3.0, 4, 0])
    estimate = np.array([3.0, 4, 5])  # the reference and something at right angles to it
    assert s.si_sdr(reference, estimate) == pytest.approx(0)
    assert s.si_sdr(reference, np.array([3, 4, 0.5])) == pytest.approx(20)
    assert s.si_sdr(reference, reference) == np.inf
    assert s.si_sdr(reference, np.zeros(3)) == -np.inf
    assert s.si_sdr(reference, np.array([-4.0, 3, 0])) == -np.inf


def test_si_sdr_is_blind_to_gain_and_sees_noise():
    plain = s.si_sdr(TRUTH, LEAKY)
    assert s.si_sdr(TRUTH, 7 * LEAKY) == pytest.approx(plain)
    assert s.si_sdr(0.1 * TRUTH, -LEAKY) == pytest.approx(plain)
    noise = random.standard_normal((2, 100000))
    noisy = noise[0] + 0.1 * noise[1]
    assert s.si_sdr(noise[0], noisy) == pytest.approx(20, abs=0.1)


def test_improvement_is_against_the_mixture():
    mixture = TRUTH.sum(axis=0)
    before = s.si_sdr(TRUTH, np.stack([mixture, mixture]))
    gain = s.si_sdr_improvement(TRUTH, LEAKY, mixture)
    assert gain == pytest.approx(s.si_sdr(TRUTH, LEAKY) - before)
    assert s.si_sdr_improvement(TRUTH, [mixture, mixture], mixture) == pytest.approx([0, 0])
    with pytest.raises(ValueError, match="mixture of shape"):
        s.si_sdr_improvement(TRUTH, LEAKY, mixture[:-1])
    with pytest.raises(ValueError, match="mixture: a value that is not a number"):
        s.si_sdr_improvement(TRUTH, LEAKY, mixture * np.nan)


def test_evaluate_gives_means_over_sources_and_ears():
    mixture = TRUTH.sum(axis=0)
    one = s.evaluate(TRUTH, LEAKY, mixture)
    assert one["si_sdr_db"] == pytest.approx(s.si_sdr(TRUTH, LEAKY).mean())
    assert one["sir_db"] == pytest.approx(s.bss_eval(TRUTH, LEAKY)[1].mean())
    assert "si_sdr_improvement_db" not in s.evaluate(TRUTH, LEAKY)
    ears = s.evaluate(
        np.stack([TRUTH, TRUTH[::-1]], axis=1),
        np.stack([LEAKY, LEAKY[::-1]], axis=1),
        np.stack([mixture, mixture]),
    )
    assert ears == pytest.approx(one)
    swapped = s.evaluate(TRUTH, LEAKY[::-1], mixture, permute=True)
    assert swapped == pytest.approx(one)


def test_silence():
    quiet = LEAKY * [[1], [0]]
    sdr, sir, sar, _ = s.bss_eval(TRUTH, quiet)
    assert sdr[1] == -np.inf and np.isnan([sir[1], sar[1]]).all() and np.isfinite(sdr[0])
    assert (s.bss_eval(TRUTH, quiet, permute=True)[3] == [0, 1]).all()
    assert s.evaluate(TRUTH, quiet)["si_sdr_db"] == -np.inf
    with pytest.raises(ValueError, match="a source without sound"):
        s.si_sdr(TRUTH * [[1], [0]], LEAKY)


def test_the_same_reference_twice_still_gives_numbers():
    twice = np.stack([TRUTH[0], TRUTH[0]])
    assert not np.isnan(s.bss_eval(twice, twice + 0.1 * TRUTH)[0]).any()


@pytest.mark.parametrize(
    ("reference", "estimate", "words"),
    [
        (TRUTH, TRUTH[:, 1:], "expected the same"),
        (TRUTH[0], TRUTH[0], r"expected \(sources, samples\)"),
        (TRUTH, TRUTH * np.nan, "estimate: a value that is not a number"),
        (np.zeros((0, 5)), np.zeros((0, 5)), "at least one sample"),
    ],
)
def test_refusals(reference, estimate, words):
    for metric in (s.bss_eval, s.evaluate):
        with pytest.raises(ValueError, match=words):
            metric(reference, estimate)
