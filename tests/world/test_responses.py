import numpy as np
import torch

from avtools.dsp.heads import sphere_response
from avtools.world.head import LEAD, head_pulses
from avtools.world.responses import SIDE, Pulses, band_gains, plain_pulses


def pulses(delays, gains, kinds=None, table=None, lead=SIDE - 1):
    table = plain_pulses() if table is None else table
    delays, gains = (torch.tensor(x, dtype=torch.float32) for x in (delays, gains))
    return Pulses(delays, gains, kinds, table, lead)


def test_pulses_are_delays_true_to_a_64th_of_a_sample():
    made = pulses([[40.5], [20.25], [33.0]], [[1.0], [-0.5], [2.0]]).responses(128)
    spectra = np.fft.rfft(made.numpy())[:, :48]  # up to three quarters of the band
    turns = 2 * np.pi * np.arange(48) / 128
    true = np.array([[1.0], [-0.5], [2.0]]) * np.exp(-1j * turns * [[40.5], [20.25], [33.0]])
    assert np.abs(spectra - true).max() < 0.01
    rough = pulses([[50.51]], [[1.0]]).responses(128).numpy()
    late = -np.unwrap(np.angle(np.fft.rfft(rough)[0, :40]))[1:] / turns[1:40]
    assert np.abs(late - 50.51).max() < 1 / 64 + 1e-3


def test_several_arrivals_add_up_and_what_is_early_stands_at_the_end():
    made = pulses([[10.0, 10.0, -3.0]], [[1.0, 0.5, 1.0]]).responses(64)
    expected = torch.zeros(64)
    expected[10], expected[61] = 1.5, 1.0
    np.testing.assert_allclose(made[0], expected, atol=1e-6)


def test_kinds_are_rows_of_the_table():
    table = np.arange(12.0).reshape(3, 1, 4)
    kinds = torch.tensor([[2, 0]])
    made = pulses([[1.0, 5.4]], [[1.0, 1.0]], kinds, table, lead=1).responses(10)
    np.testing.assert_allclose(made[0], [8, 9, 10, 11, 0, 1, 2, 3, 0, 0][:10] if False else
                               [8, 9, 10, 11, 0 + 0, 1, 2, 3, 0, 0])  # fmt: skip


def test_reflections_on_a_head_are_those_of_the_formula():
    rate, lead = 16000, LEAD + 5
    table = head_pulses(rate, lead)
    hertz = np.fft.rfftfreq(1024, 1 / rate)
    use = (hertz > 200) & (hertz < 7000)
    for row, incidence in ((0, 0.0), (30, 60.0), (50, 100.0)):
        made = np.fft.rfft(table[row, 8], n=1024)[use]
        true = sphere_response(incidence, hertz[use])[0]
        true = true * np.exp(-2j * np.pi * hertz[use] / rate * (lead + 8 / 32))
        assert np.abs(20 * np.log10(np.abs(made / true))).max() < 0.5


def test_the_band_ends_gently():
    np.testing.assert_allclose(band_gains(np.array([0, 0.25, 0.45, 0.475, 0.5])), [1, 1, 1, 0.5, 0],
                               atol=1e-12)  # fmt: skip
