"""Where a sampled curve is highest, between its samples."""

import numpy as np


def vertex(before, at, after):
    """How far right of the middle sample the parabola through three has its top, -1 to 1.

    Arrays or numbers, equally spaced; 0 where the middle is no top of one.
    """
    before, at, after = (np.asarray(x, float) for x in (before, at, after))
    bend = before - 2 * at + after
    shift = (before - after) / np.where(bend < 0, 2 * bend, 1.0)
    return np.where(bend < 0, np.clip(shift, -1, 1), 0.0)
