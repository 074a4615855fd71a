"""Sheets of parts side by side; names to keep that nothing has."""

from types import SimpleNamespace

import pytest

from avtools.curate import by_hand, looks
from avtools.curate.manifest import Fate
from avtools.curate.plan import Planned
from avtools.datasets.clip import Clip
from avtools.datasets.jpeg import encode


def run(tmp_path, part, keep=None):
    import numpy as np

    clip = Clip("a/v@0", "a/v", None, "/none/v.mp4", duration=2.0, channel="a")
    work = SimpleNamespace(looks=tmp_path / "looks")
    picture = looks.place(work.looks, clip)
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_bytes(encode(np.zeros((16, 16, 3), np.uint8), None))
    return SimpleNamespace(
        order=SimpleNamespace(contact=str(tmp_path / "sheets"), part=part, keep=keep),
        work=work,
        fates=lambda: [(Planned(clip), {}, Fate(None, "full"))],
        planned=lambda: [Planned(clip)],
        each=lambda *more: [],
    )


@pytest.mark.parametrize("part, name", [(None, "a.png"), ((2, 3), "a-2-of-3.png")])
def test_the_sheets_of_parts_have_names_of_their_own(tmp_path, part, name):
    drawn = []
    by_hand.draw_sheets(run(tmp_path, part), lambda path, cells, title: drawn.append(path))
    assert drawn == [str(tmp_path / "sheets" / name)]


@pytest.mark.parametrize("part", [None, (1, 2)])
def test_names_to_keep_that_nothing_has(tmp_path, capsys, part):
    footage = [Clip(f"a/{k}", f"a/{k}", None, "x", channel="a") for k in ("v", "other")]
    good = {"a", "a/v", "a/other", "a/v@0"}
    by_hand.warn_of_unknown(run(tmp_path, part, frozenset(good)), footage)
    assert capsys.readouterr().err == ""
    listed = frozenset(good | {"b", "a/nose@3", "a/other@1"})
    by_hand.warn_of_unknown(run(tmp_path, part, listed), footage)
    said = capsys.readouterr().err
    named = "a/nose@3, b:" if part else "a/nose@3, a/other@1, b:"
    assert f"--keep: {named}" in said and said.count("\n") == 1
