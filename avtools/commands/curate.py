"""Raw videos in; out come a manifest, which says of each clip whether it is fit to learn the link
of sight and sound from, and shards with those that are.

FILE is a folder of videos (a sound beside a video of the same name is its sound), a dataset whose
layout is known (or LAYOUT:PATH, as in fair-play:/data/FAIR-Play), a video, or a manifest. From each
source, which is a video unless a dataset says more, at most --per-source clips of --clip seconds
are drawn from slots of that length, counted from its beginning: copies that were encoded again or
cut at their end give the same clips, and are found; those cut at their beginning are not. What a
source is called, and so its split, follows from its place below the folder that is named.

Each clip goes through a cascade of tests, the cheapest first, and stops where it fails. container:
channels, lengths, files that are cut off. audio: silence (silent, clipped), stereo (mono, the same
sound in both channels, a dead channel), off-centre (with --kind stereo: left and right must differ
for the share --off-centre of the time, by more than chance explains and more than a gain error of
1 dB), ambisonic and production (with --kind 360: a valid sound field of the convention that it is
taken for, and no voice-over or music that stays with the head). keyframes: still (nothing moves),
faces (with --detector: a confident face on two pictures at least). full: all of the picture and
sound, which must be whole and undamaged. At the end, over the whole run: duplicates, of which the
first stays; sources that share a clip, kept or not, have one split: what a dataset says of any of
them, test before val before train, else that of the first.

The off-centre test compares levels: sound far from its microphones in a live room, or in the middle
of the picture, is left out, as the paper does. --skip off-centre keeps it.

The manifest has a row for each clip: clip, file, source, channel, start, duration, split (train,
val, test: 80, 10 and 10 % of the sources, or the dataset's own), kept, reason, stage (where it
failed), shard, and the figures of all tests that it came to. Files that can't be used have a row
too; they are no error. The manifest is a dataset itself: other tools read the clips kept.

--to-shards packs what is kept into tars that WebDataset reads, and an index for reading at random
(avtools.datasets.shards.Shards): train-000000.tar and so on, some 64 clips each. A clip has three
members: .mjpg, its JPEG pictures one after the other; .flac; and .json, with where each picture
begins (picture.offsets), its clip as the manifest names it, source and figures. Members are named
by the clip, a dot written %2E. New clips change few
of the shards that are there. DIR holds the shards of one run, or of the parts of one, and no other;
what a damaged one held is packed anew.

Results are kept in a folder beside the manifest, MANIFEST.work, as they come. A run that was
stopped, by whatever, goes on where it stopped; a run on new files does these alone; with other
options --output must be another, or --restart drops what is there, shards as well. A file that
crashes its process, or keeps it busy far beyond its length (60 s and 20 times the clip), costs its
own clips alone. One run at a time works on a manifest.

--jobs processes work on this machine, as many as it has cores by default. With --scheduler the
workers of a Dask cluster do (dask scheduler, and dask worker on each machine), which must see the
same files under the same names and have avtools installed; ADDRESS is tcp://host:8786 or the file
that the scheduler has written. Dask's ports have no password: on this
machine they are open to its own users alone (127.0.0.1), a cluster's belong in a private network.

--shard I/N does the Ith of N parts, for a job array: of -o all.csv that is all-1-of-8.csv, and
train-1-of-8-000000.tar and so on, and sheets have such names too. Sources stay whole. --join then
makes one manifest of those of the parts and says which parts are missing. It finds duplicates
between parts; sources that share a clip get one split, test if any of them has it, else val. What
was kept and lies in a shard of another split is left out, then of duplicates all but the first.
--to-shards names the folder of the parts' shards, all of which must be there: what is left out is
taken out of them.

For curation by hand: --per-channel is a table of channels (the first folder below the one given,
or what a dataset says), with the means of their figures; --contact a picture of some clips of each.
--keep FILE has a channel, a source or a clip on each line: nothing else is kept. It is no reason to
do anything again. Names that nothing has are said.
"""

import os
from typing import Annotated

import typer

from avtools.commands.options import FROM, From, Manner, one_of, option
from avtools.errors import AvtoolsError

KINDS = ("stereo", "360")
Files = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FILE]...",
        show_default=False,
        help="Folders of videos, datasets, videos, or CSV manifests.",
    ),
]


def curate(
    manner: Manner,
    files: Files = None,
    files_from: Annotated[
        str | None,
        option("--files-from", metavar="FILE", help="Read names of inputs from FILE (- is stdin)."),
    ] = None,
    null: Annotated[
        bool, option("--null", "-0", help="Names in --files-from end in NUL, not newline.")
    ] = False,
    output: Annotated[
        str | None, option("--output", "-o", metavar="FILE", help="The manifest, a CSV.")
    ] = None,
    to_shards: Annotated[
        str | None, option("--to-shards", metavar="DIR", help="Pack what is kept into shards here.")
    ] = None,
    kind: Annotated[
        str,
        option("--kind", metavar="stereo|360", show_default=True, help="What the clips are of."),
    ] = "stereo",
    from_: From = "auto",
    clip: Annotated[
        float,
        option(
            "--clip",
            metavar="SECONDS",
            min=0.5,
            max=600,
            show_default=True,
            help="Length of a clip; footage of half of it or more is one clip.",
        ),
    ] = 10.0,
    per_source: Annotated[
        int,
        option("--per-source", metavar="N", min=1, show_default=True, help="Clips of a source."),
    ] = 12,
    tests: Annotated[
        str | None,
        option("--tests", metavar="LIST", help="Only these tests, as in silence,off-centre."),
    ] = None,
    skip: Annotated[
        str | None, option("--skip", metavar="LIST", help="All tests but these.")
    ] = None,
    off_centre: Annotated[
        float,
        option(
            "--off-centre",
            metavar="SHARE",
            min=0,
            max=1,
            show_default=True,
            help="Of the time that a clip must be off-centre.",
        ),
    ] = 0.6,
    detector: Annotated[
        str | None,
        option(
            "--detector",
            metavar="NAME",
            help="Keep only clips with faces: haar, yunet:FILE, onnx:FILE, boxes:FILE finds them.",
        ),
    ] = None,
    keep: Annotated[
        str | None,
        option("--keep", metavar="FILE", help="Keep only what it lists: channels, sources, clips."),
    ] = None,
    per_channel: Annotated[
        str | None,
        option("--per-channel", metavar="FILE", help="Write a table of channels (CSV)."),
    ] = None,
    contact: Annotated[
        str | None,
        option("--contact", metavar="DIR", help="Draw a sheet of pictures for each channel."),
    ] = None,
    fps: Annotated[
        float,
        option("--fps", metavar="N", min=0.5, max=60, show_default=True, help="Pictures a second."),
    ] = 6.0,
    size: Annotated[
        int,
        option(
            "--size",
            metavar="PIXELS",
            min=16,
            max=4096,
            show_default=True,
            help="The pictures' shorter side in the shards.",
        ),
    ] = 256,
    rate: Annotated[
        int,
        option(
            "--rate",
            metavar="HZ",
            min=4000,
            max=192_000,
            show_default=True,
            help="The sound's sampling rate in the shards.",
        ),
    ] = 16_000,
    seed: Annotated[
        int, option("--seed", metavar="N", show_default=True, help="Of the draw of the clips.")
    ] = 0,
    jobs: Annotated[
        int | None,
        option("--jobs", metavar="N", min=1, help="Processes; as many as cores by default."),
    ] = None,
    scheduler: Annotated[
        str | None,
        option("--scheduler", metavar="ADDRESS", help="Work on a Dask cluster: tcp://host:8786."),
    ] = None,
    shard: Annotated[
        str | None, option("--shard", metavar="I/N", help="Do the Ith of N parts of the sources.")
    ] = None,
    join: Annotated[
        bool, option("--join", help="FILEs are manifests of parts: make one of them.")
    ] = False,
    restart: Annotated[
        bool, option("--restart", help="Forget what earlier runs on this manifest did.")
    ] = False,
):
    """Make training clips of raw videos: test, choose, pack.

    \b
    Examples:
      avtools curate videos/ -o clips.csv
      avtools curate videos/ -o clips.csv --to-shards shards/
      avtools curate 360/ --kind 360 -o clips.csv --per-channel channels.csv --contact sheets/
      avtools curate talks/ --detector haar --skip off-centre -o clips.csv
      avtools curate /data/all -o clips.csv --shard 3/8 --to-shards shards/
      avtools curate --join clips-*-of-8.csv -o clips.csv --to-shards shards/
    """
    from avtools.curate import places
    from avtools.curate.footage import footage_of, in_part_name, names_of, read_keep

    if output is None:
        raise AvtoolsError("say where the manifest goes: --output clips.csv")
    for name, table in (("--output", output), ("--per-channel", per_channel)):
        if table is not None:
            places.check_table(name, table)
    if join:
        wrong = {"--scheduler": scheduler, "--shard": shard, "--keep": keep, "--contact": contact}
        for name in [name for name, value in wrong.items() if value is not None]:
            raise AvtoolsError(f"{name} does not go with --join")
        return joined(names_of(files, files_from, null), output, to_shards, per_channel)
    from avtools.curate.settings import Settings
    from avtools.curate.tests import checked_detector, chosen
    from avtools.stream.batch import parse_shard

    check_numbers(clip, fps, off_centre, tests)
    one_of("--kind", kind, KINDS)
    one_of("--from", from_, FROM)
    if from_ != "auto" and kind != "360":
        raise AvtoolsError("--from is of ambisonics: it goes with --kind 360")
    settings = Settings(
        kind=kind,
        clip=clip,
        per_source=per_source,
        tests=chosen(kind, tests, skip, detector),
        detector=None if detector is None else checked_detector(detector),
        convention=None if from_ == "auto" else from_,
        off_centre=off_centre,
        seed=seed,
        fps=fps,
        size=size,
        rate=rate,
    )
    if scheduler is not None and jobs is not None:
        raise AvtoolsError("give only one of --jobs and --scheduler: the cluster has its own")
    if scheduler is not None:
        from avtools.curate.engine import scheduler_address

        scheduler_address(scheduler)
    part = None if shard is None else parse_shard(shard)
    manifest, channels = (path and in_part_name(path, part) for path in (output, per_channel))
    names = names_of(files, files_from, null)
    places.refuse_same(
        [*map(places.file_of, [*names, detector or "haar"]), keep, files_from],
        {"--output": manifest, "--per-channel": channels, "--to-shards": to_shards},
    )
    listed = read_keep(keep)
    footage = footage_of(names)
    places.have_places([manifest, channels], {"--to-shards": to_shards, "--contact": contact})
    return ordered(
        footage,
        manifest=manifest,
        settings=settings,
        shards=to_shards,
        keep=listed,
        per_channel=channels,
        contact=contact,
        part=part,
        jobs=jobs or cores(),
        scheduler=scheduler,
        restart=restart,
    )


def check_numbers(clip: float, fps: float, off_centre: float, tests: str | None) -> None:
    """What typer lets pass, and no clip would."""
    import math

    for name, value in (("--clip", clip), ("--fps", fps), ("--off-centre", off_centre)):
        if not math.isfinite(value):
            raise AvtoolsError(f"{name} {value}: expected a number")
    if clip * fps < 2:
        raise AvtoolsError(
            f"--clip {clip:g} at --fps {fps:g}: {clip * fps:g} pictures, expected 2 at least"
        )
    if tests is not None and not tests.replace(",", "").strip():
        raise AvtoolsError("--tests: no test is named, and all would be kept")


def ordered(footage: list, **wishes) -> int:
    """Run it; say what came of it."""
    import sys

    from avtools import errors
    from avtools.curate.factory import Order, curate
    from avtools.curate.watch import Watch
    from avtools.stream.batch import BUG, FINE

    watch = Watch(errors.speaker["level"] > errors.QUIET and sys.stderr.isatty())
    outcome = curate(footage, Order(**wishes), watch, draw_sheet)
    tell(outcome)
    for bug in outcome.bugs[:1]:
        sys.stderr.write(bug)
        errors.say("a bug in avtools; please report it with the lines above", errors.QUIET)
    return BUG if outcome.bugs else FINE


def tell(outcome) -> None:
    from avtools.errors import say

    left_out = ", ".join(f"{count} {why}" for why, count in outcome.reasons.most_common(5))
    say(
        f"{outcome.kept} of {outcome.clips} clips kept"
        + (f"; most of the others: {left_out}" if left_out else "")
    )


def draw_sheet(path: str, cells: list, title: str) -> None:
    from avtools.plot.contact import Cell, contact_sheet

    contact_sheet(path, [Cell(picture, caption) for picture, caption in cells], title)


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def joined(names: list[str], output: str, shards: str | None, per_channel: str | None) -> int:
    from avtools.curate import places
    from avtools.curate.join import join
    from avtools.stream.batch import FINE

    places.refuse_same(names, {"--output": output, "--per-channel": per_channel})
    if shards is not None and not os.path.isdir(shards):
        raise AvtoolsError(f"--to-shards {shards}: no such folder")
    places.have_places([output, per_channel], {"--to-shards": shards})
    tell(join(names, output, shards, per_channel))
    return FINE
