"""Mirrored metadata, and the pictures that can't be turned."""

from dataclasses import replace

import pytest

from avtools.errors import AvtoolsError
from avtools.stream.projection import check_turnable, mirrored, pose
from avtools.stream.spatial import Spatial, equirectangular

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
