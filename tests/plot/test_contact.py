"""Contact sheets: what is drawn over each picture lies where it is said to lie."""

import numpy as np
import pytest

from avtools.plot.contact import MOST_CELLS, Box, Cell, Mark, contact_sheet
from tests.scenes import ROOT

BLUE = (40, 90, 200)  # no text is drawn in it
RED = "#ff0000"


def blue(width: int = 160, height: int = 90) -> np.ndarray:
    return np.full((height, width, 3), BLUE, np.uint8)


def drawn(path, cells, **more) -> np.ndarray:
    import cv2

    contact_sheet(str(path), cells, **more)
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB).astype(int)


def span(mask: np.ndarray) -> tuple[int, int, int, int]:
    """First and last column and row where it is true."""
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    return columns[0], columns[-1], rows[0], rows[-1]


def is_red(page: np.ndarray) -> np.ndarray:
    return (page[..., 0] > 200) & (page[..., 1] < 60) & (page[..., 2] < 60)


def is_blue(page: np.ndarray) -> np.ndarray:
    return (np.abs(page - BLUE) < 3).all(-1)


def test_a_box_lies_where_it_is_said_to_lie(tmp_path):
    page = drawn(tmp_path / "a.png", [Cell(blue(), "one", [(40, 18, 80, 36, "", RED)])])
    left, right, top, bottom = span(is_blue(page))
    scale = (right - left) / 160
    assert scale > 5 and abs((bottom - top) / scale - 90) < 1
    edges = np.array(span(is_red(page)), float)
    places = (edges - [left, left, top, top]) / scale
    assert np.abs(places - [40, 120, 18, 54]).max() < 1


def test_a_box_beyond_the_picture_is_cut_off(tmp_path):
    cells = [Cell(blue(), "one", [Box(-30, -30, 60, 60, "", RED)]), Cell(blue(), "two")]
    page = drawn(tmp_path / "a.png", cells)
    left, _, top, _ = span(is_blue(page))
    red = span(is_red(page))
    assert red[0] >= left - 2 and red[2] >= top - 2


def test_an_arrow_points_out_of_the_side_where_something_is(tmp_path):
    for x, half in ((-5, 0), (200, 1)):
        page = drawn(tmp_path / "a.png", [Cell(blue(), "one", (), [Mark(x, "bell", RED)])])
        columns = np.flatnonzero(is_red(page).any(0))
        assert (columns.mean() > page.shape[1] / 2) == half


def test_a_flag_points_at_its_place(tmp_path):
    for x, edge in ((50, 0), (110, 1)):
        page = drawn(tmp_path / "a.png", [Cell(blue(), "one", (), [Mark(x, "bell", RED)])])
        left, right, *_ = span(is_blue(page))
        at = (span(is_red(page))[edge] - left) / (right - left) * 160
        assert abs(at - x) < 3


@pytest.mark.parametrize("count", [1, 7, MOST_CELLS + 5])
def test_each_picture_is_there_up_to_the_most(tmp_path, count):
    import cv2

    page = drawn(tmp_path / "a.png", [Cell(blue(40, 20), "c")] * count, title="T")
    islands, *_ = cv2.connectedComponents(is_blue(page).astype(np.uint8))
    assert islands - 1 == min(count, MOST_CELLS)


def test_pictures_of_several_shapes_and_names_stand_side_by_side(tmp_path):
    cells = [
        Cell(blue(300, 60), "wide $x_1$\nsecond line"),
        Cell(blue(30, 200), "tall \x07 名前" * 20, [(3, 3, 9, 9, "a" * 99, RED)]),
        Cell(blue(2, 2), "", (), [Mark(0, "0°"), Mark(-3, "off", RED), Mark(1, "there", RED)]),
    ]
    for name in ("a.png", "a.svg", "a.pdf"):
        contact_sheet(str(tmp_path / name), cells, "Title", [("sounds", RED)])
        assert (tmp_path / name).stat().st_size > 4000
    contact_sheet(str(tmp_path / "b.svg"), cells, "Title", [("sounds", RED)])
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_what_can_not_be_drawn_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no cells"):
        contact_sheet(str(tmp_path / "a.png"), [])
    with pytest.raises(ValueError, match=r"expected \(height, width, 3\)"):
        contact_sheet(str(tmp_path / "a.png"), [Cell(np.zeros((4, 4), np.uint8), "")])
    assert not list(tmp_path.iterdir())


def test_it_needs_no_torch():
    import subprocess
    import sys

    code = "import sys, avtools.plot.contact; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
