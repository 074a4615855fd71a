"""What a measurement on the direct sound finds: time and level differences, for the truth table."""

from functools import cache

import numpy as np

from avtools.dsp.heads import SPEED_OF_SOUND, sphere_response
from avtools.dsp.sphere import unit_vectors
from avtools.world.pair import arrivals
from avtools.world.scenes import EARS, Scenes

# Hz: between these the head's delay is the mean of the phase delay, and its level that of the
# energies of white sound.
DELAY_BAND, LEVEL_BAND = (300.0, 1000.0), (200.0, 8000.0)
# Below this a channel hears nothing; keeps its level a number.
LEAST = 1e-6


def cues(
    scenes: Scenes, azimuth: np.ndarray, elevation: np.ndarray, distance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Delays in seconds, + = left first, and levels in dB, + = left louder: (b, s, t) each.

    Of sounds in these directions (degrees) and metres, gains of the channels included. A pair: as
    its true distances have it, at any frequency. A head: of a far source, the delay from 300 to
    1000 Hz and the level from 200 to 8000 Hz; a measured one is taken for that sphere. Ambisonics
    have neither: nan.
    """
    if scenes.is_360:
        return np.full(azimuth.shape, np.nan), np.full(azimuth.shape, np.nan)
    directions = unit_vectors(azimuth, elevation)
    gains, metres = arrivals(scenes, directions * distance[..., None])
    delay = (metres[..., 1] - metres[..., 0]) / SPEED_OF_SOUND
    gains = 20 * np.log10(np.maximum(np.abs(gains), LEAST))
    is_head = (scenes.ears == EARS.index("head"))[:, None, None]
    angles, delays, levels = head_cues()
    side = np.degrees(np.arcsin(np.clip(directions[..., 1], -1, 1)))
    delay = np.where(is_head, np.interp(side, angles, delays), delay)
    level = np.where(is_head, np.interp(side, angles, levels), gains[..., 0] - gains[..., 1])
    return delay, level + (scenes.gains[:, 0] - scenes.gains[:, 1])[:, None, None]


@cache
def head_cues() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a sphere: degrees from the middle towards the left (n,), delays and levels there."""
    angles = np.arange(-90.0, 91.0)
    hertz = np.arange(20.0, LEVEL_BAND[1] + 1, 20.0)
    left, right = (sphere_response(90 - side * angles, hertz) for side in (1, -1))
    phase = np.unwrap(np.angle(left / right), axis=1)
    low, high = ((hertz >= band[0]) & (hertz <= band[1]) for band in (DELAY_BAND, LEVEL_BAND))
    delays = (phase / (2 * np.pi * hertz))[:, low].mean(axis=1)
    powers = [(np.abs(x[:, high]) ** 2).sum(axis=1) for x in (left, right)]
    return angles, delays, 10 * np.log10(powers[0] / powers[1])
