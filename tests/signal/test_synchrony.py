"""Movements that follow a sound, ones that do not, and by how much later they come."""

import numpy as np
import pytest

from avtools.signal.synchrony import LAGS, quick, synchrony

TICKS = 250


def rhythm(seed: int, ticks: int = TICKS) -> np.ndarray:
    """(ticks,) with some 2 strokes a second that die away; none at the ends."""
    rng = np.random.default_rng(seed)
    strokes = (rng.random(ticks) < 0.08) * rng.uniform(0.5, 1, ticks)
    strokes[:20] = strokes[-40:] = 0
    return np.convolve(strokes, np.exp(-np.arange(12) / 2))[:ticks].astype(np.float32)


def later(values: np.ndarray, lag: int) -> np.ndarray:
    return np.roll(values, lag, axis=0)


@pytest.mark.parametrize("lag", LAGS)
def test_what_follows_the_sound_within_the_lags_scores_one(lag):
    sound = rhythm(0)
    made = synchrony(later(7 * sound, lag), 0.1 * sound[:, None])
    assert made.shape == (1,)
    assert made[0] > 0.97


@pytest.mark.parametrize("lag", [1, 4, -4])
def test_a_lag_is_how_much_later_the_picture_comes(lag):
    sound = rhythm(0)
    moved, heard = later(sound, lag), sound[:, None]
    assert synchrony(moved, heard, (lag,))[0] > 0.97
    assert synchrony(moved, heard, (-lag,))[0] < 0.75
    if abs(lag) == 4:
        assert synchrony(moved, heard)[0] < 0.8


def test_what_is_independent_scores_about_nothing():
    sound = rhythm(0)[:, None]
    others = np.stack([rhythm(k) for k in range(1, 31)], axis=1)
    # The best of five neighbouring lags is a little above 0.
    assert abs(synchrony(others, sound).mean()) < 0.12
    assert synchrony(others, sound).max() < 0.45
    assert abs(synchrony(others, sound, (0,)).mean()) < 0.06


def test_each_place_and_band_has_its_own():
    sounds = np.stack([rhythm(0), rhythm(1)], axis=1)
    motion = np.zeros((TICKS, 3, 4), np.float32)
    motion[:, 0, 1], motion[:, 2, 3] = sounds.T
    made = synchrony(motion, sounds)
    assert made.shape == (2, 3, 4)
    assert made[0, 0, 1] > 0.97 and made[1, 2, 3] > 0.97
    assert made[0, 2, 3] < 0.5 and made[1, 0, 1] < 0.5
    assert (np.delete(made.reshape(2, -1), [1, 11], axis=1) == 0).all()


def test_what_changes_slowly_says_nothing():
    """The slow part is taken off: alone it leaves little, beside strokes it hides nothing."""
    slow = np.sin(np.linspace(0, np.pi, TICKS)).astype(np.float32)
    assert np.abs(quick(slow)).max() < 0.1
    assert quick(np.full((TICKS, 2), 3.0)) == pytest.approx(0, abs=1e-5)
    rough = (np.sqrt(rhythm(0)) + 2 * slow) ** 2
    assert synchrony(rough, rhythm(0)[:, None])[0] > 0.95


def test_short_clips_and_unequal_ones():
    for ticks in (1, 2, 5):
        made = synchrony(rhythm(0)[25 : 25 + ticks, None], rhythm(0)[25 : 25 + ticks, None])
        assert made.shape == (1, 1) and np.isfinite(made).all()
    with pytest.raises(ValueError, match="5 ticks of movement, 4 of sound: expected equal"):
        synchrony(np.zeros((5, 2)), np.zeros((4, 1)))
