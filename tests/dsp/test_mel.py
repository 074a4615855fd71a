import numpy as np
import pytest

from avtools.dsp.mel import hertz_of, mean_filters, mel_edges, mel_filters, mel_of, middles


@pytest.mark.parametrize(
    ("rate", "bins", "mels", "low", "high"),
    [
        (48000, 1025, 64, 0.0, 24000.0),
        (24000, 513, 64, 50.0, 12000.0),
        (16000, 257, 40, 20.0, 7600.0),
        (8000, 129, 23, 0.0, 4000.0),
        (192000, 2401, 128, 50.0, 96000.0),
    ],
)
def test_the_filters_are_torchaudios(rate, bins, mels, low, high):
    torchaudio = pytest.importorskip("torchaudio")
    want = torchaudio.functional.melscale_fbanks(bins, low, high, mels, rate, None, "htk")
    made = mel_filters(bins, rate, mels, low, high)
    # torchaudio reckons the edges in float32: 1e-7 of 24 kHz over a band of a few Hz.
    assert np.abs(made - want.numpy().T).max() < 2e-4


def test_a_thousand_mels_are_a_thousand_hertz():
    assert np.isclose(mel_of(1000), 1000, atol=0.02)
    assert np.allclose(hertz_of(mel_of([0, 50, 440, 20_000])), [0, 50, 440, 20_000])


def test_each_band_has_its_top_in_the_middle_and_ends_at_its_neighbours():
    edges = mel_edges(8, 100, 8000)
    assert np.isclose(edges[0], 100) and np.isclose(edges[-1], 8000)
    assert np.allclose(np.diff(mel_of(edges)), np.diff(mel_of(edges))[0])
    hertz = np.linspace(0, 24000, 24001)
    filters = mel_filters(24001, 48000, 8, 100, 8000)
    assert np.allclose(hertz[filters.argmax(1)], middles(8, 100, 8000), atol=1)
    for k, band in enumerate(filters):
        assert hertz[band > 0].min() >= edges[k] and hertz[band > 0].max() <= edges[k + 2]
    inner = (hertz > edges[1]) & (hertz < edges[-2])
    assert np.allclose(filters[:, inner].sum(0), 1, atol=1e-5)  # neighbours share what is between


def test_mean_filters_keep_what_is_the_same_everywhere():
    filters = mean_filters(mel_filters(65, 8000, 60))
    total = filters.sum(1)
    assert np.all(np.isclose(total, 1) | (total == 0)) and (total == 0).any()
