"""A clip: a stretch of sound and picture in files, and what its dataset says about it.

A clip holds paths and times, no samples: it can be made by the million and sent to processes.
`hear` and `see` decode the window that is asked for.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

SPLITS = ("train", "val", "test")


class Event(NamedTuple):
    """What sounds where from `start` to `end`, in seconds.

    Degrees as everywhere here: azimuth 0 front, +90 left, in (-180, 180]; elevation + up. What the
    dataset does not say is None.
    """

    start: float
    end: float
    label: str
    source: str = ""  # tells apart what sounds at the same time
    azimuth: float | None = None
    elevation: float | None = None
    distance: float | None = None  # metres
    onscreen: bool | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    """A file of events and the function that reads it."""

    path: str
    read: Callable[[str], list[Event]]


@dataclass(frozen=True, slots=True)
class Clip:
    key: str  # unique in its dataset and stable, without an ending: "sub/name", "id-start"
    source: str  # what a split must not cut in two: source video, channel, room or recording
    sound: str | None  # path of the sound; it may be the video itself
    video: str | None  # path of the picture
    start: float = 0.0  # seconds: where in these files the clip begins
    duration: float | None = None  # None: to the end
    # What the channels mean, by the names of --from, or "stereo", or "mic" (microphones of an
    # array); None: the dataset does not say.
    convention: str | None = None
    split: str | None = None  # "train", "val" or "test", where the dataset says
    label: str | None = None  # one class for the whole clip
    channel: str | None = None  # who made it, where that is known
    truth: Truth | None = None
    segmentation: str | None = None  # folder of segmentation maps
    has_height: bool = True  # False: ambisonics without a Z that means anything
    is_padded: bool = False  # a sound shorter than `duration` ends in silence
    picture_rate: float | None = None  # where `video` is a folder of pictures: so many a second

    def hear(
        self, rate: int | None = None, start: float = 0.0, duration: float | None = None
    ) -> "tuple[np.ndarray, int]":
        """`(channels, samples)` float32 of a window of the clip, and its rate.

        Ambisonics comes as first-order AmbiX (W, Y, Z, X; SN3D), whatever it is in the file;
        stereo and arrays as they are. Exactly duration x rate samples, fewer where the file ends.
        The window is the same to the sample as one cut out of the whole.
        """
        from avtools.datasets.hearing import hear

        return hear(self, rate, start, duration)

    def see(
        self,
        fps: float | None = 6.0,
        size: tuple[int, int] | None = None,
        start: float = 0.0,
        duration: float | None = None,
    ) -> "np.ndarray":
        """`(frames, height, width, 3)` uint8 RGB: what is shown at start + k / fps, k = 0, 1, ...

        `size` is (width, height); `fps` None gives every frame. Where the picture begins late its
        first frame stands for what is missing, so that frame k always belongs to its time.
        """
        from avtools.datasets.seeing import see

        return see(self, fps, size, start, duration)

    def shown(
        self,
        fps: float | None = None,
        size: tuple[int, int] | None = None,
        start: float = 0.0,
        duration: float | None = None,
    ) -> "Iterator[tuple[float, np.ndarray]]":
        """What `see` sees, one by one: (seconds since `start`, picture), none held."""
        from avtools.datasets.seeing import shown

        return shown(self, fps, size, start, duration)

    def events(self) -> list[Event]:
        """What is heard within the clip, its beginning being 0 s."""
        if self.truth is None:
            return []
        end = float("inf") if self.duration is None else self.start + self.duration
        return [
            e._replace(
                start=max(e.start, self.start) - self.start, end=min(e.end, end) - self.start
            )
            for e in self.truth.read(self.truth.path)
            if e.end > self.start and e.start < end
        ]

    def window(self, start: float = 0.0, duration: float | None = None) -> "Clip":
        """A stretch of this clip as a clip of its own; its key ends in where it starts."""
        first, length = span(self, start, duration)
        return replace(self, key=f"{self.key}-{start:g}", start=first, duration=length)


def span(clip: Clip, start: float, duration: float | None) -> tuple[float, float | None]:
    """Where a window of the clip begins in its files, and how long it is; in seconds."""
    if not 0 <= start < float("inf"):
        raise ValueError(f"start {start}: expected seconds from 0 on")
    if duration is not None and not 0 < duration < float("inf"):
        raise ValueError(f"duration {duration}: expected seconds above 0")
    if clip.duration is not None:
        left = clip.duration - start
        if left <= 0:
            raise ValueError(f"start {start:g}: the clip {clip.key} lasts {clip.duration:g} s")
        duration = left if duration is None else min(duration, left)
    return clip.start + start, duration
