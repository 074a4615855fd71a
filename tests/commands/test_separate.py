"""separate, as a person runs it: two beating things, one of which is in the picture."""

import shutil
import subprocess
from fractions import Fraction

import av
import numpy as np
import pytest

from avtools.stream.spatial import Spatial, write_spatial
from tests.scenes import avtools, command, load, load_bytes, noise, one_line, save
from tests.signal.test_separate import RATE, beats, gain_of, moving, two

FPS, WIDTH, HEIGHT = 25, 192, 108
SECONDS = 5.0


def picture(light: np.ndarray, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """RGB of cells (27, 48) that are so bright, over a still texture."""
    rng = np.random.default_rng(0)
    still = np.kron(rng.integers(60, 140, (27, 48)), np.ones((height // 27, width // 48)))
    bright = np.kron(light, np.ones((height // 27, width // 48)))
    grey = np.zeros((height, width))
    grey[: still.shape[0]] = still + bright
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def film(path, movement, sound=None, rate: int = RATE, is_360: bool = False, size=(WIDTH, HEIGHT)):
    """A video in which cells flash where something moves; `sound` (channels, n)."""
    width, height = (192, 96) if is_360 else size
    layout = {None: None, 2: "stereo", 4: "4.0"}[None if sound is None else len(sound)]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options={"crf": "6"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        heard = None if sound is None else out.add_stream("flac", rate=rate, layout=layout)
        for k, moved in enumerate(movement):
            light = np.minimum(20 * moved, 100) * (-1) ** k
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(picture(light, width, height)), format="rgb24"
            )
            frame.pts, frame.time_base = k, Fraction(1, FPS)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if heard is not None:
            whole = np.clip(np.rint(sound.T * 32767), -32768, 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(whole.reshape(1, -1), format="s16", layout=layout)
            frame.sample_rate, frame.pts = rate, 0
            out.mux(heard.encode(frame))
            out.mux(heard.encode(None))
    if is_360:
        order = 1 if sound is not None and len(sound) == 4 else None
        write_spatial(path, Spatial(projection="equirectangular", ambisonic_order=order))
    return path


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A mixture, its two images, and films that show the one or the other."""
    folder = tmp_path_factory.mktemp("separate")
    images, rhythms = two(SECONDS)
    images = images * np.float32(0.12)
    mixture = images.sum(axis=0)
    films = [
        film(folder / f"{name}.mkv", moving(SECONDS, rhythm, column), mixture)
        for name, rhythm, column in zip(("left", "right"), rhythms, (10, 38), strict=True)
    ]
    save(folder / "mix.wav", mixture.T, RATE)
    return folder, mixture, images, films


def run(*arguments) -> str:
    done = avtools("separate", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stderr.decode()


@pytest.mark.parametrize("shown", [0, 1])
def test_the_pictured_sound_and_the_rest(tmp_path, scene, shown):
    _, mixture, images, films = scene
    assert run(films[shown], "-o", tmp_path / "o.wav", "--rest", tmp_path / "r.wav") == ""
    source, rest = load(tmp_path / "o.wav").T, load(tmp_path / "r.wav").T
    assert source.shape == rest.shape == mixture.shape
    assert np.abs(source + rest - mixture).max() < 1e-4  # of 16 bits
    assert gain_of(source, images[shown], mixture) > 6
    assert gain_of(rest, images[1 - shown], mixture) > 6


def test_two_pictures_of_one_mixture(tmp_path, scene):
    folder, mixture, images, films = scene
    videos = ["--video", films[1], "--video", films[0]]
    run(folder / "mix.wav", *videos, "-d", tmp_path, "--rest", tmp_path / "rest.wav")
    made = [load(tmp_path / f"{name}.wav").T for name in ("left", "right")]
    for one, image in zip(made, images, strict=True):
        assert gain_of(one, image, mixture) > 6
    assert np.abs(sum(made) + load(tmp_path / "rest.wav").T - mixture).max() < 1e-5


def test_at_in_degrees_and_in_the_picture(tmp_path, scene):
    _, mixture, images, _ = scene
    _, rhythms = two(SECONDS)
    both = moving(SECONDS, rhythms[0], 10) + moving(SECONDS, rhythms[1], 38)
    video = film(tmp_path / "both.mkv", both, mixture)
    for at, shown in (("22%", 0), ("154px", 1), ("24", 0)):
        run(video, f"--at={at}", "-o", tmp_path / "o.wav")
        assert gain_of(load(tmp_path / "o.wav").T, images[shown], mixture) > 6


def test_into_a_video_and_into_a_pipe(tmp_path, scene):
    _, mixture, _, films = scene
    run(films[0], "-o", tmp_path / "o.mkv", "--rest", tmp_path / "r.mkv")
    made = [
        load_bytes(avtools("convert", tmp_path / f).stdout, tmp_path) for f in ("o.mkv", "r.mkv")
    ]
    assert np.abs(sum(made).T - mixture).max() < 2e-4
    with av.open(str(films[0])) as given, av.open(str(tmp_path / "o.mkv")) as out:
        packets = [[bytes(p) for p in c.demux(c.streams.video[0]) if p.size] for c in (given, out)]
    assert packets[0] == packets[1]
    piped = load_bytes(avtools("separate", films[0]).stdout, tmp_path)
    assert np.abs(piped - made[0]).max() < 2e-4


def test_first_order_ambisonics_and_a_picture_of_everything(tmp_path):
    _, rhythms = two(SECONDS)
    azimuths = np.deg2rad([90.0, -100.0])
    images = []
    for k, a in enumerate(azimuths):
        s = 0.1 * beats(SECONDS, rhythms[k], (310, 437)[k], k)
        images.append((np.array([1, np.sin(a), 0, np.cos(a)])[:, None] * s).astype(np.float32))
    mixture = sum(images)
    for shown, column in ((0, 12), (1, 37)):
        seen = moving(SECONDS, rhythms[shown], column)
        video = film(tmp_path / "360.mp4", seen, mixture, is_360=True)
        run(video, "-o", tmp_path / "o.wav")
        made = load(tmp_path / "o.wav").T
        assert made.shape == mixture.shape
        assert gain_of(made, images[shown], mixture) > 6


def test_nothing_moves_and_nothing_sounds(tmp_path, scene):
    _, mixture, _, _ = scene
    still = np.zeros((round(SECONDS * FPS), 27, 48))
    said = run(film(tmp_path / "still.mkv", still, mixture), "-o", tmp_path / "o.wav")
    assert said.count("\n") == 1 and "nothing in the picture goes with the sound" in said
    silent = film(tmp_path / "silent.mkv", still, 0 * mixture)
    assert run(silent, "-o", tmp_path / "o.wav") == ""
    assert not load(tmp_path / "o.wav").any()


def test_samples_that_are_no_numbers(tmp_path, scene):
    _, mixture, _, films = scene
    x = mixture.T.copy()
    x[700:720] = np.nan
    save(tmp_path / "x.wav", x, RATE)
    said = run(tmp_path / "x.wav", "--video", films[0], "-o", tmp_path / "o.wav")
    assert "NaN" in said and np.isfinite(load(tmp_path / "o.wav")).all()


SHORT = 2.0


@pytest.fixture
def short(tmp_path):
    """In a folder of their own, for what concerns names: a mixture and two pictures of it."""
    images, rhythms = two(SHORT)
    mixture = images.sum(axis=0) * np.float32(0.12)
    (folder := tmp_path / "in").mkdir()
    save(folder / "mix.wav", mixture.T, RATE)
    for name, rhythm, column in zip(("anna", "ben"), rhythms, (10, 38), strict=True):
        film(folder / f"{name}.mkv", moving(SHORT, rhythm, column), mixture, size=(96, 54))
    return folder, mixture


PAIR = ("--video", "anna.mkv", "--video", "ben.mkv")


def contents(folder) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("input itself", ["mix.wav", *PAIR, "-d", ".", "--suffix", ".mkv"]),
        ("not for 2", ["mix.wav", "ben.mkv", *PAIR, "-d", "voices"]),
        ("be a FILE", ["-", *PAIR, "-d", "voices"]),
        ("not --output", ["mix.wav", *PAIR, "-d", "voices", "-o", "o.wav"]),
        ("names of both", ["mix.wav", "--video", ".", "--video", "../in", "-d", "voices"]),
        ("two outputs", ["anna.mkv", "-o", "r.wav", "--rest", "./r.wav"]),
        ("two outputs", ["mix.wav", *PAIR, "-d", "voices", "--rest", "./voices/ben.wav"]),
        ("input itself", ["anna.mkv", "-o", "o.wav", "--rest", "../in/anna.mkv"]),
        ("input itself", ["mix.wav", *PAIR[:2], "-o", "o.wav", "--rest", "./anna.mkv"]),
        ("two outputs", ["anna.mkv", "--in-place", "--rest", "./anna.mkv"]),
        ("--in-place", ["ben.mkv", *PAIR[:2], "--in-place"]),
        ("--in-place", ["mix.wav", *PAIR, "--in-place"]),
    ],
)
def test_nothing_is_written_over(short, words, arguments):
    folder, _ = short
    before = contents(folder)
    assert words in one_line(avtools("separate", *arguments, cwd=folder))
    assert words in one_line(avtools("separate", *arguments, "--dry-run", cwd=folder))
    assert contents(folder) == before


def test_the_rest_is_not_written_into_the_file_behind_standard_output(short):
    folder, _ = short
    with open(folder / "o.wav", "wb") as out:
        done = subprocess.run(
            command("separate", "anna.mkv", "--rest", "o.wav"),
            cwd=folder, stdout=out, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    assert done.returncode == 2 and b"named for two outputs" in done.stderr


def test_all_outputs_are_told_and_looked_for(short):
    folder, mixture = short
    asked = ("mix.wav", *PAIR, "-d", "voices", "--suffix", "_alone.flac", "--rest", "rest.wav")
    names = ["voices/anna_alone.flac", "voices/ben_alone.flac", "rest.wav"]

    def dry(*more) -> list[str]:
        done = avtools("separate", *asked, "-n", *more, cwd=folder)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().splitlines()

    told = [f"mix.wav -> {name}" for name in names]
    before = contents(folder)
    assert dry() == told and contents(folder) == before
    (folder / "voices").mkdir()
    (folder / "voices" / "mix_alone.flac").touch()
    (folder / names[0]).touch()  # one of three
    assert dry("--skip-existing") == told
    assert avtools("separate", *asked, "--skip-existing", cwd=folder).returncode == 0
    assert set(contents(folder)) == {*before, *names, "voices/mix_alone.flac"}
    assert np.abs(sum(load(folder / name).T for name in names) - mixture).max() < 1e-4
    made = contents(folder)
    assert dry("--skip-existing") == []
    assert avtools("separate", *asked, "--skip-existing", cwd=folder).returncode == 0
    assert contents(folder) == made


def test_two_pictures_of_a_sound_and_of_a_video(short):
    folder, mixture = short
    done = avtools("separate", "mix.wav", *PAIR, "-d", "sounds", cwd=folder)
    assert done.returncode == 0, done.stderr
    shutil.copy(folder / "anna.mkv", folder / "both.mkv")
    done = avtools("separate", "both.mkv", *PAIR, "-d", "films", cwd=folder)
    assert done.returncode == 0, done.stderr
    for name in ("anna", "ben"):
        sound = load(folder / "sounds" / f"{name}.wav").T
        boxed = avtools("convert", folder / "films" / f"{name}.mkv").stdout
        assert sound.shape == mixture.shape
        assert np.abs(sound - load_bytes(boxed, folder).T).max() < 1e-3
        assert packets(folder / "films" / f"{name}.mkv") == packets(folder / f"{name}.mkv")


def packets(path) -> list[bytes]:
    with av.open(str(path)) as c:
        return [bytes(p) for p in c.demux(c.streams.video[0]) if p.size]


def test_folders(short):
    folder, mixture = short
    (folder / "mix.wav").unlink()
    done = avtools("separate", ".", "-d", "../out", "--suffix", ".wav", "--jobs", "2", cwd=folder)
    assert done.returncode == 0 and done.stdout == b"", done.stderr
    out = folder.parent / "out"
    assert sorted(contents(out)) == ["anna.wav", "ben.wav"]
    run(folder / "ben.mkv", "-o", out / "alone.wav")
    assert np.array_equal(load(out / "ben.wav"), load(out / "alone.wav"))
    save(folder / "anna.wav", mixture.T, RATE)  # sounds, and the pictures of their names
    save(folder / "ben.wav", mixture.T, RATE)
    sounds = ("anna.wav", "ben.wav", "--video", ".", "-d", "../out", "--jobs", "2")
    assert avtools("separate", *sounds, cwd=folder).returncode == 0
    anna, ben, alone = (load(out / f"{name}.wav") for name in ("anna", "ben", "alone"))
    assert np.abs(ben - alone).max() < 1e-3 < 0.01 < np.abs(anna - alone).max()


def test_a_portrait_picture(tmp_path):
    images, rhythms = two(SECONDS)
    images = images * np.float32(0.12)
    mixture = images.sum(axis=0)
    seen = moving(SECONDS, rhythms[1], 38)
    video = film(tmp_path / "tall.mkv", seen, mixture, size=(96, 216))
    run(video, "-o", tmp_path / "o.wav")
    assert gain_of(load(tmp_path / "o.wav").T, images[1], mixture) > 6


@pytest.mark.parametrize("seconds", [3.0, 6.5])
def test_sound_longer_and_shorter_than_the_picture(tmp_path, scene, seconds):
    _, mixture, images, films = scene
    count = round(seconds * RATE)
    x = np.pad(mixture, ((0, 0), (0, max(0, count - mixture.shape[1]))))[:, :count]
    save(tmp_path / "x.wav", x.T, RATE)
    outputs = ("-o", tmp_path / "o.wav", "--rest", tmp_path / "r.wav")
    said = run(tmp_path / "x.wav", "--video", films[0], *outputs)
    assert said.count("\n") == 1 and "picture 5.0 s" in said
    source, rest = load(tmp_path / "o.wav").T, load(tmp_path / "r.wav").T
    assert source.shape == x.shape and np.abs(source + rest - x).max() < 1e-5
    both = min(count, mixture.shape[1])
    assert gain_of(source[:, :both], images[0][:, :both], mixture[:, :both]) > 6


def test_a_dead_channel_stays_dead(short):
    folder, mixture = short
    x = mixture * np.float32([[1], [0]])
    save(folder / "x.wav", x.T, RATE)
    run(folder / "x.wav", "--video", folder / "anna.mkv", "-o", folder / "o.wav", "--rest",
        folder / "r.wav")  # fmt: skip
    source, rest = load(folder / "o.wav").T, load(folder / "r.wav").T
    assert np.abs(source + rest - x).max() < 1e-5
    assert np.abs(source[1]).max() < 1e-6 and np.abs(source[0]).max() > 1e-3


def test_what_is_refused(tmp_path, scene):
    folder, _, _, films = scene
    mix, left, right = folder / "mix.wav", *films
    out = ("-o", tmp_path / "o.wav")

    def said(*arguments) -> str:
        line = one_line(avtools("separate", *arguments))
        assert not (tmp_path / "o.wav").exists()
        return line

    save(tmp_path / "mono.wav", noise(1, round(SECONDS * RATE)), RATE)
    assert "1 channel" in said(tmp_path / "mono.wav", "--video", left, *out)
    assert "no video stream" in said(mix, *out)
    assert "--directory" in said(mix, "--video", left, "--video", right, *out)
    three = ["--video", left] * 3
    assert "one or two" in said(mix, *three, *out)
    twice = ["--video", left, "--video", left]
    assert "names of both pictures" in said(mix, *twice, "-d", tmp_path)
    assert "--at" in said(left, "--at", "north", *out)
    assert "beside the picture" in said(left, "--at", "60", *out)
    assert "behind the camera" in said(left, "--at", "120", *out)
    assert "named for two outputs" in said(left, "--rest", tmp_path / "o.wav", *out)
    assert "file of its own" in said(left, "--rest", "-", *out)
    assert "input itself" in said(left, "--rest", left, *out)
    assert "not for 2" in said(left, right, "--rest", tmp_path / "r.wav", "-d", tmp_path)
    assert "--model" in said(left, "--model", "none", *out)
    assert "cut a picture" in said(left, "--start", "1", "--rest", tmp_path / "r.mkv", *out)
