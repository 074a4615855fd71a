#!/usr/bin/env python3
"""Write the manual pages from the commands themselves: `python man/make.py`.

The options come from the functions' signatures, the description from the docstring of the
command's file, the examples from the function's docstring; a test holds the pages to them.
"""

import importlib
import inspect
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from avtools import __version__
from avtools.cli import COMMANDS, USAGE, click_command

HERE = Path(__file__).resolve().parent

STATUS = """\
0 if all went well; 1 if the answer to --check is no; 2 if something went wrong, with one line on
standard error for each input that failed; 3 if --check cannot tell; 70 for a bug in avtools; 130
if interrupted; 141 if the reader of the output left. Of many files the gravest counts: 2 before 1
before 3 before 0."""

TABLES = """\
Without a FILE, or for -, a sound is read from standard input. Rows go to standard output as they
are known: a table on a terminal, CSV with a line of names in a pipe, JSON Lines with --format json
(or with --output and an ending .json). Times count from the beginning of the file, as a player
shows them, also with --start."""

STREAMS = """\
Without a FILE, or for -, a sound is read from standard input. Without --output, sound goes to
standard output as WAV (32-bit float), so that tools chain in pipes with each other, with sox and
with ffmpeg. Memory does not grow with the length of the sound, and the first samples leave before
the last arrive. An output file appears whole or not at all."""

BOTH = """\
Without a FILE, or for -, a sound is read from standard input. Answers are rows, which go to
standard output or to --output: a table on a terminal, CSV with a line of names in a pipe, JSON
Lines with --format json. Where a sound is asked for, that goes to standard output as WAV (32-bit
float) or to --output and --directory instead, and rows go to standard error. An output file appears
whole or not at all."""

MADE = """\
Nothing is read. Without --output and --directory, sound goes to standard output as WAV (32-bit
float), so that it can be piped to other tools. An output file appears whole or not at all."""

FILES = """\
Standard input is read for --files-from - alone. Results go to files, which appear whole or not at
all; inputs are never changed."""

TASKS = """\
Standard input is not read. The table goes to standard output at the end: drawn on a terminal, CSV
with a line of names in a pipe, JSON Lines with --format json (or with --output and an ending
.json). Output files appear whole or not at all; inputs are never changed."""

SIGNS = """\
Degrees. x is front, y left, z up. Azimuth counts counter-clockwise seen from above: 0 front, +90
left; elevation counts up. Stereo: channel 0 is left, 1 right. Ambisonics inside is AmbiX: channels
in the order W, Y, Z, X (ACN), SN3D. Channels and streams count from 0."""


def escaped(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.splitlines())


def title(name: str, line: str) -> str:
    page = "avtools" if name == "avtools" else f"avtools-{name}"
    return (
        f'.TH {page.upper()} 1 "" "avtools {__version__}" "avtools"\n.SH NAME\n'
        f"{escaped(page)} \\- {escaped(line)}\n"
    )


def section(name: str, body: str) -> str:
    return f".SH {name}\n{body.rstrip()}\n"


def paragraphs(text: str) -> str:
    return "\n.PP\n".join(escaped(p.strip()) for p in text.strip().split("\n\n"))


def examples(help: str) -> str:
    lines = help.partition("Examples:")[2].strip("\n").splitlines()
    return ".nf\n" + "\n".join(escaped(line.strip()) for line in lines) + "\n.fi"


def option(parameter) -> str:
    names = ", ".join(f"\\fB{escaped(n)}\\fR" for n in parameter.opts)
    if not parameter.is_flag:
        kind = parameter.metavar or {"float": "NUMBER", "int": "N"}.get(parameter.type.name, "NAME")
        names += f" \\fI{escaped(kind.strip('<>'))}\\fR"
    text = parameter.help or ""
    shown = parameter.show_default and parameter.default not in (None, False)
    if shown:
        default = parameter.default
        text += f" Default: {default:g}." if isinstance(default, float) else f" Default: {default}."
    return f".TP\n{names}\n{escaped(text)}\n"


def command_page(name: str) -> str:
    command = click_command(name)
    module = importlib.import_module(COMMANDS[name][0].partition(":")[0])
    summary = inspect.cleandoc(command.help).splitlines()[0].rstrip(".")
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    names = {name for o in options for name in o.opts}
    streams = STREAMS if "--codec" in names else TABLES if "--format" in names else FILES
    streams = BOTH if {"--codec", "--format", "--check"} <= names else streams
    files = next((p for p in command.params if p.param_type_name == "argument"), None)
    is_task = files is not None and files.name == "task"
    streams, operand = (TASKS, " TASK") if is_task else (streams, " [FILE]..." * bool(files))
    takes = f"{escaped(files.help)}\n.PP\n{escaped(streams)}" if files else escaped(MADE)
    parts = [
        title(name, summary),
        section("SYNOPSIS", f"\\fBavtools {escaped(name)}\\fR [OPTIONS]{operand}"),
        section("DESCRIPTION", paragraphs(module.__doc__)),
        section("INPUT AND OUTPUT", takes),
        section("OPTIONS", "".join(map(option, options))),
        section("SIGNS", escaped(SIGNS)),
        section("EXIT STATUS", escaped(STATUS)),
        section("EXAMPLES", examples(command.help)),
        section("SEE ALSO", ".BR avtools (1), sox(1), ffmpeg(1)"),
    ]
    return "".join(parts)


def main_page() -> str:
    intro, _, rest = USAGE.partition("Tools:")
    about = intro.partition("...\n")[2].strip()
    text, _, example = about.partition("\n\n")
    tools = "".join(
        f".TP\n\\fBavtools\\-{escaped(name)}\\fR(1)\n{escaped(line)}\n"
        for name, (_, line) in COMMANDS.items()
    )
    options = "".join(
        f".TP\n\\fB{escaped(line.strip().split('  ', 1)[0])}\\fR\n"
        f"{escaped(line.strip().split('  ', 1)[1].strip())}\n"
        for line in rest.partition("Options:\n")[2].partition("\n\n")[0].splitlines()
    )
    parts = [
        title("avtools", "tools that connect where a sound comes from with where it is seen"),
        section("SYNOPSIS", "\\fBavtools\\fR TOOL [OPTIONS] [FILE]..."),
        section("DESCRIPTION", escaped(text) + "\n.PP\n.nf\n" + escaped(example.strip()) + "\n.fi"),
        section("TOOLS", tools),
        section("OPTIONS", options),
        section("INPUT AND OUTPUT", escaped(STREAMS)),
        section("SIGNS", escaped(SIGNS)),
        section("EXIT STATUS", escaped(STATUS)),
    ]
    return "".join(parts)


def pages() -> dict[str, str]:
    """File name -> text, of every page."""
    return {"avtools.1": main_page()} | {f"avtools-{n}.1": command_page(n) for n in COMMANDS}


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8")
