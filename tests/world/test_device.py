"""Where scenes are rendered."""

import subprocess
import sys

import pytest

from avtools.world.device import chosen_device


def test_there_is_always_a_processor_and_it_has_one_thread():
    code = (
        "import torch; from avtools.world.device import chosen_device; torch.set_num_threads(2); "
        "assert chosen_device('cpu') == 'cpu'; assert torch.get_num_threads() == 1"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_best_there_is():
    import torch

    best = chosen_device()
    assert (best == "cuda") == torch.cuda.is_available()
    with pytest.raises(ValueError, match="device tpu, expected one of auto, cpu, cuda, mps"):
        chosen_device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="device cuda: there is none here"):
            chosen_device("cuda")
