"""OpenCV's own face detector, which needs no file: upright faces seen from the front.

Of its cascades `frontalface_alt2`: on 120 drawn textures and shapes and 24 views of a photographed
panorama it finds no face (`frontalface_default`: 9), and more of the real ones in less time. The
weights of its last stage are 55 to 58 for faces and under 55 for the few false hits of finer
searches. At 0.06 megapixels a frame takes about 20 ms; faces down to a tenth of the shorter side
are found. In a whole 360° picture they are smaller than that: cut a view out first.
"""

import numpy as np

from avtools.faces.detector import Found, checked, found

CASCADE = "haarcascade_frontalface_alt2.xml"
PIXELS = 320 * 180
SCALE_STEP, NEIGHBOURS = 1.2, 3
LEAST_SIDE, LEAST_PIXELS = 0.1, 20
EVEN_WEIGHT, WEIGHT_STEP = 55.0, 0.5  # of the logistic that turns a weight into a score


class Haar:
    def __init__(self):
        import cv2

        if not hasattr(cv2, "CascadeClassifier"):
            raise ValueError(
                f"OpenCV {cv2.__version__} has no Haar detector, expected 4.13 or later, below 5"
            )
        path = getattr(getattr(cv2, "data", None), "haarcascades", "") + CASCADE
        self.cascade = cv2.CascadeClassifier(path)
        if self.cascade.empty():
            raise ValueError(f"{path}: not found or no cascade, expected it with OpenCV")

    def detect(self, frames: np.ndarray, *, file="", times=None, size=None) -> list[Found]:
        return [self._one(frame) for frame in checked(frames)]

    def _one(self, frame: np.ndarray) -> Found:
        import cv2

        height, width = frame.shape[:2]
        scale = min(1.0, (PIXELS / max(height * width, 1)) ** 0.5)
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        if min(small) < LEAST_PIXELS:
            return found([], [])
        grey = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)
        grey = cv2.resize(grey, small, interpolation=cv2.INTER_AREA)
        least = max(LEAST_PIXELS, round(LEAST_SIDE * min(small)))
        boxes, _, weights = self.cascade.detectMultiScale3(
            grey,
            scaleFactor=SCALE_STEP,
            minNeighbors=NEIGHBOURS,
            minSize=(least, least),
            outputRejectLevels=True,
        )
        boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        per_pixel = np.array([width / small[0], height / small[1]] * 2)
        return found(boxes * per_pixel, scores(np.ravel(weights)))


def scores(weights: np.ndarray) -> np.ndarray:
    """0 to 1, of the cascade's weights."""
    return 1 / (1 + np.exp((EVEN_WEIGHT - np.asarray(weights, np.float64)) / WEIGHT_STEP))
