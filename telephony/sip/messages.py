"""What the house and its signalling process (telephony.sip.signalling) tell each other: one JSON object a line.

A call is named by an id that is unique in the process; calls that come in get theirs from the process, calls that go
out from the house. `sdp` is a session description (RFC 8866), "" when there is none.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

from services.errors import LineError

MAX_LINE = 256 * 1024
"""Bytes of one message; a datagram that makes a longer one was no call."""
OURS = "secretary: "
"""Begins what the process itself says on standard error; the rest is the SIP stack's, for debugging."""


@dataclass(frozen=True, slots=True)
class Open:
    """The first order: take the port and, with a `server`, register there.

    `host` "" means every address of the machine; `port` 0 any free one. `accept_from` are networks (CIDR) whose calls
    are let in; "" as an element stands for the addresses of the server.
    """

    host: str
    port: int
    server: str
    server_port: int
    domain: str
    username: str
    auth_username: str
    password: str
    register_seconds: int
    accept_from: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ring:
    """Tell the caller that it rings (180)."""

    call: str


@dataclass(frozen=True, slots=True)
class Accept:
    """Take the call, or the change of a call, with this description."""

    call: str
    sdp: str


@dataclass(frozen=True, slots=True)
class Dial:
    """Call `number`: a number or user name at our server, or "user@host[:port]"."""

    call: str
    number: str
    sdp: str
    ring_seconds: float


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call in whatever state it is; one that still rings here is declined with `code` (486 busy, ...)."""

    call: str
    code: int


@dataclass(frozen=True, slots=True)
class Refer:
    """Ask the other side to call `to` instead of us (RFC 3515)."""

    call: str
    to: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The port is taken; calls can come in."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class NotOpened:
    """The process cannot work; it ends."""

    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Registered:
    """The server sends our calls here for the next `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class NotRegistered:
    """The server refused (`code` 401, 403, ...) or did not answer (408); the process tries again by itself."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """Somebody calls. `number` and `name` are "" when withheld, `called` is the number they dialled."""

    call: str
    number: str
    name: str
    called: str
    sdp: str
    source: str


@dataclass(frozen=True, slots=True)
class Ringing:
    """It rings at the other side (`code` 180..183)."""

    call: str
    code: int
    sdp: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The call is up. For calls that came in `sdp` is what the acknowledgement carried, as a rule nothing."""

    call: str
    sdp: str


@dataclass(frozen=True, slots=True)
class Changed:
    """The other side wants the sound otherwise (hold, another address): Accept answers."""

    call: str
    sdp: str


@dataclass(frozen=True, slots=True)
class Info:
    """Keys that came as SIP INFO instead of in the sound."""

    call: str
    body: str


@dataclass(frozen=True, slots=True)
class Referred:
    """How Refer ended: `code` 200 when the colleague took the call, else what went wrong."""

    call: str
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Over:
    """The last word on a call. `code` 200: it was hung up after the answer; 487: given up before; else why not."""

    call: str
    code: int
    reason: str


Order = Open | Ring | Accept | Dial | HangUp | Refer
News = (
    Opened | NotOpened | Registered | NotRegistered | Incoming | Ringing | Answered | Changed | Info | Referred | Over
)
CallNews = Ringing | Answered | Changed | Info | Referred | Over

_KINDS: dict[str, type[Order | News]] = {
    kind.__name__: kind
    for kind in (
        *(Open, Ring, Accept, Dial, HangUp, Refer),
        *(Opened, NotOpened, Registered, NotRegistered),
        *(Incoming, Ringing, Answered, Changed, Info, Referred, Over),
    )
}


def encode(message: Order | News) -> bytes:
    """Return the message as a line of JSON with its newline."""
    return json.dumps({"kind": type(message).__name__, **asdict(message)}).encode() + b"\n"


def decode(line: bytes) -> Order | News:
    """Read what `encode` wrote. Raises LineError for anything else."""
    try:
        fields = json.loads(line)
        kind = _KINDS[fields.pop("kind")]
        values: dict[str, Any] = {
            name: tuple(each) if isinstance(each, list) else each for name, each in fields.items()
        }
        return kind(**values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LineError("The SIP signalling process said something that is not understood.") from error
