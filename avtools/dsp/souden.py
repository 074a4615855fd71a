"""Souden's beam for every channel as the reference, and what comes after it.

With the covariances S of what is wanted and N of the rest, the filters of the references are the
columns of

    H = N^-1 S / (trade + tr(N^-1 S))

trade 0 is MVDR, the wanted sound undistorted; 1 weighs distortion and noise alike, the Wiener
filter (Souden, Benesty, Affes, IEEE Trans. ASLP 18, 2010). That is so for sound of rank one, which
comes from one place without echoes. In a room S has full rank, and the Wiener filter is

    H = (S + N)^-1 S

which is the one above for rank one: (S + N)^-1 S = N^-1 S / (1 + tr(N^-1 S)), as
(N + s s*)^-1 = N^-1 - N^-1 s s* N^-1 / (1 + s* N^-1 s) shows (Sherman & Morrison).
"""

from avtools.dsp.dialect import like, namespace

TINY = 1e-30


def souden_filters(wanted, rest, trade: float = 0.0, loading: float = 1e-7):
    """Filters `(..., channels, references)` of covariances `(..., channels, channels)`."""
    xp = namespace(wanted, rest)
    _check(wanted, rest)
    ratio = xp.linalg.solve(_loaded(rest, loading), wanted)
    return ratio / (trade + _trace(ratio)[..., None, None] + TINY)


def wiener_filters(wanted, rest, loading: float = 1e-7):
    """The same of sound of any rank: what both agree in is the wanted sound at each channel."""
    xp = namespace(wanted, rest)
    _check(wanted, rest)
    return xp.linalg.solve(_loaded(wanted + rest, loading), wanted)


def filtered(filters, spectrum):
    """Spectra `(..., channels, windows, bins)` -> `(..., references, windows, bins)`.

    `filters` `(..., bins, channels, references)`, or `(..., windows, bins, channels, references)`.
    """
    xp = namespace(filters, spectrum)
    x = xp.moveaxis(spectrum, -3, -1)[..., None]  # (..., windows, bins, channels, 1)
    if filters.ndim == spectrum.ndim:
        filters = filters[..., None, :, :, :]
    y = xp.matmul(xp.conj(xp.moveaxis(filters, -1, -2)), x)[..., 0]
    return xp.moveaxis(y, -1, -3)


def _check(wanted, rest) -> None:
    if wanted.shape[-2:] != rest.shape[-2:] or wanted.shape[-1] != wanted.shape[-2]:
        raise ValueError(
            f"covariances of {tuple(wanted.shape)} and {tuple(rest.shape)}, expected "
            "(..., channels, channels) of both"
        )


def _loaded(matrices, loading: float):
    xp = namespace(matrices)
    channels = matrices.shape[-1]
    safety = loading * xp.real(_trace(matrices)) + TINY
    one = like(matrices, [[float(i == j) for j in range(channels)] for i in range(channels)])
    return matrices + safety[..., None, None] * one


def _trace(matrices):
    return sum(matrices[..., c, c] for c in range(matrices.shape[-1]))
