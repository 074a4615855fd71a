"""Ranks, where equal values share the mean of theirs."""

import numpy as np


def midranks(values: np.ndarray) -> np.ndarray:
    """`(n,)`, 1 for the least. Equal values get the mean of the ranks that they take up together.

    A group of c equal values that ends at rank e takes up e - c + 1 ... e, on average e - (c-1)/2.
    """
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[group]
