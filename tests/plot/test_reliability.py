"""What is drawn is what was counted."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from avtools.plot.reliability import ErrorPicture, ReliabilityPicture

EDGES = np.linspace(0, 1, 5)


def reliability() -> ReliabilityPicture:
    said, so = [0.1, np.nan, 0.6, 0.9], [0.2, np.nan, 0.5, 1.0]
    low, high = [0.1, 0, 0.3, 0.8], [0.4, 1, 0.7, 1.0]
    return ReliabilityPicture(EDGES, [20, 0, 10, 30], said, so, low, high, 0.07, "flip, signal")


def drawn(picture) -> Figure:
    figure = Figure()
    picture.draw(*figure.subplots(2, 1))
    return figure


def test_bins_with_clips_are_drawn_where_they_are():
    upper, lower = drawn(reliability()).axes
    container = upper.containers[0]
    x, y = container.lines[0].get_data()
    np.testing.assert_allclose(x, [0.1, 0.6, 0.9])
    np.testing.assert_allclose(y, [0.2, 0.5, 1.0])
    ends = [segment[:, 1] for segment in container.lines[2][0].get_segments()]
    np.testing.assert_allclose(ends, [[0.1, 0.4], [0.3, 0.7], [0.8, 1.0]])
    assert [bar.get_height() for bar in lower.patches] == [20, 0, 10, 30]
    assert [text.get_text() for text in lower.texts] == ["20", "10", "30"]


def test_the_title_says_the_error(tmp_path):
    path = tmp_path / "x.svg"
    reliability().save(path)
    nothing = ReliabilityPicture(EDGES, [0] * 4, *[[np.nan] * 4] * 4, np.nan)
    nothing.save(tmp_path / "nothing.svg")
    assert path.stat().st_size > (tmp_path / "nothing.svg").stat().st_size > 0


def test_edges_are_one_more_than_bins():
    with pytest.raises(ValueError, match="one more than bins"):
        ReliabilityPicture(EDGES, [1, 2], [0, 1], [0, 1], [0, 1], [0, 1], 0.0)


def test_errors_and_their_confidence(tmp_path):
    confidence = np.linspace(0, 1, 40)
    error = 170 * (1 - confidence)
    picture = ErrorPicture([*error, np.nan], [*confidence, 0.5], "align360, signal")
    assert picture.median == pytest.approx(85)
    upper, lower = drawn(picture).axes
    assert sum(bar.get_height() for bar in upper.patches) == pytest.approx(100)
    x, y = upper.get_lines()[0].get_data()
    assert y[np.searchsorted(x, 85.0)] == pytest.approx(50, abs=3) and (x[-1], y[-1]) == (180, 100)
    means = lower.get_lines()[1].get_ydata()
    assert len(means) == 5 and (np.diff(means) < 0).all()
    picture.save(tmp_path / "x.png")
    ErrorPicture([], []).save(tmp_path / "none.png")
    assert (tmp_path / "x.png").stat().st_size > 10_000
