"""The curve, its answer, and the heat before and after lie where they are."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from avtools.dsp.rotation import rotation_matrix
from avtools.dsp.sphere import angles, unit_vectors
from avtools.plot.align360 import LINE, TurnPicture, named
from avtools.plot.figure import plain

ROWS, COLUMNS, STEP = 24, 96, 3.75


def cell(azimuth: float, elevation: float) -> tuple[int, int]:
    return int((0.5 - elevation / 180) * ROWS), int((0.5 - azimuth / 360) * COLUMNS) % COLUMNS


def spot(azimuth: float, elevation: float) -> np.ndarray:
    """Heat around one direction."""
    up = 180 * (0.5 - (np.arange(ROWS)[:, None] + 0.5) / ROWS)
    around = 360 * (0.5 - (np.arange(COLUMNS) + 0.5) / COLUMNS)
    near = unit_vectors(around, up) @ unit_vectors(azimuth, elevation)
    return np.exp((near - 1) / np.deg2rad(8) ** 2) * np.cos(np.deg2rad(up))


def picture(triple=(90.0, 0.0, 0.0), heard=None, verdict="misaligned", shown=None, **more):
    yaws = np.arange(COLUMNS) * STEP
    curve = 5 + np.exp(np.cos(np.deg2rad(yaws - triple[0])) * 8 - 8)
    heard = spot(120, 0) if heard is None else heard
    yaw, pitch, roll = triple
    more |= {"pitch": pitch, "roll": roll}
    return TurnPicture(curve, STEP, yaw, 0.93, verdict, shown, heard, **more)


def drawn(turn: TurnPicture) -> Figure:
    figure = Figure()
    turn.draw(figure)
    return figure


def place(heat: np.ndarray) -> tuple[float, float]:
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    return 180 - STEP * (column + 0.5), 90 - 7.5 * (row + 0.5)


@pytest.mark.parametrize("yaw", [90, -170, 180, 0, 33.0, 200])
def test_the_answer_is_marked_on_the_curve(yaw):
    upper = drawn(picture((yaw, 0.0, 0.0))).axes[0]
    curve = max(upper.get_lines(), key=lambda line: len(line.get_xdata()))
    (dot,) = [line for line in upper.get_lines() if line.get_marker() == "o"]
    (x,), (y,) = dot.get_data()
    assert x == pytest.approx((yaw + 180) % 360 - 180)
    assert y == pytest.approx(curve.get_ydata().max(), abs=0.1)
    assert upper.get_xlim() == (180, -180)
    (words,) = [t.get_text() for t in upper.texts]
    assert words.endswith("°") and (yaw != 90 or words == "+90°")


@pytest.mark.parametrize("triple", [(90, 0, 0), (-150, 0, 0), (20, -40, 0), (170, 30, -75)])
def test_the_heat_goes_back_to_where_it_is_seen(triple):
    source = unit_vectors(-60.0, 12.0)
    heard = angles(rotation_matrix(*triple) @ source)
    turn = picture(triple, spot(*heard))
    for heat, expected in ((turn.before, heard), (turn.after, (-60, 12))):
        found = unit_vectors(*place(heat))
        assert np.degrees(np.arccos(found @ unit_vectors(*expected))) < 8


def test_before_and_after_are_drawn_in_this_order_over_the_picture():
    shown = np.zeros((100, 200, 3), np.uint8)
    turn = picture(heard=spot(120, 0), shown=shown)
    _, middle, lower = drawn(turn).axes
    assert [place(a.get_images()[1].get_array())[0] for a in (middle, lower)] == pytest.approx(
        [120, 30], abs=4
    )
    for axes in (middle, lower):
        assert len(axes.get_images()) == 2
        assert all(tuple(i.get_extent()) == (180, -180, -90, 90) for i in axes.get_images())
    assert middle.get_title(loc="left") == "the sound as it comes"
    assert len(drawn(picture()).axes[1].get_images()) == 1


def test_narrow_cells_near_a_pole_count_by_their_size():
    heard = np.full((ROWS, COLUMNS), 1e-3)
    heard[cell(0, 0)], heard[cell(0, 63)] = 1.0, 0.9
    assert place(picture(heard=heard).before)[1] == pytest.approx(63, abs=4)


def test_words():
    assert picture().words == "misaligned, sound turned by +90° (confidence 0.93)"
    words = picture((90.0, 20.0, -5.0), verdict="unsure").words
    assert words == "unsure, yaw +90°, pitch +20°, roll −5° (confidence 0.93)"
    assert named("", words) == words and named("a.mp4", "x") == "a.mp4: x"
    long = named("a" * 300 + "z.mp4", words)
    longest = picture((-170.0, -80.0, -135.0)).words
    assert plain(named("a" * 300, longest)).endswith(longest)
    assert long.endswith(words) and "z.mp4" in long and len(named("a" * 300, "x")) <= LINE + 3


def test_nothing_heard_and_nothing_known(tmp_path):
    turn = TurnPicture(
        np.zeros(96), STEP, 0.0, 0.0, "unsure", None, np.zeros((ROWS, COLUMNS)), "a$b$.wav"
    )
    assert not turn.before.any() and not turn.after.any()
    said = [t.get_text() for axes in drawn(turn).axes for t in axes.texts]
    assert said == ["nothing speaks for any angle", "nothing heard", "nothing heard"]
    turn.save(tmp_path / "a.png")
    picture(shown=np.zeros((40, 80, 3))).save(tmp_path / "b.svg")
    assert all((tmp_path / n).stat().st_size > 5000 for n in ("a.png", "b.svg"))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="whole turn"):
        TurnPicture(np.zeros(90), STEP, 0, 0, "unsure", None, np.zeros((ROWS, COLUMNS)))
    with pytest.raises(ValueError, match="rows, columns"):
        TurnPicture(np.zeros(96), STEP, 0, 0, "unsure", None, np.zeros(96))
    with pytest.raises(ValueError, match="height, width"):
        TurnPicture(np.zeros(96), STEP, 0, 0, "unsure", np.zeros((3, 4)), np.zeros((24, 96)))
