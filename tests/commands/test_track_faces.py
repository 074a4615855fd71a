"""`avtools track-faces` as a person runs it."""

import csv
import io
import json
from fractions import Fraction

import numpy as np
import pytest
import soundfile

from avtools.stream.film import write_film
from avtools.stream.sound import Sound
from avtools.stream.spatial import Spatial
from avtools.stream.video import frames, video_facts
from tests.scenes import DATA, RATE, avtools, needs_data, needs_ffmpeg, noise, one_line, shell
from tests.signal.talking import FPS, HEIGHT, WIDTH, box, pictures, swing

COUNT = 50
SECONDS = COUNT / FPS


def heard(way: np.ndarray) -> np.ndarray:
    """Noise from where the face is: (2, samples); at the left edge 0.5 ms and 4 dB to the left."""
    t = np.arange(int(SECONDS * RATE)) / RATE
    side = 1 - 2 * np.interp(t, np.arange(COUNT) / FPS, way[:, 0]) / WIDTH
    x = noise(1, len(t) + 100, 5)[:, 0]
    n = np.arange(len(x)) / RATE
    ears = [np.interp(t + 1e-3 + k * side * 0.25e-3, n, x) * 10 ** (k * side / 10) for k in (1, -1)]
    return np.stack(ears).astype(np.float32)


def film(path, ways, sound: np.ndarray, cover=None, spatial=None):
    shown = np.stack([picture for _, picture in pictures(ways, cover=cover)])
    source = Sound(iter([sound]), RATE, len(sound), frames=sound.shape[1], bits=16)
    size = (WIDTH, HEIGHT)
    write_film(path, path.suffix, [shown], size, Fraction(25, 2), source, True, spatial)
    return path


def known(path, ways, video):
    """A table with the faces of the first picture."""
    rows = [f"{video},0,{','.join(map(str, box(*way[0])))}" for way in ways]
    path.write_text("\n".join(["file,time,x,y,width,height", *rows]) + "\n")
    return f"boxes:{path}"


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """A face that swings, its sound with it; hidden from 2.4 to 3.2 s."""
    folder = tmp_path_factory.mktemp("talk")
    way = swing(COUNT, 80, 45, period=5)
    cover = lambda k: (30, 130) if 30 <= k < 40 else None  # noqa: E731
    video = film(folder / "talk.mp4", [way], heard(way), cover)
    return way, video, known(folder / "known.csv", [way], video)


def rows_of(done) -> list[dict]:
    assert done.returncode == 0, done.stderr.decode()
    return list(csv.DictReader(io.StringIO(done.stdout.decode())))


def middles(rows) -> np.ndarray:
    return np.array([float(r["x"]) + float(r["width"]) / 2 for r in rows])


def at(way, times) -> np.ndarray:
    return np.interp(times, np.arange(COUNT) / FPS, way[:, 0])


def test_rows_follow_the_face_through_hiding(talk):
    way, video, detector = talk
    done = avtools("track-faces", video, "--detector", detector, "--hop", "0.2")
    rows = rows_of(done)
    assert done.stderr == b"" and list(rows[0]) == [
        *("file", "time", "x", "y", "width", "height", "azimuth", "elevation", "confidence")
    ]
    times = np.array([float(r["time"]) for r in rows])
    assert np.allclose(times, np.arange(0.1, SECONDS, 0.2)) and rows[0]["file"] == str(video)
    away, hidden = abs(middles(rows) - at(way, times)), (times > 2.4) & (times < 3.15)
    assert away[~hidden].max() < 3 and away[hidden].max() < 0.06 * WIDTH
    # 75 degrees across: half the width is at 37.5 degrees.
    slope = 2 * np.tan(np.deg2rad(37.5))
    wanted = np.rad2deg(np.arctan((0.5 - middles(rows) / WIDTH) * slope))
    assert np.allclose([float(r["azimuth"]) for r in rows], wanted, atol=0.05)
    sure = np.array([float(r["confidence"]) for r in rows])
    assert sure[~hidden].min() > sure[hidden].max()


def test_film_table_and_plot(talk, tmp_path):
    _, video, detector = talk
    over, table, plot = (tmp_path / name for name in ("over.mp4", "rows.jsonl", "way.png"))
    done = avtools(
        *("track-faces", video, "--detector", detector, "-o", over, "--table", table),
        *("--plot", plot),
    )
    assert done.returncode == 0 and done.stdout == b"", done.stderr.decode()
    rows = [json.loads(line) for line in table.read_text().splitlines()]
    assert len(rows) == round(SECONDS * 10) and plot.read_bytes()[:4] == b"\x89PNG"
    before, after = (list(frames(str(path))) for path in (video, over))
    assert [t for t, _ in before] == [t for t, _ in after] and len(after) == COUNT
    # The box is drawn around the face, and nothing far from it.
    drawn = np.abs(after[10][1].astype(int) - before[10][1]).max(axis=2) > 60
    row = min(rows, key=lambda r: abs(r["time"] - 10 / FPS))
    columns = np.flatnonzero(drawn.any(0))
    assert abs(columns[0] - row["x"]) < 4
    assert abs(columns[-1] - row["x"] - row["width"]) < 12  # its label may be wider


def test_the_window_and_the_reference(talk):
    """Faces may be known from a picture outside the window; times stay those of the file."""
    way, video, detector = talk
    done = avtools(
        *("track-faces", video, "--detector", detector, "--reference", 0),
        *("--start", 0.56, "--duration", 1, "--hop", "0.2"),
    )
    rows = rows_of(done)
    times = np.array([float(r["time"]) for r in rows])
    assert np.allclose(times, 0.56 + np.arange(0.1, 1, 0.2))
    assert np.abs(middles(rows) - at(way, times)).max() < 3


def test_which_of_two(tmp_path):
    """The one on the side that the sound comes from: the other, once its channels are exchanged."""
    ways = [swing(COUNT, 40, 4), swing(COUNT, 120, 4)]
    video = film(tmp_path / "x.mp4", ways, heard(ways[0]))
    detector = known(tmp_path / "known.csv", ways, video)
    plain = avtools("track-faces", video, "--detector", detector)
    flipped = shell(
        f"avtools flip {video} | avtools track-faces --video {video} "
        f"--detector {known(tmp_path / 'known.csv', ways, '-')}"
    )
    for way, done in zip(ways, (plain, flipped), strict=True):
        rows = rows_of(done)
        times = np.array([float(r["time"]) for r in rows])
        assert np.mean(abs(middles(rows) - at(way, times)) < 4) > 0.95


@pytest.mark.parametrize("channels", [1, 2])
def test_sound_without_sides(tmp_path, channels):
    """Mono and the same twice: the picture alone, less sure, and a warning that says it once."""
    way = swing(COUNT, 80, 30)
    video = film(tmp_path / "x.mp4", [way], np.repeat(noise(1, int(SECONDS * RATE)).T, channels, 0))
    done = avtools("track-faces", video, "--detector", known(tmp_path / "k.csv", [way], video))
    rows = rows_of(done)
    times = np.array([float(r["time"]) for r in rows])
    assert np.abs(middles(rows) - at(way, times)).max() < 3
    assert max(float(r["confidence"]) for r in rows) <= 0.7
    assert done.stderr.count(b"\n") == 1 and b"from no side" in done.stderr


def test_360_over_the_seam(tmp_path):
    """The face walks over the seam; its box reaches beyond the right edge there."""
    from tests.scenes import plane_wave

    x = 130 + 60 * np.arange(COUNT) / COUNT
    way = np.stack([x % WIDTH, np.full(COUNT, 40.0)], axis=1)
    angle = 360 * (0.5 - x / WIDTH)
    parts = [plane_wave(a, 0, int(RATE / FPS), k) for k, a in enumerate(angle)]
    spatial = Spatial(projection="equirectangular", ambisonic_order=1)
    shown = np.stack([picture for _, picture in pictures([way], size=(WIDTH, WIDTH // 2))])
    field = np.concatenate(parts).T
    sound = Sound(iter([field]), RATE, 4, frames=field.shape[1], bits=16, label="ambisonic 1")
    video = tmp_path / "x.mp4"
    write_film(video, ".mp4", [shown], (WIDTH, WIDTH // 2), Fraction(25, 2), sound, True, spatial)
    rows = rows_of(
        avtools(
            *("track-faces", video, "--equirect"),
            *("--detector", known(tmp_path / "k.csv", [way], video)),
        )
    )
    times = np.array([float(r["time"]) for r in rows])
    wanted = np.interp(times, np.arange(COUNT) / FPS, x)
    away = (middles(rows) - wanted + WIDTH / 2) % WIDTH - WIDTH / 2
    assert np.abs(away).max() < 3
    azimuth = np.array([float(r["azimuth"]) for r in rows])
    assert np.abs((azimuth - 360 * (0.5 - wanted / WIDTH) + 180) % 360 - 180).max() < 8
    assert any(float(r["x"]) + float(r["width"]) > WIDTH for r in rows)
    assert all(0 <= float(r["x"]) < WIDTH for r in rows)


def test_nobody_there(tmp_path):
    """Haar finds no face in these patches of colour: an answer, not an error."""
    way = swing(COUNT, 80, 30)
    video = film(tmp_path / "x.mp4", [way], heard(way))
    over = tmp_path / "over.mp4"
    done = avtools("track-faces", video, "-o", over, "--plot", tmp_path / "p.png")
    assert rows_of(done) == [] and done.stdout.startswith(b"file,time,x,")
    assert done.stderr.count(b"\n") == 1 and b"no face found" in done.stderr
    assert video_facts(over).frames == COUNT and (tmp_path / "p.png").exists()
    done = avtools("track-faces", video, "--reference", 1)
    assert rows_of(done) == [] and b"no face found at 1 s" in done.stderr


def test_refusals(talk, tmp_path):
    _, video, _ = talk
    sound = tmp_path / "x.wav"
    soundfile.write(sound, noise(2), RATE)
    for arguments, words in [
        ([sound], "no video stream"),
        ([video, "--detector", "cat"], "no face detector 'cat'"),
        ([video, "--detector", f"boxes:{tmp_path}/none.csv"], "No such file"),
        ([video, "--reference", 60], "no picture 60 s from the beginning"),
        ([video, "--reference", "nan"], "--reference"),
        ([video, "--hop", "0"], "--hop 0"),
        ([video, "--fov", 5], "--fov 5"),
        ([video, "--model", "resnet"], "expected one of signal"),
        ([video, "--table", tmp_path / "t.csv"], "--table goes with a video"),
        ([video, "--crf", 20], "--crf goes with a video"),
        ([video, video, "-o", tmp_path / "o.mp4"], "shows one input, not 2"),
        ([video, "-o", video], "is an input itself"),
        ([video, "-o", tmp_path / "o.mp4", "--start", 1], "can't cut a picture"),
        ([video, "--equirect"], "twice as wide"),
        ([video, "--plot", "x.gif"], ".png"),
        ([tmp_path / "none.mp4"], "No such file"),
    ]:
        assert words in one_line(avtools("track-faces", *arguments)), arguments


def spoken(source, path, seconds: int = 5) -> None:
    """A talking person moves across a wider picture, and the voice with the picture."""
    period, wide, high = 6, 960, 360
    wav = path.with_suffix(".wav")
    done = shell(f"ffmpeg -v error -t {seconds} -i {source} -vn -ac 1 -ar {RATE} {wav}")
    assert done.returncode == 0, done.stderr.decode()
    x = soundfile.read(wav)[0]
    t = np.arange(len(x)) / RATE
    side = np.sin(2 * np.pi * t / period)  # + is right
    ears = [np.interp(t - k * 1.8e-4 * side, t, x) * 10 ** (k * -3.0 * side / 20) for k in (1, -1)]
    soundfile.write(wav, 0.5 * np.stack(ears, axis=1), RATE)
    across = f"(W-w)/2*(1+0.9*sin(2*PI*t/{period}))"
    done = shell(
        f"ffmpeg -v error -i {wav} -t {seconds} -i {source} -filter_complex "
        f'"[1:v]crop=iw:min(iw\\,ih):0:min(ih-iw\\,150),scale=-2:{high}[v];'
        f"color=0x506070:s={wide}x{high}:r=25:d={seconds}[c];"
        f"[c][v]overlay=x='{across}':y=0:shortest=1[o]\" "
        f"-map [o] -map 0:a -c:v libx264 -preset ultrafast -crf 18 -c:a aac -b:a 192k {path}"
    )
    assert done.returncode == 0, done.stderr.decode()


def overlap(a, b) -> float:
    wide = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    high = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(0, wide) * max(0, high)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


@needs_data
@needs_ffmpeg
@pytest.mark.parametrize("name", ["demo1_video.mp4", "demo2_video.mp4"])
def test_people_who_talk(tmp_path, name):
    from avtools.faces import detector

    path = tmp_path / "x.mp4"
    spoken(next(DATA.glob(f"bytedance+LatentSync/**/{name}")), path)
    rows = rows_of(avtools("track-faces", path, "--hop", "0.4"))
    haar, overlaps = detector("haar"), []
    shown = dict(frames(str(path), rate=5, start=0))
    for row in rows:
        boxes, scores = haar.detect(shown[round(float(row["time"]), 3)][None])[0]
        if len(boxes) and scores[0] >= 0.5:
            mine = [float(row[n]) for n in ("x", "y", "width", "height")]
            overlaps.append(overlap(mine, boxes[0]))
    assert len(overlaps) >= 5 and np.mean(np.array(overlaps) >= 0.5) >= 0.8
