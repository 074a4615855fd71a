"""Running means over the windows of a stream."""

import numpy as np


def keep_for(seconds: float, hop_seconds: float) -> float:
    """How much of the past stays from window to window, for a time constant in seconds."""
    return float(np.exp(-hop_seconds / seconds)) if seconds > 0 else 0.0


class Smoother:
    """Running means of window after window: the past fades by `keep` a window."""

    def __init__(self, keep: float):
        self.keep = keep
        self.past: list[np.ndarray] | None = None

    def through(self, *arrays: np.ndarray) -> list[np.ndarray]:
        """Arrays `(k, windows, ...)` -> the same, smoothed along the windows."""
        if not self.keep:
            return list(arrays)
        smoothed = [np.empty_like(a) for a in arrays]
        if self.past is None:
            self.past = [np.array(a[:, 0], np.float64) for a in arrays]
        for k in range(arrays[0].shape[1]):
            for past, a, out in zip(self.past, arrays, smoothed, strict=True):
                past += (1 - self.keep) * (a[:, k] - past)
                out[:, k] = past
        return smoothed
