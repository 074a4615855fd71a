"""Shards on a disk that other runs, kills and damage have been at."""

from types import SimpleNamespace

import numpy as np
import pytest

from avtools.curate import packing, publish
from avtools.curate.log import Log
from avtools.curate.manifest import Fate
from avtools.curate.plan import Planned
from avtools.curate.work_folder import SHARDS, work_folder
from avtools.datasets.clip import Clip
from avtools.datasets.packed import Packed, pack
from avtools.datasets.shard_index import read_index
from avtools.datasets.shards import Shards
from avtools.errors import AvtoolsError


@pytest.fixture
def few(monkeypatch):
    """Four clips a shard."""
    monkeypatch.setattr(packing, "CLIPS", 4)
    monkeypatch.setattr(publish, "AT_ONCE", 2)


class Run:
    """What a publisher asks of a run, without files to decode; `judged` were packed of theirs."""

    def __init__(self, folder, clips, part=None):
        self.order = SimpleNamespace(part=part)
        self.work = SimpleNamespace(path=folder, packed=folder / "packed")
        self.clips = [
            Clip(key=f"c{k}", source=f"s{k}", sound=None, video=f"/none/{k}") for k in clips
        ]
        self.judged, self.written = [], []

    def fates(self):
        return ((Planned(clip), {}, Fate(None, "full")) for clip in self.clips)

    def split(self, clip):
        return "train"

    def judge(self, wanted):
        for planned in filter(wanted, (Planned(clip) for clip in self.clips)):
            self.judged.append(planned.clip.key)
            path = packing.place(self.work.packed, planned.clip.key, packing.stamped(planned.clip))
            path.parent.mkdir(parents=True, exist_ok=True)
            number = int(planned.clip.key[1:])
            frames = [np.full((16, 16, 3), 10 * j + number, np.uint8) for j in range(3)]
            pack(planned.clip.key, frames, 6, np.full((2, 800), 0.1), 8000, {}).save(path)

    def each(self, title, items, total, size, work, lost, is_limited=True):
        for item in items:
            if title == "shards":
                self.written.append(item.name)
            yield from work([item])


def published(folder, clips) -> Run:
    run = Run(folder, clips)
    found = publish.Publisher(run, str(folder / "sh")).publish()
    assert sorted(found) == sorted(Shards(folder / "sh").keys) == sorted(c.key for c in run.clips)
    assert set(found.values()) == {p.name for p in (folder / "sh").glob("*.tar")}
    assert not run.work.packed.exists()
    return run


def test_a_new_clip_changes_few_shards():
    def shards(count):
        kept = [(f"clip {k}", "train", "") for k in range(count)]
        return {s.name: s for s in packing.shards_of(kept, packing.Path("/sh"), "")}

    counts = [63, 64, 65, 500, 640, 641, 1024, 1025, 3000]
    for count in counts:
        before, after = shards(count), shards(count + 1)
        assert list(before) == [f"train-{k:06d}.tar" for k in range(-(-count // 64))]
        assert all(8 <= len(s.clips) <= 170 for s in before.values()) or count <= 65
        changed = [n for n in before.keys() | after.keys() if before.get(n) != after.get(n)]
        assert 1 <= len(changed) <= 3, (count, changed)
        assert sum(len(s.clips) for s in after.values()) == count + 1


def test_what_stays_is_neither_judged_nor_written_again(tmp_path, few):
    assert len(published(tmp_path, range(30)).judged) == 30
    run = published(tmp_path, range(30))
    assert run.judged == run.written == []
    run = published(tmp_path, range(31))
    assert run.judged == ["c30"] and len(run.written) == 1
    run = published(tmp_path, range(34))  # one shard more: another one is divided
    assert run.judged == ["c31", "c32", "c33"] and len(run.written) <= 5
    run = published(tmp_path, range(9))
    assert run.judged == []


def test_a_run_killed_between_shards_loses_none(tmp_path, few, monkeypatch):
    published(tmp_path, range(30))
    for count, survived in ((60, 1), (60, 0), (60, 5), (30, 1), (60, 2)):
        run, left = Run(tmp_path, range(count)), [survived]

        def gather(group, shelf, left=left, gather=packing.gather):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return gather(group, shelf)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(packing, "gather", gather)
            publish.Publisher(run, str(tmp_path / "sh")).publish()
        packed = [Packed.load(p).key for p in run.work.packed.glob("*/*.tar")]
        left = {*Shards(tmp_path / "sh").keys, *packed}
        assert {clip.key for clip in run.clips} <= left
    run = published(tmp_path, range(60))
    assert not run.judged


def test_what_a_damaged_shard_held_is_packed_anew(tmp_path, few, capsys):
    published(tmp_path, range(4))
    (tar,) = (tmp_path / "sh").glob("*.tar")
    data = bytearray(tar.read_bytes())
    data[read_index(tar.with_suffix(".idx")).records["offset"][2]] ^= 255
    tar.write_bytes(data)
    run = published(tmp_path, range(5))
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and str(tar) in said and "damaged" in said
    assert len(run.judged) == 3 and "c4" in run.judged
    shards = Shards(tmp_path / "sh")
    assert all(len(shards.read(k).frames) for k in range(5))


def test_shards_of_other_runs_are_refused(tmp_path):
    folder, work = tmp_path / "sh", tmp_path / "work"
    folder.mkdir(), work.mkdir()
    publish.refuse_foreign(tmp_path / "none", None, work)
    log = Log(work / SHARDS)
    for own in ("train-000000", "val-2-of-3-000000"):
        (folder / f"{own}.tar").touch()
        log.put(str(folder / f"{own}.tar"), publish.NOTHING)
    log.close()
    publish.refuse_foreign(folder, None, work)
    for foreign, welcome in (
        ("train-1-of-3-000000", (2, 3)),
        ("test-3-of-3-000007", (2, 3)),
        ("train-1-of-4-000000", None),
        ("val-1-of-1-000000", None),
        ("train-2-of-3-000000", None),
        ("train-000001", None),
        ("train-of-mine", None),
    ):
        tar = folder / f"{foreign}.tar"
        tar.touch()
        for part in (None, (1, 1), (2, 3), (2, 8)):
            if part == welcome is not None:
                publish.refuse_foreign(folder, part, work)
                continue
            if foreign == "train-1-of-4-000000" and part == (2, 4):
                continue
            with pytest.raises(AvtoolsError, match="another run"):
                publish.refuse_foreign(folder, part, work)
        tar.unlink()


def test_an_index_that_lost_its_shard(tmp_path, few):
    published(tmp_path, range(9))
    folder = tmp_path / "sh"
    tar = min(folder.glob("*.tar"))
    tar.unlink()
    publish.refuse_foreign(folder, None, tmp_path)
    publish.remove_forgotten(folder, tmp_path)
    assert len({p.stem for p in folder.iterdir()}) == 2 and not tar.with_suffix(".idx").exists()
    published(tmp_path, range(9))
    for foreign in ("train-000077.idx", "mine.idx"):
        (folder / foreign).touch()
        with pytest.raises(AvtoolsError, match=f"{foreign}: the index of a shard that is not"):
            publish.refuse_foreign(folder, None, tmp_path)
        (folder / foreign).unlink()


def test_a_restart_knows_its_shards_and_takes_them_away(tmp_path, few):
    manifest = str(tmp_path / "m.csv")
    with work_folder(manifest, {}) as work:
        published(work.path, range(9))
        folder = work.path / "sh"
        other = folder.rename(tmp_path / "sh")
        log = Log(work.path / SHARDS)
        for tar in other.glob("*.tar"):
            log.put(str(tar), {"digest": "x", "clips": {"c0": ""}})
        log.close()
    tars = sorted(other.glob("*.tar"))

    def refuse(path):
        raise AvtoolsError("no")

    with pytest.raises(AvtoolsError, match="no"):
        work_folder(manifest, {}, True, refuse).__enter__()
    with work_folder(manifest, {}) as work:
        publish.remove_forgotten(other, work.path)
        assert sorted(other.glob("*.tar")) == tars != []
    with work_folder(manifest, {"--size": 32}, restart=True) as work:
        publish.refuse_foreign(other, None, work.path)
        publish.remove_forgotten(other, work.path)
        assert not list(other.iterdir())
