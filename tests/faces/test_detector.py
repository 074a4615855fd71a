import sys
import time

import numpy as np
import pytest

from avtools.faces import detector
from avtools.faces.haar import scores
from avtools.faces.networks import apart, fitted
from tests.scenes import DATA, needs_data

# ---- a small ONNX network, written by hand ------------------------------------------------------


def whole(value):
    """A number in protobuf's bytes of seven bits."""
    data = b""
    while value > 127:
        data, value = data + bytes([0x80 | value & 0x7F]), value >> 7
    return data + bytes([value])


def number(field, value):
    return whole(field << 3) + whole(value)


def text(field, value):
    value = value.encode() if isinstance(value, str) else value
    return whole(field << 3 | 2) + whole(len(value)) + value


def tensor(name, values):
    values = np.asarray(values)
    kind, form = (7, "<i8") if values.dtype == np.int64 else (1, "<f4")
    dims = b"".join(number(1, n) for n in values.shape)
    return dims + number(2, kind) + text(8, name) + text(9, values.astype(form).tobytes())


def shaped(name, *shape):
    dims = b"".join(text(1, number(1, n)) for n in shape)
    return text(1, name) + text(2, text(1, number(1, 1) + text(2, dims)))


def node(kind, inputs, output, **attributes):
    data = b"".join(text(1, name) for name in inputs) + text(2, output) + text(4, kind)
    for name, values in attributes.items():
        ints = b"".join(number(8, value) for value in values)
        data += text(5, text(1, name) + ints + number(20, 7))
    return data


def brightness_network():
    """64 x 64 pixels to YOLO's columns: a face in each quarter, as sure as that is bright."""
    kernel = np.zeros((5, 3, 32, 32), np.float32)
    kernel[4] = 1 / (3 * 32 * 32)
    fixed = np.zeros((1, 5, 2, 2), np.float32)
    fixed[0, 0], fixed[0, 1] = [[16, 48], [16, 48]], [[16, 16], [48, 48]]
    fixed[0, 2], fixed[0, 3] = 20, 24
    graph = text(1, node("Conv", ("in", "k"), "c", kernel_shape=(32, 32), strides=(32, 32)))
    graph += text(1, node("Add", ("c", "fixed"), "a")) + text(1, node("Reshape", ("a", "s"), "out"))
    graph += text(2, "g")
    for name, values in (("k", kernel), ("fixed", fixed), ("s", np.array([1, 5, 4]))):
        graph += text(5, tensor(name, values))
    graph += text(11, shaped("in", 1, 3, 64, 64)) + text(12, shaped("out", 1, 5, 4))
    return number(1, 8) + text(7, graph) + text(8, text(1, "") + number(2, 13))


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "bright,er.onnx"
    path.write_bytes(brightness_network())
    return path


def test_a_network_finds_what_it_was_made_for(network):
    frame = np.zeros((1, 128, 128, 3), np.uint8)
    frame[0, 64:, :64] = 255
    frame[0, :64, 64:] = 128
    for spec in (f"onnx:{network},side=64", f"onnx:{network},decode=yolo,side=64"):
        ((boxes, found),) = detector(spec).detect(frame)
        # In the frame everything is twice as large.
        assert np.allclose(boxes, [[12, 72, 40, 48], [76, 8, 40, 48]], atol=1e-3)
        assert np.allclose(found, [1, 128 / 255], atol=1e-3)


def test_a_network_of_another_kind_says_so_before_the_first_frame(network):
    with pytest.raises(ValueError, match="not RetinaFace's"):
        detector(f"onnx:{network},decode=retinaface,side=64")
    with pytest.raises(ValueError, match=r"side=PIXELS|not YOLO's"):
        detector(f"onnx:{network},side=96")
    with pytest.raises(ValueError, match=r"expected its outputs|can't read it"):
        detector(f"yunet:{network}")


@pytest.mark.parametrize("kind", ["onnx", "yunet"])
def test_what_is_no_network_is_refused_in_one_line(tmp_path, kind, capfd):
    (tmp_path / "bad.onnx").write_bytes(b"no network" * 100)
    (tmp_path / "cut.onnx").write_bytes(brightness_network()[:3000])
    (tmp_path / "empty.onnx").write_bytes(b"")
    for name in ("bad", "cut", "empty"):
        with pytest.raises(ValueError, match="expected an ONNX network") as error:
            detector(f"{kind}:{tmp_path / name}.onnx")
        assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="no such file"):
        detector(f"{kind}:{tmp_path / 'none.onnx'}")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("spec", ["", "haar:x", "yunet", "yunet:", "boxes:", "mtcnn:x", "HAAR"])
def test_unknown_detectors(spec):
    with pytest.raises(ValueError, match="expected haar, yunet:FILE, onnx:FILE"):
        detector(spec)


def test_wrong_options(network):
    with pytest.raises(ValueError, match="decode=ssd, expected retinaface or yolo"):
        detector(f"onnx:{network},decode=ssd")
    for side in ("wide", "8"):
        with pytest.raises(ValueError, match=f"side={side}, expected"):
            detector(f"onnx:{network},side={side}")


def test_opencv_without_the_detector(monkeypatch):
    import cv2

    monkeypatch.delattr(cv2, "CascadeClassifier")
    monkeypatch.setattr(cv2, "__version__", "5.0.0")
    with pytest.raises(ValueError, match=r"OpenCV 5\.0\.0 has no Haar detector, expected 4\.13"):
        detector("haar")


def test_a_frame_fits_into_its_square():
    square, scale = fitted(np.full((50, 200, 3), 7, np.uint8), 100)
    assert scale == 0.5 and square.shape == (100, 100, 3)
    assert (square[:25] == 7).all() and (square[25:] == 114).all()


def test_overlapping_boxes_are_one_face():
    boxes = np.array([[0, 0, 10, 10], [1, 1, 10, 10], [30, 0, 10, 10], [60, 0, 9, 9.0]])
    kept, sure = apart(boxes, np.array([0.6, 0.9, 0.5, 0.1]))
    assert kept.tolist() == [[1, 1, 10, 10], [30, 0, 10, 10]] and sure.tolist() == [0.9, 0.5]
    assert len(apart(np.zeros((0, 4)), np.zeros(0))[0]) == 0


def test_scores_rise_with_the_weights():
    assert scores(55.0) == 0.5 and (np.diff(scores(np.arange(50, 60))) > 0).all()
    assert scores(54.3) < 0.3 and scores(56.5) > 0.9


# ---- Haar ---------------------------------------------------------------------------------------


def texture(seed):
    """Shapes of all sizes, `(288, 512, 3)`."""
    import cv2

    rng = np.random.default_rng(seed)
    total = sum(
        s**0.6 * cv2.resize(rng.random((288 // s + 2, 512 // s + 2, 3)), (512, 288))
        for s in (4, 8, 16, 32, 64, 128)
    )
    return (255 * (total - total.min()) / np.ptp(total)).astype(np.uint8)


def test_haar_sees_no_faces_in_textures():
    found = detector("haar").detect(np.stack([texture(seed) for seed in range(20)]))
    assert sum(any(sure >= 0.5) for _, sure in found) <= 1


def test_odd_frames():
    haar = detector("haar")
    for shape in ((1, 1, 1, 3), (1, 8, 2000, 3), (2, 30, 30, 3)):
        assert [len(sure) for _, sure in haar.detect(np.zeros(shape, np.uint8))] == [0] * shape[0]
    assert haar.detect(np.zeros((0, 64, 64, 3), np.uint8)) == []
    with pytest.raises(ValueError, match="expected uint8"):
        haar.detect(np.zeros((64, 64, 3), np.uint8))


@needs_data
def test_haar_finds_the_speaker_upright_and_mirrored():
    from avtools.stream.video import frames

    path = DATA / "bytedance+LatentSync" / "assets" / "demo2_video.mp4"
    taken = [f for _, f in frames(path, rate=0.5, size=(288, 512), duration=12)]
    pictures = np.stack([*taken, *(f[:, ::-1] for f in taken)])
    haar = detector("haar")
    start = time.perf_counter()
    found = haar.detect(pictures)
    assert (time.perf_counter() - start) / len(pictures) < 0.3
    assert np.mean([any(sure > 0.5) for _, sure in found]) >= 0.9
    for (boxes, sure), (mirrored, _) in zip(found[:6], found[6:], strict=True):
        if len(sure) and len(mirrored):
            x, y, width, height = boxes[0]
            assert np.allclose(mirrored[0], [288 - x - width, y, width, height], atol=25)


def test_nothing_heavy_is_imported_before_it_is_needed():
    import subprocess

    code = "import sys; from avtools.faces import detector; print('cv2' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code]) == b"False\n"
