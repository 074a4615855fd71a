"""What scenes are made of, and what they are called: everything that is decided before the work."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from avtools.errors import AvtoolsError
from avtools.stream.batch import Item, only_shard, parse_shard
from avtools.stream.sound import Sound, block_frames

EVALUATION_CHANNEL = 100_000  # the first one: of ten neighbouring seeds each, from 1,000,000 on
MOST_HABITS = 10_000


@dataclass(frozen=True)
class SceneItem(Item):
    """One scene: `path` is its name, `target` its file (None: its sound to standard output)."""

    seed: int = 0
    folder: str | None = None  # whose manifest it belongs to


@dataclass(frozen=True)
class Recipe:
    """Everything but the seed. It travels to other processes."""

    kind: str
    preset: str
    seconds: float
    size: tuple[int, int]
    fps: Fraction
    rate: int
    lossless: bool
    habits: tuple[int, ...]  # channels that scenes follow in turn; none: their own
    ears: str | None
    hrir: str | None
    sounds: tuple[str, ...]
    backgrounds: tuple[str, ...]
    things: tuple[str, ...]
    hop: float
    truth: str  # csv or json
    masks: bool
    device: str
    sound_codec: str | None  # of a file without a picture; None: what its ending usually has

    def scenes(self, seeds):
        from avtools.world.drawing import draw

        seeds = np.asarray(seeds, np.int64)
        channels = np.array(self.habits)[seeds % len(self.habits)] if self.habits else None
        return draw(self.kind, self.preset, seeds, self.seconds, channels, self.ears)

    def name(self, seed: int) -> str:
        return f"{self.preset}-{seed:06d}"

    @cached_property
    def digest(self) -> str:
        """Of all that decides what the files of a seed hold; devices agree within a tolerance.

        The user's own files count by name, size and time of change.
        """
        from avtools.world.presets import PRESETS

        said = asdict(self) | {"preset": PRESETS[self.preset]}
        del said["device"]
        for part in ("sounds", "backgrounds", "things"):
            said[part] = _marks(said[part])
        said["hrir"] = None if self.hrir is None else _marks(_files_at(self.hrir))
        text = repr(sorted(said.items())).encode("utf-8", "surrogateescape")
        return hashlib.blake2b(text, digest_size=8).hexdigest()

    def beside(self, target: str) -> dict[str, str]:
        """The files that belong to a scene's file."""
        stem = os.path.splitext(target)[0]
        files = {"truth": f"{stem}.{self.truth}"}
        return files | ({"masks": f"{stem}.masks.npz"} if self.masks else {})

    @property
    def pictures(self) -> int:
        """How many there are of a scene."""
        return max(1, round(self.seconds * self.fps))

    def silence(self) -> Sound:
        """A sound as the scenes' will be, without any samples."""
        return self.sound(np.zeros((4 if self.kind == "360" else 2, 0), np.float32), "scenes")

    def sound(self, samples: np.ndarray, name: str) -> Sound:
        """Samples (channels, n) on their way."""
        channels, frames = samples.shape
        step = block_frames(channels)
        blocks = (samples[:, at : at + step] for at in range(0, frames, step))
        marks = {"convention": "ambix", "order": 1} if channels == 4 else {}
        return Sound(blocks, self.rate, channels, frames, name, marks=marks)


def own_files(sounds: str | None, images: str | None) -> dict:
    """The user's own material, by the recipe's names."""
    from avtools.stream.material import picture_files, sound_files

    found = {} if images is None else picture_files(images)
    return {"sounds": () if sounds is None else sound_files(sounds)} | {
        part: found.get(part, ()) for part in ("backgrounds", "things")
    }


def items_of(recipe, seeds: Sequence[int], ending: str, output, directory, shard) -> list:
    """The scenes with their names and targets."""
    names = [recipe.name(seed) for seed in seeds]
    if directory is None:
        target = None if output in (None, "-") else output
        return [SceneItem(n, n, target, None, s) for n, s in zip(names, seeds, strict=True)]
    items = [
        SceneItem(
            name, file := f"{name}.{ending}", os.path.join(directory, file), None, seed, directory
        )
        for name, seed in zip(names, seeds, strict=True)
    ]
    return items if shard is None else only_shard(items, *parse_shard(shard))


def _files_at(path: str) -> list[str]:
    """The file, or those in the folder."""
    if not os.path.isdir(path):
        return [path]
    return sorted(entry.path for entry in os.scandir(path) if entry.is_file())


def _marks(paths: Iterable[str]) -> list[tuple[str, int, int]]:
    """What tells files apart, wherever their folder lies."""
    whole = [os.path.abspath(path) for path in paths]
    top = os.path.commonpath([os.path.dirname(path) for path in whole]) if whole else ""
    facts = [os.stat(path) for path in whole]
    return [
        (os.path.relpath(path, top), fact.st_size, fact.st_mtime_ns)
        for path, fact in zip(whole, facts, strict=True)
    ]


def parse_habits(text: str | None, seed: int, highest: int) -> tuple[int, ...]:
    """Channels, in the order given. Those of evaluation are for evaluation."""
    last = highest // 10 if seed >= 10 * EVALUATION_CHANNEL else EVALUATION_CHANNEL - 1
    chosen: list[int] = []
    for part in () if text is None else text.split(","):
        first, dash, end = part.strip().partition("-")
        end = end if dash else first
        if not all(n.isascii() and n.isdigit() for n in (first, end)) or (
            not int(first) <= int(end) <= last
        ):
            kept = "" if last >= highest // 10 else f", from 0 to {last} below seed 1000000"
            raise AvtoolsError(
                f"--habits {text}: expected numbers of channels, as in 3 or 0-9{kept}"
            )
        chosen += range(int(first), min(int(end), int(first) + MOST_HABITS) + 1)
        if len(chosen) > MOST_HABITS:
            raise AvtoolsError(f"--habits {text}: expected at most {MOST_HABITS} channels")
    return tuple(chosen)
