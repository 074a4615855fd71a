"""Two sounds with known answers, in the open: what comes out is what each of them was."""

import numpy as np
import pytest

from avtools.signal.low_rank import start
from avtools.signal.motion import TICKS
from avtools.signal.pictured import evidence, far_off, followed
from avtools.signal.separate import Found, Wish, separate_blocks, told_apart
from avtools.signal.stretches import SPAN, STEP, stretches
from avtools.signal.two_places import Azimuths, Delays, rising, shares, two_ways

RATE = 8000
LATE = 4  # samples between the ears: 0.5 ms
SECONDS = 5.0


def beats(seconds: float, times, tone: float, seed: int) -> np.ndarray:
    """Strokes that ring, with harmonics of a tone."""
    t = np.arange(round(seconds * RATE)) / RATE
    rng = np.random.default_rng(seed)
    envelope = np.zeros_like(t)
    for time in times:
        since = np.maximum(t - time, 0)
        envelope += np.exp(-since / 0.12) * np.minimum(since / 0.01, 1)
    phases = rng.uniform(0, 2 * np.pi, 5)
    ring = sum(np.sin(2 * np.pi * k * tone * t + p) / k for k, p in enumerate(phases, 1))
    return envelope * ring + 1e-3 * rng.standard_normal(len(t))


def at_ears(sound: np.ndarray, lead: int) -> np.ndarray:
    """(2, n): the left ear hears it so many samples before the right one."""
    first, second = max(-lead, 0), max(lead, 0)
    return np.stack([np.roll(sound, first), np.roll(sound, second)]).astype(np.float32)


def two(seconds: float = SECONDS):
    """Images (2, 2, n) of a sound on the left and one on the right, and their rhythms."""
    rng = np.random.default_rng(5)
    rhythms = [np.cumsum(rng.uniform(0.3, 0.9, int(seconds / 0.6))) for _ in range(2)]
    images = [
        at_ears(beats(seconds, times, tone, k), lead)
        for k, (times, tone, lead) in enumerate(
            zip(rhythms, (310, 437), (LATE, -LATE), strict=True)
        )
    ]
    return np.stack(images), rhythms


def moving(seconds: float, times, column: int) -> np.ndarray:
    """Movement (ticks, 27, 48) in one place, at each stroke."""
    ticks = round(seconds * TICKS)
    made = np.zeros((ticks, 27, 48), np.float32)
    for time in times:
        first = round(time * TICKS)
        made[first : first + 3, 12:15, column - 1 : column + 2] += 5.0
    return made


def gain_of(made: np.ndarray, image: np.ndarray, mixture: np.ndarray) -> float:
    """dB by which an image is nearer to what was made than to the mixture."""
    error = lambda y: ((y - image) ** 2).sum()  # noqa: E731
    return 10 * np.log10(error(mixture) / error(made))


def separated(mixture, seen, wish=None, found=None, size=4000) -> np.ndarray:
    blocks = (mixture[:, k : k + size] for k in range(0, mixture.shape[1], size))
    made = separate_blocks(blocks, RATE, [[s] for s in seen], wish or Wish(), found)
    return np.concatenate(list(made), axis=2)


def test_two_delays_are_found_where_they_are():
    images, _ = two()
    spectra = np.fft.rfft(
        np.lib.stride_tricks.sliding_window_view(images.sum(0), 512, -1)[:, ::256] * np.hanning(512)
    )
    places = Delays(np.arange(257) * RATE / 512)
    weights = rising(spectra)
    ways = two_ways(places, places.seen(spectra), weights)
    assert np.abs(np.median(ways, axis=1) * RATE - (LATE, -LATE)).max() < 0.5
    share = shares(places, places.seen(spectra), ways, weights)
    power = (images**2).sum(axis=1)
    power = np.stack([power[:, k * 256 : k * 256 + 512].sum(1) for k in range(len(share))], 1)
    loud = power.max(axis=0) > 0.02 * power.max()
    first, other = loud & (power[0] > 20 * power[1]), loud & (power[1] > 20 * power[0])
    assert np.median(share[first]) > 0.6 > 0.4 > np.median(share[other])


def test_two_azimuths_are_found_also_behind():
    rng = np.random.default_rng(0)
    azimuths = np.deg2rad([50.0, -170.0])
    x = 0
    for k, a in enumerate(azimuths):
        s = rng.standard_normal((80, 257)) + 1j * rng.standard_normal((80, 257))
        s *= rng.uniform(0, 1, (80, 257)) < 0.3
        s[(np.arange(80) // 8) % 2 == k] *= 3
        x = x + np.array([1, np.sin(a), 0, np.cos(a)])[:, None, None] * s
    places = Azimuths(np.arange(257) * RATE / 512)
    ways = np.median(two_ways(places, places.seen(x), rising(x)), axis=1)
    away = np.abs(np.exp(1j * ways[:, None]) - np.exp(1j * azimuths))
    assert away.min(axis=0).max() < 0.12 and away.min(axis=1).max() < 0.12


def test_the_likelihood_of_the_parts_grows():
    rng = np.random.default_rng(1)
    x = (rng.standard_normal((2, 60, 40)) + 1j * rng.standard_normal((2, 60, 40))) / 2
    x = x.astype(np.complex64) * np.repeat([2.0, 0.3], 30)[None, :, None]
    loud = np.stack([np.repeat([1.0, 0.1], 30), np.repeat([0.1, 1.0], 30)])
    arrivals = np.broadcast_to(np.eye(2), (3, 40, 2, 2))
    parts = start(x, loud, arrivals, None, 4)

    def likelihood():
        c = sum(p[..., None, None] * r for p, r in zip(parts.powers(), parts.arrivals, strict=True))
        c = c + 1e-6 * np.eye(2)
        y = np.linalg.solve(c, np.moveaxis(x, 0, -1)[..., None])[..., 0]
        fit = (np.conj(np.moveaxis(x, 0, -1)) * y).sum(-1).real
        return -(np.log(np.linalg.det(c).real) + fit).mean()

    values = [likelihood()]
    for _ in range(6):
        parts.refine(x, 2)
        values.append(likelihood())
    assert values[-1] > values[0] + 0.1 and np.diff(values).min() > -0.02


def test_both_sounds_are_taken_out():
    images, _ = two()
    mixture = images.sum(axis=0)
    sounds = told_apart(mixture, RATE, False).sounds
    for image, made in zip(images, sounds, strict=True):
        assert gain_of(made, image, mixture) > 8


@pytest.mark.parametrize("pictured", [0, 1])
def test_what_moves_is_taken_and_all_adds_up(pictured):
    images, rhythms = two()
    mixture = images.sum(axis=0)
    found = Found()
    seen = moving(SECONDS, rhythms[pictured], 24)
    made = separated(mixture, [seen], Wish(is_placed=False), found)
    assert made.shape == (2, *mixture.shape)
    assert np.abs(made.sum(axis=0) - mixture).max() < 1e-5
    assert found.is_seen and found.certainty > 0.8
    assert gain_of(made[0], images[pictured], mixture) > 6


def test_what_was_seen_before_holds_while_nothing_moves():
    """The pictured one stands still at the end, where the other one is the louder."""
    images, rhythms = two(36)
    images[1, :, 20 * RATE :] *= 2
    mixture = images.sum(axis=0)
    seen = moving(36, rhythms[0][rhythms[0] < 15], 24)
    made = separated(mixture, [seen], Wish(is_placed=False))
    end = slice(28 * RATE, None)
    assert gain_of(made[0, :, end], images[0][:, end], mixture[:, end]) > 3


def test_two_pictures_of_one_mixture_get_one_sound_each():
    images, rhythms = two()
    mixture = images.sum(axis=0)
    seen = [moving(SECONDS, rhythms[k], 24) for k in (1, 0)]
    made = separated(mixture, seen, Wish(is_placed=False))
    assert made.shape == (3, *mixture.shape)
    for k in (0, 1):
        assert gain_of(made[k], images[1 - k], mixture) > 6


def test_at_chooses_between_two_things_that_are_both_seen():
    images, rhythms = two()
    mixture = images.sum(axis=0)
    seen = moving(SECONDS, rhythms[0], 10) + moving(SECONDS, rhythms[1], 38)
    for k, at in enumerate((10.5 / 48, 38.5 / 48)):
        made = separated(mixture, [seen], Wish(is_placed=False, at=at))
        assert gain_of(made[0], images[k], mixture) > 6


def test_places_speak_where_rhythms_are_alike():
    far = far_off(np.array([[4e-4], [-4e-4]]), 48, 75.0)
    assert far[0, 4] < 0.1 < far[0, 24] < far[0, 43] and far[1, 43] < 0.1
    everywhere = np.random.default_rng(0).random((100, 27, 48)).astype(np.float32)
    levels = np.repeat(everywhere[:, 12, 40, None], 2, axis=1)
    scores, _ = evidence(everywhere, levels, far)
    assert scores[1] > scores[0] + 0.05


def test_nothing_moves_and_nothing_sounds():
    images, _ = two()
    still = np.zeros((125, 27, 48), np.float32)
    found = Found()
    mixture = 2 * images[0] + images[1]
    made = separated(mixture, [still], found=found)
    assert not found.is_seen
    assert gain_of(made[0], 2 * images[0], mixture) > 3
    silent = Found()
    made = separated(np.zeros((2, 20000), np.float32), [still], found=silent)
    assert not made.any() and silent.is_silent
    assert made.shape == (2, 2, 20000)


def test_a_long_sound_keeps_its_sources_over_the_stretches(monkeypatch):
    for module in ("separate", "stretches"):
        monkeypatch.setattr(f"avtools.signal.{module}.STEP", 2)
    monkeypatch.setattr("avtools.signal.stretches.SPAN", 3)
    images, rhythms = two(9.0)
    mixture = images.sum(axis=0)
    seen = moving(9.0, rhythms[1], 24)
    made = separated(mixture, [seen], Wish(is_placed=False))
    assert made.shape == (2, *mixture.shape)
    assert np.abs(made.sum(axis=0) - mixture).max() < 1e-5
    for part in range(3):
        some = slice(part * 3 * RATE, (part + 1) * 3 * RATE)
        assert gain_of(made[0][:, some], images[1][:, some], mixture[:, some]) > 5


@pytest.mark.parametrize("seconds", [0.01, 3.0, 19.9, 20.0, 33.3])
@pytest.mark.parametrize("size", [777, 100_000])
def test_stretches_cover_everything(seconds, size):
    rate, n = 100, round(seconds * 100)
    x = np.arange(n, dtype=np.float32)[None]
    seen = (np.full((25, 2, 2), k, np.float32) for k in range(2))
    got = list(stretches((x[:, k : k + size] for k in range(0, n, size)), rate, seen))
    for k, (part, (movement,), is_last) in enumerate(got):
        assert part[0, 0] == k * STEP * rate and is_last == (k == len(got) - 1)
        assert len(movement) == part.shape[1] * TICKS // rate
        assert is_last or part.shape[1] == SPAN * rate
    assert got[-1][0][0, -1] == n - 1


def test_no_or_three_pictures_are_refused():
    for count in (0, 3):
        with pytest.raises(ValueError, match="one or two"):
            next(separate_blocks(iter([np.zeros((2, 9), np.float32)]), RATE, [[]] * count, Wish()))


def test_a_sound_that_goes_round_is_known_by_what_goes_with_it():
    """Two sounds of one rhythm; what moves goes with the second one, over the back."""
    ticks, rows, columns = 250, 12, 96
    rng = np.random.default_rng(4)
    loud = np.repeat(rng.random(25) < 0.5, 10).astype(np.float32)
    azimuth = np.deg2rad(np.array([np.linspace(0, 90, 100), np.linspace(120, 240, 100)]))
    movement = np.zeros((ticks, rows, columns), np.float32)
    now = np.interp(np.arange(ticks), np.linspace(0, ticks, 100), azimuth[1])
    column = ((0.5 - now / (2 * np.pi)) * columns).astype(int) % columns
    movement[np.arange(ticks), 5, column] = loud
    levels = np.stack([loud, loud], axis=1)
    found = followed(movement, levels, azimuth, ticks / 25 / 100)
    assert found[1] > found[0] + 0.4
    assert np.allclose(followed(movement, levels, azimuth[::-1], 0.1), found[::-1], atol=1e-6)
