"""Boxes over time: is the face where it is said to be?

Conventions
- A box is x, y, width, height in pixels, x, y its top left corner; width and height above 0. A row
  of NaN is no box.
- One box a frame: `reference` and `estimate` `(frames, 4)`. Frames without a reference are left
  out. IoU, intersection over union, is 0 where there is no estimate. X and Y error are those of
  the boxes' centres in percent of the picture's width and height, the mean of the frames that
  have an estimate; `found` is the share of them.
- AP (average precision, as PASCAL VOC has it since 2010: Everingham and others) is of all boxes of
  all frames together, the most confident first. A box is a hit if its IoU with a reference of
  its frame, not yet hit by another, is 0.5 or more (AP50); it hits the one with the highest IoU.
  Precision at a recall is the highest at that recall or a higher one, and AP the area under it.
  Equal confidences are one threshold: where all are equal, AP is precision times recall. Here boxes
  in frames without a reference count, as errors.
- Yang, Russell and Salamon (CVPR 2020, table 3) give AP50, the mean IoU of the most confident
  box of each frame, and X and Y errors of these boxes: 43.4, 47.1, 9.1 and 5.5, all in percent.
  Here AP50 and IoU are 0...1, and only what ends in `_percent` is in percent.
"""

from collections.abc import Sequence

import numpy as np

from avtools.metrics.checks import mean, numbers, row

HIT = 0.5


def validate(reference, estimate) -> tuple[np.ndarray, np.ndarray]:
    """One box a frame: both `(frames, 4)` float64."""
    reference, estimate = _boxes("reference", reference), _boxes("estimate", estimate)
    if reference.ndim != 2 or reference.shape != estimate.shape:
        raise ValueError(
            f"reference of shape {reference.shape}, estimate of {estimate.shape}: "
            "expected (frames, 4) of both"
        )
    return reference, estimate


def iou(first, second) -> np.ndarray:
    """Intersection over union 0...1 of boxes `(..., 4)`, which broadcast; NaN where either is."""
    first, second = _boxes("first", first), _boxes("second", second)
    low = np.maximum(first[..., :2], second[..., :2])
    high = np.minimum(first[..., :2] + first[..., 2:], second[..., :2] + second[..., 2:])
    shared = np.clip(high - low, 0, None).prod(axis=-1)
    return shared / (first[..., 2:].prod(axis=-1) + second[..., 2:].prod(axis=-1) - shared)


def mean_iou(reference, estimate) -> float:
    """Mean over the frames with a reference; 0 for those without an estimate."""
    reference, estimate = _asked(*validate(reference, estimate))
    return mean(np.nan_to_num(iou(reference, estimate)))


def share_hit(reference, estimate, least: float = HIT) -> float:
    """Share of the frames with a reference in which the IoU is `least` or more."""
    reference, estimate = _asked(*validate(reference, estimate))
    return mean(np.nan_to_num(iou(reference, estimate)) >= least)


def centre_error(reference, estimate, size: tuple[float, float]) -> tuple[float, float]:
    """Mean errors of x in percent of the width and of y in percent of the height of a picture.

    `size`: the picture's width and height in pixels.
    """
    width, height = size
    if not (width > 0 and height > 0):
        raise ValueError(f"a picture of {width} x {height}: expected width and height above 0")
    reference, estimate = _asked(*validate(reference, estimate))
    apart = abs(_centres(reference) - _centres(estimate)) * 100 / np.array([width, height])
    return mean(apart[:, 0]), mean(apart[:, 1])


def highest(estimates: Sequence, confidences: Sequence) -> tuple[np.ndarray, np.ndarray]:
    """The most confident box of each frame `(frames, 4)`, NaN where none is; its confidence."""
    boxes = np.full((len(estimates), 4), np.nan)
    sure = np.full(len(estimates), np.nan)
    for k, (found, likely) in enumerate(zip(*_listed(estimates, confidences), strict=True)):
        if len(found):
            best = int(np.argmax(likely))
            boxes[k], sure[k] = found[best], likely[best]
    return boxes, sure


def average_precision(
    references: Sequence, estimates: Sequence, confidences: Sequence, least: float = HIT
) -> float:
    """AP at an IoU of `least`, 0...1; NaN without any reference.

    Of each frame: reference boxes `(r, 4)`, estimated boxes `(e, 4)`, and their confidences
    `(e,)`. With one box a frame these are `(frames, 4)`, `(frames, 4)` and `(frames,)`.
    """
    if len(references) != len(estimates):
        raise ValueError(
            f"{len(references)} frames of references, {len(estimates)} of estimates: "
            "expected as many"
        )
    wanted = [_frame("references of a frame", boxes) for boxes in references]
    wanted = [boxes[~np.isnan(boxes).any(axis=1)] for boxes in wanted]
    estimates, confidences = _listed(estimates, confidences)
    total = sum(map(len, wanted))
    if not total:
        return float("nan")
    hits = [_hits(*each, least) for each in zip(wanted, estimates, confidences, strict=True)]
    return ranked_precision(np.concatenate([[], *hits]), np.concatenate([[], *confidences]), total)


def ranked_precision(hit: np.ndarray, sure: np.ndarray, total: int) -> float:
    """The area under precision over recall of boxes (n,) that hit or not, the surest first.

    `total`: how many there are to find. Boxes that are equally sure come at once.
    """
    if not len(hit):
        return 0.0
    order = np.argsort(-sure, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(sure[order])), len(sure) - 1)
    found = np.cumsum(hit[order])[ends]
    precision = np.maximum.accumulate((found / (ends + 1))[::-1])[::-1]
    return float((np.diff(found / total, prepend=0) * precision).sum())


def evaluate(reference, estimate, size: tuple[float, float], confidence=None) -> dict[str, float]:
    """One box a frame; without `confidence` `(frames,)` all boxes are equally sure."""
    reference, estimate = validate(reference, estimate)
    confidence = np.ones(len(estimate)) if confidence is None else confidence
    x, y = centre_error(reference, estimate, size)
    asked, given = _asked(reference, estimate)
    return {
        "ap50": average_precision(reference, estimate, confidence),
        "iou": mean_iou(asked, given),
        "share_hit": share_hit(asked, given),
        "x_error_percent": x,
        "y_error_percent": y,
        "found": mean(~np.isnan(given).any(axis=1)),
    }


def _hits(wanted, found, sure, least: float) -> np.ndarray:
    """`(e,)`: 1 for the boxes of a frame that hit one that none before them has hit."""
    hit = np.zeros(len(found))
    overlap = iou(wanted[:, None], found[None])
    for k in np.argsort(-sure, kind="stable") if len(wanted) else ():
        best = int(np.argmax(overlap[:, k]))
        if overlap[best, k] >= least:
            hit[k] = 1
            overlap[best] = -1
    return hit


def _centres(boxes: np.ndarray) -> np.ndarray:
    return boxes[:, :2] + boxes[:, 2:] / 2


def _asked(reference: np.ndarray, estimate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The frames with a reference."""
    there = ~np.isnan(reference).any(axis=1)
    return reference[there], estimate[there]


def _listed(estimates: Sequence, confidences: Sequence) -> tuple[list, list]:
    """Boxes `(e, 4)` and confidences `(e,)` of each frame, without those of NaN."""
    if len(estimates) != len(confidences):
        raise ValueError(
            f"{len(estimates)} frames of estimates, {len(confidences)} of confidences: "
            "expected as many"
        )
    found, sure = [], []
    for boxes, likely in zip(estimates, confidences, strict=True):
        boxes = _frame("boxes of a frame", boxes)
        likely = row("confidences of a frame", np.reshape(likely, -1))
        if len(boxes) != len(likely):
            raise ValueError(f"{len(boxes)} boxes, {len(likely)} confidences: expected as many")
        there = ~np.isnan(boxes).any(axis=1)
        if np.isnan(likely[there]).any():
            raise ValueError("confidences of a frame: a box without one, expected one for each")
        found.append(boxes[there])
        sure.append(likely[there])
    return found, sure


def _frame(name: str, boxes) -> np.ndarray:
    """`(n, 4)`, of none or one box too."""
    if np.size(boxes) == 0:
        return np.zeros((0, 4))
    boxes = np.atleast_2d(_boxes(name, boxes))
    if boxes.ndim != 2:
        raise ValueError(f"{name} of shape {boxes.shape}, expected (n, 4)")
    return boxes


def _boxes(name: str, values) -> np.ndarray:
    values = numbers(name, values)
    if not values.ndim or values.shape[-1] != 4:
        raise ValueError(f"{name} of shape {values.shape}, expected x, y, width, height")
    if (values[..., 2:] <= 0).any():
        raise ValueError(f"{name}: a width or height of 0 or less, expected more")
    return values
