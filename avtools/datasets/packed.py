"""A clip ready for a shard: its pictures as JPEGs, its sound as FLAC, and what is known of it.

Beside what is handed in, the JSON of a clip holds
- `key`;
- `picture`: `fps`, `width`, `height`, and of each JPEG its `times` (seconds on the clock of the
  sound, whose first sample is 0), `offsets` in the mjpg (one more than there are JPEGs) and `crc`;
- `sound`: `rate`, `channels`, `samples`, `bits`, `crc`.
"""

import io
import json
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from avtools.datasets import jpeg
from avtools.datasets.tar import END, member_name, read_clips, write_clip
from avtools.errors import reason
from avtools.stream.outputs import whole

OURS = ("key", "picture", "sound")
BITS = {16: "PCM_16", 24: "PCM_24"}
MOST_CHANNELS = 8


@dataclass(frozen=True)
class Packed:
    """One clip, encoded."""

    key: str
    jpegs: Sequence[bytes]
    times: Sequence[float]  # of each JPEG: seconds from the first sample on, rising
    flac: bytes
    meta: Mapping[str, Any]  # source, channel, convention, window, labels, figures …

    def text(self) -> bytes:
        """The clip's JSON; equal clips make equal bytes."""
        taken = [name for name in OURS if name in self.meta]
        if taken:
            raise ValueError(f"{self.key}: meta holds {taken[0]}, a name the shard itself writes")
        try:
            facts = {"key": self.key, "picture": self._picture(), "sound": sound_facts(self.flac)}
            known = {**self.meta, **facts}
            return json.dumps(
                known, default=_plain, allow_nan=False, sort_keys=True, separators=(",", ":")
            ).encode()
        except (ValueError, TypeError) as error:
            raise ValueError(f"{self.key}: {reason(error)}") from error

    def _picture(self) -> dict:
        times = [float(t) for t in self.times]
        if not times or len(times) != len(self.jpegs):
            raise ValueError(f"{len(self.jpegs)} pictures and {len(times)} times")
        if not all(map(math.isfinite, times)) or any(b <= a for a, b in pairwise(times)):
            raise ValueError("times of pictures that do not rise")
        shapes = {jpeg.shape(data) for data in self.jpegs}
        if len(shapes) > 1:
            raise ValueError(f"pictures of {len(shapes)} sizes, expected one")
        ((height, width),) = shapes
        return {
            "fps": _rate_of(times),
            "width": width,
            "height": height,
            "times": times,
            "offsets": list(accumulate(map(len, self.jpegs), initial=0)),
            "crc": [zlib.crc32(data) for data in self.jpegs],
        }

    def save(self, path: str | Path) -> None:
        """As a tar of this clip alone, whole or not at all: `Packed.load` reads it back."""
        text = self.text()
        with whole(path) as part, open(part, "wb") as out:
            write_clip(out, member_name(self.key), self.flac, text, self.jpegs)
            out.write(END)

    @classmethod
    def load(cls, path: str | Path) -> "Packed":
        clips = [members for _, _, members in read_clips(path)]
        if len(clips) != 1:
            raise ValueError(f"{path}: {len(clips)} clips, expected one packed clip")
        return unpacked(*clips[0], where=str(path))


def unpacked(flac: bytes, text: bytes, mjpg: bytes, where: str) -> Packed:
    """The clip of three members of a tar, its checksums held."""
    try:
        known = json.loads(text)
        picture, key = known.pop("picture"), known.pop("key")
        jpegs = [mjpg[a:b] for a, b in pairwise(picture["offsets"])]
        sums = [*map(zlib.crc32, jpegs), zlib.crc32(flac)]
        if sums != [*picture["crc"], known.pop("sound")["crc"]]:
            raise ValueError(f"{key}: damaged: its checksums differ")
        return Packed(key, jpegs, picture["times"], flac, known)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{where}: not a packed clip ({reason(error)})") from error


def sound_facts(flac: bytes) -> dict:
    """What the shard says of a FLAC."""
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(flac)) as sound:
            if sound.format != "FLAC" or not 0 < sound.frames < 2**32:
                raise ValueError(f"{sound.frames} samples of {sound.format}, expected FLAC")
            return {
                "rate": sound.samplerate,
                "channels": sound.channels,
                "samples": sound.frames,
                "bits": {name: bits for bits, name in BITS.items()}.get(sound.subtype),
                "crc": zlib.crc32(flac),
            }
    except soundfile.LibsndfileError as error:
        raise ValueError(f"its sound cannot be read as FLAC ({reason(error)})") from error


def _rate_of(times: list[float]) -> float:
    """Frames a second: 6 rather than 5.999999, 30000/1001 rather than 29.97003."""
    if len(times) < 2:
        return 1.0
    return float(Fraction((len(times) - 1) / (times[-1] - times[0])).limit_denominator(1001))


def _plain(value):
    """numpy's numbers, and paths, as JSON has them."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} in meta, expected what JSON can hold")


def pack(
    key: str,
    frames: Iterable[np.ndarray],
    fps: float,
    sound: np.ndarray,
    rate: int,
    meta: Mapping[str, Any],
    *,
    first: float = 0.0,
    size: jpeg.Size = 256,
    quality: int = jpeg.QUALITY,
    new_rate: int | None = None,
    bits: int = 16,
) -> Packed:
    """Encode a clip: RGB uint8 frames (height, width, 3) and sound (channels, samples) within ±1.

    Frame k is shown from `first` + k / `fps` on. A number as `size` is the shorter side, to which
    larger pictures are shrunk and smaller ones are not blown up; (width, height) is made exactly.
    """
    if not 0 < fps < math.inf:
        raise ValueError(f"{key}: {fps} frames a second, expected more than 0")
    try:
        jpegs = [jpeg.encode(frame, _at_most(frame, size), quality) for frame in frames]
        if new_rate is not None and new_rate != rate:
            sound, rate = _resampled(sound, rate, new_rate), new_rate
        flac = encode_sound(sound, rate, bits)
    except ValueError as error:
        raise ValueError(f"{key}: {reason(error)}") from error
    step = Fraction(fps).limit_denominator(100_000)
    times = [first + float(k / step) for k in range(len(jpegs))]
    return Packed(key, jpegs, times, flac, dict(meta))


def _at_most(frame: np.ndarray, size: jpeg.Size) -> jpeg.Size:
    is_side = isinstance(size, int | np.integer)
    return None if is_side and min(frame.shape[:2]) <= size else size


def _resampled(sound: np.ndarray, old: int, new: int) -> np.ndarray:
    from avtools.stream.resample import resample_blocks

    blocks = [np.zeros((len(sound), 0), np.float32)]
    blocks += resample_blocks([sound.astype(np.float32, copy=False)], old, new)
    return np.concatenate(blocks, axis=1)


def encode_sound(sound: np.ndarray, rate: int, bits: int = 16) -> bytes:
    """(channels, samples) as FLAC; what is beyond ±1 is clipped."""
    import soundfile

    if bits not in BITS:
        raise ValueError(f"{bits} bits, expected 16 or 24")
    if sound.ndim != 2 or not 1 <= len(sound) <= MOST_CHANNELS:
        raise ValueError(f"sound of shape {sound.shape}: FLAC holds 1 to {MOST_CHANNELS} channels")
    if not np.issubdtype(sound.dtype, np.floating):
        raise ValueError(f"sound as {sound.dtype}, expected floating-point numbers within ±1")
    if not sound.shape[1] or not np.isfinite(sound).all():
        raise ValueError("sound without samples, or with NaN or infinite ones")
    data = io.BytesIO()
    try:
        soundfile.write(data, sound.T, int(rate), format="FLAC", subtype=BITS[bits])
    except soundfile.LibsndfileError as error:
        raise ValueError(f"FLAC cannot hold it at {rate} Hz ({reason(error)})") from error
    return data.getvalue()
