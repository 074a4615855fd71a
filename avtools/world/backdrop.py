"""What lies behind the things: painted once a scene, and moved in every picture by the camera.

A shaking camera turns: what it sees moves as things do, further near the sides than in the
middle. In 360 the picture rolls.
"""

import numpy as np
import torch
from torch.nn.functional import grid_sample, pad

from avtools.world.motion import shaken
from avtools.world.places import PLACES
from avtools.world.rays import camera_rays, sphere_rays
from avtools.world.scenes import Scenes

# The share of its contrast that the palest backdrop keeps.
PALEST = 0.3


class Backdrop:
    """Pictures behind b scenes: (b, 3, h, w) from 0 to 255, with margins for a shaking camera."""

    def __init__(self, scenes: Scenes, size: tuple[int, int], device="cpu", images=None):
        self.scenes, self.size, self.device = scenes, size, device
        self.margins = _margins(scenes, size)
        if images is not None and images.backgrounds:
            pictures = images.backdrops(scenes, size, self.margins, device)
        else:
            pictures = self._painted()
        if scenes.is_360:
            beside, above = self.margins
            pictures = pad(pictures, (beside, beside, 0, 0), "circular")
            pictures = pad(pictures, (0, 0, above, above), "replicate")
        self.pictures = pictures

    def _painted(self) -> torch.Tensor:
        s = self.scenes
        (width, height), (beside, above) = self.size, self.margins
        if s.is_360:
            beside = above = 0
        shape = (len(s), 3, height + 2 * above, width + 2 * beside)
        out = torch.empty(shape, device=self.device)
        styles = np.minimum((s.backdrop_pick * len(PLACES)).astype(int), len(PLACES) - 1)
        for place, paint in enumerate(PLACES):
            chosen = np.flatnonzero(styles == place)
            if not len(chosen):
                continue
            some = s.chosen(chosen)
            if s.is_360:
                rays = sphere_rays(some, self.size, self.device)
            else:
                rays = camera_rays(some, self.size, self.margins, self.device)
            pale = rays.colour(some.backdrop_tint.mean(axis=1))
            contrast = rays.column(PALEST + (1 - PALEST) * some.contrast)[:, None]
            light = rays.column(255 * some.light)[:, None]
            picture = ((paint(rays) - pale) * contrast + pale) * light
            out[torch.as_tensor(chosen, device=self.device)] = picture.clamp_(0, 255)
        return out

    def at(self, rows: slice, times: np.ndarray) -> torch.Tensor:
        """Pictures (n, 3, t, height, width) of some of the scenes at `times` (n, t)."""
        scenes = self.scenes.chosen(rows)
        (width, height), (beside, above) = self.size, self.margins
        pictures = self.pictures[rows]
        if not beside and not above:
            return pictures[:, :, None].repeat(1, 1, times.shape[1], 1, 1)
        n, t = times.shape
        grid = torch.empty((n, t, height, width, 2), device=self.device)
        x, row, stretch = (
            torch.as_tensor(v.astype(np.float32), device=self.device)
            for v in _sources(scenes, self.size, times, self.margins)
        )
        grid[..., 0] = x
        torch.mul(row, stretch, out=grid[..., 1])
        # Of one scene all times are one tall picture: it is read once.
        grid = grid.reshape(len(scenes), -1, width, 2)
        moved = grid_sample(pictures, grid, padding_mode="border", align_corners=False)
        return moved.reshape(len(scenes), 3, -1, height, width)


def _margins(scenes: Scenes, size: tuple[int, int]) -> tuple[int, int]:
    """Columns and rows by which the camera can look past the picture, on every side."""
    width, height = size
    most = np.deg2rad(scenes.shake)
    if not most.any():
        return 0, 0
    if scenes.is_360:
        pixels = most.max() / (2 * np.pi) * width, most.max() / np.pi * height
    else:
        half = np.deg2rad(scenes.fov / 2)
        focal = width / 2 / np.tan(half)
        past = np.minimum(half + most, np.deg2rad(85))
        pixels = (
            (focal * np.tan(past) - width / 2).max(),
            (focal * np.tan(most) + (np.cos(half) / np.cos(past) - 1) * height / 2).max(),
        )
    # A margin beyond the picture itself is never needed.
    return tuple(int(min(np.ceil(p) + 2, s)) for p, s in zip(pixels, size, strict=True))


def _sources(scenes: Scenes, size: tuple[int, int], times: np.ndarray, margins: tuple[int, int]):
    """Where each pixel is found in the unmoved picture with its margins, from -1 to 1.

    Across, (n, t, 1, w), and down, as a row's (n, t, h, 1) times a column's (n, t, 1, w).
    """
    (width, height), (beside, above) = size, margins
    left, up = (x[:, :, None, None] for x in shaken(scenes, times))
    x, y = np.arange(width) + 0.5, (np.arange(height) + 0.5)[:, None]
    wide, tall = width / 2 + beside, height / 2 + above
    if scenes.is_360:
        x, y = x - left / 360 * width, y - up / 180 * height
        return (x - width / 2) / wide, (y - height / 2) / tall, np.ones_like(x)
    focal = (width / 2 / np.tan(np.deg2rad(scenes.fov / 2)))[:, None, None, None]
    seen = np.arctan((x - width / 2) / focal)
    actual = seen - np.deg2rad(left)
    # A point as high in both, of another depth: the way along the ray is the same.
    higher = (y - height / 2) / focal - np.tan(np.deg2rad(up))
    stretch = np.cos(seen) / np.cos(actual)
    return focal * np.tan(actual) / wide, higher * focal / tall, stretch
