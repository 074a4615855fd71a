"""What a user reads is true: help, man pages, the README's table, the examples, the layout."""

import ast
import importlib.util
import shutil
import subprocess
import sys

import pytest

from avtools.cli import COMMANDS
from tests.scenes import ROOT, avtools

spec = importlib.util.spec_from_file_location("make", ROOT / "man" / "make.py")
make = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make)
PAGES = make.pages()


@pytest.mark.parametrize("page", PAGES)
def test_man_pages_are_those_of_the_commands(page):
    path = ROOT / "man" / page
    assert path.read_text(encoding="utf-8") == PAGES[page], "run: python man/make.py"


def test_every_page_belongs_to_a_command():
    assert {p.name for p in (ROOT / "man").glob("*.1")} == set(PAGES)


@pytest.mark.skipif(not shutil.which("man"), reason="man is not installed")
@pytest.mark.parametrize("page", PAGES)
def test_man_shows_them_without_complaint(page):
    shown = subprocess.run(
        ["man", "--warnings", "-l", ROOT / "man" / page], capture_output=True, check=True
    )
    assert shown.stderr == b"" and b"EXIT STATUS" in shown.stdout.replace(b"\b", b"")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example_and_every_option_a_line(name):
    done = avtools(name, "--help")
    text = done.stdout.decode()
    assert done.returncode == 0 and done.stderr == b""
    assert "Examples:" in text and f"  avtools {name} " in text
    page = (ROOT / "man" / f"avtools-{name}.1").read_text().replace("\\-", "-")
    for parameter in make.click_command(name).params:
        for option in parameter.opts if parameter.param_type_name == "option" else ():
            assert option in text and option in page
        assert parameter.help


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_has_its_tests_and_its_row_in_the_readme(name):
    assert (ROOT / "tests" / "commands" / f"test_{name.replace('-', '_')}.py").exists()
    assert f"| `{name}` |" in (ROOT / "README.md").read_text()
    assert name in avtools("--help").stdout.decode()


def shell_lines() -> list[str]:
    """The commands that the README shows in its code blocks."""
    blocks = (ROOT / "README.md").read_text().split("```")[1::2]
    lines = [line for b in blocks if b.startswith("sh\n") for line in b.splitlines()[1:]]
    return [line for line in lines if line.startswith("avtools")]


def test_the_readme_shows_only_options_that_exist():
    assert shell_lines()
    for line in shell_lines():
        for stage in line.split("|"):
            words = stage.split()
            if words[0] != "avtools":
                continue
            options = {o for p in make.click_command(words[1]).params for o in p.opts}
            for word in words[2:]:
                if word.startswith("-") and word != "-" and not word[1:2].isdigit():
                    assert word in options, line


def test_probe_documents_every_finding():
    from avtools.dsp.findings import FAULTS, REMARKS

    page = " ".join(PAGES["avtools-probe.1"].replace("\\-", "-").split())
    for phrase in [*FAULTS, *REMARKS]:
        assert phrase in page


def test_version():
    from avtools import __version__

    assert avtools("--version").stdout.decode() == f"avtools {__version__}\n"


# ---- the layout -------------------------------------------------------------------------------

ARROWS = {
    "errors": set(),
    "dsp": {"dsp"},
    "metrics": {"metrics"},
    "stream": {"stream", "dsp", "errors"},
    "signal": {"signal", "stream", "faces", "dsp", "errors"},
    "faces": {"faces", "stream", "dsp", "errors"},
    "world": {"world", "dsp"},
    "synth": {"synth", "world", "stream", "plot", "dsp", "errors"},
    "datasets": {"datasets", "stream", "world", "dsp", "errors"},
    "curate": {"curate", "datasets", "faces", "stream", "dsp", "errors"},
    "models": {"models", "dsp"},
    "plot": {"plot", "stream", "dsp", "errors"},
    "tasks": {"tasks", "models", "signal", "datasets", "dsp", "metrics"},
    "train": {"train", "tasks", "models"},
}
HEAVY = {"torch", "torchaudio", "torchvision"}
MAY_USE_TORCH = {"models", "tasks", "train", "world"}


def imports(path) -> set[tuple[str, ...]]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {tuple(a.name.split(".")) for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {(*node.module.split("."), a.name) for a in node.names}
    return found


def modules() -> list:
    return sorted((ROOT / "avtools").rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT / "avtools")))
def test_imports_follow_the_arrows(path):
    room = path.relative_to(ROOT / "avtools").parts[0].removesuffix(".py")
    names = imports(path)
    if room in ARROWS:
        inner = {n[1] for n in names if n[0] == "avtools" and len(n) > 1}
        assert inner <= ARROWS[room], f"{room} must not import {inner - ARROWS[room]}"
    if room in ("dsp", "metrics"):
        outer = {n[0] for n in names} - {"avtools", "numpy", "array_api_compat"}
        assert outer <= set(sys.stdlib_module_names)
    if room not in MAY_USE_TORCH:
        assert not HEAVY & {n[0] for n in names}


def test_every_room_has_its_arrows():
    rooms = {p.name for p in (ROOT / "avtools").iterdir() if p.is_dir() and p.name[0] != "_"}
    assert rooms <= set(ARROWS) | {"commands", "weights"}


def test_nothing_is_called_utils():
    banned = {"utils", "helpers", "misc", "manager", "common"}
    assert not [p for p in modules() if p.stem in banned]


def test_ruff_is_content():
    for call in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *call, "--quiet", "."]
        done = subprocess.run(ruff, cwd=ROOT, capture_output=True)
        assert done.returncode == 0, (done.stdout + done.stderr).decode()
