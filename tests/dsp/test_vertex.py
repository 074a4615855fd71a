"""The top of a curve between its samples."""

import numpy as np
import pytest

from avtools.dsp.vertex import vertex


@pytest.mark.parametrize("top", [-0.5, -0.2, 0.0, 0.31, 0.5])
def test_a_parabola_is_found_exactly(top):
    x = np.array([-1.0, 0.0, 1.0])
    assert vertex(*(3 - 2 * (x - top) ** 2)) == pytest.approx(top, abs=1e-12)


def test_what_has_no_top_gives_the_middle_and_nothing_runs_away():
    assert vertex(1.0, 1.0, 1.0) == 0 and vertex(2.0, 1.0, 2.0) == 0
    assert vertex(1.0, 2.0, 2.99) == 1.0
    assert vertex([0.0, 0.0], [1.0, 1.0], [0.0, 0.5]).shape == (2,)
