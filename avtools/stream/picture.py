"""Mirror or turn the picture of a video: decode, filter, encode, with every frame at its time.

`mirror`, `turn` and `turn_along` return a factory that a remuxer calls with the source's stream
and the open output container. What the factory returns has `.stream`, already added to the
container, and `.feed(packet)`, which gives encoded packets of that stream (`feed(None)` the last).
Packets carry their `pts`, `dts` and `time_base`; times are those of the source, unshifted.

The filters are FFmpeg's own, run by the libavfilter inside PyAV. A frame goes in and comes out
before the next is decoded, so memory does not depend on the length.
"""

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

from avtools.errors import AvtoolsError, warn
from avtools.stream.frametime import FrameClock, display_matrix, exchanges_axes
from avtools.stream.picture_encoder import RGB_TO_YUV, add_encoder

# How the two eyes of a stereoscopic picture lie in it, and what v360 calls that.
STEREO = {"mono": "2d", "left-right": "sbs", "top-bottom": "tb"}

Chain = list[tuple[str, str]]  # filters, one after the other: name, arguments


@dataclass(frozen=True)
class View:
    """What a chain of filters may depend on: the frame's size, time and display matrix."""

    width: int
    height: int
    time: float
    matrix: tuple[int, ...] | None


def mirror(stereo: str = "mono", crf: int = 18) -> Callable:
    """Left and right exchanged, as a viewer sees them."""
    _check_stereo(stereo)

    def chain(view: View) -> Chain:
        # The display matrix stays. Where it exchanges the axes, the viewer's left-right is the
        # stored top-bottom, and the eyes that lie top-bottom for the viewer are stored side by
        # side.
        sideways = exchanges_axes(view.matrix)
        flip = ("vflip" if sideways else "hflip", "")
        # A mirrored left eye's view is what the right eye of a mirrored viewer sees. Side by side,
        # the flip of the whole exchanges the eyes already.
        if stereo != "top-bottom":
            return [flip]
        return [flip, ("scroll", "hpos=0.5" if sideways else "vpos=0.5")]

    return _factory(chain, crf)


def turn(matrix: np.ndarray, stereo: str = "mono", crf: int = 18) -> Callable:
    """An equirectangular picture turned by a 3x3 rotation of the scene (x front, y left, z up)."""
    _check_stereo(stereo)
    angles = yaw_pitch_roll(matrix)
    # Against a finely computed turn of detail up to a third of Nyquist: cubic 51.5 dB, lanczos
    # 50.3, linear 46.9.
    return _factory(lambda view: _turned(view, angles, stereo, "cubic"), crf)


def turn_along(
    rotation_at: Callable[[float], np.ndarray], stereo: str = "mono", crf: int = 18
) -> Callable:
    """The same with a rotation that changes with the time (seconds, on the source's clock)."""
    _check_stereo(stereo)
    held: list[np.ndarray] = []

    def chain(view: View) -> Chain:
        wanted = np.asarray(rotation_at(view.time), float)
        # v360 can be told a new angle while it runs, but one angle a command, and each makes the
        # map of all pixels again: three take longer than a new filter. The map costs far more than
        # the frame (at 4K 1.1 s; cubic 3.3 s, hence linear), so half a pixel is left as it is.
        if not held or _angle_between(held[0], wanted) > min(0.25, 180 / view.width):
            held[:] = [wanted]
        return _turned(view, yaw_pitch_roll(held[0]), stereo, "linear")

    return _factory(chain, crf)


def yaw_pitch_roll(matrix: np.ndarray) -> tuple[float, float, float]:
    """Degrees (yaw, pitch, roll) with `matrix` = Rx(-roll)·Ry(pitch)·Rz(yaw), as v360 takes them.

    That product's first row is (cos p cos y, -cos p sin y, sin p) and its last column
    (sin p, cos p sin r, cos p cos r). Where cos p = 0 only yaw ± roll shows: roll is taken as 0.
    """
    m = np.asarray(matrix, float)
    if m.shape != (3, 3) or not np.allclose(m @ m.T, np.eye(3), atol=1e-4) or np.linalg.det(m) < 0:
        raise ValueError(f"expected a 3x3 rotation matrix, got {np.array2string(m)}")
    pitch = math.atan2(m[0, 2], math.hypot(m[0, 0], m[0, 1]))
    if math.hypot(m[0, 0], m[0, 1]) < 1e-6:
        yaw, roll = math.atan2(m[1, 0], m[1, 1]), 0.0
    else:
        yaw, roll = math.atan2(-m[0, 1], m[0, 0]), math.atan2(m[1, 2], m[2, 2])
    return math.degrees(yaw), math.degrees(pitch), math.degrees(roll)


def _turned(view: View, angles: tuple[float, float, float], stereo: str, interp: str) -> Chain:
    check_upright(view)
    width = view.width // (2 if stereo == "left-right" else 1)
    height = view.height // (2 if stereo == "top-bottom" else 1)
    arguments = {"input": "e", "output": "e", "interp": interp}
    arguments |= {"in_stereo": STEREO[stereo], "out_stereo": STEREO[stereo]}
    arguments |= {
        name: f"{a:.6f}" for name, a in zip(("yaw", "pitch", "roll"), angles, strict=True)
    }
    # v360 takes its input's outer columns to be centred on the seam, its output's half a pixel
    # inside. The true extent between the centres, given as the field of view, puts both on one
    # grid: the turn by nothing is exact, and a turn is 51 dB from the truth instead of 34.
    arguments["ih_fov"] = f"{360 * (width - 1) / width:.6f}"
    arguments["iv_fov"] = f"{180 * (height - 1) / height:.6f}"
    return [("v360", ":".join(f"{name}={value}" for name, value in arguments.items()))]


def check_upright(view: View) -> None:
    if view.matrix and view.matrix[:2] + view.matrix[3:5] != (65536, 0, 0, 65536):
        raise AvtoolsError("the file says to show the picture rotated, expected it upright")


def _check_stereo(stereo: str) -> None:
    if stereo not in STEREO:
        raise ValueError(f"stereo {stereo!r}: expected one of {', '.join(STEREO)}")


def _angle_between(a: np.ndarray, b: np.ndarray) -> float:
    # From the chord: the arc cosine of the trace can't tell small angles apart.
    return math.degrees(2 * math.asin(min(1.0, np.linalg.norm(a - b) / math.sqrt(8))))


def _factory(chain: Callable[[View], Chain], crf: int) -> Callable:
    return lambda source, output: Picture(source, output, chain, crf)


class Picture:
    """One video stream on its way through filters into `output`."""

    def __init__(
        self,
        source,
        output,
        chain: Callable[[View], Chain],
        crf: int,
        size: tuple[int, int] | None = None,
    ):
        self.source = source
        first = _first_frame(source)
        self.stream = add_encoder(source, output, crf, first, size)
        self._chain = chain
        self._graph = Filters()
        self._clock = FrameClock(source)
        self._last = None  # units of the last frame encoded
        self._warned = False
        self._set_matrix(first and display_matrix(first))
        if not source.codec_context.is_open:
            source.codec_context.thread_type = "AUTO"

    def feed(self, packet) -> Iterator:
        """Encoded packets that this packet of the source makes ready; None gives the rest."""
        if packet is not None and packet.size == 0:
            return  # the demuxer's end mark: the end is None here
        for frame in self._decoded(packet):
            yield from self._encoded(frame)
        if packet is None:
            yield from self.stream.encode(None)

    def _set_matrix(self, matrix: tuple[int, ...] | None) -> None:
        self._matrix = matrix
        if matrix:
            self.stream.set_display_matrix(matrix)

    def _decoded(self, packet) -> list:
        try:
            return self.source.codec_context.decode(packet)
        except av.error.EOFError:
            return []
        except av.error.FFmpegError:
            if not self._warned:
                warn(f"{self.source.container.name}: a damaged picture was left out")
            self._warned = True
            return []

    def _encoded(self, frame) -> Iterator:
        frame.time_base, frame.pts = self.source.time_base, self._clock.units(frame)
        if self._last is not None and frame.pts <= self._last:
            return  # never shown: another frame has its time
        if self._last is None and self._matrix is None:
            self._set_matrix(display_matrix(frame))
        self._last = frame.pts
        view = View(frame.width, frame.height, float(frame.pts * frame.time_base), self._matrix)
        out = self.changed(frame, view)
        # The encoder decides which pictures are keys: the source's choice would bind it.
        out.pict_type = av.video.frame.PictureType.NONE
        yield from self.stream.encode(out)

    def changed(self, frame, view: View):
        """The frame that takes this one's place, in the encoder's format and at the same time."""
        return self._graph.through(frame, self._chain(view), self.stream.codec_context)


class Filters:
    """A chain of FFmpeg's filters, built anew only when the frames or the chain change."""

    def __init__(self):
        self._made_for = None
        self._graph = None

    def through(self, frame, chain: Chain, encoder):
        shape = (frame.width, frame.height, frame.format.name)
        made_for = (chain, shape, frame.colorspace, frame.color_range)
        if made_for != self._made_for:
            # The old one goes first: cubic at 4K holds 0.9 GB of maps.
            self._graph = None
            self._graph = _graph(frame, chain, encoder)
            self._made_for = made_for
        self._graph.push(frame)
        return self._graph.pull()


def _graph(frame, chain: Chain, encoder):
    graph = av.filter.Graph()
    aspect = encoder.sample_aspect_ratio or Fraction(0, 1)
    nodes = [
        graph.add(
            "buffer",
            video_size=f"{frame.width}x{frame.height}",
            pix_fmt=frame.format.name,
            time_base=str(Fraction(frame.time_base)),
            pixel_aspect=f"{aspect.numerator}/{aspect.denominator}",
            colorspace=str(int(frame.colorspace)),
            range=str(int(frame.color_range)),
        )
    ]
    nodes += [graph.add(name, arguments) for name, arguments in chain]
    if frame.format.is_rgb and not av.VideoFormat(encoder.pix_fmt).is_rgb:
        nodes.append(graph.add("scale", RGB_TO_YUV))
    nodes += [graph.add("format", f"pix_fmts={encoder.pix_fmt}"), graph.add("buffersink")]
    graph.link_nodes(*nodes).configure()
    return graph


def _first_frame(source):
    """A frame of the same stream, decoded ahead, where its file can be opened a second time.

    PyAV shows the display matrix on decoded frames only, and some codecs tell their colours no
    earlier; but the output's header may be written before `feed` sees the first packet.
    """
    name = source.container.name
    if not os.path.isfile(name):
        return None
    try:
        with av.open(name) as again:
            return next(iter(again.decode(again.streams[source.index])), None)
    except (av.error.FFmpegError, IndexError):
        return None
