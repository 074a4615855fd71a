"""Samples that must wait until another output is written: on disk, not in memory."""

import tempfile
from collections.abc import Iterator

import numpy as np

BLOCK = 1 << 16  # samples of all channels


class Spool:
    """Takes blocks (channels, samples), then gives them back; its file has no name."""

    def __init__(self, channels: int):
        self.channels, self.frames = channels, 0
        self._file = tempfile.TemporaryFile(prefix="avtools-")  # noqa: SIM115 (closed on leaving)

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def add(self, block: np.ndarray) -> None:
        self._file.write(np.ascontiguousarray(block.T, np.float32).tobytes())
        self.frames += block.shape[1]

    def blocks(self) -> Iterator[np.ndarray]:
        self._file.seek(0)
        size = max(1, BLOCK // self.channels) * self.channels * 4
        while data := self._file.read(size):
            yield np.frombuffer(data, np.float32).reshape(-1, self.channels).T
