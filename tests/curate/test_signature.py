import io

import numpy as np
import pytest

from avtools.curate.signature import BYTES, SOUND_BITS, picture_bits, signature, sound_bits

RATE, N = 16000, 160000


def sound(seed):
    """Words of noise and tones that change, in two channels, `(2, samples)`."""
    rng = np.random.default_rng(seed)
    t = np.arange(N) / RATE
    gate = np.repeat(rng.uniform(0, 1, (4, 50)) ** 2, N // 50, axis=1)
    tones = sum(
        gate[k] * np.sin(2 * np.pi * f * (t + 0.02 * np.sin(3 * t)))
        for k, f in enumerate(rng.uniform(150, 3000, 4))
    )
    both = np.stack([tones, 0.5 * tones]) + 0.1 * rng.standard_normal((2, N))
    return (0.1 * both).astype(np.float32)


def pictures(seed, height=72, width=128, count=12):
    """Some large coloured shapes that drift, whatever the size of the picture."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    y, x = (y + 0.5) / height, (x + 0.5) / width
    frames = np.zeros((count, height, width, 3))
    for _ in range(12):
        (cy, cx), (vy, vx), size = rng.random(2), rng.normal(0, 0.1, 2), rng.uniform(0.05, 0.3)
        colour = rng.normal(0, 1, 3)
        for k in range(count):
            far = (y - cy - vy * k / count) ** 2 + (x - cx - vx * k / count) ** 2
            frames[k] += np.exp(-far / size**2)[..., None] * colour
    frames -= frames.min()
    return (255 * frames / frames.max()).astype(np.uint8)


def share(a, b):
    return float(np.mean(a != b))


def halved(x):
    """At half the rate, by its spectrum."""
    return np.fft.irfft(np.fft.rfft(x)[:, : N // 4 + 1], N // 2) / 2


def through_aac(x, bitrate):
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("aac", rate=RATE, layout="stereo")
        stream.bit_rate = bitrate
        frame = av.AudioFrame.from_ndarray(x, "fltp", "stereo")
        frame.sample_rate = RATE
        out.mux([p for f in (frame, None) for p in stream.encode(f)])
    file.seek(0)
    with av.open(file) as coded:
        return np.concatenate([f.to_ndarray() for f in coded.decode(audio=0)], axis=1)


def test_size():
    text = signature(sound(0), RATE, pictures(0))
    assert len(text) == 2 * BYTES == 192 and int(text, 16)


@pytest.mark.parametrize("seed", range(3))
def test_copies_of_a_sound_agree(seed):
    x = sound(seed)
    bits = sound_bits(x, RATE)
    assert len(bits) == SOUND_BITS
    assert share(bits, sound_bits(through_aac(x, 64000), RATE)) < 0.2
    assert share(bits, sound_bits(through_aac(x, 128000), RATE)) < 0.12
    assert share(bits, sound_bits(0.2 * x, RATE)) < 0.02
    assert share(bits, sound_bits(x[:1], RATE)) < 0.12
    assert share(bits, sound_bits(np.roll(x, RATE // 20, axis=1), RATE)) < 0.22
    assert share(bits, sound_bits(halved(x), RATE // 2)) < 0.12


def test_others_agree_by_chance():
    bits = [sound_bits(sound(seed), RATE) for seed in range(12)]
    shares = [share(a, b) for k, a in enumerate(bits) for b in bits[:k]]
    assert min(shares) > 0.4 and abs(np.mean(shares) - 0.5) < 0.01


def test_clips_of_one_source_do_not_agree():
    x = np.concatenate([sound(1)[:, : N // 2], sound(2), sound(1)[:, N // 2 :]], axis=1)
    parts = [sound_bits(x[:, k * N // 2 : k * N // 2 + N], RATE) for k in range(3)]
    assert min(share(parts[0], parts[1]), share(parts[1], parts[2])) > 0.4


@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.0])
def test_short_clips_do_not_agree_either(seconds):
    n = round(seconds * RATE)
    bits = [sound_bits(sound(3)[:, k * n : (k + 1) * n], RATE) for k in range(4)]
    assert min(share(a, b) for k, a in enumerate(bits) for b in bits[:k]) > 0.35
    copy = sound_bits(0.7 * sound(3)[:, :n] + 1e-4, RATE)
    assert share(bits[0], copy) < 0.05


def test_pictures():
    bits = picture_bits(pictures(0))
    assert share(bits, picture_bits(pictures(0, 144, 200))) < 0.06
    noisy = pictures(0) + np.random.default_rng(0).normal(0, 6, (12, 72, 128, 3))
    assert share(bits, picture_bits(np.clip(noisy, 0, 255).astype(np.uint8))) < 0.06
    assert share(bits, picture_bits((pictures(0) * 0.8).astype(np.uint8))) < 0.06
    # In a mirrored picture the odd terms, half of all, change their signs.
    assert share(bits, picture_bits(pictures(0)[:, :, ::-1])) == pytest.approx(0.5, abs=0.03)
    others = [share(bits, picture_bits(pictures(seed))) for seed in range(1, 12)]
    assert min(others) > 0.3 and np.mean(others) == pytest.approx(0.5, abs=0.06)


def test_few_frames_and_short_sounds():
    assert len(picture_bits(pictures(0, count=1))) == 256
    assert len(sound_bits(sound(0)[:, :100], RATE)) == SOUND_BITS
    assert not sound_bits(np.zeros((1, 0)), RATE).any()
    assert len(signature(np.full((2, N), np.nan), RATE, pictures(0))) == 192


def test_what_is_refused():
    with pytest.raises(ValueError, match="expected uint8"):
        picture_bits(np.zeros((0, 4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match=r"expected \(channels, samples\)"):
        sound_bits(np.zeros(10), RATE)
    with pytest.raises(ValueError, match="samples a second"):
        sound_bits(np.zeros((1, 10)), 100)
