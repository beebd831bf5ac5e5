"""All that is kept of a person, read at one moment: what an export holds, and what an erasure of a user takes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.errors import ForbiddenError
from services.storage.audit.hook import note_in
from services.storage.database import Database
from services.storage.people.account_tables import UserRow
from services.storage.people.users import require_user
from services.storage.privacy.personal import Rows, plain, remove_rows_of_user, rows_of_contact, rows_of_user
from services.storage.privacy.removal import files_of_contact
from services.storage.tables import Base, CallEventRow, CallRow, ConversationRow, MessageRow, TurnRow
from services.storage.texts.tables import TextMessageRow

Within = Collection[str] | None


@dataclass(frozen=True, slots=True)
class PersonRecords:
    """The rows of a person by kind, ready for JSON, and the sound files that belong to them (relative to DATA_DIR)."""

    rows: dict[str, Rows] = field(default_factory=dict)
    files: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files) or any(self.rows.values())


class PersonBook:
    """Reads and removes what belongs to one person. Methods raise StorageError.

    `within` are the roles of users that whoever asks may touch (None: all), as in services.storage.people.users.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_contact(self, company_id: str, numbers: Sequence[str]) -> PersonRecords:
        """Return what is kept of a number, given in every spelling that may be stored."""
        async with self._database.read() as session:
            rows = await _calls_and_texts(session, company_id, numbers)
            rows.update(await rows_of_contact(session, company_id, numbers))
            return PersonRecords(rows, await files_of_contact(session, company_id, numbers))

    async def of_user(self, company_id: str, user_id: str, within: Within = None) -> PersonRecords:
        """Return what is kept of a user, the account included. Raises NotFoundError, ForbiddenError."""
        async with self._database.read() as session:
            await _expect_within(session, company_id, user_id, within)
            query = select(UserRow.__table__).where(UserRow.company_id == company_id, UserRow.id == user_id)
            account = [plain(dict(row)) for row in (await session.execute(query)).mappings()]
            return PersonRecords({"user": account, **await rows_of_user(session, company_id, user_id)})

    async def erase_user(self, company_id: str, user_id: str, within: Within = None) -> dict[str, int]:
        """Delete what a user has made; return how many rows of each table. Raises NotFoundError, ForbiddenError."""
        async with self._database.write() as session:
            await _expect_within(session, company_id, user_id, within)
            removed = await remove_rows_of_user(session, company_id, user_id)
            note_in(session.sync_session, "erase", "users", user_id, removed, company_id=company_id)
            return removed


async def _expect_within(session: AsyncSession, company_id: str, user_id: str, within: Within) -> None:
    role = (await require_user(session, company_id, user_id)).role
    if within is not None and role not in within:
        raise ForbiddenError(f"You may not do this to a user with the role {role}.")


async def _calls_and_texts(session: AsyncSession, company_id: str, numbers: Sequence[str]) -> dict[str, Rows]:
    threads = select(ConversationRow.id).where(
        ConversationRow.company_id == company_id, ConversationRow.contact_number.in_(numbers)
    )
    theirs = or_(CallRow.number.in_(numbers), CallRow.conversation_id.in_(threads))
    calls = select(CallRow.id).where(CallRow.company_id == company_id, theirs)
    wanted: dict[str, tuple[type[Base], ColumnElement[bool], Any]] = {
        "calls": (CallRow, theirs, CallRow.started_at),
        "turns": (TurnRow, or_(TurnRow.call_id.in_(calls), TurnRow.conversation_id.in_(threads)), TurnRow.created_at),
        "events": (CallEventRow, CallEventRow.call_id.in_(calls), CallEventRow.recorded_at),
        "conversations": (ConversationRow, ConversationRow.contact_number.in_(numbers), ConversationRow.started_at),
        "messages": (
            MessageRow,
            or_(MessageRow.number.in_(numbers), MessageRow.conversation_id.in_(threads), MessageRow.call_id.in_(calls)),
            MessageRow.created_at,
        ),
        "texts": (TextMessageRow, TextMessageRow.number.in_(numbers), TextMessageRow.created_at),
    }
    found = {}
    for name, (row_class, which, order) in wanted.items():
        table = row_class.__table__
        query = select(table).where(table.c.company_id == company_id, which).order_by(order)
        found[name] = [plain(dict(row)) for row in (await session.execute(query)).mappings()]
    return found
