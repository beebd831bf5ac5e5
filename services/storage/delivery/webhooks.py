"""The webhooks of each company, with their secrets in the vault."""

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.clock import Clock, LoopClock
from services.errors import ConflictError, NotFoundError, StaleError
from services.storage import cursor as cursors
from services.storage.audit.hook import note_in
from services.storage.columns import new_id
from services.storage.database import Database
from services.storage.delivery.announcing import PING, WEBHOOK, webhook_message
from services.storage.delivery.outbox import WAITING, put_in
from services.storage.delivery.tables import OutboxRow, WebhookArrivalRow, WebhookRow
from services.storage.isolation import every_company

OLD_SECRET = timedelta(hours=24)
MOST = 100
"""Webhooks of a company."""

PAGE_LIMIT = 200


class Vault(Protocol):
    """Where secrets lie (services.storage.vault.secrets.Secrets)."""

    async def put(self, company_id: str, name: str, value: str, *, session: AsyncSession | None = None) -> None:
        """Store a secret in place of the one of this name."""
        ...

    async def get(self, company_id: str, name: str) -> str | None:
        """Return a secret, None when there is none."""
        ...

    async def remove(self, company_id: str, name: str, *, session: AsyncSession | None = None) -> bool:
        """Delete a secret."""
        ...


@dataclass(frozen=True, slots=True)
class WebhookRecord:
    """A stored webhook, see services.storage.delivery.tables.WebhookRow."""

    id: str
    company_id: str
    direction: str
    service: str
    url: str
    events: Sequence[str]
    description: str
    active: bool
    switched_off: str
    old_secret_until: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


_FIELDS = tuple(each.name for each in fields(WebhookRecord))
EDITABLE = frozenset({"url", "events", "description", "active"})


class Webhooks:
    """All methods raise StorageError."""

    def __init__(self, database: Database, vault: Vault, clock: Clock | None = None) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock or LoopClock()

    async def add(
        self,
        company_id: str,
        secret: str,
        *,
        direction: str,
        service: str = "",
        url: str = "",
        events: Sequence[str] = (),
        description: str = "",
        active: bool = True,
    ) -> WebhookRecord:
        """Store a new webhook with its secret. Raises ConflictError when the company has 100."""
        now = self._clock.now()
        async with self._database.write() as session:
            there = await session.scalars(select(WebhookRow.id).where(WebhookRow.company_id == company_id).limit(MOST))
            if len(there.all()) >= MOST:
                raise ConflictError(f"A company has {MOST} webhooks at most.", "Delete one that is not needed.")
            row = WebhookRow(
                id=new_id(),
                company_id=company_id,
                direction=direction,
                service=service,
                url=url,
                events=list(events),
                description=description,
                active=active,
                switched_off="",
                old_secret_until=None,
                version=1,
                created_at=now,
                updated_at=now,
            )
            session.add(row)
            await self._vault.put(company_id, _name(row.id), secret, session=session)
            await session.flush()
            return _record(row)

    async def list(
        self, company_id: str, limit: int = 50, cursor: str | None = None, *, direction: str = ""
    ) -> tuple[builtins.list[WebhookRecord], str | None]:
        """Return (webhooks, next cursor), newest first; "" is both directions."""
        limit = min(max(limit, 1), PAGE_LIMIT)
        query = select(WebhookRow).where(WebhookRow.company_id == company_id)
        if direction:
            query = query.where(WebhookRow.direction == direction)
        if cursor:
            query = query.where(tuple_(WebhookRow.created_at, WebhookRow.id) < tuple_(*cursors.decode(cursor)))
        query = query.order_by(WebhookRow.created_at.desc(), WebhookRow.id.desc()).limit(limit + 1)
        async with self._database.read() as session:
            found = [_record(row) for row in await session.scalars(query)]
        if len(found) <= limit:
            return found, None
        return found[:limit], cursors.encode(found[limit - 1].created_at, found[limit - 1].id)

    async def get(self, company_id: str, webhook_id: str) -> WebhookRecord:
        """Return one. Raises NotFoundError."""
        async with self._database.read() as session:
            return _record(await _require(session, company_id, webhook_id))

    async def incoming(self, service: str, webhook_id: str) -> WebhookRecord | None:
        """Return the active incoming webhook of a path, of whatever company: the path is how the company is found."""
        query = (
            select(WebhookRow)
            .where(
                WebhookRow.id == webhook_id,
                WebhookRow.service == service,
                WebhookRow.direction == "in",
                WebhookRow.active.is_(True),
            )
            .execution_options(**every_company("the path of a webhook is how its company is found"))
        )
        async with self._database.read() as session:
            row = await session.scalar(query)
            return None if row is None else _record(row)

    async def edit(
        self, company_id: str, webhook_id: str, changes: Mapping[str, Any], expected: int | None = None
    ) -> WebhookRecord:
        """Change some of url, events, description, active. Raises NotFoundError, StaleError."""
        if not changes.keys() <= EDITABLE:
            raise ValueError("not all of this can be edited")
        async with self._database.write() as session:
            row = await _require(session, company_id, webhook_id, expected)
            for name, value in changes.items():
                setattr(row, name, list(value) if name == "events" else value)
            if changes.get("active"):
                row.switched_off = ""
            self._touch(row)
            await session.flush()
            return _record(row)

    async def switch_off(self, company_id: str, webhook_id: str, why: str) -> None:
        """Switch a webhook off because its receiver wants no more; nothing happens when it is gone."""
        async with self._database.write() as session:
            query = select(WebhookRow).where(WebhookRow.company_id == company_id, WebhookRow.id == webhook_id)
            row = await session.scalar(query)
            if row is not None and row.active:
                row.active, row.switched_off = False, why
                self._touch(row)

    async def rotate(self, company_id: str, webhook_id: str, secret: str, expected: int | None = None) -> WebhookRecord:
        """Replace the secret; the one before stays good for 24 hours. Raises NotFoundError, StaleError."""
        before = await self._vault.get(company_id, _name(webhook_id))
        async with self._database.write() as session:
            row = await _require(session, company_id, webhook_id, expected)
            if before is not None:
                await self._vault.put(company_id, _old(webhook_id), before, session=session)
                row.old_secret_until = self._clock.now() + OLD_SECRET
            await self._vault.put(company_id, _name(webhook_id), secret, session=session)
            self._touch(row)
            await session.flush()
            return _record(row)

    async def secrets(self, webhook: WebhookRecord) -> builtins.list[str]:
        """Return what a webhook is signed with: its secret and, for a day after a change, the one before."""
        names = [_name(webhook.id)]
        if webhook.old_secret_until is not None and webhook.old_secret_until > self._clock.now():
            names.append(_old(webhook.id))
        found = [await self._vault.get(webhook.company_id, name) for name in names]
        return [secret for secret in found if secret]

    async def ping(self, company_id: str, webhook_id: str) -> str:
        """Put a test into the outbox; return its id there. Raises NotFoundError, ConflictError (an incoming one)."""
        now = self._clock.now()
        async with self._database.write() as session:
            row = await _require(session, company_id, webhook_id)
            if row.direction != "out":
                raise ConflictError("Only a webhook that goes out can be tested.")
            if not row.active:
                raise ConflictError("The webhook is switched off.", "Switch it on first.")
            message = webhook_message(webhook_id, PING, {"webhook_id": webhook_id}, new_id(), now)
            await session.run_sync(put_in, company_id, [message], now)
            note_in(session.sync_session, "test", "webhooks", webhook_id, company_id=company_id)
        return message.id

    async def remove(self, company_id: str, webhook_id: str) -> None:
        """Delete a webhook, what waits to be sent to it, what came in by it and its secrets. Raises NotFoundError."""
        async with self._database.write() as session:
            row = await _require(session, company_id, webhook_id)
            arrivals = delete(WebhookArrivalRow).where(
                WebhookArrivalRow.company_id == company_id, WebhookArrivalRow.webhook_id == webhook_id
            )
            await session.execute(arrivals)
            waiting = delete(OutboxRow).where(
                OutboxRow.company_id == company_id,
                OutboxRow.kind.in_((WEBHOOK, "arrival")),
                OutboxRow.target == webhook_id,
                OutboxRow.status == WAITING,
            )
            await session.execute(waiting)
            await session.delete(row)
            for name in (_name(webhook_id), _old(webhook_id)):
                await self._vault.remove(company_id, name, session=session)

    def _touch(self, row: WebhookRow) -> None:
        row.version, row.updated_at = row.version + 1, self._clock.now()


async def _require(session: AsyncSession, company_id: str, webhook_id: str, expected: int | None = None) -> WebhookRow:
    query = select(WebhookRow).where(WebhookRow.company_id == company_id, WebhookRow.id == webhook_id)
    row: WebhookRow | None = await session.scalar(query)
    if row is None:
        raise NotFoundError("There is no such webhook.")
    if expected is not None and row.version != expected:
        raise StaleError("Somebody has changed this webhook.", "Read it again and repeat the change.")
    return row


def _record(row: WebhookRow) -> WebhookRecord:
    return WebhookRecord(**{name: getattr(row, name) for name in _FIELDS})


def _name(webhook_id: str) -> str:
    return f"webhook:{webhook_id}"


def _old(webhook_id: str) -> str:
    return f"webhook:{webhook_id}:old"
