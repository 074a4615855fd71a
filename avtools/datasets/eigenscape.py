"""EigenScape: 8 kinds of places, 8 recordings of ten minutes each, fourth-order ambisonics.

    Class.N.wav   the class is what stands before the first dot

Clips are 30 seconds. A source is a recording: nothing in the names says more of where it was made.
The fold says which two recordings of each class are the test: fold 1 the recordings 1 and 2, fold 4
the recordings 7 and 8. (Published folds were shuffled without a seed: their figures are for other
folds.)
"""

import math
import re

from avtools.datasets.clip import Clip
from avtools.datasets.dataset import Dataset, collected, files_in, names_in

SIGNS = "Class.N.wav, as in Beach.1.wav"
CLASSES = (
    "Beach",
    "BusyStreet",
    "Park",
    "PedestrianZone",
    "QuietStreet",
    "ShoppingCentre",
    "TrainStation",
    "Woodland",
)
NAME = re.compile(r"([A-Za-z ]+)\.(\d+)")
CLIP_SECONDS = 30.0
FOLDS = (1, 2, 3, 4)


def fits(root: str) -> bool:
    forms = (NAME.fullmatch(name[:-4]) for name in names_in(root) if name.endswith(".wav"))
    return any(form and form[1].replace(" ", "") in CLASSES for form in forms)


def read(root: str, fold: int = 1, seconds: float = CLIP_SECONDS) -> Dataset:
    if fold not in FOLDS:
        raise ValueError(f"fold {fold}: EigenScape has 1 to 4")
    if not 0 < seconds < math.inf:
        raise ValueError(f"seconds {seconds}: expected the length of a clip")
    clips = []
    for stem, path in files_in(root, [".wav"]).items():
        if form := NAME.fullmatch(stem):
            is_test = (int(form[2]) + 1) // 2 == fold
            clips += _cut(stem, path, form[1], "test" if is_test else "train", seconds)
    return collected("eigenscape", root, clips)


def _cut(stem: str, path: str, label: str, split: str, seconds: float) -> list[Clip]:
    """Whole clips only: what is left at the end is shorter."""
    from avtools.stream.files import open_sound

    with open_sound(path) as sound:
        length = (sound.frames or 0) / sound.rate
    return [
        Clip(
            f"{stem}-{k * seconds:g}",
            source=stem,
            sound=path,
            video=None,
            start=k * seconds,
            duration=seconds,
            convention="ambix",
            split=split,
            label=label,
        )
        for k in range(math.floor(length / seconds + 1e-6))
    ]
