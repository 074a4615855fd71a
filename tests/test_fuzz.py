"""Damaged WAV files through whole commands: read or refused in one line, never a bug of ours."""

import numpy as np
import pytest

from avtools.cli import status
from tests.scenes import noise
from tests.stream.test_wav import mutated, written

RUNS = [
    ["probe", "{}"],
    ["flip", "{}", "-o", "{}.out.wav"],
    ["rotate-foa", "{}", "--yaw", "20", "-o", "{}.out.wav"],
    ["convert", "{}", "--to", "stereo", "-o", "{}.out.wav"],
    ["convert", "{}", "--start", "0.0002", "--rate", "16000", "-o", "{}.out.flac"],
]


@pytest.mark.parametrize("run", RUNS, ids=lambda r: " ".join(r[::2]))
def test_damaged_files_are_read_or_refused(tmp_path, run, capfd):
    random = np.random.default_rng(8)
    marks = {"convention": "ambix", "order": 1, "source": "a.wav", "head_locked": True}
    seeds = [
        np.frombuffer(written(noise(c, 60), codec, True, marks=marks), np.uint8)
        for c, codec in [(1, "pcm_s16le"), (2, "pcm_f32le"), (4, "pcm_s24le"), (6, "pcm_f32le")]
    ]
    answers = []
    for k in range(400):
        path = tmp_path / f"{k}.wav"
        path.write_bytes(mutated(seeds[k % len(seeds)], random))
        answers.append(status([word.format(path) for word in run]))
        told = capfd.readouterr().err
        assert answers[-1] in (0, 2), (answers[-1], told)
        if answers[-1] == 2:
            errors = [line for line in told.splitlines() if "warning:" not in line]
            assert len(errors) == 1, told
            assert not list(tmp_path.glob(f"*{k}.wav.out*"))
    assert {0, 2} <= set(answers)
