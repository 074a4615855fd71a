"""By how much a sound is turned: what speaks for each angle, and where it was heard and belongs."""

import numpy as np

from avtools.dsp.rotation import rotation_matrix
from avtools.dsp.sphere import angles, unit_vectors
from avtools.plot.figure import (
    COLOURS,
    NOTHING,
    azimuth_axis,
    degrees,
    energy_map,
    page,
    plain,
    say_nothing,
)
from avtools.plot.sphere import label_box, shown_picture

HEIGHT = 13.5
TOLERANCE = 15.0
# Heat below this share of the greatest is clear; that of a room is everywhere.
FAINT = 0.25
# Rows near the poles are narrow: what they hold counts no more than this many times.
MOST_DENSE = 4.0
# Letters of a title, and of the name in it at least.
LINE, SHORTEST = 76, 14
# Of the picture below the heat.
DIMMED = 0.75


class TurnPicture:
    """A curve of scores, and the sound's heat map on the picture before and after the turn.

    `curve` (n,): scores of the yaws 0, `step`, 2 `step`, ... all around. `heard` (rows, columns):
    how much comes from each cell of the sphere, row 0 up, column 0 at azimuth +180. `picture`: a
    frame (height, width, 3), bytes or 0...1, or None. The sound is turned by `yaw`, `pitch` and
    `roll` as `rotation_matrix` takes them.
    """

    def __init__(
        self,
        curve: np.ndarray,
        step: float,
        yaw: float,
        confidence: float,
        verdict: str,
        picture: np.ndarray | None,
        heard: np.ndarray,
        title: str = "",
        pitch: float = 0.0,
        roll: float = 0.0,
        tolerance: float = TOLERANCE,
    ):
        curve, heard = np.asarray(curve, float), np.asarray(heard, float)
        if curve.ndim != 1 or not len(curve) or abs(len(curve) * step - 360) > 1e-6:
            raise ValueError(f"{curve.shape} scores {step} degrees apart, expected a whole turn")
        if heard.ndim != 2 or min(heard.shape) < 2:
            raise ValueError(f"a map of shape {heard.shape}, expected (rows, columns)")
        self.curve, self.step, self.heard = curve, step, np.nan_to_num(heard)
        self.triple, self.confidence = (yaw, pitch, roll), confidence
        self.verdict, self.tolerance, self.title = verdict, tolerance, title
        self.picture = shown_picture(picture)

    @property
    def yaw(self) -> float:
        return (self.triple[0] + 180) % 360 - 180

    @property
    def words(self) -> str:
        """Verdict, angles and confidence."""
        yaw, pitch, roll = self.triple
        turn = f"sound turned by {degrees(yaw)}"
        if round(pitch) or round(roll):
            turn = f"yaw {degrees(yaw)}, pitch {degrees(pitch)}, roll {degrees(roll)}"
        sure = f"confidence {self.confidence:.2f}"
        return f"{self.verdict}, {turn} ({sure})"

    def save(self, path: str) -> None:
        with page(path, named(self.title, self.words), HEIGHT) as figure:
            self.draw(figure)

    def draw(self, figure) -> None:
        upper, middle, lower = figure.subplots(3, 1, height_ratios=(2.3, 4, 4))
        self._draw_curve(upper)
        self._draw_heat(middle, self.before, "the sound as it comes")
        guess = " by the best guess" if self.verdict == "unsure" else ""
        self._draw_heat(lower, self.after, f"the sound turned back{guess}")

    @property
    def before(self) -> np.ndarray:
        """What is heard as density over the sphere, 0 to 1."""
        rows = len(self.heard)
        elevation = np.pi * (0.5 - (np.arange(rows) + 0.5) / rows)
        density = self.heard / np.maximum(np.cos(elevation), 1 / MOST_DENSE)[:, None]
        most = density.max()
        return np.maximum(density, 0) / (most if most > 0 else 1)

    @property
    def after(self) -> np.ndarray:
        """The same as it would be heard with the turn undone: at x is what was at R x."""
        rows, columns = self.heard.shape
        elevation = 180 * (0.5 - (np.arange(rows) + 0.5) / rows)
        azimuth = 360 * (0.5 - (np.arange(columns) + 0.5) / columns)
        there = unit_vectors(azimuth, elevation[:, None]) @ rotation_matrix(*self.triple).T
        azimuth, elevation = angles(there)
        column, row = (0.5 - azimuth / 360) * columns - 0.5, (0.5 - elevation / 180) * rows - 0.5
        return _between_cells(self.before, np.clip(row, 0, rows - 1), column)

    def _draw_curve(self, axes) -> None:
        spread = self.curve.std()
        if not spread > 0:
            return say_nothing(axes, "nothing speaks for any angle")
        score = (self.curve - self.curve.mean()) / spread
        yaw = np.arange(len(score)) * self.step
        # Once around and a little more, so that the line meets both edges.
        yaw, score = np.concatenate([yaw - 360, yaw, yaw + 360]), np.tile(score, 3)
        axes.axvspan(
            -self.tolerance, self.tolerance, color=COLOURS[2], alpha=0.13, lw=0, label="aligned"
        )
        axes.axhline(0, color="0.75", lw=1)
        axes.fill_between(yaw, score, score.min() - 1, color=COLOURS[5], alpha=0.25, lw=0)
        axes.plot(yaw, score, color=COLOURS[0], lw=2.2)
        low, high = score.min(), score.max()
        room = 0.12 * (high - low)
        axes.set(xlim=(180, -180), ylim=(low - room, high + 2.4 * room))
        self._mark(axes, float(np.interp(self.yaw, yaw, score)))
        axes.set_ylabel("score\n(standard deviations)")
        azimuth_axis(axes.xaxis)
        marks = range(-180, 181, 45)
        axes.set_xticks(marks, [degrees(a) for a in marks])
        axes.set_xlabel("angle by which the sound is turned (+ is to the left)")
        corner = "upper right" if self.yaw > 0 else "upper left"
        axes.legend(frameon=False, loc=corner, borderaxespad=0.1)

    def _mark(self, axes, score: float) -> None:
        yaw = self.yaw
        axes.axvline(yaw, color=COLOURS[1], lw=1.6, ls=(0, (4, 2)))
        axes.plot(yaw, score, "o", ms=11, mfc=COLOURS[1], mec="white", mew=1.8)
        to_right = yaw > 0
        axes.annotate(
            degrees(yaw),
            (yaw, score),
            xytext=(10 if to_right else -10, 9),
            textcoords="offset points",
            ha="left" if to_right else "right",
            weight="bold",
            color=COLOURS[1],
            bbox=label_box(),
        )

    def _draw_heat(self, axes, heat: np.ndarray, name: str) -> None:
        import matplotlib

        frame = (180, -180, -90, 90)
        ramp = energy_map()
        if self.picture is not None:
            shade = self.picture if self.picture.dtype != np.uint8 else self.picture / 255
            axes.imshow(shade * DIMMED, extent=frame, aspect="equal", interpolation="bilinear")
            ramp = matplotlib.colormaps["inferno"]
        if heat.any():
            strength = np.clip((heat - FAINT) / (1 - FAINT), 0, 1)
            axes.imshow(
                heat,
                extent=frame,
                cmap=ramp,
                vmin=0,
                vmax=1,
                interpolation="bicubic",
                alpha=None if self.picture is None else 0.72 * strength**0.7,
            )
        else:
            axes.text(0, 0, NOTHING, ha="center", va="center", size=18, bbox=label_box())
        axes.set(xlim=(180, -180), ylim=(-90, 90), aspect="equal")
        axes.set_title(name, loc="left")
        azimuth_axis(axes.xaxis)
        axes.set_yticks([-90, -45, 0, 45, 90], [degrees(e) for e in (-90, -45, 0, 45, 90)])
        axes.set_ylabel("elevation")
        axes.grid(color="0.6", lw=0.5, alpha=0.4)


def _between_cells(values: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """At places between cells, around the seam; rows must be inside."""
    rows, columns = values.shape
    top, left = np.minimum(row.astype(int), rows - 2), np.floor(column).astype(int)
    down, across = row - top, column - left
    left, right = left % columns, (left + 1) % columns
    above = values[top, left] * (1 - across) + values[top, right] * across
    below = values[top + 1, left] * (1 - across) + values[top + 1, right] * across
    return above * (1 - down) + below * down


def named(title: str, words: str) -> str:
    """One line: of a long name the middle is left out, of the words nothing."""
    return f"{plain(title, max(SHORTEST, LINE - len(words)))}: {words}" if title else words
