"""What moves is found in its cells; what the camera does is not; and the clock is even."""

import numpy as np
import pytest

from avtools.signal.motion import DISTINCT, TICKS, distinct, movement, small_size
from tests.signal.strokes import coloured, texture

SIZE = small_size(640, 360)
CELL = 4


def total(pictures, is_360: bool = False) -> np.ndarray:
    """(ticks, rows, columns)."""
    return np.concatenate(list(movement(pictures, is_360)))


def filmed(greys, times=None):
    times = np.arange(len(greys)) / TICKS if times is None else times
    return [(float(t), coloured(g)) for t, g in zip(times, greys, strict=True)]


def with_square(grey: np.ndarray, left: float, top: int = 40, side: int = 16) -> np.ndarray:
    """A bright square; parts of pixels count."""
    across = np.clip(np.arange(grey.shape[1]) + 1 - left, 0, 1)
    across = across * np.clip(left + side - np.arange(grey.shape[1]), 0, 1)
    made = grey.copy()
    made[top : top + side] += across * (220 - made[top : top + side])
    return made


SHAKE = {"shift": 1.0, "turn": 0.4, "zoom": 0.006}


def shaken(turn: float, zoom: float, shift: float, count: int = 15):
    """What a camera sees that shifts (pixels), turns (degrees) and zooms at random."""
    import cv2

    rng = np.random.default_rng(1)
    width, height = SIZE
    wide = texture(width + 40, height + 40, seed=5)
    middle = (wide.shape[1] / 2, wide.shape[0] / 2)
    for _ in range(count):
        matrix = cv2.getRotationMatrix2D(
            middle, rng.uniform(-turn, turn), 1 + rng.uniform(-zoom, zoom)
        )
        matrix[:, 2] += rng.uniform(-shift, shift, 2)
        seen = cv2.warpAffine(wide, matrix, wide.shape[::-1], flags=cv2.INTER_CUBIC)
        yield seen[20:-20, 20:-20]


@pytest.mark.parametrize(
    "source, small",
    [((640, 360), (192, 108)), ((360, 640), (192, 340)), ((100, 1000), (192, 384))],
)
def test_pictures_are_decoded_at_whole_cells(source, small):
    assert small_size(*source) == small
    assert small_size(960, 480, is_360=True) == (192, 96)
    made = total(filmed([np.zeros(small[::-1])] * 2))
    assert made.shape == (1, small[1] // CELL, 48)


def test_where_nothing_moves_there_is_nothing():
    made = total(filmed([texture(*SIZE)] * 10))
    assert made.shape == (9, 27, 48) and (made == 0).all()


def test_what_moves_is_found_in_its_cells_and_nowhere_else():
    back = texture(*SIZE)
    made = total(filmed([with_square(back, 60 + k) for k in range(25)])).sum(axis=0)
    # Rows 40 to 56 and columns 60 to 100 of pixels, softened into the cells beside them.
    assert made[10:14, 15:25].sum() > 0.9 * made.sum()
    assert made[9:15, 14:26].sum() > 0.96 * made.sum()
    assert made[10:14, 15:25].min() > 0.25 * made.max()


def test_it_is_timed_by_the_pictures():
    """A square that only jumps between ticks 9 and 10."""
    back = texture(*SIZE)
    made = total(filmed([with_square(back, 60 if k < 10 else 64) for k in range(25)]))
    assert np.flatnonzero(made.sum(axis=(1, 2))).tolist() == [9]


@pytest.mark.parametrize("way", ["shift", "turn", "zoom"])
def test_what_the_camera_does_is_no_movement(way):
    greys = list(shaken(**dict.fromkeys(SHAKE, 0.0) | {way: SHAKE[way]}))
    plain = np.abs(np.diff(np.stack(greys), axis=0)).mean()
    assert plain > 0.7  # there is something to explain
    assert total(filmed(greys)).mean() < 0.08 * plain


def test_something_that_moves_is_found_though_the_camera_shakes():
    greys = [with_square(g, 60 + k) for k, g in enumerate(shaken(**SHAKE))]
    made = total(filmed(greys)).sum(axis=0)
    assert made[9:15, 14:23].sum() > 0.6 * made.sum()
    assert np.unravel_index(made.argmax(), made.shape)[0] in range(10, 14)


def test_grain_is_no_movement():
    rng = np.random.default_rng(4)
    back = texture(*SIZE)
    grain = [back + 4 * rng.standard_normal(back.shape) for _ in range(15)]
    nothing = total(filmed(grain)).mean()
    assert nothing < 0.25 * np.abs(np.diff(np.stack(grain), axis=0)).mean() / 2
    made = total(filmed([with_square(g, 60 + 2 * k) for k, g in enumerate(grain)])).mean(axis=0)
    assert made[10:14, 15:23].mean() > 20 * nothing


def test_what_a_codec_leaves_in_a_still_picture_is_left_out():
    motion = np.full((10, 27, 48), 0.9 * DISTINCT, np.float32)
    assert (distinct(motion) == 0).all()
    motion[4, 5, 8] = 1.1 * DISTINCT
    assert (distinct(motion)[:, 5, 8] == motion[:, 5, 8]).all()
    assert distinct(motion[:0]).shape == (0, 27, 48)


def glowing(times) -> list[tuple[float, np.ndarray]]:
    """A lamp that grows brighter evenly, 50 grey levels a second."""
    back = np.full(SIZE[::-1], 60.0)
    spot = np.zeros_like(back)
    spot[40:56, 60:76] = 1
    return filmed([back + 50 * t * spot for t in times], times)


@pytest.mark.parametrize(
    "times",
    [
        np.arange(51) / 25,
        np.arange(61) / 30,
        np.arange(101) / 50,
        np.arange(13) / 6,
        np.r_[0, 2, np.sort(np.random.default_rng(0).choice(np.arange(1, 120), 40, False)) / 60],
    ],
    ids=["25", "30", "50", "6", "changing"],
)
def test_pictures_of_any_rate_tell_the_same_amount(times):
    """50 grey levels a second in 16 cells, whenever the pictures are taken."""
    made = total(glowing(np.sort(times)))[:50]
    assert made.sum(axis=0)[11:13, 16:18] == pytest.approx(100, rel=0.03)
    part = made.sum(axis=(1, 2)).reshape(5, 10).sum(axis=1)
    assert part == pytest.approx(part.mean(), rel=0.03)


def test_a_cut_is_no_movement():
    greys = [texture(*SIZE)] * 5 + [255 - texture(*SIZE, seed=8)] * 5
    assert np.abs(greys[4] - greys[5]).mean() > 20
    assert total(filmed(greys)).sum() == 0


def test_seconds_of_25_ticks_each():
    greys = [with_square(texture(*SIZE), 60 + k) for k in range(61)]
    blocks = list(movement(filmed(greys)))
    assert [len(b) for b in blocks] == [25, 25, 10]
    assert all((b.sum(axis=(1, 2)) > 0).all() for b in blocks)


def test_no_picture_no_tick():
    assert list(movement([])) == []
    assert list(movement(filmed([texture(*SIZE)]))) == []


def test_the_ticks_before_a_late_first_picture_are_zero():
    greys = [with_square(texture(*SIZE), 60 + k) for k in range(11)]
    made = total(filmed(greys, 1 + np.arange(11) / TICKS))
    assert len(made) == 35
    assert (made[:25] == 0).all() and (made[25:].sum(axis=(1, 2)) > 0).all()


def test_pictures_before_the_sound_count_from_its_beginning_on():
    moments = -0.4 + np.arange(36) / TICKS
    full, late = total(glowing(moments + 0.4)), total(glowing(moments))
    assert len(late) == 25
    assert late.sum(axis=0)[11, 16] == pytest.approx(full[10:].sum(axis=0)[11, 16], rel=0.03)
    assert total(glowing(np.array([-0.02, 0.02])))[0, 11, 16] == pytest.approx(
        0.5 * 50 / 25, abs=0.3
    )
    few = total(glowing(np.arange(-0.2, 2.1, 0.4)))[:, 11, 16]
    assert few == pytest.approx(np.full(len(few), 50 / 25), abs=0.05)
    assert list(movement(glowing(np.array([-0.4, -0.2])))) == []


def test_a_gap_of_more_than_half_a_second_is_no_movement():
    back = texture(*SIZE)
    first = [with_square(back, 60 + k) for k in range(11)]
    then = [with_square(back, 100 + k) for k in range(11)]
    moments = np.r_[np.arange(11), 60 + np.arange(11)] / TICKS
    made = total(filmed(first + then, moments)).sum(axis=(1, 2))
    assert len(made) == 70
    assert (made[:10] > 0).all() and (made[10:60] == 0).all() and (made[60:] > 0).all()
    near = total(filmed([first[0], then[0]], [0.9, 1.3])).sum(axis=(1, 2))
    assert len(near) == 33 and (near[:22] == 0).all() and (near[23:] > 0).all()


def test_the_sphere_goes_on_at_its_edges():
    """Turned about the vertical it is no movement; what crosses the edge is, on both sides."""
    back = texture(192, 96)
    turned = [np.roll(back, k, axis=1) for k in range(10)]
    plain = np.abs(np.diff(np.stack(turned), axis=0)).mean()
    assert total(filmed(turned), is_360=True).mean() < 0.05 * plain
    square = [np.roll(with_square(back * 0 + 90, 180), k, axis=1) for k in range(0, 12, 2)]
    made = total(filmed(square), is_360=True).sum(axis=0)
    assert made.shape == (48, 96)
    beside = made[19:29][:, np.r_[88:96, :7]]
    assert beside.sum() == pytest.approx(made.sum(), rel=1e-3)
    # As much as anywhere else.
    inside = [np.roll(p, 96, axis=1) for p in square]
    assert np.roll(total(filmed(inside), is_360=True).sum(axis=0), 48, axis=1) == pytest.approx(
        made, abs=1e-3
    )
