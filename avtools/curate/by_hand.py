"""For curation by hand: sheets with pictures of some clips of each channel, and what to keep."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from avtools.curate import looks
from avtools.curate.footage import in_part_name
from avtools.datasets.clip import Clip
from avtools.errors import warn

CLIPS_A_TASK = 4


def draw_sheets(run, draw: Callable[[str, list, str], None]) -> None:
    """A sheet for each channel of a run: `draw(path, [(picture, caption)], title)`."""
    folder = Path(run.order.contact)
    folder.mkdir(parents=True, exist_ok=True)
    sheets = looks.chosen((p.clip, fate) for p, _, fate in run.fates())
    clips = [clip for some in sheets.values() for clip, _ in some]
    todo = [c for c in clips if not looks.place(run.work.looks, c).exists()]
    work = partial(looks.take, folder=str(run.work.looks))
    for _ in run.each("pictures", todo, len(todo), CLIPS_A_TASK, work, looks.lost):
        pass
    for channel, some in sheets.items():
        cells = looks.cells(some, run.work.looks)
        if cells:
            name = in_part_name(looks.sheet_name(channel), run.order.part)
            draw(str(folder / name), cells, channel)


def warn_of_unknown(run, footage: Iterable[Clip]) -> None:
    """Say which names to keep nothing has. `footage`: that of all parts."""
    keys, named = set(), set()
    for clip in footage:
        keys.add(clip.key)
        named |= {clip.source, clip.channel}
    unknown = set(run.order.keep) - named
    if unknown:
        unknown -= {p.clip.key for p in run.planned()}
    if run.order.part is not None:  # a clip of another part is known by its footage alone
        unknown = {name for name in unknown if name.rpartition("@")[0] not in keys}
    if unknown:
        some = ", ".join(sorted(unknown)[:5]) + (", ..." if len(unknown) > 5 else "")
        warn(f"--keep: {some}: no channel, source or clip is called so")
