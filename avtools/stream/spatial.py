"""What an MP4 or MOV file says about the space in its picture and its sound.

The picture: `sv3d` (projection) and `st3d` (the two eyes' places) in the video's sample
description, or the older XML in a `uuid` box. The sound: `SA3D` in the audio's. FFmpeg writes none
of them when it copies a file, so they are read before and written after. The definitions are
Google's spherical-video, spherical-video-v2 and spatial-audio RFCs.
"""

import os
import struct
from dataclasses import dataclass, replace
from pathlib import Path

from avtools.errors import AvtoolsError, reason
from avtools.stream.boxes import Box, entries, handler, read_index, replace_index, split
from avtools.stream.spherical_xml import xml_bounds, xml_facts, xml_projection, xml_text

# The mesh was called `ytmp` before it was standardised.
PROJECTIONS = {b"equi": "equirectangular", b"cbmp": "cubemap", b"mshp": "mesh", b"ytmp": "mesh"}
# 4 has the right eye on the left, 3 says that the mesh knows.
STEREO = {0: "mono", 1: "top-bottom", 2: "left-right", 4: "left-right"}
STEREO_CODES = {"mono": 0, "top-bottom": 1, "left-right": 2}
XML_ID = bytes.fromhex("ffcc8263f8554a938814587a02521fdd")
SOURCE = b"avtools"
# These may only come after st3d and sv3d.
OPTIONAL = frozenset(b"pasp clap colr btrt fiel clli mdcv amve".split())
HEAD_LOCKED = 0x80
HIGHEST_ORDER = 30


@dataclass(frozen=True)
class Spatial:
    projection: str | None = None  # equirectangular, cubemap, mesh, or unknown (only in XML)
    stereo: str = "mono"  # or top-bottom, left-right
    ambisonic_order: int | None = None  # ACN order and SN3D; other orders set `channel_map`
    head_locked: bool = False  # two more channels that don't turn with the head
    # For each channel its ACN number, where the file has them in another order.
    channel_map: tuple[int, ...] | None = None
    # The boxes themselves, so that what is not understood here (a crop, a pose) is carried on.
    sv3d: bytes | None = None
    st3d: bytes | None = None
    xml: bytes | None = None

    @property
    def is_360(self) -> bool:
        return self.projection is not None

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """What an equirectangular picture lacks of the sphere: top, bottom, left, right."""
        box = _projection_box(self.sv3d)
        if box is None or box.kind != b"equi" or len(box.head) < 20:
            return 0.0, 0.0, 0.0, 0.0
        return tuple(v / 2**32 for v in struct.unpack_from(">4I", box.head, 4))

    @property
    def is_cropped(self) -> bool:
        return any(self.bounds)

    @property
    def channels(self) -> int | None:
        """How many channels the sound must have for this to be true."""
        if self.ambisonic_order is None:
            return None
        return (self.ambisonic_order + 1) ** 2 + 2 * self.head_locked


def read_spatial(
    path: str | Path, *, video_track: int | None = None, audio_track: int | None = None
) -> Spatial:
    """Tracks are counted as FFmpeg counts streams; None is the first of its kind.

    A file that says nothing, or can't be understood, gives an empty `Spatial`.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        return Spatial()
    try:
        moov = read_index(fd)
        if moov is None:
            from avtools.stream.matroska import read_projection

            return _from_matroska(*read_projection(fd))
        return _from_index(moov, video_track, audio_track)
    except (OSError, struct.error):
        return Spatial()
    finally:
        os.close(fd)


def _from_index(moov: Box, video_track: int | None, audio_track: int | None) -> Spatial:
    spatial = Spatial()
    video, audio = _track(moov, b"vide", video_track), _track(moov, b"soun", audio_track)
    if video:
        spatial = _read_xml(video, spatial)
        for entry in entries(video)[:1]:
            spatial = _read_picture(entry, spatial)
    if audio:
        for entry in entries(audio)[:1]:
            spatial = _read_sound(entry, spatial)
    return spatial


def _track(moov: Box, kind: bytes, index: int | None) -> Box | None:
    tracks = moov.all(b"trak")
    if index is not None:
        chosen = tracks[index] if 0 <= index < len(tracks) else None
        return chosen if chosen and handler(chosen) == kind else None
    return next((t for t in tracks if handler(t) == kind), None)


def _read_picture(entry: Box, spatial: Spatial) -> Spatial:
    """The newer boxes; they count for more than the XML."""
    sv3d, st3d = entry.first(b"sv3d"), entry.first(b"st3d")
    if sv3d:
        raw = sv3d.pack()
        box = _projection_box(raw)
        if box:
            spatial = replace(spatial, projection=PROJECTIONS[box.kind], sv3d=raw)
    if st3d and len(st3d.head) >= 5:
        stereo = STEREO.get(st3d.head[4], "mono")
        spatial = replace(spatial, stereo=stereo, st3d=st3d.pack())
    return spatial


def _projection_box(sv3d: bytes | None) -> Box | None:
    """The box in `sv3d` that names the projection: `equi`, `cbmp` or `mshp`."""
    if sv3d is None:
        return None
    inner, _ = split(memoryview(sv3d), 8)
    for box in inner:
        if box.kind == b"proj":
            return next((b for b in split(box.head)[0] if b.kind in PROJECTIONS), None)
    return None


def _projection_numbers(sv3d: bytes) -> bytes:
    """Everything but who wrote it."""
    return b"".join(b.pack() for b in split(memoryview(sv3d), 8)[0] if b.kind == b"proj")


def _read_xml(track: Box, spatial: Spatial) -> Spatial:
    for box in track.all(b"uuid"):
        if bytes(box.head[:16]) != XML_ID:
            continue
        says = xml_facts(bytes(box.head[16:]))
        if says.get("Spherical", "").lower() == "true":
            stereo, projection = says.get("StereoMode", "mono").lower(), xml_projection(says)
            is_equirectangular = projection == "equirectangular"
            spatial = replace(
                spatial,
                projection=projection,
                stereo=stereo if stereo in STEREO_CODES else "mono",
                sv3d=equirectangular(xml_bounds(says)) if is_equirectangular else None,
                xml=box.pack(),
            )
    return spatial


def _read_sound(entry: Box, spatial: Spatial) -> Spatial:
    box = entry.first(b"SA3D")
    if box is None or len(box.head) < 12:
        return spatial
    version, kind, order, ordering, norm, count = struct.unpack_from(">BBIBBI", box.head)
    head_locked = bool(kind & HEAD_LOCKED)
    known = (version, kind & ~HEAD_LOCKED, ordering, norm) == (0, 0, 0, 0)
    if not known or order > HIGHEST_ORDER or count != (order + 1) ** 2 + 2 * head_locked:
        return spatial
    if len(box.head) < 12 + 4 * count:
        return spatial
    channels = struct.unpack_from(f">{count}I", box.head, 12)
    if channels == tuple(range(count)):
        return replace(spatial, ambisonic_order=order, head_locked=head_locked)
    if sorted(channels) == list(range(count)):
        return replace(spatial, channel_map=channels, head_locked=head_locked)
    return spatial


def _from_matroska(projection: str | None, stereo: str, bounds, pose) -> Spatial:
    box = equirectangular(bounds, pose) if projection == "equirectangular" else None
    return Spatial(projection=projection, stereo=stereo, sv3d=box)


def write_spatial(
    path: str | Path,
    spatial: Spatial,
    *,
    video_track: int | None = None,
    audio_track: int | None = None,
) -> None:
    """Make a finished MP4 or MOV file say this, and nothing else, about those tracks."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            moov = read_index(fd)
            if moov is None:
                raise AvtoolsError(f"{path}: no MP4 or MOV file that can be changed")
            before = moov.pack()
            video, audio = _track(moov, b"vide", video_track), _track(moov, b"soun", audio_track)
            if video:
                _mark_picture(video, spatial)
            if audio:
                _mark_sound(audio, spatial)
            if moov.pack() != before:
                replace_index(fd, moov, str(path))
        finally:
            os.close(fd)
    except OSError as error:
        raise AvtoolsError(f"{path}: {reason(error)}") from error


def _mark_picture(track: Box, spatial: Spatial) -> None:
    track.children = [
        c for c in track.children if c.kind != b"uuid" or bytes(c.head[:16]) != XML_ID
    ]
    boxes = _picture_boxes(spatial)
    for entry in entries(track):
        # vexu is how FFmpeg tells stereo in MOV; beside st3d it calls the file damaged.
        entry.drop(b"sv3d", b"st3d", b"vexu")
        kinds = [c.kind for c in entry.children]
        at = next((i for i, kind in enumerate(kinds) if kind in OPTIONAL), len(kinds))
        entry.children[at:at] = boxes
    if spatial.projection and (xml := _xml_box(spatial)):
        track.children.append(xml)


def _picture_boxes(spatial: Spatial) -> list[Box]:
    boxes = []
    if spatial.stereo != "mono" or spatial.st3d:
        raw = spatial.st3d
        if raw is None or STEREO.get(raw[12], "mono") != spatial.stereo:
            raw = Box(b"st3d", bytes([0, 0, 0, 0, STEREO_CODES[spatial.stereo]])).pack()
        boxes += split(memoryview(raw))[0]
    if spatial.projection:
        raw = spatial.sv3d
        box = _projection_box(raw)
        if box is None or PROJECTIONS[box.kind] != spatial.projection:
            raw = equirectangular() if spatial.projection == "equirectangular" else None
        if raw:
            boxes += split(memoryview(raw))[0]
    return boxes


def _xml_box(spatial: Spatial) -> Box | None:
    """The older form beside the newer: many players know no other. It has no pose and no shares."""
    if spatial.xml:
        says = xml_facts(spatial.xml)
        facts = xml_projection(says), says.get("StereoMode", "mono").lower()
        if facts == (spatial.projection, spatial.stereo):
            return split(memoryview(spatial.xml))[0][0]
    if spatial.projection != "equirectangular":
        return None
    if spatial.sv3d and _projection_numbers(spatial.sv3d) != _projection_numbers(equirectangular()):
        return None
    return Box(b"uuid", XML_ID + xml_text(spatial.stereo))


def equirectangular(
    bounds: tuple[float, ...] = (0, 0, 0, 0), pose: tuple[float, ...] = (0, 0, 0)
) -> bytes:
    """An `sv3d` box; bounds as in `Spatial.bounds`, pose as yaw, pitch and roll in degrees."""
    shares = [min(2**32 - 1, round(b * 2**32)) for b in bounds]
    turns = [max(-(2**31), min(2**31 - 1, round(p * 65536))) for p in pose]
    inner = [
        Box(b"prhd", struct.pack(">I3i", 0, *turns)),
        Box(b"equi", struct.pack(">I4I", 0, *shares)),
    ]
    svhd = Box(b"svhd", bytes(4) + SOURCE + b"\0")
    return Box(b"sv3d", children=[svhd, Box(b"proj", children=inner)]).pack()


def _mark_sound(track: Box, spatial: Spatial) -> None:
    for entry in entries(track):
        entry.drop(b"SA3D")
        if spatial.ambisonic_order is None:
            continue
        count = spatial.channels
        kind = HEAD_LOCKED if spatial.head_locked else 0
        head = struct.pack(">BBIBBI", 0, kind, spatial.ambisonic_order, 0, 0, count)
        entry.children.append(Box(b"SA3D", head + struct.pack(f">{count}I", *range(count))))
