"""Painting: colours laid over colours, with edges as soft as a pixel is large."""

import torch


def edge(distance: torch.Tensor, soft) -> torch.Tensor:
    """How much of a pixel lies inside: 0 to 1, of the distance inwards and a pixel's size."""
    return (distance / soft).add_(0.5).clamp_(0, 1)


def lay(colours: torch.Tensor, over, alpha: torch.Tensor) -> torch.Tensor:
    """`colours` (n, 3, h, w), in place, under others that broadcast, of opacity (n, h, w)."""
    return colours.addcmul_(over - colours, alpha[:, None])


def wash(colours: torch.Tensor, shade: torch.Tensor) -> torch.Tensor:
    """`colours` (n, 3, h, w), in place, times a shade (n, h, w)."""
    return colours.mul_(shade[:, None])


def spot(u, v, wide, tall) -> torch.Tensor:
    """A soft spot about the origin: 1 there, 0.37 at its half width or height."""
    return torch.exp(-((u / wide) ** 2 + (v / tall) ** 2))


def oval(u, v, wide, tall) -> torch.Tensor:
    """About how far inside an ellipse a point lies: distances near its edge are right."""
    lean = torch.hypot(u / wide, v / tall)
    steep = torch.hypot(u / wide**2, v / tall**2).clamp_(min=1e-6)
    return (1 - lean) * lean / steep


def line(u, v, start, end) -> torch.Tensor:
    """Distance to the straight line between two points (u, v each)."""
    du, dv = end[0] - start[0], end[1] - start[1]
    u, v = u - start[0], v - start[1]
    part = ((u * du + v * dv) / (du * du + dv * dv)).clamp_(0, 1)
    return torch.hypot(u - part * du, v - part * dv)


def colour(values, like: torch.Tensor) -> torch.Tensor:
    """(1 or n, 3, 1, 1) of red, green, blue (3,) or (n, 3), 0 to 1."""
    colours = torch.as_tensor(values, dtype=like.dtype, device=like.device)
    return colours.reshape(-1, 3, 1, 1)
