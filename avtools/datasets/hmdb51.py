"""HMDB51: 51 kinds of actions out of films and YouTube.

    {class}_test_split{1,2,3}.txt   name.avi {0|1|2}: 1 is train, 2 test, 0 neither in this fold
    videos/{class}/name.avi         (or {class}/)

The lists may stand in testTrainMulti_7030_splits. Some names begin with #: no comments there.
"""

import os
import re

from avtools.datasets.clip import Clip
from avtools.datasets.dataset import Dataset, collected, first_folder, names_in
from avtools.datasets.listing import lines
from avtools.errors import AvtoolsError

SIGNS = "{class}_test_split{1,2,3}.txt (also in testTrainMulti_7030_splits)"
LISTS = ("", "testTrainMulti_7030_splits", "splits", "test_train_splits")
NAME = re.compile(r"(.+)_test_split([123])\.txt")
SPLITS = {"0": None, "1": "train", "2": "test"}
FOLDS = (1, 2, 3)


def _lists(root: str, fold: int | None = None) -> dict[str, str]:
    """Class -> its list of that fold, or of any."""
    for place in LISTS:
        folder = os.path.join(root, place)
        forms = [(NAME.fullmatch(name), name) for name in names_in(folder)]
        found = {
            form[1]: os.path.join(folder, name)
            for form, name in forms
            if form and fold in (None, int(form[2]))
        }
        if found:
            return found
    return {}


def fits(root: str) -> bool:
    return bool(_lists(root))


def read(root: str, fold: int = 1) -> Dataset:
    if fold not in FOLDS:
        raise ValueError(f"fold {fold}: HMDB51 has 1 to 3")
    place = first_folder(root, "videos", "")
    clips, missing = [], 0
    for label, path in _lists(root, fold).items():
        there = set(names_in(os.path.join(place, label)))
        for line in lines(path, comments=False):
            name, _, mark = line.rpartition(" ")
            if mark not in SPLITS:
                raise AvtoolsError(f"{path}: {line[:60]!r}: expected a name and 0, 1 or 2")
            if name.strip() in there:
                clips.append(_clip(os.path.join(place, label, name.strip()), label, SPLITS[mark]))
            else:
                missing += 1
    return collected("hmdb51", root, clips, missing)


def _clip(path: str, label: str, split: str | None) -> Clip:
    stem = os.path.splitext(os.path.basename(path))[0]
    # The film's name stands before the action's: April_09_brush_hair_u_nm_np1_ba_goo_0.
    source = stem.rpartition(f"_{label}_")[0] or stem
    return Clip(f"{label}/{stem}", source, path, path, split=split, label=label)
