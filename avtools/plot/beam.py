"""What beams let through: their patterns, and where they looked."""

from collections.abc import Sequence

import numpy as np

from avtools.plot.columns import Strongest
from avtools.plot.figure import (
    COLOURS,
    azimuth_axis,
    degrees,
    page,
    plain,
    say_nothing,
    time_axis,
)

FLOOR_DB = -40.0
MOST_BEAMS = len(COLOURS)
PATTERN_HEIGHT, PATH_HEIGHT, WORDS_HEIGHT = 6.5, 4.5, 3.0
ADAPTIVE = "adaptive:\nfollows the sound"
PLACES = (0.14, 0.46, 0.76)  # of the columns of the table
HEADS = ("directivity\nindex", "width\nat −3 dB", "null")
LINE_INCHES = 0.92  # a beam's two lines of the table
STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)))


class BeamPattern:
    """Patterns p + (1 - p) cos(angle), one a beam, and the directions of beams that move.

    `beams` holds (name, azimuth_deg, elevation_deg, p), with p None for a beam that adapts to the
    sound. A pattern is drawn as a cut through the beam's axis, at its azimuth; where any beam
    moves, about the beam's own direction.
    """

    def __init__(self, beams: Sequence[tuple], title="", hop=None):
        if not beams:
            raise ValueError("no beams, expected one or more")
        for name, azimuth, elevation, p in beams:
            if p is not None and not 0 <= p <= 1:
                raise ValueError(f"beam {name}: p is {p}, expected 0 to 1")
            if not np.isfinite([azimuth, elevation]).all():
                raise ValueError(f"beam {name}: {azimuth}, {elevation}, expected degrees")
        self.beams, self.title = [tuple(b) for b in beams], title
        self.drawn = self.beams[:MOST_BEAMS]
        self.path = Strongest((len(self.drawn), 2), hop)

    def add(self, time: float, beam: int, azimuth: float, elevation: float) -> None:
        """Where the beam of this index looks at this time."""
        if beam < len(self.drawn):
            row = np.full((len(self.drawn), 2), np.nan)
            row[beam] = (azimuth + 180) % 360 - 180, elevation
            self.path.add(time, row, np.full(len(self.drawn), time))

    def save(self, path: str) -> None:
        moves = self.path.used > 0
        is_fixed = any(p is not None for *_, p in self.drawn)
        height = PATTERN_HEIGHT if is_fixed or len(self.drawn) > 2 else WORDS_HEIGHT
        with page(path, self.title, height + PATH_HEIGHT * moves) as figure:
            if not moves:
                return self.draw_patterns(figure, height)
            above, below = figure.subfigures(2, 1, height_ratios=(height, PATH_HEIGHT))
            self.draw_patterns(above, height)
            self.draw_path(below)

    def draw_patterns(self, figure, height: float) -> None:
        """On a figure of `height` inches."""
        grid = figure.add_gridspec(1, 2, width_ratios=(1.2, 1))
        words = figure.add_subplot(grid[0, 1])
        words.set_axis_off()
        self._draw_words(words, LINE_INCHES / height)
        if all(p is None for *_, p in self.drawn):
            axes = figure.add_subplot(grid[0, 0])
            return say_nothing(axes, ADAPTIVE)
        self._draw_polar(figure.add_subplot(grid[0, 0], projection="polar"))

    def _draw_polar(self, axes) -> None:
        moves = self.path.used > 0
        angle = np.deg2rad(np.linspace(-180, 180, 721))
        for k, (_, azimuth, _, p) in enumerate(self.drawn):
            if p is not None:
                turned = angle - (0 if moves else np.deg2rad(azimuth))
                axes.plot(angle, decibels(p, turned), linestyle=STYLES[k], color=COLOURS[k], lw=2.5)
        # Up is the front, and angles run counter-clockwise: left is on the left.
        axes.set_theta_zero_location("N")
        axes.set_theta_direction(1)
        front = "beam" if moves else "front"
        marks = {0: f"{front} 0°", 90: "left\n+90°", 180: "back 180°", 270: "right\n−90°"}
        named = [marks.get(a, degrees((a + 180) % 360 - 180)) for a in range(0, 360, 30)]
        axes.set_thetagrids(range(0, 360, 30), named)
        axes.tick_params(axis="x", pad=10)
        axes.set_rlim(FLOOR_DB, 0.5)
        axes.set_rgrids([-30, -20, -10, 0], ["−30", "−20", "−10", "0 dB"], angle=-15, size=11)

    def _draw_words(self, axes, step: float) -> None:
        """A key and a table in one: a line of colour and a name, the numbers below."""
        y = min(1.0, 0.5 + step * (len(self.drawn) + 1) / 2)
        if any(p is not None for *_, p in self.drawn):
            for x, head in zip(PLACES, HEADS, strict=True):
                axes.text(x, y, head, va="top", size=12, color="0.35")
        for k, (name, *_, p) in enumerate(self.drawn):
            y -= step
            axes.plot([0, 0.1], [y, y], linestyle=STYLES[k], color=COLOURS[k], lw=3)
            axes.text(PLACES[0], y, plain(name, 28), va="center", weight="bold")
            for x, fact in zip(PLACES, facts(p), strict=True):
                axes.text(x, y - 0.4 * step, fact, va="center", size=12)
        axes.set(xlim=(0, 1), ylim=(0, 1))
        left = len(self.beams) - len(self.drawn)
        if left:
            words = f"{left} more beams are not shown"
            axes.text(PLACES[0], y - step, words, va="center", color="0.35", size=12)

    def draw_path(self, figure) -> None:
        panels = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 1))
        times, kept = self.path.times, self.path.kept
        for k in range(len(self.drawn)):
            for j, axes in enumerate(panels):
                axes.plot(times, kept[:, k, j], "o", ms=3.5, mew=0, color=COLOURS[k])
        panels[0].set_ylim(-180, 180)
        azimuth_axis(panels[0].yaxis)
        panels[1].set_ylim(-90, 90)
        panels[1].set_yticks([-90, 0, 90], ["down −90°", "level 0°", "up +90°"])
        for axes in panels:
            axes.grid(axis="y", color="0.85")
        time_axis(panels[1], *self.path.span)


def decibels(p: float, angle: np.ndarray) -> np.ndarray:
    """The pattern's gain at angles in radians, no less than FLOOR_DB."""
    gain = np.abs(p + (1 - p) * np.cos(angle))
    return 20 * np.log10(np.maximum(gain, 10 ** (FLOOR_DB / 20)))


def directivity_index(p: float) -> float:
    """dB by which a beam lets less of a diffuse sound through than of its own direction.

    The mean of (p + (1 - p) cos)² over the sphere is p² + (1 - p)² / 3.
    """
    return float(10 * np.log10(1 / (p**2 + (1 - p) ** 2 / 3)))


def width_deg(p: float) -> float | None:
    """Degrees between the two sides where the gain is 3 dB down; None where it never is."""
    cosine = (np.sqrt(0.5) - p) / (1 - p) if p < 1 else -np.inf
    return None if cosine < -1 else float(2 * np.rad2deg(np.arccos(cosine)))


def null_deg(p: float) -> float | None:
    """Degrees off the axis where nothing passes; None where something always does."""
    return None if p > 0.5 else float(np.rad2deg(np.arccos(-p / (1 - p))))


def facts(p: float | None) -> tuple[str, str, str]:
    """Directivity index, width and null in words."""
    if p is None:
        return "adaptive", "", ""
    width, null = width_deg(p), null_deg(p)
    return (
        f"{directivity_index(p):.1f} dB",
        "all around" if width is None else f"{width:.0f}°",
        "none" if null is None else "180°" if null > 179.5 else f"±{null:.0f}°",
    )
