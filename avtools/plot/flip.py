"""Left and right over time: where a sound is, and where what moves with it is seen."""

from collections.abc import Sequence

import numpy as np

from avtools.plot.align360 import named
from avtools.plot.figure import COLOURS, page, say_nothing, time_axis

HEIGHT = 6.5
NOTHING = "no side heard or seen"
SOUND, SIGHT, ALIGNED, FLIPPED = COLOURS[0], COLOURS[1], COLOURS[2], COLOURS[3]
# Dots along time: as many as the figure shows.
MOST_DOTS = 600
# Windows with their probability written in them.
MOST_WORDS = 12
# Share of the moments that are drawn without any of the paper shining through.
FULL = 0.1


class SidesPicture:
    """Two sides over time, 1 left to -1 right, and how likely each window is flipped.

    `times` (n,) in seconds, `sound` and `sight` (n,) with `sound_weight` and `sight_weight` (n,)
    of 0 and more: how much they say. `windows`: (start, end, probability of being flipped).
    """

    def __init__(
        self,
        times: np.ndarray,
        sound: np.ndarray,
        sound_weight: np.ndarray,
        sight: np.ndarray,
        sight_weight: np.ndarray,
        windows: Sequence[tuple[float, float, float]],
        verdict: str,
        flipped: float,
        title: str = "",
    ):
        arrays = [np.asarray(a, float) for a in (sound, sound_weight, sight, sight_weight)]
        times = np.asarray(times, float)
        if any(a.shape != times.shape for a in arrays) or times.ndim != 1:
            shapes = ", ".join(str(a.shape) for a in (times, *arrays))
            raise ValueError(f"arrays of shapes {shapes}, expected five of one length")
        self.ends = (float(times.min()), float(times.max())) if len(times) else (0.0, 0.0)
        self.sound = thinned(times, *arrays[:2])
        self.sight = thinned(times, *arrays[2:])
        self.windows = [tuple(map(float, w)) for w in windows]
        self.verdict, self.flipped, self.title = verdict, flipped, title

    @property
    def words(self) -> str:
        return f"{self.verdict} (probability of being flipped {self.flipped:.2f})"

    def save(self, path: str) -> None:
        with page(path, named(self.title, self.words), HEIGHT) as figure:
            self.draw(figure)

    def draw(self, figure) -> None:
        axes = figure.subplots()
        if not self.windows and not any(len(s[0]) for s in (self.sound, self.sight)):
            return say_nothing(axes, NOTHING)
        for window in self.windows:
            self._draw_window(axes, *window)
        axes.axhline(0, color="0.6", lw=1)
        self._draw_side(axes, *self.sight, SIGHT, "D", 4.5)
        self._draw_side(axes, *self.sound, SOUND, "o", 5.5)
        axes.set_ylim(-1.1, 1.28)  # room for the words
        axes.set_yticks([-1, -0.5, 0, 0.5, 1], ["right", "", "middle", "", "left"])
        axes.grid(axis="y", color="0.88")
        axes.set_axisbelow(True)
        starts, ends = [w[0] for w in self.windows], [w[1] for w in self.windows]
        start, end = min(self.ends[0], *starts, *ends), max(self.ends[1], *starts, *ends)
        time_axis(axes, start, end if end > start else start + 1)
        self._name(axes)

    def _draw_window(self, axes, start: float, end: float, flipped: float) -> None:
        """Coloured by which it is, the more the surer."""
        colour = FLIPPED if flipped > 0.5 else ALIGNED
        axes.axvspan(start, end, color=colour, alpha=0.55 * abs(flipped - 0.5), lw=0, zorder=0)
        if len(self.windows) <= MOST_WORDS:
            axes.axvline(end, color="white", lw=2, zorder=0.5)
            axes.annotate(
                f"{flipped:.2f}",
                ((start + end) / 2, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(0, -8),
                textcoords="offset points",
                ha="center",
                va="top",
                weight="bold",
                color="0.25",
            )

    def _draw_side(self, axes, times, side, weight, colour: str, marker: str, size: float) -> None:
        from matplotlib.colors import to_rgba

        if not len(times):
            return
        full = np.quantile(weight, 1 - FULL)
        colours = np.tile(to_rgba(colour), (len(times), 1))
        colours[:, 3] = np.clip(weight / full if full > 0 else 1.0, 0.03, 1) * 0.9
        axes.scatter(times, side, size**2, c=colours, marker=marker, lw=0, zorder=3)

    def _name(self, axes) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        def dot(colour, marker, label):
            return Line2D([], [], ls="", marker=marker, ms=8, color=colour, label=label)

        handles = [
            dot(SOUND, "o", "where the sound is"),
            dot(SIGHT, "D", "where what moves with it is seen"),
            Patch(color=ALIGNED, alpha=0.27, lw=0, label="aligned"),
            Patch(color=FLIPPED, alpha=0.27, lw=0, label="flipped"),
        ]
        axes.legend(
            handles=handles,
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=4,
            frameon=False,
            handletextpad=0.3,
            columnspacing=1.4,
        )


def thinned(times: np.ndarray, side: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, ...]:
    """Times, sides and weights of what has a weight; of very many, neighbours are averaged."""
    there = np.isfinite(times) & np.isfinite(side) & np.isfinite(weight) & (weight > 0)
    times, side, weight = times[there], np.clip(side[there], -1, 1), weight[there]
    if len(times) <= MOST_DOTS:
        return times, side, weight
    first, last = times.min(), times.max()
    step = (last - first) / MOST_DOTS or 1.0
    slot = np.minimum((times - first) / step, MOST_DOTS - 1).astype(int)
    total = np.bincount(slot, weight)
    used = total > 0
    sums = [np.bincount(slot, weight * a)[used] for a in (times, side)]
    return sums[0] / total[used], sums[1] / total[used], total[used]
