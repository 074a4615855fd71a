"""Where microphones are, out of files that people write."""

import json

import numpy as np
import pytest

from avtools.errors import AvtoolsError
from avtools.stream.geometry import read_geometry

PLACES = np.array([[0.1, 0, 0], [-0.1, 0.05, 0], [0, -0.05, 0.02], [0, 0, -0.02]])
BARE = "".join("{},{},{}\n".format(*row) for row in PLACES)


def read(tmp_path, text, channels: int = 4) -> np.ndarray:
    path = tmp_path / "array.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_geometry(str(path), channels)


@pytest.mark.parametrize(
    "text",
    [
        BARE,
        "x,y,z\n" + BARE,
        "\ufeffX, Y ,Z\r\n" + BARE.replace("\n", "\r\n"),
        "# a tetrahedron, metres\n\nx,y,z\n" + BARE.replace("\n", "  # one\n\n"),
        json.dumps(PLACES.tolist()),
        "\n " + json.dumps(PLACES.tolist(), indent=2),
        "name,z,y,x\n" + "".join(f"m{k},{z},{y},{x}\n" for k, (x, y, z) in enumerate(PLACES)),
        "channel,x,y,z\n" + "".join(
            f"{k},{x},{y},{z}\n" for k, (x, y, z) in reversed(list(enumerate(PLACES)))
        ),
        '"x","y","z"\n' + BARE,
        BARE.replace("0.1,", "1e-1,"),
    ],
)  # fmt: skip
def test_places_in_the_order_of_the_channels(tmp_path, text):
    assert np.allclose(read(tmp_path, text), PLACES - PLACES.mean(axis=0))


def test_they_are_around_their_mean(tmp_path):
    found = read(tmp_path, "1,2,3\n1,2.2,3\n", 2)
    assert np.allclose(found, [[0, -0.1, 0], [0, 0.1, 0]])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "0 microphones, but the sound has 4"),
        ("x,y,z\n", "0 microphones, but the sound has 4"),
        ("0,0,0\n", "1 microphone, but the sound has 4"),
        (BARE + "1,1,1\n", "5 microphones, but the sound has 4"),
        (BARE.replace("-0.1,0.05,0", "0.1,0,0"), r"microphones 0 and 1 in one place"),
        (BARE.replace("-0.1,0.05,0", "-100,0.05,0"), "100.1 m apart, expected at most 10"),
        ("0,0,0\n0,0,1e-4\n0,1e-4,0\n1e-4,0,0\n", "within 0.14 mm, expected at least 1"),
        (BARE + "1,2\n", "line 5: 2 cells, expected x,y,z"),
        (BARE + "1,2,3,4\n", "line 5: 4 cells, expected x,y,z"),
        ("x,y\n0,0\n", "line 1: no column z"),
        ("x,y,z,x\n0,0,0,0\n", "line 1: two columns x"),
        (BARE.replace("0.02", "up"), "line 3: 'up', expected a number of metres"),
        (BARE.replace("0.02", "nan"), "line 3: 'nan', expected a number of metres"),
        (BARE.replace("0.02", "1e999"), "line 3: '1e999', expected a number of metres"),
        (BARE.replace("0.02", ""), "line 3: '', expected a number of metres"),
        ("channel,x,y,z\n0,0,0,0\n0,1,1,1\n", "line 3: channel 0 a second time"),
        ("channel,x,y,z\n0,0,0,0\n2,1,1,1\n", r"no channel 1 \(they count from 0\)"),
        ("channel,x,y,z\nleft,0,0,0\n", "line 2: channel 'left', expected 0, 1"),
        ("[[0, 0, 0], [0, 0", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("{}", "expected a JSON list of"),
        ("[[0, 0], [1, 1]]", "expected a JSON list of"),
        ("[[0, 0, true], [1, 1, 1]]", "row 1: 'True', expected a number of metres"),
        ("[[0, 0, 1], [1, null, 1]]", "row 2: 'None', expected a number of metres"),
        ("[[0, 0, 1], [1, 1" + "0" * 400 + ", 1]]", "row 2: .* expected a number of metres"),
        ("[[0, 0, 1], [1, 1" + "0" * 5000 + ", 1]]", "no JSON|expected a number of metres"),
        (b"\xff\xfe\x00x", "not text"),
        ("x" * 2_000_000, "over a megabyte"),
        ("\x00,\x00,\x00\n", "array.csv: "),
        ('"0,0,0\n' + "1" * 200_000, "array.csv: "),
    ],
)
def test_what_is_refused(tmp_path, text, words):
    with pytest.raises(AvtoolsError, match=r"array\.csv: " + f"(.*)({words})|{words}") as told:
        read(tmp_path, text)
    assert "\n" not in str(told.value) and len(str(told.value)) < 400


def test_a_file_that_is_not_there(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(AvtoolsError, match=str(path)):
            read_geometry(str(path), 2)


def test_damaged_files_are_read_or_refused(tmp_path):
    draw = np.random.default_rng(3)
    letters = np.frombuffer(b'0159.,-+eE"\n\r \x00\xff\xc3#xyz[]', np.uint8)
    seeds = [("channel,x,y,z\n0,0,0,0\n1,1,0,0\n"), "[[0, 0, 0], [0, 1, 0]]", "0,0,0\n0,1,0\n"]
    answers = {True: 0, False: 0}
    for k in range(600):
        data = np.frombuffer(seeds[k % 3].encode(), np.uint8).copy()
        for _ in range(draw.integers(1, 3)):
            data[draw.integers(len(data))] = draw.choice(letters)
        try:
            assert np.isfinite(read(tmp_path, data.tobytes(), 2)).all()
            answers[True] += 1
        except AvtoolsError as error:
            assert "array.csv" in str(error)
            answers[False] += 1
    assert min(answers.values()) > 20
