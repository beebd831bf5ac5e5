"""Events that other programs are told of: put into the outbox for each webhook that wants them.

Written in the transaction of what happened, so that nothing is told that did not happen, and nothing that did is
forgotten. A company without webhooks costs one select on an index.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from services.storage.delivery.outbox import NewMessage, put_in
from services.storage.delivery.tables import OutboxRow, WebhookArrivalRow, WebhookRow
from services.storage.tables import CallRow, MessageRow
from services.storage.texts.tables import TextMessageRow

WEBHOOK = "webhook"
"""The kind of an outbox message that goes to a webhook."""

PING = "ping"
EVENTS = ("call.ended", "call.missed", "message.taken", "text.received", "contact.erased")
"""What a webhook may subscribe to; "ping" comes when somebody tests it."""


def announce(
    session: Session,
    company_id: str,
    event: str,
    data: Mapping[str, Any],
    key: str,
    now: datetime,
    *,
    contact: str = "",
) -> None:
    """Tell the company's webhooks that want `event`; once for each `key`, whatever is written again."""
    wanting = select(WebhookRow.id, WebhookRow.events).where(
        WebhookRow.company_id == company_id, WebhookRow.direction == "out", WebhookRow.active.is_(True)
    )
    with session.no_autoflush:  # rows of a whole group of calls wait to be inserted together
        ids = [webhook_id for webhook_id, events in session.execute(wanting) if event in events]
        put_in(session, company_id, [webhook_message(each, event, data, key, now, contact) for each in ids], now)


def webhook_message(
    webhook_id: str, event: str, data: Mapping[str, Any], key: str, now: datetime, contact: str = ""
) -> NewMessage:
    """Return what tells one webhook of an event."""
    payload = {"type": event, "timestamp": now.isoformat(), "data": dict(data)}
    return NewMessage(WEBHOOK, f"{event} {key} {webhook_id}", payload, target=webhook_id, contact=contact)


def announce_end(session: Session, call: CallRow, now: datetime) -> None:
    """Tell that a call has ended and, when nobody answered it, that it was missed."""
    data = {
        "id": call.id,
        "channel": call.channel,
        "line": call.line,
        "direction": call.direction,
        "number": call.number,
        "language": call.language,
        "persona": call.persona,
        "outcome": call.outcome,
        "reason": call.end_reason,
        "seconds": call.seconds,
        "started_at": call.started_at.isoformat(),
        "answered_at": call.answered_at.isoformat() if call.answered_at else None,
        "ended_at": call.ended_at.isoformat() if call.ended_at else None,
    }
    announce(session, call.company_id, "call.ended", data, call.id, now, contact=call.number)
    if call.outcome == "missed":
        announce(session, call.company_id, "call.missed", data, call.id, now, contact=call.number)


def announce_message(session: Session, row: MessageRow, now: datetime) -> None:
    """Tell that a message was left. A correction is told again, with the same id: the newest counts."""
    data = {
        "id": row.id,
        "call_id": row.call_id,
        "language": row.language,
        "name": row.name,
        "number": row.number,
        "matter": row.matter,
        "confirmed": row.confirmed,
        "created_at": row.created_at.isoformat(),
    }
    key = f"{row.id} {_digest(row.name, row.number, row.matter, str(row.confirmed))}"
    announce(session, row.company_id, "message.taken", data, key, now, contact=row.number)


def announce_text(session: Session, row: TextMessageRow, now: datetime) -> None:
    """Tell that a text message was received; the network's own notices and what cannot be read are nobody's news."""
    if row.kind != "text":
        return
    data = {
        "id": row.id,
        "line": row.line,
        "number": row.number,
        "text": row.text,
        "received_at": row.created_at.isoformat(),
        "sent_at": row.sent_at.isoformat() if row.sent_at else None,
    }
    announce(session, row.company_id, "text.received", data, row.id, now, contact=row.number)


def announce_erasure(session: Session, company_id: str, number: str, now: datetime) -> None:
    """Forget what is in the outbox about a number, and tell those who were told of it that it was erased."""
    forget_contact(session, company_id, number)
    data = {"number": number, "erased_at": now.isoformat()}
    announce(session, company_id, "contact.erased", data, f"{_digest(number)} {now.isoformat()}", now)


def forget_contact(session: Session, company_id: str, number: str) -> None:
    """Delete what waits to be told of a number, what was told, and what other programs have sent in about it."""
    if not number:  # withheld: that is nobody's, and everybody's
        return
    for table in (OutboxRow, WebhookArrivalRow):
        session.execute(delete(table).where(table.company_id == company_id, table.contact == number))


def _digest(*words: str) -> str:
    return sha256("\0".join(words).encode("utf-8", "replace")).hexdigest()[:16]
