"""How the rows of text messages become records, and what the stores of a line share."""

from dataclasses import fields
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from services.clock import Clock
from services.errors import StorageError
from services.storage.database import Database
from services.storage.texts.records import NewPart, OutgoingPart, StoredPart, TextMessage
from services.storage.texts.tables import TextMessageRow, TextPartRow

_MESSAGE_FIELDS = tuple(each.name for each in fields(TextMessage))
_OUTGOING_FIELDS = tuple(each.name for each in fields(OutgoingPart))


def text_record(row: TextMessageRow) -> TextMessage:
    """Return the record of a stored message."""
    values: dict[str, Any] = {name: getattr(row, name) for name in _MESSAGE_FIELDS}
    return TextMessage(**{**values, "conversation_id": row.conversation_id or ""})


def outgoing_record(row: TextPartRow) -> OutgoingPart:
    """Return the record of a part that goes out."""
    return OutgoingPart(**{name: getattr(row, name) for name in _OUTGOING_FIELDS})


def received_record(row: TextPartRow) -> StoredPart:
    """Return the record of a part that came in."""
    return StoredPart(
        row.fingerprint, row.pdu, row.created_at, row.number, row.text, row.reference, row.total, row.sequence
    )


class LineStore:
    """What the stores of one line of one company share."""

    def __init__(self, database: Database, company_id: str, line: str, clock: Clock) -> None:
        self._database = database
        self._company_id = company_id
        self._line = line
        self._clock = clock

    def _messages(self) -> Select[TextMessageRow]:
        return select(TextMessageRow).where(
            TextMessageRow.company_id == self._company_id, TextMessageRow.line == self._line
        )

    def _parts(self) -> Select[TextPartRow]:
        return select(TextPartRow).where(TextPartRow.company_id == self._company_id, TextPartRow.line == self._line)

    def _require(self, session: Session, message_id: str) -> TextMessageRow:
        row: TextMessageRow | None = session.scalar(self._messages().where(TextMessageRow.id == message_id))
        if row is None:
            raise StorageError(f"There is no text message {message_id!r}.")
        return row

    def _add_outgoing(self, session: Session, row: TextMessageRow, parts: tuple[NewPart, ...]) -> None:
        session.add(row)
        session.flush()  # the parts point at it
        for part in parts:
            session.add(
                TextPartRow(
                    company_id=self._company_id,
                    line=self._line,
                    message_id=row.id,
                    direction="out",
                    fingerprint=f"out {row.id} {part.sequence}",
                    number=row.number,
                    reference=part.reference,
                    total=part.total,
                    sequence=part.sequence,
                    text=part.text,
                    pdu=part.pdu,
                    octets=part.octets,
                    status="queued",
                    created_at=row.created_at,
                )
            )

    def _outgoing_row(self, number: str, text: str, purpose: str, reply_to: str = "") -> TextMessageRow:
        now = self._clock.now()
        return TextMessageRow(
            company_id=self._company_id,
            line=self._line,
            direction="out",
            number=number,
            text=text,
            kind="text",
            status="queued",
            error="",
            attempts=0,
            next_try_at=now,
            purpose=purpose,
            reply_to=reply_to,
            answered=False,
            created_at=now,
        )
