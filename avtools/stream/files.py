"""Sound from anything: WAV by our own reader, every other format by PyAV.

A window and a choice of channels are taken at the door, so that no tool has to know them.
"""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace

from avtools.dsp.ambisonics import order_of
from avtools.errors import AvtoolsError, reason, warn
from avtools.stream.sound import Blocks, Sound, choose, watched, window
from avtools.stream.wav import NotWire, is_wire
from avtools.stream.wire import read_wire, widen

SOUND_SUFFIXES = frozenset(
    ".wav .wave .amb .flac .ogg .oga .opus .mp3 .m4a .aac .aif .aiff .aifc .caf .au .snd .w64 "
    ".rf64 .bwf .mka .wma .ac3 .eac3 .wv .tta .mp2 .spx .ape".split()
)
VIDEO_SUFFIXES = frozenset(
    ".mp4 .m4v .mov .mkv .webm .avi .ts .m2ts .mts .mpg .mpeg .mxf .wmv .flv .ogv .3gp .nut".split()
)


@dataclass(frozen=True)
class StreamFacts:
    """What a container says of one stream; of the file around it where that matters."""

    index: int
    kind: str  # "audio", "video", "subtitle", ...
    rate: float | None = None  # of a video, frames a second
    duration: float | None = None
    size: tuple[int, int] | None = None
    spatial: object = None  # Spatial, of the whole file; None for WAV and pipes
    sounds: tuple[int, ...] = ()  # the channels of each sound stream in the file


def open_sound(
    source: str,
    *,
    stream: int | None = None,
    start: float = 0.0,
    duration: float | None = None,
    channels: Sequence[int] | None = None,
) -> Sound:
    """The sound of a file, or of standard input (`-`)."""
    sound = _open(source, stream, start)
    try:
        sound = _cut(sound, start, duration)
        sound = sound.through(watched, sound.name, sound.rate, round(start * sound.rate))
        return sound if channels is None else _chosen(sound, list(channels))
    except BaseException:
        sound.close()
        raise


def _cut(sound: Sound, start: float, duration: float | None) -> Sound:
    skip = round(start * sound.rate) - sound.skipped
    count = None if duration is None else max(0, round(duration * sound.rate))
    if not skip and count is None:
        return sound
    frames = sound.frames
    if frames is not None:
        frames = max(0, frames - skip)
        frames = frames if count is None else min(frames, count)
    blocks = _told_if_empty(window(sound.blocks, skip, count), sound.name, start)
    return replace(sound, blocks=blocks, frames=frames)


def _told_if_empty(blocks: Blocks, name: str, start: float) -> Blocks:
    empty = True
    for x in blocks:
        empty = False
        yield x
    if empty:
        warn(f"{name}: nothing there from {start:g} s on")


def _chosen(sound: Sound, channels: list[int]) -> Sound:
    for c in channels:
        if not 0 <= c < sound.channels:
            raise AvtoolsError(
                f"{sound.name}: no channel {c}: its {sound.channels} channels count from 0"
            )
    if channels == list(range(sound.channels)):
        return sound
    marks = {k: v for k, v in sound.marks.items() if k == "source"}
    order = order_of(len(channels))
    if order and channels == list(range(len(channels))) and order <= sound.marks.get("order", 0):
        marks = sound.marks | {"order": order}  # the lower orders of a sound field are one too
        marks.pop("head_locked", None)
    blocks = choose(sound.blocks, channels)
    return replace(sound, blocks=blocks, channels=len(channels), label="", marks=marks)


def _open(source: str, stream: int | None, start: float) -> Sound:
    fd, close = _descriptor(source)
    name = source if source != "-" else "standard input"
    try:
        facts = os.fstat(fd)
        if stat.S_ISDIR(facts.st_mode):
            raise AvtoolsError(f"{name}: is a folder, expected a sound or video file")
        regular = stat.S_ISREG(facts.st_mode)
        at = os.lseek(fd, 0, os.SEEK_CUR) if regular else 0
        first = _first_bytes(fd, 12)
        if not first:
            raise AvtoolsError(f"{name}: empty, expected a sound or video file")
        if is_wire(first):
            if stream not in (None, 0):
                raise AvtoolsError(f"{name}: no stream {stream}: a WAV file has only stream 0")
            try:
                return _named(read_wire(fd, name, first, close, start), source)
            except NotWire:
                if not regular:
                    raise AvtoolsError(
                        f"{name}: WAV in this coding can't be piped; give the file's name"
                    ) from None
        if regular:
            os.lseek(fd, at, os.SEEK_SET)
        from avtools.stream.decode import decode_sound

        return decode_sound(fd, name, first, regular, stream, start, close)
    except OSError as error:
        close()
        raise AvtoolsError(f"{name}: {reason(error)}") from error
    except BaseException:
        close()
        raise


def _named(sound: Sound, source: str) -> Sound:
    """A sound that came through a pipe remembers the file that it began as."""
    if source != "-":
        name = os.path.basename(source).encode("utf-8", "replace").decode()
        sound.marks = sound.marks | {"source": name[:255]}
    if source.lower().endswith(".amb"):
        sound.label = "fuma"  # what the ending means, and what sox writes into it
    return sound


def _descriptor(source: str):
    if source == "-":
        os.set_blocking(0, True)
        widen(0)
        return 0, lambda: None
    try:
        fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise AvtoolsError(f"{source}: {reason(error)}") from error
    closed = []

    def close():
        if not closed:
            closed.append(True)
            os.close(fd)

    return fd, close


def _first_bytes(fd: int, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := os.read(fd, count - len(data))):
        data += more
    return data
