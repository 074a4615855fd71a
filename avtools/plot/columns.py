"""A table over time with a bounded number of columns, for sounds whose length is not known.

Every column is one step of time. When the columns are used up, pairs of neighbours become one and
the step doubles. The step is the first one times a power of two, and floor(floor(x) / 2) is
floor(x / 2), so a row ends up in the same column as if the last step had been known from the
start: nothing depends on when the columns were folded.
"""

import numpy as np

MOST_COLUMNS = 1200
HELD_ROWS = 256
SHORTEST_STEP = 1e-4  # seconds; times closer than this are one time
LEAST = -1e300  # the key of a row that has none: worse than any other


class Columns:
    """Sums and means of rows of numbers, in `most` columns of time at the most.

    `hop` is the time between two rows; where it is not given, it is the shortest one between the
    first HELD_ROWS. Times rise: one before the first belongs to the first column. A row whose
    time is not finite is left out, and a number that is not finite counts as 0.
    """

    def __init__(self, shape: tuple[int, ...] = (), hop: float | None = None, most=MOST_COLUMNS):
        if most < 2 or most % 2:
            raise ValueError(f"{most} columns, expected an even number from 2 on")
        if hop is not None and not 0 < hop < np.inf:
            raise ValueError(f"a hop of {hop} s, expected more than 0")
        self.shape, self.most, self.hop = tuple(shape), most, hop
        self.held, self.held_rows = [], 0
        self.first, self._step, self._used = 0.0, None, 0
        self._total = np.zeros((most, *self.shape))
        self._count = np.zeros(most, np.int64)

    def add(self, times, rows, keys=None) -> None:
        """One time and one row of `shape`, or n times and rows `(n, *shape)`."""
        times = np.array(times, np.float64, ndmin=1)
        rows = np.array(rows, np.float64).reshape(len(times), *self.shape)
        keys = None if keys is None else np.array(keys, np.float64, ndmin=1)
        fine = np.isfinite(times)
        if not fine.all():
            times, rows = times[fine], rows[fine]
            keys = None if keys is None else keys[fine]
        if len(times):
            self.held.append((times, rows, keys))
            self.held_rows += len(times)
        if self.held_rows >= HELD_ROWS:
            self._settle()

    @property
    def used(self) -> int:
        self._settle()
        return self._used

    @property
    def step(self) -> float:
        """Seconds a column."""
        self._settle()
        return self._step or self.hop or 1.0

    @property
    def span(self) -> tuple[float, float]:
        """The times at which the first column begins and the last one ends."""
        self._settle()
        return self.first, self.first + self._used * self.step

    @property
    def times(self) -> np.ndarray:
        """The middle of every column, `(used,)`."""
        return self.first + (np.arange(self.used) + 0.5) * self.step

    @property
    def count(self) -> np.ndarray:
        """Rows in every column, `(used,)`."""
        return self._count[: self.used]

    @property
    def total(self) -> np.ndarray:
        """`(used, *shape)`"""
        return self._total[: self.used]

    @property
    def mean(self) -> np.ndarray:
        """`(used, *shape)`, NaN in a column without rows."""
        count = self.count.reshape(-1, *[1] * len(self.shape))
        return np.divide(self.total, count, out=np.full(self.total.shape, np.nan), where=count > 0)

    def _settle(self) -> None:
        """Put the rows that are held into their columns."""
        if not self.held:
            return
        times, rows, keys = zip(*self.held, strict=True)
        self.held, self.held_rows = [], 0
        times, rows = np.concatenate(times), np.concatenate(rows)
        if self._step is None:
            self._step = self.hop or shortest_hop(times)
            self.first = float(times.min()) - self._step / 2
        place = np.floor(np.maximum(times - self.first, 0.0) / self._step)
        last = float(place.max())
        while last >= self.most:
            self._fold()
            self._step *= 2
            self._used = -(-self._used // 2)
            place, last = np.floor(place / 2), last // 2
        self._used = max(self._used, int(last) + 1)
        self._put(place.astype(np.int64), rows, None if keys[0] is None else np.concatenate(keys))

    def _put(self, place, rows, keys) -> None:
        rows = np.where(np.isfinite(rows), rows, 0.0)
        if (np.diff(place) < 0).any():
            order = np.argsort(place, kind="stable")
            place, rows = place[order], rows[order]
        columns, begin, count = np.unique(place, return_index=True, return_counts=True)
        self._total[columns] += np.add.reduceat(rows, begin, axis=0)
        self._count[columns] += count

    def _fold(self) -> None:
        for kept in (self._total, self._count):
            half = self.most // 2
            kept[:half] = kept[0::2] + kept[1::2]
            kept[half:] = 0


class Strongest(Columns):
    """In every column and cell, the values that came with the greatest key.

    A mean over a column would show a place where nothing was heard whenever a track jumps; what
    is kept here was found. `shape` is `(cells, values)`, keys are `(n, cells)`; a row counts in
    the cells where its first value is finite.
    """

    def __init__(self, shape: tuple[int, int], hop: float | None = None, most=MOST_COLUMNS):
        super().__init__(shape, hop, most)
        self._total[:] = np.nan
        self._key = np.full((most, shape[0]), -np.inf)

    def add(self, times, rows, keys=None) -> None:
        """`keys` is `(n, cells)`, or `(cells,)` for one row."""
        if keys is None:
            raise ValueError("the strongest of rows without keys, expected one key a cell")
        times = np.array(times, np.float64, ndmin=1)
        super().add(times, rows, np.array(keys, np.float64).reshape(len(times), self.shape[0]))

    @property
    def kept(self) -> np.ndarray:
        """`(used, cells, values)`, NaN where nothing was found."""
        return self.total

    def _put(self, place, rows, keys) -> None:
        cells = self.shape[0]
        flat = (place[:, None] * cells + np.arange(cells)).ravel()
        values = rows.reshape(-1, self.shape[1])
        keys = np.nan_to_num(keys.ravel(), nan=LEAST, posinf=-LEAST, neginf=LEAST)
        best, kept = self._key.reshape(-1), self._total.reshape(-1, self.shape[1])
        better = np.flatnonzero(np.isfinite(values[:, 0]) & (keys > best[flat]))
        better = better[np.argsort(keys[better], kind="stable")]
        # Of an index that comes twice the last value stays: the one of the greatest key.
        best[flat[better]], kept[flat[better]] = keys[better], values[better]
        np.add.at(self._count, place, 1)

    def _fold(self) -> None:
        half = self.most // 2
        later = (self._key[1::2] > self._key[0::2])[..., None]
        self._total[:half] = np.where(later, self._total[1::2], self._total[0::2])
        self._key[:half] = np.maximum(self._key[0::2], self._key[1::2])
        self._count[:half] = self._count[0::2] + self._count[1::2]
        self._total[half:], self._key[half:], self._count[half:] = np.nan, -np.inf, 0


def shortest_hop(times: np.ndarray) -> float:
    """Seconds between the closest two times that are not one."""
    apart = np.diff(np.sort(times))
    apart = apart[apart > SHORTEST_STEP]
    return float(apart.min()) if len(apart) else 1.0
