"""What plays a thing: a stick that hits it, a bow that is drawn over it. In the thing's own units.

The stick is held at the viewer's right of the thing and turns about the hand, away from the body.
"""

import numpy as np
import torch

from avtools.world.looks import FINE, REACH, distances
from avtools.world.paint import edge, lay, line
from avtools.world.scenes import LOOKS

# How far right of the middle a stick hits, how far from there its hand is, and how thick they are.
HIT_U = 0.4
HAND = (0.98, -0.5)
HEAD, SHAFT, FIST = 0.14, 0.055, 0.14
# Degrees from the body to rest.
SWING = 62.0
WOOD, FELT, SKIN = (206, 160, 96), (214, 60, 52), (214, 164, 128)
BOW_TILT, BOW_HALF, BOW_V = np.deg2rad(14.0), 1.0, -0.05
DARK_WOOD, HAIR, FROG = (92, 44, 22), (238, 232, 214), (24, 20, 20)


def hit_heights() -> np.ndarray:
    """(looks,) how high above its middle a stick hits each."""
    column = round((HIT_U + REACH) / (2 * REACH) * (FINE - 1))
    highest = (distances()[:, :, column] > 0).argmax(axis=1)
    return REACH - highest * 2 * REACH / (FINE - 1)


HITS = hit_heights()
assert len(HITS) == len(LOOKS)


def stick(u, v, look: np.ndarray, lift: torch.Tensor, soft: torch.Tensor):
    """Colours (n, 3, h, w) 0 to 255 and opacity (n, h, w) on coordinates (n, h, w).

    `look` (n,), `lift` (n, 1, 1): 0 on the body, 1 at rest.
    """
    hit = torch.as_tensor(HITS[look], dtype=torch.float32, device=u.device).reshape(-1, 1, 1)
    hand = HIT_U + HAND[0], hit + HAND[1]
    reach = np.hypot(HAND[0], HAND[1] - HEAD)
    down = np.arctan2(HEAD - HAND[1], -HAND[0])
    angle = down - lift * np.deg2rad(SWING)
    head = hand[0] + reach * torch.cos(angle), hand[1] + reach * torch.sin(angle)
    shaft = edge(SHAFT - line(u, v, hand, head), soft)
    ball = HEAD - torch.hypot(u - head[0], v - head[1])
    fist = FIST - torch.hypot(u - hand[0], v - hand[1])
    colours = _filled(WOOD, u)
    lay(colours, _colour(FELT, u), edge(ball, soft))
    lay(colours, _colour(SKIN, u), edge(fist, soft))
    # A dark seam parts them from what lies behind.
    solid = torch.maximum(ball, fist)
    lay(colours, _colour((40, 26, 22), u), 0.7 * edge(0.03 - solid.abs(), soft))
    return colours, torch.maximum(shaft, edge(solid, soft))


def bow(u, v, place: torch.Tensor, soft: torch.Tensor):
    """The same of a bow whose middle is at `place` (n, 1, 1) along it."""
    cos, sin = np.cos(BOW_TILT), np.sin(BOW_TILT)
    along = cos * u + sin * (v - BOW_V) - place
    beside = cos * (v - BOW_V) - sin * u
    past = (along.abs() - BOW_HALF).clamp_(min=0)
    hair = edge(0.035 - torch.hypot(past, beside), soft)
    # The stick bends away from the hair in its middle.
    bent = beside - 0.1 - 0.05 * (1 - (along / BOW_HALF).square())
    wood = edge(0.045 - torch.hypot(past, bent), soft)
    frog = edge(0.09 - torch.maximum((along - 0.86).abs(), (beside - 0.05).abs()), soft)
    colours = _filled(DARK_WOOD, u)
    lay(colours, _colour(HAIR, u), hair)
    lay(colours, _colour(FROG, u), frog)
    return colours, torch.maximum(torch.maximum(hair, wood), frog)


def _colour(values, like: torch.Tensor) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32, device=like.device).reshape(1, 3, 1, 1)


def _filled(values, like: torch.Tensor) -> torch.Tensor:
    n, tall, wide = like.shape
    return _colour(values, like).expand(n, 3, tall, wide).clone()
