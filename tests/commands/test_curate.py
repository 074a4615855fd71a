"""curate as a person runs it: what is kept, why the rest is not, and what comes of it."""

import shutil
import subprocess

import numpy as np
import pytest
import soundfile

from avtools.datasets import open_dataset
from avtools.datasets.shards import Shards
from tests.curate.footage import RATE, good, many, pictures, rows, sound, video
from tests.scenes import avtools, needs_ffmpeg, one_line, plane_wave

pytestmark = needs_ffmpeg
TWO = ["--clip", "2", "--jobs", "1", "--size", "32"]
REASONS = {
    "mono": "mono",
    "dual-mono": ("dual mono", "near mono"),  # FFmpeg's AAC keeps two equal channels near so
    "one-dead": "dead channel 1",
    "centred": "centred",
    "silent": "silent",
    "still": "still picture",
    "cut-late": "truncated",
    "cut-early": "truncated",
    "sound-called-video": "no picture",
    "picture-alone": "no sound",
    "nothing": "zero bytes",
    "text": "unreadable",
    "eight": "8 channels",
    "short": "too short",
    "copy": "duplicate of a/good0@0",
    "copy-scaled": "duplicate of a/good1@0",
}


def centred(seconds: float = 2.0) -> np.ndarray:
    """One sound in the middle, with some noise of each channel's own."""
    rng = np.random.default_rng(5)
    both = sound(seconds, 5, pan_db=0)
    return both + 0.02 * rng.standard_normal(both.shape)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Four good videos of two channels, and one of each kind that is not."""
    root = tmp_path_factory.mktemp("planted")
    for k in range(4):
        good(root / "ab"[k // 2] / f"good{k}.mp4", k)
    bad, x, shown = root / "bad", sound(seed=9), pictures(seed=9)
    video(bad / "mono.mp4", x[:, :1], shown)
    video(bad / "dual-mono.mp4", x[:, [0, 0]], shown)
    video(bad / "one-dead.mp4", x * [1, 0], shown)
    video(bad / "centred.mp4", centred(), shown)
    video(bad / "silent.mp4", x * 0, shown)
    video(bad / "eight.mp4", x[:, [0, 1] * 4], shown)
    video(bad / "still.mp4", sound(seed=10), pictures(seed=10, moves=False))
    good(bad / "short.mp4", 11, 0.8)
    for name, more in (("cut-late", ["-movflags", "+faststart"]), ("cut-early", [])):
        whole = video(bad / f"{name}.mp4", sound(seed=12), pictures(seed=12), *more)
        whole.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    soundfile.write(bad / "x.wav", x, RATE)
    (bad / "x.wav").rename(bad / "sound-called-video.mp4")
    quiet = ["ffmpeg", "-v", "error", "-i"]
    silenced = [*quiet, root / "a/good0.mp4", "-an", "-c", "copy", bad / "picture-alone.mp4"]
    subprocess.run(silenced, check=True)
    (bad / "nothing.mp4").touch()
    (bad / "text.mp4").write_text("not a video at all\n" * 100)
    shutil.copy(root / "a/good0.mp4", bad / "copy.mp4")
    coding = "-vf scale=128:96 -c:a aac -b:a 96k".split()
    scaled = [*quiet, root / "a/good1.mp4", *coding, bad / "copy-scaled.mp4"]
    subprocess.run(scaled, check=True)
    return root


@pytest.fixture(scope="module")
def curated(planted, tmp_path_factory):
    """The folder with what a run over it made."""
    out = tmp_path_factory.mktemp("curated")
    call = ["--per-channel", out / "channels.csv", "--contact", out / "sheets"]
    done = avtools("curate", planted, "-o", out / "m.csv", "--to-shards", out / "sh", *TWO, *call)
    assert done.returncode == 0, done.stderr
    assert b"avtools curate: 4 of 20 clips kept" in done.stderr and done.stderr.count(b"\n") == 1
    return out


def test_exactly_the_good_ones_are_kept_and_each_other_says_why(curated):
    found = rows(curated / "m.csv")
    names = [name.partition("@")[0] for name in found]
    assert len(found) == 20 and names == sorted(names)
    for name, row in found.items():
        stem = name.partition("@")[0].rpartition("/")[2]
        if stem.startswith("good"):
            assert row["kept"] == "yes" and row["reason"] == "" and row["stage"] == "full", row
            assert float(row["off_centre"]) > 0.9 and float(row["moving"]) > 0.9
            assert row["split"] in ("train", "val", "test") and row["channel"] in "ab"
        else:
            assert row["kept"] == "no" and row["reason"].startswith(REASONS[stem]), row
            assert row["shard"] == ""
    # Figures that were known when a clip failed are kept; it cost no more than it had to.
    assert found["bad/still@0"]["off_centre"] and not found["bad/centred@0"]["moving"]
    stages = {name: row["stage"] for name, row in found.items()}
    assert stages["bad/mono@0"] == "container" and stages["bad/centred@0"] == "audio"
    assert stages["bad/copy@0"] == "duplicates"


def test_the_manifest_is_a_dataset_of_the_clips_kept(curated, planted):
    dataset = open_dataset(curated / "m.csv")
    assert [c.key for c in dataset] == ["a/good0@0", "a/good1@0", "b/good2@0", "b/good3@0"]
    for k, clip in enumerate(dataset):
        assert clip.source == f"{'ab'[k // 2]}/good{k}" and clip.channel == "ab"[k // 2]
        assert clip.duration == pytest.approx(2, abs=0.05)
        heard, rate = clip.hear()
        assert rate == RATE and np.corrcoef(heard[0][:30000], sound(2, k)[:30000, 0])[0, 1] > 0.9


def test_shards_hold_the_clips_kept(curated):
    shards = Shards(curated / "sh")
    found = rows(curated / "m.csv")
    assert sorted(shards.keys) == [n for n, row in found.items() if row["kept"] == "yes"]
    for number, key in enumerate(shards.keys):
        sample, seed = shards.read(number), int(key[-3])
        assert np.corrcoef(sample.sound[0][:30000], sound(2, seed)[:30000, 0])[0, 1] > 0.9
        truth = pictures(2, seed)[::2, ::2, ::2].astype(float)
        assert sample.frames.shape == (12, 32, 48, 3)
        assert abs(sample.frames - truth).mean() < 6
        assert sample.meta["source"] == found[key]["source"]
        assert sample.meta["figures"]["off_centre"] == pytest.approx(
            float(found[key]["off_centre"]), rel=1e-3
        )


def test_channels_have_a_table_and_a_sheet(curated):
    table = (curated / "channels.csv").read_text().splitlines()
    assert table[0].startswith("channel,clips,kept,") and "off_centre" in table[0]
    assert [line.split(",")[:3] for line in table[1:]] == [
        ["a", "2", "2"], ["b", "2", "2"], ["bad", "16", "0"],
    ]  # fmt: skip
    assert sorted(p.name for p in (curated / "sheets").iterdir()) == ["a.png", "b.png", "bad.png"]
    assert all(p.read_bytes()[:4] == b"\x89PNG" for p in (curated / "sheets").iterdir())


def test_a_list_of_what_to_keep_costs_no_second_look(curated, planted, tmp_path):
    for name in ("m.csv.work", "sh"):
        shutil.copytree(curated / name, tmp_path / name)
    log = (tmp_path / "m.csv.work/clips.jsonl").read_bytes()
    (tmp_path / "keep.txt").write_text("# by hand\nb\na/good1@0\nbad/centred\n")
    call = ["curate", planted, "-o", tmp_path / "m.csv", *TWO, "--keep", tmp_path / "keep.txt"]
    assert avtools(*call).returncode == 0
    found = rows(tmp_path / "m.csv")
    kept = ["a/good1@0", "b/good2@0", "b/good3@0"]
    assert [n for n, row in found.items() if row["kept"] == "yes"] == kept
    assert found["a/good0@0"]["reason"] == "not on the list" and found["a/good0@0"]["off_centre"]
    assert found["bad/centred@0"]["reason"].startswith("centred")
    # Of copies the first that is on the list stays.
    assert found["bad/copy-scaled@0"]["reason"] == "not on the list"
    assert (tmp_path / "m.csv.work/clips.jsonl").read_bytes() == log
    done = avtools(*call, "--to-shards", tmp_path / "new")
    assert done.returncode == 0 and sorted(Shards(tmp_path / "new").keys) == kept


def test_new_files_change_shards_and_nothing_else_is_done_again(planted, tmp_path):
    raw = many(tmp_path / "raw", 3)
    call = ["curate", raw, "-o", tmp_path / "m.csv", "--to-shards", tmp_path / "sh", *TWO,
            "--skip", "duplicates"]  # fmt: skip
    assert avtools(*call).returncode == 0
    before = (tmp_path / "m.csv.work/clips.jsonl").read_bytes()
    (raw / "v01.mp4").unlink()
    good(raw / "w.mp4", 40)
    assert avtools(*call).returncode == 0
    assert sorted(Shards(tmp_path / "sh").keys) == ["v00@0", "v02@0", "w@0"]
    after = (tmp_path / "m.csv.work/clips.jsonl").read_bytes()
    assert after.startswith(before) and after.count(b"\n") == before.count(b"\n") + 1
    good(raw / "v02.mp4", 41)  # another video by the same name
    assert avtools(*call).returncode == 0
    shards = Shards(tmp_path / "sh")
    heard = shards.read(shards.keys.index("v02@0")).sound
    assert np.corrcoef(heard[0][:30000], sound(2, 41)[:30000, 0])[0, 1] > 0.9
    (tmp_path / "sh" / "train-999999.tar").touch()
    assert "another run" in one_line(avtools(*call))


def test_parts_are_joined_without_copies(planted, tmp_path):
    shards = tmp_path / "sh"
    for part in ("1/2", "2/2"):
        call = ["-o", tmp_path / "m.csv", "--to-shards", shards, "--shard", part]
        assert avtools("curate", planted, *call, *TWO).returncode == 0
    parts = sorted(tmp_path.glob("m-*-of-2.csv"))
    assert len(parts) == 2
    apart = [name for part in parts for name in rows(part)]
    assert len(apart) == len(set(apart)) == 20
    done = avtools("curate", "--join", *parts, "-o", tmp_path / "all.csv", "--to-shards", shards)
    assert done.returncode == 0, done.stderr
    found = rows(tmp_path / "all.csv")
    kept = sorted(name for name, row in found.items() if row["kept"] == "yes")
    assert len(kept) == 4 and sorted(Shards(shards).keys) == kept
    assert {n.rpartition("/")[2][:5] for n in kept} <= {"good0", "good1", "good2", "good3", "copy@",
                                                        "copy-"}  # fmt: skip
    assert [c.key for c in open_dataset(tmp_path / "all.csv")] == kept
    twice = avtools("curate", "--join", parts[0], parts[0], "-o", tmp_path / "x.csv")
    assert "two of these" in one_line(twice)


def field(azimuth: float, seed: int) -> np.ndarray:
    """AmbiX of a source that comes and goes, and of a quiet one elsewhere, `(frames, 4)`."""
    x = plane_wave(azimuth, 10, 2 * RATE, seed) + 0.3 * plane_wave(-70, 0, 2 * RATE, seed + 1)
    return 0.3 * x * (1 + 0.8 * np.sin(np.arange(2 * RATE) / RATE * 5))[:, None]


def test_360_videos(tmp_path):
    raw, shown = tmp_path / "raw", pictures(seed=3)
    lossless = ["-c:a", "pcm_f32le"]
    for k, azimuth in enumerate((40, -120)):
        video(raw / f"good{k}.mkv", field(azimuth, 20 + 3 * k), pictures(seed=k), *lossless)
    voice = field(60, 31)
    voice[:, 0] += 0.2 * np.random.default_rng(32).standard_normal(2 * RATE)
    video(raw / "voice-over.mkv", 0.7 * voice, shown, *lossless)
    video(raw / "noise.mkv", 0.1 * np.random.default_rng(1).standard_normal((2 * RATE, 4)), shown,
          *lossless)  # fmt: skip
    video(raw / "flat.mkv", field(30, 40) * [1, 1, 0, 1], shown, *lossless)
    video(raw / "stereo.mkv", sound(), shown, *lossless)
    done = avtools("curate", raw, "--kind", "360", "-o", tmp_path / "m.csv", "--to-shards",
                   tmp_path / "sh", *TWO)  # fmt: skip
    assert done.returncode == 0, done.stderr
    why = {n.partition("@")[0]: row["reason"] for n, row in rows(tmp_path / "m.csv").items()}
    assert why["good0"] == why["good1"] == ""
    assert why["voice-over"].startswith("head-locked") and why["flat"].startswith("missing Z")
    assert why["stereo"].startswith("stereo: expected ambisonics") and why["noise"]
    shards = Shards(tmp_path / "sh")
    assert sorted(shards.keys) == ["good0@0", "good1@0"]
    assert shards.read(0).sound.shape[0] == 4


def test_faces_from_a_table(planted, tmp_path):
    """Boxes of any detector: confident ones on two pictures are a face, on one they are none."""
    lines = ["file,time,x,y,width,height,confidence"]
    lines += [f"a/good0.mp4,{time},5,5,20,20,0.9" for time in (0.1, 0.5, 1.0, 1.5)]
    lines += [f"a/good1.mp4,{k / 20},{'5,5,20,20,0.9' if k == 7 else ',,,,'}" for k in range(40)]
    lines += [f"b/good2.mp4,{time},5,5,20,20,0.3" for time in (0.1, 0.5, 1.0, 1.5)]
    (tmp_path / "boxes.csv").write_text("\n".join(lines) + "\n")
    for channel in "ab":
        shutil.copytree(planted / channel, tmp_path / "raw" / channel)
    call = ["curate", "raw", "-o", "m.csv", "--detector", "boxes:boxes.csv", *TWO]
    done = avtools(*call, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = rows(tmp_path / "m.csv")
    assert [n for n, row in found.items() if row["kept"] == "yes"] == ["a/good0@0"]
    assert found["b/good3@0"]["reason"].startswith("no face") and found["b/good3@0"]["moving"]
    (tmp_path / "boxes.csv").write_text("\n".join(lines[:-1]) + "\n")
    assert "detector file" in one_line(avtools(*call, cwd=tmp_path))


def test_what_can_t_be_done_is_said_in_a_line(planted, tmp_path):
    out = ["-o", tmp_path / "m.csv"]
    first = planted / "a/good0.mp4"
    named_alike = tmp_path / first.name
    named_alike.symlink_to(planted / "a/good1.mp4")
    for call, said in (
        ([planted], "--output"),
        (out, "no FILE"),
        (["-", *out], "standard input"),
        ([tmp_path / "none", *out], "no such file"),
        ([planted, "-o", tmp_path / "m.txt"], ".csv"),
        ([planted, "-o", tmp_path / "none" / "m.csv"], "no folder"),
        ([planted, *out, "--tests", "nose"], "expected some of"),
        ([planted, *out, "--tests", "still", "--skip", "still"], "only one of"),
        ([planted, *out, "--tests", "ambisonic"], "expected some of"),
        ([planted, *out, "--kind", "mono"], "--kind"),
        ([planted, *out, "--from", "fuma"], "--kind 360"),
        ([planted, *out, "--shard", "4/3"], "--shard"),
        ([planted, *out, "--detector", "nose"], "--detector"),
        ([planted, *out, "--keep", tmp_path / "none"], "No such file"),
        ([planted, *out, "--jobs", "2", "--scheduler", "tcp://127.0.0.1:9"], "only one of"),
        ([planted, *out, "--join", "--shard", "1/2"], "--join"),
        ([first, named_alike, *out], "two inputs"),
        ([planted, *out, "--scheduler", "foo"], "expected an address"),
        ([planted, *out, "--tests", ","], "no test is named"),
        ([planted, *out, "--clip", "nan"], "--clip nan"),
        ([planted, *out, "--fps", "nan"], "--fps nan"),
        ([planted, *out, "--clip", "1.5", "--fps", "1"], "expected 2 at least"),
        ([planted, *out, "--to-shards", planted / "a/good0.mp4"], "a file, expected a folder"),
        ([planted, *out, "--contact", planted / "a/good0.mp4"], "a file, expected a folder"),
        ([planted, *out, "--per-channel", *out[1:]], "is what --output names"),
        ([planted, *out, "--to-shards", planted], "is an input"),
        (["--join", *out[1:], "-o", tmp_path / "m.csv"], "is an input"),
        (["--join", planted, *out, "--to-shards", tmp_path / "none"], "no such folder"),
    ):
        assert said in one_line(avtools("curate", *call)), call
    assert list(tmp_path.iterdir()) == [named_alike]


def test_a_file_named_twice_is_taken_once(planted, tmp_path):
    call = [planted / "a/good0.mp4", planted / "a/../a/good0.mp4", "-o", tmp_path / "m.csv"]
    done = avtools("curate", *call, "--clip", "2", "--jobs", "1", "--tests", "silence")
    assert b"1 of 1 clips kept" in done.stderr, done.stderr


def test_shards_are_no_raw_videos(curated, tmp_path):
    said = one_line(avtools("curate", curated / "sh", "-o", tmp_path / "m.csv"))
    assert "expected raw videos" in said and not list(tmp_path.iterdir())


def test_a_restart_makes_its_shards_anew(planted, tmp_path):
    """Those of before are known for its own, and go; foreign ones are told of before the work."""
    call = ["curate", planted / "a", "-o", tmp_path / "m.csv", "--to-shards", tmp_path / "sh"]
    few = ["--clip", "2", "--jobs", "1", "--tests", "silence", "--size"]
    assert avtools(*call, *few, "32").returncode == 0
    (tmp_path / "sh" / "val-x.tar").touch()
    before = (tmp_path / "m.csv.work/clips.jsonl").read_bytes()
    assert "another run" in one_line(avtools(*call, *few, "16", "--restart"))
    assert (tmp_path / "m.csv.work/clips.jsonl").read_bytes() == before
    (tmp_path / "sh" / "val-x.tar").unlink()
    done = avtools(*call, *few, "16", "--restart")
    assert done.returncode == 0, done.stderr
    shards = Shards(tmp_path / "sh")
    assert len(shards.keys) == 2 and shards.read(0).frames.shape[1] == 16


def test_help_needs_no_numpy():
    code = (
        "import sys; from avtools.cli import status; status(['curate', '--help']); "
        "assert not {'numpy', 'dask', 'distributed', 'av'} & set(sys.modules)"
    )
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "--per-source" in done.stdout, done.stderr
