"""Is a tool as sure as it should be? Probabilities and what was so, errors and confidence."""

import numpy as np

from avtools.plot.figure import COLOURS, degrees, page, say_nothing

# Clips of like confidence that a mean of errors is drawn of, and how many means at most.
LEAST, GROUPS = 8, 10
NOTHING = "no clips"


class ReliabilityPicture:
    """In bins of probability: what was said, what was so, and between which ends that may lie.

    `edges` (bins + 1,), `count` (bins,); `said`, `so`, `low` and `high` (bins,), whatever they are
    where the count is 0. `error` is the expected calibration error.
    """

    def __init__(self, edges, count, said, so, low, high, error: float, title: str = ""):
        self.edges, self.count = np.asarray(edges, float), np.asarray(count, int)
        shares = [np.asarray(x, float) for x in (said, so, low, high)]
        if any(len(x) != len(self.edges) - 1 for x in (self.count, *shares)):
            raise ValueError(f"{len(self.edges)} edges, expected one more than bins")
        self.said, self.so, self.low, self.high = shares
        self.error, self.title = error, title

    def save(self, path: str) -> None:
        total = int(self.count.sum())
        told = f"expected calibration error {self.error:.3f}, {total} clips" if total else NOTHING
        title = f"{self.title}: {told}" if self.title else told
        with page(path, title, 8.0) as figure:
            if not total:
                return say_nothing(figure.subplots(), NOTHING)
            self.draw(*figure.subplots(2, 1, sharex=True, height_ratios=(3, 1)))

    def draw(self, upper, lower) -> None:
        used = self.count > 0
        said, so = self.said[used], self.so[used]
        ends = np.stack([so - self.low[used], self.high[used] - so]).clip(0)
        upper.plot([0, 1], [0, 1], color="0.6", lw=1.2, ls="--", label="as it should be")
        upper.errorbar(
            said,
            so,
            ends,
            fmt="o",
            ms=7,
            capsize=3,
            color=COLOURS[0],
            ecolor=COLOURS[5],
            label="share of clips, 95 % interval",
        )
        upper.legend(frameon=False, loc="lower right")
        upper.set(xlim=(0, 1), ylim=(-0.03, 1.03), ylabel="share that was so")
        middle, width = (self.edges[1:] + self.edges[:-1]) / 2, np.diff(self.edges)
        lower.bar(middle, self.count, 0.92 * width, color=COLOURS[0], alpha=0.7)
        for place, count in zip(middle[used], self.count[used], strict=True):
            lower.annotate(f"{count}", (place, count), ha="center", va="bottom", size=11)
        lower.margins(y=0.25)
        lower.set(ylabel="clips", xlabel="probability that was given")


class ErrorPicture:
    """Of clips: the error in degrees (n,), 0...180, and the confidence (n,), 0...1."""

    def __init__(self, error, confidence, title: str = ""):
        error, confidence = np.asarray(error, float), np.asarray(confidence, float)
        there = np.isfinite(error) & np.isfinite(confidence)
        self.error, self.confidence, self.title = error[there], confidence[there], title

    def save(self, path: str) -> None:
        count = len(self.error)
        told = NOTHING
        if count:
            told = f"error {np.mean(self.error):.1f}° on average, median {self.median:.1f}°"
        title = f"{self.title}: {told}, {count} clips" if count else f"{self.title}: {told}"
        with page(path, title, 8.0) as figure:
            if not count:
                return say_nothing(figure.subplots(), NOTHING)
            self.draw(*figure.subplots(2, 1))

    @property
    def median(self) -> float:
        return float(np.median(self.error))

    def draw(self, upper, lower) -> None:
        self._draw_shares(upper)
        self._draw_confidence(lower)

    def _draw_shares(self, axes) -> None:
        """How many have which error (bars), and how many have less (line)."""
        axes.hist(
            self.error,
            np.arange(0, 181, 5),
            weights=np.full(len(self.error), 100 / len(self.error)),
            color=COLOURS[5],
            label="of 5° each",
        )
        ordered = np.sort(self.error)
        below = np.arange(len(ordered) + 1) * (100 / len(ordered))
        axes.step(
            np.concatenate([[0], ordered, [180]]),
            np.concatenate([below, [100]]),
            where="post",
            color=COLOURS[0],
            label="with no more",
        )
        axes.set(xlim=(0, 180), ylim=(0, 102), ylabel="% of clips", xlabel="error")
        _degree_axis(axes.xaxis)
        axes.legend(frameon=False, loc="center right")

    def _draw_confidence(self, axes) -> None:
        axes.plot(self.confidence, self.error, "o", ms=4, alpha=0.45, color=COLOURS[5], mew=0)
        order = np.argsort(self.confidence, kind="stable")
        groups = min(GROUPS, len(order) // LEAST)
        if groups:
            parts = np.array_split(order, groups)
            axes.plot(
                [self.confidence[part].mean() for part in parts],
                [self.error[part].mean() for part in parts],
                "o-",
                color=COLOURS[1],
                label="mean of clips of like confidence",
            )
            axes.legend(frameon=False, loc="upper right")
        axes.set(xlim=(0, 1), ylim=(0, 180), ylabel="error", xlabel="confidence")
        _degree_axis(axes.yaxis)


def _degree_axis(axis) -> None:
    axis.set_ticks(range(0, 181, 45), [degrees(a).lstrip("+") for a in range(0, 181, 45)])
