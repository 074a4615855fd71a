#!/usr/bin/env python3
"""Where is the lamp heard, and where is it seen? A line for each 360° video of examples/quickstart.

usage: where.py VIDEO... [--plot FILE.png]
"""

import argparse
from pathlib import Path

import numpy as np

from avtools.stream.files import open_sound
from avtools.stream.video import frames


def heard(path: str) -> np.ndarray:
    """Azimuth and elevation of the mean intensity over the first half second."""
    with open_sound(path, duration=0.5) as sound:
        w, y, z, x = np.concatenate([b.copy() for b in sound.blocks], axis=1)
    ix, iy, iz = (w * x).mean(), (w * y).mean(), (w * z).mean()
    return np.rad2deg([np.arctan2(iy, ix), np.arctan2(iz, np.hypot(ix, iy))])


def seen(frame: np.ndarray) -> np.ndarray:
    """Azimuth and elevation of the yellow spot: the mean of its directions on the sphere."""
    height, width, _ = frame.shape
    r, g, b = np.moveaxis(frame.astype(float), -1, 0)
    y, x = np.nonzero((r > 180) & (g > 150) & (b < 130))
    a, e = np.pi - 2 * np.pi * (x + 0.5) / width, np.pi / 2 - np.pi * (y + 0.5) / height
    area = np.cos(e)
    m = [(area * v).sum() for v in (np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e))]
    return np.rad2deg([np.arctan2(m[1], m[0]), np.arctan2(m[2], np.hypot(m[0], m[1]))])


def middle(path: str) -> np.ndarray:
    """The picture in the middle of what `heard` listens to."""
    return next(frame for _, frame in frames(path, start=0.25, duration=0.1))


def plot(paths: list[str], file: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    columns = min(2, len(paths))
    lines = -(-len(paths) // columns)
    figure, axes = plt.subplots(lines, columns, figsize=(5.4 * columns, 3.1 * lines), squeeze=False)
    for axis, path in zip(axes.flat, paths, strict=False):
        azimuth, elevation = heard(path)
        axis.imshow(middle(path), extent=(180, -180, -90, 90))
        axis.plot(azimuth, elevation, "o", ms=26, mfc="none", mec="red", mew=2.5, label="heard")
        axis.set(xticks=range(180, -181, -90), yticks=range(-90, 91, 45))
        axis.set(xlabel="azimuth (degrees, + is left)", ylabel="elevation (degrees)")
        axis.set_title(Path(path).name)
        axis.legend(loc="lower right", markerscale=0.4)
    figure.tight_layout()
    figure.savefig(file, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="+")
    parser.add_argument("--plot", metavar="FILE")
    options = parser.parse_args()
    print(f"{'':<28}{'heard':>16}{'seen':>16}   (azimuth, elevation)")
    for path in options.videos:
        (a, e), (b, f) = heard(path), seen(middle(path))
        print(f"{Path(path).name:<28}{a:>+9.1f},{e:>+6.1f}{b:>+9.1f},{f:>+6.1f}")
    if options.plot:
        plot(options.videos, options.plot)


if __name__ == "__main__":
    main()
