"""Progress over a whole run, for a person who waits at a terminal."""

import contextlib
import time
from collections.abc import Callable, Iterator


class Watch:
    """Phases with bars; silent where nobody looks."""

    def __init__(self, shown: bool):
        self.shown = shown

    @contextlib.contextmanager
    def phase(self, title: str, total: int) -> Iterator[Callable[[object], None]]:
        """What is called with each result: (key, record)."""
        if not self.shown:
            yield lambda result: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[said]}"),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            yield _Step(bar, bar.add_task(title, total=total, said=""), total)


class _Step:
    def __init__(self, bar, task: int, total: int):
        self.bar, self.task, self.total = bar, task, total
        self.began, self.done, self.left_out, self.has_reasons = time.monotonic(), 0, 0, False

    def __call__(self, result: tuple) -> None:
        record = result[1]
        self.done += 1
        if isinstance(record, dict):
            self.has_reasons = True
            self.left_out += record.get("reason") is not None
        self.bar.update(self.task, advance=1, said=self._said())

    def _said(self) -> str:
        seconds = (time.monotonic() - self.began) / self.done * (self.total - self.done)
        left = f"{_clock(seconds)} left"
        if not self.has_reasons:
            return left
        return f"{self.done - self.left_out} kept, {self.left_out} left out, {left}"


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
