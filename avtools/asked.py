"""What `evaluate` asks of: windows of a dataset's clips, or scenes that are drawn for it."""

import os

from avtools.commands.options import one_of
from avtools.errors import AvtoolsError, note

# The first seed of scenes that nothing is trained or tuned on.
EVALUATION = 1_000_000
SCENES = 300
SYNTH = "synth:"
SPLITS = ("train", "val", "test", "all")


def examples_of(task, data: str, split, seconds: float, count, seed: int) -> list:
    from avtools.datasets import open_dataset
    from avtools.tasks.examples import examples

    dataset = open_dataset(data)
    clips = in_split(dataset, split)
    if task.wanted:
        clips = [clip for clip in clips if suits(task, clip)]
        if not clips:
            raise AvtoolsError(f"{data}: no clip with {task.wanted}")
    try:
        return examples(clips, seconds, task.takes, count, seed, length)
    except ValueError as error:
        raise AvtoolsError(f"{data}: {error}") from error


def in_split(dataset, split: str | None) -> list:
    if split is not None:
        one_of("--split", split, SPLITS)
    clips = list(dataset)
    if split != "all":
        chosen = dataset.split(split or "test")
        if not chosen and split is not None:
            raise AvtoolsError(f"{dataset.root}: no clips of the split {split}")
        if chosen and split is None and len(chosen) < len(clips):
            note(f"{dataset.root}: the {len(chosen)} clips of the split test, of {len(clips)}")
        clips = chosen or clips
    return clips


def suits(task, clip) -> bool:
    from avtools.datasets.listing import table

    if clip.truth is None or not clip.truth.path.lower().endswith(".csv"):
        return False
    return bool(task.things([row for _, row in table(clip.truth.path, ())]))


def length(clip) -> float | None:
    """Seconds of a clip whose dataset does not say it; None: nobody knows before it is read."""
    from avtools.stream.files import open_sound
    from avtools.stream.video import video_facts

    if clip.sound is None or not os.path.isfile(clip.sound):
        return None
    try:
        with open_sound(clip.sound) as sound:
            whole = None if sound.frames is None else sound.frames / sound.rate
        if whole is None and clip.video is not None:
            whole = video_facts(clip.video).duration
    except AvtoolsError:  # told when its turn comes
        return None
    return whole - clip.start if whole is not None and whole > clip.start else None


def scenes_of(task, data: str, split, seconds: float, count, seed: int | None):
    """What gives examples of scenes, which are made as they are asked for."""
    from avtools.drawn_scenes import drawn

    if split is not None:
        raise AvtoolsError("--split is of datasets; scenes are drawn from seeds, see --seed")
    first = EVALUATION if seed is None else seed
    return drawn(task, *kind_and_preset(task, data), seconds, first, count or SCENES)


def kind_and_preset(task, data: str) -> tuple[str, str]:
    """Of synth:PRESET, or synth:KIND:PRESET."""
    from avtools.world.presets import PRESETS

    kind, _, preset = data.removeprefix(SYNTH).rpartition(":")
    one_of(f"--data {data}: preset", preset, tuple(PRESETS))
    return one_of(f"--data {data}: kind", kind or task.kinds[0], task.kinds), preset
