"""Scenes that `evaluate` asks of: drawn from seeds, made when their turn comes, then removed."""

import dataclasses
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from tempfile import TemporaryDirectory

import numpy as np

from avtools.datasets.clip import Clip, Truth
from avtools.datasets.events import read_events
from avtools.errors import AvtoolsError, warn
from avtools.synth.files import make, staged
from avtools.synth.recipe import Recipe, SceneItem

SIZES = {"stereo": (640, 360), "360": (960, 480)}
FPS, RATE, HOP = Fraction(25), 48000, 0.1
# Seeds that are looked at for each scene that a task can ask something of.
MOST_TRIED = 1000
QUIET_DB = 300.0  # signal to noise, where no noise is wanted


@dataclass(frozen=True)
class Solo(Recipe):
    """The scene with one of its sources alone, and all that never sounds."""

    only: int = 0
    is_clean: bool = False

    def scenes(self, seeds):
        scenes = super().scenes(seeds)
        heard = np.zeros_like(scenes.heard)
        heard[:, self.only] = True
        snr = np.full_like(scenes.snr, QUIET_DB) if self.is_clean else scenes.snr
        present = scenes.present & (heard | ~scenes.heard)
        return dataclasses.replace(scenes, heard=heard, present=present, snr=snr)


@dataclass(frozen=True)
class SceneExample:
    """One clip for each of the recipes, all of one seed: the first is seen, the others heard."""

    seed: int
    recipes: tuple[Recipe, ...]
    folder: str

    @property
    def key(self) -> str:
        return self.recipes[0].name(self.seed)

    @property
    def path(self) -> str:
        return self.key

    @property
    def source(self) -> str:
        return str(self.seed // 10)  # ten neighbouring seeds share habits

    @contextmanager
    def taken(self) -> Iterator[tuple[Clip, ...]]:
        with TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True) as folder:
            yield tuple(
                self._made(recipe, os.path.join(folder, f"{k}.{'wav' if k else 'mp4'}"))
                for k, recipe in enumerate(self.recipes)
            )

    def _made(self, recipe: Recipe, path: str) -> Clip:
        make(recipe, SceneItem(self.key, self.key, path, None, self.seed))
        return Clip(
            key=self.key,
            source=self.source,
            sound=path,
            video=path if path.endswith(".mp4") else None,
            duration=recipe.seconds,
            convention="ambix" if recipe.kind == "360" else "stereo",
            truth=Truth(recipe.beside(path)["truth"], read_events),
        )


@contextmanager
def drawn(
    task, kind: str, preset: str, seconds: float, first: int, count: int
) -> Iterator[list[SceneExample]]:
    """Examples for the task, of the first `count` seeds from `first` on that suit it."""
    recipe = recipe_of(kind, preset, seconds)
    with TemporaryDirectory(prefix="avtools-") as folder:
        found = [
            SceneExample(seed, recipes_of(task, recipe, things), folder)
            for seed, things in suited(task, recipe, first, count)
        ]
        if not found:
            raise AvtoolsError(f"no scene of {preset} has what {task.name} asks for")
        if len(found) < count:
            warn(f"{len(found)} scenes, not {count}, have what {task.name} asks for")
        yield found


def recipe_of(kind: str, preset: str, seconds: float) -> Recipe:
    """Scenes as `avtools synth` makes them unless it is told otherwise."""
    return Recipe(
        kind=kind,
        preset=preset,
        seconds=seconds,
        size=SIZES[kind],
        fps=FPS,
        rate=RATE,
        lossless=False,
        habits=(),
        ears=None,
        hrir=None,
        sounds=(),
        backgrounds=(),
        things=(),
        hop=HOP,
        truth="csv",
        masks=False,
        device="cpu",
        sound_codec=None,
    )


def suited(task, recipe: Recipe, first: int, count: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Seeds, and the things that the task asks of in their scenes: known without rendering."""
    if task.things is None:
        yield from ((seed, ()) for seed in range(first, first + count))
        return
    found = 0
    for seed in range(first, first + MOST_TRIED * count):
        if things := task.things(staged(recipe, seed).truth(recipe.size, recipe.hop)):
            yield seed, things
            found += 1
        if found == count:
            return


def recipes_of(task, recipe: Recipe, things: tuple[int, ...]) -> tuple[Recipe, ...]:
    """The scene; or, where a task takes several clips, each thing alone, the first without noise:
    it is what the others are taken away from."""
    if task.takes == 1:
        return (recipe,)
    plain = {f.name: getattr(recipe, f.name) for f in dataclasses.fields(recipe)}
    return tuple(
        Solo(**plain, only=thing, is_clean=place == 0)
        for place, thing in enumerate(things[: task.takes])
    )
