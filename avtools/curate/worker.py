"""What Dask loads into each process of a local crew, once, before any work."""

import logging
import signal

# Dask logs what it thinks of connections that end, after its own silence has ended as well.
TALKERS = (
    "distributed",
    "distributed.client",
    "bokeh",
    "tornado",
    "tornado.access",
    "tornado.application",
    "tornado.general",
    "asyncio",
)


def silence() -> None:
    """For good: an interrupted run ends with Dask's loops still at it. What is to be said of a
    run is said by the run."""
    import distributed.config  # noqa: F401 - which sets these loggers up, once

    for name in TALKERS:
        logger = logging.getLogger(name)
        logger.handlers[:] = [logging.NullHandler()]
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 1)


def dask_setup(_worker) -> None:
    """Ctrl-C goes to every process of a terminal; the one that started the others ends them."""
    silence()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
