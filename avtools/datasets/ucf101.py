"""UCF101: 101 kinds of actions, short videos, many of them silent.

    ucfTrainTestlist/{classInd,trainlist0N,testlist0N}.txt
    UCF-101/Class/v_Class_gGG_cCC.avi   (or Class/ in the folder itself, or in videos/)

Lines of the train lists end in a number, those of the test lists don't. A group gGG was cut out of
one video: it is the source.
"""

import os
import re

from avtools.datasets.clip import Clip
from avtools.datasets.dataset import Dataset, collected, first_folder, names_in
from avtools.datasets.listing import lines

SIGNS = "ucfTrainTestlist/trainlist01.txt"
GROUP = re.compile(r"(.*_g\d+)_c\d+")
PLACES = ("UCF-101", "videos", "")
FOLDS = (1, 2, 3)


def fits(root: str) -> bool:
    return any(re.fullmatch(r"trainlist0\d\.txt", name) for name in names_in(_lists(root)))


def _lists(root: str) -> str:
    return os.path.join(root, "ucfTrainTestlist")


def read(root: str, fold: int = 1) -> Dataset:
    if fold not in FOLDS:
        raise ValueError(f"fold {fold}: UCF101 has 1 to 3")
    place = first_folder(root, *PLACES)
    there: dict[str, set[str]] = {}
    clips, missing = [], 0
    for split in ("train", "test"):
        for line in lines(os.path.join(_lists(root), f"{split}list0{fold}.txt")):
            # No name has a space in it: what follows one is the number of the class.
            label, _, name = line.split()[0].rpartition("/")
            if label not in there:
                there[label] = set(names_in(os.path.join(place, label)))
            if name not in there[label]:
                missing += 1
                continue
            clips.append(_clip(os.path.join(place, label, name), label, split))
    return collected("ucf101", root, clips, missing)


def _clip(path: str, label: str, split: str) -> Clip:
    stem = os.path.splitext(os.path.basename(path))[0]
    group = GROUP.fullmatch(stem)
    source = group[1] if group else stem
    return Clip(f"{label}/{stem}", source, path, path, split=split, label=label)
