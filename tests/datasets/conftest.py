"""A shard of four clips, and one to be spoilt."""

import shutil
from pathlib import Path

import pytest

from avtools.datasets.shard_writer import write_shard
from tests.datasets.shard_clips import clip


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return write_shard(tmp_path_factory.mktemp("shards") / "train-000000.tar", map(clip, range(4)))


@pytest.fixture
def copy(made, tmp_path) -> Path:
    """The shard and its index, to be spoilt."""
    for path in (made, made.with_suffix(".idx")):
        shutil.copy(path, tmp_path)
    return tmp_path / made.name
