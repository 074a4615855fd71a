"""What the inputs of several metrics have to be."""

import numpy as np


def numbers(name: str, values) -> np.ndarray:
    """As float64; infinities are refused, NaN is left to the caller."""
    try:
        values = np.asarray(values, float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: expected an array of numbers") from error
    if np.isinf(values).any():
        raise ValueError(f"{name}: an infinite value, expected numbers")
    return values


def finite(name: str, values) -> np.ndarray:
    """As float64, with neither NaN nor infinity."""
    values = numbers(name, values)
    if np.isnan(values).any():
        raise ValueError(f"{name}: a value that is not a number, expected numbers")
    return values


def row(name: str, values) -> np.ndarray:
    """`(n,)`."""
    values = numbers(name, values)
    if values.ndim != 1:
        raise ValueError(f"{name}: shape {values.shape}, expected one number for each")
    return values


def same_length(**arrays) -> None:
    """All have one number of rows."""
    if len({len(a) for a in arrays.values()}) > 1:
        given = ", ".join(f"{len(a)} {name}" for name, a in arrays.items())
        raise ValueError(f"{given}: expected as many of each")


def yes_or_no(name: str, values) -> np.ndarray:
    """`(n,)` bool, from bool or from 0 and 1."""
    values = np.asarray(values)
    if values.ndim != 1 or not np.isin(values, (0, 1)).all():
        raise ValueError(f"{name}: expected one of true and false for each")
    return values.astype(bool)


def sounds(reference, estimate) -> tuple[np.ndarray, np.ndarray]:
    """Two of one shape `(..., samples)`, finite and not empty."""
    reference, estimate = finite("reference", reference), finite("estimate", estimate)
    if reference.shape != estimate.shape:
        raise ValueError(
            f"reference of shape {reference.shape}, estimate of {estimate.shape}: expected the same"
        )
    if not reference.size:
        raise ValueError(f"sounds of shape {reference.shape}: expected at least one sample")
    return reference, estimate


def mean(values) -> float:
    """Of what there is; NaN of nothing."""
    values = np.asarray(values, float)
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float("nan")


def median(values) -> float:
    """Of what there is; NaN of nothing."""
    values = np.asarray(values, float)
    values = values[~np.isnan(values)]
    return float(np.median(values)) if len(values) else float("nan")
