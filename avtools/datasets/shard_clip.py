"""One clip of an open shard: held against its index, and a window of it decoded."""

import contextlib
import io
import json
import os
import zlib
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

import numpy as np

from avtools.datasets import jpeg
from avtools.datasets.tar import BLOCK, SUFFIXES, is_header, member_name, places
from avtools.errors import reason

SLACK = 1e-6  # seconds: less than any picture or sample lasts, more than numbers are rounded by
AROUND = 1024  # samples beyond a window that another rate's filter may look at


class Damaged(ValueError):
    """A clip that can't be read as its index says."""


@contextlib.contextmanager
def naming(where: str) -> Iterator[None]:
    """What goes wrong inside is a `Damaged` that names the shard and the clip."""
    try:
        yield
    except Damaged as error:
        raise Damaged(f"{where}: {error}") from error.__cause__
    except (OSError, ValueError, KeyError, IndexError, TypeError, RuntimeError) as error:
        raise Damaged(f"{where}: cannot be read ({reason(error)})") from error


class Tar:
    """A tar opened for reading, closed when nobody holds it any more."""

    def __init__(self, path: str, size: int):
        self._close = os.close
        self._fd = None
        self._fd = os.open(path, os.O_RDONLY)
        found = os.fstat(self._fd).st_size
        if found != size:
            raise Damaged(
                f"the tar has {found} bytes, its index is of one of {size}: cut off, or another's"
            )

    def read(self, size: int, offset: int) -> bytes:
        data = os.pread(self._fd, size, offset)
        while len(data) < size:  # Linux gives 2 GiB at the most, a network file system less
            more = os.pread(self._fd, size - len(data), offset + len(data))
            if not more:
                raise Damaged("the tar ends too early")
            data += more
        return data

    def __del__(self):
        if self._fd is not None:
            self._close(self._fd)


def ticks(start: float, seconds: float, fps: float) -> np.ndarray:
    """The times at which a window shows frames: start + k / fps, before its end."""
    count = max(1, int(np.ceil((seconds - SLACK) * fps)))
    return start + np.arange(count) / fps


class Clip:
    """A clip of a tar, by its record in the index; `known` is its JSON."""

    def __init__(self, tar: Tar, row: np.void, key: str):
        self._tar = tar
        sizes, offset = [int(row[suffix]) for suffix in SUFFIXES], int(row["offset"])
        starts, _ = places(0, sizes)
        head = tar.read(starts[-1], offset)  # all but the pictures, which lie last
        for suffix, start, size in zip(SUFFIXES, starts, sizes, strict=True):
            name = f"{member_name(key)}.{suffix}".encode("utf-8", "surrogatepass")
            if not is_header(head[start - BLOCK : start], name, size):
                raise Damaged(f"something else stands in the tar where the index has its {suffix}")
        self._flac = head[starts[0] : starts[0] + sizes[0]]
        text = head[starts[1] : starts[1] + sizes[1]]
        if zlib.crc32(text) != row["crc"]:
            raise Damaged("its JSON is damaged: the checksum differs")
        self.known = json.loads(text)
        self._mjpg = offset + starts[-1]
        self._samples, self._rate = int(row["samples"]), int(row["rate"])

    def told(self) -> dict:
        """The JSON without the lists that only say how to read it."""
        lists = ("offsets", "times", "crc")
        short = {
            name: {k: v for k, v in self.known[name].items() if k not in lists}
            for name in ("picture", "sound")
        }
        return self.known | short

    def see(self, times: np.ndarray, out: np.ndarray) -> None:
        """Fill `out` with the frames shown at these times, which rise; each is decoded once."""
        picture = self.known["picture"]
        shown = np.searchsorted(picture["times"], times + SLACK, "right") - 1
        shown = np.maximum(shown, 0)
        offsets = picture["offsets"]
        base = offsets[shown[0]]
        data = self._tar.read(offsets[shown[-1] + 1] - base, self._mjpg + base)
        spans = [slice(a - base, b - base) for a, b in pairwise(offsets)]
        for k, frame in enumerate(shown):
            if k and frame == shown[k - 1]:
                out[k] = out[k - 1]
                continue
            one = data[spans[frame]]
            if zlib.crc32(one) != picture["crc"][frame]:
                raise Damaged(f"its picture {frame} is damaged: the checksum differs")
            jpeg.decode_into(one, out[k])

    def hear(self, start: float, seconds: float, rate: int) -> np.ndarray:
        """(channels, samples) float32 at this rate, from the sample nearest to `start` on."""
        if zlib.crc32(self._flac) != self.known["sound"]["crc"]:
            raise Damaged("its sound is damaged: the checksum differs")
        first, count = round(start * rate), max(1, round(seconds * rate))
        if rate != self._rate:
            return self._hear_at(rate, first, count)
        # Rounding both may point half a sample behind the end.
        return self._decoded(min(first, self._samples - count), count)

    def _decoded(self, first: int, count: int) -> np.ndarray:
        import soundfile

        with soundfile.SoundFile(io.BytesIO(self._flac)) as sound:
            sound.seek(first)
            x = sound.read(count, dtype="float32", always_2d=True)
        if len(x) != count:
            raise Damaged(f"{len(x)} samples of sound instead of {count}")
        return np.ascontiguousarray(x.T)

    def _hear_at(self, rate: int, first: int, count: int) -> np.ndarray:
        """Those samples that all of the clip's sound, resampled, would have.

        Decoding starts where a sample of the one rate and one of the other fall together.
        """
        import soxr

        ratio = Fraction(rate, self._rate)
        around = int(AROUND * max(1, 1 / ratio))
        together = ratio.denominator  # so many samples of the clip last as numerator new ones
        begin = max(0, (int(first / ratio) - around) // together * together)
        end = min(self._samples, int((first + count) / ratio) + 1 + around)
        x = soxr.resample(self._decoded(begin, end - begin).T, self._rate, rate, quality="HQ")
        skip = first - begin // together * ratio.numerator
        y = np.zeros((x.shape[1], count), np.float32)
        found = x[skip : skip + count].T  # the clip's end may lack half a sample
        y[:, : found.shape[1]] = found
        return y
