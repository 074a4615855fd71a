"""What a clip's window sounds and looks like, whatever the file holds."""

import pickle
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import avtools.datasets.hearing as hearing
from avtools.datasets import Clip, Event, Truth
from avtools.dsp.ambisonics import TO_AMBIX, encode
from avtools.errors import AvtoolsError
from avtools.stream.files import open_sound
from avtools.stream.film import write_film
from avtools.stream.sound import Sound
from avtools.stream.spatial import Spatial
from tests.datasets.trees import add_sound, barred, encoded, film, number_in
from tests.scenes import RATE, direction, noise, plane_wave, save


def clip(path, **more) -> Clip:
    return Clip("k", "k", str(path), str(path), **more)


# ---- the window -------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [48000, 44100, 22050])
@pytest.mark.parametrize("wanted", [None, 16000, 44100])
def test_a_window_is_the_same_as_one_cut_out_of_the_whole(tmp_path, rate, wanted):
    path = save(tmp_path / "a.wav", noise(2, 3 * rate), rate)
    whole, out = clip(path).hear(wanted)
    assert out == (wanted or rate)
    for start, duration in ((0, 0.63), (1.2345, 0.5), (2.4, 0.6)):
        x, _ = clip(path).hear(wanted, start, duration)
        first = round(start * out)
        assert x.shape == (2, round(duration * out)) and x.dtype == np.float32
        assert x.flags.c_contiguous
        assert np.abs(x - whole[:, first : first + x.shape[1]]).max() < 2e-4


def test_the_window_of_a_clip_counts_from_the_clip(tmp_path):
    x = noise(1, 2 * RATE)
    path = save(tmp_path / "a.wav", x)
    part = clip(path, start=0.5, duration=1.0)
    heard, _ = part.hear(start=0.25, duration=5)
    assert np.array_equal(heard[0], x[36000:72000, 0])
    again = part.window(0.25, 0.5)
    assert (again.key, again.start, again.duration) == ("k-0.25", 0.75, 0.5)
    assert np.array_equal(again.hear()[0][0], x[36000:60000, 0])


def test_only_the_window_is_read(tmp_path, monkeypatch):
    path = save(tmp_path / "a.flac", noise(2, 20 * RATE), subtype="PCM_16")
    read = []

    def counted(*arguments, **more):
        def count(blocks):
            for x in blocks:
                read.append(x.shape[-1])
                yield x

        return open_sound(*arguments, **more).through(count)

    monkeypatch.setattr(hearing, "open_sound", counted)
    clip(path).hear(16000, 10.0, 1.0)
    assert RATE < sum(read) < 1.2 * RATE


def test_a_file_that_ends_early_gives_less_or_is_padded(tmp_path):
    path = save(tmp_path / "a.wav", noise(4, RATE))
    assert clip(path, duration=2.0, convention="mic").hear()[0].shape == (4, RATE)
    padded = clip(path, duration=2.0, is_padded=True, convention="mic")
    x, _ = padded.hear(16000)
    assert x.shape == (4, 32000) and not x[:, 16100:].any() and x[:, :15900].any(axis=0).all()
    assert padded.hear(16000, 0.5, 1.0)[0].shape == (4, 16000)


def test_a_sound_that_begins_late_is_silent_before(tmp_path):
    x = 0.5 + 0 * noise(2, RATE)
    path = film(tmp_path / "late.mp4", 50, sound=x, late=0.5)
    heard, rate = clip(path).hear()
    # What the encoder needs to start up lies before the half second.
    assert not heard[:, : int(0.47 * rate)].any()
    assert (np.abs(heard[:, int(0.55 * rate) : int(1.4 * rate)] - 0.5) < 0.05).all()
    early, _ = clip(path).hear(None, 0.25, 0.5)
    assert early.shape[1] == 0.5 * rate
    assert np.abs(early - heard[:, int(0.25 * rate) : int(0.75 * rate)]).max() < 1e-6
    assert not clip(path).hear(None, 0.0, 0.25)[0].any()


# ---- what the channels mean -------------------------------------------------------------------


@pytest.mark.parametrize("convention", ["ambix", "fuma", "n3d", "xywz", None])
def test_every_convention_comes_out_as_ambix(tmp_path, convention):
    wave = plane_wave(37, 20)
    stored = wave @ np.linalg.inv(TO_AMBIX[convention or "ambix"]).T
    path = save(tmp_path / "a.wav", stored.astype(np.float32))
    heard, _ = clip(path, convention=convention).hear()
    assert np.abs(heard.T - wave).max() < 1e-6


def test_sound_without_height_keeps_its_azimuth(tmp_path):
    wave = plane_wave(-110)
    stored = wave[:, [0, 3, 1]] * [2**-0.5, 1, 1]
    heard, _ = clip(save(tmp_path / "a.wav", stored), convention="wxy").hear()
    assert heard.shape[0] == 4 and not heard[2].any()
    assert direction(heard.T)[0] == pytest.approx(-110, abs=1e-3)


def test_youtube_in_aac_and_in_opus(tmp_path):
    tone = 0.3 * np.sin(np.arange(RATE)[:, None] * 2 * np.pi * 440 / RATE)
    wave = (tone * encode(37, 20)).astype(np.float32)  # noise would suffer from the codecs
    w, y, z, x = wave.T
    silent = 0 * w
    six = np.stack([x, y, w, silent, z, silent], axis=1).astype(np.float32)
    aac = encoded(tmp_path / "a.m4a", six, "aac", "5.1")
    assert open_sound(str(aac)).label == "5.1"
    opus = encoded(tmp_path / "a.webm", wave, "libopus", "quad")
    for path in (aac, opus):
        heard, _ = clip(path, convention="youtube").hear()
        assert heard.shape[0] == 4
        assert direction(heard.T) == pytest.approx((37, 20), abs=0.5)
    # Nothing is guessed: without being told the six stay six.
    assert clip(aac).hear()[0].shape[0] == 6
    with pytest.raises(AvtoolsError, match="youtube has 6"):
        stereo = encoded(tmp_path / "s.m4a", noise(2), "aac", "stereo")
        clip(stereo, convention="youtube").hear()


def test_of_higher_orders_the_first_is_taken(tmp_path):
    path = save(tmp_path / "a.wav", np.hstack([plane_wave(60, -10), noise(21, seed=1)]))
    for rate in (None, 16000):
        heard, _ = clip(path, convention="ambix").hear(rate)
        assert heard.shape[0] == 4
        assert direction(heard.T) == pytest.approx((60, -10), abs=0.01)
    wave = np.hstack([plane_wave(60), noise(2, seed=1)])
    heard, _ = clip(save(tmp_path / "b.wav", wave), convention="ambix+stereo").hear()
    assert np.array_equal(heard, plane_wave(60).T)


def test_what_is_not_ambisonics_stays_as_it_is(tmp_path):
    for channels, convention in ((4, "mic"), (2, "stereo"), (1, None), (2, None), (8, None)):
        x = noise(channels)
        heard, _ = clip(save(tmp_path / "a.wav", x), convention=convention).hear()
        assert np.array_equal(heard.T, x)
    with pytest.raises(AvtoolsError, match="1 channel, expected stereo"):
        clip(save(tmp_path / "m.wav", noise(1)), convention="stereo").hear()


# ---- the picture ------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_frames_are_those_shown_at_the_ticks(tmp_path, suffix):
    # A transport stream's clock begins anywhere; the clip's begins with its file.
    path = film(tmp_path / f"a{suffix}", clock=35 if suffix == ".ts" else 0)
    for fps, start, duration in ((6, 0, 1), (6, 0.5, 1), (4, 1.04, 0.5), (25, 0.2, 0.4)):
        shown = clip(path).see(fps, None, start, duration)
        ticks = [start + Fraction(k) / fps for k in range(round(duration * fps))]
        assert [number_in(p) for p in shown] == [int(t * 25 + 1e-6) for t in ticks]
    part = clip(path, start=0.4, duration=1.0)
    assert [number_in(p) for p in part.see(5, (128, 96), 0.2, 9)] == [15, 20, 25, 30]
    assert part.see(5, (32, 24), 0.2, 9).shape == (4, 24, 32, 3)
    assert [number_in(p) for p in clip(path).see(None, None, 0.4, 0.2)] == [10, 11, 12, 13, 14]


def test_a_picture_that_begins_late_keeps_its_times(tmp_path):
    import av

    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=25, options={"qscale": "2"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        write = add_sound(out, noise(2, 2 * RATE), "aac", "stereo")
        for k in range(25):
            frame = av.VideoFrame.from_ndarray(barred(k + 1)).reformat(format="yuv420p")
            frame.pts, frame.time_base = k + 25, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        write()
    shown = [number_in(p) for p in clip(path).see(5)]
    assert shown[:6] == [1, 1, 1, 1, 1, 1] and shown[6:10] == [6, 11, 16, 21]


# ---- words ------------------------------------------------------------------------------------


def test_what_is_not_there_is_said(tmp_path):
    path = film(tmp_path / "a.mp4", sound=noise(2, RATE))
    whole = clip(path)
    for call, words in (
        (lambda: replace(whole, sound=None).hear(), "without sound"),
        (lambda: replace(whole, video=None).see(), "without a picture"),
        (lambda: whole.hear(None, 7.0), "no sound from 7 s on"),
        (lambda: whole.see(6, None, 7.0), "no picture from 7 s on"),
        (lambda: clip(tmp_path / "no.wav").hear(), "No such file"),
        (lambda: clip(tmp_path / "no.mp4").see(), "No such file"),
    ):
        with pytest.raises(AvtoolsError, match=words):
            call()
    for call in (
        lambda: whole.hear(0),
        lambda: whole.hear(None, -1.0),
        lambda: whole.hear(None, float("nan")),
        lambda: whole.hear(None, 0.0, 0.0),
        lambda: whole.see(0),
        lambda: replace(whole, duration=1.0).see(6, None, 1.0),
    ):
        with pytest.raises(ValueError, match=r"expected|lasts"):
            call()


def told(path: str) -> list[Event]:
    return [Event(0, 1, "a"), Event(1.5, 4, "b", azimuth=90.0), Event(6, 7, "c")]


def test_events_are_those_of_the_window():
    part = Clip("k", "k", "a.wav", None, start=2.0, duration=3.0, truth=Truth("a.csv", told))
    assert part.events() == [Event(0, 2, "b", azimuth=90.0)]
    assert [e.label for e in replace(part, start=0.5, duration=None).events()] == ["a", "b", "c"]
    assert replace(part, truth=None).events() == []
    assert pickle.loads(pickle.dumps(part)) == part


def test_naming_clips_needs_no_numpy():
    code = "import sys, avtools.datasets; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("stereo", ["top-bottom", "left-right"])
def test_of_two_eyes_pictures_the_left_is_seen(tmp_path, stereo):
    """The left eye's half is white, the right one's black."""
    pictures = np.zeros((3, 64, 128, 3), np.uint8)
    half = np.s_[:, :32] if stereo == "top-bottom" else np.s_[:, :, :64]
    pictures[half] = 255
    path = tmp_path / "3d.mp4"
    sound = Sound(iter([np.zeros((4, RATE), np.float32)]), RATE, 4, RATE, bits=16)
    marked = Spatial(projection="equirectangular", stereo=stereo)
    write_film(path, ".mp4", iter([pictures]), (128, 64), Fraction(3), sound, True, marked)
    assert clip(path).see().min() > 200
    assert clip(path).see(size=(32, 16)).shape[1:] == (16, 32, 3)
