"""Two sounds in one, and the picture of the first: what is its sound?

Two clips' sounds are added; the first one's, as its microphones took it, is the reference. Of
scenes that are drawn, both are of one scene: two of its sources, at least 30 degrees apart, each
rendered alone in the same room, the first one seen and without noise.
"""

import numpy as np

from avtools.datasets.clip import Clip
from avtools.dsp.sphere import angle_between, unit_vectors
from avtools.tasks.task import Task, heard, mean, pictures

APART_DEG = 30.0
# Of published figures for spectra.
RATE = 16000
SECONDS = 0.064  # of the ideal mask's windows


def examine(clips: tuple[Clip, ...], model: str, rng: np.random.Generator) -> dict:
    reference, other, rate = two(*clips)
    mixture = reference + other
    if model == "mixture":
        estimate = mixture
    elif model == "ideal":
        estimate = masked(reference, other, rate)
    else:
        estimate = separated(clips[0], mixture, rate, looks=model == "signal")
    return figures(reference, other, estimate, mixture, rate)


def two(first: Clip, second: Clip) -> tuple[np.ndarray, np.ndarray, int]:
    """The sounds of both as they are mixed: of one length and rate, the second as loud."""
    one, rate = heard(first, (2, 4))
    other, _ = second.hear(rate)
    if len(one) != len(other):
        raise ValueError(f"{len(one)} and {len(other)} channels, expected two sounds of one kind")
    count = min(one.shape[-1], other.shape[-1])
    one, other = one[:, :count], other[:, :count]
    if not one.any():
        raise ValueError("no sound in the first clip, expected one to find")
    power = float((other.astype(float) ** 2).sum())
    gain = np.sqrt((one.astype(float) ** 2).sum() / power) if power else 0.0
    return one, (gain * other).astype(np.float32), rate


def separated(clip: Clip, mixture: np.ndarray, rate: int, looks: bool) -> np.ndarray:
    from avtools.signal.motion import movement
    from avtools.signal.separate import Wish, separate_blocks

    is_360 = len(mixture) == 4
    seen = movement(pictures(clip, is_360), is_360) if looks else iter(())
    made = separate_blocks([mixture], rate, [seen], Wish(is_360, is_360))
    return np.concatenate([block[0] for block in made], axis=1)


def masked(reference: np.ndarray, other: np.ndarray, rate: int) -> np.ndarray:
    """The mixture through the ideal ratio mask: the root of the share of power that is looked for
    (Wang, Narayanan and Wang 2014, with their exponent of 1/2)."""
    from scipy.signal import istft, stft

    size = 2 * round(SECONDS * rate / 2)
    form = {"fs": rate, "nperseg": size, "noverlap": size * 3 // 4}
    a, b = (stft(x, **form)[2] for x in (reference, other))
    mask = np.sqrt(abs(a) ** 2 / (abs(a) ** 2 + abs(b) ** 2 + 1e-20))
    return istft(mask * (a + b), **form)[1][:, : reference.shape[-1]]


def figures(reference, other, estimate, mixture, rate: int) -> dict[str, float]:
    """Means over channels in which there is something to find."""
    from avtools.metrics import separation, spectrograms

    power = (reference.astype(float) ** 2).sum(axis=-1)
    there = power > 1e-6 * power.max()
    r, o, e, m = (x[there].astype(float) for x in (reference, other, estimate, mixture))
    gained = separation.si_sdr_improvement(r, e, m)
    found = {
        "si_sdr_db": float(separation.si_sdr(r, e).mean()),
        "si_sdr_improvement_db": float(gained.mean()),
    }
    if rate != RATE:
        import soxr

        r, o, e, m = (soxr.resample(x.T, rate, RATE).T for x in (r, o, e, m))
    found["magnitude_l1"] = spectrograms.magnitude_l1(r, e)
    ratios = [_ratios(*sounds) for sounds in zip(r, o, e, m, strict=True)]
    named = zip(("sdr_db", "sir_db", "sar_db"), np.mean(ratios, axis=0), strict=True)
    return found | {name: float(value) for name, value in named}


def _ratios(reference, other, estimate, mixture) -> tuple[float, float, float]:
    """SDR, SIR and SAR of one channel's estimate, the rest of the mixture standing for the rest."""
    from avtools.metrics.separation import bss_eval

    if not other.any():
        return np.nan, np.nan, np.nan
    true, made = np.stack([reference, other]), np.stack([estimate, mixture - estimate])
    sdr, sir, sar, _ = bss_eval(true, made)
    return sdr[0], sir[0], sar[0]


def things(rows: list[dict]) -> tuple[int, ...]:
    """Of a scene's truth: a source that is seen, and another that is always far enough from it."""
    sources: dict[int, list[dict]] = {}
    for row in rows:
        if row["role"] == "source":
            sources.setdefault(int(row["source"]), []).append(row)
    sounding = {k for k, some in sources.items() if any(int(r["sounding"]) for r in some)}
    for one in sorted(sounding):
        if not any(int(r["sounding"]) and float(r["visible"]) > 0.5 for r in sources[one]):
            continue
        for other in sorted(sounding - {one}):
            if _apart(sources[one], sources[other]) >= APART_DEG:
                return one, other
    return ()


def _apart(first: list[dict], second: list[dict]) -> float:
    """The least angle between two things over time."""
    a, b = (
        unit_vectors(*np.array([(float(r["azimuth"]), float(r["elevation"])) for r in some]).T)
        for some in (first, second)
    )
    return float(angle_between(a, b).min())


TASK = Task(
    name="separate",
    kinds=("stereo", "360"),
    models=("signal", "blind", "ideal", "mixture"),
    columns=(
        *("si_sdr_db", "si_sdr_improvement_db", "magnitude_l1"),
        *("sdr_db", "sir_db", "sar_db"),
    ),
    examine=examine,
    scores=(
        mean("si_sdr_improvement_db"),
        mean("si_sdr_db"),
        *(mean(name) for name in ("sdr_db", "sir_db", "sar_db")),
        mean("magnitude_l1", higher_is_better=False),
    ),
    takes=2,
    things=things,
)
