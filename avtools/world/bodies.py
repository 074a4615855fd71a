"""Things painted once each, before they move: colours and the distance to their outline.

What is painted is a function of the thing's key and tint and of its size in the picture, which
says how soft edges must be: the same in whatever batch it stands.
"""

import numpy as np
import torch
from torch.nn.functional import interpolate

from avtools.world.draws import Draws
from avtools.world.face import paint_face
from avtools.world.looks import FINE, REACH, distances
from avtools.world.paint import colour, edge, lay, line, spot, wash
from avtools.world.scenes import LOOKS, SHOWS, Scenes

# Around a painting lies nothing.
NOTHING = -8.0
RIM = 0.09


def bodies(
    scenes: Scenes, points: int, pixels: np.ndarray, device="cpu", images=None
) -> torch.Tensor:
    """(b * s, 4, points, points): red, green, blue 0 to 255, and distance in half sizes.

    A painting reaches from -REACH to REACH of the thing's own coordinates. `pixels` (b, s): how
    many pixels half the thing's size is. `images`: the user's own instead of some.
    """
    show, pixels = scenes.visible.ravel(), pixels.ravel()
    out = torch.zeros((show.size, 4, points, points), device=device)
    if images is not None:
        which = images.replaced(scenes).ravel()
        chosen = np.flatnonzero(show & (which >= 0))
        show = show & (which < 0)
        if len(chosen):
            taken = images.painting(which[chosen], points, pixels[chosen], device)
            out[torch.as_tensor(chosen, device=device)] = taken
    fields = _fields(points, device)
    for place, look in enumerate(LOOKS):
        chosen = np.flatnonzero(show & (scenes.look.ravel() == place))
        if not len(chosen):
            continue
        body = Body(scenes, chosen, points, pixels[chosen], fields[place])
        painted = {
            "face": paint_face,
            "disc": _disc,
            "box": _box,
            "star": _star,
            "bell": _bell,
        }[look](body)
        if look != "face":
            _instrument(body, painted)
        rows = torch.as_tensor(chosen, device=device)
        out[rows, :3] = painted.clamp_(0, 1) * 255
        out[rows, 3] = body.inside
    return out


def _fields(points: int, device) -> torch.Tensor:
    """(looks, points, points): the known distances, at the middles of a painting's points."""
    known = torch.as_tensor(distances(), device=device)
    # Their first and last points lie on the square's edge, a painting's half a point within.
    at = ((torch.arange(points, device=device) + 0.5) / points * (FINE - 1)).clamp(0, FINE - 1.001)
    low = at.long()
    part = at - low
    across = torch.lerp(known[:, :, low], known[:, :, low + 1], part)
    field = torch.lerp(across[:, low], across[:, low + 1], part[:, None])
    field[:, [0, -1]] = NOTHING
    field[:, :, [0, -1]] = NOTHING
    return field


class Body:
    """What is painted on: n things of one look, and their draws."""

    def __init__(self, scenes: Scenes, chosen, points: int, pixels: np.ndarray, field):
        self.device, self.count = field.device, len(chosen)
        self.keys = scenes.key.ravel()[chosen]
        self.draws = Draws(self.keys, "body")
        self.tint = scenes.tint.reshape(-1, 3)[chosen]
        self.show = scenes.show.ravel()[chosen]
        self.inside = field
        line = (torch.arange(points, device=self.device) + 0.5) / points * 2 * REACH - REACH
        self.u, self.v = line[None, None, :], -line[None, :, None]
        self.soft = self.column(np.maximum(1 / np.maximum(pixels, 1), 2 * REACH / points))

    def column(self, values) -> torch.Tensor:
        """(n, 1, 1) of numbers (n,)."""
        values = np.asarray(values, np.float32)
        return torch.as_tensor(values, device=self.device).reshape(-1, 1, 1)

    def uniform(self, name: str, low: float, high: float) -> torch.Tensor:
        return self.column(self.draws.uniform(name, low, high))

    def chance(self, name: str, probability: float) -> torch.Tensor:
        return self.column(self.draws.chance(name, probability))

    def showing(self, show: str) -> torch.Tensor:
        return self.column(self.show == SHOWS.index(show))

    def filled(self, colours) -> torch.Tensor:
        """(n, 3, h, w) of one colour each (n, 3)."""
        shape = (self.count, 3, *self.inside.shape)
        return colour(colours, self.inside).expand(shape).clone()

    def colour(self, values) -> torch.Tensor:
        return colour(values, self.inside)

    def grain(self, name: str, cells: int) -> torch.Tensor:
        """(n, h, w) smooth noise from -1 to 1, this many cells across."""
        raw = self.draws.uniform(name, -1, 1, 1, cells, cells).astype(np.float32)
        size = self.inside.shape
        noise = torch.as_tensor(raw, device=self.device)
        return interpolate(noise, size, mode="bicubic", align_corners=False)[:, 0]


def _lit(body: Body, painted: torch.Tensor, shade=0.28) -> torch.Tensor:
    """Light from the upper left, grain, and a dark rim that parts it from what lies behind."""
    slope = 1 + shade * (body.v - 0.7 * body.u) * 0.6 + 0.07 * body.grain("grain", 9)
    wash(painted, slope.expand(body.count, -1, -1))
    rim = edge(RIM - body.inside, body.soft)
    return lay(painted, body.colour(0.22 * body.tint), 0.85 * rim)


def _second(tint: np.ndarray, draws: Draws) -> np.ndarray:
    """A colour that stands off the tint: darker where it is light, its channels turned round."""
    other = np.roll(tint, 1, axis=-1)
    light = tint.mean(axis=-1, keepdims=True)
    return np.clip(np.where(light > 0.55, 0.45 * other, 0.35 + 0.65 * other), 0, 1)


def _disc(body: Body) -> torch.Tensor:
    """A drum's head within its hoop; or a loudspeaker's cone, where it pulses."""
    hoop, soft = body.filled(_second(body.tint, body.draws)), body.soft
    radius = torch.hypot(body.u, body.v)
    angle = torch.atan2(body.v, body.u)
    lugs = edge(
        0.09 - torch.hypot((((angle / (torch.pi / 4)) % 1) - 0.5) * 0.7, radius - 0.89), soft
    )
    lay(hoop, body.colour((0.9, 0.9, 0.88)), lugs)
    skin = body.colour(0.45 * body.tint + 0.55 * np.array([0.97, 0.95, 0.9]))
    cone = body.colour(0.45 * body.tint)
    pulses = body.showing("pulse")[:, None]
    lay(hoop, cone * pulses + skin * (1 - pulses), edge(0.78 - radius, soft))
    ring = edge(0.035 - (radius - 0.72).abs(), soft) + edge(0.02 - (radius - 0.56).abs(), soft)
    lay(hoop, body.colour(0.5 * body.tint), ring.clamp(0, 1).expand_as(hoop[:, 0]) * 0.8)
    middle = body.uniform("middle", 0.22, 0.36)
    lay(hoop, body.colour(0.9 * body.tint), edge(middle - radius, soft))
    gleam = spot(radius - 0.5, torch.sin(2 * angle + 0.8), 0.3, 0.5) * pulses[:, 0]
    return _lit(body, hoop.add_(0.25 * gleam[:, None]))


def _box(body: Body) -> torch.Tensor:
    """Boards with a round hole, and corners of metal."""
    wood, soft = body.filled(0.35 * body.tint + 0.65 * np.array([0.72, 0.47, 0.25])), body.soft
    waves = 0.16 * body.grain("waves", 4) + body.v
    veins = torch.sin(waves * body.uniform("veins", 22, 34)) * body.grain("streaks", 5)
    fine = (1.6 - 12 * soft).clamp(0.2, 1)
    wash(wood, 1 + 0.16 * fine * veins)
    for height in (-0.26, 0.26):
        gap = edge(0.018 - (body.v - height).abs(), soft).expand_as(wood[:, 0])
        lay(wood, body.colour((0.13, 0.08, 0.05)), 0.7 * gap)
    radius = torch.hypot(body.u, body.v)
    lay(wood, body.colour(body.tint), edge(0.42 - radius, soft))
    lay(wood, body.colour((0.06, 0.05, 0.05)), edge(0.33 - radius, soft))
    corner = 0.3 - (1.78 - body.u.abs() - body.v.abs())
    lay(wood, body.colour(_second(body.tint, body.draws)), edge(corner, soft))
    return _lit(body, wood)


def _star(body: Body) -> torch.Tensor:
    """Facets, light and dark by turns, about a knob."""
    star, soft = body.filled(body.tint), body.soft
    angle = torch.atan2(body.v, body.u) / (torch.pi / 8)
    facets = 0.62 + 0.55 * (torch.floor(angle) % 2)
    wash(star, facets)
    radius = torch.hypot(body.u, body.v)
    knob = body.uniform("knob", 0.26, 0.36)
    lay(star, body.colour(_second(body.tint, body.draws)), edge(knob - radius, soft))
    lay(star, body.colour((1, 1, 1)), 0.7 * spot(body.u + 0.1, body.v - 0.12, 0.1, 0.08))
    return _lit(body, star, 0.12)


def _bell(body: Body) -> torch.Tensor:
    """Metal, bright on its left, with bands; below it the clapper."""
    metal = 0.35 * body.tint + 0.65 * np.array([0.86, 0.66, 0.2])
    bell, soft = body.filled(metal), body.soft
    gleam = 0.55 + 0.75 * spot(body.u + 0.22, 0 * body.v, 0.17, 1.0)
    gleam = gleam + 0.35 * spot(body.u - 0.38, 0 * body.v, 0.1, 1.0)
    wash(bell, gleam.expand_as(bell[:, 0]))
    wash(bell, 1 + 0.1 * body.grain("dents", 6))
    for height, wide in ((-0.36, 0.028), (-0.48, 0.02), (0.5, 0.028)):
        # Bands bend as round things do.
        bent = body.v - height + 0.1 * (1 - body.u**2)
        band = edge(wide - bent.abs(), soft).expand_as(bell[:, 0])
        lay(bell, body.colour(0.4 * metal), 0.8 * band)
    lay(bell, body.colour((0.2, 0.16, 0.14)), edge(-0.66 - body.v, soft).expand_as(bell[:, 0]))
    return _lit(body, bell)


def _instrument(body: Body, painted: torch.Tensor) -> None:
    """Strings, where a bow plays it."""
    bowed = body.showing("bow")
    for k in range(4):
        place = 0.18 * (k - 1.5)
        away = line(body.u, body.v, (place, -0.62), (place * 0.7, 0.62))
        string = edge(0.022 - away, body.soft.clamp(max=0.05)) * bowed
        lay(painted, body.colour((0.97, 0.95, 0.85)), 0.9 * string)
    for height in (-0.62, 0.62):
        away = line(body.u, body.v, (-0.34, height), (0.34, height))
        lay(painted, body.colour((0.1, 0.07, 0.05)), edge(0.05 - away, body.soft) * bowed)
