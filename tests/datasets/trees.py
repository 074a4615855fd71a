"""Tiny copies of the datasets, in their exact layouts; and media with known contents."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile

from tests.scenes import noise

RATE = 16000


def text(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def sound(path: Path, channels: int = 2, seconds: float = 0.1, rate: int = RATE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, noise(channels, round(seconds * rate)), rate)
    return path


def empty(*paths: Path) -> None:
    """Files that a reader sees and never opens."""
    for path in paths:
        text(path, b"")


# ---- the layouts ------------------------------------------------------------------------------


def fair_play(root: Path) -> Path:
    for k in range(1, 7):
        sound(root / f"binaural_audios/{k:06d}.wav")
        empty(root / f"videos/{k:06d}.mp4")
    split = root / "new_splits/split1"
    text(split / "train.txt", "000001.mp3\n000002.mp3\n000003.mp3\n")
    text(split / "val.txt", "000004.mp3\n")
    text(split / "test.txt", "000005.mp3\n009999.mp3\n")
    return root


def yt360(root: Path) -> Path:
    base = root / "data/yt360"
    for key in ("-a-b-c-d-e--12", "AbCdEfGhIjK-0", "AbCdEfGhIjK-130", "tttttttttt_-20"):
        empty(base / f"video/{key}.mp4", base / f"audio/{key}.m4a")
    empty(base / "video/AbCdEfGhIjK-140.mp4")  # its sound was lost
    text(root / "train.txt", "-a-b-c-d-e-\nAbCdEfGhIjK\n")
    text(root / "test.txt", "tttttttttt_\ngone4ever00\n")
    text(root / "segments.txt", "AbCdEfGhIjK 0,130,140\ngone4ever00 5\n-a-b-c-d-e- 12\n")
    return root


def youtube360(root: Path) -> Path:
    ids = ["-076WPWoCRE", "0DhWUtlWcA0", "0_FbaigWRaM", "gone4ever00"]
    text(root / "meta/spatialaudiogen_db.lst", "\n".join(ids) + "\n")
    text(root / "meta/subsets/YT-All.train.1.lst", f"{ids[0]}\n{ids[3]}\n")
    text(root / "meta/subsets/YT-All.test.1.lst", f"{ids[1]}\n")
    text(root / "meta/subsets/YT-Clean.train.1.lst", f"{ids[1]}\n")
    text(root / "meta/subsets/YT-Clean.test.1.lst", f"{ids[2]}\n")
    text(root / "meta/audio_layouts.txt", f"{ids[0]} WXYZ\n{ids[1]} WXY\n")
    for name in ids[:3]:
        empty(root / f"data/preproc/{name}/{name}.m4a", root / f"data/preproc/{name}/{name}.mp4")
        empty(root / f"data/preproc/{name}/{name}-hr.mp4")
    return root


def youtube_asmr(root: Path) -> Path:
    text(
        root / "youtube_asmr/test.csv",
        "# YouTube-ASMR\nid,start,end\n_a_b-c-d_e_,0,8.12\r\ngone4ever00,1,11\r\n",
    )
    text(root / "youtube_asmr/train.csv", b"\xef\xbb\xbfAbCdEfGhIjK,2.03,12.03\n")
    # 1000 x 2.03 is 2029.999..., and the downloader cuts.
    for key in ("_a_b-c-d_e__0_8119", "AbCdEfGhIjK_2029_12030"):
        empty(root / f"data/video/{key}.mp4", root / f"data/audio/{key}.flac")
    return root


def tau2019(root: Path) -> Path:
    for part in (1, 2, 3, 4):
        stem = f"split{part}_ir0_ov1_{part}"
        sound(root / f"foa_dev/{stem}.wav", 4, 0.5)
        sound(root / f"mic_dev/{stem}.wav", 4, 0.5)
        text(
            root / f"metadata_dev/{stem}.csv",
            "sound_event_recording,start_time,end_time,ele,azi,dist\r\n"
            "knock,0.25,1.5,20,-180,2\r\nphone,0.5,0.75,-40,70,1\r\n",
        )
    sound(root / "foa_eval/split0_1.wav", 4)
    return root


def starss(root: Path) -> Path:
    train, test = "dev-train-sony/fold3_room21_mix001", "dev-test-tau/fold4_room2_mix001"
    for name in (train, test):
        sound(root / f"foa_dev/{name}.wav", 4)
        sound(root / f"mic_dev/{name}.wav", 4)
    empty(root / f"video_dev/{train}.mp4")
    text(root / f"metadata_dev/{train}.csv", "0,1,0,90,-10,150\n1,1,0,-180,0,152\n1,8,1,5,5,90\n")
    text(root / f"metadata_dev/{test}.csv", "10,12,0,-50,30\n")
    return root


def dcase2025(root: Path) -> Path:
    train = "dev-train-tau/fold3_room4_mix001_deg065_start0010"
    test = "dev-test-sony/fold4_room23_mix001_deg000_start0000"
    for name in (train, test):
        sound(root / f"stereo_dev/{name}.wav", 2)
        empty(root / f"video_dev/{name}.mp4")
    header = "frame,class,source,azimuth,distance,onscreen\n"
    text(root / f"metadata_dev/{train}.csv", header + "3,1,1,40,210,1\n4,0,1,-77,205,0\n")
    text(root / f"metadata_dev/{test}.csv", header)
    return root


def eigenscape(root: Path) -> Path:
    for label in ("Beach", "BusyStreet"):
        for k in (1, 2, 3, 8):
            sound(root / f"{label}.{k}.wav", 25, 0.25, 8000)
    return root


def ucf101(root: Path) -> Path:
    folder = root / "UCF-101/HandstandPushups"
    for name in ("v_HandStandPushups_g01_c01", "v_HandStandPushups_g01_c02"):
        empty(folder / f"{name}.avi")
    empty(folder / "v_HandStandPushups_g02_c01.avi")
    lists = root / "ucfTrainTestlist"
    text(lists / "classInd.txt", "37 HandstandPushups\r\n")
    lines = [f"HandstandPushups/v_HandStandPushups_{n}.avi" for n in ("g01_c01", "g01_c02")]
    text(lists / "testlist01.txt", "".join(f"{line}\r\n" for line in lines))
    text(
        lists / "trainlist01.txt",
        "HandstandPushups/v_HandStandPushups_g02_c01.avi 37\r\n"
        "HandstandPushups/v_HandStandPushups_g03_c01.avi 37\r\n",
    )
    return root


def hmdb51(root: Path) -> Path:
    names = {
        "#20_Rhythm_clap_u_nm_np1_fr_goo_0.avi": 1,
        "April_09_clap_u_nm_np1_ba_goo_0.avi": 2,
        "April_09_clap_u_nm_np1_ba_goo_1.avi": 0,
    }
    for name in names:
        empty(root / "videos/clap" / name)
    text(
        root / "testTrainMulti_7030_splits/clap_test_split1.txt",
        "".join(f"{name} {mark} \n" for name, mark in names.items()) + "lost_clap_u.avi 1 \n",
    )
    return root


TREES = {
    "fair-play": fair_play,
    "yt360": yt360,
    "youtube360": youtube360,
    "youtube-asmr": youtube_asmr,
    "tau2019": tau2019,
    "starss": starss,
    "dcase2025": dcase2025,
    "eigenscape": eigenscape,
    "ucf101": ucf101,
    "hmdb51": hmdb51,
}


# ---- media ------------------------------------------------------------------------------------


def encoded(path: Path, x: np.ndarray, codec: str, layout: str, rate: int = 48000) -> Path:
    """`(frames, channels)` as FFmpeg's encoders write it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as out:
        add_sound(out, x, codec, layout, rate)()
    return path


def add_sound(out, x, codec: str, layout: str, rate: int = 48000, late: float = 0.0):
    """Adds the stream now; what is returned writes it."""
    stream = out.add_stream(codec, rate=rate, layout=layout)
    stream.bit_rate = 96000 * x.shape[1]

    def write():
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(x.reshape(1, -1)), format="flt", layout=layout
        )
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = round(late * rate)
        for part in av.AudioResampler("fltp" if codec == "aac" else "flt", layout, rate).resample(
            frame
        ):
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))

    return write


def film(path: Path, count=50, rate=25, sound=None, late=0.0, clock=0) -> Path:
    """A film whose frame k has the number k written in it as eight bars; (frames, 2) of sound.

    The sound begins `late` seconds after the picture, the file's clock at the frame `clock`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=rate, options={"qscale": "2"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        write = sound is not None and add_sound(
            out, sound, "aac", "stereo", late=late + clock / rate
        )
        for k in range(count):
            frame = av.VideoFrame.from_ndarray(barred(k), format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = k + clock, Fraction(1, rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if write:
            write()
    return path


def barred(k: int) -> np.ndarray:
    bits = np.repeat([255 * (k >> b & 1) for b in range(8)], 8).astype(np.uint8)
    return np.broadcast_to(bits[None, :, None], (48, 64, 3)).copy()


def number_in(picture: np.ndarray) -> int:
    width = picture.shape[1] // 8
    middle = picture[picture.shape[0] // 2, :, 1]
    return sum(int(middle[b * width + width // 2] > 127) << b for b in range(8))
