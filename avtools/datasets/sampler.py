"""Which clips a step of training sees: a pure function of seed, step, rank and world size.

The stream of a seed is epoch after epoch without a seam, each the clips in another order. Step s
takes the next world x batch of it, the ranks one after the other their share of `batch`:

    position = (s x world + rank) x batch + 0 … batch - 1,
    epoch = position // count, place in that epoch's order = position % count.

So no clip is left out or seen twice in an epoch, whatever the batch; a batch may hold the end of
one epoch and the beginning of the next. Nothing is kept from step to step: resuming needs the
number of the step. All draws are integer arithmetic that gives the same on every machine.
"""

from functools import lru_cache

import numpy as np

ORDER, START, EXAMPLE = 1, 2, 3  # what a draw is for: no two are of one number
WORD = 2**64 - 1


def mix(*words: int | np.ndarray) -> np.ndarray:
    """64 well-mixed bits, uint64, of whole numbers or arrays of them (SplitMix64's finaliser)."""
    mixed = np.zeros((), np.uint64)
    with np.errstate(over="ignore"):
        for word in words:
            word = np.asarray(word & WORD if isinstance(word, int) else word).astype(np.uint64)
            mixed = (mixed ^ word) + np.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            mixed = mixed ^ (mixed >> np.uint64(31))
    return np.asarray(mixed)


def uniform(*words: int | np.ndarray) -> np.ndarray:
    """Numbers in [0, 1) drawn by `mix`."""
    return (mix(*words) >> np.uint64(11)) * 2.0**-53


@lru_cache(maxsize=2)  # a batch may lie in two epochs
def order(seed: int, epoch: int, count: int) -> np.ndarray:
    """The numbers 0 … count - 1 as an epoch has them. Not to be written to."""
    numbers = np.argsort(mix(seed, ORDER, epoch, np.arange(count)), kind="stable")
    numbers.flags.writeable = False
    return numbers


def positions(step: int, batch: int, rank: int = 0, world: int = 1) -> np.ndarray:
    """Where in the stream the batch of a step lies for one rank."""
    if not 0 <= rank < world or batch < 1 or step < 0:
        raise ValueError(
            f"step {step}, batch {batch}, rank {rank} of {world}: expected step >= 0,"
            " batch >= 1 and 0 <= rank < world"
        )
    return (step * world + rank) * batch + np.arange(batch)


def clips_at(seed: int, where: np.ndarray, count: int, shuffle: bool = True) -> tuple:
    """(epochs, numbers of the clips) at these positions of the stream."""
    epochs, at = np.divmod(where, count)
    if not shuffle:
        return epochs, at
    numbers = np.empty_like(at)
    for epoch in np.unique(epochs):
        here = epochs == epoch
        numbers[here] = order(seed, int(epoch), count)[at[here]]
    return epochs, numbers
