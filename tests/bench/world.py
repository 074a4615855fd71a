#!/usr/bin/env python3
"""Clips a second out of the synthetic world: `tests/bench/world.py [--device cuda]`.

A clip is what networks are trained on: 3 s, 18 pictures of 128 x 128, sound at 16 kHz (stereo, or
ambisonics in 360). Scenes are drawn anew for every batch; the first batch is not counted. Seconds
are those of a clock, so a busy machine is a slow one. Last, files: pictures a second of one scene
at the sizes that `avtools synth` writes.
"""

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np

SECONDS, FPS, RATE, SIZE = 3.0, 6.0, 16000, (128, 128)
FILES = (("stereo", (640, 360)), ("360", (960, 480)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=64, help="clips")
    parser.add_argument("--rounds", type=int, default=3, help="batches that count")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    if options.batch < 1 or options.rounds < 1:
        parser.error("expected a batch and a round at least")
    import torch

    threads = options.threads if options.device == "cpu" else [torch.get_num_threads()]
    print(f"clips of {SECONDS:g} s, {SIZE[0]}x{SIZE[1]}, batches of {options.batch}")
    print(f"{'device':<8}{'threads':>7}  {'kind':<8}{'preset':<8}", end="")
    print(f"{'pictures':>9}{'sound':>9}{'both':>9}")
    for count in threads:
        torch.set_num_threads(count)
        for kind in ("stereo", "360"):
            for preset in ("easy", "real", "hard"):
                rates = clips_a_second(kind, preset, options, torch)
                print(f"{options.device:<8}{count:>7}  {kind:<8}{preset:<8}", end="")
                print("".join(f"{r:>9.0f}" for r in rates), flush=True)
    for kind, size in FILES:
        rate = pictures_a_second(kind, size, options, torch)
        print(f"{options.device:<8}{threads[-1]:>7}  {kind:<8}real    {size[0]}x{size[1]}", end="")
        print(f"{rate:>9.0f} pictures/s", flush=True)


def finish(torch, device: str) -> None:
    """Wait for what an accelerator still has to do."""
    if device != "cpu":
        torch.accelerator.synchronize()


def clips_a_second(kind: str, preset: str, options, torch) -> list[float]:
    """Of pictures, of sound, of both one after the other."""
    from avtools.world.drawing import draw
    from avtools.world.ears import heard
    from avtools.world.sights import seen
    from avtools.world.sounds import dry

    def pictures(scenes):
        return seen(scenes, SIZE, np.arange(round(SECONDS * FPS)) / FPS, options.device)

    def sound(scenes):
        return heard(scenes, dry(scenes, RATE, options.device), RATE)

    spent = [0.0, 0.0]
    for k in range(options.rounds + 1):
        seeds = np.arange(k * options.batch, (k + 1) * options.batch)
        scenes = draw(kind, preset, seeds, SECONDS)
        for place, work in enumerate((pictures, sound)):
            began = time.perf_counter()
            work(scenes)
            finish(torch, options.device)
            spent[place] += (time.perf_counter() - began) * (k > 0)
    clips = options.rounds * options.batch
    return [clips / spent[0], clips / spent[1], clips / sum(spent)]


def pictures_a_second(kind: str, size: tuple[int, int], options, torch) -> float:
    """Of one scene of 10 s at 25 pictures a second, a second at a time, with its painting."""
    from avtools.world.drawing import draw
    from avtools.world.sights import Sight

    rates = []
    for seed in range(options.rounds + 1):
        scenes = draw(kind, "real", [seed], 10.0)
        began = time.perf_counter()
        sight = Sight(scenes, size, options.device)
        for second in range(10):
            sight.at(second + np.arange(25) / 25)
        finish(torch, options.device)
        rates.append(250 / (time.perf_counter() - began))
    return float(np.median(rates[1:]))


if __name__ == "__main__":
    main()
