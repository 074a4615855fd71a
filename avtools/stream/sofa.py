"""SOFA (AES69) files of the convention SimpleFreeFieldHRIR: HDF5 with named arrays.

Dimensions: M measurements, R = 2 receivers (the ears), N taps; an array with 1 in place of M holds
for all measurements. Positions are spherical (azimuth counter-clockwise 0-360, elevation, metres)
or cartesian (x front, y left, z up): the standard's axes are ours.
"""

from pathlib import Path

import numpy as np

from avtools.errors import AvtoolsError, reason

CONVENTION = "SimpleFreeFieldHRIR"
REQUIRED = ("Data.IR", "Data.SamplingRate", "SourcePosition")
OPTIONAL = ("Data.Delay", "ReceiverPosition", "ListenerPosition", "ListenerView", "ListenerUp")
# What an array of positions is where its file doesn't say, by the standard.
TYPES = {"SourcePosition": "spherical"}
# Samples of silence before and behind responses that are moved by parts of a sample.
ROOM = 16
# Seconds: more than this is no delay between loudspeakers and ears.
LONGEST_DELAY = 1.0


def read_sofa(path: Path) -> tuple[np.ndarray, np.ndarray, float]:
    """Directions (M, 2) azimuth and elevation in degrees, responses (M, 2, taps), their rate."""
    arrays, kinds = _read(path)
    hrirs, rates = arrays["Data.IR"], arrays["Data.SamplingRate"].ravel()
    if hrirs.ndim != 3 or hrirs.shape[1] != 2 or not hrirs.size:
        raise AvtoolsError(
            f"{path}: Data.IR of shape {hrirs.shape}, expected (measurements, 2 ears, taps)"
        )
    if not rates.size or not np.all((rates == rates[0]) & (rates >= 1) & (rates < 1e7)):
        raise AvtoolsError(f"{path}: Data.SamplingRate {rates[:2]}, expected one rate in Hz")
    _check_listener(path, arrays, kinds)
    directions = _directions(path, arrays, kinds, len(hrirs))
    hrirs = _delayed(path, hrirs, arrays.get("Data.Delay", np.zeros((1, 2))), rates[0])
    if _right_ear_first(path, arrays, kinds):
        hrirs = hrirs[:, ::-1]
    return directions, np.ascontiguousarray(hrirs), float(rates[0])


def _text(value: object) -> str:
    """An attribute of text, however its writer stored it."""
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, tuple[str, str]]]:
    """The arrays, and what their numbers are: (type, units) in small letters."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            found = _text(file.attrs.get("SOFAConventions", "not stated"))
            if found != CONVENTION:
                raise AvtoolsError(f"{path}: SOFA convention {found}, expected {CONVENTION}")
            missing = [name for name in REQUIRED if not isinstance(file.get(name), h5py.Dataset)]
            if missing:
                raise AvtoolsError(f"{path}: no {missing[0]}, which {CONVENTION} requires")
            present = [name for name in REQUIRED + OPTIONAL if name in file]
            arrays = {name: np.asarray(file[name][()], float) for name in present}
            words = {name: {k: _text(v) for k, v in file[name].attrs.items()} for name in present}
    except FileNotFoundError as error:
        raise AvtoolsError(f"{path}: no such file or folder") from error
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise AvtoolsError(
            f"{path}: cannot be read as SOFA ({reason(error)}), expected {CONVENTION} in HDF5"
        ) from error
    kinds = {
        name: (has.get("Type", TYPES.get(name, "cartesian")).lower(), has.get("Units", "").lower())
        for name, has in words.items()
    }
    return arrays, kinds


def _cartesian(path: Path, name: str, arrays: dict, kinds: dict) -> np.ndarray:
    """(rows, 3): x, y, z of an array of positions, in metres."""
    spherical = _rows(path, name, arrays)
    if kinds[name][0] == "cartesian":
        return spherical
    azimuth, elevation, distance = _degrees(path, name, spherical, kinds).T
    azimuth, elevation = np.radians(azimuth), np.radians(elevation)
    level = distance * np.cos(elevation)
    return np.stack(
        [level * np.cos(azimuth), level * np.sin(azimuth), distance * np.sin(elevation)], axis=1
    )


def _rows(path: Path, name: str, arrays: dict) -> np.ndarray:
    """(rows, 3); of receivers that move, (R, 3, M), where they first are."""
    values = arrays[name]
    if values.ndim == 3:
        values = values[..., 0]
    if values.ndim != 2 or values.shape[1] != 3 or not np.all(np.isfinite(values)):
        raise AvtoolsError(
            f"{path}: {name} of shape {arrays[name].shape}, expected rows of 3 finite coordinates"
        )
    return values


def _degrees(path: Path, name: str, spherical: np.ndarray, kinds: dict) -> np.ndarray:
    kind, units = kinds[name]
    if kind != "spherical":
        raise AvtoolsError(f"{path}: {name} of type {kind}, expected spherical or cartesian")
    if units.startswith("rad"):
        return np.concatenate([np.degrees(spherical[:, :2]), spherical[:, 2:]], axis=1)
    if units and not units.startswith("deg"):
        raise AvtoolsError(f"{path}: {name} in {units}, expected degree, degree, metre")
    return spherical


def _directions(path: Path, arrays: dict, kinds: dict, count: int) -> np.ndarray:
    """(M, 2) azimuth and elevation of the sources, seen from the listener."""
    name, here = "SourcePosition", np.zeros((1, 3))
    if "ListenerPosition" in arrays:
        here = _cartesian(path, "ListenerPosition", arrays, kinds)
    rows = _rows(path, name, arrays)
    if len(rows) != count or len(here) not in (1, count):
        raise AvtoolsError(f"{path}: {len(rows)} positions of sources, expected {count}")
    if kinds[name][0] != "cartesian" and not here.any():
        return _degrees(path, name, rows, kinds)[:, :2]
    x, y, z = (_cartesian(path, name, arrays, kinds) - here).T
    if not np.all(x**2 + y**2 + z**2):
        raise AvtoolsError(f"{path}: a source where the listener is, expected a distance")
    return np.degrees(np.stack([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))], axis=1))


def _check_listener(path: Path, arrays: dict, kinds: dict) -> None:
    """Directions are the listener's only where the listener looks to the front, head upright."""
    for name, axis in (("ListenerView", (1.0, 0.0, 0.0)), ("ListenerUp", (0.0, 0.0, 1.0))):
        if name in arrays:
            vectors = _cartesian(path, name, arrays, kinds)
            length = np.linalg.norm(vectors, axis=1, keepdims=True)
            if not np.all(length) or not np.allclose(vectors / length, axis, atol=1e-3):
                raise AvtoolsError(f"{path}: {name} {vectors[0]}, expected {axis} throughout")


def _right_ear_first(path: Path, arrays: dict, kinds: dict) -> bool:
    if "ReceiverPosition" not in arrays:
        return False
    ears = _cartesian(path, "ReceiverPosition", arrays, kinds)
    return len(ears) == 2 and ears[0, 1] < ears[1, 1]


def _delayed(path: Path, hrirs: np.ndarray, delay: np.ndarray, rate: float) -> np.ndarray:
    """Each response moved by its own delay in samples, less what all have in common.

    Parts of a sample are turned into phase: exact for whole samples, and for the rest a sinc that
    the `ROOM` on both sides lets ring.
    """
    try:
        delay = np.broadcast_to(delay, hrirs.shape[:2])
    except ValueError:
        raise AvtoolsError(
            f"{path}: Data.Delay of shape {delay.shape}, expected (1, 2) or {hrirs.shape[:2]}"
        ) from None
    delay = delay - delay.min()
    if not delay.max() <= LONGEST_DELAY * rate:
        raise AvtoolsError(f"{path}: Data.Delay up to {delay.max():g} samples, expected under 1 s")
    if not delay.any():
        return hrirs
    length = hrirs.shape[-1] + int(np.ceil(delay.max())) + 2 * ROOM
    spectra = np.fft.rfft(np.pad(hrirs, ((0, 0), (0, 0), (ROOM, 0))), length)
    turns = np.fft.rfftfreq(length) * delay[..., None]
    return np.fft.irfft(spectra * np.exp(-2j * np.pi * turns), length)
