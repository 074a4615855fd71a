"""Where a sound has holes or overlaps itself: its container's times against its samples."""

import av

from avtools.errors import warn

# Containers in which the frames' times are written down, not counted by the reader.
TIMED = frozenset("mov matroska mpegts mpeg flv asf nut mxf".split())
# Recorders jitter (phones and browsers by several ms), and silence put into a sound that goes on
# is worse than a few ms: less than any lost frame of AAC (21 ms), Opus (20) or MP3 (24).
JITTER_SECONDS = 0.015
# Beyond these, in all, it is the clock that is broken: nothing is missing, nothing came twice.
MOST_SILENCE_SECONDS = 3600.0
MOST_OVERLAP_SECONDS = 1.0
# A gap as long as this must also end within the length that the container tells.
LONG_GAP_SECONDS = 10.0


def family(container) -> str:
    """FFmpeg's first name for the container: mov, matroska, mpegts, ..."""
    return container.format.name.split(",")[0]


class Timeline:
    """Compares each frame's time with the samples given so far.

    Always from the first frame on, so that rounded times don't add up to a drift.
    """

    def __init__(self, container, stream, name: str, skipped: int):
        self._name, self._rate, self._skipped = name, stream.codec_context.rate, skipped
        self._is_timed = family(container) in TIMED and bool(stream.time_base)
        ticks = 2 * stream.time_base * self._rate if stream.time_base else 0
        self._tolerance = max(JITTER_SECONDS * self._rate, ticks)
        self._end = None  # of the whole file on its own clock, in samples
        if container.duration:
            end = container.duration + (container.start_time or 0)
            self._end = end * self._rate // av.time_base
        self._origin = None  # in samples on the container's clock
        self._given = self._filled = self._dropped = 0
        self._told: set[str] = set()

    def missing(self, frame) -> int:
        """Samples of silence to give before this frame; negative: samples of it to leave out."""
        count = 0
        if self._is_timed and frame.pts is not None and frame.time_base:
            when = round(frame.pts * frame.time_base * self._rate)
            if self._origin is None:
                self._origin = when - self._given
            count = when - self._origin - self._given
            if abs(count) <= self._tolerance:
                count = 0
            elif self._is_broken(count, when):
                self._tell("its times jump by", count, "the sound goes on without a gap")
                self._origin, count = when - self._given, 0
            elif count > 0:
                self._tell("no sound for", count, "filled with silence")
                self._filled += count
            else:
                self._tell("the sound overlaps itself for", -count, "the surplus is left out")
                self._dropped += min(-count, frame.samples)
        self._given += max(0, count + frame.samples)
        return count

    def _is_broken(self, count: int, when: int) -> bool:
        if count < 0:
            return self._dropped - count > MOST_OVERLAP_SECONDS * self._rate
        is_beyond = self._end is not None and when > self._end
        is_long = count > LONG_GAP_SECONDS * self._rate
        return (is_long and is_beyond) or self._filled + count > MOST_SILENCE_SECONDS * self._rate

    def _tell(self, what: str, count: int, done: str) -> None:
        if what not in self._told:
            at = (self._skipped + self._given) / self._rate
            warn(f"{self._name}: {what} {count / self._rate:.3f} s at {at:.3f} s: {done}")
        self._told.add(what)
