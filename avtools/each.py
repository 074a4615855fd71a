"""What every command does with its inputs, one by one: filters make sounds, analysers rows."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from avtools.commands.options import Inputs, Outputs, Rows, one_of, parse_bitrate
from avtools.errors import AvtoolsError
from avtools.stream import batch, deliver
from avtools.stream.deliver import refuse_same
from avtools.stream.files import VIDEO_SUFFIXES
from avtools.stream.outputs import whole


def filter_each(
    inputs: Inputs,
    outputs: Outputs,
    change: Callable,
    **form,
) -> int:
    """Open each input, send it through `change(sound) -> sound`, deliver it; the exit status.

    `change` is a plain function or a partial of one: with --jobs it travels to other processes.
    """
    items = inputs.items()
    chosen = deliver.targets(
        items,
        outputs.output,
        outputs.directory,
        outputs.suffix,
        outputs.in_place,
        form.get("video"),
    )
    form = deliver.Form(
        codec=outputs.codec,
        bitrate=parse_bitrate(outputs.bitrate),
        gain=deliver.checked_gain(outputs.gain),
        stream=inputs.stream,
        au=one_of("--stream-format", outputs.stream_format, ("wav", "au")) == "au",
        **form,
    )
    for target in chosen:
        if target is not None or not outputs.dry_run:
            deliver.check_target(target, form)
        is_video = target and os.path.splitext(target)[1].lower() in VIDEO_SUFFIXES
        if is_video and inputs.is_windowed:
            raise AvtoolsError(
                f"{target}: --start and --duration can't cut a picture that is copied; take the "
                "sound alone, as in -o out.wav"
            )
    pairs = dict(zip(items, chosen, strict=True))
    if outputs.skip_existing:
        items = [i for i in items if pairs[i] is None or not os.path.exists(pairs[i])]
    if outputs.dry_run:
        deliver.announce(items, [pairs[i] for i in items])
        return 0
    if not items:
        return 0
    work = partial(_filter_one, inputs, pairs, change, form, outputs.jobs == 1)
    return batch.run_each(items, work, jobs=outputs.jobs)


def _filter_one(inputs: Inputs, pairs: dict, change: Callable, form, bar: bool, item) -> None:
    with inputs.open(item.path) as sound:
        deliver.deliver(change(sound), item, pairs[item], form, bar)


def write_rows(
    inputs: Inputs, rows: Rows, columns: tuple[str, ...], work: Callable, answers: bool = False
) -> int:
    """A table with the rows of `work(item)` for each input; the exit status.

    `work` gives rows (with --jobs it travels to other processes). With `answers` a row may hold
    the exit status that it calls for, under `status`.
    """
    from avtools.stream.tables import Table

    items = inputs.items()
    with ExitStack() as stack:
        out = None
        if rows.output not in (None, "-"):
            for item in items:
                refuse_same(item.path, rows.output)
            out = stack.enter_context(open(stack.enter_context(whole(rows.output)), "wb"))
        table = Table(columns, rows.format, not rows.no_header, out)

        def take(made) -> int:
            codes = [batch.FINE]
            for row in made:
                table.add(row)
                codes.append(row.get("status", batch.FINE) if answers else batch.FINE)
            return batch.gravest(codes)

        if rows.jobs > 1 and len(items) > 1:
            work = partial(_all_rows, work)
        code = batch.run_each(items, work, take, rows.jobs)
        table.finish()
    return code


def _all_rows(work: Callable, item) -> list[dict]:
    """A process sends its rows at once."""
    return list(work(item))
