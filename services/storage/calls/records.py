"""What the repositories hand out beyond services.domain, and how rows become records."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from services.domain import AudioSpan, TakenMessage, Turn
from services.storage.tables import CallRow, MessageRow, TurnRow

TURN_FIELDS = tuple(each.name for each in fields(Turn))
_TUPLES = frozenset({"words", "tools"})


@dataclass(frozen=True, slots=True)
class CallRecord:
    """A call as it is stored.

    `seconds` is its length since the answer; `outcome` is "" and `ended_at` None while it is going on, "cut" when a
    crash ended it; `recording_path` is relative to DATA_DIR, "" without a recording; `purpose` is what an outgoing call
    was placed for.
    """

    id: str
    company_id: str
    conversation_id: str
    channel: str
    line: str
    direction: str
    number: str
    language: str
    persona: str
    started_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    seconds: float = 0.0
    outcome: str = ""
    end_reason: str = ""
    recording_path: str = ""
    stats: Mapping[str, Any] = field(default_factory=dict)
    purpose: str = ""


_CALL_FIELDS = tuple(each.name for each in fields(CallRecord))


def call_record(row: CallRow) -> CallRecord:
    """Return the record of a stored call."""
    values = {name: getattr(row, name) for name in _CALL_FIELDS}
    return CallRecord(**{**values, "conversation_id": row.conversation_id or ""})


def turn_record(row: TurnRow) -> Turn:
    """Return the turn of a stored row, equal to the one that was stored."""
    values: dict[str, Any] = {name: getattr(row, name) for name in TURN_FIELDS}
    values.update({name: tuple(values[name]) for name in _TUPLES})
    return Turn(**values)


def message_record(row: MessageRow) -> TakenMessage:
    """Return the message of a stored row."""
    return TakenMessage(
        id=row.id,
        company_id=row.company_id,
        conversation_id=row.conversation_id,
        call_id=row.call_id,
        language=row.language,
        name=row.name,
        number=row.number,
        matter=row.matter,
        confirmed=row.confirmed,
        spans=tuple(AudioSpan(start, end) for start, end in row.spans),
        audio_path=row.audio_path,
        created_at=row.created_at,
    )
