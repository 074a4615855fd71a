"""Work spread over processes and machines by Dask, such that a process that dies loses nothing.

A task is a small group of items. Where the process of a task dies, Dask gives the task to another
one; a task that has cost several processes is taken apart here, and each of its items tried alone
with nothing beside it, so that only the item that kills is lost. Neighbours of a killer come to no
harm either: what died with it is done again.

The same code runs on a cluster of this machine's own, made for the run, and on the scheduler of a
real one.
"""

import contextlib
import json
import os
import re
import signal
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from avtools import errors
from avtools.curate.worker import silence
from avtools.errors import AvtoolsError, note, reason, warn

# Tasks that wait at the scheduler: enough for any number of processes not to run dry.
WAITING = 64
CONNECT_SECONDS = 5
RESULT_SECONDS = 15
ADDRESS = re.compile(r"((tcp|tls)://)?([\w.-]+|\[[\w:.%]+\]):(?P<port>\d{1,5})", re.ASCII)
MEND_SECONDS = 2.0
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SETTINGS = {
    # A process may die for reasons outside (out of memory, an operator): one try more.
    "distributed.scheduler.allowed-failures": 1,
    # No second task waits at a process, so that a death is the fault of one task.
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,  # what a decoder holds doesn't get less by waiting
    "distributed.worker.multiprocessing-method": "spawn",  # FFmpeg's threads survive no fork
    "distributed.worker.preload": ["avtools.curate.worker"],
    "distributed.comm.retry.count": 0,
    # Dask gives up those that are not back soon, and leaves it at that; `_mend` knows better.
    "distributed.deploy.lost-worker-timeout": "1 day",
}


@contextlib.contextmanager
def crew(jobs: int, scheduler: str | None, scratch: Path) -> Iterator:
    """A Dask client: of processes on this machine, or of the scheduler at an address."""
    if scheduler is not None:
        with _connected(scheduler) as client:
            yield client
        return
    import dask

    silence()
    # `with` sets these for this process; a local cluster hands them on to those that it starts.
    with dask.config.set(SETTINGS), _local(jobs, scratch) as client:
        yield client


@contextlib.contextmanager
def _local(jobs: int, scratch: Path) -> Iterator:
    started: list = []
    try:
        with _uninterrupted():
            _start(jobs, scratch, started)
        yield started[1]
    except BaseException:
        if started:
            _kill(started[0])  # nobody waits for a clip that is half decoded
        raise
    finally:
        _close(*started[::-1])


def _start(jobs: int, scratch: Path, started: list) -> None:
    """Cluster and client, put into `started` as they come."""
    import logging

    from distributed import Client, LocalCluster
    from tornado.ioloop import PeriodicCallback

    try:
        cluster = LocalCluster(
            n_workers=jobs,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
            silence_logs=logging.CRITICAL,
            local_directory=str(scratch),
        )
        started.append(cluster)
        started.append(Client(cluster, set_as_default=False))
    except (RuntimeError, OSError) as error:
        raise AvtoolsError(f"the processes can't be started ({reason(error)})") from error
    mending = PeriodicCallback(partial(_mend, cluster, jobs), 1000 * MEND_SECONDS)
    cluster.loop.add_callback(mending.start)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Signals wait until the block ends: Dask can't be stopped while it starts.

    The threads and processes that it starts inherit that for good: Ctrl-C, which goes to every
    process of a terminal, reaches this thread alone. (avtools/curate/worker.py undoes the rest.)
    """
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # its start would let signals through again
    held = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _mend(cluster, jobs: int) -> None:
    """Replace processes that nobody restarts.

    A process that dies within a blink of its start (it was given the clip that kills before its
    keeper had heard of it) takes its keeper with it, and Dask starts no other.
    """
    from distributed.core import Status

    if cluster.status != Status.running:
        return
    gone = [
        name for name, w in cluster.workers.items() if w.status in (Status.closed, Status.failed)
    ]
    for name in gone:
        del cluster.workers[name]
    if gone:
        cluster.scale(jobs)  # as many as there were: it starts those that are missing


def _kill(cluster) -> None:
    for worker in list(cluster.workers.values()):
        pid = getattr(worker, "pid", None)
        if pid:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def _close(*parts) -> None:
    """A client before its cluster."""
    for part in parts:
        with contextlib.suppress(Exception):
            part.close(timeout=5)


@contextlib.contextmanager
def _connected(address: str) -> Iterator:
    client = _client(address, scheduler_address(address))
    try:
        if not client.nthreads():
            warn(f"--scheduler {address}: no worker is there yet; waiting for one")
        yield client
    finally:
        _close(client)


def _client(address: str, known: str):
    from distributed import Client

    silence()
    client = Client.__new__(Client)  # one that fails on the way must be closed as well
    try:
        client.__init__(known, timeout=CONNECT_SECONDS, set_as_default=False)
    except BaseException as error:
        _close(client)
        if not isinstance(error, Exception):
            raise
        said = f"--scheduler {address}: no Dask scheduler there"
        raise AvtoolsError(f"{said} ({reason(error)})") from error
    return client


def scheduler_address(said: str) -> str:
    """Host and port, of what is one or is a file that a scheduler has written."""
    address, file = said, os.path.isfile(said)
    if file:
        try:
            address = json.loads(Path(said).read_bytes())["address"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise AvtoolsError(f"--scheduler {said}: no file of a Dask scheduler") from error
    found = ADDRESS.fullmatch(address) if isinstance(address, str) else None
    if found is None or not 0 < int(found["port"]) < 2**16:
        named = f"{said}: {address}" if file else said
        raise AvtoolsError(
            f"--scheduler {named}: expected an address, as in tcp://host:8786, or the file that a"
            " scheduler has written"
        )
    return address


def results(
    client, groups: Iterable[list], work: Callable[[list], list], lost: Callable[[object], object]
) -> Iterator:
    """`work(group)` of every group, result after result, in the order in which they come.

    `lost(item)` is the result of an item that kills every process that touches it.
    """
    suspects: list = []
    for group, found in _flow(client, groups, work):
        if found is None:
            suspects += group
        else:
            yield from found
    for item in suspects:
        for _, found in _flow(client, [[item]], work):
            yield from [lost(item)] if found is None else found


def _flow(client, groups: Iterable[list], work: Callable) -> Iterator[tuple[list, list | None]]:
    """(group, its results), or None where its processes died."""
    from distributed import as_completed

    groups, running, width = iter(groups), as_completed(loop=client.loop), WAITING
    owners: dict = {}

    def feed() -> None:
        for group in islice(groups, width - len(owners)):
            future = client.submit(work, group, pure=False)
            owners[future.key] = group
            running.add(future)

    feed()
    width = max(WAITING, 4 * sum(client.nthreads().values()))
    while owners:
        future = next(running)
        group = owners.pop(future.key)
        feed()
        yield group, _outcome(future)
        future.release()


def _outcome(future) -> list | None:
    from distributed import KilledWorker

    if future.status == "finished":
        try:
            return future.result(timeout=RESULT_SECONDS)
        except Exception as error:
            raise AvtoolsError(f"the scheduler was lost: {reason(error)}") from error
    error = future.exception() if future.status == "error" else None
    if isinstance(error, KilledWorker):
        note("a process died again and again; its clips are tried one by one")
        return None
    if error is None:
        raise AvtoolsError("the scheduler was lost; a rerun goes on where this one stopped")
    if isinstance(error, ImportError):
        raise AvtoolsError(f"a worker of the scheduler can't work: {reason(error)}") from error
    raise error


def quietly(work: Callable[[list], list], group: list) -> list:
    """`work` in a process of the crew, whose standard error is not the user's to read."""
    errors.speaker["level"] = errors.QUIET - 1
    return work(group)
