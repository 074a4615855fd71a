"""Clips that hold what they are asked for: no files."""

import numpy as np

from avtools.datasets.clip import Event

RATE = 16000


class Given:
    channel, convention, duration, start = None, None, None, 0.0
    truth = video = None

    def __init__(self, key: str, sound=None, events: list[Event] = (), rate: int = RATE):
        self.key = self.source = key
        self.given, self.rate, self.listed = sound, rate, list(events)

    def hear(self, rate=None, start=0.0, duration=None):
        assert rate in (None, self.rate)
        return self.given.copy(), self.rate

    def events(self) -> list[Event]:
        return self.listed


def noise(channels: int, seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 0.2 * rng.standard_normal((channels, round(seconds * RATE))).astype(np.float32)


def plane_wave(azimuth: float, seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    a = np.deg2rad(azimuth)
    gains = np.array([[1], [np.sin(a)], [0], [np.cos(a)]], np.float32)
    return gains * noise(1, seconds, seed)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)
