"""Call audio over the modem's second port: signed 16-bit little-endian mono at 8 or 16 kHz, both ways on one node."""

import asyncio
from collections.abc import Callable

from services.audio.frame import FRAME_SECONDS, Frame
from services.audio.paced import AHEAD_SECONDS, PacedWriter
from services.audio.playout import PlayoutQueue
from services.clock import Clock
from services.errors import LineError, PortError
from telephony.audio_pipeline import SoundFigures, TelephonyAudioPipeline
from telephony.serial_port import SerialPort

WRITE_TIMEOUT = 1.0
"""Seconds one write may take; a modem whose audio endpoint hangs never takes it."""
DUMB_SECONDS = 5.0
"""Without any input for so long the modem is not working: it sends silence, too."""
GAP_SECONDS = 0.1
"""Without input for so long the other side is taken as silent: the conversation counts time in frames."""


class CallAudio:
    """The sound of one call: `read` and `write` run as two tasks of the line until cancelled or failed.

    The rate is that of `playout`, and a `pipeline` that is given has the same. With `frames_per_write` 2 it writes 640
    bytes each 40 ms, as some firmware wants it. `input_gaps` counts the times nothing came for 100 ms, `output_gaps`
    the 20 ms ticks that were written too late.
    """

    def __init__(
        self,
        port: SerialPort,
        playout: PlayoutQueue,
        clock: Clock | None = None,
        *,
        pipeline: TelephonyAudioPipeline | None = None,
        frames_per_write: int = 1,
    ) -> None:
        self.input_gaps = 0
        self.pipeline = pipeline or TelephonyAudioPipeline(playout.rate)
        self._port = port
        self._writer = PacedWriter(playout.take, self._write_frame, clock=clock, on_missed=playout.skip)
        self._unwritten = b""
        self._write_bytes = frames_per_write * self.pipeline.frame_bytes

    @property
    def output_gaps(self) -> int:
        """Ticks of 20 ms in which the modem had nothing of ours to play."""
        return self._writer.missed

    def figures(self) -> SoundFigures:
        """Return levels and faults of the call so far."""
        return self.pipeline.figures(self.input_gaps, self.output_gaps)

    def drop_stale(self) -> None:
        """Drop input that lies in the port: right after audio is switched on it is the end of the call before."""
        self._port.flush_input()
        self.pipeline.forget_rest()

    def drop_unheard(self) -> None:
        """Drop output that has not left yet: the call it was meant for is over."""
        self._port.flush_output()
        self._unwritten = b""

    async def read(self, deliver: Callable[[Frame], None]) -> None:
        """Give every frame of the caller to `deliver`, silence where none comes.

        Raises PortError at the port's end, LineError when the modem gives no sound for 5 s: it always does in a call.
        """
        patience = GAP_SECONDS
        missing = 0.0
        while True:
            try:
                async with asyncio.timeout(patience):
                    data = await self._port.read()
            except TimeoutError:
                if self._port.unread:  # it was the program that came late, not the sound
                    continue
                self.input_gaps += patience == GAP_SECONDS
                missing += patience
                if missing >= DUMB_SECONDS:
                    raise LineError(
                        "The modem's call audio hangs: it gives no sound.", "The modem is being reset."
                    ) from None
                frames = self.pipeline.receive_silence(round(patience / FRAME_SECONDS))
                patience = FRAME_SECONDS
            else:
                if not data:
                    raise PortError(self._port.lost or "The call audio port was closed.", "Plug the modem in again.")
                frames = self.pipeline.receive(data)
                patience, missing = GAP_SECONDS, 0.0
            for frame in frames:
                deliver(frame)

    async def write(self) -> None:
        """Write a frame every 20 ms, silence when nothing is queued. Raises LineError when the modem takes none."""
        await self._writer.run()

    async def _write_frame(self, frame: Frame) -> None:
        self._unwritten += self.pipeline.transmit(frame)
        if len(self._unwritten) < self._write_bytes:  # the endpoint hangs on anything but whole pieces
            return
        data, self._unwritten = self._unwritten, b""
        try:
            await self._port.write(data, WRITE_TIMEOUT)
        except PortError as error:
            if self._port.closed:
                raise
            raise LineError("The modem's call audio hangs: it takes no sound.", "The modem is being reset.") from error


HELD_SECONDS = AHEAD_SECONDS
"""What the modem may still hold unheard after the last frame was written."""
