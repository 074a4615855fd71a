"""Head-related impulse responses from a file: SOFA (AES69), or a folder of stereo WAVs.

What leaves is one set on one clock: directions in our degrees (azimuth counter-clockwise seen from
above, +90 left, in (-180, 180]; elevation up), the left ear before the right, at the rate wanted.
"""

import re
from pathlib import Path

import numpy as np

from avtools.errors import AvtoolsError, reason, warn
from avtools.stream.sofa import read_sofa

# `E35_A-45.wav`: elevation 35, azimuth -45. Azimuths grow counter-clockwise, as ours do: in the set
# that brought the name (Google's spatial-media, symmetric cube) A45 is 11.4 dB louder in the left
# channel and reaches it 0.35 ms earlier.
WAV_NAME = re.compile(r"E([+-]?\d+(?:\.\d+)?)_A([+-]?\d+(?:\.\d+)?)\.wav", re.IGNORECASE)
# Longer than any room's response; shorter than the music a folder may hold by mistake.
LONGEST_SECONDS = 10.0
# Samples of silence around a response when it is resampled, where its filter rings.
ROOM = 64
# A correlation across directions below this says that left and right are exchanged.
EXCHANGED = -0.5


def load_hrirs(path: str | Path, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Directions (n, 2) azimuth and elevation in degrees, and responses (n, 2, taps), float64.

    `path` is a SOFA file (SimpleFreeFieldHRIR) or a folder of WAVs named `E<elevation>_A<azimuth>`.
    What all responses share in delay is the file's own; when resampled, a little more.
    """
    path = Path(path)
    directions, hrirs, own_rate = _read_folder(path) if path.is_dir() else read_sofa(path)
    directions = _checked(path, directions, hrirs)
    _warn_of_exchanged_sides(path, directions, hrirs)
    return directions, _resampled(hrirs, own_rate, rate)


def _checked(path: Path, directions: np.ndarray, hrirs: np.ndarray) -> np.ndarray:
    """The directions with azimuths in (-180, 180]."""
    if not np.all(np.isfinite(directions)) or np.any(np.abs(directions[:, 1]) > 90 + 1e-6):
        raise AvtoolsError(f"{path}: elevations beyond 90 degrees or directions that are no number")
    if len(directions) < 4:
        raise AvtoolsError(f"{path}: {len(directions)} directions, expected at least 4")
    if not np.all(np.isfinite(hrirs)):
        raise AvtoolsError(f"{path}: responses with NaN or infinity, expected finite numbers")
    silent = ~np.any(hrirs, axis=(1, 2))
    if silent.any():
        azimuth, elevation = directions[silent.argmax()]
        raise AvtoolsError(
            f"{path}: a silent response at azimuth {azimuth:g}, elevation {elevation:g},"
            " expected an impulse response for each direction"
        )
    azimuth, elevation = directions.T
    return np.stack([180 - (180 - azimuth) % 360, np.clip(elevation, -90, 90)], axis=1)


def _read_folder(folder: Path) -> tuple[np.ndarray, np.ndarray, float]:
    """Directions (n, 2), responses (n, 2, taps) with zeros behind the shorter, their rate."""
    found = [(WAV_NAME.fullmatch(file.name), file) for file in sorted(folder.iterdir())]
    files = [(match, file) for match, file in found if match]
    if not files:
        raise AvtoolsError(
            f"{folder}: no head-related responses, expected stereo WAVs named"
            " E<elevation>_A<azimuth>.wav, as E35_A-45.wav, or a SOFA file"
        )
    directions = [(float(match[2]), float(match[1])) for match, _ in files]
    for (azimuth, elevation), (_, file) in zip(directions, files, strict=True):
        if abs(azimuth) > 360 or abs(elevation) > 90:
            raise AvtoolsError(
                f"{file}: expected an azimuth within 360 degrees, elevation within 90"
            )
    sounds = [_read_stereo(file) for _, file in files]
    rates = [rate for _, rate in sounds]
    for (_, file), rate in zip(files, rates, strict=True):
        if rate != rates[0]:
            raise AvtoolsError(f"{file}: {rate} Hz, expected {rates[0]} Hz as {files[0][1].name}")
    longest = max(len(samples) for samples, _ in sounds)
    padded = [np.pad(samples, ((0, longest - len(samples)), (0, 0))).T for samples, _ in sounds]
    return np.array(directions), np.array(padded), float(rates[0])


def _read_stereo(file: Path) -> tuple[np.ndarray, int]:
    import soundfile

    try:
        with soundfile.SoundFile(file) as sound:
            if sound.channels != 2:
                raise AvtoolsError(f"{file}: {sound.channels} channels, expected 2 (left, right)")
            if not 0 < sound.frames <= LONGEST_SECONDS * sound.samplerate:
                raise AvtoolsError(
                    f"{file}: {sound.frames / sound.samplerate:g} s of sound, expected an impulse"
                    f" response of at most {LONGEST_SECONDS:g} s"
                )
            return sound.read(dtype="float64", always_2d=True), sound.samplerate
    except (OSError, soundfile.LibsndfileError) as error:
        raise AvtoolsError(f"{file}: cannot be read as a WAV file ({reason(error)})") from error


def _resampled(hrirs: np.ndarray, own_rate: float, rate: float) -> np.ndarray:
    if own_rate == rate:
        return hrirs
    import soxr

    directions, ears, _ = hrirs.shape
    rows = np.pad(hrirs, ((0, 0), (0, 0), (ROOM, ROOM))).reshape(directions * ears, -1)
    # Sixty-four at a time stay in the cache.
    groups = [rows[i : i + 64].T for i in range(0, len(rows), 64)]
    made = [soxr.resample(np.ascontiguousarray(x), own_rate, rate, quality="HQ") for x in groups]
    # A filter's gain is the sum of its taps: more taps a second must each be smaller.
    out = np.concatenate([x.T for x in made]) * (own_rate / rate)
    return out.reshape(directions, ears, -1)


def _warn_of_exchanged_sides(path: Path, directions: np.ndarray, hrirs: np.ndarray) -> None:
    """A source on the left must be louder in the left ear, and reach it first.

    Held for all directions at once: the correlation between how far left each lies (our y) and how
    much louder, or earlier, its left response is.
    """
    azimuth, elevation = np.radians(directions).T
    leftness = np.sin(azimuth) * np.cos(elevation)
    size = np.abs(hrirs)
    energy = np.maximum((size**2).sum(axis=-1), 1e-30)
    louder = 10 * np.log10(energy[:, 0] / energy[:, 1])
    # The first tap that reaches half of the response's peak.
    arrival = np.argmax(size >= size.max(axis=-1, keepdims=True) / 2, axis=-1)
    earlier = (arrival[:, 1] - arrival[:, 0]).astype(float)
    for cue, words in ((louder, "are louder in"), (earlier, "arrive first at")):
        scale = np.sqrt((leftness @ leftness) * (cue @ cue))
        if scale > 0 and leftness @ cue / scale < EXCHANGED:
            warn(
                f"{path}: sources on the left {words} the right ear:"
                " the ears, or the signs of the azimuths, seem to be exchanged"
            )
            return
