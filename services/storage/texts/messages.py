"""Text messages for the owner to read, and the store of each line. LineTexts is a telephony.sms.ports.SmsStore."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from services.clock import Clock, LoopClock
from services.storage.database import Database
from services.storage.texts.incoming import IncomingTexts
from services.storage.texts.outgoing import OutgoingTexts
from services.storage.texts.records import TextMessage
from services.storage.texts.rows import text_record
from services.storage.texts.tables import TextMessageRow


class LineTexts(IncomingTexts, OutgoingTexts):
    """The text messages of one line of one company."""


class TextMessages:
    """The text messages of each company."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    def of_line(self, company_id: str, line: str) -> LineTexts:
        """Return the store of one line."""
        return LineTexts(self._database, company_id, line, self._clock)

    async def get(self, company_id: str, message_id: str) -> TextMessage | None:
        """Return a message, None when the company has no such one."""
        query = select(TextMessageRow).where(TextMessageRow.company_id == company_id, TextMessageRow.id == message_id)
        async with self._database.read() as session:
            row: TextMessageRow | None = await session.scalar(query)
            return None if row is None else text_record(row)

    async def list(
        self, company_id: str, limit: int = 50, *, number: str = "", line: str = "", before: datetime | None = None
    ) -> Sequence[TextMessage]:
        """Return the newest messages first; only those with `number`, on `line`, or older than `before`."""
        query = select(TextMessageRow).where(TextMessageRow.company_id == company_id)
        if number:
            query = query.where(TextMessageRow.number == number)
        if line:
            query = query.where(TextMessageRow.line == line)
        if before is not None:
            query = query.where(TextMessageRow.created_at < before)
        query = query.order_by(TextMessageRow.created_at.desc(), TextMessageRow.id.desc()).limit(limit)
        async with self._database.read() as session:
            return [text_record(row) for row in await session.scalars(query)]
