"""Left and right of sight and sound: evidence with the right sign, that favours neither answer."""

import numpy as np
import pytest

from avtools.signal.hearing import DELAYS, LEVELS
from avtools.signal.sides import (
    FOV,
    KERNELS,
    FieldSides,
    StereoSides,
    in_time,
    lateral,
    seconds,
    spread_motion,
)
from avtools.signal.turn import READINGS

TICKS = 75
EXCHANGED = (False, True, True, False)  # which of the arguments of `add` have sides of sound
SEEN = (True, False, False, False)


def rhythm(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.convolve((rng.random(TICKS) < 0.1) * 1.0, np.exp(-np.arange(9) / 2))[:TICKS]


def bump(places: np.ndarray, at: float, width: float) -> np.ndarray:
    return np.exp(-0.5 * ((places - at) / width) ** 2)


def stereo(column: float, delay: float, level: float, seed: int = 0):
    """Something that moves in a column with a rhythm, heard with it at a delay and a level."""
    loud = rhythm(seed)[:, None]
    levels = bump(LEVELS, level, 1.5)
    motion = (
        20 * (loud * bump(np.arange(48), column, 2))[:, None] * bump(np.arange(27), 13, 3)[:, None]
    )
    return [
        motion.astype(np.float32),
        (loud * bump(DELAYS, delay, 0.1e-3)).astype(np.float32),
        (loud * levels / levels.sum()).astype(np.float32),
        loud.astype(np.float32),
    ]


def field(azimuth: float, seen: float, level: np.ndarray | None = None):
    def around(count: int, at: float) -> np.ndarray:
        off = (0.5 - (np.arange(count) + 0.5) / count) * 360 - at
        return bump((off + 180) % 360 - 180, 0, 10)

    loud = (rhythm(0) if level is None else level)[:, None]
    motion = 20 * (loud * around(96, seen))[:, None] * bump(np.arange(48), 24, 4)[:, None]
    heard = (loud * around(96, azimuth))[:, None] * bump(np.arange(24), 12, 2)[:, None]
    return [motion.astype(np.float32), heard.astype(np.float32)]


def chance(shapes, seed: int = 0):
    """Arrays for `add`: grey levels first; delays (the second of four) large enough to count."""
    rng = np.random.default_rng(seed)
    made = [rng.random((TICKS, *s)).astype(np.float32) for s in shapes]
    made[0] *= 20
    return made if len(made) == 2 else [made[0], 30 * made[1], *made[2:]]


ANY = {StereoSides: ((27, 48), (41,), (40,), (1,)), FieldSides: ((48, 96), (24, 96))}


def signs(kind, *windows) -> np.ndarray:
    sides = kind()
    for arrays in windows:
        sides.add(*arrays)
    return sides.signs()


def mirrored(arrays, which):
    return [
        np.ascontiguousarray(a[..., ::-1]) if m else a for a, m in zip(arrays, which, strict=True)
    ]


def test_columns_have_the_sines_of_a_lens():
    places = lateral()
    assert len(places) == 48
    assert places == pytest.approx(-places[::-1])
    assert (np.diff(places) < 0).all()  # + is left
    assert lateral(4800)[0] == pytest.approx(np.sin(np.deg2rad(FOV / 2)), abs=1e-3)
    assert lateral(2, 90)[0] == pytest.approx(np.sin(np.arctan(0.5)))


@pytest.mark.parametrize("kernel, places", [(KERNELS[0], DELAYS), (KERNELS[1], LEVELS)])
def test_kernels_put_left_with_left(kernel, places):
    assert kernel.shape == (len(places), 48)
    assert kernel == pytest.approx(-kernel[::-1]) and kernel == pytest.approx(-kernel[:, ::-1])
    left, right = (
        kernel[places > places.max() / 4][:, :20],
        kernel[places > places.max() / 4][:, 28:],
    )
    assert left.sum() > 0 > right.sum()
    assert left.min() > -1e-9 and right.max() < 1e-9


@pytest.mark.parametrize("column, delay, level", [(8, 0.4e-3, 6), (38, -0.3e-3, -4)])
def test_stereo_signs_say_aligned_and_flipped(column, delay, level):
    aligned = signs(StereoSides, stereo(column, delay, level))
    assert aligned.shape == (6,) and (aligned > 0.05).all()
    assert (signs(StereoSides, stereo(47 - column, delay, level)) < -0.05).all()


def test_delays_and_levels_speak_for_themselves():
    """Only levels tell (microphones at one place), or only delays do (far apart, equal)."""
    made = signs(StereoSides, stereo(8, 0, 6))
    assert made[:3] == pytest.approx(0, abs=1e-6) and (made[3:] > 0.05).all()
    made = signs(StereoSides, stereo(8, 0.4e-3, 0))
    assert (made[:3] > 0.05).all() and made[3:] == pytest.approx(0, abs=1e-6)


def test_delays_of_channels_with_nothing_in_common_say_nothing():
    motion, delays, levels, loud = stereo(8, 0.4e-3, 6)
    weak = signs(StereoSides, [motion, 0.15 * delays, levels, loud])
    assert (weak[:3] == 0).all() and (weak[3:] > 0.05).all()
    assert signs(StereoSides, [motion, 0.35 * delays, levels, loud]) == pytest.approx(
        signs(StereoSides, [motion, delays, levels, loud]), abs=1e-6
    )


@pytest.mark.parametrize("azimuth", [70, -20, 150])
def test_field_signs_say_aligned_and_flipped(azimuth):
    aligned = signs(FieldSides, field(azimuth, azimuth))
    assert aligned.shape == (READINGS,) and (aligned > 0.1).all()
    assert (signs(FieldSides, field(-azimuth, azimuth)) < -0.1).all()


@pytest.mark.parametrize("kind", [StereoSides, FieldSides])
def test_every_sign_changes_exactly_with_the_channels_and_with_the_picture(kind):
    """On anything at all: also where the answer is not clear."""
    windows = [chance(ANY[kind], seed) for seed in range(2)]
    whole = len(ANY[kind])
    sound, sight = (EXCHANGED, SEEN) if whole == 4 else ((False, True), (True, False))
    plain = signs(kind, *windows)
    assert np.abs(plain).min() > 1e-6
    for which in (sound, sight):
        other = signs(kind, *[mirrored(w, which) for w in windows])
        assert other == pytest.approx(-plain, abs=1e-6)
    both = [mirrored(mirrored(w, sound), sight) for w in windows]
    assert signs(kind, *both) == pytest.approx(plain, abs=1e-6)


@pytest.mark.parametrize("kind", [StereoSides, FieldSides])
def test_how_loud_it_is_does_not_matter(kind):
    motion, *sound = chance(ANY[kind])
    louder = [motion, *[30 * a for a in sound]]
    assert signs(kind, louder) == pytest.approx(signs(kind, [motion, *sound]), abs=1e-4)


def test_signs_lie_in_their_ranges():
    """Cosines; of fields a difference of two. The most: what is heard left and right in turn."""
    for seed in range(3):
        assert np.abs(signs(StereoSides, chance(ANY[StereoSides], seed))).max() <= 1
        assert np.abs(signs(FieldSides, chance(ANY[FieldSides], seed))).max() <= 2
    swap = (np.arange(TICKS) // 6 % 2)[:, None, None]
    steady = np.ones(TICKS)
    pairs = zip(field(60, 60, steady), field(-60, -60, steady), strict=True)
    assert 1 < signs(FieldSides, [np.where(swap, a, b) for a, b in pairs])[0] <= 2


@pytest.mark.parametrize("kind", [StereoSides, FieldSides])
def test_windows_add_up(kind):
    one, other = chance(ANY[kind], 0), chance(ANY[kind], 1)
    assert signs(kind, one, one) == pytest.approx(signs(kind, one), abs=1e-6)
    assert signs(kind, one, other) == pytest.approx(signs(kind, other, one), abs=1e-6)
    sides = kind()
    assert seconds(sides) == 0
    sides.add(*one)
    sides.add(*[a[:10] for a in other])
    assert seconds(sides) == pytest.approx((TICKS + 10) / 25)


@pytest.mark.parametrize("kind", [StereoSides, FieldSides])
def test_nothing_says_nothing(kind):
    assert (kind().signs() == 0).all()
    arrays = chance(ANY[kind])
    for k in range(2):
        none = [np.zeros_like(a) if i == k else a for i, a in enumerate(arrays)]
        if kind is StereoSides and k == 1:
            none[2] = np.zeros_like(none[2])
        assert signs(kind, none) == pytest.approx(0, abs=1e-9)
    for ticks in (1, 2, 12):
        assert np.isfinite(signs(kind, [a[:ticks] for a in arrays])).all()


def test_what_moves_in_time_is_marked():
    loud = rhythm(0)[:, None].astype(np.float32)
    motion = np.zeros((TICKS, 27, 48), np.float32)
    motion[:, 10, 8], motion[:, 10, 36] = loud[:, 0], 3 * rhythm(7)
    made = in_time(motion, loud)
    assert made.shape == (27, 48) and (made >= 0).all()
    assert np.unravel_index(made.argmax(), made.shape) == (10, 8)
    assert made[:, :24].sum() > 5 * made[:, 24:].sum()


def test_movements_are_spread_by_their_roots():
    motion = np.zeros((2, 27, 48), np.float32)
    motion[0, 13, 20], motion[1, 13, 20] = 1, 16
    made = spread_motion(motion)
    assert made.sum(axis=(1, 2)) == pytest.approx([1, 4], rel=1e-3)
    assert np.unravel_index(made[0].argmax(), made[0].shape) == (13, 20)
    assert made[0] == pytest.approx(made[1] / 4, abs=1e-6)
