"""By how much the sound of a 360 picture is turned against it: evidence for every rotation.

The readings of `turn.readings`, but of the whole sphere. Where sound comes from, h, and where
things move, s, are written in spherical harmonics Y(l, m); a rotation mixes those of one degree l:

    score(R) = sum over ticks of the integral of h(x) s(R^-1 x)
             = Re sum of C(l, m, n) D(l, m, n; R),    C(l, m, n) = sum over ticks of h*(l, m) s(l, n)

So C, some 1,800 numbers, is all that has to be kept of a recording. With R = Rz(a) Ry(b) Rz(c),
D = exp(-i m a) d(l, m, n; b) exp(-i n c), and d = exp(-i b Jy), a sum of exp(-i k b) P(l, k, m, n)
over the eigenvectors of Jy. That makes the score a trigonometric series in a, b and c: one
three-dimensional Fourier transform gives it for rotations all over, and the same series between.
"""

from functools import cache

import numpy as np

from avtools.signal.hearing import COLUMNS, ROWS
from avtools.signal.motion import TICKS
from avtools.signal.turn import READINGS, readings
from avtools.stream.picture import yaw_pitch_roll

# Both maps are softened by 6 to 10 degrees: little is left of higher degrees.
DEGREE = 10
ORDERS = 2 * DEGREE + 1
# Angles a and c of the first search, 7.5 degrees apart; b goes halfway round.
GRID = 48
