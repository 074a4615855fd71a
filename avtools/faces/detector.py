"""One name for each way to find faces: haar, yunet:FILE, onnx:FILE, boxes:FILE.

A detector has one method, `detect(frames)`, and gives for each frame the boxes `(k, 4)` (x, y of
the top left corner, width, height; pixels of the frame) and their scores `(k,)` from 0 to 1, the
best first. From a score of 0.5 on a detector is rather right than wrong.

Boxes from a file belong to a file and a time, in pixels of the source: those that take them give
`file`, `times` (seconds) and `size` (width, height of the source) with the frames. The others
ignore all three.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

EXPECTED = "haar, yunet:FILE, onnx:FILE, onnx:FILE,decode=retinaface|yolo or boxes:FILE"
LEAST_SCORE = 0.2  # what is less sure is not told at all

Found = tuple[np.ndarray, np.ndarray]  # boxes (k, 4), scores (k,)


class Detector(Protocol):
    def detect(
        self,
        frames: np.ndarray,
        *,
        file: str = "",
        times: Sequence[float] | None = None,
        size: tuple[int, int] | None = None,
    ) -> list[Found]:
        """The faces in each of uint8 RGB frames `(n, height, width, 3)`."""


def detector(spec: str) -> Detector:
    """The detector that `spec` names; ValueError where there is none or its file is no good."""
    name, _, rest = spec.partition(":")
    if name == "haar" and spec == "haar":
        from avtools.faces.haar import Haar

        return Haar()
    if name == "yunet" and rest:
        from avtools.faces.networks import YuNet

        return YuNet(rest)
    if name == "onnx" and rest:
        from avtools.faces.networks import Network

        path, options = _options(rest)
        return Network(path, **options)
    if name == "boxes" and rest:
        from avtools.faces.boxes import Listed

        return Listed(rest)
    raise ValueError(f"no face detector {spec!r}, expected {EXPECTED}")


def _options(rest: str) -> tuple[str, dict]:
    """`FILE,decode=yolo,side=320`: a comma that no option follows belongs to the name."""
    options = {}
    while True:
        path, comma, last = rest.rpartition(",")
        name, equals, value = last.partition("=")
        if not (comma and equals and name in ("decode", "side")):
            return rest, options
        if name == "side":
            if not value.isdigit():
                raise ValueError(f"side={value}, expected a number of pixels")
            options[name] = int(value)
        else:
            options[name] = value
        rest = path


def checked(frames: np.ndarray) -> np.ndarray:
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
        raise ValueError(f"frames {frames.dtype} {frames.shape}, expected uint8 (n, h, w, 3)")
    return frames


def found(boxes, scores) -> Found:
    """Both as arrays, without the least sure ones, the best first."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    scores = np.clip(np.asarray(scores, np.float64).ravel(), 0, 1)
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] >= LEAST_SCORE]
    return boxes[order], scores[order]
