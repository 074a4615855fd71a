"""Sound that PyAV decodes: every format but plain WAV, from files and from pipes.

Whatever is damaged ends in an `AvtoolsError`. Where a container says when each frame is heard,
the samples come at those times: silence stands where frames are missing, so that what follows
stays with its picture. A seek must not be heard either: it is done only where it leads to the
very samples that decoding from the beginning gives.
"""

import os
from collections.abc import Callable, Iterator

import av
import numpy as np

from avtools.errors import AvtoolsError, warn
from avtools.stream import damage
from avtools.stream.sound import Blocks, Sound, block_frames
from avtools.stream.timeline import Timeline, family

av.logging.set_level(None)

# Formats whose header counts the samples exactly, not only about.
COUNTED = frozenset("flac wav aiff caf au w64".split())
# Sooner than this, decoding what lies before is cheaper than a seek with its second look.
SEEK_FROM_SECONDS = 20.0
# What a codec with memory (AAC, Opus) wants to hear before it is right again.
PREROLL_SECONDS = 1.0
# Where a seek leads to the sample meant, by measurement (tests/stream/test_decode.py). Matroska,
# FLV and ASF count in milliseconds and AVI in packets; WAV's clock is wrong for ADPCM; MP3 guesses
# by the bit rate; the noise in AC-3 depends on all that came before.
EXACT_SEEKS = {
    "mov": frozenset("aac alac flac opus pcm".split()),
    "flac": frozenset(["flac"]),
    "ogg": frozenset("opus vorbis flac".split()),
    "caf": frozenset("pcm alac".split()),
} | dict.fromkeys("wav aiff au w64".split(), frozenset(["pcm"]))

# How PyAV says that a file is damaged.
DAMAGE = (av.error.FFmpegError, ValueError, ArithmeticError)


class Pipe:
    """A descriptor that can't seek, as PyAV wants it, with the bytes already taken put back."""

    def __init__(self, fd: int, taken: bytes):
        self.fd, self.taken = fd, taken

    def read(self, n: int) -> bytes:
        if self.taken:
            some, self.taken = self.taken[:n], self.taken[n:]
            return some
        return os.read(self.fd, n)


def explain(error: Exception, piped: bool = False) -> str:
    """FFmpeg's reason in a user's words."""
    if isinstance(error, av.error.EOFError | ValueError):
        text = "not a sound or video file that can be read, or damaged"
        if piped:
            text += " (an MP4 with its index at the end can't be piped: give the file's name)"
        return text
    return (getattr(error, "strerror", None) or str(error)).strip().splitlines()[0]


def open_container(fd: int, name: str, first: bytes, regular: bool):
    if regular and os.lseek(fd, 0, os.SEEK_CUR) == 0:
        source = f"/dev/fd/{fd}"
    else:
        source = Pipe(fd, b"" if regular else first)
    try:
        return av.open(source, metadata_errors="replace")
    except DAMAGE as error:
        raise AvtoolsError(f"{name}: {explain(error, not regular)}") from error


def pick_stream(container, name: str, index: int | None):
    """The sound stream with this index in the file (as `probe` counts), or the main one."""
    sounds = container.streams.audio
    if index is None:
        best = container.streams.best("audio")
        if best is None:
            raise AvtoolsError(f"{name}: no audio stream")
        return best
    for stream in sounds:
        if stream.index == index:
            return stream
    have = ", ".join(str(s.index) for s in sounds) or "none"
    raise AvtoolsError(f"{name}: stream {index} is no audio stream (the file's are: {have})")


def decode_sound(
    fd: int,
    name: str,
    first: bytes,
    regular: bool,
    index: int | None = None,
    start: float = 0.0,
    close: Callable[[], None] = lambda: None,
) -> Sound:
    # A descriptor that was read from already can't be opened a second time, nor sought.
    seekable = regular and os.lseek(fd, 0, os.SEEK_CUR) == 0
    container = open_container(fd, name, first, regular)
    skipped = 0
    try:
        stream = _known_stream(container, name, index)
        if seekable and start > SEEK_FROM_SECONDS and _seeks_exactly(container, stream, start):
            skipped = _seek(container, stream, name, start)
            if not skipped:  # from the beginning, as if nothing had been tried
                container.close()
                container = open_container(fd, name, first, regular)
                stream = _known_stream(container, name, index)
        context, frames = stream.codec_context, _exact_frames(container, stream)

        def finish() -> None:
            container.close()
            close()

        return Sound(
            blocks=_packed(container, stream, name, not regular, skipped),
            rate=context.rate,
            channels=context.channels,
            frames=None if frames is None else max(0, frames - skipped),
            name=name,
            label=_label(context.layout.name, name),
            codec=context.codec.canonical_name,
            bits=_bits(context),
            skipped=skipped,
            marks=_marks(name, stream, regular),
            close=finish,
        )
    except DAMAGE as error:
        container.close()
        raise AvtoolsError(f"{name}: {explain(error, not regular)}") from error
    except BaseException:
        container.close()
        raise


def _known_stream(container, name: str, index: int | None):
    stream = pick_stream(container, name, index)
    context = stream.codec_context
    if context is None or not context.rate or not context.channels:
        raise AvtoolsError(f"{name}: a sound whose coding is not known")
    return stream


def _label(layout: str, name: str) -> str:
    return "fuma" if name.lower().endswith(".amb") else layout


def _bits(context) -> int:
    raw = getattr(context, "bits_per_raw_sample", 0) or 0
    return raw or (context.format.bits if context.format else 32)


def _exact_frames(container, stream) -> int | None:
    if container.format.name not in COUNTED or not stream.duration or not stream.time_base:
        return None
    frames = stream.duration * stream.time_base * stream.codec_context.rate
    return int(frames) if frames.denominator == 1 else None


def _marks(name: str, stream, regular: bool) -> dict:
    marks = {"source": os.path.basename(name)} if regular else {}
    layout = stream.codec_context.layout.name
    if layout.startswith("ambisonic"):  # as in "ambisonic 1" or "ambisonic 1+stereo"
        order, plus, _ = layout.split()[1].partition("+")
        return marks | _ambix(int(order), bool(plus))
    if regular and os.path.splitext(name)[1].lower() in (".mp4", ".m4a", ".mov", ".m4v"):
        from avtools.stream.spatial import read_spatial

        spatial = read_spatial(name, audio_track=stream.index)
        if spatial.channel_map is not None:
            warn(f"{name}: SA3D lists its channels out of order; they are taken as they come")
        if spatial.ambisonic_order is not None:
            marks |= _ambix(spatial.ambisonic_order, spatial.head_locked)
    return marks


def _ambix(order: int, head_locked: bool) -> dict:
    marks = {"convention": "ambix", "order": order}
    return marks | {"head_locked": True} if head_locked else marks


def _seeks_exactly(container, stream, start: float) -> bool:
    form, codec = family(container), stream.codec_context.codec.canonical_name
    kind = "pcm" if codec.startswith("pcm_") else codec
    if kind not in EXACT_SEEKS.get(form, ()) or not stream.time_base:
        return False
    return form != "mov" or kind == "pcm" or _is_even(stream, start)


def _is_even(stream, start: float) -> bool:
    """Whether all packets of an MP4 up to `start` are known and equally long: times then count
    samples. They don't in fragments, in an index with gaps, or in that of a recorder that
    jitters."""
    index = stream.index_entries
    if len(index) < 2:
        return False
    first, step = index[0].timestamp, index[1].timestamp - index[0].timestamp
    target = first + int(start / stream.time_base)
    at = index.search_timestamp(target)
    if at < 0 or step <= 0:
        return False
    found = index[at].timestamp
    return found - first == at * step and found + step > target


def _seek(container, stream, name: str, start: float) -> int:
    """Move to somewhat less than `start` seconds after the first sample; returns the samples
    passed over. 0: it can't be told where that led."""

    def first_time():
        frame = next(_frames(container, stream, name), None)
        return None if frame is None or frame.pts is None else frame.pts * frame.time_base

    try:
        origin = first_time()
        if origin is None:
            return 0
        target = int((origin + start - PREROLL_SECONDS) / stream.time_base)
        container.seek(target, stream=stream)
        # The first frames after a seek lack their predecessors: they are heard, not kept.
        at = first_time()
        container.seek(target, stream=stream)
    except (AvtoolsError, *DAMAGE):
        return 0
    passed = 0 if at is None else round((at - origin) * stream.codec_context.rate)
    return passed if 0 < passed <= start * stream.codec_context.rate else 0


def _frames(container, stream, name: str, piped: bool = False) -> Iterator:
    """Decoded frames. A damaged packet is passed over and said once; a sound of which nothing at
    all can be decoded is an error."""
    decoded, trouble = False, None
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            break
        except DAMAGE as error:
            if decoded:
                warn(f"{name}: the sound ends early: {explain(error)}")
            trouble = error
            break
        try:
            frames = packet.decode()
        except DAMAGE as error:
            if trouble is None and decoded:
                warn(f"{name}: damaged sound passed over ({explain(error)})")
            damage.note_packet(packet)
            trouble = error
            continue
        decoded = decoded or bool(frames)
        for frame in frames:
            damage.note_frame(frame, frame.time)
            yield frame
    if trouble is not None and not decoded:
        raise AvtoolsError(f"{name}: {explain(trouble, piped)}") from trouble


def _packed(container, stream, name: str, piped: bool, skipped: int = 0) -> Blocks:
    # Always through the resampler to packed floats: PyAV crashes on planar frames of 8 channels
    # and more, and a change of layout within the stream raises here, not in the maths.
    resampler = av.AudioResampler(format="flt")
    channels, rate = stream.codec_context.channels, stream.codec_context.rate
    timeline = Timeline(container, stream, name, skipped)
    for frame in _frames(container, stream, name, piped):
        if frame.layout.nb_channels != channels or frame.sample_rate != rate:
            raise AvtoolsError(f"{name}: its channels or its rate change within the sound")
        missing = timeline.missing(frame)
        yield from _silence(missing, channels)
        try:
            parts = [x.to_ndarray().reshape(-1, channels) for x in resampler.resample(frame)]
        except DAMAGE as error:
            raise AvtoolsError(f"{name}: {explain(error, piped)}") from error
        surplus = max(0, -missing)
        for x in parts:
            kept, surplus = x[surplus:], max(0, surplus - len(x))
            if len(kept):
                yield kept.T


def _silence(frames: int, channels: int) -> Blocks:
    while frames > 0:
        piece = np.zeros((min(frames, block_frames(channels)), channels), np.float32)
        frames -= len(piece)
        yield piece.T
