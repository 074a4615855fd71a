"""A clip that never ends: here a process that sleeps; the clock's part without one."""

import subprocess
import sys

from avtools.curate import hang
from avtools.curate.plan import Planned
from avtools.datasets.clip import Clip

SLEEPS = """\
import sys, time
from pathlib import Path
from avtools.curate import hang
work, _ = hang.watched(
    lambda group: [(i, time.sleep(1000 * (i == "bad"))) for i in group],
    lambda item: (item, {"reason": "crashes"}),
    Path(sys.argv[1]),
    lambda item: 0.2 + 60 * (item != "bad"),
)
print(work(["one", "bad", "two"]))
"""


def test_what_hangs_is_marked_and_its_process_ends(tmp_path):
    call = [sys.executable, "-c", SLEEPS, str(tmp_path / "hung")]
    first = subprocess.run(call, capture_output=True, text=True, timeout=60)
    assert first.returncode == -9 and first.stdout == "" == first.stderr
    again = subprocess.run(call, capture_output=True, text=True, timeout=60)
    expected = [("one", None), ("bad", {"reason": "hangs the decoder"}), ("two", None)]
    assert again.stdout == f"{expected}\n", again.stderr


def test_what_is_lost_says_whether_it_hung(tmp_path):
    def lost(item):
        return item, {"reason": "crashes the decoder", "x": 1}

    _, found = hang.watched(lambda group: group, lost, tmp_path)
    assert found("a") == lost("a")
    hang._mark(str(tmp_path), "a").parent.mkdir()
    hang._mark(str(tmp_path), "a").touch()
    assert found("a") == ("a", {"reason": "hangs the decoder", "x": 1})
    assert found("b") == lost("b")


def test_the_limit_grows_with_the_clip():
    clip = Clip("a", "a", None, "a.mp4", start=100.0, duration=10.0)
    assert hang.seconds_for(clip) == hang.seconds_for(Planned(clip)) == 60 + 200 + 100
    assert hang.seconds_for(Clip("a", "a", None, "a.mp4")) == 60
