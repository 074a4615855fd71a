"""The manifest: a row for each clip, why it was left out or that it was kept, and all figures.

Written whole at the end, in the order of the plan. Paths are from the manifest's own folder, so
that it can be read as a dataset (kept clips alone) by every tool that takes one.
"""

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from avtools.datasets.clip import Clip
from avtools.errors import AvtoolsError, reason
from avtools.stream.outputs import whole
from avtools.stream.tables import csv_writer

COLUMNS = (
    "clip,file,source,channel,start,duration,split,kept,reason,stage,shard,sound,convention,label"
).split(",")
# Only where a clip needs them.
RARE = ("video", "picture_rate", "has_height")
PATHS = ("file", "sound", "video")
NEEDED = ("clip", "file", "kept", "reason")


@dataclass(frozen=True)
class Fate:
    """What becomes of a clip: kept where there is no reason against it."""

    reason: str | None
    stage: str

    @property
    def kept(self) -> bool:
        return self.reason is None


def row_of(clip: Clip, fate: Fate, split: str, shard: str | None, figures: Mapping) -> dict:
    """The row of a clip."""
    return (
        _files(clip)
        | {
            "clip": clip.key,
            "source": clip.source,
            "channel": clip.channel,
            "start": clip.start,
            "duration": clip.duration,
            "split": split,
            "kept": "yes" if fate.kept else "no",
            "reason": fate.reason,
            "stage": fate.stage,
            "shard": shard,
            "convention": clip.convention,
            "label": clip.label,
        }
        | figures
    )


def _files(clip: Clip) -> dict:
    """And what of them the reader does not take for granted."""
    from avtools.datasets.plain import is_video

    cells: dict = {"file": clip.video or clip.sound}
    if clip.video is not None and clip.sound != clip.video:
        cells["sound"] = clip.sound
    if clip.video is not None and not is_video(clip.video):  # a folder of pictures, say
        cells["video"] = clip.video
    if clip.picture_rate is not None:
        cells["picture_rate"] = float(clip.picture_rate)
    return cells if clip.has_height else cells | {"has_height": "no"}


def write(
    path: str, rows: Callable[[], Iterable[Mapping]], seen: Callable[[Mapping], None]
) -> None:
    """Twice through `rows()`: for the names of the figures, `seen` with each row, then to write."""
    figures: dict[str, None] = {}
    for row in rows():
        figures |= dict.fromkeys(row)
        seen(row)
    rare = [name for name in RARE if name in figures]
    known = [*COLUMNS, *rare]
    columns = [*known, *(name for name in figures if name not in known)]
    here = Path(path).absolute().parent
    with (
        whole(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8", errors="surrogateescape") as out,
    ):
        table = csv_writer(out)
        table.writerow(columns)
        for row in rows():
            row = dict(row)
            for name in PATHS:
                if row.get(name):
                    row[name] = os.path.relpath(row[name], here)
            table.writerow([_cell(row.get(name)) for name in columns])


def _cell(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.9g}" if value == value else ""
    return "" if value is None else value


def read(path: str) -> Iterator[dict[str, str]]:
    """The rows of a manifest that a run wrote, its paths made whole."""
    here = Path(path).absolute().parent
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="surrogateescape") as lines:
            rows = csv.DictReader(lines)
            missing = [name for name in NEEDED if name not in (rows.fieldnames or [])]
            if missing:
                raise AvtoolsError(
                    f"{path}: no column {', '.join(missing)}: expected a manifest of avtools curate"
                )
            for row in rows:
                row = {name: cell for name, cell in row.items() if name and cell}
                for name in PATHS:
                    if name in row:
                        row[name] = os.path.normpath(here / row[name])
                yield row
    except OSError as error:
        raise AvtoolsError(f"{path}: {reason(error)}") from error
    except csv.Error as error:
        raise AvtoolsError(f"{path}: not a CSV manifest ({reason(error)})") from error


class Channels:
    """A row for each channel: how many of its clips were kept, and the means of their figures."""

    def __init__(self):
        self.rows: dict[str, dict] = {}

    def add(self, row: Mapping) -> None:
        mine = self.rows.setdefault(channel_of(row), {"clips": 0, "kept": 0, "sums": {}})
        mine["clips"] += 1
        mine["kept"] += row.get("kept") == "yes"
        for name, value in row.items():
            is_figure = name not in (*COLUMNS, *RARE) and isinstance(value, int | float)
            if is_figure and value == value:
                total, count = mine["sums"].get(name, (0.0, 0))
                mine["sums"][name] = total + value, count + 1

    def write(self, path: str) -> None:
        names = dict.fromkeys(n for row in self.rows.values() for n in row["sums"])
        with (
            whole(path) as temporary,
            open(temporary, "w", newline="", encoding="utf-8", errors="surrogateescape") as out,
        ):
            table = csv_writer(out)
            table.writerow(["channel", "clips", "kept", *names])
            for channel, row in self.rows.items():
                means = {name: total / count for name, (total, count) in row["sums"].items()}
                cells = [f"{means[n]:.6g}" if n in means else "" for n in names]
                table.writerow([channel, row["clips"], row["kept"], *cells])


def channel_of(row: Mapping) -> str:
    """Who made a clip: the source itself where nobody says more."""
    return row.get("channel") or row.get("source") or row["clip"]
