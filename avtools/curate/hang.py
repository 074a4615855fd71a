"""What hangs a decoder: its process is killed, and all that was in it but the culprit done again.

Python can't stop a thread that waits inside FFmpeg. So a clock runs beside each item of a task;
when it runs out it leaves a mark for the item and kills the process. The engine gives the task to
another process, which passes over what is marked.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from avtools.curate.work_folder import place_of

REASON = "hangs the decoder"


def seconds_for(item) -> float:
    """Generous: 20 times what is decoded, and all before it, which some files must be read for."""
    clip = getattr(item, "clip", item)
    return 60.0 + 20.0 * (clip.duration or 0.0) + clip.start


def watched(
    work: Callable[[list], list],
    lost: Callable[[object], object],
    marks: Path,
    limit: Callable[[object], float] = seconds_for,
) -> tuple[Callable[[list], list], Callable[[object], object]]:
    """`work` and `lost` as the engine takes them, with a limit to the time of each item."""
    options = {"lost": lost, "marks": str(marks)}
    return partial(_each, work=work, limit=limit, **options), partial(_lost, **options)


def _each(group: Iterable, work: Callable, lost: Callable, marks: str, limit: Callable) -> list:
    found = []
    for item in group:
        mark = _mark(marks, item)
        if mark.exists():
            found.append(_hung(lost(item)))
            continue
        clock = threading.Timer(limit(item), _end, [mark])
        clock.daemon = True
        clock.start()
        try:
            found += work([item])
        finally:
            clock.cancel()
    return found


def _lost(item, lost: Callable, marks: str):
    return _hung(lost(item)) if _mark(marks, item).exists() else lost(item)


def _mark(marks: str, item) -> Path:
    return place_of(marks, repr(item), ".hung")


def _hung(result: tuple) -> tuple:
    key, record = result
    return key, record | {"reason": REASON} if isinstance(record, dict) else record


def _end(mark: Path) -> None:
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    finally:
        os.kill(os.getpid(), signal.SIGKILL)
