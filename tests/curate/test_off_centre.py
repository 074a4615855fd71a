import io

import numpy as np
import pytest

from avtools.curate.off_centre import best_gain, critical, differences, off_centre
from avtools.dsp.room import shoebox
from avtools.dsp.room_responses import array_responses
from tests.scenes import needs_ffmpeg

RATE, SECONDS = 16000, 4
N = RATE * SECONDS


def coloured(rng, slope, channels=2):
    x = np.fft.rfft(rng.standard_normal((channels, N)))
    y = np.fft.irfft(x / np.maximum(np.fft.rfftfreq(N, 1 / RATE), 30) ** slope, N)
    return y / y.std()


def voice(rng):
    """A harmonic sound in syllables, `(samples,)`."""
    f0, t = rng.uniform(90, 300), np.arange(N) / RATE
    phase = 2 * np.pi * f0 * t + 5 * np.sin(2 * np.pi * 0.7 * t)
    x = sum(np.sin(k * phase + rng.uniform(0, 6)) / k for k in range(1, 30))
    x *= np.clip(np.sin(2 * np.pi * 2 * t) + 0.7, 0, 1)
    return x / x.std()


def db(decibels):
    return 10 ** (decibels / 20)


def panned(rng, level_db, snr_db=30):
    """A voice, louder on the left by `level_db` (may change with the time)."""
    half = db(np.broadcast_to(level_db, N) / 2)
    return 0.05 * (np.stack([half, 1 / half]) * voice(rng) + db(-snr_db) * coloured(rng, 0.5))


def in_a_room(rng):
    """A voice straight ahead of two microphones that hear different echoes."""
    size, ears = np.array([5.0, 4.0, 2.7]), np.array([[0, 0.08, 0], [0, -0.08, 0]])
    place = rng.uniform([1, 1, 1], [2.5, 3, 1.7])
    room = shoebox(size, place + np.array([1.5, 0, 0]), place, rng.uniform(0.3, 1.0), rng)
    responses = array_responses(room, ears, RATE)
    size = N + responses.shape[1]
    x = np.fft.irfft(np.fft.rfft(voice(rng), size) * np.fft.rfft(responses, size), size)[:, :N]
    return 0.05 * x / x.std()


CENTRED = {
    "white": lambda r: 0.1 * coloured(r, 0),
    "pink": lambda r: 0.1 * coloured(r, 0.5),
    "brown": lambda r: 0.1 * coloured(r, 1),
    "voice in noise": lambda r: panned(r, 0, r.uniform(0, 30)),
    "room": in_a_room,
}


@pytest.mark.parametrize("kind", CENTRED)
def test_centred_sound_is_off_as_seldom_as_claimed(kind):
    """A bin with probability 0.01 by the level; of 40 clips none, where Markov allows 0.7."""
    off = []
    for seed in range(40 if kind != "room" else 8):
        x = CENTRED[kind](np.random.default_rng(seed))
        difference, error, freedom = differences(x, RATE)
        off.append(np.mean(abs(difference) > error * critical(freedom, 0.01)))
        assert not off_centre(x, RATE).passed
    assert np.mean(off) < 0.02  # of some 1200 bins, and in one room all of them share its colour


def test_a_level_of_a_tenth_is_reached():
    """The claim is not met by never saying anything."""
    off = []
    for seed in range(20):
        difference, error, freedom = differences(
            coloured(np.random.default_rng(seed), 0.5) * 0.1, RATE
        )
        off.append(np.mean(abs(difference) > error * critical(freedom, 0.1)))
    assert 0.05 < np.mean(off) < 0.15


@pytest.mark.parametrize("level_db", [-10, -4, 4, 10])
def test_panned_sound_is_off_centre(level_db):
    for seed in range(5):
        verdict = off_centre(panned(np.random.default_rng(seed), level_db), RATE)
        assert verdict.passed and verdict.figures["off_centre"] > 0.85
        assert verdict.figures["left_db"] == pytest.approx(level_db, rel=0.15)


@pytest.mark.parametrize("gain_db", [-0.9, 0.4, 0.9])
def test_a_gain_error_is_no_place(gain_db):
    x = panned(np.random.default_rng(1), 0) * [[db(gain_db)], [1]]
    verdict = off_centre(x, RATE)
    assert verdict.figures["off_centre"] < 0.05
    assert verdict.figures["left_db"] == pytest.approx(gain_db, abs=0.15)
    assert off_centre(x, RATE, gain_db=0.0).passed


def test_what_moves_counts_even_with_a_gain_error():
    rng = np.random.default_rng(2)
    path = 5 * np.sin(2 * np.pi * np.arange(N) / N)
    assert off_centre(panned(rng, path + 0.8), RATE).figures["off_centre"] > 0.7


def test_mirrored_and_louder_sound():
    x = panned(np.random.default_rng(3), 3, 15)
    one, other, loud = (off_centre(y, RATE).figures for y in (x, x[::-1], 4 * x))
    assert one["off_centre"] == other["off_centre"] == loud["off_centre"]
    assert one["left_db"] == pytest.approx(-other["left_db"], abs=1e-4)


def test_pauses_do_not_count():
    x = panned(np.random.default_rng(4), 8, 40)
    x[:, N // 2 :] = 1e-3 * coloured(np.random.default_rng(5), 0.5)[:, N // 2 :]
    assert off_centre(x, RATE).figures["off_centre"] > 0.9


def test_half_of_the_time_is_not_enough():
    left, middle = panned(np.random.default_rng(6), 8), panned(np.random.default_rng(6), 0)
    x = np.concatenate([left[:, : N // 2], middle[:, N // 2 :]], axis=1)
    verdict = off_centre(x, RATE)
    assert verdict.figures["off_centre"] == pytest.approx(0.5, abs=0.05)
    assert verdict.reasons[0].startswith("centred: ")
    assert verdict.reasons[0].endswith("% of the time off-centre, expected 60 %")
    assert off_centre(x, RATE, share=0.4).passed


@needs_ffmpeg
def test_lossy_coding_moves_nothing():
    import av

    for level_db, passes in ((0, False), (6, True)):
        x = np.repeat(panned(np.random.default_rng(7), level_db, 20), 3, axis=1)  # as 48 kHz
        file = io.BytesIO()
        with av.open(file, "w", format="mp4") as out:
            stream = out.add_stream("aac", rate=48000, layout="stereo")
            stream.bit_rate = 128000
            frame = av.AudioFrame.from_ndarray(x.astype(np.float32), "fltp", "stereo")
            frame.sample_rate = 48000
            out.mux([p for f in (frame, None) for p in stream.encode(f)])
        file.seek(0)
        with av.open(file) as coded:
            y = np.concatenate([f.to_ndarray() for f in coded.decode(audio=0)], axis=1)
        assert off_centre(y, 48000).passed == passes


def test_the_same_in_both_channels_and_no_sound():
    x = np.repeat(coloured(np.random.default_rng(8), 0.5, 1), 2, axis=0) * 0.1
    assert off_centre(x, RATE).figures["off_centre"] == 0
    for quiet in (np.zeros((2, N)), 1e-6 * x, x[:, :100], np.full((2, N), np.nan)):
        verdict = off_centre(quiet, RATE)
        assert verdict.reasons == ("too little sound: its direction can't be told",)
        assert np.isnan(verdict.figures["off_centre"])


def test_a_lone_tone_says_nothing():
    """It fills one band: there is nothing to compare its error with."""
    tone = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(N) / RATE)
    x = np.stack([tone, tone * db(-2)]) + 1e-3 * coloured(np.random.default_rng(9), 0)
    assert not off_centre(x, RATE).passed


def test_the_best_gain_lies_in_most_intervals():
    middle, reach = np.array([0.5, 0.6, 0.7, -3.0, 5.0]), np.full(5, 0.15)
    assert best_gain(middle, reach, 1.0) == (pytest.approx(0.55), 3)
    assert best_gain(middle, reach, 0.4) == (pytest.approx(0.35), 1)
    assert best_gain(middle, reach, 0.0) == (0.0, 0)
    assert best_gain(np.zeros(4), reach[:4], 1.0) == (0.0, 4)


def test_what_is_no_stereo_is_refused():
    with pytest.raises(ValueError, match=r"expected \(2, samples\)"):
        off_centre(np.zeros((4, 100)), RATE)
    with pytest.raises(ValueError, match="probability"):
        off_centre(np.zeros((2, 100)), RATE, level=0)
