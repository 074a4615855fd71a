"""What stays true of a 360° picture when it is mirrored, and which pictures can be turned."""

import struct
from dataclasses import replace

from avtools.errors import AvtoolsError, warn
from avtools.stream.spatial import Spatial, equirectangular


def pose(spatial: Spatial) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees that a player shall add, from the `prhd` box."""
    at = (spatial.sv3d or b"").find(b"prhd")
    if at < 0 or len(spatial.sv3d) < at + 20:
        return 0.0, 0.0, 0.0
    return tuple(v / 65536 for v in struct.unpack_from(">3i", spatial.sv3d, at + 8))


def mirrored(spatial: Spatial, name: str = "") -> Spatial:
    """The metadata of the left-right mirrored picture.

    A mirror at the plane of front and up turns yaw and roll round and leaves pitch; what the
    picture lacks on its left it lacks on its right.
    """
    if not spatial.is_360:
        return spatial
    _only_equirectangular(spatial, name, "mirrored")
    (top, bottom, left, right), (yaw, pitch, roll) = spatial.bounds, pose(spatial)
    if (left, yaw, roll) == (right, 0, 0):
        return spatial
    raw = equirectangular((top, bottom, right, left), (-yaw, pitch, -roll))
    return replace(spatial, sv3d=raw, xml=None)


def check_turnable(spatial: Spatial, width: int, height: int, name: str) -> None:
    """Only a whole sphere can be turned; an unmarked picture must at least have its shape."""
    if spatial.is_360:
        _only_equirectangular(spatial, name, "turned")
        if spatial.is_cropped:
            raise AvtoolsError(f"{name}: its picture is not the whole sphere, it can't be turned")
        if any(pose(spatial)):
            raise AvtoolsError(f"{name}: its picture has a pose in its metadata, turn that instead")
        return
    if width == height:
        raise AvtoolsError(
            f"{name}: nothing says how its square picture shows the sphere; mark it with "
            "avtools convert --spherical top-bottom or left-right"
        )
    if width != 2 * height:
        raise AvtoolsError(
            f"{name}: its picture ({width} x {height}) is not equirectangular, it can't be turned"
        )
    warn(f"{name}: nothing marks its picture as 360; taken as equirectangular")


def _only_equirectangular(spatial: Spatial, name: str, done: str) -> None:
    if spatial.projection != "equirectangular":
        raise AvtoolsError(
            f"{name}: a {spatial.projection} picture can't be {done}, only an equirectangular one"
        )
