"""What the channels of a sound are: known answers, what must not be said, and how often it errs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avtools.dsp.ambisonics import encode, from_ambix
from avtools.dsp.findings import FAULTS, REMARKS, is_fault
from avtools.dsp.layout import Report, Survey, guess
from tests.scenes import DATA, needs_data

RATE = 48000
CONVENTIONS = ("ambix", "n3d", "fuma")
# Three sources at the usual heights; the horizon alone would leave Z empty.
DIRECTIONS = ((20, 5), (-75, -12), (140, 25))


def survey(x: np.ndarray, rate: int = RATE, **hints) -> Report:
    found = Survey(len(x), rate)
    found.add(x)
    return found.report(**hints)


def talk(seconds: float = 3.0, seed: int = 0) -> np.ndarray:
    """Noise of changing colour that comes and goes like syllables, `(samples,)`."""
    random = np.random.default_rng(seed)
    n = int(seconds * RATE)
    spectrum = np.fft.rfft(random.standard_normal(n))
    f = np.fft.rfftfreq(n, 1 / RATE)
    centre = 10 ** random.uniform(2.5, 3.3)
    x = np.fft.irfft(spectrum * np.exp(-(np.log(np.maximum(f, 1) / centre) ** 2)), n)
    beats = np.repeat(random.uniform(0, 1, n // 6000 + 1) ** 2, 6000)[:n]
    return 0.1 * x * beats / x.std()


def room(x: np.ndarray, seed: int, seconds: float = 0.4) -> np.ndarray:
    """A decaying tail of `x` that is unrelated to any other seed's."""
    n = int(seconds * RATE)
    tail = np.random.default_rng(seed).standard_normal(n) * 10 ** (-3 * np.arange(n) / n)
    size = len(x) + n
    y = np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(tail / np.linalg.norm(tail), size), size)
    return y[: len(x)]


def scene(directions=DIRECTIONS, seed: int = 0, diffuse: float = 0.2) -> np.ndarray:
    """AmbiX of several sources, and a diffuse field of thirty more, `(4, samples)`."""
    sounds = [talk(seed=10 * seed + i) for i in range(len(directions))]
    field = sum(np.outer(encode(*d), s) for d, s in zip(directions, sounds, strict=True))
    random = np.random.default_rng(seed)
    for _ in range(30):
        u = random.standard_normal(3)
        u /= np.linalg.norm(u)
        gains = np.array([1, u[1], u[2], u[0]])
        field += diffuse * 0.02 * np.outer(gains, random.standard_normal(field.shape[1]))
    return field.astype(np.float32)


def youtube(x: np.ndarray) -> np.ndarray:
    w, y, z, front = x
    return np.stack([front, y, w, 0 * w, z, 0 * w])


def unrelated(channels: int) -> np.ndarray:
    return np.stack([talk(seed=50 + c) for c in range(channels)]).astype(np.float32)


def starts(findings: list[str], phrase: str) -> bool:
    return any(f == phrase or f.startswith((phrase + ":", phrase + " ")) for f in findings)


# -- ambisonics ---------------------------------------------------------------------------------


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("seed", range(3))
def test_conventions_of_scenes(convention, seed):
    found = survey(from_ambix(convention, 4) @ scene(seed=seed))
    assert (found.layout, found.convention) == ("ambisonic 1", convention)
    assert found.confidence > 0.7
    assert found.problems == [] and found.verdict == "fine"


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("direction", [(20, 60), (85, 5), (-120, -40), (170, 10)])
def test_conventions_of_a_lone_wave(convention, direction):
    """Its ratio is exact, so a tenth of a second is enough."""
    s = np.random.default_rng(3).standard_normal(4800) * 0.1
    x = from_ambix(convention, 4) @ np.outer(encode(*direction), s)
    found, confidence = guess(x, RATE)
    assert found == convention and confidence > 0.8


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("direction", [(0, 60), (90, 5), (180, 0), (0, 90), (45, 35.26)])
def test_a_lone_wave_on_an_axis_is_never_surely_wrong(convention, direction):
    """It leaves a channel empty, and the rest may be another convention without height."""
    s = np.random.default_rng(3).standard_normal(4800) * 0.1
    found, confidence = guess(from_ambix(convention, 4) @ np.outer(encode(*direction), s), RATE)
    assert found in (convention, None) or confidence < 0.9


def test_ratio_is_that_of_the_convention():
    for convention, ratio in zip(CONVENTIONS, (1, 3, 2), strict=True):
        found = survey(from_ambix(convention, 4) @ scene())
        assert found.ratio_db == pytest.approx(10 * np.log10(ratio), abs=0.3)


def test_a_sum_of_probabilities_is_one():
    for x in (scene(), unrelated(4)):
        assert sum(survey(x).probabilities.values()) == pytest.approx(1)


def test_youtube_is_not_surround():
    for label in ("5.1", "5.1(side)", ""):
        found = survey(youtube(scene()), label=label)
        assert (found.layout, found.convention) == ("ambisonic 1", "youtube")
        assert found.confidence > 0.9
        assert starts(found.problems, "5.1-tagged ambisonics") == bool(label)
    assert not starts(found.problems, "dead channel"), "LFE and BR are meant to be empty"


def test_surround_is_not_youtube():
    s = unrelated(6)
    s[3] = 0
    found = survey(s, label="5.1")
    assert (found.layout, found.convention, found.problems) == ("5.1", None, [])
    s[5] = 0  # the slots of YouTube's ambisonics, but no sound field
    found = survey(s, label="5.1")
    assert (found.layout, found.convention) == ("5.1", None)
    assert found.problems == ["dead channel 5"]


def test_youtube_read_as_four_channels():
    w, y, z, x = scene()
    found = survey(np.stack([x, y, w, z * 0.707]))
    assert found.convention == "xywz"
    assert starts(found.problems, "shuffled channels")
    assert guess(np.stack([x, y, w, z * 0.707]), RATE)[0] is None


def test_head_locked_stereo():
    x = np.concatenate([scene(), unrelated(2)])
    found = survey(x)
    assert (found.layout, found.convention) == ("ambisonic 1 + stereo", "ambix")
    assert "head-locked stereo" in found.remarks and found.problems == []
    assert survey(unrelated(6)).layout == "unknown"


@pytest.mark.parametrize("convention, z", [("ambix", 2), ("n3d", 2), ("fuma", 3)])
def test_missing_height(convention, z):
    x = from_ambix(convention, 4) @ scene()
    x[z] = 0
    found = survey(x)
    assert found.problems == ["missing Z"]
    assert found.convention == convention


def test_three_channels():
    w, y, _, x = scene()
    found = survey(np.stack([w, x, y]))
    assert (found.layout, found.convention) == ("ambisonic 1", "wxy")
    assert starts(found.problems, "missing Z")
    assert survey(unrelated(3)).layout == "unknown"


def test_higher_orders():
    """Components of degree 2 of plane waves, by the definition of SN3D."""
    directions = np.deg2rad(DIRECTIONS)
    field = 0
    for i, (a, e) in enumerate(directions):
        x, y, z = np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)
        r3 = 3**0.5
        second = [r3 * x * y, r3 * y * z, (3 * z**2 - 1) / 2, r3 * x * z, r3 / 2 * (x**2 - y**2)]
        field = field + np.outer([1, y, z, x, *second], talk(seed=i))
    for convention in ("ambix", "n3d"):
        found = survey(from_ambix(convention, 9) @ field)
        assert (found.layout, found.convention) == ("ambisonic 2", convention)
        assert found.confidence > 0.9
    both = np.concatenate([field, unrelated(2)])
    assert survey(both).layout == "ambisonic 2 + stereo"
    assert survey(unrelated(9)).layout == "unknown"


# -- what must not be called ambisonics -----------------------------------------------------------


def spaced_microphones() -> np.ndarray:
    sounds = [talk(seed=i) for i in range(2)]
    shifts = np.random.default_rng(0).integers(0, 60, (4, 2))
    return np.stack([sum(np.roll(s, k) for s, k in zip(sounds, d, strict=True)) for d in shifts])


def panned() -> np.ndarray:
    """A mix for four loudspeakers, each sound between two of them."""
    gains = np.array([[0.8, 0.6, 0, 0], [0, 0.5, 0, 0.9], [0, 0, 1, 0], [0.3, 0, 0.95, 0]])
    return gains.T @ unrelated(4)


@pytest.mark.parametrize(
    "x",
    [unrelated(4), spaced_microphones(), panned(), np.tile(talk(), (4, 1))],
    ids=["stems", "spaced", "panned", "copies"],
)
@pytest.mark.parametrize("label", ["", "quad"])
def test_not_ambisonic(x, label):
    found = survey(x, label=label)
    assert found.layout == (label or "unknown") and found.convention is None
    assert found.confidence > 0.5
    assert guess(x, RATE)[0] is None


def test_equal_unrelated_noise_is_no_sure_n3d():
    """It has the very covariance of a diffuse field in N3D."""
    x = np.random.default_rng(0).standard_normal((4, 3 * RATE)) * 0.1
    assert survey(x).convention is None


# -- what the container says ----------------------------------------------------------------------


def test_marks_are_believed_unless_the_sound_is_against_them():
    x = scene()
    assert survey(x, marked="ambix").problems == []
    assert survey(x, label="ambisonic 1").remarks == []
    wrong = survey(from_ambix("fuma", 4) @ x, marked="n3d")
    assert starts(wrong.problems, "contradicts metadata") or wrong.convention == "n3d"
    lone = np.outer(encode(40, 20), talk())
    for actual, marked in (("n3d", "ambix"), ("ambix", "fuma")):
        found = survey(from_ambix(actual, 4) @ lone, marked=marked)
        assert f"contradicts metadata: {actual}" in found.problems
    assert starts(survey(unrelated(2), marked="ambix").problems, "contradicts metadata")


def test_metadata_is_missed_only_under_a_360_picture():
    assert "unmarked ambisonics" in survey(scene()).remarks
    assert "no spatial metadata" in survey(scene(), picture_360=True).problems
    assert survey(scene(), picture_360=True, marked="ambix").problems == []
    assert "no ambisonics" in survey(unrelated(2), picture_360=True).remarks


# -- stereo ---------------------------------------------------------------------------------------


def two(left, right) -> Report:
    return survey(np.stack([left, right]), label="stereo")


def test_stereo():
    a, b = talk(seed=1), talk(seed=2)
    mix = two(a + 0.4 * b, 0.5 * a + b)
    assert (mix.layout, mix.convention, mix.problems, mix.remarks) == ("stereo", None, [], [])
    assert two(a, a).problems == ["dual mono"]
    assert starts(two(a + 0.03 * b, a - 0.03 * b).problems, "near mono")
    assert two(a + 0.2 * b, a - 0.2 * b).problems == [], "a narrow mix is not near mono"
    assert two(a, -a).problems == ["inverted polarity"]
    panned = two(a, 0.5 * a)
    assert panned.problems == [] and starts(panned.remarks, "panned mono")
    assert starts(two(a, -0.4 * a + 0.5 * b).remarks, "out of phase")
    assert two(a, 0 * a).problems == ["dead channel 1"]
    assert two(1e-5 * a, a).problems == ["silent channel 0"]
    assert starts(two(a, 0.05 * b).remarks, "one-sided")


# -- damage ---------------------------------------------------------------------------------------


def test_clipping_is_counted_and_timed():
    x = 0.5 * np.sin(2 * np.pi * 100 * np.arange(2 * RATE) / RATE)[None]
    assert survey(x).problems == []
    x[0, 30000:30002] = 1.0  # two samples are a peak
    assert survey(x).problems == []
    x[0, 40958:40963] = 32767 / 32768  # over the edge of two chunks
    x[0, 60000:60003] = -1.0
    found = survey(x)
    assert found.clipped_runs == 2 and found.first_clip == 40958 / RATE
    assert found.problems == ["clipping: 2 runs from 0.853 s"]


def test_nan_and_infinity():
    x = scene()
    whole = survey(x)
    x[1, 50000] = np.nan
    x[2, 60000] = np.inf
    found = survey(x)
    assert found.bad_samples == 2 and found.first_bad == 50000 / RATE
    assert "nan: 2 from 1.042 s" in found.problems
    assert found.convention == whole.convention and np.isfinite(found.level_db).all()
    assert survey(np.full((4, 9000), np.nan, np.float32)).problems[0] == "silent"
    huge = survey(scene() * np.float32(1e25))
    assert huge.convention == "ambix" and huge.bad_samples == 0


def test_dc_offset():
    x = talk()[None]
    assert survey(x).problems == []
    assert starts(survey(x + 0.02).problems, "dc offset")
    slow = 0.3 * np.sin(np.pi * np.arange(2000) / 2000)[None]
    assert survey(slow).problems == [], "half a period is not an offset"


def test_over_full_scale_is_a_remark():
    x = 0.1 * talk()[None]
    x[0, 5000] = 1.5
    found = survey(x)
    assert found.problems == [] and found.remarks == ["over full scale: 3.5 dB"]


def test_silence():
    for channels in (1, 2, 4, 6):
        found = survey(np.zeros((channels, 10000)))
        assert found.problems == ["silent"] and found.convention is None
        assert Survey(channels, RATE).report().problems == ["empty"]
    assert survey(np.full((2, 9000), 1e-5)).problems == ["silent"]
    assert guess(np.zeros((4, 0)), RATE) == (None, 0.0)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6, 9, 11])
def test_one_sample(channels):
    found = survey(np.linspace(0.1, 0.5, channels)[:, None])
    assert found.seconds == 1 / RATE
    assert found.convention is None or channels in (4, 6)
    for finding in found.problems:
        assert is_fault(finding)


def test_every_finding_is_documented():
    phrases = set(FAULTS) | set(REMARKS)
    assert not any(is_fault(r) for r in REMARKS)
    assert not any(c in p for p in phrases for c in ",;")


# -- streaming ------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 3 * RATE), max_size=8), st.integers(1, 3))
def test_every_split_gives_the_same_report(cuts, seed):
    x = scene(DIRECTIONS[:seed], seed)
    x[0, 4094:4099] = 1.0
    found = Survey(4, RATE)
    reused = np.empty((len(x[0]), 4), np.float32)
    for block in np.split(x, sorted(cuts), axis=1):
        view = reused[: block.shape[1]].T  # as readers do: one memory, filled again and again
        view[:] = block
        found.add(view)
        reused[: block.shape[1]] = np.nan
    assert found.report() == survey(x)


def test_long_sounds_keep_memory_and_answer():
    found = Survey(4, RATE)
    x = scene()
    for _ in range(40):
        found.add(x)
    assert len(found._sample.kept) <= 512
    assert found.report().convention == "ambix"


def test_wrong_shapes():
    with pytest.raises(ValueError, match="expected"):
        Survey(0, RATE)
    with pytest.raises(ValueError, match="expected"):
        Survey(2, RATE).add(np.zeros((3, 10)))
    with pytest.raises(ValueError, match="expected"):
        guess(np.zeros((2, 10)), RATE)


# -- real recordings ------------------------------------------------------------------------------


def recording(*names: str) -> tuple[np.ndarray, int]:
    import soundfile

    parts = [soundfile.read(DATA / n, dtype="float32", always_2d=True) for n in names]
    return np.concatenate([x.T for x, _ in parts]), parts[0][1]


@needs_data
def test_third_order_recordings():
    names = [f"3oa_example_{c}.wav" for c in ("ch0-ch7", "ch8-ch15")]
    x, rate = recording(*(f"GoogleChrome+omnitone/examples/resources/{n}" for n in names))
    assert survey(x, rate).convention == "ambix"
    sounds = "polarch+JSAmbisonics/examples/sounds/"
    x, rate = recording(*(f"{sounds}HOA3_rec1_{c}ch.ogg" for c in ("01-08", "09-16")))
    found = survey(x, rate)
    assert (found.layout, found.convention) == ("ambisonic 3", "n3d")
    assert guess(x[:4], rate)[0] == "n3d"


@needs_data
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_a_measured_room(convention):
    """Speech in a concert hall, as a third-order microphone's N3D would give it."""
    response, rate = recording("chris-hld+spaudiopy/data/IR_Gewandhaus_SH1.wav")
    speech, _ = recording("openai+whisper/tests/jfk.flac")
    size = speech.shape[1] + response.shape[1]
    wet = np.fft.irfft(np.fft.rfft(speech[0], size) * np.fft.rfft(response, size), size)
    ambix = np.diag([1, *[3**-0.5] * 3]) @ wet
    found = survey(from_ambix(convention, 4) @ (ambix / np.abs(ambix).max() / 2), rate)
    assert found.convention == convention and found.confidence > 0.8


@needs_data
@pytest.mark.parametrize("number", range(1, 6))
def test_field_recordings_are_never_surely_wrong(number):
    """FuMa by their folder, but their W stands -3 to +4 dB off: an honest probe is not sure."""
    x, rate = recording(f"polarch+JSAmbisonics/examples/sounds/BF_rec{number}.ogg")
    found = survey(x, rate)
    assert found.layout == "ambisonic 1"
    assert found.convention == "fuma" or found.confidence < 0.9
    assert ("missing Z" in found.problems) == (number == 1)
