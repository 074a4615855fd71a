"""One scene after the other from its seed to its files: what `avtools synth` does with each."""

import contextlib
import dataclasses
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from avtools import errors
from avtools.errors import AvtoolsError
from avtools.stream import deliver
from avtools.stream.batch import run_each
from avtools.stream.outputs import is_plain, whole
from avtools.stream.sound import Sound
from avtools.synth.manifest import note_scene, row_of
from avtools.synth.recipe import Recipe, SceneItem

# Endings of the files that may stand beside a scene's.
BESIDE = (".csv", ".json", ".masks.npz")
# Pictures that are rendered at once may take this much.
CHUNK_BYTES = 24 << 20


def make(recipe: Recipe, item: SceneItem) -> None:
    """The files of one scene, its own file last: where that one is, all are."""
    scene = _Scene(recipe, item)
    sound = scene.sound()
    if item.target is None or not is_plain(item.target):
        return deliver.deliver(sound, item, deliver.Form(), bar=False)
    if folder := os.path.dirname(item.target):
        os.makedirs(folder, exist_ok=True)
    return scene.write(sound)


def make_each(recipe: Recipe, items: list[SceneItem], jobs: int) -> int:
    """The files of all these scenes; the exit status."""
    with counted(len(items)) as step:
        return run_each(items, partial(make, recipe), step, jobs)


@contextlib.contextmanager
def counted(total: int) -> Iterator[Callable]:
    """What is called for each scene that is made: a bar moves on, for a person who waits."""
    if total < 2 or errors.speaker["level"] == errors.QUIET or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("scenes", total=total)
        yield lambda _: bar.advance(task)


class _Scene:
    """One scene on its way into files."""

    def __init__(self, recipe: Recipe, item: SceneItem):
        from avtools.world.device import chosen_device

        self.recipe, self.item = recipe, item
        self.device = chosen_device(recipe.device)
        self.stage = staged(recipe, item.seed)

    def sound(self) -> Sound:
        from avtools.world.ears import heard
        from avtools.world.sounds import dry

        recipe, stage = self.recipe, self.stage
        emitted = dry(stage.scenes, recipe.rate, self.device, stage.bank)
        taken = heard(stage.scenes, emitted, recipe.rate, head_of(recipe))
        return recipe.sound(taken[0].cpu().numpy(), self.item.path)

    def write(self, sound: Sound) -> None:
        """All files, each whole and at its place only when all are.

        The old file goes first and the new one comes last, so that there never is one beside
        another one's truth.
        """
        from avtools.stream.film import is_film

        target, files = self.item.target, self.recipe.beside(self.item.target)
        # Those beside it get their names when the inner context is left, it gets its own after.
        with whole(target) as temporary, contextlib.ExitStack() as beside:
            self._write_truth(beside.enter_context(whole(files["truth"])))
            if is_film(target):
                masks = beside.enter_context(self._masks_file()) if self.recipe.masks else None
                self._write_film(temporary, sound, masks)
            else:
                self._write_sound(temporary, sound)
            note_scene(self.item, None)
            self._remove_former(target, files)
        note_scene(self.item, row_of(self.recipe, self.item, self.stage.scenes))

    def _remove_former(self, target: str, files: dict[str, str]) -> None:
        """What a scene of this name was: its file, and what stood beside it and won't be anew."""
        if not os.path.exists(target):
            return
        os.unlink(os.path.realpath(target))
        stem = os.path.splitext(target)[0]
        for path in {stem + ending for ending in BESIDE} - set(files.values()):
            if self.item.folder is not None:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)

    def _write_truth(self, path) -> None:
        from avtools.stream.tables import Table
        from avtools.world.truth import COLUMNS

        recipe = self.recipe
        with open(path, "wb") as out:
            table = Table(COLUMNS, recipe.truth, out=out)
            name = os.path.basename(self.item.target)
            table.add(*self.stage.truth(recipe.size, recipe.hop, name))
            table.finish()

    def _write_sound(self, path, sound: Sound) -> None:
        from avtools.stream.encode import write_sound
        from avtools.stream.wire import write_wire

        target, codec = self.item.target, self.recipe.sound_codec
        if not target.lower().endswith(deliver.WAV_SUFFIXES):
            return write_sound(sound, str(path), target, codec, None)
        with open(path, "r+b") as out:
            return write_wire(out.fileno(), sound, codec or "pcm_f32le", target=target)

    def _write_film(self, path, sound: Sound, masks) -> None:
        from avtools.stream.film import write_film
        from avtools.stream.spatial import Spatial

        recipe, target = self.recipe, self.item.target
        around = Spatial(projection="equirectangular", ambisonic_order=1)
        write_film(
            path,
            os.path.splitext(target)[1].lower(),
            self._pictures(masks),
            recipe.size,
            recipe.fps,
            sound,
            recipe.lossless,
            around if recipe.kind == "360" else None,
            target,
        )

    def _masks_file(self):
        from avtools.stream.masks import masks_file

        width, height = self.recipe.size
        path = self.recipe.beside(self.item.target)["masks"]
        return masks_file(path, self.recipe.pictures, (height, width))

    def _pictures(self, masks=None) -> Iterator[np.ndarray]:
        """Some at a time; the masks of each go to `masks` on the way."""
        from avtools.world.sights import Sight

        stage, size = self.stage, self.recipe.size
        sight = Sight(stage.scenes, size, self.device, stage.images, stage.bank)
        for times in self._spans():
            if masks is None:
                yield sight.at(times).cpu().numpy()[0]
            else:
                pictures, things = sight.at(times, masks=True)
                masks.add(times, things.cpu().numpy()[0])
                yield pictures.cpu().numpy()[0]

    def _spans(self) -> Iterator[np.ndarray]:
        """The pictures' times, few enough for the memory at once."""
        width, height = self.recipe.size
        count = self.recipe.pictures
        step = max(1, CHUNK_BYTES // (3 * width * height))
        for first in range(0, count, step):
            k = np.arange(first, min(first + step, count))
            yield k * self.recipe.fps.denominator / self.recipe.fps.numerator


@dataclass(frozen=True)
class Staged:
    """One scene and what it takes of the user's own sounds and pictures."""

    scenes: object
    bank: object
    images: object
    names: tuple[str, ...]  # of the user's sound of each thing
    pictures: tuple[str, ...] = ()  # of the user's picture of each thing

    def truth(self, size: tuple[int, int], hop: float, file: str = "-") -> list[dict]:
        """The rows of the scene's table."""
        from avtools.world.truth import rows

        table = rows(self.scenes, 0, size, hop, file, self.bank, self.images)
        for row in table:
            if self.names and row["sound"]:
                row["sound"] = self.names[row["source"]]
            if self.pictures and row["look"] not in (None, "face"):
                row["look"] = self.pictures[row["source"]]
        return table


def staged(recipe: Recipe, seed: int) -> Staged:
    """The scene of a seed with those of the user's sounds and pictures that it uses, no others.

    So a scene costs what it uses, however much there is to choose from. `pick` says the place in
    the whole list; in the lists made here thing k has place k.
    """
    scenes = recipe.scenes([seed])
    if not (recipe.sounds or recipe.backgrounds or recipe.things):
        return Staged(scenes, None, None, ())
    try:
        return _furnished(recipe, scenes)
    except AvtoolsError as error:
        raise AvtoolsError(f"{recipe.name(seed)}: {error}") from error
    except OSError as error:
        said = f"{error.filename}: {errors.reason(error)}"
        raise AvtoolsError(f"{recipe.name(seed)}: {said}") from error


def _furnished(recipe: Recipe, scenes) -> Staged:
    from avtools.stream.material import read_mono, read_picture, read_thing
    from avtools.world.bank import Bank
    from avtools.world.images import Images
    from avtools.world.scenes import LOOKS

    picks = scenes.pick[0]
    scenes = dataclasses.replace(scenes, pick=((np.arange(len(picks)) + 0.5) / len(picks))[None])
    plays = scenes.present & (scenes.heard | scenes.mimes)
    is_shown = scenes.visible & (scenes.look != LOOKS.index("face"))
    heard = _picked(recipe.sounds, picks, plays[0])
    shown = _picked(recipe.things, picks, is_shown[0])
    things = [read_thing(path) for path in shown]
    behind = _picked(recipe.backgrounds, scenes.backdrop_pick, np.ones(1, bool))
    behind = [read_picture(path)[..., :3] for path in behind]
    bank = Bank([read_mono(p, recipe.rate) for p in heard], recipe.rate) if heard else None
    if bank is not None and len(bank) != len(heard):
        raise ValueError(f"{len(bank)} sounds of {len(heard)}: {', '.join(heard)}")
    images = Images(backgrounds=behind, things=things) if behind or things else None
    scenes = bank.scored(scenes) if bank else scenes
    return Staged(scenes, bank, images, _stems(heard), _stems(shown))


def _stems(paths: list[str]) -> tuple[str, ...]:
    return tuple(os.path.splitext(os.path.basename(path))[0] for path in paths)


def _picked(paths: tuple[str, ...], picks: np.ndarray, is_used: np.ndarray) -> list[str]:
    """For each pick, 0 to 1, its path; the first that is used in the place of those that are not.

    None at all where there are none, or none is used.
    """
    if not paths or not is_used.any():
        return []
    chosen = [paths[min(int(p * len(paths)), len(paths) - 1)] for p in picks]
    first = chosen[int(np.argmax(is_used))]
    return [path if used else first for path, used in zip(chosen, is_used, strict=True)]


_heads: dict = {}


def head_of(recipe: Recipe):
    """The measured head, read once a process."""
    if recipe.hrir is None:
        return None
    from avtools.stream.hrir import load_hrirs
    from avtools.world.measured import LONGEST, ResponseSet

    key = recipe.hrir, recipe.rate
    if key not in _heads:
        try:
            head = ResponseSet(*load_hrirs(*key))
        except ValueError as error:
            raise AvtoolsError(f"{recipe.hrir}: {error}") from error
        if head.taps > LONGEST * recipe.rate:
            raise AvtoolsError(
                f"{recipe.hrir}: responses of {head.taps / recipe.rate:.3g} s, expected those of a"
                f" head, of at most {LONGEST:g} s"
            )
        _heads[key] = head
    return _heads[key]
