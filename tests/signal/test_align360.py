"""By how much a sound field is turned: the answer as a person gets it, and when there is none."""

import numpy as np
import pytest

from avtools.signal import align360
from avtools.signal.align360 import SURE, TOLERANCE, Answer, align, confidence, verdict, yaws
from avtools.signal.hearing import COLUMNS, ROWS
from avtools.signal.turn import Turn
from tests.signal.strokes import RATE, bursts, lamp, wave

SECONDS = 4
TIME = np.arange(SECONDS * RATE) / RATE


def path(time):
    return -40 + 20 * time


@pytest.fixture(scope="module")
def film():
    return list(lamp(SECONDS, path))


def sound(yaw: float = 0.0) -> np.ndarray:
    return wave(bursts(SECONDS), path(TIME) + yaw)


def apart(a: float, b: float) -> float:
    return abs((a - b + 180) % 360 - 180)


def test_nothing_turned_is_aligned(film):
    answer = align([sound()], RATE, film)
    assert answer.verdict == "aligned"
    assert apart(answer.yaw, 0) < 1 and (answer.pitch, answer.roll) == (0, 0)
    assert answer.confidence > SURE
    assert answer.heard.shape == (ROWS, COLUMNS) and answer.curve.shape == (COLUMNS,)


@pytest.mark.parametrize("yaw", [33.0, 179.8, -120.6])
def test_what_is_turned_is_misaligned(film, yaw):
    answer = align([sound(yaw)], RATE, film)
    assert answer.verdict == "misaligned"
    assert apart(answer.yaw, yaw) < 1 and -180 < answer.yaw <= 180
    assert answer.yaw == round(answer.yaw, 1)
    assert apart(yaws()[answer.curve.argmax()], yaw) < 4
    # Heard around the middle of its way.
    column = int((0.5 - ((yaw + 180) % 360 - 180) / 360) * COLUMNS) % COLUMNS
    near = np.take(answer.heard.sum(axis=0), column + np.arange(-16, 17), mode="wrap")
    assert near.sum() > 0.9 * answer.heard.sum()


def test_every_split_into_blocks_gives_the_same(film):
    x = sound(77)
    whole = align([x], RATE, film)
    parts = align(np.split(x, range(1234, x.shape[1], 1234), axis=1), RATE, film)
    assert apart(parts.yaw, whole.yaw) < 0.01
    assert parts.confidence == pytest.approx(whole.confidence, abs=1e-3)


@pytest.mark.parametrize(
    "best, said",
    [(-179.97, 180.0), (179.96, 180.0), (-0.04, 0.0), (12.345, 12.3), (-179.94, -179.9)],
)
def test_answers_are_tenths_above_minus_180_up_to_180(monkeypatch, best, said):
    monkeypatch.setattr(align360, "best_yaw", lambda curve: np.float64(best))
    answer = align([sound()[:, :RATE]], RATE, [])
    assert answer.yaw == said
    assert not np.signbit(answer.yaw) or said < 0
    assert type(answer.yaw) is float


def test_within_the_tolerance_it_is_aligned(film):
    x = sound(20)
    assert align([x], RATE, film).verdict == "misaligned"
    assert align([x], RATE, film, tolerance=25).verdict == "aligned"


@pytest.mark.parametrize(
    "angles, sure, expected",
    [
        ([0.0, 0.0, 0.0], 0.9, "aligned"),
        ([15.0, 0.0, 0.0], SURE, "aligned"),
        ([15.1, 0.0, 0.0], 0.9, "misaligned"),
        ([-14.9, 0.0, 0.0], 0.9, "aligned"),
        ([0.0, 14.9, 0.0], 0.9, "aligned"),
        ([0.0, 0.0, -15.2], 0.9, "misaligned"),
        ([10.0, 10.0, 10.0], 0.9, "misaligned"),  # about 17 in all
        ([8.0, 8.0, 8.0], 0.9, "aligned"),
        ([180.0, 180.0, 180.0], 0.9, "aligned"),  # three half turns are none
        ([180.0, 0.0, 0.0], 0.9, "misaligned"),
        ([0.0, 0.0, 0.0], SURE - 1e-6, "unsure"),
        ([180.0, 0.0, 0.0], 0.1, "unsure"),
    ],
)
def test_the_verdict_is_of_the_whole_rotation(angles, sure, expected):
    assert verdict(angles, sure, TOLERANCE) == expected


def test_the_curve_stands_for_yaws_all_around():
    assert yaws() == pytest.approx(np.arange(96) * 3.75)


def unsure(answer: Answer, below: float = SURE) -> bool:
    return answer.verdict == "unsure" and answer.confidence < below


def test_nothing_that_moves_or_sounds_is_unsure(film):
    x = sound()
    still = list(lamp(SECONDS, path, seed=None))
    assert unsure(align([x], RATE, still), 0.1)
    assert unsure(align([0 * x], RATE, film), 0.1)
    assert unsure(align([x * np.nan], RATE, film), 0.1)
    assert confidence(Turn()) < 0.1


@pytest.mark.parametrize("seed", range(4))
def test_diffuse_sound_is_unsure(film, seed):
    """It comes from everywhere, be it steady or swelling."""
    noise = np.random.default_rng(seed).standard_normal((4, len(TIME)))
    spread = (noise * np.array([[1], [0.577], [0.577], [0.577]])).astype(np.float32)
    assert unsure(align([0.1 * spread], RATE, film), 0.5)
    assert unsure(
        align([0.1 * (1 + np.sin(7 * TIME)).astype(np.float32) * spread], RATE, film), 0.5
    )


def test_another_rhythm_elsewhere_is_less_sure(film):
    """What moves has nothing to do with what sounds."""
    other = wave(bursts(SECONDS, seed=9), 130 - 50 * TIME)
    assert align([other], RATE, film).confidence < align([sound()], RATE, film).confidence


def test_very_short_and_empty_clips_have_an_answer(film):
    x = sound()
    for blocks, shots in (([], film), ([x], []), ([x[:, :100]], film), ([x], film[:1])):
        answer = align(blocks, RATE, shots)
        assert answer.verdict == "unsure" and answer.yaw == 0
        assert not answer.heard.any() or len(shots) > 1
    assert -180 < align([x[:, : RATE // 2]], RATE, film).yaw <= 180


def test_rates_without_whole_ticks_are_refused(film):
    with pytest.raises(ValueError, match="11026 Hz: expected a multiple of 25"):
        align([sound()], 11_026, film)


def test_what_is_too_short_to_tell_is_unsure(film):
    sure = align([sound(40)], RATE, film).confidence
    for seconds in (0.1, 1.0):
        answer = align([sound(40)[:, : round(seconds * RATE)]], RATE, film)
        assert answer.verdict == "unsure" and answer.confidence < 0.5 * sure
