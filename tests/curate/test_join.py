"""What parts could not know of each other; parts that are not there or damaged."""

import numpy as np
import pytest

from avtools.curate.join import join, missing
from avtools.curate.signature import BYTES
from avtools.datasets.packed import pack
from avtools.datasets.shard_writer import write_shard
from avtools.datasets.shards import Shards
from avtools.errors import AvtoolsError
from tests.curate.footage import rows

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


LOOK = "ab" * BYTES
OTHER = np.random.default_rng(5).bytes(BYTES).hex()


def parts_of(folder, *clips) -> list[str]:
    """A manifest for each number, and their shards: (part, clip, split, kept, signature)."""
    head, names, held = HEAD.replace("shard\n", "shard,signature\n"), {}, {}
    for part, clip, split, kept, signature in clips:
        shard = f"{split}-{part}-of-2-000000.tar" if kept == "yes" else ""
        cells = [clip, "x.mp4", clip.partition("@")[0], "", "0", "2", split, kept,
                 "" if kept == "yes" else "not on the list", "full", shard, signature]  # fmt: skip
        names.setdefault(part, []).append(",".join(cells))
        if shard:
            held.setdefault(shard, []).append(clip)
    (folder / "sh").mkdir(exist_ok=True)
    for shard, keys in held.items():
        frames = [np.zeros((16, 16, 3), np.uint8)] * 2
        packed = [pack(key, frames, 6, np.full((2, 800), 0.1), 8000, {}) for key in keys]
        write_shard(folder / "sh" / shard, packed)
    for part, lines in names.items():
        (folder / f"m-{part}-of-2.csv").write_text(head + "\n".join(lines) + "\n")
    return [str(folder / f"m-{part}-of-2.csv") for part in names]


def test_linked_sources_of_parts_get_one_split(tmp_path):
    parts = parts_of(
        tmp_path,
        (1, "a@0", "train", "yes", LOOK),
        (1, "a@2", "train", "yes", ""),
        (1, "z@0", "train", "yes", OTHER),
        (1, "c@0", "train", "no", LOOK),
        (1, "c@2", "train", "yes", ""),
        (2, "b@0", "test", "yes", LOOK),
        (2, "b@2", "test", "yes", ""),
        (2, "b@4", "test", "yes", LOOK),
    )
    for _ in range(2):  # a second time, after the first one took clips out, is the same
        outcome = join(parts, str(tmp_path / "all.csv"), str(tmp_path / "sh"), None)
        found = rows(tmp_path / "all.csv")
        assert {n for n, row in found.items() if row["kept"] == "yes"} == {"z@0", "b@0", "b@2"}
        assert {r["source"]: r["split"] for r in found.values()} == {
            "a": "test", "b": "test", "c": "test", "z": "train"
        }  # fmt: skip
        assert found["a@0"]["reason"] == "in a shard of another split: linked to b"
        assert found["b@4"]["reason"] == "duplicate of b@0" and not found["a@2"]["shard"]
        assert outcome.reasons["duplicate"] == 1
        assert sorted(Shards(tmp_path / "sh").keys) == ["b@0", "b@2", "z@0"]


def test_without_shards_only_the_split_changes(tmp_path):
    lines = [
        f"{k}@0,x.mp4,{k},,0,2,{s},yes,,full,,{LOOK}" for k, s in (("a", "val"), ("b", "test"))
    ]
    part = tmp_path / "m.csv"
    part.write_text(HEAD.replace("shard\n", "shard,signature\n") + "\n".join(lines) + "\n")
    join([str(part)], str(tmp_path / "all.csv"), None, None)
    found = rows(tmp_path / "all.csv")
    assert [(r["split"], r["kept"]) for r in found.values()] == [("test", "yes"), ("test", "no")]


def test_a_folder_without_the_shards_is_refused_before_anything_is_written(tmp_path):
    clips = [(1, "a@0", "train", "yes", LOOK), (2, "b@0", "train", "yes", LOOK),
             (2, "c@0", "train", "yes", "")]  # fmt: skip
    parts = parts_of(tmp_path, *clips)
    (tmp_path / "other").mkdir()
    with pytest.raises(AvtoolsError, match=r"other/train-1-of-2-000000\.tar: named by .*m-1-of-2"):
        join(parts, str(tmp_path / "all.csv"), str(tmp_path / "other"), None)
    assert not (tmp_path / "all.csv").exists()
    assert sorted(Shards(tmp_path / "sh").keys) == ["a@0", "b@0", "c@0"]


GOOD = "a@0,a.mp4,a,,0,2,train,yes,,full,,"


@pytest.mark.parametrize(
    "row, said",
    [
        (GOOD.replace("a@0", ""), "no clip"),
        (GOOD.replace("a.mp4", '"a.mp4'), "not CSV"),
        (GOOD + "xyz", "a signature"),
        (GOOD + "ab", "a signature"),
        (GOOD + ",more", "more cells"),
        (GOOD.replace("yes", "maybe"), "kept maybe"),
        ("a@0,a.mp4", "kept is empty"),
        (GOOD.replace("train", "nose"), "split nose"),
        (GOOD.replace("full,", "full,../train-0.tar"), "shard ../train-0.tar"),
        (GOOD.replace("full,", "full,nose.tar"), "shard nose.tar"),
    ],
)
def test_a_damaged_manifest_is_refused_with_its_line(tmp_path, row, said):
    part = tmp_path / "m.csv"
    first = '"b\n@0",b.mp4,b,,0,2,train,yes,,full,,'
    part.write_text(HEAD.replace("shard\n", "shard,signature\n") + f"{first}\n{row}\n")
    with pytest.raises(AvtoolsError) as caught:
        join([str(part)], str(tmp_path / "all.csv"), None, None)
    assert f"{part}: line 4: {said}" in str(caught.value)
    assert not (tmp_path / "all.csv").exists()
