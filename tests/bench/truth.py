#!/usr/bin/env python3
"""Written scenes, listened to again: `tests/bench/truth.py [--count 10] [--preset easy]`.

`avtools synth` writes scenes; `avtools gcc-phat` (two microphones) and `avtools intensity` (360)
listen to the files; their rows are held against the truth tables, of one source, where it sounds
and is sure. Median and 90 % of the errors, of lossless and of lossy files.
"""

import argparse
import csv
import io
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

AVTOOLS = str(Path(sys.executable).with_name("avtools"))
LISTEN = {
    "stereo": (["gcc-phat", "--window", "0.2", "--hop", "0.1"], "delay", "strength", 1000, "ms"),
    "360": (
        ["intensity", "--window", "0.2", "--hop", "0.1"],
        "azimuth",
        "directness",
        1,
        "degrees",
    ),
}
SURE = 0.6
LOUD = 0.3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10, help="scenes of each kind")
    parser.add_argument(
        "--preset", default="easy", help="easy: one source, no walls, noise at -30 dB"
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"{'kind':<8}{'files':<10}{'rows':>6}{'median':>10}{'90 %':>10}")
    for kind in LISTEN:
        for form in ("lossless", "lossy"):
            errors, unit = measured(kind, form, options)
            middle, most = np.quantile(errors, [0.5, 0.9])
            print(f"{kind:<8}{form:<10}{len(errors):>6}{middle:>10.4f}{most:>10.4f} {unit}")


def measured(kind: str, form: str, options) -> tuple[np.ndarray, str]:
    call, column, sure, scale, unit = LISTEN[kind]
    with tempfile.TemporaryDirectory() as folder:
        made = ["synth", "--kind", kind, "--preset", options.preset, "--seed", options.seed]
        made += ["--count", options.count, "--size", "64x32", "--fps", "2", "-d", folder, "-q"]
        made += ["--ears", "pair"] * (kind == "stereo") + ["--lossless"] * (form == "lossless")
        rows_of(made)
        errors = []
        for film in sorted(Path(folder).glob("*.mp4")):
            truth = read(film.with_suffix(".csv").read_text())
            known = {r["time"]: r for r in truth if r["source"] == "0" and r["sounding"] == "1"}
            times = np.array([float(time) for time in known])
            for row in read(rows_of([*call, film])):
                if not row[column] or float(row[sure]) < SURE:
                    continue
                near = np.abs(times - float(row["time"]))
                fact = known[list(known)[near.argmin()]]
                if near.min() > 0.051 or float(fact["loudness"]) < LOUD:
                    continue
                # Between two rows of the table, a straight line.
                value = np.interp(
                    float(row["time"]), times, [float(r[column]) for r in known.values()]
                )
                error = float(row[column]) - value
                errors.append((error + 180) % 360 - 180 if kind == "360" else error)
    return np.abs(errors) * scale, unit


def rows_of(call: list) -> str:
    done = subprocess.run([AVTOOLS, *map(str, call)], capture_output=True, text=True, check=True)
    return done.stdout


def read(text: str) -> list[dict]:
    return list(csv.DictReader(io.StringIO(text)))


if __name__ == "__main__":
    main()
