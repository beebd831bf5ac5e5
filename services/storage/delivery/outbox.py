"""The outbox: what is to leave the house is written in the transaction of what causes it, and sent afterwards."""

import builtins
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, event, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from services.clock import Clock, LoopClock
from services.errors import ConflictError, NotFoundError
from services.storage import cursor as cursors
from services.storage.audit.hook import note_in
from services.storage.columns import new_id
from services.storage.database import Database
from services.storage.delivery.bell import Bell
from services.storage.delivery.tables import OutboxRow
from services.storage.isolation import every_company

WAITING = "waiting"
DELIVERED = "delivered"
DEAD = "dead"
KEEP_TRYING = timedelta(days=3)
PAGE_LIMIT = 200
_BELL = "outbox bell"


@dataclass(frozen=True, slots=True)
class NewMessage:
    """Something to send: `kind` names the deliverer, `key` makes it one of a kind within the company.

    `target` is whom it goes to, as far as one receiver's trouble is no other's; with `ordered` it waits for those
    before it to the same target. `contact` is the number it is about: erasing a contact deletes it.
    """

    kind: str
    key: str
    payload: Mapping[str, Any]
    target: str = ""
    ordered: bool = False
    contact: str = ""
    keep_trying: timedelta = KEEP_TRYING
    id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class OutboxRecord:
    """A row of the outbox; `status` is waiting, delivered or dead, `attempts` how often it was tried."""

    id: str
    company_id: str
    kind: str
    key: str
    target: str
    contact: str
    payload: Mapping[str, Any]
    status: str
    attempts: int
    next_at: datetime
    expires_at: datetime
    last_error: str
    receipt: Mapping[str, Any]
    created_at: datetime
    finished_at: datetime | None


_FIELDS = tuple(each.name for each in fields(OutboxRecord))


def outbox_record(row: OutboxRow) -> OutboxRecord:
    """Return the record of a row."""
    return OutboxRecord(**{name: getattr(row, name) for name in _FIELDS})


def put_in(session: Session, company_id: str, messages: Sequence[NewMessage], now: datetime) -> None:
    """Store what is to be sent, in the transaction of `session`; a key that is there already changes nothing.

    With an AsyncSession: `await session.run_sync(put_in, company_id, messages, now)`. The sender of this process is
    woken when the transaction commits.
    """
    if not messages:
        return
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    rows = [_values(company_id, message, now) for message in messages]
    statement = insert(OutboxRow).values(rows)
    session.execute(statement.on_conflict_do_nothing(index_elements=["company_id", "kind", "key"]))
    bell: Bell | None = session.info.get(_BELL)
    if bell is not None:
        event.listen(session, "after_commit", lambda _session: bell.ring(), once=True)


def _values(company_id: str, message: NewMessage, now: datetime) -> dict[str, Any]:
    return {
        "id": message.id,
        "company_id": company_id,
        "kind": message.kind,
        "key": message.key,
        "target": message.target,
        "ordered": message.ordered,
        "place": _places.next(now),
        "contact": message.contact,
        "payload": _encodable(message.payload),
        "status": WAITING,
        "attempts": 0,
        "next_at": now,
        "expires_at": now + message.keep_trying,
        "lease_by": "",
        "last_error": "",
        "receipt": {},
        "created_at": now,
    }


def _encodable(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the payload as it can be sent: a lone surrogate, of half a character, becomes "?"."""
    text = json.dumps(payload, ensure_ascii=False)
    sent: dict[str, Any] = json.loads(text.encode("utf-8", "replace"))
    return sent


class _Places:
    """Numbers that grow from row to row in this process, and with time across processes (microseconds since 1970)."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()  # the group writer of SQLite has a thread of its own

    def next(self, now: datetime) -> int:
        with self._lock:
            self._last = max(self._last + 1, int(now.timestamp() * 1_000_000))
            return self._last


_places = _Places()


class OutboxBook:
    """The outbox as people see it; the sender's side is services.storage.delivery.outbox_queue."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()
        self.bell = Bell()
        database.session_info[_BELL] = self.bell

    async def put_in(self, company_id: str, *messages: NewMessage) -> None:
        """Store what is to be sent and is caused by nothing that is stored. Raises StorageError."""
        async with self._database.write() as session:
            await session.run_sync(put_in, company_id, messages, self._clock.now())

    async def list(
        self,
        company_id: str,
        limit: int = 50,
        cursor: str | None = None,
        *,
        status: str = "",
        kind: str = "",
        target: str = "",
    ) -> tuple[builtins.list[OutboxRecord], str | None]:
        """Return (rows, next cursor), newest first; "" is any."""
        limit = min(max(limit, 1), PAGE_LIMIT)
        query = select(OutboxRow).where(OutboxRow.company_id == company_id)
        for column, value in ((OutboxRow.status, status), (OutboxRow.kind, kind), (OutboxRow.target, target)):
            if value:
                query = query.where(column == value)
        if cursor:
            query = query.where(tuple_(OutboxRow.created_at, OutboxRow.id) < tuple_(*cursors.decode(cursor)))
        query = query.order_by(OutboxRow.created_at.desc(), OutboxRow.id.desc()).limit(limit + 1)
        async with self._database.read() as session:
            found = [outbox_record(row) for row in await session.scalars(query)]
        if len(found) <= limit:
            return found, None
        return found[:limit], cursors.encode(found[limit - 1].created_at, found[limit - 1].id)

    async def get(self, company_id: str, message_id: str) -> OutboxRecord:
        """Return one row. Raises NotFoundError."""
        async with self._database.read() as session:
            return outbox_record(await _require(session, company_id, message_id))

    async def retry(self, company_id: str, message_id: str) -> OutboxRecord:
        """Begin anew with a dead message, or try a waiting one now. Raises NotFoundError, ConflictError (delivered)."""
        now = self._clock.now()
        async with self._database.write() as session:
            row = await _require(session, company_id, message_id)
            if row.status == DELIVERED:
                raise ConflictError("This message was delivered.")
            row.expires_at = now + max(row.expires_at - row.created_at, timedelta(hours=1))
            row.attempts = 0 if row.status == DEAD else row.attempts
            row.status, row.next_at, row.finished_at = WAITING, now, None
            note_in(session.sync_session, "retry", "outbox", message_id, company_id=company_id)
        self.bell.ring()
        return outbox_record(row)

    async def drop(self, company_id: str, message_id: str) -> None:
        """Delete a message, sent or not. Raises NotFoundError."""
        async with self._database.write() as session:
            await session.delete(await _require(session, company_id, message_id))
            note_in(session.sync_session, "drop", "outbox", message_id, company_id=company_id)

    async def sweep(self, before: datetime, batch: int) -> int:
        """Delete some messages of all companies that were finished before then, return how many."""
        oldest = (
            select(OutboxRow.id)
            .where(OutboxRow.status.in_((DELIVERED, DEAD)), OutboxRow.finished_at < before)
            .limit(batch)
        )
        of_all = every_company("what was kept long enough goes, whoever's it is")
        async with self._database.write() as session:
            ids = list(await session.scalars(oldest, execution_options=of_all))
            await session.execute(delete(OutboxRow).where(OutboxRow.id.in_(ids)), execution_options=of_all)
        return len(ids)


async def _require(session: AsyncSession, company_id: str, message_id: str) -> OutboxRow:
    query = select(OutboxRow).where(OutboxRow.company_id == company_id, OutboxRow.id == message_id)
    row: OutboxRow | None = await session.scalar(query)
    if row is None:
        raise NotFoundError("There is no such message in the outbox.")
    return row
