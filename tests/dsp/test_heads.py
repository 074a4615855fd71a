"""The spherical head against scipy's Bessel functions and the limits that textbooks give."""

import math

import numpy as np
import pytest
from scipy.special import eval_legendre, spherical_jn, spherical_yn

from avtools.dsp.heads import (
    HEAD_RADIUS,
    SPEED_OF_SOUND,
    centre_delay,
    ear_incidence,
    even_directions,
    sphere_response,
    spherical_head_hrirs,
    unit_vectors,
)

RADIUS_TIME = HEAD_RADIUS / SPEED_OF_SOUND


def series(incidence_deg, frequency, rho):
    """Duda & Martens' sum, term by term with scipy, for e^(+i omega t)."""
    mu, total = 2 * np.pi * frequency * RADIUS_TIME, 0
    for m in range(90):
        slope = spherical_jn(m, mu, True) + 1j * spherical_yn(m, mu, True)
        if math.isinf(rho):
            term = (-1j) ** (m - 1) / mu**2 / slope
        else:
            source = spherical_jn(m, mu * rho) + 1j * spherical_yn(m, mu * rho)
            term = -rho / mu * np.exp(-1j * mu * rho) * source / slope
        if not np.isfinite(term):
            break  # scipy overflows where the terms have long died out
        total += (2 * m + 1) * eval_legendre(m, np.cos(np.radians(incidence_deg))) * term
    return np.conj(total)


@pytest.mark.parametrize("rho", [math.inf, 20.0, 2.0])
@pytest.mark.parametrize("frequency", [300.0, 2000.0, 9000.0, 20000.0])
def test_the_series_is_duda_and_martens(rho, frequency):
    angles = np.array([0.0, 37.0, 90.0, 143.0, 180.0])
    found = sphere_response(angles, [frequency], distance=rho * HEAD_RADIUS)[:, 0]
    wanted = [series(angle, frequency, rho) for angle in angles]
    np.testing.assert_allclose(found, wanted, atol=1e-8)


def test_frequencies_together_are_frequencies_alone():
    angles, frequencies = np.linspace(0, 180, 7), np.array([0.0, 50.0, 1000.0, 48000.0])
    together = sphere_response(angles, frequencies, distance=1.4)
    for k, frequency in enumerate(frequencies):
        alone = sphere_response(angles, [frequency], distance=1.4)[:, 0]
        np.testing.assert_allclose(together[:, k], alone, atol=1e-10)


def test_a_distant_source_has_gain_1_at_0_hz():
    np.testing.assert_allclose(sphere_response(np.linspace(0, 180, 13), [0.0]), 1, atol=1e-6)


def test_a_near_source_is_louder_on_its_side_even_at_0_hz():
    # The limit f -> 0 of the series: sum (2m+1)/(m+1) rho^-m P_m.
    m = np.arange(200)
    for angle in (0.0, 90.0, 180.0):
        legendre = eval_legendre(m, np.cos(np.radians(angle)))
        wanted = ((2 * m + 1) / (m + 1) * 1.5**-m * legendre).sum()
        found = sphere_response([angle], [0.0], distance=1.5 * HEAD_RADIUS)[0, 0]
        assert found.real == pytest.approx(wanted, abs=1e-6)


def test_a_source_far_away_is_a_distant_source():
    angles, frequencies = np.linspace(0, 180, 7), np.array([100.0, 3000.0])
    far = sphere_response(angles, frequencies, distance=1e5 * HEAD_RADIUS)
    np.testing.assert_allclose(far, sphere_response(angles, frequencies), atol=1e-3)


def test_the_facing_point_gains_6_db_and_the_back_has_a_bright_spot():
    level = 20 * np.log10(np.abs(sphere_response([0.0, 150.0, 180.0], [10000.0])[:, 0]))
    assert level[0] == pytest.approx(6.0, abs=0.3)
    assert level[2] > level[1] + 8


@pytest.mark.parametrize("azimuth", [10.0, 37.0, 60.0, 90.0])
def test_low_frequencies_give_kuhns_time_difference(azimuth):
    left, right = sphere_response([90 - azimuth, 90 + azimuth], [50.0])[:, 0]
    found = np.angle(left * right.conj()) / (2 * np.pi * 50)
    assert found == pytest.approx(3 * RADIUS_TIME * math.sin(math.radians(azimuth)), rel=0.01)


@pytest.mark.parametrize("azimuth", [10.0, 37.0, 60.0])
def test_high_frequencies_give_woodworths_time_difference(azimuth):
    # The envelope's delay: how fast the phase between the ears turns, about 15 kHz.
    frequencies = np.linspace(14000, 16000, 41)
    left, right = sphere_response([90 - azimuth, 90 + azimuth], frequencies)
    phase = np.unwrap(np.angle(left * right.conj()))
    found = np.polyfit(2 * np.pi * frequencies, phase, 1)[0]
    angle = math.radians(azimuth)
    assert found == pytest.approx(RADIUS_TIME * (angle + math.sin(angle)), rel=0.06)


def test_ears_at_100_degrees():
    incidence = ear_incidence([[100.0, 0.0], [0.0, 0.0], [0.0, 90.0]], ear_azimuth=100.0)
    np.testing.assert_allclose(incidence, [[0, 160], [100, 100], [90, 90]], atol=1e-5)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000, 96000])
@pytest.mark.parametrize("distance", [math.inf, 0.3])
def test_impulse_responses_are_the_spectra_and_nothing_wraps_round(rate, distance):
    directions = np.array([[90.0, 0.0], [0.0, 0.0], [-37.0, 20.0], [180.0, -60.0]])
    hrirs = spherical_head_hrirs(directions, rate, distance=distance)
    frequencies = np.linspace(20, 0.4 * rate, 60)
    turns = frequencies[:, None] / rate * (np.arange(hrirs.shape[-1]) - centre_delay(rate))
    found = hrirs @ np.exp(-2j * np.pi * turns).T
    incidence = ear_incidence(directions)
    wanted = sphere_response(incidence.ravel(), frequencies, distance=distance)
    error = np.abs(found - wanted.reshape(4, 2, -1))
    assert error.max() < 0.05
    # The same taps with ten times the room: nothing came round from the end to the beginning.
    longer = spherical_head_hrirs(directions, rate, 2048, distance=distance)
    kept = hrirs.shape[-1] - 16
    np.testing.assert_allclose(hrirs[..., :kept], longer[..., :kept], atol=1e-3)


def test_the_near_ear_leads_by_one_radius_and_hears_the_source_louder():
    left, right = spherical_head_hrirs([[90.0, 0.0]], 48000)[0]
    assert np.argmax(left) == pytest.approx(centre_delay(48000) - RADIUS_TIME * 48000, abs=1)
    assert np.argmax(np.abs(right)) > np.argmax(left) + 20
    assert (left**2).sum() > 4 * (right**2).sum()


def test_mirrored_directions_exchange_the_ears():
    directions = even_directions(20)
    mirrored = spherical_head_hrirs(directions * [-1, 1], 48000)
    np.testing.assert_allclose(mirrored, spherical_head_hrirs(directions, 48000)[:, ::-1])


def test_even_directions_are_even_and_symmetric():
    directions = even_directions(12)
    assert len(directions) == pytest.approx(4 * np.pi / np.radians(12) ** 2, rel=0.05)
    assert directions[:, 0].min() > -180 and directions[:, 0].max() == 180
    points = unit_vectors(directions)
    assert np.abs(points.mean(axis=0)).max() < 1e-9
    nearest = (points @ (points * [1, -1, 1]).T).max(axis=1)
    assert nearest.min() > 1 - 1e-9


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sphere_response([0], [-1.0]), "frequencies of 0 Hz and more"),
        (lambda: sphere_response([0], [1.0], distance=0.05), "more than the radius"),
        (lambda: spherical_head_hrirs([[0, 0]], 48000, 20), "20 taps, expected"),
        (lambda: spherical_head_hrirs([0, 0], 48000), r"expected \(n, 2\)"),
        (lambda: even_directions(0), "step"),
    ],
)
def test_what_cannot_be_is_a_value_error(call, words):
    with pytest.raises(ValueError, match=words):
        call()
