"""The picture of a clip: the frames shown at the ticks of a window.

Of ten seconds of 720p H.264, three at 6 Hz take 0.37 of the time of the whole where a keyframe
comes each second, and 0.49 where one comes each five seconds (means over where the window begins;
0.33 to 0.66): decoding begins at the keyframe before the window and ends with it.

Of a stereoscopic picture the left eye's is taken.
"""

import os
from collections.abc import Iterator

import numpy as np

from avtools.datasets.clip import Clip, span
from avtools.errors import AvtoolsError
from avtools.stream.clock import file_begins
from avtools.stream.spatial import read_spatial
from avtools.stream.video import frames
from avtools.stream.view import eye_of, left_eye


def see(
    clip: Clip,
    fps: float | None,
    size: tuple[int, int] | None,
    start: float,
    duration: float | None,
) -> np.ndarray:
    times, taken = [], []
    for time, picture in shown(clip, fps, size, start, duration):
        times.append(time)
        taken.append(picture)
    if not taken:
        raise AvtoolsError(f"{clip.video}: no picture from {clip.start + start:g} s on")
    late = 0 if fps is None else round(times[0] * fps)
    return np.stack([taken[0]] * late + taken)


def shown(
    clip: Clip,
    fps: float | None,
    size: tuple[int, int] | None,
    start: float,
    duration: float | None,
) -> Iterator[tuple[float, np.ndarray]]:
    """The same one by one, with their seconds since `start`; there is none before the first.

    A difference of two clocks carries the noise of floats, which would move ticks: it is rounded.
    """
    if clip.video is None:
        raise AvtoolsError(f"{clip.key}: a clip without a picture")
    if fps is not None and not 0 < fps < float("inf"):
        raise ValueError(f"fps {fps}: expected more than 0 frames a second")
    first, length = span(clip, start, duration)
    if os.path.isdir(clip.video):
        from avtools.datasets.pieces import pictures

        for time, picture in pictures(clip.video, clip.picture_rate, fps, size, first, length):
            yield round(time - first, 6), picture
        return
    begins, eye = file_begins(clip.video), left_eye(read_spatial(clip.video))
    if size is not None:  # of what both eyes see
        size = (size[0] * (1 + (eye in ("left", "right"))), size[1] * (1 + (eye == "top")))
    # The sum is rounded, or the tick at the very time of a frame might see the one before.
    base = round(first + begins, 6)
    for time, picture in frames(clip.video, rate=fps, size=size, start=base, duration=length):
        yield round(time - begins - first, 6), eye_of(picture, eye)
