#!/usr/bin/env python3
"""Samples a second and core of our loader against webdataset's: `tests/bench/loader.py` (needs the
extra `bench`: webdataset; writes some 250 MB).

Shards of textured moving pictures (256x256, 6 Hz, JPEG) and stereo sound (16 kHz, FLAC), ten
seconds a clip; a sample is a window of three seconds: 18 frames and 48000 samples of each channel,
as arrays, in batches. All loaders read the same files, run on the same one core, and have torch's
DataLoader around them.

- avtools: clips in random order, checksums held.
- webdataset, its usual means: its image handler (PIL) for each JPEG of the window, soundfile for
  the whole FLAC. It reads clips in the order of the tar and, to its favour, without its shuffling.
- webdataset, our decoders: simplejpeg straight into the sample's array, soundfile from the window's
  first sample on.

The loaders take turns. A round's time goes from the first batch to the last, so that starting a
worker doesn't count; with a worker, what it had ready by then counts for all alike. Without
workers it is the processor's time, with one the clock's: a worker and the main process share the
core, and copying a batch from the one to the other is torch's doing. The files lie in the page
cache. Read the ratios: seconds of shared machines drift.

`--decoders` compares what could decode the JPEGs instead.
"""

import argparse
import importlib
import io
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np

from avtools.datasets import jpeg
from avtools.datasets.batches import Batches
from avtools.datasets.packed import Packed, pack
from avtools.datasets.shard_writer import ShardWriter
from avtools.datasets.shards import Shards

SIDE, FPS, CLIP, WINDOW, RATE = 256, 6, 10, 3, 16000
FRAMES, SAMPLES = WINDOW * FPS, WINDOW * RATE
OURS, USUAL, SAME = "avtools", "webdataset, its usual means", "webdataset, our decoders"


def texture(draw: np.random.Generator) -> np.ndarray:
    """(1024, 1024, 3) uint8: waves of many lengths, grain, and colours of its own."""
    y, x = np.mgrid[:1024, :1024].astype(np.float32)
    waves = np.zeros_like(x)
    for _ in range(10):
        a, b = draw.uniform(-0.3, 0.3, 2).astype(np.float32)
        waves += np.sin(a * x + b * y + np.float32(draw.uniform(0, 6)))
    grain = draw.normal(0, 5, (1024, 1024, 3)).astype(np.float32)
    colour = draw.uniform(6, 16, 3).astype(np.float32)
    return np.clip(128 + waves[..., None] * colour + grain, 0, 255).astype(np.uint8)


def make_clip(number: int, textures: list[np.ndarray]) -> Packed:
    """A textured square that moves over a texture that moves; tones in noise."""
    draw = np.random.default_rng(number)
    ground, thing = (textures[k] for k in draw.choice(len(textures), 2, replace=False))
    ticks, (by, bx, ty, tx) = np.arange(CLIP * FPS), draw.uniform(0, 4, 4)
    frames = []
    for k in ticks:
        y, x = int(by * k), int(bx * k)
        frame = ground[y : y + SIDE, x : x + SIDE].copy()
        y, x = int(60 + 40 * np.sin(0.1 * ty * k)), int(80 + 70 * np.cos(0.1 * tx * k))
        frame[y : y + 90, x : x + 90] = thing[:90, :90]
        frames.append(frame)
    t = np.arange(CLIP * RATE) / RATE
    tone = np.sin(2 * np.pi * draw.uniform(100, 800) * t) * np.sin(np.pi * 2 * t) ** 2
    sound = 0.2 * tone * draw.uniform(0.3, 1, (2, 1)) + draw.normal(0, 0.01, (2, len(t)))
    return pack(f"clip-{number:06d}", frames, FPS, sound, RATE, {"source": f"source-{number}"})


def make_shards(folder: str, clips: int) -> list[str]:
    draw = np.random.default_rng(0)
    textures = [texture(draw) for _ in range(6)]
    with ShardWriter(folder, "train") as writer:
        for number in range(clips):
            writer.append(make_clip(number, textures))
    return [str(path) for path in writer.written]


# ---- webdataset's samples ---------------------------------------------------------------------


def window(sample: dict) -> tuple[list[bytes], int]:
    """The JPEGs of a window that is drawn, and its first sample of sound."""
    offsets = json.loads(sample["json"])["picture"]["offsets"]
    first = random.randrange((CLIP - WINDOW) * FPS + 1)
    spans = zip(offsets[first : first + FRAMES], offsets[first + 1 :], strict=False)
    return [sample["mjpg"][a:b] for a, b in spans], first * RATE // FPS


def usual(sample: dict) -> tuple:
    import soundfile
    from webdataset.autodecode import ImageHandler

    jpegs, start = window(sample)
    handler = ImageHandler("rgb8")
    frames = np.stack([handler("jpg", data) for data in jpegs])
    sound = soundfile.read(io.BytesIO(sample["flac"]), dtype="float32", always_2d=True)[0]
    return frames, np.ascontiguousarray(sound[start : start + SAMPLES].T), sample["__key__"]


def same(sample: dict) -> tuple:
    import soundfile

    jpegs, start = window(sample)
    frames = np.empty((FRAMES, SIDE, SIDE, 3), np.uint8)
    for data, frame in zip(jpegs, frames, strict=True):
        jpeg.decode_into(data, frame)
    with soundfile.SoundFile(io.BytesIO(sample["flac"])) as file:
        file.seek(start)
        sound = file.read(SAMPLES, dtype="float32", always_2d=True)
    return frames, np.ascontiguousarray(sound.T), sample["__key__"]


# ---- the loaders ------------------------------------------------------------------------------


def ours(tars: list[str], batch: int, workers: int, steps: range):
    from torch.utils.data import DataLoader

    batches = Batches(Shards(tars), seed=1, batch=batch, seconds=WINDOW)
    return DataLoader(batches, batch_size=None, sampler=steps, **started(workers))


def theirs(tars: list[str], batch: int, workers: int, decode: Callable):
    import webdataset

    samples = webdataset.WebDataset(tars, shardshuffle=False).map(decode).batched(batch)
    return webdataset.WebLoader(samples, batch_size=None, **started(workers))


def started(workers: int) -> dict:
    return {
        "num_workers": workers,
        "multiprocessing_context": "spawn" if workers else None,
    }


def per_second(loader, batch: int, workers: int) -> float:
    """Samples a second, from the first batch to the last."""
    now = time.perf_counter if workers else time.process_time
    began, count = None, 0
    for got in loader:
        frames = got["frames"] if isinstance(got, dict) else got[0]
        assert tuple(frames.shape) == (batch, FRAMES, SIDE, SIDE, 3)
        count += began is not None
        began = began or now()
    return count * batch / (now() - began)


def compare(options) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        tars = make_shards(folder, options.clips)
        size = sum(Path(tar).stat().st_size for tar in tars)
        print(f"{options.clips} clips, {size / options.clips / 1e3:.0f} kB each", flush=True)
        batch, steps, rates = options.batch, options.clips // options.batch, {}
        for number in range(options.rounds + 1):
            here = range(number * steps, (number + 1) * steps)
            cases = {
                OURS: lambda workers, here=here: ours(tars, batch, workers, here),
                USUAL: lambda workers: theirs(tars, batch, workers, usual),
                SAME: lambda workers: theirs(tars, batch, workers, same),
            }
            for workers in (0, 1):
                for name in random.sample(list(cases), len(cases)):
                    rate = per_second(cases[name](workers), batch, workers)
                    if number:  # the first round only warms up
                        rates.setdefault(f"{name}, {workers} workers", []).append(rate)
    return rates


def report(rates: dict[str, list[float]], options) -> None:
    print(f"one core; batches of {options.batch}; {options.rounds} rounds; ", end="")
    print(f"Python {platform.python_version()}, numpy {np.__version__}")
    print(f"{'samples a second':<40}{'median':>9}{'most':>9}")
    for name in sorted(rates):
        print(f"{name:<40}{statistics.median(rates[name]):>9.1f}{max(rates[name]):>9.1f}")
    for workers in (0, 1):
        for peer in (USUAL, SAME):
            mine, other = (rates[f"{name}, {workers} workers"] for name in (OURS, peer))
            ratio = statistics.median(mine) / statistics.median(other)
            line = f"{workers} workers: avtools / {peer}: {ratio:.2f}, of the most"
            line += f" {max(mine) / max(other):.2f} (mark: at least 1"
            print(line + (")" if ratio >= 1 else "; MISSED)"))


# ---- what could decode ------------------------------------------------------------------------


def decoders(jpegs: list[bytes]) -> dict[str, Callable]:
    import av
    import cv2
    import PIL.Image
    import torch
    from torchvision.io import ImageReadMode, decode_jpeg

    cv2.setNumThreads(1)
    out = np.empty((len(jpegs), SIDE, SIDE, 3), np.uint8)

    def with_av():
        codec = av.CodecContext.create("mjpeg", "r")
        codec.thread_count = 1
        for k, data in enumerate(jpegs):
            out[k] = codec.decode(av.Packet(data))[0].to_ndarray(format="rgb24")

    def with_torchvision(data):
        given = torch.frombuffer(bytearray(data), dtype=torch.uint8)
        return decode_jpeg(given, mode=ImageReadMode.RGB).permute(1, 2, 0).numpy()

    def each(decode: Callable) -> Callable:
        def run():
            for k, data in enumerate(jpegs):
                out[k] = decode(data)

        return run

    def into():
        for k, data in enumerate(jpegs):
            jpeg.decode_into(data, out[k])

    half = np.empty((SIDE // 2, SIDE // 2, 3), np.uint8)
    return {
        "simplejpeg, as used": into,
        "simplejpeg, to half the size": lambda: [jpeg.decode_into(d, half) for d in jpegs],
        "cv2": each(lambda d: cv2.imdecode(np.frombuffer(d, np.uint8), cv2.IMREAD_COLOR_RGB)),
        "PIL": each(lambda d: np.asarray(PIL.Image.open(io.BytesIO(d)).convert("RGB"))),
        "PyAV": with_av,
        "torchvision": each(with_torchvision),
    }


def compare_decoders(rounds: int) -> None:
    draw = np.random.default_rng(0)
    jpegs = make_clip(1, [texture(draw) for _ in range(2)]).jpegs[:FRAMES]
    cases = decoders(jpegs)
    times: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name in random.sample(list(cases), len(cases)):
            began = time.process_time()
            cases[name]()
            if number:
                times[name].append(1e3 * (time.process_time() - began))
    size = sum(map(len, jpegs)) / len(jpegs) / 1e3
    print(f"{FRAMES} JPEGs of {SIDE}x{SIDE}, {size:.1f} kB each; CPU ms, median of {rounds}")
    for name, took in times.items():
        print(f"{name:<40}{statistics.median(took):>9.2f}{min(took):>9.2f} at the least")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--clips", type=int, default=256)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--decoders", action="store_true", help="compare JPEG decoders instead")
    parser.add_argument("--folder", help="where the shards are written (default: a temporary one)")
    parser.add_argument("--json", help="write all rates here")
    options = parser.parse_args()
    for peer in ("webdataset", "torchvision"):
        try:
            importlib.import_module(peer)
        except ImportError:
            sys.exit(f"{peer} is not installed")
    if options.clips < 2 * options.batch or options.clips % options.batch:
        sys.exit("--clips: expected a multiple of --batch, at least twice it")
    import torch

    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if options.decoders:
        compare_decoders(max(15, options.rounds))
        return
    rates = compare(options)
    report(rates, options)
    if options.json:
        Path(options.json).write_text(json.dumps(rates))


if __name__ == "__main__":
    main()
