"""A run loses nothing: whatever is killed, it or its rerun ends with every other clip, once."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from avtools.curate import engine, hang
from avtools.datasets.shards import Shards
from avtools.errors import AvtoolsError
from tests.curate.footage import many, rows
from tests.scenes import ROOT, avtools, command, needs_ffmpeg, one_line

pytestmark = needs_ffmpeg
COUNT = 20
QUICK = ["--clip", "2", "--skip", "duplicates", "--jobs", "2", "--size", "32"]
# A decoder that crashes: a module that every Python process loads at its start, for this test.
CRASHES = """\
import os, sys
if "avtools" in " ".join(sys.orig_argv) or "multiprocessing" in " ".join(sys.orig_argv):
    import av
    true_open = av.open
    def open(file, *more, **others):
        name = str(file)
        if "kills-all" in name or ("kills-decoder" in name and not name.startswith("file:")):
            os.kill(os.getpid(), 9)
        return true_open(file, *more, **others)
    av.open = open
"""


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return many(tmp_path_factory.mktemp("raw"), COUNT)


@pytest.fixture(scope="module")
def undisturbed(raw, tmp_path_factory):
    """The folder of a run that nothing happened to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    call = ["curate", raw, "-o", folder / "m.csv", "--to-shards", folder / "sh", *QUICK]
    assert avtools(*call).returncode == 0
    return folder


def start(*arguments, **more) -> subprocess.Popen:
    return subprocess.Popen(command("curate", *arguments), stderr=subprocess.PIPE, **more)


def ended(run: subprocess.Popen, seconds: float = 60) -> str:
    _, said = run.communicate(timeout=seconds)
    return said.decode()


def judged(manifest) -> list[str]:
    """The clips in the log of the work folder, as often as they were worked on."""
    log = manifest.with_name(manifest.name + ".work") / "clips.jsonl"
    try:
        return [
            json.loads(line)[0] for line in log.read_bytes().splitlines(True) if line[-1:] == b"\n"
        ]
    except FileNotFoundError:
        return []


def wait_for(run: subprocess.Popen, condition, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while run.poll() is None and time.monotonic() < end and not condition():
        time.sleep(0.002)
    assert time.monotonic() < end


def check_shards(manifest, folder) -> None:
    """Every clip that was kept is in a shard, once; all can be read."""
    kept = {name: row for name, row in rows(manifest).items() if row["kept"] == "yes"}
    shards = Shards(folder)
    assert sorted(shards.keys) == sorted(kept)
    for number, key in enumerate(shards.keys):
        sample = shards.read(number)
        assert sample.frames.shape == (12, 32, 48, 3) and sample.sound.shape == (2, 32_000)
        where, _, _ = kept[key]["shard"].partition("-")
        assert where == kept[key]["split"]
    assert not [p for p in folder.iterdir() if p.suffix not in (".tar", ".idx")]


def test_a_killed_worker_costs_nothing(tmp_path, raw):
    call = [raw, "-o", tmp_path / "m.csv", "--to-shards", tmp_path / "sh", *QUICK]
    run = start(*call)
    wait_for(run, lambda: len(judged(tmp_path / "m.csv")) > 0)
    workers = [
        p
        for p in psutil.Process(run.pid).children(recursive=True)
        if "spawn_main" in " ".join(p.cmdline())
    ]
    assert workers, "the run was over before a worker could be killed"
    workers[0].kill()
    assert "another run" in one_line(avtools("curate", *call))
    said = ended(run)
    assert run.returncode == 0 and said.count("\n") == 1, said
    assert [r["kept"] for r in rows(tmp_path / "m.csv").values()] == ["yes"] * COUNT
    assert sorted(judged(tmp_path / "m.csv")) == sorted(rows(tmp_path / "m.csv"))
    check_shards(tmp_path / "m.csv", tmp_path / "sh")


@pytest.mark.parametrize("phase", ["clips", "shards"])
def test_a_killed_run_goes_on_where_it_stopped(tmp_path, raw, undisturbed, phase):
    manifest, shards = tmp_path / "m.csv", tmp_path / "sh"
    call = [raw, "-o", manifest, "--to-shards", shards, *QUICK]
    run = start(*call)
    at = {"clips": lambda: len(judged(manifest)) > 3, "shards": lambda: [*shards.glob("*.tar")]}
    wait_for(run, at[phase])
    assert run.poll() is None
    run.kill()
    ended(run)
    done = judged(manifest)
    assert not manifest.exists()
    assert len(done) > 3 and (phase == "shards" or len(done) < COUNT)
    again = avtools("curate", *call)
    assert again.returncode == 0, again.stderr
    assert judged(manifest)[: len(done)] == done
    assert sorted(judged(manifest)) == sorted(rows(manifest)), "a clip was worked on twice"
    check_shards(manifest, shards)
    assert manifest.read_bytes() == relative(undisturbed / "m.csv", raw, tmp_path)
    for path in (undisturbed / "sh").iterdir():
        assert path.read_bytes() == (shards / path.name).read_bytes()


def relative(manifest, raw, folder) -> bytes:
    """A manifest as it would be in another folder."""
    old, new = (os.path.relpath(raw, here) for here in (manifest.parent, folder))
    return manifest.read_bytes().replace(f",{old}/".encode(), f",{new}/".encode())


def test_what_always_crashes_costs_itself_alone(tmp_path, raw):
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(CRASHES)
    folder = tmp_path / "raw"
    folder.mkdir()
    for k in range(3):
        os.link(raw / f"v{k:02}.mp4", folder / f"v{k:02}.mp4")
    for name in ("kills-all", "kills-decoder"):
        os.link(raw / "v00.mp4", folder / f"{name}.mp4")
    path = os.pathsep.join([str(hook), os.environ.get("PYTHONPATH", "")])
    environment = dict(os.environ, PYTHONPATH=path)
    call = ["curate", folder, "-o", tmp_path / "m.csv", "--to-shards", tmp_path / "sh", *QUICK]
    done = avtools(*call, env=environment)
    assert done.returncode == 0 and done.stderr.count(b"\n") == 1, done.stderr
    found = rows(tmp_path / "m.csv")
    for name, row in found.items():
        crashes = name.startswith("kills")
        assert row["kept"] == ("no" if crashes else "yes")
        assert row["reason"] == ("crashes the decoder" if crashes else "")
    assert len(found) == 5 and len(judged(tmp_path / "m.csv")) == 4
    check_shards(tmp_path / "m.csv", tmp_path / "sh")
    logs = [*(tmp_path / "m.csv.work").glob("*.jsonl")]
    before = [log.read_bytes() for log in logs]
    assert avtools(*call, env=environment).returncode == 0  # and is not tried again
    assert len(logs) == 3 and [log.read_bytes() for log in logs] == before


def test_a_process_that_nobody_restarts_is_replaced(tmp_path):
    """A keeper that gave up, as it does where its process dies at once."""
    with engine.crew(1, None, tmp_path) as client:
        cluster = client.cluster
        (keeper,) = cluster.workers.values()
        (address,) = client.nthreads()
        cluster.sync(keeper.close)
        end = time.monotonic() + 30
        while time.monotonic() < end and list(client.nthreads()) in ([], [address]):
            time.sleep(0.05)
        assert len(client.nthreads()) == 1 and address not in client.nthreads()
        (found,) = engine.results(client, [[[3, 1, 2]]], sorted, str)
        assert found == [3, 1, 2]

        def work(group):
            return [time.sleep(1000) if item == "bad" else (item, {}) for item in group]

        marks = tmp_path / "hung"
        watched = hang.watched(work, lambda i: (i, {}), marks, lambda i: 0.5 + 99 * (i != "bad"))
        found = dict(engine.results(client, [["one", "bad", "two"]], *watched))
        assert found == {"one": {}, "bad": {"reason": "hangs the decoder"}, "two": {}}


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_ends_in_silence(tmp_path, raw, number, status):
    call = [raw, "-o", tmp_path / "m.csv", *QUICK]
    run = start(*call, start_new_session=True)
    wait_for(run, lambda: len(judged(tmp_path / "m.csv")) > 0)
    os.killpg(run.pid, number)  # as a terminal does
    said = ended(run)
    assert run.returncode == status and said == "", said
    assert len(judged(tmp_path / "m.csv")) < COUNT, "it went on to the end"
    assert not (tmp_path / "m.csv").exists() and not (tmp_path / "m.csv.work/scratch").exists()


def test_dask_is_silent_for_good():
    """Also after its own silence has ended, with its cluster."""
    code = """if True:
        import logging
        from avtools.curate.worker import silence
        silence()
        from distributed import LocalCluster
        from distributed.utils import silence_logging_cmgr
        with silence_logging_cmgr(logging.CRITICAL):
            pass
        for name in ("distributed", "distributed.batched", "distributed.client", "asyncio",
                     "tornado.application", "distributed.nanny"):
            try:
                raise OSError("closed")
            except OSError:
                logging.getLogger(name).critical("Batched Comm Closed", exc_info=True)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""


def test_addresses_of_schedulers(tmp_path):
    for good in ("tcp://127.0.0.1:8786", "tls://a-host.example:1", "host:65535", "tcp://[::1]:9"):
        assert engine.scheduler_address(good) == good
        (tmp_path / "file").write_text(json.dumps({"type": "Scheduler", "address": good}))
        assert engine.scheduler_address(str(tmp_path / "file")) == good
    for bad in ("foo", "", "http://host:80", "host:0", "host:65536", "tcp://host", "tcp://:8786"):
        with pytest.raises(AvtoolsError, match="expected an address"):
            engine.scheduler_address(bad)
    for text in ("", "{}", "[1]", "\xff", '{"address": 3}', '{"address": "foo"}'):
        (tmp_path / "file").write_text(text)
        with pytest.raises(AvtoolsError, match=r"--scheduler .*file"):
            engine.scheduler_address(str(tmp_path / "file"))


def test_a_scheduler_that_is_not_there_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "CONNECT_SECONDS", 0.3)
    with (
        pytest.raises(AvtoolsError, match="no Dask scheduler there"),
        engine.crew(1, f"tcp://127.0.0.1:{free_port()}", tmp_path),
    ):
        pass


def free_port() -> int:
    with socket.socket() as here:
        here.bind(("127.0.0.1", 0))
        return here.getsockname()[1]


def test_a_real_scheduler_and_worker(tmp_path, raw):
    """Two processes that know nothing of the run, over loopback; the worker is killed as well."""
    address = f"tcp://127.0.0.1:{free_port()}"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": ROOT}
    worker_line = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1",
                   "--local-directory", str(tmp_path), "--no-dashboard"]  # fmt: skip
    flags = ["--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--no-dashboard"]
    scheduler = subprocess.Popen([*dask, *flags, "--dashboard-address", "127.0.0.1:0"], **quiet)
    worker = subprocess.Popen(worker_line, **quiet)
    try:
        call = [raw, "-o", tmp_path / "m.csv", "--to-shards", tmp_path / "sh", *QUICK[:4],
                "--size", "32", "--scheduler", address]  # fmt: skip
        run = start(*call)
        wait_for(run, lambda: len(judged(tmp_path / "m.csv")) > 0)
        for process in psutil.Process(worker.pid).children(recursive=True):
            if "spawn_main" in " ".join(process.cmdline()):
                process.kill()
        said = ended(run)
        assert run.returncode == 0 and f"{COUNT} of {COUNT} clips kept" in said, said
        assert [r["kept"] for r in rows(tmp_path / "m.csv").values()] == ["yes"] * COUNT
        check_shards(tmp_path / "m.csv", tmp_path / "sh")
    finally:
        for process in (worker, scheduler):
            process.terminate()
            process.wait(10)
