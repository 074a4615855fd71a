"""STARSS22 and STARSS23: real rooms with people, first-order ambisonics or four microphones.

    {foa_dev,mic_dev,metadata_dev,video_dev}/dev-{train,test}-{sony,tau}/fold3_roomR_mixNNN.{wav,csv,mp4}

The tables have no header; a row is a tenth of a second: frame,class,source,azimuth,elevation, and
in 23 the distance in centimetres. Azimuth + is left. The pictures (of 23, not for all) are
equirectangular. A source is a room of one of the two sites, in which many recordings were made.
"""

import os
import re

from avtools.datasets.clip import Clip, Event, Truth
from avtools.datasets.dataset import Dataset, collected, files_in, names_in
from avtools.datasets.listing import degrees, is_number, number, rows
from avtools.datasets.tau2019 import FORMS, chosen_form
from avtools.errors import AvtoolsError

SIGNS = "foa_dev/dev-{train,test}-{sony,tau}/fold*_room*_mix*.wav (or mic_dev)"
NAME = re.compile(r"fold(\d+)_room(\d+)_mix(\d+)")
PARTS = re.compile(r"dev-(train|val|test)-(sony|tau)(?:_aug)?")
FRAME_SECONDS = 0.1
CLASSES = (
    "female speech",
    "male speech",
    "clapping",
    "telephone",
    "laughter",
    "domestic sounds",
    "footsteps",
    "door",
    "music",
    "musical instrument",
    "water tap",
    "bell",
    "knock",
)


def fits(root: str) -> bool:
    return any(parts_in(os.path.join(root, f"{form}_dev"), NAME) for form in FORMS)


def parts_in(folder: str, name: re.Pattern) -> list[str]:
    """The folders dev-train-sony and the like that hold files called so."""
    parts = [p for p in names_in(folder) if PARTS.fullmatch(p)]
    return [p for p in parts if any(name.match(file) for file in names_in(os.path.join(folder, p)))]


def read(root: str, form: str | None = None) -> Dataset:
    """`form` is "foa" or "mic"; without it foa, where that is there."""
    form = chosen_form(root, form)
    return read_parts("starss", root, f"{form}_dev", FORMS[form], NAME, read_events)


def read_parts(name: str, root: str, sounds_in: str, convention: str, form, read_table) -> Dataset:
    clips, missing = [], 0
    for part in parts_in(os.path.join(root, sounds_in), form):
        split, site = PARTS.fullmatch(part).groups()
        sounds = files_in(os.path.join(root, sounds_in, part), [".wav", ".flac"])
        tables = files_in(os.path.join(root, "metadata_dev", part), [".csv"])
        videos = files_in(os.path.join(root, "video_dev", part), [".mp4"])
        missing += len(tables.keys() - sounds.keys())
        for stem, sound in sounds.items():
            if said := form.fullmatch(stem):
                clips.append(
                    Clip(
                        f"{part}/{stem}",
                        source=f"{site}/room{said[2]}",
                        sound=sound,
                        video=videos.get(stem),
                        convention=convention,
                        split=split,
                        truth=Truth(tables[stem], read_table) if stem in tables else None,
                    )
                )
    return collected(name, root, clips, missing)


def read_events(path: str) -> list[Event]:
    """A row a tenth of a second, as they come."""
    events = []
    for line, cells in rows(path):
        where = f"{path}: line {line}"
        if len(cells) not in (5, 6):
            raise AvtoolsError(f"{where}: {len(cells)} cells, expected 5 or 6")
        if not events and not is_number(cells[0]):
            continue  # a header that somebody gave it
        frame, label, source, azimuth, elevation, *distance = cells
        events.append(
            Event(
                *frame_times(frame, where),
                class_name(label, where),
                source,
                degrees(azimuth, where),
                number(elevation, where),
                number(distance[0], where) / 100 if distance else None,
            )
        )
    return events


def frame_times(frame: str, where: str) -> tuple[float, float]:
    """When a frame begins and ends, in tenths that are not added up."""
    k = int(number(frame, where))
    return k / 10, (k + 1) / 10


def class_name(text: str, where: str) -> str:
    k = int(number(text, where))
    if not 0 <= k < len(CLASSES):
        raise AvtoolsError(f"{where}: class {k}, expected 0 to {len(CLASSES) - 1}")
    return CLASSES[k]
