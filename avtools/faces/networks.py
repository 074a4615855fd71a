"""Face networks from files that the user names, run by OpenCV: YuNet, RetinaFace and YOLO."""

import os
from collections.abc import Callable

import numpy as np

from avtools.faces import decoding
from avtools.faces.detector import LEAST_SCORE, Found, checked, found

OVERLAP = 0.4  # of two boxes, intersection over union: beyond it the less sure one is dropped
MOST = 1000
YUNET_PIXELS = 512 * 512
SIDE = 640
DECODERS = ("retinaface", "yolo")
# What RetinaFace was trained with: blue, green, red of an average picture.
RETINAFACE_MEAN = (104.0, 117.0, 123.0)
GREY = 114
# Looked at when a network is opened: what is of another kind shall be told before the first frame.
TRIAL = np.full((1, 64, 64, 3), GREY, np.uint8)


def _opened(path: str, load: Callable):
    """A network, or a line that says why there is none; OpenCV's own complaints stay unheard."""
    import cv2

    if not os.path.isfile(path):
        raise ValueError(f"{path}: no such file, expected an ONNX network")
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return load()
    except (cv2.error, SystemError) as error:
        raise ValueError(f"{path}: OpenCV can't read it, expected an ONNX network") from error
    finally:
        cv2.utils.logging.setLogLevel(level)


class YuNet:
    """OpenCV's own format of a small network: face_detection_yunet_*.onnx."""

    def __init__(self, path: str):
        import cv2

        if not hasattr(cv2, "FaceDetectorYN"):
            raise ValueError(f"OpenCV {cv2.__version__} has no YuNet, expected 4.13 or later")
        self.path = path
        self.network = _opened(
            path,
            lambda: cv2.FaceDetectorYN.create(path, "", (64, 64), LEAST_SCORE, OVERLAP, MOST),
        )
        self.detect(TRIAL)

    def detect(self, frames: np.ndarray, *, file="", times=None, size=None) -> list[Found]:
        return [self._one(frame) for frame in checked(frames)]

    def _one(self, frame: np.ndarray) -> Found:
        import cv2

        height, width = frame.shape[:2]
        scale = min(1.0, (YUNET_PIXELS / max(height * width, 1)) ** 0.5)
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = cv2.resize(frame, small, interpolation=cv2.INTER_AREA)
        self.network.setInputSize(small)
        try:
            _, faces = self.network.detect(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        except cv2.error as error:
            raise ValueError(f"{self.path}: not YuNet, expected its outputs") from error
        if faces is None:
            return found([], [])
        per_pixel = np.array([width / small[0], height / small[1]] * 2)
        return found(faces[:, :4] * per_pixel, faces[:, -1])


class Network:
    """RetinaFace or YOLO, with a square input of `side` pixels."""

    def __init__(self, path: str, decode: str = "auto", side: int = SIDE):
        import cv2

        if decode not in ("auto", *DECODERS):
            raise ValueError(f"decode={decode}, expected {' or '.join(DECODERS)}")
        if not 32 <= side <= 4096:
            raise ValueError(f"side={side}, expected 32 to 4096 pixels")
        self.path, self.side = path, side
        self.network = _opened(path, lambda: cv2.dnn.readNetFromONNX(path))
        self.names = list(self.network.getUnconnectedOutLayersNames())
        self.decode = decode
        if decode == "auto":
            self.decode = "yolo" if len(self.names) == 1 else "retinaface"
        self.detect(TRIAL)

    def detect(self, frames: np.ndarray, *, file="", times=None, size=None) -> list[Found]:
        return [self._one(frame) for frame in checked(frames)]

    def _one(self, frame: np.ndarray) -> Found:
        import cv2

        picture, scale = fitted(frame, self.side)
        self.network.setInput(blob(picture, self.decode))
        try:
            outputs = self.network.forward(self.names)
        except cv2.error as error:
            raise ValueError(
                f"{self.path}: the network can't be run on {self.side} x {self.side} pixels; its "
                "own size is said with ,side=PIXELS"
            ) from error
        try:
            if self.decode == "yolo":
                boxes, scores = decoding.yolo(outputs)
            else:
                boxes, scores = decoding.retinaface(outputs, self.side, self.side)
        except ValueError as error:
            raise ValueError(f"{self.path}: {error}") from error
        return found(*apart(boxes / scale, scores))


def fitted(frame: np.ndarray, side: int) -> tuple[np.ndarray, float]:
    """The frame as large as it fits into the top left of a grey square, and the scale."""
    import cv2

    height, width = frame.shape[:2]
    scale = side / max(height, width)
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    square = np.full((side, side, 3), GREY, np.uint8)
    square[: small[1], : small[0]] = cv2.resize(frame, small, interpolation=way)
    return square, scale


def blob(picture: np.ndarray, decode: str) -> np.ndarray:
    """`(1, 3, side, side)` as each was trained: YOLO RGB of 0 to 1, RetinaFace BGR less a mean."""
    if decode == "yolo":
        x = picture.astype(np.float32) / 255
    else:
        x = picture[..., ::-1].astype(np.float32) - np.array(RETINAFACE_MEAN, np.float32)
    return np.ascontiguousarray(x.transpose(2, 0, 1)[None])


def apart(boxes: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those that are sure enough, and of overlapping ones the surest."""
    import cv2

    sure = np.isfinite(boxes).all(axis=1) & (scores >= LEAST_SCORE)
    boxes, scores = boxes[sure], scores[sure]
    kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), LEAST_SCORE, OVERLAP, top_k=MOST)
    kept = np.asarray(kept, np.int64).ravel()
    return boxes[kept], scores[kept]
