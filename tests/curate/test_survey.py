"""What is no file is said to be none, and is never opened."""

import os

import pytest

from avtools.curate.survey import survey
from avtools.datasets.clip import Clip
from tests.datasets.trees import empty


def reason(sound, video, **more) -> str:
    ((_, facts),) = survey([Clip("a", "a", str(sound), str(video), **more)], "stereo")
    return facts["reason"]


def test_what_is_no_file(tmp_path):
    pipe, folder, nothing = (tmp_path / name for name in ("pipe.mp4", "dir.mp4", "zero.mp4"))
    os.mkfifo(pipe)
    folder.mkdir()
    empty(nothing)
    assert reason(pipe, pipe) == reason(folder, folder) == "not a file"
    assert reason(nothing, nothing) == "zero bytes"
    assert reason(os.devnull, os.devnull) == "not a file"
    # Beside a file that is gone nobody waits for a pipe either.
    for pair in ((pipe, tmp_path / "gone.mp4"), (tmp_path / "gone.mp4", pipe)):
        assert reason(*pair) in ("not a file", "unreadable: No such file or directory")


@pytest.mark.parametrize("rate", [None, 10.0])
def test_folders_of_pictures_say_their_rate(tmp_path, rate):
    empty(tmp_path / "sounds/0.wav", tmp_path / "pictures/readme.txt")
    told = reason(tmp_path / "sounds", tmp_path / "pictures", picture_rate=rate)
    assert told == ("not a file" if rate is None else TOLD)


TOLD = "unreadable: no numbered files (.jpg, .jpeg, .png)"
