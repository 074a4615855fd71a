"""Sound files other than WAV: libsndfile writes the lossless ones and Vorbis, PyAV the rest."""

import os
from fractions import Fraction

import av
import numpy as np
import soundfile

from avtools.errors import AvtoolsError, reason, warn
from avtools.stream.coding import EncodedSound, choose_coding
from avtools.stream.decode import explain
from avtools.stream.sound import Blocks, Sound

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
PIECE = 4096  # frames: libsndfile's Vorbis overflows its stack on much larger ones


def write_sound(
    sound: Sound, path: str, target: str, codec: str | None, bitrate: int | None
) -> None:
    """Write to `path` what the ending of `target` asks for."""
    ending = os.path.splitext(target)[1].lower()
    # Vorbis has its own order of loudspeakers and takes one of six channels for a subwoofer.
    if ending in (".ogg", ".oga") and (sound.channels > 2 or codec in ("opus", "libopus")):
        return _write_coded(sound, path, target, "ogg", "libopus", bitrate)
    if ending in PLAIN:
        return _write_plain(sound, path, target, ending, codec)
    if ending not in CODED:
        can = " ".join([".wav", *PLAIN, *CODED])
        raise AvtoolsError(f"{target}: {ending} can't be written, expected one of {can}")
    format, usual = CODED[ending]
    return _write_coded(sound, path, target, format, codec or usual, bitrate)


def clipped(blocks: Blocks, name: str, bits: int) -> Blocks:
    """Samples as integers of so many bits can hold them, rounded; says how many were too loud."""
    count, scale = 0, np.float32(2.0 ** (bits - 1))
    for x in blocks:
        x = np.nan_to_num(x, posinf=2.0, neginf=-2.0)
        count += int(np.count_nonzero(np.abs(x) > 1))
        if bits <= 24:
            x = np.rint(x * scale) / scale
        yield np.clip(x, -1, 1 - 1 / scale if bits <= 24 else 1)
    if count:
        warn(f"{name}: {count} samples clipped; lower them with --gain")


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
    coding = choose_coding(sound, format, None, codec, bitrate)
    try:
        with av.open(path, "w", format=format) as output:
            encoded = EncodedSound(output, sound, coding, Fraction(0))
            output.mux(encoded.until(None))
    except (av.error.FFmpegError, ValueError) as error:
        raise AvtoolsError(f"{target}: {explain(error)}") from error
