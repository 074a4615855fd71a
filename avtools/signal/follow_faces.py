"""From a file to boxes: what is heard of it, its picture with the faces, and their ways."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction

from avtools.dsp.ambisonics import STEREO, mix_blocks
from avtools.faces import Detector
from avtools.signal.heard_sides import (
    DeafEar,
    FieldEar,
    Heard,
    StereoEar,
    hear_field,
    hear_level,
    hear_stereo,
)
from avtools.signal.reference_faces import RATE, WIDEST, Finder, Reference, first_faces
from avtools.signal.track_faces import STEP, Box, small_size, track
from avtools.stream.together import Together, field_of

# Of sound without sides so many windows seem to have one by chance: what a codec leaves over.
BY_CHANCE = 0.05


class Listening:
    """The windows of a sound on their way."""

    def __init__(self, windows: Iterable[Heard]):
        self.windows, self.count, self.with_sides = windows, 0, 0

    def __iter__(self) -> Iterator[Heard]:
        for heard in self.windows:
            self.count += 1
            self.with_sides += bool(heard.offers)
            yield heard

    @property
    def told(self) -> bool:
        """Some of them came from a side."""
        return self.with_sides > BY_CHANCE * self.count


def listening(both: Together, from_: str = "auto"):
    """What is heard, and what ties it to places in the picture."""
    hear, sound, ear = hear_level, both.sound, DeafEar()
    if sound.channels > 2 or from_ != "auto":
        hear, sound, ear = hear_field, field_of(both, from_), FieldEar()
        if not both.is_360:  # an ordinary picture has no known place in it: left and right, then
            sound = sound.through(mix_blocks, STEREO["wy"], channels=2)
    # Stereo can't tell the sides of a sphere: front and back are one to it.
    if sound.channels == 2 and not both.is_360:
        hear, ear = hear_stereo, StereoEar()
    sound = whole_steps(sound)
    return Listening(hear(sound.blocks, sound.rate, STEP)), ear


def whole_steps(sound):
    """At a rate of which a step is a whole number of samples: else it would run away."""
    from avtools.stream.resample import resampled

    return sound if (sound.rate * STEP).denominator == 1 else resampled(sound, 48_000)


def reference_of(
    both: Together, detector: Detector, file: str, at: float | None = None
) -> Reference | None:
    """The picture `at` seconds with its faces, or the first with any; None where there is none.

    ValueError where there is no picture at that time.
    """
    scale = min(1.0, WIDEST / both.size[0])
    size = tuple(max(1, round(n * scale)) for n in both.size)
    finder = Finder(detector, file, both.begin, both.size, both.is_360)
    if at is None:
        return first_faces(both.pictures(size=size, rate=RATE), finder)
    # What is shown at a time is the first tick from there on; it may lie outside the window.
    there = replace(both, base=both.base + Fraction(at).limit_denominator(1_000_000), seconds=None)
    for time, picture in there.pictures(size=size, rate=RATE):
        if time < 0.5 / RATE:
            found = finder.find(at, picture)
            return found if len(found.boxes) else None
        break
    raise ValueError(f"no picture {at + both.begin:g} s from the beginning")


def followed(
    both: Together, reference: Reference, heard: Iterable[Heard], ear
) -> Iterator[list[Box]]:
    """Boxes at every step, in lists that are known together."""
    import cv2

    full = reference.picture.shape[1::-1]
    size = small_size(full, reference.boxes)
    picture = cv2.resize(reference.picture, size, interpolation=cv2.INTER_AREA)
    boxes = reference.boxes * ([size[0] / full[0], size[1] / full[1]] * 2)
    pictures = both.pictures(size=size, rate=1 / STEP)
    return track(pictures, heard, picture, boxes, ear, both.is_360)
