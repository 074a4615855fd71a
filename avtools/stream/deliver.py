"""Where a sound goes: a pipe, a sound file, or back into its video."""

import contextlib
import math
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace

from avtools.dsp.ambisonics import order_of
from avtools.errors import AvtoolsError, note, reason, say, warn
from avtools.stream.batch import Item
from avtools.stream.files import SOUND_SUFFIXES, VIDEO_SUFFIXES
from avtools.stream.outputs import whole
from avtools.stream.progress import shown
from avtools.stream.sound import Sound, amplified
from avtools.stream.targets import video_for
from avtools.stream.wav import FORMS
from avtools.stream.wire import widen, write_wire

WAV_SUFFIXES = (".wav", ".wave", ".rf64", ".bwf")
BOXED_SUFFIXES = (".mp4", ".m4v", ".mov")


@dataclass(frozen=True)
class Form:
    """How the result is to be written; the picture only where there is one."""

    codec: str | None = None
    bitrate: int | None = None
    gain: float = 0.0
    au: bool = False
    picture: Callable | None = None  # spatial, video -> spatial, factory of a re-encoder
    video: str | None = None  # the file the picture comes from, if not the input itself
    spherical: str | None = None  # mark the picture as 360 with this stereo packing
    copy_sound: bool = False  # the sound is unchanged: its packets may be copied
    stream: int | None = None  # the sound stream of the input that was taken


def check_stdout() -> None:
    if os.isatty(1):
        raise AvtoolsError("sound is not written to a terminal: give -o FILE, or pipe it on")


def check_target(target: str | None, form: Form) -> None:
    """Refuse what can't be written before anything is read."""
    ending = os.path.splitext(target or "")[1].lower()
    _check_video_wishes(ending, form)
    if target is None:
        check_stdout()
    elif os.path.isdir(target):
        raise AvtoolsError(f"{target}: is a folder, expected a file (folders go with -d)")
    if target is None or _is_special(target) or ending in WAV_SUFFIXES:
        return _check_wave(target or "standard output", form)
    if form.au:
        raise AvtoolsError("--stream-format is for pipes; with --output the ending says it")
    if ending not in SOUND_SUFFIXES | VIDEO_SUFFIXES:
        has = f"{ending!r} names no known format" if ending else "has no ending to name a format"
        raise AvtoolsError(
            f"{target}: {has}, expected .wav, .flac, .ogg, .opus, .mp3, .m4a, .mp4, .mov, .mkv, ..."
        )
    return None


def _check_video_wishes(ending: str, form: Form) -> None:
    if (form.picture or form.video or form.spherical) and ending not in VIDEO_SUFFIXES:
        option = "picture" if form.picture else "video" if form.video else "spherical"
        raise AvtoolsError(f"--{option} needs a video to write to, as in -o out.mp4")
    if form.spherical and ending not in BOXED_SUFFIXES:
        raise AvtoolsError(f"--spherical is written into .mp4 and .mov, not into {ending}")


def _check_wave(target: str, form: Form) -> None:
    if form.codec and form.codec not in FORMS:
        raise AvtoolsError(f"{target}: WAV is written with --codec {', '.join(FORMS)}")
    if form.au and form.codec not in (None, "pcm_f32le"):
        raise AvtoolsError("--stream-format au is 32-bit float; it goes without --codec")
    if form.bitrate:
        raise AvtoolsError(f"{target}: --bitrate is for lossy formats, WAV is not one")


def _is_special(target: str) -> bool:
    return os.path.exists(target) and not os.path.isfile(target)


def deliver(sound: Sound, item: Item, form: Form, bar: bool = True) -> None:
    """Write the sound of an item to its target."""
    target = item.target
    if form.gain:
        sound = sound.through(amplified, 10 ** (form.gain / 20))
    if target is None or _is_special(target):
        return _to_pipe(sound, target, form)
    ending = os.path.splitext(target)[1].lower()
    with _new(target) as temporary, shown(sound, target, bar) as sound:
        if ending in WAV_SUFFIXES:
            fd = os.open(temporary, os.O_RDWR)
            try:
                write_wire(fd, sound, form.codec or "pcm_f32le", target=target)
            finally:
                os.close(fd)
        elif ending in VIDEO_SUFFIXES:
            _to_video(sound, item, temporary, form)
        else:
            from avtools.stream.encode import write_sound

            write_sound(sound, str(temporary), target, form.codec, form.bitrate)
    return None


def copy_video(item: Item, form: Form) -> None:
    """The video with its sound as it is, if it has one: only what is said of it may change."""
    with _new(item.target) as temporary:
        _to_video(None, item, temporary, form)


def copy_file(item: Item) -> None:
    """The input, byte for byte."""
    with _new(item.target) as temporary:
        shutil.copyfile(item.path, temporary)


@contextlib.contextmanager
def _new(target: str):
    if folder := os.path.dirname(target):
        _make_folder(folder)
    with whole(target) as temporary:
        yield temporary


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


def _to_video(sound: Sound | None, item: Item, temporary, form: Form) -> None:
    from avtools.stream.remux import remux
    from avtools.stream.spatial import read_spatial

    video = picture_path(item.path) if form.video is None else video_for(form.video, item)
    track = form.stream if form.video is None else None
    spatial = read_spatial(video, audio_track=track)
    if form.spherical:
        spatial = replace(
            spatial, projection="equirectangular", stereo=form.spherical, sv3d=None, st3d=None,
            xml=None,
        )  # fmt: skip
    if sound is not None or form.spherical:
        channels, marks = (sound.channels, sound.marks) if sound else _copied_sound(video, spatial)
        spatial = replace(
            spatial,
            ambisonic_order=_order_to_mark(channels, marks, spatial, item.target),
            head_locked=marks.get("head_locked") is True,
        )
    picture = None
    if form.picture:
        spatial, picture = form.picture(spatial, video)
    remux(
        video,
        temporary,
        os.path.splitext(item.target)[1].lower(),
        sound,
        codec=form.codec,
        bitrate=form.bitrate,
        spatial=spatial,
        picture=picture,
        stream=track,
        target=item.target,
    )


def _copied_sound(video: str, spatial) -> tuple[int, dict]:
    """Channels and marks of a sound that is copied; (0, none) of a silent video."""
    from avtools.stream.streams import list_streams

    sounds = list_streams(video)[0].sounds
    if spatial.ambisonic_order is None:
        return (sounds[0] if sounds else 0), {}
    marks = {"convention": "ambix", "order": spatial.ambisonic_order}
    return spatial.channels, marks | ({"head_locked": True} if spatial.head_locked else {})


def _order_to_mark(channels: int, marks: dict, spatial, target: str) -> int | None:
    """The ambisonic order that SA3D shall say, if it shall say one."""
    convention = marks.get("convention")
    order = marks.get("order") if convention == "ambix" else None
    is_spatial = spatial.is_360 or spatial.ambisonic_order is not None
    if convention is None and spatial.is_360 and (order := order_of(channels)):
        say(f"{target}: {channels} channels in a 360 video, marked as AmbiX")
    elif convention not in (None, "ambix"):
        warn(f"{target}: the sound is {convention}; players expect AmbiX (convert --to ambix)")
    elif order is not None and not is_spatial:
        note(f"{target}: no SA3D: the picture is not marked as 360 (convert --spherical marks it)")
        return None
    return order or None


def picture_path(path: str) -> str:
    """The file that the picture is read from, a second time beside the sound."""
    if path != "-":
        if os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode):
            raise AvtoolsError(f"{path}: a picture can't be read from a pipe: give a file's name")
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
