"""What passed, packed in the work folder clip by clip, and then gathered into shards.

A clip is packed where it is judged, while its frames are at hand; shards are made when all is
known, from those packed clips, in an order that mixes sources and is the same on every run. A
shard is published whole (avtools/datasets/shard_writer.py), then written down, and only then are
its packed clips removed: whenever a run is killed, each clip lies in one of the two places.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from avtools.curate.plan import mixed
from avtools.curate.survey import stamp
from avtools.curate.work_folder import place_of
from avtools.datasets.clip import Clip
from avtools.errors import AvtoolsError, reason

CLIPS = 64


@dataclass(frozen=True)
class Shard:
    """A shard as it shall be. `digest` tells it from one of other clips."""

    path: str
    clips: dict[str, str] = field(repr=False)  # and the stamp of each one's files
    digest: str

    @property
    def name(self) -> str:
        return Path(self.path).name


def stamped(clip: Clip) -> str:
    """What tells this state of a clip's files from others."""
    return json.dumps(stamp(clip))


def place(shelf: str | Path, clip: str, stamp: str) -> Path:
    return place_of(shelf, f"{clip}\n{stamp}", ".tar")


def pack_clip(view, figures: dict, shelf: Path) -> None:
    """Write down the clip of a cascade's view; a second time changes nothing."""
    from avtools.datasets.packed import pack

    clip, settings = view.clip, view.settings
    meta = {
        "source": clip.source,
        "channel": clip.channel,
        "file": Path(clip.video).name,
        "start": clip.start,
        "duration": clip.duration,
        "convention": "ambix" if settings.kind == "360" else "stereo",
        "label": clip.label,
        "has_height": clip.has_height,
        "figures": figures,
    }
    path = place(shelf, clip.key, stamped(clip))
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = view.sound[:4] if settings.kind == "360" else view.sound
    packed = pack(
        clip.key, view.frames, settings.fps, sound, settings.rate, meta, size=settings.size
    )
    packed.save(path)


def shards_of(kept: Iterable[tuple[str, str, str]], folder: Path, part: str) -> list[Shard]:
    """The shards of (clip, split, stamp): some 64 clips of one split each, sources mixed."""
    splits: dict[str, list[tuple[int, str, str]]] = {}
    for clip, split, mark in kept:
        splits.setdefault(split, []).append((mixed(f"shard:{clip}"), clip, mark))
    made = []
    for split, clips in sorted(splits.items()):
        count = -(-len(clips) // CLIPS)
        numbered: dict[int, dict[str, str]] = {}
        for number, clip, mark in sorted(clips):
            numbered.setdefault(shard_number(number, count), {})[clip] = mark
        for k, held in sorted(numbered.items()):
            path = folder / f"{split}-{part}{k:06d}.tar"
            made.append(Shard(str(path), held, f"{mixed(repr(held)):016x}"))
    return made


def shard_number(number: int, count: int) -> int:
    """Which of `count` shards a clip's number puts it in, such that few clips ever move.

    Linear hashing: the last bits of the number choose among the least power of two that is not
    below `count`; of these, a shard that isn't there yet is still in one with the half of it.
    One shard more takes its clips out of one alone; a shard holds 64 clips on average, and twice
    that at most, about, before it is divided.
    """
    power = 1 << (count - 1).bit_length()
    k = number % power
    return k if k < count else k - power // 2


def is_published(shard: Shard, record: dict | None) -> bool:
    """Whether this very shard stands there whole, as it was written down."""
    return record is not None and record["digest"] == shard.digest and is_whole(shard.path)


def is_whole(path: str | Path) -> bool:
    from avtools.datasets.shard_index import index_path, read_index

    try:
        return Path(path).stat().st_size == read_index(index_path(path)).tar_size
    except (OSError, ValueError):
        return False


def gather(group: Sequence[Shard], shelf: str) -> list[tuple[Shard, bool]]:
    """Write shards from packed clips: a task of the engine."""
    from avtools.datasets.shard_writer import merge

    for shard in group:
        try:
            merge([place(shelf, *clip) for clip in shard.clips.items()], shard.path)
        except (ValueError, OSError) as error:
            raise AvtoolsError(f"{shard.path}: {reason(error)}") from error
    return [(shard, True) for shard in group]


def take_back(
    group: Sequence[tuple[str, dict[str, str]]], shelf: str
) -> list[tuple[str, str | None]]:
    """Pack clips again out of shards that are to be written anew: a task of the engine. What a
    damaged shard still gives is taken; (its path, what is wrong with it)."""
    return [(path, _taken_back(path, wanted, shelf)) for path, wanted in group]


def _taken_back(path: str, wanted: dict[str, str], shelf: str) -> str | None:
    clips = _clips_in(path)
    while True:
        try:
            clip = next(clips, None)
        except AvtoolsError as error:
            return reason(error).removeprefix(f"{path}: ")
        if clip is None:
            return None
        if clip.key in wanted:
            target = place(shelf, clip.key, wanted[clip.key])
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                clip.save(target)
            except (ValueError, OSError) as error:
                raise AvtoolsError(f"{target}: {reason(error)}") from error


def _clips_in(path: str) -> Iterator:
    """All of a shard, or an error: a damaged header looks like the end of a tar."""
    from avtools.datasets.packed import unpacked
    from avtools.datasets.shard_index import index_path, read_index
    from avtools.datasets.tar import read_clips

    found = 0
    try:
        for _, name, members in read_clips(path):
            yield unpacked(*members, where=f"{path}: {name}")
            found += 1
        expected = len(read_index(index_path(path)).records)
    except ValueError as error:
        raise AvtoolsError(f"{path}: {reason(error).removeprefix(f'{path}: ')}") from error
    if found != expected:
        raise AvtoolsError(f"{path}: {found} clips can be read, expected {expected}")


def without(path: str, dropped: frozenset[str]) -> bool:
    """Write a shard anew without some of its clips; where none is left it goes. True if changed."""
    from avtools.datasets.shard_writer import write_shard

    keys = [clip.key for clip in _clips_in(path)]
    if not dropped & set(keys):
        return False
    if dropped >= set(keys):
        remove(path)
    else:
        write_shard(path, (clip for clip in _clips_in(path) if clip.key not in dropped))
    return True


def remove(path: str | Path) -> None:
    """The index first: what is left of a killed removal is a tar that nobody takes for a shard."""
    from avtools.datasets.shard_index import index_path

    index_path(path).unlink(missing_ok=True)
    Path(path).unlink(missing_ok=True)
