"""What the channels of a sound mean: asked, marked, or taken by rule; never guessed in silence."""

from dataclasses import replace

import numpy as np

from avtools.dsp.ambisonics import mix_blocks, order_of, to_ambix
from avtools.errors import AvtoolsError, note
from avtools.stream.sound import Sound

COUNTS = {"fuma": (4,), "wxy": (3,), "youtube": (6,), "xywz": (4,), "ambix": (), "n3d": ()}
SURROUND = ("5.1", "5.1(side)")


def convention_of(sound: Sound, wanted: str = "auto") -> str:
    """The ambisonic convention of a sound; refuses what is not ambisonic."""
    channels = sound.channels
    if wanted == "ambix+stereo":
        if not order_of(channels - 2):
            raise AvtoolsError(
                f"{sound.name}: {counted(channels)}, but ambix+stereo has 6 (or 11, 18, ...)"
            )
        sound.marks = sound.marks | {"head_locked": True}
        return "ambix"
    if wanted != "auto":
        _check_count(sound, wanted)
        return wanted
    marked = sound.marks.get("convention")
    if marked in COUNTS and _fits(sound, marked):
        return marked
    if marked == "beams":
        raise AvtoolsError(f"{sound.name}: {channels} beams of avtools beamform, not ambisonics")
    if sound.label == "fuma":
        _check_count(sound, "fuma")
        return "fuma"
    if channels == 6 and sound.label in SURROUND:
        raise AvtoolsError(
            f"{sound.name}: 6 channels tagged 5.1; if this is YouTube's first-order ambisonics, "
            "say --from youtube (5.1 surround itself is not known here)"
        )
    if channels == 3:
        raise AvtoolsError(
            f"{sound.name}: 3 channels; if this is ambisonics without height, say --from wxy"
        )
    if channels < 4 or not order_of(channels):
        cure = "; stereo is for gcc-phat and for doa --spacing" if channels == 2 else ""
        raise AvtoolsError(
            f"{sound.name}: {counted(channels)}, but first-order ambisonics has 4 (W, Y, Z, X)"
            + cure
        )
    note(f"{sound.name}: taken as AmbiX (W, Y, Z, X; SN3D): nothing says otherwise")
    return "ambix"


def counted(channels: int) -> str:
    return "1 channel" if channels == 1 else f"{channels} channels"


def head_locked(sound: Sound) -> int:
    """How many channels at the end are stereo that does not turn with the head: 0 or 2."""
    return 2 if sound.marks.get("head_locked") is True and order_of(sound.channels - 2) else 0


def _fits(sound: Sound, convention: str) -> bool:
    counts = COUNTS[convention]
    if counts:
        return sound.channels in counts
    return bool(order_of(sound.channels - head_locked(sound)))


def _check_count(sound: Sound, convention: str) -> None:
    if not _fits(sound, convention):
        counts = COUNTS[convention]
        expected = str(counts[0]) if counts else "4 (or 9, 16, ...)"
        raise AvtoolsError(
            f"{sound.name}: {counted(sound.channels)}, but {convention} has {expected}"
        )


def marks_for(sound: Sound, convention: str, channels: int, locked: int = 0) -> dict:
    """What the marks say of a sound that now has these channels in this convention."""
    marks = {k: v for k, v in sound.marks.items() if k == "source"}
    marks |= {"convention": convention, "order": order_of(channels - locked) or 1}
    return marks | {"head_locked": True} if locked else marks


def in_ambix(sound: Sound, convention: str) -> Sound:
    """The same sound as AmbiX, marked so; head-locked stereo after it stays as it is."""
    locked = 0 if COUNTS[convention] else head_locked(sound)
    matrix = to_ambix(convention, sound.channels - locked)
    if locked:
        rows, columns = matrix.shape
        whole = np.eye(rows + locked, columns + locked)
        whole[:rows, :columns] = matrix
        matrix = whole
    channels = len(matrix)
    marks = marks_for(sound, "ambix", channels, locked)
    if convention == "ambix":
        return replace(sound, marks=marks)
    return sound.through(mix_blocks, matrix, channels=channels, label="", marks=marks)


def first_order(sound: Sound, wanted: str = "auto") -> Sound:
    """First-order AmbiX (head-locked stereo may follow it); more only if the user chose four."""
    ambix = in_ambix(sound, convention_of(sound, wanted))
    if ambix.marks["order"] != 1:
        raise AvtoolsError(
            f"{sound.name}: {sound.channels} channels, but first-order ambisonics has 4 "
            "(W, Y, Z, X); --channels 0-3 takes the first order of more"
        )
    return ambix
