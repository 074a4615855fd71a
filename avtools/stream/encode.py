"""Sound files other than WAV: libsndfile writes the lossless ones and Vorbis, PyAV the rest."""

import os
from fractions import Fraction

import av
import soundfile

from avtools.errors import AvtoolsError, reason
from avtools.stream.coding import EncodedSound, choose_coding
from avtools.stream.decode import explain
from avtools.stream.sound import Sound, clipped

# Ending -> libsndfile's format and the coding where none is asked for.
PLAIN = {
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
    ".flac": ("flac", "flac"),
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
# Where the codec of the source fits, it stays: lossless stays lossless.
KEPT = {
    (".m4a", "alac"): "alac",
    (".mka", "opus"): "libopus",
    (".mka", "aac"): "aac",
    (".mka", "mp3"): "libmp3lame",
}
VORBIS = (None, "vorbis", "libvorbis")
PIECE = 4096  # frames: libsndfile's Vorbis overflows its stack on much larger ones


def write_sound(
    sound: Sound, path: str, target: str, codec: str | None, bitrate: int | None
) -> None:
    """Write to `path` what the ending of `target` asks for."""
    ending = os.path.splitext(target)[1].lower()
    if ending in (".ogg", ".oga") and not (sound.channels <= 2 and codec in VORBIS):
        if codec in VORBIS[1:]:
            raise AvtoolsError(f"{target}: Vorbis is written for 1 or 2 channels; try libopus")
        # Vorbis would take the fourth of six channels for a subwoofer, and has its own order.
        return _write_coded(sound, path, target, "ogg", codec or "libopus", bitrate)
    if ending in PLAIN:
        if bitrate:
            raise AvtoolsError(f"{target}: --bitrate is not for this format (Opus takes it)")
        return _write_plain(sound, path, target, ending, codec)
    if ending not in CODED:
        can = " ".join([".wav", *PLAIN, *CODED])
        raise AvtoolsError(f"{target}: {ending} can't be written, expected one of {can}")
    if ending == ".wv" and sound.channels > 2:
        raise AvtoolsError(f"{target}: WavPack is written for 1 or 2 channels; try .flac or .wav")
    format, usual = CODED[ending]
    usual = KEPT.get((ending, sound.codec), usual)
    return _write_coded(sound, path, target, format, codec or usual, bitrate)


def _write_plain(sound: Sound, path: str, target: str, ending: str, codec: str | None) -> None:
    format, coding = PLAIN[ending]
    if codec is not None:
        coding = CODINGS.get(codec.removesuffix("le").removesuffix("be"))
        if coding is None or not soundfile.check_format(format, coding):
            raise AvtoolsError(f"{target}: a {ending} file can't hold {codec}")
    blocks = sound.blocks
    if coding.startswith("PCM"):
        blocks = clipped(blocks, sound.name, int(coding[4:]))
    written = 0
    try:
        with soundfile.SoundFile(
            path, "w", sound.rate, sound.channels, subtype=coding, format=format
        ) as out:
            for x in blocks:
                written += x.shape[-1]
                for first in range(0, x.shape[-1], PIECE):
                    out.write(x[:, first : first + PIECE].T)
        # What libsndfile could not write when it closed the file, it says to nobody.
        if soundfile.info(path).frames != written:
            raise AvtoolsError(f"{target}: could not be written; is the disk full?")
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
