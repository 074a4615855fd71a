"""Sound and picture that were cut into numbered files: a WAV for each second, a JPEG a frame."""

import math
import os
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from avtools.errors import AvtoolsError
from avtools.stream.files import open_sound
from avtools.stream.sound import Blocks, Sound


def numbered(folder: str, suffixes: tuple[str, ...]) -> list[str]:
    """The files whose names are numbers, in their order."""
    names = [n for n in os.listdir(folder) if n.lower().endswith(suffixes)]
    names = [n for n in names if os.path.splitext(n)[0].isdigit()]
    if not names:
        raise AvtoolsError(f"{folder}: no numbered files ({', '.join(suffixes)})")
    return [os.path.join(folder, n) for n in sorted(names, key=lambda n: int(n.split(".")[0]))]


def open_pieces(folder: str, *, start: float = 0.0, duration: float | None = None) -> Sound:
    """The sounds of a folder, each one second but the last, as one; only those of the window."""
    files = numbered(folder, (".wav", ".flac"))
    first = min(int(start), len(files) - 1)
    last = None if duration is None else max(first + 1, math.ceil(start + duration))
    with open_sound(files[first]) as sound:
        facts = replace(sound, blocks=iter(()), frames=None, name=folder, close=lambda: None)
    skip = round((start - first) * facts.rate)
    return facts.through(lambda _: _joined(files[first:last], facts, skip))


def _joined(files: list[str], facts: Sound, skip: int) -> Blocks:
    for path in files:
        with open_sound(path) as sound:
            if (sound.rate, sound.channels) != (facts.rate, facts.channels):
                raise AvtoolsError(f"{path}: another rate or other channels than its neighbours")
            for x in sound.blocks:
                kept, skip = x[:, skip:], max(0, skip - x.shape[-1])
                if kept.shape[-1]:
                    yield kept


def pictures(
    folder: str,
    rate: float | None,
    fps: float | None,
    size: tuple[int, int] | None,
    start: float,
    duration: float | None,
) -> Iterator[tuple[float, np.ndarray]]:
    """(time, RGB picture): of `rate` pictures a second those shown at start + k / fps."""
    if rate is None:
        raise AvtoolsError(f"{folder}: a folder of pictures, but not how many a second they are")
    files = numbered(folder, (".jpg", ".jpeg", ".png"))
    end = len(files) / rate if duration is None else min(len(files) / rate, start + duration)
    # Half a millionth: a tick at the very time of a picture shows it, however the sum is rounded.
    step, first, tiny = (fps or rate), start, 5e-7
    if fps is None:
        first = math.ceil(start * rate - tiny) / rate
    count = max(0, math.ceil((end - first) * step - tiny))
    number, picture = None, None
    for k in range(count):
        time = first + k / step
        wanted = min(len(files) - 1, int(time * rate + tiny))
        if wanted != number:
            number, picture = wanted, read_picture(files[wanted], size)
        yield time, picture


def read_picture(path: str, size: tuple[int, int] | None = None) -> np.ndarray:
    """RGB uint8 `(height, width, 3)`."""
    import cv2

    data = np.fromfile(path, np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if len(data) else None
    if picture is None:
        raise AvtoolsError(f"{path}: not a picture that can be read")
    if size is not None and size != picture.shape[1::-1]:
        shrinks = size[0] * size[1] < picture.shape[0] * picture.shape[1]
        picture = cv2.resize(
            picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        )
    return picture
