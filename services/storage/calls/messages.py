"""Messages left for the owner. Messages is a services.dialogue.ports.MessageBook."""

import builtins
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from services.clock import Clock, LoopClock
from services.domain import TakenMessage
from services.errors import NotFoundError, StorageError
from services.storage import cursor as cursors
from services.storage.audit.hook import note_in
from services.storage.calls.records import message_record
from services.storage.database import KEEP_SECONDS, Database
from services.storage.delivery.announcing import announce_message
from services.storage.tables import MessageRow

NEW = "new"
SEEN = "seen"


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A message as it is stored; `seen` by the owner."""

    message: TakenMessage
    seen: bool
    created_at: datetime


class Messages:
    """The messages of each company."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def save(self, message: TakenMessage) -> None:
        """Insert the message, or overwrite the company's one with the same id; either way it is "new" to the owner.

        A correction without its own audio or time keeps those that are stored. While the database cannot be written
        the message waits, for a day, and is written then, also when nobody waits here any more. Raises StorageError.
        """
        now = self._clock.now()

        def insert_or_overwrite(session: Session) -> None:
            row = _find(session, message.company_id, message.id)
            if row is None:
                row = MessageRow(id=message.id, company_id=message.company_id, audio_path="", created_at=now)
                session.add(row)
            row.conversation_id, row.call_id, row.language = message.conversation_id, message.call_id, message.language
            row.name, row.number, row.matter = message.name, message.number, message.matter
            row.confirmed, row.status = message.confirmed, NEW
            row.spans = [[span.start, span.end] for span in message.spans]
            row.audio_path = message.audio_path or row.audio_path
            row.created_at = message.created_at or row.created_at
            announce_message(session, row, now)

        what = f"message {message.id} of call {message.call_id}"
        await self._database.write_together(insert_or_overwrite, what=what, keep=KEEP_SECONDS, topic=message.id)

    async def discard(self, company_id: str, message_id: str) -> None:
        """Delete a message that its caller took back; nothing happens when there is none. Waits as `save` does."""
        of_id = (MessageRow.company_id == company_id, MessageRow.id == message_id)

        def delete_it(session: Session) -> None:
            session.execute(delete(MessageRow).where(*of_id))

        what = f"that message {message_id} was taken back"
        await self._database.write_together(delete_it, what=what, keep=KEEP_SECONDS, topic=message_id)

    async def set_audio(self, company_id: str, message_id: str, path: str) -> None:
        """Note where the caller's voice lies, relative to DATA_DIR; waits as `save` does.

        Raises StorageError for an unknown message.
        """

        def note(session: Session) -> None:
            _require(session, company_id, message_id).audio_path = path

        what = f"the sound {path} of message {message_id}"
        await self._database.write_together(note, what=what, keep=KEEP_SECONDS, topic=message_id)

    async def mark_seen(self, company_id: str, message_id: str) -> None:
        """Note that the owner has read it. Raises StorageError for an unknown message."""

        def mark(session: Session) -> None:
            _require(session, company_id, message_id).status = SEEN

        await self._database.write_together(mark, what=f"that message {message_id} was read")

    async def list(self, company_id: str, limit: int = 50, *, only_new: bool = False) -> builtins.list[TakenMessage]:
        """Return the newest messages first, all or only those the owner has not seen."""
        query = select(MessageRow).where(MessageRow.company_id == company_id)
        if only_new:
            query = query.where(MessageRow.status == NEW)
        query = query.order_by(MessageRow.created_at.desc(), MessageRow.id.desc()).limit(limit)
        async with self._database.read() as session:
            return [message_record(row) for row in await session.scalars(query)]

    async def page(
        self, company_id: str, limit: int = 50, cursor: str | None = None, *, only_new: bool = False
    ) -> tuple[builtins.list[MessageRecord], str | None]:
        """Return a page of messages, newest first, and the cursor of the next."""
        query = select(MessageRow).where(MessageRow.company_id == company_id)
        if only_new:
            query = query.where(MessageRow.status == NEW)
        if cursor:
            query = query.where(tuple_(MessageRow.created_at, MessageRow.id) < tuple_(*cursors.decode(cursor)))
        query = query.order_by(MessageRow.created_at.desc(), MessageRow.id.desc()).limit(limit + 1)
        async with self._database.read() as session:
            rows = (await session.scalars(query)).all()
        following = cursors.encode(rows[limit - 1].created_at, rows[limit - 1].id) if len(rows) > limit else None
        return [_record(row) for row in rows[:limit]], following

    async def get(self, company_id: str, message_id: str) -> MessageRecord:
        """Return one message. Raises NotFoundError."""
        query = select(MessageRow).where(MessageRow.company_id == company_id, MessageRow.id == message_id)
        async with self._database.read() as session:
            row = await session.scalar(query)
            if row is None:
                raise NotFoundError("There is no such message.")
            return _record(row)

    async def see(self, company_id: str, message_id: str) -> MessageRecord:
        """Note that the owner has read it, and who that was. Raises NotFoundError."""
        query = select(MessageRow).where(MessageRow.company_id == company_id, MessageRow.id == message_id)
        async with self._database.write() as session:
            row = await session.scalar(query)
            if row is None:
                raise NotFoundError("There is no such message.")
            if row.status != SEEN:
                row.status = SEEN
                note_in(session.sync_session, "seen", "messages", message_id, company_id=company_id)
            return _record(row)

    async def remove(self, company_id: str, message_id: str) -> None:
        """Delete a message that its owner wants no more; its sound is deleted before. Raises NotFoundError."""
        query = select(MessageRow).where(MessageRow.company_id == company_id, MessageRow.id == message_id)
        async with self._database.write() as session:
            row = await session.scalar(query)
            if row is None:
                raise NotFoundError("There is no such message.")
            await session.delete(row)
            note_in(session.sync_session, "delete", "messages", message_id, company_id=company_id)


def _record(row: MessageRow) -> MessageRecord:
    return MessageRecord(message_record(row), row.status == SEEN, row.created_at)


def _find(session: Session, company_id: str, message_id: str) -> MessageRow | None:
    query = select(MessageRow).where(MessageRow.company_id == company_id, MessageRow.id == message_id)
    row: MessageRow | None = session.scalar(query)
    return row


def _require(session: Session, company_id: str, message_id: str) -> MessageRow:
    row = _find(session, company_id, message_id)
    if row is None:
        raise StorageError(f"There is no message {message_id!r}.")
    return row
