#!/usr/bin/env python3
"""Direction finding in rooms against the peers: `tests/bench/rooms.py` (needs pyroomacoustics).

Scenes of 4 s in a simulated room of 6 x 5 x 3 m (avtools.dsp.room: image sources and a diffuse
tail), the receiver at least 1 m from all walls, dry speech and music 1 to 3 m from it, within 40
degrees of its horizon; two sources sound at once, at least 30 degrees of azimuth apart, and are
equally loud at the receiver within +-3 dB. Pink diffuse noise lies 10 to 30 dB below. Every method
gets the same scene: `avtools doa` and the mean intensity as first-order ambisonics, the peers of
pyroomacoustics as a tetrahedron of four omnidirectional microphones. Both are ideal: the ambisonics
coincident at all frequencies, the microphones alike, and neither has noise of its own. All are told
how many sources there are. Each source counts once, by the best assignment; one that is missing
counts as 180 degrees. Every scene has its own seed: a smaller --count gives the first ones of a
larger.

What suits each peer was tried out on other scenes (--seed 1): radii of 2, 3.5, 5 and 10 cm; 300 to
2000 and 3500, 500 to 4000 and 8000 Hz; frames of 512, 1024 and 2048 samples. See PEERS and NFFT.
"""

import argparse
import csv
import io
import itertools
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np

from avtools.dsp.room import diffuse, direct_to_reverberant, shoebox
from avtools.dsp.room_responses import array_responses, convolve, foa_responses

AVTOOLS = str(Path(sys.executable).with_name("avtools"))
DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
SIZE = np.array([6.0, 5.0, 3.0])
RT60S = (0.3, 0.6, 0.9)
RATE, SECONDS = 24000, 4.0
MISSED = 180.0
# The peers: name in the table, algorithm, metres from the centre to each microphone, Hz.
PEERS = (
    ("SRP 5 cm", "SRP", 0.05, (500.0, 8000.0)),
    ("SRP 10 cm", "SRP", 0.1, (500.0, 8000.0)),
    ("MUSIC 5 cm", "MUSIC", 0.05, (500.0, 4000.0)),
    ("NormMUSIC 5 cm", "NormMUSIC", 0.05, (500.0, 4000.0)),
    ("NormMUSIC 10 cm", "NormMUSIC", 0.1, (500.0, 4000.0)),
)
TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / math.sqrt(3)
RADII = sorted({radius for _, _, radius, _ in PEERS})
MICROPHONES = np.concatenate([radius * TETRAHEDRON for radius in RADII])
# Samples of an STFT frame, a quarter of them new in each, and directions the peers try over the
# whole sphere, 2.9 degrees apart.
NFFT, GRID = 1024, 5000
# Sounds that were recorded dry; the name is a pattern below the folder of the recordings.
DRY = (
    "LCAV+pyroomacoustics/examples/input_samples/cmu_arctic_*.wav",
    "LCAV+pyroomacoustics/examples/samples/guitar_44k.wav",
    "openai+whisper/tests/jfk.flac",
    "lhotse-speech+lhotse/test/fixtures/ljspeech/storage/*.wav",
    "lhotse-speech+lhotse/test/fixtures/mix_cut_test/audio/storage/*.flac",
    "chris-hld+spaudiopy/data/piano_mono.flac",
    "mdn+webaudio-examples/multi-track/*.mp3",
    "resonance-audio+resonance-audio-web-sdk/examples/resources/bird-*.wav",
    "resonance-audio+resonance-audio-web-sdk/examples/resources/speech-sample.wav",
)


@dataclass(frozen=True)
class Scene:
    foa: np.ndarray  # (4, samples)
    arrays: dict[float, np.ndarray]  # radius in metres -> (4, samples)
    azimuths: list[float]
    drr: list[float]


def dry_sounds() -> list[np.ndarray]:
    """Mono at RATE, each at least SECONDS long: recordings, or syllables of noise without them."""
    paths = sorted(path for pattern in DRY for path in DATA.glob(pattern))
    if not paths:
        print("no recordings: syllables of noise instead", file=sys.stderr)
        return [syllables(np.random.default_rng(k)) for k in range(12)]
    import soundfile
    import soxr

    sounds = []
    for path in paths:
        x, rate = soundfile.read(path, dtype="float64", always_2d=True)
        x = soxr.resample(x.mean(axis=1), rate, RATE)
        gap = np.zeros(RATE // 4)
        times = math.ceil(SECONDS * RATE / (len(x) + len(gap)))
        sounds.append(np.concatenate([x] + [gap, x] * (times - 1)) if times > 1 else x)
    return [np.pad(x, (0, max(0, round(SECONDS * RATE) - len(x)))) for x in sounds]


def syllables(rng: np.random.Generator) -> np.ndarray:
    """Pulses of a gliding voice through three resonances, four syllables a second."""
    t = np.arange(round(2 * SECONDS * RATE)) / RATE
    pitch = rng.uniform(90, 220) * (1 + 0.1 * np.sin(2 * np.pi * rng.uniform(0.3, 1) * t))
    voice = np.diff(np.floor(np.cumsum(pitch) / RATE), prepend=0.0)
    f = np.fft.rfftfreq(len(t), 1 / RATE)
    shape = sum(
        1 / (1 + ((f - f0) / 120) ** 2) for f0 in rng.uniform([250, 900, 2200], [800, 1800, 3200])
    )
    sound = np.fft.irfft(np.fft.rfft(voice + 0.02 * rng.standard_normal(len(t))) * shape, len(t))
    return sound * np.clip(np.sin(2 * np.pi * 2 * t + rng.uniform(0, 6)), 0, None) ** 0.7


def excerpt(sound: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """SECONDS of it that are not mostly silence."""
    length = round(SECONDS * RATE)
    for _ in range(20):
        start = rng.integers(0, len(sound) - length + 1)
        part = sound[start : start + length]
        if (part**2).mean() > 0.3 * (sound**2).mean():
            break
    return part


def place_source(receiver: np.ndarray, taken: list[float], rng: np.random.Generator):
    """A place 0.3 m off the walls, and its azimuth; drawn until it fits what the bench says."""
    while True:
        place = rng.uniform(0.3, SIZE - 0.3)
        x, y, z = place - receiver
        azimuth, level = math.degrees(math.atan2(y, x)), math.hypot(x, y)
        near = 1 <= math.hypot(level, z) <= 3 and abs(math.degrees(math.atan2(z, level))) <= 40
        if near and all(apart(azimuth, other) >= 30 for other in taken):
            return place, azimuth


def make_scene(rt60: float, sources: int, sounds, rng: np.random.Generator) -> Scene:
    receiver, length = rng.uniform(1, SIZE - 1), round(SECONDS * RATE)
    heard, azimuths, drr = np.zeros((4 + len(MICROPHONES), length)), [], []
    for k in rng.choice(len(sounds), sources, replace=False):
        place, azimuth = place_source(receiver, azimuths, rng)
        arrivals = shoebox(SIZE, place, receiver, rt60, rng)
        azimuths.append(azimuth)
        drr.append(float(direct_to_reverberant(arrivals)))
        sound = convolve(excerpt(sounds[k], rng), both(arrivals))[:, :length]
        sound *= 10 ** (rng.uniform(-3, 3) / 20) / math.sqrt((sound[0] ** 2).mean())
        heard += sound
    noise = pink(both(diffuse(0, SECONDS, rng), length))
    snr = rng.uniform(10, 30)
    heard += noise * math.sqrt((heard[0] ** 2).mean() / (noise[0] ** 2).mean()) * 10 ** (-snr / 20)
    heard *= 0.5 / np.abs(heard).max()
    arrays = {radius: heard[4 * k + 4 : 4 * k + 8] for k, radius in enumerate(RADII)}
    return Scene(heard[:4], arrays, azimuths, drr)


def both(arrivals, taps: int | None = None) -> np.ndarray:
    """(4 + microphones, taps): ambisonics, then all arrays."""
    foa = foa_responses(arrivals, RATE, taps)
    array = array_responses(arrivals, MICROPHONES, RATE, foa.shape[-1])
    return np.concatenate([foa, array])


def pink(noise: np.ndarray) -> np.ndarray:
    """White noise (channels, samples) at -3 dB an octave above 50 Hz."""
    f = np.fft.rfftfreq(noise.shape[-1], 1 / RATE)
    return np.fft.irfft(np.fft.rfft(noise) / np.sqrt(np.maximum(f, 50)), noise.shape[-1])


def apart(a: float, b: float) -> float:
    return abs((a - b + 180) % 360 - 180)


def ours(foa: np.ndarray, rate: int, sources: int) -> list[float]:
    """`avtools doa` as a user runs it: the mean direction of the surest identities."""
    import soundfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "scene.wav")
        soundfile.write(path, foa.T.astype(np.float32), rate, subtype="FLOAT")
        run = [AVTOOLS, "doa", str(path), "--sources", str(sources)]
        out = subprocess.run(run, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if out.returncode:
        sys.exit(f"{' '.join(run)}: {out.stderr}")
    sums: dict[str, np.ndarray] = {}
    for row in csv.DictReader(io.StringIO(out.stdout)):
        if row["azimuth"]:
            a, e = np.radians([float(row["azimuth"]), float(row["elevation"] or 0)])
            sure = float(row["confidence"] or 0) ** 2
            seen = [np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), 1.0]
            sums[row["source"]] = sums.get(row["source"], 0) + sure * np.array(seen)
    best = sorted(sums.values(), key=lambda s: -s[2])[:sources]
    return [math.degrees(math.atan2(y, x)) for x, y, _ in best]


def intensity(foa: np.ndarray, rate: int, sources: int) -> list[float]:
    """Broadband: the mean of W Y and W X; for more sources the peaks over 20 ms frames."""
    w, y, _, x = foa
    if sources == 1:
        return [math.degrees(math.atan2((w * y).mean(), (w * x).mean()))]
    frame = rate // 50
    size = len(w) // frame * frame
    iy, ix = ((w * c)[:size].reshape(-1, frame).mean(axis=1) for c in (y, x))
    grid = np.arange(360)
    # A bell about 10 degrees wide for each frame, as tall as its intensity.
    away = np.radians(grid[:, None]) - np.arctan2(iy, ix)
    density = np.exp((np.cos(away) - 1) / np.radians(10) ** 2) @ np.hypot(iy, ix)
    peaks = grid[(density > np.roll(density, 1)) & (density >= np.roll(density, -1))]
    return [float(p) for p in sorted(peaks, key=lambda p: -density[p])[:sources]]


def peer(algorithm: str, radius: float, band: tuple[float, float]):
    """A method of pyroomacoustics over the whole sphere."""
    import pyroomacoustics as pra

    def locate(scene: Scene, sources: int) -> list[float]:
        frames = np.lib.stride_tricks.sliding_window_view(scene.arrays[radius], NFFT, axis=1)
        spectra = np.fft.rfft(frames[:, :: NFFT // 4] * np.hanning(NFFT)).transpose(0, 2, 1)
        found = pra.doa.algorithms[algorithm](
            radius * TETRAHEDRON.T, RATE, NFFT, num_src=sources, dim=3, n_grid=GRID
        )
        found.locate_sources(spectra, freq_range=list(band))
        return [math.degrees(a) for a in found.azimuth_recon]

    return locate


def errors(found: list[float], true: list[float]) -> list[float]:
    """Degrees for each true source, by the assignment with the least sum."""
    padded = [*found, *[None] * (len(true) - len(found))]
    choices = itertools.permutations(padded, len(true))
    return min(([missed_by(f, t) for f, t in zip(c, true, strict=True)] for c in choices), key=sum)


def missed_by(found: float | None, true: float) -> float:
    return MISSED if found is None else apart(found, true)


def methods(only: list[str] | None) -> dict:
    """Name -> function of a scene and its number of sources; `avtools doa` where it is known."""
    known = {}
    if subprocess.run([AVTOOLS, "doa", "--help"], capture_output=True).returncode == 0:
        known["avtools doa"] = lambda scene, sources: ours(scene.foa, RATE, sources)
    else:
        print("no command `avtools doa` here: left out", file=sys.stderr)
    known["intensity"] = lambda scene, sources: intensity(scene.foa, RATE, sources)
    known |= {name: peer(*settings) for name, *settings in PEERS}
    if unknown := set(only or ()) - set(known):
        sys.exit(f"--only {' '.join(unknown)}: expected of {', '.join(known)}")
    return {name: known[name] for name in only or known}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=30, help="scenes of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", help="methods, as the table names them")
    options = parser.parse_args()
    if options.count < 1:
        sys.exit(f"--count {options.count}: expected 1 or more")
    compared, sounds = methods(options.only), dry_sounds()
    print(
        f"{options.count} scenes of each kind, {SECONDS:g} s at {RATE} Hz, room 6 x 5 x 3 m, "
        f"{len(sounds)} dry sounds, seed {options.seed}"
    )
    for name, _, _, (low, high) in PEERS:
        print(f"{name}: pyroomacoustics, {low:g}-{high:g} Hz, nfft {NFFT}, {GRID} directions")
    print(f"azimuth error in degrees, a missed source {MISSED:g}; s: seconds a scene")
    print(f"{'RT60':>4}{'sources':>9}  {'method':<16}", end="")
    print(f"{'median':>7}{'90 %':>7}{'in 10':>7}{'n':>5}{'s':>7}")
    for rt60, sources in itertools.product(RT60S, (1, 2)):
        report(rt60, sources, compared, sounds, options)


def report(rt60: float, sources: int, compared: dict, sounds, options) -> None:
    """Scenes of one kind, and their rows of the table."""
    found: dict[str, list[float]] = {name: [] for name in compared}
    seconds, drr = dict.fromkeys(compared, 0.0), []
    for index in range(options.count):
        rng = np.random.default_rng([options.seed, round(1000 * rt60), sources, index])
        scene = make_scene(rt60, sources, sounds, rng)
        drr += scene.drr
        for name, method in compared.items():
            began = time.perf_counter()
            reported = method(scene, sources)
            seconds[name] += time.perf_counter() - began
            found[name] += errors(reported, scene.azimuths)
    for name, each in found.items():
        median, most = np.percentile(each, [50, 90])
        share = np.mean(np.array(each) <= 10)
        print(f"{rt60:>4.1f}{sources:>9}  {name:<16}", end="")
        print(f"{median:>7.1f}{most:>7.1f}{share:>7.0%}{len(each):>5}", end="")
        print(f"{seconds[name] / options.count:>7.2f}")
    print(f"{'':15}median direct-to-reverberant ratio {np.median(drr):.1f} dB", flush=True)


if __name__ == "__main__":
    main()
