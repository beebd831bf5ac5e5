"""What is kept of a person beyond calls and messages: the tables that name one, found by their columns.

A column `contact` names a person from outside (a number, an e-mail address, a user's id), `owner_id` or `user_id` a
user. A table that has one belongs here by itself: its rows are exported with the person, and go with him.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.storage.audit.log import erase_details
from services.storage.audit.tables import AuditRow
from services.storage.chats.tables import ChatMessageRow, ChatRow
from services.storage.idempotency_tables import IdempotencyRow
from services.storage.isolation import every_company
from services.storage.tables import Base

KEPT_WITH_THE_ACCOUNT = frozenset({"second_factors", "invitations", "usage_counts"})
"""What is the account's own goes when it is removed, not when its data is erased; counts of usage name nobody then."""

_UNTOLD = frozenset({"password_hash", "hash", "family_hash", "refresh_hash", "previous_hash", "token_hash", "salt"})

_THEIRS = every_company("what a user owns may lie in any company: an owner acts in all of them")
_TELLING = 6
"""Letters of a number that names somebody wherever it occurs; a shorter one may be part of anything."""

Rows = list[dict[str, Any]]


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's values as JSON has them, without hashes."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
        if name not in _UNTOLD and not isinstance(value, bytes)
    }


async def rows_of_contact(session: AsyncSession, company_id: str, contacts: Collection[str]) -> dict[str, Rows]:
    """Return the rows that name somebody in one of the spellings, by table."""
    found = {}
    for table in _tables("contact"):
        query = select(table).where(table.c.company_id == company_id, table.c.contact.in_(contacts))
        found[table.name] = [plain(dict(row)) for row in (await session.execute(query)).mappings()]
    return found


async def remove_rows_of_contact(session: AsyncSession, company_id: str, contacts: Collection[str]) -> dict[str, int]:
    """Delete them, and what else holds the number in passing; return how many rows of each table."""
    removed = {}
    for table in _tables("contact"):
        gone = delete(table).where(table.c.company_id == company_id, table.c.contact.in_(contacts))
        removed[table.name] = await _delete(session, gone)
    await _forget_answers(session, company_id, contacts)
    await _forget_details(session, company_id, contacts)
    return removed


async def rows_of_user(session: AsyncSession, company_id: str, user_id: str) -> dict[str, Rows]:
    """Return the rows that belong to a user, by table: chats with their messages, keys, sessions, consents.

    What a user owns may lie in any company: an owner acts in all of them.
    """
    found = {}
    for table in _tables("owner_id", "user_id"):
        query = select(table).where(_user_column(table) == user_id).execution_options(**_THEIRS)
        found[table.name] = [plain(dict(row)) for row in (await session.execute(query)).mappings()]
    messages = ChatMessageRow.__table__
    query = select(messages).where(messages.c.chat_id.in_(_chats_of(user_id))).execution_options(**_THEIRS)
    query = query.order_by(messages.c.chat_id, messages.c.number)
    found["chat_messages"] = [plain(dict(row)) for row in (await session.execute(query)).mappings()]
    acted = select(AuditRow.__table__).where(
        AuditRow.company_id == company_id, AuditRow.actor_kind == "user", AuditRow.actor_id == user_id
    )
    found["audit"] = [plain(dict(row)) for row in (await session.execute(acted)).mappings()]
    return {**found, **await rows_of_contact(session, company_id, [user_id])}


async def remove_rows_of_user(session: AsyncSession, company_id: str, user_id: str) -> dict[str, int]:
    """Delete what a user has made: chats, keys, sessions, consents. The account stays, and what others need stays."""
    messages = delete(ChatMessageRow).where(ChatMessageRow.chat_id.in_(_chats_of(user_id)))
    messages = messages.execution_options(**_THEIRS, synchronize_session=False)
    removed = {"chat_messages": await _delete(session, messages)}
    for table in _tables("owner_id", "user_id"):
        if table.name not in KEPT_WITH_THE_ACCOUNT:
            gone = delete(table).where(_user_column(table) == user_id).execution_options(**_THEIRS)
            removed[table.name] = await _delete(session, gone)
    return {**removed, **await remove_rows_of_contact(session, company_id, [user_id])}


def _tables(*columns: str) -> Iterator[Table]:
    """Iterate over the tables that have one of the columns, those that others refer to last."""
    for table in reversed(Base.metadata.sorted_tables):
        if "company_id" in table.c and any(column in table.c for column in columns):
            yield table


def _user_column(table: Table) -> Any:
    return table.c["owner_id"] if "owner_id" in table.c else table.c["user_id"]


def _chats_of(user_id: str) -> Any:
    return select(ChatRow.id).where(ChatRow.owner_id == user_id)


async def _delete(session: AsyncSession, statement: Any) -> int:
    done = await session.execute(statement.execution_options(unaudited="the erasure is noted as a whole"))
    return int(done.rowcount)  # type: ignore[attr-defined]  # a DELETE has one


async def _forget_answers(session: AsyncSession, company_id: str, contacts: Collection[str]) -> None:
    """Delete the kept answers of requests in which the number occurs: they are few, and kept for a day."""
    query = select(IdempotencyRow.id, IdempotencyRow.body).where(IdempotencyRow.company_id == company_id)
    spelled = [contact.encode() for contact in contacts if len(contact) >= _TELLING]
    naming = [row.id for row in await session.execute(query) if any(each in bytes(row.body) for each in spelled)]
    for row_id in naming:
        gone = delete(IdempotencyRow).where(IdempotencyRow.company_id == company_id, IdempotencyRow.id == row_id)
        await session.execute(gone)


async def _forget_details(session: AsyncSession, company_id: str, contacts: Collection[str]) -> None:
    """Erase the details of audit entries in which the number occurs; the chain holds without them."""
    for contact in filter(lambda each: len(each) >= _TELLING, contacts):
        await erase_details(session, company_id, contact)
