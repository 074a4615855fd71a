"""What goes wrong: one line, exit 2, nothing left behind."""

import os
import resource
import signal
import subprocess
import time

import numpy as np
import pytest

from avtools.stream.wav import Header, header_bytes
from tests.scenes import (
    RATE,
    avtools,
    command,
    load,
    load_bytes,
    needs_ffmpeg,
    noise,
    one_line,
    save,
    shell,
)

TOOLS = [("flip",), ("rotate-foa", "--yaw", "10"), ("convert",)]
RIFF = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0"

BAD = {
    "empty": b"",
    "truncated header": header_bytes(Header("pcm_f32le", 4, RATE, 80))[:40],
    "random bytes": np.random.default_rng(1).bytes(5000),
    "text": b"this is no sound\n" * 50,
    "zero rate": RIFF + b"\x01\0\x04\0\0\0\0\0\0\0\0\0\x08\0\x10\0data\0\0\0\0",
    "0 channels": RIFF + b"\x01\0\0\0\x80\xbb\0\0\0\0\0\0\0\0\x10\0data\0\0\0\0",
}


def left_in(folder) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.mark.parametrize("tool", TOOLS, ids=lambda t: t[0])
@pytest.mark.parametrize("what", BAD)
def test_bad_files(tmp_path, tool, what):
    bad = tmp_path / "bad.wav"
    bad.write_bytes(BAD[what])
    out = tmp_path / "out"
    out.mkdir()
    assert "bad.wav" in one_line(avtools(*tool, bad, "-o", out / "x.wav"))
    assert left_in(out) == []


@pytest.mark.parametrize("what", BAD)
def test_bad_pipes(what):
    result = avtools("flip", input=BAD[what])
    assert "standard input" in one_line(result)
    assert result.stdout == b""


@pytest.mark.parametrize("tool", TOOLS[:2], ids=lambda t: t[0])
def test_wrong_channel_count(tmp_path, tool):
    save(tmp_path / "x.wav", noise(5))
    line = one_line(avtools(*tool, tmp_path / "x.wav", "-o", tmp_path / "y.wav"))
    assert "5 channels, but first-order ambisonics has 4" in line
    assert left_in(tmp_path) == ["x.wav"]


def test_missing_file_and_folders(tmp_path):
    assert "No such file" in one_line(
        avtools("flip", tmp_path / "no.wav", "-o", tmp_path / "y.wav")
    )
    (tmp_path / "empty").mkdir()
    assert "no sound or video files" in one_line(
        avtools("flip", tmp_path / "empty", "-d", tmp_path)
    )
    save(tmp_path / "x.wav", noise(2))
    line = one_line(avtools("flip", tmp_path / "x.wav", "-o", tmp_path / "no" / "such" / ".wav"))
    assert "has no ending to name a format" in line
    assert "is a folder" in one_line(avtools("flip", tmp_path / "x.wav", "-o", tmp_path))


WEAK = ["setpriv", "--bounding-set=-dac_override,-dac_read_search",
        "--inh-caps=-dac_override,-dac_read_search"]  # fmt: skip


def test_no_permission(tmp_path):
    weak = []
    if os.geteuid() == 0:  # root may read and write everything, unless it gives that up
        weak = WEAK
        if subprocess.run([*weak, "true"], capture_output=True).returncode:
            pytest.skip("root, and setpriv is not here")
    save(tmp_path / "x.wav", noise(2))
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    line = command("flip", tmp_path / "x.wav", "-o", closed / "y.wav")
    assert "Permission denied" in one_line(subprocess.run([*weak, *line], capture_output=True))
    assert left_in(closed) == []
    (tmp_path / "x.wav").chmod(0)
    line = command("flip", tmp_path / "x.wav")
    assert "Permission denied" in one_line(subprocess.run([*weak, *line], capture_output=True))


def limited(size: int):
    """Files may not grow beyond this: what a full disk looks like."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("name", ["y.wav", "y.flac", "y.caf", "y.opus", "y.m4a"])
def test_full_disk_leaves_nothing(tmp_path, name):
    save(tmp_path / "x.wav", noise(2, 200_000))
    line = one_line(
        avtools("flip", tmp_path / "x.wav", "-o", tmp_path / name, preexec_fn=limited(4096))
    )
    assert name in line and ("too large" in line or "disk full" in line)
    assert left_in(tmp_path) == ["x.wav"]


@needs_ffmpeg
@pytest.mark.parametrize("more", [[], ["--picture"]])
def test_full_disk_with_a_video(tmp_path, more):
    video = tmp_path / "v.mp4"
    shell(
        "ffmpeg -v error -f lavfi -i testsrc=d=2:s=64x64 -f lavfi -i anoisesrc=d=2:r=48000 -ac 2 "
        f"-pix_fmt yuv420p -c:a aac -b:a 192k {video}"
    )
    run = ("flip", video, *more, "-o", tmp_path / "y.mp4")
    line = one_line(avtools(*run, preexec_fn=limited(8192)))
    assert "y.mp4: File too large" in line
    assert left_in(tmp_path) == ["v.mp4"]


def test_full_disk_keeps_the_old_output(tmp_path):
    save(tmp_path / "x.wav", noise(2, 200_000))
    (tmp_path / "y.wav").write_bytes(b"old")
    one_line(
        avtools("flip", tmp_path / "x.wav", "-o", tmp_path / "y.wav", preexec_fn=limited(4096))
    )
    assert (tmp_path / "y.wav").read_bytes() == b"old"
    assert left_in(tmp_path) == ["x.wav", "y.wav"]


def test_full_standard_output(tmp_path):
    save(tmp_path / "x.wav", noise(2, 200_000))
    done = shell(f"avtools flip {tmp_path}/x.wav > /dev/full")
    assert "standard output: No space left" in one_line(done)


def test_output_onto_input(tmp_path):
    x = noise(2)
    save(tmp_path / "x.wav", x)
    os.link(tmp_path / "x.wav", tmp_path / "same.wav")
    for target in ("x.wav", "./x.wav", "same.wav"):
        line = one_line(avtools("flip", "x.wav", "-o", target, cwd=tmp_path))
        assert "--in-place" in line
    assert np.array_equal(load(tmp_path / "x.wav"), x)
    os.unlink(tmp_path / "same.wav")
    assert avtools("flip", "x.wav", "--in-place", cwd=tmp_path).returncode == 0
    assert np.array_equal(load(tmp_path / "x.wav"), x[:, ::-1])


def test_outputs_never_land_on_inputs_of_the_same_run(tmp_path):
    for name in ("a.wav", "a_f.wav"):
        save(tmp_path / name, noise(2))
    before = (tmp_path / "a_f.wav").read_bytes()
    run = ("flip", tmp_path, "-d", tmp_path, "--suffix", "_f")
    assert "is an input itself" in one_line(avtools(*run))
    assert (tmp_path / "a_f.wav").read_bytes() == before
    done = shell(f"avtools flip {tmp_path}/a.wav >> {tmp_path}/a.wav")
    assert "standard output: is an input itself" in one_line(done)


def test_what_stands_in_a_file_that_is_appended_to_stays(tmp_path):
    x = noise(2)
    save(tmp_path / "x.wav", x)
    flip = f"avtools flip {tmp_path}/x.wav"
    assert shell(f"echo precious > {tmp_path}/f; {flip} >> {tmp_path}/f").returncode == 0
    first, rest = (tmp_path / "f").read_bytes().split(b"\n", 1)
    assert first == b"precious" and np.array_equal(load_bytes(rest, tmp_path), x[:, ::-1])
    assert shell(f"{{ {flip}; {flip}; }} > {tmp_path}/both").returncode == 0
    assert (tmp_path / "both").read_bytes() == rest * 2


@pytest.mark.parametrize("ending", ["ogg", "flac", "caf", "wav", "opus"])
def test_a_disk_that_is_full_at_the_last_byte(tmp_path, ending):
    save(tmp_path / "x.wav", noise(2, 20_000))
    whole = tmp_path / f"y.{ending}"
    assert avtools("flip", tmp_path / "x.wav", "-o", whole).returncode == 0
    size = whole.stat().st_size
    whole.unlink()
    one_line(avtools("flip", tmp_path / "x.wav", "-o", whole, preexec_fn=limited(size - 1)))
    assert left_in(tmp_path) == ["x.wav"]


def test_many_bad_files_use_up_nothing(tmp_path):
    for k in range(60):
        save(tmp_path / f"{k:02}.wav", noise(1, 10))
    save(tmp_path / "z.wav", noise(4, 10))
    run = ("flip", tmp_path, "-d", tmp_path / "out", "--channels", "0-3")
    few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))  # noqa: E731
    done = avtools(*run, preexec_fn=few)
    assert done.returncode == 2 and left_in(tmp_path / "out") == ["z.wav"]
    assert done.stderr.decode().count("no channel 1") == 60


def test_quiet_still_tells_failures(tmp_path):
    save(tmp_path / "x.wav", noise(2))
    (tmp_path / "bad.wav").write_text("no sound")
    done = avtools("flip", "-q", tmp_path, "-d", tmp_path / "out")
    assert done.returncode == 2 and done.stderr.count(b"\n") == 1


def test_named_pipes_in_a_folder_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    save(tmp_path / "b.wav", noise(2))
    assert avtools("flip", tmp_path, "-d", tmp_path / "out").returncode == 0
    assert left_in(tmp_path / "out") == ["b.wav"]


def test_one_name_that_can_t_be_written_does_not_stop_the_rest(tmp_path):
    save(tmp_path / "x.wav", noise(2))
    (tmp_path / "notes.txt").write_text("no sound")
    done = avtools("flip", "x.wav", "notes.txt", "-d", "out", cwd=tmp_path)
    assert done.returncode == 2 and left_in(tmp_path / "out") == ["x.wav"]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
@pytest.mark.parametrize("line", ["flip x.wav -o y.wav", "probe x.wav", "--help", "flip no.wav"])
def test_closed_standard_streams(tmp_path, closed, line):
    save(tmp_path / "x.wav", noise(2))
    done = shell(f"avtools {line} {closed}", cwd=tmp_path)
    assert done.returncode in (0, 2) and b"Traceback" not in done.stderr + done.stdout
    if line.startswith("flip x.wav"):
        assert done.returncode == 0 and (tmp_path / "y.wav").exists()


def test_devices_are_written_not_replaced(tmp_path):
    save(tmp_path / "x.wav", noise(2))
    assert avtools("flip", tmp_path / "x.wav", "-o", "/dev/null").returncode == 0
    assert not os.path.isfile("/dev/null")


@needs_ffmpeg
def test_no_audio_stream(tmp_path):
    silent = tmp_path / "silent.mp4"
    shell(f"ffmpeg -v error -f lavfi -i testsrc=d=0.2:s=64x64 {silent}")
    assert "no audio stream" in one_line(avtools("flip", silent, "-o", tmp_path / "x.wav"))


def test_no_video_stream(tmp_path):
    save(tmp_path / "x.wav", noise(2))
    assert "x.wav" in one_line(avtools("flip", tmp_path / "x.wav", "-o", tmp_path / "y.mp4"))
    assert left_in(tmp_path) == ["x.wav"]


def test_reader_that_leaves(tmp_path):
    save(tmp_path / "x.wav", noise(2, 400_000))
    done = shell(
        f"set -o pipefail; avtools flip {tmp_path}/x.wav | head -c 100 > /dev/null; "
        "echo ${PIPESTATUS[0]}"
    )
    assert done.stdout == b"141\n" and done.stderr == b""


def started(tmp_path, *arguments) -> subprocess.Popen:
    """avtools in the middle of a sound that does not end, its output begun."""
    before = set(tmp_path.iterdir())
    process = subprocess.Popen(
        command(*arguments), stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    process.stdin.write(
        header_bytes(Header("pcm_f32le", 2, RATE, None)) + noise(2, 50_000).tobytes()
    )
    process.stdin.flush()
    deadline = time.monotonic() + 30
    while not any(f.stat().st_size > 300_000 for f in set(tmp_path.iterdir()) - before):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    return process


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_interrupted_runs_leave_nothing(tmp_path, number, status):
    process = started(tmp_path, "flip", "-o", "y.wav")
    process.send_signal(number)
    assert process.wait(20) == status
    assert process.stderr.read() == b""
    assert left_in(tmp_path) == []


def test_what_a_killed_run_leaves_goes_with_the_next(tmp_path):
    process = started(tmp_path, "flip", "-o", "y.wav")
    process.kill()
    process.wait()
    (left,) = left_in(tmp_path)
    assert left.startswith(".y.wav.") and left.endswith(".avtools-part")
    alive = started(tmp_path, "flip", "-o", "y.wav")  # its file must stay
    assert len(left_in(tmp_path)) == 1 and left_in(tmp_path) != [left]
    done = avtools("flip", "-o", "y.wav", input=header_bytes(Header("pcm_f32le", 2, RATE, 0)),
                   cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0
    assert "y.wav" in left_in(tmp_path) and len(left_in(tmp_path)) == 2
    alive.stdin.close()
    assert alive.wait(20) == 0
    assert left_in(tmp_path) == ["y.wav"]


def test_truncated_sound_is_kept_with_a_warning(tmp_path):
    x = noise(2)
    data = save(tmp_path / "x.wav", x).read_bytes()
    (tmp_path / "cut.wav").write_bytes(data[:-13])
    done = avtools("flip", tmp_path / "cut.wav", "-o", tmp_path / "y.wav")
    assert done.returncode == 0 and b"truncated" in done.stderr
    assert np.array_equal(load(tmp_path / "y.wav"), x[:-2, ::-1])


def test_nan_is_passed_on_and_told_once(tmp_path):
    x = noise(4, 200_000)
    x[96_000:97_000, 1] = np.nan
    x[150_000, 3] = np.inf
    save(tmp_path / "x.wav", x)
    done = avtools("rotate-foa", tmp_path / "x.wav", "--yaw", "30", "-o", tmp_path / "y.wav")
    assert done.returncode == 0
    assert done.stderr.decode().count("\n") == 1 and b"first at 2.000 s" in done.stderr
    y = load(tmp_path / "y.wav")
    assert np.isnan(y[96_000:97_000, 1]).all()
    assert np.array_equal(y[:, 0], x[:, 0]) and np.isfinite(y[:, 2][:96_000]).all()


def test_mistypings_are_answered():
    assert "did you mean flip?" in one_line(avtools("flop"))
    assert "--yaw" in one_line(avtools("rotate-foa", "--yav", "3"))
    assert "'x' is not a valid float" in one_line(avtools("rotate-foa", "--yaw", "x"))
    for wrong in (["--order", "abc"], ["--convention", "no"], ["--from", "x"], ["--yaw", "nan"]):
        assert wrong[0] in one_line(avtools("rotate-foa", *wrong, input=b""))


def test_sound_is_not_written_to_a_terminal(tmp_path):
    import pty

    save(tmp_path / "x.wav", noise(2))
    near, far = pty.openpty()
    result = subprocess.run(
        command("flip", tmp_path / "x.wav"), stdout=far, stderr=subprocess.PIPE, stdin=far
    )
    assert result.returncode == 2 and b"terminal" in result.stderr
    result = subprocess.run(command("flip"), stdout=far, stderr=subprocess.PIPE, stdin=far)
    assert result.returncode == 2 and b"no FILE" in result.stderr
    os.close(near)
    os.close(far)
