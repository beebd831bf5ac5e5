"""The module's audio path: 20 ms each way, on an absolute schedule."""

import asyncio
from collections.abc import Callable

import numpy as np

from telephony.simulator.dice import Dice, Habits
from telephony.simulator.faults import Faults
from telephony.simulator.log import EventLog
from telephony.simulator.person.farend import CHUNK_SECONDS, FarEnd
from telephony.simulator.person.resample import HalfBand, Samples
from telephony.simulator.person.tones import CHUNK, ringback
from telephony.simulator.ports.pty import PtyPort

BUFFER_SECONDS = 0.2
HOST_PENDING = 0  # the kernel's 4 KiB are buffer enough; a host that does not read loses whole chunks

SILENCE = np.zeros(CHUNK, np.int16)


class AudioPath:
    """Joins the audio port with the far end of a call.

    Runs from the answer (or from CPCMREG=1 on a call that still rings out there) to the end of the call. Bytes from the
    host are taken into 200 ms of buffer and played one chunk each 20 ms; `underruns` counts chunks that were not there
    in time. While not connected, nothing is read and nothing written.

    Two faults of the endpoint last until a reset: `wedged` takes no more bytes, `mute` takes them and plays silence.
    """

    def __init__(self, log: EventLog, faults: Faults, dice: Dice, habits: Habits) -> None:
        self.port = PtyPort(self._take, self._room)
        self.on_chunk: Callable[[Samples, float], None] = lambda _heard, _connected_seconds: None
        self.connected = False
        self.left_on = False
        self.wedged = False
        self.mute = False
        self.underruns = 0
        self._connected_chunks = 0
        self._dead = False
        self._log = log
        self._faults = faults
        self._dice = dice
        self._habits = habits
        self._buffer = bytearray()
        self._carry = bytearray()
        self._far_end: FarEnd | None = None
        self._playing = False
        self._wide = False
        self._up, self._down = HalfBand(), HalfBand()
        self._timer: asyncio.TimerHandle | None = None
        self._next = 0.0
        self._ringback: int | None = None

    def join(self, far_end: FarEnd | None) -> float:
        """Let `far_end` speak and hear from now, None for a line gone silent; returns the time of its first sample."""
        self._far_end = far_end
        self._ringback = None
        self._run()
        return self._next - CHUNK_SECONDS

    def connect(self, *, wide: bool, ringing_out: bool) -> None:
        """CPCMREG=1: open the path at 16 kHz (`wide`) or 8 kHz, with the ringback tone while it rings out there.

        A path left on from the last call opens too, and carries no sound until CPCMREG=0.
        """
        early = self.port.drain()
        if early:
            self._log.add("violation", f"{early} bytes of audio were written before CPCMREG=1 and are lost")
        if self.left_on:
            self._log.add("violation", "CPCMREG was left on after the last call; this call has no sound")
        self._wide, self._dead = wide, self.left_on
        self._buffer.clear()
        self._carry.clear()
        self._up, self._down = HalfBand(), HalfBand()
        self._playing = False
        self._ringback = 0 if ringing_out else None
        self._connected_chunks = 0
        self.connected = True
        self._run()
        self.port.resume()

    def disconnect(self) -> None:
        """CPCMREG=0: the port falls silent."""
        self.connected = self.left_on = False
        self._buffer.clear()
        if self._far_end is None:
            self._stop()

    def port_gone(self) -> None:
        """The node vanished: what the host had given is lost, and it owes nothing until it writes again."""
        self._buffer.clear()
        self._carry.clear()
        self._playing = False

    def call_over(self) -> None:
        """The line is gone; a path that is still connected was left on."""
        self.left_on = self.left_on or self.connected
        self.connected = False
        self._far_end = None
        self._stop()

    def reset(self) -> None:
        """Power-cycle: everything forgotten, a wedged endpoint cured."""
        self.call_over()
        self.left_on = self.wedged = self.mute = False
        self._buffer.clear()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._next = loop.time() + CHUNK_SECONDS
            self._timer = loop.call_at(self._next, self._tick)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        # A loop that was busy makes the late chunks up at once: the line's clock never slips.
        while self._timer is not None and self._next <= loop.time():
            self._chunk(self._next)
            self._next += CHUNK_SECONDS
        if self._timer is not None:
            self._timer = loop.call_at(self._next, self._tick)

    def _chunk(self, at: float) -> None:
        heard = self._play() if self.connected else SILENCE
        said = SILENCE
        if self._far_end is not None:
            said = self._far_end.next_chunk()
            self._far_end.hear(heard, at)
        elif self._ringback is not None:
            said = ringback(self._ringback)
            self._ringback += CHUNK
        if self.connected:
            self._connected_chunks += 1
            self._deliver(said)
            self.port.resume()
        self.on_chunk(heard, self._connected_chunks * CHUNK_SECONDS if self.connected else 0.0)

    # -- host -> far end ---------------------------------------------------------------------------------------------

    def _frame_bytes(self) -> int:
        return CHUNK * (4 if self._wide else 2)

    def _room(self) -> int:
        if not self.connected or self.wedged:
            return 0
        capacity = round(BUFFER_SECONDS / CHUNK_SECONDS) * self._frame_bytes()
        return capacity - len(self._buffer)

    def _take(self, data: bytes) -> None:
        self._buffer += data
        self._playing = True

    def _play(self) -> Samples:
        size = self._frame_bytes()
        if len(self._buffer) < size:
            # After a stall of the loop the host's bytes may lie in the kernel: those are in time.
            self.port.poll()
        if len(self._buffer) < size and self._playing:
            self.underruns += 1
            self._log.add("audio", f"underrun: {len(self._buffer)} of {size} bytes were there")
        part = bytes(self._buffer[: min(size, len(self._buffer) & ~1)])
        del self._buffer[: len(part)]
        samples = np.frombuffer(part.ljust(size, b"\0"), "<i2").astype(np.int16)
        if self._wide:
            samples = self._down.halve(samples)
        return SILENCE if self._dead or self.mute else samples

    # -- far end -> host ---------------------------------------------------------------------------------------------

    def _deliver(self, said: Samples) -> None:
        if not self.port.is_open:
            return
        if self._dead:
            said = SILENCE
        samples = self._up.double(said) if self._wide else said
        self._carry += samples.astype("<i2").tobytes()
        size = len(self._carry)
        double = "chunks-40ms" in self._faults or self._habits.double_chunks
        if double and size < 2 * self._frame_bytes():
            return
        if "odd-bytes" in self._faults:
            size = min(max(1, size - self._dice.random.randrange(0, 100)) | 1, size)
        if not self.port.write(bytes(self._carry[:size]), pending_limit=HOST_PENDING):
            self._log.add("audio", "the host does not read its audio port; 20 ms are lost")
        del self._carry[:size]
