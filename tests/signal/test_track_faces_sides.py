"""What stereo and ambisonics say of sides, and how the line to the picture is learned."""

import numpy as np
import pytest

from avtools.signal.heard_sides import (
    FieldEar,
    Heard,
    Line,
    Loudness,
    StereoEar,
    hear_field,
    hear_level,
    hear_stereo,
)
from avtools.signal.track_faces import STEP
from tests.scenes import noise, plane_wave

GRID = (np.arange(160) + 0.5) / 160
ROWS = (np.arange(80) + 0.5) / 80


def stereo(delay_ms: float, decibels: float, rate: int = 48000, seconds: float = 1.0):
    """+ is left: first and louder."""
    n = int(rate * seconds)
    s = np.fft.rfft(noise(1, n, 3)[:, 0])
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(n, 1 / rate) * delay_ms * 1e-3)
    right = np.fft.irfft(s * turn, n) * 10 ** (-decibels / 20)
    return np.stack([np.fft.irfft(s, n), right]).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_delay_and_balance(rate):
    found = list(hear_stereo([stereo(0.3, 4.0, rate)], rate, STEP))
    assert len(found) == 11 or len(found) == 12
    for heard in found[:11]:
        assert heard.offers["delay"][0][0] == pytest.approx(0.3, abs=0.015)
        assert heard.offers["balance"][0][0] == pytest.approx(4.0, abs=0.2)


def test_every_split_into_blocks_says_the_same():
    x = stereo(-0.2, -3)
    whole = list(hear_stereo([x], 48000, STEP))
    parts = list(hear_stereo(np.array_split(x, 7, axis=1), 48000, STEP))
    for one, other in zip(whole, parts, strict=True):
        assert one.level == pytest.approx(other.level)
        assert one.offers["delay"][0] == pytest.approx(other.offers["delay"][0], abs=1e-3)


def test_the_middle_and_silence_say_nothing():
    for x in (stereo(0, 0), np.zeros((2, 48000), np.float32)):
        assert not any(heard.offers for heard in hear_stereo([x], 48000, STEP))


def test_levels():
    x = np.concatenate([noise(3, 48000).T, 0.1 * noise(3, 48000).T], axis=1)
    levels = [heard.level for heard in hear_level([x], 48000, STEP)]
    assert levels[2] - levels[-3] == pytest.approx(20, abs=0.5)
    loudness = Loudness()
    said = [loudness.through(level) for level in levels]
    assert said[2] > 0.9 and said[-3] < 0.35 and Loudness().through(-np.inf) == 0


def test_silence_is_not_speech():
    """Before the first word, too, when nothing louder is known."""
    loudness = Loudness()
    assert [loudness.through(level) for level in (-120.0, -120.0, -30.0, -120.0)] == [0, 0, 1, 0]


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_levels_are_decibels(channels):
    """However many channels say them: a tenth of the sound is 20 dB less."""
    x = np.repeat(noise(1, 24000).T, 2, 0) if channels < 4 else plane_wave(40, 0, 24000).T
    hear = {1: hear_level, 2: hear_stereo, 4: hear_field}[channels]
    loud, soft = (list(hear([gain * x], 48000, STEP))[2].level for gain in (1.0, 0.1))
    assert loud - soft == pytest.approx(20, abs=0.01)


@pytest.mark.parametrize("channels", [2, 4])
def test_a_block_may_be_overwritten_when_the_next_is_asked_for(channels):
    """As decoders do; and several blocks make a window."""
    x = plane_wave(40, 0, 48000).T[:channels].astype(np.float32)
    x[:, 20000:] *= 0.01
    hear, held = {2: hear_stereo, 4: hear_field}[channels], np.empty((channels, 1000), np.float32)

    def blocks():
        for k in range(0, x.shape[1], 1000):
            held[:] = x[:, k : k + 1000]
            yield held

    whole = [heard.level for heard in hear([x], 48000, STEP)]
    assert [heard.level for heard in hear(blocks(), 48000, STEP)] == pytest.approx(whole, abs=1e-3)


def test_a_line_is_learned_from_what_is_seen():
    """Half the usual slope, and the middle of the sound off the middle of the picture."""
    rng, line = np.random.default_rng(0), Line(-0.95, 0.3, 0.03)
    for cue in rng.uniform(-0.3, 0.3, 200):
        line.learn(cue, 0.04 - 0.5 * cue + 0.01 * rng.standard_normal(), 1.0)
    place, variance = line.place(0.25)
    assert place == pytest.approx(0.04 - 0.125, abs=0.01)
    assert 0.008 < variance**0.5 < 0.02


def test_a_cue_that_tells_nothing_ends_up_broad():
    """Levels that never change, of a source that moves: as good as deaf."""
    rng, ear = np.random.default_rng(0), StereoEar()
    for x in rng.uniform(0.2, 0.8, 300):
        ear.learn(Heard(0.0, {"balance": [(0.0, 1.0)]}), x, 0.5, 1.0)
    assert np.ptp(ear.likely(Heard(0.0, {"balance": [(0.0, 1.0)]}), GRID, ROWS)) < 1.0
    _, variance = ear.lines["balance"].place(0.0)
    assert variance**0.5 > 0.12


def said(ear, delay: float) -> np.ndarray:
    return ear.likely(Heard(0.0, {"delay": [(delay, 0.8)]}), GRID, ROWS)[0]


def test_left_first_is_left_and_channels_exchanged_mirror_it():
    ear = StereoEar()
    left, right = said(ear, 0.3), said(ear, -0.3)
    assert GRID[left.argmax()] < 0.3 and np.allclose(left, right[::-1])


def test_a_source_elsewhere_is_known_after_a_while():
    """A drum on the right, seen to be none of the face's: it no longer draws it there."""
    ear = StereoEar()
    before = said(ear, -0.3).max()
    for _ in range(80):
        ear.learn(Heard(0.0, {"delay": [(-0.3, 0.8)]}), 0.35, 0.5, 1.0)
    assert said(ear, -0.3).max() < 0.6 * before
    assert said(ear, 0.1).max() > said(ear, -0.3).max() + 0.5


@pytest.mark.parametrize("azimuth", [40, -179])
def test_a_field_says_where_on_the_sphere(azimuth):
    x = plane_wave(azimuth, 20, 48000).T
    heard = list(hear_field([x], 48000, STEP))[4]
    said = FieldEar().likely(heard, GRID, ROWS)
    row, column = np.unravel_index(said.argmax(), said.shape)
    away = (360 * (0.5 - GRID[column]) - azimuth + 180) % 360 - 180
    assert abs(away) < 2 and abs(180 * (0.5 - ROWS[row]) - 20) < 3
    assert np.ptp(FieldEar().likely(Heard(0.0), GRID, ROWS)) == 0
