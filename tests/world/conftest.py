"""One thread a process: where cores are few and busy, more threads wait for one another."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    import torch

    torch.set_num_threads(1)
