"""YT-360: ten-second clips of YouTube's 360° videos with first-order ambisonics.

    video/{id}-{start}.mp4  audio/{id}-{start}.m4a
    segmentation/{id}-{start}/{things,stuff}-%04d.png   four a second
    train.txt test.txt   ids;   segments.txt   id s1,s2,...

Below `data/yt360`, or in the folder itself; the lists there too or in `datasets/assets/yt360`.
Ids have 11 characters and may hold `-`. The m4a are AAC tagged 5.1, whose channels are X, Y, W, -,
Z, -: they come out as AmbiX.
"""

import os
import re

import numpy as np

from avtools.datasets.clip import Clip
from avtools.datasets.dataset import Dataset, collected, files_in, first_folder, names_in, path_of
from avtools.datasets.listing import lines
from avtools.errors import AvtoolsError, note

SIGNS = "video/{id}-{start}.mp4 and audio/{id}-{start}.m4a (also below data/yt360)"
NAME = re.compile(r"([\w-]{11})-(\d+)")
PLACES = ("data/yt360", "yt360", "")
LISTS = ("", "datasets/assets/yt360", "data/yt360")
SOUNDS = (".m4a", ".opus", ".webm", ".ogg", ".wav", ".flac", ".mp4")

# A map is of 80 things, 54 stuff classes; the first of these only says that it is a thing.
THINGS, NOTHING = 80, 255
MAPS_A_SECOND = 4
# The 32 of them that the segmentation task keeps, in its order.
KEPT = (
    "0 2 4 8 3 6 62 56 60 55 59 25 5 7 58 66 "
    "120 132 117 119 130 123 126 101 125 124 106 127 131 104 103 116"
)
KEPT = tuple(int(k) for k in KEPT.split())


def _place(root: str) -> str | None:
    for place in PLACES:
        folder = first_folder(root, place)
        names = names_in(os.path.join(folder, "video")) if folder else []
        if any(NAME.fullmatch(os.path.splitext(name)[0]) for name in names):
            return folder
    return None


def fits(root: str) -> bool:
    return _place(root) is not None


def read(root: str) -> Dataset:
    place = _place(root)
    if place is None:
        raise AvtoolsError(f"{root}: no {SIGNS}")
    splits, named = _lists([root, place])
    videos = files_in(os.path.join(place, "video"), [".mp4", ".webm", ".mkv"])
    sounds = files_in(os.path.join(place, "audio"), SOUNDS)
    maps = set(names_in(os.path.join(place, "segmentation")))
    clips = []
    for key in sorted(videos.keys() | sounds.keys()):
        form = NAME.fullmatch(key)
        if not form:
            continue
        named.add(key)  # a clip of which one half is there is one that is missing
        if (videos and key not in videos) or (sounds and key not in sounds):
            continue
        folder = os.path.join(place, "segmentation", key)
        clips.append(
            Clip(
                key,
                source=form[1],
                sound=path_of(sounds, key) or videos[key],
                video=path_of(videos, key),
                convention="youtube",
                split=splits.get(form[1]),
                segmentation=folder if key in maps else None,
            )
        )
    return collected("yt360", root, clips, len(named - {clip.key for clip in clips}))


def _lists(roots: list[str]) -> tuple[dict[str, str], set[str]]:
    """The split of each id, and the names of the clips that there should be."""
    folders = [os.path.join(root, name) for root in roots for name in LISTS]
    folder = next((f for f in folders if os.path.isfile(os.path.join(f, "train.txt"))), None)
    if folder is None:
        note(f"{roots[0]}: YT-360 without train.txt and test.txt: its clips have no split")
        return {}, set()
    splits = {}
    for split in ("train", "test"):
        path = os.path.join(folder, f"{split}.txt")
        if os.path.isfile(path):
            splits |= dict.fromkeys(lines(path), split)
    named, path = set(), os.path.join(folder, "segments.txt")
    for line in lines(path) if os.path.isfile(path) else ():
        source, _, starts = line.partition(" ")
        named |= {f"{source}-{s.strip()}" for s in starts.split(",") if s.strip()}
    return splits, named


def segmentation(clip: Clip, time: float) -> np.ndarray:
    """`(height, width)` uint8 at a time of the clip: things 0-79, stuff 80-133, nothing 255.

    Of the maps the one shown then: that before it where one is missing.
    """
    from avtools.datasets.pieces import read_picture

    if clip.segmentation is None:
        raise AvtoolsError(f"{clip.key}: a clip without segmentation maps")
    names = set(names_in(clip.segmentation))
    first = 0 if "things-0000.png" in names else 1
    wanted = first + int((clip.start + time) * MAPS_A_SECOND + 1e-6)
    for number in range(wanted, first - 1, -1):
        pair = [f"{kind}-{number:04d}.png" for kind in ("things", "stuff")]
        if names.issuperset(pair):
            things, stuff = (
                read_picture(os.path.join(clip.segmentation, name))[..., 0] for name in pair
            )
            return merged(things, stuff)
    raise AvtoolsError(f"{clip.segmentation}: no map at or before {time:g} s")


def merged(things: np.ndarray, stuff: np.ndarray) -> np.ndarray:
    """One map of things and, where there is no thing, stuff."""
    # The largest value of either says: nothing of my kind.
    behind = np.where(stuff < 54, stuff + np.uint8(THINGS), np.uint8(NOTHING))
    return np.where(things < THINGS, things, behind).astype(np.uint8)
