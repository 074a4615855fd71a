"""Shards are written here: a tar that webdataset can read, and its index beside it.

Both are published by renaming, the tar before its index, and what an older shard of that name
had for an index is taken away before: a tar with an index beside it is always whole and its own.
A writer that is interrupted leaves the shards that it finished, and nothing of the one it was at.
"""

import contextlib
import glob
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from avtools.datasets.packed import Packed, unpacked
from avtools.datasets.shard_index import index_path, record, to_bytes
from avtools.datasets.tar import END, member_name, places, read_clips, write_clip
from avtools.stream.outputs import whole

CLIPS = 64  # a shard: some 84 MB of ten-second clips


@contextlib.contextmanager
def open_shard(path: str | Path) -> Iterator[Callable[[Packed], None]]:
    """A function that appends a clip; the shard is there when the block ends without an error."""
    path, index = _checked(path), index_path(path)
    with whole(index) as index_part, whole(path) as tar_part:
        rows, texts, names = [], [], set()
        with open(tar_part, "wb") as out:

            def append(clip: Packed) -> None:
                name, text, offset = member_name(clip.key), clip.text(), out.tell()
                if name in names:
                    raise ValueError(f"{path}: {clip.key}: twice in one shard")
                sizes = write_clip(out, name, clip.flac, text, clip.jpegs)
                row, words = record(offset, sizes, text, json.loads(text))
                names.add(name)
                rows.append(row)
                texts.append(words)

            yield append
            if not rows:
                raise ValueError(f"{path}: a shard without clips")
            out.write(END)
            size = out.tell()
        index_part.write_bytes(to_bytes(rows, texts, size))
        index.unlink(missing_ok=True)


def _checked(path: str | Path) -> Path:
    if Path(path).suffix != ".tar":
        raise ValueError(f"{path}: expected the name of a shard to end in .tar")
    return Path(path)


def write_shard(path: str | Path, clips: Iterable[Packed]) -> Path:
    """One shard of these clips, in this order. One clip is held at a time."""
    with open_shard(path) as append:
        for clip in clips:
            append(clip)
    return Path(path)


def merge(paths: Iterable[str | Path], shard: str | Path) -> Path:
    """One shard of clips that `Packed.save` left in files, in this order."""
    return write_shard(shard, map(Packed.load, paths))


def index_shard(path: str | Path) -> Path:
    """Write the index of a shard anew by walking its tar; its checksums are held on the way."""
    path, end, rows, texts = _checked(path), 0, [], []
    for offset, name, members in read_clips(path):
        clip = unpacked(*members, where=f"{path}: {name}")
        if member_name(clip.key) != name:
            raise ValueError(f"{path}: {name}: its JSON is that of {clip.key}")
        row, words = record(offset, [len(m) for m in members], members[1], json.loads(members[1]))
        rows.append(row)
        texts.append(words)
        end = places(offset, [len(m) for m in members])[1]
    if not rows:
        raise ValueError(f"{path}: no clips in this tar")
    with whole(index_path(path)) as part:
        part.write_bytes(to_bytes(rows, texts, end + len(END)))
    return index_path(path)


class ShardWriter:
    """Clips in, shards out: FOLDER/PREFIX-000000.tar, -000001.tar … of `clips` clips each.

    The last, shorter one is published by `close`, or when a `with` block ends without an error.
    Where the folder has shards of that prefix already, `replace` takes them away first: of a
    longer run before, the last ones would stay among the new.
    """

    def __init__(
        self,
        folder: str | Path,
        prefix: str = "clips",
        clips: int = CLIPS,
        replace: bool = False,
    ):
        if clips < 1:
            raise ValueError(f"{clips} clips a shard, expected at least 1")
        self.folder, self.prefix, self.clips = Path(folder), prefix, clips
        self.written: list[Path] = []
        self._stack, self._append, self._count = contextlib.ExitStack(), None, 0
        there = sorted(self.folder.glob(f"{glob.escape(prefix)}-*.tar"))
        if there and not replace:
            raise ValueError(f"{there[0]}: is there already, expected no {prefix}-*.tar (replace)")
        for tar in there:
            index_path(tar).unlink(missing_ok=True)
            tar.unlink()

    def append(self, clip: Packed) -> None:
        if self._append is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / f"{self.prefix}-{len(self.written):06d}.tar"
            self._append, self._path = self._stack.enter_context(open_shard(path)), path
        try:
            self._append(clip)
        except ValueError:
            raise  # the clip was refused before a byte of it was written
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        self._count += 1
        if self._count == self.clips:
            self.close()

    def close(self) -> None:
        """Publish what was appended so far."""
        if self._append is not None:
            self._append, self._count = None, 0
            self._stack.close()
            self.written.append(self._path)

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, kind, error, trace) -> None:
        if error is None:
            self.close()
        else:
            self._append = None
            self._stack.__exit__(kind, error, trace)
