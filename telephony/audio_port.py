"""Call audio over the modem's second port: signed 16-bit little-endian mono at 8 kHz, both ways on one node."""

import asyncio
from collections.abc import Callable

import numpy as np

from services.audio.frame import FRAME_SECONDS, Frame, Samples, frame_samples
from services.audio.framer import Framer
from services.audio.paced import AHEAD_SECONDS, PacedWriter
from services.audio.playout import PlayoutQueue
from services.clock import Clock
from services.errors import LineError, PortError
from telephony.serial_port import SerialPort

RATE = 8000
WRITE_TIMEOUT = 1.0
"""Seconds one 20 ms write may take; a modem whose audio endpoint hangs never takes it."""
GAP_SECONDS = 0.1
"""Without input for so long the other side is taken as silent: the conversation counts time in frames."""
_PCM = np.dtype("<i2")


class PcmCutter:
    """Cuts a stream of little-endian 16-bit samples into frames; chunks of any size, odd ones too."""

    def __init__(self) -> None:
        self._odd = b""
        self._framer = Framer(RATE)

    def push(self, data: bytes) -> list[Frame]:
        """Take bytes; return the frames that are now whole."""
        data = self._odd + data
        even = len(data) & ~1
        self._odd = data[even:]
        return self._framer.push(np.frombuffer(data[:even], _PCM).astype(np.int16))

    def push_silence(self, frames: int) -> list[Frame]:
        """Put silence in the place of sound that did not come."""
        return self._framer.push(np.zeros(frames * frame_samples(RATE), np.int16))


def to_bytes(samples: Samples) -> bytes:
    """Return the samples as the modem takes them: 320 bytes for a frame of 20 ms."""
    return samples.astype(_PCM, copy=False).tobytes()


class CallAudio:
    """The sound of one call: `read` and `write` run as two tasks of the line until cancelled or failed.

    `input_gaps` counts the times nothing came for 100 ms, `output_gaps` the 20 ms ticks that were written too late.
    """

    def __init__(self, port: SerialPort, playout: PlayoutQueue, clock: Clock | None = None) -> None:
        self.input_gaps = 0
        self._port = port
        self._cutter = PcmCutter()
        self._writer = PacedWriter(playout.take, self._write_frame, clock=clock, on_missed=playout.skip)

    @property
    def output_gaps(self) -> int:
        """Ticks of 20 ms in which the modem had nothing of ours to play."""
        return self._writer.missed

    def drop_stale(self) -> None:
        """Drop input that lies in the port: right after audio is switched on it is the end of the call before."""
        self._port.flush_input()

    def drop_unheard(self) -> None:
        """Drop output that has not left yet: the call it was meant for is over."""
        self._port.flush_output()

    async def read(self, deliver: Callable[[Frame], None]) -> None:
        """Give every frame of the caller to `deliver`, silence where none comes. Raises PortError at the port's end."""
        patience = GAP_SECONDS
        while True:
            try:
                async with asyncio.timeout(patience):
                    data = await self._port.read()
            except TimeoutError:
                if self._port.unread:  # it was the program that came late, not the sound
                    continue
                self.input_gaps += patience == GAP_SECONDS
                frames = self._cutter.push_silence(round(patience / FRAME_SECONDS))
                patience = FRAME_SECONDS
            else:
                if not data:
                    raise PortError(self._port.lost or "The call audio port was closed.", "Plug the modem in again.")
                frames = self._cutter.push(data)
                patience = GAP_SECONDS
            for frame in frames:
                deliver(frame)

    async def write(self) -> None:
        """Write a frame every 20 ms, silence when nothing is queued. Raises LineError when the modem takes none."""
        await self._writer.run()

    async def _write_frame(self, frame: Frame) -> None:
        try:
            await self._port.write(to_bytes(frame.samples), WRITE_TIMEOUT)
        except PortError as error:
            if self._port.closed:
                raise
            raise LineError("The modem's call audio hangs: it takes no sound.", "The modem is being reset.") from error


HELD_SECONDS = AHEAD_SECONDS
"""What the modem may still hold unheard after the last frame was written."""
