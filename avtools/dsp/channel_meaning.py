"""From counts, a sample of windows and the container's hints to what the channels mean.

One function a number of channels; each returns a `Meaning`. What the container marks is a strong
prior (55 : 1) and not the last word, so that a file with the wrong mark is found.
"""

from dataclasses import dataclass, field

import numpy as np

from avtools.dsp import foa_statistics as foa
from avtools.dsp.ambisonics import order_of
from avtools.dsp.findings import dead_channels, deaths, identical, stereo_faults
from avtools.dsp.hoa_statistics import higher_order
from avtools.dsp.tally import Facts

SURE = 0.9
MARK = 4.0  # log-odds that a mark adds to its convention
YOUTUBE_PRIOR = foa.PRIOR + 2.0  # real 5.1 seldom has just LFE and one rear channel silent
SHUFFLED_PRIOR = foa.PRIOR - 2.5
Z_SLOT = {"ambix": 2, "n3d": 2, "fuma": 3, "wxy": 3, "youtube": 4}


@dataclass(frozen=True)
class Hints:
    label: str = ""
    marked: str | None = None
    picture_360: bool | None = None
    head_locked: bool | None = None

    @property
    def convention(self) -> str | None:
        """What the container names; FFmpeg's `ambisonic N` is ACN and SN3D."""
        if self.marked is None and self.label == "fuma":
            return "fuma"
        if self.marked is None and self.label.startswith("ambisonic"):
            return "ambix"
        return self.marked

    @property
    def loudspeakers(self) -> str:
        """The label, if it names loudspeakers."""
        ambisonic = self.label == "fuma" or self.label.startswith("ambisonic")
        return "" if ambisonic or self.label.endswith(" channels") else self.label


@dataclass
class Meaning:
    layout: str = "unknown"
    convention: str | None = None
    confidence: float = 0.0
    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    probabilities: dict[str | None, float] = field(default_factory=dict)
    statistics: foa.Field | None = None


def meaning_of(facts: Facts, windows: np.ndarray, rate: int, hints: Hints) -> Meaning:
    channels, dead = len(facts.level_db), dead_channels(facts)
    if facts.frames == 0 or len(dead) == channels:
        meaning = Meaning(faults=["silent" if facts.frames else "empty"])
        return _by_count(meaning, channels, hints)
    if channels == 1:
        meaning = Meaning("mono", None, 1.0)
    elif channels == 2:
        meaning = _two(facts, dead, hints)
    else:
        meaning = _many(facts, windows, rate, hints, dead)
    if hints.convention and channels < 3:
        meaning.faults.append(f"contradicts metadata: {meaning.layout}")
    return _said_of_pictures(meaning, hints)


def _by_count(meaning: Meaning, channels: int, hints: Hints) -> Meaning:
    """What a sound without sound can still be called."""
    if channels <= 2:
        meaning.layout, meaning.confidence = ("mono", "stereo")[channels - 1], 1.0
    elif hints.convention and (order_of(channels) or 0) >= 1:
        meaning.layout = f"ambisonic {order_of(channels)}"
        meaning.convention, meaning.confidence = hints.convention, SURE
    elif hints.loudspeakers:
        meaning.layout, meaning.confidence = hints.loudspeakers, 0.5
    return meaning


def _two(facts: Facts, dead: tuple[int, ...], hints: Hints) -> Meaning:
    meaning = Meaning("stereo", None, 1.0 if hints.label == "stereo" else 0.95)
    if dead:
        meaning.faults = deaths(facts, dead)
    else:
        meaning.faults, meaning.remarks = stereo_faults(facts)
    return meaning


def _many(facts: Facts, windows: np.ndarray, rate: int, hints: Hints, dead) -> Meaning:
    if identical(facts, dead):
        layout = hints.loudspeakers or "unknown"
        return Meaning(layout, None, SURE, [*deaths(facts, dead), "identical channels"])
    channels = len(facts.level_db)
    locked = 2 if order_of(channels - 2) and not order_of(channels) else 0
    order = order_of(channels - locked)
    if channels == 6 and {3, 5} <= set(dead) and 2 not in dead:
        meaning = _youtube(windows, rate, dead)
    elif channels == 3:
        meaning = _flat_three(windows, rate, dead)
    elif order == 1:
        meaning = _first(windows, rate, dead)
    elif order:
        meaning = Meaning(probabilities=higher_order(windows, rate, order))
    else:
        meaning = Meaning(probabilities={None: 1.0})
    named = "" if not order else f"ambisonic {order}" + (" + stereo" if locked else "")
    if meaning.layout == "unknown":
        meaning.layout = named or "ambisonic 1"
    _decide(meaning, hints, locked)
    if meaning.layout.endswith("stereo"):
        meaning.remarks.append("head-locked stereo")
    if meaning.layout.startswith("ambisonic"):
        _said_of_ambisonics(meaning, facts, hints, dead)
    else:
        _said_of_others(meaning, facts, hints, dead, bool(order))
    return meaning


def _first(windows: np.ndarray, rate: int, dead: tuple[int, ...]) -> Meaning:
    """Four channels with W first, whatever follows them."""
    if 0 in dead or {1, 2, 3} <= set(dead):
        return Meaning(probabilities={None: 1.0})
    x = foa.spectra(windows[:, :4], rate)
    found = foa.field_of(foa.cells_of(x, 0, (1, 2, 3), windows.shape[-1]))
    silent = tuple(c for c in dead if c < 4)
    chances = foa.first_order(found, silent) if found else {}
    if chances and windows.shape[1] == 4 and not silent:
        x[:, 3] *= 2**0.5
        other = _one_convention("xywz", x, 2, (1, 3, 0), windows.shape[-1], SHUFFLED_PRIOR)
        if other.probabilities:
            chances = _either(chances, other.probabilities)
    return Meaning(probabilities=chances, statistics=found)


def _either(one: dict, other: dict) -> dict:
    """Probabilities over both sets of conventions; each knows its odds against None."""
    odds = {n: p / max(d[None], 1e-9) for d in (one, other) for n, p in d.items()}
    whole = sum(odds.values())
    return {n: p / whole for n, p in odds.items()}


def _flat_three(windows: np.ndarray, rate: int, dead: tuple[int, ...]) -> Meaning:
    """W, X, Y (or W, Y, X: their order can't be told)."""
    if dead:
        return Meaning()
    x = foa.spectra(windows, rate)
    found = foa.field_of(foa.cells_of(x, 0, (1, 2), windows.shape[-1]))
    if found is None:
        return Meaning()
    either = {"wxy": (foa.SN3D_DB, 0.6), "fuma": (foa.FUMA_DB, 0.4)}
    chances = foa.flat(either, found, foa.PRIOR - 1)
    meaning = Meaning(statistics=found)
    if chances["fuma"] > chances["wxy"]:
        meaning.remarks.append("fuma levels")
    meaning.probabilities = {"wxy": chances["fuma"] + chances["wxy"], None: chances[None]}
    return meaning


def _youtube(windows: np.ndarray, rate: int, dead: tuple[int, ...]) -> Meaning:
    x = foa.spectra(windows, rate)
    losses = foa.HEIGHT_LOSS if 4 in dead else foa.NO_LOSS
    return _one_convention("youtube", x, 2, (1, 4, 0), windows.shape[-1], YOUTUBE_PRIOR, losses)


def _one_convention(
    name: str, x: np.ndarray, w: int, yzx: tuple, length: int, prior: float, losses=foa.NO_LOSS
) -> Meaning:
    """SN3D in these places, or no ambisonics."""
    found = foa.field_of(foa.cells_of(x, w, yzx, length))
    meaning = Meaning("ambisonic 1", statistics=found)
    if found is not None:
        evidence = foa.convention_evidence(found, {name: (foa.SN3D_DB, 1.0)}, losses)
        meaning.probabilities = foa.posterior(evidence, foa.ambisonic_odds(found, evidence, prior))
    return meaning


def _decide(meaning: Meaning, hints: Hints, locked: int) -> None:
    """Layout, convention and confidence from the probabilities and what the container says."""
    chances = meaning.probabilities
    if not chances:
        if hints.convention:
            meaning.convention, meaning.confidence = hints.convention, 0.75
        else:
            meaning.layout = hints.loudspeakers or "unknown"
        return
    if hints.convention:
        chances = weighed(chances, {hints.convention: MARK})
    elif locked and hints.loudspeakers and hints.head_locked is not True:
        chances = weighed(chances, {None: 2.0})
    best = max(chances, key=chances.get)
    if hints.convention not in (None, best) and chances[best] >= SURE:
        meaning.faults.append(f"contradicts metadata: {best or 'not ambisonic'}")
    meaning.probabilities, meaning.confidence = chances, chances[best]
    if best is None or chances.get(None, 0.0) > 0.5:
        meaning.layout = hints.loudspeakers or "unknown"
    elif meaning.confidence >= 0.5:
        meaning.convention = best


def weighed(chances: dict, log_odds: dict) -> dict:
    """Probabilities with more (or less) weight on some of them."""
    scaled = {n: p * np.exp(log_odds.get(n, 0.0)) for n, p in chances.items()}
    whole = sum(scaled.values())
    return {n: float(p / whole) for n, p in scaled.items()}


def _said_of_ambisonics(meaning: Meaning, facts: Facts, hints: Hints, dead) -> None:
    # A lone dead channel behind W is Z, whichever convention it is.
    z = Z_SLOT.get(meaning.convention, dead[0] if dead in ((2,), (3,)) else -1)
    spare = (3, 5) if meaning.convention == "youtube" else ()
    meaning.faults += deaths(facts, tuple(c for c in dead if c != z and c not in spare))
    if z in dead:
        meaning.faults.append("missing Z")
    if meaning.convention == "wxy" and len(facts.level_db) == 3:
        meaning.faults.append("missing Z")
    if meaning.convention == "xywz":
        meaning.faults.append("shuffled channels")
    if hints.loudspeakers.startswith("5.1"):
        meaning.faults.append("5.1-tagged ambisonics")
    if not hints.convention:
        if hints.picture_360:
            meaning.faults.append("no spatial metadata")
        else:
            meaning.remarks.append("unmarked ambisonics")


def _said_of_others(meaning: Meaning, facts: Facts, hints: Hints, dead, could: bool) -> None:
    # An unused bass channel is no fault of surround sound.
    spare = (3,) if hints.loudspeakers.startswith(("5.1", "7.1")) else ()
    meaning.faults += deaths(facts, tuple(c for c in dead if c not in spare))
    meaning.remarks = [r for r in meaning.remarks if r != "fuma levels"]
    if could and meaning.confidence >= 0.5 and not hints.loudspeakers:
        meaning.remarks.append("not ambisonic")


def _said_of_pictures(meaning: Meaning, hints: Hints) -> Meaning:
    if hints.picture_360 and not meaning.layout.startswith("ambisonic"):
        meaning.remarks.append("no ambisonics")
    return meaning
