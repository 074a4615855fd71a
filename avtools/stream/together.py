"""Sight and sound read together, block by block.

The time that both share counts from the first sample of sound that is taken. Where the picture is
in a file of its own, the sound's first sample belongs where that file's own sound begins (as
remux.py puts it there), and where the file has none, at its first picture.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from avtools.errors import AvtoolsError, note, warn
from avtools.stream.conventions import counted, first_order
from avtools.stream.copied import is_cover
from avtools.stream.deliver import picture_path
from avtools.stream.projection import check_turnable
from avtools.stream.remux import first_time, open_video, pick_sound
from avtools.stream.sound import Sound, choose, window
from avtools.stream.spatial import Spatial, read_spatial
from avtools.stream.targets import video_for
from avtools.stream.video import VideoFacts, frames, video_facts
from avtools.stream.view import eye_of, left_eye

KINDS = ("any", "flat", "360")
# What is told of: encoders and cameras leave smaller differences in length by themselves.
DIFFER_SECONDS, DIFFER_PART = 1.0, 0.1
SHAPE_PART = 0.02  # by which a sphere's picture may differ from 2:1


@dataclass(frozen=True)
class Together:
    """A sound and the picture that belongs to it, over one window."""

    sound: Sound
    video: str
    facts: VideoFacts  # of the whole picture, both eyes of a stereoscopic one
    spatial: Spatial
    is_360: bool
    begin: float  # seconds: the first sample on the clock of tables
    base: Fraction  # the same moment on the clock of the video
    seconds: float | None  # for which there are both, where the containers say it

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of what `pictures` gives: of the left eye's where there are two."""
        return eye_size(self.facts, self.spatial)

    def pictures(
        self, size: tuple[int, int] | None = None, rate: float | None = None
    ) -> Iterator[tuple[float, np.ndarray]]:
        """(seconds since the first sample, RGB uint8 (height, width, 3)), upright.

        `size` is (width, height), `rate` as `frames` takes it: None gives every frame at its own
        time. Each call reads the video anew. A picture is not to be written to.
        """
        eye, base = left_eye(self.spatial), float(self.base)
        if size is not None:
            size = (size[0] * (1 + (eye in ("left", "right"))), size[1] * (1 + (eye == "top")))
        shown = frames(self.video, rate=rate, size=size, start=self.base, duration=self.seconds)
        for time, picture in shown:
            # A difference of two clocks carries the noise of floats, which would move ticks.
            yield round(time - base, 6), np.ascontiguousarray(eye_of(picture, eye))


@contextmanager
def together(
    inputs,
    item,
    video: str | None = None,
    equirect: bool = False,
    kind: str = "any",
    keep_sound: bool = False,
) -> Iterator[Together]:
    """The sound of an input and its picture: its own, or that of `video`, a file or a folder.

    `inputs` says which part is taken (the Inputs of a command). `equirect`: the picture is the
    whole sphere, though nothing in the file says so. `kind`: "flat" refuses 360 pictures, "360"
    all others, but takes unmarked ones of 2:1 with a warning. Sound that goes on beyond the
    picture is left out, unless `keep_sound`.
    """
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r}: expected one of {', '.join(KINDS)}")
    path, name = _picture_file(item, video)
    is_own = video is None or path == item.path
    _check_streams(path, name, is_own)
    facts = video_facts(path)
    spatial = read_spatial(path, audio_track=inputs.stream if is_own else None)
    is_360 = _is_360(spatial, facts, equirect, kind, name)
    base, picture_end = _clock(path, inputs, item, is_own)
    with inputs.open(item.path) as sound:
        heard = _heard_seconds(sound, inputs, item)
        seen = None if picture_end is None else float(picture_end - base)
        if seen is not None and seen <= 0:
            raise AvtoolsError(f"{name}: its picture is over where the sound that is taken begins")
        if seen is not None and inputs.duration is not None:
            seen = min(seen, inputs.duration)
        if _differ(heard, seen):
            _tell(item, heard, seen, keep_sound)
            if heard > seen and not keep_sound:
                sound = _cut(sound, round(seen * sound.rate))
        known = [s for s in (heard, seen, inputs.duration) if s is not None]
        yield Together(
            sound=sound,
            video=path,
            facts=facts,
            spatial=spatial,
            is_360=is_360,
            begin=inputs.begin(item.path),
            base=base,
            seconds=min(known, default=None),
        )


def stereo_of(both: Together) -> Sound:
    """The sound, if it has a left and a right channel."""
    sound = both.sound
    if sound.channels != 2:
        choose = "" if sound.channels == 1 else " (--channels chooses)"
        raise AvtoolsError(
            f"{sound.name}: {counted(sound.channels)}, but left and right need 2{choose}"
        )
    return sound


def field_of(both: Together, from_: str = "auto") -> Sound:
    """The sound field as first-order AmbiX, without the stereo that is locked to the head."""
    sound = first_order(both.sound, from_)
    if sound.channels == 4:
        return sound
    note(f"{sound.name}: its head-locked stereo takes no part")
    marks = {k: v for k, v in sound.marks.items() if k != "head_locked"}
    return sound.through(choose, [0, 1, 2, 3], channels=4, marks=marks)


def eye_size(facts: VideoFacts, spatial: Spatial) -> tuple[int, int]:
    """Width and height of one eye's picture."""
    return (
        facts.width // (2 if spatial.stereo == "left-right" else 1),
        facts.height // (2 if spatial.stereo == "top-bottom" else 1),
    )


def _picture_file(item, video: str | None) -> tuple[str, str]:
    """The file with the picture, and what to call it."""
    if video is not None:
        if video == "-":
            raise AvtoolsError("--video -: expected a file or a folder, which can be read twice")
        path = video_for(video, item)
        return picture_path(path), path
    if not item.is_stdin:
        return picture_path(item.path), item.path
    if not _stdin_is_file():
        raise AvtoolsError("standard input: a pipe's picture is not read: name one, --video FILE")
    return picture_path("-"), "standard input"


def _stdin_is_file() -> bool:
    try:
        return stat.S_ISREG(os.fstat(0).st_mode)
    except OSError:
        return False


def _check_streams(path: str, name: str, is_own: bool) -> None:
    """Refuse what lacks a picture or a sound, in words that say what to do."""
    with open_video(path) as source:
        if all(map(is_cover, source.streams.video)):
            cure = ": name the picture, --video FILE" if is_own else ", expected a picture"
            raise AvtoolsError(f"{name}: no video stream{cure}")
        if is_own and not source.streams.audio:
            raise AvtoolsError(
                f"{name}: no audio stream: name the sound as FILE, and this one by --video"
            )


def _is_360(spatial: Spatial, facts: VideoFacts, equirect: bool, kind: str, name: str) -> bool:
    if kind == "flat":
        if spatial.is_360:
            raise AvtoolsError(
                f"{name}: its picture is marked as 360, expected an ordinary one (avtools nfov "
                "cuts one out)"
            )
        return False
    if not (spatial.is_360 or equirect or kind == "360"):
        return False
    width, height = eye_size(facts, spatial)
    if equirect and not spatial.is_360:
        spatial = replace(spatial, projection="equirectangular")
    # Of what nobody claims to be a sphere the shape is judged there, with a warning.
    check_turnable(spatial, facts.width, facts.height, name)
    if not any(_is_sphere(w, height) for w in (width, width * facts.aspect)):
        eyes = "" if spatial.stereo == "mono" else " for each eye"
        cure = ""
        if width == height:
            cure = "; of two eyes' pictures avtools convert --spherical top-bottom says so"
        raise AvtoolsError(
            f"{name}: its picture is {width} x {height}{eyes}, but an equirectangular one is twice "
            f"as wide as high{cure}"
        )
    return True


def _is_sphere(width: float, height: float) -> bool:
    return abs(width - 2 * height) <= SHAPE_PART * 2 * height


def _clock(path: str, inputs, item, is_own: bool) -> tuple[Fraction, Fraction | None]:
    """On the clock of the video, in seconds: where the sound that is taken begins, and where the
    picture ends, if the container knows that."""
    with open_video(path) as source:
        picture = next(s for s in source.streams.video if not is_cover(s))
        sound = pick_sound(source, path, inputs.stream if is_own else None)
        picture_end = _end(picture, source)
        if sound is not None:
            base = first_time(path, sound)
        else:  # the sound's own file may say that it begins late
            late = inputs.begin(item.path) - inputs.start
            base = (picture.start_time or 0) * Fraction(picture.time_base) + _exact(late)
    return base + _exact(inputs.start), picture_end


def _end(stream, container) -> Fraction | None:
    """When the last packet of a stream is over, as its container has it."""
    base = Fraction(stream.time_base) if stream.time_base else None
    if base and stream.duration:
        return ((stream.start_time or 0) + stream.duration) * base
    text = next((v for k, v in stream.metadata.items() if k.upper() == "DURATION"), "")
    try:  # Matroska: 00:01:42.000000000
        hours, minutes, seconds = map(Fraction, text.split(":"))
        return 3600 * hours + 60 * minutes + seconds
    except (ValueError, ZeroDivisionError):
        pass
    if container.duration:
        return Fraction((container.start_time or 0) + container.duration, 1_000_000)
    return None


def _heard_seconds(sound: Sound, inputs, item) -> float | None:
    """For how long the sound goes on that is taken; None where only its end will tell."""
    if sound.frames is not None:
        return sound.frames / sound.rate
    if not os.path.isfile(item.path):
        return None
    with open_video(item.path) as source:
        stream = pick_sound(source, item.path, inputs.stream)
        end = _end(stream, source)
        if end is None:
            return None
        first = (stream.start_time or 0) * Fraction(stream.time_base)
    left = max(0.0, float(end - first) - inputs.start)
    return left if inputs.duration is None else min(left, inputs.duration)


def _differ(heard: float | None, seen: float | None) -> bool:
    if heard is None or seen is None:
        return False
    return abs(heard - seen) > max(DIFFER_SECONDS, DIFFER_PART * max(heard, seen))


def _tell(item, heard: float, seen: float, keep_sound: bool) -> None:
    name = "standard input" if item.is_stdin else item.path
    end = "what lies beyond is left out"
    if keep_sound and heard > seen:
        end = "beyond it nothing is seen"
    warn(f"{name}: sound {heard:.1f} s, picture {seen:.1f} s: {end}")


def _cut(sound: Sound, count: int) -> Sound:
    frames = None if sound.frames is None else min(sound.frames, count)
    return replace(sound, blocks=window(sound.blocks, 0, count), frames=frames)


def _exact(seconds: float) -> Fraction:
    """Meant to the microsecond, not to the last bit of a float."""
    return Fraction(seconds).limit_denominator(1_000_000)
