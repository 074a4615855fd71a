#!/usr/bin/env python3
"""Start-up, as ratios to `python -c "import numpy"`: `tests/bench/startup.py`."""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"
AVTOOLS = str(Path(sys.executable).with_name("avtools"))
ROUNDS = 15


def first_byte(command: list[str]) -> float:
    """Seconds until the first byte on standard output (or until the end, if there is none)."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        process.stdout.read(1)
        took = time.perf_counter() - began
        process.stdout.read()
    return took


def whole(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main() -> None:
    import numpy as np
    import soundfile

    with tempfile.TemporaryDirectory() as folder:
        a = f"{folder}/a.wav"
        x = np.random.default_rng(0).standard_normal((48000, 4)).astype(np.float32) / 10
        soundfile.write(a, x, 48000, subtype="FLOAT")
        cases = {
            "python -c pass": (whole, [sys.executable, "-c", "pass"]),
            'python -c "import numpy"': (whole, [sys.executable, "-c", "import numpy"]),
            "avtools --help": (whole, [AVTOOLS, "--help"]),
            "avtools flip --help": (whole, [AVTOOLS, "flip", "--help"]),
            "avtools rotate-foa --help": (whole, [AVTOOLS, "rotate-foa", "--help"]),
            "avtools flip, first byte": (first_byte, [AVTOOLS, "flip", a]),
            "avtools rotate-foa, first byte": (first_byte, [AVTOOLS, "rotate-foa", a]),
            "avtools convert, first byte": (
                first_byte,
                [AVTOOLS, "convert", a, "--from", "ambix", "--to", "mono"],
            ),
            "avtools probe, first byte": (first_byte, [AVTOOLS, "probe", a]),
            "avtools beamform, first byte": (first_byte, [AVTOOLS, "beamform", a]),
            "avtools intensity, first byte": (first_byte, [AVTOOLS, "intensity", a]),
            "avtools gcc-phat, first byte": (first_byte, [AVTOOLS, "gcc-phat", a]),
            "avtools doa, first byte": (first_byte, [AVTOOLS, "doa", a]),
        }
        times: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(ROUNDS):
            for name in random.sample(list(cases), len(cases)):
                clock, command = cases[name]
                times[name].append(clock(command))
    base = statistics.median(times['python -c "import numpy"'])
    for name, t in times.items():
        median = statistics.median(t)
        print(f"{name:<32}{1000 * median:>7.0f} ms{median / base:>7.2f}")


if __name__ == "__main__":
    main()
