"""Are left and right exchanged? Scenes whose answer is known, and sound that has none."""

import numpy as np
import pytest

from avtools.signal.flip import STEREO_POWER, STEREO_WEIGHTS, SURE, check, probability
from avtools.signal.sides import StereoSides
from tests.signal.test_sides import stereo as window_of

RATE, FPS, SECONDS, COUNT = 16000, 12.5, 4.0, 3
MIRROR = np.array([[1], [-1], [1], [1]], np.float32)


def rendered(kind: str, size: tuple[int, int]):
    """Sounds and films of easy scenes: one thing, always seen, in the open."""
    import torch

    from avtools.world.drawing import draw
    from avtools.world.render import render

    torch.set_num_threads(1)
    made = render(draw(kind, "easy", np.arange(COUNT), SECONDS), size, FPS, RATE)
    films = [list(zip(made.times, f.numpy(), strict=True)) for f in made.frames]
    return list(zip(made.sound.numpy(), films, strict=True))


@pytest.fixture(scope="module")
def stereo():
    return rendered("stereo", (192, 108))


@pytest.fixture(scope="module")
def field():
    return rendered("360", (192, 96))


def mirrored(film):
    return [(time, picture[:, ::-1]) for time, picture in film]


def noise(channels: int, level: float, seed: int = 0) -> np.ndarray:
    shape = (channels, round(SECONDS * RATE))
    return (level * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def test_stereo_is_aligned_and_exchanged_channels_are_flipped(stereo):
    for sound, film in stereo:
        aligned, exchanged = check([sound], RATE, film), check([sound[::-1]], RATE, film)
        assert (aligned.verdict, exchanged.verdict) == ("aligned", "flipped")
        assert aligned.flipped < 1e-3
        assert exchanged.flipped == pytest.approx(1 - aligned.flipped, abs=1e-3)
        assert aligned.confidence == pytest.approx(1 - 2 * aligned.flipped)
        assert check([sound], RATE, mirrored(film)).verdict == "flipped"
        assert check([sound[::-1]], RATE, mirrored(film)).verdict == "aligned"


def test_a_field_is_aligned_and_a_mirrored_one_is_flipped(field):
    for sound, film in field:
        aligned = check([sound], RATE, film, is_360=True)
        exchanged = check([sound * MIRROR], RATE, film, is_360=True)
        assert (aligned.verdict, exchanged.verdict) == ("aligned", "flipped")
        assert exchanged.flipped == pytest.approx(1 - aligned.flipped, abs=1e-3)
        assert check([sound], RATE, mirrored(film), is_360=True).verdict == "flipped"


def test_every_split_into_blocks_gives_the_same(stereo):
    sound, film = stereo[0]
    # A weaker answer than the clear one, so that a difference would show.
    weak = sound.mean(axis=0) + 0.05 * sound
    whole = check([weak], RATE, film)
    assert 1e-6 < whole.flipped < 0.5
    for size in (999, 20_000):
        parts = check(np.split(weak, range(size, weak.shape[1], size), axis=1), RATE, film)
        assert parts.flipped == pytest.approx(whole.flipped, rel=1e-4)


def without_sides(sound: np.ndarray) -> dict[str, np.ndarray]:
    mid = sound.mean(axis=0, keepdims=True)
    return {
        "dual mono": sound[[0, 0]],
        "silence": 0 * sound,
        "a hum": 0 * sound + 0.1 * np.sin(np.arange(sound.shape[1]) / 40).astype(np.float32),
        "centred": mid + noise(2, 0.01 * float(mid.std())),
        "broken": np.full_like(sound, np.nan),
    }


def test_sound_without_sides_is_unsure(stereo):
    for sound, film in stereo:
        for name, flat in without_sides(sound).items():
            answer = check([flat], RATE, film)
            assert answer.verdict == "unsure", name
            assert answer.flipped == pytest.approx(0.5, abs=0.1), name
            assert answer.confidence < 0.2, name


def test_channels_with_nothing_in_common_are_unsure(stereo):
    """Diffuse sound, as loud as what is seen: its delays are chance."""
    for seed, (sound, film) in enumerate(stereo):
        diffuse = noise(2, 0.1, seed)
        assert check([diffuse], RATE, film).verdict == "unsure"
        level = np.sqrt(np.convolve(sound.mean(axis=0) ** 2, np.ones(400) / 400, "same"))
        assert check([diffuse * level.astype(np.float32)], RATE, film).verdict == "unsure"


def test_a_field_without_sides_is_unsure(field):
    sound, film = field[0]
    for flat in (0 * sound, sound * [[1], [0], [1], [1]]):
        answer = check([flat.astype(np.float32)], RATE, film, is_360=True)
        assert answer.verdict == "unsure" and answer.flipped == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("kind", ["stereo", "field"])
def test_where_nothing_moves_it_is_unsure(kind, request):
    sound, film = request.getfixturevalue(kind)[0]
    still = [(time, film[0][1]) for time, _ in film]
    answer = check([sound], RATE, still, kind == "field")
    assert (answer.verdict, answer.flipped, answer.confidence) == ("unsure", 0.5, 0)


@pytest.mark.parametrize("kind", ["stereo", "field"])
def test_very_short_and_empty_clips_have_an_answer(kind, request):
    sound, film = request.getfixturevalue(kind)[0]
    for seconds in (0.5, 0.04, 0.01):
        answer = check([sound[:, : int(seconds * RATE)]], RATE, film, kind == "field")
        assert 0 <= answer.flipped < 0.95  # not wrong
        assert answer.verdict == "unsure" or seconds == 0.5
        assert len(answer.windows) <= 1
    for blocks, shots in (([], film), ([sound], []), ([sound[:, :0]], film), ([sound], film[:1])):
        answer = check(blocks, RATE, shots, kind == "field")
        assert (answer.verdict, answer.flipped, answer.windows) == ("unsure", 0.5, ())
        assert len(answer.track.times) == 0


def test_the_probability_grows_with_the_length_up_to_ten_seconds():
    def logit(count: int, swap: bool = False) -> float:
        motion, delays, levels, loud = window_of(22, 0.02e-3, 0.1)  # 3 s
        sides = StereoSides()
        for _ in range(count):
            if swap:
                sides.add(motion, delays[:, ::-1], levels[:, ::-1], loud)
            else:
                sides.add(motion, delays, levels, loud)
        p = probability(sides, STEREO_WEIGHTS, STEREO_POWER)
        return np.log(p / (1 - p))

    assert logit(1) < 0
    assert logit(2) / logit(1) == pytest.approx(2**STEREO_POWER, rel=1e-4)
    assert logit(5) == pytest.approx(logit(4), rel=1e-4)
    assert logit(2, swap=True) == pytest.approx(-logit(2), rel=1e-4)
    assert probability(StereoSides(), STEREO_WEIGHTS, STEREO_POWER) == 0.5


def test_the_verdict_is_sure_or_none(stereo):
    """Sides that become weaker and weaker: aligned, and then unsure, never flipped."""
    sound, film = stereo[1]
    mid = sound.mean(axis=0, keepdims=True)
    found = [check([mid + share * (sound - mid)], RATE, film) for share in (1, 0.1, 0.01, 0)]
    for answer in found:
        sure = max(answer.flipped, 1 - answer.flipped) >= SURE
        assert answer.verdict == ("aligned" if sure else "unsure")
    assert found[0].verdict == "aligned" and found[-1].verdict == "unsure"
    assert found[0].confidence > found[2].confidence > found[3].confidence


@pytest.mark.parametrize("kind", ["stereo", "field"])
def test_the_track_follows_what_is_heard_and_seen(kind, request):
    for sound, film in request.getfixturevalue(kind):
        answer = check([sound], RATE, film, kind == "field")
        track = answer.track
        # The last picture is taken one before the end.
        assert track.times == pytest.approx([0.5, 1.5, 2.5, 3.5])
        assert [(w.start, w.end) for w in answer.windows] == [(0, pytest.approx(3.92))]
        assert answer.windows[0].flipped == answer.flipped
        for places, weights in ((track.heard, track.heard_weight), (track.seen, track.seen_weight)):
            assert (np.abs(places) <= 1).all()
            assert weights.min() >= 0 and weights.max() == 1
        swapped = sound * MIRROR if kind == "field" else sound[::-1]
        other = check([swapped], RATE, film, kind == "field").track
        assert other.heard == pytest.approx(-track.heard, abs=1e-3)
        assert other.seen == pytest.approx(track.seen)
        side = np.sign(track.seen[np.abs(track.seen) > 0.15])
        assert (side * track.heard[np.abs(track.seen) > 0.15] > 0).mean() >= 0.5
    assert len(side)
