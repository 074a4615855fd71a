"""What the tests share: sounds with known answers, and avtools run as a person runs it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
RATE = 48000

needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
needs_sox = pytest.mark.skipif(not shutil.which("sox"), reason="sox is not installed")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the recordings are not here")


def command(*arguments) -> list[str]:
    """The installed script, which is what a user starts."""
    script = Path(sys.executable).with_name("avtools")
    start = [str(script)] if script.exists() else [sys.executable, "-m", "avtools"]
    return [*start, *map(str, arguments)]


def avtools(*arguments, input: bytes | None = None, **more) -> subprocess.CompletedProcess:
    """Run to the end; standard input is empty unless given."""
    more.setdefault("timeout", 120)
    if input is None:
        more.setdefault("stdin", subprocess.DEVNULL)
    else:
        more["input"] = input
    return subprocess.run(command(*arguments), capture_output=True, **more)


def shell(line: str, **more) -> subprocess.CompletedProcess:
    """A pipeline in bash, with `avtools` on the path."""
    folder = Path(command()[0]).parent
    environment = dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}") | more.pop("env", {})
    more.setdefault("timeout", 120)
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, env=environment, stdin=subprocess.DEVNULL, **more
    )


def noise(channels: int, frames: int = 4800, seed: int = 0, level: float = 0.2) -> np.ndarray:
    """`(frames, channels)` float32 within ±1."""
    x = np.random.default_rng(seed).standard_normal((frames, channels)) * level
    return np.clip(x, -0.99, 0.99).astype(np.float32)


def plane_wave(azimuth: float, elevation: float = 0.0, frames: int = 4800, seed: int = 0):
    """AmbiX of one far source, `(frames, 4)` float32."""
    a, e = np.deg2rad([azimuth, elevation])
    gains = [1, np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)]
    return (noise(1, frames, seed) * np.array(gains)).astype(np.float32)


def direction(foa: np.ndarray) -> tuple[float, float]:
    """Azimuth and elevation of the mean intensity of AmbiX `(frames, 4)`, degrees."""
    w, y, z, x = foa.astype(np.float64).T
    iy, iz, ix = (w * y).mean(), (w * z).mean(), (w * x).mean()
    return float(np.rad2deg(np.arctan2(iy, ix))), float(
        np.rad2deg(np.arctan2(iz, np.hypot(ix, iy)))
    )


def save(path, x: np.ndarray, rate: int = RATE, subtype: str = "FLOAT") -> Path:
    soundfile.write(path, x, rate, subtype=subtype)
    return Path(path)


def load(path) -> np.ndarray:
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def load_bytes(data: bytes, tmp_path: Path) -> np.ndarray:
    path = tmp_path / "loaded.wav"
    path.write_bytes(data)
    return load(path)


def one_line(result: subprocess.CompletedProcess) -> str:
    """The single line on stderr of a run that failed as it should."""
    text = result.stderr.decode()
    assert result.returncode == 2, (result.returncode, text)
    assert text.count("\n") == 1 and text.endswith("\n"), text
    assert text.startswith("avtools"), text
    return text.strip()
