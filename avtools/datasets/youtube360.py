"""YouTube-360 (2018): 1,189 whole 360° videos with first-order ambisonics.

    meta/spatialaudiogen_db.lst   ids;   meta/audio_layouts.txt   id WXYZ|WXY
    meta/subsets/{REC-Street,YT-Clean,YT-Music,YT-All}.{train,test}.{1,2,3}.lst
    data/frames/{id}/ambix/%06d.wav (a second each), data/frames/{id}/video/%06d.jpg (ten a second)
    data/preproc/ or data/orig/: a video and perhaps a sound whose path begins with the id

What was pre-processed is W, Y, Z, X; what was downloaded is as YouTube has it. Of two in five
videos the Z means nothing (`has_height` is False).
"""

import os
import re

from avtools.datasets.clip import Clip
from avtools.datasets.dataset import Dataset, collected, names_in
from avtools.datasets.listing import lines
from avtools.errors import AvtoolsError, note

SIGNS = "meta/spatialaudiogen_db.lst, or meta/subsets/*.lst"
SUBSETS = ("YT-All", "YT-Clean", "YT-Music", "REC-Street")
FOLDS = (1, 2, 3)
PICTURES_A_SECOND = 10.0
ID = re.compile(r"[\w-]{11}")
SOUNDS = (".m4a", ".wav", ".flac", ".opus", ".webm", ".ogg")
VIDEOS = (".mp4", ".mkv", ".webm")
DOWNLOADED = ("data/orig", "data")
PLACES = ("data/frames", "data/preproc", *DOWNLOADED, "frames", "preproc")


def fits(root: str) -> bool:
    lists = names_in(os.path.join(root, "meta", "subsets"))
    return os.path.isfile(os.path.join(root, "meta", "spatialaudiogen_db.lst")) or any(
        name.startswith(SUBSETS) and name.endswith(".lst") for name in lists
    )


def read(root: str, fold: int = 1, subset: str = "YT-All") -> Dataset:
    if subset not in SUBSETS or fold not in FOLDS:
        raise ValueError(
            f"subset {subset!r}, fold {fold}: expected {', '.join(SUBSETS)} and 1 to 3"
        )
    splits = _splits(root, fold, subset)
    flat = _flat(root)
    for place in PLACES:
        found = _found(os.path.join(root, place), splits)
        if found:
            break
    else:
        raise AvtoolsError(f"{root}: none of the videos in {', '.join(PLACES[:3])}")
    convention = "youtube" if place in DOWNLOADED else "ambix"
    clips = [
        Clip(
            key,
            source=key,
            sound=sound,
            video=video,
            convention=convention,
            split=splits[key],
            has_height=key not in flat,
            picture_rate=PICTURES_A_SECOND if os.path.isdir(video) else None,
        )
        for key, (sound, video) in found.items()
    ]
    return collected("youtube360", root, clips, len(splits.keys() - found.keys()))


def _splits(root: str, fold: int, subset: str) -> dict[str, str | None]:
    """The split of each id that is meant; of all that there are, where there are no subsets."""
    folder = os.path.join(root, "meta", "subsets")
    found: dict[str, str | None] = {}
    for split in ("train", "test"):
        path = os.path.join(folder, f"{subset}.{split}.{fold}.lst")
        if os.path.isfile(path):
            found |= dict.fromkeys(lines(path), split)
    if not found:
        note(f"{root}: no lists of {subset}, fold {fold}: its clips have no split")
        found = dict.fromkeys(lines(os.path.join(root, "meta", "spatialaudiogen_db.lst")))
    return found


def _flat(root: str) -> set[str]:
    path = os.path.join(root, "meta", "audio_layouts.txt")
    said = (line.split() for line in lines(path)) if os.path.isfile(path) else ()
    return {words[0] for words in said if words[1:] == ["WXY"]}


def _found(place: str, wanted) -> dict[str, tuple[str, str]]:
    """Id -> its sound and its picture."""
    grouped: dict[str, list[str]] = {}
    for name in names_in(place):
        if (form := ID.match(name)) and form[0] in wanted:
            path = os.path.join(place, name)
            inner = [os.path.join(path, n) for n in names_in(path)] if os.path.isdir(path) else []
            grouped.setdefault(form[0], []).extend(inner or [path])
    pairs = {key: _pair(paths) for key, paths in grouped.items()}
    return {key: pair for key, pair in pairs.items() if pair is not None}


def _pair(paths: list[str]) -> tuple[str, str] | None:
    """Of a video in several sizes the smallest; without a sound of its own, the video's."""
    named = {os.path.basename(path): path for path in paths if os.path.isdir(path)}
    if "ambix" in named and "video" in named:
        return named["ambix"], named["video"]
    videos = [p for p in paths if p.lower().endswith(VIDEOS) and not os.path.isdir(p)]
    sounds = [p for p in paths if p.lower().endswith(SOUNDS) and not os.path.isdir(p)]
    apart = [p for p in sounds if p not in videos]
    if not videos:
        return None
    # High resolution is marked in the name ("video-hr.mp4"): the shorter name is the small one.
    video = min(videos, key=lambda p: (len(p), p))
    return min(apart, key=lambda p: (len(p), p)) if apart else video, video
