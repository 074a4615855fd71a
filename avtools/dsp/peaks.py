"""Where directions gather on the sphere: the peaks of a weighted cloud of unit vectors."""

import numpy as np

# A direction counts for a peak within this angle, and what lies there belongs to that peak.
REACH = np.cos(np.deg2rad(25.0))
STEPS = 6


def nearness(cosine: np.ndarray) -> np.ndarray:
    """1 at the same place, falling to 0 at REACH."""
    return np.maximum(0.0, (cosine - REACH) / (1.0 - REACH)) ** 3


def find_peaks(
    directions: np.ndarray, weights: np.ndarray, most: int, least: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Up to `most` peaks: unit vectors `(n, 3)`, and the share of all weights at each, `(n,)`.

    Of directions `(k, 3)` with weights `(k,)`; the strongest first, none with a share below
    `least`. A lone direction has the share 1; directions from everywhere about 0.012 each.
    Everything turns with the directions: there is no grid.
    """
    total, left = weights.sum(), weights.copy()
    found, shares = [], []
    if total > 0:
        near = nearness(directions @ directions.T)
    while len(found) < most and left.sum() > 1e-9 * total:
        centre = directions[(near @ left).argmax()]
        for _ in range(STEPS):  # mean shift: to the mean of what is near
            close = left * nearness(directions @ centre)
            mean = close @ directions
            centre = mean / np.linalg.norm(mean)
        share = (left * nearness(directions @ centre)).sum() / total
        if share < least:
            break
        found.append(centre)
        shares.append(share)
        left = left * (directions @ centre < REACH)
    return np.array(found).reshape(-1, 3), np.array(shares)
