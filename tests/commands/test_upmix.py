"""upmix, as a person runs it: a lamp that glows with bursts of noise, and its mono sound."""

import shutil
from fractions import Fraction

import numpy as np
import pytest

from avtools.stream.film import write_film
from avtools.stream.sound import Sound
from avtools.stream.video import video_facts
from tests.scenes import avtools, load, load_bytes, needs_ffmpeg, noise, one_line, save, shell
from tests.signal.test_upmix import FPS, HEIGHT, WIDTH, lamp, strokes

RATE, SECONDS = 48000, 5


def bursts(channels: int = 1) -> np.ndarray:
    """(channels, samples); several are alike but for a little noise."""
    time = np.arange(SECONDS * RATE) / RATE
    level = sum(np.exp(-(time - t) / 0.06) * (time >= t) for t in strokes(SECONDS))
    own = np.random.default_rng(2).standard_normal((channels, len(time)))
    shared = np.random.default_rng(1).standard_normal(len(time))
    return (0.15 * level * (shared + 0.05 * own)).astype(np.float32)


def film(path, pictures=None, channels: int = 1):
    """With PCM sound, so that its samples are known."""
    x = bursts(channels)
    shown = np.stack([p for _, p in (lamp(SECONDS) if pictures is None else pictures)])
    sound = Sound(blocks=iter([x]), rate=RATE, channels=channels, frames=x.shape[1], bits=16)
    size = shown.shape[2], shown.shape[1]
    write_film(path, path.suffix, [shown], size, Fraction(FPS), sound, True, None)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return film(tmp_path_factory.mktemp("made") / "lamp.mkv")


def side(y: np.ndarray) -> float:
    """Level of the left against the right in dB, of what is high: (samples, 2)."""
    power = np.abs(np.fft.rfft(y.T.astype(float))) ** 2
    high = np.fft.rfftfreq(len(y), 1 / RATE) > 1500
    left, right = power[:, high].sum(axis=1)
    return 10 * np.log10(left / right)


def test_a_pipe_carries_stereo(tmp_path, made):
    done = avtools("upmix", made)
    assert done.returncode == 0 and done.stderr == b""
    y = load_bytes(done.stdout, tmp_path)
    came = load_bytes(avtools("convert", made).stdout, tmp_path)
    assert y.shape == (len(came), 2)
    assert np.abs(y.mean(axis=1) - came[:, 0]).max() < 1e-6
    assert side(y) > 2  # the lamp that goes with it is on the left


@needs_ffmpeg
def test_a_video_keeps_its_picture(tmp_path, made):
    done = avtools("upmix", made, "-o", tmp_path / "wide.mkv", "--plot", tmp_path / "where.png")
    assert done.returncode == 0, done.stderr
    packets = "ffmpeg -v error -i {} -map 0:v -c copy -f md5 -"
    assert shell(packets.format(made)).stdout == shell(packets.format(tmp_path / "wide.mkv")).stdout
    avtools("convert", tmp_path / "wide.mkv", "-o", tmp_path / "y.wav")
    assert side(load(tmp_path / "y.wav")) > 2
    assert (tmp_path / "where.png").read_bytes()[:4] == b"\x89PNG"


def test_stereo_needs_a_word(tmp_path):
    path = film(tmp_path / "two.mkv", channels=2)
    assert "2 channels, expected 1" in (line := one_line(avtools("upmix", path)))
    assert "--downmix" in line
    y = load_bytes(avtools("upmix", path, "--downmix").stdout, tmp_path)
    came = load_bytes(avtools("convert", path).stdout, tmp_path)
    assert np.abs(y.mean(axis=1) - came.mean(axis=1)).max() < 1e-6
    assert side(y) > 2 > 0.2 > abs(side(came))
    alone = load_bytes(avtools("upmix", path, "--channels", "1").stdout, tmp_path)
    assert np.abs(alone.mean(axis=1) - came[:, 1]).max() < 1e-6


def test_sound_from_a_pipe_and_a_picture_beside_it(tmp_path, made):
    save(tmp_path / "lamp.wav", bursts().T, RATE)
    whole = avtools("upmix", tmp_path / "lamp.wav", "--video", made)
    piped = shell(f"cat {tmp_path}/lamp.wav | avtools upmix --video {made}")
    y = load_bytes(whole.stdout, tmp_path)
    assert side(y) > 2
    assert np.array_equal(y, load_bytes(piped.stdout, tmp_path))
    made_too = tmp_path / "out.mkv"
    folder = avtools("upmix", tmp_path / "lamp.wav", "--video", made.parent, "-o", made_too)
    assert folder.returncode == 0, folder.stderr
    assert video_facts(str(made_too)).duration == SECONDS
    kept = load_bytes(avtools("convert", made_too).stdout, tmp_path)
    assert np.abs(y - kept).max() < 2**-22  # in 24 bits


def test_a_still_picture_is_told(tmp_path):
    still = ((t, p) for t, (_, p) in zip(np.arange(124) / FPS, list(lamp(0.1)) * 62, strict=True))
    path = film(tmp_path / "still.mkv", ((t, np.zeros_like(p)) for t, p in still))
    done = avtools("upmix", path)
    assert b"nothing in the picture goes with the sound" in done.stderr and done.returncode == 0
    y = load_bytes(done.stdout, tmp_path)
    assert np.array_equal(y[:, 0], y[:, 1])
    assert avtools("upmix", path, "-q").stderr == b""


def test_its_own_picture_stays_with_a_video_that_is_replaced(tmp_path, made):
    talk = tmp_path / "talk.mkv"
    shutil.copy(made, talk)
    before = talk.read_bytes()
    line = one_line(avtools("upmix", talk, "--video", made, "--in-place"))
    assert "--in-place" in line and talk.read_bytes() == before
    save(tmp_path / "talk.wav", bursts().T, RATE)
    line = one_line(avtools("upmix", tmp_path / "talk.wav", "--video", made, "--in-place"))
    assert "name the --output" in line


def test_a_plot_is_not_drawn_over_what_is_read(tmp_path, made):
    save(tmp_path / "talk.wav", bursts().T, RATE)
    shutil.copy(made, film_ := tmp_path / "film.png")
    (tmp_path / "list.csv").write_text("file\ntalk.wav\n")
    (tmp_path / "list.svg").symlink_to("list.csv")
    beside = ("--video", "film.png", "-o", "o.wav", "--plot")
    for given, plot in (("talk.wav", "./film.png"), ("list.csv", "list.svg")):
        line = one_line(avtools("upmix", given, *beside, plot, cwd=tmp_path))
        assert "is an input itself" in line
    shutil.copy(tmp_path / "talk.wav", sound := tmp_path / "talk.pdf")
    before = sound.read_bytes()
    line = one_line(avtools("upmix", "talk.pdf", *beside, "talk.pdf", cwd=tmp_path))
    assert "is an input itself" in line and sound.read_bytes() == before
    assert film_.read_bytes() == made.read_bytes() and not (tmp_path / "o.wav").exists()


def small(path, seconds: float = 1.0, size=(160, 90)):
    """The lamp, scaled, for a shorter while."""
    shown = [resized(p, size) for _, p in lamp(seconds)]
    x = bursts()[:, : round(seconds * RATE)]
    sound = Sound(blocks=iter([x]), rate=RATE, channels=1, frames=x.shape[1], bits=16)
    write_film(path, path.suffix, [np.stack(shown)], size, Fraction(FPS), sound, True, None)
    return path


def resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """To the nearest pixel."""
    width, height = size
    rows = (np.arange(height) + 0.5) * HEIGHT / height
    columns = (np.arange(width) + 0.5) * WIDTH / width
    return picture[rows.astype(int)][:, columns.astype(int)]


def test_folders(tmp_path):
    (folder := tmp_path / "in" / "sub").mkdir(parents=True)
    small(folder.parent / "a.mkv")
    small(folder / "b.mkv", 2.0)
    asked = (folder.parent, "-d", tmp_path / "out", "--plot", f"{tmp_path}/plots/", "--jobs", "2")
    done = avtools("upmix", *asked, "-q")
    assert done.returncode == 0 and done.stdout == b"", done.stderr
    for name, seconds in (("a", 1.0), ("sub/b", 2.0)):
        assert video_facts(str(tmp_path / "out" / f"{name}.mkv")).duration == seconds
        assert (tmp_path / "plots" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
    given, told = folder / "b.mkv", avtools("upmix", *asked, "--skip-existing", "-n")
    assert told.returncode == 0 and told.stdout == b""
    made = load_bytes(avtools("convert", tmp_path / "out" / "sub" / "b.mkv").stdout, tmp_path)
    alone = load_bytes(avtools("upmix", given, "-q").stdout, tmp_path)
    assert made.shape == alone.shape and np.abs(made - alone).max() < 2**-14


def test_a_portrait_picture(tmp_path):
    path = small(tmp_path / "tall.mkv", SECONDS, (90, 160))
    assert side(load_bytes(avtools("upmix", path).stdout, tmp_path)) > 2


@pytest.mark.parametrize("seconds", [3, 8])
def test_sound_longer_and_shorter_than_the_picture(tmp_path, made, seconds):
    count = seconds * RATE
    x = np.pad(bursts(), ((0, 0), (0, max(0, count - SECONDS * RATE))))[:, :count]
    x += np.float32(0.01) * noise(1, count).T  # something to hear to the end
    save(tmp_path / "x.wav", x.T, RATE)
    done = avtools("upmix", tmp_path / "x.wav", "--video", made)
    assert done.returncode == 0 and f"sound {seconds}.0 s, picture 5.0 s" in done.stderr.decode()
    y = load_bytes(done.stdout, tmp_path)
    assert y.shape == (count, 2) and np.abs(y.mean(axis=1) - x[0]).max() < 1e-6
    assert side(y) > 2
    if seconds > SECONDS:
        assert abs(side(y[-RATE:])) < 0.5  # back in the middle


def test_a_dead_channel(tmp_path, made):
    x = bursts(2)
    x[1] = 0
    save(tmp_path / "x.wav", x.T, RATE)
    asked = ("upmix", tmp_path / "x.wav", "--video", made)
    y = load_bytes(avtools(*asked, "--downmix").stdout, tmp_path)
    assert np.abs(y.mean(axis=1) - x[0] / 2).max() < 1e-6 and side(y) > 2
    dead = avtools(*asked, "--channels", "1")
    assert dead.returncode == 0 and dead.stderr == b""
    assert not load_bytes(dead.stdout, tmp_path).any()


def test_what_is_refused(tmp_path, made):
    assert "expected 0 to 4" in one_line(avtools("upmix", made, "--width", "-1"))
    assert "expected one of signal" in one_line(avtools("upmix", made, "--model", "big"))
    assert "--fov 5" in one_line(avtools("upmix", made, "--fov", "5"))
    save(tmp_path / "x.wav", noise(1))
    assert "--video" in one_line(avtools("upmix", tmp_path / "x.wav"))
    save(tmp_path / "four.wav", noise(4, SECONDS * RATE))
    line = one_line(avtools("upmix", tmp_path / "four.wav", "--video", made))
    assert "4 channels, expected 1" in line
    line = one_line(avtools("upmix", tmp_path / "x.wav", "--video", made, "-o", made))
    assert "is an input itself" in line
    assert f"{WIDTH} x {HEIGHT}" in one_line(avtools("upmix", made, "--equirect"))
