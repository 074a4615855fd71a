"""The tar of a shard: three members a clip, one behind the other, nothing else.

    NAME.flac  NAME.json  NAME.mjpg

All headers are plain ustar, one block each: where a clip starts and its three sizes say where
everything lies. Time 0, owner 0: equal clips make equal bytes.
"""

import hashlib
import re
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from avtools.errors import reason

BLOCK = 512
SUFFIXES = ("flac", "json", "mjpg")
END = bytes(2 * BLOCK)
LONGEST = 94  # with the suffix it fits a ustar name
LARGEST = 2**32 - 1  # bytes of a member: the index counts in 32 bits
# webdataset takes all up to the first dot for the key and passes over folders like __this__.
# A name must also be no path that leaves the folder it is unpacked in.
ESCAPED = re.compile(r"[.%\\\x00-\x1f\x7f\ud800-\udfff]|^[/_]|(?<=/)/|/$")


def member_name(key: str) -> str:
    """The name of a clip's members in the tar: the key, with %2E for a dot and so on.

    Longer ones are cut and told apart by a digest; the whole key stands in the JSON.
    """
    if not key:
        raise ValueError("a clip without a key: expected a name")
    name = ESCAPED.sub(lambda c: "".join(f"%{b:02X}" for b in _bytes(c[0])), key)
    if len(_bytes(name)) > LONGEST:
        digest = hashlib.sha256(_bytes(key)).hexdigest()[:20]
        name = f"{_bytes(name)[:70].decode('utf-8', 'ignore')}-{digest}"
    return name


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def places(offset: int, sizes: Sequence[int]) -> tuple[list[int], int]:
    """Where the members' data lie in a clip that starts at `offset`, and where the clip ends."""
    starts = []
    for size in sizes:
        starts.append(offset + BLOCK)
        offset += BLOCK + padded(size)
    return starts, offset


def write_clip(out: BinaryIO, name: str, flac: bytes, text: bytes, jpegs: Sequence[bytes]):
    """Append the three members; their sizes."""
    members = ([flac], [text], jpegs)
    sizes = tuple(sum(map(len, parts)) for parts in members)
    if max(sizes) > LARGEST:
        raise ValueError(f"{name}: {max(sizes)} bytes in one member, expected less than 4 GiB")
    for suffix, parts, size in zip(SUFFIXES, members, sizes, strict=True):
        header = tarfile.TarInfo(f"{name}.{suffix}")
        header.size = size
        out.write(header.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict"))
        out.writelines(parts)
        out.write(bytes(padded(size) - size))
    return sizes


def is_header(block: bytes, name: bytes, size: int) -> bool:
    """True where a header names this member and this size."""
    return (
        block[:100] == name.ljust(100, b"\0") and block[124:136].rstrip(b" \0") == b"%011o" % size
    )


def read_clips(path: str | Path) -> Iterator[tuple[int, str, list[bytes]]]:
    """Walk a tar: where each clip starts, its name, the bytes of its flac, json and mjpg.

    ValueError where it is cut off or is not laid out as `write_clip` does.
    """
    try:
        with tarfile.open(path, "r:", encoding="utf-8", errors="strict") as tar:
            end = 0
            while (first := tar.next()) is not None:
                start, name = end, first.name.removesuffix(".flac")
                found = [first, tar.next(), tar.next()]
                names = [member and member.name for member in found]
                if names != [f"{name}.{suffix}" for suffix in SUFFIXES]:
                    raise ValueError(
                        f"{path}: {', '.join(str(n) for n in names)}: expected the members"
                        " NAME.flac, NAME.json, NAME.mjpg of each clip together"
                    )
                starts, end = places(start, [member.size for member in found])
                if starts != [member.offset_data for member in found]:
                    raise ValueError(f"{path}: {name}: expected plain ustar headers, one a member")
                yield start, name, [tar.extractfile(member).read() for member in found]
                tar.members = []  # it remembers all that it has passed
            if Path(path).stat().st_size < end + len(END):
                raise ValueError(f"{path}: cut off behind its last clip")
    except (tarfile.TarError, OSError, UnicodeError, EOFError) as error:
        raise ValueError(f"{path}: cannot be read as a tar ({reason(error)})") from error
