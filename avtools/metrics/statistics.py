"""How sure a figure is: intervals, and whether one method is better than another.

Conventions
- A row is a clip. NaN is a clip without that figure: it is left out before anything is drawn or
  ranked (of tables `(clips, columns)`, which go to a statistic of your own, nothing is left out).
  Draws without a figure (as ROC AUC of clips that are all true) are left out as well.
  Infinity is a figure (the SI-SDR of silence is -inf): it makes a mean infinite, not a median.
- Bootstrap (Efron and Tibshirani 1993): clips are drawn with replacement, as many as there are, and
  the statistic is computed of each draw; the interval holds the middle `level` of these.
  "percentile" takes it as it is; "bca" corrects bias and skew (Efron 1987). With `clusters` (the
  source video or channel of each clip) whole clusters are drawn: clips of one source are alike,
  and drawing them one by one would make the interval too narrow. One seed gives one interval.
- Wilcoxon signed-rank test (Wilcoxon 1945) of differences between two methods on the same clips:
  differences of 0 are dropped, equal sizes share the mean of their ranks. Up to 25 differences the
  distribution is exact (with equal sizes too: all signs are equally likely, given the sizes);
  beyond, it is normal, with the variance corrected for equal sizes and half a rank for
  continuity. The p value is how likely so large a rank sum is by chance alone.
- Wilson intervals (Wilson 1927) are of shares: k of n, as in a reliability diagram.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from avtools.metrics.checks import same_length
from avtools.metrics.ranks import midranks

EXACT = 25
# Numbers that are drawn at once, 16 MB.
AT_ONCE = 2_000_000
METHODS = ("percentile", "bca")
ALTERNATIVES = ("two-sided", "greater", "less")


class Interval(NamedTuple):
    """A figure, the interval around it, and the clips it is of."""

    value: float
    low: float
    high: float
    count: int


class SignedRanks(NamedTuple):
    """`statistic`: the sum of the ranks of positive differences (two-sided: the lesser sum).

    `effect`: the share of the rank sum that is positive less the share that is negative, -1...1;
    `count`: the differences that are not 0.
    """

    statistic: float
    p: float
    effect: float
    count: int


def validate(values, clusters=None) -> tuple[np.ndarray, np.ndarray]:
    """Rows `(n,)` without NaN, or `(n, columns)`; the number of the cluster of each, from 0 on."""
    values = np.asarray(values, float)
    if values.ndim not in (1, 2):
        raise ValueError(f"values of shape {values.shape}, expected one number or row for each")
    names = np.arange(len(values)) if clusters is None else np.asarray(clusters)
    if names.shape != values.shape[:1]:
        raise ValueError(f"{names.shape} clusters for {len(values)} values, expected one for each")
    if values.ndim == 1:
        values, names = values[~np.isnan(values)], names[~np.isnan(values)]
    return values, np.unique(names, return_inverse=True)[1]


def bootstrap(
    values,
    statistic: str | Callable[[np.ndarray], float] = "mean",
    clusters=None,
    draws: int = 2000,
    level: float = 0.95,
    method: str = "percentile",
    seed: int = 0,
) -> Interval:
    """The interval of a statistic of clips: "mean", "median", or your own of the drawn rows.

    With fewer than two clips or clusters there is a value and no interval (NaN).
    """
    values, cluster = validate(values, clusters)
    if draws < 1 or not 0 < level < 1 or method not in METHODS:
        raise ValueError(
            f"{draws} draws, level {level}, method {method!r}: expected 1 or more, 0...1, "
            f"and one of {', '.join(METHODS)}"
        )
    measure = _measure(values, statistic)
    if not len(values):
        return Interval(math.nan, math.nan, math.nan, 0)
    value = float(measure(np.ones((1, len(values)), int))[0])
    groups = int(cluster.max()) + 1
    if groups < 2:
        return Interval(value, math.nan, math.nan, len(values))
    rng, at_once = np.random.default_rng(seed), max(1, AT_ONCE // len(values))
    parts = [
        measure(_drawn(rng, min(at_once, draws - first), groups)[:, cluster])
        for first in range(0, draws, at_once)
    ]
    seen = np.sort(np.concatenate(parts))
    seen = seen[~np.isnan(seen)]
    if not len(seen):
        return Interval(value, math.nan, math.nan, len(values))
    low, high = (1 - level) / 2, (1 + level) / 2
    if method == "bca":
        without = [measure((cluster != k).astype(int)[None])[0] for k in range(groups)]
        low, high = _corrected(low, high, value, seen, np.array(without))
    return Interval(value, _quantile(seen, low), _quantile(seen, high), len(values))


def wilcoxon(first, second=None, alternative: str = "two-sided") -> SignedRanks:
    """Do the paired values `(n,)` of two methods differ? Or: do differences `(n,)` lie off 0?

    "greater": the first are greater than the second; "less": they are less. p is 1 where no two
    differ.
    """
    difference = _column("first", first)
    if second is not None:
        difference = _apart(difference, _column("second", second))
    if alternative not in ALTERNATIVES:
        raise ValueError(f"{alternative!r}: expected one of {', '.join(ALTERNATIVES)}")
    difference = difference[~np.isnan(difference) & (difference != 0)]
    count = len(difference)
    if not count:
        return SignedRanks(0.0, 1.0, 0.0, 0)
    ranks = midranks(abs(difference))
    up, down = ranks[difference > 0].sum(), ranks[difference < 0].sum()
    tails = _exact_tails if count <= EXACT else _normal_tails
    greater, less = tails(ranks, up)
    p = {"greater": greater, "less": less, "two-sided": min(1.0, 2 * min(greater, less))}
    statistic = min(up, down) if alternative == "two-sided" else up
    return SignedRanks(
        float(statistic), float(p[alternative]), float((up - down) / ranks.sum()), count
    )


def wilson_interval(hits, count, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Low and high ends `(...)` of the share of which `hits` of `count` are an example.

    The shares p from which the one seen is at most z standard errors sqrt(p (1 - p) / n) away: a
    quadratic equation. Of none it is all, 0...1.
    """
    hits, count = np.broadcast_arrays(np.asarray(hits, float), np.asarray(count, float))
    if not 0 < level < 1 or (hits < 0).any() or (hits > count).any():
        raise ValueError("expected a level in 0...1 and 0 <= hits <= count")
    z = _normal_quantile((1 + level) / 2)
    middle = (hits + z * z / 2) / (count + z * z)
    n = np.maximum(count, 1)
    half = z * np.sqrt(hits * (count - hits) / n + z * z / 4) / (count + z * z)
    return np.maximum(0, middle - half), np.minimum(1, middle + half)


def evaluate(
    values, against=None, clusters=None, draws: int = 2000, level: float = 0.95, seed: int = 0
) -> dict[str, float]:
    """Mean and median with their intervals; against another method also the difference and p."""
    mean = bootstrap(values, "mean", clusters, draws, level, seed=seed)
    median = bootstrap(values, "median", clusters, draws, level, seed=seed)
    found = {"mean": mean.value, "mean_low": mean.low, "mean_high": mean.high}
    found |= {"median": median.value, "median_low": median.low, "median_high": median.high}
    found["count"] = float(mean.count)
    if against is not None:
        difference = _apart(_column("values", values), _column("against", against))
        apart = bootstrap(difference, "mean", clusters, draws, level, seed=seed)
        found |= {
            "difference": apart.value,
            "difference_low": apart.low,
            "difference_high": apart.high,
            "p": wilcoxon(difference).p,
        }
    return found


def _column(name: str, values) -> np.ndarray:
    values = np.asarray(values, float)
    if values.ndim != 1:
        raise ValueError(f"{name}: shape {values.shape}, expected one number for each clip")
    return values


def _apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """NaN where either is, or both are the same infinity."""
    same_length(first=first, second=second)
    with np.errstate(invalid="ignore"):
        return first - second


def _measure(values: np.ndarray, statistic) -> Callable[[np.ndarray], np.ndarray]:
    """What computes the statistic `(draws,)` of how often each row was drawn `(draws, rows)`."""
    if callable(statistic):
        return lambda times: np.array(
            [float(statistic(np.repeat(values, t, axis=0))) for t in times]
        )
    if statistic not in ("mean", "median"):
        raise ValueError(f"statistic {statistic!r}: expected mean, median or a function")
    if values.ndim != 1:
        raise ValueError(f"the {statistic} of rows of {values.shape}: expected one number for each")
    if statistic == "mean":
        return lambda times: _means(values, times)
    order = np.argsort(values)
    return lambda times: _medians(values[order], times[:, order])


def _means(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    total = times.sum(axis=1)
    plain = np.isfinite(values)
    sums = times[:, plain] @ values[plain]
    with np.errstate(invalid="ignore"):
        for odd in np.unique(values[~plain]):  # 0 times infinity is nothing
            sums = sums + np.where(times[:, values == odd].any(axis=1), odd, 0)
    return sums / total


def _medians(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Of sorted values: the mean of the lower and the upper middle one, which may be the same."""
    up_to = np.cumsum(times, axis=1)
    total = up_to[:, -1:]
    lower = (up_to <= (total - 1) // 2).sum(axis=1)
    upper = (up_to <= total // 2).sum(axis=1)
    return values[lower] / 2 + values[upper] / 2


def _drawn(rng, draws: int, groups: int) -> np.ndarray:
    """How often each of the groups comes up `(draws, groups)`, in as many picks."""
    picks = rng.integers(0, groups, (draws, groups)) + groups * np.arange(draws)[:, None]
    return np.bincount(picks.ravel(), minlength=draws * groups).reshape(draws, groups)


def _quantile(ordered: np.ndarray, part: float) -> float:
    """Between the two nearest; the same as numpy's, but for infinities, which stay themselves."""
    place = part * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    if np.isinf([low, high]).any():
        return float(ordered[round(place)])
    return float(low + (high - low) * (place % 1))


def _corrected(low, high, value, seen, without) -> tuple[float, float]:
    """Which parts of the draws to take instead of low and high: bias-corrected and accelerated.

    The bias is how far the value lies off the middle of the draws, in standard deviations; the
    acceleration how skewed the influence of single clusters is, from leaving each out.
    """
    below = ((seen < value).mean() + (seen <= value).mean()) / 2
    edge = 0.5 / len(seen)
    bias = _normal_quantile(min(max(below, edge), 1 - edge))
    with np.errstate(invalid="ignore"):
        pull = without.mean() - without
    spread = (pull**2).sum()
    skew = (pull**3).sum() / (6 * spread**1.5) if spread > 0 else 0.0
    parts = []
    for part in (low, high):
        z = bias + _normal_quantile(part)
        parts.append(_above(-(bias + z / (1 - skew * z))))
    return parts[0], parts[1]


def _exact_tails(ranks: np.ndarray, up: float) -> tuple[float, float]:
    """How likely a sum of at least, and of at most, `up` is, if each rank counts or not.

    Ranks may be halves, so all is doubled. `ways[s]` is how many choices of the ranks so far add up
    to s: each further rank r is left out, or takes a sum from s - r to s.
    """
    doubled = np.rint(2 * ranks).astype(int)
    ways = np.zeros(doubled.sum() + 1)
    ways[0] = 1
    for r in doubled:
        ways[r:] += ways[:-r].copy()
    at = round(2 * up)
    return ways[at:].sum() / ways.sum(), ways[: at + 1].sum() / ways.sum()


def _normal_tails(ranks: np.ndarray, up: float) -> tuple[float, float]:
    """The same by a normal distribution: each rank r counts or not, with a variance of r^2 / 4.

    Without equal sizes that is the familiar n (n + 1) (2 n + 1) / 24; with them it is less, by the
    correction for ties.
    """
    middle, deviation = ranks.sum() / 2, math.sqrt((ranks**2).sum() / 4)
    return _above((up - middle - 0.5) / deviation), _above((middle - up - 0.5) / deviation)


def _above(z: float) -> float:
    """How much of a normal distribution lies above z."""
    return math.erfc(z / math.sqrt(2)) / 2


def _normal_quantile(part: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(part)
