"""DCASE 2025 task 3: five-second stereo clips with a flat picture, cut out of STARSS23.

    {stereo_dev,metadata_dev,video_dev}/dev-{train,test}-{sony,tau}/..._degDDD_startSSSS.{wav,csv,mp4}

The tables have a header, frame,class,source,azimuth,distance,onscreen; distances in centimetres.
What is behind was folded to the front: azimuths are within ±90, + left. The picture sees 100°. A
source here is a room, as in STARSS: one room is in many clips.
"""

import os
import re

from avtools.datasets.clip import Event
from avtools.datasets.dataset import Dataset
from avtools.datasets.listing import degrees, number, table
from avtools.datasets.starss import class_name, frame_times, parts_in, read_parts

SIGNS = "stereo_dev/dev-{train,test}-{sony,tau}/*_degDDD_startSSSS.wav"
NAME = re.compile(r"fold(\d+)_room(\d+)_mix(\d+)_deg(\d+)_start(\d+)(?:\.\w+)?")


def fits(root: str) -> bool:
    return bool(parts_in(os.path.join(root, "stereo_dev"), NAME))


def read(root: str) -> Dataset:
    return read_parts("dcase2025", root, "stereo_dev", "stereo", NAME, read_events)


def read_events(path: str) -> list[Event]:
    events = []
    for where, row in table(path, ("frame", "class", "source", "azimuth")):
        distance, onscreen = row.get("distance"), row.get("onscreen")
        events.append(
            Event(
                *frame_times(row["frame"], where),
                class_name(row.get("class", ""), where),
                row.get("source", ""),
                azimuth=degrees(row.get("azimuth"), where),
                distance=number(distance, where) / 100 if distance else None,
                onscreen=bool(number(onscreen, where)) if onscreen else None,
            )
        )
    return events
