"""Sources heard by arrays: what each kind of array can tell, and what is no source."""

import numpy as np
import pytest

from avtools.dsp.array_grid import Sight, centred, chosen_pairs
from avtools.dsp.delays import SPEED_OF_SOUND
from avtools.dsp.room import diffuse, shoebox
from avtools.dsp.room_responses import array_responses, convolve
from avtools.dsp.sphere import angle_between, angles, fibonacci, unit_vectors
from avtools.dsp.steered import MOST_PAIRS, ArrayListener, pair_positions
from avtools.dsp.steering import mean_phasor
from avtools.dsp.tracking import Tracker

RATE = 24000
TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 3**0.5


def circle(count: int, radius: float) -> np.ndarray:
    """In the horizontal plane."""
    angle = 2 * np.pi * np.arange(count) / count
    return radius * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)


def line(axis, *places: float) -> np.ndarray:
    return np.array(places)[:, None] * np.array(axis, float)


def wave(direction, positions, seed: int = 0, seconds: float = 0.5, rate: int = RATE) -> np.ndarray:
    """White noise from far away, `(m, samples)`: earlier at p by p.u / c, by the phase of its
    spectrum. The middle of a longer period, so that nothing wraps around."""
    count = round(seconds * rate)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(2 * count))
    ahead = positions @ np.asarray(direction) / SPEED_OF_SOUND
    turns = 2 * np.pi * np.fft.rfftfreq(2 * count, 1 / rate)
    sound = np.fft.irfft(spectrum * np.exp(1j * turns * ahead[:, None]), 2 * count)
    return (0.1 * sound[:, count // 2 : count // 2 + count]).astype(np.float32)


def listener(positions, most: int = 4, rate: int = RATE, slots: int = 5, **more) -> ArrayListener:
    return ArrayListener(rate, rate // 10, slots, positions, most, **more)


def heard(positions, sound, **more):
    """The first row."""
    return next(iter(listener(positions, **more).through([sound])))


def everywhere(positions, kind: str, seconds: float = 2.5, seed: int = 5) -> np.ndarray:
    """Sound without a source."""
    count, rng = round(seconds * RATE), np.random.default_rng(seed)
    if kind == "hiss":  # of the microphones, each its own
        return (0.1 * rng.standard_normal((len(positions), count))).astype(np.float32)
    sound = array_responses(diffuse(0, seconds, rng), positions, RATE, count)
    if kind == "pink":
        f = np.fft.rfftfreq(count, 1 / RATE)
        sound = np.fft.irfft(np.fft.rfft(sound) / np.sqrt(np.maximum(f, 50)), count)
    return (0.1 * sound / sound.std()).astype(np.float32)


# ---- known directions ---------------------------------------------------------------------------


@pytest.mark.parametrize("radius", [0.02, 0.05, 0.1, 1.0])
def test_directions_all_over_the_sphere(radius):
    """One source is one peak with nearly all of the share: side lobes are none."""
    positions = radius * TETRAHEDRON
    for k, direction in enumerate(fibonacci(20)):
        found = heard(positions, wave(direction, positions, k))
        assert len(found.directions) == 1 and found.shares[0] > 0.97
        assert angle_between(found.directions[0], direction) < 0.02


def test_directions_in_noise():
    """As much independent noise in each microphone as there is sound."""
    positions, away = 0.1 * TETRAHEDRON, []
    for k, direction in enumerate(fibonacci(30)):
        noise = 0.1 * np.random.default_rng(99 + k).standard_normal((4, RATE // 2))
        found = heard(positions, wave(direction, positions, k) + noise.astype(np.float32))
        away.append(angle_between(found.directions[0], direction))
        assert 0.2 < found.shares[0] < 0.7
    assert np.median(away) < 0.4 and max(away) < 1.2


def test_a_pair_tells_the_angle_to_its_axis():
    positions = pair_positions(0.2)
    assert not listener(positions).elevation_known
    for k, azimuth in enumerate(range(-90, 91, 15)):
        for elevation in (0, 40):
            direction = unit_vectors(azimuth, elevation)
            found = heard(positions, wave(direction, positions, k))
            here, level = angles(found.directions[0])
            # The cone around the y axis cuts the horizon in front.
            assert abs(here - np.rad2deg(np.arcsin(direction[1]))) < (2 if abs(here) > 80 else 0.1)
            assert abs(level) < 1e-6 and len(found.directions) == 1


def test_a_source_behind_a_pair_is_taken_for_its_image_in_front():
    positions = pair_positions(0.2)
    found = heard(positions, wave(unit_vectors(150, 0), positions))
    assert abs(angles(found.directions[0])[0] - 30) < 0.1


@pytest.mark.parametrize(
    ("axis", "direction", "image", "knows"),
    [
        ((1, 0, 0), (30, 0), (30, 0), False),  # to the front: the left side
        ((1, 0, 0), (-130, 0), (130, 0), False),
        ((0, 0, 1), (70, 35), (0, 35), True),  # upright: in front, the elevation is known
        ((0, 0, 1), (180, -60), (0, -60), True),
        ((0.6, 0.8, 0), (60, 0), (46.26, 0), False),
    ],
)
def test_lines(axis, direction, image, knows):
    positions = line(axis, -0.15, -0.05, 0.06, 0.14)
    assert Sight(positions - positions.mean(axis=0)).kind == "line"
    assert listener(positions).elevation_known == knows
    found = heard(positions, wave(unit_vectors(*direction), positions))
    assert angle_between(found.directions[0], unit_vectors(*image)) < 0.3


@pytest.mark.parametrize(
    ("swap", "direction", "image"),
    [
        ((0, 1, 2), (40, 30), (40, 30)),  # in the horizontal plane: above
        ((0, 1, 2), (-140, -30), (-140, 30)),
        ((0, 1, 2), (-140, -3), (-140, 3)),
        ((2, 1, 0), (40, -30), (40, -30)),  # upright, facing front: in front
        ((2, 1, 0), (140, 30), (40, 30)),
        ((0, 2, 1), (-40, 20), (40, 20)),  # upright, facing the sides: on the left
    ],
)
def test_planes(swap, direction, image):
    positions = circle(6, 0.06)[:, swap]
    assert Sight(positions).kind == "plane" and listener(positions).elevation_known
    found = heard(positions, wave(unit_vectors(*direction), positions))
    assert angle_between(found.directions[0], unit_vectors(*image)) < 0.3


def test_a_plane_between_up_and_front_or_left_looks_up():
    for around in (0, 90, 180, 270):
        tilted = unit_vectors(around, 45)
        first, second = unit_vectors(around + 90, 0), unit_vectors(around, -45)
        positions = circle(6, 0.06)[:, :2] @ np.stack([first, second])
        assert np.allclose(Sight(positions).side, tilted)


def test_a_plane_hears_its_horizon():
    positions = circle(6, 0.05)
    for k, azimuth in enumerate(range(0, 360, 30)):
        found = heard(positions, wave(unit_vectors(azimuth, 0), positions, k))
        here, level = angles(found.directions[0])
        assert abs((here - azimuth + 180) % 360 - 180) < 0.1 and 0 <= level < 3


def test_two_at_once():
    positions = 0.1 * TETRAHEDRON
    truth = unit_vectors([20, 75], [10, -15])
    for gain in (1.0, 0.5):
        sound = wave(truth[0], positions, 1) + gain * wave(truth[1], positions, 2)
        found = heard(positions, sound)
        assert len(found.directions) == 2
        apart = angle_between(found.directions[:, None], truth)
        assert apart.min(axis=1).max() < 1 and apart.min(axis=0).max() < 1
        assert found.shares[0] >= found.shares[1] > 0.1
        assert 0.8 < found.shares.sum() < 1.05
    assert len(heard(positions, sound, most=1).directions) == 1


def test_microphones_of_unlike_gain_and_a_bad_sample_do_no_harm():
    positions, direction = 0.05 * TETRAHEDRON, unit_vectors(-70, 25)
    sound = wave(direction, positions) * np.float32([[1], [0.3], [2], [0.1]])
    sound[1, 6000], sound[2, 7000] = np.nan, np.inf
    found = heard(positions, sound)
    assert angle_between(found.directions[0], direction) < 1 and found.shares[0] > 0.8


def test_it_is_the_highest_steered_power():
    """Against the definition, summed for each of many directions around the one that is found."""
    positions = np.random.default_rng(3).uniform(-0.1, 0.1, (5, 3))
    positions -= positions.mean(axis=0)
    sound = wave(unit_vectors(10, 20), positions) + 0.05 * everywhere(positions, "hiss", 0.5)
    (slot,) = ArrayListener(RATE, RATE // 2, 1, positions, 1).sound.through([sound])
    ears = ArrayListener(RATE, RATE // 2, 1, positions, 1)
    (found,) = ears.through([sound])
    around = found.directions[0] + 0.01 * np.random.default_rng(0).standard_normal((500, 3))
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    tried = np.vstack([found.directions[:1], around])
    hertz = np.flatnonzero(ears.sound.used) * RATE / ears.sound.size
    power = 0
    for (a, b), cross in zip(ears.sound.pairs, slot.cross, strict=True):
        late = tried @ (positions[a] - positions[b]) / SPEED_OF_SOUND
        power = power + (np.exp(2j * np.pi * late[:, None] * hertz) @ cross).real
    assert power.argmax() == 0 or power[0] > power.max() * (1 - 1e-4)


# ---- what is no source --------------------------------------------------------------------------

ARRAYS = {
    "pair": pair_positions(0.2),
    "close pair": pair_positions(0.03),
    "tetrahedron": 0.05 * TETRAHEDRON,
    "small": 0.02 * TETRAHEDRON,
    "circle": circle(6, 0.05),
    "line": line((0, 1, 0), -0.15, -0.05, 0.05, 0.15),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("kind", ["white", "pink", "hiss"])
def test_sound_from_everywhere_is_no_source(name, kind):
    ears = listener(ARRAYS[name])
    tracker, shares = Tracker(0.1, 2.0, ears.birth, ears.sure), []
    for row in ears.through([everywhere(ears.positions, kind)]):
        assert row.total > 0 and 0 < row.chance < 0.4
        assert row.shares.max(initial=0) < 1.1 * row.chance
        shares.append(row.shares.max(initial=0))
        assert not tracker.add(row.directions, row.shares, row.total, row.chance)
    assert len(shares) > 20 and np.median(shares) < ears.sure < 0.3


def test_short_windows_expect_more_of_a_source():
    shares = [listener(pair_positions(0.2), slots=slots).sure for slots in (1, 5, 20)]
    assert 0.2 > shares[0] > shares[1] > shares[2] >= 0.05


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_silence_and_a_constant_are_nothing(level):
    ears = listener(0.05 * TETRAHEDRON, low=0.0)
    rows = list(ears.through([np.full((4, RATE), level, np.float32)]))
    assert len(rows) == 6
    for row in rows:
        assert row.total == 0 and not len(row.directions) and not len(row.weights)


def test_what_diffuse_sound_leaves_between_two_microphones():
    coherence = np.linspace(-0.22, 1, 50)
    for microphones in (2, 4, 8, 64):
        mean = mean_phasor(coherence, microphones)
        assert mean[-1] == 1 and np.all(np.diff(mean) > 0) and np.abs(mean).max() <= 1
    for name in ("close pair", "tetrahedron"):
        ears = listener(ARRAYS[name])
        first, *others = ears.sound.through([everywhere(ears.positions, "white", 4.0)])
        whole = sum(others, first)
        gap = (whole.cross / whole.weight).real - ears.steering.diffuse
        assert np.abs(gap.mean()) < 0.02 and np.sqrt((gap**2).mean()) < 0.08


# ---- rooms --------------------------------------------------------------------------------------


def test_two_talkers_in_a_room():
    """Bursts in turn and together, RT60 0.5 s: both found, each with one identity."""
    rng, positions = np.random.default_rng(11), 0.05 * TETRAHEDRON
    truth, sound = (60.0, -50.0), 0
    for k, azimuth in enumerate(truth):
        place = np.array([3.2, 2.4, 1.5]) + 1.5 * unit_vectors(azimuth, 5)
        t = np.arange(6 * RATE) / RATE
        gate = np.clip(np.sin(2 * np.pi * (1.3 + 0.4 * k) * t + k), 0, None) ** 2
        room = array_responses(
            shoebox((6, 5, 3), place, (3.2, 2.4, 1.5), 0.5, rng), positions, RATE
        )
        sound = sound + convolve(rng.standard_normal(len(t)) * gate, room)[:, : 6 * RATE]
    ears = listener(positions)
    tracker, found = Tracker(0.1, 2.0, ears.birth, ears.sure), {}
    for row in ears.through([(0.05 * sound).astype(np.float32)]):
        for s in tracker.add(row.directions, row.shares, row.total, row.chance):
            found.setdefault(s.identity, []).append((float(angles(s.direction)[0]), s.confidence))
    strong = sorted(found.values(), key=lambda seen: -sum(c for _, c in seen))[:2]
    middles = sorted(np.average([a for a, _ in s], weights=[c**2 for _, c in s]) for s in strong)
    assert np.allclose(middles, sorted(truth), atol=4)


# ---- the stream ---------------------------------------------------------------------------------


@pytest.mark.parametrize("split", [1, 77, 1000, 5000])
def test_any_split_gives_the_same_rows(split):
    positions = pair_positions(0.2)
    sound = wave(unit_vectors(40, 0), positions, 0, 1.0)
    sound += everywhere(positions, "white", 1.0, 2)
    sound = sound[:, : 8000 if split == 1 else None]
    ears = listener(positions, slots=3)
    whole = list(ears.through([sound]))
    rows = list(ears.through(sound[:, k : k + split] for k in range(0, sound.shape[1], split)))
    assert len(rows) == len(whole) > 0
    for a, b in zip(rows, whole, strict=True):
        assert a.time == b.time
        assert np.allclose(a.shares, b.shares, atol=1e-4)
        assert np.allclose(a.directions, b.directions, atol=1e-4)
        assert np.isclose(a.total, b.total) and np.isclose(a.chance, b.chance)


def test_times_and_lengths():
    positions = pair_positions(0.2)
    sound = wave(unit_vectors(0, 0), positions, 0, 1.0)
    times = [row.time for row in listener(positions).through([sound])]
    assert np.allclose(times, np.arange(0.25, 0.76, 0.1))
    for count in (1, 100, 1000):
        (only,) = listener(positions).through([sound[:, :count]])
        assert np.isclose(only.time, count / 2 / RATE)
    assert len(only.directions) == 1
    assert not list(listener(positions).through([]))


def test_a_row_leaves_as_soon_as_its_window_is_over():
    positions, given = pair_positions(0.2), 0

    def blocks():
        nonlocal given
        for _ in range(100):
            given += 1
            yield wave(unit_vectors(0, 0), positions, given, 0.1)

    next(iter(listener(positions).through(blocks())))
    assert given == 6  # half a second, and what shows that it is over


def test_the_cloud_is_where_the_sound_is():
    positions, direction = 0.05 * TETRAHEDRON, unit_vectors(120, -20)
    found = heard(positions, wave(direction, positions))
    assert np.allclose(np.linalg.norm(found.cloud, axis=1), 1) and found.weights.min() > 0
    assert angle_between(found.cloud[found.weights.argmax()], direction) < 5
    assert len(found.cloud) == len(found.weights)


@pytest.mark.parametrize("rate", [8000, 44100, 96000])
def test_any_rate(rate):
    positions, direction = 0.05 * TETRAHEDRON, unit_vectors(-35, 15)
    found = heard(positions, wave(direction, positions, rate=rate), rate=rate)
    assert angle_between(found.directions[0], direction) < 0.05


# ---- arrays -------------------------------------------------------------------------------------


def test_many_microphones_and_few_pairs():
    rng = np.random.default_rng(4)
    positions, direction = rng.uniform(-0.2, 0.2, (40, 3)), unit_vectors(80, 45)
    pairs = chosen_pairs(positions, MOST_PAIRS)
    lengths = np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=1)
    assert len(pairs) == MOST_PAIRS == len(np.unique(pairs, axis=0))
    assert lengths.min() < 0.1 and lengths.max() > 0.5
    found = heard(positions, wave(direction, positions))
    assert angle_between(found.directions[0], direction) < 0.05
    assert len(chosen_pairs(positions[:11], MOST_PAIRS)) == MOST_PAIRS


def test_where_the_array_stands_does_not_matter():
    positions, direction = 0.05 * TETRAHEDRON, unit_vectors(15, 60)
    sound = wave(direction, positions)
    here, there = heard(positions, sound), heard(positions + np.array([5.0, -3, 1]), sound)
    assert np.allclose(here.directions, there.directions)


@pytest.mark.parametrize(
    ("positions", "words"),
    [
        (np.zeros((4, 2)), r"positions \(4, 2\)"),
        (np.zeros((1, 3)), r"positions \(1, 3\)"),
        ([[0, 0, 0], [0, np.nan, 0]], "no numbers"),
        ([[0, 0, 0], [0, 2e-4, 0]], "all microphones within 0.2 mm"),
        ([[0, 0, 0], [0, 20, 0]], "20 m apart"),
        ([[0, 0, 0], [0, 1, 0], [0, 0, 0]], "microphones 0 and 2 in one place"),
    ],
)
def test_what_is_no_array_is_refused(positions, words):
    with pytest.raises(ValueError, match=words):
        listener(positions)


def test_refusals():
    for spacing in (0.0, 0.0005, 11, np.nan):
        with pytest.raises(ValueError, match=r"expected 0\.001 to 10"):
            pair_positions(spacing)
    for band in ({"low": 9000.0}, {"low": 20000.0, "high": 21000.0}, {"low": 500.0, "high": 400.0}):
        with pytest.raises(ValueError, match="no frequency lies between"):
            listener(pair_positions(0.2), **band)
    with pytest.raises(ValueError, match="3 channels, but 2 microphones"):
        heard(pair_positions(0.2), np.zeros((3, RATE), np.float32))
    assert np.allclose(pair_positions(0.2), [[0, 0.1, 0], [0, -0.1, 0]])
    assert np.allclose(centred([[0, 0, 2], [0, 0, 4]]), [[0, 0, -1], [0, 0, 1]])
