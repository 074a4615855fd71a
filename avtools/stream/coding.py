"""How a sound is encoded beside a picture: the codec, the names of its channels, its packets.

FFmpeg remixes channels, without a word, wherever the two ends of a conversion call them
differently (`4.0` to `quad`). So the frames that go in carry the encoder's own layout, always.
Which codecs and layouts a container takes is asked of FFmpeg by a rehearsal in memory, since
half of them fail only when the header is written, and then nothing can be taken back.
"""

import io
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import av
import numpy as np

from avtools.errors import AvtoolsError
from avtools.stream.sound import Sound, clipped

# What goes to the encoder at once: short, so that sound and picture interleave closely.
PIECE_FRAMES = 4096
BITS_A_CHANNEL = 128_000
OPUS_RATE = 48000
# What the formats of integer encoders keep of a sample: FLAC and ALAC take 24 bits of s32.
INTEGER_BITS = {"u8": 8, "s16": 16, "s32": 24}

LOSSLESS = frozenset("ape flac mlp shorten tak truehd tta wavpack wmalossless".split())
# Encoders that know channels by name only. None of AAC's names has a low-frequency channel: the
# encoder cuts everything off that one above some hundred hertz. Four channels in AAC are not
# called quad, which YouTube refuses.
NAMED = {
    "aac": "mono stereo 3.0 4.0 5.0 hexagonal 7.0 octagonal".split(),
    "ac3": "mono stereo 3.0 4.0 5.0".split(),
    "eac3": "mono stereo 3.0 4.0 5.0".split(),
    "alac": "mono stereo 3.0 4.0 5.0 5.1 6.1(back) 7.1(wide)".split(),
}
MASK = "FL FR FC LFE BL BR FLC FRC BC SL SR TC TFL TFC TFR TBL TBC TBR".split()
# What the muxer takes and no reader finds again.
LOST = {"mpegts": ("pcm", "flac", "alac", "vorbis")}


@dataclass(frozen=True)
class Coding:
    """Everything an encoder has to be told."""

    name: str
    rate: int
    layout: str
    format: str | None = None
    bitrate: int | None = None
    options: dict[str, str] = field(default_factory=dict)

    def add_to(self, container):
        stream = container.add_stream(self.name, rate=self.rate, options=dict(self.options))
        context = stream.codec_context
        context.layout = self.layout
        if self.format:
            context.format = self.format
        if self.bitrate:
            context.bit_rate = self.bitrate
        context.time_base = Fraction(1, self.rate)
        return stream

    def frame(self, piece: np.ndarray, at: int):
        """`piece` is float32 `(channels, samples)`. Packed: PyAV crashes on planes beyond 7."""
        packed = np.ascontiguousarray(piece.T, np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=self.layout)
        frame.sample_rate, frame.time_base, frame.pts = self.rate, Fraction(1, self.rate), at
        return frame


def choose_coding(
    sound: Sound, form: str, family: str | None, codec: str | None, bitrate: int | None
) -> Coding:
    """The given codec, or else the one closest to `family`, that the container takes."""
    names = [codec] if codec else candidates(sound, family, form)
    for name in names:
        if coding := _possible(name, sound, form, bitrate):
            return coding
    raise AvtoolsError(f"{sound.name}: {_complaint(names[0], sound, form)}")


def candidates(sound: Sound, family: str | None, form: str) -> list[str]:
    """Encoders for a sound whose original is of this codec family (None: there is none)."""
    family = family or ""
    if form in ("webm", "ogg"):
        # FFmpeg's own Vorbis encoder, which is not good, knows stereo only.
        return ["vorbis"] if sound.channels == 2 and sound.rate != OPUS_RATE else ["libopus"]
    pcm = "pcm_s24le" if sound.bits > 16 else "pcm_s16le"
    if form == "avi":  # it can't say that an encoder's priming is not to be heard
        return [family if family.startswith("pcm_") else "pcm_s16le", "pcm_s16le"]
    if family.startswith("pcm_"):
        return [family, pcm, "flac", "aac"]
    if family == "alac":
        return ["alac", "flac", pcm, "aac"]
    if family in LOSSLESS:
        return ["flac", "alac", pcm, "aac"]
    if family == "opus":
        return ["libopus", "aac"] if form == "mov" else ["libopus"]
    if family == "vorbis" and form == "matroska" and sound.rate == OPUS_RATE:
        return ["libopus"]
    return ["aac"]


def _possible(name: str, sound: Sound, form: str, bitrate: int | None = None) -> Coding | None:
    if name.startswith(LOST.get(form, ("-",))):
        return None
    codings = (_coding(name, sound, layout, bitrate) for layout in layouts(name, sound))
    return next((c for c in codings if rehearsed(c, sound.channels, form)), None)


def layouts(name: str, sound: Sound) -> list[str]:
    """What to call the channels, the best first."""
    n = sound.channels
    if n <= 2:
        return ["mono", "stereo"][n - 1 : n]
    known = [sound.label] if _names_speakers(sound) else []
    if name == "libopus":
        sphere = ambisonic_layout(n) if sound.marks.get("convention") == "ambix" else None
        return known or [sphere or f"{n} channels", f"{n} channels"]
    if name in NAMED:
        if name == "aac" and n == 4:
            known = []
        names = dict(enumerate(NAMED[name], 1)) | {16: "hexadecagonal"}
        return known + ([names[n]] if n in names else [])
    spoken = ["4.0"] if n == 4 else ["hexadecagonal"] if n == 16 else []
    return [*known, f"{n} channels", *spoken, "+".join(MASK[:n])]


def _names_speakers(sound: Sound) -> bool:
    """True where the channels are those of loudspeakers, and known by name."""
    if not sound.label or sound.marks.get("convention") or "channels" in sound.label:
        return False
    try:
        layout = av.AudioLayout(sound.label)
    except ValueError:
        return False
    return layout.nb_channels == sound.channels and not sound.label.startswith("ambisonic")


def ambisonic_layout(channels: int) -> str | None:
    """FFmpeg's name for a full sphere of some order, with or without two head-locked channels."""
    for head_locked, ending in ((0, ""), (2, "+stereo")):
        side = math.isqrt(max(0, channels - head_locked))
        if side >= 2 and side * side == channels - head_locked:
            return f"ambisonic {side - 1}{ending}"
    return None


def _coding(name: str, sound: Sound, layout: str, bitrate: int | None) -> Coding:
    lossy = not name.startswith(("pcm", "flac", "alac"))
    if lossy and not bitrate:
        bitrate = BITS_A_CHANNEL * sound.channels
    options = {}
    if name == "libopus" and sound.channels > 2:
        sphere = layout.startswith("ambisonic")
        options["mapping_family"] = "2" if sphere else "255" if "channels" in layout else "1"
    if name == "aac":
        # Substituted noise and shared intensities keep a channel's loudness, not its phase
        # against the others: a direction made of them is off by degrees.
        options |= {"aac_pns": "0", "aac_is": "0"}
    if name == "vorbis":
        options["strict"] = "-2"  # FFmpeg's own encoder calls itself an experiment
    deep = sound.bits > 16
    formats = {
        "flac": "s32" if deep else "s16",
        "alac": "s32p" if deep else "s16p",
        "libopus": "flt",
        "tta": "s32" if deep else "s16",
        "wavpack": "fltp",
    }
    return Coding(name, sound.rate, layout, formats.get(name), bitrate, options)


def rehearsed(coding: Coding, channels: int, form: str) -> bool:
    """True where a moment of silence can be written like this."""
    silence = np.zeros((channels, PIECE_FRAMES), np.float32)
    try:
        with av.open(io.BytesIO(), "w", format=form) as container:
            stream = coding.add_to(container)
            for packet in [*stream.encode(coding.frame(silence, 0)), *stream.encode(None)]:
                container.mux(packet)
    except (av.error.FFmpegError, ValueError, AttributeError):  # the last: a codec of pictures
        return False
    return True


def _complaint(name: str, sound: Sound, form: str) -> str:
    try:
        encoder = av.Codec(name, "w")
    except ValueError:
        encoder = None
    if encoder is None or encoder.type != "audio":
        return f"--codec {name}: no encoder for sound; try aac, flac, alac, libopus or pcm_f32le"
    rates = encoder.audio_rates
    if rates and sound.rate not in rates:
        known = "Opus takes 48000 Hz" if name == "libopus" else f"{name} can't take that"
        cure = f"pipe it through avtools convert --rate {OPUS_RATE}"
        return f"the sound has {sound.rate} Hz and {known}: {cure}"
    others = [o for o in ("libopus", "pcm_f32le", "aac") if o != name and _possible(o, sound, form)]
    advice = ": use " + " or ".join(f"--codec {o}" for o in others[:2]) if others else ""
    what = "1 channel" if sound.channels == 1 else f"{sound.channels} channels"
    return f"{form} can't hold {what} as {name}{advice}"


class EncodedSound:
    """A sound on its way into `container`, its first sample at `start` seconds.

    `fill` puts silence before it, where a container has no other way to let it start late.
    """

    def __init__(
        self, container, sound: Sound, coding: Coding, start: Fraction, fill: bool = False
    ):
        self.name, self.rate, self.coding = sound.name, sound.rate, coding
        self.stream = coding.add_to(container)
        kind = self.stream.codec_context.format.name.rstrip("p")
        if kind in INTEGER_BITS:
            sound = sound.through(clipped, sound.name, INTEGER_BITS[kind])
        self._is_raw = coding.name.startswith("pcm_")
        self._pieces = _pieces(sound)
        self._at = self._first = round(start * sound.rate)
        if fill and self._at > 0:
            self._pieces = itertools.chain(_silence(sound.channels, self._at), self._pieces)
            self._at = self._first = 0
        self.priming = None  # samples that the encoder puts before the first, once it is known
        self._ended = False

    @property
    def starts_late(self) -> bool:
        return self._first > 0

    def until(self, seconds: Fraction | None) -> Iterator:
        """Packets of the sound before that time; None for all there is."""
        for packet in self._packets(seconds):
            if self.priming is None:
                self.priming = self._first - round(packet.pts * packet.time_base * self.rate)
            yield packet

    def _packets(self, seconds: Fraction | None) -> Iterator:
        while not self._ended and (seconds is None or self._at < seconds * self.rate):
            piece = next(self._pieces, None)
            if piece is None:
                self._ended = True
                yield from self.stream.encode(None)
                return
            yield from self.stream.encode(self.coding.frame(self._fit(piece), self._at))
            self._at += piece.shape[-1]

    def _fit(self, piece: np.ndarray) -> np.ndarray:
        """Lossy encoders know neither NaN nor infinity."""
        if self._is_raw or np.isfinite(piece).all():
            return piece
        return np.nan_to_num(piece, nan=0, posinf=1, neginf=-1)


def _silence(channels: int, samples: int) -> Iterator[np.ndarray]:
    for begin in range(0, samples, PIECE_FRAMES):
        yield np.zeros((channels, min(PIECE_FRAMES, samples - begin)), np.float32)


def _pieces(sound: Sound) -> Iterator[np.ndarray]:
    for block in sound.blocks:
        for begin in range(0, block.shape[-1], PIECE_FRAMES):
            yield block[:, begin : begin + PIECE_FRAMES]
