"""What every command does with its inputs, one by one: filters make sounds, analysers rows."""

import os
import pickle
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from avtools.errors import AvtoolsError
from avtools.stream import batch, deliver, targets
from avtools.stream.files import VIDEO_SUFFIXES
from avtools.stream.outputs import whole

# The endings of files that options write beside the rows, where they name a folder.
BESIDE = {"--features": ".npy", "--plot": ".png"}


def filter_each(
    inputs,
    outputs,
    change: Callable | None = None,
    one: Callable | None = None,
    also: Sequence[str] = (),
    **form,
) -> int:
    """Open each input, send it through `change(sound) -> sound`, deliver it; the exit status.

    Instead of `change`: `one(form, bar, item)` does all of that with one input. Both are plain
    functions or partials of one: with --jobs they travel to other processes. `also`: further
    files that are read, and must not be written to.
    """
    form = deliver.Form(
        codec=outputs.codec,
        bitrate=outputs.bits_a_second,
        gain=deliver.checked_gain(outputs.gain),
        stream=inputs.stream,
        au=outputs.is_au,
        **form,
    )
    items = targets.assign(
        inputs.items(),
        outputs.output,
        outputs.directory,
        outputs.suffix,
        outputs.in_place,
        form.video,
    )
    targets.refuse_same([*inputs.lists, *also], [i.target for i in items if i.target is not None])
    if outputs.skip_existing:
        items = [i for i in items if i.target is None or not os.path.exists(i.target)]
    if outputs.dry_run:
        targets.announce(items)
    elif items:
        one = one or partial(_filter_one, inputs, change)
        work = partial(_checked_one, inputs, one, form, outputs.jobs == 1)
        return batch.run_each(items, work, jobs=outputs.jobs)
    return batch.FINE


def is_video(item) -> bool:
    """The result of this input goes into a video."""
    return os.path.splitext(item.target or "")[1].lower() in VIDEO_SUFFIXES


def _checked_one(inputs, one: Callable, form: deliver.Form, bar: bool, item) -> None:
    if item.refusal:
        raise AvtoolsError(item.refusal)
    deliver.check_target(item.target, form)
    if is_video(item) and inputs.is_windowed:
        raise AvtoolsError(
            f"{item.target}: --start and --duration can't cut a picture; take the sound "
            "alone, as in -o out.wav"
        )
    one(form, bar, item)


def _filter_one(inputs, change: Callable, form: deliver.Form, bar: bool, item) -> None:
    if is_video(item) and form.copy_sound:
        return deliver.copy_video(item, form)
    with inputs.open(item.path) as sound:
        deliver.deliver(change(sound), item, form, bar)
    return None


def write_rows(
    inputs,
    rows,
    columns: tuple[str, ...],
    work: Callable,
    answers: bool = False,
    beside: dict[str, str | None] | None = None,
    over_time: bool = False,
    also: Sequence[str] = (),
) -> int:
    """A table with the rows of `work(item)` for each input; the exit status.

    `work` gives lists of rows that leave together (with --jobs it travels to other processes).
    With `answers` a row may hold the exit status that it calls for, under `status`. `beside`:
    options that name files which `work` writes too. `over_time`: there may be any number of rows.
    `also`: further files that are read, and must not be written to.
    """
    from avtools.stream.tables import Table

    items = inputs.items()
    targets.refuse_media(rows.output)
    outputs = [] if rows.output in (None, "-") else [rows.output]
    for name, path in (beside or {}).items():
        if path is not None:
            targets.check_beside(name, path, items)
            outputs += [targets.beside(path, item, BESIDE[name]) for item in items]
    targets.refuse_same([*(item.path for item in items), *inputs.lists, *also], outputs)
    targets.refuse_doubles(outputs)
    with ExitStack() as stack:
        out = None
        if rows.output not in (None, "-"):
            out = stack.enter_context(open(stack.enter_context(whole(rows.output)), "wb"))
        table = Table(columns, rows.chosen_format, not rows.no_header, out, over_time)

        def take(made) -> int:
            codes = [batch.FINE]
            for some in made:
                table.add(*some)
                if answers:
                    codes += [row.get("status", batch.FINE) for row in some]
            return batch.gravest(codes)

        if rows.jobs > 1 and len(items) > 1:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="avtools-"))
            work = partial(_spooled, work, folder)
            code = batch.run_each(items, work, lambda path: take(_unspooled(path)), rows.jobs)
        else:
            code = batch.run_each(items, work, take, rows.jobs)
        table.finish()
    return code


def _spooled(work: Callable, folder: str, item) -> str:
    """A process writes its rows to a file, whose name it gives back: there may be many."""
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as spool:
        for some in work(item):
            pickle.dump(some, spool)
    return spool.name


def _unspooled(path: str) -> Iterator[list[dict]]:
    with open(path, "rb") as spool:
        while spool.peek(1):
            yield pickle.load(spool)
    os.unlink(path)


@contextmanager
def array_beside(path: str | None, item, shape: tuple[int, ...], axes: dict):
    """What takes rows of an array and their times, for --features; None where not wanted."""
    if path is None:
        yield None
        return
    from avtools.stream.arrays import rows_file

    with rows_file(targets.beside(path, item, BESIDE["--features"]), shape, axes) as rows:
        yield rows


@contextmanager
def picture_beside(path: str | None, item, make: Callable):
    """The picture that `make()` gives, for --plot, saved when all went well; None if not wanted."""
    if path is None:
        yield None
        return
    path = targets.beside(path, item, BESIDE["--plot"])
    if folder := os.path.dirname(path):
        os.makedirs(folder, exist_ok=True)
    picture = make()
    yield picture
    picture.save(path)


@contextmanager
def strip_below(wanted: bool, make: Callable):
    """What is drawn below the rows of an input on a terminal; None where no person looks."""
    if not wanted:
        yield None
        return
    import sys

    from avtools.plot.strip import show

    strip = make()
    yield strip
    show(strip, sys.stdout)
