"""`avtools TOOL ...`: the table of commands, and the one place where errors become exit statuses.

Only the named command is imported, so that a stage of a pipe starts as fast as it can.
"""

import os
import sys

# One BLAS thread: the products here are small, and a pipe's stages already share the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from avtools import __version__, errors
from avtools.errors import AvtoolsError, reason, say

# Name -> the function behind it, and its line in `avtools --help`.
COMMANDS = {
    "align360": (
        "avtools.commands.align360:align360",
        "Say by how much a 360° video's sound is turned.",
    ),
    "beamform": (
        "avtools.commands.beamform:beamform",
        "Listen in a direction of an ambisonic sound field.",
    ),
    "convert": ("avtools.commands.convert:convert", "Change layout, rate or format."),
    "curate": (
        "avtools.commands.curate:curate",
        "Make training clips of raw videos: test, choose, pack.",
    ),
    "doa": ("avtools.commands.doa:doa", "Say where sounds come from, several at once."),
    "evaluate": ("avtools.commands.evaluate:evaluate", "Measure how good a model is at a task."),
    "flip": ("avtools.commands.flip:flip", "Swap left and right, or check them."),
    "gcc-phat": ("avtools.commands.gcc_phat:gcc_phat", "Delay between channels over time."),
    "intensity": (
        "avtools.commands.intensity:intensity",
        "Where the sound of ambisonics comes from, and how directly.",
    ),
    "nfov": ("avtools.commands.nfov:nfov", "Cut a flat view out of a 360° video."),
    "probe": ("avtools.commands.probe:probe", "Say what is in a file and what is wrong with it."),
    "rotate-foa": ("avtools.commands.rotate_foa:rotate_foa", "Turn an ambisonic sound field."),
    "separate": (
        "avtools.commands.separate:separate",
        "Take what the picture shows out of a mixture.",
    ),
    "synth": (
        "avtools.commands.synth:synth",
        "Make scenes to see and hear, with their exact truth.",
    ),
    "track-faces": (
        "avtools.commands.track_faces:track_faces",
        "Follow the face that sounds, by eye and by ear.",
    ),
    "upmix": ("avtools.commands.upmix:upmix", "Make stereo out of mono and a picture."),
}

USAGE = """\
Usage: avtools TOOL [OPTIONS] [FILE]...

Tools that connect where a sound comes from with where it is seen. They read
files or standard input and can be chained in pipes:

  avtools rotate-foa in.wav --yaw 90 | avtools convert --to stereo -o out.flac

Tools:
{tools}

Options:
  --version             Show the version.
  --install-completion  Teach the tools' names and options to this shell.
  --show-completion     Print what that would install.
  -h, --help            Show this help; avtools TOOL --help shows a tool's.

Exit status: 0 fine, 1 the answer to --check is no, 2 something went wrong,
3 cannot tell, 70 a bug in avtools, 130 interrupted, 141 the reader left.
"""


def usage() -> str:
    return USAGE.format(tools="\n".join(f"  {n:<12}{help}" for n, (_, help) in COMMANDS.items()))


def load(name: str):
    """The function behind a command's name."""
    from importlib import import_module

    module, _, function = COMMANDS[name][0].partition(":")
    return getattr(import_module(module), function)


def click_command(name: str):
    """The command as typer builds it from the function's signature."""
    import typer

    from avtools.groups import expanded

    function = load(name)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    settings = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
    app.command(name, context_settings=settings, epilog=None)(expanded(function))
    return typer.main.get_command(app)


def suggestion(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name.lower().replace("_", "-"), COMMANDS, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else "avtools --help lists the tools"


def run(arguments: list[str]) -> int:
    if "_AVTOOLS_COMPLETE" in os.environ or (
        arguments and arguments[0] in ("--install-completion", "--show-completion")
    ):
        from avtools.completion import complete

        return complete(arguments)
    first = arguments[0] if arguments else "--help"
    if first in ("-h", "--help", "help"):
        if len(arguments) > 1 and first == "help":
            return run([arguments[1], "--help"])
        sys.stdout.write(usage())
        return 0 if arguments else 2
    if first in ("--version", "-V"):
        print(f"avtools {__version__}")
        return 0
    if first not in COMMANDS:
        kind = "option" if first.startswith("-") else "tool"
        raise AvtoolsError(f"no {kind} {first!r}; {suggestion(first)}")
    errors.speaker["name"] = f"avtools {first}"
    return run_command(first, arguments[1:])


def run_command(name: str, arguments: list[str]) -> int:
    import typer

    usage_error = typer.BadParameter.__base__
    command = click_command(name)
    try:
        # Not command.main(): it would turn a reader that left into exit status 1.
        with command.make_context(f"avtools {name}", arguments) as context:
            code = command.invoke(context)
    except usage_error as error:
        text = error.format_message().rstrip(".")
        raise AvtoolsError(f"{text[:1].lower()}{text[1:]}; see avtools {name} --help") from error
    except typer.Exit as leave:
        code = leave.exit_code
    except typer.Abort:
        raise KeyboardInterrupt from None
    return code if isinstance(code, int) else 0


class Terminated(BaseException):
    """Asked to end by a signal: unwinds like Ctrl-C, so that half-written files go."""


def _terminate(number: int, _frame) -> None:
    raise Terminated(number)


def occupy_closed() -> None:
    """Where a standard stream is closed, the next file opened would take its number, and output
    would be written into it: a null device that can't be written to stands there instead."""
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_WRONLY if fd == 2 else os.O_RDONLY)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(fd, "w" if fd else "r", closefd=False))


def listen() -> None:
    import signal

    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) == signal.SIG_DFL:
            signal.signal(getattr(signal, name), _terminate)


def main(arguments: list[str] | None = None) -> None:
    sys.exit(status(sys.argv[1:] if arguments is None else arguments))


def status(arguments: list[str]) -> int:
    """Run; every way it can end becomes a message and an exit status."""
    try:
        occupy_closed()
        listen()
        code = run(arguments)
        sys.stdout.flush()
        return code
    except AvtoolsError as error:
        say(str(error), errors.QUIET)
        return 2
    except BrokenPipeError:
        return _reader_left()
    except KeyboardInterrupt:
        return 130
    except Terminated as signal:
        return 128 + signal.args[0]
    except MemoryError:
        say("out of memory", errors.QUIET)
        return 2
    except OSError as error:
        named = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        say(named + reason(error), errors.QUIET)
        _forget_stdout()  # what is left unwritten would fail once more at the end
        return 2
    except Exception:
        import traceback

        traceback.print_exc()
        say("this is a bug in avtools; please report it with the lines above", errors.QUIET)
        return 70


def _reader_left() -> int:
    """Nobody reads our output any more: end in silence, as cat does."""
    _forget_stdout()
    return 141


def _forget_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
