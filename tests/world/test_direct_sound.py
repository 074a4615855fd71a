"""The direct sound: the truth table, and the formulas of every kind of microphones."""

import dataclasses

import numpy as np
import pytest
import torch

from avtools.dsp.delays import DelayFinder
from avtools.dsp.heads import even_directions, sphere_response, spherical_head_hrirs
from avtools.dsp.intensity import FlowFinder
from avtools.dsp.sphere import angle_apart, unit_vectors
from avtools.world import microphones
from avtools.world.ears import cues, heard
from avtools.world.motion import directions
from avtools.world.pair import arrivals
from tests.world.hearing import RATE, click, decibels, hissing, scene, tones


def true_cues(scenes, seconds):
    return cues(scenes, *directions(scenes, seconds))


def measured_delays(stereo, low=200.0, high=7000.0, rate=RATE):
    finder = DelayFinder(rate, 2048, 1024, 24, low=low, high=high)
    found = list(finder.through([np.asarray(stereo)]))
    times, delays = (np.concatenate([getattr(d, n) for d in found]) for n in ("times", "delays"))
    return times, delays[:, 0]


def level_difference(stereo):
    energy = (np.asarray(stereo, float)[..., 200:-200] ** 2).sum(axis=-1)
    return 10 * np.log10(energy[..., 0] / energy[..., 1])


@pytest.mark.parametrize("pattern", [0.0, 0.5])
def test_pair_delay_and_level_are_those_of_the_truth(pattern):
    azimuths = np.linspace(-90, 90, 13)
    s = scene("pair", 13, azimuth=azimuths, elevation=10.0, distance=1.1, pattern=pattern,
              spacing=0.2, splay=45.0)  # fmt: skip
    stereo = heard(s, hissing(s, RATE), RATE)
    delay, level = (x[:, 0, 0] for x in true_cues(s, [0.5]))
    found = np.array([np.median(measured_delays(x)[1]) for x in stereo])
    assert np.abs(found - delay).max() < 2e-6
    assert np.abs(level_difference(stereo) - level).max() < 0.1
    assert (np.diff(delay) > 0).all() and (np.diff(level) > 0).all()  # + is left


def test_pair_delay_of_what_moves_is_that_of_the_truth():
    s = scene("pair", 4, swing=60.0, period=1.5, near=0.15, phase=[0.0, 0.2, 0.5, 0.7])
    stereo = heard(s, hissing(s, RATE), RATE)
    for one, row in zip(stereo, range(4), strict=True):
        times, delays = measured_delays(one)
        true, _ = true_cues(s.chosen([row]), times)
        # Within a window the delay changes by up to 0.1 ms, and loud moments draw it to theirs.
        assert np.abs(delays - true[0, 0]).max() < 2e-5


def test_head_delay_and_level_are_those_of_the_truth():
    rate, azimuths = 48000, np.linspace(-90, 90, 13)
    s = scene("head", 13, azimuth=azimuths)
    spectra = np.fft.rfft(heard(s, click(s, 4096, 1000), rate).numpy())
    hertz = np.fft.rfftfreq(4096, 1 / rate)
    delay, level = (x[:, 0, 0] for x in true_cues(s, [0.0]))
    low, wide = (hertz >= 300) & (hertz <= 1000), (hertz >= 200) & (hertz <= 8000)
    phase = np.unwrap(np.angle(spectra[:, 0] / spectra[:, 1])[:, hertz < 1001], axis=1)
    found = (phase[:, low[: phase.shape[1]]] / (2 * np.pi * hertz[low])).mean(axis=1)
    assert np.abs(found - delay).max() < 5e-6
    energy = (np.abs(spectra[..., wide]) ** 2).sum(axis=-1)
    assert np.abs(10 * np.log10(energy[:, 0] / energy[:, 1]) - level).max() < 0.1
    assert delay[-1] == pytest.approx(7.4e-4, abs=3e-5)  # 0.0875 m, low frequencies, from the side


def test_gains_of_the_channels_are_heard_and_in_the_truth():
    s = scene("pair", 1, azimuth=30.0, gains=[[1.5, -0.5, 0, 0]])
    plain = dataclasses.replace(s, gains=s.gains * 0)
    sound = hissing(s, RATE)
    more = level_difference(heard(s, sound, RATE)) - level_difference(heard(plain, sound, RATE))
    assert more == pytest.approx(2.0, abs=1e-3)
    assert true_cues(s, [0])[1] - true_cues(plain, [0])[1] == pytest.approx(2.0)


def test_ambisonics_have_neither_delay_nor_level_difference():
    assert all(np.isnan(x).all() for x in true_cues(scene("foa"), [0.0, 1.0]))


def test_ambisonic_direction_is_that_of_the_truth():
    s = scene("foa", 6, azimuth=np.arange(6) * 60.0 - 150, elevation=[-60, -20, 0, 20, 40, 60.0],
              swing=[0, 0, 0, 40, 50, 60.0], drift=[0, 0, 0, 25, -25, 0.0], period=2.0)  # fmt: skip
    sound = heard(s, hissing(s, RATE), RATE).numpy()
    finder = FlowFinder(RATE, 256, 128, ((200.0, 7000.0),))
    for row, foa in enumerate(sound):
        flow = next(iter(finder.through([foa])))
        azimuth, elevation, _ = (x[0, 0] for x in directions(s.chosen([row]), flow.times))
        assert np.abs(angle_apart(flow.azimuth[:, 0], azimuth)).max() < 0.5
        assert np.abs(flow.elevation[:, 0] - elevation).max() < 0.3
        assert flow.directness.min() > 0.999


def test_still_ambisonics_are_exact():
    s = scene("foa", azimuth=37.0, elevation=-20.0, distance=1.25)
    dry = hissing(s, 5000)
    y = np.concatenate([[1.0], unit_vectors(37.0, -20.0)[[1, 2, 0]]]) / 1.25
    np.testing.assert_allclose(heard(s, dry, RATE)[0], y[:, None] * dry[0].numpy(), atol=1e-7)


@pytest.mark.parametrize("rate", [16000, 48000])
@pytest.mark.parametrize("period", [1.5, 8.0])
def test_a_moving_sound_follows_the_pairs_geometry(rate, period):
    """Tones to 0.4 of the rate, 135 degrees a second: what is not the formula is 80 dB down."""
    s = scene("pair", 2, swing=40.0, period=period, near=0.15, spacing=0.35, phase=[0.1, 0.6])
    seconds, hertz = np.arange(rate) / rate, np.linspace(150, 0.4 * rate, 20)
    azimuth, elevation, distance = directions(s, seconds)
    gains, metres = arrivals(s, unit_vectors(azimuth, elevation) * distance[..., None])
    later = (metres - distance[..., None]) / 343.0
    true = np.zeros((2, 2, rate))
    for row, ear in np.ndindex(2, 2):
        sound = tones(hertz, seconds - later[row, 0, :, ear]).real.sum(axis=0)
        true[row, ear] = gains[row, 0, :, ear] * sound
    dry = torch.tensor(tones(hertz, seconds).real.sum(0)).expand(2, 1, -1)
    inner = slice(100, -100)
    made = heard(s, dry, rate).numpy()
    assert decibels((made - true)[..., inner], true[..., inner]) < -80


@pytest.mark.parametrize("rate", [16000, 48000])
def test_a_moving_sound_follows_the_spheres_formula(rate):
    s = scene("head", 1, swing=60.0, period=1.5, elevation=10.0)
    seconds, hertz = np.arange(rate) / rate, np.linspace(150, 0.4 * rate, 20)
    azimuth, elevation, _ = directions(s, seconds)
    left = unit_vectors(azimuth, elevation)[0, 0, :, 1]
    known = np.linspace(0, 180, 1801)
    response = sphere_response(known, hertz)
    sound = tones(hertz, seconds)
    made = heard(s, torch.tensor(sound.real.sum(axis=0))[None, None], rate)[0].numpy()
    for ear, side in zip(made, (1, -1), strict=True):
        incidence = np.degrees(np.arccos(side * left))
        here = np.stack([np.interp(incidence, known, h) for h in response.T])
        true = (here * sound).real.sum(axis=0)
        assert decibels((ear - true)[100:-100], true[100:-100]) < -70


@pytest.mark.parametrize("rate", [16000, 44100])
def test_head_follows_the_formula_over_frequency(rate):
    azimuths = np.linspace(-170, 180, 15)
    s = scene("head", 15, azimuth=azimuths, elevation=20.0)
    spectra = np.fft.rfft(heard(s, click(s, 4096, 1000), rate).numpy())
    hertz = np.fft.rfftfreq(4096, 1 / rate)
    use = (hertz >= 200) & (hertz <= 7000)
    left = unit_vectors(azimuths, 20.0)[:, 1]
    ears = [sphere_response(np.degrees(np.arccos(side * left)), hertz[use]) for side in (1, -1)]
    true = 0.3 * np.stack(ears, axis=1) * np.exp(-2j * np.pi * hertz[use] * 1000 / rate)
    ratio = spectra[..., use] / true
    assert np.abs(20 * np.log10(np.abs(ratio))).max() < 0.01
    assert np.abs(np.angle(ratio) / (2 * np.pi * hertz[use])).max() < 1e-7


def test_measured_responses_of_a_sphere_give_the_sphere_again():
    grid, azimuths = even_directions(9.0), np.linspace(-175, 180, 20)
    elevations = np.linspace(-40, 60, 20)
    s = scene("head", 20, azimuth=azimuths, elevation=elevations)
    click_ = click(s, 4096, 1000)
    sphere = heard(s, click_, RATE)
    made = heard(s, click_, RATE, (grid, spherical_head_hrirs(grid, RATE)))
    hertz = np.fft.rfftfreq(4096, 1 / RATE)
    use = (hertz >= 200) & (hertz <= 7000)
    ratio = np.fft.rfft(made.numpy())[..., use] / np.fft.rfft(sphere.numpy())[..., use]
    level = 20 * np.log10(np.abs(ratio))
    assert level.std() < 0.1 and np.abs(level).max() < 1.5
    between = np.angle(ratio[:, 0] / ratio[:, 1]) / (2 * np.pi * hertz[use])
    assert np.abs(between).max() < 1e-5


def test_moving_measured_responses_are_those_of_the_sphere():
    grid = even_directions(9.0)
    s = scene("head", 1, swing=60.0, period=2.0)
    dry = hissing(s, RATE)
    measured = (grid, spherical_head_hrirs(grid, RATE))
    # Above 7 kHz both end gently, the set twice.
    made, sphere = (
        np.fft.rfft(heard(s, dry, RATE, x)[0].numpy())[:, :7000] for x in (measured, None)
    )
    # Both ears may be some millionths of a second late: what a set has in common is estimated.
    turns = 2 * np.pi * np.arange(7000)
    cross = (made * sphere.conj()).sum(axis=0)
    late = -(turns * np.abs(cross)) @ np.angle(cross) / (turns**2 @ np.abs(cross))
    assert abs(late) < 5e-6
    made *= np.exp(1j * turns * late)
    assert decibels(made - sphere, sphere) < -35


def test_measured_responses_move_as_smoothly_as_with_many_more_knots(monkeypatch):
    grid = even_directions(15.0)
    measured = (grid, spherical_head_hrirs(grid, RATE))
    s = scene("head", 1, swing=70.0, period=1.5, near=0.15, phase=0.2)
    dry = hissing(s, 8000)
    made = heard(s, dry, RATE, measured)
    monkeypatch.setattr(microphones, "HOP", 32)
    assert decibels(made - heard(s, dry, RATE, measured), made) < -75


def test_few_measured_directions_reach_everywhere():
    grid = np.array([[0.0, 0.0], [90, 0], [180, 0], [-90, 0]])
    s = scene("head", 8, azimuth=[0, 45, 90, -90, 0, 0, 135, 180.0], elevation=[60.0] * 4 + [0] * 4)
    made = heard(s, hissing(s, 8000), RATE, (grid, spherical_head_hrirs(grid, RATE)))
    energy = 10 * np.log10(made.square().sum(dim=(1, 2)).numpy())
    assert energy.max() - energy.min() < 6
