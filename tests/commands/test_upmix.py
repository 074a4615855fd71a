"""upmix, as a person runs it: a lamp that glows with bursts of noise, and its mono sound."""

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
