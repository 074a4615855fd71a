"""What the channels of a sound mean: asked, marked, or taken by rule; never guessed in silence."""

from avtools.dsp.ambisonics import mix_blocks, order_of, to_ambix
from avtools.errors import AvtoolsError, note
from avtools.stream.sound import Sound

COUNTS = {"fuma": (4,), "wxy": (3,), "youtube": (6,), "xywz": (4,), "ambix": (), "n3d": ()}
SURROUND = ("5.1", "5.1(side)")


def convention_of(sound: Sound, wanted: str = "auto") -> str:
    """The ambisonic convention of a sound; refuses what is not ambisonic."""
    channels = sound.channels
    if wanted != "auto":
        _check_count(sound, wanted)
        return wanted
    marked = sound.marks.get("convention")
    if marked in COUNTS and _fits(channels, marked, sound):
        return marked
    if sound.label == "fuma":
        _check_count(sound, "fuma")
        return "fuma"
    if channels == 6 and sound.label in SURROUND:
        raise AvtoolsError(
            f"{sound.name}: 6 channels tagged 5.1; if this is YouTube's first-order ambisonics, "
            "say --from youtube"
        )
    if channels == 3:
        raise AvtoolsError(
            f"{sound.name}: 3 channels; if this is ambisonics without height, say --from wxy"
        )
    if channels < 4 or not order_of(channels):
        raise AvtoolsError(
            f"{sound.name}: {counted(channels)}, but first-order ambisonics has 4 (W, Y, Z, X)"
        )
    note(f"{sound.name}: taken as AmbiX (W, Y, Z, X; SN3D): nothing says otherwise")
    return "ambix"


def counted(channels: int) -> str:
    return "1 channel" if channels == 1 else f"{channels} channels"


def _fits(channels: int, convention: str, sound: Sound) -> bool:
    locked = 2 if sound.marks.get("head_locked") is True else 0
    counts = COUNTS[convention]
    return channels in counts if counts else bool(order_of(channels - locked))


def _check_count(sound: Sound, convention: str) -> None:
    if not _fits(sound.channels, convention, sound):
        counts = COUNTS[convention]
        expected = str(counts[0]) if counts else "4 (or 9, 16, ...)"
        raise AvtoolsError(
            f"{sound.name}: {counted(sound.channels)}, but {convention} has {expected}"
        )


def in_ambix(sound: Sound, convention: str) -> Sound:
    """The same sound as AmbiX, marked so."""
    locked = sound.channels - 4 if sound.marks.get("head_locked") is True else 0
    channels = sound.channels - locked
    if convention != "ambix":
        matrix = to_ambix(convention, channels)
        sound = sound.through(mix_blocks, matrix, channels=len(matrix), label="")
        channels = len(matrix)
    marks = sound.marks | {"convention": "ambix", "order": order_of(channels)}
    sound.marks = marks
    return sound


def first_order(sound: Sound, wanted: str = "auto") -> Sound:
    """First-order AmbiX (head-locked stereo may follow it); more only if the user chose four."""
    convention = convention_of(sound, wanted)
    locked = sound.marks.get("head_locked") is True
    more = convention in ("ambix", "n3d") and sound.channels != 4 and not locked
    if more or sound.channels > 6:
        raise AvtoolsError(
            f"{sound.name}: {sound.channels} channels, but first-order ambisonics has 4 "
            "(W, Y, Z, X); --channels 0-3 takes the first order of more"
        )
    return in_ambix(sound, convention)
