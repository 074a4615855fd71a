"""Intervals that hold what they promise, and the test of Wilcoxon as scipy has it."""

import numpy as np
import pytest
from scipy import stats

from avtools.metrics import statistics as s

random = np.random.default_rng(10)
SKEWED = random.exponential(1, 80)


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize("name", ["mean", "median"])
def test_bootstrap_is_that_of_scipy(method, name):
    statistic = getattr(np, name)
    ours = s.bootstrap(SKEWED, name, draws=20000, method=method)
    theirs = stats.bootstrap(
        (SKEWED,), statistic, n_resamples=20000, method=method.replace("bca", "BCa"), rng=1
    ).confidence_interval
    # The draws' medians are few numbers, with steps between them.
    near = (0.1 if name == "median" else 0.03) * (theirs.high - theirs.low)
    assert ours.value == pytest.approx(statistic(SKEWED)) and ours.count == 80
    assert abs(ours.low - theirs.low) < near
    assert abs(ours.high - theirs.high) < near


def test_a_function_gives_the_same_as_a_name():
    for name, function in (("mean", np.mean), ("median", np.median)):
        assert s.bootstrap(SKEWED, name, seed=4) == pytest.approx(
            s.bootstrap(SKEWED, function, seed=4)
        )


def test_nineteen_of_twenty_intervals_hold_the_truth():
    held = 0
    for k in range(400):
        found = s.bootstrap(random.normal(3, 2, 100), draws=500, seed=k)
        held += found.low <= 3 <= found.high
    assert 0.90 < held / 400 < 0.98


def test_clusters_widen_what_is_alike():
    sources = np.repeat(np.arange(30), 20)
    values = random.normal(0, 1, 30)[sources] + random.normal(0, 0.1, 600)
    plain, clustered = s.bootstrap(values), s.bootstrap(values, clusters=sources)
    assert plain.value == clustered.value
    # 600 clips say no more than 30 sources do: wider by the root of 20.
    ratio = (clustered.high - clustered.low) / (plain.high - plain.low)
    assert ratio == pytest.approx(20**0.5, rel=0.15)
    names = np.array([f"source {k}" for k in sources])
    again = s.bootstrap(values, clusters=names)
    assert again.high - again.low == pytest.approx(clustered.high - clustered.low, rel=0.1)
    bca = s.bootstrap(values, clusters=sources, method="bca")
    assert bca.low == pytest.approx(clustered.low, abs=0.1)


def test_clusters_of_one_clip_are_clips():
    assert s.bootstrap(SKEWED, clusters=np.arange(80)) == s.bootstrap(SKEWED)


def test_a_share_of_two_columns():
    """Accuracy among the answered: neither column alone has it."""
    answered = random.uniform(size=500) < 0.7
    right = answered & (random.uniform(size=500) < 0.9)

    def among(rows):
        return rows[:, 0].sum() / rows[:, 1].sum()

    found = s.bootstrap(np.stack([right, answered], axis=1), among, draws=500)
    assert found.value == pytest.approx(right.sum() / answered.sum())
    low, high = s.wilson_interval(right.sum(), answered.sum())
    assert found.low == pytest.approx(low, abs=0.01) and found.high == pytest.approx(high, abs=0.01)


def test_seeds_and_missing_figures():
    assert s.bootstrap(SKEWED, seed=1) == s.bootstrap(SKEWED, seed=1)
    assert s.bootstrap(SKEWED, seed=1) != s.bootstrap(SKEWED, seed=2)
    holes = np.insert(SKEWED, [0, 40], np.nan)
    assert s.bootstrap(holes) == s.bootstrap(SKEWED)
    assert s.bootstrap([])[3] == 0 and np.isnan(s.bootstrap([np.nan])[:3]).all()
    one = s.bootstrap([5.0, 7.0], clusters=["a", "a"])
    assert one.value == 6 and np.isnan(one.low) and one.count == 2


def test_many_draws_of_many_clips_are_made_in_parts(monkeypatch):
    whole = s.bootstrap(SKEWED)
    monkeypatch.setattr(s, "AT_ONCE", 1000)
    assert s.bootstrap(SKEWED) == pytest.approx(whole, rel=1e-3)


def test_infinite_figures():
    values = np.append(SKEWED, -np.inf)
    assert s.bootstrap(values).value == -np.inf
    assert np.isfinite(s.bootstrap(values, "median")).all()
    rare = s.bootstrap(values, draws=999)  # two draws in three have it
    assert rare.low == -np.inf and np.isfinite(rare.high)


@pytest.mark.parametrize("alternative", s.ALTERNATIVES)
@pytest.mark.parametrize("count", [1, 2, 6, 12, 25, 26, 60, 300])
def test_wilcoxon_is_that_of_scipy(count, alternative):
    method = "exact" if count <= 25 else "asymptotic"
    for shift in (0, 0.4, -1):
        x, y = random.standard_normal((2, count))
        ours = s.wilcoxon(x + shift, y, alternative)
        theirs = stats.wilcoxon(
            x + shift, y, alternative=alternative, method=method, correction=True
        )
        assert ours.statistic == pytest.approx(theirs.statistic)
        assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9, abs=1e-300)
        assert ours.count == count


@pytest.mark.parametrize("alternative", s.ALTERNATIVES)
def test_equal_sizes(alternative):
    many = np.round(random.normal(1, 3, 80))
    theirs = stats.wilcoxon(
        many[many != 0], alternative=alternative, method="asymptotic", correction=True
    )
    assert s.wilcoxon(many, alternative=alternative).p == pytest.approx(theirs.pvalue)
    few = np.array([1.0, 1, -1, 2, 2, 2, -3, 4, 4])  # all choices of signs, counted
    theirs = stats.wilcoxon(few, alternative=alternative, method="auto")
    assert s.wilcoxon(few, alternative=alternative).p == pytest.approx(theirs.pvalue)


def test_wilcoxon_by_hand():
    # Of 2^5 choices of signs one has all five up.
    found = s.wilcoxon([1, 2, 3, 4, 5], alternative="greater")
    assert found == (15, 1 / 32, 1, 5)
    assert s.wilcoxon([1, 2, 3, 4, 5]).p == 2 / 32
    assert s.wilcoxon([1, 2, 3, 4, 5], alternative="less").p == 1
    assert s.wilcoxon([-1, 2, 3]).effect == pytest.approx((5 - 1) / 6)


def test_no_difference_and_missing_pairs():
    assert s.wilcoxon(SKEWED, SKEWED) == (0, 1, 0, 0)
    with_holes = s.wilcoxon([1, np.nan, 3, 4, 2], [0, 1, np.nan, 4, 0])
    assert with_holes.count == 2 and with_holes.p == 0.5
    # Silence on both sides is no difference, on one side the largest.
    assert s.wilcoxon([-np.inf, -np.inf, 1], [-np.inf, 0, 0.5]).statistic == 1


def test_wilson():
    low, high = s.wilson_interval([0, 5, 10, 0], [10, 10, 10, 0])
    for k, hits in enumerate((0, 5, 10)):
        theirs = stats.binomtest(hits, 10).proportion_ci(method="wilson")
        assert (low[k], high[k]) == pytest.approx((theirs.low, theirs.high))
    assert (low[3], high[3]) == (0, 1)


def test_evaluate():
    found = s.evaluate(SKEWED, SKEWED + 0.1)
    assert found["mean_low"] < found["mean"] < found["mean_high"]
    assert found["difference"] == pytest.approx(-0.1) and found["p"] < 1e-9
    assert "p" not in s.evaluate(SKEWED)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: s.bootstrap([1, 2], clusters=[1]), "expected one for each"),
        (lambda: s.bootstrap([1, 2], "mode"), "statistic 'mode': expected mean, median"),
        (lambda: s.bootstrap([1, 2], draws=0), "0 draws"),
        (lambda: s.bootstrap([1, 2], level=95), "level 95"),
        (lambda: s.bootstrap([1, 2], method="t"), "method 't'"),
        (lambda: s.bootstrap([[1, 2]], "mean"), "expected one number for each"),
        (lambda: s.bootstrap(np.zeros((2, 2, 2))), "expected one number or row for each"),
        (lambda: s.wilcoxon([1, 2], [1]), "2 first, 1 second"),
        (lambda: s.wilcoxon([1, 2], alternative="more"), "'more': expected one of"),
        (lambda: s.wilcoxon([[1, 2]]), "first: shape"),
        (lambda: s.wilson_interval(3, 2), "0 <= hits <= count"),
    ],
)
def test_refusals(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_draws_without_a_figure_are_left_out():
    def share(rows):
        return rows.mean() if len(set(rows)) > 1 else np.nan

    found = s.bootstrap(np.array([0.0, 0, 0, 1]), share, draws=400)
    assert (found.low, found.value) == (0.25, 0.25) and 0.5 <= found.high <= 0.75
    never = s.bootstrap(np.array([0.0, 1]), lambda rows: np.nan)
    assert np.isnan([never.value, never.low, never.high]).all()
