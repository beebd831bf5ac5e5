"""Rows that are of no use any more, of every company: sessions and links that are over, chats nobody goes on with."""

from datetime import datetime

from sqlalchemy import delete, select, tuple_

from services.storage.chats.tables import ChatMessageRow, ChatRow
from services.storage.database import Database
from services.storage.isolation import every_company
from services.storage.people.sign_in_tables import InvitationRow, SessionRow

_OPTIONS = {**every_company("what is over is looked for in the whole installation"), "unaudited": "it was over"}


class OldRows:
    """Deletes up to `batch` rows and returns how many went. Methods raise StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sessions(self, before: datetime, batch: int) -> int:
        """Delete sessions that were over before then: expired or revoked."""
        ended = (SessionRow.expires_at < before) | (SessionRow.revoked_at < before)
        return await self._remove(SessionRow, ended, batch)

    async def invitations(self, before: datetime, batch: int) -> int:
        """Delete links that were over before then."""
        return await self._remove(InvitationRow, InvitationRow.expires_at < before, batch)

    async def chats(self, before: datetime, batch: int) -> int:
        """Delete chats in which nothing was written since then, with their messages."""
        old = select(ChatRow.company_id, ChatRow.id).where(ChatRow.last_at < before).order_by(ChatRow.last_at)
        async with self._database.write() as session:
            keys = [tuple(row) for row in await session.execute(old.limit(batch), execution_options=_OPTIONS)]
            if keys:
                messages = delete(ChatMessageRow).where(
                    tuple_(ChatMessageRow.company_id, ChatMessageRow.chat_id).in_(keys)
                )
                await session.execute(messages, execution_options=_OPTIONS)
                chats = delete(ChatRow).where(tuple_(ChatRow.company_id, ChatRow.id).in_(keys))
                await session.execute(chats, execution_options=_OPTIONS)
            return len(keys)

    async def _remove(self, table: type[SessionRow] | type[InvitationRow], over: object, batch: int) -> int:
        async with self._database.write() as session:
            query = select(table.id).where(over).limit(batch)  # type: ignore[arg-type]  # a condition on the table
            ids = list(await session.scalars(query, execution_options=_OPTIONS))
            if ids:
                await session.execute(delete(table).where(table.id.in_(ids)), execution_options=_OPTIONS)
            return len(ids)
