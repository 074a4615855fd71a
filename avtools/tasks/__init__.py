"""What can be learned and measured, a file a task. A task is data: whoever runs one knows none.

Only the task that is named is imported.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avtools.tasks.task import Task

TASKS = {
    "align360": "avtools.tasks.align360:TASK",
    "doa": "avtools.tasks.doa:TASK",
    "flip": "avtools.tasks.flip:TASK",
    "separate": "avtools.tasks.separate:TASK",
    "track-faces": "avtools.tasks.track_faces:TASK",
    "upmix": "avtools.tasks.upmix:TASK",
}


def task_of(name: str) -> "Task":
    """The task of this name."""
    if name not in TASKS:
        raise ValueError(f"no task {name!r}: expected one of {', '.join(TASKS)}")
    module, _, value = TASKS[name].partition(":")
    return getattr(import_module(module), value)
