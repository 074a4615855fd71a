"""The tests of the cascade: what each is called, which clips it is for, and at which stage it runs.

A test looks at a `View` (avtools/curate/cascade.py) and gives a `Verdict`. The tests themselves,
arrays in and verdicts out, have a file each.
"""

import os
from collections.abc import Callable, Sequence
from functools import lru_cache

from avtools.curate.verdict import Verdict
from avtools.errors import AvtoolsError

TEST_RATE = 16_000
# With fewer keyframes in a clip, movement and faces are looked for in its frames.
KEYFRAMES = 3
FACE_PICTURES = 6


def silence(view) -> Verdict:
    from avtools.curate.loudness import loudness

    return loudness(view.test_sound, TEST_RATE)


def stereo(view) -> Verdict:
    from avtools.curate.stereo import stereo

    return stereo(view.test_sound)


def off_centre(view) -> Verdict:
    from avtools.curate.off_centre import off_centre

    return off_centre(view.test_sound, TEST_RATE, share=view.settings.off_centre)


def ambisonic(view) -> Verdict:
    """Of what was put in order by the convention that the file, its dataset or the user names, or
    else is taken for AmbiX. A name is no evidence here: what is named wrongly is to be found."""
    from avtools.curate.ambisonic import ambisonic

    channels = len(view.sound)
    if channels != 4:
        said = f"{channels} channels: expected ambisonics; --from says how they are meant"
        return Verdict({}, (said,))
    found = ambisonic(
        view.test_sound,
        TEST_RATE,
        expected="ambix",
        allow_flat=not view.clip.has_height,
    )
    figures = dict(found.figures)
    figures["heard_as"] = figures.pop("convention")
    return Verdict(figures, found.reasons)


def production(view) -> Verdict:
    from avtools.curate.production import production

    sound = view.test_sound
    return production(sound, TEST_RATE) if len(sound) == 4 else Verdict()


def still_keyframes(view) -> Verdict:
    from avtools.curate.stills import stills

    _, pictures = view.keyframes
    return stills(pictures) if len(pictures) >= KEYFRAMES else Verdict()


def still(view) -> Verdict:
    from avtools.curate.stills import stills

    return stills(view.frames)


def faces_keyframes(view) -> Verdict:
    times, pictures = view.keyframes
    return _faces(view, times, pictures) if len(pictures) >= KEYFRAMES else Verdict()


def faces(view) -> Verdict:
    """Of some frames, where keyframes were too few."""
    if len(view.keyframes[0]) >= KEYFRAMES:
        return Verdict()
    step = max(1, len(view.frames) // FACE_PICTURES)
    times = [k / view.settings.fps for k in range(0, len(view.frames), step)]
    return _faces(view, times, view.frames[::step])


def _faces(view, times: Sequence[float], pictures) -> Verdict:
    from avtools.curate.faces import faces

    found = _detector(view.settings.detector).detect(
        pictures,
        file=view.clip.video,
        times=[view.clip.start + time for time in times],
        size=(view.facts["width"], view.facts["height"]),
    )
    return faces(found)


@lru_cache(maxsize=1)
def _detector(spec: str):
    """Loaded once in each process."""
    from avtools.faces import detector

    return detector(spec)


def checked_detector(spec: str) -> str:
    """The detector with its file's whole path, as processes in other folders need it; that it can
    be had is better found out now than by every clip."""
    name, colon, path = spec.partition(":")
    spec = f"{name}{colon}{os.path.abspath(path)}" if path else spec
    try:
        _detector(spec)
    except ValueError as error:
        raise AvtoolsError(f"--detector {spec}: {error}") from error
    return spec


def signature(view) -> Verdict:
    """What copies are known by; whether it is one is told at the end of the run."""
    from avtools.curate.signature import signature

    return Verdict({"signature": signature(view.test_sound, TEST_RATE, view.frames)})


TESTS: dict[str, tuple[tuple[str, ...], dict[str, Callable]]] = {
    "silence": (("stereo", "360"), {"audio": silence}),
    "stereo": (("stereo",), {"audio": stereo}),
    "off-centre": (("stereo",), {"audio": off_centre}),
    # A voice-over makes a field improbable: what it is shall be said, so it comes first.
    "production": (("360",), {"audio": production}),
    "ambisonic": (("360",), {"audio": ambisonic}),
    "still": (("stereo", "360"), {"keyframes": still_keyframes, "full": still}),
    "faces": (("stereo", "360"), {"keyframes": faces_keyframes, "full": faces}),
    "duplicates": (("stereo", "360"), {"full": signature}),
}


def copies(found: list[tuple[str, str]]) -> dict[str, str]:
    """Clip -> the first clip that it is a copy of, of (clip, signature) in their order."""
    from avtools.curate.duplicates import first_of_each

    firsts = first_of_each([text for _, text in found])
    pairs = zip(found, firsts.tolist(), strict=True)
    return {clip: found[first][0] for (clip, _), first in pairs if first >= 0}


def names(kind: str) -> tuple[str, ...]:
    """The tests for clips of this kind, in their order."""
    return tuple(name for name, (kinds, _) in TESTS.items() if kind in kinds)


def of_stage(stage: str, settings) -> list[Callable]:
    chosen = (stages for name, (_, stages) in TESTS.items() if name in settings.tests)
    return [stages[stage] for stages in chosen if stage in stages]


def chosen(
    kind: str, only: str | None, skipped: str | None, detector: str | None
) -> tuple[str, ...]:
    """The tests that --tests, --skip and --detector ask for."""
    known = names(kind)
    if only is not None and skipped is not None:
        raise AvtoolsError("give only one of --tests and --skip")
    listed = [name.strip() for name in (only or skipped or "").split(",") if name.strip()]
    for name in listed:
        if name not in known:
            option = "--tests" if skipped is None else "--skip"
            raise AvtoolsError(f"{option} {name}: expected some of {', '.join(known)}")
    taken = listed if only is not None else [name for name in known if name not in listed]
    if detector is None and only is not None and "faces" in listed:
        raise AvtoolsError("the test faces needs a --detector, as in --detector haar")
    if detector is not None and "faces" not in taken:
        raise AvtoolsError("--detector is for the test faces, which is left out")
    return tuple(n for n in known if n in taken and (n != "faces" or detector is not None))
