"""What things emit: pitches, formants, onsets and levels as the scene says, the same everywhere."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import torch

from avtools.world.drawing import draw
from avtools.world.excitation import EDGE
from avtools.world.scenes import SOUNDS, Scenes
from avtools.world.score import envelope
from avtools.world.sounds import LOUD, REFERENCE, dry
from avtools.world.timbre import formants

RATE = 16000
# 29 voices, 71 drums, ... of few scenes: five things in each.
SCENES = draw("stereo", "hard", np.arange(40), 3.0)


def solo(sound: str, onsets, lengths, seconds: float = 3.0, count: int = 1, **fields) -> Scenes:
    """`count` scenes of one thing that plays these events at full strength."""
    scenes = draw("stereo", "easy", np.arange(count), seconds)
    shape = (count, 1, len(onsets))
    events = {
        "onsets": np.broadcast_to(np.array(onsets, float), shape),
        "lengths": np.broadcast_to(np.array(lengths, float), shape),
        "strengths": np.ones(shape),
        "tones": np.ones(shape),
        "vowels": np.full((*shape, 2), 0.5),
        "sound": np.full((count, 1), SOUNDS.index(sound)),
    }
    fields = {k: np.broadcast_to(np.asarray(v), events.get(k, scenes.pitch).shape)
              for k, v in fields.items()}  # fmt: skip
    return dataclasses.replace(scenes, **(events | fields))


def of_kind(scenes: Scenes, sound: str):
    """(scene, thing) of all that sound so."""
    return np.argwhere(scenes.sounding & (scenes.sound == SOUNDS.index(sound)))


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """What is measured is small; threads that wait for each other take longer than the work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def at_16():
    return dry(SCENES, RATE).double().numpy()


@pytest.fixture(scope="module")
def at_48():
    return dry(SCENES, 48000).double().numpy()


def pitch_of(x: np.ndarray, low: float, high: float) -> float:
    """Hz: the highest peak of the normalised autocorrelation between two periods."""
    spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x)), 16 * len(x))) ** 2
    # The window's own fall is taken out; 16 times as many bins as samples: no wrap.
    own = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(len(x)), 16 * len(x))) ** 2)
    lags = np.arange(int(RATE / high), int(RATE / low) + 1)
    found = (np.fft.irfft(spectrum) / own.clip(1e-9))[lags]
    k = int(np.clip(np.argmax(found), 1, len(lags) - 2))
    a, b, c = found[k - 1 : k + 2]
    return RATE / (lags[k] + 0.5 * (a - c) / (a - 2 * b + c))


def levels(x: np.ndarray, rate: float, step: float = 0.02) -> np.ndarray:
    """RMS of every 20 ms of (n,)."""
    edges = np.arange(0, len(x) + 1e-9, step * rate).astype(int)
    total = np.concatenate([[0], np.cumsum(x**2)])
    return np.sqrt(np.diff(total[edges]).clip(0) / np.diff(edges))


# ---- what is heard ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sound", "window", "tolerance"),
    [("voice", 0.1, 0.03), ("harmonic", 0.2, 0.006), ("pluck", 0.2, 0.003)],
)
def test_pitch_is_the_things_own_times_the_events_tone(sound, window, tolerance):
    tones = np.array([1.0, 2 ** (4 / 12), 2 ** (-3 / 12)])
    for pitch in (98.0, 147.0, 220.0):
        scenes = solo(sound, [0.2, 1.0, 1.8], [0.5] * 3, pitch=pitch, tones=tones)
        x = dry(scenes, RATE)[0, 0].double().numpy()
        for onset, tone in zip([0.2, 1.0, 1.8], tones, strict=True):
            start = round((onset + 0.27 - window / 2) * RATE)
            part = x[start : start + round(window * RATE)]
            found = pitch_of(part, 0.8 * pitch * tone, 1.25 * pitch * tone)
            assert found == pytest.approx(pitch * tone, rel=tolerance)


def test_a_syllable_falls_in_pitch_and_a_drum_too():
    voices = solo("voice", [0.2], [0.8], count=8, pitch=150.0, key=np.arange(8)[:, None])
    x = dry(voices, RATE)[:, 0].double().numpy()
    early, late = ([pitch_of(v[k : k + 1280], 120, 190) for v in x] for k in (4000, 14400))
    assert np.mean(early) / np.mean(late) == pytest.approx(1.04, abs=0.01)
    x = dry(solo("percussion", [0.2], [1.5], pitch=200.0), RATE)[0, 0].double().numpy()
    frequency = np.fft.rfftfreq(8 * 1024, 1 / RATE)
    late = np.abs(np.fft.rfft(x[6400:7424] * np.hanning(1024), 8 * 1024))
    assert frequency[np.argmax(late)] == pytest.approx(200, abs=8)
    early = np.abs(np.fft.rfft(x[3200:3712] * np.hanning(512), 8 * 1024))
    assert 215 < frequency[np.argmax(early)] < 310


@pytest.mark.parametrize("vowel", [(0.1, 0.9), (0.9, 0.3), (0.5, 0.6)])
def test_the_spectrum_of_a_vowel_peaks_at_its_formants(vowel):
    scenes = solo(
        "whisper", [0.1], [2.8], count=12, pitch=120.0, bright=0.5, vowels=np.array(vowel)
    )
    x = dry(scenes, RATE)[:, 0].double().numpy()
    spectrum = np.zeros(257)
    for start in range(round(1.0 * RATE), round(1.9 * RATE), 256):
        spectrum += (np.abs(np.fft.rfft(x[:, start : start + 512] * np.hanning(512))) ** 2).sum(0)
    expected = formants(torch.tensor(vowel), torch.tensor(120.0))[:2].numpy()
    for center in expected:
        near = np.arange(round((center - 200) / 31.25), round((center + 200) / 31.25) + 1)
        assert near[np.argmax(spectrum[near])] * 31.25 == pytest.approx(center, abs=50)


def test_formants_are_in_order_and_higher_for_higher_voices():
    vowels = torch.rand(1000, 2, generator=torch.Generator().manual_seed(1))
    found = formants(vowels, torch.full((1000,), 120.0))
    assert (found.diff(dim=-1) >= 299).all()
    assert torch.allclose(formants(vowels, torch.full((1000,), 240.0)) / found, torch.tensor(1.125),
                          atol=1e-3)  # fmt: skip


def test_a_string_darkens_while_it_dies_away():
    x = dry(solo("pluck", [0.1], [1.5], pitch=200.0, bright=0.5), RATE)[0, 0].double().numpy()

    def center(start: float) -> float:
        part = x[round(start * RATE) :][:2048] * np.hanning(2048)
        power = np.abs(np.fft.rfft(part)) ** 2
        return (power * np.fft.rfftfreq(2048, 1 / RATE)).sum() / power.sum()

    assert center(0.12) > 1.3 * center(0.6)


# ---- when, and how loudly ---------------------------------------------------------------------


@pytest.mark.parametrize("sound", SOUNDS)
def test_loudness_follows_the_score(sound, at_16):
    expected = envelope(SCENES, (np.arange(3000) + 0.5) / 1000)
    rows = of_kind(SCENES, sound)
    assert len(rows) >= 5
    for i, s in rows:
        both = levels(at_16[i, s], RATE), levels(expected[i, s], 1000)
        assert np.corrcoef(*both)[0, 1] > 0.95


@pytest.mark.parametrize("sound", SOUNDS)
@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_nothing_is_heard_before_the_onset_and_something_right_after(sound, rate):
    onset = 0.4567
    x = dry(solo(sound, [onset], [0.6], seconds=1.5), rate)[0, 0].double().numpy()
    before = x[: int((onset - 0.002) * rate)]
    assert not before.any()
    scenes = solo(sound, [onset], [0.6], seconds=1.5)
    quarter = 0.25 * np.abs(envelope(scenes, np.linspace(0, 1.5, 15001))).max()
    due = np.argmax(envelope(scenes, np.linspace(0, 1.5, 15001))[0, 0] >= quarter) / 10000
    power = np.convolve(x**2, np.ones(round(0.01 * rate)))
    loud = np.sqrt(power / round(0.01 * rate)) / (REFERENCE)
    found = np.argmax(loud >= 0.25) / rate
    # The mean of the last 10 ms is there 5 ms late, of a sound that fluctuates.
    assert abs(found - due) < (
        0.02 if sound in ("whisper", "noise", "voice", "harmonic") else 0.008
    )


def test_a_click_of_a_rise_begins_within_2_ms():
    for onset in (0.1003, 0.31415, 0.77777):
        x = dry(solo("percussion", [onset], [0.5], seconds=1.2), RATE)[0, 0].double().numpy()
        first = np.flatnonzero(np.abs(x) > 0.02 * np.abs(x).max())[0] / RATE
        assert -0.001 <= first - onset < 0.002


@pytest.mark.parametrize("sound", SOUNDS)
def test_where_it_is_loud_it_is_as_strong_as_its_level_says(sound):
    onsets = [0.2, 1.2, 2.0]
    for level in (0.0, -9.0):
        scenes = solo(sound, onsets, [0.6] * 3, count=4, level=level)
        x = dry(scenes, RATE)[:, 0].double().numpy()
        shape = envelope(scenes, np.arange(48000) / RATE)[:, 0]
        for k in range(4):
            loud = shape[k] >= LOUD * shape[k].max()
            found = 20 * np.log10(np.sqrt((x[k][loud] ** 2).mean()) / REFERENCE)
            assert found == pytest.approx(level, abs=0.3)


def test_silent_things_are_silent(at_16):
    assert SCENES.sounding.any() and not SCENES.sounding.all()
    assert not at_16[~SCENES.sounding].any()
    assert (np.abs(at_16[SCENES.sounding]).max(-1) > 0).mean() > 0.98
    mute = dataclasses.replace(SCENES, strengths=0 * SCENES.strengths)
    assert not dry(mute, RATE).any()


def test_no_mean_and_no_click(at_16):
    heard = at_16[SCENES.sounding & (np.abs(at_16).max(-1) > 0)]
    assert (np.abs(heard.mean(-1)) < 0.01 * heard.std(-1)).all()
    spectrum = np.abs(np.fft.rfft(heard)) ** 2
    low = np.fft.rfftfreq(heard.shape[-1], 1 / RATE) < 25
    assert (spectrum[:, low].sum(-1) < 0.003 * spectrum.sum(-1)).all()
    assert np.abs(heard).max() < 1


@pytest.mark.parametrize("sound", ["voice", "whisper", "percussion", "noise", "pluck"])
def test_sounds_are_broad_enough_to_be_located(sound, at_16):
    """Several third-octave bands within 25 dB of the strongest."""
    for i, s in of_kind(SCENES, sound):
        if at_16[i, s].any():
            bands = third_octaves(at_16[i, s], RATE)
            assert (bands > bands.max() - 25).sum() >= 5


# ---- the same everywhere ----------------------------------------------------------------------


def third_octaves(x: np.ndarray, rate: int) -> np.ndarray:
    """dB of energy in bands from 100 Hz to 6.4 kHz."""
    power = np.abs(np.fft.rfft(x)) ** 2 / rate**2
    f = np.fft.rfftfreq(len(x), 1 / rate)
    edges = 100 * 2 ** (np.arange(19) / 3)
    energy = [power[(f >= a) & (f < b)].sum() for a, b in pairwise(edges)]
    return 10 * np.log10(np.array(energy) + 1e-20)


@pytest.mark.parametrize("sound", SOUNDS)
def test_a_scene_sounds_alike_at_16_and_48_khz(sound, at_16, at_48):
    for i, s in of_kind(SCENES, sound):
        low, high = third_octaves(at_16[i, s], 16000), third_octaves(at_48[i, s], 48000)
        counts = low > low.max() - 45
        assert np.abs(low - high)[counts].max() < 1.2


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 96000])
def test_any_rate_has_the_same_sounds(rate, at_16):
    some = SCENES.chosen(slice(0, 3))
    x = dry(some, rate).double().numpy()
    assert x.shape == (3, SCENES.things, round(3 * rate))
    for i, s in np.argwhere(some.sounding):
        pair = [levels(x[i, s], rate), levels(at_16[i, s], 16000)]
        if at_16[i, s].any():
            assert np.corrcoef(*pair)[0, 1] > 0.9
    spectrum = np.abs(np.fft.rfft(x)) ** 2
    above = np.fft.rfftfreq(x.shape[-1], 1 / rate) > (EDGE[1] + 0.005) * rate
    assert spectrum[..., above].sum() < 1e-5 * spectrum.sum()


def test_a_scene_is_the_same_in_any_batch_and_in_a_mirror():
    whole = dry(SCENES, RATE)
    for i in (0, 7, 39):
        alone = dry(SCENES.chosen([i]), RATE)[0]
        assert (alone - whole[i]).abs().max() < 1e-5
    turned_round = SCENES.chosen(slice(None, None, -1))
    assert (dry(turned_round, RATE).flip(0) - whole).abs().max() < 1e-5
    assert torch.equal(dry(SCENES.mirrored(), RATE), whole)


def test_things_with_other_keys_sound_otherwise():
    for sound in ("whisper", "noise", "percussion", "voice"):
        scenes = solo(
            sound, [0.2, 1.2], [0.8, 0.8], count=6, pitch=150.0, key=np.arange(6)[:, None]
        )
        x = dry(scenes, RATE)[:, 0].double().numpy()
        likeness = np.corrcoef(x) - np.eye(6)
        # Voices and drums of one pitch share their partials, not their course.
        assert np.abs(likeness).max() < (0.1 if sound in ("whisper", "noise") else 0.98)


def test_a_long_scene_follows_its_score_to_the_end():
    scenes = draw("stereo", "easy", [5], 47.0)
    x = dry(scenes, 8000)[0, 0].double().numpy()
    shape = levels(envelope(scenes, (np.arange(47000) + 0.5) / 1000)[0, 0], 1000)
    found = levels(x, 8000)
    for part in np.array_split(np.arange(len(shape)), 4):
        assert np.corrcoef(found[part], shape[part])[0, 1] > 0.95


def test_odd_lengths_and_rates():
    for seconds, rate in ((0.01, 8000), (0.0501, 44100), (1.23456, 11025), (0.2, 4000)):
        scenes = draw("360", "hard", [1, 2], seconds)
        x = dry(scenes, rate)
        assert x.shape == (2, scenes.things, round(seconds * rate))
        assert torch.isfinite(x).all() and x.dtype == torch.float32
    with pytest.raises(ValueError, match="expected 4000"):
        dry(SCENES, 100)
    with pytest.raises(ValueError, match="no sample"):
        dry(draw("360", "easy", [1], 0.0001), 4000)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_a_gpu_gives_the_same_sounds(at_16):
    x = dry(SCENES, RATE, "cuda").double().cpu().numpy()
    # Phases are sums of rounded pitches: that is what may differ.
    assert np.sqrt(((x - at_16) ** 2).mean()) < 0.01 * np.sqrt((at_16**2).mean())
