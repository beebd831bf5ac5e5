"""Puts received packets in order and fills what is missing. No sockets, and the clock is handed in.

Sound is G.711 here: one byte a sample, 8000 a second.
"""

from collections.abc import Callable
from dataclasses import dataclass

from telephony.sip.rtp import Packet, after

RATE = 8000
FRAME = RATE // 50
WAIT_SECONDS = 0.06
"""So long a missing packet is waited for, and so long nothing may come before silence stands in for it."""
QUIET_AHEAD_SECONDS = 0.04
AHEAD_SECONDS = 0.2
"""So far the sound may run before the clock after a burst; what would take it further is dropped."""
MAX_AHEAD = 1000
MAX_SILENCE = 60 * RATE
"""A jump of the packets' numbers or timestamps (samples) beyond these is a new stream."""


@dataclass(slots=True)
class JitterCounts:
    """What went wrong so far: packets that never came, came late, came twice; frames of silence; packets dropped."""

    lost: int = 0
    late: int = 0
    doubled: int = 0
    filled: int = 0
    dropped: int = 0


class JitterBuffer:
    """Gives sound on at once while packets come in order, so that nothing is heard later than it must.

    A packet that comes before its turn waits for the missing one, 60 ms at most; then the last 20 ms stand in for it
    once more, and `silence` (the code of a silent sample) after them. Where no packets come at all (silence
    suppression, a broken network) silence is given by the clock: the conversation counts time in frames. After a stall
    the burst that follows is given whole up to 0.2 s before the clock, and packets that are `quiet` are left out until
    the clock has caught up.
    """

    def __init__(self, silence: bytes, quiet: Callable[[bytes], bool]) -> None:
        self.counts = JitterCounts()
        self._silence = silence
        self._quiet = quiet
        self._next: tuple[int, int] | None = None  # number and timestamp of the packet whose turn it is
        self._waiting: dict[int, tuple[float, Packet, bool]] = {}
        self._source = 0
        self._start: float | None = None
        self._given = 0  # samples
        self._last = b""

    def push(self, packet: Packet, now: float, *, sound: bool = True) -> bytes:
        """Take a packet at the second `now`; return what is to be heard now.

        `sound` is False for a packet that carries none (a key, comfort noise): its number is no hole.
        """
        if self._start is None:
            self._start = now
        if self._next is None or packet.source != self._source:
            self._begin(packet)
        assert self._next is not None
        ahead = after(packet.sequence, self._next[0], 16)
        if abs(ahead) > MAX_AHEAD or abs(after(packet.timestamp, self._next[1], 32)) > MAX_SILENCE:
            self._begin(packet)
            ahead = 0
        if ahead < 0:
            self.counts.late += 1
            return b""
        if packet.sequence in self._waiting:
            self.counts.doubled += 1
            return b""
        self._waiting[packet.sequence] = (now, packet, sound)
        return self._ready(now)

    def poll(self, now: float) -> bytes:
        """Return what must be given now because nothing came; call it every 20 ms."""
        if self._start is None:
            self._start = now
        given = self._ready(now)
        frames = (self._behind(now) - round(WAIT_SECONDS * RATE)) // FRAME
        if not self._waiting and frames > 0:
            self.counts.filled += frames
            given += self._take(self._silence * (frames * FRAME))
        return given

    def _begin(self, packet: Packet) -> None:
        self._source = packet.source
        self._next = (packet.sequence, packet.timestamp)
        self._waiting.clear()

    def _ready(self, now: float) -> bytes:
        given = b""
        while self._waiting and self._next is not None:
            sequence, timestamp = self._next
            if sequence not in self._waiting:
                first = min(self._waiting, key=lambda each: after(each, sequence, 16))
                if now - self._waiting[first][0] < WAIT_SECONDS:
                    break
                self.counts.lost += after(first, sequence, 16)
                # As far as the clock has not filled it already.
                hole = min(after(self._waiting[first][1].timestamp, timestamp, 32), self._behind(now))
                if hole > 0:
                    given += self._take((self._last[-FRAME:] + self._silence * hole)[:hole])
                sequence = first
            _, packet, sound = self._waiting.pop(sequence)
            samples = len(packet.payload) if sound else 0
            self._next = ((sequence + 1) & 0xFFFF, (packet.timestamp + samples) & 0xFFFFFFFF)
            if samples and not self._too_much(packet.payload, now):
                given += self._take(packet.payload)
        return given

    def _behind(self, now: float) -> int:
        """Samples that the clock is ahead of what was given."""
        assert self._start is not None
        return int((now - self._start) * RATE) - self._given

    def _take(self, data: bytes) -> bytes:
        self._given += len(data)
        self._last = data
        return data

    def _too_much(self, data: bytes, now: float) -> bool:
        ahead = (len(data) - self._behind(now)) / RATE
        over = ahead > AHEAD_SECONDS or (ahead > QUIET_AHEAD_SECONDS and self._quiet(data))
        self.counts.dropped += over
        return over
