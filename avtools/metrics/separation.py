"""How well one sound was taken out of several.

Conventions
- Sounds are `(sources, samples)`: row k of the estimate is meant for row k of the reference,
  unless `permute`. `evaluate` also takes `(sources, channels, samples)`, and gives the mean over
  channels, each of them judged alone: the reference is then the source as it sounds at that ear.
- All figures are in dB, higher is better, +inf for an estimate without any error (with rounding:
  some 300 dB). NaN and infinity in sounds are refused.
- SI-SDR (Le Roux and others, ICASSP 2019, "SDR - half-baked or well done?"): with the reference
  scaled to be nearest to the estimate, its energy over that of what is left. Means are not
  taken off. Improvement is against the mixture in the estimate's place.
- SDR, SIR and SAR (Vincent, Gribonval and Févotte 2006; BSS Eval 3, `bss_eval_sources` in
  mir_eval): the estimate is split in what filters of 512 taps can make of its own reference, what
  they can add of the other references (interference), and the rest (artefacts). They forgive
  any equalisation, and delays up to 511 samples.
- A reference without sound is refused: nothing can be right. An estimate without sound has
  SI-SDR and SDR of -inf, and neither SIR nor SAR (NaN).
"""

import numpy as np

from avtools.metrics.assignment import assign
from avtools.metrics.checks import finite, sounds

TAPS = 512


def validate(reference, estimate) -> tuple[np.ndarray, np.ndarray]:
    """Both `(..., samples)` float64; every reference has sound."""
    reference, estimate = sounds(reference, estimate)
    if not reference.ndim:
        raise ValueError("sounds of shape (): expected (..., samples)")
    if not (reference**2).sum(axis=-1).all():
        raise ValueError("reference: a source without sound, expected sound in each")
    return reference, estimate


def si_sdr(reference, estimate) -> np.ndarray:
    """Scale-invariant signal-to-distortion ratio `(...)`, dB, of sounds `(..., samples)`.

    The scale a = <estimate, reference> / <reference, reference> leaves the least of the estimate
    beside a * reference.
    """
    reference, estimate = validate(reference, estimate)
    energy = (reference * reference).sum(axis=-1, keepdims=True)
    target = (estimate * reference).sum(axis=-1, keepdims=True) / energy * reference
    return _db((target**2).sum(axis=-1), ((estimate - target) ** 2).sum(axis=-1))


def si_sdr_improvement(reference, estimate, mixture) -> np.ndarray:
    """By how many dB `(...)` the estimate is better than the mixture, which may be `(samples,)`."""
    mixture = finite("mixture", mixture)
    try:
        mixture = np.broadcast_to(mixture, np.shape(reference))
    except ValueError as error:
        raise ValueError(
            f"mixture of shape {np.shape(mixture)}, reference of {np.shape(reference)}: "
            "expected one for all, or one for each"
        ) from error
    with np.errstate(invalid="ignore"):
        return si_sdr(reference, estimate) - si_sdr(reference, mixture)


def bss_eval(
    reference, estimate, permute: bool = False, taps: int = TAPS
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """SDR, SIR, SAR `(sources,)` and which row of the estimate was taken for each reference.

    `permute`: the order with the highest mean SIR, as mir_eval chooses it.
    """
    reference, estimate = validate(reference, estimate)
    if reference.ndim != 2:
        raise ValueError(f"sounds of shape {reference.shape}: expected (sources, samples)")
    if taps < 1:
        raise ValueError(f"filters of {taps} taps: expected 1 or more")
    sources = range(len(reference))
    project = _Projection(reference, taps)
    ratios = np.full((3, len(reference), len(reference)), np.nan)  # of reference, of estimate
    for e in sources:
        padded = np.append(estimate[e], np.zeros(taps - 1))
        explained = project(estimate[e], list(sources))
        for r in sources if permute else [e]:
            own = project(estimate[e], [r])
            ratios[:, r, e] = _ratios(padded, own, explained)
    order = np.arange(len(reference))
    if permute:
        # Not a number is worst, and the best is still a number.
        order = assign(-np.nan_to_num(ratios[1], nan=-1e3, posinf=1e3, neginf=-1e3))[1]
    return *ratios[:, np.arange(len(reference)), order], order


def evaluate(
    reference, estimate, mixture=None, permute: bool = False, taps: int = TAPS
) -> dict[str, float]:
    """Means over sources (and channels) of all figures, improvement where there is a mixture."""
    reference, estimate = validate(reference, estimate)
    if reference.ndim not in (2, 3):
        raise ValueError(
            f"sounds of shape {reference.shape}: expected (sources, samples) or "
            "(sources, channels, samples)"
        )
    made: dict[str, list] = {}
    for c in range(reference.shape[1] if reference.ndim == 3 else 1):
        r, e = (x[:, c] if x.ndim == 3 else x for x in (reference, estimate))
        sdr, sir, sar, order = bss_eval(r, e, permute, taps)
        found = {"si_sdr_db": si_sdr(r, e[order]), "sdr_db": sdr, "sir_db": sir, "sar_db": sar}
        if mixture is not None:
            m = np.asarray(mixture, float)
            m = m[..., c, :] if reference.ndim == 3 and m.ndim > 1 else m
            found["si_sdr_improvement_db"] = si_sdr_improvement(r, e[order], m)
        for name, values in found.items():
            made.setdefault(name, []).extend(values)
    with np.errstate(invalid="ignore"):
        return {name: float(np.mean(values)) for name, values in made.items()}


class _Projection:
    """What filters of some taps can make of references, nearest to a given sound.

    The filters h solve G h = d, where G has the inner products of all references at all delays and
    d those with the sound. An inner product depends on the difference of delays alone: so both
    come out of correlations, made by FFT with room for every delay.
    """

    def __init__(self, reference: np.ndarray, taps: int):
        self.taps, self.samples = taps, reference.shape[-1]
        self.size = 1 << (self.samples + taps - 2).bit_length()
        self.spectra = np.fft.rfft(reference, self.size)
        lags = np.arange(taps)[:, None] - np.arange(taps)
        count = len(reference)
        self.products = np.empty((count, taps, count, taps))
        for a in range(count):
            for b in range(count):
                self.products[a, :, b] = self._correlation(self.spectra[b], self.spectra[a])[lags]

    def __call__(self, sound: np.ndarray, use: list[int]) -> np.ndarray:
        """`(samples + taps - 1,)`: of a sound `(samples,)`, by the references `use`."""
        spectra = self.spectra[use]
        with_sound = self._correlation(np.fft.rfft(sound, self.size), spectra)[:, : self.taps]
        products = self.products[use][:, :, use].reshape(with_sound.size, -1)
        try:
            filters = np.linalg.solve(products, with_sound.ravel())
        except np.linalg.LinAlgError:
            filters = np.linalg.lstsq(products, with_sound.ravel(), rcond=None)[0]
        made = np.fft.rfft(filters.reshape(with_sound.shape), self.size) * spectra
        return np.fft.irfft(made.sum(axis=0), self.size)[: self.samples + self.taps - 1]

    def _correlation(self, later: np.ndarray, first: np.ndarray) -> np.ndarray:
        """At lag k: the inner product of `later` with `first` k samples later; -k from the end."""
        return np.fft.irfft(later * np.conj(first), self.size)


def _ratios(sound, own, explained) -> tuple[float, float, float]:
    """SDR, SIR, SAR of a sound, of which `own` comes from its source and `explained` from any."""
    if not sound.any():
        return -np.inf, np.nan, np.nan
    wanted, everything = (own**2).sum(), (explained**2).sum()
    return (
        _db(wanted, ((sound - own) ** 2).sum()),
        _db(wanted, ((explained - own) ** 2).sum()),
        _db(everything, ((sound - explained) ** 2).sum()),
    )


def _db(above, below):
    """10 log10(above / below); nothing over nothing is -inf, as nothing over something is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = 10 * (np.log10(above) - np.log10(below))
    return np.where(np.isnan(ratio), -np.inf, ratio)[()]
