"""Sound files other than WAV: libsndfile writes the lossless ones and Vorbis, PyAV the rest."""

import os

import av
import soundfile

from avtools.errors import AvtoolsError, reason
from avtools.stream.decode import explain
from avtools.stream.sound import Sound, choose
from avtools.stream.soundtrack import SoundTrack, clipped

# Ending -> libsndfile's format and the coding where none is asked for.
PLAIN = {
    ".flac": ("FLAC", None),
    ".ogg": ("OGG", "VORBIS"),
    ".oga": ("OGG", "VORBIS"),
    ".aif": ("AIFF", "FLOAT"),
    ".aiff": ("AIFF", "FLOAT"),
    ".caf": ("CAF", "FLOAT"),
    ".au": ("AU", "FLOAT"),
    ".snd": ("AU", "FLOAT"),
    ".w64": ("W64", "FLOAT"),
}
CODINGS = {
    "pcm_s16": "PCM_16",
    "pcm_s24": "PCM_24",
    "pcm_s32": "PCM_32",
    "pcm_f32": "FLOAT",
    "pcm_f64": "DOUBLE",
    "vorbis": "VORBIS",
    "libvorbis": "VORBIS",
}
# Ending -> FFmpeg's container and codec.
CODED = {
    ".opus": ("opus", "libopus"),
    ".mp3": ("mp3", "libmp3lame"),
    ".m4a": ("ipod", "aac"),
    ".aac": ("adts", "aac"),
    ".mka": ("matroska", "flac"),
    ".wv": ("wv", "wavpack"),
    ".ac3": ("ac3", "ac3"),
    ".eac3": ("eac3", "eac3"),
    ".tta": ("tta", "tta"),
    ".mp2": ("mp2", "mp2"),
}
# Vorbis has its own order of speakers; libsndfile writes channels as they come, readers put them
# back into FFmpeg's order.
VORBIS_ORDER = {
    3: [0, 2, 1],
    5: [0, 2, 1, 3, 4],
    6: [0, 2, 1, 4, 5, 3],
    7: [0, 2, 1, 5, 6, 4, 3],
    8: [0, 2, 1, 6, 7, 4, 5, 3],
}
PIECE = 4096  # frames: libsndfile's Vorbis overflows its stack on much larger ones


def write_sound(
    sound: Sound, path: str, target: str, codec: str | None, bitrate: int | None
) -> None:
    """Write to `path` what the ending of `target` asks for."""
    ending = os.path.splitext(target)[1].lower()
    if ending in PLAIN and not (ending in (".ogg", ".oga") and codec in ("libopus", "opus")):
        return _write_plain(sound, path, target, ending, codec)
    if ending in (".ogg", ".oga"):
        return _write_coded(sound, path, target, "ogg", "libopus", bitrate)
    if ending not in CODED:
        can = " ".join([".wav", *PLAIN, *CODED])
        raise AvtoolsError(f"{target}: {ending} can't be written, expected one of {can}")
    format, usual = CODED[ending]
    return _write_coded(sound, path, target, format, codec or usual, bitrate)


def _write_plain(sound: Sound, path: str, target: str, ending: str, codec: str | None) -> None:
    format, coding = PLAIN[ending]
    if format == "FLAC":
        coding = "PCM_16" if sound.bits <= 16 else "PCM_24"
        if codec not in (None, "flac"):
            raise AvtoolsError(f"{target}: a .flac file holds flac, not {codec}")
    elif codec is not None:
        coding = CODINGS.get(codec.removesuffix("le").removesuffix("be"))
        if coding is None or not soundfile.check_format(format, coding):
            raise AvtoolsError(f"{target}: a {ending} file can't hold {codec}")
    if format == "FLAC" and sound.channels > 8:
        raise AvtoolsError(f"{target}: FLAC holds 8 channels at the most, not {sound.channels}")
    blocks = sound.blocks
    if coding.startswith("PCM"):
        blocks = clipped(blocks, sound.name, int(coding[4:]))
    if coding == "VORBIS" and sound.channels in VORBIS_ORDER:
        blocks = choose(blocks, VORBIS_ORDER[sound.channels])
    try:
        with soundfile.SoundFile(
            path, "w", sound.rate, sound.channels, subtype=coding, format=format
        ) as out:
            for x in blocks:
                for first in range(0, x.shape[-1], PIECE):
                    out.write(x[:, first : first + PIECE].T)
    except soundfile.LibsndfileError as error:
        raise AvtoolsError(f"{target}: {_plainly(error, sound)}") from error
    except OSError as error:
        raise AvtoolsError(f"{target}: {reason(error)}") from error


def _plainly(error: Exception, sound: Sound) -> str:
    text = str(error).partition(": ")[2] or str(error)
    if "System error" in text:
        return "could not be written; is the disk full?"
    return f"{text.rstrip('.')} ({sound.channels} channels, {sound.rate} Hz)"


def _write_coded(
    sound: Sound, path: str, target: str, format: str, codec: str, bitrate: int | None
) -> None:
    try:
        with av.open(path, "w", format=format) as output:
            track = SoundTrack(output, sound, codec, bitrate, target)
            for packet in track.packets():
                output.mux(packet)
    except (av.error.FFmpegError, ValueError) as error:
        raise AvtoolsError(f"{target}: {explain(error)}") from error
