import csv
import io
import json

import numpy as np
import pytest

from avtools.errors import AvtoolsError
from avtools.stream.tables import Table

COLUMNS = ("file", "time", "delay", "found")


class Written(io.BytesIO):
    """What was written, a piece for each time that it was flushed."""

    def __init__(self):
        super().__init__()
        self.pieces, self.seen = [], 0

    def flush(self):
        if len(self.getvalue()) > self.seen:
            self.pieces.append(self.getvalue()[self.seen :].decode("utf-8", "surrogateescape"))
            self.seen = len(self.getvalue())


def row(k: int, **more) -> dict:
    return {"file": "a.wav", "time": k / 10, "delay": np.float32(0.5), "found": True} | more


def pieces(format, *groups, **more) -> list[str]:
    out = Written()
    table = Table(COLUMNS, format, out=out, **more)
    for group in groups:
        table.add(*group)
    table.finish()
    return out.pieces


def test_rows_that_are_added_together_leave_together():
    """One write each, at once; the header with the first of them."""
    first, second = pieces("csv", [row(0), row(1)], [row(2)])
    assert first == "file,time,delay,found\na.wav,0.0,0.5,True\na.wav,0.1,0.5,True\n"
    assert second == "a.wav,0.2,0.5,True\n"
    assert [p.count("\n") for p in pieces("json", [row(0), row(1)], [row(2)])] == [2, 1]


def test_the_header_stands_once_and_also_alone():
    assert "".join(pieces("csv", [row(0)], [], [row(1)])).count("file,time") == 1
    assert pieces("csv") == ["file,time,delay,found\n"]
    assert pieces("csv", [row(0)], header=False) == ["a.wav,0.0,0.5,True\n"]
    assert pieces("csv", header=False) == pieces("json") == []


def test_json_has_numbers_and_null():
    line = pieces("json", [row(3, delay=np.nan, found=None)])[0]
    assert json.loads(line) == {"file": "a.wav", "time": 0.3, "delay": None, "found": None}
    assert list(json.loads(line)) == list(COLUMNS)
    for lost in (np.inf, -np.inf, float("nan"), None):
        assert json.loads(pieces("json", [row(0, delay=lost)])[0])["delay"] is None
        assert pieces("csv", [row(0, delay=lost)])[0].splitlines()[1] == "a.wav,0.0,,True"


def test_numbers_have_no_noise_of_binary_fractions():
    assert json.loads(pieces("json", [row(0, delay=0.1 + 0.2)])[0])["delay"] == 0.3
    assert str(json.loads(pieces("json", [row(0, delay=-0.0)])[0])["delay"]) == "0.0"
    assert "0.000145833333," in pieces("csv", [row(0, delay=7 / 48000)])[0]
    assert json.loads(pieces("json", [row(0, delay=np.int64(7))])[0])["delay"] == 7


@pytest.mark.parametrize(
    "name", ['say "a, b".wav', "two\nlines.wav", "re\rturn.wav", "Vögel.wav", " x "]
)
def test_names_come_back_as_they_were(name):
    text = "".join(pieces("csv", [row(0, file=name)]))
    assert next(csv.DictReader(io.StringIO(text, newline="")))["file"] == name
    assert json.loads(pieces("json", [row(0, file=name)])[0])["file"] == name


def test_a_name_that_is_not_utf8_keeps_its_bytes():
    out = Written()
    Table(("file",), "csv", out=out).add({"file": b"\xff.wav".decode("utf-8", "surrogateescape")})
    assert out.getvalue() == b"file\n\xff.wav\n"


def test_rows_over_time_stand_in_columns_as_they_come():
    """A person sees them before the end; other tables wait until all widths are known."""
    first, second = pieces("table", [row(0)], [row(1, delay=None)], over_time=True)
    head, line = first.splitlines()
    assert head.split() == list(COLUMNS) and line.split() == ["a.wav", "0", "0.5", "True"]
    assert second.split() == ["a.wav", "0.1", "True"]
    starts = [line.index("0.5"), second.index("True")]
    assert starts == [head.index("delay"), head.index("found")]
    assert len(pieces("table", [row(0)], [row(1)])) == 1


def test_long_names_do_not_touch_what_is_beside_them():
    """Nor does a folder's name take room; what comes later stays below it."""
    long = "a-talk-in-the-yard.wav"
    text = "".join(pieces("table", [row(0, file=f"/x/{long}")], [row(1)], over_time=True))
    head, first, second = text.splitlines()
    assert first.split() == [long, "0", "0.5", "True"]
    assert head.index("time") == first.index("0 ") == second.index("0.1") == len(long) + 1


def test_unknown_formats_are_refused():
    with pytest.raises(AvtoolsError, match="--format xml: expected one of auto, table, csv, json"):
        Table(COLUMNS, "xml", out=Written())
