"""Which normalisation a higher order is in, by the energy of its degrees.

The addition theorem: for a plane wave the squares of the 2l + 1 components of degree l add to the
square of W in SN3D, whatever its direction, and to 2l + 1 times it in N3D. Energies of incoherent
waves add, so the same holds of fields. FuMa's maxN scales single components: degree 1 stands
2 : 1 against its W/√2; degrees 2 and 3 below are its mean over directions.

Microphone arrays give degree l only above some frequency: the lower bands are left out.
"""

import numpy as np

from avtools.dsp.foa_statistics import (
    PRIOR,
    RATIOS,
    WINDOWS_A_PATCH,
    ambisonic_odds,
    cells_of,
    convention_evidence,
    field_of,
    order_evidence,
    posterior,
    spectra,
    student,
)

# The lowest frequency at which a degree is listened to.
FROM_HZ = {2: 1200.0, 3: 3000.0}

# maxN weights against SN3D, squared: degree 2 is R (1) S T U V (4/3), degree 3 is K (1) L M (45/32)
# N O (9/5) P Q (8/5); a component's mean square over directions is 1/(2l + 1), and W² is 1/2.
FUMA_DEGREES = {
    2: 2 * (1 + 4 * 4 / 3) / 5,
    3: 2 * (1 + 2 * 45 / 32 + 2 * 9 / 5 + 2 * 8 / 5) / 7,
}


def degree_levels(degree: int) -> dict[str, float]:
    """The expected energy of a degree against W in each convention, dB."""
    levels = {"ambix": 0.0, "n3d": 10 * np.log10(2 * degree + 1)}
    if degree in FUMA_DEGREES:
        levels["fuma"] = 10 * np.log10(FUMA_DEGREES[degree])
    return levels


def higher_order(windows: np.ndarray, rate: int, order: int) -> dict[str | None, float]:
    """The posterior over ambix, n3d, fuma and None; empty where there is too little sound."""
    length = windows.shape[-1]
    x = spectra(windows[:, : (order + 1) ** 2], rate)
    cells = cells_of(x, 0, (1, 2, 3), length)
    field = field_of(cells)
    if field is None:
        return {}
    names = [n for n in RATIOS if n != "fuma" or order <= 3]
    evidence = convention_evidence(field, {n: RATIOS[n] for n in names})
    odds = ambisonic_odds(field, evidence, PRIOR)
    lean = order_evidence(field.axes) / 2
    evidence = {n: e + (lean if n == "fuma" else -lean) for n, e in evidence.items()}
    hz_a_cell = rate / length * 4
    for degree in range(2, order + 1):
        lowest = int(FROM_HZ.get(degree, FROM_HZ[3]) / hz_a_cell)
        found = _level(x, cells, degree, lowest)
        if found is None:
            continue
        level, scale = found
        here = {n: student(level - db, scale) for n, db in degree_levels(degree).items()}
        before = np.logaddexp.reduce(list(evidence.values()))
        evidence = {n: e + here[n] for n, e in evidence.items()}
        gained = np.logaddexp.reduce(list(evidence.values())) - before
        odds += max(0.8 * float(gained - student(level - 3, 6)), -4.0)
    return posterior(evidence, odds)


def _level(x: np.ndarray, cells, degree: int, lowest: int) -> tuple[float, float] | None:
    """Energy of a degree against W, dB, the median over time, and its scale."""
    energy = (abs(x[:, degree**2 : (degree + 1) ** 2, lowest:]) ** 2).sum(axis=(1, 3))
    active = cells.active[:, lowest:]
    starts = np.arange(0, len(active), WINDOWS_A_PATCH)
    if active.sum() < 8:
        return None
    over = np.add.reduceat((energy * active).sum(axis=1), starts)
    under = np.add.reduceat((cells.pressure[:, lowest:] * active).sum(axis=1), starts)
    level = 10 * np.log10((over[under > 0] + 1e-12) / (under[under > 0] + 1e-12))
    low, high = np.quantile(level, [0.2, 0.8])
    return float(np.median(level)), 0.3 + 0.45 * float(high - low)
