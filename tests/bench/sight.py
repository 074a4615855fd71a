#!/usr/bin/env python3
"""How fast sight and sound are looked at together: `tests/bench/sight.py [--seconds 120]`.

Films of one drawn scene, over and over: 1280x720 with stereo, 1920x960 with a sound field. Seconds
of film that each command takes in a second, start-up included, with its processor time; and what
decoding alone takes of it: reading every picture of the same film at the size that movement is
looked for at. Medians of shuffled rounds.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

AVTOOLS = str(Path(sys.executable).with_name("avtools"))
DECODE = """
import sys
from avtools.signal.motion import small_size
from avtools.stream.video import frames, video_facts
facts = video_facts(sys.argv[1])
is_360 = facts.width == 2 * facts.height
for _ in frames(sys.argv[1], size=small_size(facts.width, facts.height, is_360)): pass
"""
FILMS = {"stereo": "1280x720", "360": "1920x960"}
CALLS = {
    "stereo": {"flip --check": ["flip", "--check"], "upmix": ["upmix", "--downmix", "-o"]},
    "360": {"align360": ["align360"], "flip --check 360": ["flip", "--check"]},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=120, help="of each film")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = {}
        for kind in FILMS:
            film = film_of(kind, options.seconds, folder)
            runs[f"decode {FILMS[kind]}"] = [sys.executable, "-c", DECODE, film]
            for name, words in CALLS[kind].items():
                out = [f"{folder}/out.wav"] * ("-o" in words)
                runs[name] = [AVTOOLS, *words, *out, film, "-q"]
        found = measured(runs, options.rounds)
    print(f"{'':<18}{'x real time':>12}{'x by CPU':>10}")
    for name, took in found.items():
        wall, cpu = (statistics.median(column) for column in zip(*took, strict=True))
        print(f"{name:<18}{options.seconds / wall:>12.1f}{options.seconds / cpu:>10.1f}")


def film_of(kind: str, seconds: int, folder: str) -> str:
    """A drawn scene of 20 seconds, again and again without decoding."""
    scene, film = f"{folder}/{kind}-scene.mp4", f"{folder}/{kind}.mp4"
    wish = ["--kind", kind, "--seed", "7", "--seconds", "20", "--size", FILMS[kind]]
    subprocess.run([AVTOOLS, "synth", *wish, "-o", scene, "-q"], check=True)
    again = ["-stream_loop", "-1", "-i", scene, "-t", str(seconds), "-c", "copy", "-strict", "-2"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *again, film], check=True)
    if kind == "360":  # the marks get lost on the way
        marked = f"{folder}/360-marked.mp4"
        call = ["convert", film, "--from", "ambix", "--spherical", "mono", "-o", marked, "-q"]
        subprocess.run([AVTOOLS, *call], check=True)
        return marked
    return film


def measured(runs: dict[str, list[str]], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds by the clock and of the processor, of each run in each round."""
    found = {name: [] for name in runs}
    for _ in range(rounds):
        for name in random.sample(list(runs), len(runs)):
            before, began = os.times(), time.perf_counter()
            done = subprocess.run(runs[name], stdout=subprocess.DEVNULL)
            if done.returncode not in (0, 1, 3):
                raise SystemExit(f"{name}: exit status {done.returncode}")
            after = os.times()
            cpu = sum(after[2:4]) - sum(before[2:4])
            found[name].append((time.perf_counter() - began, cpu))
    return found


if __name__ == "__main__":
    main()
