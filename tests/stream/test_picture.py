"""A picture mirrored or turned: what a viewer sees, and every frame at its time."""

import math
import shutil
import subprocess
from fractions import Fraction

import av
import numpy as np
import pytest

from avtools.errors import AvtoolsError
from avtools.stream.picture import mirror, turn, turn_along, yaw_pitch_roll
from avtools.stream.video import frames, video_facts

TESTED = "testsrc2=s=192x96:r=25:d=1"


def ffmpeg(*arguments):
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg binary to make or check the video with")
    return subprocess.run(
        ["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True, capture_output=True
    ).stdout


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


def still(path, picture, count=1, crf=1, **options):
    """A video of one RGB picture."""
    height, width = picture.shape[:2]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": str(crf)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv444p"
        for name, value in options.items():
            setattr(stream.codec_context, name, value)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        for k in range(count):
            one = frame.reformat(format="yuv444p")
            one.pts, one.time_base = k, Fraction(1, 25)
            out.mux(stream.encode(one))
        out.mux(stream.encode(None))
    return path


def pictures(path):
    return np.stack([p for _, p in frames(path)]).astype(int)


def facts_of(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        shown = [Fraction(f.pts * Fraction(stream.time_base)) for f in container.decode(stream)]
        context = stream.codec_context
        tags = (
            context.color_range, context.color_primaries, context.color_trc, context.colorspace,
        )  # fmt: skip
        return {
            "times": shown,
            "codec": context.codec.canonical_name,
            "format": context.pix_fmt,
            "colours": tags,
            "aspect": stream.sample_aspect_ratio,
            "size": (stream.width, stream.height),
        }


def bars(width, height):
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns * 255 // width, rows * 255 // height, 0 * rows + 90], -1).astype("u1")


def test_left_becomes_right(tmp_path):
    picture = np.zeros((96, 192, 3), np.uint8)
    picture[:, :96, 0], picture[:, 96:, 2] = 255, 255  # red left, blue right
    seen = pictures(through(mirror(), still(tmp_path / "a.mp4", picture), tmp_path / "b.mp4"))[0]
    assert np.abs(seen[:, :90] - [0, 0, 255]).mean() < 5
    assert np.abs(seen[:, 102:] - [255, 0, 0]).mean() < 5


def test_mirrored_twice_is_the_original(tmp_path):
    source = tmp_path / "a.mp4"
    ffmpeg("-f", "lavfi", "-i", TESTED, "-crf", 8, "-pix_fmt", "yuv420p", source)
    once = through(mirror(crf=8), source, tmp_path / "b.mp4")
    twice = through(mirror(crf=8), once, tmp_path / "c.mp4")
    one, two = pictures(source), pictures(twice)
    assert np.abs(one[:, :, ::-1] - pictures(once)).mean() < 3
    assert 10 * math.log10(255**2 / ((one - two) ** 2).mean()) > 33


def test_stereo_views_are_mirrored_and_exchanged(tmp_path):
    """The mirror image of the left eye's view is what the right eye of the mirrored viewer sees."""
    rng = np.random.default_rng(1)
    eyes = [np.kron(rng.integers(30, 226, (6, 12, 3)), np.ones((16, 16, 1))) for _ in range(2)]
    left, right = (e.astype(np.uint8) for e in eyes)
    below = still(tmp_path / "tb.mp4", np.concatenate([left, right]))
    seen = pictures(through(mirror("top-bottom", crf=2), below, tmp_path / "tb2.mp4"))[0]
    expected = np.concatenate([right[:, ::-1], left[:, ::-1]])
    assert np.abs(seen - expected).mean() < 3
    beside = still(tmp_path / "sbs.mp4", np.concatenate([left, right], axis=1))
    seen = pictures(through(mirror("left-right", crf=2), beside, tmp_path / "sbs2.mp4"))[0]
    expected = np.concatenate([right[:, ::-1], left[:, ::-1]], axis=1)
    assert np.abs(seen - expected).mean() < 3


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
@pytest.mark.parametrize("stereo", ["mono", "top-bottom"])
def test_a_phone_video_is_mirrored_as_it_is_shown(tmp_path, angle, stereo):
    stored, source = tmp_path / "stored.mp4", tmp_path / "phone.mp4"
    ffmpeg("-f", "lavfi", "-i", TESTED, "-frames:v", 3, "-crf", 4, "-pix_fmt", "yuv420p", stored)
    ffmpeg("-i", stored, "-c", "copy", "-metadata:s:v", f"rotate={angle}", source)
    target = through(mirror(stereo, crf=4), source, tmp_path / "b.mp4")
    assert video_facts(target).rotation == video_facts(source).rotation
    shown, seen = pictures(source), pictures(target)
    expected = shown[:, :, ::-1]
    if stereo == "top-bottom":
        expected = np.roll(expected, expected.shape[1] // 2, axis=1)
    assert np.abs(seen - expected).mean() < 4


SOURCES = {
    "cfr.mp4": ["-bf", 0],
    "bframes.mp4": ["-bf", 3, "-g", 12],
    "vfr.mp4": ["-bf", 2, "-vf", "select='gt(mod(n,5),1)',setpts='PTS+0.013/TB*mod(N,2)'",
                "-vsync", "vfr"],
    "fast.mkv": ["-bf", 2],
    "late.ts": ["-c:v", "libx264", "-bf", 2, "-output_ts_offset", 7200],
    "hevc.mp4": ["-c:v", "libx265", "-x265-params", "log-level=error"],
    "old.mp4": ["-c:v", "mpeg4", "-q:v", 3],
    "vp9.webm": ["-c:v", "libvpx-vp9", "-deadline", "realtime"],
    "av1.mp4": ["-c:v", "libsvtav1", "-preset", 12],
}  # fmt: skip
FAMILIES = {"hevc.mp4": "hevc", "old.mp4": "mpeg4", "vp9.webm": "vp9", "av1.mp4": "av1"}


@pytest.mark.parametrize("name", SOURCES)
def test_every_frame_keeps_its_time_and_the_codec_its_family(tmp_path, name):
    source = tmp_path / name
    ffmpeg("-f", "lavfi", "-i", TESTED, "-pix_fmt", "yuv420p", *SOURCES[name], source)
    target = through(mirror(), source, tmp_path / f"out-{name}")
    before, after = facts_of(source), facts_of(target)
    assert after == before | {"times": after["times"]}
    assert after["codec"] == FAMILIES.get(name, "h264")
    assert len(before["times"]) > 10
    assert after["times"] == before["times"]
    # and each is the right one: the mirror image of the frame of that time
    assert np.abs(pictures(source)[:, :, ::-1] - pictures(target)).mean(axis=(1, 2, 3)).max() < 6


def test_a_start_and_an_edit_list_are_kept(tmp_path):
    whole, cut, late = (tmp_path / f"{n}.mp4" for n in ("whole", "cut", "late"))
    ffmpeg("-f", "lavfi", "-i", TESTED, "-g", 50, "-bf", 3, "-pix_fmt", "yuv420p", whole)
    ffmpeg("-ss", 0.4, "-i", whole, "-c", "copy", cut)
    ffmpeg("-itsoffset", 1.3, "-i", whole, "-c", "copy", late)
    for source in (cut, late):
        target = through(mirror(), source, tmp_path / f"out-{source.name}")
        assert facts_of(target)["times"] == facts_of(source)["times"]
        assert np.abs(pictures(source)[:, :, ::-1] - pictures(target)).mean() < 4
    assert len(facts_of(cut)["times"]) < 25


def test_the_last_frame_lasts_as_long_as_it_did(tmp_path):
    source = tmp_path / "a.mp4"
    slow = "select='eq(n,0)+eq(n,5)',setpts='PTS'"
    ffmpeg("-f", "lavfi", "-i", TESTED, "-vf", slow, "-vsync", "vfr", "-pix_fmt", "yuv420p", source)
    target = through(mirror(), source, tmp_path / "b.mp4")
    assert video_facts(target).duration == pytest.approx(video_facts(source).duration, abs=1e-3)


def test_depth_colours_and_aspect_are_kept(tmp_path):
    source = tmp_path / "hdr.mp4"
    ffmpeg(
        "-f", "lavfi", "-i", TESTED, "-frames:v", 5, "-vf", "setsar=4/3", "-c:v", "libx265",
        "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=error", "-color_range", "tv",
        "-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc", source,
    )  # fmt: skip
    target = through(mirror(), source, tmp_path / "b.mp4")
    assert facts_of(target) == facts_of(source)
    with av.open(str(target)) as container:
        assert container.streams.video[0].codec_context.codec_tag == "hvc1"
    full = tmp_path / "full.mkv"
    ffmpeg("-f", "lavfi", "-i", TESTED, "-frames:v", 5, "-pix_fmt", "yuvj444p", full)
    assert facts_of(through(mirror(), full, tmp_path / "c.mkv")) == facts_of(full)


def test_colours_that_only_the_frames_tell_are_kept(tmp_path):
    """JPEG pictures are full range in BT.601 and their container says nothing of it."""
    source = tmp_path / "a.avi"
    ffmpeg("-f", "lavfi", "-i", TESTED, "-frames:v", 5, "-c:v", "mjpeg", "-q:v", 2, source)
    target = through(mirror(), source, tmp_path / "b.ts")
    assert facts_of(target)["codec"] == "h264"
    assert np.abs(pictures(source)[:, :, ::-1] - pictures(target)).mean() < 4


@pytest.mark.parametrize("target", ["b.mp4", "b.mkv", "b.webm"])
def test_odd_sizes(tmp_path, target):
    source = still(tmp_path / "a.mkv", bars(191, 95), count=5)
    seen = through(mirror(), source, tmp_path / target)
    assert facts_of(seen)["size"] == (191, 95)
    assert np.abs(pictures(source)[:, :, ::-1] - pictures(seen)).mean() < 6


def test_rgb_pictures_keep_their_colours(tmp_path):
    source = tmp_path / "a.gif"
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=192x96:r=10:d=0.5", source)
    for ending in ("mp4", "mkv", "webm"):
        seen = through(mirror(), source, tmp_path / f"b.{ending}")
        assert np.abs(pictures(source)[:, :, ::-1] - pictures(seen)).mean() < 6


def test_a_damaged_packet_is_passed(tmp_path, capsys):
    source = tmp_path / "a.mp4"
    ffmpeg("-f", "lavfi", "-i", TESTED, "-bf", 0, "-g", 5, "-pix_fmt", "yuv420p", source)
    with av.open(str(source)) as given, av.open(str(tmp_path / "b.mp4"), "w") as out:
        stream = given.streams.video[0]
        picture = mirror()(stream, out)
        for k, packet in enumerate(p for p in given.demux(stream) if p.size):
            if k in (7, 8):
                packet.update(bytes(packet.size))
            out.mux(list(picture.feed(packet)))
        out.mux(list(picture.feed(None)))
    assert 20 <= len(facts_of(tmp_path / "b.mp4")["times"]) <= 25
    assert capsys.readouterr().err.count("warning") == 1


# -- turning ---------------------------------------------------------------------------------------


def rotation(yaw, pitch, roll):
    """Rx(-roll)·Ry(pitch)·Rz(yaw), right-handed."""
    z, y, x = np.radians([yaw, pitch, -roll])
    turn_z = [[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]]
    turn_y = [[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]]
    turn_x = [[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]]
    return np.array(turn_x) @ np.array(turn_y) @ np.array(turn_z)


def sphere(width, height):
    """The direction of each pixel's centre (height, width, 3)."""
    azimuth = 2 * np.pi * (0.5 - (np.arange(width) + 0.5) / width)
    elevation = np.pi * (0.5 - (np.arange(height) + 0.5) / height)
    a, e = np.meshgrid(azimuth, elevation)
    return np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], -1)


def spot(direction, width=720, height=360, radius=6):
    """A bright disc on the sphere around a direction."""
    angle = np.degrees(np.arccos(np.clip(sphere(width, height) @ direction, -1, 1)))
    light = (np.clip((radius - angle) / 2, 0, 1) * 220 + 16).astype(np.uint8)
    return np.repeat(light[..., None], 3, -1)


def found(picture):
    """Where the disc is: its centre of light, each pixel counting for its solid angle."""
    height, width = picture.shape[:2]
    towards = sphere(width, height)
    light = np.clip(picture[..., 1].astype(float) - 60, 0, None)
    light *= np.sqrt(1 - towards[..., 2:][..., 0] ** 2)
    centre = (light[..., None] * towards).sum((0, 1))
    return centre / np.linalg.norm(centre)


def degrees_between(a, b):
    return math.degrees(2 * math.asin(min(1, np.linalg.norm(a - b) / 2)))


def unit(azimuth, elevation):
    a, e = np.radians([azimuth, elevation])
    return np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])


RNG = np.random.default_rng(11)
TRIPLES = [
    (90, 0, 0), (0, 40, 0), (0, 0, 50), (180, 0, 0), (-180, 90, 0), (35, -90, 20),
    (170, 89.9, -170),
    *(tuple(t) for t in np.round(RNG.uniform([-180, -90, -180], [180, 90, 180], (5, 3)), 1)),
]  # fmt: skip


@pytest.mark.parametrize("triple", TRIPLES)
def test_the_angles_make_the_matrix_again(triple):
    angles = yaw_pitch_roll(rotation(*triple))
    assert np.allclose(rotation(*angles), rotation(*triple), atol=1e-6)
    assert all(-180 <= a <= 180 for a in angles)


def test_what_is_no_rotation_is_refused():
    for matrix in (np.zeros((3, 3)), -np.eye(3), 2 * np.eye(3), np.eye(4)):
        with pytest.raises(ValueError, match="rotation matrix"):
            turn(matrix)
    with pytest.raises(ValueError, match="top-bottom"):
        mirror("over-under")


@pytest.mark.parametrize("triple", TRIPLES)
def test_a_spot_goes_where_the_matrix_takes_it(tmp_path, triple):
    direction = unit(*RNG.uniform([-180, -60], [180, 60]))
    source = still(tmp_path / "a.mp4", spot(direction))
    matrix = rotation(*triple)
    seen = pictures(through(turn(matrix), source, tmp_path / "b.mp4"))[0]
    assert degrees_between(found(seen), matrix @ direction) < 0.1


def test_a_positive_yaw_turns_the_scene_to_the_left(tmp_path):
    source = still(tmp_path / "a.mp4", spot(unit(0, 0)))
    seen = pictures(through(turn(rotation(30, 0, 0)), source, tmp_path / "b.mp4"))[0]
    column = (seen[180, :, 1] * np.arange(720)).sum() / seen[180, :, 1].sum()
    assert seen[180, 300, 1] > 200 > seen[180, 420, 1] and column < 360  # x = W (0.5 - 30 / 360)


@pytest.mark.parametrize("triple", [(40, 25, 15), (-120, -35, 160)])
def test_the_ffmpeg_binary_turns_by_the_same_triple(tmp_path, triple):
    source, theirs = tmp_path / "a.mp4", tmp_path / "theirs.mp4"
    direction = unit(70, -20)
    still(source, spot(direction))
    yaw, pitch, roll = triple
    ffmpeg("-i", source, "-vf", f"v360=e:e:yaw={yaw}:pitch={pitch}:roll={roll}", theirs)
    mine = pictures(through(turn(rotation(*triple)), source, tmp_path / "b.mp4"))[0]
    # The binary's own grid is off by half a pixel (a quarter degree) at the most.
    assert degrees_between(found(mine), found(pictures(theirs)[0])) < 0.4


def test_no_turn_changes_nothing_and_there_and_back_is_the_original(tmp_path):
    smooth = 128 + 60 * np.sin(sphere(384, 192) @ RNG.normal(size=(3, 3)) * 6)
    source = still(tmp_path / "a.mp4", smooth.astype(np.uint8))
    before = pictures(source)
    same = pictures(through(turn(np.eye(3), crf=1), source, tmp_path / "b.mp4"))
    assert np.abs(before - same).mean() < 1.5
    there = through(turn(rotation(50, 30, -70), crf=1), source, tmp_path / "c.mp4")
    back = through(turn(rotation(50, 30, -70).T, crf=1), there, tmp_path / "d.mp4")
    assert np.abs(before - pictures(back)).mean() < 2.5


@pytest.mark.parametrize("stereo", ["top-bottom", "left-right"])
def test_both_eyes_turn_alike(tmp_path, stereo):
    axis = 0 if stereo == "top-bottom" else 1
    directions = [unit(20, 10), unit(26, 10)]
    source = np.concatenate([spot(d) for d in directions], axis=axis)
    matrix = rotation(100, -30, 40)
    given = still(tmp_path / "a.mp4", source)
    seen = pictures(through(turn(matrix, stereo), given, tmp_path / "b.mp4"))[0]
    for eye, direction in zip(np.split(seen, 2, axis=axis), directions, strict=True):
        assert degrees_between(found(eye), matrix @ direction) < 0.2


def test_a_turn_along_a_path(tmp_path):
    """20° a second, then at rest: each frame is turned by its own time's rotation."""
    direction = unit(-40, 15)
    source = still(tmp_path / "a.mp4", spot(direction), count=20)

    def rotation_at(time):
        return rotation(20 * min(time, 0.4) / 0.4, 10 * time, 0)

    target = through(turn_along(rotation_at), source, tmp_path / "b.mp4")
    assert facts_of(target)["times"] == facts_of(source)["times"]
    for time, picture in frames(target):
        assert degrees_between(found(picture), rotation_at(time) @ direction) < 0.35


def test_a_turn_needs_a_picture_that_stands_upright(tmp_path):
    stored, source = tmp_path / "stored.mp4", tmp_path / "phone.mp4"
    ffmpeg("-f", "lavfi", "-i", TESTED, "-frames:v", 3, "-pix_fmt", "yuv420p", stored)
    ffmpeg("-i", stored, "-c", "copy", "-metadata:s:v", "rotate=90", source)
    with pytest.raises(AvtoolsError, match="upright"):
        through(turn(np.eye(3)), source, tmp_path / "b.mp4")
