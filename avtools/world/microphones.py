"""How microphones hear things that move: what two of any kind share, and ambisonics.

Every kind offers the same: `direct`, what comes straight; `pulses`, what reflections from given
places are heard as; `diffuse`, how strong sound from everywhere is in each of some independent
parts; `joined`, which makes channels of those parts.
"""

import numpy as np
import torch

from avtools.dsp.dialect import namespace
from avtools.dsp.heads import SPEED_OF_SOUND
from avtools.dsp.sphere import unit_vectors
from avtools.world.gliding import Knots, moving_gains, slopes, spans
from avtools.world.motion import directions
from avtools.world.responses import SIDE, Pulses, plain_pulses, tensor
from avtools.world.scenes import Scenes

# Samples between knots, at any rate: what has to be followed is phase, and that goes with the rate.
HOP = 256
# Frequencies at which a diffuse field is described, from 0 to half the rate.
DIFFUSE = 1025
# Samples of dry sound that are worked on at once: some 100 bytes each are needed on the way, which
# on a processor shall stay in its cache.
AT_ONCE = {"cpu": 1 << 20}
AT_ONCE_ELSEWHERE = 1 << 25


def at_once(device) -> int:
    return AT_ONCE.get(torch.device(device).type, AT_ONCE_ELSEWHERE)


def places_at(scenes: Scenes, seconds: np.ndarray) -> np.ndarray:
    """Where everything is, in metres around the microphones: (b, s, t, 3)."""
    azimuth, elevation, distance = directions(scenes, seconds)
    return unit_vectors(azimuth, elevation) * distance[..., None]


class TwoEars:
    """Two microphones, or ears, of every scene of a batch.

    A kind of them adds `reach`, `aim` and `filtered` to hear what moves, and `pulses`, `diffuse`.
    """

    channels = 2

    def __init__(self, scenes: Scenes, rate: int, device):
        self.scenes, self.rate, self.device = scenes, rate, device

    def direct(self, dry: torch.Tensor) -> torch.Tensor:
        """The things' sounds (b, s, n) as they come straight: (b, 2, n)."""
        longest = at_once(self.device) // (dry.shape[0] * dry.shape[1])
        parts = spans(dry.shape[-1], HOP, longest)
        return torch.cat([self._span(dry, first, samples) for first, samples in parts], dim=-1)

    def _span(self, dry: torch.Tensor, first: int, samples: int) -> torch.Tensor:
        past, future = self.reach()
        knots = Knots(samples, HOP, past, future, first)
        self.aim(places_at(self.scenes, knots.places(beyond=2) / self.rate), knots)
        shape = (len(dry), knots.count, 2, len(knots.cycles))
        total = [dry.new_zeros(shape, dtype=torch.complex64) for _ in range(2)]
        for thing, rows in sounding(self.scenes):
            spectra = knots.spectra(dry[rows, thing])
            for whole, part in zip(total, self.filtered(spectra, rows, thing), strict=True):
                whole[rows] += part
        return self.ears(knots.sound(*total))

    def ears(self, sound: torch.Tensor) -> torch.Tensor:
        """Left and right of what was `filtered`."""
        return sound

    def joined(self, parts: torch.Tensor) -> torch.Tensor:
        """Left and right of half their sum and half their difference, (b, 2, n)."""
        return torch.stack([parts[:, 0] + parts[:, 1], parts[:, 0] - parts[:, 1]], dim=1)


class Ambisonics:
    """First-order ambisonics, AmbiX, in every scene of a batch: channels W, Y, Z, X."""

    channels = 4

    def __init__(self, scenes: Scenes, rate: int, device):
        self.scenes, self.rate, self.device = scenes, rate, device

    def direct(self, dry: torch.Tensor) -> torch.Tensor:
        """The things' sounds (b, s, n) as they come straight: (b, 4, n)."""
        knots = Knots(dry.shape[-1], HOP, 0, 0)
        places = places_at(self.scenes, knots.places(beyond=2) / self.rate)
        gains, _ = _encoded(places)
        moving = [tensor(x, self.device) for x in (gains[..., 2:-2, :], slopes(gains))]
        out = dry.new_zeros((len(dry), 4, dry.shape[-1]))
        for thing, rows in sounding(self.scenes):
            own = (x[rows, thing] for x in moving)
            out[rows] += moving_gains(dry[rows, thing], *own, HOP)
        return out

    def pulses(self, places: torch.Tensor) -> Pulses:
        """What reflections from `places` (b, ..., n, 3) are heard as: (b, ..., 4, n)."""
        gains, metres = _encoded(places)
        gains = gains.transpose(-1, -2)
        delays = (metres * (self.rate / SPEED_OF_SOUND))[..., None, :].expand(gains.shape)
        return Pulses(delays, gains, None, plain_pulses(), SIDE - 1)

    def diffuse(self) -> np.ndarray:
        """The mean of y^2 over the sphere is 1/3, and so of x and z: amplitudes (1, 4, DIFFUSE)."""
        parts = np.sqrt([1, 1 / 3, 1 / 3, 1 / 3])
        return np.broadcast_to(parts[:, None], (1, 4, DIFFUSE))

    def joined(self, parts: torch.Tensor) -> torch.Tensor:
        return parts


def sounding(scenes: Scenes):
    """Each thing, with those of the scenes in which it sounds."""
    for thing in range(scenes.things):
        rows = np.flatnonzero(scenes.sounding[:, thing])
        if len(rows):
            yield thing, slice(None) if len(rows) == len(scenes) else rows


def _encoded(places):
    """Gains of W, Y, Z, X (..., 4), 1 / r strong, and metres r (...) of `places` (..., 3)."""
    xp = namespace(places)
    x, y, z = (places[..., axis] for axis in range(3))
    square = x * x + y * y + z * z
    metres = xp.sqrt(square)
    return xp.stack([metres, y, z, x], axis=-1) / square[..., None], metres
