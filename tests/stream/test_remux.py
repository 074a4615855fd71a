"""A video with another sound: the same picture at the same times, the sound on its sample."""

import hashlib
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from avtools.errors import AvtoolsError
from avtools.stream.remux import first_time, movie_clock, remux
from avtools.stream.sound import Sound
from avtools.stream.spatial import Spatial, read_spatial, write_spatial

if shutil.which("ffmpeg") is None:
    pytest.skip("the inputs are made with ffmpeg", allow_module_level=True)

REAL = Path(__file__).parents[3] / "shared" / "data"
RATE = 48000
PICTURE = "-f lavfi -i testsrc2=d=3:s=160x120:r=25"
SOUND = "-f lavfi -i sine=440:d=3:r=48000"
H264 = "-c:v libx264 -preset ultrafast -bf 3 -g 25"
CONTAINERS = [".mp4", ".mov", ".mkv"]

# name -> how ffmpeg makes it, with {0} for the first of them.
INPUTS = {
    "plain.mp4": f"{PICTURE} {SOUND} {H264} -c:a aac",
    "variable.mp4": f"{PICTURE} {SOUND} -vf select=not(mod(n\\,7))+lt(n\\,20) -fps_mode vfr "
    f"{H264} -c:a aac",
    "cut.mp4": "-ss 1.3 -i {0} -c copy",
    "fragments.mp4": "-i {0} -c copy -movflags frag_keyframe+empty_moov+default_base_moof",
    "broadcast.ts": "-i {0} -c copy",
    "matroska.mkv": "-i {0} -c copy",
    "late-sound.mp4": "-i {0} -itsoffset 0.457 -i {0} -map 0:v -map 1:a -c copy",
    "late-picture.mp4": "-itsoffset 0.3 -i {0} -i {0} -map 0:v -map 1:a -c copy",
    "mute.mp4": "-i {0} -map 0:v -c copy",
    "late-mute.mp4": "-itsoffset 0.3 -i {0} -map 0:v -c copy",
    "opus.mp4": "-i {0} -c:v copy -c:a libopus",
    "flac.mkv": "-i {0} -c:v copy -c:a flac",
    "alac.mov": "-i {0} -c:v copy -c:a alac",
    "pcm.mov": "-i {0} -c:v copy -c:a pcm_s16le",
    "vp8.webm": "-i {0} -c:v libvpx -b:v 300k -c:a libopus",
    "old.avi": f"{PICTURE} {SOUND} -c:v mpeg4 -c:a libmp3lame",
}


def ffmpeg(arguments: str, path, *more) -> None:
    command = ["ffmpeg", "-v", "error", "-y", *arguments.split(), *more, str(path)]
    subprocess.run(command, check=True)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    for name, how in INPUTS.items():
        ffmpeg(how.format(folder / "plain.mp4"), folder / name)
    return folder


@pytest.fixture
def output(tmp_path):
    return tmp_path / ".hidden.avtools-part"  # as in use: the ending says nothing


def noise(channels: int = 1, seconds: float = 2.0, rate: int = RATE) -> np.ndarray:
    """Band-limited, so that its place is found to a fraction of a sample."""
    n = int(seconds * rate)
    spectrum = np.fft.rfft(np.random.default_rng(5).standard_normal((channels, n)))
    f = np.fft.rfftfreq(n, 1 / rate)
    spectrum[:, (f < 200) | (f > min(4000, rate / 3))] = 0
    x = np.fft.irfft(spectrum, n)
    return (0.1 * x / x.std()).astype(np.float32)


def tones(channels: int) -> np.ndarray:
    """In each channel another frequency and another level."""
    t = np.arange(RATE) / RATE
    return np.stack(
        [0.02 * (c + 1) * np.sin(2 * np.pi * (1000 + 500 * c) * t) for c in range(channels)]
    ).astype(np.float32)


def sound_of(x: np.ndarray, rate: int = RATE, **facts) -> Sound:
    blocks = (x[:, i : i + 7001] for i in range(0, x.shape[1], 7001))
    return Sound(blocks, rate, len(x), x.shape[1], name="new.wav", **facts)


def pictures(path) -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        return [
            (f.pts * Fraction(f.time_base), hashlib.md5(f.to_ndarray().tobytes()).digest())
            for f in container.decode(stream)
        ]


def heard(path) -> tuple[Fraction, np.ndarray, str]:
    """When the decoded sound begins, its samples, its codec."""
    with av.open(str(path)) as container:
        stream = container.streams.best("audio")
        packed = av.AudioResampler(format="flt")
        frames = list(container.decode(stream))
        x = [p.to_ndarray() for f in frames for p in packed.resample(f)]
        context = stream.codec_context
        x = np.concatenate(x, axis=1).reshape(-1, context.channels).T
        return frames[0].pts * Fraction(frames[0].time_base), x, context.codec.canonical_name


def lag(x: np.ndarray, y: np.ndarray) -> float:
    """Samples by which `x` lies later in `y`."""
    n = 1 << 19
    x, y = x.astype(float), y.astype(float)
    c = np.fft.irfft(np.fft.rfft(y, n) * np.fft.rfft(x, n).conj(), n)
    k = int(c.argmax())
    before, at, after = c[k - 1], c[k], c[(k + 1) % n]
    k = k if k < n // 2 else k - n
    return float(k + (before - after) / (2 * (before - 2 * at + after)))


def origin(path) -> Fraction:
    with av.open(str(path)) as container:
        return first_time(str(path), container.streams.best("audio") or container.streams.video[0])


@pytest.mark.parametrize("suffix", CONTAINERS)
@pytest.mark.parametrize("name", INPUTS)
def test_picture_unchanged_and_sound_on_its_sample(inputs, output, name, suffix):
    if name == "vp8.webm" and suffix != ".mkv":
        pytest.skip("MP4 does not hold VP8")
    if name == "cut.mp4" and suffix == ".mkv":
        pytest.skip("Matroska can't hide the pictures before a cut: the next test")
    x = noise()
    remux(str(inputs / name), output, suffix, sound_of(x))
    before, after = pictures(inputs / name), pictures(output)
    assert [p for _, p in after] == [p for _, p in before]
    begin, y, _ = heard(output)
    late = begin + Fraction(lag(x[0], y[0])) / RATE - origin(inputs / name)
    if suffix == ".mkv":
        moved = {t1 - t0 for (t0, _), (t1, _) in zip(before, after, strict=True)}
        assert all(abs(m - late) <= 0.0005 for m in moved)
    else:
        assert [t for t, _ in after] == [t for t, _ in before]
        assert abs(late) * RATE < 0.02


@pytest.mark.parametrize("name", ["late-sound.mp4", "broadcast.ts", "late-mute.mp4"])
@pytest.mark.parametrize("codec", ["aac", "libopus", "pcm_s16le"])
def test_nothing_is_heard_before_a_sound_that_starts_late(inputs, output, name, codec):
    x = noise()
    remux(str(inputs / name), output, ".mp4", sound_of(x), codec=codec)
    begin, y, _ = heard(output)
    assert begin == origin(inputs / name) > 0
    assert abs(lag(x[0], y[0])) < 0.02


def test_a_cut_in_matroska_keeps_sound_and_picture_together(inputs, output):
    x = noise()
    remux(str(inputs / "cut.mp4"), output, ".mkv", sound_of(x))
    before, after = pictures(inputs / "cut.mp4"), pictures(output)
    hidden = len(after) - len(before)
    assert [p for _, p in after[hidden:]] == [p for _, p in before]
    begin, y, _ = heard(output)
    late = begin + Fraction(lag(x[0], y[0])) / RATE
    assert abs(after[hidden][0] - before[0][0] - late) <= 0.001


def test_an_input_that_starts_hours_into_its_clock_is_set_back(inputs, output, tmp_path):
    ffmpeg(f"-i {inputs / 'plain.mp4'} -c copy -output_ts_offset 7200", tmp_path / "late.ts")
    x = noise()
    remux(str(tmp_path / "late.ts"), output, ".mp4", sound_of(x))
    before, after = pictures(tmp_path / "late.ts"), pictures(output)
    moved = {t0 - t1 for (t0, _), (t1, _) in zip(before, after, strict=True)}
    assert len(moved) == 1 and after[0][0] < 3
    begin, y, _ = heard(output)
    late = begin + Fraction(lag(x[0], y[0])) / RATE + moved.pop() - origin(tmp_path / "late.ts")
    assert abs(late) * RATE < 0.52  # the broadcast's clock has 90000 ticks


def test_avi_keeps_sound_and_picture_together(inputs, output, tmp_path):
    old, offset = inputs / "old.avi", "-itsoffset 0.4"
    ffmpeg(f"{offset} -i {old} -i {old} -map 0:v -map 1:a -c copy", tmp_path / "picture.mkv")
    ffmpeg(f"-i {old} {offset} -i {old} -map 0:v -map 1:a -c copy", tmp_path / "sound.mkv")
    x = noise()
    for source in (old, tmp_path / "picture.mkv", tmp_path / "sound.mkv"):
        remux(str(source), output, ".avi", sound_of(x))
        before, after = pictures(source), pictures(output)
        assert [p for _, p in after] == [p for _, p in before]
        begin, y, _ = heard(output)
        late = begin + Fraction(lag(x[0], y[0])) / RATE - origin(source)
        # The first picture stands from the beginning: AVI can't show nothing.
        pairs = list(zip(before, after, strict=True))[1:]
        assert all(abs(t1 - t0 - late) < 0.001 for (t0, _), (t1, _) in pairs)


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_another_rate(inputs, output, suffix):
    x = noise(rate=44100)
    remux(str(inputs / "plain.mp4"), output, suffix, sound_of(x, 44100))
    begin, y, _ = heard(output)
    assert abs(begin + Fraction(lag(x[0], y[0])) / 44100) * 44100 < 0.02


def test_the_movies_clock():
    assert movie_clock([90000, 12800], 48000) % 90000 == 0
    assert movie_clock([30000, 44100], 44100) == 4_410_000
    odd = movie_clock([917425, 48000], 48000)
    assert odd % 48000 == 0 and odd >= 4 * 917425
    assert movie_clock([1_000_003, 999_983], 44100) < 1 << 31


def test_the_sound_may_be_shorter_longer_or_nothing(inputs, output):
    for seconds in (0.01, 20.0):
        x = noise(seconds=seconds)
        remux(str(inputs / "plain.mp4"), output, ".mp4", sound_of(x))
        assert len(pictures(output)) == 75
        assert 0 <= heard(output)[1].shape[1] - x.shape[1] < 2048
    remux(str(inputs / "plain.mp4"), output, ".mp4", Sound(iter(()), RATE, 2))
    assert pictures(output) == pictures(inputs / "plain.mp4")


@pytest.mark.parametrize(
    ("name", "suffix", "codec"),
    [
        ("plain.mp4", ".mov", "aac"),
        ("opus.mp4", ".mp4", "opus"),
        ("opus.mp4", ".mkv", "opus"),
        ("opus.mp4", ".mov", "aac"),  # which knows no Opus
        ("flac.mkv", ".mp4", "flac"),
        ("flac.mkv", ".mov", "alac"),  # which knows no FLAC
        ("alac.mov", ".mkv", "alac"),
        ("pcm.mov", ".mov", "pcm_s16le"),
        ("pcm.mov", ".mp4", "pcm_s16le"),
        ("vp8.webm", ".webm", "opus"),
        ("old.avi", ".mp4", "aac"),
        ("mute.mp4", ".mkv", "aac"),
        ("plain.mp4", ".ts", "aac"),
        ("old.avi", ".avi", "pcm_s16le"),
    ],
)
def test_the_family_of_the_original_is_kept(inputs, output, name, suffix, codec):
    remux(str(inputs / name), output, suffix, sound_of(noise(2)))
    assert heard(output)[2] == codec


CODINGS = ["aac", "flac", "alac", "libopus", "pcm_s16le", "pcm_s24le", "pcm_f32le"]
MANY = {"aac": (1, 2, 3, 4, 5, 6, 7, 8, 16), "libopus": (1, 2, 4, 5, 6, 8, 9, 11, 16)}
MANY |= dict.fromkeys(("flac", "alac"), (1, 2, 3, 4, 5, 6, 7, 8))


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("codec", CODINGS)
def test_order_and_gain_of_the_channels(inputs, output, codec, suffix):
    if suffix == ".mov" and codec in ("flac", "libopus"):
        pytest.skip("QuickTime does not hold it")
    for channels in MANY.get(codec, (1, 2, 4, 6, 8, 9, 16)):
        x = tones(channels)
        remux(str(inputs / "mute.mp4"), output, suffix, sound_of(x), codec=codec)
        y = heard(output)[1][:, 4800:43200]
        wave = np.exp(
            -2j * np.pi * np.outer(1000 + 500 * np.arange(channels), np.arange(38400)) / RATE
        )
        levels = 2 * np.abs(wave @ y.T) / 38400
        expected = np.diag(0.02 * (1 + np.arange(channels)))
        np.testing.assert_allclose(levels, expected, atol=0.02 * expected.max())


def test_known_loudspeakers_keep_their_names(inputs, output):
    sound = sound_of(noise(6), label="5.1")
    remux(str(inputs / "plain.mp4"), output, ".mp4", sound)
    with av.open(str(output)) as container:
        assert container.streams.audio[0].layout.name == "5.1"


def test_ambisonics_in_opus_is_called_that_and_nothing_else_is(inputs, output):
    marked = {"convention": "ambix"}
    for channels, marks, name in (
        (4, marked, "ambisonic 1"),
        (6, marked, "ambisonic 1+stereo"),
        (9, marked, "ambisonic 2"),
        (4, {}, "4 channels"),
    ):
        remux(str(inputs / "vp8.webm"), output, ".webm", sound_of(noise(channels), marks=marks))
        with av.open(str(output)) as container:
            assert next(container.decode(audio=0)).layout.name == name


@pytest.mark.parametrize(
    ("channels", "rate", "suffix", "codec", "says"),
    [
        (9, 48000, ".mp4", "aac", "9 channels as aac: use --codec libopus or --codec pcm_f32le"),
        (2, 48000, ".mov", "libopus", "use --codec pcm_f32le"),
        (2, 44100, ".mp4", "libopus", "--rate 48000"),
        (2, 50000, ".mp4", None, "--rate 48000"),
        (2, 48000, ".mp4", "libx264", "no encoder for sound"),
        (2, 48000, ".mp4", "nonsense", "no encoder for sound"),
        (2, 48000, ".webm", None, "webm can't hold its picture"),
        (2, 48000, ".xyz", None, ".xyz"),
    ],
)
def test_what_cannot_be_is_one_line(inputs, output, channels, rate, suffix, codec, says):
    with pytest.raises(AvtoolsError) as told:
        sound = sound_of(noise(channels, 0.1, rate), rate)
        remux(str(inputs / "plain.mp4"), output, suffix, sound, codec=codec)
    assert says in str(told.value) and "\n" not in str(told.value)


def test_a_full_disk_is_one_line(inputs):
    for suffix in (".mkv", ".mp4"):
        with pytest.raises(AvtoolsError, match="No space left"):
            remux(str(inputs / "plain.mp4"), Path("/dev/full"), suffix, sound_of(noise(2)))


def test_files_that_are_no_videos(tmp_path, output):
    (tmp_path / "text.mp4").write_text("no film" * 100)
    for name in ("text.mp4", "absent.mp4"):
        with pytest.raises(AvtoolsError, match=name):
            remux(str(tmp_path / name), output, ".mp4", sound_of(noise()))


def test_a_sound_file_is_no_video_but_a_container_of_videos_is(inputs, tmp_path, output):
    ffmpeg(f"-i {inputs / 'plain.mp4'} -vn -c copy", tmp_path / "sound.mp4")
    ffmpeg(f"-i {inputs / 'plain.mp4'}", tmp_path / "sound.wav")
    x = noise()
    with pytest.raises(AvtoolsError, match="no picture"):
        remux(str(tmp_path / "sound.wav"), output, ".mp4", sound_of(x))
    remux(str(tmp_path / "sound.mp4"), output, ".mp4", sound_of(x))
    assert abs(lag(x[0], heard(output)[1][0])) < 0.02


def test_clipping_is_counted_once_and_only_for_integers(inputs, output, capfd):
    x = np.zeros((2, RATE), np.float32)
    x[0, 100:110] = 1.5
    x[1, 200:205] = -2
    x[0, 300] = 1
    for codec, told in (("pcm_s16le", True), ("flac", True), ("aac", False), ("pcm_f32le", False)):
        remux(str(inputs / "plain.mp4"), output, ".mp4", sound_of(x), codec=codec)
        error = capfd.readouterr().err
        assert error.count("15 samples clipped; lower them") == told and error.count("\n") == told
    np.testing.assert_array_equal(heard(output)[1][:, :RATE], x)


def test_no_encoder_stumbles_over_nan(inputs, output):
    x = noise(2)
    x[0, 500], x[1, 900] = np.nan, np.inf
    for codec in CODINGS:
        remux(str(inputs / "plain.mp4"), output, ".mkv", sound_of(x), codec=codec)
        _, y, _ = heard(output)
        assert np.isfinite(y).all() == (codec != "pcm_f32le")


def test_a_copy_keeps_picture_and_sound(inputs, output):
    for name in ("plain.mp4", "cut.mp4", "late-sound.mp4", "variable.mp4", "pcm.mov"):
        suffix = Path(name).suffix
        remux(str(inputs / name), output, suffix, None)
        assert pictures(output) == pictures(inputs / name)
        (t0, x, _), (t1, y, _) = heard(inputs / name), heard(output)
        assert t0 == t1
        np.testing.assert_array_equal(x, y)


def test_spatial_metadata_goes_along_while_it_is_true(inputs, output, tmp_path):
    film = shutil.copy(inputs / "plain.mp4", tmp_path / "film.mp4")
    spatial = Spatial("equirectangular", "left-right", 1)
    write_spatial(film, spatial)
    found = read_spatial(film)
    for suffix in (".mp4", ".mov"):
        marks = {"convention": "ambix", "order": 1}
        remux(str(film), output, suffix, sound_of(noise(4), marks=marks), spatial=found)
        assert read_spatial(output) == found
        remux(str(film), output, suffix, None, spatial=replace(found, ambisonic_order=None))
        assert read_spatial(output).ambisonic_order is None
        # A stereo sound is no sound field, whatever the caller says.
        remux(str(film), output, suffix, sound_of(noise(2)), spatial=found)
        assert read_spatial(output) == replace(found, ambisonic_order=None)
    remux(str(film), output, ".mkv", sound_of(noise(4)), spatial=found)
    kept = read_spatial(output)
    assert (kept.projection, kept.stereo) == ("equirectangular", "left-right")


def test_facts_about_the_file_are_kept(inputs, output, tmp_path):
    (tmp_path / "facts.txt").write_text(
        ";FFMETADATA1\ntitle=A title\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=one\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=3000\ntitle=two\n"
    )
    (tmp_path / "words.srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nhello\n")
    how = (
        f"-i {inputs / 'plain.mp4'} -i {tmp_path / 'words.srt'} -i {tmp_path / 'facts.txt'} "
        "-f lavfi -i color=red:s=64x64:d=0.04 -map 0:v -map 0:a -map 1 -map 3 -map_metadata 2 "
        "-map_chapters 2 -c copy -c:s mov_text -c:v:1 mjpeg -disposition:v:1 attached_pic "
        "-metadata:s:a:0 language=fra -metadata:s:s:0 language=deu -metadata:s:v:0 rotate=90 "
        "-metadata creation_time=2020-01-02T03:04:05"
    )
    ffmpeg(how, tmp_path / "rich.mp4")
    remux(str(tmp_path / "rich.mp4"), output, ".mp4", sound_of(noise(2)))
    with av.open(str(output)) as container:
        assert container.metadata["title"] == "A title"
        assert container.metadata["creation_time"].startswith("2020-01-02T03:04:05")
        assert [c["metadata"]["title"] for c in container.chapters()] == ["one", "two"]
        assert container.streams.audio[0].language == "fra"
        assert container.streams.subtitles[0].language == "deu"
        assert len(container.streams.video) == 2
        assert abs(next(container.decode(video=0)).rotation) == 90


def test_other_sounds_are_left_out_aloud(inputs, output, tmp_path, capfd):
    how = f"-i {inputs / 'plain.mp4'} -map 0:v -map 0:a -map 0:a -map 0:a -c copy"
    ffmpeg(how, tmp_path / "three.mp4")
    remux(str(tmp_path / "three.mp4"), output, ".mp4", sound_of(noise(2)), stream=2)
    assert "2 other sound tracks left out" in capfd.readouterr().err
    with av.open(str(output)) as container:
        assert len(container.streams.audio) == 1
    with pytest.raises(AvtoolsError, match="stream 0 is no audio"):
        remux(str(tmp_path / "three.mp4"), output, ".mp4", sound_of(noise(2)), stream=0)


def test_a_picture_that_is_encoded_again(inputs, output):
    class Again:
        def __init__(self, source, container):
            self.source = source
            self.stream = container.add_stream("ffv1", rate=source.average_rate)
            self.stream.width, self.stream.height = source.width, source.height
            self.stream.codec_context.time_base = source.time_base

        def feed(self, packet):
            for frame in self.source.codec_context.decode(packet):
                frame.time_base = self.source.time_base
                frame.pict_type = av.video.frame.PictureType.NONE
                yield from self.stream.encode(frame)
            if packet is None:
                yield from self.stream.encode(None)

    x = noise()
    for name in ("plain.mp4", "cut.mp4", "variable.mp4"):
        remux(str(inputs / name), output, ".mkv", sound_of(x), picture=Again)
        before, after = pictures(inputs / name), pictures(output)
        assert [p for _, p in after] == [p for _, p in before]
        assert all(abs(a[0] - b[0]) <= 0.0005 for a, b in zip(after, before, strict=True))
        begin, y, _ = heard(output)
        assert abs(begin + Fraction(lag(x[0], y[0])) / RATE - origin(inputs / name)) <= 0.0005


@pytest.mark.parametrize("name", ["congo_1024.mp4", "nasa_13013.mp4", "richoh1_0_3.mp4"])
def test_real_files(output, name):
    film = next(REAL.rglob(name), None) if REAL.is_dir() else None
    if film is None:
        pytest.skip("the real film is not beside this checkout")
    x = noise(4)
    spatial = replace(read_spatial(film), ambisonic_order=1)
    remux(str(film), output, ".mp4", sound_of(x), spatial=spatial)
    before, after = (_packets(p) for p in (film, output))
    assert after == before
    begin, y, _ = heard(output)
    assert abs(begin + Fraction(lag(x[0], y[0])) / RATE - origin(film)) * RATE < 0.02
    assert read_spatial(output).ambisonic_order == 1
    assert read_spatial(output).stereo == spatial.stereo


def _packets(path):
    """Times and contents of all packets of the main picture: decoding real films takes long."""
    with av.open(str(path)) as container:
        stream = container.streams.best("video")
        return [
            (p.pts * Fraction(p.time_base), hashlib.md5(bytes(p)).digest())
            for p in container.demux(stream)
            if p.size
        ]
