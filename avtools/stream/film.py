"""A video out of pictures and a sound that were made here: H.264 with AAC, or nearly lossless.

Nothing in the file depends on the day, on chance or on the number of cores: equal pictures and
sounds give equal bytes wherever FFmpeg's libraries are the same.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from avtools.errors import AvtoolsError, reason
from avtools.stream.coding import EncodedSound, choose_coding
from avtools.stream.remux import BOXED, FORMATS, writing
from avtools.stream.sound import Sound
from avtools.stream.spatial import Spatial, write_spatial

av.logging.set_level(None)

ENDINGS = (".mp4", ".m4v", ".mov", ".mkv")
BT709, LIMITED = 1, 1  # as FFmpeg numbers colours and their range
# Without it a Matroska file gets a number drawn by chance.
REPEATABLE = {"fflags": "+bitexact"}
KEY_SECONDS = 2  # from one keyframe to the next, as cameras have them


@dataclass(frozen=True)
class Quality:
    crf: int
    family: str | None  # of the sound's codec; None: what the container usually has


ORDINARY = Quality(crf=20, family=None)
# 8 bits of Y'CbCr, colours at half the size: what every player shows, and all that is lost.
LOSSLESS = Quality(crf=3, family="flac")


def check_film(suffix: str, sound: Sound, lossless: bool = False) -> None:
    """Refuse before any work what this container can't hold."""
    if suffix not in ENDINGS:
        raise AvtoolsError(f"{suffix or 'no ending'}: expected one of {', '.join(ENDINGS)}")
    _sound_coding(sound, FORMATS[suffix], _quality(lossless))


def write_film(
    output: str | Path,
    suffix: str,
    pictures: Iterable[np.ndarray],
    size: tuple[int, int],
    rate: Fraction,
    sound: Sound,
    lossless: bool = False,
    spatial: Spatial | None = None,
    target: str = "",
) -> None:
    """Write `pictures`, uint8 (t, height, width, 3) each, RGB, and the sound beside them.

    Picture k of them all is shown from k / rate on; `size` is (width, height), even. `suffix` is
    the ending of the final name, which `output` need not have; `target` that name for messages.
    `spatial` is written where the container has boxes for it.
    """
    form, quality = FORMATS[suffix], _quality(lossless)
    coding = _sound_coding(sound, form, quality)
    try:
        with writing(output, form, REPEATABLE) as sink:
            track = _Pictures(sink, size, rate, quality.crf)
            heard = EncodedSound(sink, sound, coding, Fraction(0))
            for packet in track.packets(pictures):
                # Both in the order of their times, so that neither waits in the muxer.
                sink.mux(heard.until(packet.dts * Fraction(packet.time_base)))
                sink.mux(packet)
            sink.mux(heard.until(None))
        if spatial is not None and form in BOXED:
            write_spatial(output, spatial)
    except av.error.FFmpegError as error:
        raise AvtoolsError(f"{target or output}: {reason(error)}") from error


def _quality(lossless: bool) -> Quality:
    return LOSSLESS if lossless else ORDINARY


def _sound_coding(sound: Sound, form: str, quality: Quality):
    return choose_coding(sound, form, quality.family, None, None)


class _Pictures:
    """The video stream of a file that is written."""

    def __init__(self, sink, size: tuple[int, int], rate: Fraction, crf: int):
        # One thread: the encoder's decisions depend on their number.
        options = {"crf": str(crf), "preset": "veryfast", "threads": "1"}
        self.stream = sink.add_stream("libx264", rate=rate, options=options)
        self.stream.width, self.stream.height = size
        self.size, self.base = size, 1 / rate
        context = self.stream.codec_context
        context.pix_fmt, context.time_base = "yuv420p", self.base
        context.gop_size = max(1, round(KEY_SECONDS * rate))
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = LIMITED
        self._reformatter = VideoReformatter()

    def packets(self, pictures: Iterable[np.ndarray]) -> Iterator:
        k = 0
        for some in pictures:
            for picture in some:
                yield from self.stream.encode(self._frame(picture, k))
                k += 1
        yield from self.stream.encode(None)

    def _frame(self, picture: np.ndarray, k: int):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame = self._reformatter.reformat(
            frame,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.AREA,
        )
        frame.pts, frame.time_base = k, self.base
        return frame


def is_film(path: str | None) -> bool:
    """True where a name asks for pictures, not for sound alone."""
    return os.path.splitext(path or "")[1].lower() in FORMATS
