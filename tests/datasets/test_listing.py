"""Lists and tables as people keep them."""

import os

import pytest

from avtools.datasets.listing import degrees, lines, rows, table
from avtools.errors import AvtoolsError
from tests.datasets.trees import text


def test_lists_with_bom_crlf_and_comments(tmp_path):
    path = str(text(tmp_path / "a.lst", b"\xef\xbb\xbf-076WPWoCRE\r\n\r\n# gone\r\n  b \r\n#c"))
    assert list(lines(path)) == ["-076WPWoCRE", "b"]
    assert list(lines(path, comments=False)) == ["-076WPWoCRE", "# gone", "b", "#c"]


def test_rows_know_their_lines(tmp_path):
    path = str(text(tmp_path / "a.csv", '# x\n\na, "b,c",d\n,,\n  # y\n1,2,3'))
    assert list(rows(path)) == [(3, ["a", "b,c", "d"]), (6, ["1", "2", "3"])]


def test_tables_take_columns_by_name(tmp_path):
    path = str(text(tmp_path / "a.csv", "B, A\n1,2\n3\n"))
    assert [row for _, row in table(path, ("a", "b"))] == [
        {"b": "1", "a": "2"},
        {"b": "3", "a": ""},
    ]
    assert [where for where, _ in table(path, ())] == [f"{path}: line 2", f"{path}: line 3"]
    with pytest.raises(AvtoolsError, match="no column c"):
        list(table(path, ("a", "c")))


def test_blanks_around_names_stay_where_a_program_wrote_them(tmp_path):
    path = str(text(tmp_path / "a.csv", 'file,x\n a ,1\n" b, c",2\n'))
    for exact, names in ((True, [" a ", " b, c"]), (False, ["a", "b, c"])):
        assert [row["file"] for _, row in table(path, (), exact=exact)] == names


def test_a_carriage_return_in_quotes_is_of_the_name(tmp_path):
    path = str(text(tmp_path / "a.csv", b'file,x\r\n"a\rb",1\r\nc,2\n'))
    found = [row for _, row in table(path, ())]
    assert found == [{"file": "a\rb", "x": "1"}, {"file": "c", "x": "2"}]


def test_what_is_no_list(tmp_path):
    long = str(text(tmp_path / "long", "x" * 200_000))
    with pytest.raises(AvtoolsError, match="a line of over"):
        list(lines(long))
    with pytest.raises(AvtoolsError, match="No such file"):
        list(rows(str(tmp_path / "none")))
    with pytest.raises(AvtoolsError, match="Is a directory"):
        list(rows(str(tmp_path)))
    with pytest.raises(AvtoolsError, match="UTF-8"):
        list(lines(str(text(tmp_path / "b", b"\xff\xfe\x00"))))


def test_names_of_files_need_not_be_utf_8(tmp_path):
    path = str(text(tmp_path / "a", b"file,x\ncaf\xe9.mp4,1\n"))
    ((_, row),) = table(path, (), any_names=True)
    assert os.fsencode(row["file"]) == b"caf\xe9.mp4" and row["x"] == "1"
    assert [*lines(path, any_names=True)][1] == os.fsdecode(b"caf\xe9.mp4,1")
    utf_16 = str(text(tmp_path / "b", "file\na.mp4\n".encode("utf-16")))
    for read in (lambda: [*lines(path)], lambda: [*lines(utf_16, any_names=True)]):
        with pytest.raises(AvtoolsError, match="not a text file in UTF-8"):
            read()


def test_azimuths_come_into_the_half_open_circle():
    assert degrees("7.501", "") == 7.501
    assert [degrees(a, "") for a in ("-180", "180", "190", "-190", "0", "359", "540")] == [
        *(180, 180, -170, 170, 0, -1, 180)
    ]
