"""Shards as the run wants them, made out of what is there: packed clips, shards of before, files.

`shards.jsonl` in the work folder says what each shard that was published holds. A shard that is
there whole and holds the right clips is left alone.
"""

import shutil
from functools import partial
from pathlib import Path

from avtools.curate import packing
from avtools.curate.log import Log
from avtools.errors import AvtoolsError


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
        self.log = Log(self.run.work.path / "shards.jsonl")
        try:
            self._refuse_foreign()
            self._make(shards)
        finally:
            self.log.close()
        shutil.rmtree(self.packed, ignore_errors=True)  # what is left is of clips that are copies
        return {clip: shard.name for shard in shards for clip in shard.clips}

    def _refuse_foreign(self) -> None:
        """Shards of another run between ours would be trained on with them."""
        for split in ("train", "val", "test"):
            prefix = f"{split}-{self.part}"
            for path in sorted(self.folder.glob(f"{prefix}*.tar")):
                if path.stem.removeprefix(prefix).isdigit() and str(path) not in self.log:
                    raise AvtoolsError(f"{path}: a shard of another run; take another --to-shards")

    def _make(self, shards: list[packing.Shard]) -> None:
        new = [s for s in shards if not packing.is_published(s, self.log.get(s.path))]
        names = {s.path for s in shards}
        old = [p for p in self.log if p not in names and Path(p).parent == self.folder]
        old = [path for path in old if self.log.get(path)["clips"]]
        self._have_packed({clip: mark for shard in new for clip, mark in shard.clips.items()})
        for path in old:
            packing.remove(path)
            self.log.put(path, {"digest": "", "clips": {}})
        for shard in new:  # written down first: a run that is killed must know it for its own
            packing.remove(shard.path)
            self.log.put(shard.path, {"digest": "", "clips": {}})
        work = partial(packing.gather, shelf=str(self.packed))
        for shard, _ in self.run.each("shards", new, len(new), 1, work, _lost):
            self.log.put(shard.path, {"digest": shard.digest, "clips": shard.clips})
            for clip in shard.clips.items():
                packing.place(self.packed, *clip).unlink(missing_ok=True)

    def _have_packed(self, clips: dict[str, str]) -> None:
        """Take what is missing out of shards of before; what is in none, out of its files."""
        missing = self._unpacked(clips)
        sources = []
        for path in self.log:
            mine = dict(missing.items() & self.log.get(path)["clips"].items())
            if mine and packing.is_whole(path):
                sources.append((path, mine))
        work = partial(packing.take_back, shelf=str(self.packed))
        for _ in self.run.each("shards of before", sources, len(sources), 1, work, _lost):
            pass
        missing = self._unpacked(missing)
        if missing:
            self.run.judge(lambda planned: planned.clip.key in missing)

    def _unpacked(self, clips: dict[str, str]) -> dict[str, str]:
        return {c: m for c, m in clips.items() if not packing.place(self.packed, c, m).exists()}


def _lost(item) -> tuple:
    path = item.path if isinstance(item, packing.Shard) else item[0]
    raise AvtoolsError(f"{path}: the processes that worked on it died; is there memory and disk?")
