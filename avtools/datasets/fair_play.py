"""FAIR-Play: 1,871 clips of ten seconds from a music room, stereo from a dummy head's ears.

    binaural_audios/NNNNNN.wav  videos/NNNNNN.mp4
    splits/split1..10/{train,val,test}.h5       the official ones: `audio`, absolute paths as bytes
    new_splits/split1..5/{train,val,test}.txt   PseudoBinaural's: lines NNNNNN.mp3 that mean .wav

The official splits put clips of one scene on both sides, and figures on the two kinds can't be
compared. So new_splits are taken where they are there. Which clips share a scene is written
nowhere: `split_by_source` is blind to scenes here.
"""

import os
import re

from avtools.datasets.clip import SPLITS, Clip
from avtools.datasets.dataset import Dataset, collected, files_in, names_in, path_of
from avtools.datasets.listing import lines
from avtools.errors import AvtoolsError, reason, warn

SIGNS = "binaural_audios/NNNNNN.wav"
LISTS = {"new_splits": (".txt", 5), "splits": (".h5", 10)}
POINTER = b"version https://git-lfs"


def fits(root: str) -> bool:
    names = names_in(os.path.join(root, "binaural_audios"))
    return any(re.fullmatch(r"\d{6}\.wav", name) for name in names)


def read(root: str, fold: int = 1, lists: str | None = None) -> Dataset:
    """`fold` counts from 1; `lists` is "new_splits" or "splits"."""
    sounds = files_in(os.path.join(root, "binaural_audios"), [".wav"])
    videos = files_in(os.path.join(root, "videos"), [".mp4"])
    _refuse_pointers(next(iter(sounds.values()), None))
    splits = _splits(root, fold, lists)
    clips, missing = [], len(splits.keys() - sounds.keys())
    for stem, sound in sounds.items():
        try:
            video = path_of(videos, stem)
        except KeyError:
            missing += 1
            continue
        clips.append(Clip(stem, stem, sound, video, convention="stereo", split=splits.get(stem)))
    return collected("fair-play", root, clips, missing)


def _splits(root: str, fold: int, lists: str | None) -> dict[str, str]:
    if lists not in (None, *LISTS):
        raise ValueError(f"lists {lists!r}: expected {' or '.join(LISTS)}")
    there = [name for name in LISTS if os.path.isdir(os.path.join(root, name))]
    if lists is None and not there:
        return {}
    kind = lists or there[0]
    suffix, count = LISTS[kind]
    if not 1 <= fold <= count:
        raise ValueError(f"fold {fold}: {kind} of FAIR-Play has 1 to {count}")
    if kind == "splits":
        warn(f"{root}: FAIR-Play's official splits share scenes: figures will be too good")
    found: dict[str, str] = {}
    for split in SPLITS:
        path = os.path.join(root, kind, f"split{fold}", split + suffix)
        for name in _h5_names(path) if suffix == ".h5" else lines(path):
            found[os.path.splitext(re.split(r"[/\\]", name)[-1])[0]] = split
    return found


def _h5_names(path: str) -> list[str]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return [os.fsdecode(bytes(name)) for name in file["audio"][:]]
    except KeyError as error:
        raise AvtoolsError(f"{path}: no list `audio` in this file") from error
    except (OSError, TypeError) as error:
        raise AvtoolsError(f"{path}: {reason(error)}, expected a list in HDF5") from error


def _refuse_pointers(path: str | None) -> None:
    if path is None:
        return
    with open(path, "rb") as file:
        if file.read(len(POINTER)) == POINTER:
            raise AvtoolsError(f"{path}: Git LFS left a pointer here; run git lfs pull")
