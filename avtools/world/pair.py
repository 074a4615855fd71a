"""Two microphones side by side, at the true distances from everything.

They stand at (0, +-spacing / 2, 0) and look to the front and outwards by `splay`. Sound from a
place r metres from one of them comes r / c later, 1/r times (1 - p) + p cos(angle to its axis)
strong: p = 0 hears all round, p = 0.5 is a cardioid.
"""

import math

import numpy as np
import torch

from avtools.dsp.dialect import like, namespace
from avtools.dsp.heads import SPEED_OF_SOUND
from avtools.world.gliding import Knots, slopes
from avtools.world.microphones import DIFFUSE, TwoEars
from avtools.world.responses import RING, SIDE, Pulses, band_gains, plain_pulses, tensor
from avtools.world.scenes import Scenes

# Metres: pairs of less are rendered with FFTs of one size, whatever stands beside them.
WIDEST = 0.36


def arrivals(scenes: Scenes, places):
    """Gains, and metres to each microphone, of sounds at `places`: (b, ..., 3) -> (b, ..., 2).

    Arrays or tensors.
    """
    xp = namespace(places)
    shape = (-1, *[1] * (places.ndim - 2))
    facts = (scenes.spacing / 2, scenes.pattern, np.deg2rad(scenes.splay))
    half, pattern, splay = (like(places, x.reshape(shape)) for x in facts)
    x, y, z = (places[..., axis] for axis in range(3))
    gains, metres = [], []
    for side in (1, -1):
        across = y - side * half
        length = xp.sqrt(x * x + across * across + z * z)
        cosine = (x * xp.cos(splay) + side * across * xp.sin(splay)) / length
        gains.append((1 - pattern + pattern * cosine) / length)
        metres.append(length)
    return xp.stack(gains, axis=-1), xp.stack(metres, axis=-1)


class Pair(TwoEars):
    """The microphones of a batch of scenes."""

    def reach(self) -> tuple[int, int]:
        """Samples that responses reach back and ahead."""
        widest = max(WIDEST, float(self.scenes.spacing.max()))
        side = math.ceil(widest / 2 / SPEED_OF_SOUND * self.rate) + RING
        return side, side

    def aim(self, places: np.ndarray, knots: Knots) -> None:
        """At the places (b, s, knots + 4, 3) of what will be heard, two knots beyond either end."""
        gains, metres = arrivals(self.scenes, places)
        later = metres - np.linalg.norm(places, axis=-1, keepdims=True)
        delays = later / SPEED_OF_SOUND * self.rate
        moving = (gains[..., 2:-2, :], slopes(gains), delays[..., 2:-2, :], slopes(delays))
        self.moving = [tensor(x, self.device)[..., None] for x in moving]
        self.turns = tensor(2 * np.pi * knots.cycles, self.device)
        self.end = tensor(band_gains(knots.cycles), self.device)

    def filtered(self, spectra: torch.Tensor, rows, thing: int):
        """A thing's spectra (rows, knots, bins) through its responses, and through their slopes.

        With h = g e^(-j w d) the slope is (g' - j w d' g) e^(-j w d). (rows, knots, 2, bins) each.
        """
        gain, gain_slope, delay, delay_slope = (x[rows, thing] for x in self.moving)
        later = torch.polar(self.end.expand(*delay.shape[:-1], -1), -self.turns * delay)
        later *= spectra[..., None, :]
        slope = torch.complex(gain_slope.expand_as(later), -self.turns * (delay_slope * gain))
        return gain * later, later * slope

    def diffuse(self) -> np.ndarray:
        """How strong sound from everywhere, of strength 1, is in half the sum and half the
        difference of left and right: amplitudes (b, 2, DIFFUSE).

        The mean over all directions (x, y, z) of the product of both channels is, with the phase
        k = 2 pi f spacing / c,

            <(1 - p + p (x cos s + y sin s)) (1 - p + p (x cos s - y sin s)) e^(jky)>

        where <e^(jky)> = sin(k) / k = j, <y^2 e^(jky)> = -j'', <x^2 e^(jky)> = (j + j'') / 2, and
        the terms with x or y alone vanish or cancel.
        """
        s = self.scenes
        hertz = np.linspace(0, self.rate / 2, DIFFUSE)
        phase = 2 * np.pi * hertz / SPEED_OF_SOUND * s.spacing[:, None]
        phase = np.maximum(phase, 1e-3)
        level = np.sin(phase) / phase
        bend = -level - 2 * (np.cos(phase) - level) / phase**2
        p, splay = s.pattern[:, None], np.deg2rad(s.splay)[:, None]
        directed = np.sin(splay) ** 2 * bend + np.cos(splay) ** 2 * (level + bend) / 2
        both = (1 - p) ** 2 * level + p**2 * directed
        each = (1 - p) ** 2 + p**2 / 3
        return np.sqrt(np.maximum(np.stack([each + both, each - both], axis=1), 0) / 2)

    def pulses(self, places: torch.Tensor) -> Pulses:
        """Of reflections at `places` (b, ..., n, 3), both channels: (b, ..., 2, n)."""
        gains, metres = (x.transpose(-1, -2) for x in arrivals(self.scenes, places))
        delays = metres * (self.rate / SPEED_OF_SOUND)
        return Pulses(delays, gains, None, plain_pulses(), SIDE - 1)
