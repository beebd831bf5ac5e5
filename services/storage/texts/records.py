"""Text messages as the repositories hand them out; importable without a database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Direction = Literal["in", "out"]
TextStatus = Literal["received", "queued", "sending", "sent", "delivered", "failed"]
PartStatus = Literal["received", "queued", "sending", "doubtful", "sent", "delivered", "failed"]
TextKind = Literal["text", "data", "notice", "unreadable"]


@dataclass(frozen=True, slots=True)
class TextMessage:
    """A text message as people see it.

    `number` is the other side: a telephone number, or a name in letters. `status` of one that came in is "received";
    one that goes out is "queued" until it is first tried, then "sending", "sent" when the network has all of it, then
    "delivered" or "failed"; `error` says why, also while it is tried again. `answered` is True when the secretary has
    dealt with an incoming one, by an answer (`reply_to` of that one) or by leaving it; `attempts` counts tries at
    sending, or at answering. `sent_at` is the service centre's time of an incoming one.
    """

    id: str
    company_id: str
    line: str
    direction: Direction
    number: str
    text: str
    status: TextStatus
    created_at: datetime
    kind: TextKind = "text"
    error: str = ""
    attempts: int = 0
    next_try_at: datetime | None = None
    purpose: str = ""
    reply_to: str = ""
    answered: bool = False
    conversation_id: str = ""
    sent_at: datetime | None = None
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A received PDU on its way into the database; `fingerprint` is the same for every copy of it."""

    fingerprint: str
    pdu: str
    received_at: datetime
    number: str = ""
    text: str = ""
    reference: int | None = None
    total: int = 1
    sequence: int = 1


@dataclass(frozen=True, slots=True)
class ReceivedText:
    """A message put together from parts, on its way into the database."""

    number: str
    text: str
    kind: TextKind
    received_at: datetime
    sent_at: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class NewPart:
    """A PDU to send, on its way into the database."""

    pdu: str
    octets: int
    text: str
    sequence: int
    total: int
    reference: int | None


@dataclass(frozen=True, slots=True)
class OutgoingPart:
    """A PDU to send, as it is stored.

    `status` "sending" that is found after a restart, and "doubtful", mean that nobody knows whether it went out;
    `doubts` counts how often that has happened, `refusals` the tries that failed for more than a want of network. `mr`
    is the modem's message reference, None before it was sent.
    """

    id: str
    message_id: str
    number: str
    pdu: str
    octets: int
    sequence: int
    total: int
    status: PartStatus
    mr: int | None
    attempts: int
    doubts: int
    refusals: int
    tried_at: datetime | None


@dataclass(frozen=True, slots=True)
class TextCounts:
    """How a line's text messages stand; `sent_parts` counts PDUs that went out (or may have) in the last 24 hours."""

    queued: int
    failed: int
    unanswered: int
    sent_parts: int
