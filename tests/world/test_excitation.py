"""Frames, pulses, partials and noise before they get their colour."""

import numpy as np
import pytest
import torch

from avtools.world.excitation import BAND, HIGHEST, Grid, noise, partials, phases, pulses


def grid_of(seconds: float, rate: int) -> Grid:
    return Grid(round(seconds * rate), rate, torch.device("cpu"))


def steady(grid: Grid, hertz: float) -> torch.Tensor:
    return torch.full((1, len(grid.middles())), hertz)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 96000])
def test_frames_joined_again_are_the_sound(rate):
    grid = grid_of(0.5, rate)
    x = torch.randn(2, (grid.frames + 1) * grid.hop, generator=torch.Generator().manual_seed(1))
    back = grid.joined(grid.framed(x))
    assert back.shape[-1] >= grid.n
    assert (back - x[:, grid.hop : -grid.hop]).abs().max() < 1e-5


def test_noise_is_white_and_the_same_at_any_rate():
    low, high = grid_of(3.0, 16000), grid_of(3.0, 48000)
    keys = torch.tensor([3, 4])
    bins = low.hop + 1
    a, b = noise(low, keys), noise(high, keys)
    assert a.shape == (2, low.frames, bins)
    # A frame of three times the samples has a spectrum three times as large.
    assert torch.allclose(b[..., :bins] / 3, a, atol=1e-3)
    # 1 / BAND a Hz: at 16 kHz the variance of a sample is 1, and frames have Hann's mean, 1 / 2.
    power = a.abs().square().mean() / (low.size / 2)
    assert power == pytest.approx(16000 / 2 / BAND, rel=0.02)
    likeness = (a[0] * a[1].conj()).sum().abs() / a[0].abs().square().sum()
    assert likeness < 0.03


def test_partials_are_where_they_belong_and_of_power_one():
    grid = grid_of(1.0, 16000)
    x = partials(grid, steady(grid, 200.0), (1.0, 1.5, 50.0), (1.0, 0.5, 1.0))[0, 320:16320]
    spectrum = np.abs(np.fft.rfft(x.double().numpy())) / 8000
    # The one at 10 kHz has no room; its share of the power is left out.
    size = (2 / 2.25) ** 0.5
    assert spectrum[200] == pytest.approx(size, rel=1e-3)
    assert spectrum[300] == pytest.approx(size / 2, rel=1e-3)
    assert np.delete(spectrum, [200, 300]).max() < 1e-3


def test_pulses_are_all_partials_below_the_limit_and_nothing_else():
    grid = grid_of(1.0, 16000)
    frequency = steady(grid, 250.0)
    x = pulses(grid, frequency)[0, :16000].double().numpy()
    spectrum = np.abs(np.fft.rfft(x)) / 8000
    partials = np.arange(250, HIGHEST * 16000, 250).astype(int)
    assert spectrum[partials] == pytest.approx(np.sqrt(2 * 250 / 8000), rel=1e-3)
    rest = np.delete(spectrum, partials)
    assert rest.max() < 1e-4


def test_phases_go_on_for_ten_minutes_without_drift():
    grid = grid_of(600.0, 8000)
    frequency = steady(grid, 123.0)
    found = phases(grid, frequency)[0].reshape(-1)[160:].double()
    t = torch.arange(len(found), dtype=torch.float64) / 8000
    # It started one hop before the beginning, at half a turn. 123 Hz, rounded to a float, is 0.004
    # turns off after ten minutes; summed in floats it would be whole ones.
    error = found + 0.5 - 123.0 * (t + 0.02)
    assert (error - error.round()).abs().max() < 0.005
