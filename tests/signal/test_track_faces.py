"""The box is where the face is: seen, hidden, one of several, across the seam."""

from itertools import chain

import numpy as np
import pytest

from avtools.signal.heard_sides import DeafEar, FieldEar, Heard, StereoEar
from avtools.signal.reference_faces import Finder, Reference, first_faces
from avtools.signal.track_faces import STEP, Box, at_times, small_size, track
from tests.signal.talking import HEIGHT, WIDTH, box, heard, pictures, swing, syllables

COUNT = 75


def followed(ways, sound, ear, cover=None, opened=None, at=0, is_round=False):
    """Middles x, y in pixels, and all boxes."""
    shown = list(pictures(ways, opened, cover))
    reference = next(iter(pictures([way[at : at + 1] for way in ways])))[1]
    boxes = [box(*way[at]) for way in ways]
    found = list(chain(*track(shown, sound, reference, boxes, ear, is_round)))
    assert [b.step for b in found] == list(range(len(shown)))
    middles = [((b.x + b.width / 2) * WIDTH, (b.y + b.height / 2) * HEIGHT) for b in found]
    return np.array(middles), found


def silence():
    while True:
        yield Heard(-np.inf)


def test_a_face_that_is_seen_is_followed_to_the_pixel():
    way = swing(COUNT, 80, 40)
    middles, boxes = followed([way], silence(), DeafEar())
    assert np.abs(middles - way).max() < 1.5
    assert all(b.is_seen for b in boxes)
    assert abs(boxes[-1].width * WIDTH - 28) < 2 and abs(boxes[-1].height * HEIGHT - 36) < 3


def test_the_reference_may_be_from_later():
    way = swing(COUNT, 80, 40)
    middles, _ = followed([way], silence(), DeafEar(), at=60)
    assert np.abs(middles - way).max() < 1.5


def test_a_face_hidden_for_a_second_is_led_through():
    way = swing(COUNT, 80, 50)
    away = range(35, 48)
    board = int(way[away, 0].min()) - 18, int(way[away, 0].max()) + 18
    middles, boxes = followed(
        [way],
        heard(way[:, 0], np.ones(COUNT)),
        StereoEar(),
        lambda k: board if k in away else None,
    )
    assert not any(boxes[k].is_seen for k in away)
    assert np.abs(middles[away, 0] - way[away, 0]).max() < 0.04 * WIDTH


def test_a_face_that_stays_hidden_is_followed_by_ear_alone():
    """It turns round behind the board: nobody who only looks can know that."""
    way = swing(100, 80, 35, period=5)
    arguments = [way], heard(way[:, 0], np.ones(100))
    hidden = range(65, 95)
    cover = lambda k: (20, 140) if k >= 65 else None  # noqa: E731
    by_ear, boxes = followed(*arguments, StereoEar(), cover)
    by_eye, _ = followed(*arguments, DeafEar(), cover)
    errors = [np.abs(m[hidden, 0] - way[hidden, 0]).mean() / WIDTH for m in (by_ear, by_eye)]
    assert errors[0] < 0.05 and errors[1] > 0.12
    assert max(boxes[k].confidence for k in hidden) < 0.6 < boxes[50].confidence


@pytest.mark.parametrize("speaker", [0, 1])
def test_of_two_faces_the_one_is_told_that_the_sound_comes_from(speaker):
    ways = [swing(COUNT, 45, 5), swing(COUNT, 115, 5)]
    _, boxes = followed(ways, heard(ways[speaker][:, 0], np.ones(COUNT)), StereoEar())
    assert np.mean([b.face == speaker for b in boxes]) > 0.95


@pytest.mark.parametrize("speaker", [0, 1])
def test_of_two_faces_the_one_is_told_whose_mouth_goes_with_a_mono_sound(speaker):
    ways = [swing(COUNT, 45, 5), swing(COUNT, 115, 5)]
    voices = [syllables(COUNT, seed) for seed in (1, 2)]
    sound = (Heard(30 * (loud - 1)) for loud in voices[speaker])
    _, boxes = followed(ways, sound, DeafEar(), opened=voices)
    assert np.mean([b.face == speaker for b in boxes]) > 0.75


def test_who_speaks_may_change():
    ways = [swing(COUNT, 45, 5), swing(COUNT, 115, 5)]
    second = np.arange(COUNT) >= 40
    xs = np.where(second, ways[1][:, 0], ways[0][:, 0])
    _, boxes = followed(ways, heard(xs, np.ones(COUNT)), StereoEar())
    assert np.mean([b.face == s for b, s in zip(boxes, second, strict=True)]) > 0.93


def test_a_360_picture_has_no_edge():
    """The face goes over the seam, and is hidden there while it sounds."""
    x = 130 + 60 * np.arange(COUNT) / COUNT
    way = np.stack([x % WIDTH, np.full(COUNT, 45.0)], axis=1)
    sound = [
        Heard(0.0, {"direction": [((180 - 360 * a / WIDTH) % 360, 0.0), 0.8]}) for a in way[:, 0]
    ]
    sound = [Heard(h.level, {"direction": [tuple(h.offers["direction"])]}) for h in sound]
    for ear in (FieldEar(), DeafEar()):
        middles, _ = followed([way], sound, ear, is_round=True)
        away = (middles[:, 0] - way[:, 0] + WIDTH / 2) % WIDTH - WIDTH / 2
        assert np.abs(away).max() < 2


def test_boxes_leave_while_the_video_goes_on():
    way = swing(200, 80, 40)
    reference = next(iter(pictures([way[:1]])))[1]
    seen = []

    def watched():
        for time, picture in pictures([way]):
            seen.append(time)
            yield time, picture

    first = next(track(watched(), silence(), reference, [box(*way[0])], DeafEar()))
    assert first and len(seen) * float(STEP) < 5


def test_boxes_are_wanted():
    with pytest.raises(ValueError, match="expected those of one face"):
        next(track([], [], np.zeros((90, 160, 3), np.uint8), [], DeafEar()))


def test_boxes_at_the_middles_of_hops():
    def at(step: int, x: float, face: int = 0, is_round: bool = False) -> Box:
        return Box(step, x, 0.5, 0.1, 0.1, 1.0, face, True, is_round)

    steps = [[at(k, 0.01 * k) for k in range(12)], [at(k, 0.01 * k) for k in range(12, 25)]]
    made = list(chain(*at_times(steps, 0.1)))
    assert [b.step for b in made] == list(range(20))
    wanted = 0.01 * (np.arange(20) + 0.5) * 0.1 / float(STEP)
    assert np.allclose([b.x for b in made], np.minimum(wanted, 0.24))
    two = list(chain(*at_times([[at(0, 0.1), at(1, 0.9, face=1)]], 0.04)))
    assert [b.x for b in two] == [0.1, 0.9, 0.9, 0.9]  # never between two faces
    seam = list(chain(*at_times([[at(0, 0.99, 0, True), at(1, 0.01, 0, True)]], 0.04)))
    assert np.allclose([b.x for b in seam[:2]], [0.995, 1.005])


def test_small_sizes():
    assert small_size((1920, 1080), np.array([[0, 0, 400, 400]])) == (124, 70)
    assert small_size((1920, 1080), np.array([[0, 0, 10, 10]])) == (640, 360)
    assert small_size((48, 20), np.array([[0, 0, 10, 10]])) == (48, 20)


class Told:
    """A detector that finds what it is told, by the brightness of a picture."""

    def __init__(self, finds):
        self.finds = finds

    def detect(self, frames, **_):
        boxes, scores = self.finds[int(frames[0, 0, 0, 0])]
        return [(np.array(boxes, float).reshape(-1, 4), np.array(scores, float))]


def test_the_first_picture_with_faces_and_a_better_one_soon_after():
    finds = [([], [])] * 4 + [([[1, 1, 9, 9]], [0.9])] * 2
    finds += [([[1, 1, 9, 9], [20, 1, 9, 9]], [0.9, 0.8]), ([[1, 1, 9, 9]] * 3, [0.9] * 3)]
    shown = [(k * 0.5, np.full((20, 40, 3), k, np.uint8)) for k in range(len(finds))]
    best = first_faces(shown, Finder(Told(finds), "x", 0.0, (40, 20), False))
    assert isinstance(best, Reference) and best.time == 3.0 and len(best.boxes) == 2
    away = [([[-30, 1, 20, 9], [50, 1, 9, 9], [34, 12, 9, 9]], [0.9] * 3)]
    boxes = first_faces(shown[:1], Finder(Told(away), "x", 0.0, (40, 20), False)).boxes
    assert boxes.tolist() == [[34, 12, 9, 9]]  # of those that the picture shows
    unsure = [([[1, 1, 9, 9]], [0.3])]
    assert first_faces(shown[:1], Finder(Told(unsure), "x", 0.0, (40, 20), False)) is None


def test_a_box_of_a_view_lies_on_the_sphere_where_its_face_does():
    """A blob at azimuth 100, elevation 10 of a sphere, found in views to all sides."""
    import cv2

    sphere = np.zeros((240, 480, 3), np.uint8)
    x, y = 480 * (0.5 - 100 / 360), 240 * (0.5 - 10 / 180)
    cv2.circle(sphere, (round(x), round(y)), 12, (255, 255, 255), cv2.FILLED)

    class Bright:
        def detect(self, frames, **_):
            rows, columns = np.nonzero(frames[0, ..., 0] > 128)
            if len(rows) < 500:
                return [(np.zeros((0, 4)), np.zeros(0))]
            corner, size = (columns.min(), rows.min()), (np.ptp(columns), np.ptp(rows))
            return [(np.array([[*corner, *size]], float), np.array([0.9]))]

    found = Finder(Bright(), "x", 0.0, (480, 240), True).find(0.0, sphere)
    assert len(found.boxes) == 1
    left, top, width, height = found.boxes[0]
    assert abs(left + width / 2 - x) < 1.5 and abs(top + height / 2 - y) < 1.5
    assert abs(width - 25) < 3 and abs(height - 25) < 3
