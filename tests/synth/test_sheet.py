"""What a contact sheet of scenes says of them."""

from types import SimpleNamespace

import numpy as np

from avtools.synth.sheet import PAUSING, SILENT, SOUNDING, boxes_of, colour_of, scale, unseen

ROW = {
    "role": "source", "sound": "voice", "look": "face", "sounding": 1, "visible": 0.8,
    "x": 10, "y": 20, "width": 30, "height": 40,
}  # fmt: skip


def test_colours_say_who_sounds():
    assert colour_of(ROW) == SOUNDING and colour_of(ROW | {"sounding": 0}) == PAUSING
    assert colour_of(ROW | {"role": "mover", "sounding": 0}) == SILENT


def test_a_thing_across_the_seam_has_a_box_on_both_sides():
    (box,) = boxes_of(ROW, 100, is_360=True)
    assert box[:5] == (10, 20, 30, 40, "voice")
    for x, other in ((-5, 95), (90, -10)):
        one, two = boxes_of(ROW | {"x": x}, 100, is_360=True)
        assert (one.x, two.x, two.label) == (x, other, "")
        assert len(boxes_of(ROW | {"x": x}, 100, is_360=False)) == 1


def test_what_can_not_be_seen_has_no_box():
    assert boxes_of(ROW | {"visible": 0}, 100, is_360=False) == []
    assert boxes_of(ROW | {"x": None}, 100, is_360=False) == []


def test_what_is_hidden_in_the_picture_has_a_mark_there_and_what_is_outside_an_arrow():
    camera, around = SimpleNamespace(is_360=False), SimpleNamespace(is_360=True)
    hidden = ROW | {"visible": 0, "azimuth": 20.0, "center_x": 25.0}
    assert unseen(hidden, camera, 100).x == 25
    for azimuth, place in ((60.0, -1), (-60.0, 101)):
        for center in (None, 50 - 2 * azimuth):
            outside = hidden | {"azimuth": azimuth, "center_x": center}
            assert unseen(outside, camera, 100)[:2] == (
                place,
                f"voice {azimuth:+.0f}°".replace("-", "−"),
            )
    assert unseen(hidden | {"azimuth": 90.0}, around, 100).x == 25


def test_the_scale_is_the_pictures():
    camera = SimpleNamespace(is_360=False, fov=np.array([80.0]))
    assert [(m.x, m.label) for m in scale(camera, 640)] == [(0, "+40°"), (320, "0°"), (640, "−40°")]
    around = scale(SimpleNamespace(is_360=True), 720)
    assert [(m.x, m.label) for m in around][1:4] == [(180, "+90°"), (360, "0°"), (540, "−90°")]
