"""nfov, as a person runs it: picture and sound of a view belong together."""

import csv
import io
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest

from avtools.dsp.sphere import unit_vectors
from avtools.stream.gaze import look_at
from avtools.stream.spatial import Spatial, equirectangular, read_spatial, write_spatial
from avtools.stream.video import frames, video_facts
from avtools.stream.view import Flat
from tests.scenes import (
    RATE,
    avtools,
    direction,
    load,
    load_bytes,
    needs_ffmpeg,
    noise,
    one_line,
    plane_wave,
    save,
    shell,
)

WIDTH, HEIGHT, FPS = 480, 240, 10
SMALL = ("--size", "320x180")
FLAT = Flat(320, 180, 90)
LAMP = (40.0, 10.0)


def sphere(towards: np.ndarray) -> np.ndarray:
    """A lamp of 4 degrees: `(HEIGHT, WIDTH, 3)`."""
    azimuth = 180 - 360 * (np.arange(WIDTH) + 0.5) / WIDTH
    elevation = 90 - 180 * (np.arange(HEIGHT) + 0.5) / HEIGHT
    cosine = unit_vectors(azimuth[None], elevation[:, None]) @ towards
    light = np.clip((4 - np.degrees(np.arccos(np.clip(cosine, -1, 1)))) / 1.5, 0, 1)
    return np.repeat((20 + 215 * light).astype(np.uint8)[..., None], 3, -1)


def film(path, lamp=lambda time: LAMP, seconds: float = 0.5, packing=None, sound=None):
    """A 360 video; `lamp` is where the lamp is at a time, `sound` `(frames, channels)`."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options={"crf": "6"})
        first = sphere(unit_vectors(*lamp(0)))
        double = {"top-bottom": 0, "left-right": 1}.get(packing)
        shape = list(first.shape)
        if double is not None:
            shape[double] *= 2
        stream.height, stream.width, stream.pix_fmt = shape[0], shape[1], "yuv420p"
        if sound is not None:
            heard = out.add_stream("flac", rate=RATE, layout=LAYOUTS[sound.shape[1]])
        for k in range(round(seconds * FPS)):
            picture = sphere(unit_vectors(*lamp(k / FPS)))
            if double is not None:
                picture = np.concatenate([picture, sphere(unit_vectors(-90, 0))], axis=double)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, FPS)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if sound is not None:
            whole = np.ascontiguousarray((sound * 32767).astype(np.int16).reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(whole, format="s16", layout=LAYOUTS[sound.shape[1]])
            frame.sample_rate, frame.pts = RATE, 0
            out.mux(heard.encode(frame))
            out.mux(heard.encode(None))
    order = 1 if sound is not None and sound.shape[1] == 4 else None
    marks = Spatial(projection="equirectangular", stereo=packing or "mono", ambisonic_order=order)
    write_spatial(path, marks)
    return path


LAYOUTS = {1: "mono", 2: "stereo", 4: "4.0"}


def centre(picture: np.ndarray) -> np.ndarray:
    """Of the light, in pixels from the left and top edges."""
    light = np.clip(picture[..., 1].astype(float) - 80, 0, None)
    rows, columns = np.indices(light.shape) + 0.5
    return np.array([(light * columns).sum(), (light * rows).sum()]) / light.sum()


def run(*arguments):
    done = avtools("nfov", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stderr.decode()


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    wave = plane_wave(*LAMP, frames=RATE // 2)
    return film(tmp_path_factory.mktemp("nfov") / "360.mp4", sound=wave)


@pytest.mark.parametrize(
    ("view", "fov"),
    [((40, 10, 0), 90), ((25, 2, 0), 60), ((70, 30, 25), 90), ((0, 0, -40), 120)],
)
def test_the_lamp_is_seen_where_it_is_and_heard_where_it_is_seen(tmp_path, scene, view, fov):
    azimuth, elevation, roll = view
    options = [f"--azimuth={azimuth}", f"--elevation={elevation}", f"--roll={roll}"]
    options += ["--fov", fov, *SMALL, "--sound", "foa", "-o", tmp_path / "view.mp4"]
    assert run(scene, *options) == ""
    _, picture = next(frames(tmp_path / "view.mp4"))
    assert picture.shape == (180, 320, 3)
    goes = look_at(*view) @ unit_vectors(*LAMP)
    # The centre of a disc's light lies outside its projected centre, by a pixel at most here.
    assert np.abs(centre(picture) - Flat(320, 180, fov).seen_at(goes)).max() < 1
    run(tmp_path / "view.mp4", "--sound", "foa", "-o", tmp_path / "view.wav")
    heard = unit_vectors(*direction(load(tmp_path / "view.wav")))
    assert np.degrees(np.arccos(min(1, heard @ goes))) < 0.5


def test_forty_five_degrees_is_the_edge_of_ninety(tmp_path):
    scene = film(tmp_path / "360.mp4", lambda time: (45, 0))
    run(scene, *SMALL, "--crf", "2", "-o", tmp_path / "view.mp4")
    _, picture = next(frames(tmp_path / "view.mp4"))
    edge = np.flatnonzero(picture[:, 0, 1] > 127) + 0.5
    # 4 degrees to each side at 45 degrees, where a degree along the edge is 160 sqrt 2 tan 1.
    assert edge.mean() == pytest.approx(90, abs=0.7)
    assert len(edge) == pytest.approx(2 * 160 * 2**0.5 * np.tan(np.radians(3.25)), abs=2)
    assert (picture[:, 160:, 1] < 40).all()


def test_what_the_sound_becomes(tmp_path, scene):
    def heard(*options):
        run(scene, *options, "-o", tmp_path / "x.wav")
        return load(tmp_path / "x.wav")

    ahead = heard("--azimuth", 40, "--elevation", 10)
    assert ahead.shape[1] == 2 and np.abs(ahead[:, 0] - ahead[:, 1]).max() < 1e-3
    level = lambda x: 20 * np.log10(x[:, 0].std() / x[:, 1].std())  # noqa: E731
    wave = plane_wave(*LAMP, frames=RATE // 2)
    plain = np.stack([wave[:, 0] + wave[:, 1], wave[:, 0] - wave[:, 1]], axis=1) / 2
    assert np.abs(heard() - plain).max() < 1e-3
    assert level(heard("--azimuth", -20)) > level(heard()) > 3
    ears = heard("--sound", "binaural")
    assert ears.shape[1] == 2 and level(ears) > 3
    ears = heard("--sound", "binaural", "--azimuth", 40)
    assert abs(level(ears)) < 0.2


def test_the_view_is_a_flat_video(tmp_path, scene):
    run(scene, *SMALL, "-o", tmp_path / "stereo.mp4")
    assert read_spatial(scene).is_360
    assert read_spatial(tmp_path / "stereo.mp4") == Spatial()
    run(scene, *SMALL, "--sound", "foa", "-o", tmp_path / "foa.mp4")
    assert read_spatial(tmp_path / "foa.mp4") == Spatial(ambisonic_order=1)
    rows = avtools("probe", tmp_path / "foa.mp4", "--format", "csv").stdout.decode()
    sound = [r for r in csv.DictReader(io.StringIO(rows)) if r["kind"] == "audio"]
    assert sound[0]["convention"] == "ambix"
    before, after = (
        [time for time, _ in frames(path)] for path in (scene, tmp_path / "stereo.mp4")
    )
    assert before == after and video_facts(tmp_path / "stereo.mp4").aspect == 1


def sweep(time: float) -> tuple[float, float]:
    return -30 + 60 * time, 12 * time


def test_a_table_moves_picture_and_sound_together(tmp_path):
    times = np.arange(2 * RATE) / RATE
    gains = unit_vectors(*sweep(times))
    wave = noise(1, 2 * RATE) * np.concatenate([np.ones((2 * RATE, 1)), gains[:, [1, 2, 0]]], 1)
    scene = film(tmp_path / "360.mp4", sweep, 2.0, sound=wave.astype(np.float32))
    rows = ["file,time,source,azimuth,elevation"]
    for k in range(21):
        a, e = sweep(k / 10)
        rows += [f"{scene},{k / 10},7,{a},{e}", f"{scene},{k / 10},8,150,0"]
    table = "\n".join(rows) + "\n"
    (tmp_path / "t.csv").write_text(table)
    options = [*SMALL, "--sound", "foa", "--source", "7"]
    run(scene, "--towards", tmp_path / "t.csv", "--smooth", 0, *options, "-o", tmp_path / "v.mp4")
    seen = [centre(picture) for _, picture in frames(tmp_path / "v.mp4")]
    assert len(seen) == 20 and np.abs(np.array(seen) - (160, 90)).max() < 1
    run(tmp_path / "v.mp4", "--sound", "foa", "-o", tmp_path / "v.wav")
    sound = load(tmp_path / "v.wav")
    for k in range(0, 2 * RATE, RATE // 4):
        assert np.abs(direction(sound[k : k + RATE // 4])).max() < 0.5
    # Smoothed, it lags behind by the smoothing: in the picture and in the sound alike.
    piped = shell(
        f"cat {tmp_path}/t.csv | avtools nfov {scene} --towards - --smooth 0.2 --source 7 "
        f"--size 320x180 --sound foa -o {tmp_path}/late.mp4"
    )
    assert piped.returncode == 0, piped.stderr
    picture = [p for _, p in frames(tmp_path / "late.mp4")][15]
    run(tmp_path / "late.mp4", "--sound", "foa", "-o", tmp_path / "late.wav")
    around = load(tmp_path / "late.wav")[int(1.45 * RATE) : int(1.55 * RATE)]
    azimuth, _ = direction(around)
    assert azimuth == pytest.approx(60 * 0.2, abs=1.5)
    assert abs(centre(picture)[0] - FLAT.seen_at(unit_vectors(azimuth, 0))[0]) < 2


def test_the_first_source_is_followed_and_windows_keep_their_time(tmp_path):
    save(tmp_path / "foa.wav", plane_wave(50, frames=2 * RATE))
    (tmp_path / "t.csv").write_text("time,source,azimuth\n0,a,0\n0.99,a,0\n1,a,50\n2,a,50\n")
    for start, azimuth in ((0, 50), (1.1, 0)):
        run(tmp_path / "foa.wav", "--towards", tmp_path / "t.csv", "--smooth", 0, "--sound", "foa",
            "--start", start, "--duration", 0.5, "-o", tmp_path / "cut.wav")  # fmt: skip
        assert direction(load(tmp_path / "cut.wav"))[0] == pytest.approx(azimuth, abs=0.2)


@needs_ffmpeg
def test_times_of_the_table_count_from_the_beginning(tmp_path, scene):
    """A file whose own clock starts at 100 s: its picture and its sound find the same rows."""
    shell(f"ffmpeg -v error -i {scene} -c copy -output_ts_offset 100 {tmp_path}/late.mkv")
    (tmp_path / "t.csv").write_text("time,azimuth,elevation\n0,40,10\n90,40,10\n91,-90,0\n")
    run(tmp_path / "late.mkv", "--towards", tmp_path / "t.csv", "--smooth", 0, "--sound", "foa",
        *SMALL, "--codec", "flac", "-o", tmp_path / "v.mkv", "-q")  # fmt: skip
    time, picture = next(frames(tmp_path / "v.mkv"))
    assert time == 100 and np.abs(centre(picture) - (160, 90)).max() < 1
    run(tmp_path / "v.mkv", "--sound", "foa", "-o", tmp_path / "v.wav")
    assert np.abs(direction(load(tmp_path / "v.wav"))).max() < 0.3


def test_in_a_pipe(tmp_path, scene):
    done = shell(
        f"avtools nfov {scene} --azimuth 40 --elevation 10 --sound foa | "
        "avtools rotate-foa --yaw 15 | avtools convert --to ambix"
    )
    assert np.allclose(direction(load_bytes(done.stdout, tmp_path)), (15, 0), atol=0.2)


@pytest.mark.parametrize("channels", [1, 2])
def test_sound_that_is_not_ambisonic_stays(tmp_path, channels):
    sound = noise(channels, RATE // 2)
    scene = film(tmp_path / "360.mp4", sound=sound)
    told = run(scene, *SMALL, "--azimuth", 30, "-o", tmp_path / "v.mp4")
    assert told.count("\n") == 1 and "not ambisonic" in told
    run(scene, "--azimuth", 30, "-o", tmp_path / "v.wav")
    assert np.abs(load(tmp_path / "v.wav") - sound).max() < 1e-4
    with av.open(str(scene)) as given, av.open(str(tmp_path / "v.mp4")) as made:
        packets = [[bytes(p) for p in c.demux(c.streams.audio[0]) if p.size] for c in (given, made)]
    assert packets[0] == packets[1]


@pytest.mark.parametrize("packing", [None, "top-bottom", "left-right"])
def test_a_silent_video_and_the_left_eye(tmp_path, packing):
    scene = film(tmp_path / "360.mp4", packing=packing)
    assert run(scene, *SMALL, "--azimuth", 30, "-o", tmp_path / "v.mp4") == ""
    with av.open(str(tmp_path / "v.mp4")) as made:
        assert not made.streams.audio and made.streams.video[0].frames == 5
    _, picture = next(frames(tmp_path / "v.mp4"))
    wanted = FLAT.seen_at(look_at(30, 0) @ unit_vectors(*LAMP))
    assert np.abs(centre(picture) - wanted).max() < 1
    assert read_spatial(tmp_path / "v.mp4") == Spatial()
    assert "audio" in one_line(avtools("nfov", scene, "-o", tmp_path / "v.wav"))


def test_many_files_and_a_plot(tmp_path, scene):
    for name in ("a", "b"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"{name}.mp4").write_bytes(scene.read_bytes())
    run(tmp_path / "in", *SMALL, "-d", tmp_path / "out", "--jobs", 2)
    assert [video_facts(p).width for p in sorted((tmp_path / "out").iterdir())] == [320, 320]
    assert run(scene, *SMALL, "-o", tmp_path / "v.wav", "--plot", tmp_path / "v.png") == ""
    assert (tmp_path / "v.png").read_bytes()[:4] == b"\x89PNG"
    planned = avtools("nfov", scene, "-o", tmp_path / "w.mp4", "-n").stdout.decode()
    assert planned == f"{scene} -> {tmp_path}/w.mp4\n" and not (tmp_path / "w.mp4").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--size", "1281x720"], "expected even numbers, as in 1282x720"),
        (["--size", "1280"], "expected WIDTHxHEIGHT"),
        (["--size", "99998x2"], "16 to 8192"),
        (["--fov", "180"], "expected 1 to 170"),
        (["--fov", "nan"], "expected 1 to 170"),
        (["--elevation", "91"], "expected -90 to 90"),
        (["--azimuth", "inf"], "expected -360 to 360"),
        (["--sound", "mono"], "expected one of stereo, binaural, foa"),
        (["--hrir", "x.sofa"], "goes with --sound binaural"),
        (["--smooth", "1"], "goes with --towards"),
        (["--source", "1"], "goes with --towards"),
        (["--towards", "t.csv", "--azimuth", "3"], "leave out --azimuth"),
        (["--towards", "t.csv", "--smooth", "-1"], "expected 0 to 60"),
        (["--towards", "nowhere.csv"], "nowhere.csv: No such file"),
        (["--towards", "t.csv", "--source", "x"], "no row of source x"),
        (["--plot", "x.jpg"], "expected a name ending in .png"),
        (["--start", "1"], "can't cut a picture"),
        (["--from", "youtube"], "youtube has 6"),
    ],
)
def test_refusals(tmp_path, scene, options, words):
    (tmp_path / "t.csv").write_text("time,azimuth\n0,0\n")
    done = avtools("nfov", scene, *options, "-o", tmp_path / "v.mp4", cwd=tmp_path)
    assert words in one_line(done)
    assert {p.name for p in tmp_path.iterdir()} == {"t.csv"}


def test_pictures_that_are_no_whole_sphere_are_refused(tmp_path, scene):
    copy = tmp_path / "copy.mp4"
    for spatial, words in (
        (Spatial(projection="equirectangular", sv3d=equirectangular((0, 0, 0.25, 0.25))),
         "not the whole sphere"),
        (Spatial(projection="equirectangular", sv3d=equirectangular(pose=(10, 0, 0))), "pose"),
    ):  # fmt: skip
        copy.write_bytes(scene.read_bytes())
        write_spatial(copy, spatial)
        assert words in one_line(avtools("nfov", copy, "-o", tmp_path / "v.mp4"))
        plotted = avtools("nfov", copy, "-o", tmp_path / "v.wav", "--plot", tmp_path / "p.png")
        assert words in one_line(plotted)
    assert "an equirectangular one is twice as wide" in one_line(
        avtools("nfov", flat_film(tmp_path), "-o", tmp_path / "v.mp4")
    )
    assert {p.name for p in tmp_path.iterdir()} == {"copy.mp4", "flat.mp4"}


def flat_film(tmp_path):
    with av.open(str(tmp_path / "flat.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        out.mux(stream.encode(av.VideoFrame(320, 180, "yuv420p")))
        out.mux(stream.encode(None))
    return tmp_path / "flat.mp4"


def test_standard_input_is_one_thing(tmp_path, scene):
    assert "name the FILE" in one_line(avtools("nfov", "-", "--towards", "-", input=b"time"))
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(scene.read_bytes())
    done = avtools("nfov", scene, copy, "--towards", "-", "-d", tmp_path / "o", input=b"time\n")
    assert "for one input" in one_line(done)
    done = avtools("nfov", scene, copy, "--plot", "x.png", "-d", tmp_path / "o")
    assert "draws one input" in one_line(done)


def test_its_sound_alone_needs_no_picture_library(tmp_path):
    save(tmp_path / "x.wav", noise(4))
    code = (
        "import sys; from avtools.cli import status; code = status(sys.argv[1:]); "
        "heavy = {'torch', 'scipy', 'av', 'cv2', 'soundfile', 'rich', 'matplotlib'}; "
        "sys.stderr.write(repr((code, sorted(heavy & set(sys.modules)))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "nfov", tmp_path / "x.wav"], capture_output=True
    )
    assert done.stderr.decode().endswith("(0, [])")
