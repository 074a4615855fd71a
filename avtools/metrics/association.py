"""Do two things go together: a position heard and one seen, an embedding and a direction?

Conventions
- Pearson's R is of the numbers, Spearman's of their ranks (equal numbers share the mean of
  theirs); both -1...1. Rows in which either is NaN are left out. With fewer than two rows, or
  where one of the two never changes, there is no R: NaN.
- The first canonical correlation (Hotelling 1936) is the highest R that a weighted sum of the one's
  columns can have with one of the other's, 0...1. It is fitted to the rows that it is given: with
  p and q columns, rows well above 10 (p + q) are needed, and p + q >= rows - 1 is always 1. On
  held-out rows use `canonical_weights` of others.
- Table 1 of the supplement to Yang, Russell and Salamon (CVPR 2020) gives R and Spearman's R of
  projections of embeddings against the log energy difference of left and right.
"""

import numpy as np

from avtools.metrics.checks import numbers, row, same_length
from avtools.metrics.ranks import midranks

# A spread below this part of the numbers themselves is rounding.
LEAST_SPREAD = 1e-10


def validate(reference, estimate) -> tuple[np.ndarray, np.ndarray]:
    """Both `(n,)` float64 without the rows in which either is NaN."""
    reference, estimate = row("reference", reference), row("estimate", estimate)
    same_length(reference=reference, estimate=estimate)
    there = ~(np.isnan(reference) | np.isnan(estimate))
    return reference[there], estimate[there]


def pearson(reference, estimate) -> float:
    """Linear correlation of `(n,)` and `(n,)`."""
    reference, estimate = validate(reference, estimate)
    if len(reference) < 2 or not np.ptp(reference) or not np.ptp(estimate):
        return float("nan")
    a, b = reference - reference.mean(), estimate - estimate.mean()
    # Each by its largest first: squares of very large or small numbers leave float64.
    a, b = a / abs(a).max(), b / abs(b).max()
    return float(np.clip((a @ b) / np.sqrt((a @ a) * (b @ b)), -1, 1))


def spearman(reference, estimate) -> float:
    """Rank correlation of `(n,)` and `(n,)`."""
    reference, estimate = validate(reference, estimate)
    return pearson(midranks(reference), midranks(estimate))


def canonical_correlation(first, second) -> float:
    """The highest correlation of weighted sums of columns, of `(n, p)` and `(n, q)`."""
    first, second = _tables(first, second)
    (a, _), (b, _) = _basis(first), _basis(second)
    if not a.shape[1] or not b.shape[1]:
        return float("nan")
    return float(min(1.0, np.linalg.svd(a.T @ b, compute_uv=False)[0]))


def canonical_weights(first, second) -> tuple[np.ndarray, np.ndarray]:
    """The weights `(p,)` and `(q,)` of that correlation, to be used on other rows.

    Of each table an orthonormal basis is made; the two directions in them that are nearest to each
    other are the first singular vectors of their inner products.
    """
    first, second = _tables(first, second)
    (a, to_a), (b, to_b) = _basis(first), _basis(second)
    if not a.shape[1] or not b.shape[1]:
        raise ValueError("a table whose rows are all alike, expected some that differ")
    left, _, right = np.linalg.svd(a.T @ b)
    return to_a @ left[:, 0], to_b @ right[0]


def evaluate(reference, estimate) -> dict[str, float]:
    """Pearson's and Spearman's R, and how many rows they are of."""
    reference, estimate = validate(reference, estimate)
    return {
        "pearson": pearson(reference, estimate),
        "spearman": spearman(reference, estimate),
        "rows": float(len(reference)),
    }


def _tables(first, second) -> tuple[np.ndarray, np.ndarray]:
    first, second = numbers("first", first), numbers("second", second)
    first, second = (x[:, None] if x.ndim == 1 else x for x in (first, second))
    if first.ndim != 2 or second.ndim != 2 or len(first) != len(second):
        raise ValueError(f"tables of {first.shape} and {second.shape}: expected (n, p), (n, q)")
    there = ~(np.isnan(first).any(axis=1) | np.isnan(second).any(axis=1))
    return first[there], second[there]


def _basis(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal columns `(n, rank)` that span a table's, means off, and how to come to them."""
    if len(table) < 2:
        return np.zeros((len(table), 0)), np.zeros((table.shape[1], 0))
    largest = np.maximum(abs(table).max(axis=0), 1e-300)
    table = table / largest - (table / largest).mean(axis=0)
    spread = np.linalg.norm(table, axis=0)
    # A constant leaves but rounding; all others count alike, whatever their units.
    scale = np.where(spread > LEAST_SPREAD, 1 / np.maximum(spread, LEAST_SPREAD), 0)
    u, size, v = np.linalg.svd(table * scale, full_matrices=False)
    used = size > LEAST_SPREAD
    return u[:, used], (scale / largest)[:, None] * v[used].T / size[used]
