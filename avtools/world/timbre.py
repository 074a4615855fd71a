"""The colour of each kind of sound: the spectrum of every frame, from pulses, partials and noise.

A function takes things of its own kind and gives spectra (m, frames, bins). How loud a frame comes
out does not matter: each is brought to one power before the envelope is laid on.
"""

import math
from dataclasses import dataclass

import torch

from avtools.world.excitation import Grid, noise, partials, pulses, unsteady
from avtools.world.hashing import hashed, uniform
from avtools.world.phrases import Phrases

# Of a vocal tract that goes with a pitch of 120 Hz; smaller people have higher voices.
FORMANTS = (2500.0, 3500.0, 4500.0)  # the third and those above: they hardly move
WIDTHS = (80.0, 100.0, 160.0, 220.0, 300.0)
TRACT_PITCH, TRACT_POWER = 120.0, 0.17
# Above this the tract's resonances lie so close that they make no peaks.
SMOOTH_ABOVE = 5200.0
# How many syllables begin with a hiss, and how long that is.
FRICATIVES, FRICATIVE_SECONDS = 0.35, 0.09
# Modes of a membrane against its lowest, and how strong they are.
MODES, MODE_STRENGTHS = (1.0, 1.593, 2.295), (1.0, 0.6, 0.4)
# The middle of a band of noise stays below this, so that there is room for it at any rate.
HIGHEST_BAND = 3400.0


@dataclass(frozen=True)
class Part:
    """m things of one kind."""

    grid: Grid
    phrases: Phrases
    keys: torch.Tensor  # (m,)
    pitch: torch.Tensor  # (m, 1) Hz
    bright: torch.Tensor  # (m, 1)

    def drawn(self, name: int, low: float, high: float) -> torch.Tensor:
        """(m, 1, 1) by chance, of each thing."""
        return low + (high - low) * uniform(hashed(self.keys, name))[:, None, None]


def formants(vowels, pitch):
    """Hz (..., 5) of vowels (..., 2) from 0 to 1, spoken by a person of this pitch (...)."""
    first = 270 + 530 * vowels[..., 0]
    second = torch.maximum(900 + 1400 * vowels[..., 1], first + 300)
    third = torch.clamp(second + 350, min=FORMANTS[0])
    above = [torch.full_like(first, f) for f in FORMANTS[1:]]
    tract = (pitch / TRACT_PITCH) ** TRACT_POWER
    return torch.stack([first, second, third, *above], dim=-1) * tract[..., None]


def voice(part: Part) -> torch.Tensor:
    """Pulses of a glottis through moving formants; some breath, some hissed consonants."""
    grid, f = part.grid, part.grid.bins()
    tones = part.phrases.spoken(grid.middles())
    steady = unsteady(grid, part.keys, 0.01, ((2.9, 0.01), (7.3, 0.005)))
    glottal = _pulsed(grid, part.pitch * tones * steady)
    tract = _tract(part, opening=0.6)
    # Pulses fall by 12 dB an octave, lips give 6 dB back; a bright voice falls later.
    corner = 250 * (1 + 3 * part.bright)[..., None]
    hiss = _hissed(part)
    glottal *= tract * (1 - hiss) / (1 + f / corner)
    # Breath has what lies above the formants to itself.
    breath = (tract + 0.5) * (0.03 * f / (f + 1500)) + hiss * _sibilance(part)
    return glottal.add_(noise(grid, part.keys).mul_(breath))


def _pulsed(grid: Grid, frequency: torch.Tensor) -> torch.Tensor:
    """Spectra (m, frames, bins) of pulses of frequencies (m, c), not all partials at one moment."""
    return grid.framed(pulses(grid, frequency)).mul_(grid.spread())


def whisper(part: Part) -> torch.Tensor:
    """Breath through the same formants, little of it low."""
    f = part.grid.bins()
    tract = _tract(part, opening=0.8)
    hiss = _hissed(part)
    lean = f**2 / (f**2 + 700**2) / (1 + f / (1500 + 2500 * part.bright[..., None]))
    gain = (tract + 0.1) * lean * (1 - hiss) + hiss * _sibilance(part)
    return noise(part.grid, part.keys).mul_(gain)


def _tract(part: Part, opening: float) -> torch.Tensor:
    """(m, frames, bins): resonances one after the other, f^2 / |F^2 - f^2 + i f B| each, F moving.

    `opening`: the first formant where a syllable begins, against that of its vowel.
    """
    centers = formants(part.phrases.vowels(part.grid.frame_times(), opening), part.pitch)
    square = part.grid.bins().clamp(max=SMOOTH_ABOVE) ** 2
    product = None
    for k, width in enumerate(WIDTHS):
        center = centers[..., k, None]
        share = square / center**2
        # Higher voices have wider resonances, and partials too far apart for narrow ones.
        wide = (width + 0.2 * part.pitch[..., None]) / center
        resonance = (1 - share).square_().add_(share * wide**2)
        product = resonance if product is None else product.mul_(resonance)
    return product.rsqrt_()


def _hissed(part: Part) -> torch.Tensor:
    """(m, frames, 1) 0 to 1: how far a consonant's hiss is in the place of the voice."""
    since, place = part.phrases.since(part.grid.frame_times())
    is_hissed = uniform(hashed(part.keys[:, None], 7, place)) < FRICATIVES
    return ((1 - (since / FRICATIVE_SECONDS) ** 2).clamp_(min=0) * is_hissed)[..., None]


def _sibilance(part: Part) -> torch.Tensor:
    """(m, 1, bins): a broad band about 3 to 6 kHz, of each person's own."""
    f, center = part.grid.bins(), part.drawn(8, 3000, 4500)
    return 0.5 * f**2 / (f**2 + center**2) / (1 + (f / 6500) ** 6)


def harmonic(part: Part) -> torch.Tensor:
    """A held tone with some vibrato, of a bowed or blown instrument with a body of its own."""
    grid, f = part.grid, part.grid.bins()
    tones = part.phrases.sung(grid.middles())
    steady = unsteady(grid, part.keys, 0.0005, ((5.3, 0.004), (0.7, 0.001)))
    tone = _pulsed(grid, part.pitch * tones * steady)
    note = part.pitch * part.phrases.sung(grid.frame_times())
    since, _ = part.phrases.since(grid.frame_times())
    # A note opens while it begins: its upper partials come later.
    steep = 2.3 - 1.2 * part.bright + 0.8 * torch.exp(-since / 0.06)
    gain = _slope(f, note, steep[..., None])
    for name, low, high in ((11, 400, 1200), (12, 1800, 3200)):
        center = part.drawn(name, low, high)
        gain = gain * (1 + 1.5 / (1 + ((f - center) / (0.15 * center)) ** 2))
    return tone.mul_(gain).add_(noise(grid, part.keys).mul_(0.01 * gain))


def pluck(part: Part) -> torch.Tensor:
    """A string that is plucked at some place of its length: high partials die first."""
    grid, f = part.grid, part.grid.bins()
    _, place = part.phrases.since(grid.middles())
    tone = _pulsed(grid, part.pitch * part.phrases.tones.gather(1, place))
    since, place = part.phrases.since(grid.frame_times())
    note = part.pitch * part.phrases.tones.gather(1, place)
    damping = 0.002 + 0.008 * (1 - part.bright)[..., None]
    gain = _slope(f, note, 0.9 + 0.5 * (1 - part.bright)[..., None])
    gain *= torch.exp(-damping * since[..., None] * f)
    # Partials with a node where it is plucked are missing.
    where = part.drawn(13, 0.08, 0.3)
    gain *= 1.1 - torch.cos(2 * math.pi * where * f / note[..., None])
    scratch = 0.5 * torch.exp(-since / 0.01)[..., None] * gain
    return tone.mul_(gain).add_(noise(grid, part.keys).mul_(scratch))


def _slope(f: torch.Tensor, note: torch.Tensor, steep: torch.Tensor) -> torch.Tensor:
    """(f / note)^-steep above a note (m, frames), level below it."""
    octaves = torch.log(f.clamp(min=1.0)) - torch.log(note)[..., None]
    return torch.exp(-steep * octaves.clamp_(min=0))


def percussion(part: Part) -> torch.Tensor:
    """A burst of noise, and modes of a skin that fall in pitch as the blow dies away."""
    grid, f = part.grid, part.grid.bins()
    since, place = part.phrases.since(grid.middles())
    falling = part.phrases.tones.gather(1, place) * (1 + 0.6 * torch.exp(-since / 0.04))
    skin = partials(grid, part.pitch * falling, MODES, MODE_STRENGTHS)
    since, _ = part.phrases.since(grid.frame_times())
    # The blow itself is broad; some rattle stays.
    rattle = part.drawn(14, 0.15, 0.5)
    burst = rattle + 1.2 * torch.exp(-since / 0.03)[..., None]
    corner = 1500 + 3000 * part.bright[..., None]
    colour = f / (f + 300) / (1 + (f / corner) ** 2)
    return grid.framed(skin).add_(noise(grid, part.keys).mul_(burst * colour))


def band(part: Part) -> torch.Tensor:
    """A band of noise that moves slowly, above a floor of weaker noise."""
    grid, t = part.grid, part.grid.frame_times()
    tones = part.phrases.sung(t)
    start = part.drawn(15, 0, 2 * math.pi)[..., 0]
    moved = 2 ** (0.4 * torch.sin(2 * math.pi * 0.35 * t + start))
    center = (part.pitch * tones * moved).clamp_(max=HIGHEST_BAND)
    wide = 0.5 + 0.8 * part.bright[..., None]
    f = grid.bins()
    octaves = torch.log2(f.clamp(min=1.0)) - torch.log2(center)[..., None]
    gain = torch.exp(-((octaves / wide) ** 2)) + 0.06 / (1 + (f / 5000) ** 2)
    return noise(grid, part.keys).mul_(gain)


TIMBRES = {
    "voice": voice,
    "whisper": whisper,
    "harmonic": harmonic,
    "pluck": pluck,
    "percussion": percussion,
    "noise": band,
}
