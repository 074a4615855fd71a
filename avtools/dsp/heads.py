"""A rigid sphere for a head: what a sound from any direction becomes at two points of its surface.

R. O. Duda and W. L. Martens, "Range dependence of the response of a spherical head model",
J. Acoust. Soc. Am. 104, 1998. A point source at distance r from the centre of a rigid sphere of
radius a makes, at a point of the surface whose direction is `incidence` away from the source's,
a pressure that is this many times the pressure at the centre were the sphere not there:

    H(f) = -(rho / mu) e^(-i mu rho) sum_m (2m + 1) P_m(cos incidence) h_m(mu rho) / h'_m(mu)

with mu = 2 pi f a / c, rho = r / a and h_m the spherical Hankel functions of the first kind. For a
distant source h_m(x) -> (-i)^(m+1) e^(ix) / x, which leaves

    H(f) = -1 / mu^2 sum_m (2m + 1) P_m(cos incidence) (-i)^(m+1) / h'_m(mu)

The formulas are written for e^(-i omega t); what leaves this file is their conjugate, as numpy.fft
has it, for e^(+i omega t): a delay turns the phase negative. Time 0 is the arrival at the centre.
"""

import math

import numpy as np

SPEED_OF_SOUND = 343.0  # metres a second, in air of 20 °C
HEAD_RADIUS = 0.0875  # metres, the average of Hartley & Fry that Duda & Martens use

# The series stops where its terms are this small against the first.
PRECISION = 1e-12
# Below this mu every term has reached its limit for f -> 0, to better than PRECISION.
STILL = 1e-7
# Samples between the start of a response and its earliest arrival: where the ringing of a
# band-limited pulse has room before the pulse.
LEAD = 16


def _orders(mu: float, rho: float) -> int:
    """How many terms count. Past m = mu, 1/h'_m falls faster than exponentially, over a width that
    goes with mu^(1/3) (Airy's transition); a near source's h_m(mu rho) leaves only rho^-m of that.
    """
    far = math.ceil(mu + 6 * mu ** (1 / 3) + 12)
    return far if math.isinf(rho) else far + math.ceil(-math.log(PRECISION) / math.log(rho))


def _hankel_terms(mu: np.ndarray, rho: float, orders: int) -> np.ndarray:
    """(orders, frequencies): what multiplies P_m(cos incidence) in the series.

    h_m itself overflows where m >> mu, so the recurrence h_(m+1) = (2m+1)/x h_m - h_(m-1) runs on
    ratios r_m = h_m / h_(m-1):

        r_(m+1) = (2m+1)/x - 1/r_m,   r_0 = -i,   h'_m = (1/r_m - (m+1)/x) h_m

    h_m is the growing solution (and has no real zeros), so running upwards is stable. `size` is
    what multiplies (2m + 1) P_m h_m / h'_m: -(rho/mu) e^(-i mu rho) h_m(mu rho) / h_m(mu), or
    -1/mu^2 (-i)^(m+1) / h_m(mu) for a distant source. Both start from h_0(x) = -i e^(ix) / x as
    -e^(-i mu) / mu, and are then products of ratios that die out quietly.
    """
    distant = math.isinf(rho)
    at_source, at_surface = np.full(mu.shape, -1j), np.full(mu.shape, -1j)
    size = -np.exp(-1j * mu) / mu
    terms = np.empty((orders, *mu.shape), complex)
    for m in range(orders):
        if m:
            at_surface = (2 * m - 1) / mu - 1 / at_surface
            if not distant:
                at_source = (2 * m - 1) / (mu * rho) - 1 / at_source
            size = size * (at_source / at_surface)
        terms[m] = (2 * m + 1) * size / (1 / at_surface - (m + 1) / mu)
    return terms


def _legendre(cosines: np.ndarray, orders: int) -> np.ndarray:
    """(n, orders): P_m by (m+1) P_(m+1) = (2m+1) x P_m - m P_(m-1), stable for |x| <= 1."""
    out = np.empty((len(cosines), orders))
    out[:, 0] = 1.0
    before, now = np.zeros_like(cosines), np.ones_like(cosines)
    for m in range(orders - 1):
        before, now = now, ((2 * m + 1) * cosines * now - m * before) / (m + 1)
        out[:, m + 1] = now
    return out


def sphere_response(
    incidence_deg: np.ndarray,
    frequencies: np.ndarray,
    radius: float = HEAD_RADIUS,
    distance: float = math.inf,
    speed: float = SPEED_OF_SOUND,
) -> np.ndarray:
    """Pressure on a rigid sphere against the free field at its centre, (angles, frequencies).

    `incidence_deg` (angles,): between the source and the point of the surface, 0 where it faces the
    source. `frequencies` (frequencies,) in Hz. `distance` in metres from the centre.
    """
    incidence = np.atleast_1d(np.asarray(incidence_deg, float))
    frequencies = np.atleast_1d(np.asarray(frequencies, float))
    if not radius > 0 or not speed > 0:
        raise ValueError(f"radius {radius} m and speed {speed} m/s, expected more than 0")
    if not distance > radius:
        raise ValueError(f"distance {distance} m, expected more than the radius, {radius} m")
    if incidence.ndim > 1 or frequencies.ndim > 1:
        raise ValueError("expected one-dimensional angles and frequencies")
    if not np.all(np.isfinite(frequencies)) or np.any(frequencies < 0):
        raise ValueError("expected finite frequencies of 0 Hz and more")
    mu = np.maximum(2 * np.pi * frequencies * radius / speed, STILL)
    orders = _orders(float(mu.max(initial=STILL)), distance / radius)
    terms = _hankel_terms(mu, distance / radius, orders)
    series = _legendre(np.cos(np.radians(incidence)), orders)
    return (series @ terms.real) - 1j * (series @ terms.imag)


def even_directions(step_deg: float = 12.0) -> np.ndarray:
    """Directions about `step_deg` apart all over the sphere: (n, 2) azimuth and elevation, degrees.

    Rings of one elevation, each mirrored onto itself left to right, so that a symmetric head
    gives a symmetric set.
    """
    if not 0 < step_deg <= 90:
        raise ValueError(f"step {step_deg} degrees, expected more than 0 and at most 90")
    rings = []
    for elevation in np.linspace(-90, 90, round(180 / step_deg) + 1):
        count = max(1, round(360 / step_deg * math.cos(math.radians(elevation))))
        azimuths = 180.0 - 360.0 * np.arange(count) / count
        rings.append(np.stack([azimuths, np.full(count, elevation)], axis=1))
    return np.concatenate(rings)


def unit_vectors(directions_deg: np.ndarray) -> np.ndarray:
    """(n, 2) azimuth and elevation in degrees -> (n, 3) x front, y left, z up."""
    directions = np.asarray(directions_deg, float)
    if directions.ndim != 2 or directions.shape[1] != 2:
        raise ValueError(f"directions of shape {directions.shape}, expected (n, 2)")
    if not np.all(np.isfinite(directions)):
        raise ValueError("directions that are not finite numbers")
    azimuth, elevation = np.radians(directions).T
    level = np.cos(elevation)
    return np.stack([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)], axis=1)


def ear_incidence(directions_deg: np.ndarray, ear_azimuth: float = 90.0) -> np.ndarray:
    """(n, 2): degrees between each direction and the left and the right ear's axis."""
    ears = unit_vectors(np.array([[ear_azimuth, 0.0], [-ear_azimuth, 0.0]]))
    return np.degrees(np.arccos(np.clip(unit_vectors(directions_deg) @ ears.T, -1, 1)))


def _fades(length: int, rise: int, fall: int) -> np.ndarray:
    window = np.ones(length)
    window[:rise] = np.sin(np.pi / 2 * (np.arange(rise) + 0.5) / rise) ** 2
    window[-fall:] = np.cos(np.pi / 2 * (np.arange(fall) + 0.5) / fall) ** 2
    return window


def spherical_head_hrirs(
    directions_deg: np.ndarray,
    rate: float,
    length: int | None = None,
    radius: float = HEAD_RADIUS,
    distance: float = math.inf,
    ear_azimuth: float = 90.0,
    speed: float = SPEED_OF_SOUND,
) -> np.ndarray:
    """Impulse responses at the ears of a spherical head: float64 (directions, 2, taps).

    All share one delay: the sound would reach the centre of the head `centre_delay(rate)` samples
    after the first tap, the nearest ear up to radius / speed before that. `length` in taps; by
    default what the response needs. Ears lie at `ear_azimuth` left and right, on the horizon.
    """
    reach = radius / speed * rate  # samples in which sound crosses one radius
    delay = centre_delay(rate, radius, speed)
    # The farthest point hears the wave that crept a quarter of the way round, pi/2 radii after
    # the centre would have; what crept on from there is 40 dB down another pi radii later.
    needed = math.ceil(delay + (np.pi / 2 + np.pi) * reach) + LEAD
    length = needed if length is None else length
    if length < delay + math.ceil(2 * reach) + LEAD:
        raise ValueError(
            f"{length} taps, expected {needed} (at least {delay + math.ceil(2 * reach) + LEAD})"
        )
    # Four times the length keeps what wraps round out of the part that is kept.
    size = 1 << math.ceil(math.log2(4 * max(length, needed)))
    frequencies = np.fft.rfftfreq(size, 1 / rate)
    incidence = ear_incidence(directions_deg, ear_azimuth)
    response = sphere_response(incidence.ravel(), frequencies, radius, distance, speed)
    # A gentle end of the band, its last tenth, keeps the ringing of a fractional delay short.
    fall = np.clip((frequencies / (rate / 2) - 0.9) / 0.1, 0, 1)
    response *= np.cos(np.pi / 2 * fall) ** 2 * np.exp(-2j * np.pi * frequencies * delay / rate)
    impulses = np.fft.irfft(response, size)[:, :length] * _fades(length, LEAD // 2, LEAD)
    return impulses.reshape(*incidence.shape, length)


def centre_delay(rate: float, radius: float = HEAD_RADIUS, speed: float = SPEED_OF_SOUND) -> int:
    """Samples from the first tap of `spherical_head_hrirs` to the arrival at the head's centre."""
    return math.ceil(radius / speed * rate) + LEAD
