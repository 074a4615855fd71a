"""What went wrong and what to say of it: one line on stderr, never more."""

import os
import sys

QUIET, NORMAL, VERBOSE = 0, 1, 2

# Set once by the command line (and again in each spawned worker): who speaks, and how much.
speaker = {"name": "avtools", "level": NORMAL}


class AvtoolsError(Exception):
    """The user's input or wish can't be served: printed as one line, exit status 2."""


def reason(error: BaseException) -> str:
    """One line that says why: the system's words for a system error, else the first line."""
    if isinstance(error, OSError) and error.errno and error.strerror:
        return os.strerror(error.errno) if error.errno > 0 else error.strerror
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def say(message: str, level: int = NORMAL) -> None:
    """One line on stderr, unless the user asked for less. A closed stderr is no reason to fail."""
    if speaker["level"] >= level:
        line = " ".join(f"{speaker['name']}: {message}".splitlines())
        try:
            sys.stderr.write(line.encode("utf-8", "replace").decode("utf-8") + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            pass


def warn(message: str) -> None:
    say(f"warning: {message}", NORMAL)


def note(message: str) -> None:
    """Said with `-v` only."""
    say(message, VERBOSE)
