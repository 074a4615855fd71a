"""Directions in one picture: over the sphere, and over time."""

from avtools.plot.azimuth import AzimuthTrack
from avtools.plot.figure import Sources, page, say_nothing
from avtools.plot.sphere import SphereMap

HEIGHT, EMPTY_HEIGHT = 12.0, 6.0


class DirectionPicture:
    """A SphereMap above an AzimuthTrack; a source has one colour in both."""

    def __init__(self, title="", picture=None, value="confidence", hop=None):
        sources = Sources()
        self.title = title
        self.track = AzimuthTrack("", value, hop, sources)
        self.sphere = SphereMap("", picture, sources)

    def add_energy(self, time: float, azimuth_deg, elevation_deg, energy) -> None:
        """What one window holds: directions and energies, `(k,)` each."""
        self.track.add_energy(time, azimuth_deg, elevation_deg, energy)
        self.sphere.add(azimuth_deg, elevation_deg, energy)

    def add_row(self, time: float, source, azimuth: float, elevation: float, value: float) -> None:
        """One source at one time."""
        self.track.add_row(time, source, azimuth, elevation, value)

    def mark(self, source, azimuth: float, elevation: float) -> None:
        """Where a source is on the sphere."""
        self.sphere.mark(source, azimuth, elevation)

    def save(self, path: str) -> None:
        is_empty = self.track.is_empty and self.sphere.is_empty
        if is_empty and self.sphere.picture is None:
            with page(path, self.title, EMPTY_HEIGHT) as figure:
                return say_nothing(figure.subplots())
        with page(path, self.title, HEIGHT) as figure:
            above, below = figure.subfigures(2, 1, height_ratios=(5, 6.5))
            self.sphere.draw(above)
            self.track.draw(below)
