"""Is left where it is seen to be? Half of the clips, drawn by chance, have their sides swapped."""

from dataclasses import dataclass

import numpy as np

from avtools.datasets.clip import Clip
from avtools.dsp.ambisonics import mirror_matrix
from avtools.tasks.task import Columns, Score, Task, heard, mean, pictures


@dataclass(frozen=True)
class Guess:
    """Knows nothing and says so: always unsure."""

    verdict: str = "unsure"
    flipped: float = 0.5
    confidence: float = 0.0


def examine(clips: tuple[Clip, ...], model: str, rng: np.random.Generator) -> dict:
    sound, rate = heard(clips[0], (2, 4))
    truth = bool(rng.integers(2))
    if truth:
        sound = swapped(sound)
    answer = Guess() if model == "none" else listened(clips[0], sound, rate)
    is_answered = answer.verdict != "unsure"
    return {
        "truth": int(truth),
        "verdict": answer.verdict,
        "flipped": answer.flipped,
        "confidence": answer.confidence,
        "answered": int(is_answered),
        "right": int((answer.verdict == "flipped") == truth) if is_answered else None,
        "brier": (answer.flipped - truth) ** 2,
    }


def swapped(sound: np.ndarray) -> np.ndarray:
    """Stereo with its sides exchanged, or AmbiX mirrored."""
    name = "stereo" if len(sound) == 2 else "ambix"
    return (mirror_matrix(name, len(sound)) @ sound).astype(sound.dtype)


def listened(clip: Clip, sound: np.ndarray, rate: int):
    from avtools.signal.flip import check

    is_360 = len(sound) == 4
    return check([sound], rate, pictures(clip, is_360), is_360)


def _calibration_error(columns: Columns) -> float:
    from avtools.metrics.answers import calibration_error

    return calibration_error(columns["truth"], columns["flipped"])


def _area(columns: Columns) -> float:
    from avtools.metrics.answers import roc_auc

    return roc_auc(columns["truth"], columns["flipped"])


TASK = Task(
    name="flip",
    kinds=("stereo", "360"),
    models=("signal", "none"),
    columns=("truth", "verdict", "flipped", "confidence", "answered", "right", "brier"),
    examine=examine,
    scores=(
        mean("answered"),
        mean("right", "accuracy"),
        Score("calibration_error", _calibration_error, higher_is_better=False),
        mean("brier", higher_is_better=False),
        Score("roc_auc", _area),
    ),
    probability=("flipped", "truth"),
)
