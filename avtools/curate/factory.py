"""A whole run: what is to be looked at, the clips, the verdict over all of them, the shards.

Each phase asks the work folder what is there and has the rest done by a crew; a run that finds
everything done starts none. All that is decided over the whole run (duplicates, the list of what
to keep, splits, shards) is a function of the plan and the clips' records, in the plan's order:
however often a run was stopped, the outcome is the same.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain
from pathlib import Path

from avtools.curate import cascade, engine, hang, manifest, plan, survey
from avtools.curate.by_hand import draw_sheets, warn_of_unknown
from avtools.curate.log import Log
from avtools.curate.order import Order, Outcome
from avtools.curate.publish import Publisher, refuse_foreign, remove_forgotten
from avtools.curate.watch import Watch
from avtools.curate.work_folder import WorkFolder, work_folder
from avtools.datasets.clip import Clip
from avtools.datasets.sharded import ShardedClip
from avtools.datasets.splits import split_of
from avtools.errors import AvtoolsError

FILES_A_TASK, CLIPS_A_TASK = 16, 4


class Run:
    def __init__(self, order: Order, footage: list[Clip], work: WorkFolder, watch: Watch):
        self.order, self.work, self.watch = order, work, watch
        self.settings = order.settings
        self.sources = plan.by_source(footage)
        self.stamps: dict[str, list] = {}
        self.outcome = Outcome()
        self._stack = contextlib.ExitStack()
        self._client = None

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *error) -> None:
        self._stack.__exit__(*error)

    @property
    def shelf(self) -> str | None:
        return None if self.order.shards is None else str(self.work.packed)

    def each(
        self,
        title: str,
        items: Iterable,
        total: int,
        size: int,
        work: Callable,
        lost: Callable,
        is_limited: bool = True,
    ) -> Iterator:
        """`work` by the crew, which comes when it is first needed; watched. `is_limited`: an item
        is a clip, whose decoder may hang."""
        if not total:
            return
        if self._client is None:
            order = self.order
            crew = engine.crew(order.jobs, order.scheduler, self.work.scratch)
            self._client = self._stack.enter_context(crew)
        if is_limited:
            work, lost = hang.watched(work, lost, self.work.scratch / "hung")
        groups = _groups(items, size)
        found = engine.results(self._client, groups, partial(engine.quietly, work), lost)
        with self.watch.phase(title, total) as step:
            for result in found:
                step(result)
                yield result

    def stamp(self, clip: Clip) -> list:
        key = survey.files_key(clip)
        if key not in self.stamps:
            self.stamps[key] = survey.stamp(clip)
        return self.stamps[key]

    def is_known(self, log: Log, key: str, clip: Clip) -> bool:
        record = log.get(key)
        return record is not None and "bug" not in record and record["stamp"] == self.stamp(clip)

    def note(self, log: Log, key: str, record: dict) -> None:
        if "bug" in record:
            self.outcome.bugs.append(record["bug"])
        log.put(key, record)

    # ---- the phases -----------------------------------------------------------------------

    def look_at_files(self) -> None:
        files = {survey.files_key(c): c for clips in self.sources.values() for c in clips}
        new = [c for key, c in files.items() if not self.is_known(self.work.files, key, c)]
        work = partial(survey.survey, kind=self.settings.kind)
        for key, record in self.each("files", new, len(new), FILES_A_TASK, work, survey.lost_files):
            self.note(self.work.files, key, record)

    def planned(self) -> Iterator[plan.Planned]:
        s = self.settings
        yield from chain.from_iterable(
            plan.planned(self.sources, self.work.files.get, s.clip, s.per_source, s.seed)
        )

    def judge(self, wanted: Callable[[plan.Planned], bool]) -> None:
        def todo() -> Iterator[plan.Planned]:
            return (p for p in self.planned() if p.reason is None and wanted(p))

        total = sum(1 for _ in todo())
        work = partial(cascade.judged, settings=self.settings, shelf=self.shelf)
        for key, record in self.each("clips", todo(), total, CLIPS_A_TASK, work, cascade.lost_clip):
            self.note(self.work.clips, key, record)

    def is_unjudged(self, planned: plan.Planned) -> bool:
        clip = planned.clip
        return self.is_listed(clip) and not self.is_known(self.work.clips, clip.key, clip)

    def is_listed(self, clip: Clip) -> bool:
        keep = self.order.keep
        return keep is None or bool(keep & {clip.key, clip.source, clip.channel})

    def fates(self) -> Iterator[tuple[plan.Planned, dict, manifest.Fate]]:
        """(clip, its figures, what becomes of it), over the whole run."""
        for planned in self.planned():
            record = self.work.clips.get(planned.clip.key)
            fate = self._own_fate(planned, record)
            if fate.kept and (first := self.copies.get(planned.clip.key)) is not None:
                fate = manifest.Fate(f"duplicate of {first}", "duplicates")
            yield planned, {} if record is None else record["figures"], fate

    def _own_fate(self, planned: plan.Planned, record: dict | None) -> manifest.Fate:
        if planned.reason is not None:
            return manifest.Fate(planned.reason, "container")
        if record is not None and record["reason"] is not None:
            return manifest.Fate(record["reason"], record["stage"])
        if record is None or not self.is_listed(planned.clip):
            return manifest.Fate("not on the list", "keep")
        return manifest.Fate(None, record["stage"])

    @cached_property
    def alike(self) -> dict[str, str]:
        """Clip -> the first that it is a copy of: of all that were looked at, kept or not."""
        if "duplicates" not in self.settings.tests:
            return {}
        from avtools.curate.tests import copies

        records = ((p.clip.key, self.work.clips.get(p.clip.key)) for p in self.planned())
        return copies([(k, r["figures"]["signature"]) for k, r in records if is_signed(r)])

    @cached_property
    def copies(self) -> dict[str, str]:
        """Clip -> the clip before it that it is a copy of: of those that would be kept."""
        if not self.alike:
            return {}
        from avtools.curate.duplicates import firsts_among

        rows = ((p, self.work.clips.get(p.clip.key)) for p in self.planned())
        return firsts_among((p.clip.key for p, r in rows if self._own_fate(p, r).kept), self.alike)

    @cached_property
    def first_sources(self) -> dict[str, str]:
        """Source -> the first of those that it shares clips with."""
        if not self.alike:
            return {}
        from avtools.curate.duplicates import first_sources

        known = {p.clip.key: p.clip.source for p in self.planned()}
        pairs = ((known[clip], known[first]) for clip, first in self.alike.items())
        return first_sources(self.sources, pairs)

    @cached_property
    def said_splits(self) -> dict[str, str]:
        """What datasets say of sources, and of those that share clips with them."""
        from avtools.curate.duplicates import strictest_splits

        clips = chain.from_iterable(self.sources.values())
        return strictest_splits(
            (self.first_sources.get(c.source, c.source), c.split) for c in clips
        )

    def split(self, clip: Clip) -> str:
        """The datasets' own; else by the name of the first of the sources that share clips."""
        source = self.first_sources.get(clip.source, clip.source)
        return self.said_splits.get(source) or split_of(source, seed=self.settings.seed)

    # ---- the end --------------------------------------------------------------------------

    def finish(self, shards: dict[str, str]) -> None:
        channels = manifest.Channels()

        def rows() -> Iterator[dict]:
            for planned, figures, fate in self.fates():
                clip = planned.clip
                if clip.convention is None:
                    clip = replace(clip, convention=self.settings.convention)
                shard = shards.get(clip.key)
                yield manifest.row_of(clip, fate, self.split(clip), shard, figures)

        def seen(row: dict) -> None:
            self.outcome.add(row)
            channels.add(row)

        manifest.write(self.order.manifest, rows, seen)
        if self.order.per_channel is not None:
            channels.write(self.order.per_channel)


def curate(
    footage: list[Clip],
    order: Order,
    watch: Watch | None = None,
    draw: Callable[[str, list, str], None] | None = None,
) -> Outcome:
    """Footage in; manifest, tables and shards out. What is done already is not done again.

    `draw` makes a contact sheet of pictures with captions, where the order has any.
    """
    of_all_parts = footage
    if order.part is not None:
        footage = [c for c in footage if plan.in_part(c.source, order.part)]
    footage = list(dict.fromkeys(_absolute(clip) for clip in footage))  # named twice: taken once
    _refuse(footage)
    shards = order.shards

    def check(work: Path) -> None:
        if shards is not None:
            refuse_foreign(shards, order.part, work)

    with (
        work_folder(order.manifest, order.settings.parameters(), order.restart, check) as work,
        Run(order, footage, work, watch or Watch(False)) as run,
    ):
        if shards is not None:
            remove_forgotten(shards, work.path)
        run.look_at_files()
        if order.keep is not None:
            warn_of_unknown(run, of_all_parts)
        run.judge(run.is_unjudged)
        published = {} if shards is None else Publisher(run, shards).publish()
        if order.contact is not None and draw is not None:
            draw_sheets(run, draw)
        run.finish(published)
        return run.outcome


def is_signed(record: dict | None) -> bool:
    return record is not None and bool(record["figures"].get("signature"))


def _groups(items: Iterable, size: int) -> Iterator[list]:
    """Neighbours together, clips of one source only."""

    def source(item) -> str:
        return item.clip.source if isinstance(item, plan.Planned) else ""

    group: list = []
    for item in items:
        if group and (len(group) == size or source(item) != source(group[0])):
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def _absolute(clip: Clip) -> Clip:
    """Processes may stand in other folders."""
    sound, video = (path and os.path.abspath(path) for path in (clip.sound, clip.video))
    return replace(clip, sound=sound, video=video)


def _refuse(footage: list[Clip]) -> None:
    seen: set[str] = set()
    for clip in footage:
        if isinstance(clip, ShardedClip):
            raise AvtoolsError(f"{clip.video}: a shard, of clips made already; expected raw videos")
        if clip.key in seen:
            raise AvtoolsError(f"{clip.key}: two inputs are called so; curate their folder instead")
        seen.add(clip.key)
