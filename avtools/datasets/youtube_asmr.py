"""YouTube-ASMR: clips of YouTube's whispering videos, with stereo from the makers' two ears.

    youtube_asmr/*.csv or *.csv   id,start,end in seconds; a header, comments with #
    data/video/{id}_{startms}_{endms}.mp4  data/audio/{id}_{startms}_{endms}.flac

or with the name of a list between: data/test/video. Ids may hold `_` and `-`. The videos that
YouTube has lost are skipped and counted.
"""

import os
import re

from avtools.datasets.clip import Clip
from avtools.datasets.dataset import Dataset, collected, files_in, names_in, path_of
from avtools.datasets.listing import is_number, number, rows

SIGNS = "data/video/{id}_{startms}_{endms}.mp4"
NAME = re.compile(r"([\w-]{11})_(\d+)_(\d+)")
SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
SOUNDS = (".flac", ".wav", ".m4a", ".opus")


def _folders(root: str) -> list[str]:
    """Where there are `video` and `audio`."""
    bases = [os.path.join(root, "data"), root]
    bases += [os.path.join(base, name) for base in bases[:1] for name in names_in(base)]
    return [base for base in bases if os.path.isdir(os.path.join(base, "video"))]


def fits(root: str) -> bool:
    names = (n for base in _folders(root) for n in names_in(os.path.join(base, "video")))
    return any(NAME.fullmatch(os.path.splitext(name)[0]) for name in names)


def read(root: str) -> Dataset:
    videos, sounds = {}, {}
    for base in _folders(root):
        videos |= files_in(os.path.join(base, "video"), [".mp4", ".mkv", ".webm"])
        sounds |= files_in(os.path.join(base, "audio"), SOUNDS)
    splits = _splits(root)
    clips, missing = [], len(splits.keys() - (videos.keys() | sounds.keys()))
    for key in videos.keys() | sounds.keys():
        form = NAME.fullmatch(key)
        if not form:
            continue
        try:
            video, sound = path_of(videos, key), path_of(sounds, key) or videos[key]
        except KeyError:
            missing += 1
            continue
        clips.append(Clip(key, form[1], sound, video, convention="stereo", split=splits.get(key)))
    return collected("youtube-asmr", root, clips, missing)


def _splits(root: str) -> dict[str, str | None]:
    """Name of a clip -> its split, of all clips that the lists name."""
    found: dict[str, str | None] = {}
    for folder in (os.path.join(root, "youtube_asmr"), root):
        for path in files_in(folder, [".csv"]).values():
            split = SPLITS.get(os.path.splitext(os.path.basename(path))[0].lower())
            found |= dict.fromkeys(_names(path), split)
    return found


def _names(path: str):
    for k, (line, cells) in enumerate(rows(path)):
        if len(cells) < 3 or (k == 0 and not is_number(cells[1])):
            continue  # a header, or no list of clips
        # As the downloader names them: milliseconds are cut, not rounded.
        times = [int(number(cell, f"{path}: line {line}") * 1000) for cell in cells[1:3]]
        yield f"{cells[0]}_{times[0]}_{times[1]}"
