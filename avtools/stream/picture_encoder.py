"""The encoder that keeps a re-encoded picture closest to what it was.

The same codec family as the source where the container takes it, the same pixel format where the
encoder has it, and the same clock and colours always; the same sample aspect ratio, too, unless
the picture gets another size.
"""

import os
from fractions import Fraction

import av
from av.codec.codec import find_best_pix_fmt_of_list

from avtools.errors import AvtoolsError

# Family of the source -> encoder. Families that are not here become H.264, which plays anywhere.
ENCODERS = {
    "h264": "libx264",
    "hevc": "libx265",
    "vp8": "libvpx",
    "vp9": "libvpx-vp9",
    "av1": "libsvtav1",
    "mpeg4": "mpeg4",
    "mjpeg": "mjpeg",
    "prores": "prores_ks",
    "dnxhd": "dnxhd",
    "ffv1": "ffv1",
    "gif": "gif",
    "png": "png",
}

UNSPECIFIED = 2  # as FFmpeg numbers colour primaries, transfers and matrices

# MPEG-4's clock is a 16-bit number of ticks a second.
MPEG4_TICKS = 65535
# How a picture of RGB becomes one of YUV; `_colour` writes the tags that say so.
RGB_TO_YUV = "out_color_matrix=bt709:out_range=tv"


def add_encoder(source, output, crf: int = 18, first=None, size: tuple[int, int] | None = None):
    """A video stream added to `output` that will encode the pictures of the stream `source`.

    `first`, one of its decoded frames, knows colours that some containers do not tell. `size`
    (width, height) of the new pictures, in square pixels; None: as the source's are.
    """
    if source.codec_context is None or not (source.width and source.height):
        raise AvtoolsError(f"{source.container.name}: a picture whose coding is not known")
    width, height = size or (source.width, source.height)
    for name in _candidates(source, output, width, height):
        try:
            stream = output.add_stream(
                name,
                rate=source.average_rate or source.guessed_rate or 25,
                options=_options(name, crf),
                width=width,
                height=height,
                time_base=source.time_base,
            )
        except ValueError:  # this container does not take this codec
            continue
        _describe(stream, source, output, name, crf)
        if size is not None:
            stream.codec_context.sample_aspect_ratio = Fraction(1, 1)
        _colour(stream.codec_context, source.codec_context, first)
        if name == "libx265" and {"mp4", "mov"} & set(output.format.name.split(",")):
            stream.codec_context.codec_tag = "hvc1"  # the only tag that Apple's players open
        return stream
    raise AvtoolsError(f"{output.name}: a {output.format.name} file can't hold this picture")


def _candidates(source, output, width: int, height: int) -> list[str]:
    family = source.codec_context.codec.canonical_name
    names = [ENCODERS.get(family), "libx264", "libvpx-vp9", output.default_video_codec]
    taken = output.supported_codecs
    if output.format.name == "mpegts":  # it answers "don't know" for nearly all codecs
        taken = taken | {"libx264", "libx265"}
    return [n for n in names if n and _encoder(n) in taken and _takes(n, source, width, height)]


def _encoder(name: str) -> str | None:
    """The encoder's own name (of "mpeg2video", say), or None where this FFmpeg has none."""
    try:
        return av.Codec(name, "w").name
    except ValueError:
        return None


def _takes(name: str, source, width: int, height: int) -> bool:
    if name == "mpeg4":
        return source.time_base.denominator <= MPEG4_TICKS
    if name == "libsvtav1":
        return width >= 64 and height >= 64 and not _is_odd(width, height)
    return True


def _is_odd(width: int, height: int) -> bool:
    return bool(width % 2 or height % 2)


def _options(name: str, crf: int) -> dict[str, str]:
    if name == "libx264":
        return {"crf": str(crf)}
    if name == "libx265":
        return {"crf": str(crf), "x265-params": "log-level=error"}
    if name == "libvpx":
        return {"crf": str(crf)}
    if name == "libvpx-vp9":
        return {"crf": str(crf), "b": "0", "row-mt": "1"}
    if name == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")  # errors: else it writes its settings to stderr
        return {"crf": str(crf), "preset": "8"}
    return {}


def _describe(stream, source, output, name: str, crf: int) -> None:
    """What the pictures are: format, colours, aspect and clock."""
    context, given = stream.codec_context, source.codec_context
    odd = _is_odd(stream.width, stream.height)
    context.pix_fmt = _pixel_format(name, given.pix_fmt or "yuv420p", odd)
    context.sample_aspect_ratio = source.sample_aspect_ratio or Fraction(0, 1)
    # Each frame is shown for as long as it was: without this the last one lasts 1 / rate.
    context.flags |= av.codec.context.Flags.frame_duration
    if "avi" in output.format.name.split(","):
        context.max_b_frames = 0  # AVI has no presentation times: frames come in order or wrong
    if name in ("mpeg4", "mjpeg", "mpeg2video"):
        # They know a quantiser from 1 to 31, not a rate factor; both double the step every 6.
        context.qscale = True
        context.global_quality = min(31, max(1, round(2 ** ((crf - 12) / 6))))
    if name == "libvpx":
        context.bit_rate = 20 * stream.width * stream.height  # VP8's crf acts below a ceiling only


def _colour(context, given, first) -> None:
    context.color_range = given.color_range or (first.color_range if first else 0)
    for name in ("color_primaries", "color_trc", "colorspace"):
        value = getattr(given, name)
        if value == UNSPECIFIED and first is not None:
            value = int(getattr(first, name))
        setattr(context, name, value)
    is_rgb = given.pix_fmt and av.VideoFormat(given.pix_fmt).is_rgb
    if is_rgb and not av.VideoFormat(context.pix_fmt).is_rgb:
        context.colorspace, context.color_range = 1, 1  # BT.709, 16 to 235


def _pixel_format(name: str, wanted: str, odd: bool) -> str:
    """`wanted`, or the encoder's format that loses least.

    H.264 and HEVC crop in steps of one chroma sample, so that an odd size needs 4:4:4.
    """
    formats = [f.name for f in av.Codec(name, "w").video_formats or []]
    if odd and name in ("libx264", "libx265"):
        formats = [f for f in formats if "444" in f or f.startswith(("gray", "gbr"))]
    if not formats or wanted in formats:
        return wanted
    best, _ = find_best_pix_fmt_of_list(formats, wanted)
    return best.name
