"""What Dask loads into each process of a local crew, once, before any work."""

import signal


def dask_setup(_worker) -> None:
    """Ctrl-C goes to every process of a terminal; the one that started the others ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
