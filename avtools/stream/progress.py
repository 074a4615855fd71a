"""A progress bar on stderr for a person who waits: on a terminal, for work that lasts."""

import contextlib
import sys
import time
from collections.abc import Iterator

from avtools import errors
from avtools.stream.sound import Blocks, Sound

WAIT_SECONDS = 1.0


@contextlib.contextmanager
def shown(sound: Sound, name: str, wanted: bool = True) -> Iterator[Sound]:
    """The sound, watched by a bar that appears after a second."""
    if not wanted or errors.speaker["level"] == errors.QUIET or not sys.stderr.isatty():
        yield sound
        return
    bar = Bar(name, sound.rate, sound.frames)
    try:
        yield sound.through(bar.watch)
    finally:
        bar.close()


class Bar:
    def __init__(self, name: str, rate: int, frames: int | None):
        self.name, self.rate, self.frames = name, rate, frames
        self.began, self.rich, self.task = time.monotonic(), None, None

    def watch(self, blocks: Blocks) -> Blocks:
        seen = 0
        for x in blocks:
            yield x
            seen += x.shape[-1]
            if self.rich is None and time.monotonic() - self.began > WAIT_SECONDS:
                self._open()
            if self.rich is not None:
                self.rich.update(self.task, completed=seen / self.rate)

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f} s of sound"),
            TimeRemainingColumn(),
        )
        self.rich = Progress(*columns, console=Console(stderr=True), transient=True)
        total = None if self.frames is None else self.frames / self.rate
        self.task = self.rich.add_task(self.name, total=total)
        self.rich.start()

    def close(self) -> None:
        if self.rich is not None:
            self.rich.stop()
