"""Rotations of the scene: angles, matrices, paths between them, and the turning of sound.

Axes x front, y left, z up; matrices are right-handed and act on directions of the scene:
R = Rx(-roll) Ry(pitch) Rz(yaw). So +yaw takes the front to the left, +pitch takes it down, +roll
lowers the left side; the same triple means the same to FFmpeg's v360.
"""

from collections.abc import Callable

import numpy as np

AXES = {"y": "yaw", "p": "pitch", "r": "roll"}
ORDERS = ("ypr", "yrp", "pyr", "pry", "ryp", "rpy")
# AmbiX channels Y, Z, X are the directions y, z, x: first-order sound turns as they do.
DIRECTIONS = np.array([1, 2, 0])


def _about(axis: int, angle: np.ndarray) -> np.ndarray:
    """Right-handed turns about an axis, `(..., 3, 3)`."""
    c, s = np.cos(angle), np.sin(angle)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.zeros((*np.shape(angle), 3, 3))
    matrix[..., axis, axis] = 1
    matrix[..., i, i], matrix[..., i, j] = c, -s
    matrix[..., j, i], matrix[..., j, j] = s, c
    return matrix


def rotation_matrix(
    yaw_deg: float = 0.0,
    pitch_deg: float = 0.0,
    roll_deg: float = 0.0,
    order: str = "ypr",
    convention: str = "avtools",
    inverse: bool = False,
) -> np.ndarray:
    """`(..., 3, 3)` of angles `(...)`, for column vectors (x, y, z). `order`: which turn is first.

    The conventions of other tools, each with its own signs and its own order:
      iem     SceneRotator: yaw left, pitch down, roll lifts the left side; Rz Ry Rx.
      sparta  Rotator, SAF: angles of the head, so the scene turns the other way: (Rz Ry Rx)^T
              with yaw right, pitch up, roll down on the left.
    """
    yaw, pitch, roll = np.deg2rad([yaw_deg, pitch_deg, roll_deg])
    if convention == "iem":
        order, roll = "rpy", -roll
    elif convention == "sparta":
        order, roll = "rpy", -roll
        inverse = not inverse
    elif convention != "avtools":
        raise ValueError(f"convention {convention!r}: expected avtools, iem or sparta")
    if order not in ORDERS:
        raise ValueError(f"order {order!r}: expected one of {', '.join(ORDERS)}")
    turns = {"y": _about(2, yaw), "p": _about(1, pitch), "r": _about(0, -roll)}
    first, second, third = (turns[letter] for letter in order)
    matrix = third @ second @ first
    return np.swapaxes(matrix, -1, -2) if inverse else matrix


def quaternion(matrix: np.ndarray) -> np.ndarray:
    """Unit quaternions (w, x, y, z) `(..., 4)` of rotation matrices `(..., 3, 3)`."""
    m, trace = matrix, np.trace(matrix, axis1=-2, axis2=-1)
    away = [m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]]
    xy = m[..., 0, 1] + m[..., 1, 0]
    xz = m[..., 0, 2] + m[..., 2, 0]
    yz = m[..., 1, 2] + m[..., 2, 1]
    own = [1 + 2 * m[..., k, k] - trace for k in range(3)]
    # Each row is 4 q_i q: take the one whose own component is largest, it is the safest.
    rows = [
        [1 + trace, *away],
        [away[0], own[0], xy, xz],
        [away[1], xy, own[1], yz],
        [away[2], xz, yz, own[2]],
    ]
    candidates = np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
    best = np.diagonal(candidates, axis1=-2, axis2=-1).argmax(axis=-1)
    q = np.take_along_axis(candidates, best[..., None, None], axis=-2)[..., 0, :]
    return q / np.linalg.norm(q, axis=-1, keepdims=True)


def matrices(quaternions: np.ndarray) -> np.ndarray:
    """Rotation matrices `(..., 3, 3)` of unit quaternions `(..., 4)`."""
    w, x, y, z = np.moveaxis(quaternions, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def path(times: np.ndarray, turns: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Rotation over time: seconds `(n,)` -> matrices `(n, 3, 3)`.

    `turns` `(k, 3, 3)` hold at the rising `times` `(k,)`; between two of them the scene turns
    about one axis at one speed (spherical interpolation, the short way), outside them it rests.
    """
    q = quaternion(np.asarray(turns))
    # q and -q turn alike: each takes the sign that is nearer to the one before.
    far = (q[1:] * q[:-1]).sum(-1) < 0
    q[1:] *= np.where(np.cumsum(far) % 2, -1.0, 1.0)[:, None]

    def at(seconds: np.ndarray) -> np.ndarray:
        after = np.clip(np.searchsorted(times, seconds, side="right"), 1, max(1, len(times) - 1))
        if len(times) == 1:
            return np.broadcast_to(matrices(q[0]), (len(seconds), 3, 3))
        a, b = q[after - 1], q[after]
        span = times[after] - times[after - 1]
        part = np.clip((seconds - times[after - 1]) / span, 0.0, 1.0)[:, None]
        angle = np.arccos(np.clip((a * b).sum(-1, keepdims=True), -1.0, 1.0))
        small = angle < 1e-6
        sine = np.where(small, 1.0, np.sin(angle))
        left = np.where(small, 1 - part, np.sin((1 - part) * angle) / sine)
        right = np.where(small, part, np.sin(part * angle) / sine)
        mixed = left * a + right * b
        return matrices(mixed / np.linalg.norm(mixed, axis=-1, keepdims=True))

    return at


def foa_matrix(turn: np.ndarray) -> np.ndarray:
    """The 4 x 4 matrix that turns AmbiX W, Y, Z, X as `turn` turns directions x, y, z."""
    matrix = np.eye(4)
    matrix[1:, 1:] = turn[np.ix_(DIRECTIONS, DIRECTIONS)]
    return matrix


def rotate_blocks(blocks, turn: np.ndarray):
    """Turn first-order ambisonics; channels beyond the fourth pass unchanged.

    W comes out as it came in, to the bit. The output is overwritten by the next block.
    """
    matrix = foa_matrix(turn).astype(np.float32)
    room = np.empty((0, 0), np.float32)
    for x in blocks:
        channels, samples = x.shape
        if len(room) < samples:
            room = np.empty((samples, channels), np.float32)
        y = room[:samples].T
        np.matmul(matrix, x[:4], out=y[:4])
        y[0] = x[0]
        y[4:] = x[4:]
        yield y


def rotate_blocks_along(blocks, at: Callable[[np.ndarray], np.ndarray], rate: int, step: int = 16):
    """Turn by a rotation that changes with time: no clicks, the same for any split into blocks.

    The rotation is computed every `step` samples of the stream and drawn straight between: with
    3,000 knots a second a head that turns 3,000 degrees a second is followed to 1e-4.
    """
    seen = 0
    for x in blocks:
        samples = x.shape[-1]
        first, last = seen // step, (seen + samples - 1) // step + 1
        knots = at(np.arange(first, last + 1) * (step / rate))
        knots = knots[:, DIRECTIONS][:, :, DIRECTIONS].astype(np.float32)
        place = np.arange(seen, seen + samples)
        k = place // step - first
        part = ((place % step) / np.float32(step)).astype(np.float32)
        y = np.empty((samples, x.shape[0]), np.float32).T
        y[0], y[4:] = x[0], x[4:]
        for row in range(3):
            total = np.zeros(samples, np.float32)
            for column in range(3):
                gain = knots[k, row, column]
                gain = gain + part * (knots[k + 1, row, column] - gain)
                total += gain * x[1 + column]
            y[1 + row] = total
        seen += samples
        yield y
