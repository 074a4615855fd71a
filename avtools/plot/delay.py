"""Delays over time: how well each pair of microphones agrees at every lag, and the lag found."""

import numpy as np

from avtools.dsp.heads import SPEED_OF_SOUND
from avtools.plot.columns import Columns, Strongest
from avtools.plot.figure import NOTHING, degrees, page, plain, say_nothing, time_axis

MOST_PANELS = 6
MOST_LAGS = 400
# More than these are stacked in two columns, or the picture outgrows a screen.
STACKED = 3
# Marks of the axis of degrees, those that matter first: the sine crowds them towards the sides.
ANGLES = (0, 90, -90, 30, -30, 60, -60, 45, -45, 15, -15)
APART_INCHES = 0.24
# The strongest of the means is an outlier in a silent second: bright begins a little below.
BRIGHT_PERCENTILE = 99.8
FEW = 300  # columns; more have small dots, which make a line
FOUND_COLOUR = "#19E3FF"  # seen on every colour of the map


class DelayMap:
    """A heat map of correlation over time and lag for each pair, with the delays that were found.

    `lags_seconds` rises, + where the first channel of a pair leads; `spacing` is in metres, and
    gives an axis of degrees. Of more than MOST_PANELS pairs the first are drawn.
    """

    def __init__(self, lags_seconds, pairs, title="", spacing=None, hop=None):
        lags = np.asarray(lags_seconds, np.float64)
        if lags.ndim != 1 or len(lags) < 2 or not (np.diff(lags) > 0).all():
            raise ValueError(f"lags of shape {lags.shape}, expected two or more that rise")
        if not len(pairs):
            raise ValueError("no pairs, expected one or more")
        if spacing is not None and not 0 < spacing < np.inf:
            raise ValueError(f"a spacing of {spacing} m, expected more than 0")
        self.pairs, self.title, self.spacing = list(pairs), title, spacing
        self.panels = min(len(self.pairs), MOST_PANELS)
        # Neighbouring lags that would share a dot of the picture are one; the greatest stays, so
        # that a peak of one lag is not lost.
        self.folded = -(-len(lags) // MOST_LAGS)
        half = np.diff(lags).mean() / 2
        self.reach = (lags[0] - half, lags[-1] + half)
        self.begin = np.arange(0, len(lags), self.folded)
        self.curves = Columns((self.panels, len(self.begin)), hop)
        self.found = Strongest((self.panels, 1), hop)

    def add(self, times, curves, delays) -> None:
        """`times (n,)`, `curves (n, pairs, lags)`, `delays (n, pairs)` in seconds or NaN."""
        times = np.atleast_1d(times)
        curves = np.asarray(curves, np.float64).reshape(len(times), len(self.pairs), -1)
        curves = np.nan_to_num(curves[:, : self.panels])
        delays = np.asarray(delays, np.float64).reshape(len(times), -1)[:, : self.panels]
        self.curves.add(times, np.maximum.reduceat(curves, self.begin, axis=-1))
        self.found.add(times, delays[..., None], curves.max(axis=-1))

    def save(self, path: str) -> None:
        rows, columns = self.panels, 1
        if self.panels > STACKED:
            rows, columns = -(-self.panels // 2), 2
        height = max(6.0, 1.2 + 2.4 * rows)
        with page(path, self.title, height) as figure:
            if not self.curves.used:
                return say_nothing(figure.subplots())
            grid = figure.subplots(rows, columns, squeeze=False, sharex=True)
            self.draw(figure, grid, APART_INCHES / (0.7 * height / rows))

    def draw(self, figure, grid, apart: float) -> None:
        """On axes `(rows, columns)`; marks of degrees are `apart`, as a part of the axis."""
        mean = self.curves.mean
        bright = float(np.nanpercentile(mean, BRIGHT_PERCENTILE)) or 1.0
        for k, axes in enumerate(grid.ravel()):
            if k >= self.panels:
                axes.set_axis_off()
                continue
            heat = self._draw_pair(axes, k, mean[:, k].T, bright)
            if self.spacing is not None:
                self._angles(axes, apart)
            if k + grid.shape[1] >= self.panels:
                time_axis(axes, *self.curves.span)
                axes.tick_params(labelbottom=True)
            if k % grid.shape[1] == 0:
                axes.set_ylabel("delay (ms)")
        bar = figure.colorbar(heat, ax=grid, pad=0.02, aspect=30, extend="max")
        bar.set_label("correlation")
        notes = ["+ the first channel leads"]
        if grid.shape[1] == 1:
            grid[0, 0].set_title(notes.pop(), loc="right", size=12, color="0.35")
        if len(self.pairs) > self.panels:
            notes.append(f"{len(self.pairs) - self.panels} more pairs are not shown")
        if notes:
            figure.supxlabel("; ".join(notes), size=12, color="0.35")

    def _draw_pair(self, axes, k: int, mean: np.ndarray, bright: float):
        start, end = self.curves.span
        low, high = (1e3 * r for r in self.reach)
        heat = axes.imshow(
            mean,
            extent=(start, end, low, high),
            origin="lower",
            aspect="auto",
            interpolation="nearest",
            cmap="magma",
            vmin=0.0,
            vmax=max(bright, 1e-6),
        )
        axes.set_title(f"pair {plain(self.pairs[k], 30)}", loc="left")
        delay = self.found.kept[:, k, 0]
        seen = np.isfinite(delay)
        size, edge = (2.2, 0) if len(seen) > FEW else (5.5, 0.7)
        axes.plot(
            self.found.times[seen],
            1e3 * delay[seen],
            "o",
            ms=size,
            color=FOUND_COLOUR,
            mec="black",
            mew=edge,
        )
        if not seen.any():
            axes.text(0.5, 0.9, NOTHING, transform=axes.transAxes, color="w", ha="center", va="top")
        axes.set_ylim(low, high)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
        return heat

    def _angles(self, axes, apart: float) -> None:
        """An axis at the right: the azimuth is the arcsine of the path that one sound has more."""
        whole = self.spacing / SPEED_OF_SOUND
        low, high = self.reach
        marks = []
        for angle in ANGLES:
            delay = whole * np.sin(np.deg2rad(angle))
            near = any(abs(delay - d) < apart * (high - low) for _, d in marks)
            if low <= delay <= high and not near:
                marks.append((angle, delay))
        right = axes.twinx()
        right.set_ylim(1e3 * low, 1e3 * high)
        right.set_yticks([1e3 * d for _, d in marks], [degrees(a) for a, _ in marks])
        right.set_ylabel("azimuth")
        right.spines["right"].set_visible(True)
