"""Tracks of a turning head: what is read, and what is refused in words."""

import numpy as np
import pytest

from avtools.dsp.rotation import rotation_matrix
from avtools.errors import AvtoolsError
from avtools.stream.tracks import Track, read_angles

GOOD = "time,yaw,pitch,roll\n0,0,0,0\n1.5,90,10,-5\n\n2,180,0,0\n"


def test_columns_are_found_by_name(tmp_path):
    path = tmp_path / "track.csv"
    path.write_text("roll, time ,yaw\n1,0,30\n2,1,40\n")
    times, angles = read_angles(str(path))
    assert times.tolist() == [0, 1]
    assert angles.tolist() == [[30, 0, 1], [40, 0, 2]]


def test_halfway_is_half_the_turn(tmp_path):
    path = tmp_path / "track.csv"
    path.write_text("time,yaw\n0,170\n2,-170\n")  # the short way is 20 degrees, through 180
    track = Track.read(str(path), rotation_matrix, np.eye(3))
    assert np.allclose(track.one(1.0), rotation_matrix(180), atol=1e-12)
    assert np.allclose(track.one(-5), rotation_matrix(170), atol=1e-12)
    assert np.allclose(track.one(9), rotation_matrix(-170), atol=1e-12)


@pytest.mark.parametrize(
    "text",
    ["", "time,yaw\n", "yaw\n1\n", "1,2,3,4\n", "time,yaw\n0,x\n", "time,yaw\n0,nan\n",
     "time,yaw\n0,1\n0,2\n", "time,yaw\n0,1\n-1,2\n", "time,yaw\n0\n", "time,yaw\n0,1e400\n",
     "time,yaw\n0," + "1" * 20_000 + "\n"],
)  # fmt: skip
def test_what_is_no_track_is_refused(tmp_path, text):
    path = tmp_path / "track.csv"
    path.write_text(text)
    with pytest.raises(AvtoolsError, match=r"track\.csv"):
        read_angles(str(path))


def test_twenty_thousand_damaged_tracks(tmp_path):
    """Each is read or refused in words."""
    random = np.random.default_rng(3)
    path = tmp_path / "track.csv"
    read = refused = 0
    letters = np.frombuffer(b'0159.,-+eE"\n\r \x00\xff\xc3NnaifINF;', np.uint8)
    for _ in range(20_000):
        data = np.frombuffer(GOOD.encode(), np.uint8).copy()
        for _ in range(random.integers(1, 5)):
            at = random.integers(len(data))
            kind = random.integers(4)
            if kind == 0:
                data[at] = random.choice(letters)
            elif kind == 1:
                data = np.insert(data, at, random.choice(letters))
            elif kind == 2 and len(data) > 2:
                data = np.delete(data, at)
            elif len(data) > 5:
                data = data[: random.integers(2, len(data))]
        path.write_bytes(data.tobytes())
        try:
            times, angles = read_angles(str(path))
        except AvtoolsError:
            refused += 1
        else:
            read += 1
            assert np.isfinite(angles).all() and (np.diff(times) > 0).all()
    assert read > 1000 and refused > 1000
