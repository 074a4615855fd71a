"""Directions out of tables: which rows are followed, what lies between them, what is refused."""

import json
import os
import threading

import numpy as np
import pytest

from avtools.dsp.sphere import angles, unit_vectors
from avtools.errors import AvtoolsError
from avtools.stream.batch import Item
from avtools.stream.directions import GAP, Directions, stdin_is_free

GOOD = "file,time,source,azimuth,elevation,confidence\na.wav,0,1,0,0,0.9\na.wav,1,1,90,10,0.8\n"


def table(tmp_path, text: str) -> str:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def azimuths(tmp_path, text, seconds, sources=None, path="a.wav"):
    """`(n, k)` degrees."""
    directions = Directions.open(table(tmp_path, text), path, sources)
    return angles(directions.at(np.array(seconds, float)))[0]


def test_between_rows_along_the_great_circle_and_at_rest_outside(tmp_path):
    text = "time,azimuth\n1,0\n2,90\n3,-90\n"
    found = azimuths(tmp_path, text, [-5, 0, 1, 1.25, 1.5, 2, 3, 99])[:, 0]
    assert np.allclose(found, [0, 0, 0, 22.5, 45, 90, -90, -90])
    over = Directions.open(table(tmp_path, "time,azimuth,elevation\n0,0,80\n1,180,80\n"), "-")
    assert np.allclose(over.at(np.array([0.5]))[0, 0], [0, 0, 1])  # over the zenith


def test_the_short_way_passes_behind(tmp_path):
    found = azimuths(tmp_path, "time,azimuth\n0,170\n1,-170\n", [0.25, 0.5, 0.75])[:, 0]
    assert np.allclose(np.abs(found), [175, 180, 175])


def test_rows_far_apart_are_rest_and_then_a_turn(tmp_path):
    found = azimuths(tmp_path, "time,azimuth\n0,0\n10,60\n", [5, 9, 9.5, 10])[:, 0]
    assert GAP == 1 and np.allclose(found, [0, 0, 30, 60])


def test_each_source_by_itself_and_in_the_order_asked(tmp_path):
    text = "time,source,azimuth\n0,1,10\n0,2,-10\n1,1,20\n1,2,-20\n"
    found = azimuths(tmp_path, text, [0, 0.5, 1], ["2", "1"])
    assert np.allclose(found, [[-10, 10], [-15, 15], [-20, 20]])
    with pytest.raises(AvtoolsError, match="no row of source 3"):
        azimuths(tmp_path, text, [0], ["1", "3"])


def test_one_after_another_stays_with_a_source_as_long_as_it_is_there(tmp_path):
    rows = [(t, 1, 10, 0.4 if t else 0.9) for t in (0, 0.5, 1, 1.5)]
    rows += [(t, 2, 80, 0.6) for t in np.arange(0, 5, 0.5)]
    rows += [(t, 3, -80, 0.8) for t in np.arange(2, 5, 0.5)]
    lines = [f"{t},{s},{a},{c}" for t, s, a, c in sorted(rows)]
    text = "\n".join(["time,source,azimuth,confidence", *lines])
    # Source 1 is the most confident at first, and then never; it is gone for good after 1.5.
    found = azimuths(tmp_path, text, [0, 1, 1.5, 3, 4.5])[:, 0]
    assert np.allclose(found, [10, 10, 10, -80, -80])


def test_a_short_silence_is_no_reason_to_leave(tmp_path):
    text = "time,source,azimuth,confidence\n0,1,0,0.9\n0.5,2,90,1\n0.9,1,8,0.2\n"
    assert np.allclose(azimuths(tmp_path, text, [0.45, 0.9])[:, 0], [4, 8])


def test_rows_without_a_direction_are_passed_over(tmp_path):
    text = "time,azimuth\n0,0\n0.5,\n1,40\n"
    assert np.allclose(azimuths(tmp_path, text, [0.5])[:, 0], [20])


def test_json_lines_and_columns_in_any_order(tmp_path):
    rows = [{"azimuth": a, "time": t, "source": 1, "elevation": None} for t, a in ((0, 0), (1, 50))]
    text = "\n" + "\n\n".join(json.dumps(r) for r in rows) + "\n"
    assert np.allclose(azimuths(tmp_path, text, [0.5], ["1"]), 25)
    text = "\ufeff Azimuth ,other,TIME\n0,x,0\n50,y,1\n"
    assert np.allclose(azimuths(tmp_path, text, [0.5]), 25)


def test_of_a_table_about_several_files_the_rows_of_this_one(tmp_path):
    text = "file,time,azimuth\nx/a.wav,0,10\nx/a.wav,1,10\nx/b.wav,0,-70\nx/b.wav,1,-70\n"
    for path, azimuth in (("x/a.wav", 10), ("x/b.wav", -70), ("./x/../x/b.wav", -70)):
        assert np.allclose(azimuths(tmp_path, text, [0, 0.5, 9], path=path), azimuth)
    assert np.allclose(azimuths(tmp_path, text, [0], path=os.path.abspath("x/b.wav")), -70)
    with pytest.raises(AvtoolsError, match=r"several files, but none of them is c\.wav"):
        azimuths(tmp_path, text, [0], path="c.wav")


def test_a_table_about_one_file_is_taken_and_another_name_is_told(tmp_path, capsys):
    for path in ("a.wav", "elsewhere/a.flac", "-"):
        assert np.allclose(azimuths(tmp_path, GOOD, [0], path=path), 0)
    assert capsys.readouterr().err == ""
    assert np.allclose(azimuths(tmp_path, GOOD, [0], path="b.wav"), 0)
    assert "its rows are about a.wav, taken for b.wav" in capsys.readouterr().err


def test_a_name_over_two_lines(tmp_path):
    text = 'file,time,azimuth\n"a\nb.wav",0,10\n"a\nb.wav",1,20\n"a\nb.wav",x,1\n'
    directions = Directions.open(table(tmp_path, text), "a\nb.wav")
    with pytest.raises(AvtoolsError, match="line 7: time 'x'"):
        directions.at(np.array([0.5]))


def in_a_pipe(tmp_path, write):
    """A table that `write` gives through a named pipe."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def run():
        with open(pipe, "w") as out:
            write(out)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return str(pipe), thread


def test_a_pipe_is_read_no_further_than_is_needed(tmp_path):
    go_on = threading.Event()

    def write(out):
        for t in range(5):  # a second past what is asked for, and one row more
            out.write(f"{'' if t else 'time,azimuth' + chr(10)}{t},{10 * t}\n")
        out.flush()
        assert go_on.wait(20)
        out.write("5,50\n9,90\n")

    pipe, thread = in_a_pipe(tmp_path, write)
    directions = Directions.open(pipe, "a.wav")
    now = directions.at(np.array([0.5, 1.5]))  # would wait for ever if it read to the end
    go_on.set()
    later = directions.at(np.array([1.5, 4.5]))
    thread.join(20)
    assert np.allclose(angles(now)[0][:, 0], [5, 15])
    assert np.allclose(angles(later)[0][:, 0], [15, 45])


def test_a_pipe_that_comes_to_this_file_too_late_is_refused(tmp_path):
    text = "file,time,azimuth\na.wav,0,10\na.wav,9,10\nb.wav,0,-70\n"
    pipe, thread = in_a_pipe(tmp_path, lambda out: out.write(text))
    with pytest.raises(AvtoolsError, match=r"line 4: about b\.wav only after rows"):
        Directions.open(pipe, "b.wav").at(np.array([0.0, 20.0]))
    thread.join(20)


@pytest.mark.parametrize("sources", [None, ["1", "0"]])
def test_any_split_of_the_times_gives_the_same_bits(tmp_path, sources):
    draw = np.random.default_rng(1)
    times = np.cumsum(draw.exponential(0.7, 120))
    text = "time,source,azimuth,elevation\n" + "".join(
        f"{t},{draw.integers(2)},{draw.uniform(-180, 180)},{draw.uniform(-90, 90)}\n" for t in times
    )
    seconds = np.arange(0, times[-1] + 3, 0.01)
    whole = Directions.open(table(tmp_path, text), "-", sources).at(seconds)
    assert np.allclose(np.linalg.norm(whole, axis=-1), 1)
    for count in (2, 7, 300, 2000):
        parts = Directions.open(table(tmp_path, text), "-", sources)
        pieces = [parts.at(part) for part in np.array_split(seconds, count)]
        assert np.array_equal(np.concatenate(pieces), whole)
    assert parts.at(np.empty(0)).shape == (0, whole.shape[1], 3)


def test_what_is_behind_is_forgotten(tmp_path):
    text = "time,azimuth\n" + "".join(f"{k / 10},{k % 90}\n" for k in range(20_000))
    directions = Directions.open(table(tmp_path, text), "-")
    for second in range(0, 2000, 10):
        directions.at(np.arange(second, second + 10, 0.5))
        assert len(directions.paths[0].known) < 150


@pytest.mark.parametrize(
    "text",
    ["", "\n\n", "time\n0\n", "azimuth,file\n0,a\n", "1,2,3\n", "time,azimuth\n",
     "time,azimuth\n0,\n", "time,azimuth\n0,x\n", "time,azimuth\n,5\n", "time,azimuth\n0,nan\n",
     "time,azimuth\n0,1e999\n", "time,azimuth\n1,0\n0,0\n", "time,azimuth,elevation\n0,0,up\n",
     '{"time": 0}\n', "{}\n", "{\n", '{"time": 0, "azimuth": [1]}\n',
     '{"time": 0, "azimuth": 1}\n[]\n', '{"time": 0, "azimuth": 1' + "0" * 400 + "}\n",
     '{"time": 0, "azimuth": 1' + "0" * 5000 + "}\n", "time,azimuth\n0," + "1" * 20_000 + "\n",
     'time,azimuth\n"0,1\n' + "x\n" * 200_000, "\x00\x01\x02", "time,azimuth\n\x00,\x00\n"],
)  # fmt: skip
def test_what_is_no_table_of_directions_is_refused(tmp_path, text):
    with pytest.raises(AvtoolsError, match=r"^\S*table\.csv: (?s:.)+"):
        azimuths(tmp_path, text, [0, 1e6])


def test_a_table_that_is_not_there(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(AvtoolsError, match=str(path)):
            Directions.open(str(path), "-").at(np.array([0.0]))


def test_five_thousand_damaged_tables(tmp_path):
    """Each is read or refused in words."""
    draw = np.random.default_rng(3)
    letters = np.frombuffer(b'0159.,-+eE"\n\r \x00\xff\xc3NnaifINF;{}', np.uint8)
    answers = {True: 0, False: 0}
    rows = [{"time": t, "azimuth": 3, "source": 1} for t in (0, 1)]
    seeds = [GOOD, "\n".join(map(json.dumps, rows))]
    path = tmp_path / "damaged.csv"
    for k in range(5000):
        data = np.frombuffer(seeds[k % 2].encode(), np.uint8).copy()
        for _ in range(draw.integers(1, 4)):
            data[draw.integers(len(data))] = draw.choice(letters)
        path.write_bytes(data.tobytes())
        try:
            found = Directions.open(str(path), "a.wav").at(np.array([0.0, 0.5, 2.0]))
            assert np.isfinite(found).all()
            answers[True] += 1
        except AvtoolsError as error:
            assert "damaged.csv" in str(error)
            answers[False] += 1
    assert min(answers.values()) > 500


def test_standard_input_is_one_thing_only():
    stdin_is_free("-", [Item("a.wav", "a.wav")])
    stdin_is_free("t.csv", [Item("-", "-")])
    for items in ([Item("-", "-")], []):
        with pytest.raises(AvtoolsError, match="name the FILE of the sound"):
            stdin_is_free("-", items)


def test_unit_vectors_are_what_comes_out(tmp_path):
    made = Directions.open(table(tmp_path, GOOD), "a.wav").at(np.array([0.0, 1.0]))
    assert made.shape == (2, 1, 3)
    assert np.allclose(made[:, 0], unit_vectors([0, 90], [0, 10]))
