"""Where each band of a sound was put over time, and where in the picture it was seen to be made."""

from collections.abc import Sequence

import numpy as np

from avtools.plot.columns import Columns
from avtools.plot.figure import COLOURS, degrees, page, plain, say_nothing, time_axis

# A picture is drawn about 1400 dots wide: more of it would only make the file large.
WIDEST = 1400
# Where the most was seen to sound nothing of the picture shows through but this.
COVERED = 0.75
UNSEEN = "no picture"
TICKS_DEG = (90, 60, 30, 0, -30, -60, -90)


class PlacesPicture:
    """Holds what is drawn; `picture` is the first one, (height, width, 3), or None."""

    def __init__(self, title: str, picture: np.ndarray | None, edges: Sequence[float]):
        """`edges`: of the bands, Hz."""
        self.title, self.picture = title, None if picture is None else smaller(picture)
        self.edges = list(edges)
        self.lateral = Columns((len(self.edges) - 1,))
        self.weight: np.ndarray | None = None

    def add(self, times: np.ndarray, lateral: np.ndarray, weight: np.ndarray) -> None:
        """Times `(n,)`, sines of lateral angles `(n, bands)`, what sounds `(rows, columns)`."""
        self.lateral.add(times, lateral)
        if self.weight is None or self.weight.shape != weight.shape:
            self.weight = np.zeros(weight.shape)
        self.weight += weight

    def save(self, path: str) -> None:
        with page(path, self.title, height=8.5) as figure:
            over, below = figure.subplots(2, 1, height_ratios=[1.5, 1])
            self._draw_picture(over)
            if self.lateral.used:
                self._draw_places(below)
            else:
                say_nothing(below)

    def _draw_picture(self, axes) -> None:
        if self.picture is None:
            return say_nothing(axes, UNSEEN)
        axes.imshow(self.picture)
        most = 0.0 if self.weight is None else float(self.weight.max(initial=0.0))
        if most > 0:
            share = self.weight / most
            height, width = self.picture.shape[:2]
            axes.imshow(
                share,
                extent=(-0.5, width - 0.5, height - 0.5, -0.5),
                alpha=COVERED * share,
                cmap="magma",
                vmin=0,
                vmax=1,
                interpolation="bilinear",
            )
        axes.set_axis_off()
        axes.set_title("what was seen to sound, on the first picture", loc="left")
        return None

    def _draw_places(self, axes) -> None:
        angle = np.rad2deg(np.arcsin(np.clip(self.lateral.mean, -1, 1)))
        for k, colour in zip(range(angle.shape[1]), COLOURS, strict=False):
            low, high = self.edges[k : k + 2]
            label = f"{hertz(low)} to {hertz(high)}"
            axes.plot(self.lateral.times, angle[:, k], color=colour, lw=1.8, label=plain(label))
        most = max(15.0, 1.1 * float(np.nanmax(np.abs(angle), initial=0.0)))
        axes.set_ylim(-min(most, 92), min(most, 92))
        ticks = [t for t in (*TICKS_DEG, 10, -10) if abs(t) <= most]
        axes.set_yticks(ticks, [degrees(t) for t in ticks])
        axes.axhline(0, color="0.7", lw=0.8, zorder=0)
        axes.set_ylabel("to the left (+)")
        time_axis(axes, *self.lateral.span)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, title="Hz")


def hertz(value: float) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def smaller(picture: np.ndarray) -> np.ndarray:
    import cv2

    height, width = picture.shape[:2]
    if width <= WIDEST:
        return picture.copy()
    size = (WIDEST, max(1, round(height * WIDEST / width)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
