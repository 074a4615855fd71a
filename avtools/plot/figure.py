"""What the pictures share: endings, type, saving, and axes of time and of azimuth."""

import contextlib
import os
from collections.abc import Iterator

import numpy as np

from avtools.errors import AvtoolsError, reason
from avtools.plot.clock import clock, clock_step, clock_unit

ENDINGS = (".png", ".svg", ".pdf")
WIDTH, DOTS_PER_INCH = 10.0, 150
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 13.0,
    "axes.titlesize": 13.0,
    "figure.titlesize": 15.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.dpi": DOTS_PER_INCH,
    "savefig.dpi": DOTS_PER_INCH,
    # A file may be called a$b$c.wav.
    "text.parse_math": False,
    "pdf.fonttype": 42,
    "svg.hashsalt": "avtools",
}
# M. Okabe and K. Ito's colours, told apart by nearly every eye; without yellow, lost on white,
# and black, which is everything past the last.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
OTHERS = len(COLOURS)
OTHERS_COLOUR = "#222222"
DARKEST = 0.65  # of the greys
NOTHING = "nothing heard"
SIDES = {180: "back", 90: "left", 0: "front", -90: "right", -180: "back"}


def check_plot(path: str | None) -> None:
    """Say before any work starts that a picture can't be saved as `path`."""
    if path is None:
        return
    if ending(path) not in ENDINGS:
        raise AvtoolsError(f"--plot {path}: expected a name ending in {', '.join(ENDINGS)}")
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise AvtoolsError(f"--plot {path}: no folder {os.path.dirname(path)}")
    if os.path.isdir(path):
        raise AvtoolsError(f"--plot {path}: is a folder, expected the name of a picture")


def ending(path: str) -> str:
    return os.path.splitext(str(path))[1].lower()


@contextlib.contextmanager
def page(path: str, title: str, height: float) -> Iterator:
    """An empty figure with a title; what is drawn on it in the block is saved as `path`.

    The settings are matplotlib's own and ours, whatever the user's are, inside the block only.
    """
    check_plot(path)
    import logging
    import warnings

    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib
    from matplotlib.figure import Figure

    from avtools.stream.outputs import whole

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a title in a script that the font lacks: drawn as boxes
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
        if title:
            figure.suptitle(plain(title))
        yield figure
        form = ending(path)[1:]
        dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}
        try:
            with whole(path) as temporary, open(temporary, "wb") as out:
                figure.savefig(out, format=form, metadata=dates[form])
        except OSError as error:
            raise AvtoolsError(f"{path}: {reason(error)}") from error


def plain(text: object, most: int = 80) -> str:
    """One line that any font can draw: file names hold anything."""
    line = str(text).encode("utf-8", "replace").decode("utf-8")
    line = "".join(c if c.isprintable() else "?" for c in line)
    return line if len(line) <= most else f"{line[: most // 2]}…{line[1 - most // 2 :]}"


def say_nothing(axes, words: str = NOTHING) -> None:
    """Words in place of what would be drawn."""
    axes.set_axis_off()
    axes.text(
        0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", size=18, color="0.4"
    )


def time_axis(axes, start: float, end: float) -> None:
    """Along x, in seconds, minutes or hours as the length asks."""
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    unit, step = clock_unit(end), clock_step(end - start)
    digits = max(0, -int(np.floor(np.log10(step)))) if step < 1 else 0
    axes.set_xlim(start, end)
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda t, _: clock(t, unit, digits)))
    axes.set_xlabel(f"time ({unit})")


def side(azimuth: int) -> str:
    """An azimuth in words and degrees."""
    return f"{SIDES[azimuth]} {degrees(azimuth)}"


def degrees(angle: float) -> str:
    """With the sign that typesetters use, and + where it tells left from right."""
    whole = round(angle)
    return f"{whole}°" if whole in (0, 180) else f"{whole:+d}°".replace("-", "−")


def azimuth_axis(axis) -> None:
    """Marks at the sides, on an x or y axis: left is positive."""
    axis.set_ticks(list(SIDES), [side(a) for a in SIDES])
    axis.set_ticks([a for a in range(-180, 181, 30) if a not in SIDES], minor=True)


def energy_decibels(energy: np.ndarray, floor: float) -> np.ndarray:
    """Below the greatest, down to `floor` dB; NaN where nothing is known."""
    most = np.nanmax(energy, initial=0.0)
    if not most > 0:
        return np.full(energy.shape, floor)
    with np.errstate(divide="ignore"):
        level = 10 * np.log10(energy / most)
    return np.where(np.isnan(level), np.nan, np.maximum(level, floor))


def energy_map():
    """Paper is quiet, ink is sound; no darker than lets the colours of the tracks stand out."""
    import matplotlib
    from matplotlib.colors import ListedColormap

    return ListedColormap(matplotlib.colormaps["Greys"](np.linspace(0, DARKEST, 256)))


class Sources:
    """A colour for each source by order of appearance; those past the last share one."""

    def __init__(self):
        self.slots: dict[object, int] = {}

    def slot(self, source: object) -> int:
        known = self.slots.get(source)
        if known is not None:
            return known
        if len(self.slots) < OTHERS:
            self.slots[source] = len(self.slots)
            return self.slots[source]
        return OTHERS

    def colour(self, slot: int) -> str:
        return COLOURS[slot] if slot < OTHERS else OTHERS_COLOUR

    def label(self, slot: int) -> str:
        named = {s: name for name, s in self.slots.items()}
        return f"source {plain(named[slot], 20)}" if slot in named else "others"
