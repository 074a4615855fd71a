"""What the channels of a sound are, how sure that is, and what is wrong with them.

`Survey` hears a sound once, block by block, in constant memory; `report` then names it:

  layout                 convention          what
  mono, stereo           None                one channel, two
  ambisonic N            ambix, n3d, fuma    (N + 1)² channels; `foa_statistics` says how it knows
  ambisonic N            None                a sound field whose convention can't be told
  ambisonic 1            wxy                 W, X, Y; also as four channels with a dead Z
  ambisonic 1            youtube             six channels: X, Y, W, -, Z, -
  ambisonic 1            xywz                YouTube's six channels read as 4.0: X, Y, W, Z/√2
  ambisonic N + stereo   ambix, n3d, fuma    head-locked left and right behind it
  5.1, quad, 7.1, …      None                loudspeakers, as the container calls them
  unknown                None                none of these, or it can't be told

`confidence` is the probability of layout and convention together; below 0.5 the convention stays
open. The phrases of `problems` and `remarks` are listed in `findings`.

What the sound alone can't tell: left from right, front from back, up from down, one inverted
channel of ambisonics, and the convention of a wholly diffuse field.
"""

from dataclasses import dataclass, field

import numpy as np

from avtools.dsp.channel_meaning import Hints, Meaning, meaning_of
from avtools.dsp.findings import damage
from avtools.dsp.tally import CHUNK, Sample, Tally, window_length


@dataclass
class Report:
    layout: str
    convention: str | None
    confidence: float
    problems: list[str]  # of findings.FAULTS: they make the file faulty
    remarks: list[str]  # of findings.REMARKS
    probabilities: dict[str | None, float]  # of each convention; None: not ambisonic
    seconds: float
    level_db: list[float]  # rms a channel
    peak: list[float]
    mean: list[float]
    clipped_runs: int = 0
    first_clip: float | None = None  # seconds
    bad_samples: int = 0
    first_bad: float | None = None
    ratio_db: float | None = None  # of X, Y, Z together against W
    figures: dict[str, float] = field(default_factory=dict)  # more of foa_statistics.Field

    @property
    def verdict(self) -> str:
        """`faulty`, `fine`, or `unsure` where nothing is wrong but the layout can't be told."""
        if self.problems:
            return "faulty"
        return "fine" if self.confidence >= 0.5 else "unsure"


class Survey:
    """Hears a sound once. Every split into blocks gives the same report."""

    def __init__(self, channels: int, rate: int):
        if channels < 1 or rate < 1:
            raise ValueError(f"expected channels and a rate, not {channels} and {rate}")
        self.channels, self.rate = channels, rate
        self._tally = Tally(channels)
        self._sample = Sample(window_length(rate))
        self._rest = np.zeros((0, channels), np.float32)

    def add(self, block: np.ndarray) -> None:
        """The next samples, `(channels, samples)`; nothing of them is kept but copies."""
        if block.ndim != 2 or block.shape[0] != self.channels:
            raise ValueError(f"expected ({self.channels}, samples), not {block.shape}")
        x = np.ascontiguousarray(block.T, np.float32)
        if len(self._rest):
            missing = CHUNK - len(self._rest)
            self._rest = np.concatenate([self._rest, x[:missing]])
            x = x[missing:]
            if len(self._rest) < CHUNK:
                return
            self._count(self._rest[None])
            self._rest = self._rest[:0]
        whole = len(x) // CHUNK * CHUNK
        if whole:
            self._count(x[:whole].reshape(-1, CHUNK, self.channels))
        self._rest = x[whole:].copy()

    def _count(self, chunks: np.ndarray) -> None:
        self._sample.add(self._tally.add(chunks).reshape(-1, self.channels))

    def _finish(self) -> None:
        rest, self._rest = self._rest, self._rest[:0]
        if len(rest):
            rest = self._tally.add(rest[None])[0]
            length = self._sample.length
            if not self._sample.kept and len(rest) < length:
                rest = np.concatenate([rest, np.zeros((length - len(rest), self.channels), "f4")])
            self._sample.add(rest[: len(rest) // length * length])

    def report(
        self,
        label: str = "",
        marked: str | None = None,
        picture_360: bool | None = None,
        head_locked: bool | None = None,
    ) -> Report:
        """Name what was heard; after the last block.

        `label`: what the container calls the channels. `marked`: the convention that it names.
        `picture_360`: whether a 360° picture goes with it. `head_locked`: whether it says that
        two more channels don't turn with the head. None: the container has no word on it.
        """
        self._finish()
        facts, windows = self._tally.facts(), self._sample.windows(self.channels)
        if facts.peak.max() > 1e6:  # squares of larger ones overflow
            windows = windows / (facts.peak.max() / 1e6)
        hints = Hints(label, marked, picture_360, head_locked)
        meaning = meaning_of(facts, windows, self.rate, hints)
        faults, remarks = damage(facts, self.rate)
        return Report(
            layout=meaning.layout,
            convention=meaning.convention,
            confidence=round(meaning.confidence, 3),
            problems=meaning.faults + faults,
            remarks=meaning.remarks + remarks,
            probabilities=meaning.probabilities,
            seconds=facts.frames / self.rate,
            level_db=facts.level_db.tolist(),
            peak=facts.peak.tolist(),
            mean=facts.mean.tolist(),
            clipped_runs=facts.clipped_runs,
            first_clip=_seconds(facts.first_clip, self.rate),
            bad_samples=facts.bad_samples,
            first_bad=_seconds(facts.first_bad, self.rate),
            **_figures(meaning),
        )


def _seconds(frame: int | None, rate: int) -> float | None:
    return None if frame is None else frame / rate


def _figures(meaning: Meaning) -> dict:
    found = meaning.statistics
    if found is None:
        return {}
    names = ("wobble_db", "scatter_db", "reactive", "direct", "diagonal")
    return {"ratio_db": found.ratio_db, "figures": {n: getattr(found, n) for n in names}}


def guess(samples: np.ndarray, rate: int) -> tuple[str | None, float]:
    """The convention of four channels `(4, samples)` and its probability.

    `ambix`, `n3d` or `fuma`; None where it is not ambisonics or can't be told.
    """
    if samples.ndim != 2 or samples.shape[0] != 4:
        raise ValueError(f"expected (4, samples), not {samples.shape}")
    survey = Survey(4, rate)
    survey.add(samples)
    report = survey.report()
    known = report.convention in ("ambix", "n3d", "fuma")
    return report.convention if known else None, report.confidence
