"""Give a video another sound: the picture's packets are copied, the sound is encoded beside them.

Time. Every packet keeps the time it had, absolutely, where the container can say so (in MP4 and
MOV a track may begin later than zero). The first sample of the new sound goes where the first
*decoded* frame of the old one has its time: a stream's own `start_time` counts samples that are
never heard (the encoder's priming), and a file that was cut without re-encoding holds packets
from before its beginning. Sound and picture are handed to the muxer in the order of their times,
so that neither waits there in memory for the other.
"""

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av

from avtools.errors import AvtoolsError, warn
from avtools.stream.coding import EncodedSound, choose_coding
from avtools.stream.copied import carry_facts, copied, describe, is_cover, tell_lost
from avtools.stream.edits import hide_priming
from avtools.stream.sound import Sound
from avtools.stream.spatial import Spatial, read_spatial, write_spatial

av.logging.set_level(None)

# MPEG-PS, MXF and ASF are read, not written: what comes out of FFmpeg has other times.
FORMATS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".avi": "avi",
    ".webm": "webm",
    ".ts": "mpegts",
    ".mts": "mpegts",
    ".m2ts": "mpegts",
    ".flv": "flv",
    ".ogv": "ogg",
    ".3gp": "3gp",
    ".nut": "nut",
}
BOXED = ("mp4", "mov", "3gp")
# A clock that runs from anywhere (a broadcaster's midnight) is set back when it is this late.
LATE_SECONDS = 10
# What one kind of packet may run ahead of the other inside the muxer, in microseconds.
INTERLEAVE = 2_000_000
# An MP4's clock beyond this makes the durations of short films overflow 32 bits.
FINEST_CLOCK = 10_000_000


def remux(
    video: str,
    output: Path,
    suffix: str,
    sound: Sound | None,
    *,
    codec: str | None = None,
    bitrate: int | None = None,
    spatial: Spatial | None = None,
    picture: Callable | None = None,
    stream: int | None = None,
    target: str = "",
) -> None:
    """Write the picture of `video` with `sound`, or with its own sound where that is None.

    `suffix` is the ending of the final name, which `output` need not have; `target` that name
    for messages. `stream` is the index
    of the sound stream that is replaced (None: the main one). `picture(stream, container)` makes
    a re-encoder in place of copying: an object with the new `.stream` and with `.feed(packet)`,
    which gives packets, the last ones for `feed(None)`.
    """
    form = FORMATS.get(suffix.lower())
    if form is None:
        known = ", ".join(FORMATS)
        raise AvtoolsError(f"{suffix or 'no ending'}: a video is written as one of {known}")
    with open_video(video) as source:
        if not source.streams.video and not {"mp4", "webm"} & set(source.format.name.split(",")):
            raise AvtoolsError(f"{video}: no picture in it to put into {suffix}")
        original = pick_sound(source, video, stream)
        # A sound in a coding that FFmpeg doesn't know has no codec, and no known channels.
        known = original and original.codec_context
        channels = sound.channels if sound else known and known.channels
        try:
            with writing(output, form, _options(source, form, sound)) as sink:
                work = _Remux(source, sink, video, form, original)
                work.add_tracks(picture, keep_sound=sound is None)
                if sound is not None:
                    work.add_sound(sound, codec, bitrate)
                work.run()
        except av.error.FFmpegError as error:
            what = getattr(error, "strerror", None) or str(error)
            raise AvtoolsError(f"{target or output}: {what}") from error
    if form in BOXED and sound is not None and work.sound.starts_late and work.sound.priming:
        hide_priming(output, work.sound.priming)
    if spatial is not None:
        if spatial.channels != channels:
            spatial = replace(spatial, ambisonic_order=None, head_locked=False)
        _mark(output, form, spatial, video, suffix)


def open_video(video: str):
    try:
        # Old containers (AVI) hold one time a packet; without the other nothing can be written.
        return av.open(video, metadata_errors="replace", options={"fflags": "+genpts"})
    except (av.error.FFmpegError, ValueError) as error:
        from avtools.stream.decode import explain

        raise AvtoolsError(f"{video}: {explain(error)}") from error


def pick_sound(source, video: str, index: int | None):
    """The sound stream with this index in the file, or the main one; None where there is none."""
    if index is None:
        return source.streams.best("audio")
    for stream in source.streams.audio:
        if stream.index == index:
            return stream
    raise AvtoolsError(f"{video}: stream {index} is no audio stream")


def first_time(video: str, stream) -> Fraction:
    """When the first frame that a decoder gives out is presented, in seconds."""
    if stream is None:
        return Fraction(0)
    with open_video(video) as again:
        for packet in again.demux(again.streams[stream.index]):
            with contextlib.suppress(av.error.FFmpegError):
                for frame in packet.decode():
                    if frame.pts is not None:
                        return frame.pts * Fraction(frame.time_base)
    return Fraction(0)


def _options(source, form: str, sound: Sound | None) -> dict[str, str]:
    options = {"max_interleave_delta": str(INTERLEAVE)}
    if form in BOXED:
        timed = [s for s in source.streams if s.type in ("video", "audio") and s.time_base]
        bases = [Fraction(s.time_base).denominator for s in timed]
        options["movie_timescale"] = str(movie_clock(bases, sound.rate if sound else 1))
    return options


def movie_clock(bases: list[int], rate: int) -> int:
    """Ticks a second in which an MP4 counts where its tracks start.

    With FFmpeg's 1000 a sound that starts later than zero is off by up to half a millisecond.
    Where nothing moderate divides by all the tracks' clocks, the sound's is kept exactly, and a
    few ticks to each of the finest other one let a reader round to the right one.
    """
    exact = math.lcm(rate, *bases)
    if exact <= FINEST_CLOCK:
        return exact
    return min(rate * math.ceil(4 * max(bases) / rate), (1 << 31) - 1)


@contextlib.contextmanager
def writing(output: str | Path, form: str, options: dict[str, str]) -> Iterator:
    """A container that is written, and closed whatever happens."""
    sink = av.open(str(output), "w", format=form, container_options=options)
    try:
        yield sink
    except BaseException:
        with contextlib.suppress(Exception):  # the first error is the one to tell
            sink.close()
        raise
    sink.close()


def _mark(output: Path, form: str, spatial: Spatial, video: str, suffix: str) -> None:
    """The finished file says what is still true of its picture and its sound."""
    if form in BOXED:
        write_spatial(output, spatial)
    elif spatial.projection and read_spatial(output).projection != spatial.projection:
        warn(f"{video}: {suffix} is not marked as 360 (.mp4 would be)")


class _Remux:
    """One file on its way into another."""

    def __init__(self, source, sink, video: str, form: str, original):
        self.source, self.sink, self.video, self.form = source, sink, video, form
        self.original = original
        self.tracks: dict = {}  # index in the source -> what its packets go through
        self.sound: EncodedSound | None = None
        self.shift = 0  # seconds that are added to every time
        if source.format.name in ("mpegts", "mpeg") and source.start_time is not None:
            start = source.start_time // av.time_base
            self.shift = -start if start >= LATE_SECONDS else 0

    def add_tracks(self, picture: Callable | None, keep_sound: bool) -> None:
        lost = []
        for stream in self.source.streams:
            if stream.type == "audio" and not keep_sound:
                continue
            if stream.type == "video" and picture and not is_cover(stream):
                made = picture(stream, self.sink)
            else:
                made = copied(stream, self.sink, self.form)
            if made is None:
                lost.append(stream)
                continue
            describe(made.stream, stream)
            self.tracks[stream.index] = made
        tell_lost(self.source, lost, self.video, self.form)
        others = len(self.source.streams.audio) - 1
        if others > 0 and not keep_sound:
            warn(f"{self.video}: {others} other sound track{'s' * (others > 1)} left out")
        carry_facts(self.source, self.sink, self.shift)

    def add_sound(self, sound: Sound, codec: str | None, bitrate: int | None) -> None:
        original = self.original
        family = original.codec_context.codec.canonical_name if original else None
        begin = first_time(self.video, original or self.source.streams.best("video"))
        coding = choose_coding(sound, self.form, family, codec, bitrate)
        self.sound = EncodedSound(
            self.sink, sound, coding, begin + self.shift, fill=self.form == "avi"
        )
        if original:
            describe(self.sound.stream, original)

    def run(self) -> None:
        for packet in self._packets():
            # The demuxer's end mark is empty. A missing dts is no mark: Matroska's first pictures
            # with B-frames have none, and without them the first seconds can't be decoded.
            if packet.size:
                self._write(self.tracks[packet.stream.index].feed(packet))
        for made in self.tracks.values():
            self._write(made.feed(None))
        if self.sound is not None:
            self.sink.mux(self.sound.until(None))

    def _packets(self) -> Iterator:
        wanted = [s for i, s in enumerate(self.source.streams) if i in self.tracks]
        wanted = [s for s in wanted if s.type != "attachment"]
        packets = self.source.demux(wanted) if wanted else iter(())
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                warn(f"{self.video}: ends early: {error.strerror}")
                return
            if packet is None:
                return
            yield packet

    def _write(self, packets) -> None:
        for packet in packets:
            base = Fraction(packet.time_base)
            if self.shift:
                ticks = round(self.shift / base)
                packet.pts = None if packet.pts is None else packet.pts + ticks
                packet.dts = None if packet.dts is None else packet.dts + ticks
            when = packet.pts if packet.dts is None else packet.dts
            if self.sound is not None and when is not None:
                self.sink.mux(self.sound.until(when * base))
            self.sink.mux(packet)
