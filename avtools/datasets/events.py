"""Tables of what sounds when and where: those beside the scenes of `avtools synth`, and anybody's.

CSV with a line of names, or JSON Lines. Either of stretches, start,end and perhaps label; or of
moments, time being the middle of a step: the steps are as long as the times lie apart. A label may
also be called class or sound; azimuth, elevation, distance (metres), source and onscreen may be
there. Rows whose `sounding` is 0 are left out; `visible` above 0 is on screen.
"""

import json
from collections.abc import Iterator
from itertools import pairwise

from avtools.datasets.clip import Event
from avtools.datasets.listing import degrees, lines, number, table
from avtools.errors import AvtoolsError

NO = frozenset(("no", "0", "0.0", "false"))
LABELS = ("label", "class", "sound")


def read_events(path: str) -> list[Event]:
    rows = list(_rows(path))
    if rows and "start" in rows[0][1]:
        spans = [_stretch(where, row) for where, row in rows]
    else:
        times = [number(row.get("time"), where) for where, row in rows]
        half = _step(times) / 2
        spans = [(round(time - half, 6), round(time + half, 6)) for time in times]
    return [
        _event(*span, where, row)
        for span, (where, row) in zip(spans, rows, strict=True)
        if row.get("sounding", "").lower() not in NO
    ]


def _rows(path: str) -> Iterator[tuple[str, dict[str, str]]]:
    if path.lower().endswith((".json", ".jsonl")):
        for k, line in enumerate(lines(path), 1):
            yield f"{path}: row {k}", _json_row(path, k, line)
    else:
        yield from table(path, ())


def _json_row(path: str, k: int, line: str) -> dict[str, str]:
    try:
        row = json.loads(line)
        return {name: "" if v is None else str(v) for name, v in row.items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise AvtoolsError(f"{path}: row {k}: not an object of JSON") from error


def _stretch(where: str, row: dict[str, str]) -> tuple[float, float]:
    start, end = number(row.get("start"), where), number(row.get("end"), where)
    if end < start:
        raise AvtoolsError(f"{where}: ends at {end:g} s, before it starts at {start:g} s")
    return start, end


def _step(times: list[float]) -> float:
    """How far apart the times are: the smallest step counts, since rows of silence may be missing.

    Of one moment alone, the first step's middle, nothing but its half is known.
    """
    known = sorted(set(times))
    steps = [later - earlier for earlier, later in pairwise(known)]
    return min(steps) if steps else 2 * known[0] if known else 0.0


def _event(start: float, end: float, where: str, row: dict[str, str]) -> Event:
    place = {n: number(row[n], where) for n in ("elevation", "distance") if row.get(n)}
    if row.get("azimuth"):
        place["azimuth"] = degrees(row["azimuth"], where)
    if row.get("onscreen"):
        place["onscreen"] = row["onscreen"].lower() not in NO
    elif row.get("visible"):
        place["onscreen"] = number(row["visible"], where) > 0
    label = next((row[name] for name in LABELS if row.get(name)), "")
    return Event(start, end, label, row.get("source", ""), **place)
