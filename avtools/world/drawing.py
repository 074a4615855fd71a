"""The draw of scenes from their seeds: which things there are, where, when they sound, who listens.

Seeds from 1,000,000 on are for evaluation only: nothing is trained or tuned on them. Ten
neighbouring seeds belong to one channel, like the videos of one maker: they share habits.
"""

import math

import numpy as np

from avtools.world.draws import Draws
from avtools.world.presets import PRESETS, Preset
from avtools.world.scenes import EARS, LOOKS, SHOWS, SOUNDS, Scenes

# How likely a sound of each kind is shown in each way.
SHOWN = np.array(
    [
        [1.0, 0.0, 0.0, 0.0],
        [1.0, 0.0, 0.0, 0.0],
        [0.0, 0.4, 0.0, 0.6],
        [0.0, 0.4, 0.6, 0.0],
        [0.0, 0.2, 0.8, 0.0],
        [0.0, 1.0, 0.0, 0.0],
    ]
)
# Seconds from one event to the next and their lengths, for each sound.
GAPS = np.array([(0.2, 0.4), (0.2, 0.45), (0.4, 1.1), (0.3, 0.9), (0.25, 0.8), (0.4, 1.2)])
LENGTHS = np.array([(0.15, 0.3), (0.15, 0.35), (0.4, 1.0), (0.5, 1.2), (0.2, 0.6), (0.3, 1.0)])
PITCHES = np.array([(85, 260), (85, 260), (110, 520), (90, 600), (60, 400), (200, 3000)], float)
SCENES_A_CHANNEL = 10
EVALUATION = 1_000_000


def draw(
    kind: str,
    preset: str | Preset,
    seeds,
    seconds: float,
    channels=None,
    ears: str | None = None,
) -> Scenes:
    """Scenes of these seeds (b,). `kind` is stereo or 360.

    `channels` (b,): whose habits each scene follows, seed // 10 by default. `ears`: pair or head
    for all, drawn by default.
    """
    if kind not in ("stereo", "360"):
        raise ValueError(f"kind {kind}, expected stereo or 360")
    if isinstance(preset, str) and preset not in PRESETS:
        raise ValueError(f"preset {preset}, expected one of {', '.join(PRESETS)}")
    if not 0 < seconds <= 600:
        raise ValueError(f"{seconds} s, expected more than 0 and at most 600")
    if ears is not None and (kind == "360" or ears not in EARS[:2]):
        raise ValueError(f"ears {ears}, expected pair or head, and a stereo scene")
    seeds = np.atleast_1d(np.asarray(seeds))
    if seeds.ndim != 1 or seeds.dtype.kind not in "iu" or (seeds < 0).any():
        raise ValueError("seeds: expected whole numbers from 0 on")
    seeds = seeds.astype(np.int64)
    chosen = PRESETS[preset] if isinstance(preset, str) else preset
    channel = seeds // SCENES_A_CHANNEL if channels is None else np.asarray(channels, np.int64)
    return _Drawing(kind == "360", chosen, seeds, channel, float(seconds), ears).scenes()


class _Drawing:
    """The draws of one batch, in groups that become the fields of Scenes."""

    def __init__(self, is_360, preset: Preset, seeds, channel, seconds: float, ears):
        self.is_360, self.preset, self.seconds, self.ears = is_360, preset, seconds, ears
        self.seeds, self.channel = seeds, channel
        self.draws = Draws(seeds)
        # A channel's habits are draws of its own number.
        self.habits = Draws(channel, "channel")
        self.things = preset.sources[1] + (preset.mover > 0)

    def scenes(self) -> Scenes:
        b = len(self.seeds)
        camera = self.camera()
        what = self.what()
        fields = camera | what | self.where(what, camera["fov"]) | self.events(what)
        fields |= self.hearing() | self.pillar(camera["fov"])
        return Scenes(
            is_360=self.is_360,
            seconds=self.seconds,
            seeds=self.seeds,
            channel=self.channel,
            handed=np.ones(b),
            turn=np.zeros(b),
            **fields,
        )

    def pair(self, name: str, ends: tuple[float, float], *shape: int) -> np.ndarray:
        return self.draws.uniform(name, *ends, *shape)

    def what(self) -> dict:
        """Which things there are, how they look and sound."""
        d, h, p, s = self.draws, self.habits, self.preset, self.things
        low, high = p.sources
        sources = low + np.floor(d.uniform("sources") * (high - low + 1)).astype(int)
        order = np.arange(s)
        heard = order < sources[:, None]
        mover = d.chance("mover", p.mover)
        present = heard | ((order == sources[:, None]) & mover[:, None])
        follows = d.chance("follows", p.habit, s)
        sound = np.where(
            follows, h.index("sound", np.ones(len(SOUNDS)))[:, None], self._any_sound()
        )
        show = d.index("show", SHOWN[sound], s)
        look = 1 + d.index("look", np.ones(len(LOOKS) - 1), s)
        look = np.where(follows, 1 + h.index("look", np.ones(len(LOOKS) - 1))[:, None], look)
        look = np.where(show == SHOWS.index("mouth"), LOOKS.index("face"), look)
        # The first is always seen; the others make up for it, so that the share is as asked for.
        mean = (low + high) / 2
        off_screen = p.off_screen * mean / (mean - 1) if mean > 1 else 0.0
        off = d.chance("off", off_screen, s) & heard & (order > 0)
        low_hz, high_hz = PITCHES[sound, 0], PITCHES[sound, 1]
        return {
            "present": present,
            "drawn": ~off,
            "heard": heard,
            "mimes": d.chance("mimes", p.mimes, s) & ~heard,
            "sound": sound,
            "show": show,
            "look": look,
            "pick": d.uniform("pick", 0, 1, s),
            "key": d.key("key", s),
            "tint": d.uniform("tint", 0.25, 1.0, s, 3),
            "pitch": low_hz * (high_hz / low_hz) ** d.uniform("pitch", 0, 1, s),
            "bright": d.uniform("bright", 0, 1, s),
            "level": np.where(order == 0, p.level[1], self.pair("level", p.level, s)),
        }

    def _any_sound(self) -> np.ndarray:
        return self.draws.index("sound", np.ones(len(SOUNDS)), self.things)

    def where(self, what: dict, fov: np.ndarray) -> dict:
        """Places and movements."""
        d, p, s = self.draws, self.preset, self.things
        across = np.full((len(self.seeds), 1), 90.0) if self.is_360 else fov[:, None]
        is_face = what["look"] == LOOKS.index("face")
        share = np.where(
            is_face, d.uniform("size", 0.17, 0.28, s), d.uniform("size", 0.12, 0.24, s)
        )
        size = share * across
        # Half of what the middles of things may take of the picture, in degrees.
        half = np.full((len(self.seeds), 1), 180.0) if self.is_360 else fov[:, None] / 2
        free = half if self.is_360 else np.maximum(half - 0.6 * size, 0.25 * half)
        reach = self.pair("reach", p.reach, s) * (50.0 if self.is_360 else free)
        # A silent mover moves; the others may stand.
        still = d.chance("still", p.still, s) & what["heard"]
        swing = np.where(still, 0.0, reach)
        side = np.where(d.chance("side", 0.5, s), 1.0, -1.0)
        room = free if self.is_360 else free - swing
        follows = d.chance("place", p.habit, s)
        centre = np.where(follows, self._favourite(s), d.uniform("centre", -1, 1, s)) * room
        if not self.is_360:
            edge = half + 0.7 * size
            away = edge + d.uniform("away", 0, 1, s) * np.maximum(90.0 - edge, 5.0)
            centre = np.where(what["drawn"], centre, side * np.minimum(away, 90.0))
            swing = np.where(what["drawn"], swing, 0.0)
        tall = 25.0 if self.is_360 else 0.1 * fov[:, None]
        return {
            "azimuth": centre,
            "swing": swing * side,
            "drift": np.zeros_like(swing) if not self.is_360 else self._drift(still),
            "elevation": d.uniform("elevation", -1, 1, s) * (tall - 0.3 * tall * ~still),
            "bob": np.where(still, 0.0, d.uniform("bob", 0, 0.25, s) * tall),
            "distance": d.uniform("distance", 0.9, 1.5, s),
            "near": np.where(still, 0.0, d.uniform("near", 0, 0.15, s)),
            "period": self.pair("period", p.period, s),
            "phase": d.uniform("phase", 0, 1, s),
            "size": size,
            "tilt": d.uniform("tilt", -12, 12, s),
        }

    def _favourite(self, s: int) -> np.ndarray:
        """Where this channel likes to put things, with some freedom: -1 to 1."""
        places = self.habits.uniform("places", -0.9, 0.9, 2)
        which = self.draws.index("which", [0.7, 0.3], s)
        place = np.take_along_axis(places, which, axis=1)
        return np.clip(place + self.draws.uniform("freedom", -0.15, 0.15, s), -1, 1)

    def _drift(self, still: np.ndarray) -> np.ndarray:
        """Some of what moves in 360 goes round and round."""
        d, s = self.draws, self.things
        speed = d.uniform("speed", 5, 25, s) * np.where(d.chance("way", 0.5, s), 1, -1)
        return np.where(d.chance("round", 0.3, s) & ~still, speed, 0.0)

    def events(self, what: dict) -> dict:
        """Onsets one after the other until the end, with pauses."""
        d, s, sound = self.draws, self.things, what["sound"]
        e = math.ceil(self.seconds / GAPS[:, 0].min()) + 1
        low, high = GAPS[sound, 0, None], GAPS[sound, 1, None]
        gaps = d.uniform("gaps", low, high, s, e)
        onsets = np.cumsum(gaps, axis=-1) - gaps + d.uniform("first", 0, 0.25, s, 1)
        lengths = d.uniform("lengths", LENGTHS[sound, 0, None], LENGTHS[sound, 1, None], s, e)
        plays = d.chance("plays", 0.9, s, e) | (np.arange(e) == 0)
        spans = math.ceil(self.seconds / 5)
        pause = 5.0 * np.arange(spans) + d.uniform("pause", 0.8, 4.0, s, spans)
        silence = np.where(d.chance("pauses", self.preset.pauses, s, spans), 1.0, 0.0)
        until = pause + silence * d.uniform("until", 0.6, 2.0, s, spans)
        within = (onsets[..., None] > pause[:, :, None]) & (onsets[..., None] < until[:, :, None])
        plays &= ~within.any(axis=-1) & (onsets < self.seconds)
        steps = np.array([0, 2, 4, 5, 7, 9, 12])[d.index("steps", np.ones(7), s, e)]
        spoken = np.isin(sound, (0, 1))[..., None]
        glide = 2.0 ** (d.uniform("glide", -0.25, 0.25, s, e))
        return {
            "onsets": onsets,
            "lengths": lengths,
            "strengths": np.where(plays, d.uniform("strengths", 0.5, 1.0, s, e), 0.0),
            "tones": np.where(spoken, glide, 2.0 ** (steps / 12)),
            "vowels": d.uniform("vowels", 0, 1, s, e, 2),
        }

    def hearing(self) -> dict:
        """The ears and the room. A maker has one pair of microphones."""
        d, h, p = self.draws, self.habits, self.preset
        b = len(self.seeds)
        maker = h if p.habit > 0 else d
        ears = maker.index("ears", [0.5, 0.5])
        if self.ears is not None:
            ears = np.full(b, EARS.index(self.ears))
        error = d.uniform("gains", -p.mismatch / 2, p.mismatch / 2, 4)
        walls = np.array([(4.5, 9.0), (4.2, 7.0), (2.5, 4.0)])
        room = d.uniform("room", walls[:, 0], walls[:, 1], 3)
        receiver = room / 2 + d.uniform("receiver", -0.3, 0.3, 3) * [1, 1, 0]
        receiver[:, 2] = d.uniform("height", 1.15, 1.35)
        return {
            "ears": np.full(b, EARS.index("foa")) if self.is_360 else ears,
            "spacing": maker.uniform("spacing", 0.15, 0.35),
            "pattern": np.where(maker.chance("pattern", 0.7), 0.5, 0.0),
            "splay": maker.uniform("splay", 35, 60),
            "gains": error,
            "room": room,
            "receiver": receiver,
            "rt60": np.zeros(b) if p.rt60 is None else self.pair("rt60", p.rt60),
            "snr": self.pair("snr", p.snr),
            "hiss": d.uniform("hiss"),
            "noise_key": d.key("noise"),
        }

    def camera(self) -> dict:
        d, h, p = self.draws, self.habits, self.preset
        maker = h if p.habit > 0 else d
        b = len(self.seeds)
        return {
            "fov": np.full(b, 360.0) if self.is_360 else maker.uniform("fov", 60, 95),
            "shake": self.pair("shake", p.shake),
            "shake_rate": d.uniform("shake rate", 0.4, 1.2),
            "shake_phase": d.uniform("shake phase", 0, 1, 3),
            "backdrop": maker.key("backdrop"),
            "backdrop_pick": maker.uniform("backdrop pick"),
            "backdrop_tint": maker.uniform("backdrop tint", 0.1, 0.8, 2, 3),
            "contrast": p.background * d.uniform("contrast", 0.5, 1.0),
            "light": d.uniform("light", 0.7, 1.1),
        }

    def pillar(self, fov: np.ndarray) -> dict:
        d, p = self.draws, self.preset
        width = 0.09 * np.minimum(fov, 120) * d.uniform("pillar width", 0.7, 1.3)
        half = 180.0 if self.is_360 else 0.4 * fov
        return {
            "pillar": d.uniform("pillar", -1, 1) * half,
            "pillar_width": np.where(d.chance("pillars", p.occluder), width, 0.0),
            "pillar_tint": d.uniform("pillar tint", 0.1, 0.5, 3),
        }
