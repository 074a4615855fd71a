"""Processes for many files: a file that kills its process costs itself alone."""

import os
import signal

from avtools.stream.batch import BUG, FAILED, FINE, NO, UNSURE, Item, gravest, run_each
from avtools.stream.workers import in_processes

ITEMS = [Item(name, name) for name in ("a", "crash", "b", "bug", "c", "missing")]


def work(item: Item) -> str:
    if item.path == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if item.path == "bug":
        raise ZeroDivisionError
    if item.path == "missing":
        os.stat("/no/such/file")
    return item.path.upper()


def test_results_come_in_order_and_crashes_are_named(capfd):
    results = list(in_processes(ITEMS, work, 2))
    assert [r for r, _ in results] == ["A", None, "B", None, "C", None]
    assert [code for _, code in results] == [FINE, FAILED, FINE, BUG, FINE, FAILED]
    told = capfd.readouterr().err
    assert "crash: its process died (SIGSEGV)" in told
    assert "bug: a bug in avtools" in told and "ZeroDivisionError" in told
    assert "/no/such/file: No such file or directory" in told


def test_the_status_of_a_run_with_failures(capfd):
    taken = []
    assert run_each(ITEMS, work, taken.append, jobs=3) == BUG
    assert taken == ["A", "B", "C"]
    harmless = [item for item in ITEMS if item.path != "crash"]
    assert run_each(harmless, work, taken.append) == BUG  # the same without processes
    assert taken == ["A", "B", "C"] * 2
    assert run_each(ITEMS[:2], work, taken.append, jobs=2) == FAILED
    assert run_each(ITEMS[:1], work, taken.append) == FINE


def test_the_gravest_answer_counts():
    assert gravest([FINE, UNSURE]) == UNSURE
    assert gravest([UNSURE, NO, FINE]) == NO
    assert gravest([NO, FAILED, UNSURE]) == FAILED
    assert gravest([]) == FINE
