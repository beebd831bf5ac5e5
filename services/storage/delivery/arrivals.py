"""What other programs have sent in: stored once, by the sender's own id, and handled afterwards."""

import builtins
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from services.clock import Clock, LoopClock
from services.storage import cursor as cursors
from services.storage.columns import new_id
from services.storage.database import Database
from services.storage.delivery.outbox import NewMessage, put_in
from services.storage.delivery.tables import WebhookArrivalRow
from services.storage.isolation import every_company

ARRIVAL = "arrival"
"""The kind of the outbox message that has an arrival handled."""

PAGE_LIMIT = 200


@dataclass(frozen=True, slots=True)
class ArrivalRecord:
    """A stored arrival; `status` is arrived, handled or refused, `error` why."""

    id: str
    company_id: str
    webhook_id: str
    delivery_id: str
    type: str
    payload: Mapping[str, Any]
    contact: str
    status: str
    error: str
    received_at: datetime
    handled_at: datetime | None


_FIELDS = tuple(each.name for each in fields(ArrivalRecord))


class Arrivals:
    """All methods raise StorageError."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or LoopClock()

    async def add(
        self, company_id: str, webhook_id: str, delivery_id: str, kind: str, payload: Mapping[str, Any]
    ) -> bool:
        """Store an arrival and put its handling into the outbox; False when it came before. On the disk afterwards."""
        now, arrival_id = self._clock.now(), new_id()

        def add_once(session: Session) -> bool:
            insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
            statement = insert(WebhookArrivalRow).values(
                id=arrival_id,
                company_id=company_id,
                webhook_id=webhook_id,
                delivery_id=delivery_id,
                type=kind,
                payload=dict(payload),
                contact="",
                status="arrived",
                error="",
                received_at=now,
            )
            once = statement.on_conflict_do_nothing(index_elements=["webhook_id", "delivery_id"])
            added = session.execute(once.returning(WebhookArrivalRow.id)).first() is not None
            if added:
                message = NewMessage(ARRIVAL, arrival_id, {"arrival": arrival_id}, target=webhook_id)
                put_in(session, company_id, [message], now)
            return added

        return await self._database.write_together(add_once, what=f"what came in by webhook {webhook_id}")

    async def get(self, company_id: str, arrival_id: str) -> ArrivalRecord | None:
        """Return one, None when there is none."""
        query = select(WebhookArrivalRow).where(
            WebhookArrivalRow.company_id == company_id, WebhookArrivalRow.id == arrival_id
        )
        async with self._database.read() as session:
            row = await session.scalar(query)
            return None if row is None else _record(row)

    async def settle(self, company_id: str, arrival_id: str, *, refused: str = "", contact: str = "") -> None:
        """Note that an arrival was handled, or why it was `refused`, and which number it was about."""
        query = select(WebhookArrivalRow).where(
            WebhookArrivalRow.company_id == company_id, WebhookArrivalRow.id == arrival_id
        )
        async with self._database.write() as session:
            row = await session.scalar(query)
            if row is not None:
                row.status, row.error, row.contact = "refused" if refused else "handled", refused, contact
                row.handled_at = self._clock.now()

    async def list(
        self, company_id: str, webhook_id: str, limit: int = 50, cursor: str | None = None
    ) -> tuple[builtins.list[ArrivalRecord], str | None]:
        """Return (arrivals, next cursor) of a webhook, newest first."""
        limit = min(max(limit, 1), PAGE_LIMIT)
        table = WebhookArrivalRow
        query = select(table).where(table.company_id == company_id, table.webhook_id == webhook_id)
        if cursor:
            query = query.where(tuple_(table.received_at, table.id) < tuple_(*cursors.decode(cursor)))
        query = query.order_by(table.received_at.desc(), table.id.desc()).limit(limit + 1)
        async with self._database.read() as session:
            found = [_record(row) for row in await session.scalars(query)]
        if len(found) <= limit:
            return found, None
        return found[:limit], cursors.encode(found[limit - 1].received_at, found[limit - 1].id)

    async def sweep(self, before: datetime, batch: int) -> int:
        """Delete some arrivals of all companies that were handled before then, return how many."""
        query = select(WebhookArrivalRow.id).where(
            WebhookArrivalRow.status != "arrived", WebhookArrivalRow.received_at < before
        )
        of_all = every_company("what was kept long enough goes, whoever's it is")
        old = delete(WebhookArrivalRow)
        async with self._database.write() as session:
            ids = list(await session.scalars(query.limit(batch), execution_options=of_all))
            await session.execute(old.where(WebhookArrivalRow.id.in_(ids)), execution_options=of_all)
        return len(ids)


def _record(row: WebhookArrivalRow) -> ArrivalRecord:
    return ArrivalRecord(**{name: getattr(row, name) for name in _FIELDS})
