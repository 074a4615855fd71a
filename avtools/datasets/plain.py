"""A plain folder of sounds and videos, in subfolders or not; or one such file.

A sound beside a video of the same name is that video's sound. Every file is its own source; the
first folder below the root is its channel. Where `avtools synth` made a folder's files, its
manifest says of each what it is (manifest.py): scenes to test with stay so.
"""

import os
from dataclasses import replace

from avtools.datasets.clip import Clip
from avtools.datasets.dataset import Dataset, collected
from avtools.datasets.manifest import OF_FOLDER, scenes_in, tell_unlisted
from avtools.errors import AvtoolsError

SIGNS = "sound or video files"


def fits(root: str) -> bool:
    from avtools.stream.batch import find_inputs

    try:
        return os.path.isdir(root) and bool(find_inputs([root]))
    except AvtoolsError:
        return False


def read(root: str) -> Dataset:
    from avtools.stream.batch import find_inputs

    grouped: dict[str, list[tuple[str, str]]] = {}
    scenes: dict[tuple[str, Clip], Clip] = {}  # once, though its sound lies apart
    unlisted: dict[str, list[str]] = {}
    near: dict[str, tuple] = {}
    for item in find_inputs([root]):
        place = os.path.dirname(item.relative)
        if place not in near:
            near[place] = _scenes_near(os.path.dirname(item.path), place, os.path.isdir(root))
        folder, place, listed = near[place]
        if listed is None:
            stem = os.path.splitext(item.relative)[0]
            grouped.setdefault(stem, []).append((item.path, item.relative))
        elif (path := os.path.normpath(item.path)) in listed:
            scenes |= {(place, c): _below(place, c) for c in listed[path]}
        else:
            unlisted.setdefault(folder, []).append(item.path)
    for folder, others in unlisted.items():
        tell_unlisted(os.path.join(folder, OF_FOLDER), others)
    clips = [clip for stem, found in grouped.items() for clip in _clips(stem, found)]
    clips += scenes.values()
    if not clips and os.path.isfile(root):  # one of many that are named: the others count
        return Dataset("plain", root, [])
    return collected("plain", root, clips)


def _scenes_near(
    folder: str, place: str, is_below: bool
) -> tuple[str, str, dict[str, list[Clip]] | None]:
    """Where synth's manifest is, in this folder or above it up to the root, and what it lists."""
    while (listed := scenes_in(folder)) is None and is_below and place:
        folder, place = os.path.dirname(folder), os.path.dirname(place)
    return folder, place, listed


def _below(place: str, clip: Clip) -> Clip:
    if not place:
        return clip
    place = _slashes(place)
    channel = clip.channel or place.partition("/")[0]
    return replace(
        clip, key=f"{place}/{clip.key}", source=f"{place}/{clip.source}", channel=channel
    )


def _clips(stem: str, found: list[tuple[str, str]]) -> list[Clip]:
    videos = [path for path, _ in found if is_video(path)]
    sounds = [path for path, _ in found if not is_video(path)]
    if len(videos) <= 1 and len(sounds) <= 1:
        sound, video = (sounds or videos)[0], (videos or [None])[0]
        return [Clip(_slashes(stem), _slashes(stem), sound, video, channel=_channel(stem))]
    # Several of one kind: nothing says which belongs to which, and the ending tells them apart.
    return [
        Clip(
            _slashes(name),
            _slashes(name),
            path,
            path if is_video(path) else None,
            channel=_channel(stem),
        )
        for path, name in found
    ]


def is_video(path: str) -> bool:
    from avtools.stream.files import VIDEO_SUFFIXES

    return os.path.splitext(path)[1].lower() in VIDEO_SUFFIXES


def _slashes(name: str) -> str:
    return name.replace(os.sep, "/")


def _channel(stem: str) -> str | None:
    first, slash, _ = _slashes(stem).partition("/")
    return first if slash else None
