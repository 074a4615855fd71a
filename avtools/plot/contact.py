"""Contact sheets: many small pictures on one page, with what is known of each drawn over it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from avtools.plot.figure import DOTS_PER_INCH, WIDTH, page, plain

MOST_CELLS = 60
MOST_IN_A_ROW = 6
MOST_DOTS = 700  # along a picture: more would only make the file large
SPACE = 0.04  # between the cells, as a share of their width
LINE = 1.25  # from one line of text to the next, as a share of its size
LARGEST, SMALLEST = 11.0, 5.5  # points
DARK = "black"


class Box(NamedTuple):
    """Something in the picture: pixels, x and y of the upper left corner."""

    x: float
    y: float
    width: float
    height: float
    label: str
    colour: str


class Mark(NamedTuple):
    """Something that has a place across the picture alone: a tick below it with a word.

    `x` in pixels. With a `colour` it is a flag in the picture, pointing down at x, or, where x lies
    beyond a side, out through that side.
    """

    x: float
    label: str
    colour: str | None = None


@dataclass(frozen=True)
class Cell:
    picture: np.ndarray  # uint8 (height, width, 3)
    caption: str
    boxes: Sequence[Box] = ()  # or plain tuples
    marks: Sequence[Mark] = ()


def contact_sheet(
    path: str,
    cells: Sequence[Cell],
    title: str = "",
    key: Sequence[tuple[str, str]] = (),
) -> None:
    """Draw the first `MOST_CELLS` cells as `path`, .png, .svg or .pdf.

    `key`: words and colours that are explained at the foot.
    """
    if not cells:
        raise ValueError("no cells, expected at least one")
    for cell in cells:
        if cell.picture.ndim != 3 or cell.picture.shape[2] != 3 or cell.picture.dtype != np.uint8:
            raise ValueError(
                f"a picture of {cell.picture.shape}, expected (height, width, 3) uint8"
            )
    grid = _Grid(cells[:MOST_CELLS])
    head = 0.45 if title else 0.0
    foot = 0.35 if key else 0.0
    with page(path, title, grid.height + head + foot) as figure:
        figure.set_layout_engine("none")
        tall = grid.height + head + foot
        axes = figure.add_axes((0, foot / tall, 1, grid.height / tall))
        axes.set_axis_off()
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(grid.height, 0)
        for k, cell in enumerate(grid.cells):
            _Drawn(axes, cell, grid, *grid.place(k))
        if key:
            _explain(figure, key)


class _Grid:
    """Where the cells lie, in inches from the upper left corner: one size for all."""

    def __init__(self, cells: Sequence[Cell]):
        self.cells = cells
        shapes = np.array([cell.picture.shape[:2] for cell in cells], float)
        tall = float(np.clip((shapes[:, 0] / shapes[:, 1]).max(), 0.2, 2.0))
        # About as many in a row as make a page that is no taller than wide.
        self.columns = int(np.clip(np.ceil(np.sqrt(len(cells) * tall)), 1, MOST_IN_A_ROW))
        self.columns = min(self.columns, len(cells))
        self.step = WIDTH / self.columns
        self.space = max(SPACE * self.step, 0.06)
        self.wide = self.step - self.space
        self.points = float(np.clip(3.6 * self.wide, SMALLEST, LARGEST))
        self.line = LINE * self.points / 72
        self.tall = tall * self.wide
        self.below = self.line if any(cell.marks for cell in cells) else 0.0
        lines = max(cell.caption.count("\n") + 1 for cell in cells)
        self.above = self.line * lines
        self.row = self.above + self.tall + self.below + self.space
        self.height = -(-len(cells) // self.columns) * self.row + self.space

    def place(self, k: int) -> tuple[float, float]:
        """The upper left corner of a cell's caption."""
        row, column = divmod(k, self.columns)
        return self.space / 2 + column * self.step, self.space / 2 + row * self.row


class _Drawn:
    """One cell on the page."""

    def __init__(self, axes, cell: Cell, grid: _Grid, left: float, top: float):
        height, width = cell.picture.shape[:2]
        self.scale = min(grid.wide / width, grid.tall / height)
        self.axes, self.grid, self.width = axes, grid, width
        self.flags = {"left": 0, "right": 0, "down": 0}  # how many already point there
        self.left = left + (grid.wide - self.scale * width) / 2
        self.top = top + grid.above + (grid.tall - self.scale * height) / 2
        self.right, self.bottom = self.left + self.scale * width, self.top + self.scale * height
        extent = (self.left, self.right, self.bottom, self.top)
        axes.imshow(_smaller(cell.picture), extent=extent, aspect="auto")
        # imshow takes the limits to be its own.
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(grid.height, 0)
        caption = "\n".join(plain(line, self._letters()) for line in cell.caption.splitlines())
        self._text(left, self.top - 0.2 * grid.line, caption, "left", "bottom", DARK)
        for box in cell.boxes:
            self._box(Box(*box))
        for mark in cell.marks:
            self._mark(Mark(*mark))

    def _letters(self) -> int:
        return max(8, int(self.grid.wide * 72 / (0.55 * self.grid.points)))

    def _text(self, x: float, y: float, text: str, across: str, up: str, colour: str, **more):
        self.axes.text(
            x, y, text, ha=across, va=up, color=colour, size=self.grid.points, linespacing=1.1,
            **more,
        )  # fmt: skip

    def _box(self, box: Box) -> None:
        from matplotlib.patches import Rectangle

        x, y = self.left + self.scale * box.x, self.top + self.scale * box.y
        wide, tall = self.scale * box.width, self.scale * box.height
        inside = Rectangle(
            (self.left, self.top), self.right - self.left, self.bottom - self.top,
            transform=self.axes.transData,
        )  # fmt: skip
        for colour, width in ((DARK, 2.2), (box.colour, 1.2)):  # a dark rim shows on any picture
            outline = Rectangle((x, y), wide, tall, fill=False, ec=colour, lw=width)
            self.axes.add_patch(outline)
            outline.set_clip_path(inside)
        if box.label:
            x = min(max(x, self.left), self.right)
            above = y - self.grid.line > self.top
            beyond = x > self.left + 0.6 * (self.right - self.left)
            self._flag(
                min(x + wide, self.right) if beyond else x,
                y if above else min(max(y, self.top) + 0.02, self.bottom - self.grid.line),
                plain(box.label, 24),
                "right" if beyond else "left",
                "bottom" if above else "top",
                box.colour,
            )

    def _mark(self, mark: Mark) -> None:
        x = min(max(self.left + self.scale * mark.x, self.left), self.right)
        label = plain(mark.label, 24)
        if mark.colour is None:
            self.axes.plot([x, x], [self.bottom, self.bottom + 0.03], color="0.4", lw=0.6)
            self._text(x, self.bottom + 0.04, label, self._side(x), "top", "0.4")
        elif 0 <= mark.x <= self.width:
            y = self.bottom - 0.2 * self.grid.line - 1.4 * self.flags["down"] * self.grid.line
            self.flags["down"] += 1
            # The arrowhead stands at x: the word beside it, on the side with more room.
            place = "left" if x < (self.left + self.right) / 2 else "right"
            text = f"▼ {label}" if place == "left" else f"{label} ▼"
            self._flag(x, y, text, place, "bottom", mark.colour)
        else:
            self._arrow(x, label, mark.colour, "left" if mark.x < 0 else "right")

    def _side(self, x: float) -> str:
        """How a word stands at x, so that it stays below its picture."""
        near = 0.12 * (self.right - self.left)
        return "left" if x - self.left < near else "right" if self.right - x < near else "center"

    def _arrow(self, x: float, label: str, colour: str, side: str) -> None:
        """At an edge, pointing out of the picture; one below the other where there are several."""
        y = (self.top + self.bottom) / 2 + 1.5 * self.flags[side] * self.grid.line
        self.flags[side] += 1
        text = f"◀ {label}" if side == "left" else f"{label} ▶"
        self._flag(x, min(y, self.bottom - self.grid.line / 2), text, side, "center", colour)

    def _flag(self, x: float, y: float, text: str, across: str, up: str, colour: str) -> None:
        box = {"facecolor": colour, "edgecolor": "none", "pad": 0.6, "alpha": 0.85}
        self._text(x, y, text, across, up, "white", bbox=box)


def _explain(figure, key: Sequence[tuple[str, str]]) -> None:
    """Words in their colours, in the middle of the foot."""
    from matplotlib.patches import Patch

    patches = [Patch(color=colour, label=plain(text)) for text, colour in key]
    figure.legend(
        handles=patches, loc="lower center", ncols=len(patches), frameon=False, fontsize=LARGEST
    )


def _smaller(picture: np.ndarray) -> np.ndarray:
    import cv2

    height, width = picture.shape[:2]
    scale = min(MOST_DOTS, WIDTH * DOTS_PER_INCH) / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
