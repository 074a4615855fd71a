"""Manifests of parts made one: rows in the order given, copies between parts found.

What each part could not know: which of its sources share clips with those of others. Linked ones
get one split, test before val before train; what lies in a shard of another split is left out, and
then of copies all but the first that is left. To find it, rows with a signature count whether they
were kept or not.
"""

import csv
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from avtools.curate import manifest, packing
from avtools.curate.order import Outcome
from avtools.curate.places import refuse_same
from avtools.datasets.clip import SPLITS
from avtools.errors import AvtoolsError, reason, warn

PART = re.compile(r"(.+)-(\d+)-of-(\d+)\.csv", re.IGNORECASE | re.ASCII | re.DOTALL)


@dataclass(frozen=True)
class Links:
    """What is told only over all parts: source -> the first of those that it is linked with -> the
    split of all, and the first of them that has it; clip -> the one that it repeats."""

    linked: dict[str, str]
    splits: dict[str, str]
    decides: dict[str, str]
    copies: dict[str, str]

    def mended(self, row: dict) -> dict:
        row = dict(row)
        first = self.linked.get(source_of(row))
        if first in self.splits:
            row["split"] = self.splits[first]
        if row["kept"] != "yes":
            return row
        if is_misplaced(row):
            why = "in a shard of another split"
            why += f": linked to {self.decides[first]}" if first in self.decides else ""
        elif row["clip"] in self.copies:
            why = f"duplicate of {self.copies[row['clip']]}"
        else:
            return row
        row.pop("shard", None)
        return row | {"kept": "no", "reason": why, "stage": "duplicates"}


def join(parts: list[str], output: str, shards: str | None, per_channel: str | None) -> Outcome:
    """Write `output`; clips that are left out here leave the shards too."""
    refuse_same(parts, {"--output": output, "--per-channel": per_channel})
    for part in parts:
        _check(part)
    links = _links(parts)
    dropped, stays = _of_shards(parts, links)
    if shards is not None:
        _refuse_missing(stays, shards)
    for name in missing(parts):
        warn(f"{name}: not among the parts; its clips are left out")
    outcome, channels = Outcome(), manifest.Channels()

    def rows() -> Iterator[dict]:
        return map(links.mended, _all_rows(parts))

    def seen(row: dict) -> None:
        outcome.add(row)
        words = (*manifest.COLUMNS, *manifest.RARE)
        channels.add({k: v if k in words else _number(v) for k, v in row.items()})

    manifest.write(output, rows, seen)
    if per_channel is not None:
        channels.write(per_channel)
    if dropped and shards is None:
        count = sum(map(len, dropped.values()))
        warn(f"{count} clips that are left out lie in shards: --to-shards DIR takes them out")
    for name, clips in sorted(dropped.items()) if shards is not None else ():
        path = Path(shards) / name
        if path.exists():  # else an earlier join took it away, with all that it held
            packing.without(str(path), frozenset(clips))
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


def source_of(row: dict) -> str:
    return row.get("source") or row["clip"]


def is_misplaced(row: dict) -> bool:
    """Whether its shard is of another split than it is."""
    return bool(row.get("shard")) and not row["shard"].startswith(f"{row.get('split')}-")


def _check(part: str) -> None:
    """Refuse a manifest that is damaged, or was changed by other hands."""
    try:
        with open(part, newline="", encoding="utf-8-sig", errors="surrogateescape") as lines:
            rows, line = csv.DictReader(lines, strict=True), 1
            if not set(manifest.NEEDED) <= set(rows.fieldnames or []):
                return  # which is said where it is read
            line = rows.line_num + 1  # where the next row begins: a cell may hold many lines
            for row in rows:
                if (wrong := _wrong(row)) is not None:
                    raise AvtoolsError(f"{part}: line {line}: {wrong}")
                line = rows.line_num + 1
    except OSError as error:
        raise AvtoolsError(f"{part}: {reason(error)}") from error
    except csv.Error as error:
        raise AvtoolsError(f"{part}: line {line}: not CSV ({reason(error)})") from error


def _wrong(row: dict) -> str | None:
    from avtools.curate.duplicates import is_signature

    if None in row:
        return "more cells than columns"
    if not row.get("clip"):
        return "no clip"
    if row.get("kept") not in ("yes", "no"):
        return f"kept {row.get('kept') or 'is empty'}: expected yes or no"
    if row.get("split") and row["split"] not in SPLITS:
        return f"split {row['split']}: expected {', '.join(SPLITS)}"
    if row.get("signature") and not is_signature(row["signature"]):
        return "a signature that is none"
    shard = row.get("shard")
    if shard and (Path(shard).name != shard or not re.match(f"({'|'.join(SPLITS)})-", shard)):
        return f"shard {shard}: expected a name as train-000000.tar"
    return None


def _all_rows(parts: Iterable[str]) -> Iterator[dict]:
    seen: set[str] = set()
    for part in parts:
        for row in manifest.read(part):
            if row["clip"] in seen:
                raise AvtoolsError(f"{part}: {row['clip']} stands in two of these manifests")
            seen.add(row["clip"])
            yield row


def _links(parts: list[str]) -> Links:
    from avtools.curate.duplicates import first_sources, firsts_among, strictest_splits
    from avtools.curate.tests import copies

    sources: dict[str, str] = {}  # clip -> its source
    signed: list[tuple[str, str]] = []
    for row in _all_rows(parts):
        sources[row["clip"]] = source_of(row)
        if "signature" in row:
            signed.append((row["clip"], row["signature"]))
    alike = copies(signed)
    pairs = ((sources[clip], sources[first]) for clip, first in alike.items())
    linked = first_sources(dict.fromkeys(sources.values()), pairs)
    found = (row for row in _all_rows(parts) if source_of(row) in linked)
    splits = strictest_splits((linked[source_of(row)], row.get("split")) for row in found)
    decides: dict[str, str] = {}
    for row in _all_rows(parts):
        first = linked.get(source_of(row))
        if first in splits and row.get("split") == splits[first]:
            decides.setdefault(first, source_of(row))
    links = Links(linked, splits, decides, {})
    left = (r["clip"] for r in map(links.mended, _all_rows(parts)) if r["kept"] == "yes")
    return replace(links, copies=firsts_among(left, alike))


def _of_shards(parts: list[str], links: Links) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Shard -> the clips that are to leave it; shard -> the manifest that says what stays in it."""
    dropped: dict[str, list[str]] = {}
    stays: dict[str, str] = {}
    for part in parts:
        for row in manifest.read(part):
            if name := row.get("shard"):
                if links.mended(row)["kept"] == "yes":
                    stays.setdefault(name, part)
                else:
                    dropped.setdefault(name, []).append(row["clip"])
    return dropped, stays


def _refuse_missing(stays: dict[str, str], folder: str) -> None:
    for name, part in stays.items():
        path = Path(folder) / name
        if not packing.is_whole(path):
            raise AvtoolsError(f"{path}: named by {part}, not there or not whole")


def _number(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell
