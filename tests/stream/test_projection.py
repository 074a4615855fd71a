"""Mirrored metadata, and the pictures that can't be turned."""

import struct
from dataclasses import replace

import numpy as np
import pytest

from avtools.errors import AvtoolsError
from avtools.stream.boxes import Box
from avtools.stream.projection import check_turnable, mirrored, pose
from avtools.stream.spatial import XML_ID, Spatial, equirectangular
from avtools.stream.spherical_xml import xml_bounds, xml_facts

WHOLE = Spatial(projection="equirectangular", sv3d=equirectangular())


def test_a_crop_and_a_pose_change_sides():
    raw = equirectangular((0.1, 0.2, 0.0, 0.5), (30, 20, -10))
    after = mirrored(replace(WHOLE, sv3d=raw))
    assert after.bounds == pytest.approx((0.1, 0.2, 0.5, 0.0), abs=1e-6)
    assert pose(after) == (-30, 20, 10)
    assert mirrored(after).bounds == pytest.approx((0.1, 0.2, 0.0, 0.5), abs=1e-6)


def test_what_is_symmetric_stays():
    assert mirrored(WHOLE) is WHOLE
    assert mirrored(Spatial()) == Spatial()


@pytest.mark.parametrize("projection", ["cubemap", "mesh"])
def test_other_projections_are_refused(projection):
    other = Spatial(projection=projection)
    with pytest.raises(AvtoolsError, match=projection):
        mirrored(other)
    with pytest.raises(AvtoolsError, match=projection):
        check_turnable(other, 200, 100, "v.mp4")


def test_only_whole_spheres_turn(capfd):
    check_turnable(WHOLE, 123, 45, "v.mp4")
    assert capfd.readouterr().err == ""
    check_turnable(Spatial(), 200, 100, "v.mp4")
    assert "taken as equirectangular" in capfd.readouterr().err
    for size in ((160, 120), (100, 100)):
        with pytest.raises(AvtoolsError):
            check_turnable(Spatial(), *size, "v.mp4")
    for raw in (equirectangular((0, 0, 0.5, 0)), equirectangular(pose=(10, 0, 0))):
        with pytest.raises(AvtoolsError):
            check_turnable(replace(WHOLE, sv3d=raw), 200, 100, "v.mp4")


def axis_turn(axis, degrees):
    """Counter-clockwise around a unit vector (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def shown_at(spatial, u, v):
    """The RFC read literally: where a player shows the point of the picture at shares (u, v)."""
    top, bottom, left, right = spatial.bounds
    azimuth = 2 * np.pi * (0.5 - (left + u * (1 - left - right)))
    elevation = np.pi * (0.5 - (top + v * (1 - top - bottom)))
    flat = np.cos(elevation)
    towards = np.array([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)])
    yaw, pitch, roll = pose(spatial)
    turned = axis_turn([0, 0, 1], yaw) @ axis_turn([0, -1, 0], pitch) @ axis_turn([1, 0, 0], -roll)
    return turned @ towards


def test_each_point_of_the_mirrored_picture_is_shown_at_the_mirrored_place():
    raw = equirectangular((0.1, 0.2, 0.0, 0.5), (30, 20, -70))
    before = replace(WHOLE, sv3d=raw)
    after = mirrored(before)
    for u, v in np.random.default_rng(1).uniform(size=(50, 2)):
        seen = shown_at(before, u, v) * [1, -1, 1]
        assert np.allclose(shown_at(after, 1 - u, v), seen, atol=1e-4)


def test_the_largest_pose_a_box_can_hold_is_no_crash():
    raw = equirectangular(pose=(-32768, 0, 0))
    assert pose(mirrored(replace(WHOLE, sv3d=raw)))[0] == pytest.approx(32768, abs=1e-3)


def with_xml(**facts):
    text = "".join(f"<GSpherical:{k}> {v}\n</GSpherical:{k}>" for k, v in facts.items())
    raw = equirectangular(xml_bounds({k: str(v) for k, v in facts.items()}))
    return replace(WHOLE, sv3d=raw, xml=Box(b"uuid", XML_ID + text.encode()).pack())


CROP = {
    "CroppedAreaImageWidthPixels": 1000,
    "CroppedAreaImageHeightPixels": 1000,
    "FullPanoWidthPixels": 2000,
    "FullPanoHeightPixels": 1000,
}


def test_the_xml_is_mirrored_too():
    left = CROP | {"CroppedAreaLeftPixels": 300, "InitialViewHeadingDegrees": 90}
    more = {"InitialViewPitchDegrees": 10, "InitialViewRollDegrees": -5, "Note": "caf\u00e9"}
    before = with_xml(**left, **more)
    after = mirrored(before)
    assert after.xml.endswith(b"</GSpherical:Note>") and struct.unpack_from(">I", after.xml)[0] == (
        len(after.xml)
    )
    changed = {
        "CroppedAreaLeftPixels": "700",
        "InitialViewHeadingDegrees": "-90",
        "InitialViewRollDegrees": "5",
    }
    assert xml_facts(after.xml) == xml_facts(before.xml) | changed
    assert xml_bounds(xml_facts(after.xml)) == pytest.approx((0, 0, 0.35, 0.15))
    assert after.bounds == pytest.approx((0, 0, 0.35, 0.15))
    again = mirrored(after)
    assert again.bounds == before.bounds and xml_facts(again.xml) == xml_facts(before.xml)


def test_a_left_edge_that_the_xml_left_out():
    after = mirrored(with_xml(**CROP))
    assert xml_facts(after.xml)["CroppedAreaLeftPixels"] == "1000"
    assert after.bounds == xml_bounds(xml_facts(after.xml)) == (0, 0, 0.5, 0)


def test_what_is_not_understood_is_neither_mirrored_nor_turned():
    lost = with_xml(CroppedAreaLeftPixels=500, FullPanoWidthPixels=2000)
    custom = Box(b"st3d", bytes([0, 0, 0, 0, 3])).pack()
    for odd in (lost, replace(WHOLE, st3d=custom), Spatial("unknown"), Spatial(st3d=custom)):
        with pytest.raises(AvtoolsError, match=r"v\.mp4"):
            mirrored(odd, "v.mp4")
        with pytest.raises(AvtoolsError, match=r"v\.mp4"):
            check_turnable(odd, 200, 100, "v.mp4")


def test_the_shape_is_that_of_each_eye(capfd):
    check_turnable(Spatial(None, "top-bottom"), 100, 100, "v.mp4")
    assert "taken as equirectangular" in capfd.readouterr().err
    with pytest.raises(AvtoolsError):  # two squares: a VR180 camera's
        check_turnable(Spatial(None, "left-right"), 200, 100, "v.mp4")
