#!/usr/bin/env python3
"""Does `avtools curate` keep exactly the right clips, and say why it leaves out each other one?

usage: curate_scenes.py -d FOLDER [--count 200] [--seconds 10] [--seed 0] [--jobs N]

Draws scenes whose truth is known, plants files beside them that are spoilt, each in its own way,
and lets curate loose on all. Which scenes are right is told by their truth, before any is made.

FOLDER/stereo has scenes of two microphones, one source each: right are those whose source is at one
side nearly all the time, and wrong those (a quarter of --count) that have it in the middle. Scenes
in between are not made. FOLDER/360 has sound fields of rooms (a tenth of --count), all right.
Prints what was expected of each file and what came. Exit status 1 if anything differs.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from avtools.datasets.clip import Clip
from avtools.stream.film import write_film
from avtools.stream.sound import Sound
from avtools.synth.files import make_each
from avtools.synth.recipe import Recipe, items_of
from avtools.world.bank import loudness
from avtools.world.cues import cues
from avtools.world.drawing import draw
from avtools.world.motion import directions
from avtools.world.scenes import SOUNDS
from avtools.world.sounds import dry
from avtools.world.truth import SOUNDS_FROM

RATE, FPS = 48000, Fraction(12)
SIZES = {"stereo": (320, 180), "360": (384, 192)}
AT_ONCE = 500  # seeds
# A source is at one side where the truth has it louder there by so much, for such a share of the
# time in which it sounds; and in the middle where the channels differ by less, all the time.
SIDE_DB, SIDE_SHARE, MIDDLE_DB = 2.5, 0.85, 0.4
# A sound of a few tones is in a few bands alone: too little for tests that compare many of them, to
# tell a direction or a sound field (of 76 fields of nothing else two are not known as such, of 425
# others none). Every scene that shall be right has one of these.
BROAD = [SOUNDS.index(name) for name in ("voice", "whisper", "percussion", "noise")]
# Of a voice-over against the scene. In stereo it is known by nothing but that the sum is centred:
# so are 51 of 60 with 12 dB, half with 6, all with 18.
VOICE_DB = 12.0


def sides(seeds: np.ndarray, seconds: float) -> np.ndarray:
    """Of the scene of each seed: 1 if its source is at one side, 0 in the middle, else -1.

    Exact: there are two microphones, one source and no walls.
    """
    scenes = draw("stereo", "easy", seeds, seconds, ears="pair")
    times = np.arange(0.05, seconds, 0.1)
    apart_db = abs(cues(scenes, *directions(scenes, times))[1][:, 0])
    sounding = loudness(scenes, times)[:, 0] >= SOUNDS_FROM
    aside = (sounding & (apart_db > SIDE_DB)).sum(1) >= SIDE_SHARE * sounding.sum(1)
    found = np.where(aside & np.isin(scenes.sound[:, 0], BROAD), 1, -1)
    return np.where((apart_db < MIDDLE_DB).all(1), 0, found)


def first_seeds(right: int, middle: int, options) -> tuple[list[int], list[int]]:
    """So many seeds of scenes at one side and in the middle."""
    at_side, in_middle, seeds = [], [], options.seed + np.arange(AT_ONCE)
    while len(at_side) < right or len(in_middle) < middle:
        side = sides(seeds, options.seconds)
        at_side += seeds[side == 1].tolist()
        in_middle += seeds[side == 0].tolist()
        seeds += AT_ONCE
    return at_side[:right], in_middle[:middle]


def made(folder: Path, kind: str, seeds: list[int], options) -> list[Path]:
    """The scenes of these seeds as MP4 with AAC and H.264."""
    preset, ears = ("easy", "pair") if kind == "stereo" else ("real", None)
    recipe = Recipe(
        kind=kind, preset=preset, seconds=options.seconds, size=SIZES[kind], fps=FPS, rate=RATE,
        lossless=False, habits=(), ears=ears, hrir=None, sounds=(), backgrounds=(), things=(),
        hop=0.1, truth="csv", masks=False, device="cpu", sound_codec=None,
    )  # fmt: skip
    items = items_of(recipe, seeds, "mp4", None, str(folder), None)
    if make_each(recipe, items, options.jobs):
        raise SystemExit("not all scenes could be written")
    return [Path(item.target) for item in items]


@dataclass(frozen=True)
class Take:
    """What a scene's file holds, to be changed and written again."""

    sound: np.ndarray  # (channels, samples)
    pictures: np.ndarray  # (count, height, width, 3)

    @staticmethod
    def of(path: Path) -> "Take":
        clip = Clip(path.stem, path.stem, str(path), str(path))
        return Take(clip.hear(RATE)[0], clip.see(FPS))

    def write(self, target: Path) -> None:
        x = self.sound * min(1.0, 0.7 / max(abs(self.sound).max(), 1e-9))
        sound = Sound(iter([x.astype(np.float32)]), RATE, len(x), x.shape[1], target.name)
        height, width = self.pictures.shape[1:3]
        write_film(target, target.suffix, iter([self.pictures]), (width, height), FPS, sound)


def spoken_over(sound: np.ndarray, gains: list[int]) -> np.ndarray:
    """With the voice of somebody close to a microphone added to each channel, times its gain."""
    samples = sound.shape[1]
    scenes = draw("stereo", "easy", np.arange(50), samples / RATE)
    talks = np.flatnonzero(scenes.sound[:, 0] == SOUNDS.index("voice"))[:1]
    voice = dry(scenes.chosen(talks), RATE)[0, 0].numpy()[:samples]
    level = 10 ** (VOICE_DB / 20) * np.sqrt((sound[0] ** 2).mean() / (voice**2).mean())
    return sound + level * voice * np.array(gains)[:, None]


def shifted(sound: np.ndarray) -> np.ndarray:
    """Every channel at another time, so that none has to do with another."""
    return np.stack([np.roll(x, k * RATE // 2) for k, x in enumerate(sound)])


# What curate may say: nothing of a right file; of a sound in the middle either, by its noise.
RIGHT, IN_MIDDLE = (), ("centred", "near mono")
# What is done to the sound (channels, samples) of a right scene.
SPOILT = {
    "stereo": {
        "mono": (lambda x: x[:1], "mono"),
        "dual-mono": (lambda x: x[[0, 0]], "dual mono", "near mono"),
        "one-dead": (lambda x: x * [[1], [0]], "dead channel 1"),
        "silent": (lambda x: 0 * x, "silent"),
        "eight": (lambda x: x[[0, 1] * 4], "8 channels"),
        "voice-over": (lambda x: spoken_over(x, [1, 1]), *IN_MIDDLE),
    },
    "360": {
        "mono": (lambda x: x[:1], "mono"),
        "stereo": (lambda x: x[:2], "stereo: expected ambisonics"),
        "silent": (lambda x: 0 * x, "silent"),
        "eight": (lambda x: x[[0, 1, 2, 3] * 2], "8 channels"),
        "one-sound": (lambda x: x[[0] * 4], "identical channels", "not ambisonic"),
        "unrelated": (lambda x: shifted(x[[0] * 4]), "not ambisonic"),
        "no-height": (lambda x: x * [[1], [1], [0], [1]], "missing Z"),
        "fuma": (lambda x: x[[0, 3, 1, 2]] * [[0.5**0.5], [1], [1], [1]], "other convention: fuma"),
        "voice-over": (lambda x: spoken_over(x, [1, 0, 0, 0]), "head-locked"),
        "voice-in-front": (lambda x: spoken_over(x, [1, 0, 0, 1]), "head-locked"),
    },
}
# What is done to the whole file. One stays right: its name lies, but it can be decoded.
FILES = {
    "still": "still picture",
    "cut-index-first": "truncated",
    "cut-index-last": "truncated",
    "cut-mkv": "truncated",
    "sound-called-video": "no picture",
    "mp4-called-mkv": None,
    "no-sound": "no sound",
    "nothing": "zero bytes",
    "text": "unreadable",
    "copy": "duplicate of drawn/",
}


def plant(folder: Path, kind: str, right: Path) -> dict[str, tuple]:
    """Files whose sound is spoilt; what may be said of each."""
    folder.mkdir(exist_ok=True)
    take = Take.of(right)
    for name, (spoil, *_) in SPOILT[kind].items():
        replace(take, sound=spoil(take.sound)).write(folder / f"{name}.mp4")
    return {f"planted/{name}": tuple(whys) for name, (_, *whys) in SPOILT[kind].items()}


def plant_files(folder: Path, right: Path, other: Path, drawn: Path) -> dict[str, tuple]:
    """Files that are spoilt as a whole, out of right ones; of `drawn`, which stays, a copy."""
    take, again = Take.of(right), Take.of(drawn)
    replace(take, pictures=take.pictures[[0] * len(take.pictures)]).write(folder / "still.mp4")
    Take(0.7 * again.sound, again.pictures[:, ::2, ::2]).write(folder / "copy.mp4")
    copied(right, folder / "no-sound.mp4", "video")
    copied(right, folder / "cut-index-first.mp4", "video audio", {"movflags": "faststart"})
    copied(right, folder / "cut-mkv.mkv", "video audio")
    shutil.copy(right, folder / "cut-index-last.mp4")
    for path in folder.glob("cut-*"):
        os.truncate(path, path.stat().st_size * 6 // 10)
    shutil.copy(other, folder / "mp4-called-mkv.mkv")
    avtools("convert", right, "-o", folder / "x.wav")
    (folder / "x.wav").rename(folder / "sound-called-video.mp4")
    (folder / "nothing.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("this is no video\n" * 99)
    return {f"planted/{name}": (why,) if why else RIGHT for name, why in FILES.items()}


def copied(source: Path, target: Path, kinds: str, options: dict | None = None) -> None:
    """Streams of these kinds as they are, in another container."""
    with av.open(str(source)) as file, av.open(str(target), "w", options=options or {}) as out:
        streams = [stream for stream in file.streams if stream.type in kinds.split()]
        there = {stream.index: out.add_stream_from_template(stream) for stream in streams}
        for packet in file.demux(streams):
            if packet.dts is not None:
                packet.stream = there[packet.stream.index]
                out.mux(packet)


def avtools(*words) -> None:
    subprocess.run([sys.executable, "-m", "avtools", *map(str, words)], check=True)


def judged(folder: Path, kind: str, options) -> dict[str, dict]:
    """What curate makes of a folder: name -> its row of the manifest."""
    manifest = options.folder / f"{kind}.csv"
    call = ["--kind", kind, "--clip", options.seconds, "--jobs", options.jobs, "-o", manifest]
    avtools("curate", folder, *call)
    with open(manifest, newline="") as lines:
        rows = list(csv.DictReader(lines))
    found = {row["clip"].partition("@")[0]: row for row in rows}
    if len(found) < len(rows):
        raise SystemExit(f"{manifest}: a file stands there twice")
    return found


def told(expected: dict[str, tuple], found: dict[str, dict]) -> int:
    """Print what was expected and what came; how many differ."""
    expected = expected | {name: ("not in the folder",) for name in found if name not in expected}
    wrong = {n for n, whys in expected.items() if not said(found, n).startswith(whys or "kept")}
    drawn = [name for name in expected if name.startswith("drawn/")]
    for what, whys in (("right", RIGHT), ("in the middle", IN_MIDDLE)):
        if names := [name for name in drawn if expected[name] == whys]:
            came = Counter(said(found, name).partition(":")[0] for name in names).most_common()
            print(f"  {len(names)} scenes {what}:", ", ".join(f"{n} {why}" for why, n in came))
    for name, whys in expected.items():
        if name in wrong or name not in drawn:
            mark = "DIFFERS" if name in wrong else "fine"
            print(f"  {mark:8}{name:28}{' / '.join(whys) or 'kept':36}{said(found, name)}")
    return len(wrong)


def said(found: dict[str, dict], name: str) -> str:
    row = found.get(name, {"kept": "no", "reason": "not in the manifest"})
    return "kept" if row["kept"] == "yes" else row["reason"]


def stereo(folder: Path, options) -> dict[str, tuple]:
    """Fill the folder; what is expected of each file."""
    middle = options.count // 4
    count = options.count - middle - options.fields
    at_side, in_middle = first_seeds(count + 2, middle, options)
    right = made(folder / "drawn", "stereo", at_side[:count], options)
    others = made(folder / "drawn", "stereo", in_middle, options)
    one, other = made(options.folder / "spare", "stereo", at_side[count:], options)
    return (
        {f"drawn/{path.stem}": RIGHT for path in right}
        | {f"drawn/{path.stem}": IN_MIDDLE for path in others}
        | plant(folder / "planted", "stereo", one)
        | plant_files(folder / "planted", one, other, right[0])
    )


def around(folder: Path, options) -> dict[str, tuple]:
    """The same for sound fields. A convention can be told where there is little noise and echo."""
    seeds = options.seed + np.arange(AT_ONCE + 2 * options.fields)
    scenes = draw("360", "real", seeds, options.seconds)
    scenes = scenes.chosen((scenes.sounding & np.isin(scenes.sound, BROAD)).any(1))
    drawn, rest = np.split(scenes.seeds, [options.fields])
    clear = np.isin(rest, scenes.seeds[(scenes.snr > 20) & (scenes.rt60 < 0.4)])
    right = made(folder / "drawn", "360", drawn.tolist(), options)
    (one,) = made(options.folder / "spare", "360", rest[clear][:1].tolist(), options)
    return {f"drawn/{path.stem}": RIGHT for path in right} | plant(folder / "planted", "360", one)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-d", dest="folder", metavar="FOLDER", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200, help="scenes; at least 4")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each")
    parser.add_argument("--seed", type=int, default=0, help="of the first scene")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    options = parser.parse_args()
    if options.count < 4 or options.seconds < 2 or options.jobs < 1:
        parser.error("expected 4 scenes or more, of 2 seconds or more, and a job")
    if options.folder.exists() and (options.folder.is_file() or any(options.folder.iterdir())):
        parser.error(f"{options.folder}: expected a new or empty folder")
    options.fields, differ = max(1, options.count // 10), 0
    for kind, fill in (("stereo", stereo), ("360", around)):
        begin = time.monotonic()
        expected = fill(options.folder / kind, options)
        filled = time.monotonic()
        found = judged(options.folder / kind, kind, options)
        taken = filled - begin, time.monotonic() - filled
        print("{}: {:.0f} s to make, {:.0f} s to curate".format(kind, *taken))
        differ += told(expected, found)
    print(f"{differ} files differ from what was expected" if differ else "all as expected")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
