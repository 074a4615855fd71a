"""One encoded sound inside a container, in whatever codec: for sound files and for videos.

FFmpeg remixes without a word wherever two channel layouts differ. So the layout is chosen here,
the encoder opened with it, and every frame carries it: nothing is left to be converted.
"""

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np

from avtools.dsp.ambisonics import order_of
from avtools.errors import AvtoolsError, warn
from avtools.stream.sound import Blocks, Sound

# The speaker layouts of encoders that insist on one. Four channels are 4.0 and never quad, which
# YouTube refuses.
SPEAKERS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
COUNTS = {
    "aac": (1, 2, 3, 4, 5, 6, 8),
    "ac3": (1, 2, 3, 4, 5, 6),
    "eac3": (1, 2, 3, 4, 5, 6),
    "libmp3lame": (1, 2),
    "mp2": (1, 2),
    "flac": range(1, 9),
    "alac": range(1, 9),
    "libopus": range(1, 256),
}
WITH_LFE = ("aac", "ac3", "eac3")
HIGHEST_BITRATE = {"ac3": 640_000, "mp2": 384_000, "libmp3lame": 320_000}
LOSSY_BITS_A_CHANNEL = 128_000
PIECE = 4096  # frames in one frame of FFmpeg


def clipped(blocks: Blocks, name: str, bits: int) -> Blocks:
    """Samples as integers of so many bits can hold them, rounded; says how many were too loud."""
    count, scale = 0, np.float32(2.0 ** (bits - 1))
    for x in blocks:
        x = np.nan_to_num(x, posinf=2.0, neginf=-2.0)
        count += int(np.count_nonzero(np.abs(x) > 1))
        if bits <= 24:
            x = np.rint(x * scale) / scale
        yield np.clip(x, -1, 1 - 1 / scale if bits <= 24 else 1)
    if count:
        warn(f"{name}: {count} samples clipped; lower them with --gain")


class SoundTrack:
    """The stream of a container that `sound` is encoded into, its first sample at `start`."""

    def __init__(
        self,
        output,
        sound: Sound,
        codec: str,
        bitrate: int | None = None,
        target: str = "",
        start: Fraction = Fraction(0),
    ):
        self.sound, self.target = sound, target
        self.codec = {"opus": "libopus", "mp3": "libmp3lame"}.get(codec, codec)
        try:
            encoder = av.Codec(self.codec, "w")
        except ValueError as error:
            raise AvtoolsError(f"{target}: no encoder of the name {codec}") from error
        if encoder.type != "audio":
            raise AvtoolsError(f"{target}: {codec} is no codec for sound")
        self._check(encoder)
        self.layout, options = self._layout()
        self.bits = self._bits(encoder)
        self.clock = Fraction(1, sound.rate)
        self.at = round(start * sound.rate)
        self.stream = self._add(output, encoder, options, bitrate)

    def _check(self, encoder) -> None:
        sound, counts = self.sound, COUNTS.get(self.codec)
        if counts is not None and sound.channels not in counts:
            raise AvtoolsError(
                f"{self.target}: {self.codec} has no form for {sound.channels} channels; take "
                "--codec libopus or pcm_f32le, or a .wav file"
            )
        surround = sound.label.startswith(SPEAKERS.get(sound.channels, "-"))
        if self.codec in WITH_LFE and sound.channels in (6, 7, 8) and not surround:
            raise AvtoolsError(
                f"{self.target}: {self.codec} would take channel 3 of {sound.channels} for a "
                "subwoofer and cut it at 120 Hz; take --codec libopus, flac or pcm_f32le"
            )
        rates = encoder.audio_rates
        if rates and sound.rate not in rates:
            near = min(rates, key=lambda r: (r < sound.rate, abs(r - sound.rate)))
            raise AvtoolsError(
                f"{self.target}: {self.codec} knows no rate of {sound.rate} Hz; --rate {near} of "
                "avtools convert makes it one that it knows"
            )

    def _layout(self) -> tuple[str, dict[str, str]]:
        """The name of the channels, and the encoder's options that go with it."""
        n = self.sound.channels
        if n <= 2:
            return SPEAKERS[n], {}
        if self.codec == "libopus":
            order = order_of(n)
            if order and self.sound.marks.get("convention") == "ambix":
                return f"ambisonic {order}", {"mapping_family": "2"}
            return f"{n} channels", {"mapping_family": "255"}
        if self.codec.startswith("pcm_") or n not in SPEAKERS:
            return f"{n} channels", {}
        return SPEAKERS[n], {}

    def _bits(self, encoder) -> int | None:
        """Of the integers that the encoder takes; None where it takes floats."""
        if self.codec.startswith("pcm_"):
            kind = self.codec[4:7]
            return {"u8": 8, "s16": 16, "s24": 24, "s32": 32}.get(kind.rstrip("lb"))
        if self.codec in ("flac", "alac", "tta", "wavpack"):
            return 16 if self.sound.bits <= 16 else 24
        names = [f.name for f in encoder.audio_formats or []]
        return None if any(n.startswith(("flt", "dbl")) for n in names) else 16

    def _add(self, output, encoder, options: dict[str, str], bitrate: int | None):
        sound = self.sound
        try:
            stream = output.add_stream(self.codec, rate=sound.rate, options=options)
        except ValueError as error:
            format = output.format.name.split(",")[0]
            raise AvtoolsError(f"{self.target}: {format} can't hold {self.codec}") from error
        context = stream.codec_context
        context.layout = self.layout
        context.format = self._format(encoder)
        context.time_base = stream.time_base = self.clock
        if bitrate:
            context.bit_rate = bitrate
        elif self.codec in ("aac", "libopus", "ac3", "eac3", "libmp3lame", "mp2"):
            context.bit_rate = self._usual_bitrate()
        try:
            context.open()
        except (av.error.FFmpegError, ValueError) as error:
            raise AvtoolsError(
                f"{self.target}: {self.codec} takes neither {sound.channels} channels at "
                f"{sound.rate} Hz nor what was asked of it"
            ) from error
        return stream

    def _usual_bitrate(self) -> int:
        """256k for stereo, in step for more channels; AAC allows 6144 bits a channel and frame."""
        wanted = max(LOSSY_BITS_A_CHANNEL * self.sound.channels, 2 * LOSSY_BITS_A_CHANNEL)
        if self.sound.channels == 1:
            wanted = LOSSY_BITS_A_CHANNEL
        if self.codec == "aac":
            wanted = min(wanted, 6144 * self.sound.channels * self.sound.rate // 1024)
        return min(wanted, HIGHEST_BITRATE.get(self.codec, 5_000_000))

    def _format(self, encoder) -> str:
        names = [f.name for f in encoder.audio_formats or []]
        if self.bits is None:
            return next((n for n in names if n.startswith(("flt", "dbl"))), names[0])
        wanted = "s16" if self.bits == 16 else "s32" if self.bits > 16 else "u8"
        return next((n for n in names if n.startswith(wanted)), names[0] if names else wanted)

    def packets(self, blocks: Blocks | None = None) -> Iterator:
        """Encoded packets of the whole sound; each carries its exact time."""
        blocks = self.sound.blocks if blocks is None else blocks
        if self.bits is not None:
            blocks = clipped(blocks, self.sound.name, self.bits)
        for x in blocks:
            for first in range(0, x.shape[-1], PIECE):
                yield from self._encode(x[:, first : first + PIECE])
        yield from self.stream.encode(None)

    def _encode(self, x: np.ndarray) -> Iterator:
        packed = np.ascontiguousarray(x.T, np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=self.layout)
        frame.sample_rate, frame.time_base = self.sound.rate, self.clock
        frame.pts = self.at
        self.at += x.shape[-1]
        yield from self.stream.encode(frame)
