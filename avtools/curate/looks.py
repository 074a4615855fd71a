"""One picture of a clip, for the contact sheets of its channel."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from avtools.curate.manifest import Fate, channel_of
from avtools.curate.survey import stamp
from avtools.curate.work_folder import place_of
from avtools.datasets.clip import Clip

MOST = 24  # clips of a channel
WIDTH = 240


def chosen(fates: Iterable[tuple[Clip, Fate]]) -> dict[str, list[tuple[Clip, Fate]]]:
    """Of each channel some clips that were kept, then some that were not but have a picture."""
    kept: dict[str, list] = {}
    others: dict[str, list] = {}
    for clip, fate in fates:
        channel = channel_of({"channel": clip.channel, "source": clip.source, "clip": clip.key})
        into = kept if fate.kept else others
        if fate.stage != "container" and len(into.setdefault(channel, [])) < MOST:
            into[channel].append((clip, fate))
    channels = dict.fromkeys([*kept, *others])
    return {c: (kept.get(c, []) + others.get(c, []))[:MOST] for c in channels}


def place(folder: Path, clip: Clip) -> Path:
    return place_of(folder, f"{clip.key}\n{stamp(clip)}", ".jpg")


def take(group: Iterable[Clip], folder: str) -> list[tuple[str, bool]]:
    """Write the picture in the middle of each clip: a task of the engine."""
    return [(clip.key, _take(clip, Path(folder))) for clip in group]


def _take(clip: Clip, folder: Path) -> bool:
    from avtools.datasets.jpeg import encode
    from avtools.errors import AvtoolsError
    from avtools.stream.outputs import whole

    try:
        middle = (clip.duration or 0.0) / 2
        picture = clip.see(fps=1, start=middle, duration=0.5)[0]
        height, width = picture.shape[:2]
        data = encode(picture, (WIDTH, max(1, round(WIDTH * height / width))))
    except (AvtoolsError, ValueError, OSError):
        return False
    path = place(folder, clip)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as temporary:
        temporary.write_bytes(data)
    return True


def lost(clip: Clip) -> tuple[str, bool]:
    return clip.key, False


def cells(some: Iterable[tuple[Clip, Fate]], folder: Path) -> list:
    """(picture, caption) of those that have a picture."""
    import numpy as np

    from avtools.datasets.jpeg import decode_into, shape

    found = []
    for clip, fate in some:
        if place(folder, clip).exists():
            data = place(folder, clip).read_bytes()
            picture = np.empty((*shape(data), 3), np.uint8)
            decode_into(data, picture)
            word = "kept" if fate.kept else fate.reason.partition(":")[0]
            found.append((picture, f"{clip.key.rpartition('/')[2]}\n{word}"))
    return found


def sheet_name(channel: str) -> str:
    """A name that any file system takes, of its own for each channel."""
    plain = "".join(c if c.isalnum() or c in "-_" else "-" for c in channel)[:60].strip("-")
    if plain == channel:
        return f"{plain}.png"
    digest = hashlib.blake2b(channel.encode("utf-8", "surrogateescape"), digest_size=3).hexdigest()
    return f"{plain}-{digest}.png"
