"""The clock of tables: seconds from a file's beginning, as a player shows them.

A sound may begin later than its picture, and a container may begin at any time of its own (MPEG
transport streams do at 1.4 s); with this clock a row about the sound and one about the picture of
the same file mean the same moment.
"""

import os

from avtools.stream.files import VIDEO_SUFFIXES


def file_begins(path: str) -> float:
    """The first time in a video, on the container's own clock."""
    from avtools.stream.remux import open_video

    with open_video(path) as source:
        return (source.start_time or 0) / 1e6


def sound_begins(path: str, stream: int | None = None) -> float:
    """Seconds from a file's beginning to the first sample of its sound; 0 of a file of sound."""
    if os.path.splitext(path)[1].lower() not in VIDEO_SUFFIXES:
        return 0.0
    from avtools.stream.remux import first_time, open_video, pick_sound

    with open_video(path) as source:
        first = float(first_time(path, pick_sound(source, path, stream)))
        late = first - (source.start_time or 0) / 1e6
    # What a codec needs to start up is given as a beginning a moment before 0.
    return late if late > 0.05 else 0.0
