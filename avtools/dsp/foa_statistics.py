"""Which convention four channels are in, by the physics of a sound field.

A plane wave from the unit vector u reaches SN3D channels as s·(1, u): at every moment
|X|² + |Y|² + |Z|² = |W|². Energies of independent waves add, so their sum over any incoherent
field, diffuse ones too, keeps that ratio. N3D scales X, Y, Z by √3 (ratio 3, +4.77 dB) and FuMa
scales W by 1/√2 (ratio 2, +3.01 dB). What breaks the ratio is interference: close to a reflecting
wall, or between echoes, W is in a node where X is not. So the ratio is taken over cells long
enough to average it out and then over many of them by the median.

Cells. A short-time spectrum is cut into cells of four neighbouring bins of one window:
  ratio       dB, (X² + Y² + Z²)/W², the median over patches of 16 windows x a quarter of the band;
  wobble      how far the patches differ (20 % to 80 %): 0.1-1 dB in rendered and well calibrated
              fields, 2-3 dB from real sound-field microphones, 4-50 dB for unrelated channels;
  scatter     interquartile range of the ratio over single cells: 0-5 dB in ambisonics, since no
              direction can hide from W, far more where channels hold different sounds;
  directness  |Re(W*·V)|²/(|W|²|V|²), 1 for a lone plane wave, whatever the convention;
  reactive    share of coherent cells whose phase between W and V is neither 0 nor 180 degrees:
              spaced microphones and delays, not coincident ones;
  diagonal    how alike the channels are: a direction on (1, 1, 1)/√3 is also what one sound
              copied to all channels looks like, with N3D's ratio of 3.

Order. WXYZ (FuMa) and WYZX (ACN) are told apart by the ratio first, then by what is usual: more
sound comes from the front and back than from the sides, and least from above and below.

Every number becomes a log-likelihood and the posterior is the confidence. The weights were fitted
on rendered scenes, measured room responses and real recordings against stems, panned mixes,
spaced microphones, capsule signals and noise; figures that are not round come from there.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

LOWEST_HZ, HIGHEST_HZ = 100.0, 6000.0  # below: too few bins; above: microphones' spatial aliasing
BINS_A_CELL = 4
WINDOWS_A_PATCH = 16
BANDS_OF_PATCHES = 4
FLOOR = 1e-9  # a cell's energy a sample, -90 dBFS: below is no sound

SN3D_DB, FUMA_DB, N3D_DB = 0.0, 10 * np.log10(2.0), 10 * np.log10(3.0)

# Expected ratio and how often each is met among unmarked files.
RATIOS = {"ambix": (SN3D_DB, 0.45), "n3d": (N3D_DB, 0.25), "fuma": (FUMA_DB, 0.30)}

# Without Z: W, Y, -, X of AmbiX and N3D, W, X, Y, - of FuMa and of WXY.
FLAT_RATIOS = {
    "ambix": (SN3D_DB, 0.6),
    "n3d": (N3D_DB, 0.4),
    "fuma": (FUMA_DB, 0.6),
    "wxy": (SN3D_DB, 0.4),
}

# Without Z a wave from elevation e falls short by cos² e, dB: how much, and how often.
NO_LOSS = ((0.0, 1.0),)
HEIGHT_LOSS = ((0.0, 0.35), (0.3, 0.2), (0.8, 0.25), (1.6, 0.15), (3.0, 0.05))

PRIOR = 0.8  # log-odds of ambisonics among sounds of four channels, with the fit's intercept


@dataclass
class Cells:
    """Energies of the cells: `(windows, cells)`, `velocity` and `cross` `(windows, 3, cells)`."""

    pressure: np.ndarray  # |W|²
    velocity: np.ndarray  # |V_i|²
    cross: np.ndarray  # W* V_i, complex
    active: np.ndarray  # bool: there is sound here

    @cached_property
    def total_velocity(self) -> np.ndarray:
        return self.velocity.sum(axis=1)

    @cached_property
    def directness(self) -> np.ndarray:
        return _share((self.cross.real**2).sum(axis=1), self.pressure * self.total_velocity)

    @cached_property
    def coherence(self) -> np.ndarray:
        return _share((abs(self.cross) ** 2).sum(axis=1), self.pressure * self.total_velocity)


@dataclass
class Field:
    """The statistics of the header over one sound."""

    ratio_db: float
    wobble_db: float
    scatter_db: float
    reactive: float
    direct: float  # share of active cells with directness above 0.9
    diagonal: float
    axes: np.ndarray  # share of the intensity on each velocity channel, adds to 1
    patches: int
    cells: int


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return part / np.maximum(whole, 1e-30)


def _decibels(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    return np.clip(10 * np.log10((over + 1e-12) / (under + 1e-12)), -40.0, 40.0)


def spectra(windows: np.ndarray, rate: int) -> np.ndarray:
    """`(windows, channels, samples)` to `(windows, channels, cells, BINS_A_CELL)`, complex."""
    length = windows.shape[-1]
    x = np.fft.rfft(windows * np.hanning(length).astype(np.float32))
    lowest = max(1, round(LOWEST_HZ * length / rate))
    highest = int(min(HIGHEST_HZ * length / rate, 0.42 * length))
    cells = max(0, highest - lowest) // BINS_A_CELL
    x = x[:, :, lowest : lowest + cells * BINS_A_CELL]
    return x.reshape(*x.shape[:2], cells, BINS_A_CELL)


def cells_of(x: np.ndarray, pressure: int, velocity: tuple[int, ...], length: int) -> Cells:
    """Cells of `spectra` with W in one channel and X, Y, Z (in any order) in others."""
    w, v = x[:, pressure], x[:, list(velocity)]
    energy = (abs(w) ** 2).sum(axis=-1)
    parts = (abs(v) ** 2).sum(axis=-1)
    cross = (w[:, None].conj() * v).sum(axis=-1)
    total = energy + parts.sum(axis=1)
    if total.size == 0:
        return Cells(energy, parts, cross, np.zeros(total.shape, bool))
    # 40 dB below the loudest cell of all and 30 below the loudest of its frequency: what is
    # lower is often the noise of a converter, which is four unrelated sounds.
    active = (total > 1e-4 * total.max()) & (total > 1e-3 * total.max(axis=0))
    return Cells(energy, parts, cross, active & (total > FLOOR * length))


def field_of(cells: Cells) -> Field | None:
    """None where there is too little sound to say anything."""
    active, direct = cells.active, cells.active & (cells.directness > 0.9)
    count, directs = int(active.sum()), int(direct.sum())
    if count < 8:
        return None
    each = _decibels(cells.total_velocity, cells.pressure)[active]
    patches = _patches(cells)
    low, high = np.quantile(patches, [0.2, 0.8])
    coherent = active & (cells.coherence > 0.9)
    turned = cells.directness < 0.8 * cells.coherence
    norm = np.sqrt((cells.cross.real**2).sum(axis=1, keepdims=True))
    direction = cells.cross.real / np.maximum(norm, 1e-30)
    weight = (active * cells.directness)[:, None]
    root = len(direction[0]) ** 0.5
    return Field(
        ratio_db=float(np.median(patches)),
        wobble_db=float(high - low),
        scatter_db=float(np.subtract(*np.quantile(each, [0.75, 0.25]))),
        reactive=float(turned[coherent].mean()) if coherent.sum() >= 10 else 0.3,
        direct=directs / count,
        diagonal=float((direction.sum(axis=1) * direct).sum() / root / max(directs, 1)),
        axes=(direction**2 * weight).sum(axis=(0, 2)) / max(weight.sum(), 1e-30),
        patches=len(patches),
        cells=count,
    )


def _patches(cells: Cells) -> np.ndarray:
    """The ratio, dB, in each patch that holds enough sound."""
    starts = np.arange(0, len(cells.active), WINDOWS_A_PATCH)
    split = np.arange(BANDS_OF_PATCHES) * cells.active.shape[1] // BANDS_OF_PATCHES
    split = np.unique(split)

    def summed(x):
        return np.add.reduceat(np.add.reduceat(x, starts, axis=0), split, axis=1)

    enough = summed(cells.active.astype(int)) >= 8
    if not enough.any():
        enough = summed(cells.active.astype(int)) > 0
    velocity, pressure = (
        summed(x * cells.active)[enough] for x in (cells.total_velocity, cells.pressure)
    )
    return _decibels(velocity, pressure)


def student(x: float, scale: float) -> float:
    """Log density of Student's t, three degrees of freedom: normal in the middle, long tails."""
    return float(np.log(0.3675 / scale) - 2 * np.log1p((x / scale) ** 2 / 3))


def order_evidence(axes: np.ndarray) -> float:
    """Log-odds of W,X,Y,Z against W,Y,Z,X from the shares of the three velocity channels.

    With a Dirichlet prior on the shares of x, y, z whose exponents are a_x > a_y > a_z, the
    log-odds are (a_x - a_y) ln s1 + (a_y - a_z) ln s2 + (a_z - a_x) ln s3. It is a habit of
    scenes and not physics, so it is held within ±3 (20 : 1).
    """
    s1, s2, s3 = np.maximum(axes, 1e-4)
    return float(np.clip(0.8 * np.log(s1 / s3) + 1.0 * np.log(s2 / s3), -3, 3))


def convention_evidence(field: Field, ratios: dict, losses=NO_LOSS) -> dict[str, float]:
    """Log-likelihood with prior of each convention in `ratios`, given that it is one of them."""
    scale = _scale(field)
    return {
        name: float(
            np.logaddexp.reduce(
                [
                    np.log(p * prior) + student(field.ratio_db - level + db, scale)
                    for db, p in losses
                ]
            )
        )
        for name, (level, prior) in ratios.items()
    }


def _scale(field: Field) -> float:
    wobble = field.wobble_db
    return 0.15 + 0.4 * wobble + 0.15 * wobble**2 + (0.5 if field.patches < BANDS_OF_PATCHES else 0)


def ambisonic_odds(field: Field, evidence: dict[str, float], prior: float = PRIOR) -> float:
    """Log-odds that this is ambisonics at all.

    The ratio speaks through the likelihood of the conventions against that of just any ratio; the
    rest through what unrelated, panned, spaced or copied channels do and a sound field doesn't.
    """
    any_of_them = float(np.logaddexp.reduce(list(evidence.values())))
    fit = max(any_of_them - student(field.ratio_db - 3, 6), -6)
    # Equal levels give N3D's ratio without any sound field, by copies or by unrelated sounds: N3D
    # must also show waves, from elsewhere than the diagonal.
    equal = max(0.0, 1 - abs(field.ratio_db - N3D_DB) / 0.5)
    even = float(np.clip((len(field.axes) * field.axes.min() - 0.4) / 0.4, 0, 1))
    copied = even * max(0.0, field.diagonal - 0.8) / 0.2
    waveless = max(0.0, 1 - field.direct / 0.02)
    return (
        prior
        + 0.7 * fit
        - 0.8 * max(0.0, field.scatter_db - 4.5)
        - 0.3 * min(field.wobble_db, 8.0)
        - 1.7 * field.reactive
        - 1.0 * float(np.log(max(field.direct, 0.03)))
        - 6.0 * equal * copied
        - 4.0 * equal * waveless
        - 2.6 * waveless
    )


def posterior(evidence: dict[str, float], odds: float) -> dict[str | None, float]:
    """Probabilities that add to one; None stands for "not ambisonics"."""
    sound_field = 1 / (1 + np.exp(-odds))
    names = list(evidence)
    likelihood = np.array([evidence[name] for name in names])
    likelihood = np.exp(likelihood - likelihood.max())
    likelihood /= likelihood.sum()
    found = {n: float(sound_field * p) for n, p in zip(names, likelihood, strict=True)}
    return found | {None: float(1 - sound_field)}


def first_order(field: Field, dead: tuple[int, ...] = ()) -> dict[str | None, float]:
    """The posterior over ambix, n3d, fuma (and wxy) for four channels with W first.

    `dead`: the silent ones among channels 1, 2, 3. A lone dead one is mostly Z, the third of FuMa
    and the second of ACN; seldom X or Y, where every source lies in the plane across it.
    """
    if dead in ((2,), (3,)):
        usual = ("ambix", "n3d") if dead == (2,) else ("fuma", "wxy")
        across = {n: (db, 0.05 * p) for n, (db, p) in RATIOS.items() if n not in usual}
        flats = {n: FLAT_RATIOS[n] for n in usual}
        evidence = convention_evidence(field, flats, HEIGHT_LOSS)
        evidence |= convention_evidence(field, across)
        return posterior(evidence, ambisonic_odds(field, evidence))
    evidence = convention_evidence(field, RATIOS)
    odds = ambisonic_odds(field, evidence)
    lean = order_evidence(field.axes) / 2
    leaning = {n: e + (lean if n == "fuma" else -lean) for n, e in evidence.items()}
    return posterior(leaning, odds)


def flat(ratios: dict, field: Field, prior: float = PRIOR) -> dict[str | None, float]:
    """The posterior where Z is missing, so that the ratio falls short of its due."""
    evidence = convention_evidence(field, ratios, HEIGHT_LOSS)
    return posterior(evidence, ambisonic_odds(field, evidence, prior))
