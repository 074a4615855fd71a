"""What stays true of a 360° picture when it is mirrored, and which pictures can be turned."""

import struct
from dataclasses import replace

from avtools.errors import AvtoolsError, warn
from avtools.stream.boxes import Box
from avtools.stream.spatial import STEREO, XML_ID, Spatial, equirectangular
from avtools.stream.spherical_xml import xml_crop_is_lost, xml_facts, xml_mirrored

XML_AT = 8 + len(XML_ID)  # in its `uuid` box


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
    _only_understood(spatial, name, "mirrored")
    if spatial.xml:
        text = xml_mirrored(spatial.xml[XML_AT:])
        spatial = replace(spatial, xml=Box(b"uuid", XML_ID + text).pack())
    (top, bottom, left, right), (yaw, pitch, roll) = spatial.bounds, pose(spatial)
    if (left, yaw, roll) == (right, 0, 0):
        return spatial
    raw = equirectangular((top, bottom, right, left), (-yaw, pitch, -roll))
    return replace(spatial, sv3d=raw)


def check_turnable(spatial: Spatial, width: int, height: int, name: str) -> None:
    """Only a whole sphere can be turned; an unmarked picture must at least have its shape."""
    _only_understood(spatial, name, "turned")
    if spatial.is_360:
        if spatial.is_cropped:
            raise AvtoolsError(f"{name}: its picture is not the whole sphere, it can't be turned")
        if any(pose(spatial)):
            raise AvtoolsError(f"{name}: its picture has a pose in its metadata, turn that instead")
        return
    # Of each eye, where st3d says that there are two: VR180 is two squares side by side.
    width //= 2 if spatial.stereo == "left-right" else 1
    height //= 2 if spatial.stereo == "top-bottom" else 1
    if width == height:
        raise AvtoolsError(
            f"{name}: nothing says how its square picture shows the sphere; mark it with "
            "avtools convert --spherical top-bottom or left-right"
        )
    if width != 2 * height:
        raise AvtoolsError(
            f"{name}: its picture is {width} x {height}, but an equirectangular one is twice as "
            "wide as high (two eyes' side by side: avtools convert --spherical left-right)"
        )
    warn(f"{name}: nothing marks its picture as 360; taken as equirectangular")


def _only_understood(spatial: Spatial, name: str, done: str) -> None:
    if spatial.projection not in (None, "equirectangular"):
        raise AvtoolsError(
            f"{name}: a picture in {spatial.projection} projection can't be {done}, only an "
            "equirectangular one"
        )
    if spatial.st3d and spatial.st3d[12] not in STEREO:
        raise AvtoolsError(f"{name}: how its two eyes lie in the picture is not known")
    if spatial.xml and xml_crop_is_lost(xml_facts(spatial.xml)):
        raise AvtoolsError(f"{name}: its XML names a crop, but not of which whole picture")
