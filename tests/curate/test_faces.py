import numpy as np
import pytest

from avtools.curate.faces import faces


def found(*scores):
    return np.zeros((len(scores), 4)), np.array(scores, float)


def test_two_confident_pictures_pass():
    verdict = faces([found(0.9, 0.3), found(), found(0.6)])
    assert verdict.passed
    assert verdict.figures == pytest.approx(
        {"faces": 2, "face_share": 2 / 3, "face_confidence": 0.6}
    )


def test_one_hit_is_none():
    verdict = faces([found(0.9, 0.9), found(0.4), found()])
    assert verdict.reasons == ("no face: a confident one on 1 of 3 pictures, expected 2",)
    assert verdict.figures["face_confidence"] == 0.4
    assert faces([found(0.9), found(0.4)], confidence=0.4).passed
    assert faces([found(0.9)], pictures=1).passed


def test_too_few_pictures():
    assert not faces([found(0.9)]).passed and not faces([]).passed
    assert np.isnan(faces([]).figures["face_share"])
    with pytest.raises(ValueError, match="expected 1 or more"):
        faces([], pictures=0)
