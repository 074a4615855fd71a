"""Sound that PyAV decodes: every format but plain WAV, from files and from pipes."""

import os
from collections.abc import Callable, Iterator

import av

from avtools.errors import AvtoolsError, warn
from avtools.stream.files import StreamFacts
from avtools.stream.sound import Blocks, Sound

av.logging.set_level(None)

# Formats whose header counts the samples exactly, not only about.
COUNTED = frozenset("flac wav aiff caf au w64".split())
# Sooner than this, decoding what lies before is cheaper than a seek with its second look.
SEEK_FROM_SECONDS = 20.0
# What a codec with memory (AAC, Opus) wants to hear before it is right again.
PREROLL_SECONDS = 1.0


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
    except (av.error.FFmpegError, ValueError) as error:
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
    container = open_container(fd, name, first, regular)
    try:
        stream = pick_stream(container, name, index)
        context = stream.codec_context
        if context is None or not context.rate or not context.channels:
            raise AvtoolsError(f"{name}: a sound whose coding is not known")
        rate, channels = context.rate, context.channels
        skipped = _seek(container, stream, start) if regular and start > SEEK_FROM_SECONDS else None
    except BaseException:
        container.close()
        raise
    frames = _exact_frames(container, stream)
    marks = _marks(name, stream, regular)

    def finish() -> None:
        container.close()
        close()

    return Sound(
        blocks=_packed(container, stream, name, not regular),
        rate=rate,
        channels=channels,
        frames=None if frames is None else frames - (skipped or 0),
        name=name,
        label=_label(context.layout.name, name),
        codec=context.codec.canonical_name,
        bits=_bits(context),
        skipped=skipped or 0,
        marks=marks,
        close=finish,
    )


def _label(layout: str, name: str) -> str:
    return "fuma" if name.lower().endswith(".amb") else layout


def _bits(context) -> int:
    raw = getattr(context, "bits_per_raw_sample", 0) or 0
    return raw or context.format.bits


def _exact_frames(container, stream) -> int | None:
    if container.format.name not in COUNTED or not stream.duration:
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


def _seek(container, stream, start: float) -> int:
    """Move to about `start` seconds after the first sample; returns the samples passed over."""
    first = next(_frames(container, stream, container.name), None)
    if first is None or first.pts is None:
        container.seek(0)
        return 0
    origin = first.pts * first.time_base
    target = origin + max(0, start - PREROLL_SECONDS)
    container.seek(int(target / stream.time_base), stream=stream)
    # The first frames after a seek lack their predecessors: they are heard, not kept.
    for frame in _frames(container, stream, container.name):
        if frame.pts is not None:
            at = round((frame.pts * frame.time_base - origin) * stream.codec_context.rate)
            container.seek(int(target / stream.time_base), stream=stream)
            return max(0, at)
    return 0


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
        except (av.error.FFmpegError, ValueError) as error:
            if decoded:
                warn(f"{name}: the sound ends early: {explain(error)}")
            trouble = error
            break
        try:
            frames = packet.decode()
        except (av.error.FFmpegError, ValueError) as error:
            if trouble is None and decoded:
                warn(f"{name}: damaged sound passed over ({explain(error)})")
            trouble = error
            continue
        decoded = decoded or bool(frames)
        yield from frames
    if trouble is not None and not decoded:
        raise AvtoolsError(f"{name}: {explain(trouble, piped)}") from trouble


def _packed(container, stream, name: str, piped: bool) -> Blocks:
    # Always through the resampler to packed floats: PyAV crashes on planar frames of 8 channels
    # and more, and a change of layout within the stream raises here, not in the maths.
    resampler = av.AudioResampler(format="flt")
    channels, rate = stream.codec_context.channels, stream.codec_context.rate
    for frame in _frames(container, stream, name, piped):
        if frame.layout.nb_channels != channels or frame.sample_rate != rate:
            raise AvtoolsError(f"{name}: its channels or its rate change within the sound")
        for x in resampler.resample(frame):
            yield x.to_ndarray().reshape(-1, channels).T


def list_streams(path: str) -> list[StreamFacts]:
    """Every stream of a file, as its container describes it."""
    from avtools.stream.spatial import read_spatial

    try:
        container = av.open(f"file:{path}", metadata_errors="replace")
    except (av.error.FFmpegError, ValueError) as error:
        raise AvtoolsError(f"{path}: {explain(error)}") from error
    with container:
        spatial = read_spatial(path)
        sounds = tuple(s.codec_context.channels for s in container.streams.audio)
        return [_stream_facts(s, container, spatial, sounds) for s in container.streams]


def _stream_facts(stream, container, spatial, sounds) -> StreamFacts:
    length = stream.duration * stream.time_base if stream.duration and stream.time_base else None
    if length is None and container.duration:
        length = container.duration / av.time_base
    is_video = stream.type == "video"
    rate = (stream.average_rate or stream.guessed_rate) if is_video else None
    return StreamFacts(
        index=stream.index,
        kind=stream.type or "data",
        rate=None if rate is None else float(rate),
        duration=None if length is None else float(length),
        size=(stream.width, stream.height) if is_video else None,
        spatial=spatial,
        sounds=sounds,
    )
