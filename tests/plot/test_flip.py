"""Sides over time lie where they are, as strong as they are, on windows of their colour."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from avtools.plot.flip import ALIGNED, FLIPPED, MOST_DOTS, SIGHT, SOUND, SidesPicture, thinned

TIMES = np.arange(0, 20, 0.04) + 0.02
SIDE = 0.8 * np.sin(TIMES / 3)
ONES = np.ones_like(TIMES)
WINDOWS = [(0, 10, 0.02), (10, 20, 0.9)]


def sides(times=TIMES, sound=SIDE, heard=ONES, sight=-SIDE, seen=ONES, windows=WINDOWS, **more):
    return SidesPicture(times, sound, heard, sight, seen, windows, "flipped", 0.97, **more)


def axes_of(picture: SidesPicture):
    figure = Figure()
    picture.draw(figure)
    return figure.axes[0]


def dots(axes, colour: str):
    (found,) = [c for c in axes.collections if to_hex(c.get_facecolor()[0]) == colour.lower()]
    return found


def test_both_sides_are_drawn_where_they_are_and_left_is_up():
    axes = axes_of(sides())
    assert axes.get_ylim()[0] < -1 < 1 < axes.get_ylim()[1]
    marks = [t.get_text() for t in axes.get_yticklabels()]
    assert marks[0] == "right" and marks[-1] == "left" and axes.get_yticks()[-1] == 1
    for colour, side in ((SOUND, SIDE), (SIGHT, -SIDE)):
        x, y = dots(axes, colour).get_offsets().T
        np.testing.assert_allclose(x, TIMES)
        np.testing.assert_allclose(y, side)
    assert axes.get_xlim() == (0, 20)


def test_what_says_little_is_faint_and_what_says_nothing_is_not_there():
    weight = np.where(np.arange(len(TIMES)) % 3, 1.0, 0.2)
    weight[::5] = 0
    axes = axes_of(sides(heard=weight))
    found = dots(axes, SOUND)
    kept = weight > 0
    assert len(found.get_offsets()) == kept.sum()
    opacity = found.get_facecolor()[:, 3]
    np.testing.assert_allclose(opacity / opacity.max(), weight[kept])


def test_windows_have_the_colour_of_their_answer_the_more_the_surer():
    windows = [(0, 10, 0.02), (10, 20, 0.9), (20, 30, 0.5)]
    axes = axes_of(sides(windows=windows))
    spans = axes.patches
    assert [to_hex(s.get_facecolor()) for s in spans[:2]] == [ALIGNED.lower(), FLIPPED.lower()]
    opacity = [s.get_facecolor()[3] for s in spans]
    assert opacity[0] > opacity[1] > opacity[2] == 0
    assert [s.get_x() for s in spans] == [0, 10, 20]
    assert [t.get_text() for t in axes.texts] == ["0.02", "0.90", "0.50"]
    assert axes.get_xlim() == (0, 30)


def test_many_windows_have_no_words_and_many_moments_few_dots():
    times = np.arange(0, 3600, 0.04)
    side = np.where(times < 1800, 0.5, -0.5)
    windows = [(k, k + 10, 0.1) for k in range(0, 3600, 10)]
    axes = axes_of(sides(times, side, np.ones_like(times), side, 0 * times, windows))
    assert not axes.texts and len(axes.patches) == 360
    x, y = dots(axes, SOUND).get_offsets().T
    assert len(x) == MOST_DOTS and (np.diff(x) > 0).all()
    np.testing.assert_allclose(
        y[(x < 1790) | (x > 1810)], np.where(x < 1800, 0.5, -0.5)[(x < 1790) | (x > 1810)]
    )


def test_neighbours_are_averaged_by_their_weights():
    times = np.linspace(0, 1, 4 * MOST_DOTS)
    side, weight = (
        np.tile([1.0, -1.0, np.nan, 0.5], MOST_DOTS),
        np.tile([3.0, 1.0, 1.0, 0.0], MOST_DOTS),
    )
    _, found, total = thinned(times, side, weight)
    np.testing.assert_allclose(found[2:-2], 0.5, atol=0.3)
    assert found.mean() == pytest.approx(0.5, abs=0.01) and total.sum() == 4 * MOST_DOTS
    side = np.array([2.0, np.inf, -3.0])
    np.testing.assert_array_equal(thinned(np.arange(3), side, np.ones(3))[1], [1, -1])


def test_nothing_and_saving(tmp_path):
    nothing = sides([], [], [], [], [], [], title="mono.mp4")
    assert [t.get_text() for t in axes_of(nothing).texts] == ["no side heard or seen"]
    nothing.save(tmp_path / "a.png")
    silent = sides(heard=0 * ONES, seen=0 * ONES, windows=[(0, 20, 0.5)])
    assert axes_of(silent).get_xlim() == (0, 20)
    assert silent.words == "flipped (probability of being flipped 0.97)"
    sides(title="a$b$.mp4").save(tmp_path / "b.pdf")
    assert all((tmp_path / n).stat().st_size > 5000 for n in ("a.png", "b.pdf"))


def test_arrays_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match="one length"):
        sides(sound=SIDE[1:])
