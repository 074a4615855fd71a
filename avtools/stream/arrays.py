"""Arrays in files, written row by row: .npy, or .npz with what the axes mean."""

import contextlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib import format as npy

from avtools.errors import AvtoolsError
from avtools.stream.outputs import whole

ENDINGS = (".npy", ".npz")


def check_array_name(option: str, path: str | None) -> None:
    if path is None or path.endswith("/") or os.path.isdir(path):
        return
    ending = os.path.splitext(path)[1].lower()
    if ending not in ENDINGS:
        raise AvtoolsError(f"{option} {path}: expected the ending {' or '.join(ENDINGS)}")


class Growing:
    """An array whose first axis grows."""

    def __init__(self, file, shape: tuple[int, ...], kind: str = "<f4"):
        self.file, self.shape, self.kind, self.count = file, shape, kind, 0
        self._header()

    def add(self, values: np.ndarray) -> None:
        """`(n, *shape)` more."""
        if values.shape[1:] != self.shape:
            raise ValueError(f"rows of {values.shape[1:]}, expected {self.shape}")
        self.file.write(np.ascontiguousarray(values, self.kind).tobytes())
        self.count += len(values)

    def _header(self) -> None:
        # numpy leaves room in the header for any number of rows: it can be written again.
        facts = {"descr": self.kind, "fortran_order": False, "shape": (self.count, *self.shape)}
        npy.write_array_header_1_0(self.file, facts)

    def finish(self) -> None:
        self.file.seek(0)
        self._header()
        self.file.flush()


@dataclass(frozen=True)
class Timed:
    rows: Growing
    times: Growing

    def add(self, times: np.ndarray, values: np.ndarray) -> None:
        self.times.add(times)
        self.rows.add(values)


@contextlib.contextmanager
def rows_file(
    path: str, shape: tuple[int, ...], axes: dict[str, np.ndarray], name: str = "features"
) -> Iterator["Timed"]:
    """What takes rows and their times; a whole file at the end, or none at all.

    A .npz holds, beside the rows under `name`, `time` and the `axes`; a .npy only the rows.
    """
    if folder := os.path.dirname(path):
        os.makedirs(folder, exist_ok=True)
    with whole(path) as temporary, contextlib.ExitStack() as stack:
        if path.lower().endswith(".npy"):
            rows = Growing(stack.enter_context(open(temporary, "w+b")), shape)
            times = Growing(stack.enter_context(tempfile.TemporaryFile()), (), "<f8")
            yield Timed(rows, times)
            rows.finish()
            return
        near = os.path.dirname(temporary) or "."
        rows = Growing(stack.enter_context(tempfile.TemporaryFile(dir=near)), shape)
        times = Growing(stack.enter_context(tempfile.TemporaryFile(dir=near)), (), "<f8")
        yield Timed(rows, times)
        with zipfile.ZipFile(temporary, "w") as archive:
            for key, some in ((name, rows), ("time", times)):
                some.finish()
                some.file.seek(0)
                with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                    shutil.copyfileobj(some.file, member, 1 << 20)
            for key, values in axes.items():
                with archive.open(f"{key}.npy", "w") as member:
                    npy.write_array(member, np.asarray(values), allow_pickle=False)
