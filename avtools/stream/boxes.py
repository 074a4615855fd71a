"""The boxes that an MP4 or MOV file is made of: finding its index (`moov`), and replacing it.

Only the boxes on the way to the sample descriptions are opened; all others stay bytes. Nothing
that a file claims about itself is believed before it is compared with what is there, so that a
damaged or hostile file is found to hold less, and never costs more than its index.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from avtools.errors import AvtoolsError

# What a file of this kind can begin with.
FIRST = frozenset(b"ftyp moov mdat free skip wide pnot styp uuid sidx moof".split())
MOST_BOXES = 100_000  # of a file, which may be in fragments
MOST_CHILDREN = 256  # of one box in the index
LARGEST_INDEX = 1 << 28
ENTRY_BYTES = {b"vide": (78,), b"soun": (28, 44, 64)}


@dataclass(frozen=True)
class Place:
    """Where a box of the file lies."""

    kind: bytes
    start: int
    size: int

    @property
    def end(self) -> int:
        return self.start + self.size


@dataclass
class Box:
    """`head` is what comes before the children (all there is in a box that has none)."""

    kind: bytes
    head: bytes | memoryview = b""
    children: list["Box"] = field(default_factory=list)
    tail: bytes | memoryview = b""  # what is no box: QuickTime ends some lists with four zeros

    def first(self, kind: bytes) -> "Box | None":
        return next((c for c in self.children if c.kind == kind), None)

    def all(self, kind: bytes) -> list["Box"]:
        return [c for c in self.children if c.kind == kind]

    def drop(self, *kinds: bytes) -> None:
        self.children = [c for c in self.children if c.kind not in kinds]

    def pack(self) -> bytes:
        return b"".join(self._parts())

    @property
    def size(self) -> int:
        inner = len(self.head) + sum(c.size for c in self.children) + len(self.tail)
        return inner + (8 if inner + 8 < 1 << 32 else 16)

    def _parts(self) -> Iterator[bytes | memoryview]:
        size = self.size
        small = size < 1 << 32
        yield (
            struct.pack(">I4s", size, self.kind)
            if small
            else struct.pack(">I4sQ", 1, self.kind, size)
        )
        yield self.head
        for child in self.children:
            yield from child._parts()
        yield self.tail


def top_level(fd: int) -> Iterator[Place]:
    """The boxes of an open file; none where it is no file of this kind."""
    at, length = 0, os.fstat(fd).st_size
    for _ in range(MOST_BOXES):
        found = _place(os.pread(fd, 16, at), at, length)
        if found is None or (at == 0 and found.kind not in FIRST):
            return
        yield found
        at = found.end


def _place(header: bytes, at: int, end: int) -> Place | None:
    """The box with this header, cut off at `end`; None where there is none."""
    if len(header) < 8:
        return None
    size, kind = struct.unpack_from(">I4s", header)
    least = 8
    if size == 1:
        if len(header) < 16:
            return None
        size, least = struct.unpack_from(">Q", header, 8)[0], 16
    elif size == 0:
        size = end - at
    return Place(kind, at, min(size, end - at)) if size >= least else None


def split(data: memoryview, begin: int = 0) -> tuple[list[Box], memoryview]:
    """The boxes that follow each other in `data` from `begin` on, and the rest that is no box."""
    boxes, at = [], begin
    while len(data) - at >= 8 and len(boxes) < MOST_CHILDREN:
        size = struct.unpack_from(">I", data, at)[0]
        found = _place(bytes(data[at : at + 16]), at, len(data))
        if found is None or (size > 1 and found.size != size):
            break
        inner = at + (16 if size == 1 else 8)
        boxes.append(Box(found.kind, data[inner : found.end]))
        at = found.end
    return boxes, data[at:]


def parse_index(data: bytes | memoryview) -> Box:
    """A `moov`, opened as far as the boxes in its sample descriptions and no deeper."""
    moov = Box(b"moov", memoryview(data))
    _open(moov, (b"trak", b"mdia", b"minf", b"stbl"))
    for track in moov.all(b"trak"):
        description = below(track, b"mdia", b"minf", b"stbl", b"stsd")
        if description is not None and len(description.head) >= 8:
            inner = description.head
            description.head = inner[:8]
            description.children, description.tail = split(inner, 8)
            for entry in description.children:
                _open_entry(entry, handler(track))
    return moov


def _open(box: Box, path: tuple[bytes, ...]) -> None:
    box.children, box.tail = split(box.head)
    box.head = b""
    for child in box.all(path[0]) if path else []:
        _open(child, path[1:])


def _open_entry(entry: Box, kind: bytes) -> None:
    """QuickTime has longer sound entries: the boxes begin where they fill the rest exactly."""
    whole = entry.head
    for begin in ENTRY_BYTES.get(kind, ()):
        if len(whole) >= begin:
            boxes, tail = split(whole, begin)
            if len(tail) < 8:
                entry.head, entry.children, entry.tail = whole[:begin], boxes, tail
                return


def below(box: Box, *path: bytes) -> Box | None:
    for kind in path:
        box = box.first(kind)
        if box is None:
            return None
    return box


def handler(track: Box) -> bytes:
    """`vide`, `soun` or another kind of track."""
    found = below(track, b"mdia", b"hdlr")
    return bytes(found.head[8:12]) if found else b""


def entries(track: Box) -> list[Box]:
    """The sample descriptions of a track."""
    found = below(track, b"mdia", b"minf", b"stbl", b"stsd")
    return found.children if found else []


def find_index(fd: int) -> Place | None:
    return next((p for p in top_level(fd) if p.kind == b"moov"), None)


def read_index(fd: int) -> Box | None:
    place = find_index(fd)
    if place is None or place.size > LARGEST_INDEX:
        return None
    header = 16 if os.pread(fd, 4, place.start) == b"\0\0\0\1" else 8
    return parse_index(os.pread(fd, place.size - header, place.start + header))


def replace_index(fd: int, moov: Box, name: str) -> None:
    """Put `moov` in the place of the file's own; what it describes moves along where it must."""
    places = list(top_level(fd))
    old = next((p for p in places if p.kind == b"moov"), None)
    if old is None:
        raise AvtoolsError(f"{name}: no index (moov) in it")
    if old is places[-1]:
        _write(fd, moov.pack(), old.start)
        os.ftruncate(fd, old.start + moov.size)
        return
    grown = moov.size - old.size
    if grown == 0 or grown <= -8:
        filling = Box(b"free", bytes(-grown - 8)).pack() if grown else b""
        _write(fd, moov.pack() + filling, old.start)
        return
    # Offsets that no longer fit into 32 bits become 64, which moves everything once more.
    for _ in range(2):
        if any(_overflows(c, grown, old.end) for c in _offsets(moov)):
            _widen(moov)
        grown = moov.size - old.size
    for offsets in _offsets(moov):
        _shift(offsets, grown, old.end)
    _move(fd, old.end, grown)
    _write(fd, moov.pack(), old.start)
    _mend_fragments(fd, grown)


def _mend_fragments(fd: int, by: int) -> None:
    """Fragments that count from the beginning of the file, and the list of them at its end."""
    for place in top_level(fd):
        if place.kind == b"mfra":
            _write(fd, b"free", place.start + 4)  # it only makes seeking faster
        elif place.kind == b"moof" and place.size <= LARGEST_INDEX:
            moof = Box(b"moof", memoryview(os.pread(fd, place.size - 8, place.start + 8)))
            _open(moof, (b"traf",))
            for header in [h for t in moof.all(b"traf") for h in t.all(b"tfhd")]:
                if len(header.head) >= 16 and header.head[3] & 1:
                    first = struct.unpack_from(">Q", header.head, 8)[0]
                    moved = struct.pack(">Q", first + by)
                    header.head = b"".join([header.head[:8], moved, header.head[16:]])
            _write(fd, moof.pack(), place.start)


def _offsets(moov: Box) -> list[Box]:
    tables = [below(t, b"mdia", b"minf", b"stbl") for t in moov.all(b"trak")]
    return [c for t in tables if t for c in t.children if c.kind in (b"stco", b"co64")]


def _values(box: Box) -> list[int]:
    form, width = ("I", 4) if box.kind == b"stco" else ("Q", 8)
    count = min(struct.unpack_from(">I", box.head, 4)[0], (len(box.head) - 8) // width)
    return list(struct.unpack_from(f">{count}{form}", box.head, 8))


def _fill(box: Box, values: list[int]) -> None:
    form = "I" if box.kind == b"stco" else "Q"
    box.head = bytes(box.head[:4]) + struct.pack(f">I{len(values)}{form}", len(values), *values)


def _overflows(box: Box, by: int, beyond: int) -> bool:
    return box.kind == b"stco" and max(_values(box), default=0) + by >= 1 << 32


def _widen(moov: Box) -> None:
    for box in _offsets(moov):
        values = _values(box)
        box.kind = b"co64"
        _fill(box, values)


def _shift(box: Box, by: int, beyond: int) -> None:
    _fill(box, [v + by if v >= beyond else v for v in _values(box)])


def _move(fd: int, begin: int, by: int, step: int = 1 << 22) -> None:
    """Everything from `begin` on, a few bytes towards the end; the last first."""
    at = os.fstat(fd).st_size
    while at > begin:
        some = min(step, at - begin)
        at -= some
        _write(fd, os.pread(fd, some, at), at + by)


def _write(fd: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(fd, view, at)
        view, at = view[done:], at + done
