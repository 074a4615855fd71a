"""What a terminal shows: a few lines of characters, no wider than it is, with time along them.

A strip is gathered like a picture, in a bounded number of columns, and written after the table.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avtools.plot.clock import clock, clock_unit
from avtools.plot.columns import Columns

BARS, ASCII_BARS = "▁▂▃▄▅▆▇█", "_.,-=+*#"
SHADES, ASCII_SHADES = " ░▒▓█", " .:-=+*#%@"
UPPER_HALF, LOWER_HALF = "▀", "▄"
# Dark to bright as magma is, in the 256 colours that nearly every terminal has.
RAMP = (16, 17, 54, 90, 126, 162, 198, 204, 209, 215, 222, 230)
RESET = "\x1b[0m"
FLOOR_DB = -24.0
MOST_LINES = 8
SIDE_LABELS = ("back", "", "left", "", "front", "", "right", "")
TURNS = 2 * len(SIDE_LABELS)  # bins of azimuth: two to a line


@dataclass(frozen=True)
class Terminal:
    """How a strip may be written: columns, whether in colour, whether in ASCII alone."""

    width: int = 80
    colour: bool = False
    ascii: bool = False


def terminal(stream) -> Terminal | None:
    """What `stream` can show; None where it isn't a terminal."""
    try:
        if not stream.isatty():
            return None
    except (AttributeError, ValueError):  # no stream, or a closed one
        return None
    width = shutil.get_terminal_size().columns
    simple = os.environ.get("TERM", "dumb") == "dumb"
    is_utf = "utf" in (getattr(stream, "encoding", None) or "").lower()
    return Terminal(width, not simple and not os.environ.get("NO_COLOR"), not is_utf)


def sparkline(values, width: int, low: float, high: float, ascii: bool = False) -> str:
    """One line of bars from `low` to `high`, `width` characters at most; gaps where NaN."""
    values = fitted(np.asarray(values, np.float64).reshape(1, -1), width)[0]
    bars = ASCII_BARS if ascii else BARS
    return "".join(
        " " if k < 0 else bars[k] for k in leveled(values, low, high, len(bars)).tolist()
    )


def heat_strip(
    grid,
    width: int,
    labels: Sequence[str],
    span: tuple[float, float] | None = None,
    low: float | None = None,
    high: float | None = None,
    colour: bool = False,
    ascii: bool = False,
) -> str:
    """Lines of shades, `(rows, columns)` from the top, with their labels and a line of time.

    In colour two rows share a line, and the label is that of the upper one. Blank where NaN.
    `low` and `high` are the least and the greatest of the grid unless given.
    """
    grid = np.asarray(grid, np.float64)
    if grid.ndim != 2 or len(labels) != len(grid):
        raise ValueError(f"{len(labels)} labels for a grid {grid.shape}, expected one a row")
    known = grid[np.isfinite(grid)]
    if low is None:
        low = known.min(initial=np.inf) if len(known) else 0.0
    if high is None:
        high = known.max(initial=-np.inf) if len(known) else 1.0
    margin = label_width(labels, width)
    cells = fitted(grid, width - margin)
    names = [pad(label, margin) for label in labels]
    if colour and not ascii:
        lines = coloured(leveled(cells, low, high, len(RAMP)), names)
    else:
        shades = ASCII_SHADES if ascii else SHADES
        levels = leveled(cells, low, high, len(shades)).tolist()
        lines = [
            name + "".join(shades[max(k, 0)] for k in row)
            for name, row in zip(names, levels, strict=True)
        ]
    if span is not None:
        lines.append(time_line(span, cells.shape[1], margin, ascii))
    return "\n".join(line.rstrip(" ") for line in lines)


def coloured(levels: np.ndarray, names: Sequence[str]) -> list[str]:
    """Two rows a line: the upper half of a character has one colour, what is behind another."""
    if len(levels) % 2:
        levels = np.vstack([levels, np.full(levels.shape[1], -1)])
    lines = []
    for name, upper, lower in zip(names[::2], levels[::2], levels[1::2], strict=True):
        line, last = name, ""
        for top, bottom in zip(upper.tolist(), lower.tolist(), strict=True):
            code, mark = painted(top, bottom)
            line += (code if code != last else "") + mark
            last = code
        lines.append(line + RESET)
    return lines


def painted(top: int, bottom: int) -> tuple[str, str]:
    """The colours and the character of two levels, one above the other; -1 shows the terminal."""
    if top < 0 and bottom < 0:
        return RESET, " "
    if top < 0:
        return f"{RESET}\x1b[38;5;{RAMP[bottom]}m", LOWER_HALF
    behind = f"\x1b[48;5;{RAMP[bottom]}m" if bottom >= 0 else "\x1b[49m"
    return f"\x1b[38;5;{RAMP[top]}m{behind}", UPPER_HALF


def leveled(values: np.ndarray, low: float, high: float, count: int) -> np.ndarray:
    """Whole steps 0...count - 1 between `low` and `high`; -1 where NaN."""
    known = np.isfinite(values)
    part = (np.where(known, values, low) - low) / max(high - low, 1e-300)
    return np.where(known, np.rint(np.clip(part, 0, 1) * (count - 1)), -1).astype(int)


def fitted(grid: np.ndarray, width: int) -> np.ndarray:
    """The columns averaged, or repeated, to `width` of them; NaN where none is known."""
    columns = grid.shape[1]
    if width <= 0 or not columns:
        return np.zeros((len(grid), 0))
    if columns <= width:
        return grid[:, np.arange(width) * columns // width]
    begin = np.arange(width) * columns // width
    known = np.isfinite(grid)
    total = np.add.reduceat(np.where(known, grid, 0.0), begin, axis=1)
    count = np.add.reduceat(known.astype(np.int64), begin, axis=1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def label_width(labels: Sequence[str], width: int) -> int:
    """Characters before the first column: no more than a third of the line."""
    longest = max(map(len, labels), default=0)
    return 0 if not longest else min(longest + 1, max(width // 3, 0))


def pad(label: str, margin: int) -> str:
    return label[: max(margin - 1, 0)].ljust(margin)


def time_line(span: tuple[float, float], width: int, margin: int = 0, ascii: bool = False) -> str:
    """The first and last time below the columns they belong to."""
    start, end = span
    unit = clock_unit(end)
    first, last = (clock(t, unit, 1 if end < 20 else 0) for t in (max(start, 0.0), end))
    rest = width - len(f"{first}  {last} {unit}")
    if rest >= 0:
        line = f"{first} {('-' if ascii else '─') * rest} {last} {unit}"
    else:
        # Where both have no room, the end alone tells how long it was.
        line = next((s for s in (f"{last} {unit}", last) if len(s) <= width), "")
    return " " * margin + line if line else ""


class AzimuthStrip:
    """Energy over time and azimuth; back, left, front and right from the top."""

    def __init__(self, hop: float | None = None):
        self.energy = Columns((TURNS,), hop)

    def add(self, time: float, azimuth, weight=1.0) -> None:
        """Azimuths in degrees and their weights, one or `(k,)` each."""
        azimuth, weight = np.broadcast_arrays(
            np.atleast_1d(np.asarray(azimuth, np.float64)), np.asarray(weight, np.float64)
        )
        fine = np.isfinite(azimuth) & np.isfinite(weight) & (weight > 0)
        # The two bins of a line lie at both sides of its direction: the first line's are behind.
        half = 360 / len(SIDE_LABELS) / 2
        row = ((180 + half - azimuth[fine]) % 360 * (TURNS / 360)).astype(int) % TURNS
        self.energy.add(time, np.bincount(row, weight[fine], TURNS))

    def text(self, width: int = 80, colour: bool = False, ascii: bool = False) -> str:
        """Lines without the last newline; empty where nothing was heard."""
        total = self.energy.total.T
        if width < 1 or not total.any():
            return ""
        halves = colour and not ascii
        grid = fitted(total / np.maximum(self.energy.count, 1), width)
        grid[:, fitted(self.energy.count[None, :].astype(float), width)[0] == 0] = np.nan
        labels = list(SIDE_LABELS)
        if halves:
            labels = [name for label in labels for name in (label, "")]
        else:
            grid = grid[0::2] + grid[1::2]
        with np.errstate(divide="ignore"):
            level = 10 * np.log10(grid / np.nanmax(grid))
        level = np.where(np.isnan(level), np.nan, np.maximum(level, FLOOR_DB))
        return heat_strip(level, width, labels, self.energy.span, FLOOR_DB, 0.0, colour, ascii)


class DelayStrip:
    """The delay of each pair over time, a line of bars a pair: high where the first leads."""

    def __init__(self, max_delay: float, pairs: Sequence[str], hop: float | None = None):
        if not 0 < max_delay < np.inf:
            raise ValueError(f"a greatest delay of {max_delay} s, expected more than 0")
        self.max_delay, self.pairs = max_delay, list(pairs)
        self.lines = min(len(self.pairs), MOST_LINES)
        self.weights = Columns((self.lines, len(BARS)), hop)

    def add(self, time: float, delays, weight=1.0) -> None:
        """Delays of the pairs in seconds or NaN, `(pairs,)`, and their weights."""
        delays = np.asarray(delays, np.float64).reshape(-1)[: self.lines]
        weight = np.broadcast_to(np.asarray(weight, np.float64), (len(self.pairs),))
        weight = np.nan_to_num(weight[: self.lines])
        row = np.zeros((self.lines, len(BARS)))
        bar = leveled(delays, -self.max_delay, self.max_delay, len(BARS))
        fine = (bar >= 0) & (weight > 0)
        row[np.flatnonzero(fine), bar[fine]] = weight[fine]
        self.weights.add(time, row)

    def text(self, width: int = 80, colour: bool = False, ascii: bool = False) -> str:
        """Lines without the last newline; empty where nothing was heard.

        A bar is where most of a column's weight is: a mean would lie between two sources.
        """
        total = self.weights.total
        if width < 1 or not total.any():
            return ""
        names = self.pairs[: self.lines]
        margin = label_width(names, width)
        inner = max(min(width - margin, width), 0)
        lines = []
        for k, name in enumerate(names):
            grid = fitted(total[:, k].T, inner)
            bar = np.where(grid.any(axis=0), grid.argmax(axis=0), np.nan)
            lines.append(pad(name, margin) + sparkline(bar, inner, 0, len(BARS) - 1, ascii))
        lines.append(time_line(self.weights.span, inner, margin, ascii))
        bars = ASCII_BARS if ascii else BARS
        reach = f"{1e3 * self.max_delay:.3g} ms"
        words = [f"{bars[-1]} the first channel leads by {reach}, {bars[0]} the second"]
        if len(self.pairs) > self.lines:
            words.append(f"{len(self.pairs) - self.lines} more pairs are not shown")
        return "\n".join(line.rstrip(" ") for line in [*lines, *(w[:width] for w in words)])


def show(strip, stream) -> None:
    """Write a strip where a person looks, and nothing anywhere else."""
    seen = terminal(stream)
    text = strip.text(seen.width, seen.colour, seen.ascii) if seen else ""
    if text:
        stream.write(text + "\n")
        stream.flush()
