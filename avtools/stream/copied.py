"""What goes over from one container to another as it is: packets, names, chapters."""

import io
from collections.abc import Iterator

import av

from avtools.errors import AvtoolsError, warn

# Tags under which MP4 and MOV know a codec by more than one name: the choice says where the
# parameter sets are, and players insist on it.
TAGS = frozenset("avc1 avc3 hvc1 hev1 dvh1 dvhe dva1 dvav av01 vp09 mp4v".split())
# About the file that was, not about the file that will be.
STALE = frozenset("major_brand minor_version compatible_brands encoder duration bps".split())
STALE_STARTS = ("number_of_", "_statistics_", "bps-", "duration-")

BROADCAST = frozenset("h264 hevc mpeg1video mpeg2video mpeg4 vc1 cavs".split())


class Copied:
    """A stream whose packets go over as they are."""

    def __init__(self, stream, bits=None):
        self.stream = stream  # of the new container
        self._last = None
        self._bits = bits  # a filter for packets that are framed in another way there

    def feed(self, packet) -> Iterator:
        if packet is None:
            return
        # Muxers refuse a decoding time that does not grow; damaged streams have such.
        if packet.dts is not None:
            if self._last is not None and packet.dts <= self._last:
                packet.dts = self._last + 1
                packet.pts = None if packet.pts is None else max(packet.pts, packet.dts)
            self._last = packet.dts
        for made in self._bits.filter(packet) if self._bits else [packet]:
            made.stream = self.stream
            yield made


def copied(stream, sink, form: str) -> Copied | None:
    """None where this container can't hold the stream, or nobody knows what it is."""
    if stream.type == "attachment" and form == "matroska":
        return Copied(sink.add_stream_from_template(stream))
    if stream.type not in ("video", "audio", "subtitle") or stream.codec_context is None:
        return None
    if _is_lost(stream, form):
        return None
    # Half of what is refused is refused only when the header is written: a rehearsal finds out.
    try:
        with av.open(io.BytesIO(), "w", format=form) as rehearsal:
            _from_template(stream, rehearsal, form)
            rehearsal.start_encoding()
    except (av.error.FFmpegError, ValueError):
        return None
    made = _from_template(stream, sink, form)
    if form == "avi" and stream.name in ("h264", "hevc"):  # other muxers see to that themselves
        return Copied(
            made, av.bitstream.BitStreamFilterContext(f"{stream.name}_mp4toannexb", stream)
        )
    return Copied(made)


def _is_lost(stream, form: str) -> bool:
    """Pictures that the muxer takes and no reader finds again, or at the wrong times."""
    if stream.type != "video":
        return False
    if form == "mpegts":
        return stream.codec_context.codec.canonical_name not in BROADCAST
    if form != "avi" or stream.container.format.name == "avi":
        return False
    return bool(stream.codec_context.has_b_frames) or stream.name in ("h264", "hevc")


def _from_template(stream, sink, form: str):
    made = sink.add_stream_from_template(stream, opaque=True)
    context = made.codec_context
    try:
        tag = stream.codec_context.codec_tag
    except UnicodeDecodeError:
        tag = ""
    from_mov = stream.container.format.name.startswith("mov")
    if form in ("mp4", "mov") and from_mov and tag in TAGS:
        context.codec_tag = tag
    elif form in ("mp4", "mov") and context.name == "hevc" and context.extradata:
        context.codec_tag = "hvc1"  # the only one that Apple's players open
    if stream.type == "video":
        if stream.sample_aspect_ratio:
            context.sample_aspect_ratio = stream.sample_aspect_ratio
        if stream.average_rate:
            context.framerate = stream.average_rate  # for timecode, and players that ask first
    return made


def is_cover(stream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def describe(made, stream) -> None:
    """Language, titles and roles."""
    made.metadata.update({k: v for k, v in stream.metadata.items() if not _is_stale(k)})
    made.disposition = stream.disposition


def _is_stale(key: str) -> bool:
    return key.lower() in STALE or key.lower().startswith(STALE_STARTS)


def carry_facts(source, sink, shift: int) -> None:
    sink.metadata.update({k: v for k, v in source.metadata.items() if not _is_stale(k)})
    for stream in source.streams.data:
        if "timecode" in stream.metadata:  # written as a track again
            sink.metadata.setdefault("timecode", stream.metadata["timecode"])
    chapters = source.chapters()
    for chapter in chapters:
        ticks = round(shift / chapter["time_base"])
        chapter["start"] += ticks
        chapter["end"] += ticks
    if chapters:
        sink.set_chapters(chapters)


def tell_lost(source, lost: list, video: str, form: str) -> None:
    chapters = bool(source.chapters())
    for stream in lost:
        if stream.type == "data" and (
            chapters or (form == "mov" and "timecode" in stream.metadata)
        ):
            continue  # it is written again from what the container knows
        if stream.type in ("video", "audio") and not is_cover(stream):
            kind = "picture" if stream.type == "video" else "sound"
            coding = stream.codec_context.name if stream.codec_context else "in an unknown coding"
            raise AvtoolsError(f"{video}: {form} can't hold its {kind} ({coding})")
        warn(f"{video}: stream {stream.index} ({stream.type}) left out: {form} can't hold it")
