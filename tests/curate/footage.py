"""Tiny videos for the factory: two seconds of a moving square and of noise beside the centre."""

import csv
import shutil
import subprocess

import numpy as np
import soundfile

RATE, FPS, WIDTH, HEIGHT = 16_000, 12, 96, 64


def sound(seconds: float = 2.0, seed: int = 0, pan_db: float = 10.0) -> np.ndarray:
    """`(frames, 2)`: noise, louder by so much on the left."""
    n = round(seconds * RATE)
    x = np.random.default_rng(seed).standard_normal(n) * 0.08
    x *= 1 + 0.8 * np.sin(np.arange(n) / RATE * 5)
    gain = 10 ** (pan_db / 40)
    return np.stack([x * gain, x / gain], axis=1)


def pictures(seconds: float = 2.0, seed: int = 0, moves: bool = True) -> np.ndarray:
    """Smooth colours; a light square crosses them."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(30, 160, (2, 2, 3))
    across, down = np.linspace(0, 1, WIDTH)[:, None], np.linspace(0, 1, HEIGHT)[:, None, None]
    top = corners[0, 0] * (1 - across) + corners[0, 1] * across
    bottom = corners[1, 0] * (1 - across) + corners[1, 1] * across
    ground = (top * (1 - down) + bottom * down).astype(np.uint8)
    shown = np.repeat(ground[None], round(seconds * FPS), axis=0)
    y = int(rng.integers(4, HEIGHT - 24))
    for k, picture in enumerate(shown):
        x = round((WIDTH - 24) * k / len(shown)) if moves else 20
        picture[y : y + 20, x : x + 20] = 240
    return shown


def video(path, x: np.ndarray, frames: np.ndarray, *more: str):
    """Written by FFmpeg; H.264 with AAC where the ending is .mp4."""
    path.parent.mkdir(parents=True, exist_ok=True)
    heard = path.with_suffix(".made.wav")
    soundfile.write(heard, x, RATE, subtype="FLOAT")
    raw = f"-f rawvideo -pix_fmt rgb24 -s {WIDTH}x{HEIGHT} -r {FPS} -i -".split()
    coding = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -c:a aac -b:a 128k".split()
    line = ["ffmpeg", "-y", "-v", "error", *raw, "-i", heard, *coding, *more, path]
    subprocess.run(line, input=frames.tobytes(), check=True)
    heard.unlink()
    return path


def good(path, seed: int = 0, seconds: float = 2.0):
    return video(path, sound(seconds, seed), pictures(seconds, seed))


def many(folder, count: int, names: str = "v{:02}.mp4"):
    """So many files of one video: for runs that don't look for duplicates."""
    first = good(folder / names.format(0))
    for k in range(1, count):
        shutil.copy(first, folder / names.format(k))
    return folder


def rows(manifest) -> dict[str, dict]:
    """Clip -> its row; no clip may stand there twice."""
    with open(manifest, newline="") as lines:
        listed = list(csv.DictReader(lines))
    found = {row["clip"]: row for row in listed}
    assert len(found) == len(listed), "a clip stands in the manifest twice"
    return found
