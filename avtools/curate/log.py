"""Results that survive: a file of JSON lines that is only ever added to.

A line is `["key", {record}]`, written with one call. A kill can leave at most its last line torn;
opening the log again takes that line away. Of two records with one key the later one counts. A
damaged line counts for nothing: what it told is done again.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType


class Log:
    """Key -> record, on disk; in memory only where each record lies.

    `form`: what a record must have, and of which types.
    """

    def __init__(self, path: str | Path, form: Mapping[str, type | UnionType] | None = None):
        form = form or {}
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        self._places: dict[str, tuple[int, int]] = {}
        self._end = 0
        with open(path, "rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                if (key := _key(line, form)) is not None:
                    self._places[key] = self._end, len(line)
                self._end += len(line)
        os.ftruncate(self._fd, self._end)

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def get(self, key: str) -> dict | None:
        if key not in self._places:
            return None
        at, size = self._places[key]
        return json.loads(os.pread(self._fd, size, at))[1]

    def put(self, key: str, record: dict) -> None:
        line = json.dumps([key, record], ensure_ascii=True).encode() + b"\n"
        written = os.write(self._fd, line)
        if written != len(line):  # a full disk: no half line may stand before the next
            os.ftruncate(self._fd, self._end)
            raise OSError(28, os.strerror(28))
        self._places[key] = self._end, len(line)
        self._end += len(line)

    def close(self) -> None:
        os.close(self._fd)


def _key(line: bytes, form: Mapping[str, type | UnionType]) -> str | None:
    """The key of a line; None where it is damaged."""
    try:
        key, record = json.loads(line.decode("ascii"))
    except (ValueError, TypeError, RecursionError):
        return None
    if not line.startswith(b'["') or not isinstance(key, str) or not isinstance(record, dict):
        return None
    fits = all(name in record and isinstance(record[name], kind) for name, kind in form.items())
    return key if fits else None
