"""Which boxes are asked for, which are given, and what they come to."""

import csv

import numpy as np
import pytest

from avtools.datasets.clip import Truth
from avtools.datasets.events import read_events
from avtools.metrics import boxes
from avtools.tasks import track_faces
from tests.tasks.given import Given, noise, rng

NAMES = ("time", "source", "look", "sounding", "loudness", *track_faces.BOX, "visible")


def face(time, x, source=0, sounding=1, loudness=0.5, visible=1.0, size=40) -> dict:
    box = dict(zip(track_faces.BOX, (x, 50, size, 2 * size), strict=True))
    named = {"time": time, "source": source, "look": "face", "sounding": sounding}
    return named | {"loudness": loudness, "visible": visible} | box


class Seen(Given):
    """Its picture is 400 x 200."""

    def see(self, fps=6.0, size=None, start=0.0, duration=None):
        return np.zeros((1, 200, 400, 3), np.uint8)


@pytest.fixture
def clip(tmp_path):
    def made(rows: list[dict]) -> Seen:
        path = tmp_path / "truth.csv"
        with open(path, "w", newline="") as out:
            table = csv.DictWriter(out, NAMES)
            table.writeheader()
            table.writerows(rows)
        found = Seen("x", noise(2, 0.1))
        found.truth = Truth(str(path), read_events)
        return found

    return made


def test_a_box_that_stays_misses_a_face_that_goes(clip):
    rows = [face(0.1, 100), face(0.2, 100), face(0.3, 120), face(0.4, 180)]
    row = track_faces.examine((clip(rows),), "still", rng())
    assert row["iou"] == pytest.approx((1 + 1 + 1 / 3 + 0) / 4)
    assert row["share_hit"] == 0.5 and row["ap50"] == 0.25
    assert row["x_error_percent"] == pytest.approx((0 + 0 + 5 + 20) / 4)
    assert row["y_error_percent"] == 0


def test_a_sphere_goes_on_at_its_edge(clip):
    rows = [face(0.1, -10), face(0.2, 375)]
    flat = clip(rows)
    assert track_faces.examine((flat,), "still", rng())["x_error_percent"] == pytest.approx(385 / 8)
    sphere = clip(rows)
    sphere.given = noise(4, 0.1)
    row = track_faces.examine((sphere,), "still", rng())
    assert row["x_error_percent"] == pytest.approx(15 / 8)
    assert row["iou"] == pytest.approx((1 + 25 / 55) / 2)


def test_the_loudest_that_sounds_is_asked_for():
    rows = [face(0.1, 10), face(0.1, 90, 1, 1, 0.9), face(0.2, 10, 0, 0), face(0.3, 20)]
    rows.append(face(0.3, 70, 1, 0, 0.9))
    texts = [{name: str(value) for name, value in row.items()} for row in rows]
    times, truth = track_faces.asked(track_faces.faces_of(texts))
    assert list(times) == [0.1, 0.3] and list(truth[:, 0]) == [90, 20]


def test_boxes_are_given_of_the_fullest_picture():
    rows = [face(0.1, 10), face(0.2, 11), face(0.2, 90, 1, size=60), face(0.3, 12)]
    rows.append(face(0.3, 91, 1, visible=0.1))
    texts = [{name: str(value) for name, value in row.items()} for row in rows]
    time, given = track_faces.reference(track_faces.faces_of(texts))
    assert time == 0.2 and list(given[:, 0]) == [90, 11]


def test_only_scenes_with_a_face_that_sounds_and_is_seen():
    assert track_faces.things([face(0.1, 10, 3)]) == (3,)
    assert track_faces.things([face(0.1, 10, sounding=0)]) == ()
    assert track_faces.things([face(0.1, 10, visible=0.1)]) == ()
    assert track_faces.things([face(0.1, 10) | {"look": "star"}]) == ()


def test_precision_over_all_frames_is_that_of_the_metrics():
    chance = np.random.default_rng(3)
    columns = {name: np.empty(5, object) for name in ("hit", "sure")}
    references, estimates, confidences = [], [], []
    for k in range(5):
        truth = np.column_stack([chance.uniform(0, 100, (20, 2)), np.full((20, 2), 30)])
        found = truth + [1, 0, 0, 0] * chance.uniform(0, 20, (20, 1))
        sure = chance.integers(0, 8, 20) / 8
        columns["hit"][k] = (boxes.iou(truth, found) >= 0.5).astype(float)
        columns["sure"][k] = sure
        for into, some in zip(
            (references, estimates, confidences), (truth, found, sure), strict=True
        ):
            into.extend(some)
    expected = boxes.average_precision(references, estimates, confidences)
    assert 0 < expected < 1
    assert track_faces.TASK.scores[0].of(columns) == pytest.approx(expected)


def test_without_a_truth():
    with pytest.raises(ValueError, match="no truth with boxes"):
        track_faces.examine((Seen("x", noise(2, 0.1)),), "still", rng())


def test_a_window_has_the_truth_of_its_own_time(clip):
    moving = clip([face(k / 10, 100 + 4 * k) for k in range(100)])
    moving.start, moving.duration = 5.0, 2.0
    times, truth = track_faces.asked(track_faces.faces_of(track_faces.truth_rows(moving)))
    assert np.allclose(times, np.arange(20) / 10)
    assert np.allclose(truth[:, 0], 300 + 4 * np.arange(20))
