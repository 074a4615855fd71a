"""What tools that look and listen share."""

import numpy as np

from avtools.errors import AvtoolsError, warn

# A channel is dead whose power is this share of the loudest one's, or less: 60 dB.
DEAD = 1e-6
# A sound field has as much power in X, Y and Z together as in W. Where they come to this share of
# it, a silent one means that nothing sounds there; else its microphone is missing.
WHOLE = 0.9
LEAST_RATE = 4000  # Hz: below, nothing is left of what tells places
NAMES = {2: ("left", "right"), 4: ("W", "Y", "Z", "X")}


def even_rate(sound):
    """The sound at a rate that has whole ticks: nearly all have."""
    from avtools.signal.motion import TICKS

    if sound.rate < LEAST_RATE:
        raise AvtoolsError(f"{sound.name}: {sound.rate} Hz, expected at least {LEAST_RATE}")
    if sound.rate % TICKS == 0:
        return sound
    from avtools.stream.resample import resampled

    return resampled(sound, 48_000)


class Powers:
    """How much each channel holds, of stereo or AmbiX: one that is dead makes false places."""

    def __init__(self):
        self.sums, self.difference = np.zeros(1), 0.0

    def watch(self, blocks):
        for x in blocks:
            power = np.einsum("ct,ct->c", x, x, dtype=np.float64)
            if not np.isfinite(power).all():
                power = (np.nan_to_num(x.astype(np.float64), posinf=0, neginf=0) ** 2).sum(axis=1)
            self.sums = self.sums + power
            if len(x) == 2:
                apart = np.nan_to_num(x[0].astype(np.float64) - x[1])
                self.difference += apart @ apart
            yield x

    def dead(self) -> list[int]:
        """Silent beside others that sound. Z may be: many a sound field has no height."""
        silent = self.sums <= DEAD * self.sums.max()
        if len(silent) < 2 or silent.all():
            return []
        if len(silent) == 2 or silent[0]:
            return [c for c in range(len(silent)) if silent[c]]
        is_whole = self.sums[1:].sum() >= WHOLE * self.sums[0]
        return [] if is_whole else [c for c in (1, 3) if silent[c]]

    def mislead(self, name: str) -> bool:
        """Whether a channel is dead, or both are one, which is said."""
        dead = self.dead()
        if len(self.sums) == 2 and self.difference <= DEAD * self.sums.max() > 0:
            warn(f"{name}: both channels are the same: where sounds come from can't be told")
            return True
        if dead:
            which = " and ".join(NAMES[len(self.sums)][c] for c in dead)
            warn(f"{name}: dead channel {which}: where sounds come from can't be told")
        return bool(dead)


class Drawing:
    """A picture for --plot that can only be made when all is known."""

    def show(self, picture) -> None:
        self.picture = picture

    def save(self, path: str) -> None:
        self.picture.save(path)
