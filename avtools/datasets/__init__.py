"""Datasets as clips: `open_dataset("/data/FAIR-Play")`, or a folder of videos, or a manifest.

A reader is a module: `fits(root)` says whether a folder has its layout, `read(root)` gives the
`Dataset`, `SIGNS` says by what files it is known. Only the one that is needed is imported.
"""

import os
from importlib import import_module
from inspect import signature

from avtools.datasets.clip import Clip, Event, Truth
from avtools.datasets.dataset import Dataset
from avtools.datasets.splits import check_leaks, split_by_source, split_of
from avtools.errors import AvtoolsError

__all__ = [
    "DATASETS",
    "Clip",
    "Dataset",
    "Event",
    "Truth",
    "check_leaks",
    "layout_of",
    "open_dataset",
    "split_by_source",
    "split_of",
]

# In this order a folder is asked what it is; the plain folder comes last.
DATASETS = {
    "fair-play": "avtools.datasets.fair_play:read",
    "yt360": "avtools.datasets.yt360:read",
    "youtube360": "avtools.datasets.youtube360:read",
    "youtube-asmr": "avtools.datasets.youtube_asmr:read",
    "tau2019": "avtools.datasets.tau2019:read",
    "starss": "avtools.datasets.starss:read",
    "dcase2025": "avtools.datasets.dcase2025:read",
    "eigenscape": "avtools.datasets.eigenscape:read",
    "ucf101": "avtools.datasets.ucf101:read",
    "hmdb51": "avtools.datasets.hmdb51:read",
    "shards": "avtools.datasets.sharded:read",
    "manifest": "avtools.datasets.manifest:read",
    "plain": "avtools.datasets.plain:read",
}


def open_dataset(where: str | os.PathLike, layout: str | None = None, **choices) -> Dataset:
    """The clips of a folder, a manifest (CSV) or one media file.

    The layout is told from the files, never from the folder's name; `layout`, or LAYOUT:PATH as
    in "fair-play:/data/FAIR-Play", says it. `choices` are the reader's own: fold, subset, form.
    """
    root = os.fspath(where)
    prefix, colon, rest = root.partition(":")
    if layout is None and colon and prefix in DATASETS and not os.path.exists(root):
        layout, root = prefix, rest
    if not os.path.exists(root):
        raise AvtoolsError(f"{root}: no such file or folder")
    if layout is None:
        layout = layout_of(root)
    elif layout not in DATASETS:
        raise ValueError(f"layout {layout!r}: expected one of {', '.join(DATASETS)}")
    module = reader(layout)
    if layout != "plain" and not module.fits(root):
        raise AvtoolsError(f"{root}: not {layout}: no {module.SIGNS}")
    known = list(signature(module.read).parameters)[1:]
    for name in choices:
        if name not in known:
            raise ValueError(f"{layout} has no choice {name!r}: {', '.join(known) or 'none'}")
    return module.read(root, **choices)


def layout_of(root: str) -> str:
    """The name of the layout that a path has."""
    if os.path.isfile(root):
        return next((n for n in ("manifest", "shards") if reader(n).fits(root)), "plain")
    found = [name for name in DATASETS if name != "plain" and reader(name).fits(root)]
    if len(found) > 1:
        raise AvtoolsError(f"{root}: {' or '.join(found)}? Say which, as in {found[0]}:{root}")
    if found:
        return found[0]
    if reader("plain").fits(root):
        return "plain"
    signs = "; ".join(f"{name}: {reader(name).SIGNS}" for name in DATASETS)
    raise AvtoolsError(f"{root}: no dataset here. Looked for {signs}")


def reader(name: str):
    """The module behind a name."""
    return import_module(DATASETS[name].partition(":")[0])
