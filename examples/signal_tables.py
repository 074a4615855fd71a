#!/usr/bin/env python3
"""How good are the methods that need no training? Every table, on scenes whose truth is known.

usage: signal_tables.py -d FOLDER [--count 300] [--seconds 10] [--seed 1000000] [--jobs N]
                        [--only TABLE,...]

Draws scenes of preset real, --count of two channels and as many in 360, and asks `avtools evaluate`
of each tool, beside what it must beat: upmix of the mono copy, separate of itself without looking
and of the ideal mask (at three sizes of rooms), track-faces of itself without listening. FOLDER
keeps the scenes, the tables, a row for each clip and pictures of how far probabilities can be
trusted; what is there is not made again: another --count, --seconds or --seed needs another FOLDER.
"""

import argparse
import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

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


def drawn(options, kind: str) -> tuple:
    """Scenes that have what a task asks for, made one by one."""
    wish = ("--count", options.count, "--seed", options.seed, "--seconds", options.seconds)
    return f"synth:{kind}:real", *wish


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
        line = (
            f"  {row['model']:<8} {row['metric']:<26}{show(row['value'])}  ({show(row['low'])} to "
        )
        line += f"{show(row['high'])}, n {row['n']})"
        if row.get("p"):
            line += f"  against {show(row['against'])}: p {float(row['p']):.1e}"
        print(line)
    print(flush=True)
    return found


def show(number: str) -> str:
    return f"{float(number):.4g}" if number else "-"


def flip(options) -> None:
    table(options, "flip", "flip", scenes(options, "stereo"))


def flip_short(options) -> None:
    """Windows of the same: more clips, and harder ones."""
    picture = options.directory / "flip-reliability.png"
    wish = ("--seconds", options.seconds / 4, "--plot", picture)
    table(options, "flip-short", "flip", scenes(options, "stereo"), *wish)


def flip_360(options) -> None:
    table(options, "flip-360", "flip", scenes(options, "360"))


def align360(options) -> None:
    picture = options.directory / "align360.png"
    table(options, "align360", "align360", scenes(options, "360"), "--plot", picture)


def upmix(options) -> None:
    table(options, "upmix", "upmix", scenes(options, "stereo"), "--model", "mono,signal")


def separate(options) -> None:
    mixes(options, "separate", "stereo")


def separate_360(options) -> None:
    mixes(options, "separate-360", "360")


def mixes(options, name: str, kind: str) -> None:
    """Mixes of two sources, each alone in the same room, which is small, middle or large."""
    table(options, name, "separate", *drawn(options, kind), "--model", "blind,signal,ideal")
    gains: dict[str, dict[str, float]] = {}
    with open(options.directory / f"{name}-clips.csv", newline="") as file:
        for row in csv.DictReader(file):
            clip = gains.setdefault(row["clip"], {})
            clip[row["model"]] = float(row["si_sdr_improvement_db"])
    print("improvement of SI-SDR in dB, mean (median): blind, signal, ideal")
    for size, names in by_size(kind, list(gains)).items():
        columns = ([gains[name][model] for name in names] for model in ("blind", "signal", "ideal"))
        shown = ", ".join(f"{np.mean(c):.1f} ({np.median(c):.1f})" for c in columns)
        print(f"  {size:<8}{shown}   n {len(names)}")


def by_size(kind: str, names: list[str]) -> dict[str, list[str]]:
    """The clips in three parts, by how large their rooms are."""
    from avtools.world.drawing import draw

    seeds = [int("".join(c if c.isdigit() else " " for c in name).split()[0]) for name in names]
    volumes = draw(kind, "real", np.array(seeds), 1.0).room.prod(axis=1)
    order = np.argsort(volumes)
    return {
        size: [names[k] for k in part]
        for size, part in zip(SIZES, np.array_split(order, 3), strict=True)
        if len(part)
    }


def track_faces(options) -> None:
    """Of scenes with faces: --count of them."""
    models = ("--model", "picture,signal")
    table(options, "track-faces", "track-faces", *drawn(options, "stereo"), *models)


TABLES = {
    "flip": flip,
    "flip-short": flip_short,
    "flip-360": flip_360,
    "align360": align360,
    "upmix": upmix,
    "separate": separate,
    "separate-360": separate_360,
    "track-faces": track_faces,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-d", dest="directory", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--count", type=int, default=300, help="scenes of each kind")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each scene")
    parser.add_argument("--seed", type=int, default=1_000_000, help="of the first scene")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default=",".join(TABLES), metavar="TABLE,...")
    options = parser.parse_args()
    chosen = options.only.split(",")
    if set(chosen) - set(TABLES):
        parser.error(f"--only {options.only}: expected some of {', '.join(TABLES)}")
    options.directory.mkdir(parents=True, exist_ok=True)
    for name in chosen:
        TABLES[name](options)


if __name__ == "__main__":
    main()
