#!/usr/bin/env python3
"""Make a small 360° scene with known truth: a buzzing lamp that moves from the front to the left.

usage: make_scene.py FOLDER [--seconds 4] [--count 1]

Writes FOLDER/foa.wav (first-order AmbiX) and FOLDER/picture.mp4 (equirectangular); further scenes
(--count) are numbered and start further to the left.
"""

import argparse
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile

RATE, FPS, WIDTH, HEIGHT = 48000, 12, 512, 256
ELEVATION = 15.0


def azimuth_at(seconds, begin: float):
    """Degrees, counter-clockwise: 15 a second to the left."""
    return begin + 15.0 * np.asarray(seconds)


def sound(seconds: float, begin: float) -> np.ndarray:
    """`(samples, 4)`: a harmonic buzz that pulses three times a second."""
    t = np.arange(round(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * 140 * k * t + k) / k for k in range(1, 20))
    buzz = 0.12 * buzz * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t))
    a, e = np.deg2rad(azimuth_at(t, begin)), np.deg2rad(ELEVATION)
    gains = np.stack([np.ones_like(a), np.sin(a) * np.cos(e), np.full_like(a, np.sin(e)),
                      np.cos(a) * np.cos(e)])  # fmt: skip
    return (buzz * gains).T.astype(np.float32)


def picture(time: float, begin: float) -> np.ndarray:
    """Sky, floor and a lamp: `(HEIGHT, WIDTH, 3)`. Azimuth 0 is in the middle, + is left of it."""
    y, x = np.mgrid[0.5:HEIGHT, 0.5:WIDTH]
    azimuth, elevation = 180 - 360 * x / WIDTH, 90 - 180 * y / HEIGHT
    sky = np.stack([70 + elevation * 0.4, 110 + elevation * 0.5, 150 + elevation * 0.8], -1)
    tiles = ((azimuth // 30).astype(int) + (elevation // 15).astype(int)) % 2
    floor = np.stack([90 + 25 * tiles, 80 + 20 * tiles, 70 + 15 * tiles], -1)
    frame = np.where(elevation[..., None] > 0, sky, floor)
    a, e = np.deg2rad(azimuth), np.deg2rad(elevation)
    a0, e0 = np.deg2rad(float(azimuth_at(time, begin))), np.deg2rad(ELEVATION)
    cosine = np.sin(e) * np.sin(e0) + np.cos(e) * np.cos(e0) * np.cos(a - a0)
    lamp = np.clip((np.rad2deg(np.arccos(np.clip(cosine, -1, 1))) - 9) / -2, 0, 1)[..., None]
    frame = frame * (1 - lamp) + np.array([255, 230, 60]) * lamp
    return np.clip(frame, 0, 255).astype(np.uint8)


def write_picture(path: Path, seconds: float, begin: float) -> None:
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=FPS, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for k in range(round(seconds * FPS)):
            frame = av.VideoFrame.from_ndarray(picture(k / FPS, begin), format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, FPS)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--count", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for k in range(options.count):
        number = str(k + 1) if k else ""
        begin = 20.0 * k
        wav = options.folder / f"foa{number}.wav"
        soundfile.write(wav, sound(options.seconds, begin), RATE, subtype="FLOAT")
        write_picture(options.folder / f"picture{number}.mp4", options.seconds, begin)


if __name__ == "__main__":
    main()
