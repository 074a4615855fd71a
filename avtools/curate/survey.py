"""What the containers of a clip's sound and picture say, before anything is decoded."""

import math
import os
import stat
import traceback
from collections.abc import Iterable

from avtools.datasets.clip import Clip
from avtools.errors import AvtoolsError, reason

# Stands in for the files of a clip in the log: a clip of the same files needs no second look.
SEPARATOR = "\n"


def files_key(clip: Clip) -> str:
    return SEPARATOR.join([clip.sound or "", clip.video or ""])


def stamp(clip: Clip) -> list:
    """Size and time of the files: with another one, what is known of them no longer holds."""
    marks = []
    for path in (clip.sound, clip.video):
        try:
            facts = os.stat(path) if path else None
        except (OSError, ValueError):
            facts = None
        marks.append([facts.st_size, facts.st_mtime_ns] if facts else None)
    return marks


def survey(clips: Iterable[Clip], kind: str) -> list[tuple[str, dict]]:
    """(key of the files, what is known of them), of each clip: a task of the engine."""
    return [(files_key(clip), _surveyed(clip, kind)) for clip in clips]


def lost_files(clip: Clip) -> tuple[str, dict]:
    return files_key(clip), {"stamp": stamp(clip), "reason": "crashes the decoder"}


def _surveyed(clip: Clip, kind: str) -> dict:
    record: dict = {"stamp": stamp(clip), "reason": None}
    try:
        for path in {clip.sound, clip.video} - {None}:
            if refusal := _refusal(clip, path):
                return record | {"reason": refusal}
        record |= _sound_facts(clip, kind)
        picture = {} if record["reason"] else _picture_facts(clip)
        seconds = [s for s in (record.get("seconds"), picture.get("seconds")) if s is not None]
        whole = [s for s in (record.get("whole"), picture.get("whole")) if s is not None]
        record |= picture
        record |= {"seconds": min(seconds, default=None), "whole": min(whole, default=None)}
    except (AvtoolsError, ValueError, OSError, *decoder_errors()) as error:
        cut = _without_index(clip)
        record["reason"] = cut or f"unreadable: {without_name(clip, error)}"
    except MemoryError:
        record["reason"] = "unreadable: out of memory"
    except Exception as error:
        record["reason"] = f"a bug in avtools: {reason(error)}"
        record["bug"] = traceback.format_exc()
    return record


def _refusal(clip: Clip, path: str) -> str | None:
    """Files are opened; folders only where their numbered files are the clip's sound or picture."""
    facts = os.stat(path)
    if os.path.isdir(path):
        in_pieces = clip.sound != clip.video and (path == clip.sound or clip.picture_rate)
        return None if in_pieces else "not a file"
    if not stat.S_ISREG(facts.st_mode):  # a named pipe would wait for ever
        return "not a file"
    return None if facts.st_size else "zero bytes"


def decoder_errors() -> tuple[type[Exception], ...]:
    """What FFmpeg may say of a damaged file."""
    from avtools.stream.decode import DAMAGE

    return DAMAGE


def _without_index(clip: Clip) -> str | None:
    """An MP4 that was cut off before its index, which stands at the end of many."""
    from avtools.stream.boxes import top_level

    for path in filter(os.path.isfile, {clip.sound, clip.video} - {None}):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            kinds = {place.kind for place in top_level(fd)}
        except OSError:
            kinds = set()
        finally:
            os.close(fd)
        if kinds & {b"ftyp", b"mdat"} and b"moov" not in kinds:
            return "truncated: the file ends before its index"
    return None


def without_name(clip: Clip, error: BaseException) -> str:
    """The reason alone: the manifest names the file anyway."""
    text = reason(error)
    for path in {clip.sound, clip.video} - {None}:
        text = text.removeprefix(f"{path}: ")
    return text


def _sound_facts(clip: Clip, kind: str) -> dict:
    if clip.sound is None:
        return {"reason": "no sound"}
    if os.path.isdir(clip.sound):  # a second each: as many files as seconds
        from avtools.datasets.pieces import numbered

        return {"reason": None, "seconds": float(len(numbered(clip.sound, (".wav", ".flac"))))}
    with _opened(clip.sound) as container:
        stream = container.streams.best("audio")
        if stream is None:
            return {"reason": "no sound"}
        context = stream.codec_context
        if context is None or not context.channels or not context.rate:
            return {"reason": "unreadable: a sound whose coding is not known"}
        facts = {"channels": context.channels, "sound_rate": context.rate}
        return facts | _length(container, stream) | {"reason": _odd_channels(facts, kind)}


def _odd_channels(facts: dict, kind: str) -> str | None:
    channels = facts["channels"]
    if channels == 1:
        return "mono"
    if kind == "stereo" and channels != 2:
        return f"{channels} channels: expected stereo"
    if kind == "360" and channels == 2:
        return "stereo: expected ambisonics"
    return None


def _picture_facts(clip: Clip) -> dict:
    if clip.video is None:
        return {"reason": "no picture"}
    if os.path.isdir(clip.video):
        return _pictures_facts(clip)
    from avtools.stream.video import pick_video

    with _opened(clip.video) as container:
        try:
            stream = pick_video(container, 0, clip.video)
        except AvtoolsError:
            return {"reason": "no picture"}
        facts = {"width": stream.width, "height": stream.height, "reason": None}
        if not stream.width or not stream.height:
            return {"reason": "unreadable: a picture whose coding is not known"}
        rate = stream.average_rate or stream.guessed_rate
        return facts | {"fps": float(rate) if rate else None} | _length(container, stream)


def _pictures_facts(clip: Clip) -> dict:
    from avtools.datasets.pieces import numbered, read_picture

    files = numbered(clip.video, (".jpg", ".jpeg", ".png"))
    height, width = read_picture(files[0]).shape[:2]
    seconds = len(files) / clip.picture_rate if clip.picture_rate else None
    facts = {"width": width, "height": height, "fps": clip.picture_rate}
    return facts | {"seconds": seconds, "reason": None}


def _opened(path: str):
    import av

    from avtools.curate.containers import refuse_list, refuse_list_format
    from avtools.stream.decode import DAMAGE, explain

    refuse_list(path)
    try:
        container = av.open(f"file:{path}", metadata_errors="replace")
    except DAMAGE as error:
        raise AvtoolsError(f"{path}: {explain(error)}") from error
    refuse_list_format(container, path)
    return container


def _length(container, stream) -> dict:
    """`seconds` of the stream, and `whole`: the seconds that a file which was cut off still has."""
    import av

    length = stream.duration * stream.time_base if stream.duration and stream.time_base else None
    if length is None and container.duration:
        length = container.duration / av.time_base
    if length is None:
        from avtools.curate.containers import demuxed_seconds

        length = demuxed_seconds(container, stream)
    facts = {"seconds": None if length is None else float(length)}
    entries = stream.index_entries
    size = container.size
    if not len(entries) or size <= 0 or _end(entries[len(entries) - 1]) <= size:
        return facts
    # An MP4 says at its beginning where each packet lies: some lie beyond the end of the file.
    first = next(e for e in entries if _end(e) > size)
    begin = entries[0].timestamp
    return facts | {"whole": max(0.0, float((first.timestamp - begin) * stream.time_base))}


def _end(entry) -> int:
    return entry.pos + entry.size


def usable_seconds(clip: Clip, facts: dict) -> float | None:
    """Seconds from the clip's start that its files can hold; None where nobody knows."""
    seconds = facts.get("seconds")
    if seconds is None:
        return clip.duration
    left = max(0.0, seconds - clip.start)
    if clip.duration is None:
        return left
    # The containers' figures are about: a clip that ends a moment after them is whole.
    return clip.duration if left > clip.duration - 0.5 or clip.is_padded else left


def is_whole(clip: Clip, facts: dict) -> bool:
    """Whether the file holds all of this window, as far as its index tells."""
    whole = facts.get("whole")
    return whole is None or clip.start + (clip.duration or math.inf) <= whole
