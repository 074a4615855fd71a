import pytest

from avtools.curate.complete import complete, numbers, undamaged


def test_whole_clips_pass():
    verdict = complete(10, 9.98, 9.9)
    assert verdict.passed
    assert verdict.figures == {"sound_seconds": 9.98, "picture_seconds": 9.9}


def test_what_is_missing_is_named():
    assert complete(10, 10, 6.5).reasons == ("truncated picture: 6.50 s, expected 10.00 s",)
    assert complete(10, 0, 10).reasons == ("no sound: nothing could be decoded",)
    assert complete(10, float("nan"), 10).reasons == ("no sound: nothing could be decoded",)
    with pytest.raises(ValueError, match="expected more than 0"):
        complete(0, 1, 1)


def test_damage_is_told_in_pieces_and_in_seconds():
    verdict = undamaged("pictures", 36, 108, 3.1, 9)
    assert verdict.reasons == (
        "damaged: 36 of 108 pictures",
        "damaged: no pictures for 3.10 s",
    )
    assert verdict.figures == {"damaged_pictures": pytest.approx(3.1 / 9)}
    assert undamaged("pieces of sound", 2, 100, 0.1, 9).passed
    assert undamaged("pieces of sound", 3, 100, 0, 9).figures == {"damaged_sound": 0.03}
    assert not undamaged("pieces of sound", 3, 100, 0, 9).passed
    assert undamaged("pictures", 0, 0, 0, 9).passed  # a folder of pictures: nothing was counted


def test_what_is_no_number_is_told():
    assert numbers(0.1).reasons == ("nan: 10.0 % of the samples are no numbers",)
    assert numbers(0.0005).passed and numbers(0.0005).figures == {"bad": 0.0005}
