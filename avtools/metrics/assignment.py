"""Who belongs to whom: pairs of rows and columns whose costs add up to the least."""

import numpy as np

from avtools.metrics.checks import finite


def assign(cost) -> tuple[np.ndarray, np.ndarray]:
    """Rows in order and the column of each, of costs `(rows, columns)`; min(rows, columns) pairs.

    The Hungarian method (Kuhn 1955) with shortest augmenting paths. Rows and columns have prices,
    and no pair costs less than its two prices together; pairs that are taken cost exactly that.
    Each row in turn looks for the cheapest way to a free column, past columns whose rows would
    have to move on; then prices are raised along the tree of ways that was searched, so that both
    rules hold again.
    """
    cost = finite("cost", cost)
    if cost.ndim != 2:
        raise ValueError(f"cost of shape {cost.shape}, expected (rows, columns)")
    if cost.shape[0] > cost.shape[1]:
        columns, rows = assign(cost.T)
        order = np.argsort(rows)
        return rows[order], columns[order]
    row_price, column_price = np.zeros(cost.shape[0]), np.zeros(cost.shape[1])
    owner = np.full(cost.shape[1], -1)
    taken = np.full(cost.shape[0], -1)
    for row in range(len(cost)):
        way, via, passed, end = _cheapest_way(cost - column_price, row_price, owner, row)
        gain = way[end] - way[passed]
        row_price[row] += way[end]
        row_price[owner[passed]] += gain
        column_price[passed] -= gain
        while end >= 0:
            mover = owner[end] = via[end]
            taken[mover], end = end, taken[mover]
    return np.arange(len(cost)), taken


def _cheapest_way(cost, row_price, owner, row):
    """Of each column the length of the way, the row before it; columns passed; the free one."""
    way, via = np.full(len(owner), np.inf), np.full(len(owner), -1)
    open_columns = np.ones(len(owner), bool)
    so_far, passed = 0.0, []
    while True:
        step = so_far + cost[row] - row_price[row]
        better = open_columns & (step < way)
        way[better], via[better] = step[better], row
        column = int(np.argmin(np.where(open_columns, way, np.inf)))
        if owner[column] < 0:
            return way, via, np.array(passed, int), column
        open_columns[column] = False
        passed.append(column)
        so_far, row = way[column], owner[column]
