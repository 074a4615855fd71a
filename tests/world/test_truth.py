"""Truth is true: what is rendered lies where the tables say."""

import dataclasses

import numpy as np
import pytest

from avtools.world.bank import Bank
from avtools.world.drawing import draw
from avtools.world.images import Images
from avtools.world.render import render
from avtools.world.scenes import LOOKS, SHOWS
from avtools.world.sights import seen
from avtools.world.truth import COLUMNS, SOUNDS_FROM, Outlines, at_times, facts, rows

SIZES = {"stereo": (320, 180), "360": (480, 240)}
SEEDS = np.arange(6)
# Pixels: points of a star are thinner than a pixel of the mask.
TIP = 2.0
TIMES = np.array([0.3, 2.4])


def masks_of(scenes, size, times=TIMES):
    return seen(scenes, size, times, masks=True)[1].numpy()


def bodies(scenes):
    """The same scenes with nothing that sounds, and so without sticks and bows."""
    nothing = scenes.present & False
    show = np.full_like(scenes.show, SHOWS.index("pulse"))
    return dataclasses.replace(scenes, heard=nothing, mimes=nothing, show=show)


def fits(mask, x: float, y: float, w: float, h: float) -> None:
    """The box ends where the mask does, the picture's edges apart."""
    rows_, columns = np.nonzero(mask)
    assert abs(max(y, 0) - rows_.min()) < TIP
    assert abs(min(y + h, mask.shape[0]) - rows_.max() - 1) < TIP
    if x > 0 and x + w < mask.shape[1]:
        assert abs(x - columns.min()) < TIP and abs(x + w - columns.max() - 1) < TIP


def alone(scenes, k: int):
    """The scene with nothing but one thing in it, and nothing before it."""
    only = np.zeros_like(scenes.present)
    only[:, k] = scenes.present[:, k]
    return dataclasses.replace(scenes, present=only, pillar_width=0 * scenes.pillar_width)


@pytest.mark.parametrize("kind", SIZES)
def test_the_middle_of_a_body_lies_where_the_table_says(kind):
    s = bodies(draw(kind, "easy", SEEDS, 3.0))
    size = SIZES[kind]
    truth = at_times(s, TIMES, size)
    masks = masks_of(s, size) > 0
    for b in range(len(SEEDS)):
        for t in range(len(TIMES)):
            x, y = centroid(masks[b, t], truth["center_x"][b, 0, t])
            # A tangent plane's middle is not quite the middle of what is seen, off the horizon.
            bent = 0 if kind == "stereo" else 0.02 * truth["height"][b, 0, t]
            assert abs(x - truth["center_x"][b, 0, t]) < 1.0
            assert abs(y - truth["center_y"][b, 0, t]) < 1.0 + bent


def centroid(mask: np.ndarray, near: float) -> tuple[float, float]:
    """In pixels from the edges, x unwrapped to lie near a column."""
    rows_, columns = np.nonzero(mask)
    width = mask.shape[1]
    x = columns + 0.5
    if mask[:, 0].any() and mask[:, -1].any():
        x = near + (x - near + width / 2) % width - width / 2
    return x.mean(), rows_.mean() + 0.5


@pytest.mark.parametrize("kind", SIZES)
def test_boxes_hold_the_bodies_and_nothing_more(kind):
    s = bodies(draw(kind, "hard", SEEDS, 3.0))
    size = SIZES[kind]
    truth = at_times(s, TIMES, size)
    for k in range(s.things):
        masks = masks_of(alone(s, k), size) > 0
        for b, t in np.argwhere(np.isfinite(truth["x"][:, k]) & masks.any((2, 3))):
            x, y, w, h = (truth[n][b, k, t] for n in ("x", "y", "width", "height"))
            fits(masks[b, t], x, y, w, h)


@pytest.mark.parametrize("kind", SIZES)
def test_the_visible_share_is_what_is_left_of_the_mask(kind):
    s = bodies(draw(kind, "hard", SEEDS, 3.0))
    size = SIZES[kind]
    truth = at_times(s, TIMES, size)["visible"]
    together = masks_of(s, size)
    areas = Outlines(s, TIMES, size)
    partly = 0
    for k in range(s.things):
        # The whole body, as it is where nothing hides it: its outline's area in pixels.
        free = masks_of(alone(s, k), size) > 0
        for b, t in np.argwhere(s.visible[:, k, None] & areas.before[:, k]):
            x, w = (at_times(s.chosen([b]), TIMES, size)[n][0, k, t] for n in ("x", "width"))
            if kind == "stereo" and not 0 < x < size[0] - w:
                continue  # the frame cuts it: the mask doesn't know how much
            share = (together[b, t] == k + 1).sum() / max(1, free[b, t].sum())
            partly += 0.1 < share < 0.9
            assert abs(share - truth[b, k, t]) < 0.06
    assert partly >= 2


def test_what_is_off_screen_has_no_place_in_the_picture():
    s = draw("stereo", "real", np.arange(40), 3.0)
    truth = at_times(s, TIMES, SIZES["stereo"])
    hidden = s.sounding & ~s.drawn
    assert hidden.any() and np.isnan(truth["x"][hidden]).all()
    assert (truth["visible"][hidden] == 0).all() and np.isfinite(truth["delay"][hidden]).all()


def test_silent_movers_have_no_cues_and_no_loudness():
    s = draw("stereo", "hard", np.arange(20), 3.0)
    truth = at_times(s, np.arange(0, 3, 0.1), SIZES["stereo"])
    silent = s.present & ~s.heard
    assert silent.any() and np.isnan(truth["delay"][silent]).all()
    assert (truth["loudness"][silent] == 0).all() and (truth["sounding"][silent] == 0).all()
    loud = truth["loudness"][s.sounding]
    assert ((loud >= SOUNDS_FROM) == (truth["sounding"][s.sounding] == 1)).mean() > 0.99


def test_the_mirror_of_a_scene_has_the_mirrored_truth():
    for kind, size in SIZES.items():
        s = draw(kind, "hard", SEEDS, 3.0)
        one, other = at_times(s, TIMES, size), at_times(s.mirrored(), TIMES, size)
        same(one["azimuth"], -other["azimuth"])
        same(one["center_x"], size[0] - other["center_x"])
        same(one["x"] + one["width"], size[0] - other["x"], 0.021)  # each is rounded
        for name in ("elevation", "y", "width", "height", "visible", "loudness"):
            same(one[name], other[name], 0.0101)
        same(one["delay"], -other["delay"])
        same(one["level_difference"], -other["level_difference"], 0.011)


def same(a, b, within: float = 1e-6):
    given = np.isfinite(a) & np.isfinite(b)
    assert (np.isfinite(a) == np.isfinite(b)).all()
    assert np.abs(a - b)[given].max(initial=0) <= within + 1e-9


def test_a_turned_scene_has_the_turned_truth():
    s = draw("360", "hard", SEEDS, 3.0)
    one, other = (at_times(x, TIMES, (480, 240)) for x in (s, s.turned(90)))
    same((other["azimuth"] - one["azimuth"]) % 360, np.full_like(one["azimuth"], 90))
    moved = (one["center_x"] - other["center_x"]) % 480
    same(moved, np.where(np.isnan(moved), np.nan, 120.0), 0.011)
    same(one["visible"], other["visible"], 0.011)


def test_rows_are_those_of_the_things_at_the_middle_of_each_hop():
    s = draw("stereo", "real", np.arange(6), 3.0)
    table = rows(s, 4, SIZES["stereo"], hop=0.25, file="a.mp4")
    assert set(table[0]) == set(COLUMNS) and table[0]["time"] == 0.125
    things = int(s.present[4].sum())
    assert len(table) == 12 * things and {r["source"] for r in table} == set(range(things))
    assert all(r["file"] == "a.mp4" for r in table)
    alone_ = rows(draw("stereo", "real", [4], 3.0), 0, SIZES["stereo"], hop=0.25, file="a.mp4")
    assert alone_ == table


def test_truth_is_the_same_on_any_machine():
    """Known numbers: they may change with the world, never with the machine."""
    first = [rows(draw(kind, "real", [5], 3.0), 0, SIZES[kind])[20] for kind in SIZES]
    for row, known in zip(first, KNOWN, strict=True):
        assert {name: row[name] for name in known} == known


KNOWN = (
    {
        "time": 1.05,
        "source": 0,
        "role": "source",
        "sound": "percussion",
        "show": "pulse",
        "look": "star",
        "azimuth": -0.315,
        "elevation": 0.461,
        "distance": 1.066,
        "loudness": 0.024,
        "sounding": 0,
        "x": 133.6,
        "y": 60.84,
        "width": 55.05,
        "height": 55.05,
        "center_x": 161.13,
        "center_y": 88.36,
        "visible": 1,
        "delay": -4.1e-06,
        "level_difference": 0.08,
    },
    {
        "time": 1.05,
        "source": 0,
        "role": "source",
        "sound": "percussion",
        "show": "pulse",
        "look": "star",
        "azimuth": 95.028,
        "elevation": 1.409,
        "distance": 1.066,
        "loudness": 0.024,
        "sounding": 0,
        "x": 100.91,
        "y": 105.63,
        "width": 24.87,
        "height": 24.86,
        "center_x": 113.34,
        "center_y": 118.06,
        "visible": 1,
        "delay": None,
        "level_difference": None,
    },
)


def test_facts():
    s = draw("stereo", "real", np.arange(10), 3.0)
    one = facts(s, 3)
    assert one["seed"] == 3 and one["channel"] == 0 and one["kind"] == "stereo"
    assert one["sources"] == s.sounding[3].sum() and 0.2 <= one["rt60"] <= 0.8


@pytest.mark.parametrize("kind", SIZES)
def test_pictures_of_the_users_own_are_framed(kind):
    s = bodies(draw(kind, "easy", SEEDS, 3.0))
    s = dataclasses.replace(s, look=np.full_like(s.look, LOOKS.index("disc")))
    picture = np.full((20, 60, 3), 200, np.uint8)
    truth = at_times(s, TIMES, SIZES[kind], images=Images(things=[picture]))
    masks = seen(s, SIZES[kind], TIMES, images=Images(things=[picture]), masks=True)[1].numpy() > 0
    for b, t in np.argwhere(masks.any((2, 3))):
        x, y, w, h = (truth[n][b, 0, t] for n in ("x", "y", "width", "height"))
        fits(masks[b, t], x, y, w, h)
    assert truth["visible"].min() > 0.97


def test_rendering_gives_all_of_a_batch():
    s = draw("stereo", "real", np.arange(3), 2.0)
    made = render(s, (64, 48))
    assert made.frames.shape == (3, 12, 48, 64, 3) and made.sound.shape == (3, 2, 32000)
    assert made.times[3] == 0.5
    bank = Bank([np.sin(np.arange(16000) * 0.3).astype(np.float32)], 16000)
    assert render(s, (64, 48), bank=bank).scenes.onsets.shape[:2] == s.onsets.shape[:2]
