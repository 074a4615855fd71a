"""Places that lie behind: rooms, a town, hills, something out of focus. Functions of direction.

Lengths are metres, heights count from the camera, which is EYE above the floor.
"""

import numpy as np
import torch

from avtools.world.paint import edge, lay, spot, wash
from avtools.world.rays import Rays

EYE, CEILING = 1.35, 1.35
FAR = 1e3


def papered(rays: Rays) -> torch.Tensor:
    """A room with striped paper on its walls."""
    stripe = rays.uniform("stripe", 3.0, 9.0)

    def paper(walls: torch.Tensor, room: "_Room") -> None:
        fine = (1.2 - 2 * stripe * room.soft_along).clamp(0, 1)
        wash(walls, (1 + 0.13 * fine * torch.sin(2 * torch.pi * stripe * room.along)))
        skirting = edge(room.height + EYE - 0.02, room.soft) * edge(
            0.12 - EYE - room.height, room.soft
        )
        lay(walls, rays.colour((0.86, 0.85, 0.82)), skirting)

    return _room(rays, paper)


def bricked(rays: Rays) -> torch.Tensor:
    """A room with walls of bricks."""
    long, tall = 0.5, 0.17

    def bricks(walls: torch.Tensor, room: "_Room") -> None:
        course = room.height / tall
        row = torch.floor(course)
        along = room.along / long + 0.5 * (row % 2)
        fine = (1.5 - 5 * room.soft / tall).clamp(0, 1) * (1.5 - 3 * room.soft_along / long).clamp(
            0, 1
        )
        beside = (0.5 - (along - torch.floor(along) - 0.5).abs()) * long
        above = (0.5 - (course - row - 0.5).abs()) * tall
        joint = torch.maximum(edge(0.014 - beside, room.soft_along), edge(0.014 - above, room.soft))
        lay(walls, rays.colour((0.72, 0.69, 0.64)), 0.75 * joint * fine)
        wear = rays.noise("bricks", 24, torch.floor(along) / 24, (row + 0.5) / 24)
        wash(walls, 1 + 0.16 * fine * wear)

    return _room(rays, bricks)


class _Room:
    """Where rays meet the four walls of a room: (n, 1, w), and how high: (n, h, w)."""

    def __init__(self, rays: Rays):
        turned = rays.uniform("facing", 0, 2 * np.pi)
        cos, sin = torch.cos(turned), torch.sin(turned)
        x = cos * rays.ahead + sin * rays.left
        y = cos * rays.left - sin * rays.ahead
        long, wide = rays.uniform("long", 2.4, 4.5), rays.uniform("wide", 2.2, 3.8)
        at_x, at_y = (rays.uniform(name, -1.0, 1.0) for name in ("place x", "place y"))
        ways = []
        for part, half, place in ((x, long, at_x), (y, wide, at_y)):
            reach = torch.where(part > 0, half - place, half + place)
            ways.append(reach / part.abs().clamp(min=1e-4))
        ends = ways[0] < ways[1]
        self.way = torch.minimum(*ways)
        self.x, self.y = x, y
        self.along = torch.where(ends, at_y + y * self.way, at_x + x * self.way)
        # Walls 0 and 1 end the room, 2 and 3 are its sides.
        self.wall = torch.where(ends, (x > 0).float(), 2 + (y > 0).float())
        self.half = torch.where(ends, wide, long)
        self.length = torch.cat([wide, wide, long, long], dim=2)
        self.height = self.way * rays.up
        self.soft = self.way * rays.pixel
        self.soft_along = self.soft / torch.where(ends, x, y).abs().clamp(min=1e-2)


def _room(rays: Rays, texture) -> torch.Tensor:
    room = _Room(rays)
    picture = rays.filled(0.25 + 0.75 * rays.tints[:, 0])
    texture(picture, room)
    _furnish(rays, room, picture)
    shade = 0.84 + 0.09 * (room.wall % 2) + 0.07 * (room.wall >= 2)
    corner = 0.75 + 0.25 * ((room.half - room.along.abs()) / 0.5).clamp(0, 1) ** 0.5
    light = 1.03 + 0.1 * (room.height / EYE)
    wash(picture, shade * corner * light)
    floor = edge(-EYE - room.height, room.soft)
    lay(picture, _floor(rays, room), floor)
    lay(picture, rays.colour((0.87, 0.87, 0.85)), edge(room.height - CEILING, room.soft))
    return picture


def _floor(rays: Rays, room: _Room) -> torch.Tensor:
    """Boards or tiles, (n, 3, h, w)."""
    way = EYE / (-rays.up).clamp(min=0.02)
    x, y = room.x * way, room.y * way
    soft = way * way * rays.pixel / EYE
    tiles = rays.chance("tiles", 0.4)
    across, along = (0.22 + 0.23 * tiles), (0.9 - 0.45 * tiles)
    row = torch.floor(x / across)
    column = torch.floor(y / along + 0.37 * row * (1 - tiles))
    checks = (row + column) % 2
    boards = rays.picked("boards", 61, 7 * row + 19 * column)
    pattern = (checks * tiles + boards * (1 - tiles)) - 0.5
    gap = edge(0.5 * (0.014 - (x / across - row) * across), soft)
    fine = (1.4 - 2.2 * soft / across).clamp(0, 1)
    shade = 1 + fine * (0.22 * pattern - 0.25 * gap)
    light = (0.8 + 0.2 * (2 - way).clamp(-1, 1)) * shade
    return rays.colour(0.15 + 0.7 * rays.tints[:, 1]) * light[:, None]


def _furnish(rays: Rays, room: _Room, picture: torch.Tensor) -> None:
    """Windows, a door, pictures, cupboards, a sofa: panels on the walls."""
    for name in ("window 0", "window 1", "window 2"):
        panel = _Panel(rays, room, name, (0.45, 0.7), (0.4, 0.55), 0.3)
        panel.lay(picture, rays.colour((0.93, 0.93, 0.9)))
        sky = 0.75 + 0.2 * (panel.v / 0.5).clamp(-1, 1)
        glass = rays.colour((0.72, 0.86, 1.0)) * (sky + 0.25)[:, None]
        for side in (-1, 1):
            panel.lay(picture, glass, side * 0.5, 0.42, 0.88)
    door = _Panel(rays, room, "door", (0.42, 0.48), (0.98, 1.02), None)
    door.lay(picture, rays.colour(0.4 * rays.tints[:, 1] + (0.2, 0.13, 0.08)))
    for side in (-1, 1):
        door.lay(
            picture, rays.colour(0.3 * rays.tints[:, 1] + (0.12, 0.08, 0.05)), 0.42 * side, 0.3
        )
    for k in range(3):
        frame = _Panel(rays, room, f"picture {k}", (0.2, 0.4), (0.2, 0.35), 0.35)
        frame.lay(picture, rays.colour((0.16, 0.11, 0.07)))
        inside = np.roll(rays.tints[:, k % 2], k + 1, axis=-1)
        shade = 0.75 + 0.5 * edge(frame.u + 0.8 * frame.v, 0.3)
        frame.lay(picture, rays.colour(0.2 + 0.8 * inside) * shade[:, None], 0.0, 0.84, 0.84)
    for k in range(2):
        low = _Panel(rays, room, f"cupboard {k}", (0.5, 0.9), (0.3, 0.75), None)
        colours = 0.15 + 0.65 * np.roll(rays.tints[:, 1], k + 1, axis=-1)
        low.lay(picture, rays.colour(0.6 * colours))
        for side in (-1, 1):
            low.lay(picture, rays.colour(colours), 0.5 * side, 0.44, 0.86)


class _Panel:
    """A rectangle on one wall: u, v from -1 to 1 within it, (n, 1, w) and (n, h, w)."""

    def __init__(self, rays: Rays, room: _Room, name: str, wide, tall, height: float | None):
        draws, n = rays.draws, rays.count
        wall = draws.index(name, np.ones(4))
        half = rays.uniform(name + " wide", *wide)
        self.tall = rays.uniform(name + " tall", *tall)
        place = rays.uniform(name + " place", -1, 1)
        long = room.length.expand(n, 1, 4)[torch.arange(n), 0, torch.as_tensor(wall)]
        middle = place * (long.reshape(-1, 1, 1) - half - 0.15)
        # What stands on the floor has its middle as high as half its height.
        level = self.tall - EYE if height is None else height
        self.on = (room.wall == rays.column(wall)).float()
        self.u, self.v = (room.along - middle) / half, (room.height - level) / self.tall
        self.soft_u, self.soft_v = room.soft_along / half, room.soft / self.tall

    def lay(self, picture, colours, middle=0.0, wide=1.0, tall=1.0) -> None:
        """A part of it, between u = middle - wide and middle + wide."""
        beside = edge(wide - (self.u - middle).abs(), self.soft_u) * self.on
        lay(picture, colours, beside * edge(tall - self.v.abs(), self.soft_v))


def hills(rays: Rays) -> torch.Tensor:
    """A sky with clouds over two ranges of hills and a field."""
    turns, up, pixel = rays.turns(), rays.up, rays.pixel
    sky = rays.filled((1.0, 1.0, 1.0))
    high = torch.atan(up) / (torch.pi / 2)
    blue = rays.colour(0.35 * rays.tints[:, 0] + (0.15, 0.32, 0.6))
    lay(sky, blue, (0.35 + 1.1 * high).clamp(0, 1))
    clouds = rays.noise("clouds", 10, turns, 3 * high) + 0.5 * rays.noise(
        "more clouds", 30, turns, 3 * high
    )
    lay(sky, rays.colour((0.97, 0.97, 0.98)), (1.4 * clouds - 0.1).clamp(0, 0.9))
    for k, (name, base, rough) in enumerate((("far", 0.13, 5), ("near", 0.03, 11))):
        ridge = base + _ridge(rays, name, turns, rough) * (0.11 - 0.03 * k)
        land = 0.45 * rays.tints[:, 1] + np.array([(0.25, 0.33, 0.38), (0.1, 0.24, 0.08)][k])
        depth = (1.0 + 2.2 * (up - ridge)).clamp(0.55, 1)
        lay(sky, rays.colour(land) * depth[:, None], edge(ridge - up, pixel))
    way = EYE / (-up).clamp(min=0.01)
    x, y = way * rays.ahead, way * rays.left
    fine = (1.3 - 1.5 * way * way * pixel).clamp(0, 1)
    rows = torch.sin(5 * (x + 0.6 * y)) * fine + 0.8 * rays.noise("field", 16, x / 40, y / 40)
    field = rays.colour(0.4 * rays.tints[:, 1] + (0.16, 0.26, 0.1)) * (1 + 0.14 * rows)[:, None]
    return lay(sky, field, edge(-0.02 - up, pixel).expand_as(sky[:, 0]))


def _ridge(rays: Rays, name: str, turns: torch.Tensor, rough: int) -> torch.Tensor:
    """(n, 1, w): a sum of waves that close after a turn."""
    waves = rays.table(name, 2 * rough)
    total = torch.zeros_like(turns)
    for k in range(rough):
        size, phase = waves[:, 2 * k, None, None], waves[:, 2 * k + 1, None, None]
        total = total + size / (1 + 0.5 * k) * torch.sin(2 * torch.pi * ((k + 2) * turns + phase))
    return total


def town(rays: Rays) -> torch.Tensor:
    """Houses with windows, lit or dark, along a street."""
    turns, up, pixel = rays.turns(), rays.up, rays.pixel
    picture = rays.filled(0.35 + 0.5 * rays.tints[:, 0])
    high = torch.atan(up) / (torch.pi / 2)
    wash(picture, (1.15 - 0.35 * high).expand_as(picture[:, 0]))
    for k, (houses, low, tall) in enumerate(((34, 0.25, 0.55), (22, 0.08, 0.42))):
        place = turns * houses + 0.37 * k
        cell = torch.floor(place) % houses
        parts = ("tall", "shade", "windows")
        height, shade, windows = (rays.picked(f"{part} {k}", houses, cell) for part in parts)
        height = low + tall * height
        across = (place % 1) * 6
        floors = up / (0.075 + 0.03 * windows)
        column, row = torch.floor(across), torch.floor(floors)
        pane = torch.minimum(
            edge(0.3 - (across - column - 0.5).abs(), 6 * houses * pixel / (2 * np.pi)),
            edge(0.3 - (floors - row - 0.5).abs(), pixel / 0.08),
        )
        lit = rays.picked(f"lit {k}", 211, 17 * row + column + 6 * cell) > 0.6
        wall = rays.colour(0.2 + 0.6 * rays.tints[:, 1]) * (0.55 + 0.55 * shade - 0.1 * k)[:, None]
        front = wall.expand_as(picture).clone()
        glass = rays.colour((0.16, 0.2, 0.27)) + lit[:, None] * rays.colour((0.75, 0.62, 0.3))
        lay(front, glass, 0.9 * pane * edge(height - 0.06 - up, pixel))
        wash(front, (0.86 + 0.14 * edge((place % 1) - 0.04, 0.03)).expand_as(front[:, 0]))
        lay(picture, front, edge(height - up, pixel))
    way = EYE / (-up).clamp(min=0.01)
    wear = rays.noise("street", 24, way * rays.ahead / 24, way * rays.left / 24)
    street = (
        rays.colour((0.34, 0.34, 0.36)) * (1 + 0.14 * wear * (2 - way / 4).clamp(0, 1))[:, None]
    )
    lay(picture, street, edge(-0.1 - up, pixel).expand_as(picture[:, 0]))
    kerb = edge(0.012 - (up + 0.1).abs(), pixel).expand_as(picture[:, 0])
    return lay(picture, rays.colour((0.62, 0.62, 0.6)), kerb)


def blurred(rays: Rays) -> torch.Tensor:
    """Something far out of focus: patches of light, and lamps as discs."""
    turns, high = rays.turns(), torch.atan(rays.up) / torch.pi
    picture = rays.filled(0.15 + 0.7 * rays.tints[:, 0])
    second, third = 0.1 + 0.8 * rays.tints[:, 1], np.roll(rays.tints[:, 0], 1, axis=-1)
    for name, across, colours in (("one", 7, second), ("two", 12, third), ("three", 19, second)):
        patches = rays.noise(name, across, turns, high + 0.5)
        lay(picture, rays.colour(colours), (0.35 + 0.9 * patches).clamp(0, 0.85))
    wash(picture, 1 + 0.25 * rays.noise("light", 9, turns, high + 0.5))
    lamps = rays.table("lamps", 4 * 14)
    for k in range(14):
        at, level, size, bright = (lamps[:, 4 * k + j, None, None] for j in range(4))
        beside = ((turns - at + 0.5) % 1 - 0.5) * 2
        radius = 0.012 + 0.022 * size
        away = torch.hypot(beside, high - 0.35 * (level - 0.4))
        disc = edge(radius - away, 0.012) * (0.25 + 0.4 * bright)
        lay(picture, rays.colour((1.0, 0.93, 0.78)), disc)
    return picture + 0.06 * spot(0 * turns, high - 0.1, 1.0, 0.2)[:, None]


PLACES = (papered, bricked, hills, town, blurred)
