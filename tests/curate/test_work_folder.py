"""What survives a kill: the log and its folder."""

import json
import os

import pytest

from avtools.curate.log import Log
from avtools.curate.work_folder import SHARDS, shards_log, work_folder
from avtools.errors import AvtoolsError


def test_a_log_keeps_the_last_record_of_each_key(tmp_path):
    log = Log(tmp_path / "log")
    odd = 'é "quoted",\n\udcff'
    for key, record in (("a", {"x": 1}), (odd, {"y": None}), ("a", {"x": 2})):
        log.put(key, record)
    for opened in (log, Log(tmp_path / "log")):
        assert list(opened) == ["a", odd] and len(opened) == 2
        assert opened.get("a") == {"x": 2} and opened.get(odd) == {"y": None}
        assert opened.get("b") is None and "b" not in opened


def test_a_torn_line_is_taken_away_wherever_it_was_torn(tmp_path):
    log = Log(tmp_path / "log")
    log.put("a", {"x": 1})
    log.put("b", {"x": [1, 2, 3]})
    whole = (tmp_path / "log").read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(first, len(whole)):
        (tmp_path / "log").write_bytes(whole[:cut])
        torn = Log(tmp_path / "log")
        assert list(torn) == ["a"]
        torn.put("b", {"x": [1, 2, 3]})
        assert (tmp_path / "log").read_bytes() == whole
        torn.close()


def test_a_damaged_line_costs_itself_alone(tmp_path):
    (tmp_path / "log").write_bytes(b'["a", {"x": 1}]\n\0\0\0\0\n["b", {"x\n["c", {"x": 3}]\n')
    log = Log(tmp_path / "log")
    assert list(log) == ["a", "c"] and log.get("c") == {"x": 3}


def test_a_record_that_lacks_something_is_none(tmp_path):
    good = {"stamp": [], "reason": None, "stage": "full", "figures": {}}
    whole = json.dumps(["good", good])
    odd = ['["easy", {}]', whole.replace("full", "\0"), '["list", [1]]', "[1, {}]", "[" * 9999]
    odd += ['["one"]', json.dumps(["number", good | {"figures": 3}])]
    manifest = str(tmp_path / "m.csv")
    with work_folder(manifest, {}) as work:
        (work.path / "clips.jsonl").write_text("\n".join([*odd, whole, ""]))
        (work.path / SHARDS).write_text('["/sh/a.tar", {"clips": {}}]\n')
    with work_folder(manifest, {}) as work:
        assert list(work.clips) == ["good"] and list(shards_log(work.path)) == []
    (work.path / "parameters.json").write_text("[1]")
    with pytest.raises(AvtoolsError, match="--restart"):
        work_folder(manifest, {}).__enter__()
    with work_folder(manifest, {}, restart=True) as work:
        assert not work.clips


def test_other_parameters_are_refused_until_told_to_restart(tmp_path):
    manifest = str(tmp_path / "m.csv")
    with work_folder(manifest, {"--clip": 10.0, "--tests": ["a"]}) as work:
        work.clips.put("x", {"stamp": [], "reason": None, "stage": "full", "figures": {}})
    with work_folder(manifest, {"--clip": 10.0, "--tests": ["a"]}) as work:
        assert "x" in work.clips
    with pytest.raises(AvtoolsError, match=r"--clip 10\.0, not 5\.0.*--restart"):
        work_folder(manifest, {"--clip": 5.0, "--tests": ["a"]}).__enter__()
    with pytest.raises(AvtoolsError, match=r"--tests a, not a,b"):
        work_folder(manifest, {"--clip": 10.0, "--tests": ["a", "b"]}).__enter__()
    with work_folder(manifest, {"--clip": 5.0, "--tests": ["a"]}, restart=True) as work:
        assert len(work.clips) == 0


def test_one_run_at_a_time(tmp_path):
    manifest = str(tmp_path / "m.csv")
    with (
        work_folder(manifest, {}),
        pytest.raises(AvtoolsError, match="another run"),
        work_folder(manifest, {}),
    ):
        pass
    with work_folder(manifest, {}):
        pass
    with pytest.raises(AvtoolsError, match="No such file"):
        work_folder(str(tmp_path / "none" / "m.csv"), {}).__enter__()
    os.makedirs(tmp_path / "n.csv.work")
    (tmp_path / "n.csv.work" / "parameters.json").write_text("{")
    with pytest.raises(AvtoolsError, match="--restart"):
        work_folder(str(tmp_path / "n.csv"), {}).__enter__()
