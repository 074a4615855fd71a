"""The list of the scenes in a folder: a row each; tools and datasets take it as their input."""

import contextlib
import csv
import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence

from avtools.errors import AvtoolsError, reason
from avtools.stream.outputs import whole
from avtools.world.drawing import EVALUATION

NAME = "manifest.csv"
AT_ONCE = 500


def list_scenes(folder: str, recipe, items: Sequence) -> None:
    """Add these scenes to the folder's manifest, or make one.

    Rows of other scenes whose files are still there stay, so that a folder can grow, and so that
    several processes (shards) can each add their own.
    """
    if not os.path.isdir(folder):
        return
    rows = list(_rows(folder, recipe, items))
    with _alone(folder):
        path = os.path.join(folder, NAME)
        made = {row["file"]: row for row in rows}
        kept = {name: row for name, row in read_manifest(folder).items() if name not in made}
        kept = {n: r for n, r in kept.items() if os.path.exists(os.path.join(folder, n))}
        if made or kept:
            _write(path, [row for _, row in sorted((kept | made).items())], list(rows[:1]))


def read_manifest(folder: str) -> dict[str, dict]:
    """The rows of the folder's manifest by their files; none where there is no manifest."""
    path = os.path.join(folder, NAME)
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="surrogateescape") as lines:
            rows = csv.DictReader(lines)
            if "file" not in (rows.fieldnames or []):
                raise AvtoolsError(f"{path}: not a manifest of scenes; give another folder")
            return {row["file"]: row for row in rows}
    except FileNotFoundError:
        return {}
    except csv.Error as error:
        raise AvtoolsError(f"{path}: not a CSV manifest ({reason(error)})") from error


def refuse_others(folder: str, recipe, staying: Sequence) -> None:
    """A folder holds scenes of one kind, and files that stay are what this run would make."""
    there = read_manifest(folder)
    kinds = {row["kind"] for row in there.values() if row.get("kind")}
    if kinds - {recipe.kind}:
        raise AvtoolsError(
            f"{folder}: holds scenes of the kind {', '.join(sorted(kinds))}; give another folder"
        )
    for row in _rows(folder, recipe, staying):
        for name, value in row.items():
            was = there.get(row["file"], {}).get(name)
            if was is not None and was != _text(value):
                raise AvtoolsError(
                    f"{os.path.join(folder, row['file'])}: was made with {name} {was or 'none'},"
                    f" not {_text(value) or 'none'}: give another folder, or make it anew"
                )


def _rows(folder: str, recipe, items: Sequence) -> Iterator[dict]:
    """What holds for each whole scene."""
    from avtools.world.truth import facts

    for at in range(0, len(items), AT_ONCE):
        some = items[at : at + AT_ONCE]
        scenes = recipe.scenes([item.seed for item in some])
        for k, item in enumerate(some):
            files = recipe.beside(item.target)
            known = facts(scenes, k)
            yield (
                {"file": os.path.relpath(item.target, folder)}
                | {name: os.path.relpath(path, folder) for name, path in files.items()}
                | {"preset": recipe.preset, "source": known["channel"]}
                | {"split": "test" if item.seed >= EVALUATION else None}
                | known
                | {"convention": "ambix" if recipe.kind == "360" else "stereo"}
                | _form(recipe)
            )


def _form(recipe) -> dict:
    width, height = recipe.size
    return {
        "rate": recipe.rate,
        "fps": f"{float(recipe.fps):g}",
        "size": f"{width}x{height}",
        "lossless": "yes" if recipe.lossless else "no",
    }


def _text(value) -> str:
    return "" if value is None else str(value)


def _write(path: str, rows: Sequence[Mapping], first: Sequence[Mapping]) -> None:
    columns: dict[str, None] = {}
    for row in (*first, *rows):
        columns |= dict.fromkeys(name for name in row if name is not None)
    with (
        whole(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8", errors="surrogateescape") as out,
    ):
        table = csv.DictWriter(
            out, list(columns), restval="", extrasaction="ignore", lineterminator="\n"
        )
        table.writeheader()
        table.writerows(rows)


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
