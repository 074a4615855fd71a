"""Evidence of where sound comes from: delays, levels and directions that are known."""

import numpy as np
import pytest

from avtools.signal.hearing import (
    COLUMNS,
    DELAYS,
    DIFFUSE,
    FOCUSED,
    LEVELS,
    LONE,
    ROWS,
    Focus,
    field_maps,
    stereo_evidence,
)
from tests.signal.strokes import RATE, bursts, wave

FAST = 48000


def noise(channels: int, samples: int, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal((channels, samples)).astype(np.float32)


def stereo(delay: int = 0, level: float = 0.0, samples: int = FAST) -> np.ndarray:
    """White noise that is heard left first by so many samples, and louder there by so many dB."""
    x = noise(1, samples + 100)[0]
    gains = 10 ** (np.array([[level], [-level]]) / 40)
    return (gains * np.stack([x[50 : 50 + samples], x[50 - delay : 50 - delay + samples]])).astype(
        np.float32
    )


def evidence(blocks, rate: int = FAST) -> list[np.ndarray]:
    return [np.concatenate(p) for p in zip(*stereo_evidence(blocks, rate), strict=True)]


@pytest.mark.parametrize("delay", [-36, -24, 0, 12, 36])
def test_a_delayed_copy_peaks_at_its_delay(delay):
    """12 samples are 0.25 ms; + is left first."""
    delays, levels, loud = evidence([stereo(delay)])
    assert delays.shape == (25, len(DELAYS)) and levels.shape == (25, len(LEVELS))
    assert loud.shape == (25, 1)
    assert DELAYS[delays.argmax(axis=1)] == pytest.approx(delay / FAST, abs=1e-9)


@pytest.mark.parametrize("level", [-7.0, -2.0, 0.0, 2.0, 7.0])
def test_a_level_difference_peaks_at_its_level(level):
    delays, levels, _ = evidence([stereo(level=level)])
    assert np.abs(LEVELS[levels.argmax(axis=1)] - level).max() < 0.26
    mean = (levels @ LEVELS) / levels.sum(axis=1)
    assert mean == pytest.approx(level, abs=0.05)
    assert DELAYS[delays.argmax(axis=1)] == pytest.approx(0, abs=1e-9)


def test_levels_beyond_the_ends_count_at_the_ends():
    x = stereo()
    x[1] = 0
    levels = evidence([x])[1]
    assert (levels.argmax(axis=1) == len(LEVELS) - 1).all()
    exchanged = evidence([x[::-1]])[1]
    assert (exchanged.argmax(axis=1) == 0).all()
    assert np.array_equal(levels, exchanged[:, ::-1])


def test_exchanged_channels_give_the_evidence_in_reverse():
    x = stereo(7, 3.3) + noise(2, FAST, seed=5)
    straight, exchanged = evidence([x]), evidence([x[::-1]])
    for a, b in zip(straight[:2], exchanged[:2], strict=True):
        assert np.abs(a - b[:, ::-1]).max() < 1e-3 * a.max()
    assert straight[2] == pytest.approx(exchanged[2], rel=1e-5)
    assert np.abs(straight[0] - straight[0][:, ::-1]).max() > 0.1 * straight[0].max()


def test_it_is_timed():
    """Left until 0.4 s (10 ticks), right from then on, 0.5 ms each; and twice as loud."""
    x = np.concatenate([stereo(24, samples=19_200), 2 * stereo(-24, samples=28_800)], axis=1)
    delays, _, loud = evidence([x])
    found = DELAYS[delays.argmax(axis=1)]
    assert found[:9] == pytest.approx(0.5e-3) and found[11:] == pytest.approx(-0.5e-3)
    assert loud[11:-1].mean() == pytest.approx(2 * loud[1:9].mean(), rel=0.05)


def test_what_sounds_first_counts_most():
    """Strokes from the left, and each time the room from the right, 20 ms later and as loud."""
    x = bursts(2)
    late = np.roll(x, round(0.02 * RATE))
    delays, _, _ = evidence([np.stack([x + np.roll(late, 8), np.roll(x, 8) + late])], RATE)
    whole = delays.sum(axis=0)
    left, right = (whole[np.abs(DELAYS - d).argmin()] for d in (0.5e-3, -0.5e-3))
    assert left > 1.5 * right


@pytest.mark.parametrize("size", [311, 4800, 30_000])
def test_every_split_gives_the_same(size):
    x = stereo(12, 2, FAST + 4000)
    for whole, parts in zip(
        evidence([x]), evidence(np.split(x, range(size, x.shape[1], size), axis=1)), strict=True
    ):
        assert len(whole) == 27
        assert parts == pytest.approx(whole, abs=1e-5 * float(whole.max()))
    x = wave(bursts(1.2), 37, 12)
    whole = np.concatenate(list(field_maps([x], RATE)))
    parts = np.concatenate(list(field_maps(np.split(x, range(size, x.shape[1], size), 1), RATE)))
    assert len(whole) == 30
    assert parts == pytest.approx(whole, abs=1e-5 * float(whole.max()))


@pytest.mark.parametrize(
    "azimuth, elevation", [(37, 12), (-110, -27), (179.5, 4), (-179.5, 40), (2, 71)]
)
def test_a_plane_wave_peaks_in_its_cell(azimuth, elevation):
    blocks = list(field_maps([wave(noise(1, RATE)[0], azimuth, elevation)], RATE))
    assert [b.shape for b in blocks] == [(25, ROWS, COLUMNS)]
    cell = int((0.5 - elevation / 180) * ROWS), int((0.5 - azimuth / 360) * COLUMNS)
    made = blocks[0].sum(axis=0)
    assert np.unravel_index(made.argmax(), made.shape) == cell
    # Most lies within 30 degrees of azimuth, where columns are about as wide as rows are high.
    if abs(elevation) < 35:
        near = np.take(made, cell[1] + np.arange(-8, 9), axis=1, mode="wrap")
        assert near.sum() > 0.95 * made.sum()


def test_a_mirrored_field_gives_the_mirrored_map():
    x = wave(bursts(1), 50, 20) + wave(bursts(1, seed=1), -100, -10)
    straight = np.concatenate(list(field_maps([x], RATE)))
    mirrored = np.concatenate(list(field_maps([x * [[1], [-1], [1], [1]]], RATE)))
    assert np.abs(straight - mirrored[..., ::-1]).max() < 1e-3 * straight.max()


def focus_of(x: np.ndarray) -> Focus:
    focus = Focus()
    if len(x) == 2:
        delays, levels, _ = evidence([x])
        focus.add(delays, levels.sum(axis=1))
    else:
        for maps in field_maps([x], RATE):
            focus.add(maps.sum(axis=1), LONE * maps.sum(axis=(1, 2)))
    return focus


def test_the_focus_of_one_place_is_one():
    for x in (stereo(20), wave(noise(1, RATE)[0], 37, 12), wave(bursts(1), -179)):
        focus = focus_of(x)
        assert focus.one / focus.whole == pytest.approx(1, abs=0.15)
        assert focus.share == 1
    two = wave(bursts(1), 90) + wave(bursts(1, seed=1), -90)
    assert focus_of(two).share == 1


def test_diffuse_sound_and_silence_have_no_focus():
    spread = noise(4, 2 * RATE) * np.array([[1], [0.577], [0.577], [0.577]], np.float32)
    swelling = (1 + np.sin(7 * np.arange(2 * RATE) / RATE)).astype(np.float32)
    for x in (noise(2, 2 * FAST), spread, swelling * spread):
        focus = focus_of(x)
        assert 0 < focus.one / focus.whole < DIFFUSE
        assert focus.share == 0
    assert Focus().share == 0 and focus_of(np.zeros((2, FAST), np.float32)).share == 0
    middle = Focus((DIFFUSE + FOCUSED) / 2, 1)
    assert middle.share == pytest.approx(0.5)


def test_silence_and_what_is_no_sound():
    silent = np.zeros((4, RATE), np.float32)
    broken = wave(bursts(1), 33)
    broken[0, 3000:3100], broken[2, 9000] = np.nan, np.inf
    for x in (silent, broken):
        delays, levels, loud = evidence([x[:2]], RATE)
        sphere = np.concatenate(list(field_maps([x], RATE)))
        for made in (delays, levels, loud, sphere):
            assert np.isfinite(made).all()
            assert made.any() == x.any()
    made = sphere.sum(axis=0)
    assert made.sum(axis=0).argmax() == int((0.5 - 33 / 360) * COLUMNS)
    assert list(field_maps([], RATE)) == [] and list(stereo_evidence([], RATE)) == []


def test_rates_that_have_no_ticks_or_nothing_to_hear():
    with pytest.raises(ValueError, match="22051 Hz: expected a multiple of 25"):
        next(field_maps([np.zeros((4, 100), np.float32)], 22_051))
    with pytest.raises(ValueError, match="300 Hz: too low a rate"):
        next(stereo_evidence([np.zeros((2, 100), np.float32)], 300))
