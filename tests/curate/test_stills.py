import io

import numpy as np
import pytest

from avtools.curate.stills import shrunk, stills

H, W = 144, 256


def photograph(seed=0, height=H, width=W):
    """Smooth shapes of all sizes, `(height, width, 3)` uint8."""
    rng = np.random.default_rng(seed)
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
    x = np.fft.irfft2(
        np.fft.rfft2(rng.standard_normal((3, height, width))) / (np.hypot(fy, fx) + 0.02) ** 1.5,
        (height, width),
    )
    x = (x - x.min()) / np.ptp(x)
    return (255 * x).astype(np.uint8).transpose(1, 2, 0)


def held(count=30, seed=0):
    return np.repeat(photograph(seed)[None], count, axis=0)


def grainy(frames, deviation, seed=1):
    grain = np.random.default_rng(seed).standard_normal(frames.shape[:3])[..., None]
    return np.clip(frames + deviation * grain, 0, 255).astype(np.uint8)


def with_mouth(frames, height=10, width=14):
    frames = frames.copy()
    for k, frame in enumerate(frames):
        opened = round(height * abs(np.sin(1.3 * k)))
        frame[70 : 70 + opened, 120 : 120 + width] = 20
    return frames


def coded(frames, crf, repeat=5):
    """Through H.264 at 30 frames a second, every 5th of them ours, a keyframe a second."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = W, H, "yuv420p"
        stream.options = {"crf": str(crf), "preset": "veryfast", "g": "30"}
        for frame in np.repeat(frames, repeat, axis=0):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        out.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as video:
        return np.stack([f.to_ndarray(format="rgb24") for f in video.decode(video=0)])[::repeat]


def test_a_still_is_one_and_says_so():
    assert stills(held()).reasons == ("still picture: movement in 0 % of the time, expected 20 %",)
    assert stills(held(3)).reasons and stills(held(2)[..., 0]).reasons


@pytest.mark.parametrize("crf", [18, 30, 38])
def test_coding_moves_nothing(crf):
    assert stills(coded(held(20), crf)).figures["moving"] < 0.2


@pytest.mark.parametrize("deviation", [2, 8, 16])
def test_film_grain_moves_nothing(deviation):
    assert stills(grainy(held(), deviation)).figures["moving"] < 0.1


def test_light_that_changes_moves_nothing():
    flicker = held() * np.linspace(0.7, 1, 30)[np.arange(30) * 7 % 30, None, None, None]
    assert stills(flicker.astype(np.uint8)).figures["moving"] == 0


def test_a_small_mouth_moves_even_in_grain_and_coded():
    for frames in (with_mouth(held()), grainy(with_mouth(held()), 4)):
        verdict = stills(frames)
        assert verdict.passed and verdict.figures["moving"] > 0.6
        # The mouth has 10 x 14 of 144 x 256 pixels: 0.4 %.
        assert 0.002 < verdict.figures["moving_area"] < 0.012
    assert stills(coded(with_mouth(held(20)), 28)).passed


def test_something_tiny_that_moves_all_the_time():
    """8 x 8 of 144 x 256 pixels blink: 0.17 %, less than an area that would count by itself."""
    frames = grainy(held(40), 4)
    frames[::2, 72:80, 120:128] //= 2
    assert stills(frames).figures["moving"] > 0.9
    frames = grainy(held(40), 4)
    frames[::9, 72:80, 120:128] //= 2
    assert not stills(frames, least_moving=0.3).passed


def test_those_who_ask_for_more_get_it():
    assert stills(with_mouth(held())).figures["moving_area"] < 0.02


def test_a_moving_camera_moves():
    picture = photograph(3)
    for step in (1, 3, 8):  # pixels a frame: a slow one is seen over some of them
        pan = np.stack([np.roll(picture, step * k, axis=1) for k in range(30)])
        assert stills(pan).figures["moving"] == 1
    assert stills(pan[::10]).passed


def test_movement_now_and_then():
    frames = held(61)
    frames[10:14] = with_mouth(held(4), 20, 30)
    assert stills(frames).figures["moving"] == pytest.approx(5 / 60, abs=0.02)
    assert not stills(frames).passed and stills(frames, least_moving=0.05).passed


def test_slides_are_a_slide_show():
    slides = np.concatenate([held(10, seed) for seed in (1, 2, 3)])
    verdict = stills(slides)
    assert verdict.reasons == ("slide show: movement in 0 % of the time, expected 20 %",)
    assert verdict.figures["cuts"] == 2
    # Three pictures of it may as well be a film with cuts.
    assert stills(slides[::10]).passed


def test_slides_that_fade():
    a, b = photograph(1).astype(float), photograph(2).astype(float)
    part = np.clip((np.arange(40) - 17) / 6, 0, 1)[:, None, None, None]
    verdict = stills(((1 - part) * a + part * b).astype(np.uint8))
    assert verdict.reasons[0].startswith("slide show: ") and verdict.figures["cuts"] == 1


def test_a_film_with_cuts_passes():
    film = np.concatenate([with_mouth(held(10, seed), 30, 40) for seed in (1, 2, 3)])
    verdict = stills(film)
    assert verdict.passed and verdict.figures["cuts"] == 2


def test_too_few_frames_say_nothing():
    for frames in (held(1), held(0)):
        verdict = stills(frames)
        assert verdict.passed and np.isnan(verdict.figures["moving"])


def test_shapes_and_sizes():
    assert shrunk(held(2)).shape == (2, 36, 64)
    assert shrunk(np.zeros((1, 1080, 1920, 3), np.uint8)).shape == (1, 36, 64)
    assert not stills(np.zeros((2, 1, 1, 3), np.uint8)).passed
    for wrong in (
        np.zeros((2, 4, 4, 3)),
        np.zeros((2, 4), np.uint8),
        np.zeros((2, 0, 4), np.uint8),
    ):
        with pytest.raises(ValueError, match="expected uint8"):
            stills(wrong)
