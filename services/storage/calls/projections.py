"""What an event changes in the rows of its call: `calls` and `turns` are what the events say."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.events import CallEvent, CallEventType
from services.storage.calls.records import TURN_FIELDS
from services.storage.tables import CallRow, ConversationRow, TurnRow

Projection = Callable[[Session, CallRow, TurnRow | None, CallEvent], None]


def moment(call: CallRow, at_ms: int) -> datetime:
    """Return the calendar time of an event that happened `at_ms` after the call started."""
    return call.started_at + timedelta(milliseconds=at_ms)


def start_call(session: Session, event: CallEvent, now: datetime) -> CallRow:
    """Insert the row of a call from its STARTED event; `now` stands in for a missing or unreadable `started_at`."""
    data = event.data
    call = CallRow(
        id=event.call_id,
        company_id=event.company_id,
        conversation_id=_known_conversation(session, event.company_id, str(data.get("conversation_id", ""))),
        channel=str(data.get("channel", "")),
        line=str(data.get("line", "")),
        direction=str(data.get("direction", "in")),
        number=str(data.get("number", "")),
        language=str(data.get("language", "")),
        persona=str(data.get("persona", "")),
        purpose=str(data.get("purpose", "")),
        started_at=_read_time(data.get("started_at")) or now,
    )
    session.add(call)
    # The event's row points at this one, and SQLAlchemy orders unrelated inserts as it likes.
    session.flush()
    return call


def project(session: Session, call: CallRow, turn: TurnRow | None, event: CallEvent) -> None:
    """Apply one event to its call's rows; events that change no row are only recorded.

    `turn` is the row that a TURN event is about, where it is stored already.
    """
    projection = _PROJECTIONS.get(event.type)
    if projection is not None:
        projection(session, call, turn, event)


def _answered(_session: Session, call: CallRow, _turn: TurnRow | None, event: CallEvent) -> None:
    call.answered_at = moment(call, event.at_ms)


def _said(session: Session, call: CallRow, row: TurnRow | None, event: CallEvent) -> None:
    values: dict[str, Any] = {name: event.data[name] for name in TURN_FIELDS if name in event.data}
    if row is None:
        row = TurnRow(
            company_id=call.company_id,
            call_id=call.id,
            conversation_id=call.conversation_id,
            created_at=moment(call, event.at_ms),
        )
        session.add(row)
    for name, value in values.items():
        setattr(row, name, value)


def _recorded(_session: Session, call: CallRow, _turn: TurnRow | None, event: CallEvent) -> None:
    call.recording_path = str(event.data.get("path", ""))


def _ended(_session: Session, call: CallRow, _turn: TurnRow | None, event: CallEvent) -> None:
    data: Mapping[str, Any] = event.data
    call.ended_at = moment(call, event.at_ms)
    call.outcome = str(data.get("outcome", ""))
    call.end_reason = str(data.get("reason", ""))
    call.seconds = float(data.get("seconds") or 0.0)
    call.stats = dict(data.get("stats") or {})


_PROJECTIONS: dict[CallEventType, Projection] = {
    CallEventType.ANSWERED: _answered,
    CallEventType.TURN: _said,
    CallEventType.RECORDED: _recorded,
    CallEventType.ENDED: _ended,
}


def _known_conversation(session: Session, company_id: str, conversation_id: str) -> str | None:
    # A call is kept even when its conversation could not be stored.
    query = select(ConversationRow.id).where(
        ConversationRow.company_id == company_id, ConversationRow.id == conversation_id
    )
    known: str | None = session.scalar(query)
    return known


def _read_time(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
