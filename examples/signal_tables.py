#!/usr/bin/env python3
"""How good are the methods that need no training? Every table, on scenes whose truth is known.

usage: signal_tables.py -d FOLDER [--count 300] [--seconds 10] [--seed 1000000] [--jobs N]
                        [--only TASK,...]

Draws scenes of preset real, --count of two channels and as many in 360, and asks `avtools evaluate`
of each tool, beside what it must beat: upmix of the mono copy, separate of the ideal mask and of
itself without looking (at three sizes of rooms), track-faces of itself without listening. FOLDER
keeps the scenes, the tables, a row for each clip and pictures of how far probabilities can be
trusted; what is there is not made again.
"""

import argparse
import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

TASKS = ("flip", "align360", "upmix", "separate", "track-faces")
SIZES = ("small", "middle", "large")


def avtools(*words: object) -> str:
    command = [sys.executable, "-m", "avtools", *map(str, words)]
    print("$ avtools " + " ".join(map(str, words)), flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(done.returncode)
    return done.stdout


def scenes(options, kind: str) -> Path:
    """The folder of scenes of one kind."""
    folder = options.directory / kind
    wish = ("--preset", "real", "--kind", kind, "--count", options.count, "--seed", options.seed)
    wish += ("--seconds", options.seconds)
    avtools("synth", *wish, "-d", folder, "--jobs", options.jobs, "--skip-existing", "-q")
    return folder


def table(options, name: str, task: str, data, *more: object) -> list[dict]:
    """One run of evaluate, printed; the rows of its clips stay beside it."""
    folder = options.directory
    rows, clips = folder / f"{name}.csv", folder / f"{name}-clips.csv"
    if not rows.exists():
        wish = ("--data", data, "--jobs", options.jobs, "--clips", clips, "-o", rows, "-q")
        split = ("--split", "all") if isinstance(data, Path) else ()
        avtools("evaluate", task, *wish, *split, *more)
    with open(rows, newline="") as file:
        found = list(csv.DictReader(file))
    print(f"\n{name}")
    for row in found:
        line = f"  {row['metric']:<26}{show(row['value'])}  ({show(row['low'])} to "
        line += f"{show(row['high'])}, n {row['n']})"
        if row.get("p"):
            line += f"  against {show(row['against'])}: p {float(row['p']):.1e}"
        print(line)
    print(flush=True)
    return found


def show(number: str) -> str:
    return f"{float(number):.4g}" if number else "-"


def flip(options) -> None:
    data = scenes(options, "stereo")
    table(options, "flip", "flip", data)
    picture = options.directory / "flip-reliability.png"  # of more clips, that are shorter
    table(options, "flip-short", "flip", data, "--seconds", options.seconds / 4, "--plot", picture)
    table(options, "flip-360", "flip", scenes(options, "360"))


def align360(options) -> None:
    picture = options.directory / "align360.png"
    table(options, "align360", "align360", scenes(options, "360"), "--plot", picture)


def upmix(options) -> None:
    data = scenes(options, "stereo")
    table(options, "upmix-mono", "upmix", data, "--model", "mono")
    mono = options.directory / "upmix-mono-clips.csv"
    table(options, "upmix", "upmix", data, "--against", mono)


def separate(options) -> None:
    """Mixes of two sources, each alone in the same room, which is small, middle or large."""
    rooms = {}
    wish = ("--count", options.count, "--seed", options.seed, "--seconds", options.seconds)
    for model in ("ideal", "blind", "signal"):
        table(options, f"separate-{model}", "separate", "synth:real", *wish, "--model", model)
        with open(options.directory / f"separate-{model}-clips.csv", newline="") as file:
            rooms[model] = {row["clip"]: row for row in csv.DictReader(file)}
    print("improvement of SI-SDR in dB, median (mean): " + ", ".join(rooms))
    for size, names in by_size(list(rooms["signal"])).items():
        gains = {m: np.array([float(r[n]["si_sdr_improvement_db"]) for n in names])
                 for m, r in rooms.items()}  # fmt: skip
        shown = ", ".join(f"{np.median(g):.1f} ({g.mean():.1f})" for g in gains.values())
        print(f"  {size:<8}{shown}   n {len(names)}")


def by_size(names: list[str]) -> dict[str, list[str]]:
    """The clips in three parts, by how large their rooms are."""
    from avtools.world.drawing import draw

    seeds = [int("".join(c if c.isdigit() else " " for c in name).split()[0]) for name in names]
    volumes = draw("stereo", "real", np.array(seeds), 1.0).room.prod(axis=1)
    order = np.argsort(volumes)
    return {
        size: [names[k] for k in part]
        for size, part in zip(SIZES, np.array_split(order, 3), strict=True)
        if len(part)
    }


def track_faces(options) -> None:
    data = scenes(options, "stereo")
    table(options, "track-faces-picture", "track-faces", data, "--model", "picture")
    picture = options.directory / "track-faces-picture-clips.csv"
    table(options, "track-faces", "track-faces", data, "--against", picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-d", dest="directory", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--count", type=int, default=300, help="scenes of each kind")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each scene")
    parser.add_argument("--seed", type=int, default=1_000_000, help="of the first scene")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default=",".join(TASKS), metavar="TASK,...")
    options = parser.parse_args()
    chosen = options.only.split(",")
    if set(chosen) - set(TASKS):
        parser.error(f"--only {options.only}: expected some of {', '.join(TASKS)}")
    options.directory.mkdir(parents=True, exist_ok=True)
    for task in chosen:
        {"flip": flip, "align360": align360, "upmix": upmix, "separate": separate,
         "track-faces": track_faces}[task](options)  # fmt: skip


if __name__ == "__main__":
    main()
