"""Instance masks over time in one file: numpy reads it, and it costs little room."""

import contextlib
import zipfile
from collections.abc import Iterator

import numpy as np
from numpy.lib import format as npy

from avtools.stream.outputs import whole

# Masks have few colours in large areas: the quickest setting makes a hundredth of them.
LEVEL = 1


class Masks:
    """Takes masks as they come; what it holds in memory are their times."""

    def __init__(self, member, shape: tuple[int, int]):
        self._member, self._shape, self.times = member, shape, []

    def add(self, times: np.ndarray, masks: np.ndarray) -> None:
        """`masks` uint8 (t, height, width): 0 for nothing, k + 1 for thing k."""
        if masks.shape != (len(times), *self._shape) or masks.dtype != np.uint8:
            raise ValueError(f"masks {masks.shape} {masks.dtype}, expected {self._shape} uint8")
        self._member.write(np.ascontiguousarray(masks).tobytes())
        self.times.append(np.asarray(times, float))


@contextlib.contextmanager
def masks_file(path: str, count: int, shape: tuple[int, int]) -> Iterator[Masks]:
    """A .npz with `masks` uint8 (count, height, width) and `times` (count,) in seconds."""
    with whole(path) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
            with archive.open("masks.npy", "w", force_zip64=True) as member:
                facts = {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)}
                npy.write_array_header_1_0(member, facts)
                masks = Masks(member, shape)
                yield masks
            times = np.concatenate(masks.times) if masks.times else np.zeros(0)
            with archive.open("times.npy", "w") as member:
                npy.write_array(member, times, allow_pickle=False)
        if len(times) != count:
            raise ValueError(f"{len(times)} masks, expected {count}")
