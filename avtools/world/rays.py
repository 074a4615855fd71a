"""Where the points of a backdrop look, and chance that is a function of direction.

A ray is `ahead` and `left` of columns and `up` of rows, which is all that a camera's and an
equirectangular picture need: (n, 1, w), (n, 1, w) and (n or 1, h, 1). It says the direction, not
the length. So most of a place is worked out once a column, and 360 closes at its seam.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import grid_sample, pad

from avtools.world.draws import Draws
from avtools.world.paint import colour
from avtools.world.scenes import Scenes


@dataclass
class Rays:
    """n scenes' directions as they were before they were mirrored or turned."""

    ahead: torch.Tensor
    left: torch.Tensor
    up: torch.Tensor
    pixel: torch.Tensor  # (n, 1, 1) how much `left` or `up` changes from one pixel to the next
    draws: Draws
    tints: np.ndarray  # (n, 2, 3)

    @property
    def count(self) -> int:
        return len(self.ahead)

    def turns(self) -> torch.Tensor:
        """(n, 1, w) azimuths, 0 to 1."""
        return torch.atan2(self.left, self.ahead) / (2 * torch.pi) + 0.5

    def column(self, values) -> torch.Tensor:
        """(n, 1, 1) of numbers (n,)."""
        return torch.as_tensor(values, dtype=torch.float32, device=self.up.device).reshape(-1, 1, 1)

    def uniform(self, name: str, low: float, high: float) -> torch.Tensor:
        return self.column(self.draws.uniform(name, low, high))

    def chance(self, name: str, probability: float) -> torch.Tensor:
        return self.column(self.draws.chance(name, probability))

    def table(self, name: str, cells: int) -> torch.Tensor:
        """(n, cells) from 0 to 1."""
        values = self.draws.uniform(name, 0, 1, cells).astype(np.float32)
        return torch.as_tensor(values, device=self.up.device)

    def picked(self, name: str, cells: int, places: torch.Tensor) -> torch.Tensor:
        """Chance, 0 to 1, of whole places (n, h, w) that lie in so many cells by turns."""
        table = self.table(name, cells)
        flat = (places.long() % cells).reshape(self.count, -1)
        return table.gather(1, flat).reshape(places.shape)

    def colour(self, values) -> torch.Tensor:
        return colour(values, self.up)

    def filled(self, values) -> torch.Tensor:
        """(n, 3, h, w) of one colour each."""
        shape = (self.count, 3, self.up.shape[1], self.ahead.shape[2])
        return self.colour(values).expand(shape).clone()

    def noise(self, name: str, across: int, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """(n, h, w) smooth from -1 to 1: `across` cells for x from 0 to 1, then again; so for y."""
        values = self.draws.uniform(name, -1, 1, 1, across, across).astype(np.float32)
        cells = pad(torch.as_tensor(values, device=self.up.device), (1, 1, 1, 1), "circular")
        places = [_eased((axis % 1) * across + 0.5) for axis in (x, y)]
        grid = torch.stack(torch.broadcast_tensors(*places), dim=-1)
        grid = (grid + 0.5) * (2 / (across + 2)) - 1
        return grid_sample(cells, grid, align_corners=False)[:, 0]


def _eased(place: torch.Tensor) -> torch.Tensor:
    """Places between cells' middles drawn to them, so that no crease shows."""
    low = torch.floor(place)
    part = place - low
    return low + part * part * (3 - 2 * part)


def camera_rays(scenes: Scenes, size: tuple[int, int], margins: tuple[int, int], device) -> Rays:
    """Of a picture `size` (width, height) with so many more columns and rows on every side."""
    (width, height), (beside, above) = size, margins
    focal = width / 2 / np.tan(np.deg2rad(scenes.fov / 2))[:, None]
    x = np.arange(-beside, width + beside) + 0.5 - width / 2
    y = np.arange(-above, height + above) + 0.5 - height / 2
    right = scenes.handed[:, None] * x / focal
    return _rays(scenes, np.ones_like(right), -right, -y / focal, 1 / focal[:, 0], device)


def sphere_rays(scenes: Scenes, size: tuple[int, int], device) -> Rays:
    """Of an equirectangular picture."""
    width, height = size
    azimuth = 360 * (0.5 - (np.arange(width) + 0.5) / width)
    own = np.deg2rad(scenes.handed[:, None] * (azimuth - scenes.turn[:, None]))
    up = np.tan(np.pi * (0.5 - (np.arange(height) + 0.5) / height))
    pixel = np.full(len(scenes), 2 * np.pi / width)
    return _rays(scenes, np.cos(own), np.sin(own), np.tile(up, (len(own), 1)), pixel, device)


def _rays(scenes: Scenes, ahead, left, up, pixel, device) -> Rays:
    def tensor(x, shape):
        return torch.as_tensor(x.astype(np.float32), device=device).reshape(shape)

    n = len(scenes)
    return Rays(
        tensor(ahead, (n, 1, -1)),
        tensor(left, (n, 1, -1)),
        tensor(up, (n, -1, 1)),
        tensor(pixel, (n, 1, 1)),
        Draws(scenes.backdrop, "place"),
        scenes.backdrop_tint,
    )
