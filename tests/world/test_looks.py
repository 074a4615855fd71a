"""Outlines and what is painted within them."""

import dataclasses

import cv2
import numpy as np
import pytest

from avtools.world.backdrop import Backdrop
from avtools.world.bodies import bodies
from avtools.world.drawing import draw
from avtools.world.face import skins
from avtools.world.looks import FINE, REACH, centroid, distances, outline, outlines
from avtools.world.motion import directions, half_sizes, seen_at
from avtools.world.places import PLACES
from avtools.world.scenes import FACE_SHAPE, LOOKS
from avtools.world.sights import Sight


@pytest.mark.parametrize("look", LOOKS)
def test_outlines_are_centred_and_two_long(look):
    points = outline(look)
    np.testing.assert_allclose(centroid(points), 0, atol=1e-12)
    assert np.ptp(points, axis=0).max() == pytest.approx(2)
    # A box about the middle fits well; and so do both ends of the outline.
    low, high = points.min(axis=0), points.max(axis=0)
    np.testing.assert_allclose((low + high) / 2, 0, atol=0.03)
    np.testing.assert_allclose(points[:, 0].min(), -points[:, 0].max())
    assert np.abs(points).max() < REACH - 0.1


def test_extents():
    extents = {look: np.ptp(outline(look), axis=0) / 2 for look in LOOKS}
    np.testing.assert_allclose(extents["face"], [FACE_SHAPE, 1])
    np.testing.assert_allclose(extents["disc"], [1, 1])
    np.testing.assert_allclose(extents["box"], [1, 0.78])
    assert outlines(48).shape == (len(LOOKS), 48, 2)
    found = np.ptp(outlines(256), axis=1) / 2
    np.testing.assert_allclose(found, [extents[look] for look in LOOKS], atol=0.03)


def test_distances_of_a_disc_are_known():
    line = np.linspace(-REACH, REACH, FINE)
    radius = np.hypot(*np.meshgrid(line, line))
    np.testing.assert_allclose(distances()[LOOKS.index("disc")], 1 - radius, atol=2e-3)


def test_things_differ_by_their_keys_and_not_by_their_batch():
    scenes = draw("stereo", "hard", np.arange(0, 120, 5), 3.0)
    pixels = np.full(scenes.key.shape, 30.0)
    painted = bodies(scenes, 64, pixels)
    alone = bodies(scenes.chosen([7]), 64, pixels[:1])
    assert (painted.reshape(*scenes.key.shape, 4, 64, 64)[7] - alone).abs().max() < 0.01
    for look in range(len(LOOKS)):
        rows = np.flatnonzero((scenes.visible & (scenes.look == look)).ravel())[:2]
        assert (painted[rows[0], :3] - painted[rows[1], :3]).abs().mean() > 3


def test_skins_are_of_many_kinds():
    light = skins(np.arange(500)).mean(axis=1)
    assert light.min() < 0.32 and light.max() > 0.84
    assert np.histogram(light, 5)[0].min() > 25


@pytest.mark.parametrize("preset,rate", [("easy", 0.9), ("real", 0.9)])
def test_faces_are_found_by_a_detector_made_for_real_ones(preset, rate):
    """OpenCV's Haar cascade, on faces that are whole and wider than 60 pixels."""
    detector = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    scenes = draw("stereo", preset, np.arange(300, 400), 3.0)
    is_face = scenes.visible & (scenes.look == LOOKS.index("face"))
    scenes, is_face = scenes.chosen(is_face.any(axis=1)), is_face[is_face.any(axis=1)]
    times, size = np.array([0.9]), (480, 270)
    frames, masks = Sight(scenes, size).at(times, masks=True)
    azimuth, elevation, _ = directions(scenes, times)
    x, y = seen_at(scenes, azimuth, elevation, size, times)
    half = half_sizes(scenes, azimuth, elevation, size)
    found = []
    for i, k in zip(*np.nonzero(is_face), strict=True):
        radius, middle = half[i, k, 0], np.array([x[i, k, 0], y[i, k, 0]])
        seen_share = (masks[i, 0] == k + 1).sum() / (np.pi * FACE_SHAPE * 0.9 * radius**2)
        if seen_share < 0.93 or 2 * FACE_SHAPE * radius < 60:
            continue
        gray = cv2.cvtColor(frames[i, 0].numpy(), cv2.COLOR_RGB2GRAY)
        boxes = detector.detectMultiScale(gray, 1.1, 4, minSize=(40, 40))
        found.append(any(np.abs(b[:2] + b[2:] / 2 - middle).max() < 0.5 * radius for b in boxes))
    assert len(found) > 15 and np.mean(found) > rate


@pytest.mark.parametrize("kind,size", [("stereo", (96, 54)), ("360", (96, 48))])
def test_places_differ_by_style_and_key_and_pale_with_contrast(kind, size):
    scenes = draw(kind, "real", 10 * np.arange(2 * len(PLACES)), 1.0)
    style = (np.arange(len(scenes)) % len(PLACES) + 0.5) / len(PLACES)
    scenes = dataclasses.replace(scenes, backdrop_pick=style, light=np.ones(len(scenes)))
    pictures = {}
    for contrast in (0.0, 1.0):
        same = dataclasses.replace(scenes, contrast=np.full(len(scenes), contrast))
        pictures[contrast] = Backdrop(same, size).pictures
        assert pictures[contrast].min() >= 0 and pictures[contrast].max() <= 255
    spread = pictures[1.0].std(dim=(1, 2, 3))
    assert (spread > 12).all()
    assert (pictures[0.0].std(dim=(2, 3)).mean(dim=1) < 0.5 * spread).all()
    for one in range(len(scenes)):
        apart = (pictures[1.0] - pictures[1.0][one]).abs().mean(dim=(1, 2, 3))
        assert (apart > 4).sum() == len(scenes) - 1
