"""Sight and sound on one clock: a flash and a click of one moment have one time."""

import io
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
import soundfile

from avtools.commands.options import Inputs, checked_fov
from avtools.errors import AvtoolsError
from avtools.stream.film import write_film
from avtools.stream.sound import Sound
from avtools.stream.spatial import Spatial
from avtools.stream.together import field_of, stereo_of, together
from tests.scenes import ROOT, needs_ffmpeg, shell

RATE, FPS = 48000, 25
WIDTH, HEIGHT = 64, 32
MOMENT = 2.0  # of the flash and of the click


def clicking(seconds: float = 4.0, channels: int = 2) -> np.ndarray:
    """(channels, samples) with a click at MOMENT, its first channel the loudest."""
    x = np.zeros((channels, round(seconds * RATE)), np.float32)
    at = round(MOMENT * RATE)
    x[:, at : at + 96] = 0.8 * np.linspace(1, 0.5, channels)[:, None]
    return x


def flashing(seconds: float = 4.0, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Dark until MOMENT, bright from then on; the left half is red, the top half has more blue."""
    pictures = np.zeros((round(seconds * FPS), height, width, 3), np.uint8)
    pictures[:, :, : width // 2, 0] = 100
    pictures[:, : height // 2, :, 2] = 100
    pictures[round(MOMENT * FPS) :, ..., 1] = 200
    return pictures


def film(path, pictures=None, x=None, spatial=None):
    pictures = flashing() if pictures is None else pictures
    x = clicking() if x is None else x
    sound = Sound(blocks=iter([x]), rate=RATE, channels=len(x), frames=x.shape[1], bits=16)
    size = pictures.shape[2], pictures.shape[1]
    write_film(path, path.suffix, [pictures], size, Fraction(FPS), sound, True, spatial)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return film(tmp_path_factory.mktemp("film") / "film.mp4")


def again(made, path, options: str):
    """The film through ffmpeg; {} is where it comes from."""
    done = shell(f"ffmpeg -v error -y {options.format('-i ' + str(made))} -strict -2 {path}")
    assert done.returncode == 0, done.stderr.decode()
    return path


def silent(made, path):
    return again(made, path, "{} -an -c copy")


def taken(path, wish=None, **how):
    """What is read of one input: (flash, click, times of the pictures, Together)."""
    inputs = Inputs(files=[str(path)], **(wish or {}))
    with together(inputs, inputs.items()[0], **how) as both:
        seen = [(time, picture[..., 1].mean()) for time, picture in both.pictures()]
        x = np.concatenate([b.copy() for b in both.sound.blocks], axis=1)
    flash = next((time for time, green in seen if green > 100), None)
    loud = np.flatnonzero(np.abs(x[0]) > 0.3)
    click = loud[0] / RATE if len(loud) else None
    return flash, click, [time for time, _ in seen], both


def refusal(path, wish=None, **how) -> str:
    with pytest.raises(AvtoolsError) as caught:
        taken(path, wish, **how)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---- one clock ----------------------------------------------------------------------------------


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", "{} -c copy"),
        ("b.mp4", "{} -c:v copy -c:a aac"),
        ("c.mov", "{} -c:v copy -c:a pcm_s16le"),
        ("d.mkv", "{} -c copy"),
        ("e.mkv", "{} -c:v copy -c:a aac -output_ts_offset 100"),
        ("f.ts", "{} -c:v copy -c:a aac -output_ts_offset 7"),
        ("g.webm", "{} -c:v libvpx -b:v 1M -c:a libopus"),
        ("h.avi", "{} -c:v mjpeg -c:a pcm_s16le"),
        ("i.mp4", "-itsoffset 0.5 {} -c copy"),
    ],
)
def test_a_flash_and_a_click_of_one_moment_have_one_time(made, tmp_path, name, options):
    flash, click, times, both = taken(again(made, tmp_path / name, options))
    # WebM tells of Opus' start-up, 6.5 ms, only after the first frame's time.
    assert flash == pytest.approx(click, abs=0.008 if name == "g.webm" else 0.003)
    assert click == pytest.approx(MOMENT, abs=0.03)  # a codec's start-up comes before it
    assert len(times) == 4 * FPS and both.seconds == pytest.approx(4, abs=0.05)
    assert both.begin == 0


def test_a_window_moves_both(made):
    flash, click, times, both = taken(made, {"start": 1.6, "duration": 1.0})
    assert flash == pytest.approx(0.4) and click == pytest.approx(0.4, abs=1e-4)
    assert times == pytest.approx(np.arange(25) / FPS) and both.begin == pytest.approx(1.6)
    assert both.seconds == 1.0


def test_ticks_count_from_the_first_sample_that_is_taken(made):
    inputs = Inputs(files=[str(made)], start=1.23)
    with together(inputs, inputs.items()[0]) as both:
        seen = list(both.pictures(size=(32, 16), rate=10))
    assert [time for time, _ in seen] == [k / 10 for k in range(28)]
    assert {picture.shape for _, picture in seen} == {(16, 32, 3)}
    # The flash is at 2.0 - 1.23 = 0.77, first shown by the tick after it.
    assert next(time for time, picture in seen if picture[..., 1].mean() > 100) == 0.8


@needs_ffmpeg
def test_a_picture_that_begins_a_second_late(made, tmp_path):
    late = again(made, tmp_path / "late.mkv", "{0} -itsoffset 1 {0} -map 0:a -map 1:v -c copy")
    flash, click, times, both = taken(late)
    assert times[0] == pytest.approx(1, abs=0.002) and click == pytest.approx(2, abs=0.002)
    assert flash == pytest.approx(3, abs=0.002) and both.begin == 0


@needs_ffmpeg
def test_a_sound_that_begins_late(made, tmp_path):
    late = again(made, tmp_path / "late.mkv", "{0} -itsoffset 0.5 {0} -map 0:v -map 1:a -c copy")
    flash, click, times, both = taken(late)
    assert both.begin == pytest.approx(0.5, abs=0.002)  # rows count from the file's beginning
    assert click == pytest.approx(2, abs=0.002) and flash == pytest.approx(1.5, abs=0.002)
    assert 0 <= times[0] <= 0.04 and times[-1] == pytest.approx(3.46, abs=0.002)


# ---- a picture in a file of its own -------------------------------------------------------------


def test_a_sound_takes_the_picture_of_its_name_in_a_folder(made, tmp_path):
    soundfile.write(tmp_path / "film.wav", clicking().T, RATE)
    for video in (str(made), str(made.parent)):
        flash, click, _, both = taken(tmp_path / "film.wav", video=video)
        assert (flash, click) == (2.0, 2.0) and both.video == str(made)
    assert both.sound.name == str(tmp_path / "film.wav")
    soundfile.write(tmp_path / "other.wav", clicking().T, RATE)
    said = refusal(tmp_path / "other.wav", video=str(made.parent))
    assert said == f"{tmp_path}/other.wav: no video of the name other in {made.parent}"


@needs_ffmpeg
def test_the_sound_belongs_where_the_videos_own_begins(made, tmp_path):
    """What `avtools convert` puts there is heard there, and what it took from there was."""
    late = again(made, tmp_path / "late.mkv", "{0} -itsoffset 0.5 {0} -map 0:v -map 1:a -c copy")
    soundfile.write(tmp_path / "s.wav", clicking().T, RATE)
    flash, click, *_ = taken(tmp_path / "s.wav", video=str(late))
    assert click == 2 and flash == pytest.approx(1.5, abs=0.002)
    bare = again(silent(made, tmp_path / "v.mp4"), tmp_path / "v.ts", "{} -output_ts_offset 9")
    flash, *_ = taken(tmp_path / "s.wav", video=str(bare))
    assert flash == pytest.approx(2, abs=1e-3)


def test_a_sound_from_a_pipe(made):
    """The picture is --video's; without it the message says so."""
    code = (
        "import sys\n"
        "from avtools.commands.options import Inputs\n"
        "from avtools.errors import AvtoolsError\n"
        "from avtools.stream.together import together\n"
        "inputs = Inputs(files=['-'])\n"
        "try:\n"
        "    with together(inputs, inputs.items()[0], *sys.argv[1:]) as both:\n"
        "        frames = sum(x.shape[1] for x in both.sound.blocks)\n"
        "        print(both.sound.name, frames, len(list(both.pictures())), both.begin)\n"
        "except AvtoolsError as error:\n"
        "    print(error)\n"
    )
    wave = io.BytesIO()
    soundfile.write(wave, clicking(3.5).T, RATE, format="WAV")

    def said(*arguments, **stdin):
        start = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(start, capture_output=True, cwd=ROOT, **stdin)
        assert done.returncode == 0 and b"Traceback" not in done.stderr, done.stderr
        return done.stdout.decode().strip()

    assert said(str(made), input=wave.getvalue()) == "standard input 168000 88 0.0"
    alone = "standard input: a pipe's picture is not read: name one, --video FILE"
    assert said(input=wave.getvalue()) == alone
    with open(made, "rb") as file:  # a file can be read a second time
        assert said(stdin=file) == "standard input 192000 100 0.0"


# ---- pictures of all kinds ----------------------------------------------------------------------


@needs_ffmpeg
@pytest.mark.parametrize(("angle", "red"), [(90, "bottom"), (270, "top"), (180, "right")])
def test_a_phone_held_upright(made, tmp_path, angle, red):
    turned = again(made, tmp_path / "turned.mp4", f"{{}} -c copy -metadata:s:v rotate={angle}")
    inputs = Inputs(files=[str(turned)])
    with together(inputs, inputs.items()[0]) as both:
        _, picture = next(both.pictures())
    upright = angle != 180
    assert both.size == ((HEIGHT, WIDTH) if upright else (WIDTH, HEIGHT))
    assert picture.shape[:2] == both.size[::-1]
    middle = picture.shape[0] // 2
    halves = {"top": picture[:middle], "bottom": picture[middle:]}
    halves |= {"right": picture[:, picture.shape[1] // 2 :]}
    assert halves[red][..., 0].mean() > 80 and picture[..., 0].mean() < 60


def test_frames_keep_their_uneven_times(tmp_path):
    times = np.cumsum([0, 20, 33, 250, 40, 700, 33, 40, 125, 500])
    with av.open(str(tmp_path / "uneven.mkv"), "w") as out:
        video, audio = out.add_stream("libx264", rate=25), out.add_stream("flac", rate=RATE)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.codec_context.time_base, audio.layout = Fraction(1, 1000), "stereo"
        for k, time in enumerate(times):
            picture = np.full((HEIGHT, WIDTH, 3), 20 * k, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = int(time), Fraction(1, 1000)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        quiet = np.zeros((1, 2 * 2 * RATE), np.int16)
        frame = av.AudioFrame.from_ndarray(quiet, format="s16", layout="stereo")
        frame.sample_rate, frame.pts = RATE, 0
        out.mux([*audio.encode(frame), *audio.encode(None)])
    _, _, seen, _ = taken(tmp_path / "uneven.mkv")
    assert seen == pytest.approx(times / 1000, abs=1e-6)


@pytest.mark.parametrize("stereo", ["top-bottom", "left-right"])
def test_of_two_eyes_pictures_the_left_is_seen(tmp_path, stereo):
    size = (64, 64) if stereo == "top-bottom" else (128, 32)
    marked = Spatial(projection="equirectangular", stereo=stereo)
    path = film(tmp_path / "3d.mp4", flashing(2.4, *size), clicking(2.4, 4), marked)
    inputs = Inputs(files=[str(path)])
    with together(inputs, inputs.items()[0], kind="360") as both:
        whole = next(both.pictures())[1]
        small = next(both.pictures(size=(32, 16)))[1]
    assert both.is_360 and both.size == (64, 32)
    assert whole.shape == (32, 64, 3) and small.shape == (16, 32, 3)
    for picture in (whole, small):
        # The top half of the whole file is blue, its left half red.
        channel = 2 if stereo == "top-bottom" else 0
        assert picture[..., channel].mean() > 85 and picture.flags.c_contiguous


# ---- 360 ----------------------------------------------------------------------------------------


def test_what_nothing_marks_is_360_only_if_it_is_said(made, capsys):
    assert not taken(made)[3].is_360
    assert taken(made, equirect=True)[3].is_360 and capsys.readouterr().err == ""
    assert taken(made, kind="360")[3].is_360
    assert "taken as equirectangular" in capsys.readouterr().err
    assert not taken(made, kind="flat")[3].is_360


def test_shapes_that_are_no_sphere(tmp_path):
    wide = film(tmp_path / "wide.mp4", flashing(2.4, 64, 36), clicking(2.4))
    expected = "its picture is 64 x 36, but an equirectangular one is twice as wide as high"
    assert refusal(wide, equirect=True) == f"{wide}: {expected}"
    assert "64 x 36, but an equirectangular one is twice" in refusal(wide, kind="360")
    square = film(tmp_path / "square.mp4", flashing(2.4, 64, 64), clicking(2.4))
    for how in ({"equirect": True}, {"kind": "360"}):
        assert "--spherical top-bottom" in refusal(square, **how)
    eyes = Spatial(projection="equirectangular", stereo="top-bottom")
    tall = film(tmp_path / "tall.mp4", flashing(2.4, 64, 32), clicking(2.4), eyes)
    assert "its picture is 64 x 16 for each eye" in refusal(tall)


def test_other_projections(tmp_path):
    marked = Spatial(projection="equirectangular")
    ball = film(tmp_path / "ball.mp4", flashing(2.4), clicking(2.4), marked)
    assert taken(ball)[3].is_360
    assert "is marked as 360, expected an ordinary one" in refusal(ball, kind="flat")
    cube = tmp_path / "cube.mp4"
    cube.write_bytes(ball.read_bytes().replace(b"equi", b"cbmp"))
    for how in ({}, {"equirect": True}, {"kind": "360"}):
        assert "a picture in cubemap projection" in refusal(cube, **how)


# ---- lengths ------------------------------------------------------------------------------------


def test_sound_that_goes_on_beyond_the_picture(tmp_path, capsys):
    path = film(tmp_path / "long.mp4", flashing(3.0), clicking(6.0))
    flash, click, _, both = taken(path)
    said = capsys.readouterr().err
    assert f"{path}: sound 6.0 s, picture 3.0 s: what lies beyond is left out" in said
    assert (flash, click) == (2.0, 2.0) and both.seconds == pytest.approx(3.0)
    inputs = Inputs(files=[str(path)])
    for keep, seconds in ((False, 3), (True, 6)):
        with together(inputs, inputs.items()[0], keep_sound=keep) as both:
            assert sum(x.shape[1] for x in both.sound.blocks) == seconds * RATE
    assert "beyond it nothing is seen" in capsys.readouterr().err
    assert "its picture is over where" in refusal(path, {"start": 3.5})
    taken(path, {"duration": 2.5})
    assert capsys.readouterr().err == ""


def test_a_picture_that_goes_on_beyond_the_sound(tmp_path, capsys):
    path = film(tmp_path / "long.mkv", flashing(6.0), clicking(3.0))
    flash, click, times, _ = taken(path)
    assert "sound 3.0 s, picture 6.0 s: what lies beyond is left out" in capsys.readouterr().err
    assert (flash, click) == (2.0, 2.0) and len(times) == 3 * FPS and times[-1] < 3


@needs_ffmpeg
@pytest.mark.parametrize("name", ["s.wav", "s.m4a", "s.mka"])
def test_a_sound_of_its_own_may_be_shorter(made, tmp_path, capsys, name):
    soundfile.write(tmp_path / "s.wav", clicking(2.5).T, RATE)
    if name != "s.wav":
        again(tmp_path / "s.wav", tmp_path / name, "{} -c:a aac")
    _, _, times, both = taken(tmp_path / name, video=str(made))
    assert "sound 2.5 s, picture 4.0 s" in capsys.readouterr().err
    assert both.seconds == pytest.approx(2.5, abs=0.05)
    assert times[-1] == pytest.approx(2.48, abs=0.05)


def test_small_differences_are_nobodys_business(tmp_path, capsys):
    taken(film(tmp_path / "a.mp4", flashing(4.0), clicking(4.9)))
    taken(film(tmp_path / "b.mp4", flashing(12.0), clicking(13.1)))
    assert capsys.readouterr().err == ""


# ---- what is missing ----------------------------------------------------------------------------


def test_what_is_missing_is_said(made, tmp_path):
    wave = tmp_path / "s.wav"
    soundfile.write(wave, clicking().T, RATE)
    assert refusal(wave) == f"{wave}: no video stream: name the picture, --video FILE"
    said = refusal(made, video=str(wave))
    assert said == f"{wave}: no video stream, expected a picture"
    assert "No such file" in refusal(wave, video=str(tmp_path / "none.mp4"))
    assert "--video -: expected a file" in refusal(wave, video="-")
    (tmp_path / "text.mp4").write_text("no video, only words\n" * 100)
    assert "not a sound or video file" in refusal(wave, video=str(tmp_path / "text.mp4"))


@needs_ffmpeg
def test_a_video_without_sound(made, tmp_path):
    bare = silent(made, tmp_path / "bare.mp4")
    said = f"{bare}: no audio stream: name the sound as FILE, and this one by --video"
    assert refusal(bare) == said


def test_channels_that_are_needed(made, tmp_path):
    one = film(tmp_path / "one.mp4", x=clicking(4, 1))
    four = film(tmp_path / "four.mp4", x=clicking(4, 4))
    for path, channels in ((one, 1), (made, 2), (four, 4)):
        inputs = Inputs(files=[str(path)])
        with together(inputs, inputs.items()[0]) as both:
            if channels == 2:
                assert stereo_of(both).channels == 2
            else:
                with pytest.raises(AvtoolsError, match="but left and right need 2"):
                    stereo_of(both)
            if channels == 4:
                assert field_of(both).marks["convention"] == "ambix"
                assert field_of(both).channels == 4
            else:
                with pytest.raises(AvtoolsError, match="first-order ambisonics has 4"):
                    field_of(both)


def test_stereo_that_is_locked_to_the_head_takes_no_part(made, tmp_path):
    soundfile.write(tmp_path / "film.wav", clicking(4, 6).T, RATE)
    inputs = Inputs(files=[str(tmp_path / "film.wav")])
    with together(inputs, inputs.items()[0], str(made)) as both:
        field = field_of(both, "ambix+stereo")
        x = np.concatenate([b.copy() for b in field.blocks], axis=1)
    assert field.channels == 4 and "head_locked" not in field.marks
    assert np.allclose(x, clicking(4, 6)[:4], atol=1e-4)


def test_the_view_of_a_camera():
    assert checked_fov(None) == 75 and checked_fov(10) == 10 and checked_fov(170) == 170
    for wrong in (9.9, 171, float("nan"), float("inf"), -60):
        with pytest.raises(AvtoolsError, match="expected degrees from 10 to 170"):
            checked_fov(wrong)
