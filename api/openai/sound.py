"""Speech as a growing file of the format that was asked for: mp3, opus, aac, flac, wav or pcm, all at 24 kHz mono.

PyAV encodes and, where the pace is not the voice's own, stretches the sound in time (FFmpeg's atempo keeps the pitch).
"""

import struct
from fractions import Fraction
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, cast

from services.audio.frame import Samples

if TYPE_CHECKING:
    from av import AudioFrame

RATE = 24_000
Format = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
MEDIA_TYPES: dict[Format, str] = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": f"audio/pcm;rate={RATE}",
}
# Container, codec, what the codec takes, bits a second (0: it does not say).
_CODECS: dict[str, tuple[str, str, str, int]] = {
    "mp3": ("mp3", "libmp3lame", "s16p", 64_000),
    "opus": ("ogg", "libopus", "s16", 48_000),
    "aac": ("adts", "aac", "fltp", 64_000),
    "flac": ("flac", "flac", "s16", 0),
}
# A WAV file that is still growing: its lengths are not known, which players take for "to the end".
_UNKNOWN = 0xFFFFFFFF
_WAV_HEADER = struct.pack(
    "<4sI4s4sIHHIIHH4sI",
    *(b"RIFF", _UNKNOWN, b"WAVE", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16, b"data", _UNKNOWN),
)


class SoundWriter:
    """Turns (n,) int16 samples of 24 kHz into the bytes of one file, as they come.

    `tempo` 0.5 to 2 makes the speech that much faster. Blocking, some 10 ms of CPU for a second of sound: for threads,
    of which one works at a time; whoever was cancelled may close it while another is still at it.
    """

    def __init__(self, form: Format, tempo: float = 1.0) -> None:
        self._stretch = None if abs(tempo - 1) < 0.001 else _Stretch(tempo)
        self._encoder = _Encoder(*_CODECS[form]) if form in _CODECS else None
        self._begin = _WAV_HEADER if form == "wav" else b""
        self._lock = Lock()

    def push(self, samples: Samples) -> bytes:
        """Take more sound; return the bytes that are ready."""
        with self._lock:
            return self._encoded(samples if self._stretch is None else self._stretch.push(samples))

    def flush(self) -> bytes:
        """Return the rest: the file ends here."""
        with self._lock:
            ready = self._encoded(self._stretch.flush()) if self._stretch is not None else b""
            return ready + (self._encoder.flush() if self._encoder is not None else self._encoded_header())

    def close(self) -> None:
        """Give up what is not finished; safe at any time."""
        with self._lock:
            if self._encoder is not None:
                self._encoder.close()

    def _encoded(self, samples: Samples) -> bytes:
        if self._encoder is not None:
            return self._encoder.push(samples)
        return self._encoded_header() + samples.astype("<i2", copy=False).tobytes()

    def _encoded_header(self) -> bytes:
        begin, self._begin = self._begin, b""
        return begin


class _Encoder:
    """An FFmpeg encoder with its container, written into memory."""

    def __init__(self, container: str, codec: str, layout: str, bit_rate: int) -> None:
        import av

        self._sink = _Sink()
        options = {"flush_packets": "1", **({"page_duration": "200000"} if container == "ogg" else {})}
        self._container: Any = av.open(self._sink, "w", format=container, options=options)
        self._stream = cast(Any, self._container.add_stream(codec, rate=RATE))
        self._stream.layout, self._stream.format = "mono", layout
        if bit_rate:
            self._stream.bit_rate = bit_rate
        self._resampler = av.AudioResampler(format=layout, layout="mono", rate=RATE)
        self._written = 0
        self._open = True

    def push(self, samples: Samples) -> bytes:
        if len(samples):
            frame = _frame(samples, self._written)
            self._written += len(samples)
            for each in self._resampler.resample(frame):
                self._put(each)
        return self._sink.taken()

    def flush(self) -> bytes:
        self._put(None)
        self.close()
        return self._sink.taken()

    def close(self) -> None:
        if self._open:
            self._open = False
            self._container.close()  # one that was given up is never freed otherwise

    def _put(self, frame: "AudioFrame | None") -> None:
        for packet in self._stream.encode(frame):
            self._container.mux(packet)


class _Stretch:
    """FFmpeg's atempo: another pace at the same pitch."""

    def __init__(self, tempo: float) -> None:
        from av.filter import Graph

        self._graph = Graph()
        begin = self._graph.add_abuffer(format="s16", sample_rate=RATE, layout="mono", time_base=Fraction(1, RATE))
        atempo, end = self._graph.add("atempo", f"{tempo:.4f}"), self._graph.add("abuffersink")
        begin.link_to(atempo)
        atempo.link_to(end)
        self._graph.configure()
        self._taken = 0

    def push(self, samples: Samples) -> Samples:
        if len(samples):
            self._graph.push(_frame(samples, self._taken))
            self._taken += len(samples)
        return self._ready()

    def flush(self) -> Samples:
        if self._taken:
            self._graph.push(None)
        return self._ready()

    def _ready(self) -> Samples:
        import numpy as np
        from av.error import BlockingIOError as NothingYetError
        from av.error import EOFError as OverError

        pieces = [np.zeros(0, np.int16)]
        while True:
            try:
                frame: Any = self._graph.pull()
            except (NothingYetError, OverError):
                return np.concatenate(pieces)
            pieces.append(frame.to_ndarray().reshape(-1).astype(np.int16, copy=False))


class _Sink:
    """What the container writes to; it cannot go back, so no header is completed behind its back."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Take `data`; return its length."""
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """Return what has come since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _frame(samples: Samples, position: int) -> "AudioFrame":
    import av

    frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples))
    frame.planes[0].update(samples.tobytes())
    frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), position
    return frame
