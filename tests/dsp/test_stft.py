from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avtools.dsp.stft import fast_size, frames_of, hann, spectra
from tests.scenes import noise


def gathered(blocks, size, hop):
    starts, lengths, windows = [], [], []
    for part in frames_of(blocks, size, hop):
        starts += part.starts.tolist()
        lengths += part.lengths.tolist()
        windows += list(np.moveaxis(part.samples, 1, 0).copy())
    return starts, lengths, windows


def split(x, cuts):
    places = [0, *sorted(c % (x.shape[1] + 1) for c in cuts), x.shape[1]]
    return [x[:, a:b] for a, b in pairwise(places)]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 900),
    st.integers(1, 120),
    st.integers(1, 200),
    st.lists(st.integers(0, 10_000), max_size=8),
)
def test_windows_are_those_of_the_whole_for_any_split(length, size, hop, cuts):
    x = noise(2, length).T
    starts, lengths, windows = gathered(split(x, cuts), size, hop)
    padded = np.pad(x, ((0, 0), (0, size)))
    whole = list(range(0, length - size + 1, hop))
    assert starts[: len(whole)] == whole
    for start, n, window in zip(starts, lengths, windows, strict=True):
        assert n == min(size, length - start) > 0
        wanted = padded[:, start : start + size].copy()
        if n < size:  # cut by the end: without its mean, which would be a click there
            wanted[:, :n] -= wanted[:, :n].mean(axis=1, keepdims=True)
        assert np.allclose(window, wanted, atol=1e-7)
    # Nothing is left out but what lies in gaps between windows.
    covered = np.zeros(length, bool)
    for start in starts:
        covered[start : start + size] = True
    assert covered[: min(length, size)].all()
    if hop <= size:
        assert covered.all()
    assert len(starts) <= len(whole) + 1


def test_not_a_number_is_taken_as_silence():
    x = noise(2, 100).T.copy()
    x[0, 10], x[1, 20] = np.nan, -np.inf
    _, _, (window,) = gathered([x], 100, 100)
    assert window[0, 10] == 0 and window[1, 20] == 0
    assert np.array_equal(window[0, 11:], x[0, 11:])


def test_times_are_the_middles():
    (part,) = frames_of([noise(1, 200).T], 100, 50)
    assert part.times(1000).tolist() == [0.05, 0.1, 0.15]
    *_, last = frames_of([noise(1, 130).T], 100, 50)
    assert last.times(1000).tolist() == [0.09]  # 80 samples from the 50th on


def test_nonsense_is_refused():
    for size, hop in ((0, 1), (4, 0)):
        with pytest.raises(ValueError, match="expected 1 or more"):
            list(frames_of([noise(1).T], size, hop))


def test_hann_adds_up():
    assert np.allclose(hann(64)[:32] + hann(64)[32:], 1, atol=1e-6)


@pytest.mark.parametrize("least", [2, 3, 7, 97, 2120, 4097, 5000, 48001])
def test_fast_size(least):
    size = fast_size(least)
    assert least <= size < 1.2 * least + 2 and size % 2 == 0
    for factor in (2, 3, 5):
        while size % factor == 0:
            size //= factor
    assert size == 1


def test_spectra_of_a_sine():
    x = np.sin(2 * np.pi * 5 * np.arange(64) / 64).astype(np.float32)
    found = np.abs(spectra(x, np.ones(64)))
    assert found.argmax() == 5 and np.isclose(found[5], 32, atol=1e-4)
    assert spectra(x, np.ones(64), 128).shape == (65,)
    assert spectra(x, np.ones(64)).dtype == np.complex64
