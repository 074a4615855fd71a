"""What the outputs of face networks mean: boxes and scores of every place that was looked at.

Boxes are (x, y, width, height), top left, in pixels of the network's input; all are given, however
unsure and however much they overlap.
"""

from collections.abc import Sequence

import numpy as np

# RetinaFace: each cell of three grids has two square boxes of these sides in pixels.
STEPS = (8, 16, 32)
SIDES = ((16, 32), (64, 128), (256, 512))
VARIANCES = (0.1, 0.2)


def priors(height: int, width: int) -> np.ndarray:
    """RetinaFace's boxes before they are moved: middle x, y, width, height as shares, `(n, 4)`."""
    parts = []
    for step, sides in zip(STEPS, SIDES, strict=True):
        rows, columns = -(-height // step), -(-width // step)
        y, x, side = (
            part.ravel()
            for part in np.meshgrid(np.arange(rows), np.arange(columns), sides, indexing="ij")
        )
        parts.append(
            np.stack(
                [(x + 0.5) * step / width, (y + 0.5) * step / height, side / width, side / height],
                axis=1,
            )
        )
    return np.concatenate(parts)


def retinaface(outputs: Sequence[np.ndarray], height: int, width: int):
    """Boxes and scores of outputs with 4 (places), 2 (no face, face) and mostly 10 columns.

    A place is the shift of a prior's middle in tenths of its size, and the logarithm of its change
    of size in fifths.
    """
    named = {o.shape[-1]: np.asarray(o, np.float64).reshape(-1, o.shape[-1]) for o in outputs}
    prior = priors(height, width)
    if not {4, 2} <= set(named) or not len(named[4]) == len(named[2]) == len(prior):
        shapes = ", ".join(str(o.shape) for o in outputs)
        raise ValueError(
            f"outputs {shapes}: not RetinaFace's, expected (1, {len(prior)}, 4) and "
            f"(1, {len(prior)}, 2) for {width} x {height} pixels"
        )
    place, chance = named[4], named[2]
    middle = prior[:, :2] + place[:, :2] * VARIANCES[0] * prior[:, 2:]
    extent = prior[:, 2:] * np.exp(np.clip(place[:, 2:] * VARIANCES[1], -10, 10))
    if chance.min() < 0 or abs(chance.sum(axis=1) - 1).max() > 1e-2:
        chance = np.exp(chance - chance.max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)
    boxes = np.concatenate([middle - extent / 2, extent], axis=1)
    return boxes * [width, height, width, height], chance[:, 1]


def yolo(outputs: Sequence[np.ndarray]):
    """Boxes and scores of YOLO's one output, made for faces.

    YOLOv5 and v7 write a row a place: middle x, y, width, height, whether there is anything, ten
    numbers of landmarks or none, whether that is a face. YOLOv8 and later write a column a place:
    middle, size, face, and five landmarks of two or three numbers or none.
    """
    shapes = ", ".join(str(o.shape) for o in outputs)
    wanted = "expected (1, n, 5 | 6 | 16) or (1, 5 | 15 | 20, n)"
    if len(outputs) != 1 or outputs[0].ndim != 3 or outputs[0].shape[0] != 1:
        raise ValueError(f"outputs {shapes}: not YOLO's for faces, {wanted}")
    x = np.asarray(outputs[0][0], np.float64)
    if x.shape[1] in (5, 6, 16) and x.shape[0] > x.shape[1]:
        scores = x[:, 4] * (x[:, -1] if x.shape[1] > 5 else 1)
    elif x.shape[0] in (5, 15, 20):
        x = x.T
        scores = x[:, 4]
    else:
        raise ValueError(f"output {shapes}: not YOLO's for faces, {wanted}")
    return np.concatenate([x[:, :2] - x[:, 2:4] / 2, x[:, 2:4]], axis=1), scores
