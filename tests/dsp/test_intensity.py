from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avtools.dsp.intensity import FlowFinder, band_edges, energy, features, intensity
from avtools.dsp.mel import mel_filters
from avtools.dsp.room import diffuse
from avtools.dsp.room_responses import convolve, foa_responses
from avtools.dsp.rotation import rotation_matrix
from avtools.dsp.sphere import angle_between, fibonacci, unit_vectors
from avtools.dsp.stft import hann, spectra
from tests.dsp.test_stft import split
from tests.scenes import RATE, noise

WHOLE = ((50.0, RATE / 2),)


def wave(direction, sound) -> np.ndarray:
    """AmbiX `(4, samples)` of a plane wave from the unit vector x, y, z."""
    x, y, z = direction
    return (np.array([1, y, z, x])[:, None] * sound).astype(np.float32)


def finder(**more) -> FlowFinder:
    return FlowFinder(**({"rate": RATE, "size": 4800, "hop": 2400, "edges": WHOLE} | more))


def gathered(found: FlowFinder, *blocks) -> dict[str, np.ndarray]:
    parts = list(found.through(blocks))
    names = ("times", "azimuth", "elevation", "directness", "level")
    return {name: np.concatenate([getattr(p, name) for p in parts]) for name in names}


def missed(flow: dict, direction) -> float:
    """The greatest angle in degrees between what was found and what is true."""
    return angle_between(unit_vectors(flow["azimuth"], flow["elevation"]), direction).max()


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 192000])
def test_plane_waves_over_the_whole_sphere(rate):
    """500 directions and the six along the axes, a window each."""
    directions = np.concatenate([fibonacci(500), np.eye(3), -np.eye(3)])
    size = rate // 100
    sounds = noise(1, len(directions) * size).reshape(len(directions), size)
    foa = np.concatenate([wave(d, s) for d, s in zip(directions, sounds, strict=True)], axis=1)
    flow = gathered(finder(rate=rate, size=size, hop=size, edges=((0, rate / 2),)), foa)
    found = unit_vectors(flow["azimuth"][:, 0], flow["elevation"][:, 0])
    assert angle_between(found, directions).max() < 0.01
    assert flow["directness"].min() > 0.9999
    assert np.all((flow["azimuth"] > -180) & (flow["azimuth"] <= 180))


@pytest.mark.parametrize("size", [32, 480, 4800])
@pytest.mark.parametrize("hertz", [100, 1000, 15_000])
def test_a_tone_has_its_direction_in_every_window(size, hertz):
    tone = 0.3 * np.sin(2 * np.pi * hertz * np.arange(9600) / RATE)
    d = unit_vectors(-130.0, 40.0)
    flow = gathered(finder(size=size, hop=size // 2, edges=((0, RATE / 2),)), wave(d, tone))
    assert missed(flow, d) < 0.2


@pytest.mark.parametrize("seed", range(5))
def test_turning_the_sound_turns_what_is_found(seed):
    """Rotation and intensity commute, for any sound field."""
    draw = np.random.default_rng(seed)
    foa = draw.standard_normal((4, 4)) @ draw.standard_normal((4, RATE // 4)) * 0.1
    turn = rotation_matrix(*draw.uniform([-180, -90, -180], [180, 90, 180]))
    w, y, z, x = foa
    x2, y2, z2 = turn @ np.stack([x, y, z])
    before, after = (gathered(finder(), np.float32(f)) for f in (foa, [w, y2, z2, x2]))
    want = unit_vectors(before["azimuth"], before["elevation"]) @ turn.T
    assert missed(after, want) < 0.05
    for name in ("directness", "level"):
        assert np.allclose(before[name], after[name], atol=1e-4)


def test_away_is_the_antipode():
    d = unit_vectors(60.0, 25.0)
    flow = gathered(finder(sense=-1), wave(d, noise(1, 9600)[:, 0]))
    assert np.allclose(flow["azimuth"], -120, atol=0.01)
    assert np.allclose(flow["elevation"], -25, atol=0.01)


@pytest.mark.parametrize("apart", [0, 60, 90, 120, 180])
def test_directness_of_two_waves(apart):
    """Equally strong and independent: |I| / E is the length of the mean of two unit vectors,
    cos(apart / 2), and the direction lies between them."""
    first, second = unit_vectors(10 + apart / 2), unit_vectors(10 - apart / 2)
    a, b = noise(2, 20 * RATE, level=0.1).T
    flow = gathered(finder(size=RATE, hop=RATE), wave(first, a) + wave(second, b))
    want = np.cos(np.deg2rad(apart / 2))
    assert np.allclose(flow["directness"], want, atol=0.015)
    if apart < 150:
        assert abs(flow["azimuth"].mean() - 10) < 0.5


def test_directness_of_a_wave_in_noise_of_its_own_energy():
    """Four independent channels of equal power carry no mean intensity; their energy is
    (1 + 3) / 2 of one channel's, against the wave's 1: directness is 1 / (1 + 2)."""
    d = unit_vectors(-75.0, -10.0)
    foa = wave(d, noise(1, 20 * RATE)[:, 0]) + noise(4, 20 * RATE, seed=1).T
    flow = gathered(finder(size=RATE, hop=RATE), foa)
    assert np.allclose(flow["directness"], 1 / 3, atol=0.02)
    assert missed(flow, d) < 3


def test_diffuse_sound_has_no_directness():
    rng = np.random.default_rng(0)
    foa = convolve(rng.standard_normal(64), foa_responses(diffuse(0.0, 8.0, rng), RATE))
    foa = foa[:, : 8 * RATE]
    flow = gathered(finder(size=RATE, hop=RATE), np.float32(0.1 * foa / foa.std()))
    assert np.median(flow["directness"]) < 0.05
    # A smaller window holds fewer waves, and smoothing brings them together again.
    short = gathered(finder(smooth=0.0), np.float32(foa))["directness"]
    smooth = gathered(finder(smooth=1.0), np.float32(foa))["directness"]
    assert np.median(smooth[-40:]) < 0.5 * np.median(short)


@pytest.mark.parametrize(
    ("sound", "level"),
    [
        (np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE), -3.0103),
        (np.sign(np.sin(2 * np.pi * 1000 * (np.arange(RATE) + 0.5) / RATE)), 0.0),
        (noise(1, RATE, level=0.1)[:, 0], -20.0),
    ],
)
@pytest.mark.parametrize("window", [(4800, 2400), (4800, 10_000), (3000, 1000)])
def test_level(sound, level, window):
    size, hop = window
    flow = gathered(finder(size=size, hop=hop), wave((0, 1, 0), sound))
    # A window of noise is a sample of it.
    assert np.abs(flow["level"] - level).max() < (0.01 if level > -10 else 0.7)


@pytest.mark.parametrize("left", [4, 48, 1200, 4799])
def test_the_last_window_is_as_loud_as_what_there_is_of_it(left):
    square = np.sign(np.sin(2 * np.pi * 12_000 * (np.arange(4800 + left) + 0.5) / RATE))
    d = unit_vectors(-20.0, 5.0)
    flow = gathered(finder(size=4800, hop=4800), wave(d, square))
    assert np.allclose(flow["times"], [0.05, 0.1 + left / RATE / 2])
    assert np.allclose(flow["level"], 0, atol=0.05) and missed(flow, d) < 0.05


def test_silence_and_constants_have_only_a_time():
    for foa in (np.zeros((4, RATE), np.float32), np.full((4, RATE), 0.5, np.float32)):
        flow = gathered(finder(), foa[:, :43_200])
        for name in ("azimuth", "elevation", "directness"):
            assert np.isnan(flow[name]).all()
        assert np.isneginf(flow["level"]).all()
        assert np.isfinite(flow["times"]).all()


def test_what_is_just_above_silence_is_told():
    d = unit_vectors(100.0, -30.0)
    for level, heard in ((1e-5, True), (1e-7, False)):
        flow = gathered(finder(), wave(d, level * noise(1, 9600)[:, 0]))
        assert np.isfinite(flow["azimuth"]).all() == heard
        assert not heard or missed(flow, d) < 0.2


def test_bands_tell_each_source_apart():
    """A low tone at the left, a high one behind and above; what lies between is silent."""
    t = np.arange(RATE) / RATE
    low, high = (0.2 * np.sin(2 * np.pi * f * t) for f in (250, 4000))
    foa = wave(unit_vectors(90.0), low) + wave(unit_vectors(180.0, 45.0), high)
    edges = band_edges("octave", 50, RATE / 2)
    flow = gathered(finder(edges=edges), foa)
    middle = [(a * b) ** 0.5 for a, b in edges]
    lower, upper = (int(np.argmin(np.abs(np.log(np.array(middle) / f)))) for f in (250, 4000))
    assert np.allclose(flow["azimuth"][:, lower], 90, atol=0.1)
    assert np.allclose(np.abs(flow["azimuth"][:, upper]), 180, atol=0.1)
    assert np.allclose(flow["elevation"][:, upper], 45, atol=0.1)
    assert np.allclose(flow["level"][:, [lower, upper]], 20 * np.log10(0.2) - 3.01, atol=0.05)


def test_band_edges():
    octaves = band_edges("octave", 50, 24_000)
    assert octaves[0][0] == 50 and octaves[-1][1] == 24_000
    assert np.allclose([b / a for a, b in octaves[1:-1]], 2)
    assert any(np.isclose((a * b) ** 0.5, 1000) for a, b in octaves)
    thirds = band_edges("third", 50, 24_000)
    assert np.allclose([b / a for a, b in thirds[1:-1]], 2 ** (1 / 3))
    assert any(np.isclose((a * b) ** 0.5, 1000) for a, b in thirds)
    assert band_edges("200,800,3200", 50, 24_000) == ((200, 800), (800, 3200))
    assert band_edges("200,800,3200", 300, 900) == ((300, 800), (800, 900))
    assert band_edges("200,800", 1000, 2000) == ()
    bins = band_edges("bins", 50, 500, 100.0)
    assert bins == ((50, 150), (150, 250), (250, 350), (350, 450), (450, 550))
    assert [sum(b) / 2 for b in band_edges("bins", 100, 203, 10.0)] == list(range(100, 201, 10))
    # Without those that have no frequency of a transform.
    assert all(b > 20 for a, b in band_edges("octave", 0, 4000, 20.0))
    for kind in ("octave", "third", "bins"):
        edges = band_edges(kind, 20, 4000, 0.1)
        assert all(a[1] == b[0] for a, b in pairwise(edges))


@pytest.mark.parametrize("kind", ["octave", "third", "bins", "50,900,24000"])
def test_bands_together_are_the_whole(kind):
    """Powers of the bands add up to that of the sound between the same edges."""
    foa = noise(4, 14_400).T
    edges = band_edges(kind, 50, RATE / 2, RATE / 4800)
    parts = gathered(finder(edges=edges), foa)["level"]
    whole = gathered(finder(edges=((edges[0][0], edges[-1][1]),)), foa)["level"]
    assert np.allclose(10 * np.log10((10 ** (parts / 10)).sum(1)), whole[:, 0], atol=1e-3)


def test_a_band_without_a_frequency_is_refused():
    with pytest.raises(ValueError, match="no frequency of a window lies between 52 and 57 Hz"):
        finder(edges=((52.0, 57.0),))


def test_no_band_has_what_does_not_sound():
    """0 Hz is no sound; half of the rate is one, and in the last band."""
    low, high = finder(size=480, edges=((0.0, 1000.0), (1000.0, 24_000.0))).bands
    assert low[0] == 0 and np.flatnonzero(low).tolist() == list(range(1, 10))
    assert np.flatnonzero(high).tolist() == list(range(10, 241))


def spectra_of(foa) -> np.ndarray:
    return spectra(foa[:, None, :], hann(foa.shape[-1]))


@pytest.mark.parametrize(("normalise", "length"), [("unit", 1.0), ("seld", 0.75)])
def test_features_of_a_plane_wave(normalise, length):
    """Levels of W, Y, Z, X, then the direction as y, z, x with the length that it is known for."""
    d = unit_vectors(50.0, 20.0)
    x, y, z = d
    foa = spectra_of(wave(d, noise(1, 2048)[:, 0]))
    made = features(foa, mel_filters(1025, RATE, 40), normalise)[0]
    assert made.shape == (7, 40)
    assert np.allclose(made[4:], length * np.array([y, z, x])[:, None], atol=1e-4)
    assert np.allclose(made[1:4] - made[0], 20 * np.log10(np.abs([y, z, x]))[:, None], atol=1e-3)
    assert np.isclose(np.linalg.norm(made[4:], axis=0), length, atol=1e-4).all()


def test_features_hold_the_power_of_each_band():
    foa = spectra_of(noise(4, 2048).T)
    filters = mel_filters(1025, RATE, 10)
    made = features(foa, filters)[0]
    want = 10 * np.log10(np.abs(foa[[0, 1, 2, 3], 0]) ** 2 @ filters.T)
    assert np.allclose(made[:4], want, atol=1e-3)
    assert np.abs(made[4:]).max() <= 1 + 1e-6
    silent = features(0 * foa, filters)[0]
    assert np.allclose(silent[:4], -100) and not silent[4:].any()


def test_normalisations():
    foa = np.array([1, 2j, -3, 4 + 0j]).reshape(4, 1, 1)
    assert energy(foa, "unit").item() == (1 + 4 + 9 + 16) / 2
    assert np.isclose(energy(foa, "seld").item(), 1 + (4 + 9 + 16) / 3)
    assert intensity(foa).ravel().tolist() == [4, 0, -3]  # x, y, z; Y is in quadrature with W
    with pytest.raises(ValueError, match="expected one of"):
        energy(foa, "other")


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 3000),
    st.sampled_from([(256, 64), (256, 256), (256, 700), (100, 33)]),
    st.sampled_from([0.0, 0.01]),
    st.lists(st.integers(0, 3000), max_size=6),
)
def test_any_split_into_blocks_gives_the_same_rows(length, window, smooth, cuts):
    x = noise(4, length).T
    size, hop = window
    edges = ((0.0, 3000.0), (3000.0, RATE / 2))
    found = finder(size=size, hop=hop, edges=edges, smooth=smooth)
    whole, parts = gathered(found, x), gathered(found, *split(x, cuts))
    for name, values in whole.items():
        assert np.allclose(values, parts[name], rtol=1e-3, atol=1e-3, equal_nan=True), name


def test_rows_come_while_the_sound_goes_on():
    asked = []

    def blocks():
        for k in range(3):
            asked.append(k)
            yield noise(4, 4800, seed=k).T

    first = next(finder(hop=4800).through(blocks()))
    assert first.times.tolist() == [0.05] and asked == [0]


def test_head_locked_channels_take_no_part():
    d = unit_vectors(33.0)
    foa = np.concatenate([wave(d, noise(1, 9600)[:, 0]), noise(2, 9600, seed=5).T])
    assert missed(gathered(finder(), foa), d) < 0.01
