"""Sets of responses from SOFA files and folders: the same head whatever the file calls it."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import soundfile

from avtools.dsp.heads import spherical_head_hrirs
from avtools.errors import AvtoolsError
from avtools.stream.hrir import load_hrirs

DATA = Path(__file__).parents[3] / "shared" / "data"
KEMAR = DATA / "LCAV+pyroomacoustics/pyroomacoustics/data/sofa/mit_kemar_normal_pinna.sofa"
CUBE = DATA / "google+spatial-media/spatial-audio/raw-symmetric-cube-hrirs"
RATE = 48000
DIRECTIONS = np.array(
    [(0, 0), (45, 0), (90, 0), (135, 30), (180, 0), (-135, 0), (-90, -30), (-45, 0), (0, 90)], float
)
HRIRS = spherical_head_hrirs(DIRECTIONS, RATE)


def cartesian(directions, distance=1.4):
    azimuth, elevation = np.radians(directions).T
    level = np.cos(elevation)
    points = [level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)]
    return distance * np.stack(points, axis=1)


def write_sofa(path, **changes):
    """A small SimpleFreeFieldHRIR; `changes` by name with _ for the dot, None leaves one out.

    An array, or (array, type, units).
    """
    positions = np.column_stack(
        [DIRECTIONS[:, 0] % 360, DIRECTIONS[:, 1], np.full(len(DIRECTIONS), 1.4)]
    )
    arrays = {
        "Data.IR": HRIRS,
        "Data.SamplingRate": (np.array([RATE]), "", "hertz"),
        "Data.Delay": np.zeros((1, 2)),
        "SourcePosition": (positions, "spherical", "degree, degree, metre"),
        "ListenerPosition": (np.zeros((1, 3)), "cartesian", "metre"),
        "ListenerView": (np.array([[1.0, 0, 0]]), "cartesian", "metre"),
        "ListenerUp": np.array([[0.0, 0, 1]]),
        "ReceiverPosition": (np.array([[[0], [0.09], [0]], [[0], [-0.09], [0]]]), "cartesian", ""),
    }
    convention = changes.pop("convention", "SimpleFreeFieldHRIR")
    arrays |= {name.replace("Data_", "Data."): value for name, value in changes.items()}
    with h5py.File(path, "w") as file:
        file.attrs["Conventions"] = np.bytes_("SOFA")
        if convention:
            file.attrs["SOFAConventions"] = np.bytes_(convention)
        for name, value in arrays.items():
            if value is not None:
                values, kind, units = value if isinstance(value, tuple) else (value, "", "")
                file[name] = values
                file[name].attrs.update({"Type": kind} if kind else {})
                file[name].attrs.update({"Units": np.bytes_(units)} if units else {})
    return path


def write_folder(folder, directions=DIRECTIONS, hrirs=HRIRS, rate=RATE, sign=1):
    folder.mkdir()
    for (azimuth, elevation), pair in zip(directions, hrirs, strict=True):
        name = f"E{elevation:g}_A{sign * azimuth:g}.wav"
        soundfile.write(folder / name, pair.T, rate, subtype="FLOAT")
    return folder


def in_order(directions, hrirs):
    """Sorted by direction, as sets must be to be compared."""
    order = np.lexsort(np.round(directions, 6).T)
    return directions[order], hrirs[order]


def assert_same_set(found, directions=DIRECTIONS, hrirs=HRIRS, atol=1e-6):
    for made, wanted in zip(in_order(*found), in_order(directions, hrirs), strict=True):
        np.testing.assert_allclose(made, wanted, atol=atol)


def test_sofa(tmp_path, capsys):
    assert_same_set(load_hrirs(write_sofa(tmp_path / "a.sofa"), RATE))
    assert capsys.readouterr().err == ""


def test_the_least_that_sofa_may_hold(tmp_path):
    gone = dict.fromkeys(
        ["Data_Delay", "ListenerPosition", "ListenerView", "ListenerUp", "ReceiverPosition"]
    )
    assert_same_set(load_hrirs(write_sofa(tmp_path / "a.sofa", **gone), RATE))


@pytest.mark.parametrize(
    "positions",
    [
        (cartesian(DIRECTIONS), "cartesian", "metre"),
        (
            np.column_stack([np.radians(DIRECTIONS), np.ones(len(DIRECTIONS))]),
            "spherical",
            "radian, radian, metre",
        ),
    ],
    ids=["cartesian", "radians"],
)
def test_positions_in_other_coordinates(tmp_path, positions):
    assert_same_set(load_hrirs(write_sofa(tmp_path / "a.sofa", SourcePosition=positions), RATE))


def test_a_listener_elsewhere(tmp_path):
    here = np.array([[1.0, -2.0, 0.5]])
    moved = write_sofa(
        tmp_path / "a.sofa",
        SourcePosition=(cartesian(DIRECTIONS) + here, "cartesian", "metre"),
        ListenerPosition=(here, "cartesian", "metre"),
    )
    assert_same_set(load_hrirs(moved, RATE))


def test_delays_in_samples_are_part_of_the_response(tmp_path):
    # Whole samples: cut the first ones off, and say so in Data.Delay.
    cut = np.stack([[np.arange(9) % 7, np.arange(9)[::-1] % 5]]).reshape(2, 9).T
    shortened = np.zeros_like(HRIRS)
    for i, j in np.ndindex(cut.shape):
        shortened[i, j, : HRIRS.shape[-1] - cut[i, j]] = HRIRS[i, j, cut[i, j] :]
    path = write_sofa(tmp_path / "a.sofa", Data_IR=shortened, Data_Delay=cut + 20.0)
    _, found = load_hrirs(path, RATE)
    front = np.argmax(found[0, 0]) - np.argmax(HRIRS[0, 0])
    np.testing.assert_allclose(found[..., front : front + 90], HRIRS[..., :90], atol=4e-3)


def test_parts_of_a_sample_and_a_delay_for_all_directions(tmp_path):
    path = write_sofa(tmp_path / "a.sofa", Data_Delay=np.array([[3.25, 0.0]]))
    _, found = load_hrirs(path, RATE)
    spectra = np.fft.rfft(found, 512) / np.fft.rfft(HRIRS, 512)
    band = np.arange(5, 200)
    turned = np.angle(spectra[:, 0] / spectra[:, 1])[:, band]
    wanted = np.angle(np.exp(-2j * np.pi * band / 512 * 3.25))
    assert np.abs(np.angle(np.exp(1j * (turned - wanted)))).max() < 0.01


def test_a_file_whose_right_ear_comes_first_is_put_in_order(tmp_path, capsys):
    ears = np.array([[[0], [-0.09], [0]], [[0], [0.09], [0]]])
    path = write_sofa(tmp_path / "a.sofa", Data_IR=HRIRS[:, ::-1], ReceiverPosition=ears)
    assert_same_set(load_hrirs(path, RATE))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("kind", ["sofa", "folder"])
def test_exchanged_sides_are_said(tmp_path, capsys, kind):
    if kind == "sofa":
        path = write_sofa(tmp_path / "a.sofa", Data_IR=HRIRS[:, ::-1])
    else:
        path = write_folder(tmp_path / "a", sign=-1)
    load_hrirs(path, RATE)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"warning: {path}: sources on the left are louder in the right ear" in said


def test_times_alone_show_exchanged_sides(tmp_path, capsys):
    pulses = np.zeros((len(DIRECTIONS), 2, 64))
    lead = np.round(10 * np.sin(np.radians(DIRECTIONS[:, 0]))).astype(int)
    for i, shift in enumerate(lead):
        pulses[i, 0, 20 + shift], pulses[i, 1, 20 - shift] = 1, 1  # left late where it is near
    load_hrirs(write_sofa(tmp_path / "a.sofa", Data_IR=pulses), RATE)
    assert "sources on the left arrive first at the right ear" in capsys.readouterr().err
    load_hrirs(write_sofa(tmp_path / "b.sofa", Data_IR=pulses[:, ::-1]), RATE)
    assert capsys.readouterr().err == ""


def test_a_folder(tmp_path, capsys):
    folder = write_folder(tmp_path / "cube")
    (folder / "LICENSE").write_text("a file of another kind")
    assert_same_set(load_hrirs(folder, RATE))
    assert capsys.readouterr().err == ""


def test_azimuths_beyond_180_and_shorter_responses(tmp_path):
    directions = np.where(DIRECTIONS == [-90, -30], [270, -30], DIRECTIONS)
    folder = write_folder(tmp_path / "set", directions)
    front = folder / "E0_A0.wav"
    soundfile.write(front, HRIRS[0].T[:80], RATE, subtype="FLOAT")
    shorter = HRIRS.copy()
    shorter[0, :, 80:] = 0
    assert_same_set(load_hrirs(folder, RATE), hrirs=shorter)


@pytest.mark.parametrize("rate", [16000, 44100, 96000])
def test_another_rate_keeps_gains_and_differences(tmp_path, rate):
    _, found = load_hrirs(write_sofa(tmp_path / "a.sofa"), rate)
    frequencies = np.linspace(100, 6000, 40)

    def spectra(hrirs, rate):
        taps = np.arange(hrirs.shape[-1])
        return hrirs @ np.exp(-2j * np.pi * np.outer(taps, frequencies) / rate)

    made, wanted = spectra(found, rate), spectra(HRIRS, RATE)
    np.testing.assert_allclose(np.abs(made), np.abs(wanted), atol=0.02)
    # One delay for all: what each response gained in phase, they gained together.
    gained = made / wanted
    np.testing.assert_allclose(gained / gained[:1, :1], 1, atol=0.05)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"convention": "MultiSpeakerBRIR"}, "convention MultiSpeakerBRIR, expected Simple"),
        ({"convention": None}, "convention not stated, expected SimpleFreeFieldHRIR"),
        ({"Data_IR": None}, "no Data.IR"),
        ({"SourcePosition": None}, "no SourcePosition"),
        ({"Data_SamplingRate": None}, "no Data.SamplingRate"),
        ({"Data_IR": HRIRS[:, :1]}, r"Data.IR of shape \(9, 1, 103\), expected"),
        ({"Data_IR": np.array([b"x"])}, "cannot be read as SOFA"),
        ({"Data_IR": HRIRS * np.nan}, "NaN or infinity"),
        ({"Data_IR": HRIRS * (np.arange(9) != 2)[:, None, None]}, "silent response at azimuth 90"),
        ({"Data_SamplingRate": np.array([0.0])}, "expected one rate"),
        ({"Data_SamplingRate": np.array([np.nan])}, "expected one rate"),
        ({"SourcePosition": np.zeros((4, 3))}, "4 positions of sources, expected 9"),
        ({"SourcePosition": np.zeros((9, 2))}, "rows of 3 finite coordinates"),
        ({"SourcePosition": np.full((9, 3), np.nan)}, "rows of 3 finite coordinates"),
        ({"SourcePosition": (np.ones((9, 3)), "toroidal", "")}, "of type toroidal"),
        ({"SourcePosition": (np.ones((9, 3)), "spherical", "furlong")}, "in furlong"),
        ({"SourcePosition": (np.zeros((9, 3)), "cartesian", "metre")}, "where the listener is"),
        ({"SourcePosition": np.full((9, 3), 100.0)}, "elevations beyond 90"),
        ({"ListenerView": np.array([[0.0, 1, 0]])}, r"ListenerView .*expected \(1.0, 0.0, 0.0\)"),
        ({"ListenerUp": np.array([[0.0, 0, -1]])}, "ListenerUp"),
        ({"ListenerView": np.zeros((1, 3))}, "ListenerView"),
        ({"Data_Delay": np.zeros((3, 2))}, "Data.Delay of shape"),
        ({"Data_Delay": np.array([[0.0, 1e12]])}, "Data.Delay up to 1e"),
        ({"Data_Delay": np.array([[0.0, np.nan]])}, "Data.Delay up to nan"),
    ],
)
def test_a_malformed_sofa_is_one_line(tmp_path, changes, words):
    path = write_sofa(tmp_path / "a.sofa", **changes)
    with pytest.raises(AvtoolsError, match=words) as caught:
        load_hrirs(path, RATE)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


def test_a_file_that_is_no_sofa_or_not_there(tmp_path):
    text, cut = tmp_path / "a.sofa", tmp_path / "b.sofa"
    text.write_text("not HDF5")
    whole = write_sofa(tmp_path / "c.sofa").read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    for path, words in (
        (text, "cannot be read as SOFA"),
        (cut, "cannot be read as SOFA"),
        (tmp_path / "none", "no such file"),
    ):
        with pytest.raises(AvtoolsError, match=f"{path}: .*{words}") as caught:
            load_hrirs(path, RATE)
        assert "\n" not in str(caught.value)


def test_a_malformed_folder_is_one_line(tmp_path):
    def refused(folder, words):
        with pytest.raises(AvtoolsError, match=words) as caught:
            load_hrirs(folder, RATE)
        assert "\n" not in str(caught.value)

    refused(tmp_path, r"expected stereo WAVs named E<elevation>_A<azimuth>.wav")
    refused(write_folder(tmp_path / "few", DIRECTIONS[:3], HRIRS[:3]), "3 directions, expected at")
    odd = write_folder(tmp_path / "odd")
    front = odd / "E0_A0.wav"
    soundfile.write(front, HRIRS[0, 0], RATE)
    refused(odd, r"E0_A0.wav: 1 channels, expected 2 \(left, right\)")
    soundfile.write(front, HRIRS[0].T, 44100)
    refused(odd, "E0_A0.wav: 44100 Hz, expected 48000 Hz as E-30_A-90.wav")
    soundfile.write(front, HRIRS[0].T[:0], RATE)
    refused(odd, "E0_A0.wav: 0 s of sound")
    soundfile.write(front, np.zeros((11 * RATE, 2)), RATE)
    refused(odd, "E0_A0.wav: 11 s of sound, expected an impulse response")
    front.write_bytes(b"RIFF nothing")
    refused(odd, "E0_A0.wav: cannot be read as a WAV file")
    front.rename(odd / "E95_A0.wav")
    refused(odd, "E95_A0.wav: expected an azimuth within 360 degrees, elevation within 90")


@pytest.mark.parametrize("path", [KEMAR, CUBE], ids=["KEMAR", "cube"])
def test_measured_sets_have_our_signs(path, capsys):
    if not path.exists():
        pytest.skip(f"no {path.name}")
    directions, hrirs = load_hrirs(path, RATE)
    assert capsys.readouterr().err == ""
    assert directions[:, 0].min() > -180 and directions[:, 0].max() <= 180
    left = (directions[:, 0] > 30) & (directions[:, 0] < 150) & (directions[:, 1] < 60)
    energy = (hrirs[left] ** 2).sum(axis=-1)
    assert np.all(energy[:, 0] > energy[:, 1])
    peaks = np.abs(hrirs[left]).argmax(axis=-1)
    assert np.all(peaks[:, 0] < peaks[:, 1])
