"""Loudness by band: known tones read their own amplitude, in their own band."""

import numpy as np
import pytest

from avtools.signal.loudness import EDGES, envelopes

RATE = 48000


def tone(hertz: float, amplitude: float, seconds: float = 2.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (amplitude * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


@pytest.mark.parametrize("band, hertz", list(enumerate([180, 500, 1200, 3000, 8000])))
@pytest.mark.parametrize("amplitude", [0.01, 0.5])
def test_a_tone_reads_its_root_mean_square_in_its_band(band, hertz, amplitude):
    made = np.concatenate(list(envelopes([tone(hertz, amplitude)[None]], RATE)))
    assert made.shape == (50, len(EDGES) - 1)
    assert made[1:-1, band] == pytest.approx(amplitude / np.sqrt(2), rel=0.01)
    assert (np.delete(made[1:-1], band, axis=1) < 0.01 * amplitude).all()


def test_the_mean_power_of_the_channels_counts():
    x = np.stack([tone(500, 0.3), tone(500, -0.4), 0 * tone(500, 0), 0 * tone(500, 0)])
    made = np.concatenate(list(envelopes([x], RATE)))
    assert made[1:-1, 1] == pytest.approx(np.sqrt((0.3**2 + 0.4**2) / 2 / 4), rel=0.01)


def test_it_follows_the_sound_in_time():
    """Silent but from 0.8 to 1.2 s, ticks 20 to 29."""
    x = tone(1000, 0.5)
    x[: round(0.8 * RATE)] = x[round(1.2 * RATE) :] = 0
    made = np.concatenate(list(envelopes([x[None]], RATE)))[:, 2]
    assert made[21:29] == pytest.approx(0.5 / np.sqrt(2), rel=0.01)
    assert (made[:19] == 0).all() and (made[31:] == 0).all()


@pytest.mark.parametrize("size", [97, 4800, 40_000])
def test_every_split_gives_the_same(size):
    x = np.random.default_rng(0).standard_normal((2, RATE + 12_345)).astype(np.float32)
    whole = list(envelopes([x], RATE))
    parts = list(envelopes(np.split(x, range(size, x.shape[1], size), axis=1), RATE))
    assert [len(b) for b in whole] == [len(b) for b in parts] == [25, 6]
    assert np.concatenate(parts) == pytest.approx(np.concatenate(whole), rel=1e-4)


def test_other_bands_and_what_is_no_sound():
    x = tone(1000, 0.5)[None]
    made = np.concatenate(list(envelopes([x], RATE, (500.0, 2000.0))))
    assert made.shape == (50, 1)
    x[:, 10_000:10_100] = np.nan
    assert np.isfinite(np.concatenate(list(envelopes([x], RATE)))).all()
    assert (np.concatenate(list(envelopes([0 * tone(1, 0)[None]], RATE))) == 0).all()
