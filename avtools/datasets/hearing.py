"""The sound of a clip: its window, in the rate asked for, its channels as everywhere here."""

import math
import os
from dataclasses import replace

import numpy as np

from avtools.datasets.clip import Clip, span
from avtools.dsp.ambisonics import order_of
from avtools.errors import AvtoolsError, note
from avtools.stream.clock import sound_begins
from avtools.stream.conventions import COUNTS, convention_of, counted, head_locked, in_ambix
from avtools.stream.files import open_sound
from avtools.stream.resample import resampled
from avtools.stream.sound import Blocks, Sound, choose, window

# A resampling filter must hear a little of what lies around the window.
MARGIN_SECONDS = 0.05
# Reading begins at whole multiples of 1/25 s: these are whole samples at all common rates, so that
# the samples of a window, resampled, lie where those of the whole would.
GRID = 25


def hear(
    clip: Clip, rate: int | None, start: float, duration: float | None
) -> tuple[np.ndarray, int]:
    if clip.sound is None:
        raise AvtoolsError(f"{clip.key}: a clip without sound")
    if rate is not None and rate <= 0:
        raise ValueError(f"rate {rate}: expected samples a second")
    first, length = span(clip, start, duration)
    if os.path.isdir(clip.sound):
        from avtools.datasets.pieces import open_pieces

        begins, open_from = 0.0, open_pieces
    else:
        begins, open_from = sound_begins(clip.sound), open_sound
    # The sound may begin later than the file: what comes before is silence.
    first -= begins
    early = max(0.0, math.floor((first - MARGIN_SECONDS) * GRID) / GRID)
    until = None if length is None else max(0.0, first + length + MARGIN_SECONDS - early)
    with open_from(clip.sound, start=early, duration=until) as opened:
        sound = as_meant(opened, clip)
        sound = sound if rate is None else resampled(sound, rate)
        skip = round(max(0.0, first) * sound.rate) - round(early * sound.rate)
        missing = max(0, -round(first * sound.rate))
        count = None if length is None else round(length * sound.rate)
        taken = _gathered(sound, skip, count, missing)
    if count is not None and clip.is_padded and taken.shape[-1] < count:
        taken = np.pad(taken, ((0, 0), (0, count - taken.shape[-1])))
    if not taken.shape[-1]:
        raise AvtoolsError(f"{clip.sound}: no sound from {first + begins:g} s on")
    return taken, sound.rate


def _gathered(sound: Sound, skip: int, count: int | None, missing: int) -> np.ndarray:
    """The window as one array, after `missing` samples of silence."""
    missing = missing if count is None else min(missing, count)
    blocks = window(sound.blocks, skip, None if count is None else count - missing)
    # A block is valid until the next one is asked for.
    parts = [np.zeros((sound.channels, missing), np.float32)] + [
        x.astype(np.float32) for x in blocks
    ]
    return np.ascontiguousarray(np.concatenate(parts, axis=1))


def as_meant(sound: Sound, clip: Clip) -> Sound:
    """First-order AmbiX where the channels are ambisonics, else the sound as it is."""
    convention = clip.convention
    if convention == "stereo" and sound.channels != 2:
        raise AvtoolsError(f"{sound.name}: {counted(sound.channels)}, expected stereo")
    if convention in ("stereo", "mic") or (convention is None and not _is_ambisonic(sound)):
        return sound
    if convention == "youtube":
        convention = _youtube(sound)
    ambix = in_ambix(sound, convention_of(sound, convention or "auto"))
    return _first_four(ambix)


def _is_ambisonic(sound: Sound) -> bool:
    """By its marks or its label; four channels (9, 16, ...) that say nothing are AmbiX."""
    if sound.marks.get("convention") in COUNTS or sound.label == "fuma":
        return True
    return sound.channels > 1 and bool(order_of(sound.channels)) and "convention" not in sound.marks


def _youtube(sound: Sound) -> str:
    """What YouTube's ambisonics is in this coding.

    AAC is tagged 5.1 and holds X, Y, W, -, Z, -; Opus and Vorbis hold AmbiX. Four channels of AAC
    were made by somebody from one or the other: AmbiX is their only order that is not a mistake.
    """
    if sound.marks.get("convention") in COUNTS:
        return "auto"
    if sound.codec in ("opus", "vorbis") or sound.channels == 4:
        if sound.codec not in ("opus", "vorbis"):
            note(f"{sound.name}: 4 channels in {sound.codec}, not YouTube's 6: taken as AmbiX")
        return "auto"
    return "youtube"


def _first_four(sound: Sound) -> Sound:
    if sound.channels == 4:
        return sound
    marks = {k: v for k, v in sound.marks.items() if k != "head_locked"} | {"order": 1}
    if not head_locked(sound) and not order_of(sound.channels):
        raise AvtoolsError(f"{sound.name}: {counted(sound.channels)}, expected ambisonics")
    return replace(
        sound, blocks=_copied(choose(sound.blocks, [0, 1, 2, 3])), channels=4, marks=marks
    )


def _copied(blocks: Blocks) -> Blocks:
    """In memory of their own, samples side by side, as the resampler takes them."""
    for x in blocks:
        yield np.ascontiguousarray(x.T).T
