"""The user's own sounds and pictures: what is listed, and what is read of it."""

import cv2
import numpy as np
import pytest

from avtools.errors import AvtoolsError
from avtools.stream import material
from avtools.stream.material import (
    picture_files,
    read_mono,
    read_picture,
    read_thing,
    sound_files,
)
from tests.scenes import noise, plane_wave, save


def names(paths, folder) -> list[str]:
    return [str(p)[len(str(folder)) + 1 :] for p in paths]


def test_sounds_of_a_folder(tmp_path):
    (tmp_path / "dogs").mkdir()
    for name in ("b.wav", "dogs/a.flac", ".hidden.wav"):
        save(tmp_path / name, noise(1, 100), subtype="PCM_16")
    (tmp_path / "notes.txt").write_text("no sound")
    assert names(sound_files(str(tmp_path)), tmp_path) == ["b.wav", "dogs/a.flac"]
    for missing in ("nowhere", "notes"):
        (tmp_path / "notes").mkdir(exist_ok=True)
        with pytest.raises(AvtoolsError, match=missing):
            sound_files(str(tmp_path / missing))


def test_a_sound_is_read_as_one_channel_at_the_rate_asked_for(tmp_path):
    tone = np.sin(2 * np.pi * 440 * np.arange(48000) / 48000)[:, None].astype(np.float32)
    stereo = save(tmp_path / "stereo.wav", np.concatenate([tone, 0 * tone], axis=1))
    half = read_mono(str(stereo), 16000)
    t = np.arange(16000) / 16000
    assert half.shape == (16000,) and half.dtype == np.float32
    assert np.abs(half - 0.5 * np.sin(2 * np.pi * 440 * t))[200:-200].max() < 1e-3
    wave = plane_wave(90, frames=4800)
    foa = save(tmp_path / "foa.wav", wave)
    assert (read_mono(str(foa), 48000) == wave[:, 0]).all()


def test_silence_is_no_sound(tmp_path):
    save(tmp_path / "nothing.wav", np.zeros((9000, 1), np.float32))
    save(tmp_path / "constant.wav", np.full((9000, 1), 0.5, np.float32))
    save(tmp_path / "click.wav", noise(1, 100))
    for name, place in (("first", 0), ("last", -1)):
        lonely = np.zeros((9000, 1), np.float32)
        lonely[place] = 0.9
        save(tmp_path / f"{name}.wav", lonely)
    silent = [(name, "silent") for name in ("nothing", "constant", "first", "last")]
    for name, why in (*silent, ("click", "shorter")):
        with pytest.raises(AvtoolsError, match=rf"{name}\.wav: {why}"):
            read_mono(str(tmp_path / f"{name}.wav"), 48000)


def test_pictures_of_a_folder_and_of_its_parts(tmp_path):
    red = np.zeros((4, 6, 3), np.uint8)
    red[..., 2] = 255  # OpenCV has blue first
    for name in ("b.png", "sub/a.jpg", ".no.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), red)
    found = picture_files(str(tmp_path))
    assert names(found["backgrounds"], tmp_path) == ["b.png", "sub/a.jpg"] and not found["things"]
    (tmp_path / "things").mkdir()
    cv2.imwrite(str(tmp_path / "things" / "bell.png"), red)
    found = picture_files(str(tmp_path))
    assert names(found["things"], tmp_path) == ["things/bell.png"] and not found["backgrounds"]
    (tmp_path / "empty").mkdir()
    for path in ("empty", "b.png", "nowhere"):
        with pytest.raises(AvtoolsError, match=path):
            picture_files(str(tmp_path / path))


def test_pictures_come_as_red_green_blue_and_keep_what_is_transparent(tmp_path):
    blue_first = np.zeros((4, 6, 4), np.uint8)
    blue_first[..., 2], blue_first[:2, :, 3] = 255, 200
    cases = {
        "rgb.png": (blue_first[..., :3], (255, 0, 0)),
        "rgba.png": (blue_first, (255, 0, 0, 200)),
        "grey.png": (blue_first[..., 2], (255, 255, 255)),
        "deep.png": (blue_first[..., :3].astype(np.uint16) * 257, (255, 0, 0)),
    }
    for name, (picture, first) in cases.items():
        cv2.imwrite(str(tmp_path / name), picture)
        read = read_picture(str(tmp_path / name))
        assert read.dtype == np.uint8 and tuple(read[0, 0]) == first


def test_what_is_no_picture_is_refused_in_one_line(tmp_path, capfd):
    noisy = np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8)
    whole = cv2.imencode(".png", noisy)[1]
    half, torn = whole[: len(whole) // 2], np.concatenate([whole[:200], whole[220:]])
    (tmp_path / "half.png").write_bytes(half.tobytes())
    (tmp_path / "torn.png").write_bytes(torn.tobytes())
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    for name in ("half.png", "torn.png", "bad.png", "empty.png"):
        with pytest.raises(AvtoolsError, match=f"{name}: can't be read as a picture"):
            read_picture(str(tmp_path / name))
    assert capfd.readouterr().err == ""


def test_a_thing_that_is_clear_everywhere_is_none(tmp_path):
    for name, opaque in (("bell", 255), ("ghost", 100)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((4, 6, 4), opaque, np.uint8))
    assert read_thing(str(tmp_path / "bell.png")).shape == (4, 6, 4)
    with pytest.raises(AvtoolsError, match=r"ghost\.png: clear everywhere"):
        read_thing(str(tmp_path / "ghost.png"))


def test_what_stays_in_memory_is_limited_in_bytes(monkeypatch):
    read = []

    @material._kept
    def reading(name: str) -> np.ndarray:
        read.append(name)
        return np.zeros(100, np.uint8)

    monkeypatch.setattr(material, "KEPT_BYTES", 250)
    for name in "abacab":
        assert len(reading(name)) == 100
    # a and b stay, a is asked for again, c takes the place of b.
    assert read == ["a", "b", "c", "b"]
