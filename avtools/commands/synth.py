"""Scenes that nobody filmed, drawn from seeds: something that is seen, and heard where it is seen,
written as ordinary files with a table of the exact truth beside each.

--kind stereo is a camera with two microphones (a spaced pair, or the two sides of a head: --ears;
--hrir takes a measured one); --kind 360 is an equirectangular picture with first-order ambisonics
(AmbiX), in mp4, mov and m4v marked as players expect it. --preset easy has one source, always seen,
no walls and 30 dB of signal to noise; real has one to three sources, some of them off screen, a
silent mover in half of the scenes, rooms with an RT60 of 0.2 to 0.8 s and 5 to 30 dB; hard up to
five sources that move fast, pillars that hide them, RT60 to 1.2 s and noise from 0 dB.

A scene is drawn from its seed alone: equal seeds and options have equal truth anywhere, and equal
files on one machine and device. Ten neighbouring seeds belong to one channel, like the videos of
one maker: they share habits, such as where things stand; --habits says whose to follow. Seeds from
1,000,000 on are for evaluation: train and tune on none of them. The manifest's column split calls
them test, whatever habits they follow (their source ends in -test); below, every tenth channel is
val (seeds 90 to 99, 190 to 199 and so on), the others train.

With -d, a scene of the preset real and the seed 123 is real-000123.mp4, its truth
real-000123.csv, and manifest.csv has a row for each scene in the folder: it can be given to any
tool as its input. With -o it is one scene. Without either, the sound of one scene goes to standard
output. --format names what is written: mp4, mov, m4v or mkv, or the sound alone as wav, flac, m4a,
ogg or opus. MP4 has AAC and H.264; --lossless has FLAC and a picture that is nearly as it was
rendered. Times of pictures count from 0; the first sample belongs to the first picture.

The truth has a row for each thing and --hop, of the moment in its middle: its role (source, or
mover: one that never sounds), azimuth, elevation, distance, loudness (0 to 1) and whether it sounds
then; its box and center in pixels of the picture and the share of it that is seen (its body's:
sticks and bows neither count nor hide; a star's points may be 3 pixels longer than what is drawn);
delay (seconds) and level_difference (dB) between left and right, + where it comes from the left, of
its direct sound alone (for a head: of a rigid sphere, also with --hrir). --masks adds
real-000123.masks.npz: masks (pictures, height, width), 0 for nothing and k + 1 for thing k, and
times.

--sounds and --images take the place of sounds and pictures that are drawn: a folder of recordings
of one source each (of each its first 30 seconds; the truth calls them by their names), and a folder
of pictures: backgrounds, or, in its subfolders backgrounds/ and things/, both; those of things may
be transparent around them.

--plot draws a contact sheet: the middle picture of each scene (of the first 60), its truth over it;
without -d and -o it draws only that. Work is shared out with --jobs, each with one thread, and over
machines with --shard. A scene's sound is made as a whole: half a gigabyte of memory for each job,
and up to 90 MB more for every 10 seconds at 48 kHz (hard), so that seconds times --rate are at most
300 at 48 kHz.

--skip-existing makes only what is missing. The manifest's column recipe stands for all options, and
for names, sizes and times of change of --sounds, --images and --hrir: a scene that was made with
others is refused, one that the manifest does not know (its run was killed) is made anew. However a
run ends, a file stands beside its own truth or is not there, and the manifest lists no others;
what a killed run noted waits in .manifest.log for the next.
"""

from typing import Annotated

from avtools.commands.options import Hop, Manner, one_of, option, span
from avtools.errors import AvtoolsError, note

KINDS = ("stereo", "360")
SIZES = {"stereo": "640x360", "360": "960x480"}
FILMS = ("mp4", "mov", "m4v", "mkv")
# Endings of sounds alone -> the lossless codec of each; None: there is none.
SOUNDS = {"wav": "pcm_f32le", "flac": "flac", "m4a": "alac", "ogg": None, "opus": None}
FORMATS = (*FILMS, *SOUNDS)
TRUTHS = ("csv", "json")
DEVICES = ("auto", "cpu", "cuda", "mps")
HIGHEST_SEED = 10**15
MOST = 10**7
# The sound of a scene is made as a whole, at 30 bytes for each sample of each of its things.
MOST_SAMPLES = 300 * 48000
LEAST_HOP = 0.01


def synth(
    manner: Manner,
    kind: Annotated[
        str, option("--kind", metavar="NAME", help="stereo or 360.", show_default=True)
    ] = "stereo",
    preset: Annotated[
        str, option("--preset", metavar="NAME", help="easy, real or hard.", show_default=True)
    ] = "real",
    count: Annotated[
        int,
        option("--count", metavar="N", min=1, max=MOST, help="How many scenes.", show_default=True),
    ] = 1,
    seed: Annotated[
        int,
        option(
            "--seed",
            metavar="N",
            min=0,
            max=HIGHEST_SEED,
            help="Of the first scene; from 1000000 on for evaluation only.",
            show_default=True,
        ),
    ] = 0,
    seconds: Annotated[
        float,
        option(
            "--seconds",
            metavar="SECONDS",
            help="Of each scene: 0.5 to 300, or longer at a low --rate.",
            show_default=True,
        ),
    ] = 10.0,
    size: Annotated[
        str | None,
        option("--size", metavar="WxH", help="Pixels, even: 640x360 by default, 960x480 in 360."),
    ] = None,
    fps: Annotated[
        float, option("--fps", metavar="N", help="Pictures a second: 1 to 120.", show_default=True)
    ] = 25.0,
    rate: Annotated[
        int,
        option(
            "--rate", metavar="HZ", min=8000, max=96000, help="Of the sound.", show_default=True
        ),
    ] = 48000,
    output: Annotated[
        str | None,
        option("--output", "-o", metavar="FILE", help="Write one scene here, its truth beside it."),
    ] = None,
    directory: Annotated[
        str | None,
        option("--directory", "-d", metavar="DIR", help="Write the scenes and manifest.csv here."),
    ] = None,
    format: Annotated[
        str | None,
        option("--format", metavar="NAME", help=f"With -d: {', '.join(FORMATS)}; mp4 by default."),
    ] = None,
    lossless: Annotated[
        bool, option("--lossless", help="FLAC, and a picture nearly as it was rendered.")
    ] = False,
    truth: Annotated[
        str,
        option("--truth", metavar="NAME", help="csv, or json (JSON Lines).", show_default=True),
    ] = "csv",
    hop: Hop = "0.1",
    masks: Annotated[
        bool, option("--masks", help="Also write which pixel belongs to which thing (.npz).")
    ] = False,
    ears: Annotated[
        str | None,
        option("--ears", metavar="NAME", help="pair or head, in stereo; by default either."),
    ] = None,
    hrir: Annotated[
        str | None,
        option("--hrir", metavar="FILE|DIR", help="A measured head: SOFA, or WAV files."),
    ] = None,
    sounds: Annotated[
        str | None, option("--sounds", metavar="DIR", help="Take these sounds instead.")
    ] = None,
    images: Annotated[
        str | None,
        option("--images", metavar="DIR", help="Take these pictures: backgrounds/, things/."),
    ] = None,
    habits: Annotated[
        str | None,
        option(
            "--habits", metavar="LIST", help="Whose habits scenes follow: channels, as in 3 or 0-9."
        ),
    ] = None,
    plot: Annotated[
        str | None,
        option("--plot", metavar="FILE", help="Draw a contact sheet: .png, .svg or .pdf."),
    ] = None,
    device: Annotated[
        str,
        option(
            "--device", metavar="NAME", help="Render on auto, cpu, cuda or mps.", show_default=True
        ),
    ] = "auto",
    jobs: Annotated[int, option("--jobs", metavar="N", min=1, help="Make N scenes at once.")] = 1,
    shard: Annotated[
        str | None,
        option("--shard", metavar="I/N", help="Make the Ith of N parts of the scenes (1...N)."),
    ] = None,
    skip_existing: Annotated[
        bool, option("--skip-existing", help="Leave scenes alone whose files exist.")
    ] = False,
    dry_run: Annotated[
        bool, option("--dry-run", "-n", help="Say what would be done, and do nothing.")
    ] = False,
):
    """Make scenes to see and hear, with their exact truth.

    \b
    Examples:
      avtools synth --preset real --count 100 -d scenes --jobs 4 --plot scenes.png
      avtools synth --kind 360 --preset easy --seed 7 --lossless -o scene.mp4
      avtools synth --kind 360 --seed 7 | avtools doa
      avtools synth --kind stereo --count 20 --format wav -d sounds
    """
    one_of("--kind", kind, KINDS)
    one_of("--truth", truth, TRUTHS)
    one_of("--device", device, DEVICES)
    ending = ending_of(output, directory, format)
    check_places(output, directory, count, plot, skip_existing, shard)
    check_contents(kind, ears, hrir, masks, lossless, ending)
    from avtools.synth.recipe import Recipe, items_of, own_files, parse_habits

    recipe = Recipe(
        kind=kind,
        preset=checked_preset(preset),
        seconds=checked_seconds(seconds, rate),
        size=checked_size(size or SIZES[kind], kind),
        fps=exact(between("fps", fps, 1, 120)),
        rate=rate,
        lossless=lossless,
        habits=parse_habits(habits, seed, HIGHEST_SEED),
        ears="head" if hrir is not None else ears,
        hrir=hrir,
        hop=checked_hop(hop, rate, seconds),
        truth=truth,
        masks=masks,
        device=device,
        sound_codec=SOUNDS.get(ending) if lossless else None,
        **own_files(sounds, images),
    )
    items = items_of(recipe, range(seed, seed + count), ending, output, directory, shard)
    if not items:
        note(f"--shard {shard}: none of the scenes is in this part")
        return 0
    is_made = plot is None or output is not None or directory is not None
    check_recipe(recipe, items, ending, plot, is_made)
    refuse_sources(recipe, items, [sounds, images, hrir])
    return run(recipe, items if is_made else [], items, plot, jobs, skip_existing, dry_run)


def run(recipe, wanted: list, items: list, plot, jobs: int, skip: bool, dry_run: bool) -> int:
    """Make those that are wanted, list them, draw all; the exit status."""
    from avtools.stream import batch, targets
    from avtools.synth.files import make_each
    from avtools.synth.manifest import refuse_listed, refuse_others, settle, to_make

    folder, code = items[0].folder, batch.FINE
    if folder is not None:
        refuse_others(folder, recipe, items)
    elif items[0].target is not None:
        refuse_listed(recipe, items[0].target)
    missing = to_make(folder, recipe, wanted) if skip else wanted
    if dry_run:
        targets.announce(missing)
        return code
    try:
        code = make_each(recipe, missing, jobs) if missing else code
    finally:
        if folder is not None:
            settle(folder)
    if plot is not None:
        from avtools.synth.sheet import draw_sheet

        draw_sheet(plot, recipe, items)
    return code


def ending_of(output: str | None, directory: str | None, format: str | None) -> str:
    """What is written, as a name of FORMATS; of standard output, wav."""
    import os

    if output is not None and directory is not None:
        raise AvtoolsError("give only one of --output and --directory")
    if directory is not None:
        return one_of("--format", (format or "mp4").lower().lstrip("."), FORMATS)
    if format is not None:
        raise AvtoolsError("--format goes with --directory; with --output the ending says it")
    if output in (None, "-") or (os.path.exists(output) and not os.path.isfile(output)):
        return "wav"
    ending = os.path.splitext(output)[1].lower().lstrip(".")
    if ending not in FORMATS:
        raise AvtoolsError(f"{output}: expected a name ending in .{', .'.join(FORMATS)}")
    return ending


def check_places(output, directory, count: int, plot, skip: bool, shard) -> None:
    """Where things go, before anything is made."""
    if directory is None:
        for name, given in (("--skip-existing", skip), ("--shard", shard is not None)):
            if given:
                raise AvtoolsError(f"{name} goes with --directory")
        if count > 1 and (output is not None or plot is None):
            raise AvtoolsError(f"{count} scenes need a folder: give --directory DIR")
    if plot is not None:
        from avtools.plot.figure import check_plot

        check_plot(plot)


def check_contents(kind: str, ears, hrir, masks: bool, lossless: bool, ending: str) -> None:
    """Wishes that don't go together."""
    if ears is not None:
        one_of("--ears", ears, ("pair", "head"))
    for name, given in (("--ears", ears), ("--hrir", hrir)):
        if given is not None and kind == "360":
            raise AvtoolsError(f"{name} goes with --kind stereo: 360 is heard in ambisonics")
    if hrir is not None and ears == "pair":
        raise AvtoolsError("--hrir is of a head: leave out --ears pair")
    if masks and ending not in FILMS:
        raise AvtoolsError("--masks needs pictures: write mp4, mov, m4v or mkv")
    if lossless and SOUNDS.get(ending, "") is None:
        raise AvtoolsError(f"--lossless: {ending} always loses something; write wav, flac or m4a")


def checked_preset(name: str) -> str:
    from avtools.world.presets import PRESETS

    return one_of("--preset", name, tuple(PRESETS))


def between(name: str, value: float, low: float, high: float) -> float:
    if not low <= value <= high:  # also what is not a number
        raise AvtoolsError(f"--{name} {value:g}: expected {low:g} to {high:g}")
    return value


def checked_seconds(seconds: float, rate: int) -> float:
    between("seconds", seconds, 0.5, 600)
    if seconds * rate > MOST_SAMPLES:
        raise AvtoolsError(
            f"--seconds {seconds:g}: expected at most {MOST_SAMPLES / rate:g} at {rate} Hz, as"
            " the sound of a scene is made in memory"
        )
    return seconds


def checked_size(text: str, kind: str) -> tuple[int, int]:
    from avtools.commands.nfov import parse_size

    width, height = parse_size(text)
    if kind == "360" and width != 2 * height:
        raise AvtoolsError(f"--size {text}: 360 is twice as wide as high, as in {SIZES['360']}")
    return width, height


def exact(fps: float):
    """29.97 is meant as 2997/100, not as the binary fraction nearest to it."""
    from fractions import Fraction

    return Fraction(fps).limit_denominator(1001)


def checked_hop(text: str, rate: int, seconds: float) -> float:
    hop = span("--hop", text, rate) / rate
    if hop < LEAST_HOP:
        raise AvtoolsError(f"--hop {text}: expected {LEAST_HOP:g} s or more")
    if hop > seconds:
        raise AvtoolsError(f"--hop {text}: is longer than a scene, {seconds:g} s")
    return hop


def refuse_sources(recipe, items: list, named: list[str | None]) -> None:
    """The lists and folders that the user's own material comes from are no places to write to."""
    import os

    from avtools.stream import targets

    folders = [name for name in named if name is not None and os.path.isdir(name)]
    inputs = [name for name in named if name is not None and os.path.isfile(name)]
    inputs += [entry.path for folder in folders for entry in os.scandir(folder)]
    written = [item.target for item in items if item.target is not None]
    beside = [path for target in written for path in recipe.beside(target).values()]
    targets.refuse_same(inputs, [*written, *beside])


def check_recipe(recipe, items: list, ending: str, plot, is_made: bool) -> None:
    """Refuse before any work what can't be read, rendered or written."""
    import os

    from avtools.stream import deliver, targets

    if recipe.hrir is not None:
        from avtools.synth.files import head_of

        head_of(recipe)
    if recipe.device not in ("auto", "cpu"):
        from avtools.world.device import chosen_device

        try:
            chosen_device(recipe.device)
        except ValueError as error:
            raise AvtoolsError(f"--{error}") from error
    if ending in FILMS:
        from avtools.stream.film import check_film

        check_film(f".{ending}", recipe.silence(), recipe.lossless)
    elif is_made:
        deliver.check_target(items[0].target, deliver.Form(codec=recipe.sound_codec))
    mine = [*recipe.sounds, *recipe.backgrounds, *recipe.things]
    mine += [f for f in (recipe.hrir,) if f is not None and os.path.isfile(f)]
    written = [item.target for item in items if item.target is not None]
    beside = [path for target in written[:1] for path in recipe.beside(target).values()]
    if any(os.path.basename(path).lower() == "manifest.csv" for path in beside):
        raise AvtoolsError(
            f"{written[0]}: its truth would be manifest.csv, which is a folder's list of scenes:"
            " give it another name"
        )
    targets.refuse_same(mine, [*written, *beside] + ([] if plot is None else [plot]))
