"""The faces of one picture, with which a search begins: the first one that shows them well."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from avtools.faces import Detector

SURE = 0.5  # score from which on a find is rather a face than not
# Pictures a second that are looked through, and seconds after the first find for a better one.
RATE, AFTER = 5, 1.0
BETTER = 0.1  # by which the scores of a later picture must be higher in all
WIDEST = 1280  # pixels of a picture that is looked through
# Of a whole sphere flat views are looked through, since faces are small in it, and bent.
VIEWS, VIEW_FOV, VIEW_PIXELS = 8, 75.0, 480
SAME = 0.3  # overlap from which on two finds are one face


@dataclass(frozen=True)
class Reference:
    time: float
    picture: np.ndarray
    boxes: np.ndarray  # (k, 4) x, y, width, height in pixels of the picture, the surest first
    scores: np.ndarray


class Finder:
    """Faces in single pictures of one file, `size` (width, height) being the source's own."""

    def __init__(self, detector: Detector, file: str, begin: float, size, is_360: bool):
        self.detector, self.file, self.begin, self.size = detector, file, begin, size
        self.is_round = is_360  # the picture's left and right edge meet
        self.is_360 = is_360 and not hasattr(detector, "files")

    def find(self, time: float, picture: np.ndarray) -> Reference:
        """`time` in seconds from where the pictures begin."""
        if self.is_360:
            boxes, scores = self._around(picture)
        else:
            told = {"file": self.file, "times": [self.begin + time], "size": self.size}
            boxes, scores = self.detector.detect(picture[None], **told)[0]
        sure = (scores >= SURE) & _shown(boxes, picture, self.is_round)
        return Reference(time, picture, boxes[sure], scores[sure])

    def _around(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """In views to all sides, which overlap."""
        from avtools.stream.gaze import look_at
        from avtools.stream.view import Flat, flattened

        flat = Flat(VIEW_PIXELS, VIEW_PIXELS, VIEW_FOV)
        boxes, scores = [], []
        for k in range(VIEWS):
            turn = look_at(360.0 * k / VIEWS, 0.0)
            view = flattened(picture, flat, turn)
            for box, score in zip(*self.detector.detect(view[None])[0], strict=True):
                boxes.append(_on_sphere(box, flat, turn, picture.shape))
                scores.append(score)
        order = np.argsort(-np.array(scores), kind="stable")
        kept: list[int] = []
        for k in order:
            if all(_overlap(boxes[k], boxes[j], picture.shape[1]) < SAME for j in kept):
                kept.append(k)
        return np.array([boxes[k] for k in kept]).reshape(-1, 4), np.array(
            [scores[k] for k in kept]
        )


def first_faces(pictures: Iterable[tuple[float, np.ndarray]], finder: Finder) -> Reference | None:
    """Of the first picture with a face and those soon after, the one with the most and surest."""
    best, until = None, 0.0
    for time, picture in pictures:
        if best is not None and time > until:
            break
        found = finder.find(time, picture)
        if best is None and len(found.boxes):
            best, until = found, time + AFTER
        elif best is not None and found.scores.sum() > best.scores.sum() + BETTER:
            best = found
    return best


def _shown(boxes: np.ndarray, picture: np.ndarray, is_round: bool) -> np.ndarray:
    """Whose middle the picture shows: a table may tell of any place."""
    height, width = picture.shape[:2]
    x, y = boxes[:, 0] + boxes[:, 2] / 2, boxes[:, 1] + boxes[:, 3] / 2
    across = is_round | ((x >= 0) & (x <= width))
    return across & (y >= 0) & (y <= height)


def _on_sphere(box: np.ndarray, flat, turn: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A box of a flat view as a box of the equirectangular picture.

    Of the middles of its sides: its corners are not the face's.
    """
    from avtools.dsp.sphere import angles

    x, y, width, height = box
    across, down = np.array([(0, 0.5), (1, 0.5), (0.5, 0), (0.5, 1), (0.5, 0.5)]).T
    places = np.stack([x + across * width, y + down * height], axis=1)
    scale = 2 * flat.slope / flat.width
    rays = np.stack(
        [
            np.ones(len(places)),
            (flat.width / 2 - places[:, 0]) * scale,
            (flat.height / 2 - places[:, 1]) * scale,
        ],
        axis=1,
    )
    azimuth, elevation = angles(rays @ turn)
    azimuth = azimuth[4] + (azimuth - azimuth[4] + 180) % 360 - 180
    columns = shape[1] * (0.5 - azimuth / 360)
    rows = shape[0] * (0.5 - elevation / 180)
    return np.array([columns[0] % shape[1], rows[2], columns[1] - columns[0], rows[3] - rows[2]])


def _overlap(first: np.ndarray, second: np.ndarray, around: int) -> float:
    """Intersection over union, of boxes that may meet across the seam."""
    shift = (second[0] - first[0] + around / 2) % around - around / 2
    wide = min(first[2], shift + second[2]) - max(0.0, shift)
    high = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    shared = max(0.0, wide) * max(0.0, high)
    return shared / (first[2] * first[3] + second[2] * second[3] - shared)
