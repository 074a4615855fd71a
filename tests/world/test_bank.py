"""The user's own sounds: which are taken, from where on, how loudly, and how pictures follow."""

import dataclasses
import pickle

import numpy as np
import pytest
import torch

from avtools.world.bank import GAP, Bank, loudness
from avtools.world.drawing import draw
from avtools.world.score import envelope
from avtools.world.sounds import REFERENCE, dry

RATE = 16000
SCENES = draw("stereo", "real", np.arange(20), 3.0)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def tone(hertz: float, seconds: float, rate: int = RATE, level: float = 0.3) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hertz * t)).astype(np.float32)


def bursts(onsets, length: float, seconds: float, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """Noise that is there `length` seconds from each onset on."""
    x = np.random.default_rng(seed).standard_normal(round(seconds * rate)).astype(np.float32) * 0.1
    t = np.arange(len(x)) / rate
    return x * np.any([(t >= o) & (t < o + length) for o in onsets], axis=0)


def strongest(x: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x))))
    return np.fft.rfftfreq(len(x), 1 / rate)[np.argmax(spectrum)]


def test_without_a_bank_loudness_is_the_score():
    times = np.linspace(0, 3, 40)
    assert np.array_equal(loudness(SCENES, times), envelope(SCENES, times))
    lasting = loudness(SCENES, times, decay=0.3)
    assert np.array_equal(lasting, envelope(SCENES, times, 0.3))


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_each_thing_plays_the_sound_it_picks_at_any_rate(rate):
    pitches = np.array([300.0, 700.0, 1100.0, 2000.0])
    bank = Bank([tone(f, 5.0) for f in pitches], RATE)
    assert len(bank) == 4
    x = dry(SCENES, rate, bank=bank).double().numpy()
    assert x.shape == (20, SCENES.things, 3 * rate)
    assert not x[~SCENES.sounding].any()
    for i, s in np.argwhere(SCENES.sounding):
        assert strongest(x[i, s], rate) == pytest.approx(pitches[int(SCENES.pick[i, s] * 4)], abs=1)
        found = 20 * np.log10(x[i, s].std() / REFERENCE)
        assert found == pytest.approx(SCENES.level[i, s], abs=0.1)


def test_resampling_keeps_samples_where_they_are():
    x = bursts([1.0], 0.5, 2.0, 48000)
    bank = Bank([x], 48000)
    half = Bank([x], 48000)._at(24000, "cpu")[0].numpy()
    whole = bank._at(48000, "cpu")[0].numpy()
    assert len(half) == 48000 and len(whole) == 96000
    spectrum, other = np.fft.rfft(whole)[:20000], np.fft.rfft(half)[:20000]
    assert np.allclose(spectrum / 2, other, atol=1e-3 * np.abs(other).max())


def test_loudness_is_that_of_what_is_heard():
    sounds = [bursts(np.arange(k, 20, 0.9 + k), 0.5, 20.0, seed=k) for k in (0, 1, 2)]
    sounds.append(bursts([0.1], 0.4, 0.8, seed=5))
    bank = Bank(sounds, RATE)
    x = dry(SCENES, RATE, bank=bank).double().numpy()
    times = (np.arange(150) + 0.5) * 0.02
    shape = loudness(SCENES, times, bank)
    assert shape.shape == (20, SCENES.things, 150)
    assert shape.min() == 0 and 0.9 < shape.max() <= 1
    for i, s in np.argwhere(SCENES.sounding):
        level = np.sqrt((x[i, s].reshape(150, -1) ** 2).mean(-1))
        assert np.corrcoef(level, shape[i, s])[0, 1] > 0.95
    as_tensor = loudness(SCENES, torch.tensor(times), bank)
    assert torch.allclose(as_tensor, torch.tensor(shape))


def test_excerpts_are_not_mostly_silence():
    # Ten seconds of a minute have a sound.
    bank = Bank([bursts([40.0], 10.0, 60.0)], RATE)
    shape = loudness(SCENES, np.linspace(0, 3, 100), bank)
    there = (shape > 0.1).mean(axis=-1)
    assert there.min() >= 0.5
    # A fifth of a second of a minute, which chance won't find.
    bank = Bank([bursts([33.3], 0.2, 60.0)], RATE)
    shape = loudness(SCENES, np.linspace(0, 3, 300), bank)
    assert ((shape > 0.5).sum(axis=-1) >= 10).all()
    # Several places, if there are: not all things play the same.
    bank = Bank([bursts([0.0], 60.0, 60.0)], RATE)
    assert len(np.unique(bank.chosen(SCENES).start.round(1))) > 30


def test_short_sounds_begin_again_after_a_gap():
    bank = Bank([bursts([0.0], 0.5, 0.5)], RATE)
    x = dry(SCENES, RATE, bank=bank)[0, 0].double().numpy()
    is_there = np.convolve(np.abs(x) > 0, np.ones(200)) > 0
    edges = np.flatnonzero(np.diff(is_there.astype(int)) == 1) / RATE
    assert len(edges) >= 2
    period = np.diff(edges)
    assert period == pytest.approx(period[0], abs=0.01)
    assert 0.5 + GAP[0] - 0.02 < period[0] < 0.5 + GAP[1] + 0.02
    assert np.abs(np.diff(x)).max() < 8 * x[x != 0].std()


def test_short_sounds_last_for_the_eye():
    bank = Bank([bursts([1.0], 0.1, 3.0)], RATE)
    scenes = dataclasses.replace(SCENES, pick=0 * SCENES.pick)
    times = np.linspace(1.2, 2.0, 50)
    assert loudness(scenes, times, bank)[0, 0].max() < 0.01
    longer = loudness(scenes, times, bank, decay=0.3)[0, 0]
    assert longer == pytest.approx(longer[0] * np.exp(-(times - 1.2) / 0.3), rel=0.05)
    assert longer[0] > 0.6


def test_events_are_found_where_the_sounds_have_them():
    onsets = np.array([0.4, 1.1, 1.6, 2.5])
    bank = Bank([bursts(onsets, 0.25, 3.0)], RATE)
    scenes = bank.scored(SCENES)
    assert scenes.onsets.shape == scenes.strengths.shape == scenes.tones.shape
    assert scenes.vowels.shape == (*scenes.onsets.shape, 2)
    for i, s in np.argwhere(SCENES.present):
        found = scenes.onsets[i, s][scenes.strengths[i, s] > 0]
        assert found == pytest.approx(onsets, abs=0.03)
        assert (scenes.strengths[i, s][:4] > 0.7).all()
    # What is heard stays as it was.
    assert torch.equal(dry(scenes, RATE, bank=bank), dry(SCENES, RATE, bank=bank))


def test_a_scene_is_the_same_in_any_batch():
    bank = Bank([bursts(np.arange(0, 20, 0.7), 0.3, 20.0), tone(500, 0.7)], RATE)
    whole = dry(SCENES, RATE, bank=bank)
    alone = dry(SCENES.chosen([7]), RATE, bank=bank)[0]
    assert (alone - whole[7]).abs().max() < 1e-6
    assert torch.equal(dry(SCENES.mirrored(), RATE, bank=bank), whole)
    again = pickle.loads(pickle.dumps(bank))
    assert torch.equal(dry(SCENES, RATE, bank=again), whole)


def test_what_is_no_sound():
    with pytest.raises(ValueError, match="sound 1: expected one channel"):
        Bank([tone(300, 1.0), np.zeros((2, 100))], RATE)
    with pytest.raises(ValueError, match="sound 0: expected one channel"):
        Bank([np.full(2000, np.nan)], RATE)
    with pytest.raises(ValueError, match="no sound"):
        Bank([np.zeros(20000), tone(300, 0.01)], RATE)
    with pytest.raises(ValueError, match="no sound"):
        Bank([], RATE)
    with pytest.raises(ValueError, match="expected 1000"):
        Bank([tone(300, 1.0)], 0)
    # A constant is no sound, and silent ones are left out.
    assert len(Bank([np.ones(20000), tone(300, 1.0)], RATE)) == 1
