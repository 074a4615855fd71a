"""Running means over the windows of a stream."""

import numpy as np


def keep_for(seconds: float, hop_seconds: float) -> float:
    """How much of the past stays from window to window, for a time constant in seconds."""
    return float(np.exp(-hop_seconds / seconds)) if seconds > 0 else 0.0


class Smoother:
    """Running means of window after window: the past fades by `keep` a window.

    The first are plain means of all windows so far, else the very first would weigh the most.
    """

    def __init__(self, keep: float):
        self.keep = keep
        self.past: list[np.ndarray] | None = None
        self.count, self.squares = 0, 1.0
        # Of the last means `(windows,)`: how many windows, equally weighted, would be as steady.
        self.worth = np.ones(1)

    def through(self, *arrays: np.ndarray) -> list[np.ndarray]:
        """Arrays `(k, windows, ...)` -> the same, smoothed along the windows."""
        if not self.keep:
            return list(arrays)
        smoothed = [np.empty_like(a) for a in arrays]
        if self.past is None:
            self.past = [np.zeros_like(a[:, 0], np.float64) for a in arrays]
        self.worth = np.empty(arrays[0].shape[1])
        for k in range(len(self.worth)):
            self.count += 1
            new = max(1 - self.keep, 1 / self.count)
            for past, a, out in zip(self.past, arrays, smoothed, strict=True):
                past += new * (a[:, k] - past)
                out[:, k] = past
            self.squares = (1 - new) ** 2 * self.squares + new**2
            self.worth[k] = 1 / self.squares
        return smoothed
