"""FOA to two ears: direction, level, symmetry and colour against the responses it was made from."""

import math
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avtools.dsp.binaural import (
    binaural_filters,
    convolve_blocks,
    density_weights,
    encoding,
    spherical_head_filters,
)
from avtools.dsp.heads import even_directions, sphere_response, spherical_head_hrirs

RATE = 48000
DATA = Path(__file__).parents[3] / "shared" / "data"
KEMAR = DATA / "LCAV+pyroomacoustics/pyroomacoustics/data/sofa/mit_kemar_normal_pinna.sofa"
CUBE = DATA / "google+spatial-media/spatial-audio/raw-symmetric-cube-hrirs"


@pytest.fixture(scope="module")
def head():
    directions = even_directions()
    return directions, spherical_head_hrirs(directions, RATE)


@pytest.fixture(scope="module")
def filters():
    return spherical_head_filters(RATE)


def ears_of(direction, filters, samples=4096, seed=0):
    """Noise from one direction, encoded and rendered: (2, samples)."""
    noise = np.random.default_rng(seed).standard_normal(samples)
    scene = (encoding([direction]).T * noise).astype(np.float32)
    return np.concatenate(list(convolve_blocks([scene], filters)), axis=1)


def lead(ears, top, rate=RATE):
    """Seconds by which the left ear leads below `top` Hz, from the peak of the correlation."""
    left, right = np.fft.rfft(ears, 2 * ears.shape[-1])
    frequencies = np.fft.rfftfreq(2 * ears.shape[-1], 1 / rate)
    cross = left.conj() * right * ((frequencies > 100) & (frequencies < top))
    fine = np.fft.irfft(cross, 16 * ears.shape[-1])  # eight times the samples
    reach = round(1e-3 * 8 * rate)
    return (np.argmax(np.roll(fine, reach)[: 2 * reach + 1]) - reach) / (8 * rate)


def level(ears):
    return 10 * np.log10((ears.astype(float) ** 2).sum(axis=-1))


def magnitude_error(directions, hrirs, filters, low, high, rate=RATE):
    """Energy of the magnitudes' error against that of the magnitudes, dB, over the sphere."""
    size = 4096
    wanted = np.abs(np.fft.rfft(hrirs, size))
    made = np.abs(np.fft.rfft(np.einsum("nc,ect->net", encoding(directions), filters), size))
    frequencies = np.fft.rfftfreq(size, 1 / rate)
    band = (frequencies >= low) & (frequencies < high)
    weights = density_weights(directions)[:, None, None]
    error = (weights * (made - wanted)[..., band] ** 2).sum()
    return 10 * np.log10(error / (weights * wanted[..., band] ** 2).sum())


@pytest.mark.parametrize(
    ("azimuth", "within"), [(37.0, 0.1), (-37.0, 0.1), (-143.0, 0.1), (80.0, 0.2)]
)
def test_the_near_ear_leads_by_the_heads_own_time_difference(filters, azimuth, within):
    # Far to the side, first order can't turn the phase as far as the head does: it gives less.
    lateral = np.degrees(np.arcsin(np.sin(np.radians(azimuth))))
    left, right = sphere_response([90 - lateral, 90 + lateral], [300.0])[:, 0]
    own = np.angle(left * right.conj()) / (2 * np.pi * 300)
    assert np.sign(own) == np.sign(azimuth) and abs(own) > 4e-4
    assert lead(ears_of((azimuth, 0), filters), 600) == pytest.approx(own, rel=within)


def test_a_source_in_the_middle_has_no_differences(filters):
    for direction in ((0, 0), (180, 0), (0, 60)):
        left, right = ears_of(direction, filters)
        np.testing.assert_allclose(left, right, atol=1e-5)


def test_the_ear_on_the_sources_side_is_louder(filters):
    left, right = level(ears_of((60, 0), filters))
    true = level(spherical_head_hrirs([[60.0, 0.0]], RATE)[0])
    assert left - right == pytest.approx(true[0] - true[1], abs=1.5)
    assert left - right > 10


def test_negated_y_exchanges_the_ears(filters):
    scene = np.random.default_rng(1).standard_normal((4, 3000)).astype(np.float32)
    mirrored = scene * np.array([[1], [-1], [1], [1]], np.float32)
    ears = next(convolve_blocks([scene], filters))
    np.testing.assert_allclose(next(convolve_blocks([mirrored], filters)), ears[::-1], atol=1e-4)


@pytest.mark.parametrize("direction", [(0, 0), (90, 0), (180, 0), (37, 40), (0, 90)])
def test_level_is_that_of_the_responses(filters, direction):
    true = spherical_head_hrirs([direction], RATE)[0]
    ears = np.einsum("c,ect->et", encoding([direction])[0], filters)
    both = 10 * np.log10((ears**2).sum() / (true**2).sum())
    assert both == pytest.approx(0, abs=1.0)


def test_the_diffuse_field_keeps_its_spectrum(filters, head):
    directions, hrirs = head
    weights = density_weights(directions)[:, None, None]
    made = np.einsum("nc,ect->net", encoding(directions), filters)
    powers = [(weights * np.abs(np.fft.rfft(x, 1024)) ** 2).sum((0, 1)) for x in (made, hrirs)]
    band = slice(2, int(0.85 * 512))  # above 100 Hz, below the end of the band
    assert np.abs(10 * np.log10(powers[0] / powers[1]))[band].max() < 0.5


def test_magnitudes_win_above_and_cost_nothing_below(head):
    directions, hrirs = head
    plain = binaural_filters(directions, hrirs, RATE, magnitude_from=math.inf)
    magls = binaural_filters(directions, hrirs, RATE)
    above = [magnitude_error(*head, f, 2000, 16000) for f in (plain, magls)]
    assert above[1] < -20 and above[1] < above[0] - 10
    below = [magnitude_error(*head, f, 100, 1000) for f in (plain, magls)]
    assert below[1] < -15 and below[1] == pytest.approx(below[0], abs=1.0)


def test_a_head_that_hears_first_order_is_matched_exactly():
    # H(u, f) = y(u).g(f), all magnitudes of which a common phase makes: least squares has no error.
    rng = np.random.default_rng(2)
    gains = np.array([[1.0, 0.8, 0.1, 0.0], [1.0, -0.8, 0.1, 0.0]])
    directions = np.stack([rng.uniform(-180, 180, 50), rng.uniform(-90, 90, 50)], axis=1)
    pulse = np.zeros(64)
    pulse[20] = 1.0
    hrirs = (encoding(directions) @ gains.T)[..., None] * pulse
    filters = binaural_filters(directions, hrirs, RATE)
    peak = np.abs(filters).max(axis=(0, 1)).argmax()
    np.testing.assert_allclose(filters[..., peak], gains, atol=2e-3)
    filters[..., peak] = 0
    assert np.abs(filters).max() < 0.02


def test_a_delay_of_the_whole_set_is_removed(head):
    directions, hrirs = head
    late = np.pad(hrirs, ((0, 0), (0, 0), (300, 0)))
    filters = binaural_filters(directions, late, RATE)
    np.testing.assert_allclose(filters, spherical_head_filters(RATE), atol=3e-3)
    left = np.einsum("c,ct->t", encoding([(90.0, 0.0)])[0], filters[0])
    assert np.argmax(np.abs(left)) <= 1.3e-3 * RATE


def test_weights_even_out_crowds_and_repeats():
    directions = even_directions(15)
    crowded = np.concatenate([directions, np.repeat(directions[-20:], 9, axis=0)])
    for grid in (directions, crowded):
        moments = encoding(grid).T @ (density_weights(grid)[:, None] * encoding(grid))
        np.testing.assert_allclose(moments, np.diag([1, 1 / 3, 1 / 3, 1 / 3]), atol=0.05)
    counted = encoding(crowded).mean(axis=0)
    assert abs(counted[2]) > 0.2  # what equal weights would have made of it


def test_eight_directions_and_a_horizontal_ring_are_enough():
    cube = np.array([(a, e) for a in (45, 135, -45, -135) for e in (35.26, -35.26)], float)
    ring = np.stack([np.arange(0, 360, 10.0), np.zeros(36)], axis=1)
    for directions in (cube, ring):
        filters = binaural_filters(directions, spherical_head_hrirs(directions, RATE), RATE)
        assert np.all(np.isfinite(filters)) and np.abs(filters).max() < 2
        assert lead(ears_of((60, 0), filters), 600) == pytest.approx(6.6e-4, abs=1e-4)
    assert np.abs(filters[:, 2]).max() < 1e-6  # a ring says nothing of up and down


@pytest.mark.parametrize("path", [KEMAR, CUBE], ids=["KEMAR", "cube"])
def test_measured_heads(path):
    if not path.exists():
        pytest.skip(f"no {path.name}")
    from avtools.stream.hrir import load_hrirs

    directions, hrirs = load_hrirs(path, RATE)
    filters = binaural_filters(directions, hrirs, RATE)
    np.testing.assert_allclose(filters[0], filters[1] * [[1], [-1], [1], [1]], atol=1e-4)
    plain = binaural_filters(directions, hrirs, RATE, magnitude_from=math.inf)
    errors = [magnitude_error(directions, hrirs, f, 2000, 16000) for f in (plain, filters)]
    assert errors[1] < errors[0] - 3 and errors[1] < -9
    near = np.argmin(np.abs(directions - [45, 0]).sum(axis=1))
    ears = ears_of(directions[near], filters)
    assert lead(ears, 700) == pytest.approx(lead(hrirs[near], 700), abs=8e-5)
    rendered = np.einsum("c,ect->et", encoding(directions[near][None])[0], filters)
    assert np.abs(level(rendered) - level(hrirs[near])).max() < 2.5


def test_filters_are_quick():
    started = time.perf_counter()
    spherical_head_filters(48000)
    assert time.perf_counter() - started < 0.3


@pytest.fixture(scope="module")
def scene():
    return np.random.default_rng(3).standard_normal((4, 9000)).astype(np.float32)


def test_convolution_is_numpys(scene, filters):
    found = next(convolve_blocks([scene], filters))
    rows = [[np.convolve(x, h)[:9000] for x, h in zip(scene, f, strict=True)] for f in filters]
    assert found.dtype == np.float32 and found.shape == (2, 9000)
    np.testing.assert_allclose(found, np.sum(rows, axis=1), atol=2e-5)


@settings(deadline=None, max_examples=25)
@given(lengths=st.lists(st.integers(0, 3000), min_size=1, max_size=12), reuse=st.booleans())
def test_every_split_gives_the_same_samples(scene, filters, lengths, reuse):
    whole = next(convolve_blocks([scene], filters))
    edges = np.minimum(np.cumsum([0, *lengths]), 9000)
    buffer = np.empty((4, 3000), np.float32)

    def blocks():
        for start, stop in pairwise(edges):
            x = scene[:, start:stop]
            if reuse:  # as the reader does: one buffer, filled again for each block
                buffer[:] = np.nan
                buffer[:, : stop - start] = x
                x = buffer[:, : stop - start]
            yield x

    made = list(convolve_blocks(blocks(), filters))
    assert [x.shape[1] for x in made] == list(np.diff(edges))
    np.testing.assert_allclose(np.concatenate(made, axis=1), whole[:, : edges[-1]], atol=1e-5)


def test_samples_leave_before_more_are_read(filters):
    read = []

    def blocks():
        for k in range(3):
            read.append(k)
            yield np.ones((4, 7), np.float32)

    for k, made in enumerate(convolve_blocks(blocks(), filters)):
        assert made.shape == (2, 7) and read[-1] == k


@pytest.mark.parametrize("taps", [1, 2, 3000])
def test_filters_of_any_length(scene, taps):
    filters = np.random.default_rng(4).standard_normal((1, 4, taps)).astype(np.float32)
    whole = sum(np.convolve(x, h)[:9000] for x, h in zip(scene, filters[0], strict=True))
    found = np.concatenate(list(convolve_blocks(np.split(scene, 9, axis=1), filters)), axis=1)
    np.testing.assert_allclose(found[0], whole, atol=1e-6 * np.abs(whole).max() + 1e-5 * taps**0.5)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("block", [50, 9000])
@pytest.mark.filterwarnings("error")
def test_a_bad_sample_reaches_no_further_than_the_filter(scene, filters, bad, block):
    spoilt = scene.copy()
    spoilt[1, 5000] = bad
    parts = (spoilt[:, i : i + block] for i in range(0, 9000, block))
    found = np.concatenate(list(convolve_blocks(parts, filters)), axis=1)
    hit = np.flatnonzero(~np.isfinite(found).all(axis=0))
    assert hit[0] >= 5000 and hit[-1] < 5000 + filters.shape[-1]
    clean = next(convolve_blocks([scene], filters))
    np.testing.assert_allclose(found[:, :5000], clean[:, :5000], atol=1e-5)
    np.testing.assert_allclose(
        found[:, 5000 + filters.shape[-1] :], clean[:, 5000 + filters.shape[-1] :], atol=1e-5
    )


@pytest.mark.parametrize(
    ("directions", "hrirs", "words"),
    [
        (np.zeros((5, 2)), np.ones((5, 64)), r"\(directions, 2, taps\)"),
        (np.zeros((4, 2)), np.ones((5, 2, 64)), r"expected \(5, 2\)"),
        (np.zeros((3, 2)), np.ones((3, 2, 64)), "at least 4"),
        (np.zeros((5, 2)), np.zeros((5, 2, 64)), "silent"),
        (np.zeros((5, 2)), np.full((5, 2, 64), np.nan), "not finite"),
    ],
)
def test_what_is_no_set_of_responses_is_a_value_error(directions, hrirs, words):
    with pytest.raises(ValueError, match=words):
        binaural_filters(directions, hrirs, RATE)


def test_blocks_of_other_channels_are_a_value_error(filters):
    with pytest.raises(ValueError, match=r"expected \(4, samples\)"):
        next(convolve_blocks([np.zeros((2, 10), np.float32)], filters))
