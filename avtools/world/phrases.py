"""The events of things as lines through time: pitch and vowels, and the time since an onset.

Only events that are played count: what rings on keeps the pitch of its own. Between two knots a
line is straight; before the first and after the last it is level.
"""

from dataclasses import dataclass

import numpy as np
import torch

from avtools.world.scenes import Scenes
from avtools.world.score import shapes, strokes

# Seconds before an onset in which the voice, or a hand, goes where the next event needs it.
LEAD = 0.04
# Seconds in which a syllable comes from its consonant to its vowel.
OPENING = 0.05
# A syllable's pitch against its tone, at its onset, opening, end and where the next one is near.
SPOKEN = np.array([1.03, 1.015, 0.97, 0.97])
# Events are looked at in stretches of so many seconds, with those of so many before: what is older
# has died away.
STRETCH, FORGOTTEN = 10.0, 8.0
NEVER = 1e9


@dataclass(frozen=True)
class Events:
    """Events of m things, those that are played first; float64 (m, e) each."""

    count: np.ndarray  # (m,) how many are played, at least 1
    onsets: np.ndarray  # of those not played: NEVER
    ends: np.ndarray
    leaves: np.ndarray  # where the way to the next one begins
    rise: np.ndarray
    hold: np.ndarray
    decay: np.ndarray
    strengths: np.ndarray
    tones: np.ndarray
    vowels: np.ndarray  # (m, e, 2)


def played(scenes: Scenes) -> np.ndarray:
    """(b, s, e): which events are heard, were their thing to sound."""
    return (scenes.strengths > 0) & (scenes.onsets < scenes.seconds)


def events_of(scenes: Scenes, rows: np.ndarray) -> Events:
    """Of the things in `rows` (m, 2): scene and place in it. Each must have an event."""
    at = tuple(rows.T)
    is_played = played(scenes)[at]
    count = is_played.sum(axis=-1)
    order = np.argsort(~is_played, axis=-1, kind="stable")
    # After the last that is played come copies of it, never heard.
    order = np.take_along_axis(
        order, np.minimum(np.arange(order.shape[1]), count[:, None] - 1), axis=-1
    )

    def sorted_(x):
        return np.take_along_axis(x[at], order.reshape(*order.shape, *(1,) * (x.ndim - 3)), 1)

    there = np.arange(order.shape[1]) < count[:, None]
    onsets = np.where(there, sorted_(scenes.onsets), NEVER)
    following = np.append(onsets[:, 1:], np.full((len(rows), 1), NEVER), axis=1)
    leaves = np.where(there, np.maximum(following - LEAD, onsets), NEVER)
    ends = np.minimum(onsets + sorted_(scenes.lengths), leaves)
    rise, hold, decay = (sorted_(x) for x in shapes(scenes))
    strengths = np.where(there, sorted_(scenes.strengths), 0.0)
    tones, vowels = sorted_(scenes.tones), sorted_(scenes.vowels)
    return Events(count, onsets, ends, leaves, rise, hold, decay, strengths, tones, vowels)


class Phrases:
    """Lines through the events of m things, on one device, float32."""

    def __init__(self, events: Events, device):
        self.events, self.device = events, device
        opened = np.minimum(events.onsets + OPENING, events.ends)
        knots = np.stack([events.onsets, opened, events.ends, events.leaves], axis=-1)
        self.knots = self._tensor(knots.reshape(len(knots), -1))
        self.onsets = self._tensor(events.onsets)
        self.tones = self._tensor(events.tones)

    def _tensor(self, x: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(x, dtype=torch.float32, device=self.device)

    def spoken(self, times: torch.Tensor) -> torch.Tensor:
        """Tones of a voice (m, t), which fall through each syllable."""
        return self._line(self.events.tones[..., None, None] * SPOKEN[:, None], times)[..., 0]

    def sung(self, times: torch.Tensor) -> torch.Tensor:
        """Tones (m, t) that are held and glide to the next just before it."""
        return self._line(self.events.tones[..., None, None] * np.ones((4, 1)), times)[..., 0]

    def vowels(self, times: torch.Tensor, opening: float) -> torch.Tensor:
        """(m, t, 2); a syllable opens with this share of its first formant's height."""
        vowels = self.events.vowels[:, :, None] * np.ones((4, 1))
        vowels[:, :, 0, 0] *= opening
        return self._line(vowels, times)

    def _line(self, values: np.ndarray, times: torch.Tensor) -> torch.Tensor:
        """Values (m, e, 4, v) at the knots of each event -> (m, t, v)."""
        m, k = self.knots.shape
        values = self._tensor(values.reshape(m, k, -1))
        after = torch.searchsorted(self.knots, times.expand(m, -1).contiguous(), right=True)
        before = (after - 1).clamp_(0, k - 1)
        after = after.clamp_(max=k - 1)
        start, end = self.knots.gather(1, before), self.knots.gather(1, after)
        part = ((times - start) / (end - start).clamp_min(1e-6)).clamp_(0, 1)[..., None]
        wide = (-1, -1, values.shape[-1])
        first = values.gather(1, before[..., None].expand(wide))
        last = values.gather(1, after[..., None].expand(wide))
        return first + part * (last - first)

    def since(self, times: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Seconds since the last onset, 0 before the first, and its place: (m, t) each."""
        m = len(self.onsets)
        place = torch.searchsorted(self.onsets, times.expand(m, -1).contiguous(), right=True)
        place = (place - 1).clamp_(min=0)
        return (times - self.onsets.gather(1, place)).clamp_(min=0), place

    def envelope(self, times: torch.Tensor, spacing: float) -> torch.Tensor:
        """`score.envelope` (m, t) at `times` (t,), 0, spacing, ... seconds.

        Stretch by stretch: only the events near one are asked.
        """
        e = self.events
        table = [self._tensor(x) for x in (e.onsets, e.rise, e.hold, e.decay, e.strengths)]
        size = max(1, round(STRETCH / spacing))
        parts = []
        for first in range(0, len(times), size):
            start = first * spacing
            near = (e.onsets > start - FORGOTTEN) & (e.onsets < start + STRETCH + 1)
            columns = np.flatnonzero(near.any(axis=0))
            low, high = (columns[0], columns[-1] + 1) if len(columns) else (0, 1)
            some = [x[:, low:high] for x in table]
            parts.append(strokes(*some, times[first : first + size]))
        return torch.cat(parts, dim=-1)
