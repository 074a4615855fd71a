"""convert, as a person runs it: layouts, formats, rates, and sound in and out of video."""

import numpy as np
import pytest

from avtools.stream.spatial import read_spatial
from tests.scenes import (
    RATE,
    avtools,
    direction,
    load,
    load_bytes,
    needs_data,
    needs_ffmpeg,
    needs_sox,
    noise,
    one_line,
    plane_wave,
    save,
    shell,
)

ROOT2, ROOT3 = 2**0.5, 3**0.5


def converted(tmp_path, x, *options) -> np.ndarray:
    save(tmp_path / "x.wav", x)
    done = avtools("convert", tmp_path / "x.wav", *options)
    assert done.returncode == 0, done.stderr
    return load_bytes(done.stdout, tmp_path)


def test_ambix_to_fuma_by_hand(tmp_path):
    w, y, z, x = plane_wave(37, 20).T
    out = converted(tmp_path, plane_wave(37, 20), "--from", "ambix", "--to", "fuma")
    assert np.allclose(out, np.stack([w / ROOT2, x, y, z], 1), atol=1e-7)
    out = converted(tmp_path, plane_wave(37, 20), "--from", "ambix", "--to", "n3d")
    assert np.allclose(out, np.stack([w, ROOT3 * y, ROOT3 * z, ROOT3 * x], 1), atol=1e-6)


@pytest.mark.parametrize(
    ("there", "back"), [("fuma", "ambix"), ("ambix", "fuma"), ("n3d", "ambix")]
)
def test_round_trips_in_pipes(tmp_path, there, back):
    """The mark in the pipe tells the second stage what the first made."""
    x = noise(4, 20_000)
    save(tmp_path / "x.wav", x)
    done = shell(
        f"avtools convert {tmp_path}/x.wav --from {there} --to {back} | "
        f"avtools convert --to {there}"
    )
    assert done.returncode == 0
    assert f"taken as {back}: it is marked so" in done.stderr.decode()
    assert np.abs(load_bytes(done.stdout, tmp_path) - x).max() < 1e-6


def test_third_order_n3d(tmp_path):
    x = noise(16)
    out = converted(tmp_path, x, "--from", "n3d", "--to", "ambix")
    gains = 1 / np.sqrt([1] + [3] * 3 + [5] * 5 + [7] * 7)
    assert np.allclose(out, x * gains, atol=1e-6)


def test_youtube_and_missing_height(tmp_path):
    w, y, z, x = plane_wave(37, 20).T
    o = np.zeros_like(w)
    out = converted(tmp_path, np.stack([x, y, w, o, z, o], 1), "--from", "youtube", "--to", "ambix")
    assert np.array_equal(out, plane_wave(37, 20))
    forced = np.stack([x, y, w, z / ROOT2], 1)
    out = converted(tmp_path, forced, "--from", "xywz", "--to", "ambix")
    assert np.allclose(out, plane_wave(37, 20), atol=1e-7)
    w, y, z, x = plane_wave(37).T
    out = converted(tmp_path, np.stack([w, x, y], 1), "--from", "wxy", "--to", "ambix")
    assert np.array_equal(out, plane_wave(37))


def diffuse(convention: str, frames: int = 6 * RATE) -> np.ndarray:
    """A dozen pulsing sources around, one after the other, as a convention has them."""
    draw = np.random.default_rng(2)
    foa = np.zeros((frames, 4))
    for k in range(12):
        part = slice(k * frames // 12, (k + 1) * frames // 12)
        n = part.stop - part.start
        foa[part] = plane_wave(draw.uniform(-180, 180), draw.uniform(-20, 20), n, seed=k)
    w, y, z, x = foa.T
    forms = {"ambix": [w, y, z, x], "fuma": [w / ROOT2, x, y, z],
             "n3d": [w, ROOT3 * y, ROOT3 * z, ROOT3 * x]}  # fmt: skip
    return np.stack(forms[convention], 1).astype(np.float32)


@pytest.mark.parametrize("convention", ["ambix", "fuma", "n3d"])
def test_auto_says_what_it_took(tmp_path, convention):
    save(tmp_path / "x.wav", diffuse(convention))
    done = avtools("convert", tmp_path / "x.wav", "--to", "ambix", "-o", tmp_path / "y.wav")
    assert done.returncode == 0 and f"taken as {convention}" in done.stderr.decode()
    assert np.abs(load(tmp_path / "y.wav") - diffuse("ambix")).max() < 1e-6


def test_auto_refuses_when_unsure(tmp_path):
    save(tmp_path / "x.wav", noise(4, 3 * RATE))
    line = one_line(avtools("convert", tmp_path / "x.wav", "--to", "fuma"))
    assert "--from ambix, fuma or n3d" in line


def test_stereo_and_mono(tmp_path):
    left, right = converted(tmp_path, plane_wave(60), "--from", "ambix", "--to", "stereo").T
    assert np.std(left) > 5 * np.std(right)
    assert np.allclose(left, plane_wave(60)[:, :2].sum(1) / 2, atol=1e-7)
    out = converted(tmp_path, plane_wave(45), "--from", "ambix", "--to", "stereo", "--by", "xy")
    assert np.abs(out[:, 1]).max() < 1e-6 < np.std(out[:, 0])  # the null of the right microphone
    out = converted(tmp_path, plane_wave(45), "--from", "ambix", "--to", "mono")
    assert np.array_equal(out[:, 0], plane_wave(45)[:, 0])
    x = noise(2)
    assert np.allclose(converted(tmp_path, x, "--to", "mono")[:, 0], x.mean(1), atol=1e-7)
    out = converted(tmp_path, x[:, :1], "--to", "stereo")
    assert np.array_equal(out, x[:, [0, 0]])


def first_in_the_left(out: np.ndarray) -> float:
    """Seconds by which the left ear leads in the bass, where the ears compare phases."""
    soft = np.hanning(128)
    left, right = (np.convolve(ear.astype(np.float64), soft, "same") for ear in out.T)
    lags = np.arange(-48, 49)
    c = [np.dot(left[100:-100], np.roll(right, -lag)[100:-100]) for lag in lags]
    return lags[int(np.argmax(c))] / RATE


def test_binaural_hears_the_side(tmp_path):
    out = converted(tmp_path, plane_wave(80, frames=RATE), "--from", "ambix", "--to", "binaural")
    assert out.shape == (RATE, 2)
    assert first_in_the_left(out) > 0.0003
    assert np.std(out[:, 0]) > 1.3 * np.std(out[:, 1])
    mirrored = converted(
        tmp_path, plane_wave(-80, frames=RATE), "--from", "ambix", "--to", "binaural"
    )
    assert np.allclose(mirrored[:, ::-1], out, atol=1e-5)
    save(tmp_path / "x.wav", noise(2))
    assert "needs ambisonics" in one_line(
        avtools("convert", tmp_path / "x.wav", "--to", "binaural")
    )
    line = one_line(avtools("convert", tmp_path / "x.wav", "--hrir", "no.sofa"))
    assert "--hrir goes with --to binaural" in line


@needs_data
@pytest.mark.parametrize(
    "hrir",
    ["LCAV+pyroomacoustics/pyroomacoustics/data/sofa/mit_kemar_normal_pinna.sofa",
     "google+spatial-media/spatial-audio/raw-symmetric-cube-hrirs"],
)  # fmt: skip
def test_binaural_through_measured_heads(tmp_path, hrir):
    from tests.scenes import DATA

    out = converted(tmp_path, plane_wave(80, frames=RATE), "--from", "ambix", "--to", "binaural",
                    "--hrir", DATA / hrir)  # fmt: skip
    assert first_in_the_left(out) > 0.0003
    assert np.std(out[:, 0]) > 1.3 * np.std(out[:, 1])


@pytest.mark.parametrize("rate", [16000, 44100, 96000])
def test_resampling_keeps_the_tone_and_the_length(tmp_path, rate):
    t = np.arange(RATE) / RATE
    x = (0.5 * np.sin(2 * np.pi * 1000 * t)).astype(np.float32)[:, None]
    save(tmp_path / "x.wav", x)
    done = avtools("convert", tmp_path / "x.wav", "--rate", rate, "-o", tmp_path / "y.wav")
    assert done.returncode == 0
    y = load(tmp_path / "y.wav")[:, 0]
    assert len(y) == rate
    want = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)
    assert np.abs(y - want)[rate // 10 : -rate // 10].max() < 1e-4


def test_resampling_is_the_same_for_any_split():
    from avtools.stream.resample import resample_blocks

    x = noise(2, 50_000).T
    whole = np.concatenate(list(resample_blocks(iter([x]), 48000, 44100)), axis=1)
    for seed in range(3):
        cuts = np.sort(np.random.default_rng(seed).integers(0, 50_000, 20))
        parts = list(resample_blocks(iter(np.split(x, cuts, axis=1)), 48000, 44100))
        assert np.abs(np.concatenate(parts, axis=1) - whole).max() < 1e-6


@needs_sox
def test_resampling_agrees_with_sox(tmp_path):
    soft = np.convolve(noise(1, RATE)[:, 0], np.hanning(32) / 16, "same").astype(np.float32)
    save(tmp_path / "x.wav", soft[:, None])
    avtools("convert", tmp_path / "x.wav", "--rate", "32000", "-o", tmp_path / "y.wav")
    shell(f"sox {tmp_path}/x.wav -e float -b 32 {tmp_path}/z.wav rate -v 32000")
    y, z = load(tmp_path / "y.wav"), load(tmp_path / "z.wav")
    assert len(y) == len(z)
    assert np.abs(y - z)[100:-100].max() < 1e-4


LOSSLESS = ["flac", "tta", "aiff", "caf", "au", "w64", "mka"]


@pytest.mark.parametrize("ending", [*LOSSLESS, "ogg", "opus", "m4a", "wv"])
@pytest.mark.parametrize("channels", [1, 2, 4])
def test_formats_there_and_back(tmp_path, ending, channels):
    """Each channel stays in its place at its level: four tones tell which is which."""
    t = np.arange(RATE) / RATE
    hertz = 300 + 170 * np.arange(channels)
    x = (0.3 * np.sin(2 * np.pi * hertz * t[:, None])).astype(np.float32)
    save(tmp_path / "x.wav", x)
    file = tmp_path / f"y.{ending}"
    done = avtools("convert", tmp_path / "x.wav", "-o", file)
    if ending == "wv" and channels > 2:
        assert "1 or 2 channels" in one_line(done)
        return
    assert done.returncode == 0 and done.stderr == b""
    done = avtools("convert", file, "-o", tmp_path / "z.wav")
    assert done.returncode == 0 and done.stderr == b""
    z = load(tmp_path / "z.wav")
    if ending in [*LOSSLESS, "wv"]:
        assert z.shape == x.shape and np.abs(z - x).max() < 2.0**-23
    inside = slice(RATE // 10, RATE * 9 // 10)
    waves = np.exp(-2j * np.pi * hertz[:, None] * t[inside])
    found = 2 * np.abs(waves @ z[inside]) / waves.shape[1]
    assert np.allclose(found, 0.3 * np.eye(channels), atol=0.01)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_flac_keeps_the_bits(tmp_path, subtype):
    import soundfile

    save(tmp_path / "x.wav", noise(2), subtype=subtype)
    avtools("convert", tmp_path / "x.wav", "-o", tmp_path / "y.flac")
    assert soundfile.info(tmp_path / "y.flac").subtype == subtype
    assert np.array_equal(load(tmp_path / "y.flac"), load(tmp_path / "x.wav"))


def test_what_a_format_can_t_hold(tmp_path):
    save(tmp_path / "x.wav", noise(9))
    assert "9 channels as flac" in one_line(
        avtools("convert", tmp_path / "x.wav", "-o", tmp_path / "y.flac")
    )
    line = one_line(avtools("convert", tmp_path / "x.wav", "-o", tmp_path / "y.m4a"))
    assert "9 channels as aac" in line
    assert "names no known format" in one_line(
        avtools("convert", tmp_path / "x.wav", "-o", tmp_path / "y.xyz")
    )
    save(tmp_path / "z.wav", noise(2), rate=44100)
    line = one_line(avtools("convert", tmp_path / "z.wav", "-o", tmp_path / "z.opus"))
    assert "--rate 48000" in line
    line = one_line(
        avtools("convert", tmp_path / "z.wav", "-o", tmp_path / "q.wav", "--codec", "x")
    )
    assert "pcm_s16le" in line


def test_gain_and_integers(tmp_path):
    x = noise(2)
    done = avtools("convert", save(tmp_path / "x.wav", x), "--gain", "12", "--codec", "pcm_s16le",
                   "-o", tmp_path / "y.wav")  # fmt: skip
    assert done.returncode == 0 and b"samples clipped" in done.stderr
    done = avtools("convert", tmp_path / "x.wav", "--gain", "-6", "-o", tmp_path / "y.wav")
    assert np.allclose(load(tmp_path / "y.wav"), x * 10 ** (-6 / 20), atol=1e-7)


def test_lossless_stays_lossless(tmp_path):
    save(tmp_path / "x.wav", noise(2), subtype="PCM_16")
    avtools("convert", tmp_path / "x.wav", "--codec", "alac", "-o", tmp_path / "x.m4a")
    assert avtools("flip", tmp_path / "x.m4a", "-o", tmp_path / "y.m4a").returncode == 0
    avtools("convert", tmp_path / "y.m4a", "-o", tmp_path / "y.wav")
    assert np.array_equal(load(tmp_path / "y.wav"), load(tmp_path / "x.wav")[:, ::-1])


@pytest.mark.parametrize(
    "wish",
    [["--codec", "flac"], ["--bitrate", "64k"], ["--by", "xy"], ["--start", "nan"],
     ["--duration", "inf"], ["--start", "1e300"], ["--channels", "²"], ["--shard", "²/³"],
     ["--stream-format", "au", "--codec", "pcm_s16le"], ["--gain", "nan"]],
)  # fmt: skip
def test_wishes_that_can_t_be_fulfilled_are_not_ignored(tmp_path, wish):
    save(tmp_path / "x.wav", noise(2))
    assert wish[-2] in one_line(avtools("convert", tmp_path / "x.wav", *wish)) or "WAV" in wish


def test_head_locked_stereo_stays_as_it_is(tmp_path):
    """Through N3D, a rotation and a flip, each told by the mark of the one before."""
    x = np.concatenate([plane_wave(0), noise(2)], axis=1)
    save(tmp_path / "x.wav", x)
    done = shell(
        f"avtools convert {tmp_path}/x.wav --from ambix+stereo --to n3d | "
        "avtools rotate-foa --yaw 90 | avtools flip"
    )
    assert done.returncode == 0, done.stderr
    y = load_bytes(done.stdout, tmp_path)
    assert np.isclose(direction(y[:, :4])[0], -90, atol=0.1)
    assert np.array_equal(y[:, 4:], x[:, [5, 4]])


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("picture") / "picture.mp4"
    shell(f"ffmpeg -v error -f lavfi -i testsrc2=s=128x64:r=10:d=1 -pix_fmt yuv420p {path}")
    return path


@needs_ffmpeg
def test_sound_into_a_360_video_and_out_again(tmp_path, picture):
    x = plane_wave(60, frames=RATE)
    save(tmp_path / "foa.wav", x)
    done = avtools("convert", tmp_path / "foa.wav", "--video", picture, "--spherical", "mono",
                   "--codec", "alac", "-o", tmp_path / "s.mp4")  # fmt: skip
    assert done.returncode == 0, done.stderr
    spatial = read_spatial(str(tmp_path / "s.mp4"))
    assert spatial.projection == "equirectangular" and spatial.ambisonic_order == 1
    done = avtools("convert", tmp_path / "s.mp4", "--to", "fuma", "-o", tmp_path / "fuma.wav")
    assert b"taken as ambix: it is marked so" in done.stderr
    done = avtools("convert", tmp_path / "s.mp4", "--start", "0.2", "-o", tmp_path / "out.wav")
    out = load(tmp_path / "out.wav")
    assert np.abs(out[: RATE // 2] - x[RATE // 5 : RATE // 5 + RATE // 2]).max() < 1e-6
    assert np.isclose(direction(out)[0], 60, atol=0.1)
    stereo = avtools("convert", tmp_path / "s.mp4", "--to", "stereo", "-o", tmp_path / "flat.mp4")
    assert stereo.returncode == 0
    assert read_spatial(str(tmp_path / "flat.mp4")).ambisonic_order is None
    assert read_spatial(str(tmp_path / "flat.mp4")).is_360


@needs_ffmpeg
def test_marking_a_video_as_360_copies_everything(tmp_path, picture):
    save(tmp_path / "x.wav", noise(2, RATE))
    avtools("convert", tmp_path / "x.wav", "--video", picture, "-o", tmp_path / "plain.mp4")
    done = avtools("convert", tmp_path / "plain.mp4", "--spherical", "top-bottom", "-o",
                   tmp_path / "marked.mp4")  # fmt: skip
    assert done.returncode == 0, done.stderr
    spatial = read_spatial(str(tmp_path / "marked.mp4"))
    assert spatial.projection == "equirectangular" and spatial.stereo == "top-bottom"
    sums = [
        shell(f"ffmpeg -v error -i {tmp_path}/{n}.mp4 -map 0 -c copy -f md5 -").stdout
        for n in ("plain", "marked")
    ]
    assert sums[0] == sums[1]


@needs_ffmpeg
def test_folders_of_sounds_and_videos(tmp_path, picture):
    (tmp_path / "sounds").mkdir()
    (tmp_path / "videos").mkdir()
    for name in ("a", "b"):
        save(tmp_path / "sounds" / f"{name}.wav", noise(2, RATE))
        (tmp_path / "videos" / f"{name}.mp4").write_bytes(picture.read_bytes())
    done = avtools("convert", tmp_path / "sounds", "--video", tmp_path / "videos", "-d",
                   tmp_path / "out")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.mp4", "b.mp4"]
    (tmp_path / "videos" / "b.mp4").unlink()
    line = one_line(avtools("convert", tmp_path / "sounds", "--video", tmp_path / "videos", "-d",
                            tmp_path / "out2"))  # fmt: skip
    assert "no video of the name b" in line


@needs_ffmpeg
def test_wishes_that_make_no_sense(tmp_path, picture):
    save(tmp_path / "x.wav", noise(2))
    x = tmp_path / "x.wav"
    assert "--video needs a video" in one_line(
        avtools("convert", x, "--video", picture, "-o", tmp_path / "y.wav")
    )
    assert "--spherical" in one_line(avtools("convert", x, "--spherical", "mono", "-o", "y.wav"))
    assert "stereo, which can't become ambix" in one_line(avtools("convert", x, "--to", "ambix"))
    assert "can't cut a picture" in one_line(
        avtools("convert", picture, "--start", "1", "-o", tmp_path / "y.mp4")
    )
    save(tmp_path / "f.wav", noise(4))
    done = avtools("convert", tmp_path / "f.wav", "--from", "ambix", "--to", "fuma", "--video",
                   picture, "--spherical", "mono", "-o", tmp_path / "y.mp4")  # fmt: skip
    assert b"players expect AmbiX" in done.stderr
