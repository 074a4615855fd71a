"""Manifests of parts made one: rows in the order given, copies between parts found."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from avtools.curate import manifest, packing
from avtools.curate.factory import Outcome
from avtools.curate.places import refuse_same
from avtools.errors import AvtoolsError, warn

PART = re.compile(r"(.+)-(\d+)-of-(\d+)\.csv", re.IGNORECASE | re.ASCII | re.DOTALL)


def join(parts: list[str], output: str, shards: str | None, per_channel: str | None) -> Outcome:
    """Write `output`; clips that are copies of one in an earlier part leave the shards too."""
    refuse_same(parts, {"--output": output, "--per-channel": per_channel})
    copies = _copies(parts)
    for name in missing(parts):
        warn(f"{name}: not among the parts; its clips are left out")
    dropped, outcome, channels = set(), Outcome(), manifest.Channels()

    def rows() -> Iterator[dict]:
        for row in _all_rows(parts):
            if (first := copies.get(row["clip"])) is not None:
                if row.get("shard"):
                    dropped.add(row["shard"])
                row |= {"kept": "no", "reason": f"duplicate of {first}", "stage": "duplicates"}
                row.pop("shard", None)
            yield row

    def seen(row: dict) -> None:
        outcome.add(row)
        words = (*manifest.COLUMNS, *manifest.RARE)
        channels.add({k: v if k in words else _number(v) for k, v in row.items()})

    manifest.write(output, rows, seen)
    if per_channel is not None:
        channels.write(per_channel)
    if dropped and shards is None:
        warn(f"{len(copies)} duplicates lie in shards: --to-shards DIR takes them out")
    for name in sorted(dropped) if shards is not None else ():
        path = Path(shards) / name
        if path.exists():
            packing.without(str(path), frozenset(copies))
    return outcome


def missing(parts: Iterable[str]) -> list[str]:
    """The other manifests of the runs of which some parts are given, by their names."""
    given: dict[tuple[str, int], set[int]] = {}
    for part in parts:
        if found := PART.fullmatch(os.path.normpath(part)):
            stem, number, count = found.groups()
            given.setdefault((stem, int(count)), set()).add(int(number))
    return [
        f"{stem}-{number}-of-{count}.csv"
        for (stem, count), numbers in given.items()
        for number in range(1, count + 1)
        if number not in numbers
    ]


def _all_rows(parts: Iterable[str]) -> Iterator[dict]:
    seen: set[str] = set()
    for part in parts:
        for row in manifest.read(part):
            if row["clip"] in seen:
                raise AvtoolsError(f"{part}: {row['clip']} stands in two of these manifests")
            seen.add(row["clip"])
            yield row


def _copies(parts: list[str]) -> dict[str, str]:
    from avtools.curate.tests import copies

    kept = (row for row in _all_rows(parts) if row.get("kept") == "yes")
    return copies([(row["clip"], row.get("signature", "")) for row in kept])


def _number(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell
