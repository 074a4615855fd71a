"""rotate-foa, as a person runs it; ffmpeg's v360 says where the picture goes."""

import numpy as np
import pytest

from avtools.dsp.rotation import rotation_matrix
from avtools.stream.video import frames
from tests.scenes import (
    RATE,
    avtools,
    direction,
    load,
    load_bytes,
    needs_data,
    needs_ffmpeg,
    noise,
    one_line,
    plane_wave,
    save,
    shell,
)

random = np.random.default_rng(11)


def rotated(tmp_path, x, *options) -> np.ndarray:
    save(tmp_path / "x.wav", x)
    done = avtools("rotate-foa", tmp_path / "x.wav", *options)
    assert done.returncode == 0, done.stderr
    return load_bytes(done.stdout, tmp_path)


def test_there_and_back_in_a_pipe(tmp_path):
    x = noise(4, 30_000)
    save(tmp_path / "x.wav", x)
    done = shell(f"avtools rotate-foa {tmp_path}/x.wav --yaw 30 | avtools rotate-foa --yaw -30")
    assert np.abs(load_bytes(done.stdout, tmp_path) - x).max() < 1e-6


@pytest.mark.parametrize(
    ("angle", "source", "goes"),
    [("--yaw", (0, 0), (90, 0)), ("--pitch", (0, 0), (0, -90)), ("--roll", (90, 0), (0, -90))],
)
def test_ninety_degrees(tmp_path, angle, source, goes):
    y = rotated(tmp_path, plane_wave(*source), angle, "90")
    azimuth, elevation = direction(y)
    assert np.isclose(elevation, goes[1], atol=0.05)
    assert abs(elevation) > 89 or np.isclose(azimuth, goes[0], atol=0.05)


def test_inverse_and_the_angles_of_others(tmp_path):
    there = rotated(tmp_path, noise(4), "--yaw", "20", "--pitch", "30", "--roll", "-40")
    back = rotated(tmp_path, there, "--yaw", "20", "--pitch", "30", "--roll", "-40", "--inverse")
    assert np.abs(back - noise(4)).max() < 1e-6
    right = rotated(tmp_path, plane_wave(0), "--yaw", "90", "--convention", "sparta")
    assert np.isclose(direction(right)[0], -90, atol=0.01)


def picture_of_a_spot(azimuth: float, elevation: float, width: int = 720) -> np.ndarray:
    y, x = np.mgrid[0.5 : width // 2, 0.5:width]
    a, e = np.deg2rad(180 - 360 * x / width), np.deg2rad(90 - 360 * y / width)
    a0, e0 = np.deg2rad([azimuth, elevation])
    cosine = np.sin(e) * np.sin(e0) + np.cos(e) * np.cos(e0) * np.cos(a - a0)
    return (255 * np.clip((cosine - np.cos(0.14)) / 0.004, 0, 1)).astype(np.uint8)


def spot_in(picture: np.ndarray) -> np.ndarray:
    """The unit vector of the mean direction of what is bright."""
    height, width = picture.shape
    y, x = np.mgrid[0.5:height, 0.5:width]
    a, e = np.pi - 2 * np.pi * x / width, np.pi / 2 - np.pi * y / height
    weight = np.where(picture > 127, np.cos(e), 0)
    m = [(weight * v).sum() for v in (np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e))]
    return np.array(m) / np.linalg.norm(m)


def unit(azimuth: float, elevation: float) -> np.ndarray:
    a, e = np.deg2rad([azimuth, elevation])
    return np.array([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)])


def degrees_between(u, v) -> float:
    return float(np.rad2deg(np.arccos(np.clip(np.dot(u, v), -1, 1))))


@needs_ffmpeg
@pytest.mark.parametrize("seed", range(4))
def test_one_triple_turns_sound_and_ffmpegs_picture_alike(tmp_path, seed):
    draw = np.random.default_rng(seed)
    source = draw.uniform([-180, -60], [180, 60])
    triple = draw.uniform([-180, -90, -180], [180, 90, 180]).round(2)
    names = ("--yaw", "--pitch", "--roll")
    options = [f"{name}={value}" for name, value in zip(names, triple, strict=True)]
    y = rotated(tmp_path, plane_wave(*source), *options)
    gray = tmp_path / "spot.gray"
    gray.write_bytes(picture_of_a_spot(*source).tobytes())
    yaw, pitch, roll = triple
    done = shell(
        f"ffmpeg -v error -f rawvideo -pix_fmt gray -s 720x360 -i {gray} -vf "
        f"v360=e:e:yaw={yaw}:pitch={pitch}:roll={roll} -f rawvideo -pix_fmt gray -"
    )
    seen = spot_in(np.frombuffer(done.stdout, np.uint8).reshape(360, 720))
    heard = unit(*direction(y))
    assert degrees_between(heard, seen) < 0.5
    assert degrees_between(heard, rotation_matrix(*triple) @ unit(*source)) < 0.05


@needs_ffmpeg
def test_sound_and_picture_of_a_360_video_turn_together(tmp_path):
    source, triple = (30.0, 20.0), (50.0, -20.0, 35.0)
    (tmp_path / "spot.gray").write_bytes(picture_of_a_spot(*source).tobytes() * 5)
    # As soft in the treble as real sound is: white noise is more than AAC can hold twice over.
    gains = plane_wave(*source, frames=1)[0] / plane_wave(*source, frames=1)[0, 0]
    soft = np.convolve(noise(1, 24_000)[:, 0], np.hanning(16) / 8, "same")
    save(tmp_path / "foa.wav", np.outer(soft, gains).astype(np.float32))
    shell(
        f"ffmpeg -v error -f rawvideo -pix_fmt gray -s 720x360 -r 10 -i {tmp_path}/spot.gray "
        f"-pix_fmt yuv420p -crf 10 {tmp_path}/picture.mp4"
    )
    made = avtools("convert", tmp_path / "foa.wav", "--video", tmp_path / "picture.mp4",
                   "--spherical", "mono", "-o", tmp_path / "scene.mp4")  # fmt: skip
    assert made.returncode == 0, made.stderr
    options = ["--yaw", triple[0], "--pitch", triple[1], "--roll", triple[2], "--picture"]
    done = avtools("rotate-foa", tmp_path / "scene.mp4", *options, "-o", tmp_path / "t.mp4")
    assert done.returncode == 0, done.stderr
    want = rotation_matrix(*triple) @ unit(*source)
    _, picture = next(frames(str(tmp_path / "t.mp4")))
    assert degrees_between(spot_in(picture[..., 1]), want) < 0.5
    avtools("convert", tmp_path / "t.mp4", "-o", tmp_path / "t.wav")
    assert degrees_between(unit(*direction(load(tmp_path / "t.wav"))), want) < 0.5
    rows = avtools("probe", tmp_path / "t.mp4", "--format", "csv").stdout.decode()
    assert "equirectangular" in rows and "ambix" in rows


def test_track(tmp_path):
    (tmp_path / "t.csv").write_text("time,yaw,pitch,roll\n0,0,0,0\n1,90,0,0\n")
    y = rotated(tmp_path, plane_wave(0, frames=2 * RATE), "--track", tmp_path / "t.csv")
    for second, azimuth in ((0.25, 22.5), (0.5, 45), (1.5, 90)):
        at = round(second * RATE)
        assert np.isclose(direction(y[at - 480 : at + 480])[0], azimuth, atol=0.3)
    y = rotated(tmp_path, plane_wave(0, frames=RATE), "--track", tmp_path / "t.csv", "--inverse")
    assert direction(y[-480:])[0] < -88


def test_what_comes_in_in_other_forms(tmp_path):
    foa = plane_wave(40)
    w, y, z, x = foa.T
    fuma = np.stack([w / 2**0.5, x, y, z], 1)
    out = rotated(tmp_path, fuma, "--yaw", "10", "--from", "fuma")
    assert np.isclose(direction(out)[0], 50, atol=0.01)
    youtube = np.stack([x, y, w, 0 * w, z, 0 * w], 1)
    out = rotated(tmp_path, youtube, "--yaw", "10", "--from", "youtube")
    assert out.shape[1] == 4 and np.isclose(direction(out)[0], 50, atol=0.01)
    line_of = lambda c: one_line(avtools("rotate-foa", save(tmp_path / "n.wav", noise(c))))  # noqa: E731
    assert "--channels 0-3" in line_of(16)
    assert "2 channels, but first-order ambisonics has 4" in line_of(2)
    third = np.concatenate([foa, noise(12)], axis=1)
    out = rotated(tmp_path, third, "--yaw", "10", "--channels", "0-3")
    assert out.shape[1] == 4 and np.isclose(direction(out)[0], 50, atol=0.01)


@needs_data
def test_a_real_third_order_recording(tmp_path):
    """Omnitone's example is straight ahead; turned by 90 it is at the left."""
    from tests.scenes import DATA

    file = DATA / "GoogleChrome+omnitone/examples/resources/3oa_example_ch0-ch7.wav"
    done = avtools("rotate-foa", file, "--channels", "0-3", "--yaw", "90")
    azimuth, elevation = direction(load_bytes(done.stdout, tmp_path))
    assert abs(azimuth - 90) < 2 and abs(elevation) < 2
