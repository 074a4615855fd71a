"""What a camera sees of a batch of scenes: backdrop, things, pillar.

Things are painted once a scene (avtools.world.bodies). In every picture each is laid on a patch of
its own, the farthest first, with the mouth, stick or bow of that moment; the pillar hides them all.
In 360 a thing is flat in the plane that touches the sphere in its middle.
"""

import numpy as np
import torch
from torch.nn.functional import grid_sample

from avtools.world.acts import acts
from avtools.world.backdrop import Backdrop
from avtools.world.bodies import bodies
from avtools.world.canvas import Canvas
from avtools.world.face import move_face, skins
from avtools.world.looks import REACH
from avtools.world.motion import directions, half_sizes, seen_at, shaken
from avtools.world.paint import edge
from avtools.world.patches import Places, bounds, flat_patches, round_patches
from avtools.world.scenes import LOOKS, SHOWS, Scenes
from avtools.world.tools import bow, stick

# Bytes that are worked on at once: on a processor they stay near its cache.
AT_ONCE, AT_ONCE_ELSEWHERE = 60_000_000, 4_000_000_000
# Bytes of work that a pixel of a picture takes, with its share of the patches.
A_PIXEL = 60
# Points across a painting, as a share of the picture: of its width, or in 360 of its height.
FLAT_POINTS, ROUND_POINTS = 0.3, 0.2
# How much brighter a body is while it sounds loudest.
BRIGHTER = {"pulse": 0.4, "strike": 0.3, "bow": 0.1}


def seen(
    scenes: Scenes,
    size: tuple[int, int],
    times,
    device="cpu",
    images=None,
    bank=None,
    masks: bool = False,
):
    """Pictures (b, t, height, width, 3), uint8, of `size` (width, height) at `times` (t,), (b, t).

    With `masks` also (b, t, height, width), uint8: the pixels of thing k are k + 1, of backdrop,
    pillar, stick and bow 0. `images` and `bank` are the user's own pictures and sounds. `Sight`
    does once what is done once, for a long scene that is rendered in several calls.
    """
    return Sight(scenes, size, device, images, bank).at(times, masks)


class Sight:
    """Scenes whose backdrops and things are painted: seen at any times."""

    def __init__(self, scenes: Scenes, size, device="cpu", images=None, bank=None):
        width, height = size
        if width < 1 or height < 1:
            raise ValueError(f"pictures of {width}x{height}, expected at least one pixel")
        self.scenes, self.size, self.device = scenes, (width, height), torch.device(device)
        limit = AT_ONCE if self.device.type == "cpu" else AT_ONCE_ELSEWHERE
        self.at_once = max(1, limit // (A_PIXEL * width * height))
        spans = range(0, len(scenes), self.at_once)
        self.parts = [
            _Part(scenes.chosen(slice(k, k + self.at_once)), self.size, self.device, images, bank)
            for k in spans
        ]

    def at(self, times, masks: bool = False):
        """As `seen`."""
        b, (width, height) = len(self.scenes), self.size
        times = np.asarray(times, float)
        times = np.broadcast_to(times, (b, times.shape[-1]))
        shape = (b, times.shape[1], height, width)
        frames = torch.empty((*shape, 3), dtype=torch.uint8, device=self.device)
        whose = torch.empty(shape, dtype=torch.uint8, device=self.device) if masks else None
        for k, part in enumerate(self.parts):
            rows = slice(k * self.at_once, (k + 1) * self.at_once)
            part.show(times[rows], self.at_once, frames[rows], whose[rows] if masks else None)
        return (frames, whose) if masks else frames


class _Part:
    """Some of the scenes: as many as are worked on at once."""

    def __init__(self, scenes: Scenes, size, device: torch.device, images, bank):
        self.scenes, self.size, self.device, self.bank = scenes, size, device, bank
        self.backdrop = Backdrop(scenes, size, device, images)
        share = ROUND_POINTS * size[1] if scenes.is_360 else FLAT_POINTS * size[0]
        still = np.zeros((*scenes.present.shape, 1))
        pixels = half_sizes(scenes, still, still, size)[..., 0]
        self.bodies = bodies(scenes, max(24, round(share)), pixels, device, images)
        colours = skins(scenes.key.ravel()).astype(np.float32)
        self.skins = torch.as_tensor(colours, device=device)

    def show(self, times: np.ndarray, at_once: int, frames, masks) -> None:
        """Into `frames` (b, t, height, width, 3) and `masks`, so many pictures at once."""
        cast = _Cast(self.scenes, times, self.size, self.bank)
        pillar = _pillar_edges(self.scenes, times, self.size)
        rows = max(1, at_once // max(1, times.shape[1]))
        columns = max(1, at_once // rows)
        for i in range(0, times.shape[0], rows):
            for j in range(0, times.shape[1], columns):
                some = slice(i, i + rows), slice(j, j + columns)
                canvas = Canvas(self.backdrop.at(some[0], times[some]), self.scenes.is_360)
                for chosen in cast.groups(*some):
                    self._lay(canvas, cast, chosen, some, masks is not None)
                self._pillar(canvas, pillar, some, masks is not None)
                shape = frames[some].shape
                frames[some] = canvas.frames().view(shape)
                if masks is not None:
                    masks[some] = canvas.masks().view(shape[:-1])

    def _picture(self, i: np.ndarray, j: np.ndarray, some, times: int) -> torch.Tensor:
        """Places on a canvas of the pictures of scenes i at times j, of slices of both."""
        rows, columns = some
        count = min(columns.stop, times) - columns.start
        return torch.as_tensor((i - rows.start) * count + j - columns.start, device=self.device)

    def _lay(self, canvas: Canvas, cast: "_Cast", chosen, some, masks: bool) -> None:
        """Things that show alike, none of which shares a picture with another of them."""
        i, k, j = chosen
        show, look = SHOWS[cast.scenes.show[i[0], k[0]]], cast.scenes.look[i, k]
        find = round_patches if cast.scenes.is_360 else flat_patches
        patch = find(cast.places.chosen(chosen), cast.bounds[chosen], self.size, self.device)
        soft = 1 / patch.scale
        rows = torch.as_tensor(i * cast.scenes.things + k, device=self.device)
        grid = torch.stack([patch.u, -patch.v], dim=-1).mul_(1 / REACH)
        painted = grid_sample(self.bodies[rows], grid, padding_mode="border", align_corners=False)
        colours, alpha = painted[:, :3], edge(painted[:, 3], soft)
        level = self._column(cast.acts.level[chosen])
        if look[0] == LOOKS.index("face"):
            opened = level**0.8 if show == "mouth" else 0 * level
            lids = self._column(cast.acts.lids[chosen])
            move_face(colours, patch.u, patch.v, self.skins[rows], lids, opened, soft)
        else:
            colours.mul_(1 + BRIGHTER.get(show, 0) * level[:, None])
        layers = [(colours, alpha)]
        if show == "strike":
            lift = self._column(cast.acts.lift[chosen])
            layers.append(stick(patch.u, patch.v, look, lift, soft))
        if show == "bow":
            place = self._column(cast.acts.drawn[chosen])
            layers.append(bow(patch.u, patch.v, place, soft))
        pictures = self._picture(i, j, some, cast.times)
        places = canvas.places(pictures, patch.left, patch.top, patch.wide, patch.tall)
        marks = torch.as_tensor(k + 1, dtype=torch.int32, device=self.device).reshape(-1, 1, 1)
        canvas.blend(places, layers, marks if masks else None)

    def _column(self, values: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(values.astype(np.float32), device=self.device).reshape(-1, 1, 1)

    def _pillar(self, canvas: Canvas, edges: np.ndarray, some, masks: bool) -> None:
        """Round, lit from the left. `edges` (2, b, t)."""
        i, j = np.nonzero(np.isfinite(edges[:, *some]).all(axis=0))
        if not len(i):
            return
        i, j, scenes = i + some[0].start, j + some[1].start, self.scenes
        low, high = np.sort(edges[:, i, j], axis=0)
        left = np.floor(low)
        wide = min(int((np.ceil(high) - left).max()) + 1, self.size[0])
        x = torch.arange(wide, device=self.device) + 0.5
        start, end = self._column(low - left), self._column(high - left)
        alpha = edge(x - start, 1.0) * edge(end - x, 1.0)
        side = ((2 * x - start - end) / (end - start)).clamp(-1, 1)
        side = side * self._column(scenes.handed[i])
        light = 0.35 + 0.65 * torch.sqrt(1 - (0.85 * side + 0.15).square().clamp(max=1))
        tint = torch.as_tensor(255 * scenes.pillar_tint[i], dtype=torch.float32, device=self.device)
        shape = (len(i), 3, self.size[1], wide)
        colours = (tint[:, :, None, None] * light[:, None]).expand(shape)
        corner = torch.as_tensor(left.astype(np.int64), device=self.device)
        pictures = self._picture(i, j, some, edges.shape[2])
        places = canvas.places(pictures, corner, torch.zeros_like(corner), wide, self.size[1])
        nobody = torch.zeros((len(i), 1, 1), dtype=torch.int32, device=self.device)
        canvas.blend(places, [(colours, alpha.expand_as(colours[:, 0]))], nobody if masks else None)


def _pillar_edges(scenes: Scenes, times: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(2, b, t) columns in pixels, nan where none is; in 360 the second may be past the seam."""
    half = np.where(scenes.pillar_width > 0, scenes.pillar_width / 2, np.nan)[:, None, None]
    shape = (len(scenes), 1, times.shape[1])
    middle = np.broadcast_to(scenes.pillar[:, None, None], shape)
    level = np.zeros(shape)
    if scenes.is_360:
        x, _ = seen_at(scenes, middle, level, size, times)
        reach = half / 360 * size[0]
        return np.stack([x - reach, x + reach])[:, :, 0]
    ends = [seen_at(scenes, middle + side * half, level, size, times)[0] for side in (1, -1)]
    return np.stack(ends)[:, :, 0]


class _Cast:
    """Where the things are and what they do, at every time of a few pictures."""

    def __init__(self, scenes: Scenes, times: np.ndarray, size: tuple[int, int], bank):
        self.scenes, self.times = scenes, times.shape[1]
        azimuth, elevation, self.distance = directions(scenes, times)
        x, y = seen_at(scenes, azimuth, elevation, size, times)
        self.acts = acts(scenes, times, bank)
        grown = self.acts.grown
        shape, up = x.shape, shaken(scenes, times)[1]
        everywhere = [
            np.tan(np.deg2rad(scenes.size / 2))[..., None] * grown,
            np.deg2rad(scenes.tilt)[..., None],
            scenes.handed[:, None, None],
            np.deg2rad(elevation),
            np.deg2rad(up)[:, None],
        ]
        half = half_sizes(scenes, azimuth, elevation, size) * grown
        self.places = Places(x, y, half, *(np.broadcast_to(v, shape) for v in everywhere))
        self.show = np.broadcast_to(scenes.show[..., None], shape)
        self.bounds = np.full((*shape, 4), np.nan)
        there = np.broadcast_to(scenes.visible[..., None], shape) & np.isfinite(x)
        for place, show in enumerate(SHOWS):
            some = there & (self.show == place)
            if some.any():
                sphere = size if scenes.is_360 else None
                self.bounds[some] = bounds(self.places.chosen(some), show, sphere)
        left, top, right, bottom = np.moveaxis(np.nan_to_num(self.bounds), -1, 0)
        self.there = there & (bottom > 0) & (top < size[1])
        if not scenes.is_360:
            self.there &= (right > 0) & (left < size[0])

    def groups(self, rows: slice, columns: slice):
        """Indices (scene, thing, time) of things that are drawn alike, the farthest first."""
        there = self.there[rows, :, columns]
        distance = np.where(there, self.distance[rows, :, columns], -np.inf)
        order = np.argsort(-distance, axis=1, kind="stable")
        is_face = self.scenes.look == LOOKS.index("face")
        for rank in range(order.shape[1]):
            thing = order[:, rank]
            i, j = np.nonzero(np.take_along_axis(there, thing[:, None], axis=1)[:, 0])
            k = thing[i, j]
            i, j = i + rows.start, j + columns.start
            kind = 2 * self.scenes.show[i, k] + is_face[i, k]
            for one in np.unique(kind):
                some = kind == one
                yield i[some], k[some], j[some]
