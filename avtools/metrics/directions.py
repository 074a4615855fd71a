"""Where sounds are: errors of directions, and of lists of them.

Conventions
- A direction is azimuth and elevation in degrees, in arrays `(..., 2)`. Azimuths may be any number
  (they are taken round the circle), elevations lie in -90...90.
- An error is the angle over the sphere (the great circle), an azimuth error the shorter way round
  the circle; both 0...180. Chance has a mean of 90 in both.
- One source a row: an estimate of NaN is no answer. It counts in `answered`, and not in means
  and medians. A reference of NaN (nothing to be found there) leaves its row out.
- Several sources: each frame has a list of directions, a row of NaN is nobody. Within a frame the
  pairs are those whose errors add up to the least. As in DCASE 2019 (Adavanne and others, 2019)
  the error is the mean over all pairs of all frames, however far apart they are, and frame recall
  the share of frames with as many estimates as references; as in DCASE 2020 (Politis and
  others, 2020) a pair within 20 degrees is a hit, recall is hits over references, precision hits
  over estimates. Classes of sounds are not looked at.
"""

from collections.abc import Sequence

import numpy as np

from avtools.metrics.assignment import assign
from avtools.metrics.checks import mean, median, numbers

WITHIN_DEG = 20.0


def validate(reference, estimate) -> tuple[np.ndarray, np.ndarray]:
    """Both `(n, 2)` float64 of one length."""
    reference, estimate = _directions("reference", reference), _directions("estimate", estimate)
    if reference.shape != estimate.shape or reference.ndim != 2:
        raise ValueError(
            f"reference of shape {reference.shape}, estimate of {estimate.shape}: expected (n, 2)"
        )
    return reference, estimate


def azimuth_error(reference_deg, estimate_deg) -> np.ndarray:
    """Degrees 0...180 the shorter way round, of azimuths `(...)`; NaN where either is."""
    reference = numbers("reference", reference_deg)
    estimate = numbers("estimate", estimate_deg)
    return abs((estimate - reference + 180) % 360 - 180)


def direction_error(reference, estimate) -> np.ndarray:
    """Degrees 0...180 over the sphere `(...)`, of directions `(..., 2)`; NaN where either is.

    By the tangent of the angle, from the cross and the dot product of the unit vectors: its cosine
    alone would lose small angles.
    """
    a, b = _directions("reference", reference), _directions("estimate", estimate)
    first, second = np.deg2rad(a[..., 1]), np.deg2rad(b[..., 1])
    turn = np.deg2rad(b[..., 0] - a[..., 0])
    aside = np.cos(second) * np.sin(turn)
    across = np.cos(first) * np.sin(second) - np.sin(first) * np.cos(second) * np.cos(turn)
    along = np.sin(first) * np.sin(second) + np.cos(first) * np.cos(second) * np.cos(turn)
    return np.rad2deg(np.arctan2(np.hypot(aside, across), along))


def match(reference, estimate) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of references `(r, 2)`, of estimates `(e, 2)`, and the error of each of these pairs.

    All min(r, e) pairs whose errors add up to the least.
    """
    errors = direction_error(_present(reference)[:, None], _present(estimate)[None])
    rows, columns = assign(errors)
    return rows, columns, errors[rows, columns]


def evaluate(reference, estimate) -> dict[str, float]:
    """One source a row: errors of those that answered, and the share of them."""
    reference, estimate = validate(reference, estimate)
    asked = ~np.isnan(reference).any(axis=1)
    reference, estimate = reference[asked], estimate[asked]
    errors = direction_error(reference, estimate)
    around = azimuth_error(reference[:, 0], estimate[:, 0])
    return {
        "direction_error_deg": mean(errors),
        "direction_error_median_deg": median(errors),
        "azimuth_error_deg": mean(around),
        "azimuth_error_median_deg": median(around),
        "within_20_deg": mean(errors[~np.isnan(errors)] <= WITHIN_DEG),
        "answered": mean(~np.isnan(estimate).any(axis=1)),
    }


def evaluate_frames(
    references: Sequence, estimates: Sequence, within_deg: float = WITHIN_DEG
) -> dict[str, float]:
    """Several sources a frame: error of pairs, recall, precision, F, and frame recall."""
    if len(references) != len(estimates):
        raise ValueError(
            f"{len(references)} frames of references, {len(estimates)} of estimates: "
            "expected as many"
        )
    errors, asked, given, equal = [], 0, 0, []
    for reference, estimate in zip(references, estimates, strict=True):
        reference, estimate = _present(reference), _present(estimate)
        errors.extend(match(reference, estimate)[2])
        asked, given = asked + len(reference), given + len(estimate)
        equal.append(len(reference) == len(estimate))
    hits = int((np.array(errors) <= within_deg).sum())
    return {
        "direction_error_deg": mean(errors),
        "direction_error_median_deg": median(errors),
        "recall": hits / asked if asked else float("nan"),
        "precision": hits / given if given else float("nan"),
        "f_score": 2 * hits / (asked + given) if asked + given else float("nan"),
        "frame_recall": mean(equal),
    }


def _directions(name: str, values) -> np.ndarray:
    values = numbers(name, values)
    if not values.ndim or values.shape[-1] != 2:
        raise ValueError(f"{name} of shape {values.shape}, expected (..., 2): azimuth, elevation")
    if (abs(values[..., 1]) > 90).any():
        raise ValueError(f"{name}: an elevation beyond 90 degrees, expected azimuth, elevation")
    return values


def _present(values) -> np.ndarray:
    """`(n, 2)` of a frame, without its rows of NaN."""
    values = np.reshape(values, (-1, 2)) if np.size(values) == 0 else values
    values = _directions("directions of a frame", values)
    if values.ndim != 2:
        raise ValueError(f"directions of a frame of shape {values.shape}, expected (n, 2)")
    return values[~np.isnan(values).any(axis=1)]
