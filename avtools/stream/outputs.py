"""Output files appear whole or not at all.

The bytes go to a hidden temporary beside the output, which takes the output's name when all is
written. The writer holds a lock on its temporary: one that nobody holds was left by a killed
run, and the next run that writes the same output removes it.
"""

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from avtools.errors import AvtoolsError, reason

SUFFIX = ".avtools-part"


def is_plain(path: str | Path) -> bool:
    """True where a whole file can be put: not a device, a pipe or a socket."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return True


def remove_abandoned(folder: Path, name: str) -> None:
    for left in folder.glob(f".{_escape(name)}.*{SUFFIX}"):
        try:
            fd = os.open(left, os.O_RDWR)
        except OSError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(left)
        except OSError:
            pass  # somebody is writing it
        finally:
            os.close(fd)


def _escape(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


@contextlib.contextmanager
def whole(output: str | Path) -> Iterator[Path]:
    """A path to write to; what is there becomes `output` when the block ends without an error.

    A device or a named pipe is written directly: there is nothing to rename.
    """
    if not is_plain(output):
        yield Path(output)
        return
    target = Path(os.path.realpath(output))
    temporary = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}{SUFFIX}")
    try:
        remove_abandoned(target.parent, target.name[:200])
        fd = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    except OSError as error:
        raise AvtoolsError(f"{output}: {reason(error)}") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield temporary
        if target.exists():
            os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    finally:
        os.close(fd)
