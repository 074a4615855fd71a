"""By how much is the sound turned against the 360 picture? By a yaw drawn for each clip.

Beside the error of the answer stands that of the first paper, which weighs the errors of all yaws
by their probabilities. Here these are the softmax of what speaks for each yaw, as steep as makes
those within 3 degrees of the answer as probable as the answer's confidence says.
"""

from dataclasses import dataclass

import numpy as np

from avtools.datasets.clip import Clip
from avtools.dsp.rotation import foa_matrix, rotation_matrix
from avtools.dsp.sphere import angle_apart
from avtools.tasks.task import Columns, Score, Task, average, heard, mean, middle, pictures

# What the confidence of an answer is about.
NEAR_DEG = 3.0
# Of exponents: beyond it nothing but the peak is left.
STEEPEST, HALVINGS = 1e4, 60


@dataclass(frozen=True)
class Guess:
    yaw: float
    pitch: float = 0.0
    roll: float = 0.0
    confidence: float = 0.0
    verdict: str = "unsure"
    curve: None = None


def examine(clips: tuple[Clip, ...], model: str, rng: np.random.Generator) -> dict:
    sound, rate = heard(clips[0], (4,))
    truth = round(float(rng.uniform(-180, 180)), 1)
    if model == "signal":
        answer = listened(clips[0], turned(sound, truth), rate)
    else:
        answer = Guess(0.0 if model == "none" else float(rng.uniform(-180, 180)))
    return {
        "truth": truth,
        "yaw": answer.yaw,
        "confidence": answer.confidence,
        "verdict": answer.verdict,
        "answered": int(answer.verdict != "unsure"),
        "error_deg": abs(float(angle_apart(answer.yaw, truth))),
        "weighted_deg": weighted_error(answer.curve, answer.confidence, truth),
    }


def weighted_error(curve: np.ndarray | None, confidence: float, truth: float) -> float | None:
    """Degrees, of evidence (n,) for yaws that are spread evenly from 0 on."""
    from avtools.metrics.alignment import weighted_alignment_error

    if curve is None:
        return None
    angles = np.arange(len(curve)) * (360 / len(curve))
    return float(
        weighted_alignment_error([truth], angles, probabilities(curve, confidence)[None])[0]
    )


def probabilities(curve: np.ndarray, confidence: float) -> np.ndarray:
    """(n,): the softmax of which the part near its peak is `confidence`, found by halving."""
    places = np.arange(len(curve)) * (360 / len(curve))
    near = abs(angle_apart(places, places[curve.argmax()])) <= NEAR_DEG
    below = curve - curve.max()
    low, high = 0.0, STEEPEST / max(float(np.ptp(curve)), 1e-30)
    for _ in range(HALVINGS):
        steep = (low + high) / 2
        likely = np.exp(steep * below)
        likely /= likely.sum()
        low, high = (low, steep) if likely[near].sum() > confidence else (steep, high)
    return likely


def turned(sound: np.ndarray, yaw: float) -> np.ndarray:
    return (foa_matrix(rotation_matrix(yaw)) @ sound).astype(np.float32)


def listened(clip: Clip, sound: np.ndarray, rate: int):
    from avtools.signal.align360 import align

    return align([sound], rate, pictures(clip, True))


def _of_stratum(what: str, name: str) -> Score:
    """Mean of `what` in degrees of the clips of a stratum of confidence (all, half, a tenth)."""

    def of(columns: Columns) -> float:
        from avtools.metrics.alignment import strata

        return average(columns[f"{what}_deg"][strata(columns["confidence"])[name]])

    return Score(f"{what}_{name}_deg", of, higher_is_better=False)


def _answered_error(columns: Columns) -> float:
    return average(columns["error_deg"][columns["answered"] > 0])


def _ranks(columns: Columns) -> float:
    from avtools.metrics.association import spearman

    return spearman(columns["confidence"], -columns["error_deg"])


TASK = Task(
    name="align360",
    kinds=("360",),
    models=("signal", "none", "chance"),
    columns=("truth", "yaw", "confidence", "verdict", "answered", "error_deg", "weighted_deg"),
    examine=examine,
    scores=(
        mean("error_deg", higher_is_better=False),
        Score("error_median_deg", lambda c: middle(c["error_deg"]), higher_is_better=False),
        _of_stratum("error", "medium"),
        _of_stratum("error", "high"),
        mean("weighted_deg", higher_is_better=False),
        _of_stratum("weighted", "medium"),
        _of_stratum("weighted", "high"),
        mean("answered"),
        Score("error_answered_deg", _answered_error, higher_is_better=False),
        Score("confidence_spearman", _ranks),
    ),
    error=("error_deg", "confidence"),
)
