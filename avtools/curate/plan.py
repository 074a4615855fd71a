"""Which stretches of which files become clips: drawn once, the same on every run.

A clip's identity is the name of its footage and where it begins there. Footage is laid out in slots
as long as a clip, side by side from its beginning on, and of these the ones with the lowest hash of
the seed and the slot's number become clips, at most so many of a source. Neither names nor other
files change anything, and a file's length only says which slots there are: copies of a video under
other names, re-encoded or cut off at the end, give the same clips, which are then found to be
copies. Those of a copy that was cut at its beginning lie elsewhere in the picture and are not.
"""

import hashlib
import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from avtools.curate.survey import files_key, usable_seconds
from avtools.datasets.clip import Clip

# Shorter than this share of a clip's length, a stretch is not worth being one.
LEAST_SHARE = 0.5
# Containers say lengths about: 9.98 s are meant as ten.
SLACK_MS = 100


@dataclass(frozen=True)
class Planned:
    """One row of the manifest: a clip to be looked at, or what there is instead."""

    clip: Clip
    reason: str | None = None  # why there is nothing to look at
    facts: dict | None = None


def by_source(footage: Iterable[Clip]) -> dict[str, list[Clip]]:
    """Sources in the order of their first footage."""
    sources: dict[str, list[Clip]] = {}
    for clip in footage:
        sources.setdefault(clip.source, []).append(clip)
    return sources


def planned(
    sources: dict[str, list[Clip]], facts_of, seconds: float, most: int, seed: int
) -> Iterator[list[Planned]]:
    """The clips of one source after the other. `facts_of` the files' key gives its facts."""
    for footage in sources.values():
        known = [facts_of(files_key(clip)) for clip in footage]
        yield _of_source(footage, known, round(seconds * 1000), most, seed)


def _of_source(
    footage: list[Clip], known: list[dict | None], clip_ms: int, most: int, seed: int
) -> list[Planned]:
    rooms, rows = [], []
    for clip, facts in zip(footage, known, strict=True):
        found = None if facts is None or facts["reason"] else usable_seconds(clip, facts)
        length_ms = 0 if found is None else int(found * 1000 + 1e-6)
        rooms.append((length_ms, room_for(length_ms, clip_ms)))
    counts = shared_out([room for _, room in rooms], most, [c.key for c in footage], seed)
    for clip, facts, (length_ms, room), count in zip(footage, known, rooms, counts, strict=True):
        if not room:
            rows.append(Planned(_at(clip, 0, None), _no_room(facts, length_ms, clip_ms), facts))
        for slot in drawn(room, count, seed):
            length = min(clip_ms, length_ms - slot * clip_ms)
            rows.append(Planned(_at(clip, slot * clip_ms, length), None, facts))
    return rows


def _no_room(facts: dict | None, length_ms: int, clip_ms: int) -> str:
    if facts is None:
        return "not looked at"
    if facts["reason"]:
        return facts["reason"]
    if not length_ms:
        return "unreadable: nobody says how long it is"
    return f"too short: {length_ms / 1000:g} s, expected {clip_ms / 1000:g} s"


def room_for(length_ms: int, clip_ms: int) -> int:
    """How many slots there are; what is somewhat shorter than one is one."""
    fit = (length_ms + SLACK_MS) // clip_ms
    return fit or int(length_ms >= LEAST_SHARE * clip_ms)


def shared_out(rooms: list[int], most: int, keys: list[str], seed: int) -> list[int]:
    """How many clips each file of a source gives, `most` in all: one each, and again."""
    if sum(rooms) <= most:
        return rooms
    counts, left = [0] * len(rooms), most
    order = sorted(range(len(rooms)), key=lambda k: mixed(f"{seed}:turn:{keys[k]}"))
    while left:
        for k in order:
            if left and counts[k] < rooms[k]:
                counts[k] += 1
                left -= 1
    return counts


@lru_cache(maxsize=4096)  # files of one length have the same draw
def drawn(room: int, count: int, seed: int) -> tuple[int, ...]:
    """`count` of the slots 0 to `room` - 1, in their order."""
    return tuple(sorted(heapq.nsmallest(count, range(room), key=lambda k: _lot(seed, k))))


@lru_cache(maxsize=1 << 16)
def _lot(seed: int, slot: int) -> int:
    return mixed(f"{seed}:slot:{slot}")


def _at(clip: Clip, start_ms: int, length_ms: int | None) -> Clip:
    """The window as a clip of its own, named by where it begins in the footage."""
    key = f"{clip.key}@{start_ms / 1000:.3f}".rstrip("0").rstrip(".")
    length = clip.duration if length_ms is None else length_ms / 1000
    return replace(clip, key=key, start=round(clip.start + start_ms / 1000, 6), duration=length)


def mixed(text: str) -> int:
    """A number from a text, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(_bytes(text), digest_size=8).digest())


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def in_part(source: str, part: tuple[int, int]) -> bool:
    """Whether a source belongs to part I of N: whole sources, by a hash of their name."""
    number, count = part
    return mixed(f"part:{source}") % count == number - 1
