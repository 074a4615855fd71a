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

--model takes several names: all are asked the same of the same clips, and each is held against the
first, clip by clip: of figures that are means over clips, the first one's mean, the difference, the
share of clips in which the later one is better, and p of Wilcoxon's signed-rank test (two-sided).
--against does the same with the rows that another run wrote with --clips, over those clips that
both have.

Chance depends on --seed and each clip's name alone: two models are asked the same.

--plot draws how probabilities hold (flip), or errors and how confidence tells them (align360).
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated

import typer

from avtools.asked import EVALUATION, SCENES, SYNTH, examples_of, scenes_of
from avtools.commands.options import Manner, Rows, one_of, option
from avtools.errors import AvtoolsError, warn

COLUMNS = ("task", "model", "metric", "value", "low", "high", "n")
COMPARED = ("against", "difference", "better", "p", "pairs")
OF_CLIPS = ("clip", "source", "model")


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
            metavar="NAME,...",
            show_default=True,
            help="signal, what it must beat (chance, none, mono, ideal, ...), or several.",
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
      avtools evaluate upmix --data synth:real --model mono,signal --clips upmix.csv
      avtools evaluate separate --data synth:360:real --count 50 --against earlier.csv
      avtools evaluate doa --data /data/STARSS23 --count 200
    """
    chosen, models = checked_task(task, model)
    if data is None:
        raise AvtoolsError("no --data: expected a folder, a manifest, shards or synth:PRESET")
    if not 0.5 <= seconds <= 300:
        raise AvtoolsError(f"--seconds {seconds:g}: expected 0.5 to 300")
    check_outputs(chosen, models, data, rows, clips, against, plot)
    other = None if against is None else other_run(chosen, against)
    chance_seed = seed or 0
    with ExitStack() as stack:
        summary = stack.enter_context(table_of(rows, other is not None or len(models) > 1))
        if data.startswith(SYNTH):
            found = stack.enter_context(scenes_of(chosen, data, split, seconds, count, seed))
        else:
            found = examples_of(chosen, data, split, seconds, count, chance_seed)
            refuse_inputs(data, found, rows.output, clips, plot)
        known, code = examined_all(chosen, models, chance_seed, found, rows.jobs, clips)
        for row in told(chosen, known, other, chance_seed):
            summary.add({"task": task} | row)
    if plot is not None and known[model]:
        draw(chosen, model, known[model], plot)
    return code


def checked_task(name: str, model: str) -> tuple:
    """The task, and the models."""
    from avtools.tasks import TASKS, task_of

    if name not in TASKS:
        raise AvtoolsError(f"no task {name!r}: expected one of {', '.join(TASKS)}")
    task = task_of(name)
    models = model.split(",")
    for one in models:
        one_of(f"{name}: --model", one, task.models)
    if len(set(models)) < len(models):
        raise AvtoolsError(f"--model {model}: one of them is named twice")
    return task, models


def check_outputs(task, models, data: str, rows: Rows, clips, against, plot) -> None:
    """Refuse what can't be written before any work."""
    from avtools.stream import targets
    from avtools.stream.tables import FORMATS

    one_of("--format", rows.format, FORMATS)
    if clips == "-":
        raise AvtoolsError("--clips -: expected a file; standard output is for the figures")
    targets.refuse_media(rows.output)
    written = outputs(rows.output, clips, plot)
    targets.refuse_same([data] if against is None else [data, against], written)
    targets.refuse_doubles(written)
    if len(models) > 1 and (against is not None or plot is not None):
        raise AvtoolsError(f"--{'plot' if against is None else 'against'}: of one --model")
    if plot is not None:
        from avtools.plot.figure import check_plot

        check_plot(plot)
        if task.probability is None and task.error is None:
            raise AvtoolsError(f"--plot: {task.name} has neither probabilities nor errors to draw")


def outputs(*named: str | None) -> list[str]:
    return [path for path in named if path not in (None, "-")]


def refuse_inputs(data: str, found: list, *named: str | None) -> None:
    import os

    from avtools.datasets.manifest import OF_FOLDER
    from avtools.stream.targets import refuse_same

    if written := outputs(*named):
        used = {os.path.join(data, OF_FOLDER)}
        used |= {p for e in found for c in e.clips for p in (c.sound, c.video) if p is not None}
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

    lines = [row for _, row in table(path, OF_CLIPS, any_names=True, exact=True)]
    if len(models := dict.fromkeys(row["model"] for row in lines)) > 1:
        raise AvtoolsError(f"{path}: rows of {', '.join(models)}, expected one model")
    found = {row["clip"]: row for row in lines}
    if not any(set(task.columns) <= set(row) for row in found.values()):
        raise AvtoolsError(f"{path}: no rows of clips of {task.name} ({', '.join(task.columns)})")
    return found


# ---- examining and telling ---------------------------------------------------------------------


def examined_all(task, models, seed: int, found: list, jobs: int, clips) -> tuple[dict, int]:
    """The rows of all clips, of each model, and the exit status."""
    from functools import partial

    from avtools.stream.batch import FINE, run_each
    from avtools.stream.outputs import whole
    from avtools.stream.tables import Table
    from avtools.synth.files import counted

    known: dict[str, list[dict]] = {model: [] for model in models}
    with ExitStack() as stack:
        table = None
        if clips is not None:
            out = stack.enter_context(open(stack.enter_context(whole(clips)), "wb"))
            table = Table((*OF_CLIPS, *task.columns), "csv", out=out)
        step = stack.enter_context(counted(len(found)))

        def take(made: list[dict]) -> int:
            for row in made:
                known[row["model"]].append(row)
                if table is not None:
                    table.add(row)
            step(made[0])
            return FINE

        work = partial(examined, task.name, models, seed)
        code = run_each(found, work, take, jobs)
        if table is not None:
            table.finish()
    return known, code


def examined(name: str, models: list[str], seed: int, example) -> list[dict]:
    """A row of one clip for each model; all are asked the same."""
    from avtools.tasks import task_of
    from avtools.tasks.task import chance

    task = task_of(name)
    known = {"clip": example.key, "source": example.source}
    with example.taken() as clips:
        try:
            return [
                known
                | {"model": model}
                | task.examine(clips, model, chance(seed, name, example.key))
                for model in models
            ]
        except ValueError as error:
            raise AvtoolsError(f"{example.key}: {error}") from error


def told(task, known: dict[str, list[dict]], other, seed: int) -> Iterator[dict]:
    """The rows of the table. Of several models, the first is what the others are held against."""
    from avtools.tasks.summary import compared, summarised

    for model, rows in known.items():
        if not rows:
            continue
        made = summarised(task, rows, seed)
        if other is None:
            other = {row["clip"]: row for row in rows}
        else:
            joined = len({row["clip"] for row in rows} & set(other))
            if joined < max(len(rows), len(other)):
                warn(f"--against: {joined} clips are in both runs, of {len(rows)} and {len(other)}")
            made = compared(task, rows, other, made)
        yield from ({"model": model} | line for line in made)


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
