"""ffmpeg and sox on either side of our pipes and files, for real."""

import subprocess

import numpy as np
import pytest

from tests.scenes import RATE, avtools, load, needs_ffmpeg, needs_sox, noise, save, shell

COUNTS = [1, 2, 4, 9, 16]


@needs_ffmpeg
@pytest.mark.parametrize("channels", COUNTS)
def test_ffmpeg_pipes_are_bit_exact(tmp_path, channels):
    x = noise(channels, 20_000)
    raw = tmp_path / "x.f32"
    raw.write_bytes(x.tobytes())
    form = f"-f f32le -ar {RATE} -ac {channels}"
    done = shell(
        f"ffmpeg -v error {form} -i {raw} -f wav -c:a pcm_f32le - | avtools convert | "
        f"ffmpeg -v error -i - -f f32le -c:a pcm_f32le -"
    )
    assert done.returncode == 0, done.stderr
    assert np.array_equal(np.frombuffer(done.stdout, "<f4").reshape(-1, channels), x)


@needs_ffmpeg
@pytest.mark.parametrize("channels", COUNTS)
def test_ffmpeg_files_are_bit_exact(tmp_path, channels):
    x = noise(channels, 20_000)
    (tmp_path / "x.f32").write_bytes(x.tobytes())
    made = tmp_path / "made.wav"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "f32le", "-ar", str(RATE), "-ac", str(channels),
         "-i", tmp_path / "x.f32", "-c:a", "pcm_f32le", made], check=True,
    )  # fmt: skip
    assert avtools("convert", made, "-o", tmp_path / "out.wav").returncode == 0
    read = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", tmp_path / "out.wav", "-f", "f32le", "-"],
        check=True, capture_output=True,
    )  # fmt: skip
    assert np.array_equal(np.frombuffer(read.stdout, "<f4").reshape(-1, channels), x)
    assert read.stderr == b""


@needs_sox
@pytest.mark.parametrize("channels", COUNTS)
def test_sox_pipes_are_exact_to_its_32_bits(tmp_path, channels):
    x = noise(channels, 20_000)
    raw = tmp_path / "x.f32"
    raw.write_bytes(x.tobytes())
    done = shell(
        f"sox -t raw -e float -b 32 -r {RATE} -c {channels} {raw} -t wav - | avtools convert "
        f"| sox -t wav - -t raw -e float -b 32 -"
    )
    assert done.returncode == 0, done.stderr

    y = np.frombuffer(done.stdout, "<f4").reshape(-1, channels)
    assert y.shape == x.shape
    assert np.abs(y - x).max() <= 2.0**-24


@needs_sox
@pytest.mark.parametrize("channels", COUNTS)
def test_sox_files_are_exact_to_its_32_bits(tmp_path, channels):
    x = noise(channels, 20_000)
    save(tmp_path / "x.wav", x)
    subprocess.run(["sox", tmp_path / "x.wav", tmp_path / "made.wav"], check=True)
    assert avtools("convert", tmp_path / "made.wav", "-o", tmp_path / "out.wav").returncode == 0
    read = subprocess.run(
        ["sox", tmp_path / "out.wav", tmp_path / "read.wav"], check=True, capture_output=True
    )
    assert read.stderr == b""
    assert np.abs(load(tmp_path / "read.wav") - x).max() <= 2.0**-24


@needs_ffmpeg
@needs_sox
def test_unknown_lengths_of_both_are_read_to_the_end(tmp_path):
    x = noise(2, 50_000)
    save(tmp_path / "x.wav", x)
    ffmpeg = f"ffmpeg -v error -i {tmp_path}/x.wav -f wav -c:a pcm_f32le -"
    sox = "sox -t wav - -t wav -e float -b 32 -"
    for source in (
        ffmpeg,
        f"cat {tmp_path}/x.wav | {sox}",
        f"{ffmpeg} | {sox}",
        f"ffmpeg -v error -i {tmp_path}/x.wav -f au -c:a pcm_f32be -",
    ):
        done = shell(f"{source} | avtools flip > {tmp_path}/out.wav")
        assert done.returncode == 0, done.stderr
        y = load(tmp_path / "out.wav")
        assert y.shape == x.shape
        assert np.abs(y - x[:, ::-1]).max() <= 2.0**-24


@needs_ffmpeg
@needs_sox
def test_streams_beyond_known_length_end_in_both(tmp_path):
    """Our unknown-length header, from a FLAC in a pipe, is read whole by ffmpeg and sox."""
    x = noise(2, 30_000)
    save(tmp_path / "x.flac", x, subtype="PCM_24")
    want = load(tmp_path / "x.flac")
    for reader in ("ffmpeg -v quiet -i - -f f32le -", "sox -V1 -t wav - -t raw -e float -b 32 -"):
        done = shell(f"cat {tmp_path}/x.flac | avtools convert | {reader}")
        y = np.frombuffer(done.stdout, "<f4").reshape(-1, 2)
        assert y.shape == want.shape
        assert np.abs(y - want).max() <= 2.0**-24


@needs_ffmpeg
def test_au_on_a_pipe(tmp_path):
    x = noise(4, 10_000)
    save(tmp_path / "x.wav", x)
    done = shell(
        f"avtools flip {tmp_path}/x.wav --stream-format au | ffmpeg -v error -i - -f f32le -"
    )
    assert done.returncode == 0, done.stderr
    assert np.array_equal(np.frombuffer(done.stdout, "<f4").reshape(-1, 4), x * [1, -1, 1, 1])


@needs_sox
def test_sox_names_our_format_by_itself(tmp_path):
    """`sox -` looks at its first read alone: header and samples must come in one piece."""
    save(tmp_path / "x.wav", noise(2, 50_000))
    for _ in range(8):
        done = shell(f"set -o pipefail; avtools flip {tmp_path}/x.wav | sox - -n stat")
        assert done.returncode == 0, done.stderr
