"""Beams: what a microphone of a known pattern would hear in first-order ambisonics.

A plane wave s from the unit vector v holds W = s and (X, Y, Z) = s v. So the beam towards d

    y = p W + (1 - p) d . (X, Y, Z)  =  s (p + (1 - p) cos(angle between v and d))

has the gain 1 in its own direction. p says what is heard beside it. Of sound from everywhere
alike, the mean of the gain's square over the sphere passes, p^2 + (1 - p)^2 / 3:

    omni           1              0.0 dB   everything alike: W itself
    cardioid       1/2           -4.8 dB   nothing from behind
    supercardioid  (sqrt 3 - 1)/2 -5.7 dB  most of the half in front against the half behind
    max-re         (sqrt 3 - 1)/2
    hypercardioid  1/4           -6.0 dB   the least that any pattern lets through
    figure-eight   0             -4.8 dB   nothing from the sides

max-rE makes the longest energy vector: degree l is weighted with P_l(r), r the largest root of
P_2, 1/sqrt 3. With 2 l + 1 for the size of a degree, the gain is 1 + 3 r cos = 1 + sqrt 3 cos,
so p = 1 / (1 + sqrt 3) = (sqrt 3 - 1) / 2: at first order it is the supercardioid.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from avtools.dsp.dialect import namespace

SUPER = (3**0.5 - 1) / 2
PATTERNS = {
    "omni": 1.0,
    "cardioid": 0.5,
    "supercardioid": SUPER,
    "hypercardioid": 0.25,
    "max-re": SUPER,
    "figure-eight": 0.0,
}
# Where x, y and z stand in AmbiX.
X, Y, Z = 3, 1, 2


def beam_gains(directions, p: float):
    """Gains `(..., 4)` of AmbiX W, Y, Z, X for beams towards unit vectors `(..., 3)`."""
    if not 0 <= p <= 1:
        raise ValueError(f"a pattern of p {p}, expected 0 to 1")
    xp = namespace(directions)
    x, y, z = directions[..., 0], directions[..., 1], directions[..., 2]
    return xp.stack([p + 0 * x, (1 - p) * y, (1 - p) * z, (1 - p) * x], axis=-1)


def beams(foa, directions, p: float):
    """`(..., beams, samples)` of AmbiX `(..., 4, samples)` and unit vectors `(..., beams, 3)`."""
    return namespace(foa, directions).matmul(beam_gains(directions, p), foa)


def beam_blocks_along(
    blocks: Iterable[np.ndarray],
    at: Callable[[np.ndarray], np.ndarray],
    p: float,
    rate: int,
    step: int = 16,
) -> Iterator[np.ndarray]:
    """`beams` whose directions change with time: `at(seconds (n,))` gives them, `(n, beams, 3)`.

    They are computed every `step` samples of the stream and drawn straight between, so there are
    no clicks, and every split into blocks gives the same samples. The chord of an angle a lies
    within a^2 / 8 of its arc: at 48 kHz a beam that turns 1,000 degrees a second errs by 4e-6.
    """
    seen = 0
    for x in blocks:
        samples = x.shape[-1]
        if not samples:
            continue
        first, last = seen // step, (seen + samples - 1) // step + 1
        knots = at(np.arange(first, last + 1) * (step / rate)).astype(np.float32)
        place = np.arange(seen, seen + samples)
        k = place // step - first
        part = ((place % step) / np.float32(step)).astype(np.float32)
        y = np.empty((samples, knots.shape[1]), np.float32).T
        for beam in range(len(y)):
            y[beam] = np.float32(p) * x[0]
            for axis, channel in enumerate((X, Y, Z) if p < 1 else ()):
                gain = knots[k, beam, axis]
                gain = gain + part * (knots[k + 1, beam, axis] - gain)
                y[beam] += np.float32(1 - p) * gain * x[channel]
        seen += samples
        yield y
