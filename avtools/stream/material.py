"""Sounds and pictures of the user's own, to make scenes from: listed once, read when needed."""

import contextlib
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import wraps

import numpy as np

from avtools.errors import AvtoolsError
from avtools.stream.batch import find_inputs

PICTURES = frozenset(".png .jpg .jpeg .webp .bmp .tif .tiff".split())
PARTS = ("backgrounds", "things")
# More of a long recording, or finer pictures, would only cost memory.
LONGEST_SECONDS = 30.0
SHORTEST_SECONDS, QUIETEST = 0.1, 1e-3
# What is played begins and ends softly: what is heard there alone is as good as silent.
EDGE_SECONDS = 0.01
LARGEST = 4096
OPAQUE = 127  # from here on a pixel of a thing belongs to it
KEPT_BYTES = 256 << 20  # of sounds, and of pictures, stay in memory


def _kept(read: Callable) -> Callable:
    """What was read last stays in memory, up to KEPT_BYTES."""
    known: OrderedDict[tuple, np.ndarray] = OrderedDict()

    @wraps(read)
    def reading(*key) -> np.ndarray:
        if key not in known:
            found = read(*key)
            known[key] = found
            while sum(x.nbytes for x in known.values()) > KEPT_BYTES:
                known.popitem(last=False)
            return found
        known.move_to_end(key)
        return known[key]

    return reading


def sound_files(path: str) -> tuple[str, ...]:
    """Sounds (and videos, for theirs): a file, a folder, or a manifest."""
    if not os.path.exists(path):
        raise AvtoolsError(f"--sounds {path}: no such file or folder")
    return tuple(item.path for item in find_inputs([path]))


def picture_files(path: str) -> dict[str, tuple[str, ...]]:
    """Pictures of backgrounds and of things: the subfolders of these names.

    A folder without such subfolders holds backgrounds.
    """
    if not os.path.isdir(path):
        raise AvtoolsError(f"--images {path}: expected a folder of pictures")
    parts = {part: os.path.join(path, part) for part in PARTS}
    if not any(map(os.path.isdir, parts.values())):
        parts = {"backgrounds": path, "things": ""}
    found = {part: tuple(_pictures_below(folder)) for part, folder in parts.items()}
    if not any(found.values()):
        raise AvtoolsError(f"--images {path}: no pictures, expected {', '.join(sorted(PICTURES))}")
    return found


def _pictures_below(folder: str) -> list[str]:
    found = []
    for here, folders, names in os.walk(folder):
        folders.sort()
        folders[:] = [f for f in folders if not f.startswith(".")]
        good = (n for n in sorted(names) if not n.startswith("."))
        found += [os.path.join(here, n) for n in good if os.path.splitext(n)[1].lower() in PICTURES]
    return found


@_kept
def read_mono(path: str, rate: int) -> np.ndarray:
    """The beginning of a sound as float32 (samples,) at this rate: W of ambisonics, else a mean."""
    from avtools.stream.files import open_sound
    from avtools.stream.resample import resampled

    with open_sound(path, duration=LONGEST_SECONDS) as sound:
        chosen = 1 if sound.channels >= 4 else sound.channels
        mono = sound.through(_mixed, chosen, channels=1)
        blocks = [x[0].copy() for x in resampled(mono, rate).blocks]
    samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    if len(samples) < SHORTEST_SECONDS * rate:
        raise AvtoolsError(f"{path}: shorter than {SHORTEST_SECONDS:g} s, expected a sound")
    edge = round(EDGE_SECONDS * rate)
    if np.ptp(samples[edge:-edge]) < QUIETEST:
        raise AvtoolsError(f"{path}: silent in its first {LONGEST_SECONDS:g} s, expected a sound")
    return samples


def _mixed(blocks, channels: int):
    for x in blocks:
        yield np.nan_to_num(x[:channels], posinf=0, neginf=0).mean(axis=0, keepdims=True)


@_kept
def read_picture(path: str) -> np.ndarray:
    """uint8 (height, width, 3) RGB, or 4 with transparency."""
    import cv2

    # Not imread, which can't open every name. A camera's JPEG may say that it lies on its side.
    is_photograph = path.lower().endswith((".jpg", ".jpeg"))
    way = cv2.IMREAD_COLOR if is_photograph else cv2.IMREAD_UNCHANGED
    read = None
    data = np.fromfile(path, np.uint8)
    if len(data):
        with contextlib.suppress(cv2.error), _hushed():
            read = cv2.imdecode(data, way)
    if read is None:
        raise AvtoolsError(f"{path}: can't be read as a picture")
    if read.dtype == np.uint16:
        read = (read >> 8).astype(np.uint8)
    if read.dtype != np.uint8:
        raise AvtoolsError(f"{path}: a picture of {read.dtype}, expected 8 or 16 bits")
    kinds = {2: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}
    picture = cv2.cvtColor(read, kinds[2 if read.ndim == 2 else read.shape[2]])
    height, width = picture.shape[:2]
    scale = LARGEST / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return picture


def read_thing(path: str) -> np.ndarray:
    """A picture of a thing: something of it is to be seen."""
    picture = read_picture(path)
    if picture.shape[2] == 4 and not (picture[..., 3] > OPAQUE).any():
        raise AvtoolsError(f"{path}: clear everywhere, expected a thing that can be seen")
    return picture


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Decoders' own libraries write what they think of a picture straight to standard error."""
    try:
        kept = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
