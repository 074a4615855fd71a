"""Shards as the run wants them, made out of what is there: packed clips, shards of before, files.

`shards.jsonl` in the work folder says what each shard that was published holds. A shard that is
there whole and holds the right clips is left alone; another takes the place of one of before in a
moment, and what is no longer wanted goes last.
"""

import re
import shutil
from functools import partial
from pathlib import Path

from avtools.curate import packing
from avtools.curate.work_folder import shards_log
from avtools.datasets.clip import SPLITS
from avtools.errors import AvtoolsError, warn

# Shards whose clips lie packed at once, where they are taken out of shards of before.
AT_ONCE = 16
NOTHING = {"digest": "", "clips": {}}


def refuse_foreign(folder: str | Path, part: tuple[int, int] | None, work: Path) -> None:
    """Shards of another run between ours would be trained on with them. `work`: our work folder."""
    folder = Path(folder).absolute()
    there = [*(p for split in SPLITS for p in folder.glob(f"{split}-*.tar")), *_strays(folder)]
    if not there:
        return
    log = shards_log(work)
    try:
        for path in sorted(there):
            if str(path.with_suffix(".tar")) in log or _is_of_other_part(path.stem, part):
                continue
            if path.suffix == ".tar":
                raise AvtoolsError(f"{path}: a shard of another run; take another --to-shards")
            raise AvtoolsError(f"{path}: the index of a shard that is not there; remove it")
    finally:
        log.close()


def remove_forgotten(folder: str | Path, work: Path) -> None:
    """What --restart forgot, or a killed run began: it would be trained on with what comes. An
    index that lost its shard keeps the whole folder from being read."""
    folder, log = Path(folder).absolute(), shards_log(work)
    try:
        for path in _strays(folder):
            if str(path.with_suffix(".tar")) in log:
                path.unlink(missing_ok=True)
        for path in log:
            if Path(path).parent == folder and not log.get(path)["clips"]:
                packing.remove(path)
    finally:
        log.close()


def _strays(folder: Path) -> list[Path]:
    """Indices whose shards are not there."""
    return [path for path in folder.glob("*.idx") if not path.with_suffix(".tar").exists()]


def _is_of_other_part(name: str, part: tuple[int, int] | None) -> bool:
    found = re.fullmatch(r"[a-z]+-([1-9]\d*)-of-(\d+)-\d+", name, re.ASCII)
    if found is None or part is None:
        return False
    number, count = map(int, found.groups())
    return count == part[1] and number != part[0] and number <= count


class Publisher:
    def __init__(self, run, folder: str):
        self.run, self.folder = run, Path(folder).absolute()
        self.packed = run.work.packed
        part = run.order.part
        self.part = "" if part is None else "{}-of-{}-".format(*part)

    def publish(self) -> dict[str, str]:
        """Clip -> the name of its shard."""
        kept = [
            (p.clip.key, self.run.split(p.clip), packing.stamped(p.clip))
            for p, _, fate in self.run.fates()
            if fate.kept
        ]
        shards = packing.shards_of(kept, self.folder, self.part)
        self.folder.mkdir(parents=True, exist_ok=True)
        refuse_foreign(self.folder, self.run.order.part, self.run.work.path)
        self.log = shards_log(self.run.work.path)
        try:
            self._make(shards)
        finally:
            self.log.close()
        shutil.rmtree(self.packed, ignore_errors=True)  # what is left is of clips that are copies
        return {clip: shard.name for shard in shards for clip in shard.clips}

    def _make(self, shards: list[packing.Shard]) -> None:
        new = [s for s in shards if not packing.is_published(s, self.log.get(s.path))]
        wanted = {clip: mark for shard in new for clip, mark in shard.clips.items()}
        shelved = self._shelved()
        self._judge({c: m for c, m in wanted.items() if (c, m) not in shelved})
        for k in range(0, len(new), AT_ONCE):
            some = new[k : k + AT_ONCE]
            self._have_packed(some, wanted, shelved)
            for (
                shard
            ) in some:  # before it is written: a run that is killed must know it for its own
                self.log.put(shard.path, self._both(shard))
            self._gather(some)
        names = {s.path for s in shards}
        for path in [p for p in self.log if p not in names and Path(p).parent == self.folder]:
            if self._held(path):
                packing.remove(path)
                self.log.put(path, NOTHING)

    def _gather(self, some: list[packing.Shard]) -> None:
        work = partial(packing.gather, shelf=str(self.packed))
        made = self.run.each("shards", some, len(some), 1, work, _lost, is_limited=False)
        for shard, _ in made:
            self.log.put(shard.path, {"digest": shard.digest, "clips": shard.clips})
            for clip in shard.clips.items():
                packing.place(self.packed, *clip).unlink(missing_ok=True)

    def _both(self, shard: packing.Shard) -> dict:
        """What is true of a shard before and after it is written anew."""
        both = self._held(shard.path).items() & shard.clips.items()
        return {"digest": "", "clips": dict(both)}

    def _shelved(self) -> dict[tuple[str, str], str]:
        """Where clips, with their marks, lie: shards of before that are there whole."""
        return {c: p for p in self.log if packing.is_whole(p) for c in self._held(p).items()}

    def _held(self, path: str) -> dict[str, str]:
        return (self.log.get(path) or NOTHING)["clips"]

    def _have_packed(self, some: list[packing.Shard], wanted: dict, shelved: dict) -> None:
        """Take what is missing out of shards of before. Of one that is about to be written anew
        all that is wanted is taken, since some may go to shards that come later."""
        mine = {clip: mark for shard in some for clip, mark in shard.clips.items()}
        sources: dict[str, dict[str, str]] = {}
        for clip, mark in self._unpacked(mine).items():
            if (path := shelved.get((clip, mark))) is not None:
                sources.setdefault(path, {})[clip] = mark
        for shard in some:
            held = dict(self._held(shard.path).items() & wanted.items())
            if (held := self._unpacked(held)) and packing.is_whole(shard.path):
                sources.setdefault(shard.path, {}).update(held)
        work = partial(packing.take_back, shelf=str(self.packed))
        found = self.run.each(
            "shards of before", sources.items(), len(sources), 1, work, _lost, is_limited=False
        )
        for path, wrong in found:
            if wrong is not None:
                warn(f"{path}: damaged ({wrong}): what it held is packed anew")
        self._judge(mine)

    def _judge(self, clips: dict[str, str]) -> None:
        """Pack those that are not packed, of their files."""
        missing = self._unpacked(clips)
        if missing:
            self.run.judge(lambda planned: planned.clip.key in missing)

    def _unpacked(self, clips: dict[str, str]) -> dict[str, str]:
        return {c: m for c, m in clips.items() if not packing.place(self.packed, c, m).exists()}


def _lost(item) -> tuple:
    path = item.path if isinstance(item, packing.Shard) else item[0]
    raise AvtoolsError(f"{path}: the processes that worked on it died; is there memory and disk?")
