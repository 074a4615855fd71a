"""A face's way over time: as a picture, and drawn on the video itself."""

from array import array

import numpy as np

from avtools.plot.figure import Sources, page, say_nothing, time_axis

HEIGHT, EMPTY_HEIGHT = 9.0, 4.0
MOST_ROWS = 4096  # that are drawn; of more every second one, every fourth, ...


class FacePicture:
    """The picture that the faces are known from, above the box's left and right edge over time."""

    def __init__(self, title: str, width: int):
        self.title, self.width = title, width
        self.picture, self.boxes = None, []
        self.rows = array("d")  # time, left, right, whether it was seen, which face
        self.count, self.every = 0, 1

    def show(self, picture: np.ndarray, boxes: np.ndarray) -> None:
        """The picture with the faces; boxes (x, y, width, height) in its pixels."""
        self.picture, self.boxes = picture, boxes

    def add(self, time: float, x: float, width: float, seen: bool, face: int) -> None:
        if self.count % self.every == 0:
            self.rows.extend((time, x, x + width, seen, face))
        self.count += 1
        if len(self.rows) >= 5 * MOST_ROWS:
            kept = np.array(self.rows).reshape(-1, 5)[::2]
            self.rows, self.every = array("d", kept.ravel()), 2 * self.every

    def save(self, path: str) -> None:
        rows = np.array(self.rows).reshape(-1, 5)
        if self.picture is None or not len(rows):
            with page(path, self.title, EMPTY_HEIGHT) as figure:
                return say_nothing(figure.subplots(), "no face found")
        with page(path, self.title, HEIGHT) as figure:
            above, below = figure.subplots(2, 1, height_ratios=(5, 4))
            sources = Sources()
            self._draw_picture(above, sources)
            self._draw_way(below, rows, sources)

    def _draw_picture(self, axes, sources: Sources) -> None:
        axes.imshow(self.picture)
        axes.set_axis_off()
        for k, (x, y, width, height) in enumerate(self.boxes):
            colour = sources.colour(sources.slot(k))
            corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]
            axes.plot(*zip(*corners, strict=True), color=colour, linewidth=2)
        axes.set_title("the faces it is known from")

    def _draw_way(self, axes, rows: np.ndarray, sources: Sources) -> None:
        from matplotlib.collections import PolyCollection

        time, left, right, seen, face = rows.T
        step = float(np.median(np.diff(time))) if len(time) > 1 else 0.1
        edges = np.stack([time - step / 2, time + step / 2], axis=1)
        for k in np.unique(face).astype(int):
            for is_seen, alpha in ((True, 0.8), (False, 0.3)):
                mine = (face == k) & ((seen > 0) == is_seen)
                boxes = [
                    [(t0, x0), (t1, x0), (t1, x1), (t0, x1)]
                    for (t0, t1), x0, x1 in zip(edges[mine], left[mine], right[mine], strict=True)
                ]
                colour = sources.colour(sources.slot(k))
                axes.add_collection(PolyCollection(boxes, facecolor=colour, alpha=alpha, lw=0))
        time_axis(axes, float(time[0] - step / 2), float(time[-1] + step / 2))
        axes.set_ylim(0, self.width)
        axes.set_ylabel("x (pixels)")
        axes.set_title("the box from left to right; pale where it is hidden")


class FaceFilm:
    """The video with the boxes drawn on, once all of them are known."""

    def __init__(self, hop: float, is_round: bool = False):
        """`is_round`: a 360 picture, which goes on at its left edge."""
        self.hop, self.is_round = hop, is_round
        self.rows = array("d")  # seconds since the first sample, x, y, width, height, confidence

    def add(self, seconds: float, box: tuple[float, float, float, float], confidence: float):
        """A box in pixels of the source."""
        self.rows.extend((seconds, *box, confidence))

    def save(self, source: str, target: str, crf: int, base, bar: bool) -> None:
        """`base`: where on the clock of the video the seconds begin."""
        from avtools.stream.overlay import box as draw_box
        from avtools.stream.overlay import overlaid

        rows = np.array(self.rows).reshape(-1, 6)

        def draw(seconds: float, picture: np.ndarray) -> np.ndarray:
            found = self._at(rows, seconds)
            if found is None:
                return picture
            x, y, width, height, confidence = found
            label = f"{confidence:.2f}"
            draw_box(picture, (x, y, width, height), label)
            if self.is_round and x + width > picture.shape[1]:
                draw_box(picture, (x - picture.shape[1], y, width, height))
            return picture

        overlaid(source, target, draw, crf, base=base, bar=bar)

    def _at(self, rows: np.ndarray, seconds: float) -> np.ndarray | None:
        """Between the rows before and after, or the only one within a row's step."""
        after = int(np.searchsorted(rows[:, 0], seconds))
        near = [k for k in (after - 1, after) if 0 <= k < len(rows)]
        near = [k for k in near if abs(rows[k, 0] - seconds) <= 1.01 * self.hop]
        if len(near) < 2:
            return rows[near[0], 1:] if near else None
        a, b = rows[near[0]], rows[near[1]]
        if abs(a[1] - b[1]) > max(a[3], b[3]):  # another face, or across the seam
            return (a if seconds - a[0] < b[0] - seconds else b)[1:]
        return (a + (b - a) * (seconds - a[0]) / (b[0] - a[0]))[1:]
