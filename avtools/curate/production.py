"""Sound added afterwards to a sound field: a voice-over or music that no place belongs to.

It stands in W alone, where every wave of a real field has as much energy in X, Y and Z together as
in W (SN3D). In patches of 4 windows (32 ms each) x 4 bins even echoes and diffuse sound keep to
that within some decibels, since sixteen cells average. What W has beyond three times the others'
energy is counted: in rendered rooms mostly less than 12 % of W (of 501 with noise and several
sources three had over 20 %, at most 28), in field recordings at most 11 %. A voice in W alone
brings it to over 31 % if it is as loud as the rest, to 17 % and mostly over 20 % if it has half of
that energy.

Or it stands exactly in front, dry: panned to azimuth 0 and elevation 0, where a microphone's own
errors and the first reflections would put any real source some tenths of a degree aside. Such a
voice, as loud as the rest, is found in three of four clips, at twice its amplitude in all. A dry
voice at another place is not told from a talker outdoors, and is kept.

All this is said of a sound field. In one, X, Y and Z have little beyond three times W's energy: in
rendered rooms with noise at most 27 % of theirs, with or without a voice in W. Of one recording at
another time in each channel it is 43 % and more: for `ambisonic` to say.
"""

import numpy as np

from avtools.curate.verdict import Verdict
from avtools.dsp.stft import fast_size, hann

SECONDS = 0.032
LOW, HIGH = 100.0, 6000.0
WINDOWS, BINS = 4, 4
TIMES = 3.0  # the energy of X, Y and Z that W may have in a patch
QUIET_DB = -40.0  # against the loudest patch
FLOOR = 1e-9  # energy a sample
DRY = 0.97  # directness of a patch: 1 is a lone plane wave
AHEAD_DEG = 3.0  # a patch is in front
EXACT_DEG = 0.3  # so is what all of them together say, to so much


def production(
    foa: np.ndarray,
    rate: int,
    *,
    most_undirected: float = 0.2,
    most_in_front: float = 0.2,
    most_unheard: float = 0.3,
) -> Verdict:
    """AmbiX `(4, samples)`; left out if much of it was added in production.

    Figures, as shares of W's energy: `undirected`, what X, Y and Z have no part in; `in_front`,
    what is dry and exactly in front (0 unless the mean direction of all that is so is exact).
    `most_unheard`: of X, Y and Z, what W may have no part in; with more it is no sound field.
    """
    if foa.ndim != 2 or len(foa) != 4:
        raise ValueError(f"sound of shape {foa.shape}, expected (4, samples)")
    pressure, velocity, intensity = _patches(foa, rate)
    whole = (pressure + velocity) / 2
    loud = whole > max(FLOOR, 10 ** (QUIET_DB / 10) * whole.max(initial=0.0))
    total = pressure[loud].sum()
    if not total:
        return Verdict({"undirected": float("nan"), "in_front": float("nan")})
    alone = np.maximum(0, pressure - TIMES * velocity)[loud].sum()
    figures = {
        "undirected": float(alone / total),
        "in_front": _in_front(pressure, intensity, loud, whole) / float(total),
    }
    unheard = np.maximum(0, velocity - TIMES * pressure)[loud].sum()
    if unheard > most_unheard * velocity[loud].sum():
        return Verdict(figures)
    reasons = []
    if figures["undirected"] > most_undirected:
        reasons.append(
            f"head-locked: {100 * figures['undirected']:.0f} % of the sound has no direction, "
            f"expected at most {100 * most_undirected:g} %"
        )
    if figures["in_front"] > most_in_front:
        reasons.append(
            f"head-locked: {100 * figures['in_front']:.0f} % of the sound is dry and exactly in "
            f"front, expected at most {100 * most_in_front:g} %"
        )
    return Verdict(figures, tuple(reasons))


def _patches(foa: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """|W|², |V|² and Re(W* V) `(3, ...)` (Y, Z, X) of the patches, a sample."""
    size = fast_size(round(SECONDS * rate))
    foa = np.nan_to_num(foa.astype(np.float32, copy=False), posinf=0, neginf=0)
    if foa.shape[1] < size * WINDOWS:
        foa = np.pad(foa, ((0, 0), (0, size * WINDOWS - foa.shape[1])))
    windows = np.lib.stride_tricks.sliding_window_view(foa, size, axis=1)[:, :: size // 2]
    first, last = max(1, round(LOW * size / rate)), min(round(HIGH * size / rate), size // 2)
    x = np.fft.rfft(windows * hann(size))[..., first:last] / size
    times, bins = x.shape[1] // WINDOWS * WINDOWS, x.shape[2] // BINS * BINS
    w, v = x[0, :times, :bins], x[1:, :times, :bins]

    def summed(cells: np.ndarray) -> np.ndarray:
        shape = (*cells.shape[:-2], times // WINDOWS, WINDOWS, bins // BINS, BINS)
        return cells.reshape(shape).sum(axis=(-3, -1))

    energy = summed((abs(v) ** 2).sum(axis=0))
    return summed(abs(w) ** 2), energy, summed((w.conj() * v).real)


def _in_front(pressure, intensity, loud, whole) -> float:
    """Energy of W in dry patches in front, if they are so exactly."""
    length = np.sqrt((intensity**2).sum(axis=0))
    ahead = intensity[2] > np.cos(np.deg2rad(AHEAD_DEG)) * length
    chosen = loud & ahead & (length > DRY * whole)
    y, z, x = intensity[:, chosen].sum(axis=-1)
    if not x or np.hypot(y, z) > np.tan(np.deg2rad(EXACT_DEG)) * x:
        return 0.0
    return float(pressure[chosen].sum())
