"""Packets on the pipe between a worker and its parent: one JSON header line, then `size` bytes of payload."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from services.workers.protocol import WorkerMessage

WINDOW = 256 * 1024
"""Bytes a session may have under way in one direction: about 6 s of 22,050 Hz speech."""

CREDIT_STEP = WINDOW // 4
"""Consumed bytes are given back in steps of this size, to keep credit packets rare."""

MAX_PACKET = 8 * 1024 * 1024


class Kind(StrEnum):
    """What a packet is for. Only MESSAGE belongs to the engine; the comment tells who says it and its `data`."""

    MESSAGE = "message"  # both
    OPEN = "open"  # parent: what the session is opened with
    CANCEL = "cancel"  # parent
    CREDIT = "credit"  # both: bytes
    CLOSED = "closed"  # worker: the session is over and its thread is gone
    ERROR = "error"  # worker: error, message, remedy; the session is over
    READY = "ready"  # worker
    FAILED = "failed"  # worker: error, message, remedy; the process ends
    BEAT = "beat"  # worker: stalled, seconds the slowest session has been in its engine without a sign of progress


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet; `session` 0 is the process itself."""

    kind: Kind
    session: int = 0
    type: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    payload: bytes = b""

    @property
    def message(self) -> WorkerMessage:
        """What the engine's side or its user wrote."""
        return WorkerMessage(self.type, self.data, self.payload)


class WireError(Exception):
    """The other side wrote something that is no packet."""


def encode(packet: Packet) -> bytes:
    """Return the bytes of `packet`. Raises WireError when it is larger than MAX_PACKET or is not JSON."""
    header = {
        "kind": packet.kind.value,
        "session": packet.session,
        "type": packet.type,
        "data": packet.data,
        "size": len(packet.payload),
    }
    try:
        line = json.dumps(header, separators=(",", ":")).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise WireError(f"a message of type {packet.type!r} is not JSON: {error}") from None
    if len(line) + len(packet.payload) > MAX_PACKET:
        raise WireError(f"a message of {len(line) + len(packet.payload)} bytes is over {MAX_PACKET}")
    return line + packet.payload


def charge(size: int) -> int:
    """What a packet of `size` bytes takes of a window.

    Capped at half of it: with less than CREDIT_STEP not given back, even the largest packet fits in the end.
    """
    return min(size, WINDOW // 2)


class Decoder:
    """Cuts a stream of bytes into packets, however it was split."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Packet, int]]:
        """Add `data` and yield (packet, its size in bytes) for each one that is complete. Raises WireError."""
        self._buffer += data
        while (end := self._buffer.find(b"\n")) >= 0:
            header = _header(bytes(self._buffer[:end]))
            total = end + 1 + header["size"]
            if total > MAX_PACKET:
                raise WireError(f"a packet of {total} bytes is over {MAX_PACKET}")
            if len(self._buffer) < total:
                return
            payload = bytes(self._buffer[end + 1 : total])
            del self._buffer[:total]
            yield Packet(header["kind"], header["session"], header["type"], header["data"], payload), total
        if len(self._buffer) > MAX_PACKET:
            raise WireError(f"a header line is over {MAX_PACKET} bytes")


def _header(line: bytes) -> dict[str, Any]:
    try:
        header = json.loads(line)
        kind, session, size = Kind(header["kind"]), header["session"], header["size"]
        name, data = header["type"], header["data"]
    except (ValueError, TypeError, KeyError):
        raise WireError(f"not a packet header: {line[:80]!r}") from None
    shapes = ((session, int), (size, int), (name, str), (data, dict))
    if not all(isinstance(value, shape) for value, shape in shapes) or session < 0 or size < 0:
        raise WireError(f"not a packet header: {line[:80]!r}")
    return {"kind": kind, "session": session, "size": size, "type": name, "data": data}
