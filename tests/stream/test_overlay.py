"""A film with drawings: they are where they were drawn, and all else is as it was."""

from fractions import Fraction

import av
import numpy as np
import pytest

from avtools.errors import AvtoolsError
from avtools.stream.film import write_film
from avtools.stream.overlay import COLOURS, bar, box, drawn, heat, overlaid
from avtools.stream.sound import Sound
from avtools.stream.spatial import Spatial, read_spatial
from avtools.stream.video import frames, video_facts
from tests.scenes import needs_ffmpeg, noise, shell

RATE, FPS = 48000, 25
WIDTH, HEIGHT = 96, 48
WHITE = 255


def smooth(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A picture without sharp colours, which half the resolution of colour would blur."""
    rows, columns = np.mgrid[:height, :width]
    parts = [150 + 90 * columns / width, 30 + 60 * rows / height, 60 + 0 * rows]
    return np.stack(parts, axis=-1).astype(np.uint8)


def film(path, count: int = 10, spatial=None, size=(WIDTH, HEIGHT), channels: int = 2):
    x = noise(channels, count * RATE // FPS).T
    sound = Sound(blocks=iter([x]), rate=RATE, channels=channels, frames=x.shape[1], bits=16)
    pictures = np.stack([smooth(*size)] * count)
    write_film(path, path.suffix, [pictures], size, Fraction(FPS), sound, True, spatial)
    return path


def again(source, path, options: str):
    done = shell(f"ffmpeg -v error -y -i {source} {options} -strict -2 {path}")
    assert done.returncode == 0, done.stderr.decode()
    return path


def packets(path, kind: str) -> list[tuple]:
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        found = [p for p in container.demux(stream) if p.size]
        return [(float(p.pts * p.time_base), bytes(p) if kind == "audio" else None) for p in found]


def pictures(path) -> tuple[list[float], np.ndarray]:
    times, seen = zip(*frames(str(path)), strict=True)
    return list(times), np.stack(seen).astype(int)


def samples(path) -> list[np.ndarray]:
    """The planes of the first frame, as the file holds them."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        kind = np.uint8 if frame.format.components[0].bits == 8 else np.uint16
        planes = [(np.frombuffer(p, kind).reshape(p.height, -1), p.width) for p in frame.planes]
        return [lines[:, :width].astype(int) for lines, width in planes]


def corner(seconds: float, picture: np.ndarray) -> np.ndarray:
    """White at the top left, as a viewer sees it."""
    picture[: picture.shape[0] // 2, : picture.shape[1] // 3] = WHITE
    return picture


def is_white(picture: np.ndarray) -> np.ndarray:
    return picture.min(axis=-1) > 230


# ---- the film -----------------------------------------------------------------------------------


@needs_ffmpeg
@pytest.mark.parametrize("form", ["yuv420p", "yuv422p10le", "yuv444p", "gray"])
def test_what_is_not_drawn_on_stays_to_the_bit(tmp_path, form):
    source = again(film(tmp_path / "a.mkv"), tmp_path / "b.mkv", f"-c:v ffv1 -pix_fmt {form}")
    overlaid(str(source), str(tmp_path / "c.mkv"), corner)
    for given, made in zip(samples(source), samples(tmp_path / "c.mkv"), strict=True):
        rows, columns = given.shape[0] // 2, given.shape[1] // 3
        assert (given[rows:] == made[rows:]).all()
        assert (given[:, columns:] == made[:, columns:]).all()
        assert (given[:rows, :columns] != made[:rows, :columns]).any()
    assert pictures(tmp_path / "c.mkv")[0] == pictures(source)[0]
    assert packets(tmp_path / "c.mkv", "audio") == packets(source, "audio")


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("709.mkv", "-vf scale=out_color_matrix=bt709 -colorspace bt709 -c:v libx264 -crf 4"),
        ("full.mkv", "-vf scale=out_range=pc -color_range pc -pix_fmt yuv420p10le -c:v ffv1"),
        ("deep.mkv", "-pix_fmt yuv420p10le -c:v libx264 -crf 4"),
        ("rgb.mkv", "-c:v ffv1 -pix_fmt bgr0"),
        ("odd.mkv", "-vf crop=95:47 -pix_fmt yuv444p -c:v libx264 -crf 4"),
        ("old.avi", "-c:v mpeg4 -q:v 2 -c:a pcm_s16le"),
    ],
)
def test_colours_of_every_coding_are_understood(tmp_path, name, options):
    """Another matrix there than back moves the means by 8 and more, a wrong range by 6."""
    source = again(film(tmp_path / "a.mkv", 3), tmp_path / name, options)
    target = tmp_path / f"b{source.suffix}"
    shown = []

    def inverted(seconds, picture):
        shown.append(picture.astype(int))
        return 255 - picture

    overlaid(str(source), str(target), inverted, crf=4)
    (before, given), (after, made) = pictures(source), pictures(target)
    assert after == before
    assert np.abs((np.stack(shown) - given).mean(axis=(0, 1, 2))).max() < 2
    assert np.abs((made - (255 - given)).mean(axis=(0, 1, 2))).max() < 4


def test_frames_are_drawn_at_their_own_times(tmp_path):
    """Grey tells the time that the drawing was asked for; times count from `base`."""
    source, asked = film(tmp_path / "a.mkv", 12), []

    def clock(seconds, picture):
        asked.append(seconds)
        picture[:] = round(100 + 200 * seconds)
        return picture

    overlaid(str(source), str(tmp_path / "b.mkv"), clock, crf=4, base=Fraction(1, 5))
    times, made = pictures(tmp_path / "b.mkv")
    assert asked == [round(k / FPS - 0.2, 6) for k in range(12)]
    assert np.abs(made.mean(axis=(1, 2, 3)) - (100 + 200 * (np.array(times) - 0.2))).max() < 1.5


@needs_ffmpeg
@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_a_phone_video_is_drawn_on_upright(tmp_path, angle):
    turn = f"-c copy -metadata:s:v rotate={angle}"
    source = again(film(tmp_path / "a.mp4", 3), tmp_path / "phone.mp4", turn)
    overlaid(str(source), str(tmp_path / "b.mp4"), corner, crf=4)
    assert video_facts(tmp_path / "b.mp4").rotation == video_facts(source).rotation
    given, made = pictures(source)[1][0], pictures(tmp_path / "b.mp4")[1][0]
    assert made.shape == given.shape == ((96, 48, 3) if angle in (90, 270) else (48, 96, 3))
    expected = corner(0, given.copy())
    assert np.abs(made - expected).mean() < 2


@pytest.mark.parametrize("stereo", ["top-bottom", "left-right"])
def test_both_eyes_see_the_drawing(tmp_path, stereo):
    marked, size = Spatial(projection="equirectangular", stereo=stereo), (96, 96)
    source = film(tmp_path / "a.mp4", 2, marked, size, channels=4)
    shapes = []

    def draw(seconds, picture):
        shapes.append(picture.shape)
        return corner(seconds, picture)

    overlaid(str(source), str(tmp_path / "b.mp4"), draw, crf=4)
    made = is_white(pictures(tmp_path / "b.mp4")[1][0])
    eyes = np.split(made, 2, axis=0 if stereo == "top-bottom" else 1)
    assert set(shapes) == {(48, 96, 3) if stereo == "top-bottom" else (96, 48, 3)}
    for eye in eyes:
        high, wide = eye.shape[0] // 2, eye.shape[1] // 3
        assert eye[2 : high - 2, 2 : wide - 2].all() and not eye[high + 2 :].any()
        assert not eye[:, wide + 2 :].any()
    spatial = read_spatial(tmp_path / "b.mp4")
    assert (spatial.projection, spatial.stereo) == ("equirectangular", stereo)


def test_another_sound(tmp_path):
    source, x = film(tmp_path / "a.mkv"), noise(2, 10 * RATE // FPS, seed=5).T
    sound = Sound(blocks=iter([x]), rate=RATE, channels=2, frames=x.shape[1], bits=16)
    overlaid(str(source), str(tmp_path / "b.mkv"), corner, sound=sound)
    with av.open(str(tmp_path / "b.mkv")) as container:
        heard = [f.to_ndarray().reshape(-1, 2) for f in container.decode(audio=0)]
    assert np.abs(np.concatenate(heard).T / 32768.0 - x).max() < 1e-3


def test_a_film_appears_whole_or_not_at_all(tmp_path):
    source, target = film(tmp_path / "a.mp4"), tmp_path / "new" / "b.mp4"
    count = iter(range(5))

    def breaking(seconds, picture):
        if next(count) == 3:
            raise AvtoolsError("the fourth picture")
        return picture

    with pytest.raises(AvtoolsError, match="the fourth picture"):
        overlaid(str(source), str(target), breaking)
    assert list(target.parent.iterdir()) == []
    overlaid(str(source), str(target), corner)
    assert [p.name for p in target.parent.iterdir()] == ["b.mp4"]


def test_what_is_refused(tmp_path):
    source = film(tmp_path / "a.mp4", 3)
    with pytest.raises(AvtoolsError, match="an overlay is a video, expected an ending"):
        overlaid(str(source), str(tmp_path / "b.wav"), corner)
    with pytest.raises(AvtoolsError, match="is an input itself"):
        overlaid(str(source), str(source), corner)
    with pytest.raises(ValueError, match=r"expected .* uint8"):
        overlaid(str(source), str(tmp_path / "b.mp4"), lambda seconds, picture: picture[::2])


def test_only_the_first_picture_of_a_file_is_drawn_on(tmp_path):
    """Analyses look at no other."""
    factory = drawn(corner)
    with (
        av.open(str(film(tmp_path / "a.mkv", 2))) as source,
        av.open(str(tmp_path / "b.mkv"), "w") as sink,
    ):
        kinds = [type(factory(source.streams.video[0], sink)).__name__ for _ in range(2)]
    assert kinds == ["DrawnPicture", "Picture"]


# ---- the drawings -------------------------------------------------------------------------------


def test_a_box_is_drawn_at_its_edges():
    picture = box(np.zeros((240, 320, 3), np.uint8), (100, 60, 80, 50), colour=COLOURS[0])
    of_colour = (picture == COLOURS[0]).all(axis=-1)
    rows, columns = np.flatnonzero(of_colour.any(axis=1)), np.flatnonzero(of_colour.any(axis=0))
    assert (columns[0], columns[-1], rows[0], rows[-1]) == (100, 180, 60, 110)
    assert not picture[65:105, 105:175].any()  # what is inside stays


@pytest.mark.parametrize(
    "place", [(-50, -20, 90, 60), (300, 200, 500, 500), (1e9, 0, 5, 5), (np.nan, 0, 5, 5)]
)
def test_a_box_beyond_the_picture_does_no_harm(place):
    picture = box(np.zeros((240, 320, 3), np.uint8), place, "a label, wider than all é")
    assert picture.shape == (240, 320, 3)
    assert picture.any() == np.isfinite(place).all()


def test_a_label_lies_in_the_picture():
    for place in ((0, 0, 30, 30), (310, 235, 30, 30), (150, 100, 30, 30)):
        plain = box(np.zeros((240, 320, 3), np.uint8), place)
        named = box(np.zeros((240, 320, 3), np.uint8), place, "0.93")
        more = (named == COLOURS[0]).all(axis=-1) & ~(plain == COLOURS[0]).all(axis=-1)
        assert more.sum() > 150
        assert ((named != plain).any(axis=-1) & ~more).any()  # and dark letters on it


def test_a_bar_goes_from_top_to_bottom():
    picture = bar(np.zeros((240, 320, 3), np.uint8), 77.3, colour=COLOURS[1])
    assert (picture[:, 77] == COLOURS[1]).all()
    assert not picture[:, :70].any() and not picture[:, 85:].any()
    assert not bar(np.zeros((24, 32, 3), np.uint8), np.nan).any()


def test_heat_lies_where_the_map_has_it():
    values = np.zeros((6, 8))
    values[1, 5], values[4, 2] = 1.0, 0.4
    ground = smooth(320, 240)
    made = heat(ground.copy(), values, alpha=0.5).astype(int)
    changed = np.abs(made - ground).max(axis=-1)
    top = np.unravel_index(changed.argmax(), changed.shape)
    assert abs(top[0] - 60) <= 21 and abs(top[1] - 220) <= 21
    assert changed[:30, :100].max() <= 1  # where nothing is the picture stays
    assert changed[175:185, 95:105].max() > 5
    # The more, the lighter the colour that is laid over black.
    black = [heat(np.zeros((9, 9, 3), np.uint8), np.full((3, 3), v)).mean() for v in (0.2, 0.6, 1)]
    assert black[0] < black[1] < black[2]


def test_a_map_of_odd_numbers():
    values = np.array([[np.nan, -3.0], [np.inf, 7.0]])
    made = heat(np.zeros((20, 20, 3), np.uint8), values)
    assert not made[:4, :].any() and made[16:, :].min() > 50
    with pytest.raises(ValueError, match="expected"):
        heat(np.zeros((20, 20, 3), np.uint8), np.zeros(5))
