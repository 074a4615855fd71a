"""Splits that do not leak: all clips of one source stand on one side."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from avtools.datasets.clip import SPLITS, Clip

SHARES = (0.8, 0.1, 0.1)


def split_of(source: str, shares: tuple[float, ...] = SHARES, seed: int = 0) -> str:
    """The side of a source: a function of its name and the seed alone.

    So it stays where it is when others are added or go, on every machine; the shares are met on
    average, not to the clip.
    """
    if len(shares) != 3 or min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
        raise ValueError(f"shares {shares}: expected three from 0 to 1 that add up to 1")
    text = f"{seed}\0{source}".encode("utf-8", "surrogateescape")
    place = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()) / 2**64
    train, val, _ = shares
    # The last share that is not nothing takes what rounding leaves of the sum.
    if place < train or not (shares[1] or shares[2]):
        return "train"
    return "val" if place < train + val or not shares[2] else "test"


def split_by_source(
    clips: Iterable[Clip], shares: tuple[float, ...] = SHARES, seed: int = 0
) -> list[Clip]:
    """The same clips, each with the split of its source."""
    return [replace(clip, split=split_of(clip.source, shares, seed)) for clip in clips]


def check_leaks(clips: Iterable[Clip]) -> dict[str, list[str]]:
    """Source -> its splits, of the sources that stand in more than one.

    Clips without a split beside others with one count, as "none": any side may get them.
    """
    splits: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        splits[clip.source].add(clip.split or "none")
    return {
        source: [name for name in (*SPLITS, "none") if name in seen]
        for source, seen in sorted(splits.items())
        if len(seen) > 1
    }
