"""The projection that a Matroska or WebM file names for its picture."""

import os
import struct
from collections.abc import Iterator

EBML, SEGMENT, TRACKS, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1654AE6B, 0x1F43B675
TRACK, VIDEO, PROJECTION, STEREO = 0xAE, 0xE0, 0x7670, 0x53B8
TYPE, PRIVATE, YAW, PITCH, ROLL = 0x7671, 0x7672, 0x7673, 0x7674, 0x7675
PROJECTIONS = {1: "equirectangular", 2: "cubemap", 3: "mesh"}
STEREO_MODES = {1: "left-right", 2: "top-bottom", 3: "top-bottom", 11: "left-right"}
MOST_ELEMENTS = 10_000
LARGEST_TRACKS = 1 << 24


def read_projection(fd: int) -> tuple[str | None, str, tuple, tuple]:
    """Projection, stereo, bounds (shares of the sphere cut off) and pose (degrees)."""
    nothing = None, "mono", (0, 0, 0, 0), (0, 0, 0)
    for video in _videos(_tracks(fd)):
        stereo = STEREO_MODES.get(_number(_find(video, STEREO)), "mono")
        projection = _find(video, PROJECTION)
        if projection is None:
            return nothing[0], stereo, *nothing[2:]
        kind = PROJECTIONS.get(_number(_find(projection, TYPE)))
        private = bytes(_find(projection, PRIVATE) or b"")
        bounds = (0, 0, 0, 0)
        if kind == "equirectangular" and len(private) >= 20:
            bounds = tuple(v / 2**32 for v in struct.unpack_from(">4I", private, 4))
        pose = tuple(_real(_find(projection, p)) for p in (YAW, PITCH, ROLL))
        return kind, stereo, bounds, pose
    return nothing


def _tracks(fd: int) -> bytes:
    """The contents of Tracks, which stand before the first pictures."""
    at, end = 0, os.fstat(fd).st_size
    for count in range(MOST_ELEMENTS):
        header = os.pread(fd, 12, at)
        found = _header(header, 0)
        if found is None or (count == 0 and found[0] != EBML):
            return b""
        kind, size, inner = found
        if kind == TRACKS and size is not None:
            return os.pread(fd, min(size, end, LARGEST_TRACKS), at + inner)
        if kind == CLUSTER or (size is None and kind != SEGMENT):
            return b""
        at += inner if kind == SEGMENT else inner + size
    return b""


def _header(data: bytes | memoryview, at: int) -> tuple[int, int | None, int] | None:
    """(id, size or None where it is not known, where the contents begin)."""
    if at >= len(data) or data[at] < 0x10:
        return None
    width = 9 - int(data[at]).bit_length()
    size_at = at + width
    if size_at >= len(data) or data[size_at] == 0:
        return None
    size_width = 9 - int(data[size_at]).bit_length()
    raw = int.from_bytes(data[size_at : size_at + size_width])
    most = (1 << 7 * size_width) - 1
    size = raw & most
    kind = int.from_bytes(data[at : at + width])
    return kind, None if size == most else size, size_at + size_width


def _elements(data: bytes | memoryview) -> Iterator[tuple[int, memoryview]]:
    view, at = memoryview(data), 0
    for _ in range(MOST_ELEMENTS):
        found = _header(view, at)
        if found is None or found[1] is None:
            return
        kind, size, inner = found
        yield kind, view[inner : inner + size]
        at = inner + size


def _find(data: bytes | memoryview, wanted: int) -> memoryview | None:
    return next((body for kind, body in _elements(data) if kind == wanted), None)


def _videos(tracks: bytes) -> Iterator[memoryview]:
    for kind, track in _elements(tracks):
        if kind == TRACK and (video := _find(track, VIDEO)) is not None:
            yield video


def _number(data: memoryview | None) -> int:
    return int.from_bytes(data[:8]) if data is not None else 0


def _real(data: memoryview | None) -> float:
    if data is None or len(data) not in (4, 8):
        return 0.0
    value = struct.unpack(">f" if len(data) == 4 else ">d", data)[0]
    return value if abs(value) <= 360 else 0.0
