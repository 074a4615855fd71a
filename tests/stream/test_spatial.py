"""Spatial metadata: what is written is read, nothing else in the file changes, nothing crashes."""

import hashlib
import random
import shutil
import struct
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import av
import pytest

from avtools.errors import AvtoolsError
from avtools.stream import boxes
from avtools.stream.boxes import Box
from avtools.stream.spatial import XML_ID, Spatial, equirectangular, read_spatial, write_spatial

if shutil.which("ffmpeg") is None:
    pytest.skip("the inputs are made with ffmpeg", allow_module_level=True)

REAL = Path(__file__).parents[3] / "shared" / "data"
SOURCE = (
    "-f lavfi -i testsrc2=d=1:s=160x120:r=25 -f lavfi -i aevalsrc='0.3*sin(900*t):d=1:s=48000' "
    "-filter_complex [1:a]pan=4.0|c0=c0|c1=0.7*c0|c2=0.5*c0|c3=0.2*c0[a] -map 0:v -map [a] "
    "-c:v libx264 -preset ultrafast"
)
FORMS = {
    "index-last.mp4": "-c:a aac",
    "index-first.mp4": "-c:a aac -movflags faststart",
    "quicktime.mov": "-c:a pcm_s16le",
    "quicktime-first.mov": "-c:a alac -movflags faststart",
    "fragments.mp4": "-c:a aac -movflags frag_keyframe+empty_moov+default_base_moof",
    "fragments-absolute.mp4": "-c:a aac -movflags frag_keyframe+empty_moov",
}
CASES = [
    Spatial("equirectangular", "mono", 1),
    Spatial("equirectangular", "top-bottom"),
    Spatial("equirectangular", "left-right", 1),
    Spatial(None, "left-right"),
    Spatial(None, "mono", 1),
    Spatial(),
]


def ffmpeg(arguments: str, *paths) -> None:
    command = ["ffmpeg", "-v", "error", "-y", *arguments.replace("'", "").split()]
    subprocess.run([*command, *map(str, paths)], check=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spatial")
    for name, options in FORMS.items():
        ffmpeg(f"{SOURCE} {options}", folder / name)
    return folder


@pytest.fixture
def copy(made, tmp_path):
    def of(name):
        return Path(shutil.copy(made / name, tmp_path / name))

    return of


def decoded(path):
    """Hashes and times of every frame, of picture and sound."""
    found = []
    with av.open(str(path)) as container:
        for frame in container.decode():
            data = b"".join(bytes(plane) for plane in frame.planes)
            kind = type(frame).__name__
            found.append((kind, frame.pts, frame.time_base, hashlib.md5(data).digest()))
    return sorted(found, key=lambda f: f[:2])


def says(spatial):
    return replace(spatial, sv3d=None, st3d=None, xml=None)


@pytest.mark.parametrize("name", FORMS)
def test_what_is_written_is_read_and_the_rest_decodes_as_before(copy, name):
    path = copy(name)
    before = decoded(path)
    for case in CASES:
        write_spatial(path, case)
        assert says(read_spatial(path)) == case
        assert decoded(path) == before


def test_nothing_left_behind_is_the_file_that_was(copy):
    path = copy("index-last.mp4")
    before = path.read_bytes()
    write_spatial(path, CASES[2])
    assert path.read_bytes() != before
    write_spatial(path, Spatial())
    assert path.read_bytes() == before


def test_writing_the_same_again_changes_nothing(copy):
    path = copy("index-first.mp4")
    write_spatial(path, CASES[2])
    once = path.read_bytes()
    write_spatial(path, read_spatial(path))
    assert path.read_bytes() == once


def test_offsets_become_wide_when_they_no_longer_fit(copy, monkeypatch):
    path = copy("index-first.mp4")
    before = decoded(path)
    monkeypatch.setattr(boxes, "_overflows", lambda box, *_: box.kind == b"stco")
    write_spatial(path, CASES[0])
    assert b"co64" in path.read_bytes() and b"stco" not in path.read_bytes()
    assert decoded(path) == before


def test_sound_box_is_the_rfcs(copy):
    path = copy("index-last.mp4")
    write_spatial(path, Spatial(ambisonic_order=1))
    at = path.read_bytes().index(b"SA3D")
    box = path.read_bytes()[at - 4 : at + 32]
    assert box == struct.pack(">I4sBBIBBI4I", 36, b"SA3D", 0, 0, 1, 0, 0, 4, 0, 1, 2, 3)
    write_spatial(path, Spatial(ambisonic_order=1, head_locked=True))
    box = path.read_bytes()[at - 4 : at + 40]
    assert box == struct.pack(">I4sBBIBBI6I", 44, b"SA3D", 0, 128, 1, 0, 0, 6, *range(6))


def test_ffmpeg_reads_our_picture_boxes(copy):
    path = copy("index-last.mp4")
    write_spatial(path, CASES[1])
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        kinds = {data.type.name for data in frame.side_data}
    assert {"SPHERICAL", "STEREO3D"} <= kinds


def test_boxes_stand_after_the_codecs_own_and_before_the_optional_ones(copy):
    path = copy("quicktime.mov")
    write_spatial(path, CASES[1])
    with open(path, "rb") as file:
        moov = boxes.read_index(file.fileno())
    video = next(t for t in moov.all(b"trak") if boxes.handler(t) == b"vide")
    kinds = [c.kind for c in boxes.entries(video)[0].children]
    assert kinds.index(b"avcC") < kinds.index(b"st3d") < kinds.index(b"sv3d")
    assert kinds.index(b"sv3d") < kinds.index(b"pasp")


def test_crop_pose_and_writer_survive(copy):
    path = copy("index-first.mp4")
    box = equirectangular((0, 0, 0.25, 0.25), (10, -20, 5)).replace(b"avtools", b"sevenCh")
    half = Spatial("equirectangular", "left-right", sv3d=box)
    write_spatial(path, half)
    found = read_spatial(path)
    assert found.sv3d == box and found.bounds == (0, 0, 0.25, 0.25) and found.is_cropped
    # The older form has neither shares nor a pose: it would say something else.
    assert found.xml is None and XML_ID not in path.read_bytes()


def test_numbers_beyond_the_box_are_cut_to_its_largest():
    box = equirectangular((0, 0, 0, 1.0), (32768, -32768, -40000))
    assert struct.pack(">3i", 2**31 - 1, -(2**31), -(2**31)) in box
    assert Spatial("equirectangular", sv3d=box).bounds[3] == (2**32 - 1) / 2**32


@pytest.mark.parametrize("kind", [b"cbmp", b"mshp", b"ytmp"])
def test_other_projections_are_carried_unopened(copy, kind):
    inner = [Box(b"prhd", bytes(16)), Box(kind, bytes(range(200)))]
    sv3d = Box(b"sv3d", children=[Box(b"proj", children=inner)]).pack()
    name = {b"cbmp": "cubemap"}.get(kind, "mesh")
    path = copy("index-last.mp4")
    write_spatial(path, Spatial(name, sv3d=sv3d))
    assert read_spatial(path) == Spatial(name, sv3d=sv3d)


def with_box(path, kind, box):
    """Put a box into the first track of that kind, or into its sample description."""
    with open(path, "r+b") as file:
        moov = boxes.read_index(file.fileno())
        track = next(t for t in moov.all(b"trak") if boxes.handler(t) == kind)
        place = track if box.kind == b"uuid" else boxes.entries(track)[0]
        place.children.append(box)
        boxes.replace_index(file.fileno(), moov, "test")


def xml(**facts):
    inside = "".join(f"<GSpherical:{k}>\n {v} </GSpherical:{k}>" for k, v in facts.items())
    return Box(b"uuid", XML_ID + f"<rdf:SphericalVideo>{inside}</rdf:SphericalVideo>".encode())


def test_the_older_xml_is_understood_and_carried(copy):
    path = copy("index-last.mp4")
    old = xml(Spherical="true", ProjectionType="equirectangular", StereoMode="top-bottom")
    with_box(path, b"vide", old)
    found = read_spatial(path)
    assert says(found) == Spatial("equirectangular", "top-bottom") and found.xml == old.pack()
    write_spatial(path, found)
    assert path.read_bytes().count(old.pack()) == 1
    write_spatial(path, replace(found, stereo="mono"))
    assert says(read_spatial(path)) == Spatial("equirectangular")
    assert old.pack() not in path.read_bytes()


def test_the_xmls_crop_in_pixels_becomes_shares(copy):
    path = copy("index-last.mp4")
    crop = {
        "CroppedAreaImageWidthPixels": 1000,
        "CroppedAreaImageHeightPixels": 500,
        "FullPanoWidthPixels": 2000,
        "FullPanoHeightPixels": 1000,
        "CroppedAreaLeftPixels": 500,
        "CroppedAreaTopPixels": 125,
    }
    with_box(path, b"vide", xml(Spherical="true", **crop))
    assert read_spatial(path).bounds == (0.125, 0.375, 0.25, 0.25)


@pytest.mark.parametrize(
    "named, projection", [("cubestrip", "cubemap"), ("Cubemap", "cubemap"), ("fisheye", "unknown")]
)
def test_xml_of_another_projection_is_not_called_equirectangular(copy, named, projection):
    path = copy("index-last.mp4")
    old = xml(Spherical="true", ProjectionType=named)
    with_box(path, b"vide", old)
    before = path.read_bytes()
    found = read_spatial(path)
    assert found == Spatial(projection, xml=old.pack())
    write_spatial(path, found)
    assert path.read_bytes() == before  # no sv3d beside it that says something else


def test_the_newer_boxes_count_for_more_than_the_xml(copy):
    path = copy("index-last.mp4")
    box = equirectangular((0, 0, 0, 0.5))
    write_spatial(path, Spatial("equirectangular", sv3d=box))
    with_box(path, b"vide", xml(Spherical="true", ProjectionType="cubestrip"))
    found = read_spatial(path)
    assert found.projection == "equirectangular" and found.sv3d == box
    write_spatial(path, found)
    assert b"cubestrip" not in path.read_bytes() and read_spatial(path).sv3d == box


def test_xml_that_says_not_spherical(copy):
    path = copy("index-last.mp4")
    with_box(path, b"vide", xml(Spherical="false", ProjectionType="rectangular"))
    assert read_spatial(path) == Spatial()


def test_endless_xml_costs_little(copy):
    path = copy("index-last.mp4")
    for filling in (b" " * 300_000, b"<GSpherical:Spherical>" * 20_000, b"<GSpherical:" * 30_000):
        with_box(path, b"vide", Box(b"uuid", XML_ID + b"<GSpherical:Spherical>" + filling))
    began = time.perf_counter()
    assert read_spatial(path) == Spatial()
    assert time.perf_counter() - began < 1


def test_channels_in_another_order_are_not_called_ambix(copy):
    path = copy("index-last.mp4")
    box = Box(b"SA3D", struct.pack(">BBIBBI4I", 0, 0, 1, 0, 0, 4, 0, 2, 3, 1))
    with_box(path, b"soun", box)
    assert read_spatial(path) == Spatial(channel_map=(0, 2, 3, 1))


@pytest.mark.parametrize(
    "head",
    [
        struct.pack(">BBIBBI4I", 0, 0, 1, 1, 0, 4, 0, 1, 2, 3),  # an unknown ordering
        struct.pack(">BBIBBI4I", 0, 0, 1, 0, 0, 4_000_000_000, 0, 1, 2, 3),
        struct.pack(">BBIBBI4I", 0, 0, 4_000_000_000, 0, 0, 4, 0, 1, 2, 3),
        struct.pack(">BBIBBI4I", 0, 0, 1, 0, 0, 4, 0, 0, 0, 0),
        struct.pack(">BBIBBI", 0, 0, 1, 0, 0, 4),
        b"\0",
    ],
)
def test_nonsense_about_the_sound_is_ignored(copy, head):
    path = copy("index-last.mp4")
    with_box(path, b"soun", Box(b"SA3D", head))
    assert read_spatial(path) == Spatial()


def test_what_is_no_mp4_says_nothing(tmp_path, made):
    names = ["a.wav", "a.mkv"]
    ffmpeg("-f lavfi -i sine=d=0.1", tmp_path / "a.wav")
    ffmpeg("-f lavfi -i testsrc2=d=0.2:s=64x64 -c:v libx264", tmp_path / "a.mkv")
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("no film at all" * 100)
    (tmp_path / "zeros.mp4").write_bytes(bytes(100_000))
    for name in [*names, "empty.mp4", "text.mp4", "zeros.mp4", "absent.mp4", "."]:
        assert read_spatial(tmp_path / name) == Spatial()
    with pytest.raises(AvtoolsError):
        write_spatial(tmp_path / "text.mp4", Spatial("equirectangular"))


def test_matroskas_projection_is_read(copy, tmp_path):
    path = copy("index-last.mp4")
    box = equirectangular((0, 0, 0.25, 0.25), (30, 0, 0))
    write_spatial(path, Spatial("equirectangular", "left-right", sv3d=box))
    with av.open(str(path)) as source, av.open(str(tmp_path / "a.mkv"), "w") as sink:
        made = sink.add_stream_from_template(source.streams.video[0], opaque=True)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = made
                sink.mux(packet)
    found = read_spatial(tmp_path / "a.mkv")
    assert found == Spatial("equirectangular", "left-right", sv3d=box)


@pytest.mark.parametrize("name", ["index-first.mp4", "quicktime.mov", "fragments.mp4"])
def test_damaged_files_neither_crash_nor_hang(copy, name, tmp_path):
    path = copy(name)
    write_spatial(path, CASES[2])
    whole = path.read_bytes()
    at = whole.index(b"moov")
    chance = random.Random(1)
    damaged = tmp_path / "damaged.mp4"
    began = time.perf_counter()
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            place = chance.randrange(at - 4, min(len(data) - 8, at + 3000))
            value = chance.choice([0, 1, 7, 8, 0x7FFFFFFF, 0xFFFFFFFF, chance.randrange(1 << 32)])
            struct.pack_into(">I", data, place, value)
        damaged.write_bytes(data[: chance.choice([len(data), chance.randrange(len(data))])])
        found = read_spatial(damaged)
        assert found.stereo in ("mono", "top-bottom", "left-right")
        try:
            write_spatial(damaged, CASES[0])
        except AvtoolsError:
            continue
    assert time.perf_counter() - began < 20


def test_deep_and_crowded_boxes_cost_little(tmp_path):
    deep = Box(b"trak")
    for _ in range(200):
        deep = Box(b"trak", children=[deep])
    crowd = struct.pack(">I4s", 8, b"trak") * 300_000
    began = time.perf_counter()
    for inside in (deep.pack(), crowd, crowd.replace(b"trak", b"udta")):
        (tmp_path / "a.mp4").write_bytes(Box(b"moov", inside).pack())
        assert read_spatial(tmp_path / "a.mp4") == Spatial()
    (tmp_path / "b.mp4").write_bytes(struct.pack(">I4s", 8, b"free") * 300_000)
    assert read_spatial(tmp_path / "b.mp4") == Spatial()
    assert time.perf_counter() - began < 5


def test_a_real_360_film():
    found = next(REAL.rglob("congo_1024.mp4"), None) if REAL.is_dir() else None
    if found is None:
        pytest.skip("the real film is not beside this checkout")
    assert says(read_spatial(found)) == Spatial("equirectangular", "top-bottom")
