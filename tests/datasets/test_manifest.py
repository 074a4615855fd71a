"""CSVs of clips, as people and our own tools write them."""

import pytest

from avtools.datasets import Event, open_dataset
from avtools.errors import AvtoolsError
from tests.datasets.trees import empty, sound, text


def opened(folder, content, name="clips.csv"):
    return open_dataset(text(folder / name, content))


def test_paths_count_from_the_manifest(tmp_path):
    empty(tmp_path / "sub/a.mp4", tmp_path / "b.flac", tmp_path / "b.mov")
    dataset = opened(
        tmp_path,
        b"\xef\xbb\xbf# made by hand\r\nFile,video,source,label,split\r\n"
        b'sub/a.mp4,,v1,"cat, black",valid\r\nb.flac,b.mov,,dog,\r\n\r\n',
    )
    assert dataset.name == "manifest"
    first, second = dataset.clips[1], dataset.clips[0]
    assert (first.key, first.source, first.label, first.split) == (
        "sub/a",
        "v1",
        "cat, black",
        "val",
    )
    assert first.sound == first.video == str(tmp_path / "sub/a.mp4")
    assert (second.key, second.source, second.split) == ("b", "b.flac", None)
    assert second.sound.endswith("b.flac") and second.video.endswith("b.mov")


def test_windows_and_what_tells_them_apart(tmp_path):
    sound(tmp_path / "a.wav", seconds=3)
    dataset = opened(tmp_path, "file,start,end\na.wav,0,1\na.wav,1.5,2\n")
    assert [(c.key, c.start, c.duration) for c in dataset] == [("a-0", 0, 1), ("a-1.5", 1.5, 0.5)]
    assert {c.source for c in dataset} == {"a.wav"}
    assert dataset.clips[1].hear()[0].shape == (2, 8000)


def test_what_synth_and_curate_write(tmp_path):
    for k in range(3):
        empty(tmp_path / f"{k}.mp4")
    scenes = opened(tmp_path, "file,channel,seed,split\n0.mp4,7,10,train\n1.mp4,8,11,test\n")
    # Scenes of one channel are alike: a split must not cut a channel in two.
    assert [(c.source, c.channel, c.split) for c in scenes] == [
        ("7", "7", "train"),
        ("8", "8", "test"),
    ]
    curated = opened(
        tmp_path,
        "clip,file,source,channel,start,duration,split,kept,reason,stage,loudness\n"
        "0@1.5,0.mp4,s0,,1.5,10,train,yes,,pack,-20.5\n"
        "0@20,0.mp4,s0,,20,10,,no,silent,sound,-90\n"
        "2@0,2.mp4,s2,,0,9.98,val,yes,,pack,-31\n",
    )
    assert [(c.key, c.source, c.start, c.duration, c.split) for c in curated] == [
        ("0@1.5", "s0", 1.5, 10.0, "train"),
        ("2@0", "s2", 0.0, 9.98, "val"),
    ]


def test_names_that_look_like_comments(tmp_path):
    empty(tmp_path / "#1.wav", tmp_path / "a.wav")
    dataset = opened(tmp_path, "# mine\nfile,label\n#1.wav,cat\n# not this\na.wav,dog\n")
    assert [(c.key, c.label) for c in dataset] == [("#1", "cat"), ("a", "dog")]


def test_files_that_are_gone_are_skipped_and_told(tmp_path, capsys):
    empty(tmp_path / "a.wav")
    dataset = opened(tmp_path, "file\na.wav\nsub/gone.wav\ngone.wav\n")
    assert len(dataset) == 1 and dataset.missing == 2
    assert "2 of 3 clips are not there" in capsys.readouterr().err


def test_truth_beside_a_clip(tmp_path):
    empty(tmp_path / "a.wav")
    text(tmp_path / "a.csv", "start,end,label,azimuth,onscreen\n0,1,cat,-190,no\n2,3,dog,,\n")
    clip = opened(tmp_path, "file,truth,convention\na.wav,a.csv,fuma\n").clips[0]
    assert clip.convention == "fuma"
    assert clip.events() == [
        Event(0, 1, "cat", azimuth=170.0, onscreen=False),
        Event(2, 3, "dog"),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "without a single clip|empty"),
        ("name,start\na.wav,0\n", "line 2: no file; a manifest needs a column"),
        ("file,split\na.wav,dev\n", "line 2: split 'dev', expected train, val or test"),
        ("file,start\na.wav,soon\n", "line 2: 'soon' where a number is expected"),
        ("file,start,end\na.wav,2,1\n", "expected a stretch"),
        ("file,start\na.wav,nan\n", "where a number is expected"),
        ("file,picture_rate\na.wav,0\n", "picture_rate 0, expected more than 0"),
        ("file,convention\na.wav,acn\n", "convention 'acn', expected one of ambix"),
        ("file,clip\na.wav,x\nb.wav,x\na.wav,x\n", "two clips are called x-0"),
        ("file\ngone.wav\n", "without a single clip"),
        (b"file\n\xff\xfe\n", "not a text file in UTF-8"),
        ('file\n"a.wav\n', r"line 2: not CSV"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, content, words):
    empty(tmp_path / "a.wav", tmp_path / "b.wav")
    with pytest.raises(AvtoolsError, match=words) as told:
        opened(tmp_path, content)
    assert "\n" not in str(told.value) and "clips.csv" in str(told.value)
