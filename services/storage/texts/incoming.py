"""Received text messages of one line: their parts, the messages made of them, and whether they were answered."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from services.storage.delivery.announcing import announce_text
from services.storage.texts.records import NewPart, ReceivedText, StoredPart, TextMessage
from services.storage.texts.rows import LineStore, received_record, text_record
from services.storage.texts.tables import TextMessageRow, TextPartRow

MOST_UNANSWERED = 100


class IncomingTexts(LineStore):
    """The receiving half of telephony.sms.ports.SmsStore."""

    async def add_part(self, part: StoredPart) -> bool:
        """Store a received part; return False when it is there and belongs to a message that was put together."""

        def add(session: Session) -> bool:
            row = session.scalar(self._parts().where(TextPartRow.fingerprint == part.fingerprint))
            if row is not None:
                return row.message_id is None
            session.add(
                TextPartRow(
                    company_id=self._company_id,
                    line=self._line,
                    direction="in",
                    fingerprint=part.fingerprint,
                    number=part.number,
                    reference=part.reference,
                    total=part.total,
                    sequence=part.sequence,
                    text=part.text,
                    pdu=part.pdu,
                    status="received",
                    created_at=part.received_at,
                )
            )
            return True

        return await self._database.write_together(add, what=f"a received text message on {self._line}")

    async def loose_parts(self) -> Sequence[StoredPart]:
        """Return the received parts that belong to no message yet, oldest first."""
        query = (
            self._parts()
            .where(TextPartRow.direction == "in", TextPartRow.message_id.is_(None))
            .order_by(TextPartRow.created_at, TextPartRow.id)
        )
        async with self._database.read() as session:
            return [received_record(row) for row in await session.scalars(query)]

    async def add_received(self, message: ReceivedText, fingerprints: Sequence[str]) -> TextMessage | None:
        """Make a message of stored parts; None when they have become one before, or were deleted.

        What is no text (data, the network's own notices, what cannot be read) asks for no answer.
        """

        def make(session: Session) -> TextMessage | None:
            rows = list(session.scalars(self._parts().where(TextPartRow.fingerprint.in_(fingerprints))))
            if len(rows) < len(set(fingerprints)) or any(row.message_id is not None for row in rows):
                return None
            made = TextMessageRow(
                company_id=self._company_id,
                line=self._line,
                direction="in",
                number=message.number,
                text=message.text,
                kind=message.kind,
                status="received",
                error=message.error,
                attempts=0,
                purpose="",
                reply_to="",
                answered=message.kind != "text",
                created_at=message.received_at,
                sent_at=message.sent_at,
            )
            session.add(made)
            session.flush()
            for row in rows:
                row.message_id = made.id
            announce_text(session, made, self._clock.now())
            return text_record(made)

        return await self._database.write_together(make, what=f"a text message from {message.number}")

    async def unanswered(self) -> Sequence[TextMessage]:
        """Return the received messages that nobody has dealt with, oldest first."""
        query = (
            self._messages()
            .where(TextMessageRow.direction == "in", TextMessageRow.answered.is_(False))
            .order_by(TextMessageRow.created_at, TextMessageRow.id)
            .limit(MOST_UNANSWERED)
        )
        async with self._database.read() as session:
            return [text_record(row) for row in await session.scalars(query)]

    async def begin_answer(self, message_id: str) -> int:
        """Count an attempt at answering and return how many there have been; 0 when it has been dealt with."""

        def begin(session: Session) -> int:
            row = self._require(session, message_id)
            if row.answered:
                return 0
            row.attempts += 1
            return row.attempts

        return await self._database.write_together(begin, what=f"an attempt to answer {message_id}")

    async def leave_unanswered(self, message_id: str, why: str) -> None:
        """Note that a received message is dealt with, and that it gets no answer."""

        def leave(session: Session) -> None:
            row = self._require(session, message_id)
            row.answered, row.error = True, row.error or why

        await self._database.write_together(leave, what=f"that {message_id} gets no answer")

    async def answer(
        self, message_id: str, text: str, parts: Sequence[NewPart], conversation_id: str
    ) -> TextMessage | None:
        """Queue the answer and mark the message answered, both or neither; None when it was answered before."""

        def queue(session: Session) -> TextMessage | None:
            asked = self._require(session, message_id)
            if asked.answered:
                return None
            row = self._outgoing_row(asked.number, text, "answer", message_id)
            row.conversation_id = asked.conversation_id = conversation_id or None
            asked.answered, asked.error = True, ""
            self._add_outgoing(session, row, tuple(parts))
            return text_record(row)

        return await self._database.write_together(queue, what=f"the answer to {message_id}")

    async def recent(self, number: str, since: datetime) -> Sequence[TextMessage]:
        """Return the messages from and to `number` since then, oldest first."""
        query = (
            self._messages()
            .where(TextMessageRow.number == number, TextMessageRow.created_at >= since)
            .order_by(TextMessageRow.created_at, TextMessageRow.id)
        )
        async with self._database.read() as session:
            return [text_record(row) for row in await session.scalars(query)]
