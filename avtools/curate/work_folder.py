"""The folder beside a manifest that keeps what is done, so that a rerun does what is missing.

It belongs to the options that change results: with other ones it is refused, never mixed. One run
at a time works in it.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from avtools.curate.log import Log
from avtools.errors import AvtoolsError, reason
from avtools.stream.outputs import whole

LOCK, PARAMETERS, SHARDS = "lock", "parameters.json", "shards.jsonl"
OF_FILES = {"stamp": list, "reason": str | None}
OF_CLIPS = OF_FILES | {"stage": str, "figures": dict}
OF_SHARDS = {"digest": str, "clips": dict}


class WorkFolder:
    def __init__(self, path: Path):
        self.path = path
        self.files = Log(path / "files.jsonl", OF_FILES)
        self.clips = Log(path / "clips.jsonl", OF_CLIPS)
        self.scratch = path / "scratch"
        self.packed = path / "packed"
        self.looks = path / "looks"

    def close(self) -> None:
        self.files.close()
        self.clips.close()


def shards_log(work: Path) -> Log:
    """What each shard that was published holds."""
    return Log(work / SHARDS, OF_SHARDS)


def place_of(folder: str | Path, clip: str, ending: str) -> Path:
    """Where a clip's file lies: a hash for a name, since a clip's own may hold anything."""
    name = hashlib.blake2b(clip.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
    return Path(folder) / name[:2] / (name + ending)


@contextlib.contextmanager
def work_folder(
    manifest: str,
    parameters: dict,
    restart: bool = False,
    check: Callable[[Path], None] = lambda path: None,
) -> Iterator[WorkFolder]:
    """The folder of this manifest, locked; empty at first, and with `restart`. `check` has the
    last word before anything in it is changed."""
    path = Path(os.path.abspath(manifest) + ".work")
    try:
        path.mkdir(exist_ok=True)
        lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise AvtoolsError(f"{path}: {reason(error)}") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AvtoolsError(f"{manifest}: another run is working on it") from None
        check(path)
        if restart:
            _clear(path)
        _claim(path, parameters)
        shutil.rmtree(path / "scratch", ignore_errors=True)  # of a killed run
        folder = WorkFolder(path)
        try:
            yield folder
        finally:
            folder.close()
            shutil.rmtree(folder.scratch, ignore_errors=True)
    finally:
        os.close(lock)


def _clear(path: Path) -> None:
    """The names of shards stay, else they would be those of another run; what is in them goes."""
    _forget_shards(path)
    for entry in path.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name not in (LOCK, SHARDS):
            entry.unlink()


def _forget_shards(work: Path) -> None:
    if not (work / SHARDS).exists():
        return
    log = shards_log(work)
    try:
        for shard in log:
            log.put(shard, {"digest": "", "clips": {}})
    finally:
        log.close()


def _claim(path: Path, parameters: dict) -> None:
    """Write down whose results these are; refuse those of other options."""
    text = json.dumps(parameters, sort_keys=True)
    try:
        found = json.loads((path / PARAMETERS).read_text())
        if not isinstance(found, dict):
            raise ValueError("holds no options")
    except FileNotFoundError:
        with whole(path / PARAMETERS) as temporary:
            temporary.write_text(text)
        return
    except (OSError, ValueError) as error:
        raise AvtoolsError(
            f"{path / PARAMETERS}: {reason(error)}; --restart begins anew"
        ) from error
    now = json.loads(text)
    for name in sorted(now.keys() | found.keys()):
        if now.get(name) != found.get(name):
            raise AvtoolsError(
                f"{path}: its results were made with {name} {_said(found.get(name))}, not "
                f"{_said(now.get(name))}: take another --output, or --restart to begin anew"
            )


def _said(value: object) -> str:
    if value is None:
        return "unset"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
