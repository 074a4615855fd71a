"""One scene's files: what an end in the midst leaves, and what is made of the user's own."""

import os
from fractions import Fraction

import cv2
import numpy as np
import pytest

from avtools.errors import AvtoolsError
from avtools.stream import outputs
from avtools.synth import files, manifest
from avtools.synth.files import head_of, make, staged
from avtools.synth.recipe import Recipe, items_of
from tests.scenes import load, noise, save

PLAIN = {
    "kind": "stereo", "preset": "easy", "seconds": 0.5, "size": (64, 36), "fps": Fraction(10),
    "rate": 16000, "lossless": False, "habits": (), "ears": "pair", "hrir": None, "sounds": (),
    "backgrounds": (), "things": (), "hop": 0.1, "truth": "csv", "masks": False, "device": "cpu",
    "sound_codec": None,
}  # fmt: skip


def recipe_of(**more) -> Recipe:
    return Recipe(**(PLAIN | more))


def item_of(recipe: Recipe, folder, seed: int = 3, ending: str = "wav"):
    return items_of(recipe, [seed], ending, None, str(folder), None)[0]


def bytes_in(folder) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name[0] != "."}


# ---- ended in the midst -----------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["wav", "mp4"])
def test_no_end_leaves_a_file_beside_the_truth_of_another(tmp_path, monkeypatch, ending):
    """Ended before, between and after the names are given."""
    old, new = recipe_of(), recipe_of(hop=0.25, ears="head", masks=ending == "mp4")
    made = {}
    for name, recipe in (("old", old), ("new", new)):
        make(recipe, item_of(recipe, tmp_path / name, ending=ending))
        made[name] = bytes_in(tmp_path / name)
    film, truth = f"easy-000003.{ending}", "easy-000003.csv"
    names = 3 if ending == "mp4" else 2
    rename = os.replace
    for last in range(names + 1):
        left = [last]

        def until(source, target, left=left):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            rename(source, target)

        folder = tmp_path / f"ended-{last}"
        make(old, item_of(old, folder, ending=ending))
        with monkeypatch.context() as patch:
            patch.setattr(outputs.os, "replace", until)
            if last < names:
                with pytest.raises(KeyboardInterrupt):
                    make(new, item_of(new, folder, ending=ending))
            else:
                make(new, item_of(new, folder, ending=ending))
        there = bytes_in(folder)
        manifest.settle(str(folder))
        rows = manifest.read_manifest(str(folder))
        assert (film in there) == (last == names) == bool(rows)
        if film in there:
            assert there[film] == made["new"][film] and there[truth] == made["new"][truth]
            assert rows[film]["recipe"] == new.digest


def test_what_can_not_be_made_anew_stays_as_it_was(tmp_path, monkeypatch):
    old, new = recipe_of(), recipe_of(hop=0.25)
    make(old, item_of(old, tmp_path))
    before = bytes_in(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files._Scene, "_write_sound", full)
    with pytest.raises(OSError, match="No space"):
        make(new, item_of(new, tmp_path))
    assert bytes_in(tmp_path) == before
    assert manifest.read_manifest(str(tmp_path))["easy-000003.wav"]["recipe"] == old.digest


# ---- the user's own material ------------------------------------------------------------------


def test_only_what_is_used_is_read(tmp_path):
    """A sound that can't be read costs the scenes that play it, and is named with them."""
    good = str(save(tmp_path / "good.wav", noise(1, 8000)))
    bad = str(tmp_path / "bad.wav")
    recipe = recipe_of(preset="real", rate=48000, sounds=(good, bad), size=(32, 18))
    outcomes = set()
    for seed in range(12):
        scenes = recipe.scenes([seed])
        plays = (scenes.present & (scenes.heard | scenes.mimes))[0]
        needs_bad = bool((scenes.pick[0][plays] >= 0.5).any())
        others = bool((scenes.pick[0][~plays] >= 0.5).any())
        if needs_bad:
            with pytest.raises(AvtoolsError, match=rf"^real-{seed:06d}: .*bad\.wav"):
                staged(recipe, seed)
        else:
            assert len(staged(recipe, seed).bank) == scenes.things
        outcomes.add((needs_bad, others))
    assert {True, False} <= {n for n, _ in outcomes} and (False, True) in outcomes


def test_what_stands_in_for_the_unused_changes_nothing(tmp_path, monkeypatch):
    from avtools.world.ears import heard
    from avtools.world.sights import Sight
    from avtools.world.sounds import dry

    sounds = tuple(
        str(save(tmp_path / f"{k}.wav", noise(1, 8000 + 999 * k, seed=k))) for k in range(3)
    )
    things = []
    for k in range(3):
        things.append(str(tmp_path / f"{k}.png"))
        cv2.imwrite(things[-1], np.full((9 + k, 12, 3), 80 * k, np.uint8))
    recipe = recipe_of(preset="real", rate=48000, sounds=sounds, things=tuple(things))
    sparse = [staged(recipe, seed) for seed in range(4)]
    picked = files._picked
    monkeypatch.setattr(
        files, "_picked", lambda paths, picks, used: picked(paths, picks, used | True)
    )
    full = [staged(recipe, seed) for seed in range(4)]
    for one, other in zip(sparse, full, strict=True):
        shown, played = [], []
        for s in (one, other):
            sight = Sight(s.scenes, (64, 36), "cpu", s.images, s.bank)
            shown.append(sight.at(np.array([0.1, 0.3])))
            played.append(heard(s.scenes, dry(s.scenes, 48000, "cpu", s.bank), 48000))
        assert (shown[0] == shown[1]).all() and (played[0] == played[1]).all()
        assert one.truth((64, 36), 0.1) == other.truth((64, 36), 0.1)


def test_a_thing_that_is_clear_everywhere_is_named(tmp_path):
    path = str(tmp_path / "clear.png")
    cv2.imwrite(path, np.zeros((9, 9, 4), np.uint8))
    recipe = recipe_of(preset="hard", things=(path,))
    with pytest.raises(AvtoolsError, match=r"hard-00000\d: .*clear\.png: clear everywhere"):
        for seed in range(5):
            staged(recipe, seed)


def test_a_measured_head_is_worked_out_once(tmp_path):
    for azimuth in (-90, 0, 90, 180):
        response = np.zeros((64, 2), np.float32)
        response[8] = 1
        save(tmp_path / f"E0_A{azimuth}.wav", response)
    recipe = recipe_of(hrir=str(tmp_path), ears="head", rate=48000)
    assert head_of(recipe) is head_of(recipe)
    make(recipe, item_of(recipe, tmp_path / "made"))
    assert head_of(recipe)._bells and load(tmp_path / "made" / "easy-000003.wav").any()


def test_a_head_that_rings_on_is_no_head(tmp_path):
    for azimuth in (-90, 0, 90, 180):
        save(tmp_path / f"E0_A{azimuth}.wav", noise(2, 16000))
    with pytest.raises(AvtoolsError, match=r"responses of 0\.333 s"):
        head_of(recipe_of(hrir=str(tmp_path), ears="head", rate=48000))


def test_nothing_of_the_former_scene_stays_beside_the_new_one(tmp_path):
    old, new = recipe_of(), recipe_of(truth="json")
    make(old, item_of(old, tmp_path))
    assert (tmp_path / "easy-000003.csv").exists()
    make(new, item_of(new, tmp_path))
    assert (tmp_path / "easy-000003.json").exists()
    assert not (tmp_path / "easy-000003.csv").exists()
