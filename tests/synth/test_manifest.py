"""The list of the scenes in a folder: true after whatever end of a run."""

import dataclasses
import json
import os
from pathlib import Path

import pytest

from avtools.errors import AvtoolsError
from avtools.synth.manifest import (
    LOG,
    note_scene,
    read_manifest,
    refuse_listed,
    refuse_others,
    row_of,
    settle,
    to_make,
)
from avtools.synth.recipe import items_of
from tests.synth.test_files import recipe_of

RECIPE = recipe_of()


def items_in(folder, *seeds: int) -> list:
    return items_of(RECIPE, seeds, "wav", None, str(folder), None)


def put(items, recipe=RECIPE) -> None:
    """As if these scenes had been made."""
    for item in items:
        for path in (item.target, *recipe.beside(item.target).values()):
            Path(path).write_text("something")
        note_scene(item, row_of(recipe, item, recipe.scenes([item.seed])))


def test_every_choice_counts_but_what_renders(tmp_path):
    sound = tmp_path / "a" / "x.wav"
    sound.parent.mkdir()
    sound.write_text("one")
    own = recipe_of(sounds=(str(sound),))
    others = [
        dataclasses.replace(own, **{name: value})
        for name, value in {
            "hop": 0.05, "habits": (3,), "ears": "head", "preset": "real", "sounds": (),
            "backgrounds": (str(sound),), "hrir": str(sound), "rate": 8000, "masks": True,
        }.items()
    ]  # fmt: skip
    assert len({r.digest for r in (own, *others)}) == 1 + len(others)
    assert dataclasses.replace(own, device="cuda").digest == own.digest
    os.rename(sound.parent, tmp_path / "b")
    moved = tmp_path / "b" / "x.wav"
    assert recipe_of(sounds=(str(moved),)).digest == own.digest
    moved.write_text("two!")
    assert recipe_of(sounds=(str(moved),)).digest != own.digest


def test_a_log_that_a_killed_run_left_is_read(tmp_path):
    items = items_in(tmp_path, 1, 2, 3)
    put(items[:2])
    with open(tmp_path / LOG, "a") as log:
        log.write('{"file": "easy-0000')
    assert to_make(str(tmp_path), RECIPE, items) == items[2:]
    put(items[2:])
    settle(str(tmp_path))
    assert not (tmp_path / LOG).exists()
    assert list(read_manifest(str(tmp_path))) == [item.relative for item in items]


def test_files_of_which_nothing_is_known_are_made_anew(tmp_path):
    items = items_in(tmp_path, 1, 2)
    put(items)
    settle(str(tmp_path))
    note_scene(items[0], None)
    assert to_make(str(tmp_path), RECIPE, items) == items[:1]
    (tmp_path / "easy-000002.wav").write_text("")  # a disk that was full
    assert to_make(str(tmp_path), RECIPE, items) == items
    (tmp_path / "easy-000002.csv").unlink()
    settle(str(tmp_path))
    assert to_make(str(tmp_path), RECIPE, items) == items
    assert not read_manifest(str(tmp_path))


def test_files_of_another_recipe_are_refused(tmp_path):
    items = items_in(tmp_path, 1)
    put(items)
    for other, why in (
        (recipe_of(rate=8000), "rate 16000, not 8000"),
        (recipe_of(hop=0.05), "other options, sounds or pictures"),
    ):
        with pytest.raises(AvtoolsError, match=f"easy-000001.wav: was made with {why}"):
            to_make(str(tmp_path), other, items)
    with pytest.raises(AvtoolsError, match="holds scenes of the kind stereo"):
        refuse_others(str(tmp_path), recipe_of(kind="360", ears=None), [])


def test_truth_of_one_name_is_of_one_scene(tmp_path):
    put(items_in(tmp_path, 1))
    (other,) = items_in(tmp_path, 1)
    other = dataclasses.replace(other, relative="easy-000001.mp4")
    with pytest.raises(AvtoolsError, match=r"holds easy-000001.wav, whose truth .* replace"):
        refuse_others(str(tmp_path), RECIPE, [other])
    refuse_others(str(tmp_path), RECIPE, items_in(tmp_path, 1, 2))


def test_a_manifest_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "manifest.csv").write_text("file,start\nbird.wav,0\nbird.wav,1\n")
    with pytest.raises(AvtoolsError, match="not a manifest of scenes"):
        refuse_others(str(tmp_path), RECIPE, items_in(tmp_path, 1))


def test_rows_of_other_runs_stay_while_their_files_do(tmp_path):
    put(items_in(tmp_path, 1, 2))
    settle(str(tmp_path))
    (tmp_path / "easy-000001.wav").unlink()
    put(items_in(tmp_path, 4))
    settle(str(tmp_path))
    assert list(read_manifest(str(tmp_path))) == ["easy-000002.wav", "easy-000004.wav"]
    row = read_manifest(str(tmp_path))["easy-000002.wav"]
    assert json.loads(json.dumps(row))["seed"] == "2" and row["recipe"] == RECIPE.digest


def test_a_file_alone_takes_no_listed_ones_place(tmp_path):
    put(items_in(tmp_path, 1))
    for name in ("easy-000001.wav", "easy-000001.mp4"):  # the latter has the former's truth
        with pytest.raises(AvtoolsError, match=r"is listed in .*manifest\.csv"):
            refuse_listed(RECIPE, str(tmp_path / name))
    refuse_listed(RECIPE, str(tmp_path / "other.wav"))
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "manifest.csv").write_text("name,age\nx,3\n")
    refuse_listed(RECIPE, str(tmp_path / "else" / "x.wav"))
