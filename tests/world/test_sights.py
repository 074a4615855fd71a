"""Pictures show what the scene says: where, when, before what, mirrored and turned alike."""

import dataclasses

import numpy as np
import pytest
import torch

from avtools.world.acts import STROKE, acts
from avtools.world.bank import Bank
from avtools.world.drawing import draw
from avtools.world.looks import AFTERGLOW, outline
from avtools.world.motion import seen_at, wrapped
from avtools.world.scenes import LOOKS
from avtools.world.score import envelope
from avtools.world.sights import Sight, seen
from tests.world.stage import bodies, middle, playing, staged

TIMES = np.array([0.1, 0.93, 1.7])


@pytest.mark.parametrize("size", [(128, 128), (640, 360)])
@pytest.mark.parametrize("preset", ["easy", "hard"])
def test_a_body_is_seen_where_the_scene_says(size, preset):
    scenes = draw("stereo", preset, np.arange(14), 3.0)
    alone = np.arange(scenes.things) == 0
    scenes = dataclasses.replace(
        scenes, present=scenes.present & alone, pillar_width=0 * scenes.pillar_width
    )
    masks, x, y, half = bodies(scenes, size, TIMES)
    beyond = 1.3 * half
    whole = (x > beyond) & (x < size[0] - beyond) & (y > beyond) & (y < size[1] - beyond)
    assert whole[:, 0].mean() > 0.6
    for i, j in zip(*np.nonzero(whole[:, 0]), strict=True):
        found = middle(masks[i, j] == 1)
        np.testing.assert_allclose(found, [x[i, 0, j], y[i, 0, j]], atol=0.3)


@pytest.mark.parametrize("look", LOOKS)
def test_a_body_is_as_large_as_its_outline(look):
    place = LOOKS.index(look)
    scenes = staged(look=place, show=0 if look == "face" else 1, heard=False, size=20.0)
    masks, x, y, half = bodies(scenes, (640, 360), TIMES[:1])
    rows, columns = np.nonzero(masks[0, 0] == 1)
    extent = np.array([np.ptp(columns) + 1, np.ptp(rows) + 1]) / 2
    # The star's points are thinner than a pixel at their ends.
    near = 2 if look == "star" else 0.8
    np.testing.assert_allclose(extent, half[0, 0, 0] * np.ptp(outline(look), axis=0) / 2, atol=near)
    np.testing.assert_allclose(middle(masks[0, 0]), [x[0, 0, 0], y[0, 0, 0]], atol=0.2)


def test_movement_is_smooth_below_a_pixel():
    """The light of a body against its backdrop moves on by as much as the body."""
    shift = np.linspace(0, 1.5, 16)
    scenes = staged(count=16, look=LOOKS.index("disc"), show=1, heard=False, size=14.0)
    same = dataclasses.replace(scenes.chosen([0] * 16))
    focal = 64 / np.tan(np.deg2rad(same.fov[0] / 2))
    moved = dataclasses.replace(same, azimuth=-np.rad2deg(np.arctan(shift / focal))[:, None])
    lit = seen(moved, (128, 128), [0.0]).float().mean(dim=-1)[:, 0]
    bare = seen(dataclasses.replace(moved, drawn=~moved.drawn), (128, 128), [0.0])
    light = (lit - bare.float().mean(dim=-1)[:, 0]).abs().numpy()
    place = (light.sum(1) * (np.arange(128) + 0.5)).sum(1) / light.sum((1, 2))
    steps = np.diff(place)
    assert abs(place[-1] - place[0] - 1.5) < 0.25 and steps.min() > 0.02 and steps.max() < 0.2


def apart(first: torch.Tensor, second: torch.Tensor) -> tuple[float, float]:
    """Mean difference in levels, and the share of pixels that differ by more than two."""
    gap = (first.int() - second.int()).abs()
    return gap.float().mean().item(), (gap > 2).float().mean().item()


@pytest.mark.parametrize("kind", ["stereo", "360"])
@pytest.mark.parametrize("size", [(128, 128), (96, 72)])
def test_a_mirrored_scene_is_the_mirrored_picture(kind, size):
    scenes = draw(kind, "hard", np.arange(20, 40), 3.0)
    frames, masks = seen(scenes, size, TIMES, masks=True)
    mirrored, whose = seen(scenes.mirrored(), size, TIMES, masks=True)
    mean, many = apart(frames.flip(3), mirrored)
    assert mean < 0.02 and many < 1e-3
    assert (masks.flip(3) != whose).float().mean() < 1e-3
    assert apart(frames, mirrored)[0] > 3


@pytest.mark.parametrize("columns", [1, 37, 160])
def test_a_turned_scene_is_the_rolled_picture(columns):
    scenes = draw("360", "hard", np.arange(12), 3.0)
    frames, masks = seen(scenes, (160, 80), TIMES, masks=True)
    turned, whose = seen(scenes.turned(columns * 360 / 160), (160, 80), TIMES, masks=True)
    mean, many = apart(frames.roll(-columns, 3), turned)
    assert mean < 0.02 and many < 1e-3
    assert (masks.roll(-columns, 3) != whose).float().mean() < 1e-3


@pytest.mark.parametrize("kind", ["stereo", "360"])
def test_a_scene_is_the_same_in_any_batch(kind):
    scenes = draw(kind, "hard", np.arange(70), 3.0)
    both = seen(scenes, (128, 128), TIMES, masks=True)
    some = [3, 64, 69]
    alone = seen(scenes.chosen(some), (128, 128), TIMES, masks=True)
    mean, many = apart(both[0][some], alone[0])
    assert mean < 0.01 and many < 5e-4
    assert (both[1][some] != alone[1]).float().mean() < 5e-4


def test_parts_of_the_times_are_parts_of_the_pictures():
    scenes = draw("stereo", "hard", [5, 8], 3.0)
    times = np.arange(40) / 14
    whole, masks = seen(scenes, (320, 180), times, masks=True)
    sight = Sight(scenes, (320, 180))
    parts = [sight.at(times[k : k + 11]) for k in range(0, 40, 11)]
    assert apart(whole, torch.cat(parts, dim=1))[1] < 1e-4
    own = np.stack([times, times[::-1]])
    swapped = sight.at(own)
    assert apart(swapped[0], whole[0])[1] < 1e-4 and apart(swapped[1], whole[1].flip(0))[1] < 1e-4
    assert masks.max() <= scenes.things


# ---- before and behind -------------------------------------------------------------------------


def pair(**fields):
    fields = {"azimuth": [[4.0, -4.0]], "size": 24.0, "show": 1, "look": 2, "heard": False} | fields
    return staged(things=2, **fields)


def test_the_nearer_covers_the_farther():
    size = (320, 180)
    for distance, front in (([[1.0, 2.0]], 1), ([[2.0, 1.0]], 2)):
        masks, x, y, _ = bodies(pair(distance=distance), size, TIMES[:1])
        between = round(x[0, :, 0].mean()), round(y[0, 0, 0])
        assert masks[0, 0, between[1], between[0]] == front
        assert set(np.unique(masks)) == {0, 1, 2}


def test_what_is_off_screen_is_not_seen():
    scenes = pair(drawn=[[True, False]])
    _, masks = seen(scenes, (320, 180), TIMES, masks=True)
    assert set(np.unique(masks)) == {0, 1}
    for azimuth in (120.0, 180.0, 75.0):
        away = dataclasses.replace(scenes, azimuth=np.array([[azimuth, 0.0]]))
        none = dataclasses.replace(scenes, present=np.zeros((1, 2), bool))
        assert torch.equal(seen(away, (320, 180), TIMES), seen(none, (320, 180), TIMES))


def test_a_thing_is_cut_by_the_edge_of_the_picture():
    scenes = staged(look=1, show=1, heard=False, size=20.0)
    scenes = dataclasses.replace(scenes, azimuth=scenes.fov[:, None] / 2)
    masks, x, _, half = bodies(scenes, (320, 180), TIMES[:1])
    assert x[0, 0, 0] == pytest.approx(0, abs=1e-6)
    assert (masks[0, 0, :, 0] == 1).sum() == pytest.approx(2 * half[0, 0, 0], abs=1.5)
    assert not masks[0, 0, :, int(half[0, 0, 0]) + 2 :].any()


@pytest.mark.parametrize("kind,size", [("stereo", (320, 180)), ("360", (320, 160))])
def test_a_pillar_covers_all_there_is(kind, size):
    tint = [[1.0, 0.0, 0.0]]
    scenes = staged(
        kind,
        pillar=-10.0,
        pillar_width=8.0,
        pillar_tint=tint,
        azimuth=-10.0,
        size=20.0,
        look=1,
        show=1,
    )
    frames, masks = seen(scenes, size, TIMES, masks=True)
    edges = np.array([[[-6.0, -14.0]]])
    left, right = seen_at(scenes, edges, 0 * edges, size, np.zeros(2))[0][0, 0]
    inner, outer = slice(int(left) + 2, int(right) - 1), [int(left) - 1, int(right) + 1]
    assert not masks[..., inner].any() and masks[..., outer].any(dim=2).all()
    covered = frames[..., inner, :].float()
    assert covered[..., 0].mean() > 80 and covered[..., 1:].max() == 0
    assert (frames[..., outer, 1:].amax(dim=(2, 4)) > 0).all()


# ---- 360 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "azimuth,elevation", [(0, 0), (180, 0), (179.9, 45), (-120, -78), (30, 88)]
)
def test_on_the_sphere_a_thing_keeps_its_shape(azimuth, elevation):
    """Its solid angle and its middle are those of a disc on the plane that touches the sphere."""
    size, degrees = (720, 360), 30.0
    scenes = staged(
        "360", look=LOOKS.index("disc"), show=1, heard=False, size=degrees, elevation=elevation
    )
    scenes = dataclasses.replace(scenes, azimuth=np.full((1, 1), float(azimuth)))
    _, masks = seen(scenes, size, [0.0], masks=True)
    mask = masks[0, 0].numpy() == 1
    high = np.deg2rad(90 - (np.arange(360) + 0.5) / 2)
    around = np.deg2rad(180 - (np.arange(720) + 0.5) / 2)
    weight = mask * np.cos(high)[:, None]
    solid = weight.sum() * np.deg2rad(0.5) ** 2
    assert solid == pytest.approx(2 * np.pi * (1 - np.cos(np.deg2rad(degrees / 2))), rel=0.02)
    x, y, z = (
        (weight * v).sum()
        for v in (
            np.cos(high)[:, None] * np.cos(around),
            np.cos(high)[:, None] * np.sin(around),
            np.sin(high)[:, None] + 0 * around,
        )
    )
    assert np.rad2deg(np.arctan2(z, np.hypot(x, y))) == pytest.approx(elevation, abs=0.3)
    gap = wrapped(np.rad2deg(np.arctan2(y, x)) - azimuth) * np.cos(np.deg2rad(elevation))
    assert abs(gap) < 0.3


def test_the_seam_does_not_show():
    scenes = draw("360", "hard", np.arange(0, 200, 10), 3.0)
    scenes = dataclasses.replace(scenes, present=np.zeros_like(scenes.present))
    frames = seen(scenes, (360, 180), TIMES).float()
    steps = (frames - frames.roll(1, dims=3)).abs().mean(dim=(0, 1, 2, 4)).numpy()
    assert steps[0] < 2 * np.median(steps)


# ---- what is shown -------------------------------------------------------------------------------


SIZE = (320, 180)


def test_a_mouth_opens_with_the_sound():
    scenes = playing("mouth", "face", [0.8, 1.6], sound=0)
    times = np.arange(0, 3, 0.04)
    _, x, y, half = bodies(scenes, SIZE, times)
    frames = seen(scenes, SIZE, times).float().mean(dim=-1)[0].numpy()
    at = round(x[0, 0, 0]), round(y[0, 0, 0] + 0.58 * half[0, 0, 0])
    wide, tall = int(0.15 * half[0, 0, 0]), int(0.2 * half[0, 0, 0])
    mouth = frames[:, at[1] - tall : at[1] + tall, at[0] - wide : at[0] + wide]
    heard = envelope(scenes, times, AFTERGLOW)[0, 0]
    change = np.abs(mouth - mouth[0]).mean(axis=(1, 2))
    assert np.corrcoef(change, heard)[0, 1] > 0.9
    assert change[heard == 0].max() < 1 < 10 < change.max()


def test_a_body_pulses_with_the_sound():
    scenes = playing("pulse", "disc", [0.8, 1.6], sound=5)
    times = np.arange(0, 3, 0.04)
    frames, masks = seen(scenes, SIZE, times, masks=True)
    area = (masks[0] == 1).sum(dim=(1, 2)).numpy().astype(float)
    heard = envelope(scenes, times, AFTERGLOW)[0, 0]
    assert np.corrcoef(np.sqrt(area), heard)[0, 1] > 0.98
    assert np.sqrt(area.max() / area.min()) == pytest.approx(1.15, abs=0.02)
    light = frames[0].float().mean(dim=-1).numpy()[:, 85:95, 155:165].mean(axis=(1, 2))
    assert light.max() > 1.15 * light[0]


def felt(frames: torch.Tensor) -> np.ndarray:
    """(t, 2) the middle of the stick's red head, pixels."""
    red, green, blue = frames[0].float().unbind(dim=-1)
    head = ((red > 1.8 * green) & (red > 1.8 * blue) & (red > 140)).numpy()
    return np.array([middle(h) for h in head])


STRIKE = {"sound": 4, "tint": [[[0.3, 0.5, 0.9]]], "backdrop_tint": 0.3, "backdrop_pick": 0.5}


@pytest.mark.parametrize("look", LOOKS[1:])
def test_a_stick_hits_the_body_at_each_onset(look):
    onsets = [0.6, 1.2, 2.0]
    scenes = playing("strike", look, onsets, **STRIKE)
    times = np.arange(0.0, 2.6, 0.02)
    frames, masks = seen(scenes, SIZE, times, masks=True)
    head = felt(frames)
    way = (head[:, 1] - head[0, 1]) / (head[:, 1].max() - head[0, 1])
    lowest = [k for k in range(1, len(way) - 1) if way[k] > max(0.8, *way[[k - 1, k + 1]])]
    np.testing.assert_allclose(times[lowest], onsets, atol=0.021)
    # At rest the head is away, at an onset it touches: its radius and a soft edge.
    rows, columns = np.nonzero(masks[0, 0].numpy() == 1)
    gap = [np.hypot(columns + 0.5 - x, rows + 0.5 - y).min() for x, y in head]
    _, _, _, half = bodies(scenes, SIZE, [0.0])
    radius = 0.14 * half[0, 0, 0]
    struck = [round(t / 0.02) for t in onsets]
    assert max(np.array(gap)[struck]) < radius + 2 and gap[0] > 3 * radius


def test_a_bow_moves_while_it_sounds_and_the_other_way_each_time():
    scenes = playing("bow", "box", [0.5, 1.2, 2.0], lengths=0.5, sound=2)
    times = np.arange(0, 3, 0.02)
    place = acts(scenes, times).drawn[0, 0]
    speed = np.diff(place) / 0.02
    np.testing.assert_allclose(
        place[[24, 58, 98, 149]], STROKE * np.array([-1, 1, -1, 1]), atol=0.03
    )
    loud = acts(scenes, times + 0.01).level[0, 0][:-1]
    assert np.corrcoef(np.abs(speed), loud)[0, 1] > 0.9
    still = seen(scenes, SIZE, [0.1, 0.3, 0.64])
    assert torch.equal(still[0, 0], still[0, 1]) and not torch.equal(still[0, 0], still[0, 2])


@pytest.mark.parametrize(
    "show,look", [("mouth", "face"), ("pulse", "disc"), ("strike", "bell"), ("bow", "star")]
)
def test_the_silent_show_nothing_unless_they_mime(show, look):
    moments = [0.55, 0.62, 0.7, 0.8]
    for heard, mimes in ((True, False), (False, True), (False, False)):
        scenes = playing(show, look, [0.6], heard=heard, mimes=mimes, sound=5, key=5)
        frames = seen(scenes, SIZE, moments)[0]
        moves = any(not torch.equal(frames[0], f) for f in frames[1:])
        assert moves == (heard or mimes)


def test_the_hand_changes_sides_in_the_mirror():
    scenes = playing("strike", "disc", [2.0], **STRIKE)
    first, second = (felt(seen(s, SIZE, [0.0]))[0] for s in (scenes, scenes.mirrored()))
    x, mirrored = first[0], second[0]
    assert x > 165 and x + mirrored == pytest.approx(320, abs=0.2)


def test_tilt_leans_to_the_left():
    scenes = staged(look=2, show=1, heard=False, size=24.0, tilt=30.0)
    _, masks = seen(scenes, SIZE, [0.0], masks=True)
    rows, columns = np.nonzero(masks[0, 0].numpy() == 1)
    # A box leaning to the left has its right end up.
    slope = np.polyfit(columns, rows, 1)[0]
    assert slope < -0.15


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match="0x8, expected at least one pixel"):
        seen(draw("stereo", "easy", [1], 1.0), (0, 8), [0.0])


def test_own_sounds_are_struck_where_they_begin():
    sound = np.zeros(3 * 8000, np.float32)
    for onset in (0.7, 1.5, 2.3):
        tone = np.exp(-np.arange(2400) / 500) * np.sin(np.arange(2400))
        sound[round(8000 * onset) :][:2400] += tone.astype(np.float32)
    bank = Bank([sound], 8000)
    times = np.arange(0, 3, 0.01)
    scenes = bank.scored(playing("strike", "disc", [0.1, 0.2]))
    lift = acts(scenes, times, bank).lift[0, 0]
    hits = [k for k in range(1, 299) if lift[k] < min(0.1, lift[k - 1], lift[k + 1] + 1e-12)]
    np.testing.assert_allclose(times[hits], [0.7, 1.5, 2.3], atol=0.03)
    bowed = acts(playing("bow", "disc", [0.1]), times, bank).drawn[0, 0]
    moving = np.abs(np.diff(bowed)) > 2e-3
    assert moving[72:80].all() and not moving[:65].any() and not moving[115:145].any()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("kind,size", [("stereo", (128, 128)), ("360", (160, 80))])
def test_processor_and_gpu_agree(kind, size):
    """But for points that rounding puts into another cell of a pattern."""
    scenes = draw(kind, "hard", np.arange(40), 3.0)
    frames, masks = seen(scenes, size, TIMES, masks=True)
    others, whose = (x.cpu() for x in seen(scenes, size, TIMES, "cuda", masks=True))
    mean, many = apart(frames, others)
    assert mean < 0.05 and many < 2e-3
    assert (masks != whose).float().mean() < 1e-3
