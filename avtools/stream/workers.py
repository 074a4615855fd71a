"""Worker processes, one file at a time each.

Spawned, never forked: FFmpeg's threads do not survive a fork. A worker that dies (a decoder may
crash on a damaged file) costs its own file alone, which a pool of concurrent.futures can't say.
"""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait

from avtools import errors
from avtools.stream.batch import FAILED, attempt


def in_processes(items: list, work: Callable, jobs: int) -> Iterator[tuple[object, int]]:
    """(result, 0), or (None, exit status) of a failure, of every item in their order."""
    waiting = list(enumerate(items))[::-1]
    done: dict[int, tuple[object, int]] = {}
    workers: list[Worker] = []
    following = 0
    try:
        while following < len(items):
            while waiting and len(workers) < jobs:
                workers.append(Worker(work))
            for worker in workers:
                if worker.number is None and waiting:
                    worker.give(*waiting.pop())
            busy = [w for w in workers if w.number is not None]
            ready = wait([w.pipe for w in busy])
            for worker in [w for w in busy if w.pipe in ready]:
                number, outcome = worker.take()
                done[number] = outcome
                if worker.is_dead:
                    workers.remove(worker)
            while following in done:
                yield done.pop(following)
                following += 1
    finally:
        for worker in workers:
            worker.end()


class Worker:
    def __init__(self, work: Callable):
        spawning = multiprocessing.get_context("spawn")
        self.pipe, far = spawning.Pipe()
        self.process = spawning.Process(
            target=_serve, args=(far, work, errors.speaker.copy()), daemon=True
        )
        self.process.start()
        far.close()
        self.number: int | None = None
        self.is_dead = False

    def give(self, number: int, item) -> None:
        self.number, self.item = number, item
        with contextlib.suppress(OSError):  # dead between two files: `take` finds out
            self.pipe.send(item)

    def take(self) -> tuple[int, tuple[object, int]]:
        number, self.number = self.number, None
        try:
            return number, self.pipe.recv()
        except (EOFError, OSError):
            self.is_dead = True
            self.process.join()
            code = self.process.exitcode or 0
            how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
            errors.say(f"{self.item.path}: its process died ({how})", errors.QUIET)
            return number, (None, FAILED)

    def end(self) -> None:
        """Let it clean up: it removes what it has half written."""
        if self.number is not None:
            self.process.terminate()
        self.pipe.close()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()


def _serve(pipe: Connection, work: Callable, speaker: dict) -> None:
    errors.speaker.update(speaker)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it and ends us
    signal.signal(signal.SIGTERM, _leave)
    while True:
        try:
            item = pipe.recv()
        except (EOFError, OSError):
            return
        outcome = attempt(work, item)
        try:
            pipe.send(outcome)
        except OSError:
            os._exit(0)


def _leave(*_) -> None:
    raise SystemExit(143)
