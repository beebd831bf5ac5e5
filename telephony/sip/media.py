"""The sound of one SIP call: a UDP socket that sends and takes G.711 in RTP, 20 ms a packet."""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from services.audio.digit_merger import DigitMerger
from services.audio.dtmf import dtmf_tones
from services.audio.frame import FRAME_SECONDS, Frame, silence
from services.audio.framer import Framer
from services.audio.g711 import alaw_decode, ulaw_decode
from services.audio.paced import PacedWriter
from services.audio.playout import PlayoutQueue
from services.errors import LineError
from telephony.audio_pipeline import Coding, SoundFigures, TelephonyAudioPipeline
from telephony.sip.jitter import FRAME, RATE, JitterBuffer, JitterCounts
from telephony.sip.keys import KeyReader, KeyStep, KeyWriter, check_keys
from telephony.sip.rtp import Sender, parse
from telephony.sip.sdp import PCMA, Agreed

AHEAD_SECONDS = 0.04
"""So much is sent before it is due: the peer's own buffer smooths the rest, and barge-in is heard at once."""
RELATCH_SECONDS = 2.0
"""After so long without a packet from the address latched on, another may take its place (a NAT that forgot)."""
SILENT = 200
"""Peak (of 32767) below which a packet can be left out unheard."""


@dataclass(slots=True)
class MediaCounts:
    """Packets both ways, those refused because they came from a stranger, and what the jitter buffer counted."""

    sent: int = 0
    received: int = 0
    strangers: int = 0
    gaps: int = 0
    jitter: JitterCounts = field(default_factory=JitterCounts)


class MediaSocket(asyncio.DatagramProtocol):
    """A bound UDP socket that gives its datagrams to `on_datagram`; what the network refuses is let pass."""

    def __init__(self) -> None:
        self.on_datagram: Callable[[bytes, tuple[str, int]], None] | None = None
        self.transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def bind(cls, host: str, first: int, last: int, start: int) -> "MediaSocket":
        """Bind the first free even port from `start` on, round `first`..`last`. Raises LineError when all are taken."""
        loop = asyncio.get_running_loop()
        ports = [port for port in range(first, last + 1) if port % 2 == 0] if first else [0]
        shift = next((index for index, port in enumerate(ports) if port >= start), 0)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        for port in ports[shift:] + ports[:shift]:
            try:
                _, protocol = await loop.create_datagram_endpoint(cls, local_addr=(host, port), family=family)
            except OSError:
                continue
            return protocol
        raise LineError(
            "No port is free for the sound of another call.",
            "Widen SECRETARY_SIP__MEDIA_PORT_FIRST and SECRETARY_SIP__MEDIA_PORT_LAST.",
        )

    @property
    def port(self) -> int:
        """The port we listen on."""
        assert self.transport is not None
        port: int = self.transport.get_extra_info("sockname")[1]
        return port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self.transport = cast(asyncio.DatagramTransport, transport)  # Python 3.11 does not say so in its classes

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Called by the loop."""
        if self.on_datagram is not None:
            self.on_datagram(data, (addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """Called by the loop when the peer's port is shut: it may open yet, and the silence is noticed anyhow."""

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        """Send a datagram; one that the network does not take now is lost, as on the way."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.sendto(data, to)

    def close(self) -> None:
        """Give the port back; idempotent."""
        self.on_datagram = None
        if self.transport is not None:
            self.transport.close()


class Media:
    """Sends what the playout queue gives and hands on what comes; `run` works until cancelled.

    `deliver` gets the other side's frames, silence where none come; `on_key` its keys, each once, whether they come as
    events, as tones or (`tell_key`) by signalling. Sound is sent to the address the peer named until its own comes from
    another one (its NAT's): then to that, and strangers are not listened to.
    """

    def __init__(
        self,
        media_socket: MediaSocket,
        agreed: Agreed,
        playout: PlayoutQueue,
        deliver: Callable[[Frame], None],
        on_key: Callable[[str], None],
    ) -> None:
        self.counts = MediaCounts()
        self._socket = media_socket
        self._playout = playout
        self._deliver = deliver
        self._on_key = on_key
        self._now = asyncio.get_running_loop().time
        self._agreed = agreed
        self._target = (agreed.host, agreed.port)
        self._latched: tuple[str, int] | None = None
        self._heard = self._now()
        self._position = 0
        self._sender = Sender()
        self._resumes = True
        self._keys_out = KeyWriter()
        self._tones_out: deque[Frame] = deque()
        self._keys_in = KeyReader()
        self._merger = DigitMerger()
        self._key_start = 0
        self._step: KeyStep | None = None
        self._start()

    def agree(self, agreed: Agreed) -> None:
        """Speak otherwise from now on: the call was changed."""
        before, self._agreed = self._agreed, agreed
        if (agreed.host, agreed.port) != (before.host, before.port):
            self._target, self._latched = (agreed.host, agreed.port), None
        if agreed.codec != before.codec:
            self._start()
        self._heard = self._now()

    @property
    def silent_seconds(self) -> float:
        """How long nothing came from the other side; 0 while the call is on hold."""
        return 0.0 if self._agreed.held else self._now() - self._heard

    def press(self, digits: str) -> float:
        """Send keys instead of sound; return how long that will take. Raises LineError for what is no key."""
        digits = check_keys(digits)
        if self._agreed.events is not None:
            return self._keys_out.press(digits)
        self._tones_out.extend(Framer(RATE).push(dtmf_tones(digits, RATE)))
        return len(self._tones_out) * FRAME_SECONDS

    def tell_key(self, key: str) -> None:
        """Take a key that signalling tells."""
        if self._merger.push(key, "modem", self._now()):
            self._on_key(key)

    def figures(self) -> SoundFigures:
        """Return levels and faults of the call so far."""
        jitter = self.counts.jitter
        return self._pipeline.figures(jitter.lost + jitter.filled, self.counts.gaps)

    async def run(self) -> None:
        """Send and hand on, a frame each 20 ms, until cancelled."""
        await PacedWriter(self._take, self._send, ahead_seconds=AHEAD_SECONDS, on_missed=self._missed).run()

    def receive(self, data: bytes, source: tuple[str, int]) -> None:
        """Take a datagram."""
        packet, agreed = parse(data), self._agreed
        if packet is None or not self._known(source):
            return
        now = self._heard = self._now()
        self.counts.received += 1
        is_sound = packet.payload_type == agreed.payload_type
        self._give(self._jitter.push(packet, now, sound=is_sound))
        if packet.payload_type == agreed.events and (key := self._keys_in.push(packet)):
            self.tell_key(key)

    def _start(self) -> None:
        """Begin to speak a kind of G.711."""
        coding = Coding.A_LAW if self._agreed.codec == PCMA else Coding.MU_LAW
        decode = alaw_decode if coding is Coding.A_LAW else ulaw_decode
        self._pipeline = TelephonyAudioPipeline(RATE, coding, on_key=self._hear_key)
        self._jitter = JitterBuffer(
            b"\xd5" if coding is Coding.A_LAW else b"\xff",
            lambda data: bool(np.abs(decode(data).astype(np.int32)).max(initial=0) < SILENT),
        )
        self.counts.jitter = self._jitter.counts
        self._socket.on_datagram = self.receive

    def _hear_key(self, key: str) -> None:
        if self._merger.push(key, "inband", self._now()):
            self._on_key(key)

    def _known(self, source: tuple[str, int]) -> bool:
        if source == self._latched:
            return True
        if self._latched is not None and self._now() - self._heard < RELATCH_SECONDS:
            self.counts.strangers += 1
            return False
        self._latched = self._target = source
        return True

    def _give(self, data: bytes) -> None:
        for frame in self._pipeline.receive(data) if data else ():
            self._deliver(Frame(frame.samples, RATE, self._position))
            self._position += FRAME

    def _take(self) -> Frame:
        self._give(self._jitter.poll(self._now()))
        self._step = self._keys_out.step()
        if self._step is None and not self._tones_out:
            return self._playout.take()
        self._playout.skip(1)  # the key is heard in the place of 20 ms of ours
        return self._tones_out.popleft() if self._step is None else silence(RATE)

    async def _send(self, frame: Frame) -> None:
        agreed, step = self._agreed, self._step
        if agreed.held:
            self._resumes = True
        elif step is None:
            payload = self._pipeline.transmit(frame)
            self._put(self._sender.packet(agreed.payload_type, payload, marker=self._resumes))
            self._resumes = False
        elif agreed.events is not None:
            if step.begins:
                self._key_start = self._sender.timestamp
            for payload in step.payloads:
                at = self._key_start
                self._put(self._sender.packet(agreed.events, payload, marker=step.begins, timestamp=at))
            self._resumes = True
        self._sender.advance(FRAME)

    def _put(self, data: bytes) -> None:
        self._socket.send(data, self._target)
        self.counts.sent += 1

    def _missed(self, ticks: int) -> None:
        self.counts.gaps += ticks
        self._playout.skip(ticks)
        self._sender.advance(ticks * FRAME)
