"""Yes or no with a probability: is it right, does it abstain when it should, is it calibrated?

Conventions
- `truth` `(n,)` says what is so, `probability` `(n,)` how likely the tool holds it: flipped and
  the probability of being flipped. For the confidence of any verdict, give what it got right as
  `truth` and its confidence as `probability`: that is the calibration of Guo and others (2017).
- `answered` `(n,)` says which verdicts are not "unsure". Accuracy is among the answered; forced
  accuracy has all clips answer by the probability alone. A probability of exactly the
  threshold says neither, and counts as half right. A probability of NaN is no answer and no
  figure: it counts in `answered` alone.
- Average precision is the sum over thresholds of the gain in recall times the precision there
  (Salton and McGill 1983; no interpolation); ROC AUC the share of pairs of a true and a false
  clip that are in order. Equal scores are one threshold, and pairs of them count half.
- The Brier score is the mean square of probability - truth: 0 is best, 0.25 is always saying 0.5.
- Expected calibration error (Naeini and others 2015): the mean over bins, weighted by their counts,
  of |mean probability - share true|. Bins are of equal width, the last one closed: 15 of them; or
  of equal mass, with equal probabilities kept together. Chance alone makes it rise with few
  clips: about 0.03 of a perfect tool's 1,000, and 0.1 of its 100.
- Where no figure exists (nobody answered; only one kind of truth for ROC AUC), it is NaN.
"""

from typing import NamedTuple

import numpy as np

from avtools.metrics.checks import finite, mean, row, same_length, yes_or_no
from avtools.metrics.ranks import midranks

BINS = 15


class Reliability(NamedTuple):
    """One row a bin, `(bins,)` each; a bin without clips has NaN for its means."""

    low: np.ndarray
    high: np.ndarray
    count: np.ndarray
    mean_probability: np.ndarray
    share_true: np.ndarray


def validate(truth, probability, answered=None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`truth` and `answered` as bool, `probability` as float64, all `(n,)`."""
    truth, probability = yes_or_no("truth", truth), row("probability", probability)
    same_length(truth=truth, probability=probability)
    if ((probability < 0) | (probability > 1)).any():
        raise ValueError("probability: a value beyond 0...1, expected probabilities")
    there = ~np.isnan(probability)
    if answered is None:
        return truth, probability, there
    answered = yes_or_no("answered", answered)
    same_length(truth=truth, answered=answered)
    return truth, probability, answered & there


def accuracy(truth, probability, answered=None, threshold: float = 0.5) -> float:
    """Share of the answered that lie on the right side of the threshold."""
    truth, probability, answered = validate(truth, probability, answered)
    right = np.where(probability == threshold, 0.5, (probability > threshold) == truth)
    return mean(right[answered])


def share_answered(truth, probability, answered=None) -> float:
    """Share of all that are not unsure."""
    return mean(validate(truth, probability, answered)[2])


def average_precision(truth, score) -> float:
    """Area under precision over recall; `score` `(n,)` is any number, higher is more likely."""
    truth, score = _scored(truth, score)
    if not truth.any():
        return float("nan")
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    hits = np.cumsum(truth[order])[ends]
    return float((np.diff(hits, prepend=0) * hits / (ends + 1)).sum() / truth.sum())


def roc_auc(truth, score) -> float:
    """Share of pairs of a true and a false one in which the true one scores higher.

    Ranked together, the true ones' ranks add up to the pairs that they win against false ones and
    to their ranks among themselves, t (t + 1) / 2 (Mann and Whitney 1947).
    """
    truth, score = _scored(truth, score)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return float("nan")
    wins = midranks(score)[truth].sum() - positives * (positives + 1) / 2
    return float(wins / (positives * negatives))


def brier_score(truth, probability) -> float:
    """Mean square of probability - truth."""
    truth, probability, _ = validate(truth, probability)
    return mean((probability - truth) ** 2)


def reliability(truth, probability, bins: int = BINS, equal_mass: bool = False) -> Reliability:
    """What the tool says against what is so, in bins of probability."""
    truth, probability, there = validate(truth, probability)
    if bins < 1:
        raise ValueError(f"{bins} bins: expected 1 or more")
    truth, probability = truth[there], probability[there]
    edges = np.linspace(0, 1, bins + 1)
    if equal_mass and len(probability):
        inner = np.unique(np.quantile(probability, edges[1:-1], method="higher"))
        edges = np.concatenate([[0.0], inner[inner > probability.min()], [1.0]])
    of = np.searchsorted(edges[1:-1], probability, side="right")
    count = np.bincount(of, minlength=len(edges) - 1)
    with np.errstate(invalid="ignore"):
        said = np.bincount(of, probability, minlength=len(count)) / count
        so = np.bincount(of, truth, minlength=len(count)) / count
    return Reliability(edges[:-1], edges[1:], count, said, so)


def calibration_error(truth, probability, bins: int = BINS, equal_mass: bool = False) -> float:
    """Expected calibration error, 0...1."""
    table = reliability(truth, probability, bins, equal_mass)
    used = table.count > 0
    if not used.any():
        return float("nan")
    apart = abs(table.mean_probability - table.share_true)
    return float(np.average(apart[used], weights=table.count[used]))


def most_confident(confidence, share: float) -> np.ndarray:
    """Which `(n,)` belong to the given share, rounded up; equal ones in the order they come in."""
    confidence = finite("confidence", row("confidence", confidence))
    if not 0 <= share <= 1:
        raise ValueError(f"a share of {share}, expected 0...1")
    # A tenth of 30 is 3, though 0.1 * 30 is a little more.
    count = int(np.ceil(share * len(confidence) - 1e-9))
    chosen = np.zeros(len(confidence), bool)
    chosen[np.argsort(-confidence, kind="stable")[:count]] = True
    return chosen


def evaluate(truth, probability, answered=None, bins: int = BINS) -> dict[str, float]:
    """All of them; of no clips all are NaN."""
    truth, probability, answered = validate(truth, probability, answered)
    return {
        "accuracy": accuracy(truth, probability, answered),
        "answered": mean(answered),
        "accuracy_forced": accuracy(truth, probability),
        "average_precision": average_precision(truth, probability),
        "roc_auc": roc_auc(truth, probability),
        "brier": brier_score(truth, probability),
        "calibration_error": calibration_error(truth, probability, bins),
        "calibration_error_equal_mass": calibration_error(truth, probability, bins, True),
    }


def _scored(truth, score) -> tuple[np.ndarray, np.ndarray]:
    truth, score = yes_or_no("truth", truth), row("score", score)
    same_length(truth=truth, score=score)
    there = ~np.isnan(score)
    return truth[there], score[there]
