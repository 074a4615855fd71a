"""Pictures that are changed in patches: one whole number a pixel, red, green, blue, and whose.

Patches of all pictures are as large as the largest; what of them lies beyond a picture goes to one
pixel at the end that no one sees. So nothing is ever evaluated over a whole picture.
"""

import torch


class Canvas:
    """n pictures of (height, width)."""

    def __init__(self, pictures: torch.Tensor, wraps: bool):
        """`pictures` (..., 3, t, height, width) from 0 to 255, whose leading places and t are n.

        They are used up.
        `wraps`: what leaves on the right comes back on the left.
        """
        self.height, self.width = pictures.shape[-2:]
        self.wraps, self.device = wraps, pictures.device
        pixels = pictures.numel() // 3
        self.count = pixels // (self.height * self.width)
        self.pixels = torch.zeros(pixels + 1, dtype=torch.int32, device=self.device)
        packed = _packed(pictures, -4)
        self.pixels[:-1].view(packed.shape).copy_(packed)

    def places(self, pictures, left, top, wide: int, tall: int) -> torch.Tensor:
        """(n, tall, wide) places of pixels, of patches whose corners are (n,) int64."""
        x = left[:, None, None] + torch.arange(wide, device=self.device)
        y = (top[:, None] + torch.arange(tall, device=self.device))[:, :, None]
        outside = (y < 0) | (y >= self.height)
        if self.wraps:
            x = x % self.width
        else:
            outside = outside | (x < 0) | (x >= self.width)
        at = (pictures[:, None, None] * self.height + y) * self.width + x
        return at.masked_fill_(outside, self.pixels.numel() - 1)

    def blend(self, places: torch.Tensor, layers: list, marks: list) -> None:
        """Lay colours over pixels: `layers` of colours (n, 3, h, w) and opacity (n, h, w).

        Where the first layer covers more than half of a pixel it becomes the mark (n, 1, 1), where
        only a later one does so it is no one's.
        """
        old = self.pixels.take(places)
        layered = old.view(torch.uint8).view(*old.shape, 4).movedim(-1, 1)
        rgb = layered[:, :3].to(torch.float32, memory_format=torch.contiguous_format)
        for colours, alpha in layers:
            rgb.addcmul_(colours - rgb, alpha[:, None])
        new = _packed(rgb.clamp_(0, 255), 1).to(torch.int32)
        if marks is not None:
            whose = layered[:, 3].to(torch.int32)
            for _, alpha in layers[1:]:
                whose = whose.masked_fill_(alpha > 0.5, 0)
            whose = torch.where(layers[0][1] > 0.5, marks, whose)
            new |= whose << 24
        self.pixels.put_(places, new)

    def frames(self) -> torch.Tensor:
        """(n, height, width, 3) uint8, a view."""
        return self._bytes()[..., :3]

    def masks(self) -> torch.Tensor:
        """(n, height, width) uint8, a view."""
        return self._bytes()[..., 3]

    def _bytes(self) -> torch.Tensor:
        flat = self.pixels[:-1].view(torch.uint8)
        return flat.view(self.count, self.height, self.width, 4)


def _packed(colours: torch.Tensor, layers: int) -> torch.Tensor:
    """Red, green and blue, a dimension of 3, as one float: a float32 holds their 24 bits.

    `colours` are used up.
    """
    red, green, blue = colours.round_().unbind(dim=layers)
    return red.add_(green, alpha=256).add_(blue, alpha=65536)
