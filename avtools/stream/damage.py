"""How much of a file a decoder could make nothing of, for those who must know.

Decoders go on after damage, and we warn and use what there is: that is what a viewer wants. Inside
`with counted(begin, end) as damage` it is counted as well, in what is decoded there: packets that
are refused, frames that the decoder itself calls damaged (it hides holes in them), and times for
which nothing came, where a container passed over what it could not read.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Damage:
    begin: float  # seconds on the file's own clock: what is before and after does not count
    end: float
    gap: float  # seconds: a longer time without a frame is a hole
    decoded: int = 0  # packets and frames, whole or damaged
    damaged: int = 0
    lost_seconds: float = 0.0
    last: float | None = None  # the time of the latest frame

    def met(self, time: float | None, is_damaged: bool, is_frame: bool) -> None:
        if is_frame and time is not None:
            if self.last is not None and time - self.last > self.gap:
                self.lost_seconds += max(0.0, min(time, self.end) - max(self.last, self.begin))
            self.last = time
        if time is None or self.begin <= time < self.end:
            self.decoded += 1
            self.damaged += is_damaged


_counting: ContextVar[Damage | None] = ContextVar("damage", default=None)


@contextlib.contextmanager
def counted(begin: float, end: float, gap: float = 1.0) -> Iterator[Damage]:
    """What decoders meet in this block, from `begin` to `end` of the one stream that is decoded."""
    damage = Damage(begin, end, gap)
    token = _counting.set(damage)
    try:
        yield damage
    finally:
        _counting.reset(token)


def note_packet(packet) -> None:
    """A packet that the decoder refused."""
    if (damage := _counting.get()) is not None:
        known = packet is not None and packet.pts is not None and packet.time_base
        damage.met(float(packet.pts * packet.time_base) if known else None, True, False)


def note_frame(frame, time: float | None) -> None:
    """A frame that came out."""
    if (damage := _counting.get()) is not None:
        damage.met(time, bool(frame.is_corrupt), True)
