"""Streams: constant memory, samples that leave at once, lengths beyond 4 GiB."""

import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from avtools.stream.wav import Header, header_bytes
from tests.scenes import RATE, avtools, command, load, noise, save

GIB5 = 5 << 30
STAGES = [["flip"], ["rotate-foa", "--yaw", "90"], ["convert", "--from", "ambix", "--to", "n3d"]]


# A process starts with the peak of the one that started it: a small one stands between.
MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
sys.stderr.write(f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.1f}")
sys.exit(code)
"""


def measured(*arguments, **more) -> subprocess.Popen:
    line = [sys.executable, "-c", MEASURE, *command(*arguments)]
    return subprocess.Popen(line, stderr=subprocess.PIPE, **more)


def peak_mib(process: subprocess.Popen) -> float:
    """Wait for the end; the largest resident size."""
    told = process.communicate()[1]
    assert process.returncode == 0, told
    return float(told)


def test_five_gibibytes(tmp_path):
    """The last frame arrives, none is lost, and the memory is that of a short sound."""
    big = tmp_path / "big.wav"
    with big.open("wb") as file:
        file.write(header_bytes(Header("pcm_f32le", 4, RATE, GIB5), spare=True))
        file.seek(GIB5 - 16, os.SEEK_CUR)  # a hole: no disk is used
        file.write(np.array([1, 2, 3, 4], "<f4").tobytes())
    process = measured("rotate-foa", big, "--yaw", "90", stdout=subprocess.PIPE)
    count, buffer = 0, bytearray(1 << 20)
    tail = b""
    while got := process.stdout.readinto(buffer):
        count += got
        tail = (tail + bytes(buffer[max(0, got - 16) : got]))[-16:]
    assert peak_mib(process) < 150
    header = count - GIB5
    assert 44 < header < 300
    assert np.allclose(np.frombuffer(tail, "<f4"), [1, 4, 3, -2], atol=1e-5)


@pytest.mark.parametrize("stage", STAGES, ids=lambda s: s[0])
def test_samples_leave_before_the_last_arrive(stage):
    """Each block is answered while the next has not been made yet."""
    process = subprocess.Popen(command(*stage), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    x = noise(4, 3000)
    process.stdin.write(header_bytes(Header("pcm_f32le", 4, RATE, None)))
    for k in range(3):
        process.stdin.write(x.tobytes())
        process.stdin.flush()
        if k == 0:
            _skip_header(process)
        got = b""
        while len(got) < x.nbytes:
            got += os.read(process.stdout.fileno(), x.nbytes - len(got))
        assert len(got) == x.nbytes
    process.stdin.close()
    assert process.stdout.read() == b""
    assert process.wait(20) == 0


def _skip_header(process) -> None:
    """Read on, byte by byte, to the first sample."""
    seen = b""
    while not seen.endswith(b"data\xff\xff\xff\xff"):
        seen += os.read(process.stdout.fileno(), 1)
        assert len(seen) < 500


@pytest.mark.parametrize("ending", ["wav", "flac", "opus"])
def test_memory_does_not_grow_with_length(tmp_path, ending):
    """A sound of three minutes costs what one of three seconds costs."""
    peaks = []
    for seconds in (3, 180):
        save(tmp_path / "x.wav", noise(2, seconds * RATE), subtype="PCM_16")
        first, second = tmp_path / f"y.{ending}", tmp_path / f"z.{ending}"
        assert avtools("convert", tmp_path / "x.wav", "-o", first).returncode == 0
        peaks.append(peak_mib(measured("convert", first, "-o", second)))
    assert peaks[1] < peaks[0] + 20, peaks


def test_long_outputs_become_rf64(tmp_path):
    """A file that outgrows 4 GiB without having said so is readable as RF64."""
    from avtools.stream.sound import Sound
    from avtools.stream.wire import WireWriter, read_wire

    path = tmp_path / "x.wav"
    with path.open("w+b") as file:
        fd = file.fileno()
        writer = WireWriter(fd, Sound(iter(()), RATE, 4))
        os.lseek(fd, GIB5, os.SEEK_CUR)  # as if so much had been written
        writer.written = GIB5
        writer.write(np.ones((4, 10), np.float32))
        writer.finish()
        os.lseek(fd, 0, os.SEEK_SET)
        assert read_wire(fd, "x.wav").frames == GIB5 // 16 + 10
    with path.open("rb") as file:
        assert file.read(4) == b"RF64"
    assert soundfile.info(path).frames == GIB5 // 16 + 10


def test_a_window_of_a_long_sound_is_sought(tmp_path):
    x = noise(2, 40 * RATE)
    save(tmp_path / "x.wav", x)
    for ending in ("wav", "flac", "caf"):
        file = tmp_path / f"x.{ending}"
        avtools("convert", tmp_path / "x.wav", "-o", file) if ending != "wav" else None
        avtools("convert", file, "--start", "30.5", "--duration", "1", "-o", tmp_path / "y.wav")
        want = x[round(30.5 * RATE) : round(31.5 * RATE)]
        assert load(tmp_path / "y.wav").shape == want.shape
        assert np.abs(load(tmp_path / "y.wav") - want).max() < 2.0**-22


@pytest.mark.parametrize("ending", ["m4a", "opus", "ogg", "mp3"])
def test_a_window_of_a_lossy_sound_equals_the_whole(tmp_path, ending):
    """Seeking gives the samples that decoding from the beginning gives."""
    soft = np.convolve(noise(1, 40 * RATE)[:, 0], np.hanning(16) / 8, "same")
    save(tmp_path / "x.wav", soft[:, None].astype(np.float32))
    file = tmp_path / f"x.{ending}"
    assert avtools("convert", tmp_path / "x.wav", "-o", file).returncode == 0
    avtools("convert", file, "-o", tmp_path / "all.wav")
    avtools("convert", file, "--start", "30.5", "--duration", "1", "-o", tmp_path / "part.wav")
    want = load(tmp_path / "all.wav")[round(30.5 * RATE) : round(31.5 * RATE)]
    assert np.abs(load(tmp_path / "part.wav") - want).max() < 1e-3
