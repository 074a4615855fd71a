"""The wire between tools: WAV on file descriptors.

Every stage of a pipe pays for what it imports, and neither soundfile (which cannot write WAV to
a pipe) nor PyAV is fast enough for the inner loop; so the reading and writing stands here, with
numpy alone. The header is in `wav`.
"""

import contextlib
import fcntl
import os
import select
import stat
from collections.abc import Callable

import numpy as np

from avtools.errors import AvtoolsError, reason, warn
from avtools.stream.sound import BLOCK_BYTES, Blocks, Sound, block_frames, clipped
from avtools.stream.wav import (
    FLOAT,
    FORMS,
    LONGEST_CHUNK,
    UNKNOWN,
    Header,
    au_header,
    header_bytes,
    read_header,
)


def read_wire(
    fd: int,
    name: str,
    taken: bytes = b"",
    close: Callable[[], None] = lambda: None,
    start: float = 0.0,
) -> Sound:
    """The sound behind a descriptor; `taken` are bytes already read from it.

    A regular file is read from `start` seconds on, by seeking; `skipped` says how far.
    """
    put_back = bytearray(taken)

    def read(n: int) -> bytes:
        parts = [bytes(put_back[:n])]
        del put_back[:n]
        n -= len(parts[0])
        while n > 0 and (more := os.read(fd, min(n, BLOCK_BYTES))):
            parts.append(more)
            n -= len(more)
        return b"".join(parts)

    header = read_header(read, name)
    data_bytes = _really_there(fd, header, len(put_back), name)
    frame, skipped = header.frame_bytes, 0
    if data_bytes is not None:
        data_bytes -= data_bytes % frame
        if start > 0 and stat.S_ISREG(os.fstat(fd).st_mode) and not put_back:
            skipped = min(round(start * header.rate), data_bytes // frame)
            os.lseek(fd, skipped * frame, os.SEEK_CUR)
            data_bytes -= skipped * frame
    return Sound(
        blocks=read_blocks(fd, header, data_bytes, name, bytes(put_back)),
        rate=header.rate,
        channels=header.channels,
        frames=None if data_bytes is None else data_bytes // frame,
        name=name,
        label=header.label,
        codec=header.codec,
        bits=header.bits,
        skipped=skipped,
        marks=header.marks,
        close=close,
    )


def _really_there(fd: int, header: Header, put_back: int, name: str) -> int | None:
    """A regular file's own size settles what its header claims."""
    facts = os.fstat(fd)
    if not stat.S_ISREG(facts.st_mode):
        return header.data_bytes
    there = facts.st_size - os.lseek(fd, 0, os.SEEK_CUR) + put_back
    if header.data_bytes is None:
        return there
    if there < header.data_bytes:
        warn(f"{name}: truncated: {there} of {header.data_bytes} bytes of sound are there")
    return min(there, header.data_bytes)


def read_blocks(
    fd: int, header: Header, data_bytes: int | None, name: str, taken: bytes = b""
) -> Blocks:
    """Float32 blocks `(channels, samples)`; each is overwritten by the next."""
    frame = header.frame_bytes
    room = max(frame, block_frames(header.channels, header.bits // 8) * frame, len(taken))
    buffer = bytearray(room)
    view = memoryview(buffer)
    to_float = converter(header.codec)
    left = data_bytes
    kept = len(taken) if left is None else min(len(taken), left)
    view[:kept] = taken[:kept]
    fresh = kept
    while True:
        if left is not None:
            left -= fresh
        whole = kept - kept % frame
        if whole:
            yield to_float(view[:whole], header.channels)
            kept -= whole
            view[:kept] = bytes(view[whole : whole + kept])
        limit = room if left is None else min(room, kept + left)
        fresh = os.readv(fd, [view[kept:limit]]) if limit > kept else 0
        if fresh == 0:
            break
        kept += fresh
    if left:
        warn(f"{name}: truncated: the last {left} bytes of sound that its header names are missing")
    elif kept:
        warn(f"{name}: truncated: ends within a frame, {kept} bytes left out")
    if left == 0 and not stat.S_ISREG(os.fstat(fd).st_mode):
        with contextlib.suppress(OSError):  # what follows the data, so that the writer can finish
            while os.read(fd, BLOCK_BYTES):
                pass


def converter(codec: str) -> Callable[[memoryview, int], np.ndarray]:
    """bytes, channels -> float32 `(channels, samples)`. Full scale of the integers is 1."""

    def as_float32(raw, channels):
        return np.frombuffer(raw, "<f4").reshape(-1, channels).T

    def as_float64(raw, channels):
        with np.errstate(over="ignore"):
            return np.frombuffer(raw, "<f8").astype(np.float32).reshape(-1, channels).T

    def from_integers(kind: str, bits: int, offset: int = 0):
        scale = np.float32(2.0 ** (1 - bits))

        def convert(raw, channels):
            x = np.frombuffer(raw, kind).astype(np.float32)
            if offset:
                x -= offset
            x *= scale
            return x.reshape(-1, channels).T

        return convert

    def from_24(raw, channels):
        three = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        x = np.zeros((len(three), 4), np.uint8)
        x[:, 1:] = three
        y = x.view("<i4")[:, 0].astype(np.float32)
        y *= np.float32(2.0**-31)
        return y.reshape(-1, channels).T

    return {
        "pcm_f32le": as_float32,
        "pcm_f64le": as_float64,
        "pcm_u8": from_integers("u1", 8, 128),
        "pcm_s16le": from_integers("<i2", 16),
        "pcm_s24le": from_24,
        "pcm_s32le": from_integers("<i4", 32),
    }[codec]


class WireWriter:
    """Writes blocks to a descriptor. `au` writes big-endian AU, which every tool reads at any
    length. A new regular file gets true sizes at the end, whatever was promised at the start;
    one that is appended to, or was begun by others, is treated as a pipe."""

    def __init__(self, fd: int, sound: Sound, codec: str = "pcm_f32le", au: bool = False):
        self.fd, self.au = fd, au
        self.frame = sound.channels * FORMS[codec][1] // 8
        if sound.channels > 0xFFFF or self.frame > 0xFFFF:
            raise AvtoolsError(f"{sound.name}: {sound.channels} channels are too many for WAV")
        size = None if sound.frames is None else sound.frames * self.frame
        too_long = size is not None and size + 2 * LONGEST_CHUNK > UNKNOWN
        self.is_ours = is_new_file(fd) and not au
        self.spare = self.is_ours and (size is None or too_long)
        if too_long and not self.is_ours:
            size = None  # RF64 in a pipe is read wrongly by everybody else
        self.header = Header(codec, sound.channels, sound.rate, size, marks=sound.marks)
        self.written = 0
        self.encode = encoder(codec, au)
        self.unsent = au_header(self.header) if au else header_bytes(self.header, self.spare)

    def write(self, block: np.ndarray) -> None:
        data = self.encode(block)
        self.written += data.nbytes
        if self.unsent:
            # With the first samples in one piece: sox looks at its first read to name the format,
            # and can't look again in a pipe.
            data = self._with_header(data)
        write_all(self.fd, data)

    def _with_header(self, data: np.ndarray) -> bytes:
        header, self.unsent = self.unsent, b""
        return header + data.tobytes()

    def finish(self) -> None:
        if self.unsent:
            write_all(self.fd, self._with_header(np.zeros(0, np.uint8)))
        if self.written % 2 and not self.au:
            write_all(self.fd, b"\0")
        if self.is_ours and self.written != self.header.data_bytes:
            self.header.data_bytes = self.written
            os.pwrite(self.fd, header_bytes(self.header, self.spare), 0)


def is_new_file(fd: int) -> bool:
    """A regular file that holds nothing yet and is not appended to: only such a one is ours to
    write a header into again."""
    facts = os.fstat(fd)
    if not stat.S_ISREG(facts.st_mode) or facts.st_size:
        return False
    return os.lseek(fd, 0, os.SEEK_CUR) == 0 and not fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND


def encoder(codec: str, au: bool = False) -> Callable[[np.ndarray], np.ndarray]:
    """float32 `(channels, samples)` -> contiguous interleaved samples. Integers come `clipped`."""
    tag, bits = FORMS[codec]

    def floats(x):
        kind = ">f4" if au else "<f4" if bits == 32 else "<f8"
        return np.ascontiguousarray(x.T, dtype=kind)

    def integers(x):
        top = 2.0 ** (bits - 1)
        y = np.clip(np.rint(x.T.astype(np.float64) * top), -top, top - 1)
        if bits == 8:
            return (y + 128).astype(np.uint8)
        if bits == 24:
            whole = y.astype("<i4").view(np.uint8).reshape(*y.shape, 4)
            return np.ascontiguousarray(whole[..., :3])
        return np.ascontiguousarray(y.astype(f"<i{bits // 8}"))

    return floats if tag == FLOAT else integers


def write_all(fd: int, data) -> None:
    view = memoryview(data).cast("B") if len(data) else b""
    while len(view):
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:  # somebody made our output non-blocking: wait for room
            select.select([], [fd], [])


def widen(fd: int) -> None:
    """Ask for a 1 MiB pipe: three stages then cost about one."""
    with contextlib.suppress(OSError, AttributeError):
        if stat.S_ISFIFO(os.fstat(fd).st_mode):
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, 1 << 20)


def write_wire(
    fd: int,
    sound: Sound,
    codec: str = "pcm_f32le",
    au: bool = False,
    target: str = "standard output",
) -> int:
    """Write the whole sound; returns the frames written."""
    tag, bits = FORMS[codec]
    if tag != FLOAT:
        sound = sound.through(clipped, sound.name, bits)
    writer = None
    for x in sound.blocks:
        with _named_errors(target):
            # Not before the first samples: a sound that can't be read leaves nothing behind.
            writer = writer or WireWriter(fd, sound, codec, au)
            writer.write(x)
    with _named_errors(target):
        writer = writer or WireWriter(fd, sound, codec, au)
        writer.finish()
    return writer.written // writer.frame


@contextlib.contextmanager
def _named_errors(target: str):
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise AvtoolsError(f"{target}: {reason(error)}") from error
