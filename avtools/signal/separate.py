"""What the picture shows out of what the microphones heard, window by window.

In stretches of SPAN seconds: two places that sound comes from (two_places.py) say how much of the
sound each of them has at any time; from there on two sounds and a noise are told apart by their
spectra and how they arrive (low_rank.py); and the one that goes with what moves is the pictured one
(pictured.py). Stretches overlap: the sounds of one are known again in the next by what they have
in common, evidence adds up, and one fades into the other.

Where it is not clear which of the two sounds is seen, each is given its share: a wrong answer costs
more than half a right one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from avtools.dsp.stft import fast_size, hann
from avtools.signal import low_rank
from avtools.signal.field_images import field_images
from avtools.signal.pictured import ALL_ROUND, CHANCE, evidence, far_off, followed, levels_of
from avtools.signal.stretches import STEP, stretches
from avtools.signal.synchrony import quick
from avtools.signal.two_places import Azimuths, Delays, owned, rising, two_ways

WINDOW_SECONDS = 0.064
# Bins up to here are modelled in full; those above follow their loudness.
MODELLED_HERTZ = 4000.0
ROUNDS_ABOVE = 6
# Spectra of each sound. It is not known how many it has, and where a fit ends depends on where it
# began: the mean of several is nearer to the truth than one of them.
SPECTRA = (8, 12)
# What is owned by rise and fall alone has this weight beside them.
MASK = 0.1
# Evidence of this much makes an answer e times as likely; of the past this part stays.
SURE, KEEP = 0.04, 0.7
# Sounds whose levels go together like this are one sound and its echoes.
ONE_SOUND = 0.4


@dataclass(frozen=True)
class Wish:
    """What is known of sound and pictures."""

    is_field: bool = False  # first-order AmbiX, not stereo
    is_360: bool = False  # a picture of everything around
    fov: float = 75.0  # degrees, of other pictures
    is_placed: bool = True  # a thing is seen where it is heard; not so in pictures cut out
    at: float | None = None  # what is meant lies here, a share of the picture's width


@dataclass
class Stretch:
    """Two sounds that were told apart, and the noise that was left out."""

    sounds: np.ndarray  # (2, channels, samples)
    ways: np.ndarray  # (2, windows)
    power: np.ndarray  # (2, windows)
    hop_seconds: float

    def exchanged(self) -> "Stretch":
        return Stretch(self.sounds[::-1], self.ways[::-1], self.power[::-1], self.hop_seconds)

    def is_one(self, ticks: int) -> bool:
        """Whether both are parts of one sound: their levels rise and fall together."""
        levels = quick(np.sqrt(levels_of(self.power, self.hop_seconds, ticks)))
        size = np.sqrt((levels**2).sum(axis=0).prod())
        return bool(size > 0 and (levels[:, 0] * levels[:, 1]).sum() / size > ONE_SOUND)


def told_apart(x: np.ndarray, rate: int, is_field: bool) -> Stretch:
    """The two sounds in `x` (channels, samples): stereo, or first-order AmbiX with `is_field`."""
    size = fast_size(max(64, round(WINDOW_SECONDS * rate)))
    hop = size // 2
    spectra = _spectra(x, size)
    level = np.sqrt((np.abs(spectra) ** 2).mean())
    windows = spectra.shape[1]
    if not level > 0:
        return Stretch(
            np.zeros((2, *x.shape), np.float32), np.zeros((2, windows)), np.zeros((2, windows)),
            hop / rate,
        )  # fmt: skip
    spectra /= level
    hertz = np.arange(hop + 1) * (rate / size)
    low = slice(0, max(8, int((hertz <= MODELLED_HERTZ).sum())))
    kind = Azimuths if is_field else Delays
    places, above = kind(hertz[low]), kind(hertz[low.stop :])
    modelled = spectra[:, :, low]
    seen, weights = places.seen(modelled), rising(modelled)
    ways = two_ways(places, seen, weights)
    power = (np.abs(modelled) ** 2).sum(axis=0)
    mask = owned(places, seen, ways, power, weights + 0.3 * np.sqrt(power))
    images = _images(places, above, spectra, ways, mask)
    sounds = np.stack([_sound(i * level, size, x.shape[1]) for i in images])
    power = np.stack([(np.abs(i) ** 2).mean(axis=(0, 2)) for i in images])
    return Stretch(sounds, ways, power, hop / rate)


def _spectra(x: np.ndarray, size: int) -> np.ndarray:
    """(channels, windows, bins): the middle of window k is sample k * size / 2."""
    hop = size // 2
    count = -(-x.shape[1] // hop) + 1
    padded = np.zeros((len(x), (count + 1) * hop), np.float32)
    padded[:, hop : hop + x.shape[1]] = x
    windows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, ::hop]
    return np.fft.rfft(windows * np.sqrt(hann(size)), axis=2).astype(np.complex64)


def _sound(spectra: np.ndarray, size: int, samples: int) -> np.ndarray:
    """Back to (channels, samples)."""
    hop = size // 2
    pieces = np.fft.irfft(spectra, n=size, axis=2) * np.sqrt(hann(size))
    made = np.zeros((len(spectra), (pieces.shape[1] + 1) * hop), np.float32)
    made[:, :-hop] += pieces[:, :, :hop].reshape(len(spectra), -1)
    made[:, hop:] += pieces[:, :, hop:].reshape(len(spectra), -1)
    return made[:, hop : hop + samples]


def _images(places, above, spectra, ways, mask) -> np.ndarray:
    """Spectra (2, channels, windows, bins) of the two sounds; `mask` is of the lower bins."""
    split = len(places.hertz)
    x, high = places.looks(spectra[:, :, :split], ways), spectra[:, :, split:]
    power = (np.abs(spectra[:, :, :split]) ** 2).sum(axis=0)
    total = power.sum(axis=1)
    share = np.clip((power * mask).sum(axis=1) / np.maximum(total, low_rank.TINY), 0.02, 0.98)
    loud = total / split * np.stack([share, 1 - share])
    models = []
    for count in SPECTRA:
        parts = low_rank.start(x, loud, _arrivals(places, ways), places.turns(ways), count)
        parts.refine(x)
        models.append(parts)
    sides = [_mean_images(models, spectra[:, :, :split], x, ways, mask)]
    above_mask = np.repeat(share[:, None], high.shape[2], axis=1)
    if len(above.hertz):
        looks = above.looks(high, ways)
        models = [_above(above, m, looks, ways) for m in models]
        sides.append(_mean_images(models, high, looks, ways, above_mask))
    mask = np.concatenate([mask, above_mask], axis=1)
    masked = np.stack([mask, 1 - mask]).astype(np.float32)[:, None] * spectra
    return (1 - MASK) * np.concatenate(sides, axis=3) + MASK * masked


def _mean_images(models, spectra, looks, ways, mask) -> np.ndarray:
    """What several fits agree in, (2, channels, windows, bins)."""
    if len(spectra) == 4:
        powers = [m.powers_owned(mask) for m in models]
        mean = [sum(p) / len(models) for p in zip(*powers, strict=True)]
        return np.stack(field_images(spectra, mean, ways))
    return sum(np.stack(m.images(looks, mask)[:2]) for m in models) / len(models)


def _arrivals(places, ways) -> np.ndarray:
    both = np.repeat(places.coherence(ways)[:, None], len(places.hertz), axis=1)
    return np.concatenate([both, places.diffuse()[None]])


def _above(above, parts, looks, ways) -> low_rank.Parts:
    """The parts in bins that are not modelled in full: their loudness is known."""
    power = (np.abs(looks) ** 2).mean(axis=(0, 1))[:, None] + low_rank.QUIET
    level = sum(float(h.mean()) * len(h) for h in parts.loudness)
    turns = above.turns(ways)
    top = low_rank.Parts(
        [np.repeat(power / level, len(h), axis=1).astype(np.float32) for h in parts.loudness],
        list(parts.loudness),
        np.array(_arrivals(above, ways), np.complex64),
        [None, None, None] if turns is None else [*turns, None],
    )
    top.refine(looks, ROUNDS_ABOVE, keep_loudness=True)
    return top


@dataclass
class Found:
    """What came of it, for the user to be told."""

    synchrony: float = 0.0  # the best correlation of any sound with any movement
    certainty: float = 0.0  # the mean of |2 p - 1|: 1 where it was always clear which sound is seen
    count: int = 0
    is_silent: bool = True

    def add(self, best: float, shares: np.ndarray, is_silent: bool) -> None:
        self.is_silent = self.is_silent and is_silent
        self.synchrony = max(self.synchrony, best)
        self.certainty += (abs(2 * shares[0] - 1) - self.certainty) / (self.count + 1)
        self.count += 1

    @property
    def is_seen(self) -> bool:
        return self.synchrony > CHANCE


def separate_blocks(
    blocks: Iterable[np.ndarray],
    rate: int,
    seen: list[Iterable[np.ndarray]],
    wish: Wish,
    found: Found | None = None,
) -> Iterator[np.ndarray]:
    """Blocks (pictures + 1, channels, samples): what each picture shows, and the rest.

    All of them add up to what came in, and are as long.

    `seen`: the movement of one picture, or of two that show one sound each.
    """
    if len(seen) not in (1, 2):
        raise ValueError(f"{len(seen)} pictures, expected one or two")
    last, past, tail, is_seen = None, np.zeros(2), None, False
    for x, movements, is_last in stretches(blocks, rate, *seen):
        now = told_apart(x, rate, wish.is_field)
        if last is not None and _is_exchanged(last, now, STEP * rate):
            now = now.exchanged()
        scores, best = _scores(now, movements, wish)
        past = KEEP * past + scores
        is_seen = is_seen or best > CHANCE
        shares = _shares(past if is_seen else None, now, len(movements[0]), len(seen))
        if found is not None:
            found.add(best, shares, not x.any())
        made = _mixed(now.sounds, shares, len(seen))
        made, tail = _faded(made, tail, None if is_last else STEP * rate)
        rest = x[:, : made.shape[2]] - made.sum(axis=0)
        yield np.concatenate([made, rest[None]])
        last = now


def _scores(now: Stretch, movements: list[np.ndarray], wish: Wish) -> tuple[np.ndarray, float]:
    """How much says that the first picture shows this sound, (2,); and the best correlation."""
    total, best = np.zeros(2), 0.0
    for k, movement in enumerate(movements):
        ticks, _, columns = movement.shape
        if not columns:
            continue
        levels = levels_of(now.power, now.hop_seconds, ticks)
        far, is_round = None, wish.is_field and wish.is_360
        if wish.is_placed and not wish.is_field and not wish.is_360:
            far = far_off(now.ways, columns, wish.fov)
        scores, one = evidence(movement, levels, far, wish.at)
        if wish.is_placed and is_round and wish.at is None:
            along = followed(movement, levels, now.ways, now.hop_seconds)
            scores = ALL_ROUND * scores + along
        total += scores if k == 0 else scores[::-1]
        best = max(best, one)
    return total, best


def _shares(past: np.ndarray | None, now: Stretch, ticks: int, pictures: int) -> np.ndarray:
    """How much of each sound the first picture gets, (2,), 0 to 1.

    `past` is what speaks for each, up to now; None while nothing in the picture went with any.
    """
    if pictures == 1 and now.is_one(ticks):
        return np.ones(2)
    power = now.power.sum(axis=1)
    if past is None:
        return (power == power.max()).astype(float)
    first = 1 / (1 + np.exp(-np.clip((past[0] - past[1]) / SURE, -50, 50)))
    return np.array([first, 1 - first])


def _mixed(sounds: np.ndarray, shares: np.ndarray, pictures: int) -> np.ndarray:
    weights = np.stack([shares, 1 - shares])[:pictures]
    return np.tensordot(weights, sounds, 1).astype(np.float32)


def _is_exchanged(last: Stretch, now: Stretch, step: int) -> bool:
    """Whether the first of both is rather the second of the other, where they overlap."""
    count = last.sounds.shape[2] - step
    before = last.sounds[:, :, step:].reshape(2, -1)
    after = now.sounds[:, :, :count].reshape(2, -1)
    common = before @ after.T
    return bool(common[0, 1] + common[1, 0] > common[0, 0] + common[1, 1])


def _faded(made: np.ndarray, tail: np.ndarray | None, step: int | None):
    """What is finished, and what must wait until the next stretch fades in over it."""
    if tail is not None:
        count = tail.shape[-1]
        rise = (np.arange(count, dtype=np.float32) + 0.5) / count
        made = made.copy()
        made[..., :count] = made[..., :count] * rise + tail * (1 - rise)
    if step is None:
        return made, None
    return made[..., :step], made[..., step:]
