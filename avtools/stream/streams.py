"""What a container says of its streams, before any of them is decoded."""

import av

from avtools.errors import AvtoolsError
from avtools.stream.decode import DAMAGE, explain
from avtools.stream.files import StreamFacts


def list_streams(path: str) -> list[StreamFacts]:
    """Every stream of a file, as its container describes it."""
    from avtools.stream.spatial import read_spatial

    try:
        with av.open(f"file:{path}", metadata_errors="replace") as container:
            spatial = read_spatial(path)
            sounds = tuple(
                s.codec_context.channels if s.codec_context else 0 for s in container.streams.audio
            )
            return [_stream_facts(s, container, spatial, sounds) for s in container.streams]
    except DAMAGE as error:
        raise AvtoolsError(f"{path}: {explain(error)}") from error


def _stream_facts(stream, container, spatial, sounds) -> StreamFacts:
    """A stream in a coding that FFmpeg doesn't know has no codec context: a sound then is of the
    kind "unknown audio", which nobody tries to decode, a picture one without a size."""
    length = stream.duration * stream.time_base if stream.duration and stream.time_base else None
    if length is None and container.duration:
        length = container.duration / av.time_base
    kind, size, rate = stream.type or "data", None, None
    if kind == "video":
        rate = stream.average_rate or stream.guessed_rate
        size = (stream.width, stream.height) if stream.codec_context else (0, 0)
    elif kind == "audio" and stream.codec_context is None:
        kind = "unknown audio"
    return StreamFacts(
        index=stream.index,
        kind=kind,
        rate=None if rate is None else float(rate),
        duration=None if length is None else float(length),
        size=size,
        spatial=spatial,
        sounds=sounds,
    )
