"""The stateless maths is written once: numpy and torch get the same numbers from it."""

import numpy as np
import pytest

from avtools.dsp import direct, gcc, intensity, mel, room, room_responses, sphere, stft
from avtools.dsp.dialect import like, namespace

torch = pytest.importorskip("torch")

random = np.random.default_rng(12)
WINDOWS = random.standard_normal((2, 3, 4, 5, 128))  # batch of (4, windows, samples)
FOA = np.fft.rfft(WINDOWS)[..., 0, :, :, :] / 11
FILTERS = mel.mel_filters(65, 8000, 12)
ROOM = [
    np.array([[6.0, 5, 3], [4, 3, 2.5]]),  # sizes
    np.array([[2.0, 1, 1.5], [1, 1, 1]]),  # sources
    np.array([[4.0, 3, 1.2], [3, 2, 1]]),  # receivers
    np.array([0.8, 0.5]),  # what a wall leaves
]
LATTICE = room.image_lattice((6, 5, 3), 10.0)
PLACES = np.array([[0, 0.1, 0], [0, -0.1, 0], [0.05, 0, 0.02]])


def smooth_curves() -> np.ndarray:
    lags = np.arange(-60, 61)
    return np.sinc((lags - random.uniform(-15, 15, (3, 5, 1))) / 3) ** 2


MATHS = {
    "gcc.phase_transform": (lambda a, b: gcc.phase_transform(a, b, np.ones(65)), FOA, FOA[::-1]),
    "gcc.correlation": (lambda c: gcc.correlation(c, 20, 128), FOA),
    "gcc.peak": (lambda c: gcc.peak(c, 20), smooth_curves()),
    "intensity.intensity": (intensity.intensity, FOA),
    "intensity.energy, unit": (lambda f: intensity.energy(f, "unit"), FOA),
    "intensity.energy, seld": (lambda f: intensity.energy(f, "seld"), FOA),
    "intensity.features, unit": (lambda f: intensity.features(f, FILTERS, "unit"), FOA),
    "intensity.features, seld": (lambda f: intensity.features(f, FILTERS, "seld"), FOA),
    "direct.directed": (direct.directed, FOA),
    "direct.beside": (lambda f: direct.beside(abs(f)), FOA),
    "stft.spectra": (lambda x: stft.spectra(x, stft.hann(128)), WINDOWS),
    "stft.spectra, padded": (lambda x: stft.spectra(x, stft.hann(128), 180), WINDOWS),
    "room.image_sources": (
        lambda *places: list(vars(room.image_sources(*places, LATTICE)).values()),
        *ROOM,
    ),
    "room.direct_to_reverberant": (
        lambda *places: room.direct_to_reverberant(room.image_sources(*places, LATTICE)),
        *ROOM,
    ),
    "room_responses.foa_responses": (
        lambda *places: room_responses.foa_responses(
            room.image_sources(*places, LATTICE), 16_000, 400
        ),
        *ROOM,
    ),
    "room_responses.array_responses": (
        lambda *places: room_responses.array_responses(
            room.image_sources(*places, LATTICE), PLACES, 16_000, 400
        ),
        *ROOM,
    ),
    "room_responses.convolve": (
        room_responses.convolve,
        WINDOWS[0, 0, 0],
        WINDOWS[0, 0, :1, :3],
    ),
    "sphere.angles": (sphere.angles, random.standard_normal((50, 3))),
    "sphere.angle_between": (sphere.angle_between, *random.standard_normal((2, 50, 3))),
}


def parts(found) -> list:
    return list(found) if isinstance(found, tuple | list) else [found]


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("name", MATHS)
def test_numpy_and_torch_agree(name, precision):
    maths, *arrays = MATHS[name]
    if precision == "single":
        arrays = [a.astype(np.complex64 if np.iscomplexobj(a) else np.float32) for a in arrays]
    want = parts(maths(*arrays))
    made = parts(maths(*map(torch.from_numpy, map(np.ascontiguousarray, arrays))))
    close = 1e-10 if precision == "double" else 1e-5
    for a, b in zip(want, made, strict=True):
        assert isinstance(a, np.ndarray | np.generic) and isinstance(b, torch.Tensor)
        scale = max(1.0, np.abs(a).max())
        assert np.abs(a - b.numpy()).max() <= close * scale


@pytest.mark.parametrize("name", ["gcc.phase_transform", "intensity.features, unit"])
def test_gradients_pass(name):
    """What is written once also learns: no number is lost on the way back."""
    maths, *arrays = MATHS[name]
    tensors = [torch.from_numpy(np.ascontiguousarray(a)).requires_grad_() for a in arrays]
    total = sum(t.abs().sum() for t in parts(maths(*tensors)))
    total.backward()
    for t in tensors:
        assert torch.isfinite(torch.view_as_real(t.grad)).all() and t.grad.abs().max() > 0


def test_the_kind_is_that_of_what_is_given():
    assert namespace(np.zeros(2), 3, None) is np
    assert namespace() is np
    assert namespace(torch.zeros(2), 3).__name__ == "array_api_compat.torch"
    with pytest.raises(ValueError, match="expected one kind"):
        namespace(np.zeros(2), torch.zeros(2))


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_like_takes_kind_and_precision(kind):
    real = np.zeros(3, kind)
    for array in (real, real + 1j):
        assert like(array, [1, 2]).dtype == kind
        tensor = like(torch.from_numpy(array), [1, 2])
        assert isinstance(tensor, torch.Tensor) and tensor.numpy().dtype == kind
