import numpy as np
import pytest

from avtools.faces.decoding import priors, retinaface, yolo

FACES = np.array([[20.0, 30.0, 40.0, 50.0], [100.0, 60.0, 24.0, 30.0]])  # x, y, width, height


def test_priors_of_retinaface():
    prior = priors(64, 128)
    # Grids of 8 x 16, 4 x 8 and 2 x 4 cells, two boxes each.
    assert prior.shape == (2 * (128 + 32 + 8), 4)
    assert np.allclose(prior[0], [4 / 128, 4 / 64, 16 / 128, 16 / 64])
    assert np.allclose(prior[3], [12 / 128, 4 / 64, 32 / 128, 32 / 64])
    assert np.allclose(prior[-1], [112 / 128, 48 / 64, 512 / 128, 512 / 64])


def encoded(height, width, scores):
    """What a perfect RetinaFace would say, at one prior a face."""
    prior = priors(height, width)
    place, chance = np.zeros((len(prior), 4)), np.tile([1.0, 0.0], (len(prior), 1))
    for number, ((x, y, w, h), score) in enumerate(zip(FACES, scores, strict=True)):
        k, share = 20 + 7 * number, np.array([width, height])
        middle, extent = np.array([x + w / 2, y + h / 2]) / share, np.array([w, h]) / share
        place[k, :2] = (middle - prior[k, :2]) / (0.1 * prior[k, 2:])
        place[k, 2:] = np.log(extent / prior[k, 2:]) / 0.2
        chance[k] = 1 - score, score
    return place[None], chance[None], np.zeros((1, len(prior), 10))


def test_retinaface_gives_back_what_was_encoded():
    outputs = encoded(128, 160, (0.9, 0.6))
    for order in ((0, 1, 2), (2, 1, 0), (1, 0)):
        boxes, scores = retinaface([outputs[k] for k in order], 128, 160)
        assert np.allclose(boxes[[20, 27]], FACES)
        assert np.allclose(scores[[20, 27]], [0.9, 0.6]) and np.delete(scores, [20, 27]).max() == 0


def test_retinaface_without_softmax():
    place, chance, _ = encoded(128, 160, (0.9, 0.6))
    raw = np.log(np.clip(chance, 1e-6, 1)) + 3.0
    assert np.allclose(retinaface([place, raw], 128, 160)[1][20], 0.9, atol=1e-4)


def middles(boxes):
    return np.concatenate([boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:]], axis=1)


def test_yolo_in_rows_and_in_columns():
    rows = np.zeros((30, 16))
    rows[[4, 9], :4] = middles(FACES)
    rows[[4, 9], 4], rows[[4, 9], 15] = [0.9, 0.8], [1.0, 0.5]
    boxes, scores = yolo([rows[None]])
    assert np.allclose(boxes[[4, 9]], FACES) and np.allclose(scores[[4, 9]], [0.9, 0.4])
    for attributes in (5, 15, 20):
        columns = np.zeros((attributes, 30))
        columns[:4, [4, 9]], columns[4, [4, 9]] = middles(FACES).T, [0.9, 0.8]
        boxes, scores = yolo([columns[None]])
        assert np.allclose(boxes[[4, 9]], FACES) and np.allclose(scores[[4, 9]], [0.9, 0.8])


@pytest.mark.parametrize("shapes", [[(1, 84, 8400)], [(1, 100, 85)], [(2, 30, 5)], [(30, 5)], []])
def test_what_is_not_yolo_is_refused(shapes):
    with pytest.raises(ValueError, match="not YOLO's for faces"):
        yolo([np.zeros(shape) for shape in shapes])


def test_what_is_not_retinaface_is_refused():
    place, chance, _ = encoded(128, 160, (0.9, 0.6))
    for outputs in ([place], [place, chance[:, :-1]], [chance, chance]):
        with pytest.raises(ValueError, match=r"expected \(1, 840, 4\) and \(1, 840, 2\)"):
            retinaface(outputs, 128, 160)
