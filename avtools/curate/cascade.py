"""One clip through all tests, the cheapest first: it stops at the first stage that it fails.

container   what the survey knows: channels, length, whether the file is cut off
audio       the window's sound is decoded: whole, undamaged, level, left and right, the sound field
keyframes   a few pictures: whether anything moves, faces
full        the window's picture in full; only here is it known to be whole and undamaged
pack        what passed is written down for the shards

What is known when a clip fails is kept. A stage's tests stand in `TESTS` (avtools/curate/tests.py).
"""

import contextlib
import copy
import os
import traceback
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from avtools.curate.complete import complete, numbers, undamaged
from avtools.curate.plan import Planned
from avtools.curate.settings import Settings
from avtools.curate.survey import decoder_errors, is_whole, without_name
from avtools.curate.tests import checked_detector, of_stage
from avtools.curate.verdict import Verdict
from avtools.datasets.clip import Clip
from avtools.errors import AvtoolsError, reason
from avtools.stream.damage import Damage, counted

TEST_RATE = 16_000
KEYFRAME_WIDTH = 512  # what faces are looked for in
# With fewer pictures than the first, movement can't be seen: then tests look at the second number.
FEWEST_PICTURES, CLOSER_PICTURES = 2, 12
# A longer time without a picture or a sound, in seconds, is a hole in a damaged file; and so many
# pictures of the file, where these come slower.
HOLE_SECONDS, HOLE_PICTURES = 1.0, 4


class View:
    """A clip as the tests see it; nothing is decoded before it is asked for."""

    def __init__(self, planned: Planned, settings: Settings):
        convention = planned.clip.convention or settings.convention
        self.clip: Clip = replace(planned.clip, convention=convention)
        self.facts = planned.facts or {}
        self.settings = settings

    @property
    def sound(self) -> np.ndarray:
        """`(channels, samples)` at the rate of the shards; what is no number is 0."""
        return self._heard[0]

    @property
    def bad(self) -> float:
        """The share of the sound's samples that were no numbers."""
        return self._heard[1]

    @property
    def sound_damage(self) -> Damage:
        return self._heard[2]

    @cached_property
    def _heard(self) -> tuple[np.ndarray, float, Damage]:
        with self._counted(self.clip.sound, HOLE_SECONDS) as damage:
            sound, _ = self.clip.hear(self.settings.rate)
        bad = 1 - float(np.isfinite(sound).mean()) if sound.size else 0.0
        return np.nan_to_num(sound, posinf=0, neginf=0), bad, damage

    @cached_property
    def test_sound(self) -> np.ndarray:
        """At the rate for which the tests are made."""
        if self.settings.rate == TEST_RATE:
            return self.sound
        import soxr

        return soxr.resample(self.sound.T, self.settings.rate, TEST_RATE).T.astype(np.float32)

    @cached_property
    def keyframes(self) -> tuple[list[float], np.ndarray]:
        """Times from the clip's start, and pictures `(n, height, width, 3)`; none where a window
        lies between two keyframes."""
        if os.path.isdir(self.clip.video):
            return [], np.zeros((0, 1, 1, 3), np.uint8)
        from avtools.stream.clock import file_begins
        from avtools.stream.video import frames

        begin = file_begins(self.clip.video) + self.clip.start
        found = frames(
            self.clip.video,
            start=round(begin, 6),
            duration=self.clip.duration,
            size=self._scaled(longest=KEYFRAME_WIDTH),
            keyframes=True,
        )
        times, pictures = zip(*found, strict=True) if (found := list(found)) else ((), ())
        stacked = np.stack(pictures) if pictures else np.zeros((0, 1, 1, 3), np.uint8)
        return [time - begin for time in times], stacked

    @property
    def frames(self) -> np.ndarray:
        """`(n, height, width, 3)`, as they go into the shards."""
        return self._seen[0]

    @property
    def picture_damage(self) -> Damage:
        return self._seen[1]

    @cached_property
    def _seen(self) -> tuple[np.ndarray, Damage]:
        # Between two pictures that are asked for others are left out on purpose.
        rates = [self.settings.fps / 2, (self.facts.get("fps") or np.inf) / HOLE_PICTURES]
        with self._counted(self.clip.video, max(HOLE_SECONDS, *(1 / r for r in rates))) as damage:
            size = self._scaled(shortest=self.settings.size)
            return self.clip.see(self.settings.fps, size), damage

    def _counted(self, path: str, gap: float) -> contextlib.AbstractContextManager[Damage]:
        from avtools.stream.clock import file_begins

        begin = self.clip.start + (0.0 if os.path.isdir(path) else file_begins(path))
        return counted(begin, begin + self.clip.duration, gap)

    def closer(self) -> "View":
        """The same clip with more pictures, where there are too few for a test."""
        if len(self.frames) >= FEWEST_PICTURES:
            return self
        more = copy.copy(self)  # the sound, where it is decoded, with it
        more.settings = replace(self.settings, fps=CLOSER_PICTURES / self.clip.duration)
        more.__dict__.pop("_seen")
        return more

    def _scaled(self, shortest: int | None = None, longest: int | None = None) -> tuple[int, int]:
        """Width and height with the shape kept, never enlarged; even, as codecs like it."""
        width, height = self.facts["width"], self.facts["height"]
        side, wanted = (min(width, height), shortest) if shortest else (max(width, height), longest)
        factor = min(1.0, wanted / side)
        return tuple(max(2, 2 * round(factor * length / 2)) for length in (width, height))


def judged(group: Iterable[Planned], settings: Settings, shelf: str | None) -> list:
    """(clip, record) of each clip of a group: a task of the engine. `shelf`: where what passes is
    packed."""
    if settings.detector is not None:
        checked_detector(settings.detector)  # where it is missing no clip is to blame: the run ends
    return [(planned.clip.key, judge(planned, settings, shelf)) for planned in group]


def lost_clip(planned: Planned) -> tuple[str, dict]:
    return planned.clip.key, _record(planned, "full", "crashes the decoder", {})


def judge(planned: Planned, settings: Settings, shelf: str | None) -> dict:
    view, figures, stage = View(planned, settings), {}, "container"
    try:
        for stage, check in STAGES:
            for verdict in check(view):
                figures |= verdict.figures
                if verdict.reasons:
                    return _record(planned, stage, "; ".join(verdict.reasons), figures)
    except (AvtoolsError, ValueError, OSError, *decoder_errors()) as error:
        return _record(planned, stage, f"unreadable: {without_name(planned.clip, error)}", figures)
    except MemoryError:
        return _record(planned, stage, "unreadable: out of memory", figures)
    except Exception as error:
        record = _record(planned, stage, f"a bug in avtools: {reason(error)}", figures)
        return record | {"bug": traceback.format_exc()}  # and is tried again by the next run
    if shelf is not None:
        _pack(view, _plain_figures(figures), Path(shelf))
    return _record(planned, stage, None, figures)


def _pack(view: View, figures: dict, shelf: Path) -> None:
    """What fails here is no fault of the clip: a full disk, say, which ends the run."""
    from avtools.curate.packing import pack_clip

    try:
        pack_clip(view, figures, shelf)
    except (ValueError, OSError) as error:
        raise AvtoolsError(f"{shelf}: {reason(error)}") from error


def _record(planned: Planned, stage: str, why: str | None, figures: dict) -> dict:
    from avtools.curate.survey import stamp

    return {
        "stamp": stamp(planned.clip),
        "stage": stage,
        "reason": why,
        "figures": _plain_figures(figures),
    }


def _plain_figures(figures: dict) -> dict:
    return {name: _plain(value) for name, value in figures.items()}


def _plain(value: object) -> object:
    """As JSON takes it: NaN is what is missing."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    return value


def _container(view: View):
    if not is_whole(view.clip, view.facts):
        seconds = max(0.0, view.facts["whole"] - view.clip.start)
        yield Verdict({}, (f"truncated: {seconds:.2f} s, expected {view.clip.duration:.2f} s",))


def _audio(view: View):
    expected, seconds = view.clip.duration, view.sound.shape[-1] / view.settings.rate
    heard = complete(expected, seconds, expected)
    yield Verdict({"sound_seconds": seconds}, heard.reasons)
    met = view.sound_damage
    yield undamaged("pieces of sound", met.damaged, met.decoded, met.lost_seconds, expected)
    yield numbers(view.bad)
    for test in of_stage("audio", view.settings):
        yield test(view)


def _keyframes(view: View):
    for test in of_stage("keyframes", view.settings):
        yield test(view)


def _full(view: View):
    expected, fps = view.clip.duration, view.settings.fps
    # A picture is shown until the next one: the last lasts as long as the clip may go on.
    seconds = min(expected, (len(view.frames) + 1) / fps)
    seen = complete(expected, expected, seconds)
    yield Verdict({"picture_seconds": len(view.frames) / fps}, seen.reasons)
    met = view.picture_damage
    # A picture that stands for long is no hole by itself: some cameras leave out what is the same.
    lost = met.lost_seconds if met.damaged else 0.0
    yield undamaged("pictures", met.damaged, met.decoded, lost, expected)
    closer = view.closer()
    for test in of_stage("full", view.settings):
        yield test(closer)


STAGES = (
    ("container", _container),
    ("audio", _audio),
    ("keyframes", _keyframes),
    ("full", _full),
)
