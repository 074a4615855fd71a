"""One text for numpy and torch: the array-API dialect in which stateless maths is written.

`xp = namespace(x)` is numpy itself for numpy arrays, so that a pipe imports nothing more, and
array_api_compat's torch for tensors, where the same lines run batched on a GPU.
"""

import sys

import numpy as np


def namespace(*arrays):
    """The module whose functions take these arrays; numbers and None take part in either."""
    torch = sys.modules.get("torch")
    if torch is None or not any(isinstance(a, torch.Tensor) for a in arrays):
        return np
    if any(isinstance(a, np.ndarray) for a in arrays):
        raise ValueError("numpy arrays and torch tensors in one call; expected one kind")
    import array_api_compat.torch as xp

    return xp


def like(array, values):
    """`values` as an array of the same kind, precision and device as `array`, real."""
    xp = namespace(array)
    if xp is np:
        return np.asarray(values, dtype=np.zeros(0, array.dtype).real.dtype)
    return xp.asarray(values, dtype=array.real.dtype, device=array.device)
