"""Drawn faces: painted once with open eyes and no mouth; lids and mouth move in every picture."""

import numpy as np
import torch

from avtools.world.draws import Draws
from avtools.world.paint import colour, edge, lay, line, oval, spot, wash
from avtools.world.scenes import FACE_SHAPE

SKINS = np.array(
    [
        (0.98, 0.86, 0.77),
        (0.95, 0.79, 0.66),
        (0.89, 0.69, 0.52),
        (0.80, 0.58, 0.41),
        (0.68, 0.46, 0.31),
        (0.53, 0.35, 0.24),
        (0.42, 0.27, 0.19),
    ]
)
HAIRS = np.array(
    [
        (0.09, 0.07, 0.06),
        (0.20, 0.12, 0.07),
        (0.36, 0.22, 0.12),
        (0.72, 0.55, 0.28),
        (0.48, 0.20, 0.09),
        (0.62, 0.61, 0.60),
    ]
)
# How often each is had by fair people, and by dark ones.
ANY, DARK = (3, 3, 3, 2, 1.5, 1), (5, 2, 0, 0, 0, 0.6)
IRISES = np.array([(0.22, 0.13, 0.07), (0.20, 0.34, 0.50), (0.25, 0.36, 0.18)])
# Middles of eyes, mouth, in half heights of a face.
EYE_U, EYE_V, EYE_WIDE, EYE_TALL = 0.325, 0.08, 0.145, 0.08
MOUTH_V = -0.56


def skins(keys: np.ndarray) -> np.ndarray:
    """(n, 3) of the keys (n,) of faces."""
    draws = Draws(keys, "skin")
    place = draws.uniform("tone", 0, len(SKINS) - 1.001)
    low = place.astype(int)
    return SKINS[low] + (place - low)[:, None] * (SKINS[low + 1] - SKINS[low])


def paint_face(body) -> torch.Tensor:
    """(n, 3, h, w) of a `Body`."""
    skin = skins(body.keys)
    face = body.filled(skin)
    _shade(body, face)
    hair = _hairs(body, skin)
    _features(body, face, skin, hair)
    _hair(body, face, hair)
    rim = edge(0.035 - body.inside, body.soft)
    return lay(face, body.colour(0.3 * skin), 0.8 * rim.expand_as(face[:, 0]))


def _hairs(body, skin: np.ndarray) -> np.ndarray:
    """(n, 3), fair hair on fair heads only; a few are grey."""
    fair = skin.mean(axis=1) > 0.55
    dark, any_hair = (body.draws.index(name, w) for name, w in (("dark hair", DARK), ("hair", ANY)))
    return HAIRS[np.where(fair, any_hair, dark)]


def _shade(body, face: torch.Tensor) -> None:
    """A round head lit from the front: sockets, cheeks, nose and chin."""
    u, v = body.u, body.v
    shade = 1.04 - 0.3 * (u / FACE_SHAPE) ** 4 - 0.08 * (v + 0.1) ** 2
    for side in (-1, 1):
        shade = shade - 0.42 * spot(u - side * EYE_U, v - EYE_V - 0.05, 0.22, 0.15)
        shade = shade + 0.13 * spot(u - side * 0.36, v + 0.2, 0.18, 0.14)
        shade = shade - 0.1 * spot(u - side * 0.17, v + 0.18, 0.06, 0.22)
    shade = shade + 0.18 * spot(u, v + 0.02, 0.08, 0.3) + 0.1 * spot(u, v - 0.42, 0.35, 0.15)
    shade = shade - 0.12 * spot(u, v - MOUTH_V + 0.17, 0.2, 0.05)
    wash(face, (shade - 0.3 * spot(u, v + 1.02, 0.6, 0.12)).expand_as(face[:, 0]))
    wash(face, 1 + 0.03 * body.grain("skin", 12))


def _features(body, face: torch.Tensor, skin: np.ndarray, hair: np.ndarray) -> None:
    u, v, soft = body.u, body.v, body.soft
    beside = u.abs()
    eye = oval(beside - EYE_U, v - EYE_V, EYE_WIDE, EYE_TALL)
    lay(face, body.colour(0.25 * skin), 0.9 * edge(eye + 0.03 + 0.03 * (v > EYE_V), soft))
    white = edge(eye, soft)
    # A lid shades the white, more so in a dark face, whose eyes would glare.
    shaded = 1 - 0.3 * edge(v - EYE_V - 0.01, 0.08)
    lay(face, body.colour(0.35 * skin + (0.56, 0.55, 0.54)) * shaded[:, None], white)
    iris = body.colour(IRISES[body.draws.index("iris", [0.6, 0.25, 0.15])])
    pupil = torch.hypot(beside - EYE_U, v - EYE_V)
    lay(face, iris, white * edge(0.078 - pupil, soft))
    lay(face, body.colour((0.03, 0.03, 0.03)), white * edge(0.042 - pupil, soft))
    # Glints lie on the same side of both.
    glint = edge(0.02 - torch.hypot(((u + 0.025).abs() - EYE_U), v - EYE_V - 0.03), soft)
    lay(face, body.colour((1, 1, 1)), glint.expand_as(face[:, 0]))
    brow = line(beside, v, (0.15, 0.25), (0.46, 0.27)) + 0.05 * (beside - 0.3)
    thick = body.uniform("brows", 0.035, 0.06)
    lay(face, body.colour(0.6 * np.minimum(hair, 0.8 * skin)), 0.85 * edge(thick - brow, soft))
    nostril = oval(beside - 0.075, v + 0.265, 0.045, 0.025)
    lay(face, body.colour(0.22 * skin), 0.8 * edge(nostril, soft).expand_as(face[:, 0]))
    wing = (torch.hypot(beside - 0.08, v + 0.22) - 0.095).abs()
    under = edge(0.012 - wing, soft) * edge(beside - 0.1, soft)
    lay(face, body.colour(0.55 * skin), 0.5 * under)


def _hair(body, face: torch.Tensor, hair: np.ndarray) -> None:
    """A fringe of some form, with or without long sides; some heads are bald."""
    u, v, soft = body.u, body.v, body.soft
    line = body.uniform("line", 0.5, 0.64) - body.uniform("round", 0.1, 0.5) * u**2
    line = line + body.uniform("parting", -0.18, 0.18) * u
    line = line + 0.02 * torch.sin(26 * u + 6 * body.grain("tufts", 3))
    top = v - line
    sides = body.u.abs() - 0.56 - 0.1 * (v > 0.35) + 0.25 * (v + 0.35).clamp(max=0)
    long = body.chance("long", 0.4)
    hairy = torch.maximum(top, sides * long - 9 * (1 - long))
    alpha = edge(hairy, soft) * body.chance("hair", 0.92)
    strands = torch.sin(30 * u + 5 * body.grain("waves", 4) + 3 * v)
    fine = (1.5 - 14 * soft).clamp(0, 1)
    shine = 1 + 0.18 * fine * strands + 0.35 * spot(u + 0.2, v - 0.8, 0.3, 0.1)
    lay(face, body.colour(hair) * shine[:, None], alpha)


def move_face(face: torch.Tensor, u, v, skin, lids, opened, soft) -> torch.Tensor:
    """Lids and mouth on patches (n, 3, h, w) 0 to 255, of coordinates (n, h, w).

    `skin` (n, 3) 0 to 1; `lids`, `opened`, 0 to 1, and `soft`, a pixel's size, are (n, 1, 1).
    """
    skin = skin.reshape(-1, 3, 1, 1) * 255
    _move_lids(face, u, v, skin, lids, soft)
    down = v - (MOUTH_V - 0.05 * opened)
    wide, tall = 0.27 - 0.05 * opened, 0.012 + 0.2 * opened
    # An ellipse's equation times its half height: as good as a distance above and below.
    across = (u / wide).square_()
    inside = (1 - torch.sqrt(across + (down / tall).square_())) * tall
    lips = edge(
        (1 - torch.sqrt((u / (wide + 0.05)).square_() + (down / (tall + 0.065)).square_()))
        * (tall + 0.065),
        soft,
    )
    lay(face, skin * colour((0.78, 0.5, 0.5), face), lips)
    hole = edge(inside, soft)
    lay(face, colour((46, 14, 16), face), hole)
    teeth = edge(down - 0.4 * tall, soft) * hole * (opened * 5).clamp(0, 1)
    lay(face, colour((236, 230, 218), face), teeth)
    tongue = hole * edge(-0.45 * tall - down, 3 * soft) * (opened * 3).clamp(0, 1)
    return lay(face, colour((168, 70, 72), face), 0.8 * tongue)


def _move_lids(face: torch.Tensor, u, v, skin, lids, soft) -> None:
    beside, above = (u.abs() - EYE_U) / (EYE_WIDE + 0.03), v - EYE_V
    tall = EYE_TALL + 0.03
    eye = (1 - torch.sqrt(beside.square_() + (above / tall).square())) * tall
    covered = edge(eye, soft) * (lids > 0)
    edge_at = tall * (1 - 2 * lids)
    lay(face, 0.72 * skin, covered * edge(above - edge_at, soft))
    lash = covered * edge(0.02 - (above - edge_at).abs(), soft)
    lay(face, 0.2 * skin, lash)
