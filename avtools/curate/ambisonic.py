"""Valid ambisonics: a sound field, in a known convention, with its height."""

import numpy as np

from avtools.curate.verdict import Verdict
from avtools.dsp.layout import Survey

# Of what `dsp.findings` calls faults, those that leave a field useless for learning.
GRAVE = ("dead channel", "silent channel", "identical channels", "missing Z")
NAMES = ("ambisonic", "ratio_db", "wobble_db", "directness", "head_locked")


def ambisonic(
    sound: np.ndarray,
    rate: int,
    *,
    label: str = "",
    marked: str | None = None,
    expected: str | None = None,
    allow_flat: bool = False,
    least: float = 0.4,
    most_other: float = 0.7,
) -> Verdict:
    """A sound `(channels, samples)` in its file's own order; left out unless ambisonics.

    `label` is what the container calls the channels, `marked` the convention that it names. Four
    channels, YouTube's six, sixteen of third order: whatever `avtools probe` would call so. A
    head-locked pair beside the field does it no harm. `allow_flat`: Z may be missing. `least`:
    unmarked fields in rooms come down to 0.4 (not 1 % further, mostly a few tones and their
    echoes), unrelated sounds up to 0.36. `expected`: what it is taken for; left out if another
    convention's probability is above `most_other` (of AmbiX in rooms it comes up to 0.4; of FuMa,
    taken for AmbiX, four in five are found).

    Figures: `ambisonic`, the probability of a sound field; `ratio_db`, X, Y and Z together against
    W (0 AmbiX, 3 FuMa, 4.8 N3D); `wobble_db`, how far that differs over time and frequency;
    `directness`, the share of lone plane waves; `head_locked`, 1 with such a pair; `convention`, in
    words, which tells how the channels are to be put in order.
    """
    survey = Survey(len(sound), rate)
    survey.add(sound)
    report = survey.report(label=label, marked=marked)
    known = report.layout.startswith("ambisonic")
    chances = dict(report.probabilities)
    found = 1 - chances.pop(None, 0.0 if known else 1.0)
    figures = {
        "ambisonic": float(found),
        "ratio_db": _number(report.ratio_db),
        "wobble_db": _number(report.figures.get("wobble_db")),
        "directness": _number(report.figures.get("direct")),
        "head_locked": float(report.layout.endswith("stereo")),
        "convention": report.convention or max(chances, key=chances.get, default=""),
    }
    if len(sound) < 3:
        return Verdict(figures, (f"not ambisonic: {_counted(len(sound))}, expected 4",))
    if "silent" in report.problems or "empty" in report.problems:
        return Verdict(figures)  # that is for `loudness` to say
    reasons = []
    if found < least:
        said = f"{_counted(len(sound))} that are no sound field"
        reasons.append(f"not ambisonic: {said}, probability {found:.2f}")
    elif expected and (other := _other(chances, expected))[1] > most_other:
        said = f"{other[0]}, probability {other[1]:.2f}, expected {expected}"
        reasons.append(f"other convention: {said}")
    for problem in report.problems:
        flat = problem == "missing Z"
        if problem.startswith(GRAVE) and not (flat and allow_flat):
            reasons.append(problem + (": no height" if flat else ""))
    return Verdict(figures, tuple(reasons))


def _other(chances: dict[str, float], expected: str) -> tuple[str, float]:
    """The likeliest convention but the expected one, and its probability."""
    others = {name: chance for name, chance in chances.items() if name != expected}
    return max(others.items(), key=lambda item: item[1], default=("", 0.0))


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _counted(channels: int) -> str:
    return f"{channels} channel{'s' * (channels > 1)}"
