"""Tables of what sounds when and where, of stretches and of moments."""

import pytest

from avtools.datasets import Event
from avtools.datasets.events import read_events
from avtools.errors import AvtoolsError
from tests.datasets.trees import text


def read(tmp_path, content, name="truth.csv"):
    return read_events(str(text(tmp_path / name, content)))


def test_stretches(tmp_path):
    content = (
        "start,end,class,source,azimuth,elevation,distance,onscreen\n0,1.5,cat,2,-190,10,3,no\n"
    )
    assert read(tmp_path, content) == [Event(0, 1.5, "cat", "2", 170.0, 10.0, 3.0, False)]
    assert read(tmp_path, "start,end\n2,3\n") == [Event(2, 3, "")]


MOMENTS = [
    Event(0.0, 0.1, "speech", "0", 90.0, onscreen=True),
    Event(0.2, 0.3, "speech", "0", 95.0, onscreen=False),
    Event(0.3, 0.4, "bell", "1", -20.0, onscreen=True),
]


def test_moments_are_the_middles_of_steps(tmp_path):
    """As `avtools synth` writes them: silent things and movers are there too."""
    content = (
        "file,time,source,role,sound,azimuth,sounding,visible\n"
        "a.mp4,0.05,0,source,speech,90,1,0.5\na.mp4,0.05,1,source,bell,-20,0,1\n"
        "a.mp4,0.15,0,source,speech,92,0,0.5\na.mp4,0.25,0,source,speech,95,1,0\n"
        "a.mp4,0.25,2,mover,,10,0,1\na.mp4,0.35,1,source,bell,-20,1,1\n"
    )
    assert read(tmp_path, content) == MOMENTS
    rows = [
        '{"time": 0.05, "source": 0, "sound": "speech", "azimuth": 90, "visible": 1}',
        '{"time": 0.15, "source": 0, "sound": "speech", "azimuth": 90, "sounding": 0}',
        '{"time": 0.25, "source": 0, "sound": "speech", "azimuth": 95, "elevation": null, '
        '"sounding": 1, "visible": 0.0}',
        '{"time": 0.35, "source": 1, "sound": "bell", "azimuth": -20, "sounding": 1, "visible": 1}',
    ]
    assert read(tmp_path, "\n".join(rows), "truth.json") == MOMENTS


def test_silence_between_does_not_stretch_a_step(tmp_path):
    content = "time,sounding\n0.5,1\n1.5,0\n2.5,1\n"
    assert read(tmp_path, content) == [Event(0, 1, ""), Event(2, 3, "")]


def test_of_one_moment_the_first_step_is_known(tmp_path):
    assert read(tmp_path, "time,azimuth\n0.25,30\n") == [Event(0.0, 0.5, "", azimuth=30.0)]
    assert read(tmp_path, "time,azimuth\n") == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "azimuth\n30\n", "line 2: '' where a number"),
        ("a.csv", "start,end\n2,1\n", "line 2: ends at 1 s, before it starts at 2 s"),
        ("a.csv", "start,end,azimuth\n1,2,left\n", "line 2: 'left' where a number"),
        ("a.jsonl", "[1, 2]\n", "row 1: not an object"),
        ("a.jsonl", '{"time": 1}\n{"time"\n', "row 2: not an object"),
    ],
)
def test_damage_is_named(tmp_path, name, content, words):
    with pytest.raises(AvtoolsError, match=words):
        read(tmp_path, content, name)
