"""Energy over the sphere, on the frame of an equirectangular picture."""

import numpy as np

from avtools.plot.azimuth import sound_parts
from avtools.plot.figure import (
    NOTHING,
    OTHERS,
    OTHERS_COLOUR,
    Sources,
    azimuth_axis,
    degrees,
    energy_decibels,
    energy_map,
    page,
    plain,
)

STEP_DEG = 2
ROWS, COLUMNS = 180 // STEP_DEG, 360 // STEP_DEG
WIDTH_DEG = 8.0  # of the kernel: the standard deviation along any direction
FLOOR_DB = -20.0
MOST_MARKS = 24
MOST_DOTS = 1400  # of a picture, across: what the figure shows
HEIGHT = 6.0


class SphereMap:
    """Where energy came from: azimuth +180 at the left edge, as x = W (0.5 - azimuth / 360).

    `picture` is a frame `(height, width, 3)` that the map is laid over, bytes or 0...1.
    """

    def __init__(self, title="", picture=None, sources: Sources | None = None):
        self.title, self.picture = title, shown_picture(picture)
        self.sources = Sources() if sources is None else sources
        self.energy = np.zeros((ROWS, COLUMNS))
        self.marks: dict[object, tuple[float, float]] = {}
        self.unmarked = set()

    def add(self, azimuth_deg, elevation_deg, energy) -> None:
        """Directions and energies, `(k,)` each."""
        azimuth, elevation, energy = sound_parts(azimuth_deg, elevation_deg, energy)
        row, column = place(azimuth, elevation)
        np.add.at(self.energy, (row, column), energy)

    def mark(self, source, azimuth: float, elevation: float) -> None:
        """A source and where it is; a source that comes again has moved."""
        if not np.isfinite([azimuth, elevation]).all():
            return
        if source in self.marks or len(self.marks) < MOST_MARKS:
            self.marks[source] = ((azimuth + 180) % 360 - 180, elevation)
        elif len(self.unmarked) < 1000:
            self.unmarked.add(source)

    @property
    def is_empty(self) -> bool:
        return not self.energy.any() and not self.marks

    def save(self, path: str) -> None:
        with page(path, self.title, HEIGHT) as figure:
            self.draw(figure)

    def draw(self, figure) -> None:
        axes = figure.subplots()
        frame = (180, -180, -90, 90)
        if self.picture is not None:
            axes.imshow(self.picture, extent=frame, aspect="equal")
        if self.energy.any():
            self._draw_energy(figure, axes, frame)
        if self.is_empty:
            axes.text(0, 0, NOTHING, ha="center", va="center", size=18, bbox=label_box())
        for source, direction in self.marks.items():
            self._draw_mark(axes, source, *direction)
        axes.set(xlim=(180, -180), ylim=(-90, 90), aspect="equal")
        azimuth_axis(axes.xaxis)
        axes.set_yticks([-90, -45, 0, 45, 90], [degrees(e) for e in (-90, -45, 0, 45, 90)])
        axes.set_ylabel("elevation")
        more = f" ({len(self.unmarked)} more sources are not marked)" if self.unmarked else ""
        axes.set_xlabel(f"azimuth{more}")
        axes.grid(color="0.5", lw=0.5, alpha=0.4)

    def _draw_energy(self, figure, axes, frame) -> None:
        import matplotlib

        level = energy_decibels(smoothed(self.energy), FLOOR_DB)
        ramp = energy_map() if self.picture is None else matplotlib.colormaps["magma"]
        heat = axes.imshow(
            level,
            extent=frame,
            cmap=ramp,
            vmin=FLOOR_DB,
            vmax=0.0,
            interpolation="bilinear",
            # Over a picture, quiet is clear.
            alpha=None if self.picture is None else 0.8 * (1 - level / FLOOR_DB),
        )
        bar = figure.colorbar(
            heat, ax=axes, pad=0.04, shrink=0.7, aspect=22, ticks=range(-20, 1, 5)
        )
        bar.set_label("energy (dB)")

    def _draw_mark(self, axes, source, azimuth: float, elevation: float) -> None:
        slot = self.sources.slot(source)
        colour = self.sources.colour(slot) if slot < OTHERS else OTHERS_COLOUR
        axes.plot(azimuth, elevation, "o", ms=11, mfc=colour, mec="white", mew=1.8)
        # Towards the middle of the frame, so that no label leaves it.
        to_right, below = azimuth > 0, elevation > 60
        axes.annotate(
            plain(source, 20),
            (azimuth, elevation),
            xytext=(11 if to_right else -11, -14 if below else 8),
            textcoords="offset points",
            ha="left" if to_right else "right",
            va="top" if below else "bottom",
            weight="bold",
            color=colour,
            bbox=label_box(),
        )


def label_box() -> dict:
    return {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.85}


def place(azimuth: np.ndarray, elevation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row and column in the map, as in an equirectangular picture: row 0 is up."""
    column = np.floor((0.5 - azimuth / 360) * COLUMNS).astype(int) % COLUMNS
    row = np.clip((90 - elevation) / STEP_DEG, 0, ROWS - 1).astype(int)
    return row, column


def smoothed(energy: np.ndarray) -> np.ndarray:
    """Energies `(ROWS, COLUMNS)` spread over the sphere by exp(k (cos angle - 1)), k = 1 / width².

    The angle between two directions depends on their elevations and on the difference of their
    azimuths alone, so for each two rows the spreading is a circular convolution along azimuth:
    a product of their Fourier transforms.
    """
    elevation = np.deg2rad(90 - STEP_DEG * (np.arange(ROWS) + 0.5))
    apart = 2 * np.pi * np.arange(COLUMNS) / COLUMNS
    rise = np.sin(elevation)[:, None] * np.sin(elevation)
    run = np.cos(elevation)[:, None] * np.cos(elevation)
    cosine = rise[..., None] + run[..., None] * np.cos(apart)
    kernel = np.exp((cosine - 1) / np.deg2rad(WIDTH_DEG) ** 2)
    spread = np.einsum("ijf,jf->if", np.fft.rfft(kernel), np.fft.rfft(energy))
    return np.maximum(np.fft.irfft(spread, COLUMNS), 0.0)


def shown_picture(picture) -> np.ndarray | None:
    """As many dots as the figure shows, `(height, width, 3)`."""
    if picture is None:
        return None
    picture = np.asarray(picture)
    if picture.ndim != 3 or picture.shape[2] < 3 or 0 in picture.shape:
        raise ValueError(f"a picture of shape {picture.shape}, expected (height, width, 3)")
    every = -(-picture.shape[1] // MOST_DOTS)
    small = picture[::every, ::every, :3].copy()
    return small if small.dtype == np.uint8 else np.clip(small, 0, 1)
