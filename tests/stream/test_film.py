"""Films that are made: what was put in comes out, at its time, and twice the same."""

from fractions import Fraction

import numpy as np
import pytest

from avtools.errors import AvtoolsError
from avtools.stream.files import open_sound
from avtools.stream.film import ENDINGS, check_film, is_film, write_film
from avtools.stream.sound import Sound
from avtools.stream.spatial import Spatial, read_spatial
from avtools.stream.streams import list_streams
from avtools.stream.video import frames, video_facts
from tests.scenes import RATE, noise

WIDTH, HEIGHT, FPS = 128, 64, Fraction(30000, 1001)
COUNT = 20
COLOURS = np.array([(200, 30, 30), (30, 180, 40), (20, 40, 210)])


def pictures(in_parts_of: int = COUNT) -> list[np.ndarray]:
    """A bar of another colour and place in each, some pictures at a time."""
    all_of_them = np.full((COUNT, HEIGHT, WIDTH, 3), 90, np.uint8)
    for k in range(COUNT):
        all_of_them[k, :, 4 * k : 4 * k + 32] = COLOURS[k % 3]
    return [all_of_them[at : at + in_parts_of] for at in range(0, COUNT, in_parts_of)]


def sound_of(x: np.ndarray) -> Sound:
    marks = {"convention": "ambix", "order": 1} if x.shape[1] == 4 else {}
    blocks = iter([x.T[:, :999], x.T[:, 999:]])
    return Sound(blocks, RATE, x.shape[1], len(x), "made", marks=marks)


def made(path, channels: int = 2, lossless: bool = False, parts: int = COUNT, **more):
    x = noise(channels, round(COUNT / FPS * RATE))
    write_film(
        path, path.suffix, pictures(parts), (WIDTH, HEIGHT), FPS, sound_of(x), lossless, **more
    )
    return x


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("channels", [2, 4])
def test_nearly_lossless_is_nearly_what_it_was(tmp_path, ending, channels):
    path = tmp_path / f"film{ending}"
    x = made(path, channels, lossless=True)
    (seen,) = pictures()
    shown = list(frames(path))
    times = np.array([t for t, _ in shown])
    assert len(shown) == COUNT and np.abs(times - np.arange(COUNT) / float(FPS)).max() < 6e-4
    # Colours are kept at half the size: edges between them may blur.
    apart = np.abs(np.stack([p for _, p in shown]).astype(int) - seen)
    assert np.median(apart) <= 1 and np.mean(apart > 12) < 0.02
    with open_sound(str(path)) as sound:
        y = np.concatenate([b.copy() for b in sound.blocks], axis=1).T
    assert y.shape == x.shape and np.abs(y - x).max() < 2.0**-23


def test_ordinary_films_are_what_cameras_write(tmp_path):
    path = tmp_path / "film.mp4"
    x = made(path)
    facts = video_facts(path)
    assert (facts.codec, facts.pixel_format, facts.rate) == ("h264", "yuv420p", float(FPS))
    sound = next(s for s in list_streams(str(path)) if s.kind == "audio")
    with open_sound(str(path)) as heard:
        assert heard.codec == "aac"
        y = np.concatenate([b.copy() for b in heard.blocks], axis=1).T
    assert sound.rate is None or sound.rate == RATE
    # 256 kbit/s of noise: close to it, and on its sample.
    lags = range(-3, 4)
    match = [(y[8 + k : len(x) - 8 + k, 0] * x[8:-8, 0]).sum() for k in lags]
    assert lags[int(np.argmax(match))] == 0
    (seen,) = pictures()
    apart = np.abs(np.stack([p for _, p in frames(path)]).astype(int) - seen)
    assert 0 < apart.mean() < 6


def test_the_marks_of_360(tmp_path):
    around = Spatial(projection="equirectangular", ambisonic_order=1)
    made(tmp_path / "a.mp4", 4, spatial=around)
    says = read_spatial(tmp_path / "a.mp4")
    assert (says.projection, says.ambisonic_order, says.is_cropped) == (
        *("equirectangular", 1),
        False,
    )
    made(tmp_path / "b.mp4", 2)
    assert read_spatial(tmp_path / "b.mp4") == Spatial()


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_equal_pictures_make_equal_files(tmp_path, ending):
    made(tmp_path / f"a{ending}", parts=COUNT)
    made(tmp_path / f"b{ending}", parts=3)
    assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()


def test_what_can_not_be_written_is_refused_first():
    silence = sound_of(noise(2, 0))
    with pytest.raises(AvtoolsError, match=r"\.avi: expected one of \.mp4"):
        check_film(".avi", silence)
    silence.rate = 12345
    with pytest.raises(AvtoolsError, match="12345 Hz"):
        check_film(".mp4", silence)


def test_names_of_films():
    assert is_film("a.MP4") and not is_film("a.wav") and not is_film(None)
