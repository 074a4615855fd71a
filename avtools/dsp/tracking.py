"""Identities over time: which of the directions now are the sources that were there before."""

from dataclasses import dataclass

import numpy as np

from avtools.dsp.sphere import angle_between

# Degrees that a source may move from row to row, and may lie beside where it was last heard.
GATE = 20.0
# Two tracks that have come so close, 10 degrees, are one.
SAME = np.cos(np.deg2rad(10.0))
# Seconds over which directions are averaged, each by the direct sound that speaks for it.
SETTLING = 0.2
# Seconds over which it is known how much direct sound there usually is.
USUAL = 5.0
# Seconds for which a silent source keeps its identity.
PATIENCE = 20.0


@dataclass(eq=False)
class Track:
    direction: np.ndarray
    mass: float = 0.0  # direct sound behind the direction, fading
    evidence: float = 0.0  # running mean of the share
    silent: float = 0.0  # seconds since
    identity: int = 0  # from 1 on; 0: not yet sure


@dataclass(frozen=True)
class Source:
    identity: int
    direction: np.ndarray  # unit vector
    confidence: float


@dataclass
class Tracker:
    """Peaks of direct sound row after row in, sources out.

    A track becomes a source when its share is beyond what chance can reach in a window, or when it
    stays: evidence is the running mean of its shares, and chance wanders. Confidence is the
    geometric mean of two figures from 0 to 1: its share of the direct sound now, and its amount of
    direct sound against the usual amount of all.
    """

    hop: float  # seconds between rows
    memory: float  # seconds over which evidence is gathered: some windows
    birth: float = 0.08  # share that may begin a track
    sure: float = 0.08  # evidence that makes it a source
    most: int | None = None  # sources at a time

    def __post_init__(self):
        self.tracks: list[Track] = []
        self.identities = 0
        self.usual = 0.0

    def add(
        self, directions: np.ndarray, shares: np.ndarray, total: float, chance: float = 0.0
    ) -> list[Source]:
        """The sources among directions `(n, 3)` with shares `(n,)` of `total` direct sound.

        `chance`: the share that sound from nowhere reaches in such a window.
        """
        if not self.usual:
            self.usual = total
        # One loud onset is not what is usual.
        self.usual += min(1.0, self.hop / USUAL) * (min(total, 3 * self.usual) - self.usual)
        heard = self._match(directions)
        self._begin(directions, shares, heard)
        for k, track in heard.items():
            self._turn(track, directions[k], shares[k] * total)
        self._age({id(track): shares[k] for k, track in heard.items()})
        for k, track in heard.items():
            clear = shares[k] >= max(chance, self.birth)
            if track in self.tracks and not track.identity:
                self._name(track, clear)
        sources = [(k, t) for k, t in heard.items() if t.identity and t in self.tracks]
        if self.most is not None:
            sources = sorted(sources, key=lambda s: -s[1].evidence)[: self.most]
        found = [Source(t.identity, t.direction, self._sure(shares[k], total)) for k, t in sources]
        return sorted(found, key=lambda source: source.identity)

    def _sure(self, share: float, total: float) -> float:
        amount = share * total / max(self.usual, 1e-30)
        return float(np.sqrt(share * min(1.0, amount)))

    def _match(self, directions) -> dict[int, Track]:
        """Each direction to the nearest track within the gate, the nearest pairs first."""
        if not self.tracks or not len(directions):
            return {}
        known = np.array([t.direction for t in self.tracks])
        away = angle_between(directions[:, None, :], known[None, :, :])
        # Those that are not yet sources stand behind those that are.
        away += np.array([0.0 if t.identity else 5.0 for t in self.tracks])
        heard: dict[int, Track] = {}
        taken: set[int] = set()
        for place in np.argsort(away, axis=None, kind="stable"):
            k, j = divmod(int(place), len(self.tracks))
            if away[k, j] > GATE:
                break
            if k not in heard and j not in taken:
                heard[k] = self.tracks[j]
                taken.add(j)
        return heard

    def _begin(self, directions, shares, heard: dict[int, Track]) -> None:
        for k, (direction, share) in enumerate(zip(directions, shares, strict=True)):
            if k in heard or share < self.birth:
                continue
            near = np.cos(np.deg2rad(GATE))
            if any(direction @ track.direction > near for track in heard.values()):
                continue  # the edge of a source that is there
            heard[k] = Track(direction)
            self.tracks.append(heard[k])

    def _turn(self, track: Track, direction: np.ndarray, mass: float) -> None:
        """To the mean of the directions, each counted by its mass, older ones less."""
        track.mass = track.mass * np.exp(-(self.hop + track.silent) / SETTLING) + mass
        mixed = track.direction + mass / track.mass * (direction - track.direction)
        track.direction = mixed / np.linalg.norm(mixed)

    def _age(self, shares: dict[int, float]) -> None:
        new = min(1.0, self.hop / self.memory)
        for track in self.tracks:
            share = shares.get(id(track))
            track.evidence += new * ((share or 0.0) - track.evidence)
            track.silent = 0.0 if share is not None else track.silent + self.hop
        self.tracks = [
            t for t in self.tracks if t.silent <= (PATIENCE if t.identity else self.memory)
        ]
        self._merge()

    def _merge(self) -> None:
        """Of two tracks in one place the older stays."""
        if len(self.tracks) < 2:
            return
        known = np.array([t.direction for t in self.tracks])
        close = np.triu(known @ known.T > SAME, k=1)
        stay = np.ones(len(known), bool)
        for k in range(len(known)):
            if stay[k]:
                stay &= ~close[k]
        self.tracks = [t for t, stays in zip(self.tracks, stay, strict=True) if stays]

    def _name(self, track: Track, clear: bool) -> None:
        if clear or track.evidence >= self.sure:
            self.identities += 1
            track.identity = self.identities
