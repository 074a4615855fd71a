import dataclasses

import numpy as np
import pytest
import torch

from avtools.dsp.room import expected_drr, image_sources, wall_reflection
from avtools.world import ears as ears_module
from avtools.world.drawing import draw
from avtools.world.ears import heard
from avtools.world.motion import directions
from avtools.world.reverberation import ORDER, later_share, lattice
from tests.world.hearing import RATE, click, decibels, hissing, scene

ROOM = {"room": [[6.0, 5.0, 3.0]], "receiver": [[3.1, 2.4, 1.2]]}


def reverberant_and_direct(s, dry):
    """(b, channels, n) each; the direct sound is what is heard without walls."""
    both = heard(s, dry, RATE).numpy().astype(float)
    direct = heard(dataclasses.replace(s, rt60=s.rt60 * 0), dry, RATE).numpy().astype(float)
    return both - direct, direct


def decay_time(response) -> float:
    """RT60 by Schroeder's integral: the line from -5 to -35 dB, to -60."""
    level = np.cumsum(response[::-1] ** 2)[::-1]
    level = 10 * np.log10(level / level[0])
    start, stop = np.argmax(level < -5), np.argmax(level < -35)
    slope = np.polyfit(np.arange(start, stop) / RATE, level[start:stop], 1)[0]
    return -60 / slope


@pytest.mark.parametrize("ears", ["pair", "head", "foa"])
def test_rt60_and_direct_to_reverberant_ratio_are_as_asked_for(ears):
    wanted = np.array([0.2, 0.3, 0.5, 0.8, 1.2])
    s = scene(ears, 5, "real", rt60=wanted, pattern=0.0, azimuth=np.arange(5) * 30.0 - 60)
    late, direct = reverberant_and_direct(s, click(s, int(1.6 * RATE), 100))
    for row, (reverberant, straight) in enumerate(zip(late, direct, strict=True)):
        found = decay_time((reverberant + straight)[0, 100:])
        assert found == pytest.approx(wanted[row], rel=0.05)
        ratio = 10 * np.log10((straight**2).sum() / (reverberant**2).sum())
        assert ratio == pytest.approx(expected_drr(s.room[row], wanted[row], 1.0), abs=1.5)


@pytest.mark.parametrize("rt60", [0.2, 0.8])
def test_energy_falls_as_theory_has_it_from_the_images_to_the_tail(rt60):
    """The mean of many rooms: no hole and no bump where one gives way to the other."""
    s = scene("foa", 60, "real", rt60=rt60, azimuth=np.arange(60) * 6.0)
    late, _ = reverberant_and_direct(s, click(s, 4000, 0, level=0.5))
    found = 4 * (late[:, 0, : 15 * 160] ** 2).reshape(60, 15, 160).sum(axis=2).sum(axis=0)
    seconds = np.arange(15 * 160) / RATE + 1 / 343.0
    energy = np.exp(-6 * np.log(10) * seconds / rt60) / RATE * 4 * np.pi * 343.0
    true = energy.reshape(15, 160).sum(axis=1) * (1 / s.room.prod(axis=1)).sum()
    assert np.abs(10 * np.log10(found / true))[1:].max() < 1.5
    assert np.abs(10 * np.log10(found / true))[4:].max() < 0.5


def test_the_floor_is_heard_when_and_where_it_lies():
    s = scene("foa", rt60=0.5, azimuth=60.0, distance=1.4, **ROOM)
    late, _ = reverberant_and_direct(s, click(s, 2000, 0, level=0.5))
    way = np.hypot(1.4, 2 * 1.2)
    at = (way - 1.4) / 343.0 * RATE
    around = slice(round(at) - 8, round(at) + 9)
    w, y, z, x = late[0, :, around]
    strength = 0.5 * wall_reflection(s.room[0], 0.5) / way
    assert w.sum() == pytest.approx(strength, rel=0.05)
    assert (np.arange(around.start, around.stop) @ w**2) / (w**2).sum() == pytest.approx(
        at, abs=0.3
    )
    place = np.array([y @ w, z @ w, x @ w]) / (w @ w)
    expected = np.array([1.4 * np.sin(np.pi / 3), -2.4, 1.4 * np.cos(np.pi / 3)]) / way
    np.testing.assert_allclose(place, expected, atol=0.05)


def test_reflections_reach_a_pair_as_far_apart_as_they_are():
    """A wall on the left of a source on the right: the left microphone has its reflection first."""
    s = scene("pair", rt60=0.5, azimuth=-90.0, distance=1.2, pattern=0.0, spacing=0.3, **ROOM)
    late, _ = reverberant_and_direct(s, click(s, 2000, 0, level=0.5))
    image = 5.0 - 2.4 + (5.0 - 2.4) + 1.2  # metres to the left of the middle
    for ear, side in ((0, 1), (1, -1)):
        at = (image - side * 0.15 - 1.2) / 343.0 * RATE
        peak = np.abs(late[0, ear, round(at) - 6 : round(at) + 7]).argmax() + round(at) - 6
        assert abs(peak - at) < 0.6


def test_reflections_follow_what_moves():
    s = scene("foa", rt60=0.6, swing=60.0, period=4.0, distance=1.4, **ROOM)
    when = np.array([0.0, 0.5, 1.0])  # where the response is made anew
    azimuth, _, distance = directions(s, when)
    for k, seconds in enumerate(when):
        moving, _ = reverberant_and_direct(s, click(s, RATE + 1000, int(seconds * RATE)))
        still = scene("foa", rt60=0.6, azimuth=azimuth[0, 0, k], distance=distance[0, 0, k], **ROOM)
        there, _ = reverberant_and_direct(still, click(still, RATE + 1000, int(seconds * RATE)))
        part = slice(int(seconds * RATE), int(seconds * RATE) + 200)
        # What is left: 200 samples later the response has moved on a little.
        assert decibels((moving - there)[0, :, part], there[0, :, part]) < -16
    assert np.ptp(azimuth) > 30


def test_the_tail_comes_from_everywhere():
    s = scene("foa", 12, rt60=0.8, azimuth=40.0)
    late, _ = reverberant_and_direct(s, click(s, 10000, 0))
    late = late[:, :, 2000:]
    power = np.einsum("bct,bdt->cd", late, late)
    np.testing.assert_allclose(power / power[0, 0], np.diag([1, 1 / 3, 1 / 3, 1 / 3]), atol=0.03)


def test_things_have_tails_of_their_own():
    s = draw("360", "hard", [11], 1.0)
    both = np.zeros_like(s.present)
    both[:, :2] = True
    s = dataclasses.replace(
        s, present=both, heard=both, rt60=np.array([0.8]), snr=np.array([300.0])
    )
    parts = []
    for thing in (0, 1):
        dry = torch.zeros((*s.present.shape, 12000))
        dry[:, thing, 0] = 0.3
        parts.append(heard(s, dry, RATE).numpy()[0, :, 1600:].ravel())
    assert abs(np.corrcoef(*parts)[0, 1]) < 0.05
    assert np.std(parts[0]) == pytest.approx(np.std(parts[1]), rel=0.05)


def test_without_walls_nothing_of_a_room_is_made(monkeypatch):
    def never(*_):
        raise AssertionError("a room, where there is none")

    monkeypatch.setattr(ears_module, "reverberation", never)
    s = scene("pair")
    assert heard(s, hissing(s, 1000), RATE).isfinite().all()
    with pytest.raises(AssertionError):
        heard(scene("pair", rt60=0.3), hissing(s, 1000), RATE)


def test_rooms_and_none_stand_in_one_batch():
    s = scene("pair", 4, rt60=[0.0, 0.4, 0.0, 0.7])
    dry = hissing(s, 6000)
    whole = heard(s, dry, RATE)
    for row in range(4):
        alone = heard(s.chosen([row]), dry[[row]], RATE)[0]
        assert decibels(alone - whole[row], alone) < -110
    assert decibels(whole[0] - heard(dataclasses.replace(s, rt60=s.rt60 * 0), dry, RATE)[0],
                    whole[0]) < -100  # fmt: skip


def test_walls_that_absorb_more_than_all_are_refused():
    s = scene("pair", rt60=0.01)
    with pytest.raises(ValueError, match="RT60"):
        heard(s, hissing(s, 1000), RATE)


def test_the_share_of_many_reflections_is_that_of_the_images():
    """Counted over all images of many places of source and receiver in one room."""
    room, rng = np.array([6.0, 5.0, 3.0]), np.random.default_rng(0)
    wall = wall_reflection(room, 0.4)
    cells = np.stack(np.meshgrid(*[np.arange(-8, 9)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    order = np.abs(cells).sum(axis=1)
    places = rng.random((2, 300, 3)) * room
    images = image_sources(room, places[0], places[1], np.full(300, wall), cells)
    length, energy = images.times * 343.0, images.amplitudes**2
    share, step = (x.numpy()[0] for x in later_share(room[None], np.array([wall]), "cpu"))
    for k in (4, 8, 12, 16, 20):
        near = np.abs(length - k * step) < 0.7 * step
        true = (energy * near * (order > ORDER)).sum() / (energy * near).sum()
        assert share[k] == pytest.approx(true, abs=0.06)


def test_the_lattice_has_all_images_the_source_first():
    cells = lattice()
    assert len(cells) == 25 and not cells[0].any()
    assert (np.diff(np.abs(cells).sum(axis=1)) >= 0).all()
