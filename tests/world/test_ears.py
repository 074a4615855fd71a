import dataclasses

import numpy as np
import pytest
import torch
from torch._subclasses import FakeTensorMode

from avtools.dsp.heads import even_directions, spherical_head_hrirs
from avtools.dsp.rotation import foa_matrix, rotation_matrix
from avtools.world import microphones
from avtools.world.drawing import draw
from avtools.world.ears import heard
from tests.world.hearing import RATE, click, decibels, hissing, scene

KINDS = ("pair", "head", "foa")


@pytest.mark.parametrize("ears", KINDS)
def test_a_sound_twice_as_far_is_half_as_strong(ears):
    s = scene(ears, 2, distance=[1.0, 2.0], pattern=0.0, spacing=0.01)
    made = heard(s, hissing(s, 8000, seed=3)[:1].expand(2, -1, -1), RATE)
    energy = made.square().sum(dim=(1, 2)).numpy()
    assert 10 * np.log10(energy[0] / energy[1]) == pytest.approx(6.02, abs=0.01)


@pytest.mark.parametrize("ears", KINDS)
def test_sound_is_in_step_with_the_picture(ears):
    """The way to the middle of the microphones takes no time."""
    s = scene(ears, 3, distance=[1.0, 2.0, 3.0])
    made = heard(s, click(s, 4000, 1234), RATE)
    middle = made[:, 0] if ears == "foa" else made.sum(dim=1)
    assert (np.abs(middle.abs().argmax(dim=-1).numpy() - 1234) <= 2).all()


@pytest.mark.parametrize("ears", KINDS)
def test_noise_is_as_loud_as_asked_for(ears):
    s = scene(ears, 5, azimuth=20.0, snr=[0.0, 5, 10, 20, 40], hiss=[0, 0.3, 0.5, 0.8, 1.0])
    dry = hissing(s, RATE, level=0.02)
    clean = heard(dataclasses.replace(s, snr=np.full(5, 300.0)), dry, RATE)
    noise = heard(s, dry, RATE) - clean
    energies = [x.square().sum(dim=(1, 2)).numpy() for x in (clean, noise)]
    ratio = 10 * np.log10(energies[0] / energies[1])
    np.testing.assert_allclose(ratio, s.snr, atol=0.02)


def noise_of(s, samples):
    dry = hissing(s, samples, level=0.02)
    clean = heard(dataclasses.replace(s, snr=np.full(len(s), 300.0)), dry, RATE)
    return (heard(s, dry, RATE) - clean).numpy()


def coherence(first, second, size=512):
    a, b = (np.fft.rfft(x.reshape(-1, size) * np.hanning(size)) for x in (first, second))
    cross = (a * b.conj()).mean(axis=0)
    return cross / np.sqrt((np.abs(a) ** 2).mean(axis=0) * (np.abs(b) ** 2).mean(axis=0))


def test_noise_of_a_pair_has_the_coherence_of_a_diffuse_field():
    s = scene("pair", 8, snr=0.0, hiss=0.0, pattern=0.0, spacing=0.2)
    left, right = np.moveaxis(noise_of(s, 512 * 60), 1, 0)
    hertz = np.fft.rfftfreq(512, 1 / RATE)[2:]
    true = np.sinc(2 * hertz * 0.2 / 343.0)
    found = coherence(left, right)[2:]
    assert np.sqrt(np.mean(np.abs(found - true) ** 2)) < 0.07


def test_noise_of_ambisonics_comes_from_everywhere():
    power = np.einsum("bct,bdt->cd", *[noise_of(scene("foa", 4, snr=0.0, hiss=0.0), RATE)] * 2)
    np.testing.assert_allclose(power / power[0, 0], np.diag([1, 1 / 3, 1 / 3, 1 / 3]), atol=0.02)


def test_noise_is_white_or_pink():
    noise = noise_of(scene("foa", 2, snr=0.0, hiss=[0.0, 1.0]), 2 * RATE)[:, 0]
    power = np.abs(np.fft.rfft(noise)) ** 2
    hertz = np.fft.rfftfreq(2 * RATE, 1 / RATE)
    octaves = [power[:, (hertz >= f) & (hertz < 2 * f)].mean(axis=1) for f in (200, 400, 800, 1600)]
    slopes = np.diff(10 * np.log10(octaves), axis=0).mean(axis=0)
    np.testing.assert_allclose(slopes, [0, -3.01], atol=0.4)


@pytest.mark.parametrize("kind, preset", [("stereo", "hard"), ("360", "hard")])
def test_no_sample_reaches_nine_tenths(kind, preset):
    s = draw(kind, preset, np.arange(4), 0.5)
    loud = heard(s, hissing(s, 8000, level=2.0), RATE)
    assert loud.abs().amax(dim=(1, 2)).max() < 0.9
    assert loud.abs().amax(dim=(1, 2)).min() > 0.6
    quiet = hissing(s, 8000, level=1e-3)
    np.testing.assert_allclose(heard(s, quiet * 2, RATE), 2 * heard(s, quiet, RATE), atol=1e-6)


def test_a_loud_scene_is_made_quieter_by_as_much_however_it_is_turned():
    s = scene("foa", azimuth=45.0, distance=0.5)
    dry = hissing(s, 2000, level=2.0)
    here, turned = heard(s, dry, RATE), heard(s.turned(45.0), dry, RATE)
    np.testing.assert_allclose(here[:, [0, 2]], turned[:, [0, 2]], atol=1e-6)


def test_everything_is_made_on_the_device_of_the_sound():
    """Tensors without numbers, as on an accelerator: two devices in one line would be refused."""
    grid = even_directions(30.0)
    measured = (grid, spherical_head_hrirs(grid, RATE))
    for ears, hrirs in [("pair", None), ("head", None), ("head", measured), ("foa", None)]:
        s = scene(ears, 2, rt60=0.3)
        with FakeTensorMode(allow_non_fake_inputs=True):
            made = heard(s, torch.empty(2, s.things, 4000, device="cuda"), RATE, hrirs)
        assert made.device.type == "cuda" and made.shape == (2, s.channels, 4000)


def test_silence_stays_silent():
    s = draw("stereo", "real", np.arange(3), 0.5)
    assert not heard(s, torch.zeros(3, s.things, 4000), RATE).any()


@pytest.mark.parametrize("kind", ["stereo", "360"])
def test_a_mirrored_scene_sounds_mirrored(kind):
    s = draw(kind, "real", np.arange(20, 26), 1.0)
    dry = hissing(s, RATE)
    here, there = heard(s, dry, RATE), heard(s.mirrored(), dry, RATE)
    mirrored = here.flip(1) if kind == "stereo" else here * torch.tensor([1, -1, 1, 1.0])[:, None]
    np.testing.assert_allclose(there, mirrored, atol=1e-6)
    assert decibels(there - here, here) > -20


def test_a_turned_scene_sounds_turned():
    s = draw("360", "real", np.arange(30, 34), 1.0)
    dry = hissing(s, RATE)
    turned = heard(s.turned(77.0), dry, RATE)
    matrix = torch.tensor(foa_matrix(rotation_matrix(77.0)), dtype=torch.float32)
    here = heard(s, dry, RATE)
    expected = torch.einsum("cd,bdt->bct", matrix, here)
    assert decibels(turned - expected, here) < -80
    again = heard(s.turned(77.0).mirrored().turned(10.0), dry, RATE)
    back = heard(s.mirrored().turned(-67.0), dry, RATE)
    assert decibels(again - back, here) < -80


@pytest.mark.parametrize("kind", ["stereo", "360"])
def test_a_scene_sounds_the_same_in_any_batch(kind):
    s = draw(kind, "hard", np.arange(40, 46), 1.0)
    dry = hissing(s, RATE)
    whole = heard(s, dry, RATE)
    for row in range(6):
        alone = heard(s.chosen([row]), dry[[row]], RATE)[0]
        assert decibels(alone - whole[row], whole[row]) < -110


@pytest.mark.parametrize("ears", KINDS)
def test_long_sounds_are_rendered_in_spans(ears, monkeypatch):
    s = scene(ears, 2, swing=50.0, rt60=0.3, period=2.0)
    dry = hissing(s, RATE)
    whole = heard(s, dry, RATE)
    monkeypatch.setitem(microphones.AT_ONCE, "cpu", 5000)
    np.testing.assert_allclose(heard(s, dry, RATE), whole, atol=2e-6)


def test_a_sound_of_no_scene_and_of_few_samples():
    s = scene("pair", 2, rt60=0.3)
    assert heard(s.chosen([]), torch.zeros(0, s.things, 100), RATE).shape == (0, 2, 100)
    assert heard(s, torch.ones(2, s.things, 1), RATE).isfinite().all()


def test_what_does_not_fit_is_refused():
    s = scene("head", 2)
    dry = torch.zeros(2, s.things, 1000)
    with pytest.raises(ValueError, match="expected"):
        heard(s, dry[0], RATE)
    with pytest.raises(ValueError, match="expected"):
        heard(s, dry[:, :, :0], RATE)
    with pytest.raises(ValueError, match="rate"):
        heard(s, dry, 0)
    grid = even_directions(30.0)
    responses = spherical_head_hrirs(grid, RATE)
    with pytest.raises(ValueError, match="taps"):
        heard(s, dry, RATE, (grid, responses[1:]))
    with pytest.raises(ValueError, match="directions or more"):
        heard(s, dry, RATE, (grid[:3], responses[:3]))
    with pytest.raises(ValueError, match="at most"):
        heard(s, dry, RATE, (grid, np.ones((len(grid), 2, 5000))))
