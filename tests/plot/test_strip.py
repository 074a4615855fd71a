"""Strips in a terminal: no line is too wide, left is above right, gaps are blank."""

import io
import re

import numpy as np
import pytest

from avtools.plot.strip import (
    BARS,
    RAMP,
    AzimuthStrip,
    DelayStrip,
    Terminal,
    fitted,
    heat_strip,
    show,
    sparkline,
    terminal,
    time_line,
)

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
WAYS = [{}, {"ascii": True}, {"colour": True}, {"colour": True, "ascii": True}]


def bare(text: str) -> list[str]:
    return ESCAPE.sub("", text).split("\n")


def azimuth_strip(azimuth=lambda t: 90.0, seconds: int = 300) -> AzimuthStrip:
    strip = AzimuthStrip()
    for t in range(seconds):
        strip.add(t + 0.5, [azimuth(t), azimuth(t) + 1], [1.0, 0.5])
    return strip


def test_bars_rise_from_low_to_high():
    assert sparkline(np.arange(8), 8, 0, 7) == BARS
    assert sparkline([-5, 0, 100], 3, 0, 7) == "▁▁█"
    assert sparkline([0, np.nan, 7], 3, 0, 7) == "▁ █"
    assert sparkline([0, np.nan, 7], 3, 0, 7, ascii=True) == "_ #"
    assert sparkline([], 10, 0, 1) == "" and sparkline([1.0], 0, 0, 1) == ""
    assert sparkline([3.0, 3.0], 2, 3.0, 3.0) == "▁▁"


def test_columns_are_averaged_or_repeated():
    grid = np.array([[0.0, 2, np.nan, 4, np.nan, np.nan]])
    np.testing.assert_array_equal(fitted(grid, 3), [[1, 4, np.nan]])
    np.testing.assert_array_equal(fitted(np.array([[1.0, 2]]), 4), [[1, 1, 2, 2]])
    assert fitted(grid, 0).shape == (1, 0) and fitted(np.zeros((2, 0)), 5).shape == (2, 0)


def test_shades_labels_and_time():
    grid = [[0, 0, 4, 4], [1, 2, 3, np.nan]]
    lines = heat_strip(grid, 20, ["up", "down"], (0.0, 4.0)).split("\n")
    assert lines == ["up           ███████", "down ░░░░▒▒▒▒▓▓▓▓", "     0.0 ───── 4.0 s"]
    assert heat_strip(grid, 20, ["", ""], ascii=True).split("\n") == [
        " " * 10 + "@" * 10,
        ":" * 5 + "=" * 5 + "#" * 5,
    ]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("width", [0, 1, 2, 5, 9, 17, 40, 80, 81, 200, 3000])
def test_no_line_is_wider_than_the_terminal(way, width):
    delays = DelayStrip(1e-3, [f"{k}-{k + 1}" for k in range(12)])
    for t in range(700):
        delays.add(t * 0.1, np.linspace(-2e-3, 2e-3, 12))
    for strip in (azimuth_strip(lambda t: t), delays, azimuth_strip(seconds=1)):
        lines = bare(strip.text(width, **way))
        assert max(map(len, lines)) <= width and len(lines) <= 12
        if way.get("ascii"):
            assert "\n".join(lines).isascii()
        if not way.get("colour") or way.get("ascii"):
            assert "\x1b" not in strip.text(width, **way)
    assert width < 40 or max(map(len, bare(azimuth_strip().text(width)))) == width


@pytest.mark.parametrize(
    ("azimuth", "name"), [(90, "left"), (0, "front"), (-90, "right"), (180, "back"), (-170, "back")]
)
@pytest.mark.parametrize("way", WAYS[:2])
def test_a_direction_is_on_its_line(azimuth, name, way):
    lines = azimuth_strip(lambda t: azimuth).text(80, **way).split("\n")
    strong = "@" if way.get("ascii") else "█"
    assert [line.split()[0] for line in lines if strong in line] == [name]


def test_left_is_above_right_and_time_runs_to_the_right():
    lines = azimuth_strip(lambda t: 90 if t < 150 else -90).text(80).split("\n")
    left = next(i for i, line in enumerate(lines) if line.startswith("left"))
    right = next(i for i, line in enumerate(lines) if line.startswith("right"))
    assert left < right
    assert lines[left].rindex("█") < lines[right].index("█")
    assert lines[-1].lstrip().startswith("0:00 ─") and lines[-1].endswith("─ 5:00 min:s")


def test_the_brightest_colour_is_where_the_sound_is():
    lines = azimuth_strip(lambda t: 95).text(80, colour=True).split("\n")
    bright = [line for line in lines if f"38;5;{RAMP[-1]}m" in line]
    assert len(bright) == 1 and bright[0].startswith("left")
    assert all(line.endswith("\x1b[0m") for line in lines[:-1])


def test_gaps_are_blank():
    strip = AzimuthStrip()
    for t in [*range(100), *range(200, 300)]:
        strip.add(t, 0.0)
    for way in WAYS[:3]:
        line = next(s for s in bare(strip.text(66, **way)) if s.startswith("front"))
        assert line[6 + 25 : 6 + 35].strip() == "" and line[6:20].strip() and line[-10:].strip()
    delays = DelayStrip(1.0, ["0-1"])
    for t in range(76):
        delays.add(t, [np.nan if 20 < t < 40 else 1.0])
    assert delays.text(80).split("\n")[0] == "0-1 " + "█" * 21 + " " * 19 + "█" * 36


def test_the_first_channel_leading_is_high():
    strip = DelayStrip(1e-3, ["0-1", "0-2"])
    for t in range(10):
        strip.add(t, [1e-3, -1e-3])
    first, second, _, words = strip.text(40).split("\n")
    assert set(first[4:]) == {"█"} and set(second[4:]) == {"▁"}
    assert words == "█ the first channel leads by 1 ms, ▁ the"


def test_the_heavier_of_two_delays_is_shown_not_their_mean():
    strip = DelayStrip(1.0, ["0-1"], hop=1.0)
    for weight, delay in ((0.9, 1.0), (0.3, -1.0), (0.3, -1.0)):
        strip.add(0.0, [delay], weight)
    assert "█" in strip.text(12).split("\n")[0]


def test_memory_does_not_grow():
    strip = DelayStrip(1.0, ["0-1"])
    for t in range(20_000):
        strip.add(t * 0.01, [0.5])
    assert strip.weights._total.shape[0] == 1200 and strip.weights.held_rows < 256
    assert len(strip.text(100).split("\n")[0]) == 100


def test_nothing_heard_is_no_strip():
    strip = AzimuthStrip()
    assert strip.text() == ""
    strip.add(0.0, [], [])
    strip.add(1.0, np.nan, 1.0)
    assert strip.text() == "" and DelayStrip(1.0, ["0-1"]).text() == ""


def test_the_line_of_time_fits():
    for width in range(30):
        assert len(time_line((0, 3725), width)) <= width
    assert time_line((0, 10), 20) == "0.0 ───────── 10.0 s"
    assert time_line((0, 3725), 30, 2, ascii=True) == "  0:00:00 ------ 1:02:05 h:min:s"
    assert time_line((0, 3725), 16) == "1:02:05 h:min:s" and time_line((0, 3725), 9) == "1:02:05"
    assert time_line((0, 3725), 6) == ""


class Screen(io.StringIO):
    encoding = "UTF-8"

    def isatty(self):
        return True


def test_only_a_terminal_sees_it(monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    file, screen = io.StringIO(), Screen()
    show(azimuth_strip(), file)
    show(azimuth_strip(), screen)
    assert file.getvalue() == "" and terminal(file) is None
    assert terminal(screen) == Terminal(50, True, False)
    assert "\x1b" in screen.getvalue() and max(map(len, bare(screen.getvalue()))) <= 50
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(Screen, "encoding", "ANSI_X3.4-1968")
    assert terminal(screen) == Terminal(50, False, True)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="expected"):
        DelayStrip(0.0, ["0-1"])
    with pytest.raises(ValueError, match="expected"):
        heat_strip(np.zeros((2, 3)), 80, ["one"])
