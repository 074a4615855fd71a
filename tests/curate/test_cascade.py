"""One clip through all tests: what a decoder hides, and what is no fault of the clip."""

import random
from dataclasses import replace

import numpy as np
import pytest

from avtools.curate import cascade, plan, survey
from avtools.curate.settings import Settings
from avtools.datasets.clip import Clip
from avtools.errors import AvtoolsError
from avtools.stream.damage import Damage
from tests.curate.footage import RATE, good, pictures, sound, video
from tests.scenes import needs_ffmpeg

SETTINGS = Settings(clip=2, tests=("silence", "stereo", "off-centre", "still"), size=32)


def plans(path, settings: Settings = SETTINGS) -> list[plan.Planned]:
    clip = Clip("a", "a", str(path), str(path))
    ((_, facts),) = survey.survey([clip], settings.kind)
    return next(plan.planned({"a": [clip]}, lambda _: facts, settings.clip, 99, 0))


def judged(path, settings: Settings = SETTINGS) -> list[dict]:
    return [cascade.judge(p, settings, None) for p in plans(path, settings)]


@pytest.fixture(scope="module")
def nine(tmp_path_factory):
    return good(tmp_path_factory.mktemp("nine") / "a.mp4", 3, 9.0)


def spoilt(data: bytes, begin: int, end: int) -> bytes:
    return data[:begin] + random.Random(1).randbytes(end - begin) + data[end:]


@needs_ffmpeg
def test_a_file_with_its_middle_third_overwritten_is_damaged(nine, tmp_path):
    """Its index is whole: nothing is missing but what the decoder passes over with a warning."""
    assert [r["reason"] for r in judged(nine)] == [None] * 4
    data = nine.read_bytes()
    begin = data.index(b"mdat") + 4
    size = int.from_bytes(data[begin - 8 : begin - 4]) - 8
    (tmp_path / "a.mp4").write_bytes(spoilt(data, begin + size // 3, begin + size * 2 // 3))
    found = judged(tmp_path / "a.mp4")
    assert found[0]["reason"] is None
    assert all(r["reason"].startswith("damaged: ") for r in found[1:3])
    whole = judged(tmp_path / "a.mp4", replace(SETTINGS, clip=9))
    assert whole[0]["reason"].startswith("damaged: ") and whole[0]["figures"]["damaged_sound"] > 0.3


@needs_ffmpeg
def test_damaged_pictures_are_counted_where_the_sound_is_whole(nine, tmp_path):
    import av

    from avtools.stream.video import pick_video

    data = bytearray(nine.read_bytes())
    with av.open(str(nine)) as container:
        places = [(p.pos, p.size) for p in container.demux(pick_video(container)) if p.size]
    for pos, size in places[20:24]:
        data[pos : pos + size] = random.Random(2).randbytes(size)
    (tmp_path / "a.mp4").write_bytes(data)
    found = judged(tmp_path / "a.mp4")
    assert found[0]["stage"] == "full" and found[0]["figures"]["damaged_sound"] == 0
    assert found[0]["reason"].startswith("damaged: ") and found[0]["reason"].endswith(" pictures")
    assert [r["reason"] for r in found[2:]] == [None] * 2  # what follows builds on them


@needs_ffmpeg
@pytest.mark.parametrize("ending", ["ts", "mkv"])
def test_holes_that_a_container_passes_over_are_told(tmp_path, ending):
    whole = video(tmp_path / f"a.{ending}", sound(9, 3), pictures(9, 3))
    assert judged(whole, replace(SETTINGS, clip=9))[0]["reason"] is None
    data = whole.read_bytes()
    whole.write_bytes(spoilt(data, len(data) // 3, len(data) * 2 // 3))
    (record,) = judged(whole, replace(SETTINGS, clip=9))
    assert "damaged: no sound for " in record["reason"] or "truncated" in record["reason"]


@needs_ffmpeg
def test_pictures_that_stand_for_long_are_no_damage(tmp_path):
    shown = pictures(6, 3)
    shown[20:56] = shown[20]
    thinned = ["-vf", "mpdecimate=max=0", "-fps_mode", "vfr"]
    (record,) = judged(video(tmp_path / "a.mkv", sound(6, 3), shown, *thinned),
                       replace(SETTINGS, clip=6))  # fmt: skip
    assert record["reason"] is None and record["figures"]["damaged_pictures"] == 0


def test_only_the_window_counts():
    damage = Damage(begin=10, end=20, gap=1)
    for time, is_damaged in ((8, True), (9.5, False), (12, False), (12.5, True), (19.5, False)):
        damage.met(time, is_damaged, is_frame=True)
    damage.met(25, True, is_frame=True)
    damage.met(11, True, is_frame=False)
    assert (damage.damaged, damage.decoded) == (2, 4)
    assert damage.lost_seconds == 2 + 7 + 0.5


@needs_ffmpeg
def test_sound_that_is_no_number_is_not_taken_for_silence(tmp_path):
    x = sound(2, 3)
    x[1000 : 1000 + RATE // 2] = np.nan
    (record,) = judged(video(tmp_path / "a.mkv", x, pictures(2, 3), "-c:a", "pcm_f32le"))
    assert record["reason"].startswith("nan: 25") and record["figures"]["bad"] > 0.2


@needs_ffmpeg
def test_a_still_is_one_however_few_pictures_are_packed(tmp_path):
    one = replace(SETTINGS, fps=0.5)
    still = video(tmp_path / "still.mp4", sound(2, 3), pictures(2, 3, moves=False))
    assert judged(still, one)[0]["reason"].startswith("still picture")
    (record,) = judged(good(tmp_path / "good.mp4", 3), one)
    assert record["reason"] is None and record["figures"]["moving"] > 0.9


@needs_ffmpeg
def test_a_detector_that_is_missing_here_is_no_fault_of_the_clip(nine):
    settings = replace(SETTINGS, tests=("faces",), detector="boxes:/none/boxes.csv")
    with pytest.raises(AvtoolsError, match=r"/none/boxes\.csv: No such file"):
        cascade.judged(plans(nine), settings, None)


@needs_ffmpeg
def test_a_file_that_is_missing_here_alone_is_looked_at_again(nine, tmp_path):
    """What a record holds for is the files as they were seen: nobody else sees none."""
    there = tmp_path / "there.mp4"
    there.write_bytes(nine.read_bytes())
    planned, stamp = plans(there)[0], survey.stamp(plans(there)[0].clip)
    there.unlink()
    record = cascade.judge(planned, SETTINGS, None)
    assert record["reason"].startswith("unreadable") and record["stamp"] != stamp
