#!/usr/bin/env python3
"""Speed against the peers: `tests/bench/pipes.py` (needs ffmpeg and sox; 2 GB of disk).

Ten minutes of 4-channel 48 kHz float32, turned by 30 degrees: file to file, and in pipes. All
commands run in one session, interleaved in shuffled order; outputs are deleted and the disk
synced between runs; start-up is included. Read the ratios: seconds of shared machines drift.
"""

import argparse
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np

AVTOOLS = str(Path(sys.executable).with_name("avtools"))
C, S = 0.8660254, 0.5


def make_input(path: Path, seconds: float) -> None:
    import soundfile

    frames = round(seconds * 48000)
    random_numbers = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", 48000, 4, subtype="FLOAT") as out:
        for first in range(0, frames, 480_000):
            n = min(480_000, frames - first)
            out.write((random_numbers.standard_normal((n, 4)) * 0.1).astype(np.float32))


def commands(a: str, b: str) -> dict[str, str]:
    """What is timed; `a` is read, `b` written."""
    pan = f"pan=4c|c0=c0|c1={C}*c1+{S}*c3|c2=c2|c3={C}*c3-{S}*c1"
    mix = f"1 2v{C},4v{S} 3 4v{C},2v-{S}"
    turn = f"{AVTOOLS} rotate-foa --yaw"
    return {
        "cat file": f"cat {a} > {b}",
        "avtools file": f"{turn} 30 {a} -o {b}",
        "ffmpeg file": f"ffmpeg -v error -y -i {a} -af '{pan}' -c:a pcm_f32le {b}",
        "sox file": f"sox -V1 {a} -e float -b 32 {b} remix {mix}",
        "cat pipe": f"cat {a} | cat > /dev/null",
        "avtools pipe": f"cat {a} | {turn} 30 | cat > /dev/null",
        "avtools 3 stages": f"{turn} 30 {a} | {turn} 20 | {turn} -50 > /dev/null",
        "avtools 3 stages, cat": f"cat {a} | {turn} 30 | {turn} 20 | {turn} -50 | cat > /dev/null",
        "ffmpeg pipe": f"cat {a} | ffmpeg -v error -i - -af '{pan}' -c:a pcm_f32le -f wav - "
        "| cat > /dev/null",
        "sox pipe": f"cat {a} | sox -V1 -t wav - -t wav -e float -b 32 - remix {mix} "
        "| cat > /dev/null",
    }


RATIOS = [
    ("avtools file", "ffmpeg file", 0.6),
    ("avtools file", "sox file", 0.4),
    ("avtools file", "cat file", None),
    ("avtools pipe", "ffmpeg pipe", None),
    ("avtools 3 stages, cat", "ffmpeg pipe", 1.0),
    ("avtools 3 stages", "ffmpeg pipe", None),
]


def timed(line: str, output: Path) -> float:
    output.unlink(missing_ok=True)
    os.sync()
    began = time.perf_counter()
    subprocess.run(["bash", "-c", f"set -o pipefail; {line}"], check=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--folder", help="where the sounds are written (default: a temporary one)")
    parser.add_argument("--json", help="write all times here")
    options = parser.parse_args()
    for peer in ("ffmpeg", "sox"):
        if not shutil.which(peer):
            sys.exit(f"{peer} is not installed")
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        a, b = folder / "a.wav", folder / "b.wav"
        make_input(a, options.minutes * 60)
        lines = commands(str(a), str(b))
        times: dict[str, list[float]] = {name: [] for name in lines}
        for _ in range(options.rounds):
            for name in random.sample(list(lines), len(lines)):
                times[name].append(timed(lines[name], b))
    finally:
        shutil.rmtree(folder)
    report(times, options)


def report(times: dict[str, list[float]], options) -> None:
    median = {name: statistics.median(t) for name, t in times.items()}
    print(
        f"{options.minutes:g} min, 4 channels, 48 kHz, float32; {options.rounds} rounds; ", end=""
    )
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, numpy {np.__version__}")
    print(f"{'':<24}{'median s':>10}{'min s':>8}")
    for name, t in times.items():
        print(f"{name:<24}{median[name]:>10.2f}{min(t):>8.2f}")
    for name, peer, mark in RATIOS:
        ratio = median[name] / median[peer]
        print(f"{name} / {peer}: {ratio:.2f}" + (f" (mark: {mark})" if mark else ""))
    if options.json:
        Path(options.json).write_text(json.dumps(times))


if __name__ == "__main__":
    main()
