"""Frames of a video at chosen times, decoding only what is needed.

All times are the file's own: the container's presentation times in seconds, as the sound's are, so
that a picture and a sample of one time belong together whatever time the file starts at. A frame
is shown from its time until the next one's.

Three things save work, none of which changes a frame:
- packets are looked at a few ahead, and the decoder is told to leave out non-reference frames
  that no tick shows;
- where a keyframe lies far enough ahead of the decoder and before the next tick, it is sought;
- only frames that are asked for are scaled and turned into RGB.
"""

import contextlib
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO

import av
import numpy as np
from av.video.reformatter import Interpolation

from avtools.errors import AvtoolsError, reason
from avtools.stream.frametime import display_matrix, exchanges_axes
from avtools.stream.seeking import Decoder


@dataclass(frozen=True)
class VideoFacts:
    """What a file says of one of its video streams; sizes as shown, after any rotation."""

    width: int
    height: int
    rate: float | None  # mean frames a second
    duration: float | None  # seconds
    start: float  # seconds, of the first frame on the clock of its file
    rotation: int  # degrees counter-clockwise from the stored to the shown picture
    codec: str
    pixel_format: str
    aspect: float  # width of a pixel / its height
    frames: int | None  # where the container counts them
    streams: int  # video streams in the file, without cover art


def video_facts(path: str | os.PathLike | BinaryIO, stream: int = 0) -> VideoFacts:
    """What is known of the video without decoding more than its first frame."""
    with _opened(path) as (container, name, _):
        video = pick_video(container, stream, name)
        first = next(Decoder(container, video, name), (None, None))[1]
        matrix = display_matrix(first) if first else None
        width, height = video.width, video.height
        if exchanges_axes(matrix):
            width, height = height, width
        length = video.duration * Fraction(video.time_base) if video.duration else None
        if length is None and container.duration:
            length = Fraction(container.duration, av.time_base)
        rate, aspect = video.average_rate or video.guessed_rate, video.sample_aspect_ratio
        start = video.start_time or 0
        return VideoFacts(
            width=width,
            height=height,
            rate=float(rate) if rate else None,
            duration=float(length) if length is not None else None,
            start=float(start * Fraction(video.time_base)),
            rotation=first.rotation if first else 0,
            codec=video.codec_context.codec.canonical_name,
            pixel_format=video.codec_context.pix_fmt or "",
            aspect=float(aspect) if aspect else 1.0,
            frames=video.frames or None,
            streams=len(_pictures(container)),
        )


def frames(
    path: str | os.PathLike | BinaryIO,
    *,
    rate: float | Fraction | None = None,
    size: tuple[int, int] | None = None,
    start: float | Fraction | None = None,
    duration: float | Fraction | None = None,
    stream: int = 0,
    keyframes: bool = False,
) -> Iterator[tuple[float, np.ndarray]]:
    """(time in seconds, RGB picture uint8 (height, width, 3)), upright, in order of time.

    `rate` None: every frame at its own time, from `start` on. With a `rate`: for k = 0, 1, … the
    frame shown at start + k / rate, its time being that tick; computed in whole numbers, so no
    tick drifts, is lost or comes twice. Ticks before the first frame and after the last have no
    picture and are left out. `start` is on the file's clock; None is the first frame's time.
    `duration` ends it: times are < start + duration. `size` is (width, height) as shown.
    `keyframes`: the file has no frames but its keyframes (a quick look).
    An array may come again for the next tick: it is not to be written to.
    """
    with _opened(path) as (container, name, seekable):
        video = pick_video(container, stream, name)
        decoder = Decoder(container, video, name, seekable, keyframes)
        times = _Ticks(_exact(rate), _exact(start), _exact(duration))
        shown = times.every(decoder) if rate is None else times.ticks(decoder)
        last, picture, matrix = None, None, None
        for time, frame in shown:
            if frame is not last:
                if last is None:
                    matrix = display_matrix(frame)
                last, picture = frame, rgb(frame, size, matrix)
            yield float(time), picture


def rgb(
    frame, size: tuple[int, int] | None = None, matrix: tuple[int, ...] | None = None
) -> np.ndarray:
    """A decoded frame as uint8 (height, width, 3), `size` (width, height) as shown.

    `matrix` is the stream's display matrix, by which the picture is put upright.
    """
    sideways = exchanges_axes(matrix)
    width, height = (size[::-1] if sideways else size) if size else (frame.width, frame.height)
    shrinks = width * height < frame.width * frame.height
    way = Interpolation.AREA if shrinks else Interpolation.BILINEAR
    picture = frame.reformat(width, height, "rgb24", interpolation=way).to_ndarray()
    if matrix is None:
        return picture
    # Shown x = a·x + c·y and y = b·x + d·y.
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    if sideways:
        a, d, picture = c, b, picture.transpose(1, 0, 2)
    return np.ascontiguousarray(picture[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])


def _exact(number: float | Fraction | None) -> Fraction | None:
    """29.97 is meant as 2997/100, not as the binary fraction nearest to it."""
    return None if number is None else Fraction(number).limit_denominator(1_000_000)


@contextlib.contextmanager
def _opened(path):
    is_file = hasattr(path, "read")
    name = str(getattr(path, "name", "-")) if is_file else os.fspath(path)
    seekable = getattr(path, "seekable", bool)() if is_file else os.path.isfile(path)
    try:
        container = av.open(path if is_file else name)
    except (av.error.FFmpegError, OSError) as error:
        why = getattr(error, "strerror", None) or reason(error)
        raise AvtoolsError(f"{name}: {why}, expected a video") from error
    with container:
        yield container, name, seekable


def _pictures(container) -> list:
    """The video streams; an album's cover is none."""
    cover = av.stream.Disposition.attached_pic
    return [s for s in container.streams.video if not s.disposition & cover]


def pick_video(container, index: int = 0, name: str = "-"):
    """The video stream number `index`."""
    videos = _pictures(container)
    if not videos:
        raise AvtoolsError(f"{name}: no video stream")
    if not 0 <= index < len(videos):
        raise AvtoolsError(f"{name}: no video stream {index}, it has {len(videos)}")
    if videos[index].codec_context is None:
        raise AvtoolsError(f"{name}: video stream {index} has a codec that FFmpeg can't decode")
    return videos[index]


class _Ticks:
    """Which frames are wanted, and when."""

    def __init__(self, rate: Fraction | None, start: Fraction | None, duration: Fraction | None):
        self.rate, self.start, self.duration = rate, start, duration
        if rate is not None and rate <= 0:
            raise ValueError(f"rate {rate}: expected more than 0 frames a second")

    def slot(self, time: Fraction) -> int | None:
        """Of all frames with one slot only the last is shown, at the tick of that number.

        None: this frame is wanted for itself.
        """
        if self.start is None:
            return None
        if self.rate is None:
            return -1 if time < self.start else None
        return max(0, math.ceil((time - self.start) * self.rate))

    def _begin(self, decoder: Decoder) -> None:
        if self.start is not None:
            decoder.slot = self.slot
            decoder.seek(self.start)

    def _set_start(self, time: Fraction, decoder: Decoder) -> None:
        if self.start is None:
            self.start, decoder.slot = time, self.slot

    def every(self, decoder: Decoder) -> Iterator:
        self._begin(decoder)
        for time, frame in decoder:
            self._set_start(time, decoder)
            if self.duration is not None and time >= self.start + self.duration:
                return
            if time >= self.start:
                yield time, frame

    def ticks(self, decoder: Decoder) -> Iterator:
        self._begin(decoder)
        k, shown, end = 0, None, None
        for time, frame in decoder:
            self._set_start(time, decoder)
            if shown is None:
                k = max(k, math.ceil((time - self.start) * self.rate))
            while (tick := self.start + k / self.rate) < time:
                if self._is_over(k):
                    return
                yield tick, shown
                k += 1
            if self._is_over(k):
                return
            shown, end = frame, time + decoder.clock.lasts(frame)
            decoder.seek(tick)
        while shown is not None and (tick := self.start + k / self.rate) < end:
            if self._is_over(k):
                return
            yield tick, shown
            k += 1

    def _is_over(self, k: int) -> bool:
        return self.duration is not None and k >= self.duration * self.rate
