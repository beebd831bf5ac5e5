"""RTP packets (RFC 3550, section 5.1): read from and written to datagrams. No sockets and no clock in here."""

import secrets
import struct
from dataclasses import dataclass

VERSION = 2
HEADER = struct.Struct("!BBHII")


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet. `sequence` counts packets modulo 2**16, `timestamp` samples modulo 2**32."""

    payload_type: int
    sequence: int
    timestamp: int
    source: int
    payload: bytes
    marker: bool = False


def parse(data: bytes) -> Packet | None:
    """Read a datagram; None for one that is no RTP packet (RTCP, STUN, junk), which a socket open to all receives."""
    if len(data) < HEADER.size:
        return None
    first, second, sequence, timestamp, source = HEADER.unpack_from(data)
    kind = second & 0x7F
    if first >> 6 != VERSION or 72 <= kind <= 76:  # RFC 5761: those are RTCP on the same port
        return None
    start, end = HEADER.size + 4 * (first & 0x0F), len(data)
    if first & 0x10:  # a header extension: its length in words stands in its second half-word
        if end < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    if first & 0x20:  # padding: its length is the last byte
        end -= data[-1]
    if start > end:
        return None
    return Packet(kind, sequence, timestamp, source, data[start:end], bool(second & 0x80))


def build(packet: Packet) -> bytes:
    """Write a packet without extension, padding and contributing sources."""
    second = packet.payload_type | (0x80 if packet.marker else 0)
    return HEADER.pack(VERSION << 6, second, packet.sequence, packet.timestamp, packet.source) + packet.payload


class Sender:
    """Numbers our packets: one stream with a random start (RFC 3550, section 5.1) whose clock runs at `rate`."""

    def __init__(self) -> None:
        self.source = secrets.randbits(32)
        self.timestamp = secrets.randbits(32)
        self._sequence = secrets.randbits(16)

    def packet(self, payload_type: int, payload: bytes, *, marker: bool = False, timestamp: int | None = None) -> bytes:
        """Return the next datagram. `timestamp` is given where it stays behind: in the packets of one key."""
        at = self.timestamp if timestamp is None else timestamp
        packet = Packet(payload_type, self._sequence, at, self.source, payload, marker)
        self._sequence = (self._sequence + 1) & 0xFFFF
        return build(packet)

    def advance(self, samples: int) -> None:
        """Let the stream's clock run on."""
        self.timestamp = (self.timestamp + samples) & 0xFFFFFFFF


def after(later: int, earlier: int, bits: int) -> int:
    """Return how far `later` lies after `earlier` on a counter of `bits` bits; negative when it lies before."""
    half = 1 << (bits - 1)
    return ((later - earlier + half) & ((1 << bits) - 1)) - half
