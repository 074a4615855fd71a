"""A view cut out of a 360° picture: where it lies in the picture, and what it shows."""

import numpy as np

from avtools.dsp.sphere import angles
from avtools.plot.figure import COLOURS, azimuth_axis, degrees, page, plain

# A picture is drawn about 700 dots wide: more of it would only make the file large.
WIDEST = 1600
ON_A_SIDE = 200
DARK = "black"


class ViewPicture:
    """Holds what is drawn: a name, the sphere `(H, W, 3)`, a `Flat` and its turn."""

    def __init__(self, name: str, sphere: np.ndarray, flat, turn: np.ndarray):
        from avtools.stream.view import flattened

        self.name, self.flat, self.turn = name, flat, turn
        self.sphere = _smaller(sphere)
        self.view = _smaller(flattened(sphere, flat, turn))

    def save(self, path: str, trail: np.ndarray | None = None) -> None:
        """`trail`: the unit vectors `(n, 3)` along which the middle of the view goes."""
        with page(path, self.name, height=3.9) as figure:
            tall = self.flat.height / self.flat.width
            # The sphere is half as tall as wide: both come out at about one height.
            left, right = figure.subplots(1, 2, width_ratios=[2, min(2.0, max(0.8, 1 / tall))])
            self._draw_sphere(left, trail)
            self._draw_view(right)

    def _draw_sphere(self, axes, trail: np.ndarray | None) -> None:
        axes.imshow(self.sphere, extent=(180, -180, -90, 90), aspect="equal")
        _line(axes, *outline(self.flat, self.turn), COLOURS[4], 2.5)
        if trail is not None and len(trail):
            _line(axes, *unbroken(trail), COLOURS[5], 2.5)
            azimuth, elevation = angles(trail[-1])
            axes.plot(azimuth, elevation, "o", color=COLOURS[5], mec=DARK, ms=9)
        azimuth, elevation = angles(self.turn[0])
        axes.plot(azimuth, elevation, "o", color=COLOURS[4], mec=DARK, ms=9)
        azimuth_axis(axes.xaxis)
        axes.set_xticks(axes.get_xticks(), [degrees(a) for a in axes.get_xticks()])
        axes.set_yticks([-90, -45, 0, 45, 90], [degrees(e) for e in (-90, -45, 0, 45, 90)])
        axes.set_xlim(180, -180)
        axes.set_ylim(-90, 90)
        axes.set_xlabel("azimuth (+ is left)")
        axes.set_ylabel("elevation")
        moving = ", and the way it goes" if trail is not None else ""
        axes.set_title(plain(f"the view in the first frame{moving}"))

    def _draw_view(self, axes) -> None:
        axes.imshow(self.view, aspect="equal")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        azimuth, elevation = (degrees(float(a)) for a in angles(self.turn[0]))
        axes.set_xlabel(f"{self.flat.fov:g}° wide, {self.flat.vertical_fov:.0f}° high")
        axes.set_title(f"at azimuth {azimuth}, elevation {elevation}")


def outline(flat, turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Azimuth and elevation, degrees, along the edge of a view; NaN where the seam is crossed."""
    side = np.linspace(-1, 1, ON_A_SIDE)
    one = np.ones(ON_A_SIDE)
    x = np.concatenate([side, one, -side, -one]) * flat.slope
    y = np.concatenate([one, -side, -one, side]) * flat.slope * flat.height / flat.width
    return unbroken(np.stack([np.ones_like(x), -x, y], axis=-1) @ turn)


def unbroken(directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Azimuth and elevation of vectors `(n, 3)` as a line that does not run back over the seam."""
    azimuth, elevation = angles(directions)
    jumps = np.flatnonzero(np.abs(np.diff(azimuth)) > 180) + 1
    return np.insert(azimuth, jumps, np.nan), np.insert(elevation, jumps, np.nan)


def _line(axes, x: np.ndarray, y: np.ndarray, colour: str, width: float) -> None:
    """With a dark rim, to be seen on any picture."""
    axes.plot(x, y, color=DARK, lw=width + 2)
    axes.plot(x, y, color=colour, lw=width)


def _smaller(picture: np.ndarray) -> np.ndarray:
    import cv2

    height, width = picture.shape[:2]
    if width <= WIDEST:
        return picture
    size = (WIDEST, max(1, round(height * WIDEST / width)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
