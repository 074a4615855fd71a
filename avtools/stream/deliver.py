"""Where a sound goes: a pipe, a sound file, or back into its video.

`targets` decides the names before anything is read; `deliver` writes one result.
"""

import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from avtools.dsp.ambisonics import order_of
from avtools.errors import AvtoolsError, note, reason, say, warn
from avtools.stream.batch import Item
from avtools.stream.files import SOUND_SUFFIXES, VIDEO_SUFFIXES
from avtools.stream.outputs import whole
from avtools.stream.progress import shown
from avtools.stream.sound import Sound, amplified, watched
from avtools.stream.wav import FORMS
from avtools.stream.wire import widen, write_wire

WAV_SUFFIXES = (".wav", ".wave", ".rf64", ".bwf")


@dataclass(frozen=True)
class Form:
    """How the result is to be written; the picture only where there is one."""

    codec: str | None = None
    bitrate: int | None = None
    gain: float = 0.0
    au: bool = False
    picture: Callable | None = None  # stereo packing -> factory of a re-encoder
    video: str | None = None  # the file the picture comes from, if not the input itself
    spherical: str | None = None  # mark the picture as 360 with this stereo packing
    copy_sound: bool = False  # the sound is unchanged: its packets may be copied
    stream: int | None = None  # the sound stream of the input that was taken


def targets(
    items: Sequence[Item],
    output: str | None,
    directory: str | None,
    suffix: str | None = None,
    in_place: bool = False,
    video: str | None = None,
) -> list[str | None]:
    """The output of each input; None is standard output."""
    if sum([output is not None, directory is not None, in_place]) > 1:
        raise AvtoolsError("give only one of --output, --directory and --in-place")
    if suffix and directory is None:
        raise AvtoolsError("--suffix goes with --directory")
    if in_place or directory is not None:
        if any(item.is_stdin for item in items):
            raise AvtoolsError("standard input has no name to write to: use --output")
    elif len(items) != 1:
        what = "1 input gives 1 output" if output else "several sounds can't go to one pipe"
        raise AvtoolsError(f"{len(items)} inputs: {what}; give --directory DIR")
    if in_place:
        return [item.path for item in items]
    if directory is not None:
        chosen = [os.path.join(directory, _renamed(item, suffix, video)) for item in items]
        _refuse_doubles(items, chosen)
    else:
        chosen = [None if output in (None, "-") else output]
    for item, target in zip(items, chosen, strict=True):
        refuse_same(item.path, target)
        if video is not None:
            refuse_same(video_for(video, item), target)
    return chosen


def _renamed(item: Item, suffix: str | None, video: str | None) -> str:
    stem, ending = os.path.splitext(item.relative)
    if video is not None:
        ending = os.path.splitext(video_for(video, item))[1]
    extra, dot, format = (suffix or "").rpartition(".")
    return f"{stem}{extra}.{format}" if dot else f"{stem}{suffix or ''}{ending}"


def video_for(video: str, item: Item) -> str:
    """The video of a sound: the one named, or the one in the folder with the sound's name."""
    if not os.path.isdir(video):
        return video
    stem = os.path.splitext(item.relative)[0]
    for ending in sorted(VIDEO_SUFFIXES):
        if os.path.isfile(path := os.path.join(video, stem + ending)):
            return path
    raise AvtoolsError(f"{item.path}: no video of the name {os.path.basename(stem)} in {video}")


def _refuse_doubles(items: Sequence[Item], chosen: Sequence[str]) -> None:
    first: dict[str, str] = {}
    for item, target in zip(items, chosen, strict=True):
        other = first.setdefault(target, item.path)
        if other != item.path:
            raise AvtoolsError(f"{other} and {item.path} would both be written to {target}")


def refuse_same(source: str, target: str | None) -> None:
    if target is None or source == "-":
        return
    try:
        same = os.path.samefile(source, target) and os.path.isfile(target)
    except OSError:
        return
    if same:
        raise AvtoolsError(f"{target}: is the input itself; --in-place allows that")


def check_stdout() -> None:
    if os.isatty(1):
        raise AvtoolsError("sound is not written to a terminal: give -o FILE, or pipe it on")


def check_target(target: str | None, form: Form) -> None:
    """Refuse what can't be written before anything is read."""
    ending = os.path.splitext(target or "")[1].lower()
    if (form.picture or form.video or form.spherical) and ending not in VIDEO_SUFFIXES:
        option = "picture" if form.picture else "video" if form.video else "spherical"
        raise AvtoolsError(f"--{option} needs a video to write to, as in -o out.mp4")
    if target is None:
        return check_stdout()
    if os.path.isdir(target):
        raise AvtoolsError(f"{target}: is a folder, expected a file (folders go with -d)")
    known = SOUND_SUFFIXES | VIDEO_SUFFIXES
    if ending not in known and not _is_special(target):
        shown_ending = f"{ending!r}" if ending else "no ending"
        raise AvtoolsError(
            f"{target}: {shown_ending} names no known format, expected .wav, .flac, .ogg, .opus, "
            ".mp3, .m4a, .mp4, .mov, .mkv, ..."
        )
    if ending in WAV_SUFFIXES and form.codec and form.codec not in FORMS:
        raise AvtoolsError(
            f"{target}: WAV is written with --codec {', '.join(FORMS)}, not {form.codec}"
        )
    return None


def _is_special(target: str) -> bool:
    return os.path.exists(target) and not os.path.isfile(target)


def deliver(sound: Sound, item: Item, target: str | None, form: Form, bar: bool = True) -> None:
    sound = sound.through(watched, sound.name, sound.rate)
    if form.gain:
        sound = sound.through(amplified, 10 ** (form.gain / 20))
    if target is None or _is_special(target):
        return _to_pipe(sound, target, form)
    ending = os.path.splitext(target)[1].lower()
    if folder := os.path.dirname(target):
        _make_folder(folder)
    with whole(target) as temporary, shown(sound, target, bar) as sound:
        if ending in WAV_SUFFIXES:
            fd = os.open(temporary, os.O_RDWR)
            try:
                write_wire(fd, sound, form.codec or "pcm_f32le", target=target)
            finally:
                os.close(fd)
        elif ending in VIDEO_SUFFIXES:
            _to_video(sound, item, temporary, target, ending, form)
        else:
            from avtools.stream.encode import write_sound

            write_sound(sound, str(temporary), target, form.codec, form.bitrate)
    return None


def _make_folder(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise AvtoolsError(f"{folder}: {reason(error)}") from error


def _to_pipe(sound: Sound, target: str | None, form: Form) -> None:
    fd = 1 if target is None else os.open(target, os.O_WRONLY)
    try:
        widen(fd)
        write_wire(
            fd, sound, form.codec or "pcm_f32le", form.au, target=target or "standard output"
        )
    finally:
        if target is not None:
            os.close(fd)


def _to_video(sound: Sound, item: Item, temporary, target: str, ending: str, form: Form) -> None:
    from avtools.stream.remux import remux
    from avtools.stream.spatial import read_spatial

    video = picture_path(item.path) if form.video is None else video_for(form.video, item)
    track = form.stream if form.video is None else None
    spatial = read_spatial(video, audio_track=track)
    if form.spherical:
        spatial = replace(spatial, projection="equirectangular", stereo=form.spherical)
    order = _order_to_mark(sound, spatial, target)
    spatial = replace(
        spatial, ambisonic_order=order, head_locked=bool(sound.marks.get("head_locked"))
    )
    remux(
        video,
        temporary,
        ending,
        None if form.copy_sound else sound,
        codec=form.codec,
        bitrate=form.bitrate,
        spatial=spatial,
        picture=form.picture and form.picture(spatial.stereo),
        stream=track,
        target=target,
    )


def _order_to_mark(sound: Sound, spatial, target: str) -> int | None:
    """The ambisonic order that SA3D shall say, if it shall say one."""
    convention = sound.marks.get("convention")
    order = sound.marks.get("order") if convention == "ambix" else None
    is_spatial = spatial.is_360 or spatial.ambisonic_order is not None
    if convention is None and spatial.is_360 and (order := order_of(sound.channels)):
        say(f"{target}: {sound.channels} channels in a 360 video, marked as AmbiX")
    elif convention not in (None, "ambix"):
        warn(f"{target}: the sound is {convention}; players expect AmbiX (convert --to ambix)")
    elif order is not None and not is_spatial:
        note(f"{target}: no SA3D: the picture is not marked as 360 (convert --spherical marks it)")
        return None
    return order or None


def picture_path(path: str) -> str:
    """The file that the picture is read from, a second time beside the sound."""
    if path != "-":
        return path
    try:
        os.lseek(0, 0, os.SEEK_CUR)
    except OSError:
        raise AvtoolsError(
            "a video from a pipe can't be written to a video again: give the file's name"
        ) from None
    return "/dev/fd/0"


def checked_gain(gain: float) -> float:
    if not math.isfinite(gain) or abs(gain) > 200:
        raise AvtoolsError(f"--gain {gain}: expected decibels between -200 and 200")
    return gain


def announce(items: Sequence[Item], chosen: Sequence[str | None]) -> None:
    """What would be done, a line each."""
    for item, target in zip(items, chosen, strict=True):
        sys.stdout.write(f"{item.path} -> {target or 'standard output'}\n")
