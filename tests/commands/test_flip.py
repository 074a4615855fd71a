"""flip, as a person runs it."""

import numpy as np
import pytest

from avtools.stream.sound import Sound
from avtools.stream.video import frames
from avtools.stream.wire import write_wire
from tests.scenes import RATE, avtools, load, load_bytes, needs_ffmpeg, noise, one_line, save, shell


def test_stereo_changes_places(tmp_path):
    x = noise(2)
    save(tmp_path / "x.wav", x)
    done = avtools("flip", tmp_path / "x.wav")
    assert done.returncode == 0 and done.stderr == b""
    assert np.array_equal(load_bytes(done.stdout, tmp_path), x[:, ::-1])


@pytest.mark.parametrize("channels", [2, 4, 9, 16])
def test_twice_is_bit_exact(tmp_path, channels):
    x = noise(channels)
    save(tmp_path / "x.wav", x)
    done = shell(f"avtools flip {tmp_path}/x.wav | avtools flip")
    assert np.array_equal(load_bytes(done.stdout, tmp_path), x)


@pytest.mark.parametrize(
    ("convention", "signs"),
    [("ambix", [1, -1, 1, 1]), ("n3d", [1, -1, 1, 1]), ("fuma", [1, 1, -1, 1]),
     ("wxy", [1, 1, -1]), ("youtube", [1, -1, 1, 1, 1, 1])],
)  # fmt: skip
def test_the_left_right_channel_changes_its_sign(tmp_path, convention, signs):
    x = noise(len(signs))
    save(tmp_path / "x.wav", x)
    done = avtools("flip", tmp_path / "x.wav", "--from", convention)
    assert np.array_equal(load_bytes(done.stdout, tmp_path), x * np.float32(signs))


def test_a_mark_in_the_pipe_is_believed(tmp_path):
    x = noise(4)
    path = tmp_path / "x.wav"
    with path.open("wb") as file:
        marks = {"convention": "fuma", "order": 1}
        write_wire(file.fileno(), Sound(iter([x.T]), RATE, 4, len(x), marks=marks))
    y = load_bytes(avtools("flip", input=path.read_bytes()).stdout, tmp_path)
    assert np.array_equal(y, x * np.float32([1, 1, -1, 1]))


def test_what_has_no_left_and_right(tmp_path):
    save(tmp_path / "one.wav", noise(1))
    assert "1 channel" in one_line(avtools("flip", tmp_path / "one.wav"))
    save(tmp_path / "three.wav", noise(3))
    assert "--from wxy" in one_line(avtools("flip", tmp_path / "three.wav"))
    save(tmp_path / "x.wav", noise(4))
    line = one_line(avtools("flip", tmp_path / "x.wav", "--from", "youtube"))
    assert "4 channels, but youtube has 6" in line


@needs_ffmpeg
def test_surround_is_not_taken_for_ambisonics(tmp_path):
    save(tmp_path / "six.wav", noise(6))
    shell(f"ffmpeg -v error -i {tmp_path}/six.wav -c:a aac {tmp_path}/six.m4a")
    assert "--from youtube" in one_line(avtools("flip", tmp_path / "six.m4a"))
    done = avtools("flip", tmp_path / "six.m4a", "--from", "youtube", "-o", tmp_path / "y.wav")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A short video: red on the left, blue on the right; a tone on the left only."""
    folder = tmp_path_factory.mktemp("clip")
    path = folder / "clip.mp4"
    done = shell(
        "ffmpeg -v error -f lavfi -i color=red:s=64x64:r=10:d=1 -f lavfi -i "
        "color=blue:s=64x64:r=10:d=1 -f lavfi -i 'aevalsrc=0.3*sin(2*PI*440*t)|0:s=48000:d=1' "
        f"-filter_complex '[0][1]hstack' -c:a aac -b:a 192k -pix_fmt yuv420p {path}"
    )
    assert done.returncode == 0, done.stderr
    return path


def left_is_red(path) -> bool:
    _, picture = next(frames(str(path)))
    return bool(picture[32, 10, 0] > 150 > picture[32, 10, 2])


@needs_ffmpeg
def test_video_keeps_its_picture_unless_asked(tmp_path, clip):
    assert avtools("flip", clip, "-o", tmp_path / "sound.mp4").returncode == 0
    assert left_is_red(tmp_path / "sound.mp4")
    packets = "ffmpeg -v error -i {} -map 0:v -c copy -f md5 -"
    assert (
        shell(packets.format(clip)).stdout == shell(packets.format(tmp_path / "sound.mp4")).stdout
    )
    avtools("convert", tmp_path / "sound.mp4", "-o", tmp_path / "y.wav")
    left, right = load(tmp_path / "y.wav").T
    assert np.std(right) > 0.15 > 0.01 > np.std(left)


@needs_ffmpeg
def test_picture_is_mirrored_with_it(tmp_path, clip):
    assert avtools("flip", clip, "--picture", "-o", tmp_path / "both.mp4").returncode == 0
    assert not left_is_red(tmp_path / "both.mp4")
    assert avtools("flip", tmp_path / "both.mp4", "--picture", "-o", tmp_path / "again.mp4")
    assert left_is_red(tmp_path / "again.mp4")


@needs_ffmpeg
def test_picture_needs_a_video_to_write_to(tmp_path, clip):
    line = one_line(avtools("flip", clip, "--picture", "-o", tmp_path / "x.wav"))
    assert "--picture needs a video" in line


@needs_ffmpeg
def test_a_video_in_a_pipe_gives_its_sound(tmp_path, clip):
    long = "ffmpeg -v error -f lavfi -i anoisesrc=d=20:r=48000 -ac 2 -c:a alac"
    done = shell(f"{long} {tmp_path}/long.mp4; cat {tmp_path}/long.mp4 | avtools flip")
    assert "MP4 with its index at the end" in one_line(done)
    done = shell(f"ffmpeg -v error -i {clip} -c copy -f matroska - | avtools flip")
    assert done.returncode == 0, done.stderr
    left, right = load_bytes(done.stdout, tmp_path).T
    assert np.std(right) > 0.15 > 0.01 > np.std(left)
    assert avtools("flip", stdin=clip.open("rb")).returncode == 0  # a file as stdin can seek
