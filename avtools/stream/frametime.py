"""When a decoded frame is shown, and which way up."""

from fractions import Fraction

import av
import numpy as np


class FrameClock:
    """The presentation time of decoded frames, in whole units of the stream's time base.

    A frame's own stamp is right nearly always. AVI has none (what libavformat makes up for it is
    wrong for reordered frames), and the decoding stamps, which pass through the decoder in the
    order of display, are the better ones. Elsewhere FFmpeg's rule: the kind of stamp that went
    backwards less often. A bare stream has neither: its frames are counted.
    """

    def __init__(self, stream):
        self.unit = Fraction(stream.time_base)
        rate = stream.average_rate or stream.guessed_rate or 25
        self.step = max(1, round(1 / (Fraction(rate) * self.unit)))  # where no stamp helps
        self.has_pts = stream.container.format.name != "avi"
        self._presented = self._decoded = self._last = None
        self._faults_presented = self._faults_decoded = 0

    def units(self, frame) -> int:
        pts, dts = frame.pts if self.has_pts else None, frame.dts
        if dts is not None:
            self._faults_decoded += self._decoded is not None and dts <= self._decoded
            self._decoded = dts
        elif pts is not None:
            self._decoded = pts
        if pts is not None:
            self._faults_presented += self._presented is not None and pts <= self._presented
            self._presented = pts
        elif dts is not None:
            self._presented = dts
        if pts is None or (self._faults_presented > self._faults_decoded and dts is not None):
            pts = dts
        if pts is None:
            pts = 0 if self._last is None else self._last + self.step
        self._last = pts
        return pts

    def lasts(self, frame) -> Fraction:
        """Seconds for which the frame is shown if no other follows."""
        return (frame.duration or self.step) * self.unit


def display_matrix(frame) -> tuple[int, ...] | None:
    """The nine numbers that say how a stored frame is to be shown, or None: as it is.

    One frame tells it for its stream. To be asked of one only: PyAV ties a frame whose side data
    was looked at into a cycle, so that its pixels stay until Python's collector comes by.
    """
    try:
        data = frame.side_data.get(av.sidedata.sidedata.Type.DISPLAYMATRIX)
    except ValueError:
        return None  # a kind of side data, EXIF say, that this PyAV has no name for
    return None if data is None else tuple(int(x) for x in np.frombuffer(data, np.int32)[:9])


def exchanges_axes(matrix: tuple[int, ...] | None) -> bool:
    """True where what is stored as a column is shown as a row."""
    return matrix is not None and abs(matrix[1]) > abs(matrix[0])
