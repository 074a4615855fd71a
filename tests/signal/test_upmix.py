"""Mono and a picture to two ears: where it is heard, and what must not be heard."""

import numpy as np
import pytest

from avtools.signal.lateral import leftness
from avtools.signal.panning import block_size, evened, head_gains, panned
from avtools.signal.upmix import MIDDLES, upmix, upmix_blocks

RATE, FPS = 16000, 25
WIDTH, HEIGHT = 192, 108
AT = 0.2  # of the picture's width, where the lamp is


def strokes(seconds: float, seed: int = 0) -> np.ndarray:
    """Moments of noise bursts, irregular as a rhythm is."""
    apart = np.random.default_rng(seed).uniform(0.25, 0.6, int(4 * seconds))
    times = 0.3 + np.cumsum(apart)
    return times[times < seconds - 0.3]


def bursts(seconds: float, seed: int = 0) -> np.ndarray:
    """(1, samples) of noise that dies away after each stroke."""
    time = np.arange(round(seconds * RATE)) / RATE
    level = sum(np.exp(-(time - t) / 0.06) * (time >= t) for t in strokes(seconds, seed))
    noise = np.random.default_rng(9).standard_normal(len(time))
    return (0.2 * level * noise).astype(np.float32)[None]


def lamp(seconds: float, at: float = AT, seed: int | None = 0, other: bool = True):
    """A lamp at a share of the width that glows with the strokes (`seed` None: stays dark), and
    another that glows with others' on the other side."""
    x = np.arange(WIDTH)
    texture = np.random.default_rng(3).integers(60, 120, (HEIGHT, WIDTH)).astype(np.float32)
    for k in range(round(seconds * FPS)):
        picture = texture.copy()
        for place, which in ((at, seed), (1 - at, 77 if other else None)):
            if which is None:
                continue
            since = k / FPS - strokes(seconds, which)
            glow = np.exp(-since[since >= 0] / 0.06).sum()
            beside = np.abs(x + 0.5 - place * WIDTH)
            spot = np.minimum(beside, WIDTH - beside) < 10
            picture[40:60, spot] += 90 * min(glow, 1.2)
        yield k / FPS, np.repeat(picture.astype(np.uint8)[..., None], 3, axis=2)


def level_difference(y: np.ndarray, low: float, high: float) -> float:
    """dB, + is left, between two frequencies."""
    power = np.abs(np.fft.rfft(y.astype(float))) ** 2
    hertz = np.fft.rfftfreq(y.shape[1], 1 / RATE)
    left, right = power[:, (hertz >= low) & (hertz < high)].sum(axis=1)
    return 10 * np.log10(left / right)


@pytest.fixture(scope="module")
def moved() -> np.ndarray:
    return upmix(bursts(8), RATE, lamp(8))


def test_the_mean_is_what_came_in(moved):
    assert moved.shape == (2, 8 * RATE)
    assert np.abs(moved.mean(axis=0) - bursts(8)[0]).max() < 1e-7
    assert np.abs(moved[0] - moved[1]).max() > 0.05


def test_it_is_heard_where_what_goes_with_it_is_seen(moved):
    """Left, and not where the other lamp glows; level above, delay below."""
    assert level_difference(moved, 1500, 7000) > 2
    low = np.fft.rfft(moved.astype(float))
    hertz = np.fft.rfftfreq(moved.shape[1], 1 / RATE)
    some = (hertz > 200) & (hertz < 450)
    cross = (low[0] * np.conj(low[1]))[some].sum()
    delay = np.angle(cross) / (2 * np.pi * 325)
    assert 0.1e-3 < delay < 0.4e-3  # the lamp is 24 degrees to the left
    assert abs(level_difference(moved, 200, 450)) < 0.5


def test_the_other_side_with_the_other_rhythm():
    y = upmix(bursts(8), RATE, lamp(8, at=1 - AT))
    assert level_difference(y, 1500, 7000) < -2


def test_a_mirrored_picture_gives_mirrored_channels(moved):
    mirrored = ((t, np.ascontiguousarray(p[:, ::-1])) for t, p in lamp(8))
    assert np.abs(upmix(bursts(8), RATE, mirrored) - moved[::-1]).max() < 1e-6


def test_360_pictures():
    """A lamp at a quarter of the width is straight to the left; behind is the middle again."""
    aside = upmix(bursts(6), RATE, round_lamp(6, 0.25), is_360=True)
    behind = upmix(bursts(6), RATE, round_lamp(6, 0.0), is_360=True)
    assert level_difference(aside, 1500, 7000) > 4
    assert abs(level_difference(behind, 1500, 7000)) < 0.5


def round_lamp(seconds: float, at: float):
    for time, picture in lamp(seconds, at, other=False):
        yield time, picture[:96]


def test_every_split_gives_the_same_samples(moved):
    x, cuts = bursts(8), np.sort(np.random.default_rng(1).integers(0, 8 * RATE, 40))
    for parts in (np.split(x, cuts, axis=1), np.split(x, range(37, 2000, 37), axis=1)):
        y = np.concatenate(list(upmix_blocks(iter(parts), RATE, lamp(8))), axis=1)
        assert np.array_equal(y, moved)


def test_the_first_samples_leave_before_the_last_arrive():
    taken = []

    def blocks():
        for k in range(30):
            taken.append(k)
            yield bursts(30)[:, k * RATE : (k + 1) * RATE]

    next(upmix_blocks(blocks(), RATE, lamp(30, other=False)))
    assert len(taken) <= 8


@pytest.mark.parametrize("pictures", [[], list(lamp(1, seed=None, other=False)) * 4])
def test_where_nothing_moves_it_stays_in_the_middle(pictures):
    pictures = [(k / FPS, p) for k, (_, p) in enumerate(pictures)]
    sure = []
    made = upmix_blocks([bursts(4)], RATE, pictures, watch=lambda _, p: sure.append(p.sureness))
    y = np.concatenate(list(made), axis=1)
    assert np.array_equal(y[0], y[1]) and np.array_equal(y[0], bursts(4)[0])
    assert np.concatenate(sure).max() < 0.01


def test_sound_beyond_the_picture_goes_to_the_middle():
    y = upmix(bursts(12), RATE, lamp(6, other=False))
    side = np.abs(y[0] - y[1]).reshape(12, -1).max(axis=1)
    assert y.shape[1] == 12 * RATE
    assert side[2:5].min() > 0.02 > 1e-3 > side[9:].max()


def test_width_widens():
    y = [upmix(bursts(5), RATE, lamp(5, other=False), width=w) for w in (0, 0.5, 1)]
    none, half, full = (np.square(v[0] - v[1]).mean() for v in y)
    assert none == 0 and 0.15 < half / full < 0.4  # near to a quarter


@pytest.mark.parametrize("hertz", [200.0, 700.0, 3000.0])
def test_a_steady_tone_has_no_seams(hertz):
    """A place that swings to and fro moves a tone without clicks: beyond 60 Hz of it nothing."""
    seconds, rate = 4, 48000
    time = np.arange(seconds * rate) / rate
    tone = np.sin(2 * np.pi * hertz * time).astype(np.float32)[None]

    def lateral(times):
        return np.repeat(0.8 * np.sin(2 * np.pi * 0.7 * times)[:, None], len(MIDDLES), 1)

    y = np.concatenate(list(panned(evened([tone], block_size(rate)), rate, lateral, MIDDLES)), 1)
    inner = y[:, rate // 2 : -rate // 2].astype(float) * np.blackman(3 * rate)
    power = np.abs(np.fft.rfft(inner)) ** 2
    away = np.abs(np.fft.rfftfreq(3 * rate, 1 / rate) - hertz) > 60
    assert np.abs(y[0] - y[1]).max() > 0.2
    assert 10 * np.log10(power[:, away].max() / power.max()) < -70
    assert 10 * np.log10(power[:, away].sum() / power.sum()) < -60


def test_gains_are_those_of_a_head():
    """Of D / M follow delay and level: 30 degrees are half of what is at one side."""
    hertz = np.array([200.0, 400.0, 4000.0])
    gains = head_gains(np.array([[0.5]]), hertz)[0]
    left, right = 1 + gains, 1 - gains
    delay = np.angle(left / right)[:2] / (2 * np.pi * hertz[:2])
    assert np.allclose(delay, 0.375e-3, rtol=0.02)
    assert np.allclose(np.abs(left / right), [1, 1, 10 ** (5 / 20)], rtol=1e-4)
    assert np.array_equal(head_gains(np.array([[-0.5]]), hertz)[0], -gains)


def test_directions_of_cells():
    flat = leftness(27, 48, 90.0, False)
    assert np.array_equal(flat, -flat[:, ::-1])
    assert np.isclose(flat[13, 0], np.sin(np.arctan(47 / 48)), atol=1e-6)
    sphere = leftness(48, 96, 90.0, True)
    assert np.isclose(sphere[:, 24].max(), 1, atol=2e-3)  # a quarter from the left edge
    assert np.allclose(sphere[0], 0, atol=0.04)


def test_what_is_refused():
    with pytest.raises(ValueError, match="2 channels"):
        upmix(np.zeros((2, 100)), RATE, [])
    with pytest.raises(ValueError, match="fov"):
        upmix(np.zeros((1, 100)), RATE, [], fov=180)


@pytest.mark.parametrize("count", [0, 1, 100, 641])
def test_the_shortest_sounds(count):
    x = np.full((1, count), 0.5, np.float32)
    assert np.array_equal(upmix(x, RATE, lamp(1)), np.repeat(x, 2, axis=0))


def test_what_is_no_number_stays_where_it_is():
    x = bursts(3)
    x[0, RATE] = np.nan
    y = upmix(x, RATE, lamp(3, other=False))
    assert np.isnan(y[:, RATE]).all() and np.isnan(y).sum() == 2
