"""The user's own pictures in the place of drawn backdrops and things."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch.nn.functional import grid_sample, interpolate, pad

from avtools.world.looks import REACH
from avtools.world.scenes import LOOKS, Scenes

# Prepared pictures are kept up to so many bytes; beyond that each is prepared when it is used.
KEPT = 200_000_000
# How far a photograph reaches past each side of what a still camera sees, as a share of that.
PAST = 0.06


class Images:
    """Pictures (height, width, 3), uint8; things may have a fourth layer: opaque 255, clear 0.

    A backdrop fills the picture and loses what stands over; in 360 it is taken as
    equirectangular. A thing's picture is its opaque part, centred, its longer side as long as the
    thing is large; it takes the place of every drawn thing but faces, whose mouths move.
    """

    def __init__(self, backgrounds: Sequence[np.ndarray] = (), things: Sequence[np.ndarray] = ()):
        self.backgrounds = [_checked(x, "background", (3,)) for x in backgrounds]
        self.things = [_trimmed(_checked(x, "thing", (3, 4))) for x in things]
        shapes = np.array([x.shape[1::-1] for x in self.things], float).reshape(-1, 2)
        # Half the width and half the height of each thing, in half sizes.
        self.extents = shapes / shapes.max(axis=1, keepdims=True)
        self._kept: dict[tuple, torch.Tensor] = {}
        self._bytes = 0

    def replaced(self, scenes: Scenes) -> np.ndarray:
        """The picture that takes each thing's place, (b, s); -1: none does."""
        which = _places(scenes.pick, len(self.things)) if self.things else -1
        return np.where(scenes.look == LOOKS.index("face"), -1, which)

    def backdrops(self, scenes: Scenes, size, margins, device) -> torch.Tensor:
        """(b, 3, height, width) from 0 to 255; a camera's with margins on all sides."""
        prepare = _around if scenes.is_360 else _behind
        chosen = _places(scenes.backdrop_pick, len(self.backgrounds))
        pictures = [
            self._prepared(("behind", k, size), lambda k=k: prepare(self.backgrounds[k], size))
            for k in chosen.tolist()
        ]
        picture = torch.stack(pictures).to(device)
        if scenes.is_360:
            return _lit(_turned(picture.float(), scenes), scenes)
        shape = size[1] + 2 * margins[1], size[0] + 2 * margins[0]
        spare = [(a - b) // 2 for a, b in zip(shape, picture.shape[2:], strict=True)]
        above, beside = spare
        picture = pad(picture.float(), (beside, beside, above, above), "replicate")
        mirrored = torch.as_tensor(scenes.handed < 0, device=device).reshape(-1, 1, 1, 1)
        return _lit(torch.where(mirrored, picture.flip(3), picture), scenes)

    def painting(self, which: np.ndarray, points: int, pixels: np.ndarray, device) -> torch.Tensor:
        """(n, 4, points, points), as of `avtools.world.bodies.bodies`, of pictures (n,).

        `pixels` (n,): how many pixels half a thing's size is.
        """
        stack = torch.stack(
            [
                self._prepared(("thing", k, points), lambda k=k: _thing(self.things[k], points))
                for k in which.tolist()
            ]
        ).to(device)
        stack = stack.float()
        # A distance from which a pixel's part follows as it does from an outline's.
        scale = torch.as_tensor(np.maximum(pixels, 1), dtype=torch.float32, device=device)
        distance = (stack[:, 3] / 255 - 0.5) / scale[:, None, None]
        return torch.cat([stack[:, :3], distance[:, None]], dim=1)

    def _prepared(self, name: tuple, prepare: Callable[[], torch.Tensor]) -> torch.Tensor:
        if name in self._kept:
            return self._kept[name]
        picture = prepare().clamp_(0, 255).round_().to(torch.uint8)
        if self._bytes + picture.nbytes <= KEPT:
            self._kept[name] = picture
            self._bytes += picture.nbytes
        return picture


def _places(pick: np.ndarray, count: int) -> np.ndarray:
    return np.minimum((pick * count).astype(int), count - 1)


def _checked(picture, what: str, layers: tuple[int, ...]) -> np.ndarray:
    picture = np.asarray(picture)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in layers:
        expected = " or ".join(map(str, layers))
        raise ValueError(
            f"a {what} of shape {picture.shape}, {picture.dtype}: "
            f"expected (height, width, {expected}), uint8"
        )
    if 0 in picture.shape:
        raise ValueError(f"a {what} of shape {picture.shape}: there is no pixel in it")
    return picture


def _trimmed(picture: np.ndarray) -> np.ndarray:
    """(h, w, 4): its opaque part."""
    if picture.shape[2] == 3:
        return np.concatenate([picture, np.full_like(picture[..., :1], 255)], axis=2)
    opaque = picture[..., 3] > 127
    if not opaque.any():
        raise ValueError("a thing's picture is clear everywhere: expected opaque pixels")
    rows, columns = np.flatnonzero(opaque.any(axis=1)), np.flatnonzero(opaque.any(axis=0))
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _resized(picture: np.ndarray, height: int, width: int) -> torch.Tensor:
    """(layers, height, width) float32."""
    layers = torch.tensor(picture).permute(2, 0, 1)[None].float()
    size = (max(1, height), max(1, width))
    return interpolate(layers, size, mode="bilinear", antialias=True, align_corners=False)[0]


def _behind(picture: np.ndarray, size: tuple[int, int]) -> torch.Tensor:
    """A photograph that fills a camera's picture and a little more, (3, h, w)."""
    # As much more on either side, so that its middle is the picture's.
    width, height = (s + 2 * int(np.ceil(PAST * s)) for s in size)
    scale = max(height / picture.shape[0], width / picture.shape[1])
    tall = max(height, round(scale * picture.shape[0]))
    wide = max(width, round(scale * picture.shape[1]))
    resized = _resized(picture, tall, wide)
    top, left = (tall - height) // 2, (wide - width) // 2
    return resized[:, top : top + height, left : left + width]


def _around(picture: np.ndarray, size: tuple[int, int]) -> torch.Tensor:
    return _resized(picture, size[1], size[0])


def _turned(pictures: torch.Tensor, scenes: Scenes) -> torch.Tensor:
    """Equirectangular pictures (b, 3, h, w), mirrored and turned as the scenes are."""
    width = pictures.shape[3]
    azimuth = 0.5 - (np.arange(width) + 0.5) / width
    own = scenes.handed[:, None] * (azimuth - scenes.turn[:, None] / 360)
    place = (0.5 - own) * width - 0.5
    low = np.floor(place)
    columns = [torch.as_tensor((low + k) % width, device=pictures.device).long() for k in (0, 1)]
    part = torch.as_tensor(place - low, dtype=torch.float32, device=pictures.device)
    first, second = (pictures.gather(3, c[:, None, None].expand(pictures.shape)) for c in columns)
    return torch.lerp(first, second, part[:, None, None].expand(pictures.shape))


def _lit(pictures: torch.Tensor, scenes: Scenes) -> torch.Tensor:
    light = torch.as_tensor(scenes.light, dtype=torch.float32, device=pictures.device)
    return (pictures * light.reshape(-1, 1, 1, 1)).clamp_(0, 255)


def _thing(picture: np.ndarray, points: int) -> torch.Tensor:
    """(4, points, points), centred, its longer side 2 of 2 REACH; clear around it."""
    alpha = picture[..., 3:].astype(np.float32) / 255
    height, width = picture.shape[:2]
    scale = points / REACH / max(height, width)
    # Clear pixels have no colour that could show at an edge: colours count as they are opaque.
    weighted = np.concatenate([picture[..., :3] * alpha, 255 * alpha], axis=2)
    small = _resized(weighted, round(scale * height), round(scale * width))
    line = (torch.arange(points) + 0.5) / points * 2 - 1
    reach = [points / n for n in small.shape[1:]]
    grid = torch.stack(torch.broadcast_tensors(line * reach[1], line[:, None] * reach[0]), dim=-1)
    laid = grid_sample(small[None], grid[None], align_corners=False)[0]
    laid[:3] /= (laid[3:] / 255).clamp(min=1e-3)
    return laid
