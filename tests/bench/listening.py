#!/usr/bin/env python3
"""Speed of gcc-phat and intensity against the peers: `tests/bench/listening.py` (needs the extra
`bench`: speechbrain, spaudiopy; 0.7 GB of disk).

Delays of ten minutes of 48 kHz stereo, windows of 2048 samples every 1024, within 48 samples:
avtools as a library (blocks of 32768 frames, as a pipe gives them) and as a command (WAV to CSV);
bare numpy, which does the same transforms, whitening and argmax on a sound that lies in memory,
and no more (no interpolation, no strength, no threshold), in batches of the size that suits it
best; speechbrain's STFT, Covariance and GccPhat. Intensity of ten minutes of first-order
ambisonics, windows of 0.1 s every 0.05: the same, against spaudiopy. The peers get only as much
sound as they can finish in a bearable time; all figures are per second of sound. speechbrain takes
more a second the longer the sound is, so a sixth of its share is timed, too.

One thread each, in one session, interleaved in shuffled order; the commands include their
start-up. Read the ratios: seconds of shared machines drift.
"""

import argparse
import importlib
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np

from avtools.dsp.delays import DelayFinder
from avtools.dsp.intensity import FlowFinder
from avtools.dsp.stft import hann

AVTOOLS = str(Path(sys.executable).with_name("avtools"))
RATE, SIZE, HOP, MOST = 48000, 2048, 1024, 48
BLOCK = 32768
BATCHES = (4, 16, 32, 64, 128, 256, 512)  # windows at once
DELAYS = DelayFinder(RATE, SIZE, HOP, MOST)
FLOW = FlowFinder(RATE, RATE // 10, RATE // 20, ((50.0, RATE / 2),))

# What is compared: name, peer, at most (or at least) so many times.
RATIOS = [
    ("delays: avtools library", "delays: bare numpy", "at most", 1.2),
    ("delays: avtools command", "delays: bare numpy", None, None),
    ("delays: speechbrain", "delays: avtools library", "at least", 4.0),
    ("delays: speechbrain", "delays: avtools command", "at least", 4.0),
    ("delays: speechbrain, short", "delays: avtools library", None, None),
    ("delays: speechbrain, short", "delays: avtools command", None, None),
    ("intensity: spaudiopy", "intensity: avtools library", "at least", 100.0),
    ("intensity: spaudiopy", "intensity: avtools command", "at least", 100.0),
]


def sound(channels: int, seconds: float) -> np.ndarray:
    """`(channels, samples)`: noise from one place in noise from everywhere."""
    draw, frames = np.random.default_rng(0), round(seconds * RATE)
    x = draw.standard_normal((channels, frames), dtype=np.float32) * np.float32(0.03)
    one = draw.standard_normal(frames, dtype=np.float32) * np.float32(0.1)
    for k in range(channels):
        x[k, 3 * k :] += one[: frames - 3 * k]
    return x


def save(path: str, x: np.ndarray) -> None:
    import soundfile

    with soundfile.SoundFile(path, "w", RATE, len(x), subtype="FLOAT") as out:
        for first in range(0, x.shape[1], 480_000):
            out.write(x[:, first : first + 480_000].T)


def through(finder, x: np.ndarray) -> int:
    """All windows of a sound in blocks; how many there were."""
    blocks = (x[:, first : first + BLOCK] for first in range(0, x.shape[1], BLOCK))
    return sum(len(part.times) for part in finder.through(blocks))


def bare_delays(x: np.ndarray, batch: int) -> np.ndarray:
    """The least that GCC-PHAT can be in numpy: whole lags of the windows of `(2, samples)`."""
    window, padded = hann(SIZE), DELAYS.padded
    frames = np.lib.stride_tricks.sliding_window_view(x, SIZE, axis=1)[:, ::HOP]
    lags = []
    for first in range(0, frames.shape[1], batch):
        a, b = np.fft.rfft(frames[:, first : first + batch] * window, n=padded)
        cross = np.conj(a) * b
        cross /= np.abs(cross) + np.float32(1e-20)
        curve = np.fft.irfft(cross, n=padded)
        near = np.concatenate([curve[:, -MOST:], curve[:, : MOST + 1]], axis=1)
        lags.append(near.argmax(axis=1) - MOST)
    return np.concatenate(lags)


def best_batch(x: np.ndarray) -> int:
    """The batch in which bare numpy is fastest."""

    def seconds(batch: int) -> float:
        return min(clock(lambda: bare_delays(x, batch)) for _ in range(3))

    return min(BATCHES, key=seconds)


def speechbrain_delays(x: np.ndarray) -> Callable:
    import torch
    from speechbrain.processing.features import STFT
    from speechbrain.processing.multi_mic import Covariance, GccPhat

    torch.set_num_threads(1)
    to_ms = 1000 / RATE
    stft = STFT(RATE, win_length=SIZE * to_ms, hop_length=HOP * to_ms, n_fft=SIZE)
    # Covariances of each window: its default, one mean for all, tells no delay over time.
    covariance, delays = Covariance(average=False), GccPhat(tdoa_max=MOST)
    batch = torch.from_numpy(np.ascontiguousarray(x.T))[None]

    def run():
        with torch.inference_mode():
            return delays(covariance(stft(batch)))

    return run


def spaudiopy_intensity(x: np.ndarray) -> Callable:
    # spaudiopy 0.1.x still calls np.trapz, which numpy 2 has renamed.
    if not hasattr(np, "trapz"):
        np.trapz = np.trapezoid
    from spaudiopy import parsa, sig

    foa = sig.AmbiBSignal(list(x.astype(np.float64)), fs=RATE)
    return lambda: parsa.pseudo_intensity(foa)


def command(*words: str) -> Callable:
    return lambda: subprocess.run([AVTOOLS, *words], check=True)


def clock(work: Callable) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def cases(folder: str, options) -> dict[str, tuple[float, Callable]]:
    """What is timed: seconds of sound, and the work."""
    whole = options.minutes * 60
    stereo, foa = sound(2, whole), sound(4, whole)
    save(f"{folder}/stereo.wav", stereo)
    save(f"{folder}/foa.wav", foa)
    batch = best_batch(stereo[:, : 30 * RATE])
    print(f"bare numpy: batches of {batch} windows")
    few, fewer = options.speechbrain, options.spaudiopy
    gcc = ("gcc-phat", f"{folder}/stereo.wav", "--window", f"{SIZE}s", "--hop", f"{HOP}s")
    return {
        "delays: avtools library": (whole, lambda: through(DELAYS, stereo)),
        "delays: avtools command": (whole, command(*gcc, "-o", f"{folder}/delays.csv")),
        "delays: bare numpy": (whole, lambda: bare_delays(stereo, batch)),
        "delays: speechbrain": (few, speechbrain_delays(stereo[:, : round(few * RATE)])),
        "delays: speechbrain, short": (
            few / 6,
            speechbrain_delays(stereo[:, : round(few * RATE / 6)]),
        ),
        "intensity: avtools library": (whole, lambda: through(FLOW, foa)),
        "intensity: avtools command": (
            whole,
            command("intensity", f"{folder}/foa.wav", "-o", f"{folder}/rows.csv"),
        ),
        "intensity: spaudiopy": (fewer, spaudiopy_intensity(foa[:, : round(fewer * RATE)])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--speechbrain", type=float, default=60.0, help="seconds of sound for it")
    parser.add_argument("--spaudiopy", type=float, default=2.0, help="seconds of sound for it")
    parser.add_argument("--folder", help="where the sounds are written (default: a temporary one)")
    parser.add_argument("--json", help="write all times here")
    options = parser.parse_args()
    for peer in ("speechbrain", "spaudiopy"):
        try:
            importlib.import_module(peer)
        except ImportError:
            sys.exit(f"{peer} is not installed")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        timed = cases(folder, options)
        times: dict[str, list[float]] = {name: [] for name in timed}
        for number in range(options.rounds + 1):
            for name in random.sample(list(timed), len(timed)):
                seconds, work = timed[name]
                took = clock(work)
                if number:  # the first round only warms up
                    times[name].append(took / seconds)
    report(times, {name: seconds for name, (seconds, _) in timed.items()}, options)


def report(times: dict[str, list[float]], lengths: dict[str, float], options) -> None:
    median = {name: statistics.median(t) for name, t in times.items()}
    print(f"48 kHz; {options.rounds} rounds; {os.cpu_count()} cores, one thread each; ", end="")
    print(f"Python {platform.python_version()}, numpy {np.__version__}")
    print(f"{'':<28}{'of sound':>9}{'median, ms a second':>22}{'least':>9}{'x real time':>13}")
    for name, t in times.items():
        print(
            f"{name:<28}{lengths[name]:>7g} s{1e3 * median[name]:>22.3f}{1e3 * min(t):>9.3f}"
            f"{1 / median[name]:>13.0f}"
        )
    for name, peer, sense, mark in RATIOS:
        ratio = median[name] / median[peer]
        line = f"{name} / {peer.split(': ')[1]}: {ratio:.2f}"
        line += f", of the least times {min(times[name]) / min(times[peer]):.2f}"
        if mark:
            kept = ratio <= mark if sense == "at most" else ratio >= mark
            line += f" (mark: {sense} {mark:g}{'' if kept else '; MISSED'})"
        print(line)
    if options.json:
        Path(options.json).write_text(json.dumps(times))


if __name__ == "__main__":
    main()
