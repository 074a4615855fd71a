"""The WAV header, read and written by hand.

What we write: 32-bit float (integers on request), exact sizes where the length is known (then no
reader complains), else 0xFFFFFFFF. A private chunk `avtl` (JSON) before the data carries what
WAV has no word for; other programs skip it in silence. Regular files beyond 4 GiB become RF64.
"""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from avtools.errors import AvtoolsError

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
UNKNOWN = 0xFFFFFFFF
LONGEST_CHUNK = 1 << 16  # of the chunks whose contents we read
SKIP_BYTES = 1 << 20
LONGEST_HEADER_SEEN = 1 << 30  # of the chunks before the data that are skipped in a pipe

# The tail of the sub-format GUID of EXTENSIBLE, and the one that means FuMa B-format.
GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
GUID_TAIL_AMBISONIC = bytes.fromhex("00002107d3118644c8c1ca000000")

CODECS = {
    (PCM, 8): "pcm_u8",
    (PCM, 16): "pcm_s16le",
    (PCM, 24): "pcm_s24le",
    (PCM, 32): "pcm_s32le",
    (FLOAT, 32): "pcm_f32le",
    (FLOAT, 64): "pcm_f64le",
}
FORMS = {name: form for form, name in CODECS.items()}


CONVENTIONS = ("ambix", "n3d", "fuma", "wxy", "youtube", "xywz", "beams")
# What the private chunk may hold.
MARKS = {
    "convention": lambda v: v in CONVENTIONS if isinstance(v, str) else False,
    "order": lambda v: isinstance(v, int) and not isinstance(v, bool) and 1 <= v <= 30,
    "head_locked": lambda v: v is True,
    "source": lambda v: isinstance(v, str) and len(v) <= 255,
}


@dataclass
class Header:
    codec: str
    channels: int
    rate: int
    data_bytes: int | None  # None: until the end
    label: str = ""
    marks: dict = field(default_factory=dict)

    @property
    def bits(self) -> int:
        return FORMS[self.codec][1]

    @property
    def frame_bytes(self) -> int:
        return self.channels * self.bits // 8


class NotWire(Exception):
    """A WAV file whose coding we leave to PyAV (ADPCM, A-law, …)."""


def is_wire(start: bytes) -> bool:
    return start[:4] in (b"RIFF", b"RF64", b"BW64") and start[8:12] == b"WAVE"


def read_header(read: Callable[[int], bytes], name: str) -> Header:
    """Read up to the first sample. `read(n)` gives n bytes, fewer only at the end."""
    start = read(12)
    if not is_wire(start):
        raise AvtoolsError(f"{name}: not a WAV file")
    riff_bytes = struct.unpack("<I", start[4:8])[0]
    form, marks, large = None, {}, None
    skipped = 0
    while True:
        head = read(8)
        if len(head) < 8:
            missing = "no data chunk" if form else "no fmt chunk"
            raise AvtoolsError(f"{name}: truncated WAV header ({missing})")
        kind, size = head[:4], struct.unpack("<I", head[4:])[0]
        if kind == b"data":
            break
        if kind in (b"fmt ", b"avtl", b"ds64"):
            content = _chunk(read, kind, size, name)
            if kind == b"fmt ":
                form = _read_format(content, name)
            elif kind == b"avtl":
                marks = _read_marks(content)
            elif len(content) >= 24:
                large = struct.unpack("<Q", content[8:16])[0]
        else:
            skipped += size
            if skipped > LONGEST_HEADER_SEEN:
                raise AvtoolsError(f"{name}: damaged WAV header (a chunk of {size} bytes)")
            _skip(read, size + size % 2, name)
    if form is None:
        raise AvtoolsError(f"{name}: damaged WAV header (data before fmt)")
    codec, channels, rate, label = form
    header = Header(codec, channels, rate, None, label, marks)
    header.data_bytes = _data_bytes(start[:4], riff_bytes, size, large, header.frame_bytes)
    return header


def _data_bytes(kind: bytes, riff: int, size: int, large: int | None, frame: int) -> int | None:
    """How long the data is; None where the header doesn't know.

    ffmpeg writes 0xFFFFFFFF when it can't tell, others the same rounded down to whole frames or
    overflowed; sox rounds 0x7FFFF000; a writer that was killed leaves zeros.
    """
    if kind != b"RIFF" and size == UNKNOWN:
        return large if large not in (None, 0, 2**64 - 1) else None
    if size >= UNKNOWN - max(frame, 256) or 0x7FFFF000 - frame < size <= 0x7FFFF000:
        return None
    if size == 0 and riff in (0, UNKNOWN):
        return None
    return size


def _chunk(read, kind: bytes, size: int, name: str) -> bytes:
    if size > LONGEST_CHUNK:
        text = kind.decode().strip()
        raise AvtoolsError(f"{name}: damaged WAV header ({text} chunk of {size} bytes)")
    content = read(size + size % 2)
    if len(content) < size:
        raise AvtoolsError(f"{name}: truncated WAV header")
    return content[:size]


def _skip(read, size: int, name: str) -> None:
    while size > 0:
        got = len(read(min(size, SKIP_BYTES)))
        if got == 0:
            raise AvtoolsError(f"{name}: truncated WAV header (no data chunk)")
        size -= got


def _read_format(content: bytes, name: str) -> tuple[str, int, int, str]:
    if len(content) < 16:
        raise AvtoolsError(f"{name}: damaged WAV header (fmt chunk of {len(content)} bytes)")
    tag, channels, rate, _, frame_bytes, bits = struct.unpack("<HHIIHH", content[:16])
    label = ""
    if tag == EXTENSIBLE and len(content) >= 40:
        mask, tag = struct.unpack("<IH", content[20:26])
        label = _mask_label(mask, channels)
        if content[26:40] == GUID_TAIL_AMBISONIC:
            label = "fuma"
        elif content[26:40] != GUID_TAIL:
            raise NotWire
    if channels == 0:
        raise AvtoolsError(f"{name}: 0 channels in the WAV header")
    if not 0 < rate < 2**31:
        raise AvtoolsError(f"{name}: a sampling rate of {rate} Hz in the WAV header")
    if tag not in (PCM, FLOAT):
        raise NotWire
    codec = CODECS.get((tag, bits))
    if codec is None or frame_bytes != channels * bits // 8:
        kind = "float" if tag == FLOAT else "integer"
        raise AvtoolsError(
            f"{name}: damaged WAV header ({bits}-bit {kind}, {channels} channels in {frame_bytes} "
            "bytes), expected 8, 16, 24 or 32-bit integers or 32 or 64-bit floats"
        )
    return codec, channels, rate, label


def _mask_label(mask: int, channels: int) -> str:
    """FFmpeg's name for the speaker positions that matter to us."""
    named = {0x3F: "5.1", 0x60F: "5.1(side)", 0x33: "quad", 0x107: "4.0", 0x3: "stereo"}
    label = named.get(mask, "")
    return label if mask.bit_count() == channels else ""


def _read_marks(content: bytes) -> dict:
    """Our private chunk: what we write into it and nothing else; damage says nothing."""
    try:
        found = json.loads(content.rstrip(b"\0 "))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: found[key] for key, is_right in MARKS.items() if is_right(found.get(key))}


def header_bytes(header: Header, spare: bool = False) -> bytes:
    """Everything before the first sample.

    `spare` makes room for 64-bit sizes: RF64 where the data needs them, a JUNK chunk of the same
    length where it doesn't, so that the header can be written again when the length is known.
    """
    tag, bits = FORMS[header.codec]
    frame, size = header.frame_bytes, header.data_bytes
    form = struct.pack(
        "<HHIIHH", tag, header.channels, header.rate, header.rate * frame % 2**32, frame, bits
    )
    chunks = b""
    if tag == FLOAT:
        form += b"\0\0"
        frames = UNKNOWN if size is None else min(size // frame, UNKNOWN)
        chunks += struct.pack("<4sII", b"fact", 4, frames)
    chunks = struct.pack("<4sI", b"fmt ", len(form)) + form + chunks
    if header.marks:
        text = json.dumps(header.marks, separators=(",", ":")).encode()
        text += b" " * (len(text) % 2)
        chunks += struct.pack("<4sI", b"avtl", len(text)) + text
    kind, riff, data = b"RIFF", UNKNOWN, UNKNOWN
    if size is not None:
        riff = 4 + 36 * spare + len(chunks) + 8 + size + size % 2
        data = size
    large = spare and size is not None and riff > UNKNOWN
    if large:
        sizes = struct.pack("<4sIQQQI", b"ds64", 28, riff, size, size // frame, 0)
        kind, riff, data, chunks = b"RF64", UNKNOWN, UNKNOWN, sizes + chunks
    elif spare:
        chunks = struct.pack("<4sI28x", b"JUNK", 28) + chunks
    return struct.pack("<4sI4s", kind, riff, b"WAVE") + chunks + struct.pack("<4sI", b"data", data)


def au_header(header: Header) -> bytes:
    return struct.pack(">4sIIIII", b".snd", 24, UNKNOWN, 6, header.rate, header.channels)
