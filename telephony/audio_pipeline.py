"""Between the bytes of a telephone line and frames: linear PCM of a modem, G.711 of a SIP or RTP line."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from services.audio.byte_alignment import ByteAlignment
from services.audio.dtmf import DtmfDetector
from services.audio.frame import Frame, Samples, frame_samples
from services.audio.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from services.audio.leveller import INCOMING, OUTGOING, Leveller, Levelling
from services.audio.levels import FULL_SCALE
from services.audio.speech_meter import SpeechMeter
from services.errors import AudioError


class Coding(StrEnum):
    """How a line writes a sample: 16-bit signed little-endian, or one byte by G.711."""

    LINEAR = "linear"
    MU_LAW = "mu-law"
    A_LAW = "a-law"


ECHO_FRAMES = 25
"""Half a second: as long after the secretary's last sound the caller's level is not learnt, it may be her echo."""

RATES = {Coding.LINEAR: (8_000, 16_000), Coding.MU_LAW: (8_000,), Coding.A_LAW: (8_000,)}
_SILENCE = {Coding.LINEAR: b"\0", Coding.MU_LAW: b"\xff", Coding.A_LAW: b"\xd5"}
_CLIPPED = {Coding.LINEAR: 32_767, Coding.MU_LAW: 32_124, Coding.A_LAW: 32_256}
_DECODE = {Coding.MU_LAW: ulaw_decode, Coding.A_LAW: alaw_decode}
_ENCODE = {Coding.MU_LAW: ulaw_encode, Coding.A_LAW: alaw_encode}


@dataclass(frozen=True, slots=True)
class SoundFigures:
    """The sound of a call in figures, for the status page; levels in dBFS before any gain, -120.0 where there is none.

    `clipped`: samples that came in at full scale. `realigned`: times the line had lost a byte. `limited_*`: frames with
    peaks that were lowered. `input_gaps`: times nothing came; `output_gaps`: ticks of 20 ms written too late.
    """

    speech_in: float
    noise_in: float
    gain_in: float
    speech_out: float
    gain_out: float
    clipped: int
    limited_in: int
    limited_out: int
    realigned: int
    input_gaps: int = 0
    output_gaps: int = 0


class TelephonyAudioPipeline:
    """The sound of one call, both ways; a line brings the bytes and the pace. Adds no delay and never waits.

    `incoming` and `outgoing` say how the caller's and the secretary's voice are levelled, None leaves them as they are.
    With `on_key` the keys that the caller presses are heard in the sound and told, each once. Raises AudioError for a
    rate that the coding does not have.
    """

    def __init__(
        self,
        rate: int = 8_000,
        coding: Coding = Coding.LINEAR,
        *,
        incoming: Levelling | None = INCOMING,
        outgoing: Levelling | None = OUTGOING,
        on_key: Callable[[str], None] | None = None,
    ) -> None:
        if rate not in RATES[coding]:
            raise AudioError(
                f"A line with {coding} sound has no rate of {rate} Hz.",
                f"Use {' or '.join(map(str, RATES[coding]))} Hz.",
            )
        self.rate = rate
        self.coding = coding
        self.frame_bytes = frame_samples(rate) * (2 if coding is Coding.LINEAR else 1)
        """Bytes of 20 ms: 320 or 640 of linear sound, 160 of G.711."""
        self._rest = b""
        self._position = 0
        self._clipped = self._realigned = 0
        self._alignment = ByteAlignment() if coding is Coding.LINEAR else None
        self._on_key = on_key
        self._keys = DtmfDetector(rate)
        self._talking = 0  # frames for which what comes in may be the secretary's echo
        self._in = _Side(rate, incoming)
        self._out = _Side(rate, outgoing)

    def receive(self, data: bytes) -> list[Frame]:
        """Take what came, any number of bytes; return the frames that are now whole, with running positions."""
        rest, at, frames = self._rest + data, 0, []
        while len(rest) - at >= self.frame_bytes:
            samples = self._decode(rest[at : at + self.frame_bytes])
            if samples is None:
                self._realigned += 1
                at += 1
                continue
            at += self.frame_bytes
            frames.append(self._hear(samples))
        self._rest = rest[at:]
        return frames

    def receive_silence(self, frames: int) -> list[Frame]:
        """Put silence in the place of sound that did not come; a begun frame is ended with it."""
        return self.receive(_SILENCE[self.coding] * (frames * self.frame_bytes))

    def forget_rest(self) -> None:
        """Drop a begun frame: what comes next begins with a new sample."""
        self._rest = b""

    def transmit(self, frame: Frame) -> bytes:
        """Return the bytes of a frame to write. Raises AudioError for another rate."""
        frame.expect_rate(self.rate)
        if frame.samples.any():
            self._talking = ECHO_FRAMES
        samples = self._out.push(frame).samples
        encode = _ENCODE.get(self.coding)
        return encode(samples) if encode else samples.astype("<i2", copy=False).tobytes()

    def figures(self, input_gaps: int = 0, output_gaps: int = 0) -> SoundFigures:
        """Return what was measured so far."""
        incoming, outgoing = self._in.meter, self._out.meter
        return SoundFigures(
            round(incoming.speech_dbfs, 1),
            round(incoming.noise_dbfs, 1),
            round(self._in.gain_db, 1),
            round(outgoing.speech_dbfs, 1),
            round(self._out.gain_db, 1),
            self._clipped,
            self._in.limited,
            self._out.limited,
            self._realigned,
            input_gaps,
            output_gaps,
        )

    def _decode(self, raw: bytes) -> Samples | None:
        """Return the samples of a frame, or None when the stream is one byte off."""
        if self._alignment is not None:
            return self._alignment.read(raw)
        return _DECODE[self.coding](raw)

    def _hear(self, samples: Samples) -> Frame:
        limit = _CLIPPED[self.coding]
        if samples.max() >= limit or samples.min() <= -limit:
            self._clipped += int(np.count_nonzero((samples >= limit) | (samples <= -limit)))
        frame = Frame(samples, self.rate, self._position)
        self._position = frame.end
        if self._on_key:
            for key in self._keys.push(frame):
                self._on_key(key)
        self._talking = max(0, self._talking - 1)
        return self._in.push(frame, learn=not self._talking)


class _Side:
    """One direction: levelled, or only measured."""

    def __init__(self, rate: int, aim: Levelling | None) -> None:
        self._leveller = Leveller(rate, aim) if aim else None
        self.meter = self._leveller.meter if self._leveller else SpeechMeter()

    @property
    def gain_db(self) -> float:
        return self._leveller.gain_db if self._leveller else 0.0

    @property
    def limited(self) -> int:
        return self._leveller.limited if self._leveller else 0

    def push(self, frame: Frame, *, learn: bool = True) -> Frame:
        if self._leveller:
            return self._leveller.push(frame, learn=learn)
        values = frame.samples.astype(np.float32)
        self.meter.push(float(values @ values) / (len(values) * FULL_SCALE**2), learn=learn)
        return frame
