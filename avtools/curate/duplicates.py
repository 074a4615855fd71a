"""Which clips repeat another one, by their signatures; a million of them in two minutes.

Comparing all pairs of n clips is out of the question, so a pair is compared where the sound's bits
agree in one of TABLES fixed draws of KEY of them. With a share p of the bits flipped by coding
that happens in 1 - (1 - (1 - p)^KEY)^TABLES of the pairs: all but 1 in 10^5 for p = 0.1 (AAC at 128
kbit/s flips 0.01 to 0.09), 0.9 for 0.17. Unrelated clips meet in a table with probability 2^-KEY.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from avtools.curate.signature import BYTES, SOUND_BITS
from avtools.datasets.clip import SPLITS

KEY, TABLES = 20, 96
# Sound bits and picture bits in which a copy may differ. Unrelated ones differ in half of them,
# with a standard deviation of 2.5 %; copies at 32 kbit/s or 50 ms late in up to 23 %.
SOUND_SHARE, PICTURE_SHARE = 0.25, 0.2
# Signatures of one key that are compared with each other: more of them share it for want of bits
# that change (near silence), and stand beside those that are most like them.
NEXT = 32
AT_ONCE = 1 << 18
WORDS = BYTES // 8
SOUND_WORDS = SOUND_BITS // 64


def first_of_each(signatures: Sequence[str]) -> np.ndarray:
    """For each clip the number of the first one that it repeats; -1 where it repeats none.

    Copies of copies count as copies of the first. An empty signature repeats nothing.
    """
    known = np.array([k for k, s in enumerate(signatures) if s], np.int64)
    first = np.full(len(signatures), -1)
    if len(known) < 2:
        return first
    words = _words([signatures[k] for k in known])
    roots = _roots(len(known), *matches(words))
    repeats = roots != np.arange(len(known))
    first[known[repeats]] = known[roots[repeats]]
    return first


def first_sources(sources: Iterable[str], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """For each source that shares a clip with another the first one of all that hang together.

    `sources` in their order; `pairs` of sources of which a clip of one repeats one of the other.
    What stands in a pair belongs on one side of a split: where one clip is a copy, others are too,
    though they were not drawn.
    """
    rank = {source: k for k, source in enumerate(sources)}
    above: dict[str, str] = {}

    def first(source: str) -> str:
        while (up := above.get(source, source)) != source:
            above[source] = above.get(up, up)  # half the way for the next one
            source = up
        return source

    met: dict[str, None] = {}
    for one, other in pairs:
        met |= {one: None, other: None}
        early, late = sorted((first(one), first(other)), key=rank.__getitem__)
        above[late] = early
    return {source: first(source) for source in met}


def firsts_among(clips: Iterable[str], copies: Mapping[str, str]) -> dict[str, str]:
    """Of some clips in their order those that repeat an earlier one of them -> that one. `copies`
    of clips in all."""
    firsts: dict[str, str] = {}
    found = ((clip, firsts.setdefault(copies.get(clip, clip), clip)) for clip in clips)
    return {clip: first for clip, first in found if clip != first}


def strictest_splits(said: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """Source -> of all that is said of it the split that is learned from least: what anybody calls
    test is never learned from."""
    splits: dict[str, str] = {}
    for source, split in said:
        if split is not None:
            splits[source] = max(split, splits.get(source, split), key=SPLITS.index)
    return splits


def is_signature(text: str) -> bool:
    return len(text) == 2 * BYTES and re.fullmatch("[0-9a-fA-F]*", text) is not None


def _words(signatures: list[str]) -> np.ndarray:
    """`(n, WORDS)` of 64 bits."""
    try:
        raw = b"".join(map(bytes.fromhex, signatures))
    except (ValueError, TypeError) as error:
        raise ValueError("a signature is no hexadecimal number") from error
    if {len(s) for s in signatures} != {2 * BYTES}:
        raise ValueError(f"a signature has other than {2 * BYTES} hexadecimal digits")
    return np.frombuffer(raw, np.uint64).reshape(-1, WORDS)


def matches(words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of signatures `(n, WORDS)` that are copies, each as two numbers."""
    # In the order of the signatures, so that among many of one key the most alike are neighbours.
    order = np.lexsort(words.T[::-1])
    words = words[order]
    found = [_adjacent(words)]
    bits = np.unpackbits(words[:, :SOUND_WORDS].view(np.uint8), axis=1)
    draw = np.random.default_rng(0)
    for _ in range(TABLES):
        chosen = draw.choice(SOUND_BITS, KEY, replace=False)
        found.append(_within(words, bits[:, chosen] @ (1 << np.arange(KEY, dtype=np.int32))))
    one, other = np.concatenate(found, axis=1)
    return order[one], order[other]


def _adjacent(words: np.ndarray) -> np.ndarray:
    one = np.flatnonzero((words[1:] == words[:-1]).all(axis=1))
    return np.stack([one, one + 1])


def _within(words: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Copies among signatures of the same key, `(2, pairs)`."""
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    found = [np.zeros((2, 0), np.int64)]
    for step in range(1, NEXT + 1):
        place = np.flatnonzero(keys[step:] == keys[:-step])
        if not len(place):
            break
        for k in range(0, len(place), AT_ONCE):
            one, other = order[place[k : k + AT_ONCE]], order[place[k : k + AT_ONCE] + step]
            found.append(np.stack([one, other])[:, alike(words[one], words[other])])
    return np.concatenate(found, axis=1)


def alike(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether signatures `(n, WORDS)` are of copies, pair by pair."""
    flipped = np.bitwise_count(one ^ other)
    sound = flipped[:, :SOUND_WORDS].sum(axis=1, dtype=np.int64)
    picture = flipped[:, SOUND_WORDS:].sum(axis=1, dtype=np.int64)
    most = PICTURE_SHARE * 64 * (WORDS - SOUND_WORDS)
    return (sound <= SOUND_SHARE * SOUND_BITS) & (picture <= most)


def _roots(count: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The least number that each is joined with, by any chain of pairs."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(one), bool), (one, other)), shape=(count, count))
    groups, labels = connected_components(graph, directed=False)
    least = np.full(groups, count)
    np.minimum.at(least, labels, np.arange(count))
    return least[labels]
