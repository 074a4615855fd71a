"""`avtools evaluate` as a person runs it: figures that are known, rows of clips, two runs."""

import csv
import io
import json

import numpy as np
import pytest

from tests.scenes import RATE, avtools, noise, one_line, plane_wave, save

AZIMUTHS = (37, -60, 110, 10)


def rows_of(done, code: int = 0) -> list[dict]:
    assert done.returncode == code, done.stderr.decode()
    return list(csv.DictReader(io.StringIO(done.stdout.decode())))


def figures(done) -> dict[str, float]:
    return {row["metric"]: float(row["value"] or "nan") for row in rows_of(done)}


def table_at(path) -> list[dict]:
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.fixture(scope="module")
def fields(tmp_path_factory):
    """Plane waves with their truth, as a manifest."""
    folder = tmp_path_factory.mktemp("fields")
    lines = ["file,truth,split,convention"]
    for k, azimuth in enumerate(AZIMUTHS):
        save(folder / f"{k}.wav", plane_wave(azimuth, 0, RATE, k))
        truth = f"start,end,azimuth,elevation,label\n0,2,{azimuth},0,noise\n"
        (folder / f"{k}.csv").write_text(truth)
        lines.append(f"{k}.wav,{k}.csv,{'train' if k == 3 else 'test'},ambix")
    (folder / "list.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def stereo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stereo")
    for k in range(4):
        sound = np.repeat(noise(1, RATE // 2, k), 2, axis=1) * [1, 0.2 + 0.2 * k]
        save(folder / f"{k}.wav", sound + 0.01 * noise(2, RATE // 2, 9 + k))
    return folder


def test_plane_waves_are_found_and_better_than_the_front(fields, tmp_path):
    data = fields / "list.csv"
    front, own = tmp_path / "front.csv", tmp_path / "own.csv"
    done = avtools(
        *("evaluate", "doa", "--data", data, "--model", "front"),
        *("--clips", front, "--split", "all", "-o", tmp_path / "table.csv"),
    )
    assert done.returncode == 0 and done.stdout == b"", done.stderr.decode()
    known = {row["metric"]: row for row in table_at(tmp_path / "table.csv")}
    assert float(known["direction_error_deg"]["value"]) == pytest.approx(np.mean(np.abs(AZIMUTHS)))
    assert float(known["direction_error_deg"]["low"]) < 54 < float(known["recall"]["n"]) * 20
    errors = [float(row["direction_error_deg"]) for row in table_at(front)]
    assert errors == pytest.approx(np.abs(AZIMUTHS))
    done = avtools(
        *("evaluate", "doa", "--data", data, "--split", "all"),
        *("--clips", own, "--against", front, "--jobs", 2),
    )
    found = {row["metric"]: row for row in rows_of(done)}
    error = found["direction_error_deg"]
    assert float(error["value"]) < 0.5 and float(found["recall"]["value"]) == 1
    assert float(error["against"]) == pytest.approx(54.25) and error["better"] == "1.0"
    assert float(error["p"]) == 0.125 and error["pairs"] == "4"  # 2 of 16 orders of signs
    assert [row["clip"] for row in table_at(own)] == ["0", "1", "2", "3"]


def test_several_models_are_held_against_the_first(fields, tmp_path):
    clips = tmp_path / "clips.csv"
    call = ("evaluate", "doa", "--data", fields / "list.csv", "--split", "all")
    done = avtools(*call, "--model", "front,signal", "--clips", clips, "--jobs", 2)
    found = {(row["model"], row["metric"]): row for row in rows_of(done)}
    error = found["signal", "direction_error_deg"]
    assert float(error["value"]) < 0.5 and float(error["against"]) == pytest.approx(54.25)
    assert error["better"] == "1.0" and error["p"] == "0.125"
    assert found["front", "direction_error_deg"]["against"] == ""
    assert [(row["clip"], row["model"]) for row in table_at(clips)] == [
        (str(k), model) for k in range(4) for model in ("front", "signal")
    ]
    told = one_line(avtools(*call, "--against", clips))
    assert "rows of front, signal, expected one model" in told


def test_the_test_split_is_taken_where_there_is_one(fields):
    call = ("evaluate", "doa", "--data", fields / "list.csv", "--model", "front")
    assert figures(avtools(*call))["direction_error_deg"] == pytest.approx((37 + 60 + 110) / 3)
    assert figures(avtools(*call, "--split", "train"))["direction_error_deg"] == pytest.approx(10)
    assert "no clips of the split val" in one_line(avtools(*call, "--split", "val"))


def test_long_clips_count_once_for_every_window(stereo, tmp_path):
    clips = tmp_path / "clips.csv"
    save(tmp_path / "long.wav", noise(2, 3 * RATE))
    done = avtools(
        *("evaluate", "upmix", "--data", tmp_path / "long.wav", "--model", "mono"),
        *("--seconds", 1, "--clips", clips, "--format", "json"),
    )
    told = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert {row["n"] for row in told if row["metric"] == "env"} == {3}
    assert [row["clip"] for row in table_at(clips)] == ["long-0", "long-1", "long-2"]


def test_chance_is_of_the_clip_whatever_else_there_is(stereo, tmp_path):
    drawn = []
    for count in (4, 2):
        clips = tmp_path / f"{count}.csv"
        done = avtools(
            *("evaluate", "flip", "--data", stereo, "--model", "none"),
            *("--count", count, "--seed", 3, "--clips", clips),
        )
        assert figures(done)["brier"] == 0.25 and figures(done)["answered"] == 0
        drawn.append({row["clip"]: row["truth"] for row in table_at(clips)})
    assert len(drawn[1]) == 2 and drawn[1].items() <= drawn[0].items()


def test_two_clips_in_one(stereo):
    call = ("evaluate", "separate", "--data", stereo, "--count", 2)
    ideal, mixture = (figures(avtools(*call, "--model", m)) for m in ("ideal", "mixture"))
    assert mixture["si_sdr_improvement_db"] == 0 < 2 < ideal["si_sdr_improvement_db"]


def test_a_picture_of_probabilities(stereo, tmp_path):
    path = tmp_path / "x.svg"
    call = ("evaluate", "flip", "--data", stereo, "--model", "none", "--plot", path)
    assert avtools(*call).returncode == 0 and b"<svg" in path.read_bytes()


def test_one_bad_clip_does_not_stop_the_rest(stereo, tmp_path):
    for k in range(2):
        save(tmp_path / f"{k}.wav", noise(2, RATE // 4, k))
    save(tmp_path / "a.wav", noise(3, RATE // 4))
    (tmp_path / "b.wav").write_bytes(b"no sound")
    done = avtools("evaluate", "upmix", "--data", tmp_path, "--model", "mono")
    told = done.stderr.decode()
    assert "a: 3 channels, expected 2 (left, right)" in told and "b.wav" in told
    assert told.count("\n") == 2
    assert {row["n"] for row in rows_of(done, 2) if row["metric"] == "env"} == {"2"}


def test_a_scene_is_made_asked_of_and_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    done = avtools(
        *("evaluate", "doa", "--data", "synth:easy", "--count", 1, "--seconds", 2, "--seed", 4)
    )
    assert figures(done)["direction_error_deg"] < 8
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "call, said",
    [
        (("dance", "--data", "."), "no task 'dance': expected one of align360, doa, flip"),
        (("doa",), "no --data"),
        (("doa", "--data", "nowhere"), "nowhere: no such file or folder"),
        (("doa", "--data", "."), "no dataset here"),
        (("doa", "--data", "synth:huge"), "preset huge: expected one of easy, real, hard"),
        (("doa", "--data", "synth:stereo:real"), "kind stereo: expected one of 360"),
        (("doa", "--data", "synth:real", "--split", "test"), "--split is of datasets"),
        (("doa", "--data", ".", "--model", "mono"), "--model mono: expected one of signal, front"),
        (("doa", "--data", ".", "--model", "front,front"), "one of them is named twice"),
        (("flip", "--data", ".", "--model", "none,signal", "--plot", "x.png"), "--plot: of one"),
        (("doa", "--data", ".", "--model", "front,signal", "--against", "x"), "--against: of one"),
        (("separate", "--data", "synth:easy", "--count", 1), "no scene of easy has what separate"),
        (("doa", "--data", ".", "-o", "x.wav"), "x.wav: rows go into a table"),
        (("doa", "--data", ".", "--seconds", 0.1), "--seconds 0.1: expected 0.5 to 300"),
        (("doa", "--data", ".", "--plot", "x.png"), "neither probabilities nor errors"),
        (("doa", "--data", ".", "--format", "xml"), "--format xml: expected one of"),
        (("doa", "--data", ".", "--against", "none.csv"), "none.csv: No such file"),
        (("doa", "--data", ".", "--clips", "x/y.csv"), "no dataset here"),
        (("doa", "--data", ".", "-o", "x.csv", "--clips", "x.csv"), "named for two outputs"),
        (("doa", "--data", ".", "--clips", "-"), "--clips -: expected a file"),
    ],
)
def test_refusals(tmp_path, call, said):
    done = avtools("evaluate", *call, cwd=tmp_path)
    assert said in one_line(done)
    assert not list(tmp_path.iterdir())


def test_another_task_is_nothing_to_compare_with(fields, stereo, tmp_path):
    (tmp_path / "x.csv").write_text("clip,source,model,env\na,b,mono,1\n")
    (tmp_path / "y.csv").write_text("clip,source,model,direction_error_deg,env\na,b,mono,1,1\n")
    for name in ("x.csv", "y.csv"):
        call = ("evaluate", "doa", "--data", fields / "list.csv", "--against", tmp_path / name)
        assert "no rows of clips of doa" in one_line(avtools(*call))


def test_a_folders_manifest_is_an_input(tmp_path):
    save(tmp_path / "a.wav", noise(2, RATE // 4))
    (tmp_path / "manifest.csv").write_text("file\na.wav\n")
    call = ("evaluate", "flip", "--data", tmp_path, "--model", "none", "-o")
    assert "is an input itself" in one_line(avtools(*call, tmp_path / "manifest.csv"))
    assert (tmp_path / "manifest.csv").read_text() == "file\na.wav\n"


def test_inputs_are_not_written_to(fields):
    call = ("evaluate", "doa", "--data", fields / "list.csv", "--clips")
    for path in (fields / "list.csv", fields / "0.wav", fields / "0.csv"):
        before = path.read_bytes()
        assert "is an input itself" in one_line(avtools(*call, path))
        assert path.read_bytes() == before
