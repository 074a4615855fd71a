"""The user's own pictures: backdrops move with the camera, things lie where things lie."""

import dataclasses

import numpy as np
import pytest
import torch

from avtools.world.drawing import draw
from avtools.world.images import Images
from avtools.world.motion import seen_at
from avtools.world.scenes import LOOKS
from avtools.world.sights import seen
from tests.world.stage import middle, staged

SIZE = (320, 180)


def ellipse(width: int, height: int, colour=(255, 0, 0)) -> np.ndarray:
    """Opaque within, clear and of a glaring colour without, in a wide clear frame."""
    v, u = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    picture = np.zeros((height, width, 4), np.uint8)
    picture[..., :3] = (0, 255, 0)
    inside = np.hypot(u, v) <= 1
    picture[inside, :3] = colour
    picture[inside, 3] = 255
    return np.pad(picture, ((5, 17), (30, 2), (0, 0)))


def test_a_thing_is_its_opaque_part_centred():
    images = Images(things=[ellipse(200, 120)])
    scenes = staged(look=2, show=1, heard=False, size=24.0, azimuth=8.0, elevation=-3.0)
    frames, masks = seen(scenes, SIZE, [0.0], images=images, masks=True)
    mask = masks[0, 0].numpy() == 1
    x, y = seen_at(scenes, np.full((1, 1, 1), 8.0), np.full((1, 1, 1), -3.0), SIZE, [0.0])
    np.testing.assert_allclose(middle(mask), [x.item(), y.item()], atol=0.3)
    half = 160 / np.tan(np.deg2rad(scenes.fov[0] / 2)) * np.tan(np.deg2rad(12))
    rows, columns = np.nonzero(mask)
    spread = np.array([np.ptp(columns) + 1, np.ptp(rows) + 1]) / 2
    np.testing.assert_allclose(spread, half * np.array([1, 0.6]), atol=1)
    body = frames[0, 0].numpy()[mask]
    # Nothing of the clear pixels' green, edges apart.
    assert (np.abs(body - [255, 0, 0]).max(axis=1) < 12).mean() > 0.9
    np.testing.assert_allclose(images.extents, [[1, 0.6]], atol=0.01)


def test_faces_stay_drawn():
    images = Images(things=[ellipse(20, 20)])
    scenes = staged(look=LOOKS.index("face"), show=0, size=24.0)
    own, drawn = (seen(scenes, SIZE, [0.0, 1.1], images=i) for i in (images, None))
    assert torch.equal(own, drawn)
    assert (images.replaced(scenes) == -1).all()


@pytest.mark.parametrize("kind,size", [("stereo", SIZE), ("360", (360, 180))])
def test_a_shaking_camera_moves_a_backdrop_as_it_moves_things(kind, size):
    photograph = np.zeros((size[1] * 2, size[0] * 2, 3), np.uint8)
    row, column = round(0.3 * size[1] * 2), round(0.2 * size[0] * 2)
    photograph[row - 3 : row + 3, column - 3 : column + 3] = 255
    images = Images(backgrounds=[photograph])
    scenes = dataclasses.replace(draw(kind, "hard", np.arange(8), 3.0), light=np.ones(8))
    scenes = dataclasses.replace(
        scenes, present=scenes.present & False, pillar_width=np.zeros(8), shake=np.full(8, 1.5)
    )
    times = np.arange(6) / 2
    still = dataclasses.replace(scenes, shake=np.zeros(8))
    lit = seen(still, size, times, images=images)[..., 1].numpy().astype(float)
    moved = seen(scenes, size, times, images=images)[..., 1].numpy().astype(float)
    x, y = place(lit)
    if kind == "360":
        azimuth, elevation = 360 * (0.5 - x / size[0]), 180 * (0.5 - y / size[1])
    else:
        focal = (size[0] / 2 / np.tan(np.deg2rad(scenes.fov / 2)))[:, None]
        azimuth = -np.rad2deg(np.arctan((x - size[0] / 2) / focal))
        flat = np.hypot(focal, x - size[0] / 2)
        elevation = np.rad2deg(np.arctan((size[1] / 2 - y) / flat))
    expected = seen_at(scenes, azimuth[:, None], elevation[:, None], size, times)
    np.testing.assert_allclose(place(moved), [e[:, 0] for e in expected], atol=0.15)
    assert np.abs(place(moved) - place(lit)).max() > 1


def place(light: np.ndarray) -> np.ndarray:
    """x and y of what is lit, each (b, t)."""
    light = np.where(light > 20, light, 0)
    total = light.sum(axis=(2, 3))
    x = (light.sum(axis=2) * (np.arange(light.shape[3]) + 0.5)).sum(axis=2) / total
    y = (light.sum(axis=3) * (np.arange(light.shape[2]) + 0.5)).sum(axis=2) / total
    return np.array([x, y])


@pytest.mark.parametrize("kind", ["stereo", "360"])
def test_own_pictures_are_mirrored_and_turned_too(kind):
    noise = np.random.default_rng(3).integers(0, 256, (60, 80, 3), np.uint8)
    images = Images(backgrounds=[noise, noise[::-1]], things=[ellipse(30, 40, (9, 9, 200))])
    scenes = draw(kind, "hard", np.arange(9), 3.0)
    frames = seen(scenes, (160, 80), [0.4, 1.3], images=images).int()
    mirrored = seen(scenes.mirrored(), (160, 80), [0.4, 1.3], images=images).int()
    assert (frames.flip(3) - mirrored).abs().float().mean() < 0.02
    if kind == "360":
        turned = seen(scenes.turned(45), (160, 80), [0.4, 1.3], images=images).int()
        assert (frames.roll(-20, 3) - turned).abs().float().mean() < 0.02


def test_each_scene_has_the_picture_that_it_picks():
    flat = [np.full((20, 30, 3), level, np.uint8) for level in (40, 120, 200)]
    scenes = staged(count=3, light=1.0, backdrop_pick=[0.9, 0.1, 0.5], drawn=False)
    frames = seen(scenes, (64, 48), [0.0], images=Images(backgrounds=flat))
    assert [f.unique().tolist() for f in frames] == [[200], [40], [120]]


@pytest.mark.parametrize(
    "arrays,message",
    [
        ({"backgrounds": [np.zeros((4, 4), np.uint8)]}, "expected (height, width, 3)"),
        ({"backgrounds": [np.zeros((4, 4, 3))]}, "float64"),
        ({"things": [np.zeros((4, 4, 2), np.uint8)]}, "3 or 4"),
        ({"things": [np.zeros((4, 4, 4), np.uint8)]}, "clear everywhere"),
        ({"things": [np.zeros((0, 4, 3), np.uint8)]}, "no pixel"),
    ],
)
def test_what_is_no_picture_is_refused(arrays, message):
    with pytest.raises(ValueError) as error:
        Images(**arrays)
    assert message in str(error.value)
