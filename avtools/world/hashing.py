"""Chance while rendering: noise and textures as functions of whole numbers, on any device.

A hash mixes a key and coordinates into 32 bits: "lowbias32", found by search by Chris Wellons (hash
prospector, 2018). It is written in int64, in which no product below overflows, so the processor and
every accelerator give the same bits.
"""

import torch

BITS = 0xFFFFFFFF
# The multipliers; of one above 2^31, what is left when 2^32 is taken off: the same modulo 2^32.
FIRST, SECOND = 0x7FEB352D, 0x846CA68B - (1 << 32)
GOLDEN = 0x9E3779B1 - (1 << 32)
# Hashes that are worked on at once: on a processor they stay in its cache.
AT_ONCE = {"cpu": 1 << 17}
AT_ONCE_ELSEWHERE = 1 << 25


def mixed(x: torch.Tensor) -> torch.Tensor:
    """Whole numbers (...) int64, of which the low 32 bits count, as others from 0 to 2^32 - 1."""
    x = x & BITS
    x ^= x >> 16
    x *= FIRST
    x &= BITS
    x ^= x >> 15
    x *= SECOND
    x &= BITS
    x ^= x >> 16
    return x


def whole(values, device=None) -> torch.Tensor:
    """Whole numbers of any kind as an int64 tensor."""
    return torch.as_tensor(values, device=device).to(torch.int64)


def hashed(keys, *coordinates) -> torch.Tensor:
    """32 bits, int64, of keys and whole coordinates (may be negative) that broadcast.

    The last coordinate is the cheapest to be long: what comes before it is mixed once.
    """
    keys = whole(keys)
    # The bits of a key above the 32nd count, too.
    result = mixed(mixed(keys >> 32) + keys)
    for coordinate in coordinates:
        step = (whole(coordinate, result.device) & BITS) * GOLDEN
        result = mixed(result ^ step)
    return result


def uniform(hashes: torch.Tensor) -> torch.Tensor:
    """Hashes as float32 in [0, 1): their upper 24 bits, which is what a float32 holds."""
    return (hashes >> 8).to(torch.float32) * 2.0**-24


def white(keys, n: int, device="cpu") -> torch.Tensor:
    """(..., n) float32 in [-1, 1), white noise of each key (...). RMS 1 / sqrt 3."""
    keys = whole(keys, device)
    rows = keys.reshape(-1, 1)
    out = torch.empty((len(rows), n), dtype=torch.float32, device=rows.device)
    limit = AT_ONCE.get(rows.device.type, AT_ONCE_ELSEWHERE)
    across = max(1, limit // max(1, n))
    along = min(n, limit)
    for row in range(0, len(rows), across):
        some = rows[row : row + across]
        for start in range(0, n, max(1, along)):
            places = torch.arange(start, min(n, start + along), device=rows.device)
            bits = hashed(some, places)
            bits >>= 8
            torch.mul(bits, 2.0**-23, out=out[row : row + across, start : start + along])
    return out.sub_(1.0).reshape(*keys.shape, n)
