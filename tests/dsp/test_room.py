"""Rooms against images placed by hand, decay formulas, and the same scene heard two ways."""

import math

import numpy as np
import pytest

from avtools.dsp.heads import SPEED_OF_SOUND
from avtools.dsp.room import (
    MIXING,
    critical_distance,
    diffuse,
    direct_to_reverberant,
    expected_drr,
    image_lattice,
    image_sources,
    join,
    shoebox,
    stack,
    wall_reflection,
)
from avtools.dsp.room_responses import array_responses, convolve, foa_responses

SIZE = np.array([6.0, 5.0, 3.0])
SOURCE, RECEIVER = np.array([4.0, 3.5, 1.5]), np.array([2.3, 2.0, 1.2])
RATE = 24000
TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 0.05 / math.sqrt(3)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def places(count: int, seed: int = 0):
    """Pairs of source and receiver, 1 to 3 m apart, off the walls."""
    random = rng(seed)
    while count:
        receiver, source = random.uniform(1, SIZE - 1), random.uniform(0.4, SIZE - 0.4)
        if 1 < np.linalg.norm(source - receiver) < 3:
            count -= 1
            yield source, receiver


def fractional_lag(a, b, rate: float) -> float:
    """Seconds by which b comes later than a: the slope of the cross-spectrum's phase."""
    frequencies = np.fft.rfftfreq(len(a), 1 / rate)
    band = (frequencies > 100) & (frequencies < 1800)  # 10 cm can't wrap the phase
    phase = np.angle(np.fft.rfft(a) * np.conj(np.fft.rfft(b)))[band]
    return float((phase * frequencies[band]).sum() / (2 * np.pi * frequencies[band] ** 2).sum())


def decay_time(response: np.ndarray, rate: float) -> float:
    """T30 by Schroeder's backward integral: the slope from -5 to -35 dB, carried on to -60."""
    left = np.cumsum(response[::-1] ** 2)[::-1]
    level = 10 * np.log10(left / left[0] + 1e-30)
    used = np.flatnonzero((level <= -5) & (level >= -35))
    return -60 / np.polyfit(used / rate, level[used], 1)[0]


def test_the_first_images_lie_where_mirrors_put_them():
    found = shoebox(SIZE, SOURCE, RECEIVER, 0.5, rng())
    beta = wall_reflection(SIZE, 0.5)
    mirrored = [(4.0, 3.5, 1.5)]
    mirrored += [(-4.0, 3.5, 1.5), (8.0, 3.5, 1.5)]  # behind x = 0, behind x = 6
    mirrored += [(4.0, -3.5, 1.5), (4.0, 6.5, 1.5)]
    mirrored += [(4.0, 3.5, -1.5), (4.0, 3.5, 4.5)]
    for order, place in zip([0] + [1] * 6, mirrored, strict=True):
        path = np.array(place) - RECEIVER
        distance = np.linalg.norm(path)
        k = np.abs(found.times - distance / SPEED_OF_SOUND).argmin()
        assert found.times[k] == pytest.approx(distance / SPEED_OF_SOUND, abs=1e-12)
        np.testing.assert_allclose(found.directions[k], path / distance, atol=1e-12)
        assert found.amplitudes[k] == pytest.approx(beta**order / distance)


def test_a_far_image_is_one_mirror_after_the_other():
    lattice = image_lattice(SIZE, 30.0)
    heard = image_sources(SIZE, SOURCE, RECEIVER, np.float64(0.9), lattice)
    k = int(np.flatnonzero((lattice == [3, -2, 1]).all(axis=1))[0])
    # x: 6 + (6 - 4) = 8, mirrored at 0: -8, at 6 again: 20; y: -3.5, at 5: 13.5, so -2 is -6.5;
    # z: 3 + (3 - 1.5).
    path = np.array([20.0, -6.5, 4.5]) - RECEIVER
    np.testing.assert_allclose(heard.directions[k] * heard.times[k] * SPEED_OF_SOUND, path)
    assert heard.amplitudes[k] == pytest.approx(0.9**6 / np.linalg.norm(path))


def test_the_direct_sound_comes_first_and_no_image_is_missing():
    found = shoebox(SIZE, SOURCE, RECEIVER, 0.5, rng())
    assert found.times.argmin() == 0
    stop = found.times[0] + MIXING
    images = int((found.times <= stop).sum())
    volume = 4 / 3 * np.pi * (stop * SPEED_OF_SOUND) ** 3
    assert images == pytest.approx(volume / SIZE.prod(), rel=0.05)
    np.testing.assert_allclose(np.linalg.norm(found.directions, axis=1), 1)


def test_walls_follow_eyring():
    beta = wall_reflection(SIZE, 0.6)
    surface = 2 * (6 * 5 + 5 * 3 + 3 * 6)
    # Eyring as textbooks write it, 0.161 V / (-S ln(1 - absorption)) at 20 degrees.
    assert 0.161 * SIZE.prod() / (-surface * math.log(beta**2)) == pytest.approx(0.6, rel=0.002)


@pytest.mark.parametrize("rt60", [0.3, 0.6, 0.9])
def test_sound_decays_as_asked(rt60):
    times = []
    for seed, (source, receiver) in enumerate(places(4)):
        response = foa_responses(shoebox(SIZE, source, receiver, rt60, rng(seed)), RATE)
        times += [decay_time(channel, RATE) for channel in response]
    assert np.abs(np.array(times) / rt60 - 1).max() < 0.1
    assert np.mean(times) == pytest.approx(rt60, rel=0.04)


@pytest.mark.parametrize("rt60", [0.3, 0.9])
def test_the_tail_takes_over_without_a_step(rt60):
    span, before, after = 0.02, 0.0, 0.0
    for seed, (source, receiver) in enumerate(places(40)):
        found = shoebox(SIZE, source, receiver, rt60, rng(seed))
        since, energy = found.times - found.times[0] - MIXING, found.amplitudes**2
        before += energy[(since > -span) & (since <= 0)].sum()
        after += energy[(since > 0) & (since <= span)].sum()
    step = 10 * np.log10(after / before) + 60 * span / rt60
    assert abs(step) < 0.3


def test_all_of_a_response_carries_the_energy_of_its_arrivals():
    # Were the signs all alike, echoes would add up in phase and this would be several dB more.
    ratios = []
    for seed, (source, receiver) in enumerate(places(8)):
        found = shoebox(SIZE, source, receiver, 0.9, rng(seed))
        response = foa_responses(found, 48000)[0]
        part = slice(int(0.05 * 48000), int((found.times[0] + MIXING) * 48000))
        inside = (found.times > 0.05) & (found.times <= found.times[0] + MIXING)
        ratios.append((response[part] ** 2).sum() / (found.amplitudes[inside] ** 2).sum())
    assert abs(10 * np.log10(np.mean(ratios))) < 0.7


def test_direct_to_reverberant_ratio_is_near_theory():
    errors = []
    for seed, (source, receiver) in enumerate(places(12)):
        found = shoebox(SIZE, source, receiver, 0.6, rng(seed))
        distance = float(np.linalg.norm(source - receiver))
        errors.append(direct_to_reverberant(found) - expected_drr(SIZE, 0.6, distance))
    assert abs(np.mean(errors)) < 0.3
    assert np.abs(errors).max() < 1.5


def test_at_the_critical_distance_both_are_equal():
    # 0.057 sqrt(V / RT60) is the figure of textbooks.
    assert critical_distance(SIZE, 0.5) == pytest.approx(0.057 * math.sqrt(90 / 0.5), rel=0.01)
    # A large room with the tail only: what is lost before the direct sound is little there.
    assert expected_drr(SIZE * 10, 9.0, critical_distance(SIZE * 10, 9.0)) == pytest.approx(
        0, abs=0.3
    )


def test_no_walls_leave_the_direct_sound():
    found = shoebox(SIZE, SOURCE, RECEIVER, 0, rng())
    assert found.times.shape == (1,)
    assert direct_to_reverberant(found) == math.inf


def test_seeds_make_rooms():
    a, b = (shoebox(SIZE, SOURCE, RECEIVER, 0.4, rng(5)) for _ in range(2))
    other = shoebox(SIZE, SOURCE, RECEIVER, 0.4, rng(6))
    np.testing.assert_array_equal(a.amplitudes, b.amplitudes)
    assert not np.array_equal(a.directions, other.directions)


def test_the_tail_comes_from_everywhere():
    found = shoebox(SIZE, SOURCE, RECEIVER, 0.6, rng())
    tail = found.map(lambda x: x[found.times > found.times[0] + MIXING])
    energy = tail.amplitudes**2
    mean = (tail.directions * energy[:, None]).sum(axis=0) / energy.sum()
    assert np.linalg.norm(mean) < 0.05
    w, y, z, x = (foa_responses(tail, RATE) ** 2).sum(axis=1)
    np.testing.assert_allclose(np.array([y, z, x]) / w, 1 / 3, rtol=0.1)


def test_direct_intensity_points_to_the_source():
    direct = shoebox(SIZE, SOURCE, RECEIVER, 0, rng())
    w, y, z, x = foa_responses(direct, RATE)
    towards = np.array([(w * x).sum(), (w * y).sum(), (w * z).sum()]) / (w * w).sum()
    path = SOURCE - RECEIVER
    np.testing.assert_allclose(towards, path / np.linalg.norm(path), atol=1e-6)
    # A source on the left of the receiver is louder in +Y.
    assert towards[1] > 0


def test_a_pulse_lies_between_samples_where_it_should():
    direct = shoebox(SIZE, SOURCE, RECEIVER, 0, rng())
    response = foa_responses(direct, RATE, taps=512)[0]
    frequencies = np.fft.rfftfreq(512, 1 / RATE)
    wanted = direct.amplitudes[0] * np.exp(-2j * np.pi * frequencies * direct.times[0])
    band = frequencies < 0.85 * RATE / 2
    np.testing.assert_allclose(np.fft.rfft(response)[band], wanted[band], atol=3e-3)


def test_the_array_hears_the_direct_sound_as_geometry_has_it():
    direct = shoebox(SIZE, SOURCE, RECEIVER, 0, rng())
    heard = array_responses(direct, TETRAHEDRON, RATE, taps=512)
    towards = (SOURCE - RECEIVER) / np.linalg.norm(SOURCE - RECEIVER)
    for place, response in zip(TETRAHEDRON, heard, strict=True):
        lag = fractional_lag(heard[0], response, RATE)
        assert lag == pytest.approx((TETRAHEDRON[0] - place) @ towards / SPEED_OF_SOUND, abs=2e-7)


def test_a_microphone_at_the_centre_is_w():
    found = shoebox(SIZE, SOURCE, RECEIVER, 0.4, rng())
    w = foa_responses(found, RATE)[0]
    np.testing.assert_allclose(array_responses(found, np.zeros((1, 3)), RATE)[0], w, atol=1e-12)


def test_diffuse_noise_is_isotropic_and_white():
    noise = foa_responses(diffuse(0, 4, rng()), RATE, taps=4 * RATE)
    covariance = noise @ noise.T / noise.shape[1]
    np.testing.assert_allclose(covariance, np.diag([1, 1 / 3, 1 / 3, 1 / 3]), atol=0.03)
    bands = (np.abs(np.fft.rfft(noise[0])) ** 2)[: int(0.85 * 2 * RATE)].reshape(8, -1).mean(axis=1)
    np.testing.assert_allclose(bands / bands.mean(), 1, rtol=0.07)


def test_coherence_of_diffuse_noise_is_a_sinc():
    spacing = 0.1
    places = np.array([[0, 0, 0], [spacing, 0, 0], [0, 0, spacing]])
    noise = array_responses(diffuse(0, 8, rng()), places, RATE, taps=8 * RATE)
    frames = np.fft.rfft(noise.reshape(3, -1, 512) * np.hanning(512), axis=-1)
    power = (np.abs(frames) ** 2).mean(axis=1)
    frequencies = np.fft.rfftfreq(512, 1 / RATE)
    band = (frequencies > 200) & (frequencies < 6000)
    wanted = np.sinc(2 * frequencies * spacing / SPEED_OF_SOUND)
    for other in (1, 2):
        cross = (frames[0] * np.conj(frames[other])).mean(axis=0)
        coherence = cross / np.sqrt(power[0] * power[other])
        assert np.sqrt(np.mean(np.abs(coherence - wanted)[band] ** 2)) < 0.08


def test_short_responses_are_long_ones_cut():
    found = shoebox(SIZE, SOURCE, RECEIVER, 0.3, rng())
    whole = foa_responses(found, RATE)
    for taps in (1, 100, 3000):
        np.testing.assert_allclose(foa_responses(found, RATE, taps), whole[:, :taps], atol=1e-12)
    longer = foa_responses(found, RATE, whole.shape[1] + 500)
    np.testing.assert_allclose(longer[:, : whole.shape[1]], whole, atol=1e-12)
    assert not longer[:, whole.shape[1] :].any()


def test_convolution_is_convolution():
    dry, response = rng(1).standard_normal(1000), rng(2).standard_normal((4, 300))
    wanted = [np.convolve(dry, channel) for channel in response]
    np.testing.assert_allclose(convolve(dry, response), wanted, atol=1e-9)


def test_a_batch_is_its_rooms():
    rooms = [shoebox(SIZE, SOURCE, RECEIVER, rt60, rng()) for rt60 in (0.3, 0.5)]
    batch = stack(rooms)
    together = foa_responses(batch, RATE, taps=9000)
    for response, room in zip(together, rooms, strict=True):
        np.testing.assert_allclose(response, foa_responses(room, RATE, taps=9000), atol=1e-12)
    np.testing.assert_allclose(
        direct_to_reverberant(batch), [direct_to_reverberant(room) for room in rooms]
    )


def test_torch_gives_the_same_numbers():
    torch = pytest.importorskip("torch")
    pytest.importorskip("array_api_compat")
    sizes, sources = np.array([SIZE, [8, 7, 4]]), np.array([SOURCE, [2, 3, 1.5]])
    receivers, walls = np.array([RECEIVER, [5, 5, 2]]), np.array([0.8, 0.9])
    given = (sizes, sources, receivers, walls)
    lattice = image_lattice(SIZE, 15.0)
    here = image_sources(*given, lattice)
    there = image_sources(*map(torch.from_numpy, given), lattice)
    for a, b in zip(vars(here).values(), vars(there).values(), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-12)
    noise = stack([diffuse(0, 0.1, rng(k)) for k in range(2)])
    here = join([here, noise])
    there = here.map(torch.from_numpy)
    np.testing.assert_allclose(direct_to_reverberant(there), direct_to_reverberant(here))
    field, array = foa_responses(here, RATE), array_responses(here, TETRAHEDRON, RATE)
    np.testing.assert_allclose(foa_responses(there, RATE), field, atol=1e-5)
    heard = array_responses(there, TETRAHEDRON, RATE)
    np.testing.assert_allclose(heard, array, atol=1e-5)
    dry = rng(3).standard_normal((2, 2000))
    wanted = convolve(dry, array)
    np.testing.assert_allclose(convolve(torch.from_numpy(dry), heard), wanted, atol=1e-5)
    single = there.map(lambda x: x.float())
    assert foa_responses(single, RATE).dtype == torch.float32
    # Half a second of float32 leaves 1/1000 of a sample.
    np.testing.assert_allclose(foa_responses(single, RATE, field.shape[-1]), field, atol=5e-3)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"size": (6, 5)}, "three lengths"),
        ({"size": (6, 5, math.nan)}, "three lengths"),
        ({"size": (6, 0, 3)}, "three lengths"),
        ({"source": (7, 1, 1)}, "source at .* expected within"),
        ({"source": (1, 1)}, "source at"),
        ({"receiver": (2, 2, 3)}, "receiver at"),
        ({"receiver": (math.nan, 2, 1)}, "receiver at"),
        ({"receiver": (4.0, 3.5, 1.5)}, "from the receiver"),
        ({"rt60": 0.01}, "expected at least 0.025"),
        ({"rt60": -1}, "RT60"),
        ({"rt60": math.nan}, "RT60"),
        ({"mixing": -0.1}, "mixing"),
        ({"mixing": 1.0, "size": (4.1, 3.6, 1.6)}, "images"),
    ],
)
def test_impossible_rooms_are_refused(wrong, says):
    room = {"size": SIZE, "source": SOURCE, "receiver": RECEIVER, "rt60": 0.5} | wrong
    with pytest.raises(ValueError, match=says):
        shoebox(**room, rng=rng())


def test_impossible_requests_are_refused():
    found = diffuse(0, 0.01, rng())
    for call in (
        lambda: foa_responses(found, 0),
        lambda: foa_responses(found, RATE, taps=0),
        lambda: array_responses(found, np.zeros((2, 2)), RATE),
        lambda: array_responses(found, np.full((2, 3), np.nan), RATE),
        lambda: convolve(np.zeros(0), np.zeros((1, 4))),
        lambda: diffuse(1, 0, rng()),
        lambda: diffuse(0, 1, rng(), density=0),
        lambda: critical_distance(SIZE, 0),
        lambda: expected_drr(SIZE, 0.5, 0),
    ):
        with pytest.raises(ValueError, match="expected"):
            call()
