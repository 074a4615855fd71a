"""A plain folder of sounds and videos, in subfolders or not; or one such file.

A sound beside a video of the same name is that video's sound. Every file is its own source; the
first folder below the root is its channel.
"""

import os

from avtools.datasets.clip import Clip
from avtools.datasets.dataset import Dataset, collected
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
    for item in find_inputs([root]):
        stem = os.path.splitext(item.relative)[0]
        grouped.setdefault(stem, []).append((item.path, item.relative))
    clips = [clip for stem, found in grouped.items() for clip in _clips(stem, found)]
    return collected("plain", root, clips)


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
