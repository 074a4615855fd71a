"""Parts that are not there."""

from avtools.curate.join import join, missing

HEAD = "clip,file,source,channel,start,duration,split,kept,reason,stage,shard\n"


def test_the_parts_that_are_missing():
    assert missing(["x/m-1-of-2.csv", "x/m-2-of-2.csv", "other.csv"]) == []
    assert missing(["x/m-3-of-4.csv", "x/m-1-of-4.csv", "y/m-1-of-1.csv"]) == [
        "x/m-2-of-4.csv",
        "x/m-4-of-4.csv",
    ]


def test_a_missing_part_is_said(tmp_path, capsys):
    part = tmp_path / "m-1-of-2.csv"
    part.write_text(HEAD + "a@0,a.mp4,a,,0,2,train,yes,,full,\n")
    outcome = join([str(part)], str(tmp_path / "all.csv"), None, None)
    said = capsys.readouterr().err
    assert outcome.kept == 1 and "m-2-of-2.csv" in said and said.count("\n") == 1
