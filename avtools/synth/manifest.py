"""The list of the scenes in a folder: a row each; tools and datasets take it as their input.

While scenes are made, a line of the folder's log tells what holds of each: nothing before its old
file is taken away, its row when the new one is there. A run, however it ends, then puts the log
into the manifest; what a killed run has left of it, the next run reads.
"""

import contextlib
import csv
import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence

from avtools.errors import AvtoolsError, reason
from avtools.stream.outputs import whole
from avtools.stream.tables import csv_writer
from avtools.world.drawing import EVALUATION

NAME, LOG = "manifest.csv", ".manifest.log"
# Of so many channels the last is for validation.
VALIDATION = 10
FILES = ("file", "truth", "masks")


def row_of(recipe, item, scenes) -> dict[str, str]:
    """What holds for a scene, the first of `scenes`, when all of its files are there."""
    from avtools.world.truth import facts

    files, known = recipe.beside(item.target), facts(scenes, 0)
    row = (
        {"file": os.path.relpath(item.target, item.folder)}
        | {name: os.path.relpath(path, item.folder) for name, path in files.items()}
        | {"preset": recipe.preset}
        | _side(item.seed, known["channel"])
        | known
        | {"convention": "ambix" if recipe.kind == "360" else "stereo"}
        | _form(recipe)
        | {"recipe": recipe.digest}
    )
    return {name: "" if value is None else str(value) for name, value in row.items()}


def _side(seed: int, channel: int) -> dict[str, str]:
    """The source, which a split must not cut in two, and its split."""
    if seed >= EVALUATION:  # also where it follows the habits of a channel that is trained on
        return {"source": f"{channel}-test", "split": "test"}
    is_last = channel % VALIDATION == VALIDATION - 1
    return {"source": str(channel), "split": "val" if is_last else "train"}


def note_scene(item, row: Mapping[str, str] | None) -> None:
    """From now on this holds for the scene; None: nothing does."""
    if item.folder is None:
        return
    line = json.dumps(row or {"file": os.path.relpath(item.target, item.folder)})
    with _alone(item.folder), open(os.path.join(item.folder, LOG), "a", encoding="utf-8") as log:
        log.write(f"\n{line}\n")  # a line that was cut short before stays alone


def settle(folder: str) -> None:
    """Put the log into the manifest. Rows whose files are gone leave it."""
    if not os.path.isdir(folder):
        return
    with _alone(folder):
        log = os.path.join(folder, LOG)
        if os.path.exists(log):
            rows = [row for _, row in sorted(read_manifest(folder).items())]
            _write(os.path.join(folder, NAME), [row for row in rows if _is_whole(folder, row)])
            os.unlink(log)


def _is_whole(folder: str, row: Mapping[str, str]) -> bool:
    named = [row[name] for name in FILES if row.get(name)]
    return all(os.path.exists(os.path.join(folder, name)) for name in named)


def read_manifest(folder: str) -> dict[str, dict]:
    """The rows of the folder's manifest and log by their files; none where there is no manifest."""
    path = os.path.join(folder, NAME)
    there: dict[str, dict] = {}
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="surrogateescape") as lines:
            rows = csv.DictReader(lines)
            if not {"file", "truth", "seed"} <= set(rows.fieldnames or []):
                raise AvtoolsError(f"{path}: not a manifest of scenes; give another folder")
            there = {row["file"]: row for row in rows}
    except FileNotFoundError:
        pass
    except OSError as error:
        raise AvtoolsError(f"{path}: {reason(error)}") from error
    except csv.Error as error:
        raise AvtoolsError(f"{path}: not a CSV manifest ({reason(error)})") from error
    there |= {row["file"]: row for row in _logged(folder)}
    # A file alone, without a row: nothing is known of it.
    return {name: row for name, row in there.items() if len(row) > 1}


def _logged(folder: str) -> Iterator[dict]:
    try:
        with open(os.path.join(folder, LOG), encoding="utf-8", errors="replace") as log:
            for line in log:
                with contextlib.suppress(ValueError):  # cut short when its run was killed
                    row = json.loads(line)
                    if isinstance(row, dict) and "file" in row:
                        yield row
    except FileNotFoundError:
        return


def refuse_others(folder: str, recipe, items: Sequence) -> None:
    """A folder holds scenes of one kind, and no two whose truth would be one file."""
    there = read_manifest(folder)
    mine = {os.path.splitext(item.relative)[0]: item.relative for item in items}
    for file, row in there.items():
        if mine.get(os.path.splitext(file)[0], file) != file and _is_whole(folder, row):
            raise AvtoolsError(
                f"{folder}: holds {file}, whose truth that of {mine[os.path.splitext(file)[0]]}"
                " would replace; give another folder"
            )
    kinds = {row["kind"] for row in there.values() if row.get("kind")}
    if kinds - {recipe.kind}:
        raise AvtoolsError(
            f"{folder}: holds scenes of the kind {', '.join(sorted(kinds))}; give another folder"
        )


def refuse_listed(recipe, target: str) -> None:
    """A file alone must not take the place of one that its folder's manifest speaks of."""
    folder = os.path.dirname(target) or "."
    try:
        rows = read_manifest(folder).values()
    except AvtoolsError:  # a manifest of something else
        return
    listed = {row.get(name) for row in rows if row.get("recipe") for name in FILES}
    for path in (target, *recipe.beside(target).values()):
        if os.path.basename(path) in listed:
            raise AvtoolsError(
                f"{path}: is listed in {os.path.join(folder, NAME)}: make it anew with --directory,"
                " or give another name"
            )


def to_make(folder: str, recipe, items: Sequence) -> list:
    """The scenes that are not there as this recipe makes them.

    Files of which nothing is known are made anew; those of another recipe are refused.
    """
    there = read_manifest(folder)
    missing = []
    for item in items:
        row = there.get(item.relative, {})
        files = [item.target, *recipe.beside(item.target).values()]
        if not row.get("recipe") or not all(map(_has_bytes, files)):
            missing.append(item)
        elif row["recipe"] != recipe.digest:
            raise AvtoolsError(
                f"{item.target}: was made with {_other(row, recipe, item)}: give another folder,"
                " or make it anew without --skip-existing"
            )
    return missing


def _has_bytes(path: str) -> bool:
    return os.path.exists(path) and os.path.getsize(path) > 0


def _other(row: Mapping[str, str], recipe, item) -> str:
    """In what a scene differs from what the recipe makes."""
    for name, value in row_of(recipe, item, recipe.scenes([item.seed])).items():
        was = row.get(name)
        if name != "recipe" and was is not None and was != value:
            return f"{name} {was or 'none'}, not {value or 'none'}"
    return "other options, sounds or pictures"


def _form(recipe) -> dict:
    width, height = recipe.size
    return {
        "rate": recipe.rate,
        "fps": f"{float(recipe.fps):g}",
        "size": f"{width}x{height}",
        "lossless": "yes" if recipe.lossless else "no",
    }


def _write(path: str, rows: Sequence[Mapping]) -> None:
    columns: dict[str, None] = {}
    for row in rows:
        columns |= dict.fromkeys(name for name in row if name is not None)
    with (
        whole(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8", errors="surrogateescape") as out,
    ):
        names = list(columns) or ["file", "truth", "seed"]
        table = csv_writer(out)
        table.writerow(names)
        table.writerows([row.get(name, "") for name in names] for row in rows)


@contextlib.contextmanager
def _alone(folder: str) -> Iterator[None]:
    """Nobody else changes the folder's manifest meanwhile."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network folders know no locks
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
