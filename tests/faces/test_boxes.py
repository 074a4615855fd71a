import json

import numpy as np
import pytest

from avtools.faces import detector

CSV = """file,time,x,y,width,height,azimuth,elevation,confidence
clips/a.mp4,0.5,10,20,30,40,5,0,0.9
clips/a.mp4,0.5,100,20,20,20,-5,0,0.4
clips/a.mp4,1.0,12,22,30,40,5,0,0.8
clips/a.mp4,1.5,,,,,,,
clips/b.mp4,0.5,1,2,3,4,,,
"""
FRAMES = np.zeros((4, 90, 160, 3), np.uint8)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "faces.csv"
    path.write_text(CSV)
    return path


def found(path, file="clips/a.mp4", times=(0.5, 0.9, 1.5, 9.0), **more):
    return detector(f"boxes:{path}").detect(FRAMES[: len(times)], file=file, times=times, **more)


def test_rows_are_found_by_file_and_time(table):
    two, near, none, far = found(table)
    assert two[0].tolist() == [[10, 20, 30, 40], [100, 20, 20, 20]]
    assert two[1].tolist() == [0.9, 0.4]
    assert near[0].tolist() == [[12, 22, 30, 40]]
    assert none[0].shape == far[0].shape == (0, 4) and none[1].shape == (0,)


def test_smaller_frames_than_the_source(table):
    (boxes, _), *_ = found(table, size=(320, 180))
    assert boxes[0].tolist() == [5, 10, 15, 20]


@pytest.mark.parametrize("name", ["b.mp4", "/data/clips/b.mp4", "./clips/b.mp4"])
def test_a_file_is_known_by_the_end_of_its_path(table, name):
    (boxes, scores), *_ = found(table, file=name)
    assert boxes.tolist() == [[1, 2, 3, 4]] and scores.tolist() == [1.0]
    assert not len(found(table, file="xb.mp4")[0][0])


def test_json_lines_say_the_same(table, tmp_path):
    header, *lines = CSV.splitlines()
    path = tmp_path / "faces.jsonl"
    rows = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for one, other in zip(found(table), found(path), strict=True):
        assert np.array_equal(one[0], other[0]) and np.array_equal(one[1], other[1])


def test_two_files_of_one_name(tmp_path):
    path = tmp_path / "faces.csv"
    path.write_text("file,time,x,y,width,height\na/c.mp4,0,1,1,1,1\nb/c.mp4,0,1,1,1,1\n")
    with pytest.raises(ValueError, match=r"a/c\.mp4 and b/c\.mp4 may both be c\.mp4"):
        found(path, file="c.mp4")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no column file"),
        ("file,time,x,y,width\n", "no column height"),
        ("file,time,x,y,width,height\n", "no rows"),
        ("file,time,x,y,width,height\na,0,1,1,1,tall\n", "line 2: height 'tall', expected a num"),
        ("file,time,x,y,width,height\na,0,1,1,0,5\n", "line 2: 0 x 5 pixels"),
        ("file,time,x,y,width,height\na,,1,1,1,5\n", "line 2: no time"),
        ("file,time,x,y,width,height\na,0,1,1,nan,5\n", "width 'nan', expected a number"),
        ("file,time,x,y,width,height\n,0,1,1,1,5\n", "line 2: no file"),
        ('{"file": "a"}\n{"time"\n', "line 1: no time"),
        ('{"file": "a", "time": 0}\n[1]\n', "line 2: expected an object"),
        ('{"file": "a", "time": 0}\n{"time"\n', "line 2: not JSON"),
        ("x" * 200_000, "a line of over 100000 characters"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(tmp_path, text, why):
    path = tmp_path / "faces.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=why) as error:
        detector(f"boxes:{path}")
    assert "\n" not in str(error.value) and str(path) in str(error.value)


def test_bytes_and_missing_files(tmp_path, table):
    (tmp_path / "x").write_bytes(b"\xff\xfe\x00\x81" * 50)
    with pytest.raises(ValueError, match="not a table of file,time"):
        detector(f"boxes:{tmp_path / 'x'}")
    with pytest.raises(ValueError, match="No such file or directory, expected a table"):
        detector(f"boxes:{tmp_path / 'none'}")
    with pytest.raises(ValueError, match="need the time of each frame"):
        detector(f"boxes:{table}").detect(FRAMES)
