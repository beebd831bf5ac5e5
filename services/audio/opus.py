"""Opus in an Ogg file while it grows: FFmpeg's encoder, by way of PyAV."""

import contextlib
import os
from collections.abc import Iterator
from fractions import Fraction
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from services.audio.frame import Samples

if TYPE_CHECKING:
    from av import AudioFrame

BITS_PER_SECOND = {8_000: 40_000, 12_000: 48_000, 16_000: 64_000, 24_000: 80_000, 48_000: 112_000}
"""Of both channels, by the rate: with less the encoder mixes them, and one side is heard in the other."""

_PAGE_SECONDS = 0.5
_ENCODER = {
    "application": "audio",  # "voip" filters and sharpens: the sound is then less like what was said, and no cheaper
    # The least work: a higher complexity costs up to four times as much, and is nearer to the sound by a trifle.
    "compression_level": "0",
}


class OpusWriter:
    """Writes stereo int16 at `rate` (a key of BITS_PER_SECOND) to the open file `handle`, which it leaves open.

    Half a second of sound makes a page, written when the next is full: what is not in the file yet is a second at most.
    Raises OSError when the disk refuses. It is a context: at its end, unless after an error, the stream is ended.
    """

    def __init__(self, handle: int, rate: int) -> None:
        import av

        self._frame = av.AudioFrame
        self._error = av.FFmpegError
        self._rate = rate
        self._written = 0
        self._file = _File(handle)
        pages = {"page_duration": f"{_PAGE_SECONDS * 1e6:.0f}", "flush_packets": "1"}
        self._container: Any = av.open(self._file, "w", format="ogg", options=pages)
        self._stream = self._container.add_stream("libopus", rate=rate, options=_ENCODER)
        self._stream.layout, self._stream.format = "stereo", "s16"
        self._stream.bit_rate = BITS_PER_SECOND[rate]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                with self._refusals():
                    self._put(None)
                    self._container.close()
        finally:
            self._file.over = True
            with contextlib.suppress(OSError), self._refusals():
                self._container.close()  # one that was given up is never freed otherwise

    def write(self, block: Samples) -> None:
        """Encode (n, 2) samples."""
        frame = self._frame(format="s16", layout="stereo", samples=len(block))
        frame.planes[0].update(block.tobytes())
        frame.sample_rate, frame.time_base, frame.pts = self._rate, Fraction(1, self._rate), self._written
        self._written += len(block)
        with self._refusals():
            self._put(frame)

    def _put(self, frame: "AudioFrame | None") -> None:
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except self._error as error:
            raise error if isinstance(error, OSError) else OSError(error.strerror) from error


class _File:
    """What the container writes to, until it is `over`: to be freed it must write its end, after an error too."""

    def __init__(self, handle: int) -> None:
        self.over = False
        self._handle = handle

    def write(self, data: bytes) -> int:
        """Write all of `data`; return its length."""
        rest = memoryview(data)
        while rest and not self.over:
            rest = rest[os.write(self._handle, rest) :]
        return len(data)
