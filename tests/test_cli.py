"""The command line as a whole: start, help, completion, exit statuses, what is not imported."""

import os
import subprocess
import sys

import pytest

from avtools import cli
from avtools.cli import COMMANDS
from tests.scenes import avtools, noise, one_line, save, shell


def test_help_and_no_arguments():
    assert avtools("--help").returncode == 0
    assert avtools("help", "flip").stdout == avtools("flip", "--help").stdout
    nothing = avtools()
    assert nothing.returncode == 2 and nothing.stdout == avtools("--help").stdout


@pytest.mark.parametrize(
    ("typed", "meant"), [("flp", "flip"), ("rotate", "rotate-foa"), ("Convert", "convert")]
)
def test_mistyped_tools(typed, meant):
    assert f"did you mean {meant}?" in one_line(avtools(typed))


def test_unknown_words():
    assert "avtools --help lists the tools" in one_line(avtools("zzzzzz"))
    assert "no option" in one_line(avtools("--frobnicate"))


def complete(words: str) -> list[str]:
    environment = {
        "_AVTOOLS_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    done = avtools(env=dict(os.environ, **environment))
    return done.stdout.decode().split()


def test_completion():
    assert complete("avtools ") == list(COMMANDS)
    assert "rotate-foa" in complete("avtools rot")
    assert "--yaw" in complete("avtools rotate-foa --y")
    script = avtools("--show-completion", "bash")
    assert script.returncode == 0 and b"complete" in script.stdout
    assert subprocess.run(["bash", "-n"], input=script.stdout).returncode == 0


STAGES = {
    "beamform": ["beamform", "--azimuth", "30"],
    "doa": ["doa"],
    "flip": ["flip"],
    "gcc-phat": ["gcc-phat"],
    "intensity": ["intensity"],
    "rotate-foa": ["rotate-foa", "--yaw", "10"],
    "convert": ["convert", "--from", "ambix", "--to", "stereo"],
    "probe": ["probe"],
}


@pytest.mark.parametrize("tool", STAGES)
def test_light_tools_import_nothing_heavy(tmp_path, tool):
    save(tmp_path / "x.wav", noise(4))
    code = (
        "import sys; from avtools.cli import status; code = status(sys.argv[1:]); "
        "heavy = {'torch', 'torchvision', 'torchaudio', 'scipy', 'pydantic', 'av', 'soundfile', "
        "'rich', 'matplotlib'} & set(sys.modules); "
        "sys.stderr.write(repr((code, sorted(heavy))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *STAGES[tool], tmp_path / "x.wav"], capture_output=True
    )
    assert done.stderr.decode().endswith("(0, [])")


def test_top_level_help_needs_no_numpy():
    code = (
        "import sys; from avtools.cli import status; status(['--help']); "
        "sys.exit('numpy' in sys.modules or 'typer' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_a_bug_of_ours_shows_itself(monkeypatch, capsys):
    def broken(arguments):
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(cli, "run", broken)
    assert cli.status([]) == 70
    told = capsys.readouterr().err
    assert "Traceback" in told and "bug in avtools" in told


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (MemoryError(), 2, "out of memory"),
        (PermissionError(13, "x", "there.wav"), 2, "there.wav: Permission denied"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_ends_that_are_no_bugs(monkeypatch, capsys, error, status, words):
    def broken(arguments):
        raise error

    monkeypatch.setattr(cli, "run", broken)
    assert cli.status([]) == status
    told = capsys.readouterr().err
    assert words in told and "Traceback" not in told


def test_closed_standard_output(tmp_path):
    save(tmp_path / "x.wav", noise(2))
    assert "Bad file descriptor" in one_line(shell(f"avtools flip {tmp_path}/x.wav >&-"))


def test_quiet_and_verbose(tmp_path):
    save(tmp_path / "x.wav", noise(4))
    assert b"taken as AmbiX" in avtools("flip", tmp_path / "x.wav", "-v").stderr
    assert avtools("flip", tmp_path / "x.wav").stderr == b""
    cut = tmp_path / "cut.wav"
    cut.write_bytes((tmp_path / "x.wav").read_bytes()[:-100])
    assert b"warning" in avtools("flip", cut).stderr
    assert avtools("flip", cut, "-q").stderr == b""


def test_broken_utf8_in_names(tmp_path):
    name = os.fsencode(tmp_path) + b"/\xff\xfe.wav"
    done = subprocess.run(
        [*map(os.fsencode, [sys.executable, "-m", "avtools", "flip"]), name], capture_output=True
    )
    assert done.returncode == 2 and done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("tool", COMMANDS)
def test_help_needs_no_numpy(tool):
    code = (
        "import sys; from avtools.cli import status; status([sys.argv[1], '--help']); "
        "sys.exit('numpy' in sys.modules)"
    )
    run = [sys.executable, "-c", code, tool]
    assert subprocess.run(run, capture_output=True).returncode == 0
