import pytest

from avtools.curate.complete import complete


def test_whole_clips_pass():
    verdict = complete(10, 9.98, 9.9)
    assert verdict.passed
    assert verdict.figures == {"sound_seconds": 9.98, "picture_seconds": 9.9, "decode_errors": 0}


def test_what_is_missing_is_named():
    assert complete(10, 10, 6.5).reasons == ("truncated picture: 6.50 s, expected 10.00 s",)
    assert complete(10, 0, 10).reasons == ("no sound: nothing could be decoded",)
    assert complete(10, float("nan"), 10).reasons == ("no sound: nothing could be decoded",)
    assert complete(10, 10, 10, errors=3).reasons == ("undecodable: 3 errors, expected at most 0",)
    assert complete(10, 10, 10, errors=3, most_errors=5).passed
    with pytest.raises(ValueError, match="expected more than 0"):
        complete(0, 1, 1)
