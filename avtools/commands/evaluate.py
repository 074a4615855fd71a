"""How good a model is at a task: its figures over many clips, each with the interval in which 95 of
100 such sets of clips would have theirs (by resampling; clips of one maker or source together).

TASK is one of the following. In parentheses stands what signal, the method without training, can
be held against: --model takes these names, too.

align360: a sound field is turned by a yaw drawn for each clip; by how much? Errors in degrees, of
all clips whether answered or not, of the half (medium) and the tenth (high) with the greatest
confidence, and of those answered; the same weighted, which is the error of all yaws by their
probabilities; Spearman's correlation of confidence with closeness. 360 pictures with ambisonics.
(none, which says 0; chance)

doa: where do sounds come from? The error of directions, and recall and precision within 20 degrees.
Ambisonics with a truth of directions. (front; chance)

flip: left and right are swapped in half of the clips, drawn by chance; are they? Share answered,
accuracy among these, calibration of the probability. Stereo, or 360 with ambisonics. (none,
which is always unsure)

separate: the sounds of two clips in one, equally loud; what is the sound of the first one's
picture? SI-SDR and how much of it is gained over the mixture, SDR, SIR, SAR. Scenes that are drawn
have two sources at least 30 degrees apart, heard in one room. (blind, which does not look; mixture;
ideal, the ratio mask of the true powers)

track-faces: the box of the face that sounds, given the true boxes of one picture. AP50, IoU, errors
of the middle. A truth with boxes. (picture, which does not listen; still)

upmix: stereo from the mean of its two channels and the picture. Distances of spectra, envelopes and
samples, SNR, and the correlation of the position heard with the azimuth of what is seen to sound.
Stereo. (mono, the same in both channels; true, the recording itself)

--data is a folder, a manifest, shards or a dataset's own layout, or scenes that are drawn for it
and made one by one in a temporary folder: synth:easy, synth:real or synth:hard (synth:360:real for
360 where a task takes both), from seeds that nothing is trained on. A longer clip counts once for
every --seconds of it. Where the data tells a split, its test clips are taken.

--clips writes a row for each clip. Another run, with another model, is then held against it clip by
clip by --against: of figures that are means over clips, the mean of the other run, the difference,
the share of clips in which this run is the better one, and p of Wilcoxon's signed-rank test
(two-sided), over those clips that both have.

Chance depends on --seed and each clip's name alone: two models are asked the same.

--plot draws how probabilities hold (flip), or errors and how confidence tells them (align360).
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated

import typer

from avtools.commands.options import Manner, Rows, one_of, option
from avtools.errors import AvtoolsError, note, warn

COLUMNS = ("task", "model", "metric", "value", "low", "high", "n")
COMPARED = ("against", "difference", "better", "p", "pairs")
OF_CLIPS = ("clip", "source")
# The first seed of scenes that nothing is trained or tuned on.
EVALUATION = 1_000_000
SCENES = 300
SYNTH = "synth:"
SPLITS = ("train", "val", "test", "all")


def evaluate(
    task: Annotated[
        str,
        typer.Argument(metavar="TASK", help="align360, doa, flip, separate, track-faces or upmix."),
    ],
    rows: Rows,
    manner: Manner,
    data: Annotated[
        str | None,
        option("--data", metavar="DATA", help="Folder, manifest, shards, or synth:PRESET."),
    ] = None,
    model: Annotated[
        str,
        option(
            "--model",
            metavar="NAME",
            show_default=True,
            help="signal, or what it must beat: chance, none, mono, mixture, ideal, ...",
        ),
    ] = "signal",
    split: Annotated[
        str | None,
        option("--split", metavar="NAME", help="train, val, test or all; test where there is one."),
    ] = None,
    count: Annotated[
        int | None,
        option(
            "--count",
            metavar="N",
            min=1,
            help=f"So many clips, chosen by chance; scenes: {SCENES} by default.",
        ),
    ] = None,
    seconds: Annotated[
        float,
        option("--seconds", metavar="SECONDS", show_default=True, help="Of each clip."),
    ] = 10.0,
    seed: Annotated[
        int | None,
        option(
            "--seed",
            metavar="N",
            min=0,
            max=10**15,
            help=f"Of chance, 0 by default; of the first scene, {EVALUATION} by default.",
        ),
    ] = None,
    clips: Annotated[
        str | None, option("--clips", metavar="FILE", help="Write a row for each clip: CSV.")
    ] = None,
    against: Annotated[
        str | None,
        option("--against", metavar="FILE", help="Compare with the clips' rows of another run."),
    ] = None,
    plot: Annotated[
        str | None, option("--plot", metavar="FILE", help="Draw it: .png, .svg or .pdf.")
    ] = None,
):
    """Measure how good a model is at a task.

    \b
    Examples:
      avtools evaluate flip --data synth:real --jobs 2 --plot reliability.png
      avtools evaluate upmix --data synth:real --model mono --clips mono.csv
      avtools evaluate upmix --data synth:real --against mono.csv
      avtools evaluate doa --data /data/STARSS23 --count 200
    """
    chosen = checked_task(task, model)
    if data is None:
        raise AvtoolsError("no --data: expected a folder, a manifest, shards or synth:PRESET")
    if not 0.5 <= seconds <= 300:
        raise AvtoolsError(f"--seconds {seconds:g}: expected 0.5 to 300")
    check_outputs(chosen, data, rows, clips, against, plot)
    other = None if against is None else other_run(chosen, against)
    chance_seed = seed or 0
    with ExitStack() as stack:
        summary = stack.enter_context(table_of(rows, other is not None))
        if data.startswith(SYNTH):
            found = stack.enter_context(scenes_of(chosen, data, split, seconds, count, seed))
        else:
            found = examples_of(chosen, data, split, seconds, count, chance_seed)
            refuse_inputs(found, rows.output, clips, plot)
        known, code = examined_all(chosen, model, chance_seed, found, rows.jobs, clips)
        for row in told(chosen, known, other, chance_seed):
            summary.add({"task": task, "model": model} | row)
    if plot is not None and known:
        draw(chosen, model, known, plot)
    return code


def checked_task(name: str, model: str):
    from avtools.tasks import TASKS, task_of

    if name not in TASKS:
        raise AvtoolsError(f"no task {name!r}: expected one of {', '.join(TASKS)}")
    task = task_of(name)
    one_of(f"{name}: --model", model, task.models)
    return task


def check_outputs(task, data: str, rows: Rows, clips, against, plot) -> None:
    """Refuse what can't be written before any work."""
    from avtools.stream import targets
    from avtools.stream.tables import FORMATS

    one_of("--format", rows.format, FORMATS)
    if clips == "-":
        raise AvtoolsError("--clips -: expected a file; standard output is for the figures")
    written = outputs(rows.output, clips, plot)
    targets.refuse_same([data] if against is None else [data, against], written)
    targets.refuse_doubles(written)
    if plot is not None:
        from avtools.plot.figure import check_plot

        check_plot(plot)
        if task.probability is None and task.error is None:
            raise AvtoolsError(f"--plot: {task.name} has neither probabilities nor errors to draw")


def outputs(*named: str | None) -> list[str]:
    return [path for path in named if path not in (None, "-")]


def refuse_inputs(found: list, *named: str | None) -> None:
    from avtools.stream.targets import refuse_same

    if written := outputs(*named):
        used = {p for e in found for c in e.clips for p in (c.sound, c.video) if p is not None}
        used |= {c.truth.path for e in found for c in e.clips if c.truth is not None}
        refuse_same(sorted(used), written)


@contextmanager
def table_of(rows: Rows, is_compared: bool) -> Iterator:
    """The table that the figures go to; its file is begun before the work, and whole after it."""
    from avtools.stream.outputs import whole
    from avtools.stream.tables import Table

    with ExitStack() as stack:
        out = None
        if rows.output not in (None, "-"):
            out = stack.enter_context(open(stack.enter_context(whole(rows.output)), "wb"))
        columns = (*COLUMNS, *COMPARED) if is_compared else COLUMNS
        table = Table(columns, rows.chosen_format, not rows.no_header, out)
        yield table
        table.finish()


def other_run(task, path: str) -> dict[str, dict[str, str]]:
    """Clip -> its row, of another run."""
    from avtools.datasets.listing import table

    found = {row["clip"]: row for _, row in table(path, OF_CLIPS, any_names=True, exact=True)}
    means = [score.column for score in task.scores if score.column is not None]
    if not any(column in row for row in found.values() for column in means):
        raise AvtoolsError(f"{path}: no rows of clips of {task.name} ({', '.join(means)})")
    return found


# ---- what is examined --------------------------------------------------------------------------


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


# ---- examining and telling ---------------------------------------------------------------------


def examined_all(task, model: str, seed: int, found: list, jobs: int, clips) -> tuple[list, int]:
    """The rows of all clips, and the exit status."""
    from functools import partial

    from avtools.stream.batch import FINE, run_each
    from avtools.stream.outputs import whole
    from avtools.stream.tables import Table
    from avtools.synth.files import counted

    known: list[dict] = []
    with ExitStack() as stack:
        table = None
        if clips is not None:
            out = stack.enter_context(open(stack.enter_context(whole(clips)), "wb"))
            table = Table((*OF_CLIPS, *task.columns), "csv", out=out)
        step = stack.enter_context(counted(len(found)))

        def take(row: dict) -> int:
            known.append(row)
            step(row)
            if table is not None:
                table.add(row)
            return FINE

        work = partial(examined, task.name, model, seed)
        code = run_each(found, work, take, jobs)
        if table is not None:
            table.finish()
    return known, code


def examined(name: str, model: str, seed: int, example) -> dict:
    """The row of one clip."""
    from avtools.tasks import task_of
    from avtools.tasks.task import chance

    task = task_of(name)
    with example.taken() as clips:
        try:
            row = task.examine(clips, model, chance(seed, name, example.key))
        except ValueError as error:
            raise AvtoolsError(f"{example.key}: {error}") from error
    return {"clip": example.key, "source": example.source} | row


def told(task, known: list[dict], other, seed: int) -> list[dict]:
    """The rows of the table."""
    from avtools.tasks.summary import compared, summarised

    if not known:
        return []
    rows = summarised(task, known, seed)
    if other is None:
        return rows
    joined = len({row["clip"] for row in known} & set(other))
    if joined < max(len(known), len(other)):
        warn(f"--against: {joined} clips are in both runs, of {len(known)} and {len(other)}")
    return compared(task, known, other, rows)


def draw(task, model: str, known: list[dict], plot: str) -> None:
    import numpy as np

    from avtools.metrics.answers import calibration_error, reliability
    from avtools.metrics.statistics import wilson_interval
    from avtools.plot.reliability import ErrorPicture, ReliabilityPicture
    from avtools.tasks.summary import gathered

    columns, title = gathered(known), f"{task.name}, {model}"
    if task.probability is None:
        ErrorPicture(*(columns[name] for name in task.error), title).save(plot)
        return
    said, so = (columns[name] for name in task.probability)
    bins = reliability(so, said)
    hits = np.nan_to_num(bins.share_true) * bins.count
    ReliabilityPicture(
        [*bins.low, bins.high[-1]],
        bins.count,
        bins.mean_probability,
        bins.share_true,
        *wilson_interval(hits, bins.count),
        calibration_error(so, said),
        title,
    ).save(plot)
