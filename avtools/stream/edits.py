"""The edit list of an MP4's sound: what of the samples in the file is played, and when."""

import os
import struct
from pathlib import Path

from avtools.stream.boxes import Box, below, handler, read_index, replace_index, split

Edit = tuple[int, int]  # duration on the movie's clock, first sample (-1: nothing is played)


def hide_priming(path: str | Path, priming: int) -> None:
    """Let the sound of a finished file begin after its encoder's first `priming` samples.

    FFmpeg's muxer says so only where the sound starts at zero. Where it starts later, the priming
    would be heard before it: silence, but each time the file is worked on there is more of it.
    """
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        moov = read_index(fd)
        tracks = [t for t in moov.all(b"trak") if handler(t) == b"soun"] if moov else []
        for track in tracks[:1]:
            edits = read_edits(track)
            wanted = _begun(edits, priming, _clock(moov, b"mvhd"), _clock(track, b"mdia", b"mdhd"))
            if wanted != edits:
                below(track, b"edts").head = _pack(wanted)
                replace_index(fd, moov, str(path))
    finally:
        os.close(fd)


def _begun(edits: list[Edit], priming: int, movie: int, media: int) -> list[Edit]:
    empty = edits[0][0] if edits and edits[0][1] == -1 else 0
    played = [e for e in edits if e[1] >= 0]
    if len(played) != 1 or not movie or not media:
        return edits
    duration, first = played[0]
    later = round((priming - first) * movie / media)
    if later <= 0 or later >= duration:
        return edits
    return [(empty + later, -1), (duration - later, priming)]


def read_edits(track: Box) -> list[Edit]:
    holder = below(track, b"edts")
    found = next((b for b in split(holder.head)[0] if b.kind == b"elst"), None) if holder else None
    if found is None or len(found.head) < 8:
        return []
    form, width = (">Qq", 20) if found.head[0] == 1 else (">Ii", 12)
    count = min(struct.unpack_from(">I", found.head, 4)[0], (len(found.head) - 8) // width)
    return [struct.unpack_from(form, found.head, 8 + width * i) for i in range(count)]


def _pack(edits: list[Edit]) -> bytes:
    wide = max(max(e) for e in edits) >= 1 << 31
    form = ">QqI" if wide else ">IiI"
    head = struct.pack(">B3xI", wide, len(edits))
    return Box(b"elst", head + b"".join(struct.pack(form, *e, 1 << 16) for e in edits)).pack()


def _clock(box: Box, *path: bytes) -> int:
    """Ticks a second, as a header names them behind its dates."""
    header = below(box, *path)
    at = 20 if header is not None and header.head and header.head[0] == 1 else 12
    if header is None or len(header.head) < at + 4:
        return 0
    return struct.unpack_from(">I", header.head, at)[0]
