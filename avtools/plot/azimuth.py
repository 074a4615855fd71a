"""Directions over time: where the energy is, and the sources that were found in it."""

import numpy as np

from avtools.plot.columns import Columns, Strongest
from avtools.plot.figure import (
    OTHERS,
    Sources,
    azimuth_axis,
    energy_decibels,
    energy_map,
    page,
    say_nothing,
    time_axis,
)

AZIMUTHS, ELEVATIONS = 72, 36  # bins of 5 degrees
FLOOR_DB = -30.0
HEIGHT = 7.5


class AzimuthTrack:
    """Azimuth over time, with narrow panels of elevation and of a value.

    `value` names what comes with a row: a confidence or a level. `sources` may be shared with
    another picture, which then has the same colours.
    """

    def __init__(self, title="", value="confidence", hop=None, sources: Sources | None = None):
        self.title, self.value = title, value
        self.sources = Sources() if sources is None else sources
        self.energy = Columns((AZIMUTHS + ELEVATIONS,), hop)
        self.rows = Strongest((OTHERS + 1, 2), hop)
        self.values = Columns((OTHERS + 1, 2), hop)  # the sum and how many

    def add_energy(self, time: float, azimuth_deg, elevation_deg, energy) -> None:
        """What one window holds: directions and energies, `(k,)` each."""
        azimuth, elevation, energy = sound_parts(azimuth_deg, elevation_deg, energy)
        # Bin 0 begins at -180, where 180 falls too.
        across = ((azimuth + 180) % 360 * (AZIMUTHS / 360)).astype(int) % AZIMUTHS
        up = np.clip((elevation + 90) * (ELEVATIONS / 180), 0, ELEVATIONS - 1).astype(int)
        row = np.concatenate(
            [np.bincount(across, energy, AZIMUTHS), np.bincount(up, energy, ELEVATIONS)]
        )
        self.energy.add(time, row)

    def add_row(self, time: float, source, azimuth: float, elevation: float, value: float) -> None:
        """One source at one time, None for what is not known.

        Of rows that share a dot the direction with the greatest value is drawn, and their mean
        value.
        """
        azimuth, elevation, value = (
            np.nan if v is None else v for v in (azimuth, elevation, value)
        )
        slot = self.sources.slot(source)
        row = np.full((OTHERS + 1, 2), np.nan)
        row[slot] = (azimuth + 180) % 360 - 180, elevation
        self.rows.add(time, row, np.full(OTHERS + 1, value, np.float64))
        sums = np.zeros((OTHERS + 1, 2))
        sums[slot] = value, np.isfinite(value)
        self.values.add(time, sums)

    @property
    def is_empty(self) -> bool:
        return not self.energy.total.any() and not np.isfinite(self.rows.kept).any()

    def save(self, path: str) -> None:
        with page(path, self.title, HEIGHT) as figure:
            self.draw(figure)

    def draw(self, figure) -> None:
        if self.is_empty:
            return say_nothing(figure.subplots())
        panels = figure.subplots(3, 1, sharex=True, height_ratios=(4, 1.5, 1.2))
        spans = np.array([c.span for c in (self.energy, self.rows) if c.used])
        for axes in panels:
            axes.set_facecolor("white")
        self._draw_energy(figure, panels)
        self._draw_rows(panels)
        panels[0].set_ylim(-180, 180)
        azimuth_axis(panels[0].yaxis)
        panels[1].set_ylim(-90, 90)
        panels[1].set_yticks([-90, 0, 90], ["down −90°", "level 0°", "up +90°"])
        panels[2].set_ylabel(self.value)
        if self.value == "confidence":
            panels[2].set_ylim(0, 1.05)
        panels[2].grid(axis="y", color="0.85")
        time_axis(panels[2], spans[:, 0].min(), spans[:, 1].max())

    def _draw_energy(self, figure, panels) -> None:
        if not self.energy.used:
            return
        mean = self.energy.mean
        across, up = mean[:, :AZIMUTHS], mean[:, AZIMUTHS:]
        for axes, part, reach in ((panels[0], across, 180), (panels[1], up, 90)):
            heat = axes.imshow(
                energy_decibels(part, FLOOR_DB).T,
                extent=(*self.energy.span, -reach, reach),
                origin="lower",
                aspect="auto",
                interpolation="nearest",
                cmap=energy_map(),
                vmin=FLOOR_DB,
                vmax=0.0,
            )
        bar = figure.colorbar(heat, ax=list(panels[:2]), pad=0.01, aspect=30)
        bar.set_label("energy (dB)")

    def _draw_rows(self, panels) -> None:
        total, many = np.moveaxis(self.values.total, -1, 0)
        value = np.divide(total, many, out=np.full(total.shape, np.nan), where=many > 0)
        drawn = np.concatenate([self.rows.kept, value[..., None]], axis=-1)
        slots = [s for s in range(OTHERS + 1) if np.isfinite(drawn[:, s]).any()]
        size = 3.5 if len(drawn) > 300 else 6
        for s in slots:
            colour, label = self.sources.colour(s), self.sources.label(s)
            for k, axes in enumerate(panels):
                axes.plot(
                    self.rows.times, drawn[:, s, k], "o", ms=size, mew=0, color=colour, label=label
                )
        if slots and list(self.sources.slots) != [None]:
            panels[0].legend(
                loc="lower left",
                bbox_to_anchor=(0, 1.0),
                ncols=4,
                frameon=False,
                borderaxespad=0.2,
                handletextpad=0.1,
                columnspacing=1.2,
                markerscale=10 / size,
            )


def sound_parts(azimuth_deg, elevation_deg, energy) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The directions `(k,)` that have energy, and it: what is not finite is left out."""
    parts = [np.asarray(a, np.float64).ravel() for a in (azimuth_deg, elevation_deg, energy)]
    parts = np.broadcast_arrays(*parts)
    fine = np.isfinite(parts).all(axis=0) & (parts[2] > 0)
    return tuple(p[fine] for p in parts)
