"""The patch of a picture that a thing takes, and the thing's own coordinates of its pixels.

u to the right and v up are in half sizes, before the thing is tilted; in a mirrored scene u runs
the other way.
"""

from dataclasses import dataclass

import numpy as np
import torch

from avtools.world.looks import outline
from avtools.world.scenes import LOOKS

# What a thing takes with what it shows: from u, to u, from v, to v.
BODY = 1.01 * max(np.abs(outline(look)).max() for look in LOOKS)
BOUNDS = {
    "mouth": (-BODY, BODY, -BODY, BODY),
    "pulse": (-BODY, BODY, -BODY, BODY),
    "strike": (-BODY, 1.6, -BODY, 1.75),
    "bow": (-1.55, 1.55, -BODY, BODY),
}
# Points on each side of the bounds by which a patch on the sphere is found.
ROUND = 9


@dataclass
class Places:
    """Where n things are in their pictures: (n,) each, angles in radians."""

    x: np.ndarray
    y: np.ndarray
    half: np.ndarray  # pixels of half a size
    tangent: np.ndarray  # the same in the plane that touches the sphere
    tilt: np.ndarray
    handed: np.ndarray
    elevation: np.ndarray
    up: np.ndarray  # by how much the camera looks too far up

    def chosen(self, index) -> "Places":
        return Places(*(value[index] for value in vars(self).values()))


@dataclass
class Patches:
    left: torch.Tensor  # (n,) int64
    top: torch.Tensor
    wide: int
    tall: int
    u: torch.Tensor  # (n, tall, wide)
    v: torch.Tensor
    scale: torch.Tensor  # (n, 1, 1) pixels of half a size


def bounds(places: Places, show: str, size: tuple[int, int] | None) -> np.ndarray:
    """(n, 4): left, top, right, bottom in pixels. `size` (width, height) of the sphere, or None."""
    low_u, high_u, low_v, high_v = BOUNDS[show]
    along = np.linspace(0, 1, ROUND if size else 2)
    side_u, side_v = low_u + (high_u - low_u) * along, low_v + (high_v - low_v) * along
    u = np.concatenate([side_u, side_u, 0 * along + low_u, 0 * along + high_u])
    v = np.concatenate([0 * along + low_v, 0 * along + high_v, side_v, side_v])
    tilt = places.tilt[:, None]
    u = u * places.handed[:, None]
    right, above = u * np.cos(tilt) - v * np.sin(tilt), u * np.sin(tilt) + v * np.cos(tilt)
    if size:
        x, y = _on_sphere(places, right, above, size)
    else:
        x = places.x[:, None] + places.half[:, None] * right
        y = places.y[:, None] - places.half[:, None] * above
    # A pixel more for soft edges.
    return np.stack([x.min(1) - 1, y.min(1) - 1, x.max(1) + 1, y.max(1) + 1], axis=1)


def _on_sphere(places: Places, right: np.ndarray, above: np.ndarray, size: tuple[int, int]):
    width, height = size
    right, above = places.tangent[:, None] * right, places.tangent[:, None] * above
    sin, cos = np.sin(places.elevation)[:, None], np.cos(places.elevation)[:, None]
    ahead, up = cos - above * sin, sin + above * cos
    beside = np.arctan2(right, ahead) / (2 * np.pi) * width
    y = places.y[:, None] - (np.arctan2(up, np.hypot(ahead, right)) - places.elevation[:, None]) * (
        height / np.pi
    )
    # What may hold a pole goes all round, and to it.
    reach = np.arctan(np.hypot(right, above).max(axis=1))
    near = np.abs(places.elevation) + reach > np.deg2rad(88)
    beside[near, 0], beside[near, 1] = -width / 2, width / 2
    north, south = near & (places.elevation > 0), near & (places.elevation <= 0)
    middle = places.y + places.elevation * height / np.pi
    y[north, 0], y[south, 0] = middle[north] - height / 2, middle[south] + height / 2
    return places.x[:, None] + beside, y


def flat_patches(places: Places, box: np.ndarray, size: tuple[int, int], device) -> Patches:
    """Of things drawn as cardboard that faces the camera, in their bounds (n, 4)."""
    left, top, wide, tall = _corners(box, None)
    column = _columns(device)
    x, y = column(places.x - left), column(places.y - top)
    scale = column(places.half)
    dx = (torch.arange(wide, device=device) + 0.5 - x) / scale
    dy = (y - 0.5 - torch.arange(tall, device=device)[:, None]) / scale
    return _patches(places, left, top, dx, dy, scale)


def round_patches(places: Places, box: np.ndarray, size: tuple[int, int], device) -> Patches:
    """Of things that touch the sphere."""
    width, height = size
    left, top, wide, tall = _corners(box, width)
    column = _columns(device)
    beside = torch.arange(wide, device=device) + 0.5 - column(places.x - left)
    beside = beside * (2 * np.pi / width)
    row = torch.arange(tall, device=device)[:, None] + 0.5
    # Radians of a row above the middle of the thing.
    above = (column(places.y - top) - row) * (np.pi / height)
    middle = column(places.elevation)
    high = above + middle
    sin, cos = torch.sin(high), torch.cos(high)
    flat = torch.cos(beside)
    depth = (cos * torch.cos(middle) * flat + sin * torch.sin(middle)).clamp_(min=0.02)
    scale = depth * column(places.tangent)
    dx = cos * torch.sin(beside) / scale
    dy = (sin * torch.cos(middle) - cos * torch.sin(middle) * flat) / scale
    pixels = column(places.tangent) * (height / np.pi)
    return _patches(places, left, top, dx, dy, pixels)


def _corners(box: np.ndarray, width: int | None):
    """Left and top (n,), and the width and height of the largest."""
    left, top = np.floor(box[:, 0]), np.floor(box[:, 1])
    wide = int((np.ceil(box[:, 2]) - left).max())
    tall = int((np.ceil(box[:, 3]) - top).max())
    # Twice round the sphere would lay colours over themselves.
    return left, top, wide if width is None else min(wide, width), tall


def _columns(device):
    def column(values: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(values.astype(np.float32), device=device).reshape(-1, 1, 1)

    return column


def _patches(places: Places, left, top, dx, dy, scale: torch.Tensor) -> Patches:
    column = _columns(dx.device)
    cos, sin = column(np.cos(places.tilt)), column(np.sin(places.tilt))
    handed = column(places.handed)
    u, v = cos * handed * dx + sin * handed * dy, cos * dy - sin * dx
    corner = [torch.as_tensor(c.astype(np.int64), device=dx.device) for c in (left, top)]
    return Patches(*corner, u.shape[2], u.shape[1], u, v, scale)
