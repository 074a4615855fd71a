"""Pictures: what is drawn lies where it was heard, left is left, and nothing heard is said."""

import os
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

from avtools.errors import AvtoolsError
from avtools.plot.azimuth import AZIMUTHS, AzimuthTrack
from avtools.plot.beam import BeamPattern, decibels, directivity_index, facts, null_deg, width_deg
from avtools.plot.clock import clock, clock_step, clock_unit
from avtools.plot.delay import MOST_LAGS, MOST_PANELS, DelayMap
from avtools.plot.direction import DirectionPicture
from avtools.plot.figure import NOTHING, OTHERS, check_plot, degrees, plain
from avtools.plot.sphere import COLUMNS, ROWS, SphereMap, place, smoothed

LAGS = np.linspace(-1e-3, 1e-3, 101)


def words(figure) -> str:
    from matplotlib.text import Text

    return " | ".join(t.get_text() for t in figure.findobj(Text) if t.get_text())


def delay_map(delay: float, pairs: int = 1, spacing=None, rows: int = 40) -> DelayMap:
    picture = DelayMap(LAGS, [f"0-{k + 1}" for k in range(pairs)], "Delays", spacing)
    curve = np.exp(-(((LAGS - delay) / 2e-5) ** 2))
    curves = np.broadcast_to(curve, (rows, pairs, len(LAGS)))
    picture.add(0.5 + np.arange(rows), curves, np.full((rows, pairs), delay))
    return picture


def drawn(picture: DelayMap, columns: int = 1) -> Figure:
    figure = Figure()
    grid = figure.subplots(-(-picture.panels // columns), columns, squeeze=False)
    picture.draw(figure, grid, 0.05)
    return figure


def test_a_delay_is_drawn_where_it_was_found():
    figure = drawn(delay_map(0.4e-3))
    axes = figure.axes[0]
    (image,) = axes.get_images()
    assert image.origin == "lower"
    left, right, bottom, top = image.get_extent()
    row = int(np.argmax(image.get_array()[:, 10]))
    lag = bottom + (row + 0.5) * (top - bottom) / image.get_array().shape[0]
    assert lag == pytest.approx(0.4, abs=0.011) and (left, right) == (0.0, 40.0)
    x, y = axes.get_lines()[0].get_data()
    np.testing.assert_allclose(x, 0.5 + np.arange(40))
    np.testing.assert_allclose(y, 0.4)


def test_degrees_stand_at_their_delays():
    figure = drawn(delay_map(0.0, spacing=0.2))
    right = next(a for a in figure.axes if a.get_ylabel() == "azimuth")
    marks = {
        t.get_text(): y for t, y in zip(right.get_yticklabels(), right.get_yticks(), strict=True)
    }
    assert marks["+90°"] == pytest.approx(1e3 * 0.2 / 343)
    assert marks["−30°"] == pytest.approx(-1e3 * 0.1 / 343) and marks["0°"] == 0
    np.testing.assert_allclose(right.get_ylim(), figure.axes[0].get_ylim())


def test_a_silent_window_has_no_dot_and_more_pairs_are_counted():
    picture = delay_map(0.1e-3, pairs=MOST_PANELS + 3)
    silent = np.full((1, MOST_PANELS + 3), np.nan)
    picture.add([40.5], np.full((1, MOST_PANELS + 3, 101), np.nan), silent)
    figure = drawn(picture, columns=2)
    assert "3 more pairs are not shown" in words(figure)
    images = [a for a in figure.axes if a.get_images()]
    assert len(images) == MOST_PANELS
    assert all(len(a.get_lines()[0].get_xdata()) == 40 for a in images)


def test_many_lags_keep_their_peak():
    lags = np.linspace(-1, 1, 5001)
    picture = DelayMap(lags, ["0-1"])
    curve = np.zeros(5001)
    curve[4000] = 1.0
    picture.add(0.0, curve, 0.6)
    mean = picture.curves.mean[0, 0]
    assert len(mean) <= MOST_LAGS and mean.max() == 1
    assert np.argmax(mean) == 4000 // picture.folded


def test_energy_and_rows_of_one_azimuth_share_a_line():
    track = AzimuthTrack()
    for k in range(50):
        track.add_energy(k, [92.0, -180.0], [10.0, 0.0], [1.0, 0.1])
        track.add_row(k, "a", 92.0, 10.0, 0.5)
        track.add_row(k, "b", 540.0, None, None)
    figure = Figure()
    track.draw(figure)
    axes = figure.axes[0]
    image = axes.get_images()[0]
    assert image.get_extent()[2:] == [-180, 180] and image.origin == "lower"
    assert np.argmax(image.get_array()[:, 7]) == (92 + 180) * AZIMUTHS // 360
    first, second = axes.get_lines()
    assert set(first.get_ydata()) == {92.0} and set(second.get_ydata()) == {-180.0}
    assert first.get_color() != second.get_color()
    assert "source a" in words(figure) and "left +90°" in words(figure)
    assert set(figure.axes[2].get_lines()[0].get_ydata()) == {0.5}


def test_values_that_share_a_dot_are_averaged_and_many_sources_share_a_colour():
    track = AzimuthTrack(hop=1.0)
    for value in (0.2, 0.6):
        track.add_row(0.0, 1, 90 * value, 0, value)
    for k in range(20):
        track.add_row(1.0, k, k, 0, 0.5)
    figure = Figure()
    track.draw(figure)
    assert figure.axes[2].get_lines()[0].get_ydata()[0] == pytest.approx(0.4)
    assert figure.axes[0].get_lines()[0].get_ydata()[0] == pytest.approx(54)
    assert len(figure.axes[0].get_lines()) == OTHERS + 1 and "others" in words(figure)


def test_left_is_on_the_left_of_the_sphere():
    sphere = SphereMap()
    sphere.add([90.0], [30.0], [1.0])
    sphere.mark("bird", 90.0, 30.0)
    figure = Figure()
    sphere.draw(figure)
    axes = figure.axes[0]
    row, column = np.unravel_index(np.argmax(axes.get_images()[0].get_array()), (ROWS, COLUMNS))
    assert column in (COLUMNS // 4 - 1, COLUMNS // 4) and row in (ROWS // 3 - 1, ROWS // 3)
    x, _ = axes.transData.transform((90, 30)) - axes.transData.transform((0, 0))
    assert x < 0 and "bird" in words(figure)


def test_the_map_overlays_an_equirectangular_picture():
    azimuth = np.array([180.0, 90, 0.5, -90, -179.5, -180])
    row, column = place(azimuth, np.array([90.0, 45, 0, 0, -45, -90]))
    expected = np.floor(COLUMNS * (0.5 - azimuth / 360)) % COLUMNS
    np.testing.assert_array_equal(column, expected)
    assert row[0] == 0 and row[-1] == ROWS - 1


@pytest.mark.parametrize("row", [0, 10, ROWS // 2])
def test_smoothing_is_the_kernel_on_the_sphere(row):
    energy = np.zeros((ROWS, COLUMNS))
    energy[row, 5] = 2.0
    e = np.deg2rad(90 - 180 / ROWS * (np.arange(ROWS) + 0.5))[:, None]
    a = -2 * np.pi * np.arange(COLUMNS) / COLUMNS
    unit = np.stack(np.broadcast_arrays(np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)))
    cosine = np.tensordot(unit[:, row, 5], unit, 1)
    expected = 2 * np.exp((cosine - 1) / np.deg2rad(8) ** 2)
    np.testing.assert_allclose(smoothed(energy), expected, atol=1e-9)


def test_a_picture_lies_below_and_what_is_quiet_is_clear():
    frame = np.zeros((960, 3840, 3), np.uint8)
    sphere = SphereMap(picture=frame)
    sphere.add([0.0], [0.0], [1.0])
    figure = Figure()
    sphere.draw(figure)
    below, above = figure.axes[0].get_images()
    assert list(below.get_extent()) == list(above.get_extent()) == [180, -180, -90, 90]
    alpha = above.get_alpha()
    assert alpha.max() <= 0.8 and alpha[0, 0] == 0
    assert below.get_array().shape[1] < 3840
    with pytest.raises(ValueError, match="expected"):
        SphereMap(picture=np.zeros((5, 5)))


def test_a_source_has_one_colour_in_both_panels():
    picture = DirectionPicture("Directions")
    picture.add_row(0.0, 4, 10, 0, 0.5)
    picture.add_row(0.0, 7, 20, 0, 0.5)
    picture.mark(7, 20, 0)
    above, below = Figure(), Figure()
    picture.sphere.draw(above)
    picture.track.draw(below)
    dot = above.axes[0].get_lines()[-1]
    assert dot.get_markerfacecolor() == below.axes[0].get_lines()[1].get_color()


def test_marks_are_bounded():
    sphere = SphereMap()
    for k in range(100):
        sphere.mark(k, 0, 0)
    figure = Figure()
    sphere.draw(figure)
    assert "76 more sources are not marked" in words(figure)


def test_left_is_on_the_left_of_the_polar_plot():
    figure = Figure()
    BeamPattern([("to the left", 90, 0, 0.5), ("up", 0, 0, 0.0)]).draw_patterns(figure, 6.5)
    axes = next(a for a in figure.axes if a.name == "polar")
    angle, gain = axes.get_lines()[0].get_data()
    assert np.rad2deg(angle[np.argmax(gain)]) == pytest.approx(90)
    x, y = axes.transData.transform((np.pi / 2, 0)) - axes.transData.transform((0, -40))
    assert x < 0 and abs(y) < abs(x) / 100
    x, y = axes.transData.transform((0, 0)) - axes.transData.transform((0, -40))
    assert y > 0 and abs(x) < abs(y) / 100
    assert gain.min() == -40 and gain.max() == pytest.approx(0)


def test_what_is_known_of_patterns():
    assert directivity_index(0.5) == pytest.approx(4.77, abs=0.01)
    assert directivity_index(0.25) == pytest.approx(6.02, abs=0.01)
    assert facts(1.0) == ("0.0 dB", "all around", "none")
    assert width_deg(0.5) == pytest.approx(131.06, abs=0.01) and width_deg(0.0) == 90
    assert null_deg(0.5) == 180 and null_deg(0.0) == 90 and null_deg(0.6) is None
    assert null_deg(0.25) == pytest.approx(109.47, abs=0.01)
    half = np.deg2rad(width_deg(0.37)) / 2
    assert decibels(0.37, half) == pytest.approx(-3.01, abs=0.01)


def test_a_beam_that_moves_has_its_path(tmp_path):
    beams = BeamPattern([("a", 45, 0, 0.5), ("b", 0, 0, None)], "Beams")
    for k in range(3000):
        beams.add(k * 0.1, k % 2, 170 + k / 100, -10)
        beams.add(k * 0.1, 7, 0, 0)
    figure = Figure()
    beams.draw_path(figure)
    x, y = figure.axes[0].get_lines()[0].get_data()
    truth = (170 + x / 0.1 / 100 + 180) % 360 - 180
    seen = np.isfinite(y)
    apart = (y[seen] - truth[seen] + 180) % 360 - 180
    assert seen.any() and np.abs(apart).max() < 0.1
    beams.save(tmp_path / "beams.png")
    polar = Figure()
    beams.draw_patterns(polar, 6.5)
    axes = next(a for a in polar.axes if a.name == "polar")
    # About the beam's own direction, and the one that adapts has no curve.
    angle, gain = axes.get_lines()[0].get_data()
    assert angle[np.argmax(gain)] == pytest.approx(0) and len(axes.get_lines()) == 1


def test_an_adaptive_beam_has_words_for_a_pattern():
    figure = Figure()
    BeamPattern([("mvdr", 0, 0, None)]).draw_patterns(figure, 3.0)
    assert "adaptive:\nfollows the sound" in words(figure)
    assert not [a for a in figure.axes if a.name == "polar"]


@pytest.mark.parametrize("wrong", [[], [("a", 0, 0, 1.5)], [("a", np.nan, 0, 0.5)]])
def test_beams_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        BeamPattern(wrong)


@pytest.mark.parametrize(
    "make",
    [
        lambda: DelayMap(LAGS, ["0-1"], "Delays"),
        lambda: AzimuthTrack("Azimuth"),
        lambda: SphereMap("Sphere"),
        lambda: DirectionPicture("Directions"),
    ],
)
def test_nothing_heard_is_said(make, tmp_path, monkeypatch):
    seen = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda f, *a, **k: (seen.append(f), save(f, *a, **k)))
    make().save(tmp_path / "empty.png")
    assert (tmp_path / "empty.png").read_bytes().startswith(b"\x89PNG")
    assert NOTHING in words(seen[0])


def test_silence_is_nothing_heard():
    track = AzimuthTrack()
    for k in range(5):
        track.add_energy(k, [0.0, np.nan], [0.0, 0.0], [0.0, 1.0])
        track.add_row(k, None, np.nan, np.nan, np.nan)
    assert track.is_empty


@pytest.mark.parametrize(
    ("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("PDF", b"%PDF")]
)
def test_every_ending_is_saved_whole_and_alike(ending, start, tmp_path):
    out = tmp_path / f"picture.{ending}"
    delay_map(1e-4).save(out)
    first = out.read_bytes()
    assert first.startswith(start) and os.listdir(tmp_path) == [out.name]
    delay_map(1e-4).save(out)
    assert out.read_bytes() == first


def test_titles_hold_any_name(tmp_path):
    picture = SphereMap("Sound of a$b$_{c\\frac.wav \udcff \n 音 " + "long" * 50)
    picture.mark("$x$_{", 0, 0)
    picture.save(tmp_path / "a.png")
    assert plain("a\nb\udcff") == "a?b?" and len(plain("x" * 500)) == 80


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.png/", "", ".png", "none/a.png", "folder.png"])
def test_a_wrong_name_is_refused_before_work(name, tmp_path):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(AvtoolsError, match="--plot") as refused:
        check_plot(name and os.path.join(tmp_path, name))
    assert "\n" not in str(refused.value)


def test_right_names_pass(tmp_path):
    for name in ("a.png", "b.SVG", "c.pdf"):
        check_plot(str(tmp_path / name))
    check_plot(None)


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(AvtoolsError, match="No space left"):
        SphereMap().save(tmp_path / "a.png")
    assert os.listdir(tmp_path) == []


def test_the_settings_of_matplotlib_are_left_alone(tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    with matplotlib.rc_context({"font.size": 3.0, "text.usetex": True}):
        SphereMap("Sphere").save(tmp_path / "a.png")
        assert matplotlib.rcParams["font.size"] == 3.0
    assert dict(matplotlib.rcParams) == before


def test_matplotlib_is_imported_only_to_draw():
    modules = ["azimuth", "beam", "columns", "delay", "direction", "figure", "sphere", "strip"]
    line = f"import sys, {', '.join('avtools.plot.' + m for m in modules)}\n"
    line += "assert not {'matplotlib', 'scipy', 'av', 'rich', 'soundfile'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", line], check=True)


def test_times_are_written_as_people_read_them():
    assert (clock_unit(119), clock_unit(120), clock_unit(3600)) == ("s", "min:s", "h:min:s")
    assert clock(7.5, "s", 1) == "7.5" and clock(125, "min:s") == "2:05"
    assert clock(3725.4, "h:min:s") == "1:02:05" and clock(-61, "min:s") == "-1:01"
    for span in (0.0, 1e-3, 0.7, 8, 9.5, 60, 500, 3600, 36000, 1e6):
        step = clock_step(span)
        assert step > 0 and span / step < 9.001
        assert span < 1e-3 or span / step > 3
    assert degrees(0) == "0°" and degrees(-90) == "−90°" and degrees(30) == "+30°"
