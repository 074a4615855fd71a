"""What one pass over a sound counts: levels, peaks, clipping, DC, NaN, and an even sample of it.

A block comes in as `(channels, samples)` and may be of any length; inside, the sound is cut into
chunks of CHUNK frames counted from its start, so that every split into blocks gives the same
answer. Memory is constant: sums, three past flags a channel, and at most MOST_WINDOWS short
windows spread over everything heard so far.
"""

from dataclasses import dataclass

import numpy as np

CHUNK = 4096
MOST_WINDOWS = 512
FOLD = 16  # frames folded into one row, so that numpy's reductions run over long rows

# 32767/32768, the largest 16-bit sample, is 0.99997; a limiter's ceiling of -0.1 dB is 0.9886.
FULL_SCALE = 0.9999
CLIPPED_RUN = 3  # samples; one or two can be an honest peak


@dataclass
class Facts:
    """The counts over `frames` frames, `(channels,)` unless said otherwise."""

    frames: int
    level_db: np.ndarray  # rms against full scale, -inf for zeros
    peak: np.ndarray
    mean: np.ndarray
    mean_error: np.ndarray  # standard error of the mean, from the means of the chunks
    covariance: np.ndarray  # (channels, channels), about the means
    clipped_runs: int
    first_clip: int | None  # frame
    bad_samples: int  # NaN or infinite; counted as zeros elsewhere
    first_bad: int | None  # frame


class Tally:
    def __init__(self, channels: int):
        self.channels, self.frames = channels, 0
        self.gram = np.zeros((channels, channels))
        self.sum = np.zeros(channels)
        self.chunk_means, self.chunk_squares = np.zeros(channels), np.zeros(channels)
        self.chunks = 0
        self.peak = np.zeros(channels)
        self.flags = np.zeros((CLIPPED_RUN, channels), bool)  # at full scale: the last samples
        self.clipped_runs, self.first_clip = 0, None
        self.bad_samples, self.first_bad = 0, None

    def add(self, x: np.ndarray) -> np.ndarray:
        """Count chunks, `(chunks, frames, channels)`; returns them without NaN and infinity."""
        with np.errstate(all="ignore"):
            gram = np.matmul(x.transpose(0, 2, 1), x)
        if not np.isfinite(gram).all():
            x = self._cleaned(x)
            wide = x.astype(np.float64)
            gram = np.matmul(wide.transpose(0, 2, 1), wide)
        self.gram += gram.sum(axis=0, dtype=np.float64)
        sums = np.matmul(np.ones(x.shape[1], x.dtype), x).astype(np.float64)
        self.sum += sums.sum(axis=0)
        self.chunk_means += (sums / x.shape[1]).sum(axis=0)
        self.chunk_squares += ((sums / x.shape[1]) ** 2).sum(axis=0)
        self.chunks += len(x)
        peaks = _peaks(x)
        self.peak = np.maximum(self.peak, peaks.max(axis=0))
        self._clipping(x, peaks)
        self.frames += x.shape[0] * x.shape[1]
        return x

    def _cleaned(self, x: np.ndarray) -> np.ndarray:
        good = np.isfinite(x)
        bad = ~good.all(axis=2).reshape(-1)
        if self.first_bad is None and bad.any():
            self.first_bad = self.frames + int(bad.argmax())
        self.bad_samples += int(x.size - np.count_nonzero(good))
        return np.where(good, x, np.float32(0))

    def _clipping(self, x: np.ndarray, peaks: np.ndarray) -> None:
        loud = (peaks >= FULL_SCALE).any(axis=1)
        for i in np.flatnonzero(loud):
            if i and not loud[i - 1]:
                self.flags[:] = False
            flags = np.concatenate([self.flags, np.abs(x[i]) >= FULL_SCALE])
            # A run counts once, where it reaches its third sample.
            third = flags[3:] & flags[2:-1] & flags[1:-2] & ~flags[:-3]
            if third.any():
                self.clipped_runs += int(np.count_nonzero(third))
                if self.first_clip is None:
                    start = int(third.any(axis=1).argmax()) - (CLIPPED_RUN - 1)
                    self.first_clip = self.frames + int(i) * x.shape[1] + start
            self.flags = flags[-CLIPPED_RUN:].copy()
        if len(loud) and not loud[-1]:
            self.flags[:] = False

    def facts(self) -> Facts:
        n, chunks = max(self.frames, 1), max(self.chunks, 1)
        mean = self.sum / n
        # Too few chunks can't tell an offset from a slow wave.
        enough = 0.0 if chunks >= 4 else np.inf
        spread = self.chunk_squares / chunks - (self.chunk_means / chunks) ** 2
        with np.errstate(divide="ignore"):
            level = 10 * np.log10(np.diag(self.gram) / n)
        return Facts(
            frames=self.frames,
            level_db=level,
            peak=self.peak,
            mean=mean,
            mean_error=np.sqrt(np.maximum(spread, 0) / max(chunks - 1, 1)) + enough,
            covariance=self.gram / n - np.outer(mean, mean),
            clipped_runs=self.clipped_runs,
            first_clip=self.first_clip,
            bad_samples=self.bad_samples,
            first_bad=self.first_bad,
        )


def _peaks(x: np.ndarray) -> np.ndarray:
    """The largest magnitude in each chunk, `(chunks, channels)`."""
    chunks, frames, channels = x.shape
    if frames % FOLD == 0:
        x = x.reshape(chunks, frames // FOLD, FOLD * channels)
    most = np.maximum(x.max(axis=1), -x.min(axis=1))
    return most.reshape(chunks, -1, channels).max(axis=1)


def window_length(rate: int) -> int:
    """About 20 ms as a power of two: long against a period, short against a syllable."""
    return min(CHUNK, 1 << max(4, int(np.log2(rate / 40))))


class Sample:
    """Every stride-th window of a sound; the stride doubles whenever there are too many."""

    def __init__(self, length: int):
        self.length, self.stride, self.seen, self.kept = length, 1, 0, []

    def add(self, x: np.ndarray) -> None:
        """Whole windows, `(frames, channels)` with frames a multiple of the length."""
        windows = x.reshape(-1, self.length, x.shape[-1])
        first = -self.seen % self.stride
        self.kept += [w.T.copy() for w in windows[first :: self.stride]]
        self.seen += len(windows)
        while len(self.kept) > MOST_WINDOWS:
            del self.kept[1::2]
            self.stride *= 2

    def windows(self, channels: int) -> np.ndarray:
        """`(windows, channels, length)`"""
        if not self.kept:
            return np.zeros((0, channels, self.length), np.float32)
        return np.stack(self.kept)
