"""synth, as a person runs it: files that other tools read, and a truth that they find in them."""

import csv
import json
import os
import signal
import subprocess
import time

import numpy as np
import pytest

from avtools.cli import status
from avtools.stream.files import open_sound
from avtools.stream.spatial import read_spatial
from avtools.stream.video import frames, video_facts
from avtools.synth.recipe import parse_habits
from avtools.world.truth import COLUMNS
from tests.scenes import avtools, command, load, save, shell

# Pictures at the moments of the truth's rows.
STEREO = ("--preset", "easy", "--ears", "pair", "--seconds", 2, "--size", "320x180", "--fps", 20)
AROUND = ("--kind", "360", "--preset", "easy", "--seconds", 2, "--size", "320x160", "--fps", 20)
# Two sources that move and sound for most of the time, and one all around.
SEED, SEED_AROUND = 11, 3


def made(*arguments) -> str:
    done = avtools("synth", *arguments)
    assert done.returncode == 0, done.stderr.decode()
    return done.stderr.decode()


def rows_of(text: str) -> list[dict]:
    return list(csv.DictReader(text.splitlines()))


def truth_of(path) -> list[dict]:
    return rows_of(path.read_text())


def column(rows: list[dict], name: str) -> np.ndarray:
    return np.array([float(row[name] or "nan") for row in rows])


def table(*arguments) -> list[dict]:
    done = avtools(*arguments)
    assert done.returncode == 0, done.stderr.decode()
    return rows_of(done.stdout.decode())


def contents(folder) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def stereo(tmp_path_factory):
    """In this process, where torch is loaded once."""
    folder = tmp_path_factory.mktemp("stereo")
    more = ("--seed", SEED, "--count", 2, "--lossless", "--masks")
    wish = (*STEREO, *more, "-d", folder / "scenes", "--plot", folder / "sheet.png")
    assert status(["synth", *map(str, wish)]) == 0
    return folder / "scenes"


@pytest.fixture(scope="module")
def around(tmp_path_factory):
    folder = tmp_path_factory.mktemp("around")
    made(*AROUND, "--seed", SEED_AROUND, "--lossless", "-o", folder / "all.mp4")
    return folder / "all.mp4"


# ---- what is written --------------------------------------------------------------------------


def test_a_scene_is_an_ordinary_file_with_its_truth_beside(stereo):
    names = ["mp4", "csv", "masks.npz"]
    scenes = [f"easy-{SEED + k:06d}" for k in range(2)]
    assert set(contents(stereo)) == {f"{s}.{n}" for s in scenes for n in names} | {"manifest.csv"}
    facts = video_facts(stereo / f"{scenes[0]}.mp4")
    assert (facts.width, facts.height, facts.rate, facts.frames) == (320, 180, 20, 40)
    assert (facts.codec, facts.start) == ("h264", 0)
    with open_sound(str(stereo / f"{scenes[0]}.mp4")) as sound:
        assert (sound.codec, sound.channels, sound.rate) == ("flac", 2, 48000)
        x = np.concatenate([b.copy() for b in sound.blocks], axis=1)
    assert x.shape[1] == 96000 and 0.01 < np.abs(x).max() < 0.95
    assert (stereo.parent / "sheet.png").stat().st_size > 10_000


def test_the_truth_is_a_table_of_moments(stereo):
    rows = truth_of(stereo / f"easy-{SEED:06d}.csv")
    assert list(rows[0]) == list(COLUMNS)
    assert np.allclose(column(rows, "time"), 0.05 + 0.1 * np.arange(20))
    assert {row["file"] for row in rows} == {f"easy-{SEED:06d}.mp4"}
    assert {row["role"] for row in rows} == {"source"}


def test_the_manifest_lists_the_scenes_and_is_an_input(stereo):
    rows = truth_of(stereo / "manifest.csv")
    assert [row["file"] for row in rows] == [f"easy-{SEED + k:06d}.mp4" for k in range(2)]
    one = rows[0]
    assert (one["kind"], one["preset"], one["seed"]) == ("stereo", "easy", str(SEED))
    assert (one["source"], one["split"], one["ears"]) == (str(SEED // 10), "train", "pair")
    assert (stereo / one["truth"]).exists() and (stereo / one["masks"]).exists()
    probed = table("probe", stereo / "manifest.csv")
    assert [row["kind"] for row in probed] == ["video", "audio"] * 2


def test_360_carries_its_marks(around, tmp_path):
    says = read_spatial(around)
    assert (says.projection, says.ambisonic_order) == ("equirectangular", 1)
    checked = avtools("probe", "--check", around)
    assert checked.returncode == 0, checked.stdout
    view = ("--azimuth", "30", "--size", "160x90", "-o", tmp_path / "view.mp4")
    assert avtools("nfov", around, *view).returncode == 0


# ---- the truth is true ------------------------------------------------------------------------


def test_the_delay_between_the_channels_is_the_truths(stereo):
    found = 0
    for k in range(2):
        scene = stereo / f"easy-{SEED + k:06d}"
        heard = table("gcc-phat", f"{scene}.mp4", "--window", "0.1", "--hop", "0.05")
        truth = truth_of(scene.with_suffix(".csv"))
        loud = {row["time"]: float(row["delay"]) for row in truth if float(row["loudness"]) > 0.3}
        pairs = [
            (float(row["delay"]), delay)
            for row in heard
            for moment, delay in loud.items()
            if abs(float(row["time"]) - float(moment)) < 0.004 and row["delay"]
        ]
        apart = np.abs(np.diff(np.array(pairs), axis=1))
        assert np.median(apart) < 2e-5
        found += len(pairs)
    assert found >= 8


def test_the_direction_of_the_sound_is_the_truths(around):
    truth = truth_of(around.with_suffix(".csv"))
    assert apart_from_truth(around, truth, turned=0) < 1


def test_a_scene_that_is_turned_is_heard_where_it_was_turned_to(around, tmp_path):
    turned = tmp_path / "turned.mp4"
    assert avtools("rotate-foa", around, "--yaw", "60", "-o", turned).returncode == 0
    assert apart_from_truth(turned, truth_of(around.with_suffix(".csv")), turned=60) < 1


def apart_from_truth(path, truth: list[dict], turned: float) -> float:
    """Degrees between what intensity finds where the source is loud, and the truth; a median."""
    heard = table("intensity", path, "--window", "0.1", "--hop", "0.05")
    loud = [row for row in truth if float(row["loudness"]) > 0.3]
    apart = [
        abs((float(h["azimuth"]) - float(row["azimuth"]) - turned + 180) % 360 - 180)
        for row in loud
        for h in heard
        if h["azimuth"] and abs(float(h["time"]) - float(row["time"])) < 0.004
    ]
    assert len(apart) >= 4
    return float(np.median(apart))


def test_what_is_seen_is_where_the_truth_says(stereo):
    """The body is where the pictures differ from the background: what is there most of the time."""
    for k in range(2):
        scene = stereo / f"easy-{SEED + k:06d}"
        with np.load(f"{scene}.masks.npz") as there:
            masks, times = there["masks"], there["times"]
        assert np.allclose(times, np.arange(40) / 20) and set(np.unique(masks)) == {0, 1}
        for row in truth_of(scene.with_suffix(".csv")):
            mask = masks[round(float(row["time"]) * 20)] == 1
            y, x = np.nonzero(mask)
            centre = np.array([x.mean() + 0.5, y.mean() + 0.5])
            assert np.abs(centre - [float(row["center_x"]), float(row["center_y"])]).max() < 1.5


def test_the_picture_is_that_of_the_masks(stereo):
    scene = stereo / f"easy-{SEED:06d}"
    shown = np.stack([p for _, p in frames(f"{scene}.mp4")]).astype(float)
    with np.load(f"{scene}.masks.npz") as there:
        masks = there["masks"] == 1
    assert np.ptp(np.nonzero(masks.any((0, 1)))) > 30  # it moves
    never = ~masks.any(0)
    # Nothing else moves, and where the thing comes and goes the picture changes.
    assert np.median(np.ptp(shown[:, never], axis=0)) <= 4
    often = masks.mean(0)
    crossed = (often > 0.2) & (often < 0.8)
    assert np.median(np.ptp(shown[:, crossed], axis=0).max(-1)) > 20


# ---- again, and in other ways -----------------------------------------------------------------


def run(capfd, *arguments) -> str:
    """In this process, where torch is loaded once; what it said on standard error."""
    code = status(["synth", *map(str, arguments)])
    said = capfd.readouterr().err
    assert code == 0, said
    return said


def test_equal_seeds_make_equal_files_alone_or_side_by_side(tmp_path, capfd):
    wish = ("--preset", "real", "--seconds", 0.5, "--size", "64x36", "--count", 2, "--masks")
    for name, jobs in (("one", 1), ("two", 1), ("side", 2)):
        run(capfd, *wish, "-d", tmp_path / name, "--jobs", jobs)
    assert contents(tmp_path / "one") == contents(tmp_path / "two") == contents(tmp_path / "side")


def test_only_what_is_missing_is_made(stereo, tmp_path, capfd):
    folder = tmp_path / "again"
    folder.mkdir()
    for name, data in contents(stereo).items():
        (folder / name).write_bytes(data)
    kept = folder / f"easy-{SEED + 1:06d}.mp4"
    (folder / f"easy-{SEED:06d}.mp4").unlink()
    before = kept.stat().st_mtime_ns
    wish = (*STEREO, "--seed", SEED, "--count", 2, "--lossless", "--masks", "-d", folder)
    assert status(["synth", *map(str, wish), "--skip-existing", "-n"]) == 0
    announced = capfd.readouterr().out
    assert announced == f"easy-{SEED:06d} -> {folder}/easy-{SEED:06d}.mp4\n"
    run(capfd, *wish, "--skip-existing")
    assert contents(folder) == contents(stereo) and kept.stat().st_mtime_ns == before
    assert status(["synth", *map(str, wish), "--skip-existing", "--rate", "44100"]) == 2
    assert "was made with rate 48000, not 44100" in capfd.readouterr().err
    assert status(["synth", *map(str, wish), "--skip-existing", "--hop", "0.2"]) == 2
    assert "was made with other options" in capfd.readouterr().err


def test_a_part_without_scenes_is_no_failure(tmp_path, capfd):
    parts = [("--shard", f"{k}/2", "--plot", tmp_path / f"{k}.png") for k in (1, 2)]
    wish = ("--seconds", 0.5, "--format", "wav", "--size", "64x36", "-v", "-d", tmp_path / "d")
    said = [run(capfd, *wish, *part) for part in parts]
    assert sum("none of the scenes is in this part" in words for words in said) == 1
    assert len(list(tmp_path.glob("*.png"))) == len(list(tmp_path.glob("d/*.wav"))) == 1


def test_a_sheet_beside_a_pipe_does_not_keep_its_sound(tmp_path, capfdbinary):
    small = ("--seconds", 0.5, "--size", "64x36", "--rate", 8000, "--plot", tmp_path / "sheet.png")
    for more, size in (("-o", "-"), 4000 * 8), ((), 0):
        assert status(["synth", *more, *map(str, small)]) == 0
        sound, said = capfdbinary.readouterr()
        assert said == b"" and size <= len(sound) < size + 100
        (tmp_path / "sheet.png").unlink()


def test_sound_alone_json_habits_and_parts(tmp_path, capfd):
    wish = ("--preset", "real", "--seconds", 1, "--format", "wav", "--truth", "json")
    wish += ("--count", 5, "--seed", 1_000_000, "--habits", "7")
    for part in ("1/2", "2/2"):
        run(capfd, *wish, "-d", tmp_path / "parts", "--shard", part)
    run(capfd, *wish, "-d", tmp_path / "whole")
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")
    rows = truth_of(tmp_path / "whole" / "manifest.csv")
    assert [row["seed"] for row in rows] == [str(1_000_000 + k) for k in range(5)]
    assert {(row["split"], row["source"]) for row in rows} == {("test", "7-test")}
    assert load(tmp_path / "whole" / "real-1000000.wav").shape == (48000, 2)
    lines = (tmp_path / "whole" / "real-1000000.json").read_text().splitlines()
    assert json.loads(lines[0])["time"] == 0.05


def test_a_folder_grows_but_keeps_to_one_kind(tmp_path, capfd):
    wish = ("--preset", "easy", "--seconds", 0.5, "--format", "flac", "-d", tmp_path)
    run(capfd, *wish, "--count", 2)
    run(capfd, *wish, "--seed", 4)
    (tmp_path / "easy-000001.flac").unlink()
    run(capfd, *wish, "--seed", 5)
    seeds = [row["seed"] for row in truth_of(tmp_path / "manifest.csv")]
    assert seeds == ["0", "4", "5"]
    assert status(["synth", "--kind", "360", *map(str, wish)]) == 2
    assert "holds scenes of the kind stereo" in capfd.readouterr().err


def test_ordinary_files_and_containers(tmp_path, capfd):
    small = ("--seconds", 0.5, "--size", "64x32", "--kind", "360", "--preset", "real")
    for name, codec in (("a.mp4", "aac"), ("a.mov", "aac"), ("a.mkv", "aac"), ("a.m4a", "aac")):
        run(capfd, *small, "-o", tmp_path / name)
        with open_sound(str(tmp_path / name)) as sound:
            assert (sound.codec, sound.channels) == (codec, 4)
    run(capfd, *small, "--lossless", "-o", tmp_path / "b.m4a")
    with open_sound(str(tmp_path / "b.m4a")) as sound:
        assert sound.codec == "alac"
    run(capfd, *small, "--format", "opus", "-d", tmp_path)
    assert (tmp_path / "real-000000.opus").exists()


def test_the_users_own_sounds_and_pictures(tmp_path, capfd):
    import cv2

    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(96000) / 48000)
    (tmp_path / "sounds").mkdir()
    save(tmp_path / "sounds" / "tone.wav", tone[:, None].astype(np.float32))
    (tmp_path / "images").mkdir()
    green = np.zeros((90, 160, 3), np.uint8)
    green[..., 1] = 200
    cv2.imwrite(str(tmp_path / "images" / "green.png"), green)
    own = ("--sounds", tmp_path / "sounds", "--images", tmp_path / "images")
    scene = tmp_path / "own.mp4"
    small = ("--preset", "easy", "--seconds", 1, "--size", "160x90", "--lossless")
    run(capfd, *small, *own, "-o", scene)
    with open_sound(str(scene)) as sound:
        x = np.concatenate([b.copy() for b in sound.blocks], axis=1)[0]
    spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x))))
    assert abs(np.argmax(spectrum) * 48000 / len(x) - 1000) < 3
    assert {row["sound"] for row in truth_of(tmp_path / "own.csv")} == {"tone"}
    picture = next(frames(scene))[1].astype(int)
    assert (np.median(picture[..., 1]) - np.median(picture[..., [0, 2]])) > 60


def test_a_measured_head(tmp_path, capfd):
    """Left and right of a set that is loud on one side are that."""
    folder = tmp_path / "head"
    folder.mkdir()
    for azimuth in range(-180, 180, 30):
        response = np.zeros((64, 2), np.float32)
        response[8] = 1 + 0.9 * np.sin(np.deg2rad(azimuth)) * np.array([1, -1])
        save(folder / f"E0_A{azimuth}.wav", response)
    wish = ("--preset", "easy", "--seconds", 1, "--hrir", folder, "-o")
    differences, azimuths = [], []
    for seed in range(4):
        run(capfd, "--seed", seed, *wish, tmp_path / "a.wav")
        x = load(tmp_path / "a.wav")
        differences.append(10 * np.log10((x[:, 0] ** 2).sum() / (x[:, 1] ** 2).sum()))
        azimuths.append(column(truth_of(tmp_path / "a.csv"), "azimuth").mean())
    assert np.corrcoef(differences, azimuths)[0, 1] > 0.95


# ---- pipes, ends and errors -------------------------------------------------------------------


def test_the_sound_of_a_scene_goes_on_in_a_pipe(around):
    wish = " ".join(map(str, [*AROUND, "--seed", SEED_AROUND]))
    done = shell(f"set -o pipefail; avtools synth {wish} | avtools doa --sources 1")
    assert done.returncode == 0 and done.stderr == b""
    heard = rows_of(done.stdout.decode())
    truth = truth_of(around.with_suffix(".csv"))
    azimuths = column(truth, "azimuth")
    apart = (column(heard, "azimuth") - azimuths[len(azimuths) // 2] + 180) % 360 - 180
    assert len(heard) and np.median(np.abs(apart)) < np.ptp(azimuths) + 5


def test_a_run_that_is_ended_leaves_whole_scenes_only(tmp_path):
    folder = tmp_path / "scenes"
    wish = ("--count", 500, "--seconds", 2, "--size", "160x90", "-d", folder)
    with subprocess.Popen(command("synth", *wish), stderr=subprocess.PIPE) as running:
        until = time.monotonic() + 60
        while len(list(folder.glob("*.mp4"))) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 128 + signal.SIGTERM
        assert running.stderr.read() == b""
    films = list(folder.glob("*.mp4"))
    assert len(films) >= 2 and not [n for n in os.listdir(folder) if n.startswith(".")]
    rows = truth_of(folder / "manifest.csv")
    assert [row["file"] for row in rows] == sorted(film.name for film in films)
    for film in films:
        assert video_facts(film).frames == 50 and len(truth_of(film.with_suffix(".csv"))) >= 20


def test_habits_are_any_channels():
    assert parse_habits(None, 0, 10**15) == ()
    assert parse_habits("70000, 3,5-7", 0, 10**15) == (70000, 3, 5, 6, 7)
    assert parse_habits("100003", 1_000_000, 10**15) == (100003,)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--kind mono", "--kind mono: expected one of stereo, 360"),
        ("--preset harder", "--preset harder: expected one of easy, real, hard"),
        ("--count 3", "3 scenes need a folder"),
        ("--count 3 -o a.mp4", "3 scenes need a folder"),
        ("-o a.mp4 -d b", "only one of --output and --directory"),
        ("-o a.txt", "a.txt: expected a name ending in .mp4"),
        ("-o a", "expected a name ending in"),
        ("-o a.mp4 --format mkv", "--format goes with --directory"),
        ("-d a --format avi", "--format avi: expected one of mp4"),
        ("-o a.wav --masks", "--masks needs pictures"),
        ("-o a.ogg --lossless", "ogg always loses something"),
        ("--kind 360 --ears head -o a.mp4", "--ears goes with --kind stereo"),
        ("--ears nose -o a.mp4", "--ears nose: expected one of pair, head"),
        ("--ears pair --hrir a.sofa -o a.mp4", "leave out --ears pair"),
        ("--hrir nowhere.sofa -o a.mp4", "nowhere.sofa"),
        ("--sounds nowhere -o a.mp4", "--sounds nowhere: no such file or folder"),
        ("--images nowhere -o a.mp4", "--images nowhere: expected a folder"),
        ("--kind 360 --size 640x360 -o a.mp4", "360 is twice as wide as high"),
        ("--size 33x16 -o a.mp4", "expected even numbers"),
        ("--seconds nan -o a.mp4", "--seconds nan: expected 0.5 to 600"),
        ("--seconds 301 -o a.mp4", "--seconds 301: expected at most 300 at 48000 Hz"),
        ("--seconds 300 --rate 96000 -o a.mp4", "expected at most 150 at 96000 Hz"),
        ("--hop 0.009 -o a.mp4", "--hop 0.009: expected 0.01 s or more"),
        ("--hop 9s -o a.mp4", "--hop 9s: expected 0.01 s or more"),
        ("-o manifest.mp4", "manifest.mp4: its truth would be manifest.csv"),
        ("--seconds 601 -o a.mp4", "expected 0.5 to 600"),
        ("--fps 0 -o a.mp4", "--fps 0: expected 1 to 120"),
        ("--hop 0 -o a.mp4", "--hop 0"),
        ("--hop 3 --seconds 2 -o a.mp4", "--hop 3: is longer than a scene"),
        ("--rate 12345 -o a.mp4", "12345 Hz"),
        ("--seed -1 -o a.mp4", "-1"),
        ("--habits x -o a.mp4", "--habits x: expected numbers of channels"),
        ("--habits 5- -o a.mp4", "--habits 5-: expected numbers of channels"),
        ("--habits 100000 -o a.mp4", "as in 3 or 0-9, from 0 to 99999 below seed 1000000"),
        ("--habits 0-99999 -o a.mp4", "--habits 0-99999: expected at most 10000 channels"),
        ("--truth xml -o a.mp4", "--truth xml: expected one of csv, json"),
        ("--device tpu -o a.mp4", "--device tpu: expected one of"),
        ("--shard 1/2 -o a.mp4", "--shard goes with --directory"),
        ("--skip-existing -o a.mp4", "--skip-existing goes with --directory"),
        ("-d a --shard 3/2", "--shard 3/2: expected I/N"),
        ("--plot a.gif -o a.mp4", "--plot a.gif: expected a name ending in"),
        ("--plot nowhere/a.png", "no folder nowhere"),
    ],
)
def test_wishes_that_can_not_be_served(tmp_path, monkeypatch, capfd, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert status(["synth", *arguments.split()]) == 2
    said = capfd.readouterr().err
    assert words in said and said.count("\n") == 1 and not list(tmp_path.iterdir())


def test_a_folder_that_is_something_else_is_left_alone(tmp_path, capfd):
    (tmp_path / "manifest.csv").write_text("name,age\nx,3\n")
    wish = ["synth", "--seconds", "0.5", "--format", "wav", "-d", str(tmp_path)]
    assert status(wish) == 2 and "not a manifest of scenes" in capfd.readouterr().err
    assert list(contents(tmp_path)) == ["manifest.csv"]
