"""A video stream's frames in order of time, with jumps ahead where these are faster."""

from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction

import av

from avtools.errors import warn
from avtools.stream import damage
from avtools.stream.frametime import FrameClock

# A seek with the keyframe's decoding took the time of 3 to 12 frames of ordinary decoding (H.264
# and HEVC, 270 to 1080 lines, 2 cores): a keyframe nearer than this is decoded towards.
SEEK_FRAMES = 12
# Where the container has no index, keyframes are taken to be this far apart, in seconds.
UNKNOWN_GROUP = 10
# Frames between a keyframe's decoding and its display, at the most in common files.
REORDERED = 4
# Packets that are looked at ahead: more than the frames between two ticks at 6 Hz of 30, and the
# usual depth of reordering.
AHEAD = 8
# Containers whose seeking lands on a keyframe with true times.
SEEKABLE = {"mov", "mp4", "matroska", "webm", "mpegts"}
# Codecs whose non-reference frames no other frame needs. HEVC's may serve a higher sub-layer.
DISPOSABLE = {"h264", "mpeg4", "mpeg2video", "mpeg1video"}


class Decoder:
    """Iterator of (time, frame): time in seconds on the file's clock, rising.

    `slot(time)`, where set, numbers the frames: of those with one number only the last is wanted,
    and the others may be missing. None for a frame that is wanted for itself.
    """

    def __init__(
        self, container, stream, name: str, seekable: bool = False, keyframes: bool = False
    ):
        self.slot: Callable[[Fraction], int | None] | None = None
        self.clock = FrameClock(stream)
        self._container, self._stream, self._name = container, stream, name
        self._context = stream.codec_context
        self._context.thread_type = "AUTO"
        self._keyframes = keyframes
        self._last: Fraction | None = None
        self._target: Fraction | None = None
        self._warned = self._jumped = False
        self._seeks = seekable and bool(SEEKABLE & _formats(container))
        self._restart()

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> tuple[Fraction, object]:
        while True:
            while not self._ready:
                if not self._advance():
                    raise StopIteration
            time, frame = self._ready.popleft()
            if self._last is None or time > self._last:
                self._last = time
                return time, frame

    def seek(self, time: Fraction) -> None:
        """Frames before the one shown at `time` are not wanted. Never goes back."""
        if self._seeks and time != self._target:
            self._target = time
            if self._is_worthwhile(time):
                self._jump(time)

    def _is_worthwhile(self, time: Fraction) -> bool:
        here = self._last
        if here is None:
            here = (self._stream.start_time or 0) * self.clock.unit
        # MP4 has the whole index at hand, Matroska after the first seek.
        if self._jumped or "mov" in _formats(self._container):
            index = self._stream.index_entries
            key = index.search_timestamp(self._decoding_units(time)) if len(index) else -1
            if key >= 0:
                ahead = index[key].timestamp * self.clock.unit - here
                return ahead > SEEK_FRAMES * self.clock.step * self.clock.unit
        return time - here > UNKNOWN_GROUP

    def _decoding_units(self, time: Fraction) -> int:
        """Indexes go by the time of decoding, which for a keyframe is a few frames earlier: one
        that is decoded before `time` may be shown after it."""
        return int(time // self.clock.unit) - REORDERED * self.clock.step

    def _jump(self, time: Fraction) -> None:
        """To the keyframe before `time`; further back where its first frame is shown later."""
        for back in (0, 1, 4, 16):
            try:
                self._container.seek(self._decoding_units(time - back), stream=self._stream)
            except (av.error.FFmpegError, OSError):
                self._seeks = False
                return
            self._jumped = True
            self._restart()
            while not self._ready and self._advance():
                pass
            if self._ready and self._ready[0][0] <= time:
                break
        else:
            self._seeks = False
            self._container.seek(self._stream.start_time or 0, stream=self._stream)
            self._restart()
        if self._last is not None and self._ready and self._ready[0][0] <= self._last:
            self._seeks = False  # went back: what is there will be decoded again, but only once

    def _restart(self) -> None:
        self.clock = FrameClock(self._stream)
        self._packets = self._demuxed()
        self._ahead: deque = deque()
        self._ready: deque = deque()
        self._ended = False

    def _demuxed(self) -> Iterator:
        try:
            for packet in self._container.demux(self._stream):
                if packet.size and (packet.is_keyframe or not self._keyframes):
                    yield packet
        except (av.error.FFmpegError, OSError):
            self._complain()

    def _advance(self) -> bool:
        """Decodes one packet more; False at the end."""
        if self._ended:
            return False
        while len(self._ahead) <= AHEAD and (packet := next(self._packets, None)) is not None:
            self._ahead.append(packet)
        packet = self._ahead.popleft() if self._ahead else None
        self._ended = packet is None
        if self._context.codec.canonical_name in DISPOSABLE:
            superfluous = packet is not None and self._is_superfluous(packet)
            self._context.skip_frame = "NONREF" if superfluous else "DEFAULT"
        try:
            frames = self._context.decode(packet)
        except av.error.EOFError:
            frames = []
        except av.error.FFmpegError:
            self._complain()
            damage.note_packet(packet)
            frames = []
        for frame in frames:
            time = self.clock.units(frame) * self.clock.unit
            damage.note_frame(frame, float(time))
            self._ready.append((time, frame))
        return True

    def _is_superfluous(self, packet) -> bool:
        """True where a packet that shows later has the same slot."""
        if self.slot is None or packet.pts is None or not self.clock.has_pts:
            return False
        slot = self.slot(packet.pts * self.clock.unit)
        return slot is not None and any(
            p.pts is not None
            and p.pts > packet.pts
            and not p.is_discard
            and not p.is_corrupt
            and self.slot(p.pts * self.clock.unit) == slot
            for p in self._ahead
        )

    def _complain(self) -> None:
        if not self._warned:
            warn(f"{self._name}: damaged video, what can be decoded is used")
        self._warned = True


def _formats(container) -> set[str]:
    return set(container.format.name.split(","))
