"""Ambisonic channels: their order, their normalisation, their mirror image.

Inside: AmbiX, that is ACN order (W, Y, Z, X, ...) and SN3D. Channel ACN = l(l+1) + m belongs to
degree l and index m; those with m < 0 carry sin(|m| azimuth), the others cos(m azimuth).
"""

from math import isqrt

import numpy as np

ROOT2, ROOT3 = 2.0**0.5, 3.0**0.5

# What each convention calls its channels: the matrix takes them to AmbiX, `(4, channels)`.
#   FuMa: W, X, Y, Z with W down by 3 dB.
#   N3D: ACN order; a degree-l component is sqrt(2l + 1) times that of SN3D.
#   WXY: FuMa without height, as many 360 cameras give it; Z comes out silent.
#   YouTube: AAC tagged 5.1, whose decoded slots FL FR FC LFE BL BR hold X, Y, W, -, Z, -.
#   XYWZ: the same forced into four channels by a decoder, which takes Z down by 3 dB.
TO_AMBIX = {
    "ambix": np.eye(4),
    "n3d": np.diag([1.0, 1 / ROOT3, 1 / ROOT3, 1 / ROOT3]),
    "fuma": np.array([[ROOT2, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0]]),
    "wxy": np.array([[1.0, 0, 0], [0, 0, 1], [0, 0, 0], [0, 1, 0]]),
    "youtube": np.eye(6)[[2, 1, 4, 0]],
    "xywz": np.array([[0, 0, 1.0, 0], [0, 1, 0, 0], [0, 0, 0, ROOT2], [1, 0, 0, 0]]),
}
FROM_AMBIX = {
    name: np.linalg.inv(TO_AMBIX[name]).round(15) + 0.0 for name in ("ambix", "n3d", "fuma")
}


def order_of(channels: int) -> int | None:
    """The ambisonic order with this many channels, or None where there is none."""
    order = isqrt(max(0, channels)) - 1
    return order if order >= 0 and (order + 1) ** 2 == channels else None


def degrees(channels: int) -> np.ndarray:
    """The degree l of each ACN channel, `(channels,)`."""
    return np.array([isqrt(n) for n in range(channels)])


def mirror_signs(channels: int) -> np.ndarray:
    """±1 for each ACN channel of the sound field mirrored left-right, `(channels,)`.

    The mirror takes azimuth to -azimuth: sines change their sign, cosines don't.
    """
    degree = degrees(channels)
    index = np.arange(channels) - degree * (degree + 1)
    return np.where(index < 0, -1.0, 1.0).astype(np.float32)


def mirror_matrix(convention: str, channels: int, head_locked: int = 0) -> np.ndarray:
    """The matrix that mirrors a sound left-right, in its own convention.

    `head_locked`: so many channels at the end are plain stereo.
    """
    if head_locked:
        field = channels - head_locked
        matrix = np.zeros((channels, channels))
        matrix[:field, :field] = mirror_matrix(convention, field)
        matrix[field:, field:] = np.eye(head_locked)[::-1]
        return matrix
    if convention == "stereo":
        return np.eye(2)[::-1]
    if convention in ("ambix", "n3d"):
        return np.diag(mirror_signs(channels))
    signs = np.ones(channels)
    signs[{"fuma": 2, "wxy": 2, "youtube": 1, "xywz": 1}[convention]] = -1  # where Y is
    return np.diag(signs)


def encode(azimuth_deg, elevation_deg) -> np.ndarray:
    """AmbiX gains of a plane wave from a direction: `(..., 4)`."""
    azimuth, elevation = np.deg2rad(azimuth_deg), np.deg2rad(elevation_deg)
    flat = np.cos(elevation)
    w = np.ones_like(azimuth * elevation)
    y, z, x = np.sin(azimuth) * flat, np.sin(elevation) * np.ones_like(azimuth), np.cos(azimuth)
    return np.stack([w, y, z, x * flat], axis=-1)


def to_ambix(convention: str, channels: int) -> np.ndarray:
    """The matrix to AmbiX. N3D is known at every order, the others at the first."""
    if convention == "n3d" and order_of(channels):
        return np.diag(1 / np.sqrt(2.0 * degrees(channels) + 1))
    if convention == "ambix":
        return np.eye(channels)
    matrix = TO_AMBIX[convention]
    if matrix.shape[1] != channels:
        raise ValueError(f"{convention} has {matrix.shape[1]} channels, not {channels}")
    return matrix


def from_ambix(convention: str, channels: int) -> np.ndarray:
    """The matrix from AmbiX, the inverse of `to_ambix`."""
    if convention == "fuma" and channels != 4:
        raise ValueError(f"FuMa is known for 4 channels here, not for {channels}")
    if convention in ("ambix", "n3d"):
        return np.linalg.inv(to_ambix(convention, channels)).round(15) + 0.0
    return FROM_AMBIX[convention]


# First-order ambisonics heard by two coincident microphones.
STEREO = {
    # W + Y and W - Y: two cardioids to the sides, as the DCASE stereo data are made.
    "wy": np.array([[1.0, 1, 0, 0], [1.0, -1, 0, 0]]) / 2,
    # Crossed figure-eights at +-45 degrees.
    "xy": np.array([[0, 1.0, 0, 1], [0, -1.0, 0, 1]]) / ROOT2,
}
MONO = np.array([[1.0, 0, 0, 0]])


def mix_blocks(blocks, matrix: np.ndarray):
    """`matrix @ block` of each block; zeros of the matrix keep NaN where it was."""
    matrix = np.asarray(matrix, np.float32)
    picks = _picks(matrix)
    for x in blocks:
        if picks is not None:
            yield _picked(x, *picks)
        else:
            y = np.empty((x.shape[-1], len(matrix)), np.float32).T
            np.matmul(matrix, x, out=y)
            if not np.isfinite(np.dot(flat := y.T.reshape(-1), flat)):
                y = _mix_apart(matrix, x)
            yield y


def _picks(matrix: np.ndarray):
    """Source channel and gain of each row where no row has more than one: nothing is added."""
    if (np.count_nonzero(matrix, axis=1) > 1).any():
        return None
    rows = np.arange(len(matrix))
    source = np.abs(matrix).argmax(axis=1)
    return source, matrix[rows, source]


def _picked(x: np.ndarray, source: np.ndarray, gain: np.ndarray) -> np.ndarray:
    y = np.empty((x.shape[-1], len(source)), np.float32).T
    for row, (c, g) in enumerate(zip(source, gain, strict=True)):
        if g == 1:
            y[row] = x[c]
        elif g == 0:
            y[row] = 0
        else:  # also for -1: np.negative of numpy 2.4 is wrong where both sides are strided
            np.multiply(x[c], g, out=y[row])
    return y


def _mix_apart(matrix: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Row by row over what is not zero, since 0 x NaN is NaN and would spread."""
    y = np.zeros((x.shape[-1], len(matrix)), np.float32).T
    with np.errstate(invalid="ignore", over="ignore"):
        for row, gains in zip(y, matrix, strict=True):
            for c in np.flatnonzero(gains):
                row += gains[c] * x[c]
    return y
