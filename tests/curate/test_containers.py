"""Lengths that no header tells, and texts that name other files."""

import subprocess

import pytest

from avtools.curate import survey
from avtools.datasets.clip import Clip
from tests.curate.footage import good
from tests.scenes import needs_ffmpeg


def surveyed(path) -> dict:
    ((_, facts),) = survey.survey([Clip("a", "a", str(path), str(path))], "stereo")
    return facts


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    return good(tmp_path_factory.mktemp("two") / "a.mp4", 3)


@needs_ffmpeg
@pytest.mark.parametrize("form", ["matroska", "mpegts"])
def test_the_length_of_what_came_through_a_pipe(two, tmp_path, form):
    call = ["ffmpeg", "-v", "error", "-i", two, "-c", "copy", "-f", form, "-"]
    path = tmp_path / "piped.mkv"
    path.write_bytes(subprocess.run(call, check=True, capture_output=True).stdout)
    facts = surveyed(path)
    assert facts["reason"] is None and facts["whole"] is None
    assert facts["seconds"] == pytest.approx(2, abs=0.1)


@needs_ffmpeg
@pytest.mark.parametrize(
    "text, said",
    [
        ("ffconcat version 1.0\nfile a.mp4\n", "a list of files to join"),
        ("#EXTM3U\n#EXTINF:2,\na.mp4\n", "a playlist"),
    ],
)
def test_a_list_called_a_video_is_not_followed(two, text, said, monkeypatch):
    path = two.parent / "list.mp4"
    path.write_text(text)
    assert surveyed(two)["reason"] is None

    def opened(*args, **more):
        raise AssertionError("FFmpeg was let at it")

    monkeypatch.setattr("av.open", opened)
    facts = surveyed(path)
    assert facts["reason"].startswith(f"unreadable: {said}") and "seconds" not in facts
