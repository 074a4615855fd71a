"""TAU Spatial Sound Events 2019: minutes of placed sounds, first-order ambisonics or four
microphones.

    foa_dev/split{1-4}_ir{0-4}_ov{1,2}_{n}.wav  mic_dev/...  metadata_dev/....csv
    foa_eval/split0_{n}.wav                     mic_eval/... metadata_eval/....csv

The tables have sound_event_recording,start_time,end_time,ele,azi,dist: elevation before azimuth.
Some recordings are shorter than their minute: they are heard with silence after them.

A source is one of the five rooms (ir0 to ir4), whose impulse responses placed the sounds; those of
the evaluation set are not told, so all of it is one source. The challenge's own splits, which come
with the clips, each hold all five rooms: `split_by_source` makes some that keep rooms apart.
"""

import os
import re

from avtools.datasets.clip import Clip, Event, Truth
from avtools.datasets.dataset import Dataset, collected, files_in, names_in
from avtools.datasets.listing import degrees, number, table

SIGNS = "foa_dev/split{1-4}_ir{0-4}_ov{1,2}_{n}.wav (or mic_dev)"
NAME = re.compile(r"split(\d)_(?:ir(\d)_ov(\d)_)?(\d+)")
FORMS = {"foa": "ambix", "mic": "mic"}
SECONDS = 60.0
FOLDS = (1, 2, 3, 4)


def fits(root: str) -> bool:
    names = (n for form in FORMS for n in names_in(os.path.join(root, f"{form}_dev")))
    return any(NAME.fullmatch(name.removesuffix(".wav")) for name in names)


def read(root: str, fold: int = 1, form: str | None = None) -> Dataset:
    """`fold` 1 to 4: the development set as the challenge crosses it: split `fold` is the test,
    the one after it val, the others train. 0: all of it is train, the evaluation set is test.
    `form` is "foa" or "mic"; without it foa, where that is there.
    """
    if fold not in (0, *FOLDS):
        raise ValueError(f"fold {fold}: TAU 2019 has 1 to 4, and 0 for its evaluation set")
    form = chosen_form(root, form)
    clips, missing = [], 0
    for part in ("dev", "eval") if fold == 0 else ("dev",):
        sounds = files_in(os.path.join(root, f"{form}_{part}"), [".wav"])
        tables = files_in(os.path.join(root, f"metadata_{part}"), [".csv"])
        missing += len(tables.keys() - sounds.keys())
        for stem, sound in sounds.items():
            if name := NAME.fullmatch(stem):
                split = _split(int(name[1]), fold) if part == "dev" else "test"
                truth = Truth(tables[stem], read_events) if stem in tables else None
                clips.append(
                    Clip(
                        f"{part}/{stem}",
                        source="eval" if name[2] is None else f"ir{name[2]}",
                        sound=sound,
                        video=None,
                        duration=SECONDS,
                        convention=FORMS[form],
                        split=split,
                        truth=truth,
                        is_padded=True,
                    )
                )
    return collected("tau2019", root, clips, missing)


def chosen_form(root: str, form: str | None) -> str:
    if form is None:
        return next((f for f in FORMS if os.path.isdir(os.path.join(root, f"{f}_dev"))), "foa")
    if form not in FORMS:
        raise ValueError(f"form {form!r}: expected foa or mic")
    return form


def _split(part: int, fold: int) -> str:
    if fold == 0:
        return "train"
    return {fold: "test", fold % 4 + 1: "val"}.get(part, "train")


def read_events(path: str) -> list[Event]:
    needed = ("sound_event_recording", "start_time", "end_time", "ele", "azi")
    events = []
    for where, row in table(path, needed):
        distance = row.get("dist")
        events.append(
            Event(
                number(row.get("start_time"), where),
                number(row.get("end_time"), where),
                row["sound_event_recording"],
                azimuth=degrees(row.get("azi"), where),
                elevation=number(row.get("ele"), where),
                distance=number(distance, where) if distance else None,
            )
        )
    return events
