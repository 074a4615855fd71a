"""The index beside a shard: where each clip lies in the tar, and what is needed to choose it.

`NAME.idx` is a head, one record a clip (`RECORD`), and the clips' keys and sources in UTF-8, all
little-endian. The head counts the tar's bytes, so that a tar that was cut or exchanged is seen,
and sums up the rest, so that a damaged index is.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avtools.errors import reason

HEAD = struct.Struct("<8sIIQI")  # magic, clips, bytes of text, bytes of the tar, crc of the rest
MAGIC = b"avshard1"
RECORD = np.dtype(
    [
        ("offset", "<u8"),  # of the clip's first header in the tar
        ("flac", "<u4"),  # bytes of the three members
        ("json", "<u4"),
        ("mjpg", "<u4"),
        ("crc", "<u4"),  # of the JSON, which has those of the rest
        ("frames", "<u4"),
        ("first", "<f8"),  # seconds, of the first frame
        ("fps", "<f8"),
        ("samples", "<u4"),
        ("rate", "<u4"),
        ("width", "<u2"),
        ("height", "<u2"),
        ("channels", "u1"),
        ("key", "<u4"),  # bytes of the key and of the source, in the text
        ("source", "<u4"),
    ]
)


@dataclass(frozen=True)
class Index:
    """What one index holds."""

    records: np.ndarray
    text: bytes
    tar_size: int


def index_path(tar: str | Path) -> Path:
    return Path(tar).with_suffix(".idx")


def record(offset: int, sizes: Sequence[int], text: bytes, known: dict) -> tuple:
    """The record of a clip, and its key and source as bytes, from its place and its JSON."""
    picture, sound, key = known["picture"], known["sound"], known["key"]
    words = [
        str(word).encode("utf-8", "surrogatepass") for word in (key, known.get("source") or key)
    ]
    row = (
        *(offset, *sizes, zlib.crc32(text)),
        *(len(picture["times"]), picture["times"][0], picture["fps"]),
        *(sound["samples"], sound["rate"]),
        *(picture["width"], picture["height"], sound["channels"]),
        *map(len, words),
    )
    return row, b"".join(words)


def to_bytes(rows: Sequence[tuple], texts: Sequence[bytes], tar_size: int) -> bytes:
    text = b"".join(texts)
    body = np.array(rows, RECORD).tobytes() + text
    return HEAD.pack(MAGIC, len(rows), len(text), tar_size, zlib.crc32(body)) + body


def read_index(path: str | Path) -> Index:
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {reason(error)}") from error
    if len(data) < HEAD.size or not data.startswith(MAGIC):
        raise ValueError(f"{path}: not the index of a shard")
    _, count, size, tar_size, crc = HEAD.unpack_from(data)
    body, text = HEAD.size, HEAD.size + count * RECORD.itemsize
    if len(data) != text + size or zlib.crc32(memoryview(data)[body:]) != crc:
        raise ValueError(f"{path}: a damaged index: write it again with index_shard")
    return Index(np.frombuffer(data, RECORD, count, body), data[text:], tar_size)
