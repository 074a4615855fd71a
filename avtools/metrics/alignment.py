"""By how far the sound of a 360 degree video is turned against its picture, one angle a clip.

Conventions
- The error of an answer is the shorter way round the circle, 0...180 degrees; chance has 90.
- Table 3 of the supplement to Yang, Russell and Salamon (CVPR 2020) gives 65.3, 50.5 and 19.1
  degrees. Their network looked at uniform rotations of the sound over several windows of
  a video; "consensus scoring" made probabilities of the rotations, and the absolute error was
  *weighted by these probabilities*. That rewards being sure: the error of a flat distribution is
  90 wherever its peak is. Low confidence is the mean over all videos; medium and high are
  "approximately the 50th and 90th percentiles" by the probability of being right.
- What the paper leaves open is done so here. Consensus: the log-odds that a window is aligned
  after a rotation are added up over the windows, and the softmax of the sums over rotations is
  the probability. It is Bayes' rule with one rotation right, none preferred, and windows that err
  independently; windows that overlap count too often, and their log-odds should be scaled down
  before. Confidence: the highest of a clip's probabilities, unless others are given. Medium: the
  most confident half; high: the most confident tenth; both rounded up.
- Answers of NaN are abstentions: left out of errors, counted in `answered`. Where a tool gives its
  best angle though it abstains, `answered` says which are meant, and errors are of all.
"""

import numpy as np

from avtools.metrics.answers import most_confident
from avtools.metrics.association import spearman
from avtools.metrics.checks import finite, mean, median, row, same_length, yes_or_no
from avtools.metrics.directions import azimuth_error

# The share of clips, most confident first.
STRATA = {"low": 1.0, "medium": 0.5, "high": 0.1}


def validate(truth_deg, answer_deg) -> tuple[np.ndarray, np.ndarray]:
    """Both `(n,)` float64; answers may be NaN, truths may not."""
    truth, answer = finite("truth", row("truth", truth_deg)), row("answer", answer_deg)
    same_length(truth=truth, answer=answer)
    return truth, answer


def alignment_error(truth_deg, answer_deg) -> np.ndarray:
    """Degrees 0...180 of each clip `(n,)`; NaN where there is no answer."""
    return azimuth_error(*validate(truth_deg, answer_deg))


def consensus(log_odds) -> np.ndarray:
    """Probabilities of rotations `(..., rotations)`, of log-odds `(..., windows, rotations)`."""
    log_odds = finite("log-odds", log_odds)
    if log_odds.ndim < 2 or not log_odds.shape[-1]:
        raise ValueError(f"log-odds of shape {log_odds.shape}, expected (windows, rotations)")
    total = log_odds.sum(axis=-2)
    likely = np.exp(total - total.max(axis=-1, keepdims=True))
    return likely / likely.sum(axis=-1, keepdims=True)


def weighted_alignment_error(truth_deg, angles_deg, probability) -> np.ndarray:
    """The paper's error of each clip `(n,)`: the mean error of all angles by their probabilities.

    `angles_deg` `(k,)`; `probability` `(n, k)`, each row adding up to 1.
    """
    truth, angles, probability = _weighed(truth_deg, angles_deg, probability)
    return (azimuth_error(truth[:, None], angles) * probability).sum(axis=1)


def strata(confidence) -> dict[str, np.ndarray]:
    """Which clips `(n,)` belong to low (all), medium (half) and high (a tenth) confidence."""
    return {name: most_confident(confidence, share) for name, share in STRATA.items()}


def evaluate(
    truth_deg, answer_deg, confidence, angles_deg=None, probability=None, answered=None
) -> dict[str, float]:
    """Errors of answers, by confidence too, and with probabilities those of the paper.

    `confidence_spearman` is the rank correlation of confidence with closeness (-error): 1 where
    confidence sorts the clips by error.
    """
    truth, answer = validate(truth_deg, answer_deg)
    confidence = finite("confidence", row("confidence", confidence))
    same_length(truth=truth, confidence=confidence)
    error = azimuth_error(truth, answer)
    answered = ~np.isnan(answer) if answered is None else yes_or_no("answered", answered)
    same_length(truth=truth, answered=answered)
    found = {
        "error_deg": mean(error),
        "error_median_deg": median(error),
        "answered": mean(answered),
        "error_answered_deg": mean(error[answered]),
        "error_answered_median_deg": median(error[answered]),
        "confidence_spearman": spearman(confidence, -error),
    }
    for name, chosen in strata(confidence).items():
        found[f"error_{name}_deg"] = mean(error[chosen])
    if probability is not None:
        weighted = weighted_alignment_error(truth, angles_deg, probability)
        # In the paper, how sure a clip is comes from the same probabilities.
        for name, chosen in strata(np.max(probability, axis=1, initial=0)).items():
            found[f"weighted_{name}_deg"] = mean(weighted[chosen])
    return found


def _weighed(truth_deg, angles_deg, probability):
    truth = finite("truth", row("truth", truth_deg))
    angles = finite("angles", [] if angles_deg is None else row("angles", angles_deg))
    probability = finite("probability", probability)
    if probability.shape != (len(truth), len(angles)):
        raise ValueError(
            f"probability of shape {probability.shape}, expected one of {len(angles)} angles "
            f"for each of {len(truth)} clips"
        )
    if (probability < 0).any() or not np.allclose(probability.sum(axis=1), 1, atol=1e-6):
        raise ValueError("probability: expected rows of 0...1 that add up to 1")
    return truth, angles, probability
