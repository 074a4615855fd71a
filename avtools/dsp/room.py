"""A shoebox room as a list of arrivals: when sound comes, from where, how strong.

One list serves any receiver: `foa_responses` and `array_responses` hear the same room. Axes x, y, z
are those of the scene (x front, y left, z up), places in metres, times in seconds after the sound
was made. A source is heard with amplitude 1 at 1 m.

**Early part.** Walls mirror the source. Image k of an axis of length L lies at k L + s (k even) or
k L + (L - s) (k odd), |k| reflections away (Allen & Berkley, J. Acoust. Soc. Am. 65, 1979). Each
image is heard from its own place, beta^n / r strong after n reflections over r metres.

**Walls.** All reflect by the same beta, from RT60 by Eyring's formula: a ray meets c S / (4 V)
walls a second, and each leaves beta^2 of its energy, so 60 dB in RT60 seconds means

    ln beta^2 = -24 ln 10 V / (c S RT60)

Sabine's puts 1 - beta^2 for -ln beta^2, the same for hard walls only, and asks for walls that
absorb more than all in rooms that are merely dry. Air is not counted apart: RT60 has it inside.

**Signs.** First reflections keep the phase of the source, as hard walls do; from the second on the
signs are drawn. Were all positive, the thousands of echoes would pile up at 0 Hz (Allen & Berkley
filter that away), where real walls and furniture have long mixed the phases.

**Late part.** In a shell of time dt lie 4 pi c^3 t^2 / V dt images, each of the energy
beta^(2n) / (c t)^2: together (4 pi c / V) <beta^(2n)> a second, whatever the place. From the mixing
time on, arrivals are drawn with this energy, from all directions alike and with random signs. In
the direction u a ray meets c t sum_i |u_i| / L_i walls; the mean over u of beta^(2n) is 10^(-6 t /
RT60) at first and falls more slowly later, as rays along the long sides outlive the others. The
tail takes the true mean where it begins, so there is no step, and decays with RT60 from there.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from avtools.dsp.dialect import like, namespace
from avtools.dsp.heads import SPEED_OF_SOUND

# Energy falls by 60 dB in one RT60: exp(-SIXTY_DB).
SIXTY_DB = 6 * math.log(10)
# Seconds between the direct sound and the first drawn arrivals. Rooms of up to 1000 m3 mix in less
# (Polack: sqrt(V) milliseconds), and listeners put the end of early reflections here, too.
MIXING = 0.08
# Drawn arrivals a second. Echoes melt into noise from some 10,000 a second; at this density every
# 10 ms of any 3 kHz band adds up hundreds, and images themselves come as densely after 75 ms in a
# room of 90 m3.
DENSITY = 24_000.0
# Very long tails are thinned to so many arrivals.
MOST_ARRIVALS = 50_000
# Images of a lattice, at most: some 0.5 GB. The default mixing time in 90 m3 needs 3000.
MOST_IMAGES = 5_000_000
# Walls that absorb more than this are no walls.
MOST_ABSORPTION = 0.99
# Metres between source and receiver, at least: 1/r has no meaning at their very surface.
NEAREST = 0.01


@dataclass(frozen=True)
class Arrivals:
    """Sound at a receiver. The direct sound is the first of n; amplitude 0 means padding.

    `times` (..., n) in seconds; `directions` (..., n, 3), unit vectors towards where each comes
    from; `amplitudes` (..., n), signed.
    """

    times: np.ndarray
    directions: np.ndarray
    amplitudes: np.ndarray

    def map(self, convert: Callable) -> "Arrivals":
        """All three arrays converted, as by `torch.from_numpy`."""
        return Arrivals(convert(self.times), convert(self.directions), convert(self.amplitudes))


def join(parts: Sequence[Arrivals]) -> Arrivals:
    """One list out of several, in their order."""
    return Arrivals(
        np.concatenate([p.times for p in parts], axis=-1),
        np.concatenate([p.directions for p in parts], axis=-2),
        np.concatenate([p.amplitudes for p in parts], axis=-1),
    )


def stack(rooms: Sequence[Arrivals]) -> Arrivals:
    """Lists of different lengths as one batch (rooms, n): short ones end in amplitude 0."""
    longest = max(len(room.times) for room in rooms)

    def padded(x: np.ndarray) -> np.ndarray:
        return np.pad(x, [(0, longest - len(x)), *[(0, 0)] * (x.ndim - 1)])

    padded_rooms = [room.map(padded) for room in rooms]
    return Arrivals(
        np.stack([room.times for room in padded_rooms]),
        np.stack([room.directions for room in padded_rooms]),
        np.stack([room.amplitudes for room in padded_rooms]),
    )


def wall_reflection(size: Sequence[float], rt60: float) -> float:
    """What a wall leaves of the amplitude, by Eyring; 0 where RT60 is 0 (no walls at all)."""
    x, y, z = _lengths(size)
    if not (math.isfinite(rt60) and rt60 >= 0):
        raise ValueError(f"RT60 {rt60} s, expected 0 (no walls) or more")
    if rt60 == 0:
        return 0.0
    a_second = 24 * math.log(10) * x * y * z / (SPEED_OF_SOUND * 2 * (x * y + y * z + z * x))
    shortest = a_second / -math.log(1 - MOST_ABSORPTION)
    if rt60 < shortest:
        raise ValueError(
            f"RT60 {rt60:g} s in a room of {x:g} x {y:g} x {z:g} m, expected at least "
            f"{shortest:.3g} s (its walls absorb 99 % then) or 0 (no walls)"
        )
    return math.exp(-a_second / rt60 / 2)


def image_lattice(size: Sequence[float], reach: float) -> np.ndarray:
    """(n, 3) whole numbers: the images within `reach` metres and some more, the source first."""
    if not 0 <= reach < math.inf:
        raise ValueError(f"reach {reach} m, expected 0 or more")
    counts = [math.ceil(reach / length) + 1 for length in _lengths(size)]
    images = math.prod(2 * n + 1 for n in counts)
    if images > MOST_IMAGES:
        raise ValueError(
            f"{images} images within {reach:.3g} m, expected at most {MOST_IMAGES}: a larger room "
            "or a shorter mixing time"
        )
    axes = np.meshgrid(*(np.arange(-n, n + 1) for n in counts), indexing="ij")
    lattice = np.stack([axis.ravel() for axis in axes], axis=1)
    return lattice[np.argsort(np.abs(lattice).sum(axis=1), kind="stable")]


def image_sources(size, source, receiver, reflection, lattice: np.ndarray) -> Arrivals:
    """Arrivals of the images of a lattice (n, 3), all positive.

    `size`, `source`, `receiver` (..., 3) in metres, `reflection` (...,): arrays or tensors.
    """
    xp = namespace(size, source, receiver, reflection)
    size, source, receiver = size[..., None, :], source[..., None, :], receiver[..., None, :]
    cells, odd = like(source, lattice), like(source, lattice % 2)
    order = like(source, np.abs(lattice).sum(axis=1))
    path = cells * size + source + odd * (size - 2 * source) - receiver
    distance = xp.sqrt(xp.sum(path * path, axis=-1))
    return Arrivals(
        distance / SPEED_OF_SOUND,
        path / distance[..., None],
        reflection[..., None] ** order / distance,
    )


def diffuse(
    start: float, stop: float, rng: np.random.Generator, density: float = DENSITY
) -> Arrivals:
    """Unit arrivals from all directions alike, with random signs: an isotropic noise field.

    One falls anywhere in each 1 / density seconds, which is noise as white as independent times
    give, with less unrest in its energy. Any response to it over 1 second has, on average, the
    energy of `density` arrivals.
    """
    if not (0 <= start <= stop < math.inf and 0 < density < math.inf):
        raise ValueError(
            f"{density:g} arrivals a second from {start:g} to {stop:g} s, expected more than 0, "
            "and times that rise from 0 on"
        )
    count = math.floor((stop - start) * density)
    directions = rng.standard_normal((count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    times = start + (np.arange(count) + rng.random(count)) / density
    return Arrivals(times, directions, _signs(count, rng))


def shoebox(
    size: Sequence[float],
    source: Sequence[float],
    receiver: Sequence[float],
    rt60: float,
    rng: np.random.Generator,
    mixing: float = MIXING,
) -> Arrivals:
    """What a receiver hears of a source in a room: images, and drawn arrivals after `mixing`.

    `size`, `source`, `receiver` (3,) in metres from a corner of the room; `rt60` in seconds, 0 for
    no walls; `mixing` in seconds after the direct sound. The tail ends RT60 after the direct sound.
    """
    reflection = wall_reflection(size, rt60)
    size = np.array(_lengths(size))
    source, receiver = _inside(size, source, "source"), _inside(size, receiver, "receiver")
    distance = float(np.linalg.norm(source - receiver))
    if distance < NEAREST:
        raise ValueError(f"source {distance:g} m from the receiver, expected {NEAREST} m or more")
    if not 0 <= mixing <= 1:
        raise ValueError(f"mixing time {mixing:g} s, expected 0 to 1")
    if reflection == 0:
        mixing = 0.0
    start = distance / SPEED_OF_SOUND + mixing
    lattice = image_lattice(size, start * SPEED_OF_SOUND)
    images = image_sources(size, source, receiver, np.float64(reflection), lattice)
    heard = images.times <= start
    heard[0] = True
    order = np.abs(lattice).sum(axis=1)[heard]
    early = images.map(lambda x: x[heard])
    signs = np.where(order < 2, 1.0, _signs(len(order), rng))
    early = Arrivals(early.times, early.directions, early.amplitudes * signs)
    return join([early, _tail(size, rt60, start, start - mixing + rt60, rng)])


def _tail(size: np.ndarray, rt60: float, start: float, stop: float, rng) -> Arrivals:
    """Drawn arrivals that continue the images from `start` on."""
    stop = max(start, stop)
    density = min(DENSITY, MOST_ARRIVALS / max(stop - start, 1e-9))
    tail = diffuse(start, stop, rng, density)
    if not len(tail.times):
        return tail
    energy = tail_energy(size, rt60, start, tail.times)
    return Arrivals(tail.times, tail.directions, tail.amplitudes * np.sqrt(energy / density))


def tail_energy(size: np.ndarray, rt60: float, start: float, times: np.ndarray) -> np.ndarray:
    """Energy a second, (n,), of the tail that takes over from the images at `start`."""
    # Points spread evenly over the sphere by the golden angle, heights first.
    height = (np.arange(1000) + 0.5) / 500 - 1
    angle = np.arange(1000) * math.pi * (3 - math.sqrt(5))
    flat = np.sqrt(1 - height**2)
    u = np.abs(np.stack([flat * np.cos(angle), flat * np.sin(angle), height], axis=1))
    walls = (u / size).sum(axis=1)  # met on each metre; the mean is S / (4 V)
    decay = SIXTY_DB * start / rt60
    joined = np.mean(np.exp(-decay * walls / (0.5 * (1 / size).sum())))
    level = 4 * math.pi * SPEED_OF_SOUND / size.prod() * joined
    return level * np.exp(-SIXTY_DB * (times - start) / rt60)


def critical_distance(size: Sequence[float], rt60: float) -> float:
    """Metres from a source where direct and reverberant sound are equally strong.

    1 / r^2 against the integral of (4 pi c / V) 10^(-6 t / RT60): about 0.057 sqrt(V / RT60).
    """
    x, y, z = _lengths(size)
    if not 0 < rt60 < math.inf:
        raise ValueError(f"RT60 {rt60} s, expected more than 0")
    return math.sqrt(SIXTY_DB * x * y * z / (4 * math.pi * SPEED_OF_SOUND * rt60))


def expected_drr(size: Sequence[float], rt60: float, distance: float) -> float:
    """Direct-to-reverberant ratio in dB that theory gives at a distance in metres.

    Reverberation starts with the direct sound, not before it, so distance / c of its decay is lost
    (Barron & Lee, J. Acoust. Soc. Am. 84, 1988).
    """
    if not 0 < distance < math.inf:
        raise ValueError(f"distance {distance} m, expected more than 0")
    lost = SIXTY_DB * distance / (SPEED_OF_SOUND * rt60) * 10 / math.log(10)
    return 20 * math.log10(critical_distance(size, rt60) / distance) + lost


def direct_to_reverberant(arrivals: Arrivals):
    """Energy of the direct sound against all that follows it, in dB, (...,); inf for no walls."""
    xp = namespace(arrivals.amplitudes)
    energy = arrivals.amplitudes**2
    rest = xp.sum(energy[..., 1:], axis=-1)
    some = rest > 0
    ratio = energy[..., 0] / xp.where(some, rest, xp.ones_like(rest))
    return xp.where(some, 10 * xp.log10(ratio), xp.full_like(rest, math.inf))


def _lengths(size: Sequence[float]) -> list[float]:
    lengths = [float(length) for length in size]
    if len(lengths) != 3 or not all(0 < length < math.inf for length in lengths):
        raise ValueError(f"room of {lengths} m, expected three lengths of more than 0")
    return lengths


def _inside(size: np.ndarray, place: Sequence[float], name: str) -> np.ndarray:
    place = np.array(place, float)
    if place.shape != (3,) or not np.all((place > 0) & (place < size)):
        raise ValueError(f"{name} at {place.tolist()} m, expected within {size.tolist()} m")
    return place


def _signs(count: int, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 2, count) * 2.0 - 1.0
