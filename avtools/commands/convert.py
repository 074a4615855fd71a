"""Layouts. --from says how the ambisonic channels of the input are meant, --to what they shall
become: ambix (W, Y, Z, X; SN3D), fuma (W, X, Y, Z; W down by 3 dB), n3d, stereo, binaural or
mono. wxy is FuMa without height; youtube is the first order that YouTube serves as AAC tagged 5.1
(X, Y, W, -, Z, -), xywz what becomes of it when a decoder forces it into four channels. With
--from auto, marks in the file decide (SA3D, Opus, .amb, a mark of avtools in a pipe); four
channels without a mark are judged by their energies over the first ten seconds, and what was
taken is said on stderr; where that is not clear, nothing is converted and --from is asked for.

--to stereo makes two coincident microphones of the sound field: wy, two cardioids to the sides (L
= (W + Y) / 2), or xy, crossed figure-eights at 45 degrees. --to binaural is for headphones: a
spherical head by default, or the measured head of --hrir (a SOFA file, or a folder of stereo WAV
files named E<elevation>_A<azimuth>.wav); what comes out is about a millisecond late.

Formats. The ending of --output names the format. WAV is written as 32-bit float unless --codec
says otherwise (pcm_s16le, pcm_s24le, ...). Into a video, the codec stays in the family of the
input's.

Video. The sound of a video is taken by -o out.wav, or by a pipe. --video puts a sound into a
video: the picture is copied packet for packet, and the first sample is placed where the video's
own sound began (or its picture, if it has no sound). Ambisonic sound in a 360 video is marked
with SA3D; --spherical marks the picture itself as 360, so that players and YouTube know it. Where
the sound is not changed, it is copied too.
"""

from functools import partial
from typing import Annotated

from avtools.commands.options import (
    FROM,
    From,
    Inputs,
    Manner,
    Outputs,
    one_of,
    option,
)
from avtools.errors import AvtoolsError, say

TO = ("ambix", "fuma", "n3d", "stereo", "binaural", "mono")
PACKINGS = ("mono", "top-bottom", "left-right")
GUESS_SECONDS = (2.0, 5.0, 10.0)
# A conversion by a wrong guess spoils the sound without a trace: rather ask.
SURE = 0.9


def convert(
    inputs: Inputs,
    outputs: Outputs,
    manner: Manner,
    from_: From = "auto",
    to: Annotated[
        str | None,
        option(
            "--to",
            metavar="NAME",
            help="The layout to make: ambix, fuma, n3d, stereo, binaural, mono.",
        ),
    ] = None,
    rate: Annotated[
        int | None, option("--rate", metavar="HZ", min=1, max=768_000, help="Resample to this.")
    ] = None,
    by: Annotated[
        str | None,
        option("--by", metavar="wy|xy", help="The pair of microphones for --to stereo: wy or xy."),
    ] = None,
    hrir: Annotated[
        str | None,
        option(
            "--hrir", metavar="FILE|DIR", help="The head for --to binaural: SOFA, or WAV files."
        ),
    ] = None,
    video: Annotated[
        str | None,
        option(
            "--video",
            metavar="FILE|DIR",
            help="Put the sound into this video (or, from a folder, the one of the same name).",
        ),
    ] = None,
    spherical: Annotated[
        str | None,
        option(
            "--spherical",
            metavar="PACKING",
            help="Mark the picture as 360: mono, top-bottom or left-right.",
        ),
    ] = None,
):
    """Change layout, sampling rate or format; take sound from video, put it back.

    \b
    Examples:
      avtools convert old.wav --from fuma --to ambix -o new.wav
      avtools convert 360.mp4 --to binaural -o headphones.flac
      avtools convert foa.wav --video 360.mp4 -o with_sound.mp4
      avtools convert camera.mp4 --spherical mono -o for_youtube.mp4
      avtools convert talk.mp3 --rate 16000 --to mono | sox - -n stat
    """
    from avtools.each import filter_each

    one_of("--from", from_, FROM)
    if to is not None:
        one_of("--to", to, TO)
    if by is not None:
        one_of("--by", by, ("wy", "xy"))
        if to != "stereo":
            raise AvtoolsError("--by goes with --to stereo")
    if hrir is not None and to != "binaural":
        raise AvtoolsError("--hrir goes with --to binaural")
    if spherical is not None:
        one_of("--spherical", spherical, PACKINGS)
    change = partial(converted, from_=from_, to=to, rate=rate, by=by or "wy", hrir=hrir)
    changes = [from_ != "auto", to, rate, outputs.gain, outputs.codec, outputs.bitrate, video]
    unchanged = not any(changes) and inputs.channels is None and inputs.stream is None
    return filter_each(
        inputs, outputs, change, video=video, spherical=spherical, copy_sound=unchanged
    )


def converted(sound, from_="auto", to=None, rate=None, by="wy", hrir=None):
    from avtools.stream.conventions import convention_of, in_ambix

    if to is None and from_ != "auto":
        sound = in_ambix(sound, convention_of(sound, from_))
    elif to is not None:
        sound = in_layout(sound, from_, to, by)
    if rate is not None:
        from avtools.stream.resample import resampled

        sound = resampled(sound, rate)
    if to == "binaural":
        sound = binaural(sound, hrir)
    return sound


def in_layout(sound, from_: str, to: str, by: str):
    """The sound in another layout; for binaural, in AmbiX first."""
    import numpy as np

    from avtools.dsp.ambisonics import MONO, STEREO, from_ambix
    from avtools.stream.conventions import head_locked, in_ambix, marks_for

    if sound.channels <= 2 and from_ == "auto":
        return between_mono_and_stereo(sound, to)
    sound = in_ambix(sound, known_convention(sound, from_))
    locked = head_locked(sound)
    field = sound.channels - locked
    if to == "ambix":
        return sound
    marks = {k: v for k, v in sound.marks.items() if k == "source"}
    if to == "n3d":
        matrix = np.eye(sound.channels)
        matrix[:field, :field] = from_ambix("n3d", field)
        marks = marks_for(sound, "n3d", sound.channels, locked)
    elif to == "fuma":
        if field != 4:
            raise AvtoolsError(f"{sound.name}: {field} channels, but FuMa here is first order, 4")
        matrix, marks = from_ambix("fuma", 4), marks_for(sound, "fuma", 4)
    elif to == "binaural":
        matrix, marks = from_ambix("ambix", 4), marks_for(sound, "ambix", 4)
    else:
        matrix = MONO if to == "mono" else STEREO[by]
    return sound.through(_mixed, matrix, marks=marks, channels=len(matrix), label="")


def _mixed(blocks, matrix):
    """The first channels through the matrix; what more there is (head-locked stereo) is left."""
    from avtools.dsp.ambisonics import mix_blocks

    return mix_blocks((x[: matrix.shape[1]] for x in blocks), matrix)


def between_mono_and_stereo(sound, to: str):
    import numpy as np

    from avtools.dsp.ambisonics import mix_blocks

    if to not in ("mono", "stereo"):
        what = "mono" if sound.channels == 1 else "stereo"
        raise AvtoolsError(f"{sound.name}: {what}, which can't become {to}: that needs ambisonics")
    channels = 1 if to == "mono" else 2
    if channels == sound.channels:
        return sound
    matrix = np.full((channels, sound.channels), 0.5 if to == "mono" else 1.0)
    return sound.through(mix_blocks, matrix, channels=channels, label="")


def known_convention(sound, from_: str) -> str:
    """What is asked, marked, or clear from the energies; otherwise a refusal."""
    from avtools.dsp.ambisonics import order_of
    from avtools.stream.conventions import convention_of

    is_marked = "convention" in sound.marks or sound.label == "fuma"
    if from_ != "auto" or is_marked or not order_of(sound.channels):
        convention = convention_of(sound, from_)
        if from_ == "auto":
            say(f"{sound.name}: taken as {convention}: it is marked so")
        return convention
    convention, confidence = judged(sound)
    if convention is None or confidence < SURE:
        maybe = f" (perhaps {convention}, {confidence:.2f})" if convention else ""
        raise AvtoolsError(
            f"{sound.name}: its convention is not clear{maybe}; say --from ambix, fuma or n3d"
        )
    say(f"{sound.name}: taken as {convention}, by its energies (confidence {confidence:.2f})")
    return convention


def judged(sound) -> tuple[str | None, float]:
    """The convention by the first seconds, which stay in the sound: as few as make it sure."""
    from itertools import chain

    from avtools.dsp.layout import Survey

    kept, heard, told = [], 0, None
    for seconds in GUESS_SECONDS:
        for x in sound.blocks:
            kept.append(x.T.copy().T)
            heard += x.shape[-1]
            if heard >= seconds * sound.rate:
                break
        survey = Survey(sound.channels, sound.rate)
        for x in kept:
            survey.add(x)
        told = survey.report()
        if told.confidence >= SURE or heard < seconds * sound.rate:
            break
    sound.blocks = chain(kept, sound.blocks)
    known = told.convention in ("ambix", "fuma", "n3d")
    return (told.convention, told.confidence) if known else (None, 0.0)


def binaural(sound, hrir: str | None):
    from avtools.dsp.binaural import binaural_filters, convolve_blocks, spherical_head_filters

    if hrir is None:
        filters = spherical_head_filters(sound.rate)
    else:
        from avtools.stream.hrir import load_hrirs

        filters = binaural_filters(*load_hrirs(hrir, sound.rate), sound.rate)
    marks = {k: v for k, v in sound.marks.items() if k == "source"}
    return sound.through(convolve_blocks, filters, channels=2, marks=marks, label="")
