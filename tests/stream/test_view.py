"""A flat view: every ray of the picture where the gnomonic projection has it."""

import math
import shutil
import subprocess
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from avtools.dsp.sphere import unit_vectors
from avtools.errors import AvtoolsError
from avtools.stream.gaze import look_at
from avtools.stream.spatial import Spatial
from avtools.stream.video import frames, video_facts
from avtools.stream.view import Flat, cut, eye_of, flattened, left_eye

WIDTH, HEIGHT = 1440, 720
VIEWS = [(0, 0, 0), (40, 10, 0), (-170, -35, 25), (90, 80, -140), (180, 0, 90), (-60, -90, 0)]


def sphere(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """The direction of each pixel's centre, `(height, width, 3)`."""
    azimuth = 180 - 360 * (np.arange(width) + 0.5) / width
    elevation = 90 - 180 * (np.arange(height) + 0.5) / height
    return unit_vectors(azimuth[None], elevation[:, None])


def spot(direction: np.ndarray, radius: float = 3.0, **size) -> np.ndarray:
    angle = np.degrees(np.arccos(np.clip(sphere(**size) @ direction, -1, 1)))
    return (np.clip((radius - angle) / 1.0, 0, 1) * 220 + 16).astype(np.uint8)


def smooth_scene(part: float = 0.2, width: int = WIDTH, seed: int = 1):
    """A function of directions `(..., 3)` with no detail finer than `part` of Nyquist."""
    draw = np.random.default_rng(seed)
    waves = draw.normal(size=(16, 3))
    waves *= (
        part * width / 2 * draw.uniform(0.3, 1, (16, 1)) / np.linalg.norm(waves, axis=1)[:, None]
    )
    phases = draw.uniform(0, 2 * np.pi, 16)
    pairs = list(zip(waves, phases, strict=True))
    return lambda s: 128 + 90 * np.mean([np.cos(s @ w + p) for w, p in pairs], axis=0)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return 10 * math.log10(255**2 / ((a.astype(float) - b.astype(float)) ** 2).mean())


def rays(flat: Flat) -> np.ndarray:
    """Of each pixel's centre, in the view's own axes: the exact formula, plainly."""
    slope = math.tan(math.radians(flat.fov) / 2)
    x = (2 * (np.arange(flat.width) + 0.5) / flat.width - 1) * slope
    y = (1 - 2 * (np.arange(flat.height) + 0.5) / flat.height) * slope * flat.height / flat.width
    x, y = np.meshgrid(x, y)
    v = np.stack([np.ones_like(x), -x, y], axis=-1)
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def centre(picture: np.ndarray) -> np.ndarray:
    """Of the light, in pixels from the left and top edges."""
    light = np.clip(picture.astype(float) - 60, 0, None)
    rows, columns = np.indices(light.shape) + 0.5
    return np.array([(light * columns).sum(), (light * rows).sum()]) / light.sum()


@pytest.mark.parametrize("fov", [40, 90, 120])
@pytest.mark.parametrize("view", VIEWS)
def test_a_spot_is_where_its_ray_meets_the_picture(view, fov):
    flat, turn = Flat(640, 360, fov), look_at(*view)
    for x, y in ((0, 0), (-0.7, 0.5), (0.6, -0.6)):
        ray = np.array([1, -x * flat.slope, y * flat.slope * 360 / 640])
        ray /= np.linalg.norm(ray)
        # Small, since the projection of a large disc is no disc around the projected centre.
        seen = flattened(spot(turn.T @ ray, radius=1.5), flat, turn)
        found, wanted = centre(seen), np.array([320 * (1 + x), 180 * (1 - y)])
        assert np.allclose(flat.seen_at(ray), wanted)
        # Off the middle the disc is drawn out away from it: its light lies further out, too.
        far = 1.0 if fov < 120 or (x, y) == (0, 0) else 1.6
        assert np.abs(found - wanted).max() < far


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(("fov", "least"), [(30, 50), (90, 50), (120, 50)])
def test_the_picture_is_the_exact_formulas(view, fov, least):
    flat, turn, scene = Flat(320, 180, fov), look_at(*view), smooth_scene(0.15)
    given = np.rint(scene(sphere())).astype(np.uint8)
    assert psnr(flattened(given, flat, turn), scene(rays(flat) @ turn)) > least


def test_ninety_degrees_are_ninety_degrees():
    flat = Flat(640, 640, 90)
    for azimuth, elevation, column, row in (
        (45, 0, 0, 320), (-45, 0, 640, 320), (0, 45, 320, 0), (0, -45, 320, 640)
    ):  # fmt: skip
        assert np.allclose(flat.seen_at(unit_vectors(azimuth, elevation)), (column, row))
        seen = flattened(spot(unit_vectors(azimuth, elevation)), flat, np.eye(3))
        light = seen > 120
        edge = {0: light[:, 0], 640: light[:, -1]}.get(column)
        edge = edge if edge is not None else {0: light[0], 640: light[-1]}[row]
        # The edge of the picture cuts the spot in its middle: as wide as the spot is.
        assert edge.sum() == pytest.approx(2 * math.radians(2.5) * 320 * 2**0.5, abs=3)
        assert abs(np.flatnonzero(edge).mean() + 0.5 - 320) < 0.6
    assert Flat(640, 640, 90).vertical_fov == pytest.approx(90)
    assert Flat(1280, 720, 90).vertical_fov == pytest.approx(58.7155, abs=1e-3)


def test_our_places_are_those_of_an_independent_map():
    """OpenCV on maps of the formula in doubles, at the seam and at a pole."""
    given = np.rint(smooth_scene(0.3)(sphere())).astype(np.uint8)
    flat = Flat(320, 180, 100)
    for view in ((178, 5, 10), (20, 85, 0)):
        s = rays(flat) @ look_at(*view)
        x = WIDTH * (0.5 - np.arctan2(s[..., 1], s[..., 0]) / (2 * np.pi)) - 0.5
        y = HEIGHT * (0.5 - np.arcsin(np.clip(s[..., 2], -1, 1)) / np.pi) - 0.5
        over = np.roll(given, WIDTH // 2, axis=1)[::-1]  # beyond the poles, half a turn on
        tall = np.concatenate([over, given, over])
        wide = np.concatenate([tall, tall, tall], axis=1)
        theirs = cv2.remap(
            wide,
            (x + WIDTH).astype(np.float32),
            (y + HEIGHT).astype(np.float32),
            cv2.INTER_LANCZOS4,
        )
        assert psnr(flattened(given, flat, look_at(*view)), theirs) > 50


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
def test_the_ffmpeg_binary_cuts_the_same_view(tmp_path):
    """To the half pixel by which its grids of input are off."""
    scene = smooth_scene(0.05)
    given = np.rint(scene(sphere())).astype(np.uint8)
    (tmp_path / "in.gray").write_bytes(given.tobytes())
    flat = Flat(640, 360, 90)
    filters = f"v360=e:flat:w=640:h=360:h_fov=90:v_fov={flat.vertical_fov}:yaw=-40:pitch=10:roll=20"
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "gray", "-s",
         f"{WIDTH}x{HEIGHT}", "-i", tmp_path / "in.gray", "-vf", filters, "-f", "rawvideo",
         "-pix_fmt", "gray", "-"],
        check=True, capture_output=True,
    )  # fmt: skip
    theirs = np.frombuffer(done.stdout, np.uint8).reshape(360, 640)
    mine = flattened(given, flat, look_at(40, 10, 20))
    assert psnr(mine, theirs) > 38
    assert psnr(mine, scene(rays(flat) @ look_at(40, 10, 20))) > 52


def test_fine_detail_in_a_small_view_does_not_flicker():
    """Stripes of four pixels, far finer than the view's pixels, are grey."""
    stripes = np.where(np.arange(4096) // 2 % 2, 235, 21).astype(np.uint8)
    given = np.broadcast_to(stripes, (2048, 4096))
    flat = Flat(160, 90, 90)
    assert flat.fineness(4096) > 4 and Flat(1280, 720, 90).fineness(3840) == 1
    middle = flattened(given, flat, np.eye(3))[30:60, 60:100]
    assert middle.std() < 25 and abs(middle.mean() - 128) < 5


# -- in a video ------------------------------------------------------------------------------------


def video(path, pictures, form="yuv444p", codec="libx264", **options):
    """Of grey or RGB pictures."""
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options={"crf": "1"} | options)
        stream.width, stream.height, stream.pix_fmt = width, height, form
        for k, picture in enumerate(pictures):
            if picture.ndim == 2:
                picture = np.repeat(picture[..., None], 3, -1)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame = frame.reformat(format=form)
            frame.pts, frame.time_base = k, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def through(factory, source, target):
    """The smallest remuxer: the video stream alone."""
    with av.open(str(source)) as given, av.open(str(target), "w") as out:
        stream = given.streams.video[0]
        picture = factory(stream, out)
        for packet in given.demux(stream):
            if packet.size:
                out.mux(list(picture.feed(packet)))
        out.mux(list(picture.feed(None)))
    return target


def shown(path) -> list[np.ndarray]:
    return [picture for _, picture in frames(path)]


def facts_of(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = [Fraction(f.pts) * stream.time_base for f in container.decode(stream)]
        context = stream.codec_context
        return times, context.codec.canonical_name, context.pix_fmt, context.color_range


TURN = look_at(40, 10, 5)
FLAT = Flat(320, 180, 90)


def at_rest(turn=TURN):
    return lambda seconds: turn


FORMS = {
    "h264.mp4": ("yuv420p", "libx264"),
    "deep.mp4": ("yuv420p10le", "libx264"),
    "nv12.mp4": ("nv12", "rawvideo"),
    "rgb.mkv": ("bgr0", "ffv1"),
    "deeprgb.nut": ("rgb48be", "png"),
    "alpha.webm": ("yuva420p", "libvpx-vp9"),
    "grey.mkv": ("gray", "ffv1"),
    "packed.avi": ("yuyv422", "rawvideo"),
}


@pytest.mark.parametrize("name", FORMS)
def test_pictures_of_every_form(tmp_path, name):
    form, codec = FORMS[name]
    base = smooth_scene(0.03, 360)(sphere(360, 180))
    colours = np.stack([base, 255 - base, base / 2 + 60], axis=-1).astype(np.uint8)
    source = tmp_path / name.replace("nv12.mp4", "nv12.nut")
    video(source, [colours] * 3, form, codec)
    kind = name.rpartition(".")[2]
    made = through(cut(at_rest(), FLAT, crf=4), source, tmp_path / f"out.{kind}")
    want = flattened(shown(source)[0], FLAT, TURN)
    seen = shown(made)
    assert len(seen) == 3 and seen[0].shape == (180, 320, 3)
    assert psnr(seen[0], want) > 30
    assert video_facts(made).aspect == 1


def test_every_frame_keeps_its_time_and_the_picture_its_colours(tmp_path):
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg binary to make the video with")
    for name, options in {
        "vfr.mp4": ["-bf", "3", "-vf", "select='gt(mod(n,5),1)',setpts='PTS+0.013/TB*mod(N,2)'",
                    "-vsync", "vfr"],
        "late.ts": ["-c:v", "libx264", "-bf", "2", "-output_ts_offset", "7200",
                    "-color_range", "tv"],
        "hevc.mp4": ["-c:v", "libx265", "-x265-params", "log-level=error"],
    }.items():  # fmt: skip
        source = tmp_path / name
        subprocess.run(
            ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=192x96:r=25:d=1",
             "-pix_fmt", "yuv420p", *options, source],
            check=True,
        )  # fmt: skip
        made = through(cut(at_rest(), FLAT), source, tmp_path / f"out-{name}")
        assert facts_of(made) == facts_of(source)
        assert len(facts_of(made)[0]) > 12


def test_a_view_that_moves(tmp_path):
    """Each frame by the turn of its own time, however little it differs from the last."""
    towards = unit_vectors(10, 5)
    source = video(tmp_path / "a.mp4", [spot(towards, width=720, height=360)] * 12, "yuv420p")

    def turn_at(seconds):
        return look_at(-10 + 60 * seconds, 4 * seconds)

    made = through(cut(turn_at, FLAT, crf=4), source, tmp_path / "b.mp4")
    for time, picture in frames(made):
        wanted = FLAT.seen_at(turn_at(time) @ towards)
        assert np.abs(centre(picture[..., 1]) - wanted).max() < 1


@pytest.mark.parametrize("eye", ["top", "left", "right"])
def test_the_left_eye_is_taken(tmp_path, eye):
    left, right = (spot(unit_vectors(a, 0), width=720, height=360) for a in (15, 20))
    axis = 0 if eye == "top" else 1
    both = np.concatenate([right, left] if eye == "right" else [left, right], axis=axis)
    source = video(tmp_path / "a.mp4", [both] * 2, "yuv420p")
    made = through(cut(at_rest(np.eye(3)), FLAT, eye, crf=4), source, tmp_path / "b.mp4")
    wanted = FLAT.seen_at(unit_vectors(15, 0))
    assert np.abs(centre(shown(made)[0][..., 1]) - wanted).max() < 1
    assert np.array_equal(eye_of(both, eye), left)


def test_which_half_is_the_left_eyes():
    def stereo(code):
        return Spatial(stereo="left-right", st3d=bytes(12) + bytes([code]))

    assert left_eye(Spatial()) == "whole"
    assert left_eye(Spatial(stereo="top-bottom")) == "top"
    assert (left_eye(stereo(2)), left_eye(stereo(4))) == ("left", "right")


def test_a_flat_view_in_matroska_names_no_second_eye(tmp_path):
    source = tmp_path / "a.mkv"
    pictures = [spot(unit_vectors(0, 0), width=360, height=180)]
    video(source, pictures, "yuv420p")
    with av.open(str(source)) as given, av.open(str(tmp_path / "b.mkv"), "w") as out:
        stream = given.streams.video[0]
        stream.metadata["stereo_mode"] = "top_bottom"
        cut(at_rest(), FLAT)(stream, out)
        assert "stereo_mode" not in stream.metadata


def test_a_picture_that_is_to_be_shown_rotated_is_refused(tmp_path):
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg binary to make the video with")
    stored = video(tmp_path / "a.mp4", [spot(unit_vectors(0, 0), width=360, height=180)], "yuv420p")
    source = tmp_path / "phone.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", stored, "-c", "copy", "-metadata:s:v", "rotate=90", source],
        check=True,
    )
    with pytest.raises(AvtoolsError, match="upright"):
        through(cut(at_rest(), FLAT), source, tmp_path / "b.mp4")
