"""Direct sound, peaks on the sphere, identities: the parts of `doa` for ambisonics."""

import numpy as np
import pytest

from avtools.dsp.direct import KEPT, DirectSound, directed
from avtools.dsp.listening import FoaListener
from avtools.dsp.peaks import find_peaks
from avtools.dsp.room import diffuse, shoebox
from avtools.dsp.room_responses import convolve, foa_responses
from avtools.dsp.rotation import foa_matrix, rotation_matrix
from avtools.dsp.sphere import angle_between, angles, fibonacci, unit_vectors
from avtools.dsp.tracking import PATIENCE, Tracker
from tests.scenes import noise, plane_wave

RATE = 24000


def listened(foa, rate=RATE, most=4, slots=5):
    """(sources, Heard) of each row."""
    listener = FoaListener(rate, rate // 10, slots, most)
    tracker = Tracker(0.1, 0.4 * slots, listener.birth, listener.sure)
    rows = []
    for heard in listener.through([foa.astype(np.float32)]):
        rows.append((tracker.add(heard.directions, heard.shares, heard.total, heard.chance), heard))
    return rows


def test_plane_waves_from_everywhere():
    rng = np.random.default_rng(3)
    for direction in fibonacci(60):
        x, y, z = direction
        foa = np.outer([1, y, z, x], rng.standard_normal(RATE)) * 0.1
        (heard, *_) = (h for _, h in listened(foa))
        assert angle_between(heard.directions[0], direction) < 0.05
        assert heard.shares[0] > 0.999 and len(heard.shares) == 1


def test_everything_turns_with_the_field():
    """No grid anywhere: the rows of a turned field are the turned rows."""
    foa = plane_wave(20, 10, RATE).T + plane_wave(-100, -30, RATE, 1).T + noise(4, RATE, 2).T * 0.3
    turn = rotation_matrix(40, 25, -70)
    plain = listened(foa)
    turned = listened(foa_matrix(turn) @ foa)
    assert len(plain) == len(turned) > 3
    for (a, first), (b, second) in zip(plain, turned, strict=True):
        assert np.allclose(first.shares, second.shares, atol=1e-3)
        assert np.allclose(first.directions @ turn.T, second.directions, atol=1e-3)
        assert [s.identity for s in a] == [s.identity for s in b]


def test_directness():
    """1 for a plane wave, 0 for two equal ones from opposite sides in phase quadrature."""
    bins = np.ones((1, 1, 3), np.complex64)
    lone = np.concatenate([bins * g for g in (1, 0.6, 0, 0.8)])
    unit, directness, whole = directed(lone)
    assert np.allclose(unit[0, 1], [0.8, 0.6, 0], atol=1e-6)
    assert np.allclose(directness, 1, atol=1e-6)
    assert np.allclose(whole[0], [2, 3, 2], atol=1e-6)  # with the neighbours that there are
    both = np.concatenate([bins * (1 + 1j), bins * 0, bins * 0, bins * (1 - 1j)])
    assert np.allclose(directed(both)[1], 0, atol=1e-6)


def test_onsets_outweigh_what_rings_on():
    """A click from the left, then a louder swelling and fading ring from the right: the left."""
    rng = np.random.default_rng(0)
    t = np.arange(RATE) / RATE
    click = (t < 0.01) * 1.0
    ring = np.where(t > 0.01, np.exp(-(t - 0.01) / 0.15), 0) * 0.8
    foa = np.outer([1, 1, 0, 0], click * rng.standard_normal(RATE))
    foa += np.outer([1, -1, 0, 0], ring * rng.standard_normal(RATE))
    foa = np.concatenate([noise(4, RATE // 4, 5).T * 1e-3, foa], axis=1)
    slots = list(DirectSound(RATE, RATE // 10).through([foa.astype(np.float32)]))
    sides = [(s.weights * s.directions[:, 1]).sum() for s in slots[2:6]]
    assert sides[0] > 0 and sum(sides) > 0


@pytest.mark.parametrize("split", [1, 77, 1000, 5000, 10**6])
def test_any_split_gives_the_same_rows(split):
    foa = (plane_wave(50, 0, RATE).T + noise(4, RATE, 9).T).astype(np.float32)
    foa = foa[:, : 9000 if split == 1 else None]
    whole = list(FoaListener(RATE, 2400, 3, 4).through([foa]))
    parts = [foa[:, k : k + split] for k in range(0, foa.shape[1], split)]
    rows = list(FoaListener(RATE, 2400, 3, 4).through(parts))
    assert len(rows) == len(whole) > 0
    for a, b in zip(rows, whole, strict=True):
        assert a.time == b.time
        assert np.allclose(a.shares, b.shares, atol=1e-6)
        assert np.allclose(a.directions, b.directions, atol=1e-6)


def test_times_and_lengths():
    foa = plane_wave(0, 0, RATE).T
    times = [h.time for h in FoaListener(RATE, 2400, 5, 2).through([foa])]
    assert np.allclose(times, np.arange(0.25, 0.76, 0.1))
    (only,) = FoaListener(RATE, 2400, 5, 2).through([foa[:, :1000]])
    assert np.isclose(only.time, 500 / RATE) and len(only.shares) == 1
    assert not list(FoaListener(RATE, 2400, 5, 2).through([]))


def test_memory_is_bounded():
    (slot, *_) = DirectSound(RATE, 2400).through([noise(4, RATE).T])
    assert len(slot.weights) == KEPT / 10


@pytest.mark.parametrize("kind", ["white", "pink", "silence", "hum", "dc"])
def test_nothing_is_no_source(kind):
    rng = np.random.default_rng(5)
    foa = foa_responses(diffuse(0, 8.0, rng), RATE, 8 * RATE)
    if kind == "pink":
        f = np.fft.rfftfreq(foa.shape[1], 1 / RATE)
        foa = np.fft.irfft(np.fft.rfft(foa) / np.sqrt(np.maximum(f, 50)), foa.shape[1])
    elif kind == "silence":
        foa = foa * 0
    elif kind == "hum":  # of microphones that have nothing to do with each other
        foa = rng.standard_normal((4, 8 * RATE)) * 1e-4
    elif kind == "dc":
        foa = np.full((4, 8 * RATE), 0.5)
    assert sum(len(sources) for sources, _ in listened(foa * 0.1)) == 0


def test_two_talkers_in_a_room():
    """Bursts in turn and together, RT60 0.5 s: both found, each with one identity."""
    rng = np.random.default_rng(11)
    size, ears = (6, 5, 3), (3.2, 2.4, 1.5)
    truth, sound = [], 0
    for k, azimuth in enumerate((60.0, -50.0)):
        place = np.array(ears) + 1.5 * unit_vectors(azimuth, 5)
        t = np.arange(6 * RATE) / RATE
        gate = np.clip(np.sin(2 * np.pi * (1.3 + 0.4 * k) * t + k), 0, None) ** 2
        foa = foa_responses(shoebox(size, place, ears, 0.5, rng), RATE)
        sound = sound + convolve(rng.standard_normal(len(t)) * gate, foa)[:, : 6 * RATE]
        truth.append(azimuth)
    rows = listened(0.05 * sound)
    found: dict[int, list] = {}
    for sources, _ in rows:
        for s in sources:
            found.setdefault(s.identity, []).append((float(angles(s.direction)[0]), s.confidence))
    strong = sorted(found.values(), key=lambda seen: -sum(c for _, c in seen))[:2]
    middles = sorted(np.average([a for a, _ in s], weights=[c**2 for _, c in s]) for s in strong)
    assert np.allclose(middles, sorted(truth), atol=6)
    assert min(len(s) for s in strong) > 0.4 * len(rows)


def test_two_steady_noises_at_once():
    """They fill the same bins: only what they are together tells where each is."""
    for first, second in (((60, 0), (-45, 20)), ((60, 0), (22, 0)), ((0, 90), (180, -10))):
        foa = plane_wave(*first, RATE, 1).T + plane_wave(*second, RATE, 2).T
        foa = foa + noise(4, RATE, 3, 0.02).T
        *_, (sources, heard) = listened(foa)
        assert len(sources) == 2
        for wanted in (first, second):
            wanted = unit_vectors(*wanted)
            assert min(angle_between(s.direction, wanted) for s in sources) < 4
        assert heard.shares.min() > 0.3 or len(heard.shares) > 2


# ---- peaks --------------------------------------------------------------------------------------


def cloud(azimuth, elevation, spread, count, rng):
    middle = unit_vectors(azimuth, elevation)
    points = middle + np.deg2rad(spread) * rng.standard_normal((count, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def test_peaks_of_clouds():
    rng = np.random.default_rng(1)
    points = np.concatenate(
        [cloud(30, 0, 4, 600, rng), cloud(100, 20, 4, 300, rng), cloud(-60, -70, 4, 100, rng)]
    )
    directions, shares = find_peaks(points, np.ones(1000), 5, 0.03)
    assert len(directions) == 3
    for found, wanted in zip(directions, [(30, 0), (100, 20), (-60, -70)], strict=True):
        assert angle_between(found, unit_vectors(*wanted)) < 1.5
    assert shares[0] > shares[1] > shares[2] and shares.sum() <= 1
    assert len(find_peaks(points, np.ones(1000), 1)[0]) == 1


def test_peaks_of_nothing():
    for points, weights in ((np.empty((0, 3)), np.empty(0)), (np.eye(3), np.zeros(3))):
        directions, shares = find_peaks(points, weights, 3)
        assert directions.shape == (0, 3) and len(shares) == 0


# ---- identities ---------------------------------------------------------------------------------


def track(tracker, azimuths, share=0.5, total=1.0, chance=0.0):
    directions = unit_vectors(np.array(azimuths, float), 0.0).reshape(-1, 3)
    return tracker.add(directions, np.full(len(directions), share), total, chance)


def seen(sources):
    return {s.identity: float(angles(s.direction)[0]) for s in sources}


def test_a_source_keeps_its_identity_while_it_moves_and_when_it_returns():
    tracker = Tracker(0.1, 0.5)
    for k in range(80):
        found = seen(track(tracker, [k * 2, -100]))  # 20 degrees a second
        assert set(found) <= {1, 2}
    assert abs(found[1] - 158) < 12 and abs(found[2] + 100) < 0.01
    for _ in range(int(0.9 * PATIENCE / 0.1)):
        assert seen(track(tracker, [-100])).keys() == {2}
    assert seen(track(tracker, [158, -100])).keys() == {1, 2}
    for _ in range(int(1.2 * PATIENCE / 0.1)):
        track(tracker, [-100])
    for _ in range(5):
        back = seen(track(tracker, [158, -100]))
    assert back.keys() == {2, 3}


def test_two_that_cross_are_still_two():
    tracker = Tracker(0.1, 0.5)
    for k in range(41):
        found = seen(track(tracker, [-60 + 3 * k, 60 - 3 * k] if abs(k - 20) > 2 else [0]))
    assert set(found) <= {1, 2, 3} and len(found) == 2


def test_a_stray_direction_is_no_source():
    """What chance can reach must stay for a while; what it can't is a source at once."""
    tracker = Tracker(0.1, 0.5)
    for k in range(50):
        found = seen(track(tracker, [10, 150] if k == 25 else [10], share=0.3, chance=0.4))
        if k > 3:
            assert found.keys() == {1}
    assert seen(track(tracker, [10, 150], share=0.45, chance=0.4)).keys() == {1, 2}


def test_weak_directions_begin_nothing():
    tracker = Tracker(0.1, 0.5, birth=0.15)
    assert not any(track(tracker, [30], share=0.14) for _ in range(50))


def test_most():
    tracker = Tracker(0.1, 0.5, most=1)
    for _ in range(10):
        directions = unit_vectors([0.0, 90.0], 0.0)
        found = tracker.add(directions, np.array([0.5, 0.3]), 1.0)
    assert [s.identity for s in found] == [1]


def test_confidence_falls_with_the_direct_sound():
    tracker = Tracker(0.1, 0.5)
    for _ in range(30):
        (loud,) = track(tracker, [0], share=0.8)
    (quiet,) = track(tracker, [0], share=0.8, total=0.01)
    assert 0.75 < loud.confidence <= 1 and quiet.confidence < 0.1
